//! Instances from snapshots, and from any moment that backups cover.

use aws_sdk_rds::Client;
use aws_sdk_rds::primitives::DateTime;
use chrono::TimeDelta;
use conformance::{code, controlled};

use super::support::{available, client, described, instance, key, minutes, network, real_pace, until};

async fn snapshot(rds: &Client, of: &str, id: &str) {
    let create = rds.create_db_snapshot().db_instance_identifier(of);
    create.db_snapshot_identifier(id).send().await.expect("taken");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_RestoreFromSnapshot.html>
#[tokio::test]
async fn a_restored_instance_holds_what_the_snapshot_held() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    let source = available(&rds, &network, "db").await;
    let control = aws.control();
    control.write_marker(&source, 1).expect("committed");
    snapshot(&rds, "db", "shot").await;
    until(&rds, "db", "available").await;
    control.write_marker(&source, 2).expect("committed");
    let restore = rds
        .restore_db_instance_from_db_snapshot()
        .db_instance_identifier("again")
        .db_snapshot_identifier("shot")
        .db_subnet_group_name(&network.group);
    let made = restore
        .send()
        .await
        .expect("taken")
        .db_instance
        .expect("an instance");
    assert_eq!(made.engine(), Some("postgres"));
    assert_eq!(made.master_username(), Some("keeper"));
    let arn = made.db_instance_arn().expect("an ARN");
    assert_eq!(control.database(arn).expect("it is there").markers, [1]);
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RestoreDBInstanceFromDBSnapshot.html>
#[tokio::test]
async fn a_restore_needs_a_finished_snapshot_a_free_name_and_the_same_engine() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    available(&rds, &network, "db").await;
    snapshot(&rds, "db", "shot").await;
    let restore = |id: &str, from: &str| {
        let restore = rds
            .restore_db_instance_from_db_snapshot()
            .db_instance_identifier(id);
        restore
            .db_snapshot_identifier(from)
            .db_subnet_group_name(&network.group)
    };
    assert_eq!(
        code(restore("again", "never-made").send().await),
        "DBSnapshotNotFound"
    );
    assert_eq!(
        code(restore("db", "shot").send().await),
        "DBInstanceAlreadyExists"
    );
    let other = restore("again", "shot").engine("mysql").send().await;
    assert_eq!(code(other), "InvalidParameterCombination");
    until(&rds, "db", "available").await;
    real_pace(&aws);
    snapshot(&rds, "db", "young").await;
    assert_eq!(
        code(restore("again", "young").send().await),
        "InvalidDBSnapshotState"
    );
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RestoreDBInstanceFromDBSnapshot.html>
#[tokio::test]
async fn a_snapshot_whose_key_is_disabled_is_not_restored() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    let key = key(&network.config).await;
    let create = instance(&rds, &network, "db")
        .storage_encrypted(true)
        .kms_key_id(&key);
    create.send().await.expect("an instance");
    until(&rds, "db", "available").await;
    snapshot(&rds, "db", "shot").await;
    let kms = aws_sdk_kms::Client::new(&network.config);
    kms.disable_key().key_id(&key).send().await.expect("disabled");
    let restore = rds
        .restore_db_instance_from_db_snapshot()
        .db_instance_identifier("again")
        .db_snapshot_identifier("shot")
        .db_subnet_group_name(&network.group);
    assert_eq!(code(restore.send().await), "KMSKeyNotAccessibleFault");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIT.html>
#[tokio::test]
async fn a_restore_to_a_moment_holds_what_was_there_then() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    let source = available(&rds, &network, "db").await;
    let control = aws.control();
    let mut moments = Vec::new();
    for number in 1..=3 {
        aws.advance(minutes(10));
        control.write_marker(&source, number).expect("committed");
        aws.advance(minutes(10));
        moments.push(control.now());
    }
    let moment = DateTime::from_secs(moments[1].timestamp());
    let restore = rds
        .restore_db_instance_to_point_in_time()
        .source_db_instance_identifier("db")
        .target_db_instance_identifier("again")
        .db_subnet_group_name(&network.group);
    restore.restore_time(moment).send().await.expect("taken");
    let again = described(&rds, "again").await.db_instance_arn.expect("an ARN");
    assert_eq!(control.database(&again).expect("it is there").markers, [1, 2]);
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RestoreDBInstanceToPointInTime.html>
#[tokio::test]
async fn a_moment_is_given_once_and_lies_between_the_first_backup_and_five_minutes_ago() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    available(&rds, &network, "db").await;
    real_pace(&aws);
    aws.advance(minutes(60));
    let restore = || {
        rds.restore_db_instance_to_point_in_time()
            .source_db_instance_identifier("db")
            .target_db_instance_identifier("again")
            .db_subnet_group_name(&network.group)
    };
    let at = |back: TimeDelta| DateTime::from_secs((aws.control().now() - back).timestamp());
    assert_eq!(code(restore().send().await), "InvalidParameterCombination");
    let both = restore()
        .restore_time(at(minutes(10)))
        .use_latest_restorable_time(true);
    assert_eq!(code(both.send().await), "InvalidParameterCombination");
    let late = restore().restore_time(at(minutes(1))).send().await;
    assert_eq!(code(late), "InvalidParameterValue");
    let early = restore().restore_time(at(TimeDelta::days(2))).send().await;
    assert_eq!(code(early), "InvalidParameterValue");
    restore()
        .restore_time(at(minutes(10)))
        .send()
        .await
        .expect("taken");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RestoreDBInstanceToPointInTime.html>
#[tokio::test]
async fn an_instance_without_backups_is_not_restored_to_a_moment() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    instance(&rds, &network, "db")
        .backup_retention_period(0)
        .send()
        .await
        .expect("an instance");
    let restore = |from: &str| {
        rds.restore_db_instance_to_point_in_time()
            .source_db_instance_identifier(from)
            .target_db_instance_identifier("again")
            .db_subnet_group_name(&network.group)
            .use_latest_restorable_time(true)
            .send()
    };
    assert_eq!(code(restore("db").await), "PointInTimeRestoreNotEnabled");
    assert_eq!(code(restore("never-made").await), "DBInstanceNotFound");
}
