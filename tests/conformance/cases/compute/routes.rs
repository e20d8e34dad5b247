//! Route tables, their routes and associations.

use aws_sdk_ec2::types::RouteState;
use conformance::{aws, code, eventually};

use crate::support::{client, gateway, main_table, subnet, sweep, table, vpc};

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html>
#[tokio::test]
async fn a_destination_has_one_route() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let (gateway_id, table_id) = (gateway(&ec2, &vpc_id).await, table(&ec2, &vpc_id).await);
    let route = |block: &str| {
        let create = ec2
            .create_route()
            .route_table_id(&table_id)
            .gateway_id(&gateway_id);
        create.destination_cidr_block(block).send()
    };

    route("0.0.0.0/0").await.expect("a route");
    route("0.0.0.0/0").await.expect("the same route again");
    let found = ec2
        .describe_route_tables()
        .route_table_ids(&table_id)
        .send()
        .await
        .expect("a table");
    assert_eq!(
        found.route_tables()[0].routes().len(),
        2,
        "the local one and the new one"
    );
    assert_eq!(code(route("ten").await), "InvalidParameterValue");
    sweep(&ec2, &vpc_id).await;
}

/// A route cannot be as specific as the local one, or more.
/// <https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html>
#[tokio::test]
async fn the_local_route_stays_and_is_not_narrowed() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let gateway_id = gateway(&ec2, &vpc_id).await;
    let table_id = table(&ec2, &vpc_id).await;
    let delete = ec2
        .delete_route()
        .route_table_id(&table_id)
        .destination_cidr_block("10.0.0.0/16");
    assert_eq!(code(delete.send().await), "InvalidParameterValue");

    let narrower = ec2
        .create_route()
        .route_table_id(&table_id)
        .gateway_id(&gateway_id);
    let narrower = narrower.destination_cidr_block("10.0.1.0/24").send().await;

    assert_eq!(code(narrower), "InvalidParameterValue");
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html>
#[tokio::test]
async fn a_route_leads_into_its_own_network_only() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let (one, two) = (vpc(&ec2, "10.0.0.0/16").await, vpc(&ec2, "10.1.0.0/16").await);
    let gateway_id = gateway(&ec2, &one).await;
    let to = |gateway_id: &str, table_id: &str| {
        let create = ec2.create_route().route_table_id(table_id).gateway_id(gateway_id);
        create.destination_cidr_block("0.0.0.0/0").send()
    };

    let foreign = main_table(&ec2, &two).await;
    assert_eq!(code(to(&gateway_id, &foreign).await), "InvalidParameterValue");
    assert_eq!(
        code(to("igw-00000000000000000", &foreign).await),
        "InvalidGatewayID.NotFound"
    );
    assert_eq!(
        code(to(&gateway_id, "rtb-00000000000000000").await),
        "InvalidRouteTableID.NotFound"
    );
    let nowhere = ec2
        .create_route()
        .route_table_id(&foreign)
        .destination_cidr_block("0.0.0.0/0");
    assert_eq!(code(nowhere.send().await), "MissingParameter");
    sweep(&ec2, &one).await;
    sweep(&ec2, &two).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteRoute.html>
#[tokio::test]
async fn a_route_that_is_not_there_is_neither_deleted_nor_replaced() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let (gateway_id, table_id) = (gateway(&ec2, &vpc_id).await, table(&ec2, &vpc_id).await);

    let delete = ec2
        .delete_route()
        .route_table_id(&table_id)
        .destination_cidr_block("0.0.0.0/0");
    assert_eq!(code(delete.send().await), "InvalidRoute.NotFound");
    let replace = ec2
        .replace_route()
        .route_table_id(&table_id)
        .destination_cidr_block("0.0.0.0/0");
    assert_eq!(
        code(replace.gateway_id(&gateway_id).send().await),
        "InvalidRoute.NotFound"
    );
    sweep(&ec2, &vpc_id).await;
}

/// A route whose target is gone is a black hole until it is replaced.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Route.html>
#[tokio::test]
async fn a_route_to_a_gateway_that_left_is_a_black_hole() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let (old, table_id) = (gateway(&ec2, &vpc_id).await, table(&ec2, &vpc_id).await);
    let create = ec2.create_route().route_table_id(&table_id).gateway_id(&old);
    create
        .destination_cidr_block("0.0.0.0/0")
        .send()
        .await
        .expect("a route");
    let state = async || {
        let found = ec2
            .describe_route_tables()
            .route_table_ids(&table_id)
            .send()
            .await
            .expect("a table");
        let routes = found.route_tables()[0].routes().to_vec();
        let route = routes
            .into_iter()
            .find(|route| route.destination_cidr_block() == Some("0.0.0.0/0"));
        route.and_then(|route| route.state).expect("a state")
    };
    assert_eq!(state().await, RouteState::Active);

    ec2.detach_internet_gateway()
        .internet_gateway_id(&old)
        .vpc_id(&vpc_id)
        .send()
        .await
        .expect("it lets go");
    ec2.delete_internet_gateway()
        .internet_gateway_id(&old)
        .send()
        .await
        .expect("it goes");
    eventually("the route is a black hole", async || {
        state().await == RouteState::Blackhole
    })
    .await;
    let new = gateway(&ec2, &vpc_id).await;
    let replace = ec2.replace_route().route_table_id(&table_id).gateway_id(&new);
    replace
        .destination_cidr_block("0.0.0.0/0")
        .send()
        .await
        .expect("another target");
    eventually("the route works", async || state().await == RouteState::Active).await;
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateRouteTable.html>
#[tokio::test]
async fn a_subnet_has_one_table_and_a_used_table_stays() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let subnet_id = subnet(&ec2, &vpc_id, "10.0.1.0/24").await;
    let (one, two) = (table(&ec2, &vpc_id).await, table(&ec2, &vpc_id).await);
    let associate = |id: &str| {
        ec2.associate_route_table()
            .route_table_id(id)
            .subnet_id(&subnet_id)
            .send()
    };

    let association = associate(&one)
        .await
        .expect("associated")
        .association_id
        .expect("an id");
    assert_eq!(code(associate(&two).await), "Resource.AlreadyAssociated");
    let delete = || ec2.delete_route_table().route_table_id(&one).send();
    assert_eq!(code(delete().await), "DependencyViolation");
    let disassociate = || ec2.disassociate_route_table().association_id(&association).send();
    disassociate().await.expect("let go");
    assert_eq!(code(disassociate().await), "InvalidAssociationID.NotFound");
    delete().await.expect("nothing uses it");
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReplaceRouteTableAssociation.html>
#[tokio::test]
async fn another_table_takes_a_subnet_under_a_new_association() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let subnet_id = subnet(&ec2, &vpc_id, "10.0.1.0/24").await;
    let (one, two) = (table(&ec2, &vpc_id).await, table(&ec2, &vpc_id).await);
    let associate = ec2
        .associate_route_table()
        .route_table_id(&one)
        .subnet_id(&subnet_id);
    let old = associate
        .send()
        .await
        .expect("associated")
        .association_id
        .expect("an id");
    let replace = |id: &str| {
        ec2.replace_route_table_association()
            .association_id(id)
            .route_table_id(&two)
            .send()
    };

    let new = replace(&old)
        .await
        .expect("replaced")
        .new_association_id
        .expect("an id");

    assert_ne!(new, old);
    assert_eq!(code(replace(&old).await), "InvalidAssociationID.NotFound");
    ec2.delete_route_table()
        .route_table_id(&one)
        .send()
        .await
        .expect("nothing uses it");
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteRouteTable.html>
#[tokio::test]
async fn the_main_table_is_not_deleted() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let main = main_table(&ec2, &vpc_id).await;

    let delete = ec2.delete_route_table().route_table_id(main).send().await;

    assert_eq!(code(delete), "DependencyViolation");
    sweep(&ec2, &vpc_id).await;
}

/// A subnet and its table are of one network.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateRouteTable.html>
#[tokio::test]
async fn a_table_of_another_network_is_refused() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let (one, two) = (vpc(&ec2, "10.0.0.0/16").await, vpc(&ec2, "10.1.0.0/16").await);
    let subnet_id = subnet(&ec2, &one, "10.0.1.0/24").await;
    let foreign = table(&ec2, &two).await;

    let associate = ec2
        .associate_route_table()
        .route_table_id(foreign)
        .subnet_id(subnet_id);

    assert_eq!(code(associate.send().await), "InvalidParameterValue");
    sweep(&ec2, &one).await;
    sweep(&ec2, &two).await;
}
