//! Aurora clusters in one region.

use conformance::controlled;
use conformance::local_aws::{MarkerRefused, Outage};

use super::support::{
    client, cluster, cluster_of, described, filter, member, minutes, network, real_pace, writer_of,
};

/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.Overview.html>
#[tokio::test]
async fn a_clusters_first_member_writes_and_the_others_read() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    cluster(&rds, &network, "ledger").send().await.expect("a cluster");
    for id in ["one", "two"] {
        member(&rds, "ledger", id).send().await.expect("a member");
    }
    let found = cluster_of(&rds, "ledger").await;
    assert_eq!(found.status(), Some("available"));
    assert_eq!(found.db_cluster_members().len(), 2);
    assert_eq!(writer_of(&rds, "ledger").await.as_deref(), Some("one"));
    assert_ne!(found.endpoint(), found.reader_endpoint());
    let listed = rds
        .describe_db_instances()
        .filters(filter("db-cluster-id", "ledger"))
        .send()
        .await;
    assert_eq!(listed.expect("an answer").db_instances().len(), 2);
    let one = described(&rds, "one").await;
    assert_eq!(one.db_cluster_identifier(), Some("ledger"));
    assert_eq!(one.engine(), Some("aurora-postgresql"));
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Concepts.AuroraHighAvailability.html>
#[tokio::test]
async fn a_failover_makes_the_reader_of_the_lowest_tier_the_writer_and_loses_nothing() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    let made = cluster(&rds, &network, "ledger").send().await.expect("a cluster");
    let arn = made
        .db_cluster
        .expect("a cluster")
        .db_cluster_arn
        .expect("an ARN");
    for (id, tier) in [("one", 1), ("two", 9), ("three", 2)] {
        member(&rds, "ledger", id)
            .promotion_tier(tier)
            .send()
            .await
            .expect("a member");
    }
    described(&rds, "three").await;
    aws.control().write_marker(&arn, 7).expect("committed");
    real_pace(&aws);
    rds.failover_db_cluster()
        .db_cluster_identifier("ledger")
        .send()
        .await
        .expect("taken");
    assert_eq!(cluster_of(&rds, "ledger").await.status(), Some("failing-over"));
    aws.advance(minutes(1));
    assert_eq!(writer_of(&rds, "ledger").await.as_deref(), Some("three"));
    let view = aws.control().database(&arn).expect("it is there");
    assert_eq!((view.is_writable, view.markers), (true, vec![7]));
    let target = rds.failover_db_cluster().db_cluster_identifier("ledger");
    target
        .target_db_instance_identifier("two")
        .send()
        .await
        .expect("taken");
    aws.advance(minutes(1));
    assert_eq!(writer_of(&rds, "ledger").await.as_deref(), Some("two"));
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Concepts.AuroraHighAvailability.html>
#[tokio::test]
async fn a_cluster_leaves_a_lost_zone_for_a_reader_in_another() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    let made = cluster(&rds, &network, "ledger").send().await.expect("a cluster");
    let arn = made
        .db_cluster
        .expect("a cluster")
        .db_cluster_arn
        .expect("an ARN");
    for (id, zone) in ["one", "two"].into_iter().zip(&network.zones) {
        member(&rds, "ledger", id)
            .availability_zone(zone)
            .send()
            .await
            .expect("a member");
    }
    described(&rds, "two").await;
    let control = aws.control();
    control.write_marker(&arn, 1).expect("committed");
    real_pace(&aws);
    control.begin_outage(Outage::Zone(network.zones[0].clone()));
    assert_eq!(control.write_marker(&arn, 2), Err(MarkerRefused::Unreachable));
    aws.advance(minutes(1));
    assert_eq!(writer_of(&rds, "ledger").await.as_deref(), Some("two"));
    control.write_marker(&arn, 3).expect("committed");
    assert_eq!(control.database(&arn).expect("it is there").markers, [1, 3]);
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_DeleteCluster.html>
#[tokio::test]
async fn a_reader_takes_over_when_the_writer_is_deleted() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    cluster(&rds, &network, "ledger").send().await.expect("a cluster");
    for id in ["one", "two"] {
        member(&rds, "ledger", id).send().await.expect("a member");
    }
    described(&rds, "two").await;
    let delete = rds
        .delete_db_instance()
        .db_instance_identifier("one")
        .skip_final_snapshot(true);
    delete.send().await.expect("taken");
    assert_eq!(writer_of(&rds, "ledger").await.as_deref(), Some("two"));
}
