//! Worlds are whole, apart from each other, and move in time as one.

use std::time::{Duration, Instant};

use aws_access::ProbeOutcome;
use local::World;
use local::accounts::{BROKER_ROLE_ARN, CUSTOMER_ACCOUNTS, ISV_ACCOUNT};

#[tokio::test]
async fn two_worlds_do_not_meet_and_the_second_comes_quickly() {
    let first = World::start().await;
    let begun = Instant::now();
    let second = World::start().await;
    let took = begun.elapsed();

    assert_ne!(first.databases, second.databases);
    assert_ne!(first.local_aws.endpoint(), second.local_aws.endpoint());
    first.stores.ping().await.expect("its own database");
    second.stores.ping().await.expect("its own database");
    // A generous bound that only a copy can keep; migrating and starting a server take longer.
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn time_passes_for_the_kit_and_for_aws_alike() {
    let world = World::start().await;
    let (ours, theirs) = (world.kit.clock.now(), world.control.now());

    world.advance(Duration::from_secs(3_600)).await;

    assert_eq!((world.kit.clock.now() - ours).num_seconds(), 3_600);
    assert_eq!((world.control.now() - theirs).num_seconds(), 3_600);
}

#[tokio::test]
async fn the_customers_stack_admits_the_broker_with_its_external_id_only() {
    let world = World::start().await;
    let [account, ..] = CUSTOMER_ACCOUNTS;
    let external_id = "tenantry-0123456789abcdef0123456789abcdef";
    let parameters = [
        ("VendorAccountId", ISV_ACCOUNT),
        ("BrokerRoleArn", BROKER_ROLE_ARN),
        ("ExternalId", external_id),
        ("RoleName", "tenantry-acme"),
        ("TenantId", "tnt_01hzy3v9k8f7q6w5x4t2s1r0pn"),
    ];
    let parameters = parameters
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();

    let stack = world.deploy_role_stack(account, &parameters).await;

    assert_eq!(stack.status, "CREATE_COMPLETE");
    let role = format!("arn:aws:iam::{account}:role/tenantry/tenantry-acme");
    let broker = world.aws.broker();
    let assumed = ProbeOutcome::Assumed {
        account: account.to_owned(),
    };
    assert_eq!(broker.probe(&role, Some(external_id)).await, assumed);
    assert_eq!(
        broker.probe(&role, Some("tenantry-another-0123456789")).await,
        ProbeOutcome::AccessDenied
    );
    assert_eq!(broker.probe(&role, None).await, ProbeOutcome::AccessDenied);
}
