//! Read replicas, in one region and across two.

use aws_sdk_rds::Client;
use chrono::TimeDelta;
use conformance::local_aws::{MarkerRefused, Outage};
use conformance::{code, controlled};

use super::support::{
    FAR, available, client, described, far_network, instance, key, minutes, network, real_pace, replica,
    status,
};

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReadRepl.html>
#[tokio::test]
async fn a_replica_needs_a_source_with_backups() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    instance(&rds, &network, "db")
        .backup_retention_period(0)
        .send()
        .await
        .expect("an instance");
    let made = replica(&rds, &network, "copy", "db").send().await;
    assert_eq!(code(made), "InvalidDBInstanceState");
    let missing = replica(&rds, &network, "copy", "never-made").send().await;
    assert_eq!(code(missing), "DBInstanceNotFound");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstanceReadReplica.html>
#[tokio::test]
async fn a_replica_needs_a_source_that_is_available() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    real_pace(&aws);
    instance(&rds, &network, "db").send().await.expect("an instance");
    let made = replica(&rds, &network, "copy", "db").send().await;
    assert_eq!(code(made), "InvalidDBInstanceState");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReadRepl.html>
#[tokio::test]
async fn source_and_replica_name_each_other() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    available(&rds, &network, "db").await;
    replica(&rds, &network, "copy", "db")
        .send()
        .await
        .expect("a replica");
    let copy = described(&rds, "copy").await;
    assert_eq!(copy.read_replica_source_db_instance_identifier(), Some("db"));
    let info = &copy.status_infos()[0];
    assert_eq!((info.status(), info.normal()), (Some("replicating"), Some(true)));
    let source = described(&rds, "db").await;
    assert_eq!(source.read_replica_db_instance_identifiers(), ["copy"]);
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html>
#[tokio::test]
async fn a_source_has_no_more_replicas_than_the_quota() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    available(&rds, &network, "db").await;
    assert!(
        aws.control()
            .set_quota((&aws.vendor().id, aws.region()), "L-5BC124EF", 1)
    );
    replica(&rds, &network, "one", "db")
        .send()
        .await
        .expect("a replica");
    let two = replica(&rds, &network, "two", "db").send().await;
    assert_eq!(code(two), "InstanceQuotaExceeded");
}

/// Keys do not leave their region.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReadRepl.XRgn.html>
#[tokio::test]
async fn an_encrypted_replica_in_another_region_needs_a_key_there() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let (near, far) = (network(&aws).await, far_network(&aws).await);
    instance(&rds, &near, "db")
        .storage_encrypted(true)
        .send()
        .await
        .expect("an instance");
    let arn = described(&rds, "db").await.db_instance_arn.expect("an ARN");
    let there = Client::new(&far.config);
    let without = replica(&there, &far, "copy", &arn).send().await;
    assert_eq!(code(without), "InvalidParameterCombination");
    let foreign = key(&near.config).await;
    let wrong = replica(&there, &far, "copy", &arn)
        .kms_key_id(foreign)
        .send()
        .await;
    assert_eq!(code(wrong), "KMSKeyNotAccessibleFault");
    let key = key(&far.config).await;
    replica(&there, &far, "copy", &arn)
        .kms_key_id(&key)
        .send()
        .await
        .expect("a replica");
    let copy = described(&there, "copy").await;
    assert_eq!(copy.kms_key_id(), Some(key.as_str()));
    assert_eq!(
        copy.read_replica_source_db_instance_identifier(),
        Some(arn.as_str())
    );
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstanceReadReplica.html>
#[tokio::test]
async fn a_replica_is_encrypted_as_its_source_is() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    available(&rds, &network, "plain").await;
    let key = key(&network.config).await;
    let sealed = replica(&rds, &network, "copy", "plain")
        .kms_key_id(&key)
        .send()
        .await;
    assert_eq!(code(sealed), "InvalidParameterCombination");
    instance(&rds, &network, "sealed")
        .storage_encrypted(true)
        .send()
        .await
        .expect("an instance");
    let surplus = replica(&rds, &network, "copy", "sealed")
        .kms_key_id(&key)
        .send()
        .await;
    assert_eq!(code(surplus), "InvalidParameterCombination");
    replica(&rds, &network, "copy", "sealed")
        .send()
        .await
        .expect("a replica");
    let own = described(&rds, "sealed").await;
    assert_eq!(described(&rds, "copy").await.kms_key_id(), own.kms_key_id());
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReadRepl.Monitoring.html>
#[tokio::test]
async fn a_replica_is_behind_its_source_by_the_lag_and_read_only() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    let source = available(&rds, &network, "db").await;
    replica(&rds, &network, "copy", "db")
        .send()
        .await
        .expect("a replica");
    let copy = described(&rds, "copy").await.db_instance_arn.expect("an ARN");
    let control = aws.control();
    assert!(control.set_replica_lag(&copy, TimeDelta::seconds(30)));
    control.write_marker(&source, 1).expect("committed");
    assert_eq!(control.write_marker(&copy, 2), Err(MarkerRefused::ReadOnly));
    aws.advance(TimeDelta::seconds(29));
    assert_eq!(
        control.database(&copy).expect("it is there").markers,
        Vec::<u64>::new()
    );
    aws.advance(TimeDelta::seconds(2));
    let view = control.database(&copy).expect("it is there");
    assert_eq!((view.markers, view.lag_ms), (vec![1], Some(30_000)));
}

/// What had not reached the replica is what the failover loses.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReadRepl.Promote.html>
#[tokio::test]
async fn a_promoted_replica_holds_what_had_reached_it_before_its_region_was_lost() {
    let Some(aws) = controlled().await else { return };
    let (near, far) = (network(&aws).await, far_network(&aws).await);
    let source = available(&client(&aws), &near, "db").await;
    let there = Client::new(&far.config);
    replica(&there, &far, "copy", &source)
        .send()
        .await
        .expect("a replica");
    let copy = described(&there, "copy").await.db_instance_arn.expect("an ARN");
    let control = aws.control();
    assert!(control.set_replica_lag(&copy, TimeDelta::milliseconds(5_500)));
    for number in 1..=10 {
        control.write_marker(&source, number).expect("committed");
        aws.advance(TimeDelta::seconds(1));
    }
    let lost = Outage::Region(aws.region().to_owned());
    control.begin_outage(lost.clone());
    assert_eq!(control.write_marker(&source, 11), Err(MarkerRefused::Unreachable));
    aws.advance(minutes(10));
    let interrupted = described(&there, "copy").await;
    assert_eq!(interrupted.status_infos()[0].status(), Some("error"));
    there
        .promote_read_replica()
        .db_instance_identifier("copy")
        .send()
        .await
        .expect("taken");
    control.end_outage(&lost);
    aws.advance(minutes(10));
    let view = control.database(&copy).expect("it is there");
    assert!(view.is_writable);
    assert_eq!(
        view.markers,
        [1, 2, 3, 4, 5],
        "five seconds of rows are lost and no more"
    );
    assert_eq!(view.lag_ms, None);
    control.write_marker(&copy, 100).expect("committed");
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_PromoteReadReplica.html>
#[tokio::test]
async fn only_a_replica_that_is_available_is_promoted() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let network = network(&aws).await;
    available(&rds, &network, "db").await;
    let promote = |id: &str| rds.promote_read_replica().db_instance_identifier(id).send();
    assert_eq!(code(promote("db").await), "InvalidDBInstanceState");
    assert_eq!(code(promote("never-made").await), "DBInstanceNotFound");
    real_pace(&aws);
    replica(&rds, &network, "copy", "db")
        .send()
        .await
        .expect("a replica");
    assert_eq!(code(promote("copy").await), "InvalidDBInstanceState");
    aws.advance(minutes(10));
    promote("copy").await.expect("taken");
    assert_eq!(status(&rds, "copy").await, "modifying");
    aws.advance(minutes(10));
    let copy = described(&rds, "copy").await;
    assert_eq!(copy.db_instance_status(), Some("available"));
    assert_eq!(copy.read_replica_source_db_instance_identifier(), None);
    assert_eq!(
        copy.backup_retention_period(),
        Some(1),
        "a database of its own is backed up"
    );
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReadRepl.XRgn.html>
#[tokio::test]
async fn a_far_replica_ends_when_its_source_is_deleted() {
    let Some(aws) = controlled().await else { return };
    let rds = client(&aws);
    let (near, far) = (network(&aws).await, far_network(&aws).await);
    let source = available(&rds, &near, "db").await;
    let there = Client::new(&far.config);
    replica(&there, &far, "copy", &source)
        .send()
        .await
        .expect("a replica");
    let copies = described(&rds, "db")
        .await
        .read_replica_db_instance_identifiers
        .unwrap_or_default();
    assert!(
        copies[0].contains(FAR),
        "a far replica is named by its ARN: {copies:?}"
    );
    let delete = rds
        .delete_db_instance()
        .db_instance_identifier("db")
        .skip_final_snapshot(true);
    delete.send().await.expect("taken");
    let copy = described(&there, "copy").await;
    assert_eq!(copy.status_infos()[0].status(), Some("terminated"));
}
