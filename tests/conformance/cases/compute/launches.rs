//! Launches: what is chosen, what is refused.

use aws_sdk_ec2::types::{
    BlockDeviceMapping, EbsBlockDevice, HttpTokensState, InstanceMetadataOptionsRequest,
    InstanceNetworkInterfaceSpecification, Placement, ResourceType, VolumeType,
};
use conformance::{aws, code, controlled};

use crate::support::{
    client, filter, group, image, instance, launch, subnet, subnet_in, sweep, tags, vpc, zone_name,
};

fn root(disk: EbsBlockDevice) -> BlockDeviceMapping {
    BlockDeviceMapping::builder()
        .device_name("/dev/xvda")
        .ebs(disk)
        .build()
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html>
#[tokio::test]
async fn what_was_chosen_at_launch_is_described() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let subnet_id = subnet(&ec2, &vpc_id, "10.0.1.0/24").await;
    let metadata = InstanceMetadataOptionsRequest::builder()
        .http_tokens(HttpTokensState::Required)
        .http_put_response_hop_limit(1)
        .build();
    let disk = EbsBlockDevice::builder()
        .encrypted(true)
        .volume_size(40)
        .volume_type(VolumeType::Gp3);
    let launch = launch(&ec2, &subnet_id)
        .await
        .private_ip_address("10.0.1.77")
        .metadata_options(metadata);
    let launch = launch
        .block_device_mappings(root(disk.build()))
        .user_data("aGVsbG8=");
    let launch = launch.tag_specifications(tags(ResourceType::Instance, &[("on", "instance")]));
    let made = launch
        .tag_specifications(tags(ResourceType::Volume, &[("on", "volume")]))
        .send()
        .await;

    let made = made.expect("an instance");
    let id = made.instances()[0].instance_id().expect("an id");
    let found = instance(&ec2, id).await;
    assert_eq!(found.private_ip_address(), Some("10.0.1.77"));
    let options = found.metadata_options().expect("options");
    assert_eq!(
        (options.http_tokens(), options.http_put_response_hop_limit()),
        (Some(&HttpTokensState::Required), Some(1))
    );
    assert_eq!(found.tags()[0].value(), Some("instance"));
    let volumes = ec2
        .describe_volumes()
        .filters(filter("attachment.instance-id", id))
        .send()
        .await
        .expect("volumes");
    let volume = &volumes.volumes()[0];
    assert_eq!((volume.encrypted(), volume.size()), (Some(true), Some(40)));
    assert_eq!(volume.tags()[0].value(), Some("volume"));
    let data = ec2
        .describe_instance_attribute()
        .instance_id(id)
        .attribute("userData".into())
        .send()
        .await;
    let data = data.expect("user data").user_data.and_then(|data| data.value);
    assert_eq!(data.as_deref(), Some("aGVsbG8="));
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
#[tokio::test]
async fn launches_of_unknown_things_are_refused() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let launch = launch(&ec2, &subnet(&ec2, &vpc_id, "10.0.1.0/24").await).await;

    let refused = launch.clone().image_id("ami-00000000000000000").send().await;
    assert_eq!(code(refused), "InvalidAMIID.NotFound");
    let refused = launch.clone().image_id("image").send().await;
    assert_eq!(code(refused), "InvalidAMIID.Malformed");
    let refused = launch.clone().subnet_id("subnet-00000000000000000").send().await;
    assert_eq!(code(refused), "InvalidSubnetID.NotFound");
    let refused = launch
        .clone()
        .security_group_ids("sg-00000000000000000")
        .send()
        .await;
    assert_eq!(code(refused), "InvalidGroup.NotFound");
    let refused = launch.clone().instance_type("t3.giant".into()).send().await;
    assert_eq!(code(refused), "InvalidParameterValue");
    let refused = launch.clone().key_name("nobody").send().await;
    assert_eq!(code(refused), "InvalidKeyPair.NotFound");
    sweep(&ec2, &vpc_id).await;
}

/// A refused launch leaves nothing. <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html>
#[tokio::test]
async fn a_refused_launch_leaves_nothing() {
    let Some(aws) = controlled().await else { return };
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let launch = launch(&ec2, &subnet(&ec2, &vpc_id, "10.0.1.0/28").await).await;

    let refused = launch.min_count(12).max_count(12).send().await;

    assert_eq!(code(refused), "InsufficientFreeAddressesInSubnet");
    let left = aws.control().inventory_of(&aws.vendor().id);
    let kinds: Vec<_> = left.iter().map(|item| item.kind.as_str()).collect();
    assert_eq!(kinds, ["ec2:subnet", "ec2:vpc"]);
}

/// The type and the image are of one architecture.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-types.html>
#[tokio::test]
async fn a_type_of_another_architecture_is_refused() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let launch = launch(&ec2, &subnet(&ec2, &vpc_id, "10.0.1.0/24").await).await;

    let refused = launch.instance_type("t4g.small".into()).send().await;

    assert_eq!(code(refused), "InvalidParameterValue");
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html>
#[tokio::test]
async fn user_data_is_base64_of_at_most_16_kilobytes() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let launch = launch(&ec2, &subnet(&ec2, &vpc_id, "10.0.1.0/24").await).await;

    let refused = launch.clone().user_data("not base64!").send().await;
    assert_eq!(code(refused), "InvalidUserData.Malformed");
    let refused = launch.user_data("AAAA".repeat(5_462)).send().await;
    assert_eq!(code(refused), "InvalidParameterValue", "16,386 bytes");
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
#[tokio::test]
async fn a_private_address_is_free_and_of_the_subnet() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let launch = launch(&ec2, &subnet(&ec2, &vpc_id, "10.0.1.0/24").await).await;
    let at = |address: &str| launch.clone().private_ip_address(address).send();

    at("10.0.1.77").await.expect("an instance");
    assert_eq!(code(at("10.0.1.77").await), "InvalidIPAddress.InUse");
    assert_eq!(code(at("10.0.2.7").await), "InvalidParameterValue");
    assert_eq!(code(at("10.0.1.1").await), "InvalidParameterValue", "AWS's own");
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html>
#[tokio::test]
async fn counts_begin_at_one_and_the_most_is_not_below_the_least() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let launch = launch(&ec2, &subnet(&ec2, &vpc_id, "10.0.1.0/24").await).await;

    for (least, most) in [(0, 1), (2, 1)] {
        let refused = launch.clone().min_count(least).max_count(most).send().await;
        assert_eq!(code(refused), "InvalidParameterValue", "{least} to {most}");
    }
    let made = launch
        .min_count(2)
        .max_count(2)
        .send()
        .await
        .expect("two instances");
    let mut indexes: Vec<_> = made
        .instances()
        .iter()
        .filter_map(aws_sdk_ec2::types::Instance::ami_launch_index)
        .collect();
    indexes.sort_unstable();
    assert_eq!(indexes, [0, 1]);
    sweep(&ec2, &vpc_id).await;
}

/// Groups and subnet are of one network. <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
#[tokio::test]
async fn a_group_of_another_network_is_refused() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let (one, two) = (vpc(&ec2, "10.0.0.0/16").await, vpc(&ec2, "10.1.0.0/16").await);
    let foreign = group(&ec2, &two, "web").await;
    let launch = launch(&ec2, &subnet(&ec2, &one, "10.0.1.0/24").await).await;

    let refused = launch.security_group_ids(foreign).send().await;

    assert_eq!(code(refused), "InvalidParameter");
    sweep(&ec2, &one).await;
    sweep(&ec2, &two).await;
}

/// A placement and a subnet name one zone. <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html>
#[tokio::test]
async fn a_placement_in_another_zone_than_the_subnets_is_refused() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let launch = launch(&ec2, &subnet_in(&ec2, &vpc_id, "10.0.1.0/24", 0).await).await;
    let elsewhere = Placement::builder()
        .availability_zone(zone_name(&ec2, 1).await)
        .build();

    let refused = launch.placement(elsewhere).send().await;

    assert_eq!(code(refused), "InvalidParameterValue");
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html>
#[tokio::test]
async fn an_interface_specification_excludes_a_subnet_beside_it() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let subnet_id = subnet(&ec2, &vpc_id, "10.0.1.0/24").await;
    let interface = InstanceNetworkInterfaceSpecification::builder()
        .device_index(0)
        .subnet_id(&subnet_id);

    let refused = launch(&ec2, &subnet_id)
        .await
        .network_interfaces(interface.build())
        .send()
        .await;

    assert_eq!(code(refused), "InvalidParameterCombination");
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EbsBlockDevice.html>
#[tokio::test]
async fn a_root_volume_is_not_smaller_than_its_image() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let launch = launch(&ec2, &subnet(&ec2, &vpc_id, "10.0.1.0/24").await).await;
    let with = |disk: EbsBlockDevice| launch.clone().block_device_mappings(root(disk)).send();

    let small = EbsBlockDevice::builder().volume_size(1).build();
    assert_eq!(code(with(small).await), "InvalidBlockDeviceMapping");
    let keyed = EbsBlockDevice::builder().kms_key_id("alias/mine").build();
    assert_eq!(code(with(keyed).await), "InvalidParameterDependency");
    sweep(&ec2, &vpc_id).await;
}

/// Types with arm processors are not in every zone.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-discovery.html>
#[tokio::test]
async fn a_type_that_a_zone_does_not_offer_is_unsupported_there() {
    let Some(aws) = controlled().await else { return };
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let subnet_id = subnet_in(&ec2, &vpc_id, "10.0.1.0/24", 2).await;
    let launch = launch(&ec2, &subnet_id)
        .await
        .image_id(image(&ec2, "arm64").await);

    let refused = launch.instance_type("m7g.large".into()).send().await;

    assert_eq!(code(refused), "Unsupported");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-on-demand-instances.html>
#[tokio::test]
async fn running_cores_above_the_quota_are_refused_at_launch_and_at_start() {
    let Some(aws) = controlled().await else { return };
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let subnet_id = subnet(&ec2, &vpc_id, "10.0.0.0/20").await;
    let stopped_id = crate::support::running(&ec2, &subnet_id).await;
    crate::support::stopped(&ec2, &stopped_id).await;
    let launch = launch(&ec2, &subnet_id).await.instance_type("m6i.2xlarge".into());

    let place = (aws.vendor().id.as_str(), aws.region());
    assert!(aws.control().set_quota(place, "L-1216C47A", 16));

    for _ in 0..2 {
        launch.clone().send().await.expect("eight cores");
    }
    assert_eq!(code(launch.send().await), "VcpuLimitExceeded");
    let start = ec2.start_instances().instance_ids(&stopped_id).send().await;
    assert_eq!(code(start), "VcpuLimitExceeded");
    assert!(aws.control().set_quota(place, "L-1216C47A", 18));
    let start = ec2.start_instances().instance_ids(&stopped_id).send().await;
    start.expect("the quota was raised");
}
