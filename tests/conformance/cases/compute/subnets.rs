//! Subnets.

use aws_sdk_ec2::types::AttributeBooleanValue;
use conformance::{aws, code, controlled};

use crate::support::{client, filter, launched, subnet, subnet_in, sweep, terminated, vpc, zone_name};

/// <https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html>
#[tokio::test]
async fn subnets_of_one_network_do_not_overlap() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    subnet(&ec2, &vpc_id, "10.0.1.0/24").await;

    for block in ["10.0.1.0/24", "10.0.1.128/25", "10.0.0.0/16", "10.0.0.0/20"] {
        let refused = ec2.create_subnet().vpc_id(&vpc_id).cidr_block(block).send().await;
        assert_eq!(code(refused), "InvalidSubnet.Conflict", "{block}");
    }
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html>
#[tokio::test]
async fn a_subnet_lies_inside_its_network() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;

    for block in ["10.1.0.0/24", "192.168.0.0/24", "10.0.2.0/29"] {
        let refused = ec2.create_subnet().vpc_id(&vpc_id).cidr_block(block).send().await;
        assert_eq!(code(refused), "InvalidSubnet.Range", "{block}");
    }
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSubnet.html>
#[tokio::test]
async fn a_subnet_is_in_a_zone_of_its_region() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let elsewhere = ec2.create_subnet().vpc_id(&vpc_id).cidr_block("10.0.1.0/24");

    let refused = elsewhere.availability_zone("ap-southeast-2z").send().await;

    assert_eq!(code(refused), "InvalidParameterValue");
    sweep(&ec2, &vpc_id).await;
}

/// The first four addresses and the last are AWS's.
/// <https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html>
#[tokio::test]
async fn five_addresses_of_a_subnet_are_kept_by_aws() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;

    let made = ec2
        .create_subnet()
        .vpc_id(&vpc_id)
        .cidr_block("10.0.1.0/28")
        .send()
        .await;

    let made = made.expect("a subnet").subnet.expect("a subnet");
    assert_eq!(made.available_ip_address_count(), Some(11));
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSubnet.html>
#[tokio::test]
async fn a_subnet_in_use_is_not_deleted() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let subnet_id = subnet(&ec2, &vpc_id, "10.0.1.0/24").await;
    let instance_id = launched(&ec2, &subnet_id).await;

    let refused = ec2.delete_subnet().subnet_id(&subnet_id).send().await;

    assert_eq!(code(refused), "DependencyViolation");
    terminated(&ec2, &instance_id).await;
    ec2.delete_subnet()
        .subnet_id(&subnet_id)
        .send()
        .await
        .expect("it is empty");
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifySubnetAttribute.html>
#[tokio::test]
async fn a_subnet_that_maps_public_addresses_gives_them_to_new_instances() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let subnet_id = subnet(&ec2, &vpc_id, "10.0.1.0/24").await;
    crate::support::gateway(&ec2, &vpc_id).await;
    let yes = AttributeBooleanValue::builder().value(true).build();

    let before = crate::support::running(&ec2, &subnet_id).await;
    let modify = ec2.modify_subnet_attribute().subnet_id(&subnet_id);
    modify.map_public_ip_on_launch(yes).send().await.expect("set");
    let after = crate::support::running(&ec2, &subnet_id).await;

    assert_eq!(
        crate::support::instance(&ec2, &before).await.public_ip_address(),
        None
    );
    assert!(
        crate::support::instance(&ec2, &after)
            .await
            .public_ip_address()
            .is_some()
    );
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
#[tokio::test]
async fn a_subnet_of_an_unknown_network_is_refused() {
    let aws = aws().await;
    let ec2 = client(&aws);

    let create = ec2
        .create_subnet()
        .vpc_id("vpc-00000000000000000")
        .cidr_block("10.0.1.0/24");

    assert_eq!(code(create.send().await), "InvalidVpcID.NotFound");
    let delete = ec2.delete_subnet().subnet_id("subnet-00000000000000000");
    assert_eq!(code(delete.send().await), "InvalidSubnetID.NotFound");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSubnets.html>
#[tokio::test]
async fn subnets_are_found_by_zone_and_block() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    subnet_in(&ec2, &vpc_id, "10.0.1.0/24", 0).await;
    let other = subnet_in(&ec2, &vpc_id, "10.0.2.0/26", 1).await;
    let by = |name: &'static str, value: String| {
        let filters = ec2.describe_subnets().filters(filter("vpc-id", &vpc_id));
        filters.filters(filter(name, &value)).send()
    };

    let zone = zone_name(&ec2, 1).await;
    for (name, value) in [
        ("availability-zone", zone),
        ("cidr-block", "10.0.2.0/26".to_owned()),
    ] {
        let found = by(name, value).await.expect("subnets");
        let ids: Vec<_> = found
            .subnets()
            .iter()
            .filter_map(|subnet| subnet.subnet_id())
            .collect();
        assert_eq!(ids, [other.as_str()], "{name}");
    }
    sweep(&ec2, &vpc_id).await;
}

/// "Insufficient free addresses". <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
#[tokio::test]
async fn a_full_subnet_takes_no_more_instances() {
    let Some(aws) = controlled().await else { return };
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let subnet_id = subnet(&ec2, &vpc_id, "10.0.1.0/28").await;
    let launch = crate::support::launch(&ec2, &subnet_id).await;
    let place = (aws.vendor().id.as_str(), aws.region());
    assert!(
        aws.control().set_quota(place, "L-1216C47A", 64),
        "cores are not what is short here"
    );

    let eleven = launch.clone().min_count(11).max_count(11);
    eleven.send().await.expect("all of its addresses");

    assert_eq!(code(launch.send().await), "InsufficientFreeAddressesInSubnet");
}
