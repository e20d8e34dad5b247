//! ModifyDBInstance.

use conformance::{code, controlled};

use super::support::{PASSWORD, available, client, described, instance, minutes, network, real_pace, status};

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ModifyInstance.ApplyImmediately.html>
#[tokio::test]
async fn a_change_of_class_waits_for_the_maintenance_window() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    available(&rds, &network, "db").await;
    let modify = rds.modify_db_instance().db_instance_identifier("db");
    modify
        .db_instance_class("db.m6g.large")
        .send()
        .await
        .expect("taken");
    let found = described(&rds, "db").await;
    assert_eq!(found.db_instance_class(), Some("db.t3.micro"));
    let pending = found.pending_modified_values().expect("pending");
    assert_eq!(pending.db_instance_class(), Some("db.m6g.large"));
    aws.advance(minutes(7 * 24 * 60));
    let found = described(&rds, "db").await;
    assert_eq!(found.db_instance_class(), Some("db.m6g.large"));
    assert!(
        found
            .pending_modified_values()
            .is_none_or(|pending| pending.db_instance_class().is_none())
    );
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ModifyInstance.ApplyImmediately.html>
#[tokio::test]
async fn a_change_applied_at_once_takes_its_time() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    available(&rds, &network, "db").await;
    real_pace(&aws);
    let modify = rds
        .modify_db_instance()
        .db_instance_identifier("db")
        .multi_az(true);
    modify.apply_immediately(true).send().await.expect("taken");
    assert_eq!(status(&rds, "db").await, "modifying");
    let again = rds
        .modify_db_instance()
        .db_instance_identifier("db")
        .multi_az(false);
    assert_eq!(
        code(again.apply_immediately(true).send().await),
        "InvalidDBInstanceState"
    );
    aws.advance(minutes(10));
    let found = described(&rds, "db").await;
    assert_eq!(
        (found.db_instance_status(), found.multi_az()),
        (Some("available"), Some(true))
    );
    assert_ne!(found.secondary_availability_zone(), found.availability_zone());
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.MultiAZSingleStandby.html>
#[tokio::test]
async fn an_instance_that_is_no_more_multi_az_gives_its_standby_back() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    instance(&rds, &network, "db")
        .multi_az(true)
        .send()
        .await
        .expect("an instance");
    let ec2 = aws_sdk_ec2::Client::new(&aws.vendor().config);
    let interfaces = async || {
        let found = ec2
            .describe_network_interfaces()
            .send()
            .await
            .expect("interfaces");
        found.network_interfaces().len()
    };
    assert_eq!(interfaces().await, 2);
    let modify = rds
        .modify_db_instance()
        .db_instance_identifier("db")
        .multi_az(false);
    modify.apply_immediately(true).send().await.expect("taken");
    assert_eq!(described(&rds, "db").await.multi_az(), Some(false));
    assert_eq!(interfaces().await, 1);
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html>
#[tokio::test]
async fn storage_grows_and_never_shrinks() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    instance(&rds, &network, "db")
        .allocated_storage(50)
        .send()
        .await
        .expect("an instance");
    let modify = |gib| {
        let modify = rds.modify_db_instance().db_instance_identifier("db");
        modify.allocated_storage(gib).apply_immediately(true)
    };
    assert_eq!(code(modify(40).send().await), "InvalidParameterValue");
    modify(60).send().await.expect("taken");
    assert_eq!(described(&rds, "db").await.allocated_storage(), Some(60));
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_UpgradeDBInstance.Upgrading.html>
#[tokio::test]
async fn a_major_upgrade_is_asked_for_twice_and_a_downgrade_is_refused() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    instance(&rds, &network, "db")
        .engine_version("16.4")
        .send()
        .await
        .expect("an instance");
    let modify = |version: &str| {
        let modify = rds.modify_db_instance().db_instance_identifier("db");
        modify.engine_version(version).apply_immediately(true)
    };
    assert_eq!(code(modify("17.2").send().await), "InvalidParameterCombination");
    assert_eq!(code(modify("15.10").send().await), "InvalidParameterCombination");
    modify("17.2")
        .allow_major_version_upgrade(true)
        .send()
        .await
        .expect("taken");
    assert_eq!(described(&rds, "db").await.engine_version(), Some("17.2"));
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html>
#[tokio::test]
async fn what_interrupts_nothing_holds_at_once() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    available(&rds, &network, "db").await;
    let modify = rds.modify_db_instance().db_instance_identifier("db");
    let modify = modify.deletion_protection(true).backup_retention_period(14);
    modify.send().await.expect("taken");
    let found = described(&rds, "db").await;
    assert_eq!(found.deletion_protection(), Some(true));
    assert_eq!(found.backup_retention_period(), Some(14));
    assert_eq!(found.db_instance_status(), Some("available"));
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html>
#[tokio::test]
async fn a_managed_password_is_not_set_by_hand() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    available(&rds, &network, "db").await;
    let modify = || rds.modify_db_instance().db_instance_identifier("db");
    modify()
        .manage_master_user_password(true)
        .send()
        .await
        .expect("taken");
    let by_hand = modify().master_user_password(PASSWORD).send().await;
    assert_eq!(code(by_hand), "InvalidParameterCombination");
    let without = modify().manage_master_user_password(false).send().await;
    assert_eq!(code(without), "InvalidParameterCombination");
    let back = modify()
        .manage_master_user_password(false)
        .master_user_password(PASSWORD);
    back.send().await.expect("taken");
    assert!(described(&rds, "db").await.master_user_secret.is_none());
}
