//! What an Aurora cluster and its members may not be.

use conformance::{code, controlled};

use super::support::{available, client, cluster, instance, member, minutes, network, real_pace};

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html>
#[tokio::test]
async fn a_clusters_identifier_is_legal_and_taken_once() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    assert_eq!(
        code(cluster(&rds, &network, "1st").send().await),
        "InvalidParameterValue"
    );
    cluster(&rds, &network, "ledger").send().await.expect("a cluster");
    let again = cluster(&rds, &network, "Ledger").send().await;
    assert_eq!(code(again), "DBClusterAlreadyExistsFault");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html>
#[tokio::test]
async fn a_cluster_has_a_master_a_subnet_group_and_backups() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    let create = || cluster(&rds, &network, "ledger");
    assert_eq!(
        code(create().master_user_password("short").send().await),
        "InvalidParameterValue"
    );
    let nowhere = create().db_subnet_group_name("nowhere").send().await;
    assert_eq!(code(nowhere), "DBSubnetGroupNotFoundFault");
    let unsaved = create().backup_retention_period(0).send().await;
    assert_eq!(code(unsaved), "InvalidParameterValue");
    let version = create().engine_version("99.9").send().await;
    assert_eq!(code(version), "InvalidParameterCombination");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.Overview.html>
#[tokio::test]
async fn a_member_takes_storage_and_master_from_its_cluster() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    cluster(&rds, &network, "ledger").send().await.expect("a cluster");
    let storage = member(&rds, "ledger", "one").allocated_storage(20).send().await;
    assert_eq!(code(storage), "InvalidParameterCombination");
    let master = member(&rds, "ledger", "one")
        .master_username("other")
        .send()
        .await;
    assert_eq!(code(master), "InvalidParameterCombination");
    let engine = member(&rds, "ledger", "one").engine("aurora-mysql").send().await;
    assert_eq!(code(engine), "InvalidParameterCombination");
    let small = member(&rds, "ledger", "one")
        .db_instance_class("db.t3.micro")
        .send()
        .await;
    assert_eq!(code(small), "InvalidParameterCombination");
    let lost = member(&rds, "never-made", "one").send().await;
    assert_eq!(code(lost), "DBClusterNotFoundFault");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBCluster.html>
#[tokio::test]
async fn a_cluster_with_members_is_not_deleted() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    cluster(&rds, &network, "ledger").send().await.expect("a cluster");
    member(&rds, "ledger", "one").send().await.expect("a member");
    let delete = || rds.delete_db_cluster().db_cluster_identifier("ledger");
    let skipping = || delete().skip_final_snapshot(true).send();
    assert_eq!(code(delete().send().await), "InvalidParameterCombination");
    assert_eq!(code(skipping().await), "InvalidDBClusterStateFault");
    let gone = rds
        .delete_db_instance()
        .db_instance_identifier("one")
        .skip_final_snapshot(true);
    gone.send().await.expect("taken");
    skipping().await.expect("taken");
    let describe = rds
        .describe_db_clusters()
        .db_cluster_identifier("ledger")
        .send()
        .await;
    assert_eq!(code(describe), "DBClusterNotFoundFault");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBCluster.html>
#[tokio::test]
async fn a_protected_cluster_is_not_deleted() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    cluster(&rds, &network, "ledger")
        .deletion_protection(true)
        .send()
        .await
        .expect("a cluster");
    let delete = || {
        rds.delete_db_cluster()
            .db_cluster_identifier("ledger")
            .skip_final_snapshot(true)
            .send()
    };
    assert_eq!(code(delete().await), "InvalidParameterCombination");
    let modify = rds.modify_db_cluster().db_cluster_identifier("ledger");
    modify.deletion_protection(false).send().await.expect("taken");
    delete().await.expect("taken");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_StopDBInstance.html>
#[tokio::test]
async fn a_member_is_neither_stopped_nor_snapshotted_alone() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    cluster(&rds, &network, "ledger").send().await.expect("a cluster");
    member(&rds, "ledger", "one").send().await.expect("a member");
    let stop = rds.stop_db_instance().db_instance_identifier("one").send().await;
    assert_eq!(code(stop), "InvalidDBClusterStateFault");
    let shot = rds.create_db_snapshot().db_instance_identifier("one");
    assert_eq!(
        code(shot.db_snapshot_identifier("shot").send().await),
        "InvalidDBInstanceState"
    );
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateGlobalCluster.html>
#[tokio::test]
async fn a_global_cluster_begins_with_an_available_aurora_cluster_or_an_engine() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    let create = || rds.create_global_cluster().global_cluster_identifier("world");
    assert_eq!(code(create().send().await), "InvalidParameterCombination");
    assert_eq!(
        code(create().engine("postgres").send().await),
        "InvalidParameterCombination"
    );
    let missing = create().source_db_cluster_identifier("arn:aws:rds:eu-central-1:111111111111:cluster:no");
    assert_eq!(code(missing.send().await), "DBClusterNotFoundFault");
    real_pace(&aws);
    let made = cluster(&rds, &network, "ledger").send().await.expect("a cluster");
    let arn = made
        .db_cluster
        .expect("a cluster")
        .db_cluster_arn
        .expect("an ARN");
    let young = create().source_db_cluster_identifier(&arn).send().await;
    assert_eq!(code(young), "InvalidDBClusterStateFault");
    aws.advance(minutes(5));
    let both = create()
        .source_db_cluster_identifier(&arn)
        .engine("aurora-postgresql")
        .send()
        .await;
    assert_eq!(code(both), "InvalidParameterCombination");
    create()
        .source_db_cluster_identifier(&arn)
        .send()
        .await
        .expect("taken");
    let again = create().engine("aurora-postgresql").send().await;
    assert_eq!(code(again), "GlobalClusterAlreadyExistsFault");
    let other = rds.create_global_cluster().global_cluster_identifier("other");
    let twice = other.source_db_cluster_identifier(&arn).send().await;
    assert_eq!(code(twice), "InvalidDBClusterStateFault");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_FailoverDBCluster.html>
#[tokio::test]
async fn a_cluster_without_a_reader_has_nothing_to_fail_over_to() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    cluster(&rds, &network, "ledger").send().await.expect("a cluster");
    member(&rds, "ledger", "one").send().await.expect("a member");
    available(&rds, &network, "apart").await;
    let fail_over = || rds.failover_db_cluster().db_cluster_identifier("ledger");
    assert_eq!(code(fail_over().send().await), "InvalidDBClusterStateFault");
    let foreign = fail_over().target_db_instance_identifier("apart").send().await;
    assert_eq!(code(foreign), "InvalidParameterValue");
    let lost = rds
        .failover_db_cluster()
        .db_cluster_identifier("never-made")
        .send()
        .await;
    assert_eq!(code(lost), "DBClusterNotFoundFault");
    let alone = instance(&rds, &network, "lone").engine("aurora-postgresql");
    assert!(
        alone.send().await.is_err(),
        "an Aurora instance belongs to a cluster"
    );
}
