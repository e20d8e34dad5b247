//! Faults on request. What each leaves behind is the point.

use aws_sdk_ec2::error::SdkError;
use chrono::TimeDelta;
use local_aws::{Fault, FaultRule, LagSettings, Options};

use crate::support::{ACME, ALLOW_ALL, BOLT, BROKER, ISV, World, refusal, trust};

fn networks(world: &World) -> usize {
    world
        .control()
        .inventory_of(ACME)
        .iter()
        .filter(|item| item.kind == "ec2:vpc")
        .count()
}

#[tokio::test]
async fn an_effect_without_reply_has_happened() {
    let world = World::start().await;
    let ec2 = world.root(ACME).ec2();
    world
        .control()
        .add_fault(FaultRule::on("CreateVpc", Fault::EffectWithoutReply { hang_ms: 0 }).times(1));

    let lost = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await;

    assert!(
        matches!(
            lost,
            Err(SdkError::DispatchFailure(_) | SdkError::ResponseError(_))
        ),
        "{lost:?}"
    );
    assert_eq!(networks(&world), 1);
    assert!(
        world
            .control()
            .calls()
            .iter()
            .any(|call| call.operation == "CreateVpc" && call.code == "OK")
    );
    ec2.create_vpc()
        .cidr_block("10.0.0.0/16")
        .send()
        .await
        .expect("the rule has ended");
    assert_eq!(networks(&world), 2, "a blind repetition is a twin");
}

#[tokio::test]
async fn a_call_that_arrives_twice_is_carried_out_twice() {
    let world = World::start().await;
    let ec2 = world.root(ACME).ec2();
    world
        .control()
        .add_fault(FaultRule::on("CreateVpc", Fault::DeliveredTwice).times(1));

    let made = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await;

    made.expect("the second answer");
    assert_eq!(networks(&world), 2);
    let arrived = |call: &&local_aws::CallRecord| call.operation == "CreateVpc";
    assert_eq!(world.control().calls().iter().filter(arrived).count(), 2);
}

#[tokio::test]
async fn a_time_out_before_the_effect_has_not_happened() {
    let world = World::start().await;
    let ec2 = world.root(ACME).ec2();
    world
        .control()
        .add_fault(FaultRule::on("CreateVpc", Fault::Timeout { hang_ms: 0 }).times(1));

    let lost = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await;

    assert!(
        matches!(
            lost,
            Err(SdkError::DispatchFailure(_) | SdkError::ResponseError(_))
        ),
        "{lost:?}"
    );
    assert_eq!(networks(&world), 0);
}

#[tokio::test]
async fn errors_hit_the_account_and_the_nth_call_they_are_for() {
    let world = World::start().await;
    let (acme, bolt) = (world.root(ACME).ec2(), world.root(BOLT).ec2());
    let capacity = Fault::Error {
        status: 500,
        code: "InsufficientInstanceCapacity".into(),
        message: String::new(),
    };
    world
        .control()
        .add_fault(FaultRule::on("DescribeVpcs", capacity).in_account(ACME).nth(2));
    world
        .control()
        .add_fault(FaultRule::on("DescribeSubnets", Fault::ServerError).in_account(ACME));

    acme.describe_vpcs().send().await.expect("the first passes");
    assert_eq!(
        refusal(acme.describe_vpcs().send().await),
        "InsufficientInstanceCapacity"
    );
    acme.describe_vpcs().send().await.expect("the third passes");
    assert_eq!(refusal(acme.describe_subnets().send().await), "InternalError");
    bolt.describe_subnets()
        .send()
        .await
        .expect("another account is spared");
    world.control().clear_faults();
    acme.describe_subnets().send().await.expect("no rule is left");
}

#[tokio::test]
async fn a_rate_hits_the_same_calls_for_the_same_seed() {
    let outcomes = async |seed: u64| {
        let world = World::with(Options {
            seed,
            ..Options::default()
        })
        .await;
        let ec2 = world.root(ACME).ec2();
        world
            .control()
            .add_fault(FaultRule::on("DescribeVpcs", Fault::Throttle).rate_per_million(500_000));
        let mut hits = Vec::new();
        for _ in 0..40 {
            hits.push(ec2.describe_vpcs().send().await.is_err());
        }
        hits
    };

    let first = outcomes(7).await;
    let hits = first.iter().filter(|hit| **hit).count();
    assert!((8..=32).contains(&hits), "{hits} of 40");
    assert_eq!(first, outcomes(7).await);
    assert_ne!(first, outcomes(8).await);
}

/// EC2 API reference, "Eventual consistency in the Amazon EC2 API".
#[tokio::test]
async fn a_describe_may_miss_what_was_just_made() {
    let world = World::start().await;
    let ec2 = world.root(ACME).ec2();
    world.control().set_lag(LagSettings {
        describe_ms_max: 3_600_000,
        ..LagSettings::default()
    });
    let made = ec2
        .create_vpc()
        .cidr_block("10.0.0.0/16")
        .send()
        .await
        .expect("a network");
    let id = made.vpc.and_then(|vpc| vpc.vpc_id).expect("an id");

    assert_eq!(
        refusal(ec2.describe_vpcs().vpc_ids(&id).send().await),
        "InvalidVpcID.NotFound"
    );
    world.control().advance(TimeDelta::hours(1));
    ec2.describe_vpcs()
        .vpc_ids(&id)
        .send()
        .await
        .expect("an hour later it is seen");
}

/// IAM user guide, "Troubleshoot IAM": changes are not always immediately visible.
#[tokio::test]
async fn a_new_role_is_not_assumable_at_once() {
    let world = World::start().await;
    world.control().set_lag(LagSettings {
        role_ms_max: 3_600_000,
        ..LagSettings::default()
    });
    let role = world.role(ACME, "tenantry", &trust(ISV, "{}"), ALLOW_ALL).await;
    let sts = world.service(BROKER).sts();
    let assume = || sts.assume_role().role_arn(&role).role_session_name("op").send();

    assert_eq!(refusal(assume().await), "AccessDenied");
    world.control().advance(TimeDelta::hours(1));
    assume().await.expect("an hour later it works");
}
