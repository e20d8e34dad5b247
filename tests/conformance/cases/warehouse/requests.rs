//! What ExecuteStatement and BatchExecuteStatement refuse before anything runs, and what only fails as a statement.

use aws_sdk_redshiftdata::types::{ExecutionMode, ResultFormatString, StatusString};
use conformance::{Raw, code};

use crate::support::World;

/// A SQL text has at most 100 KB.
/// https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html
#[tokio::test]
async fn a_text_longer_than_100_kb_is_refused() {
    let Some(world) = World::any().await else { return };
    let long = format!("SELECT '{}'", "x".repeat(100 << 10));
    assert_eq!(code(world.call(&long).send().await), "ValidationException");
    let half = format!("SELECT '{}'", "x".repeat(60 << 10));
    assert_eq!(
        code(world.call_batch(&[&half, &half]).send().await),
        "ValidationException"
    );
    world.call(&half).send().await.expect("taken");
}

/// A text says something.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ExecuteStatement.html
#[tokio::test]
async fn an_empty_text_is_refused() {
    let Some(world) = World::any().await else { return };
    assert_eq!(code(world.call("  ").send().await), "ValidationException");
    assert_eq!(
        code(world.call_batch(&["SELECT 1", ""]).send().await),
        "ValidationException"
    );
}

/// A batch has 1 to 40 statements.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_BatchExecuteStatement.html
#[tokio::test]
async fn a_batch_has_1_to_40_statements() {
    let Some(world) = World::any().await else { return };
    assert_eq!(code(world.call_batch(&[]).send().await), "ValidationException");
    assert_eq!(
        code(world.call_batch(&["SELECT 1"; 41]).send().await),
        "ValidationException"
    );
    let done = world.run_batch(&["SELECT 1"; 40]).await;
    assert_eq!(
        (done.status(), done.sub_statements().len()),
        (Some(&StatusString::Finished), 40)
    );
}

/// A wait is between 0 and 30 seconds, wherever it can be asked for.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_DescribeStatement.html
#[tokio::test]
async fn a_wait_outside_its_bounds_is_refused() {
    let Some(world) = World::any().await else { return };
    let id = world.submit("SELECT 1").await;
    for seconds in [-1, 31] {
        let call = world.call("SELECT 1").wait_time_seconds(seconds).send().await;
        assert_eq!(code(call), "ValidationException");
        let asked = world
            .client
            .describe_statement()
            .id(&id)
            .wait_time_seconds(seconds);
        assert_eq!(code(asked.send().await), "ValidationException");
        let asked = world
            .client
            .get_statement_result()
            .id(&id)
            .wait_time_seconds(seconds);
        assert_eq!(code(asked.send().await), "ValidationException");
    }
}

/// Names and tokens have their longest length.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ExecuteStatement.html
#[tokio::test]
async fn a_name_or_token_that_is_too_long_is_refused() {
    let Some(world) = World::any().await else { return };
    let token = world.call("SELECT 1").client_token("t".repeat(65)).send().await;
    assert_eq!(code(token), "ValidationException");
    let name = world
        .call("SELECT 1")
        .statement_name("n".repeat(501))
        .send()
        .await;
    assert_eq!(code(name), "ValidationException");
    world
        .call("SELECT 1")
        .statement_name("n".repeat(500))
        .send()
        .await
        .expect("taken");
}

/// Formats and modes are those that are documented.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_BatchExecuteStatement.html
#[tokio::test]
async fn an_unknown_format_or_mode_is_refused() {
    let Some(world) = World::any().await else { return };
    let format = world
        .call("SELECT 1")
        .result_format(ResultFormatString::from("XML"));
    assert_eq!(code(format.send().await), "ValidationException");
    let mode = world
        .call_batch(&["SELECT 1"])
        .execution_mode(ExecutionMode::from("SOMEHOW"));
    assert_eq!(code(mode.send().await), "ValidationException");
}

/// A session is kept alive for 24 hours at most.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ExecuteStatement.html
#[tokio::test]
async fn a_session_is_kept_alive_for_a_day_at_most() {
    let Some(world) = World::any().await else { return };
    for seconds in [-1, 86_401] {
        let call = world
            .call("SELECT 1")
            .session_keep_alive_seconds(seconds)
            .send()
            .await;
        assert_eq!(code(call), "ValidationException", "{seconds}");
    }
}

/// A body of another shape is refused and harms nothing.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/CommonErrors.html
#[tokio::test]
async fn a_malformed_body_is_refused() {
    let Some(world) = World::controlled().await else {
        return;
    };
    let raw = Raw::to(&world.aws, "redshift-data").expect("an endpoint");
    for (operation, body, expected) in [
        ("ExecuteStatement", "{", "SerializationException"),
        ("ExecuteStatement", r#"{"Sql":7}"#, "SerializationException"),
        (
            "ExecuteStatement",
            r#"{"WorkgroupName":"warehouse","Database":"dev"}"#,
            "ValidationException",
        ),
        (
            "ExecuteStatement",
            r#"{"WorkgroupName":"warehouse","Database":"dev","Sql":"SELECT 1","Sqls":["x"]}"#,
            "ValidationException",
        ),
        ("DescribeStatement", "{}", "ValidationException"),
        ("CancelStatement", r#"{"Id":"not an id"}"#, "ValidationException"),
    ] {
        let answer = raw
            .clone()
            .json(&format!("RedshiftData.{operation}"), body)
            .send()
            .await;
        assert_eq!((answer.status, answer.code().as_str()), (400, expected), "{body}");
    }
}

/// What is not built says so: there is no event bus.
/// https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-monitoring-events.html
#[tokio::test]
async fn an_event_is_not_promised() {
    let Some(world) = World::controlled().await else {
        return;
    };
    assert_eq!(
        code(world.call("SELECT 1").with_event(true).send().await),
        "NotImplemented"
    );
}

/// SQL that the warehouse does not know is taken, and fails as a statement.
/// https://docs.aws.amazon.com/redshift/latest/dg/c_redshift-and-postgres-sql.html
#[tokio::test]
async fn what_redshift_does_not_know_fails_as_a_statement() {
    let Some(world) = World::controlled().await else {
        return;
    };
    world.done("CREATE TABLE keyed (a INT PRIMARY KEY)").await;
    let twice = world
        .run_batch(&["INSERT INTO keyed VALUES (1)", "INSERT INTO keyed VALUES (1)"])
        .await;
    assert_eq!(
        twice.status(),
        Some(&StatusString::Finished),
        "keys are informational"
    );
    let refused = world
        .run("INSERT INTO keyed VALUES (1) ON CONFLICT DO NOTHING")
        .await;
    assert_eq!(refused.status(), Some(&StatusString::Failed));
    let why = refused.error().expect("it says why");
    assert!(why.contains("not supported by local warehouse"), "{why}");
}

/// An error in SQL fails the statement with its text.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_DescribeStatement.html
#[tokio::test]
async fn an_error_in_sql_fails_the_statement_with_its_text() {
    let Some(world) = World::any().await else { return };
    let failed = world.run("SELECT nothing FROM nowhere").await;
    assert_eq!(
        (failed.status(), failed.has_result_set()),
        (Some(&StatusString::Failed), Some(false))
    );
    let why = failed.error().expect("it says why");
    assert!(why.starts_with("ERROR:") && why.contains("nowhere"), "{why}");
}
