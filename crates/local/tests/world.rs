//! Worlds are whole, apart from each other, and move in time as one.

use std::time::{Duration, Instant};

use aws_access::s3::{Bucket, BucketSettings};
use aws_access::{ProbeOutcome, SessionIdentity};
use local::World;
use local::accounts::{BROKER_ROLE_ARN, BUCKET, CUSTOMER_ACCOUNTS, ISV_ACCOUNT, STREAM};
use tenant_store::stream_shards::{self, ListedShard};

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
    let identity = SessionIdentity {
        operation: "a-test".to_owned(),
        source_identity: "a-test".to_owned(),
    };
    let assumed = ProbeOutcome::Assumed {
        account: account.to_owned(),
    };
    assert_eq!(broker.probe(&role, Some(external_id), &identity).await, assumed);
    assert_eq!(
        broker
            .probe(&role, Some("tenantry-another-0123456789"), &identity)
            .await,
        ProbeOutcome::AccessDenied
    );
    assert_eq!(
        broker.probe(&role, None, &identity).await,
        ProbeOutcome::AccessDenied
    );
}

#[tokio::test]
async fn a_lease_ends_by_time_passing_or_at_the_tests_wish() {
    let world = World::start().await;
    let (stream, half_a_minute_ms) = ("a-stream", 30_000);
    let shard = ListedShard {
        shard_id: "shardId-000000000000".to_owned(),
        parents: Vec::new(),
    };
    let mut tx = world.stores.begin_ops().await.expect("a transaction");
    stream_shards::insert_listed(&mut tx, stream, &[shard])
        .await
        .expect("a shard");
    stream_shards::open_ready(&mut tx, stream, &[])
        .await
        .expect("an open shard");
    tx.commit().await.expect("both");
    let claim = async |owner| {
        let mut tx = world.stores.begin_ops().await.expect("a transaction");
        let claimed = stream_shards::claim(&mut tx, stream, owner, (half_a_minute_ms, 1)).await;
        tx.commit().await.expect("the claim");
        claimed.expect("an answer").len()
    };

    assert_eq!(claim("first").await, 1);
    assert_eq!(claim("second").await, 0);
    world.advance(Duration::from_secs(31)).await;
    assert_eq!(claim("second").await, 1);
    world.expire_leases().await;
    assert_eq!(claim("third").await, 1);
}

#[tokio::test]
async fn the_control_plane_may_use_its_stream_and_bucket() {
    let world = World::start().await;

    let shards = world.aws.stream(STREAM).shards().await.expect("the stream");
    let name = BUCKET.parse().expect("a bucket's name");
    let bucket = BucketSettings {
        name,
        expected_owner: Some(ISV_ACCOUNT.to_owned()),
        kms_key_id: None,
    };
    let page = Bucket::open(&world.aws, bucket)
        .list_after("", None)
        .await
        .expect("the bucket");

    assert_eq!(shards.len(), 2);
    assert_eq!(page.keys, Vec::<String>::new());
}
