//! Client tokens: which operations have one, and what it promises.

use aws_sdk_ec2::operation::run_instances::RunInstancesOutput;
use aws_sdk_ec2::types::InstanceType;
use conformance::{aws, code, controlled};

use crate::support::{client, filter, launch, subnet, sweep, terminated, vpc};

/// <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html>
#[tokio::test]
async fn the_same_token_gives_the_same_instance() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let subnet_id = subnet(&ec2, &vpc_id, "10.0.1.0/24").await;
    let launch = launch(&ec2, &subnet_id).await.client_token(aws.name("token"));
    let id = |made: RunInstancesOutput| made.instances()[0].instance_id().map(str::to_owned);

    let first = id(launch.clone().send().await.expect("an instance"));
    let again = id(launch.clone().send().await.expect("the same instance"));
    let other = launch.clone().instance_type(InstanceType::T3Small).send().await;

    assert_eq!(first, again);
    assert_eq!(code(other), "IdempotentParameterMismatch");
    let found = ec2
        .describe_instances()
        .filters(filter("vpc-id", &vpc_id))
        .send()
        .await
        .expect("instances");
    assert_eq!(found.reservations().len(), 1);
    terminated(&ec2, &first.expect("an id")).await;
    assert_eq!(code(launch.send().await), "IdempotentInstanceTerminated");
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html>
#[tokio::test]
async fn the_same_token_gives_the_same_route_table() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let (one, two) = (vpc(&ec2, "10.0.0.0/16").await, vpc(&ec2, "10.1.0.0/16").await);
    let token = aws.name("token");
    let create = |vpc_id: &str| {
        ec2.create_route_table()
            .vpc_id(vpc_id)
            .client_token(&token)
            .send()
    };
    let id = |made: aws_sdk_ec2::operation::create_route_table::CreateRouteTableOutput| {
        made.route_table.and_then(|table| table.route_table_id)
    };

    let first = id(create(&one).await.expect("a table"));
    assert_eq!(id(create(&one).await.expect("the same table")), first);
    assert_eq!(code(create(&two).await), "IdempotentParameterMismatch");
    sweep(&ec2, &one).await;
    sweep(&ec2, &two).await;
}

/// <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html>
#[tokio::test]
async fn a_token_has_at_most_64_characters() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;

    let create = ec2
        .create_route_table()
        .vpc_id(&vpc_id)
        .client_token("x".repeat(65));

    assert_eq!(code(create.send().await), "InvalidParameterValue");
    sweep(&ec2, &vpc_id).await;
}

/// These have no token: a blind repetition is a second resource.
/// <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html>
#[tokio::test]
async fn operations_without_a_token_make_twins() {
    let Some(aws) = controlled().await else { return };
    let ec2 = client(&aws);
    for _ in 0..2 {
        vpc(&ec2, "10.0.0.0/16").await;
        ec2.allocate_address().send().await.expect("an address");
        ec2.create_internet_gateway().send().await.expect("a gateway");
    }

    assert_eq!(aws.control().inventory_of(&aws.vendor().id).len(), 6);
}

/// Tokens are of one account and one region.
/// <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html>
#[tokio::test]
async fn another_account_may_use_the_same_token() {
    let aws = aws().await;
    let (ours, theirs) = (client(&aws), aws_sdk_ec2::Client::new(&aws.customer().config));
    let (one, two) = (vpc(&ours, "10.0.0.0/16").await, vpc(&theirs, "10.0.0.0/16").await);
    let token = aws.name("token");

    let create = ours.create_route_table().vpc_id(&one).client_token(&token);
    create.send().await.expect("a table");
    let create = theirs.create_route_table().vpc_id(&two).client_token(&token);
    create.send().await.expect("another table");

    sweep(&ours, &one).await;
    sweep(&theirs, &two).await;
}
