//! What a database is after the endpoint was started again.

use conformance::controlled_with;
use conformance::local_aws::Options;

use super::globals::world;
use super::support::{available, described, global_of, real_pace, status};

/// A database's state survives whoever serves it.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Welcome.html>
#[tokio::test]
async fn databases_survive_a_restart_of_the_endpoint() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = || Options {
        data_dir: Some(directory.path().to_owned()),
        ..Options::default()
    };
    let Some(aws) = controlled_with(options()).await else {
        return;
    };
    let made = world(&aws).await;
    let arn = available(&made.here, &made.near, "db").await;
    aws.control().write_marker(&arn, 1).expect("committed");
    let before = described(&made.here, "db").await;
    real_pace(&aws);
    let stop = made.here.stop_db_instance().db_instance_identifier("db");
    stop.send().await.expect("taken");
    aws.stop().await;
    let Some(aws) = controlled_with(options()).await else {
        return;
    };
    let rds = super::support::client(&aws);
    assert_eq!(status(&rds, "db").await, "stopping");
    aws.advance(super::support::minutes(5));
    let after = described(&rds, "db").await;
    assert_eq!(after.db_instance_status(), Some("stopped"));
    assert_eq!(after.dbi_resource_id(), before.dbi_resource_id());
    assert_eq!(after.endpoint(), before.endpoint());
    assert_eq!(aws.control().database(&arn).expect("it is there").markers, [1]);
    assert_eq!(global_of(&rds, "world").await.global_cluster_members().len(), 2);
}
