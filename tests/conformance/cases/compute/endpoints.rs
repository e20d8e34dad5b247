//! Gateway endpoints: the way to S3 that stays inside.

use aws_sdk_ec2::Client;
use conformance::{Aws, aws, code};

use crate::support::{client, filter, main_table, sweep, table, vpc};

fn s3(aws: &Aws) -> String {
    format!("com.amazonaws.{}.s3", aws.region())
}

async fn endpoint(ec2: &Client, aws: &Aws, vpc_id: &str, table_id: &str) -> String {
    let create = ec2.create_vpc_endpoint().vpc_id(vpc_id).service_name(s3(aws));
    let made = create
        .route_table_ids(table_id)
        .send()
        .await
        .expect("an endpoint");
    made.vpc_endpoint
        .and_then(|made| made.vpc_endpoint_id)
        .expect("an id")
}

/// <https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html>
#[tokio::test]
async fn an_endpoint_is_a_route_in_each_of_its_tables() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let table_id = table(&ec2, &vpc_id).await;

    let id = endpoint(&ec2, &aws, &vpc_id, &table_id).await;

    let found = ec2
        .describe_route_tables()
        .route_table_ids(&table_id)
        .send()
        .await
        .expect("a table");
    let mut routes = found.route_tables()[0].routes().iter();
    let route = routes
        .find(|route| route.gateway_id() == Some(id.as_str()))
        .expect("a route");
    assert!(
        route
            .destination_prefix_list_id()
            .is_some_and(|list| list.starts_with("pl-"))
    );
    let found = ec2
        .describe_vpc_endpoints()
        .filters(filter("vpc-id", &vpc_id))
        .send()
        .await
        .expect("endpoints");
    let found = &found.vpc_endpoints()[0];
    assert_eq!(
        (found.vpc_endpoint_id(), found.service_name()),
        (Some(id.as_str()), Some(s3(&aws).as_str()))
    );
    assert_eq!(found.route_table_ids(), [table_id]);
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html>
#[tokio::test]
async fn a_table_has_one_endpoint_of_a_service() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let table_id = table(&ec2, &vpc_id).await;
    endpoint(&ec2, &aws, &vpc_id, &table_id).await;

    let again = ec2.create_vpc_endpoint().vpc_id(&vpc_id).service_name(s3(&aws));

    assert_eq!(
        code(again.route_table_ids(&table_id).send().await),
        "RouteAlreadyExists"
    );
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html>
#[tokio::test]
async fn endpoints_of_unknown_services_networks_and_tables_are_refused() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let create = |vpc_id: &str, service: &str| ec2.create_vpc_endpoint().vpc_id(vpc_id).service_name(service);

    let unknown = create(&vpc_id, "com.amazonaws.nowhere.s3").send().await;
    assert_eq!(code(unknown), "InvalidServiceName");
    let unknown = create("vpc-00000000000000000", &s3(&aws)).send().await;
    assert_eq!(code(unknown), "InvalidVpcID.NotFound");
    let unknown = create(&vpc_id, &s3(&aws))
        .route_table_ids("rtb-00000000000000000")
        .send()
        .await;
    assert_eq!(code(unknown), "InvalidRouteTableID.NotFound");
    let malformed = create(&vpc_id, &s3(&aws)).policy_document("{").send().await;
    assert_eq!(code(malformed), "InvalidPolicyDocument");
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcEndpoint.html>
#[tokio::test]
async fn tables_are_added_to_an_endpoint_and_taken_from_it() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let (one, two) = (table(&ec2, &vpc_id).await, main_table(&ec2, &vpc_id).await);
    let id = endpoint(&ec2, &aws, &vpc_id, &one).await;

    let modify = ec2.modify_vpc_endpoint().vpc_endpoint_id(&id);
    modify
        .add_route_table_ids(&two)
        .remove_route_table_ids(&one)
        .send()
        .await
        .expect("changed");

    let found = ec2
        .describe_vpc_endpoints()
        .vpc_endpoint_ids(&id)
        .send()
        .await
        .expect("an endpoint");
    assert_eq!(found.vpc_endpoints()[0].route_table_ids(), [two]);
    let again = ec2
        .modify_vpc_endpoint()
        .vpc_endpoint_id(&id)
        .remove_route_table_ids(&one);
    assert_eq!(code(again.send().await), "InvalidParameterValue");
    let unknown = ec2
        .modify_vpc_endpoint()
        .vpc_endpoint_id("vpce-00000000000000000")
        .reset_policy(true);
    assert_eq!(code(unknown.send().await), "InvalidVpcEndpointId.NotFound");
    sweep(&ec2, &vpc_id).await;
}

/// What could not be deleted is in the answer. <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpcEndpoints.html>
#[tokio::test]
async fn a_deletion_says_which_endpoints_were_not_there() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let id = endpoint(&ec2, &aws, &vpc_id, &table(&ec2, &vpc_id).await).await;
    assert_eq!(
        code(ec2.delete_vpc().vpc_id(&vpc_id).send().await),
        "DependencyViolation"
    );

    let both = ec2
        .delete_vpc_endpoints()
        .vpc_endpoint_ids(&id)
        .vpc_endpoint_ids("vpce-00000000000000000");
    let answer = both.send().await.expect("an answer");

    assert_eq!(answer.unsuccessful().len(), 1);
    let refused = &answer.unsuccessful()[0];
    assert_eq!(refused.resource_id(), Some("vpce-00000000000000000"));
    let why = refused.error().and_then(|error| error.code());
    assert_eq!(why, Some("InvalidVpcEndpointId.NotFound"));
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html>
#[tokio::test]
async fn the_same_token_gives_the_same_endpoint() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let token = aws.name("endpoint");
    let create = || {
        ec2.create_vpc_endpoint()
            .vpc_id(&vpc_id)
            .service_name(s3(&aws))
            .client_token(&token)
    };
    let id = |made: aws_sdk_ec2::operation::create_vpc_endpoint::CreateVpcEndpointOutput| {
        made.vpc_endpoint.and_then(|made| made.vpc_endpoint_id)
    };

    let first = id(create().send().await.expect("an endpoint"));
    assert_eq!(id(create().send().await.expect("the same one")), first);
    let other = create()
        .route_table_ids(main_table(&ec2, &vpc_id).await)
        .send()
        .await;
    assert_eq!(code(other), "IdempotentParameterMismatch");
    sweep(&ec2, &vpc_id).await;
}
