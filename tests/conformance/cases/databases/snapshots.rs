//! Manual snapshots and their copies.

use aws_sdk_rds::Client;
use conformance::{aws, code, controlled};

use super::support::{
    available, client, described, far_network, instance, key, minutes, network, real_pace, remove,
};

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBSnapshot.html>
#[tokio::test]
async fn a_snapshot_is_of_an_instance_that_is_available() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    let create = |of: &str, id: &str| {
        let create = rds.create_db_snapshot().db_instance_identifier(of);
        create.db_snapshot_identifier(id).send()
    };
    assert_eq!(code(create("never-made", "shot").await), "DBInstanceNotFound");
    available(&rds, &network, "db").await;
    for id in ["1st", "two--hyphens", "ends-"] {
        assert_eq!(code(create("db", id).await), "InvalidParameterValue", "{id}");
    }
    real_pace(&aws);
    create("db", "shot").await.expect("taken");
    assert_eq!(code(create("db", "other").await), "InvalidDBInstanceState");
    aws.advance(minutes(5));
    assert_eq!(code(create("db", "shot").await), "DBSnapshotAlreadyExists");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBSnapshot.html>
#[tokio::test]
async fn a_snapshot_outlives_its_instance() {
    let aws = aws().await;
    let rds = client(&aws);
    let network = network(&aws).await;
    let (id, shot) = (aws.name("db"), aws.name("shot"));
    available(&rds, &network, &id).await;
    let create = rds.create_db_snapshot().db_instance_identifier(&id);
    create.db_snapshot_identifier(&shot).send().await.expect("taken");
    let describe = || rds.describe_db_snapshots().db_snapshot_identifier(&shot).send();
    conformance::eventually("the snapshot is done", async || {
        describe().await.expect("it is there").db_snapshots()[0].status() == Some("available")
    })
    .await;
    super::support::until(&rds, &id, "available").await;
    remove(&rds, &id).await;
    let found = describe().await.expect("it is there").db_snapshots()[0].clone();
    assert_eq!(found.db_instance_identifier(), Some(id.as_str()));
    assert_eq!(
        (found.snapshot_type(), found.percent_progress()),
        (Some("manual"), Some(100))
    );
    let delete = rds.delete_db_snapshot().db_snapshot_identifier(&shot);
    delete.send().await.expect("the snapshot goes");
    assert_eq!(code(describe().await), "DBSnapshotNotFound");
    network.remove().await;
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html>
#[tokio::test]
async fn an_account_has_no_more_snapshots_than_its_quota() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    available(&rds, &network, "db").await;
    assert!(
        aws.control()
            .set_quota((&aws.vendor().id, aws.region()), "L-272F1212", 1)
    );
    let create = |id: &str| {
        let create = rds.create_db_snapshot().db_instance_identifier("db");
        create.db_snapshot_identifier(id).send()
    };
    create("one").await.expect("taken");
    assert_eq!(code(create("two").await), "SnapshotQuotaExceeded");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CopyDBSnapshot.html>
#[tokio::test]
async fn a_snapshot_is_copied_once_it_is_done_and_named_by_its_arn_from_afar() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let (near, far) = (network(&aws).await, far_network(&aws).await);
    available(&rds, &near, "db").await;
    real_pace(&aws);
    let create = rds.create_db_snapshot().db_instance_identifier("db");
    let made = create.db_snapshot_identifier("shot").send().await.expect("taken");
    let arn = made
        .db_snapshot
        .expect("a snapshot")
        .db_snapshot_arn
        .expect("an ARN");
    let there = Client::new(&far.config);
    let copy = |source: &str| {
        let copy = there.copy_db_snapshot().source_db_snapshot_identifier(source);
        copy.target_db_snapshot_identifier("copy").send()
    };
    assert_eq!(code(copy("shot").await), "DBSnapshotNotFound");
    assert_eq!(code(copy(&arn).await), "InvalidDBSnapshotState");
    aws.advance(minutes(5));
    copy(&arn).await.expect("taken");
    let describe = || {
        there
            .describe_db_snapshots()
            .db_snapshot_identifier("copy")
            .send()
    };
    let found = describe().await.expect("it is there").db_snapshots()[0].clone();
    assert_eq!(found.status(), Some("copying"));
    assert_eq!(found.source_db_snapshot_identifier(), Some(arn.as_str()));
    assert_eq!(found.source_region(), Some(aws.region()));
    aws.advance(minutes(30));
    let found = describe().await.expect("it is there").db_snapshots()[0].clone();
    assert_eq!(found.status(), Some("available"));
    assert_eq!(code(copy(&arn).await), "DBSnapshotAlreadyExists");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_CopySnapshot.html>
#[tokio::test]
async fn an_encrypted_snapshot_is_copied_afar_under_a_key_of_that_region() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let (near, far) = (network(&aws).await, far_network(&aws).await);
    instance(&rds, &near, "db")
        .storage_encrypted(true)
        .send()
        .await
        .expect("an instance");
    described(&rds, "db").await;
    let create = rds.create_db_snapshot().db_instance_identifier("db");
    let made = create.db_snapshot_identifier("shot").send().await.expect("taken");
    let arn = made
        .db_snapshot
        .expect("a snapshot")
        .db_snapshot_arn
        .expect("an ARN");
    let there = Client::new(&far.config);
    let copy = || {
        let copy = there.copy_db_snapshot().source_db_snapshot_identifier(&arn);
        copy.target_db_snapshot_identifier("copy")
    };
    assert_eq!(code(copy().send().await), "InvalidParameterCombination");
    let foreign = key(&near.config).await;
    assert_eq!(
        code(copy().kms_key_id(foreign).send().await),
        "KMSKeyNotAccessibleFault"
    );
    let key = key(&far.config).await;
    let made = copy()
        .kms_key_id(&key)
        .send()
        .await
        .expect("taken")
        .db_snapshot
        .expect("a copy");
    assert_eq!(
        (made.encrypted(), made.kms_key_id()),
        (Some(true), Some(key.as_str()))
    );
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBSnapshot.html>
#[tokio::test]
async fn a_snapshot_that_is_being_made_is_not_deleted() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    available(&rds, &network, "db").await;
    real_pace(&aws);
    let create = rds.create_db_snapshot().db_instance_identifier("db");
    create.db_snapshot_identifier("shot").send().await.expect("taken");
    let delete = || rds.delete_db_snapshot().db_snapshot_identifier("shot").send();
    assert_eq!(code(delete().await), "InvalidDBSnapshotState");
    aws.advance(minutes(5));
    delete().await.expect("it goes");
    assert_eq!(code(delete().await), "DBSnapshotNotFound");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBSnapshots.html>
#[tokio::test]
async fn snapshots_are_picked_by_instance_and_type() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    for id in ["one", "two"] {
        available(&rds, &network, id).await;
        let create = rds.create_db_snapshot().db_instance_identifier(id);
        create
            .db_snapshot_identifier(format!("of-{id}"))
            .send()
            .await
            .expect("taken");
    }
    let of_one = rds
        .describe_db_snapshots()
        .db_instance_identifier("one")
        .send()
        .await;
    let of_one = of_one.expect("an answer");
    assert_eq!(of_one.db_snapshots().len(), 1);
    assert_eq!(of_one.db_snapshots()[0].db_snapshot_identifier(), Some("of-one"));
    let by_aws = rds
        .describe_db_snapshots()
        .snapshot_type("automated")
        .send()
        .await;
    assert!(by_aws.expect("an answer").db_snapshots().is_empty());
    let odd = rds.describe_db_snapshots().snapshot_type("blurred").send().await;
    assert_eq!(code(odd), "InvalidParameterValue");
}
