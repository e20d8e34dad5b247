//! CancelStatement.

use aws_sdk_redshiftdata::types::StatusString;
use conformance::code;
use conformance::local_aws::{Fault, FaultRule};

use crate::support::World;

/// A running statement ends as ABORTED and its transaction is rolled back.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_CancelStatement.html
#[tokio::test]
async fn a_cancelled_statement_is_aborted_and_rolled_back() {
    let Some(world) = World::any().await else { return };
    world.make_table().await;
    let table = &world.table;
    world
        .done(&format!(
            "INSERT INTO {table} VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10)"
        ))
        .await;
    // Ten to the tenth rows: it does not end by itself within the case.
    let many = format!(
        "INSERT INTO {table} SELECT COUNT(*) FROM {table} a, {table} b, {table} c, {table} d, {table} e, {table} f, {table} g, {table} h, {table} i, {table} j"
    );
    let id = world.submit(&many).await;
    conformance::eventually("it runs", async || {
        world.describe(&id).await.status() == Some(&StatusString::Started)
    })
    .await;
    let cancelled = world
        .client
        .cancel_statement()
        .id(&id)
        .send()
        .await
        .expect("cancelled");
    assert_eq!(cancelled.status(), Some(true));
    assert_eq!(world.ended(&id).await.status(), Some(&StatusString::Aborted));
    assert_eq!(world.count().await, "10");
    world.end().await;
}

/// A statement that has not begun is cancelled without ever running.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_CancelStatement.html
#[tokio::test]
async fn a_statement_in_line_is_cancelled_without_running() {
    let Some(world) = World::controlled().await else {
        return;
    };
    world.make_table().await;
    let delay = Fault::StatementDelayed { delay_ms: 3_600_000 };
    assert!(
        world
            .aws
            .control()
            .add_fault(FaultRule::on("ExecuteStatement", delay).times(1))
    );
    let id = world.submit(&world.insert(1)).await;
    world
        .client
        .cancel_statement()
        .id(&id)
        .send()
        .await
        .expect("cancelled");
    assert_eq!(world.ended(&id).await.status(), Some(&StatusString::Aborted));
    world.aws.advance(chrono::TimeDelta::hours(2));
    assert_eq!(world.count().await, "0");
}

/// What has ended cannot be cancelled.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_CancelStatement.html
#[tokio::test]
async fn what_has_ended_is_not_cancelled() {
    let Some(world) = World::any().await else { return };
    let id = world.done("SELECT 1").await.id;
    let cancelled = world.client.cancel_statement().id(id).send().await;
    assert_eq!(code(cancelled), "ValidationException");
}

/// An unknown id is not found, and what is none is refused.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_CancelStatement.html
#[tokio::test]
async fn an_unknown_statement_is_not_found() {
    let Some(world) = World::any().await else { return };
    for (id, expected) in [
        (
            "00000000-0000-0000-0000-000000000000",
            "ResourceNotFoundException",
        ),
        ("statement", "ValidationException"),
        ("00000000-0000-0000-0000-000000000000:x", "ValidationException"),
        ("00000000-0000-0000-0000-000000000000:123", "ValidationException"),
        ("00000000-0000-0000-0000-00000000000g-0", "ValidationException"),
    ] {
        assert_eq!(
            code(world.client.cancel_statement().id(id).send().await),
            expected,
            "{id}"
        );
        assert_eq!(
            code(world.client.describe_statement().id(id).send().await),
            expected,
            "{id}"
        );
        assert_eq!(
            code(world.client.get_statement_result().id(id).send().await),
            expected,
            "{id}"
        );
        assert_eq!(
            code(world.client.get_statement_result_v2().id(id).send().await),
            expected,
            "{id}"
        );
    }
}

/// A batch is cancelled as a whole.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_CancelStatement.html
#[tokio::test]
async fn a_batch_is_cancelled_as_a_whole() {
    let Some(world) = World::controlled().await else {
        return;
    };
    world.make_table().await;
    let delay = Fault::StatementDelayed { delay_ms: 3_600_000 };
    assert!(
        world
            .aws
            .control()
            .add_fault(FaultRule::on("BatchExecuteStatement", delay))
    );
    let sent = world
        .call_batch(&[&world.insert(1), &world.insert(2)])
        .send()
        .await
        .expect("taken");
    let id = sent.id().expect("an id");
    let part = world.client.cancel_statement().id(format!("{id}:1")).send().await;
    assert_eq!(code(part), "ValidationException");
    world
        .client
        .cancel_statement()
        .id(id)
        .send()
        .await
        .expect("cancelled");
    let ended = world.ended(id).await;
    assert_eq!(ended.status(), Some(&StatusString::Aborted));
    let aborted = ended
        .sub_statements()
        .iter()
        .all(|part| part.status().is_some_and(|status| status.as_str() == "ABORTED"));
    assert!(aborted, "{:?}", ended.sub_statements());
}
