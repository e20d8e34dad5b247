//! Automated backups in another region, and after their instance.

use aws_sdk_rds::Client;
use chrono::TimeDelta;
use conformance::local_aws::Outage;
use conformance::{code, controlled};

use super::support::{available, client, described, far_network, instance, key, minutes, network, real_pace};

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReplicateBackups.html>
#[tokio::test]
async fn replicated_backups_restore_a_database_after_its_region_is_lost() {
    let Some(aws) = controlled().await else { return };
    let (near, far) = (network(&aws).await, far_network(&aws).await);
    let source = available(&client(&aws), &near, "db").await;
    let there = Client::new(&far.config);
    real_pace(&aws);
    let start = there.start_db_instance_automated_backups_replication();
    let started = start
        .source_db_instance_arn(&source)
        .backup_retention_period(7)
        .send()
        .await;
    let backup = started
        .expect("taken")
        .db_instance_automated_backup
        .expect("a backup");
    assert_eq!(
        (backup.status(), backup.region()),
        (Some("pending"), Some(aws.region()))
    );
    aws.advance(minutes(30));
    let control = aws.control();
    for number in 1..=10 {
        control.write_marker(&source, number).expect("committed");
        aws.advance(minutes(1));
    }
    control.begin_outage(Outage::Region(aws.region().to_owned()));
    aws.advance(minutes(60));
    let restore = there
        .restore_db_instance_to_point_in_time()
        .source_db_instance_automated_backups_arn(backup.db_instance_automated_backups_arn().expect("an ARN"))
        .target_db_instance_identifier("again")
        .use_latest_restorable_time(true)
        .db_subnet_group_name(&far.group);
    restore.send().await.expect("taken");
    aws.advance(minutes(15));
    let again = described(&there, "again").await.db_instance_arn.expect("an ARN");
    let view = control.database(&again).expect("it is there");
    assert!(view.is_writable);
    assert_eq!(
        view.markers,
        [1, 2, 3, 4, 5, 6],
        "logs are shipped every five minutes"
    );
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_StartDBInstanceAutomatedBackupsReplication.html>
#[tokio::test]
async fn backups_are_replicated_from_another_region_once_and_under_a_key_of_this_one() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let (near, far) = (network(&aws).await, far_network(&aws).await);
    instance(&rds, &near, "db")
        .storage_encrypted(true)
        .send()
        .await
        .expect("an instance");
    let source = described(&rds, "db").await.db_instance_arn.expect("an ARN");
    let there = Client::new(&far.config);
    let start = |rds: &Client| {
        let start = rds.start_db_instance_automated_backups_replication();
        start.source_db_instance_arn(&source)
    };
    assert_eq!(code(start(&rds).send().await), "InvalidParameterValue");
    assert_eq!(code(start(&there).send().await), "InvalidParameterCombination");
    let key = key(&far.config).await;
    start(&there).kms_key_id(&key).send().await.expect("taken");
    let again = start(&there).kms_key_id(&key).send().await;
    assert_eq!(code(again), "InvalidDBInstanceAutomatedBackupState");
    let missing = source.replace(":db:db", ":db:never-made");
    let unknown = there.start_db_instance_automated_backups_replication();
    assert_eq!(
        code(unknown.source_db_instance_arn(missing).send().await),
        "DBInstanceNotFound"
    );
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_StopDBInstanceAutomatedBackupsReplication.html>
#[tokio::test]
async fn backups_stay_where_their_replication_was_stopped() {
    let Some(aws) = controlled().await else { return };
    let (near, far) = (network(&aws).await, far_network(&aws).await);
    let source = available(&client(&aws), &near, "db").await;
    let there = Client::new(&far.config);
    let stop = || {
        let stop = there.stop_db_instance_automated_backups_replication();
        stop.source_db_instance_arn(&source).send()
    };
    assert_eq!(code(stop().await), "DBInstanceNotFound");
    let start = there.start_db_instance_automated_backups_replication();
    start.source_db_instance_arn(&source).send().await.expect("taken");
    let describe = || {
        there
            .describe_db_instance_automated_backups()
            .db_instance_identifier("db")
            .send()
    };
    let found = describe()
        .await
        .expect("it is there")
        .db_instance_automated_backups()[0]
        .clone();
    assert_eq!(found.status(), Some("replicating"));
    stop().await.expect("taken");
    let found = describe()
        .await
        .expect("it is there")
        .db_instance_automated_backups()[0]
        .clone();
    assert_eq!(found.status(), Some("retained"));
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithAutomatedBackups.Retaining.html>
#[tokio::test]
async fn backups_outlive_their_instance_when_asked_to() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    let source = available(&rds, &network, "db").await;
    aws.control().write_marker(&source, 1).expect("committed");
    aws.advance(TimeDelta::minutes(10));
    let resource = described(&rds, "db").await.dbi_resource_id.expect("an id");
    let living = rds
        .describe_db_instance_automated_backups()
        .send()
        .await
        .expect("an answer");
    assert_eq!(living.db_instance_automated_backups()[0].status(), Some("active"));
    let delete = rds.delete_db_instance().db_instance_identifier("db");
    let delete = delete.skip_final_snapshot(true).delete_automated_backups(false);
    delete.send().await.expect("taken");
    let kept = rds
        .describe_db_instance_automated_backups()
        .dbi_resource_id(&resource)
        .send()
        .await;
    let kept = kept.expect("it is there").db_instance_automated_backups()[0].clone();
    assert_eq!(kept.status(), Some("retained"));
    let restore = rds
        .restore_db_instance_to_point_in_time()
        .source_dbi_resource_id(&resource)
        .target_db_instance_identifier("again")
        .use_latest_restorable_time(true)
        .db_subnet_group_name(&network.group);
    restore.send().await.expect("taken");
    let again = described(&rds, "again").await.db_instance_arn.expect("an ARN");
    assert_eq!(aws.control().database(&again).expect("it is there").markers, [1]);
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBInstanceAutomatedBackups.html>
#[tokio::test]
async fn an_unknown_backup_is_not_found() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let asked = rds
        .describe_db_instance_automated_backups()
        .dbi_resource_id("db-NEVERMADE")
        .send()
        .await;
    assert_eq!(code(asked), "DBInstanceAutomatedBackupNotFound");
}
