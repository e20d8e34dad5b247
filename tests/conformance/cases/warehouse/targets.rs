//! Clusters, workgroups, databases, and ways to connect.

use conformance::local_aws::Options;
use conformance::{code, controlled_with};

use crate::support::World;

/// Exactly one of cluster, workgroup and session.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ExecuteStatement.html
#[tokio::test]
async fn a_call_names_exactly_one_target() {
    let Some(world) = World::any().await else { return };
    let none = world
        .client
        .execute_statement()
        .database("dev")
        .sql("SELECT 1")
        .send()
        .await;
    assert_eq!(code(none), "ValidationException");
    let both = world.call("SELECT 1").cluster_identifier("cluster").send().await;
    assert_eq!(code(both), "ValidationException");
}

/// A statement runs in a database that the call names.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ExecuteStatement.html
#[tokio::test]
async fn a_call_names_its_database() {
    let Some(world) = World::any().await else { return };
    let none = world
        .client
        .execute_statement()
        .workgroup_name("warehouse")
        .sql("SELECT 1")
        .send()
        .await;
    assert_eq!(code(none), "ValidationException");
}

/// A database user and a secret exclude each other, and a workgroup takes no database user.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ExecuteStatement.html
#[tokio::test]
async fn a_call_connects_in_one_way() {
    let Some(world) = World::any().await else { return };
    let secret = "arn:aws:secretsmanager:eu-central-1:111111111111:secret:warehouse";
    let call = world
        .client
        .execute_statement()
        .cluster_identifier("cluster")
        .database("dev");
    let both = call
        .sql("SELECT 1")
        .db_user("loader")
        .secret_arn(secret)
        .send()
        .await;
    assert_eq!(code(both), "ValidationException");
    let user = world.call("SELECT 1").db_user("loader").send().await;
    assert_eq!(code(user), "ValidationException");
}

/// A cluster is reached as a database user, and the answers say where the statement runs.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_DescribeStatement.html
#[tokio::test]
async fn a_cluster_is_reached_as_a_database_user() {
    let Some(world) = World::controlled().await else {
        return;
    };
    let call = world
        .client
        .execute_statement()
        .cluster_identifier("cluster")
        .database("dev");
    let sent = call
        .sql("SELECT 1")
        .db_user("loader")
        .send()
        .await
        .expect("taken");
    assert_eq!(
        (sent.cluster_identifier(), sent.db_user()),
        (Some("cluster"), Some("loader"))
    );
    let described = world.ended(sent.id().expect("an id")).await;
    assert_eq!(described.cluster_identifier(), Some("cluster"));
    assert_eq!(
        (described.database(), described.workgroup_name()),
        (Some("dev"), None)
    );
}

/// A target that does not exist is refused at once.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ExecuteStatement.html
#[tokio::test]
async fn an_unknown_target_is_refused() {
    let Some(world) = World::controlled().await else {
        return;
    };
    world.aws.control().limit_warehouse_targets(Some(&["warehouse"]));
    world.done("SELECT 1").await;
    let other = world.call("SELECT 1").workgroup_name("another").send().await;
    assert_eq!(code(other), "ValidationException");
    let listed = world
        .client
        .list_databases()
        .cluster_identifier("another")
        .database("dev");
    assert_eq!(code(listed.send().await), "ValidationException");
}

/// An endpoint without a warehouse has no target at all.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ExecuteStatement.html
#[tokio::test]
async fn without_a_warehouse_there_is_no_target() {
    let Some(aws) = controlled_with(Options::default()).await else {
        return;
    };
    let client = aws_sdk_redshiftdata::Client::new(&aws.vendor().config);
    let call = client
        .execute_statement()
        .workgroup_name("warehouse")
        .database("dev");
    assert_eq!(code(call.sql("SELECT 1").send().await), "ValidationException");
}

/// Names of workgroups have 3 to 128 lower-case letters, digits and hyphens.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ListStatements.html
#[tokio::test]
async fn a_malformed_workgroup_is_refused() {
    let Some(world) = World::any().await else { return };
    for name in ["wg", "Warehouse", "ware house", &"w".repeat(129)] {
        let call = world.call("SELECT 1").workgroup_name(name).send().await;
        assert_eq!(code(call), "ValidationException", "{name}");
    }
}

/// A workgroup may be named by its ARN.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ExecuteStatement.html
#[tokio::test]
async fn a_workgroup_may_be_named_by_its_arn() {
    let Some(world) = World::controlled().await else {
        return;
    };
    world.aws.control().limit_warehouse_targets(Some(&["warehouse"]));
    let arn = "arn:aws:redshift-serverless:eu-central-1:111111111111:workgroup/warehouse";
    world
        .call("SELECT 1")
        .workgroup_name(arn)
        .send()
        .await
        .expect("taken");
}
