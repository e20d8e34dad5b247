//! Batches: one transaction, or each statement for itself.

use aws_sdk_redshiftdata::operation::describe_statement::DescribeStatementOutput;
use aws_sdk_redshiftdata::types::StatementStatusString::{self, Aborted, Failed, Finished};
use aws_sdk_redshiftdata::types::{ExecutionMode, StatusString};
use conformance::code;

use crate::support::World;

fn statuses(described: &DescribeStatementOutput) -> Vec<StatementStatusString> {
    let parts = described.sub_statements().iter();
    parts.filter_map(|part| part.status().cloned()).collect()
}

/// A batch is one transaction: a failure rolls all of it back, and its later statements never run.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_BatchExecuteStatement.html
#[tokio::test]
async fn a_failing_batch_rolls_back_whole() {
    let Some(world) = World::any().await else { return };
    world.make_table().await;
    let failed = world
        .run_batch(&[&world.insert(1), "SELECT 1 / 0", &world.insert(2)])
        .await;
    assert_eq!(failed.status(), Some(&StatusString::Failed));
    let why = failed.error().expect("it says why");
    assert!(why.starts_with("Query #2 failed with ERROR: "), "{why}");
    assert!(why.to_lowercase().contains("by zero"), "{why}");
    assert_eq!(statuses(&failed), [Finished, Failed, Aborted]);
    assert_eq!(world.count().await, "0");
    world.end().await;
}

/// A batch that succeeds is committed, and says its mode.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_DescribeStatement.html
#[tokio::test]
async fn a_batch_that_succeeds_is_committed() {
    let Some(world) = World::any().await else { return };
    world.make_table().await;
    let done = world.run_batch(&[&world.insert(1), &world.insert(2)]).await;
    assert_eq!(done.status(), Some(&StatusString::Finished));
    assert_eq!(done.execution_mode(), Some(&ExecutionMode::Transaction));
    assert_eq!(statuses(&done), [Finished, Finished]);
    let rows: Vec<_> = done
        .sub_statements()
        .iter()
        .map(aws_sdk_redshiftdata::types::SubStatementData::result_rows)
        .collect();
    assert_eq!(rows, [1, 1]);
    assert_eq!(world.count().await, "2");
    world.end().await;
}

/// AUTO_COMMIT commits each statement for itself and goes on after a failure.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_BatchExecuteStatement.html
#[tokio::test]
async fn auto_commit_goes_on_after_a_failure() {
    let Some(world) = World::any().await else { return };
    world.make_table().await;
    let call = world.call_batch(&[&world.insert(1), "SELECT 1 / 0", &world.insert(2)]);
    let sent = call
        .execution_mode(ExecutionMode::AutoCommit)
        .send()
        .await
        .expect("taken");
    let ended = world.ended(sent.id().expect("an id")).await;
    assert_eq!(ended.status(), Some(&StatusString::Failed));
    assert_eq!(ended.execution_mode(), Some(&ExecutionMode::AutoCommit));
    assert_eq!(statuses(&ended), [Finished, Failed, Finished]);
    assert_eq!(world.count().await, "2");
    world.end().await;
}

/// A statement of a batch has an id of its own, by which it is described and its result fetched.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_DescribeStatement.html
#[tokio::test]
async fn a_statement_of_a_batch_has_its_own_id() {
    let Some(world) = World::any().await else { return };
    let done = world.run_batch(&["SELECT 1", "SELECT 2"]).await;
    let second = done.sub_statements()[1].id();
    assert_eq!(second, format!("{}:2", done.id()));
    assert_eq!(world.rows_of(second).await, [["2"]]);
    let described = world.describe(second).await;
    assert_eq!(described.status(), Some(&StatusString::Finished));
    assert_eq!(
        (described.query_string(), described.result_rows()),
        (Some("SELECT 2"), 1)
    );
}

/// What a batch has changed is seen by its own later statements.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_BatchExecuteStatement.html
#[tokio::test]
async fn a_batch_sees_what_it_has_changed() {
    let Some(world) = World::any().await else { return };
    world.make_table().await;
    let select = format!("SELECT COUNT(*) FROM {}", world.table);
    let done = world.run_batch(&[&select, &world.insert(1), &select]).await;
    let counted = async |number: usize| world.rows_of(&format!("{}:{number}", done.id())).await;
    assert_eq!(counted(1).await, [["0"]]);
    assert_eq!(counted(3).await, [["1"]]);
    world.end().await;
}

/// A batch itself has no result, and no statements beyond its last.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_GetStatementResult.html
#[tokio::test]
async fn a_batch_itself_has_no_result() {
    let Some(world) = World::any().await else { return };
    let id = world.run_batch(&["SELECT 1"]).await.id;
    let whole = world.client.get_statement_result().id(&id).send().await;
    assert_eq!(code(whole), "ValidationException");
    for number in [0, 2] {
        let beyond = world
            .client
            .get_statement_result()
            .id(format!("{id}:{number}"))
            .send()
            .await;
        assert_eq!(code(beyond), "ResourceNotFoundException", "{number}");
    }
}

/// Results of a batch that failed are gone with it.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_GetStatementResult.html
#[tokio::test]
async fn a_failed_batch_has_no_results() {
    let Some(world) = World::any().await else { return };
    let id = world.run_batch(&["SELECT 1", "SELECT 1 / 0"]).await.id;
    let first = world
        .client
        .get_statement_result()
        .id(format!("{id}:1"))
        .send()
        .await;
    assert_eq!(code(first), "ResourceNotFoundException");
}
