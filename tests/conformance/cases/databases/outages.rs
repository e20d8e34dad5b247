//! Lost zones.

use aws_sdk_rds::types::SourceType;
use chrono::TimeDelta;
use conformance::local_aws::{DnsQuestion, MarkerRefused, Outage};
use conformance::{code, controlled};

use super::support::{
    available, client, described, instance, minutes, network, real_pace, replica, status, until,
};

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.MultiAZ.Failover.html>
#[tokio::test]
async fn a_multi_az_instance_fails_over_from_a_lost_zone_within_two_minutes_and_loses_nothing() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    instance(&rds, &network, "db")
        .multi_az(true)
        .send()
        .await
        .expect("an instance");
    until(&rds, "db", "available").await;
    let before = described(&rds, "db").await;
    let arn = before.db_instance_arn().expect("an ARN");
    let (zone, standby) = (before.availability_zone(), before.secondary_availability_zone());
    let question = DnsQuestion {
        name: before
            .endpoint()
            .and_then(|it| it.address())
            .expect("a host")
            .to_owned(),
        kind: "A".to_owned(),
        region: aws.region().to_owned(),
        client: String::new(),
    };
    let control = aws.control();
    let address = control.resolve(&question).values;
    assert_eq!(address.len(), 1);
    control.write_marker(arn, 1).expect("committed");
    real_pace(&aws);
    control.begin_outage(Outage::Zone(zone.expect("a zone").to_owned()));
    aws.advance(TimeDelta::seconds(59));
    assert_eq!(control.write_marker(arn, 2), Err(MarkerRefused::Unreachable));
    aws.advance(TimeDelta::seconds(61));
    control.write_marker(arn, 3).expect("committed");
    assert_eq!(described(&rds, "db").await.availability_zone(), standby);
    assert_eq!(control.database(arn).expect("it is there").markers, [1, 3]);
    assert_ne!(
        control.resolve(&question).values,
        address,
        "the name leads to the standby"
    );
    let events = rds
        .describe_events()
        .source_type(SourceType::DbInstance)
        .source_identifier("db");
    let events = events.event_categories("failover").send().await.expect("events");
    let messages: Vec<_> = events
        .events()
        .iter()
        .filter_map(|event| event.message())
        .collect();
    assert_eq!(
        messages,
        [
            "Multi-AZ instance failover started",
            "Multi-AZ instance failover completed"
        ]
    );
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.MultiAZ.html>
#[tokio::test]
async fn an_instance_in_one_zone_is_cut_off_until_the_zone_is_back() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    let arn = available(&rds, &network, "db").await;
    let zone = described(&rds, "db").await.availability_zone.expect("a zone");
    let lost = Outage::Zone(zone);
    let control = aws.control();
    control.begin_outage(lost.clone());
    aws.advance(minutes(60));
    assert_eq!(control.write_marker(&arn, 1), Err(MarkerRefused::Unreachable));
    assert_ne!(status(&rds, "db").await, "available");
    let shot = rds.create_db_snapshot().db_instance_identifier("db");
    assert_eq!(
        code(shot.db_snapshot_identifier("shot").send().await),
        "InvalidDBInstanceState"
    );
    control.end_outage(&lost);
    assert_eq!(status(&rds, "db").await, "available");
    control.write_marker(&arn, 2).expect("committed");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html>
#[tokio::test]
async fn nothing_is_made_in_a_lost_zone() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    let control = aws.control();
    control.begin_outage(Outage::Zone(network.zones[0].clone()));
    let there = instance(&rds, &network, "there").availability_zone(&network.zones[0]);
    assert_eq!(code(there.send().await), "InsufficientDBInstanceCapacity");
    let both = instance(&rds, &network, "both").multi_az(true).send().await;
    assert_eq!(code(both), "InsufficientDBInstanceCapacity");
    instance(&rds, &network, "here")
        .send()
        .await
        .expect("the other zone stands");
    assert_eq!(
        described(&rds, "here").await.availability_zone(),
        Some(network.zones[1].as_str())
    );
    let ec2 = aws_sdk_ec2::Client::new(&network.config);
    let left = ec2
        .describe_network_interfaces()
        .send()
        .await
        .expect("interfaces");
    assert_eq!(left.network_interfaces().len(), 1, "a refused call holds nothing");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReadRepl.html>
#[tokio::test]
async fn a_replica_catches_up_once_its_sources_zone_is_back() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    let create = instance(&rds, &network, "db").availability_zone(&network.zones[0]);
    create.send().await.expect("an instance");
    until(&rds, "db", "available").await;
    let source = described(&rds, "db").await.db_instance_arn.expect("an ARN");
    let made = replica(&rds, &network, "copy", "db").availability_zone(&network.zones[1]);
    made.send().await.expect("a replica");
    let copy = described(&rds, "copy").await.db_instance_arn.expect("an ARN");
    let control = aws.control();
    assert!(control.set_replica_lag(&copy, TimeDelta::seconds(5)));
    control.write_marker(&source, 1).expect("committed");
    let lost = Outage::Zone(network.zones[0].clone());
    control.begin_outage(lost.clone());
    aws.advance(minutes(10));
    let view = control.database(&copy).expect("it is there");
    assert!(
        view.is_reachable && !view.is_writable,
        "a replica goes on answering reads"
    );
    assert!(
        view.lag_ms.is_some_and(|lag_ms| lag_ms >= 600_000),
        "{:?}",
        view.lag_ms
    );
    assert!(view.markers.is_empty());
    control.end_outage(&lost);
    assert_eq!(control.database(&copy).expect("it is there").markers, [1]);
}
