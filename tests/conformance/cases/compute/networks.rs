//! VPCs.

use aws_sdk_ec2::types::{AttributeBooleanValue, Tenancy};
use conformance::{aws, code, controlled};

use crate::support::{client, filter, group, subnet, sweep, table, vpc};

/// Blocks are from /16 to /28. <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpc.html>
#[tokio::test]
async fn a_network_larger_than_16_bits_or_smaller_than_28_is_refused() {
    let aws = aws().await;
    let ec2 = client(&aws);

    for block in ["10.0.0.0/15", "10.0.0.0/8", "10.0.0.0/29", "10.0.0.0/32"] {
        let refused = ec2.create_vpc().cidr_block(block).send().await;
        assert_eq!(code(refused), "InvalidVpc.Range", "{block}");
    }
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
#[tokio::test]
async fn a_text_that_is_no_block_is_no_network() {
    let aws = aws().await;
    let ec2 = client(&aws);

    for block in ["ten", "10.0.0.0", "10.0.0/16", "10.0.0.0/33", "300.0.0.0/16"] {
        let refused = ec2.create_vpc().cidr_block(block).send().await;
        assert_eq!(code(refused), "InvalidParameterValue", "{block}");
    }
}

/// A block with host bits is changed to its canonical form.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpc.html>
#[tokio::test]
async fn a_block_is_kept_in_its_canonical_form() {
    let aws = aws().await;
    let ec2 = client(&aws);

    let made = ec2
        .create_vpc()
        .cidr_block("100.68.0.18/18")
        .send()
        .await
        .expect("a network");
    let made = made.vpc.expect("a network");

    assert_eq!(made.cidr_block(), Some("100.68.0.0/18"));
    sweep(&ec2, made.vpc_id().expect("an id")).await;
}

/// Networks may have the same block: they do not see each other.
/// <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html>
#[tokio::test]
async fn two_networks_may_have_the_same_block() {
    let aws = aws().await;
    let ec2 = client(&aws);

    let (one, two) = (vpc(&ec2, "10.0.0.0/16").await, vpc(&ec2, "10.0.0.0/16").await);

    assert_ne!(
        one, two,
        "CreateVpc has no token: a repetition is a second network"
    );
    sweep(&ec2, &one).await;
    sweep(&ec2, &two).await;
}

/// A new network has a main route table and a default security group.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpc.html>
#[tokio::test]
async fn a_network_brings_a_main_table_and_a_default_group() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;

    let tables = ec2
        .describe_route_tables()
        .filters(filter("vpc-id", &vpc_id))
        .send()
        .await
        .expect("tables");
    let groups = ec2
        .describe_security_groups()
        .filters(filter("vpc-id", &vpc_id))
        .send()
        .await
        .expect("groups");

    assert_eq!(tables.route_tables().len(), 1);
    assert_eq!(tables.route_tables()[0].associations()[0].main(), Some(true));
    let local = &tables.route_tables()[0].routes()[0];
    assert_eq!(
        (local.gateway_id(), local.destination_cidr_block()),
        (Some("local"), Some("10.0.0.0/16"))
    );
    assert_eq!(groups.security_groups().len(), 1);
    assert_eq!(groups.security_groups()[0].group_name(), Some("default"));
    sweep(&ec2, &vpc_id).await;
}

/// DNS support is on at first, host names are not, and one call changes one of them.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcAttribute.html>
#[tokio::test]
async fn attributes_are_set_one_at_a_time() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let yes = || AttributeBooleanValue::builder().value(true).build();
    let hostnames = async || {
        let read = ec2
            .describe_vpc_attribute()
            .vpc_id(&vpc_id)
            .attribute("enableDnsHostnames".into());
        read.send()
            .await
            .expect("read")
            .enable_dns_hostnames
            .and_then(|value| value.value)
    };
    let support = ec2
        .describe_vpc_attribute()
        .vpc_id(&vpc_id)
        .attribute("enableDnsSupport".into());

    assert_eq!(
        support
            .send()
            .await
            .expect("read")
            .enable_dns_support
            .and_then(|value| value.value),
        Some(true)
    );
    assert_eq!(hostnames().await, Some(false));
    let modify = ec2
        .modify_vpc_attribute()
        .vpc_id(&vpc_id)
        .enable_dns_hostnames(yes());
    modify.send().await.expect("set");
    assert_eq!(hostnames().await, Some(true));
    let both = ec2
        .modify_vpc_attribute()
        .vpc_id(&vpc_id)
        .enable_dns_hostnames(yes());
    assert_eq!(
        code(both.enable_dns_support(yes()).send().await),
        "InvalidParameterCombination"
    );
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpc.html>
#[tokio::test]
async fn a_network_is_shared_or_dedicated_and_nothing_else() {
    let aws = aws().await;
    let ec2 = client(&aws);

    let refused = ec2
        .create_vpc()
        .cidr_block("10.0.0.0/16")
        .instance_tenancy(Tenancy::from("mine"));

    assert_eq!(code(refused.send().await), "InvalidParameterValue");
}

/// <https://docs.aws.amazon.com/vpc/latest/userguide/delete-vpc.html>
#[tokio::test]
async fn a_network_with_a_subnet_is_not_deleted() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    subnet(&ec2, &vpc_id, "10.0.1.0/24").await;

    let refused = ec2.delete_vpc().vpc_id(&vpc_id).send().await;

    assert_eq!(code(refused), "DependencyViolation");
    sweep(&ec2, &vpc_id).await;
}

/// The default group and the main table go with their network; others hold it.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpc.html>
#[tokio::test]
async fn a_network_with_a_group_or_a_table_is_not_deleted() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let delete = || ec2.delete_vpc().vpc_id(&vpc_id).send();

    let group_id = group(&ec2, &vpc_id, "web").await;
    assert_eq!(code(delete().await), "DependencyViolation", "a group");
    ec2.delete_security_group()
        .group_id(group_id)
        .send()
        .await
        .expect("it goes");
    let table_id = table(&ec2, &vpc_id).await;
    assert_eq!(code(delete().await), "DependencyViolation", "a table");
    ec2.delete_route_table()
        .route_table_id(table_id)
        .send()
        .await
        .expect("it goes");
    delete().await.expect("only what it brought is left");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
#[tokio::test]
async fn an_unknown_network_is_told_from_an_id_of_another_form() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let describe = |id: &str| ec2.describe_vpcs().vpc_ids(id).send();

    assert_eq!(
        code(describe("vpc-00000000000000000").await),
        "InvalidVpcID.NotFound"
    );
    let delete = ec2.delete_vpc().vpc_id("vpc-00000000000000000");
    assert_eq!(code(delete.send().await), "InvalidVpcID.NotFound");
}

/// Five networks in a region. <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>
#[tokio::test]
async fn a_sixth_network_is_above_the_quota() {
    let Some(aws) = controlled().await else { return };
    let ec2 = client(&aws);
    for _ in 0..5 {
        vpc(&ec2, "10.0.0.0/16").await;
    }

    let refused = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await;

    assert_eq!(code(refused), "VpcLimitExceeded");
}

/// No operation made one here, and a filter that peering connections do not have is refused.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcPeeringConnections.html>
#[tokio::test]
async fn peering_connections_are_none_and_their_filters_are_real() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let by = |name: &str| {
        let filter = filter(name, "10.0.0.0/16");
        ec2.describe_vpc_peering_connections().filters(filter).send()
    };

    let found = by("accepter-vpc-info.cidr-block").await.expect("an answer");
    assert!(found.vpc_peering_connections().is_empty());
    assert_eq!(code(by("no-such-filter").await), "InvalidParameterValue");
    let named = ec2
        .describe_vpc_peering_connections()
        .vpc_peering_connection_ids("pcx-00000000000000000");
    assert_eq!(code(named.send().await), "InvalidVpcPeeringConnectionId.NotFound");
}
