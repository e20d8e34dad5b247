//! VPCs and what is in them: shapes refused, dependencies, quotas, filters, pages, teardown.
//!
//! Sources: Amazon VPC user guide, "VPC CIDR blocks", "Subnet CIDR blocks", "Delete your VPC", "Amazon VPC quotas";
//! EC2 API reference, pages of the operations named and "Error codes".

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, IpPermission, IpRange, ResourceType, UserIdGroupPair};

use crate::support::{ACME, World, refusal, tags};

async fn vpc(ec2: &Client, block: &str) -> String {
    let made = ec2
        .create_vpc()
        .cidr_block(block)
        .send()
        .await
        .expect("a network");
    made.vpc.and_then(|vpc| vpc.vpc_id).expect("an id")
}

async fn subnet(ec2: &Client, vpc_id: &str, block: &str) -> String {
    let made = ec2
        .create_subnet()
        .vpc_id(vpc_id)
        .cidr_block(block)
        .send()
        .await
        .expect("a subnet");
    made.subnet.and_then(|subnet| subnet.subnet_id).expect("an id")
}

async fn gateway(ec2: &Client, vpc_id: &str) -> String {
    let made = ec2.create_internet_gateway().send().await.expect("a gateway");
    let id = made
        .internet_gateway
        .and_then(|gateway| gateway.internet_gateway_id)
        .expect("an id");
    ec2.attach_internet_gateway()
        .internet_gateway_id(&id)
        .vpc_id(vpc_id)
        .send()
        .await
        .expect("attached");
    id
}

#[tokio::test]
async fn blocks_that_do_not_fit_are_refused() {
    let world = World::start().await;
    let ec2 = world.root(ACME).ec2();

    for (block, code) in [
        ("10.0.0.0/15", "InvalidVpc.Range"),
        ("10.0.0.0/29", "InvalidVpc.Range"),
        ("ten", "InvalidParameterValue"),
    ] {
        assert_eq!(
            refusal(ec2.create_vpc().cidr_block(block).send().await),
            code,
            "{block}"
        );
    }
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    subnet(&ec2, &vpc_id, "10.0.1.0/24").await;
    for (block, code) in [
        ("10.0.1.128/25", "InvalidSubnet.Conflict"),
        ("10.0.0.0/16", "InvalidSubnet.Conflict"),
        ("10.1.0.0/24", "InvalidSubnet.Range"),
        ("10.0.2.0/29", "InvalidSubnet.Range"),
    ] {
        assert_eq!(
            refusal(ec2.create_subnet().vpc_id(&vpc_id).cidr_block(block).send().await),
            code,
            "{block}"
        );
    }
    let elsewhere = ec2
        .create_subnet()
        .vpc_id(&vpc_id)
        .cidr_block("10.0.3.0/24")
        .availability_zone("us-east-1a");
    assert_eq!(refusal(elsewhere.send().await), "InvalidParameterValue");
}

/// "Ensuring idempotency": these operations have no client token, so a repetition is a second resource.
#[tokio::test]
async fn class_d_calls_make_twins() {
    let world = World::start().await;
    let ec2 = world.root(ACME).ec2();

    assert_ne!(vpc(&ec2, "10.0.0.0/16").await, vpc(&ec2, "10.0.0.0/16").await);
    for _ in 0..2 {
        ec2.allocate_address().send().await.expect("an address");
        ec2.create_internet_gateway().send().await.expect("a gateway");
    }
    assert_eq!(world.control().inventory_of(ACME).len(), 6);
}

#[tokio::test]
async fn quotas_of_a_new_account_hold() {
    let world = World::start().await;
    let ec2 = world.root(ACME).ec2();
    for _ in 0..5 {
        vpc(&ec2, "10.0.0.0/16").await;
        ec2.allocate_address().send().await.expect("an address");
    }

    assert_eq!(
        refusal(ec2.create_vpc().cidr_block("10.0.0.0/16").send().await),
        "VpcLimitExceeded"
    );
    assert_eq!(
        refusal(ec2.allocate_address().send().await),
        "AddressLimitExceeded"
    );
}

#[tokio::test]
async fn what_is_in_use_cannot_go_and_everything_goes_in_order() {
    let world = World::start().await;
    let ec2 = world.root(ACME).ec2();
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let subnet_id = subnet(&ec2, &vpc_id, "10.0.1.0/24").await;
    let gateway_id = gateway(&ec2, &vpc_id).await;
    let table = ec2
        .create_route_table()
        .vpc_id(&vpc_id)
        .send()
        .await
        .expect("a table")
        .route_table
        .expect("a table");
    let table_id = table.route_table_id.expect("an id");
    let route = ec2
        .create_route()
        .route_table_id(&table_id)
        .gateway_id(&gateway_id);
    route
        .destination_cidr_block("0.0.0.0/0")
        .send()
        .await
        .expect("a route");
    let associated = ec2
        .associate_route_table()
        .route_table_id(&table_id)
        .subnet_id(&subnet_id)
        .send()
        .await;
    let association_id = associated.expect("associated").association_id.expect("an id");

    assert_eq!(
        refusal(ec2.delete_vpc().vpc_id(&vpc_id).send().await),
        "DependencyViolation"
    );
    assert_eq!(
        refusal(
            ec2.delete_internet_gateway()
                .internet_gateway_id(&gateway_id)
                .send()
                .await
        ),
        "DependencyViolation"
    );
    assert_eq!(
        refusal(ec2.delete_route_table().route_table_id(&table_id).send().await),
        "DependencyViolation"
    );

    ec2.disassociate_route_table()
        .association_id(association_id)
        .send()
        .await
        .expect("let go");
    ec2.delete_route_table()
        .route_table_id(&table_id)
        .send()
        .await
        .expect("nothing uses it");
    ec2.delete_subnet()
        .subnet_id(&subnet_id)
        .send()
        .await
        .expect("nothing is in it");
    assert_eq!(
        refusal(ec2.delete_vpc().vpc_id(&vpc_id).send().await),
        "DependencyViolation",
        "the gateway"
    );
    ec2.detach_internet_gateway()
        .internet_gateway_id(&gateway_id)
        .vpc_id(&vpc_id)
        .send()
        .await
        .expect("let go");
    ec2.delete_internet_gateway()
        .internet_gateway_id(&gateway_id)
        .send()
        .await
        .expect("nothing uses it");
    ec2.delete_vpc()
        .vpc_id(&vpc_id)
        .send()
        .await
        .expect("it is empty");
    assert!(world.control().inventory().is_empty());
    assert_eq!(
        refusal(ec2.delete_vpc().vpc_id(&vpc_id).send().await),
        "InvalidVpcID.NotFound"
    );
}

#[tokio::test]
async fn routes_and_gateways_refuse_what_does_not_fit() {
    let world = World::start().await;
    let ec2 = world.root(ACME).ec2();
    let (one, two) = (vpc(&ec2, "10.0.0.0/16").await, vpc(&ec2, "10.1.0.0/16").await);
    let gateway_id = gateway(&ec2, &one).await;
    let attach = ec2
        .attach_internet_gateway()
        .internet_gateway_id(&gateway_id)
        .vpc_id(&two)
        .send()
        .await;
    assert_eq!(refusal(attach), "Resource.AlreadyAssociated");
    let detach = ec2
        .detach_internet_gateway()
        .internet_gateway_id(&gateway_id)
        .vpc_id(&two)
        .send()
        .await;
    assert_eq!(refusal(detach), "Gateway.NotAttached");

    let filter = Filter::builder().name("association.main").values("true").build();
    let own = Filter::builder().name("vpc-id").values(&two).build();
    let tables = ec2
        .describe_route_tables()
        .filters(filter)
        .filters(own)
        .send()
        .await
        .expect("tables");
    let main = tables
        .route_tables()
        .first()
        .expect("each network has a main table");
    let main_id = main.route_table_id().expect("an id");
    assert_eq!(
        main.routes().first().and_then(|route| route.gateway_id()),
        Some("local")
    );
    let foreign = ec2
        .create_route()
        .route_table_id(main_id)
        .destination_cidr_block("0.0.0.0/0")
        .gateway_id(&gateway_id);
    assert_eq!(refusal(foreign.send().await), "InvalidParameterValue");
    let local = ec2
        .delete_route()
        .route_table_id(main_id)
        .destination_cidr_block("10.1.0.0/16")
        .send()
        .await;
    assert_eq!(refusal(local), "InvalidParameterValue");
    assert_eq!(
        refusal(ec2.delete_route_table().route_table_id(main_id).send().await),
        "DependencyViolation"
    );
}

/// CreateRouteTable takes a client token.
#[tokio::test]
async fn a_route_tables_token_is_honoured() {
    let world = World::start().await;
    let ec2 = world.root(ACME).ec2();
    let (one, two) = (vpc(&ec2, "10.0.0.0/16").await, vpc(&ec2, "10.1.0.0/16").await);
    let create = async |vpc_id: &str| {
        ec2.create_route_table()
            .vpc_id(vpc_id)
            .client_token("token")
            .send()
            .await
    };
    let id = |made: aws_sdk_ec2::operation::create_route_table::CreateRouteTableOutput| {
        made.route_table.and_then(|table| table.route_table_id)
    };

    let first = id(create(&one).await.expect("a table"));
    assert_eq!(first, id(create(&one).await.expect("the same table")));
    assert_eq!(refusal(create(&two).await), "IdempotentParameterMismatch");
}

fn port(port: i32, block: &str) -> IpPermission {
    let range = IpRange::builder().cidr_ip(block).build();
    IpPermission::builder()
        .ip_protocol("tcp")
        .from_port(port)
        .to_port(port)
        .ip_ranges(range)
        .build()
}

#[tokio::test]
async fn rules_are_opened_once_described_and_closed() {
    let world = World::start().await;
    let ec2 = world.root(ACME).ec2();
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let create = |name: &str| {
        ec2.create_security_group()
            .vpc_id(&vpc_id)
            .group_name(name)
            .description("for tests")
            .send()
    };
    let web = create("web").await.expect("a group").group_id.expect("an id");
    let data = create("data").await.expect("a group").group_id.expect("an id");
    assert_eq!(refusal(create("web").await), "InvalidGroup.Duplicate");
    let open = |permission| {
        ec2.authorize_security_group_ingress()
            .group_id(&data)
            .ip_permissions(permission)
            .send()
    };
    let from_web = IpPermission::builder()
        .ip_protocol("tcp")
        .from_port(5432)
        .to_port(5432);
    let from_web = from_web
        .user_id_group_pairs(UserIdGroupPair::builder().group_id(&web).build())
        .build();

    open(port(443, "10.0.0.0/16")).await.expect("a rule");
    assert_eq!(
        refusal(open(port(443, "10.0.0.0/16")).await),
        "InvalidPermission.Duplicate"
    );
    assert_eq!(
        refusal(open(port(443, "10.0.0.0/40")).await),
        "InvalidParameterValue"
    );
    open(from_web).await.expect("a rule");
    assert_eq!(
        refusal(ec2.delete_security_group().group_id(&web).send().await),
        "DependencyViolation"
    );

    let filter = Filter::builder().name("group-id").values(&data).build();
    let rules = ec2
        .describe_security_group_rules()
        .filters(filter)
        .send()
        .await
        .expect("rules");
    assert_eq!(
        rules.security_group_rules().len(),
        3,
        "two opened, one that lets everything out"
    );
    let groups = ec2
        .describe_security_groups()
        .group_ids(&data)
        .send()
        .await
        .expect("a group");
    assert_eq!(groups.security_groups()[0].ip_permissions().len(), 2);

    let close = || {
        ec2.revoke_security_group_ingress()
            .group_id(&data)
            .ip_permissions(port(443, "10.0.0.0/16"))
            .send()
    };
    close().await.expect("it is open");
    assert_eq!(refusal(close().await), "InvalidPermission.NotFound");
    ec2.delete_security_group()
        .group_id(&data)
        .send()
        .await
        .expect("nothing uses it");
    ec2.delete_security_group()
        .group_id(&web)
        .send()
        .await
        .expect("nothing names it");
}

#[tokio::test]
async fn the_default_group_cannot_be_deleted() {
    let world = World::start().await;
    let ec2 = world.root(ACME).ec2();
    vpc(&ec2, "10.0.0.0/16").await;
    let groups = ec2.describe_security_groups().send().await.expect("groups");
    let id = groups.security_groups()[0].group_id().expect("an id");

    assert_eq!(
        refusal(ec2.delete_security_group().group_id(id).send().await),
        "CannotDelete"
    );
}

#[tokio::test]
async fn filters_and_pages_find_everything_once() {
    let world = World::start().await;
    let ec2 = world.root(ACME).ec2();
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    for number in 0..12 {
        let pairs = [("number", format!("n{number}"))];
        let tags = tags(ResourceType::Subnet, &[(pairs[0].0, &pairs[0].1)]);
        let made = ec2
            .create_subnet()
            .vpc_id(&vpc_id)
            .cidr_block(format!("10.0.{number}.0/24"))
            .tag_specifications(tags);
        made.send().await.expect("a subnet");
    }

    let pages = ec2
        .describe_subnets()
        .into_paginator()
        .page_size(5)
        .items()
        .send();
    let found = pages.collect::<Result<Vec<_>, _>>().await.expect("pages");
    let ids: std::collections::BTreeSet<_> = found.iter().filter_map(|subnet| subnet.subnet_id()).collect();
    assert_eq!((found.len(), ids.len()), (12, 12));

    let by = |name: &str, value: &str| {
        let filter = Filter::builder().name(name).values(value).build();
        ec2.describe_subnets().filters(filter).send()
    };
    assert_eq!(by("tag:number", "n1*").await.expect("subnets").subnets().len(), 3);
    assert_eq!(
        by("tag-key", "number").await.expect("subnets").subnets().len(),
        12
    );
    assert_eq!(
        by("cidr-block", "10.0.7.0/24")
            .await
            .expect("subnets")
            .subnets()
            .len(),
        1
    );
    assert_eq!(refusal(by("no-such-filter", "x").await), "InvalidParameterValue");
    assert_eq!(
        refusal(ec2.describe_subnets().max_results(4).send().await),
        "InvalidParameterValue"
    );
    assert_eq!(
        refusal(ec2.describe_subnets().max_results(5).next_token("?").send().await),
        "InvalidNextToken"
    );
}

#[tokio::test]
async fn attributes_are_set_one_at_a_time() {
    let world = World::start().await;
    let ec2 = world.root(ACME).ec2();
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let yes = || {
        aws_sdk_ec2::types::AttributeBooleanValue::builder()
            .value(true)
            .build()
    };

    ec2.modify_vpc_attribute()
        .vpc_id(&vpc_id)
        .enable_dns_hostnames(yes())
        .send()
        .await
        .expect("set");
    let read = ec2
        .describe_vpc_attribute()
        .vpc_id(&vpc_id)
        .attribute("enableDnsHostnames".into())
        .send()
        .await;

    assert_eq!(
        read.expect("read")
            .enable_dns_hostnames
            .and_then(|value| value.value),
        Some(true)
    );
    let both = ec2
        .modify_vpc_attribute()
        .vpc_id(&vpc_id)
        .enable_dns_hostnames(yes())
        .enable_dns_support(yes());
    assert_eq!(refusal(both.send().await), "InvalidParameterCombination");
}
