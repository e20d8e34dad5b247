//! Moving the primary of a global cluster between regions.

use aws_sdk_rds::types::GlobalClusterMemberSynchronizationStatus;
use chrono::TimeDelta;
use conformance::local_aws::{MarkerRefused, Outage};
use conformance::{code, controlled};

use super::globals::world;
use super::support::{global_of, minutes, primary_of, real_pace, writer_of};

/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-global-database-disaster-recovery.html>
#[tokio::test]
async fn a_switchover_loses_nothing_whatever_the_lag() {
    let Some(aws) = controlled().await else { return };
    let world = world(&aws).await;
    let control = aws.control();
    assert!(control.set_replica_lag(&world.secondary, TimeDelta::minutes(30)));
    for number in 1..=5 {
        control.write_marker(&world.primary, number).expect("committed");
    }
    real_pace(&aws);
    let switch = world
        .there
        .switchover_global_cluster()
        .global_cluster_identifier("world");
    switch
        .target_db_cluster_identifier(&world.secondary)
        .send()
        .await
        .expect("taken");
    let moving = global_of(&world.here, "world").await;
    assert_eq!(moving.status(), Some("switching-over"));
    assert_eq!(
        control.write_marker(&world.primary, 6),
        Err(MarkerRefused::ReadOnly)
    );
    aws.advance(minutes(5));
    assert_eq!(
        primary_of(&world.here, "world").await,
        Some(world.secondary.clone())
    );
    assert_eq!(writer_of(&world.there, "far").await.as_deref(), Some("far-one"));
    assert_eq!(
        control.database(&world.secondary).expect("it is there").markers,
        [1, 2, 3, 4, 5]
    );
    assert_eq!(
        control.write_marker(&world.primary, 6),
        Err(MarkerRefused::ReadOnly)
    );
    control.write_marker(&world.secondary, 7).expect("committed");
    aws.advance(minutes(60));
    assert_eq!(
        control.database(&world.primary).expect("it is there").markers,
        [1, 2, 3, 4, 5, 7]
    );
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_SwitchoverGlobalCluster.html>
#[tokio::test]
async fn a_switchover_needs_both_regions_and_another_cluster() {
    let Some(aws) = controlled().await else { return };
    let world = world(&aws).await;
    let switch = |global: &str, target: &str| {
        let switch = world
            .there
            .switchover_global_cluster()
            .global_cluster_identifier(global);
        switch.target_db_cluster_identifier(target).send()
    };
    assert_eq!(
        code(switch("never-made", &world.secondary).await),
        "GlobalClusterNotFoundFault"
    );
    assert_eq!(
        code(switch("world", "never-made").await),
        "DBClusterNotFoundFault"
    );
    assert_eq!(
        code(switch("world", &world.primary).await),
        "InvalidDBClusterStateFault"
    );
    aws.control()
        .begin_outage(Outage::Region(aws.region().to_owned()));
    assert_eq!(
        code(switch("world", &world.secondary).await),
        "InvalidDBClusterStateFault"
    );
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-global-database-disaster-recovery.html>
#[tokio::test]
async fn an_unplanned_failover_loses_what_had_not_replicated_and_no_more() {
    let Some(aws) = controlled().await else { return };
    let world = world(&aws).await;
    let control = aws.control();
    assert!(control.set_replica_lag(&world.secondary, TimeDelta::milliseconds(3_500)));
    for number in 1..=10 {
        control.write_marker(&world.primary, number).expect("committed");
        aws.advance(TimeDelta::seconds(1));
    }
    let lost = Outage::Region(aws.region().to_owned());
    control.begin_outage(lost.clone());
    aws.advance(minutes(5));
    let failover = world
        .there
        .failover_global_cluster()
        .global_cluster_identifier("world");
    let failover = failover
        .target_db_cluster_identifier(&world.secondary)
        .allow_data_loss(true);
    failover.send().await.expect("taken");
    let view = control.database(&world.secondary).expect("it is there");
    assert!(view.is_writable);
    assert_eq!(view.markers, [1, 2, 3, 4, 5, 6, 7]);
    control.write_marker(&world.secondary, 100).expect("committed");
    let behind = global_of(&world.there, "world").await;
    let old = behind
        .global_cluster_members()
        .iter()
        .find(|it| it.is_writer() == Some(false));
    let status = old
        .expect("the old primary")
        .synchronization_status()
        .map(GlobalClusterMemberSynchronizationStatus::as_str);
    assert_eq!(status, Some("pending-resync"));
    control.end_outage(&lost);
    aws.advance(minutes(5));
    let old = control.database(&world.primary).expect("it is there");
    assert_eq!(
        old.markers,
        [1, 2, 3, 4, 5, 6, 7, 100],
        "the old primary follows the new one"
    );
    assert!(!old.is_writable);
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_FailoverGlobalCluster.html>
#[tokio::test]
async fn a_failover_without_allowed_loss_is_a_switchover() {
    let Some(aws) = controlled().await else { return };
    let world = world(&aws).await;
    let control = aws.control();
    assert!(control.set_replica_lag(&world.secondary, TimeDelta::minutes(30)));
    control.write_marker(&world.primary, 1).expect("committed");
    let failover = || {
        let failover = world
            .there
            .failover_global_cluster()
            .global_cluster_identifier("world");
        failover.target_db_cluster_identifier(&world.secondary)
    };
    let both = failover().allow_data_loss(true).switchover(true).send().await;
    assert_eq!(code(both), "InvalidParameterCombination");
    failover().send().await.expect("taken");
    assert_eq!(
        control.database(&world.secondary).expect("it is there").markers,
        [1]
    );
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_FailoverGlobalCluster.html>
#[tokio::test]
async fn a_global_cluster_on_the_move_takes_no_other_change() {
    let Some(aws) = controlled().await else { return };
    let world = world(&aws).await;
    real_pace(&aws);
    let failover = || {
        let failover = world
            .there
            .failover_global_cluster()
            .global_cluster_identifier("world");
        failover
            .target_db_cluster_identifier(&world.secondary)
            .allow_data_loss(true)
            .send()
    };
    let taken = failover()
        .await
        .expect("taken")
        .global_cluster
        .expect("a global cluster");
    let state = taken.failover_state().expect("it moves");
    assert_eq!(state.to_db_cluster_arn(), Some(world.secondary.as_str()));
    assert_eq!(state.is_data_loss_allowed(), Some(true));
    assert_eq!(code(failover().await), "InvalidGlobalClusterStateFault");
    let remove = world
        .there
        .remove_from_global_cluster()
        .global_cluster_identifier("world");
    let remove = remove.db_cluster_identifier(&world.secondary).send().await;
    assert_eq!(code(remove), "InvalidGlobalClusterStateFault");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-global-database-disaster-recovery.html>
#[tokio::test]
async fn a_secondary_without_a_member_cannot_become_the_primary() {
    let Some(aws) = controlled().await else { return };
    let world = world(&aws).await;
    let delete = world.there.delete_db_instance().db_instance_identifier("far-one");
    delete.skip_final_snapshot(true).send().await.expect("taken");
    let failover = world
        .there
        .failover_global_cluster()
        .global_cluster_identifier("world");
    let failover = failover
        .target_db_cluster_identifier(&world.secondary)
        .allow_data_loss(true);
    assert_eq!(code(failover.send().await), "InvalidDBClusterStateFault");
}
