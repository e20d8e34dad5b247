//! What AWS offers: regions, zones, types, quotas of the account.

use aws_sdk_ec2::types::{AccountAttributeName, LocationType};
use conformance::{aws, code, controlled};

use crate::support::{client, filter};

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRegions.html>
#[tokio::test]
async fn regions_say_whether_they_need_opting_in() {
    let aws = aws().await;
    let ec2 = client(&aws);

    let all = ec2
        .describe_regions()
        .all_regions(true)
        .send()
        .await
        .expect("regions");

    let status = |name: &str| {
        let region = all
            .regions()
            .iter()
            .find(|region| region.region_name() == Some(name));
        region
            .and_then(|region| region.opt_in_status())
            .map(str::to_owned)
    };
    assert_eq!(status("us-east-1"), Some("opt-in-not-required".into()));
    assert!(status("af-south-1").is_some());
    let unknown = ec2.describe_regions().region_names("mars-north-1").send().await;
    assert_eq!(code(unknown), "InvalidParameterValue");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-regions-availability-zones.html>
#[tokio::test]
async fn a_region_that_is_not_opted_into_knows_no_keys() {
    let Some(aws) = controlled().await else { return };
    let closed = aws_sdk_ec2::Client::new(&aws.vendor().in_region("af-south-1"));

    assert_eq!(code(closed.describe_vpcs().send().await), "AuthFailure");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAvailabilityZones.html>
#[tokio::test]
async fn zones_have_names_and_ids_of_their_region() {
    let aws = aws().await;
    let ec2 = client(&aws);

    let found = ec2.describe_availability_zones().send().await.expect("zones");

    assert!(found.availability_zones().len() >= 3);
    for zone in found.availability_zones() {
        assert_eq!(zone.region_name(), Some(aws.region()));
        assert!(
            zone.zone_name()
                .is_some_and(|name| name.starts_with(aws.region()))
        );
        assert!(zone.zone_id().is_some_and(|id| id.contains("-az")));
    }
    let unknown = ec2
        .describe_availability_zones()
        .zone_names("mars-north-1a")
        .send()
        .await;
    assert_eq!(code(unknown), "InvalidParameterValue");
}

/// What an in-place change must compare.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceTypeInfo.html>
#[tokio::test]
async fn types_say_what_they_are_made_of() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let kinds = |kind: &str| ec2.describe_instance_types().instance_types(kind.into()).send();

    let found = kinds("m6i.large").await.expect("a type");
    let kind = &found.instance_types()[0];
    assert_eq!(
        kind.v_cpu_info()
            .and_then(aws_sdk_ec2::types::VCpuInfo::default_v_cpus),
        Some(2)
    );
    assert_eq!(
        kind.memory_info()
            .and_then(aws_sdk_ec2::types::MemoryInfo::size_in_mib),
        Some(8_192)
    );
    let processor = kind.processor_info().expect("a processor");
    assert_eq!(processor.supported_architectures()[0].as_str(), "x86_64");
    let network = kind
        .network_info()
        .and_then(|network| network.ena_support())
        .expect("an answer");
    assert_eq!(network.as_str(), "required");
    let disks = kind.ebs_info().expect("an answer");
    assert_eq!(
        disks
            .nvme_support()
            .map(aws_sdk_ec2::types::EbsNvmeSupport::as_str),
        Some("required")
    );
    assert!(
        disks
            .ebs_optimized_info()
            .and_then(aws_sdk_ec2::types::EbsOptimizedInfo::maximum_iops)
            .is_some_and(|iops| iops > 0)
    );
    assert_eq!(code(kinds("t3.giant").await), "InvalidInstanceType");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypeOfferings.html>
#[tokio::test]
async fn offerings_name_the_zones_of_a_type() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let offered = |kind: &str| {
        let offers = ec2
            .describe_instance_type_offerings()
            .location_type(LocationType::AvailabilityZone);
        offers.filters(filter("instance-type", kind)).send()
    };

    let everywhere = offered("t3.medium").await.expect("offers");
    assert_eq!(everywhere.instance_type_offerings().len(), 3);
    assert!(
        offered("t3.giant")
            .await
            .expect("offers")
            .instance_type_offerings()
            .is_empty()
    );
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAccountAttributes.html>
#[tokio::test]
async fn the_accounts_attributes_are_described() {
    let aws = aws().await;
    let ec2 = client(&aws);

    let one = ec2
        .describe_account_attributes()
        .attribute_names(AccountAttributeName::SupportedPlatforms);
    let one = one.send().await.expect("an attribute");

    assert_eq!(one.account_attributes().len(), 1);
    assert_eq!(
        one.account_attributes()[0].attribute_values()[0].attribute_value(),
        Some("VPC")
    );
    let unknown = ec2
        .describe_account_attributes()
        .attribute_names(AccountAttributeName::from("colour"));
    assert_eq!(code(unknown.send().await), "InvalidParameterValue");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html>
#[tokio::test]
async fn images_are_found_by_owner_and_architecture() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let count = async |architecture: &str, owner: &str| {
        let find = ec2
            .describe_images()
            .owners(owner)
            .filters(filter("architecture", architecture));
        let find = find
            .filters(filter("name", "al2023-ami-2023.*"))
            .filters(filter("state", "available"));
        find.send().await.expect("images").images().len()
    };

    assert!(count("arm64", "amazon").await > 0);
    assert!(count("x86_64", "amazon").await > 0);
    assert_eq!(count("x86_64", "self").await, 0);
}
