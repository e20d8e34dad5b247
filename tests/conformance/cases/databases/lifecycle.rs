//! Rebooting, stopping and starting.

use chrono::TimeDelta;
use conformance::{code, controlled};

use super::support::{available, client, described, instance, minutes, network, real_pace, replica, status};

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RebootDBInstance.html>
#[tokio::test]
async fn a_reboot_forces_no_failover_without_a_standby() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    available(&rds, &network, "db").await;
    let reboot = rds.reboot_db_instance().db_instance_identifier("db");
    assert_eq!(
        code(reboot.force_failover(true).send().await),
        "InvalidParameterCombination"
    );
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.MultiAZ.Failover.html>
#[tokio::test]
async fn a_reboot_with_failover_moves_the_instance_to_its_standbys_zone() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    instance(&rds, &network, "db")
        .multi_az(true)
        .send()
        .await
        .expect("an instance");
    let before = described(&rds, "db").await;
    real_pace(&aws);
    let reboot = rds.reboot_db_instance().db_instance_identifier("db");
    reboot.force_failover(true).send().await.expect("taken");
    assert_eq!(status(&rds, "db").await, "rebooting");
    aws.advance(minutes(2));
    let after = described(&rds, "db").await;
    assert_eq!(after.db_instance_status(), Some("available"));
    assert_eq!(after.availability_zone(), before.secondary_availability_zone());
    assert_eq!(after.secondary_availability_zone(), before.availability_zone());
    assert_eq!(after.endpoint(), before.endpoint(), "clients keep the name");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_StopInstance.html>
#[tokio::test]
async fn a_stopped_instance_answers_nothing_until_it_is_started() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    let arn = available(&rds, &network, "db").await;
    let stop = || rds.stop_db_instance().db_instance_identifier("db").send();
    let start = || rds.start_db_instance().db_instance_identifier("db").send();
    assert_eq!(code(start().await), "InvalidDBInstanceState");
    stop().await.expect("taken");
    assert_eq!(status(&rds, "db").await, "stopped");
    assert!(!aws.control().database(&arn).expect("it is there").is_reachable);
    assert_eq!(code(stop().await), "InvalidDBInstanceState");
    let reboot = rds.reboot_db_instance().db_instance_identifier("db").send().await;
    assert_eq!(code(reboot), "InvalidDBInstanceState");
    start().await.expect("taken");
    assert_eq!(status(&rds, "db").await, "available");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_StopInstance.html>
#[tokio::test]
async fn a_stopped_instance_starts_by_itself_after_seven_days() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    available(&rds, &network, "db").await;
    rds.stop_db_instance()
        .db_instance_identifier("db")
        .send()
        .await
        .expect("taken");
    assert_eq!(status(&rds, "db").await, "stopped");
    aws.advance(TimeDelta::days(7) - TimeDelta::minutes(1));
    assert_eq!(status(&rds, "db").await, "stopped");
    aws.advance(minutes(2));
    assert_eq!(status(&rds, "db").await, "available");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_StopInstance.html>
#[tokio::test]
async fn neither_a_replica_nor_its_source_is_stopped() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    available(&rds, &network, "source").await;
    replica(&rds, &network, "replica", "source")
        .send()
        .await
        .expect("a replica");
    for id in ["source", "replica"] {
        let stop = rds.stop_db_instance().db_instance_identifier(id).send().await;
        assert_eq!(code(stop), "InvalidDBInstanceState", "{id}");
    }
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeEvents.html>
#[tokio::test]
async fn events_tell_what_happened_to_an_instance() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    available(&rds, &network, "db").await;
    rds.reboot_db_instance()
        .db_instance_identifier("db")
        .send()
        .await
        .expect("taken");
    let asked = || {
        rds.describe_events()
            .source_type(aws_sdk_rds::types::SourceType::DbInstance)
    };
    let found = asked().source_identifier("db").send().await.expect("events");
    let messages: Vec<_> = found
        .events()
        .iter()
        .filter_map(|event| event.message())
        .collect();
    assert_eq!(messages, ["DB instance created", "DB instance restarted"]);
    let other = asked().source_identifier("other").send().await.expect("events");
    assert!(other.events().is_empty());
    let loose = rds.describe_events().source_identifier("db").send().await;
    assert_eq!(code(loose), "InvalidParameterCombination");
}
