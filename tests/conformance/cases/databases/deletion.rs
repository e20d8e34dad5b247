//! DeleteDBInstance.

use conformance::{code, controlled};

use super::support::{available, client, instance, minutes, network, real_pace, replica, status};

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html>
#[tokio::test]
async fn a_last_snapshot_is_named_or_skipped_and_not_both() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    available(&rds, &network, "db").await;
    let delete = || rds.delete_db_instance().db_instance_identifier("db");
    assert_eq!(code(delete().send().await), "InvalidParameterCombination");
    let both = delete()
        .skip_final_snapshot(true)
        .final_db_snapshot_identifier("last");
    assert_eq!(code(both.send().await), "InvalidParameterCombination");
    delete()
        .final_db_snapshot_identifier("last")
        .send()
        .await
        .expect("taken");
    let found = rds
        .describe_db_snapshots()
        .db_snapshot_identifier("last")
        .send()
        .await;
    assert_eq!(
        found.expect("it is there").db_snapshots()[0].db_instance_identifier(),
        Some("db")
    );
    let gone = rds
        .describe_db_instances()
        .db_instance_identifier("db")
        .send()
        .await;
    assert_eq!(code(gone), "DBInstanceNotFound");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_DeleteInstance.html>
#[tokio::test]
async fn a_protected_instance_is_not_deleted() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    instance(&rds, &network, "db")
        .deletion_protection(true)
        .send()
        .await
        .expect("an instance");
    let delete = || {
        rds.delete_db_instance()
            .db_instance_identifier("db")
            .skip_final_snapshot(true)
            .send()
    };
    assert_eq!(code(delete().await), "InvalidParameterCombination");
    let modify = rds.modify_db_instance().db_instance_identifier("db");
    modify.deletion_protection(false).send().await.expect("taken");
    delete().await.expect("taken");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html>
#[tokio::test]
async fn an_instance_is_deleted_once_and_over_minutes() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    available(&rds, &network, "db").await;
    real_pace(&aws);
    let delete = || {
        rds.delete_db_instance()
            .db_instance_identifier("db")
            .skip_final_snapshot(true)
            .send()
    };
    delete().await.expect("taken");
    assert_eq!(status(&rds, "db").await, "deleting");
    assert_eq!(code(delete().await), "InvalidDBInstanceState");
    aws.advance(minutes(5));
    let gone = rds
        .describe_db_instances()
        .db_instance_identifier("db")
        .send()
        .await;
    assert_eq!(code(gone), "DBInstanceNotFound");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html>
#[tokio::test]
async fn a_last_snapshot_needs_an_available_instance_and_a_replica_has_none() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    available(&rds, &network, "db").await;
    replica(&rds, &network, "copy", "db")
        .send()
        .await
        .expect("a replica");
    let delete = |id: &str| {
        let delete = rds.delete_db_instance().db_instance_identifier(id);
        delete.final_db_snapshot_identifier("last").send()
    };
    assert_eq!(code(delete("copy").await), "InvalidParameterCombination");
    real_pace(&aws);
    instance(&rds, &network, "young")
        .send()
        .await
        .expect("an instance");
    assert_eq!(code(delete("young").await), "InvalidDBInstanceState");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReadRepl.html>
#[tokio::test]
async fn a_replica_stands_alone_once_its_source_is_deleted() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    let arn = available(&rds, &network, "db").await;
    aws.control().write_marker(&arn, 1).expect("committed");
    replica(&rds, &network, "copy", "db")
        .send()
        .await
        .expect("a replica");
    let delete = rds
        .delete_db_instance()
        .db_instance_identifier("db")
        .skip_final_snapshot(true);
    delete.send().await.expect("taken");
    let copy = super::support::described(&rds, "copy").await;
    assert_eq!(copy.read_replica_source_db_instance_identifier(), None);
    let view = aws
        .control()
        .database(copy.db_instance_arn().expect("an ARN"))
        .expect("it is there");
    assert_eq!((view.is_writable, view.markers), (true, vec![1]));
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_DeleteInstance.html>
#[tokio::test]
async fn nothing_is_left_of_a_deleted_instance() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    instance(&rds, &network, "db")
        .multi_az(true)
        .send()
        .await
        .expect("an instance");
    let kinds = || {
        let items = aws.control().inventory_of(&aws.vendor().id);
        let kinds = items.into_iter().map(|item| item.kind);
        kinds
            .filter(|kind| kind == "rds:db" || kind == "ec2:network-interface")
            .collect::<Vec<_>>()
    };
    assert!(kinds().contains(&"rds:db".to_owned()));
    let delete = rds
        .delete_db_instance()
        .db_instance_identifier("db")
        .skip_final_snapshot(true);
    delete.send().await.expect("taken");
    assert!(kinds().is_empty(), "{:?}", kinds());
    network.remove().await;
}
