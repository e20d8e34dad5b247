//! DB subnet groups.

use aws_sdk_rds::Client;
use conformance::{aws, code};

use super::support::{available, client, network, remove, remove_subnets, subnets};

/// An instance needs a second zone to fail over to.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBSubnetGroup.html>
#[tokio::test]
async fn a_subnet_group_in_one_zone_is_refused() {
    let aws = aws().await;
    let config = &aws.vendor().config;
    let (vpc, subnets, _) = subnets(config).await;
    let create = Client::new(config)
        .create_db_subnet_group()
        .db_subnet_group_name(aws.name("group"))
        .db_subnet_group_description("one zone")
        .subnet_ids(&subnets[0]);
    assert_eq!(code(create.send().await), "DBSubnetGroupDoesNotCoverEnoughAZs");
    remove_subnets(config, &vpc, &subnets).await;
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBSubnetGroup.html>
#[tokio::test]
async fn a_subnet_group_takes_no_unknown_subnet() {
    let aws = aws().await;
    let create = client(&aws)
        .create_db_subnet_group()
        .db_subnet_group_name(aws.name("group"))
        .db_subnet_group_description("nowhere")
        .subnet_ids("subnet-0123456789abcdef0");
    assert_eq!(code(create.send().await), "InvalidSubnet");
}

/// All subnets of a group are of one VPC.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBSubnetGroup.html>
#[tokio::test]
async fn a_subnet_group_spans_one_network_only() {
    let aws = aws().await;
    let config = &aws.vendor().config;
    let (one, here, _) = subnets(config).await;
    let (other, there, _) = subnets(config).await;
    let create = Client::new(config)
        .create_db_subnet_group()
        .db_subnet_group_name(aws.name("group"))
        .db_subnet_group_description("two networks")
        .subnet_ids(&here[0])
        .subnet_ids(&there[1]);
    assert_eq!(code(create.send().await), "InvalidSubnet");
    remove_subnets(config, &one, &here).await;
    remove_subnets(config, &other, &there).await;
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBSubnetGroup.html>
#[tokio::test]
async fn a_subnet_groups_name_is_taken_once_and_never_default() {
    let aws = aws().await;
    let rds = client(&aws);
    let network = network(&aws).await;
    let create = |name: &str| {
        let create = rds.create_db_subnet_group().db_subnet_group_name(name);
        create
            .db_subnet_group_description("again")
            .set_subnet_ids(Some(network.subnets.clone()))
    };
    assert_eq!(
        code(create(&network.group).send().await),
        "DBSubnetGroupAlreadyExists"
    );
    assert_eq!(code(create("default").send().await), "InvalidParameterValue");
    assert_eq!(code(create("what?").send().await), "InvalidParameterValue");
    network.remove().await;
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBSubnetGroup.html>
#[tokio::test]
async fn a_subnet_group_tells_its_network_and_zones() {
    let aws = aws().await;
    let rds = client(&aws);
    let network = network(&aws).await;
    let asked = rds
        .describe_db_subnet_groups()
        .db_subnet_group_name(&network.group)
        .send()
        .await;
    let group = asked.expect("an answer").db_subnet_groups()[0].clone();
    assert_eq!(group.vpc_id(), Some(network.vpc.as_str()));
    assert_eq!(group.subnet_group_status(), Some("Complete"));
    let mut zones: Vec<&str> = group
        .subnets()
        .iter()
        .filter_map(|subnet| subnet.subnet_availability_zone()?.name())
        .collect();
    zones.sort_unstable();
    assert_eq!(zones, network.zones);
    network.remove().await;
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBSubnetGroup.html>
#[tokio::test]
async fn a_subnet_group_in_use_is_not_deleted() {
    let aws = aws().await;
    let rds = client(&aws);
    let network = network(&aws).await;
    let id = aws.name("db");
    available(&rds, &network, &id).await;
    let delete = rds.delete_db_subnet_group().db_subnet_group_name(&network.group);
    assert_eq!(code(delete.send().await), "InvalidDBSubnetGroupStateFault");
    remove(&rds, &id).await;
    network.remove().await;
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBSubnetGroups.html>
#[tokio::test]
async fn an_unknown_subnet_group_is_not_found() {
    let aws = aws().await;
    let rds = client(&aws);
    let name = aws.name("group");
    let describe = rds.describe_db_subnet_groups().db_subnet_group_name(&name);
    assert_eq!(code(describe.send().await), "DBSubnetGroupNotFoundFault");
    let delete = rds.delete_db_subnet_group().db_subnet_group_name(&name);
    assert_eq!(code(delete.send().await), "DBSubnetGroupNotFoundFault");
}
