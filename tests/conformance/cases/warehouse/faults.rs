//! Lost answers, failing statements, throttling: what a loader has to live with.

use aws_sdk_redshiftdata::types::{ExecutionMode, StatementStatusString, StatusString};
use conformance::code;
use conformance::local_aws::{Fault, FaultRule};

use crate::support::World;

async fn faulty(rule: FaultRule) -> Option<World> {
    let world = World::controlled().await?;
    world.make_table().await;
    assert!(world.aws.control().add_fault(rule));
    Some(world)
}

/// A lost answer leaves the statement running; its token finds it again.
/// https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-calling.html
#[tokio::test]
async fn a_lost_answer_is_found_again_by_its_token() {
    let lost = FaultRule::on("BatchExecuteStatement", Fault::EffectWithoutReply { hang_ms: 0 }).times(1);
    let Some(world) = faulty(lost).await else { return };
    let send = || world.call_batch(&[&world.insert(1)]).client_token("load").send();
    assert!(send().await.expect_err("no answer").as_service_error().is_none());
    let found = send().await.expect("taken");
    world.ended(found.id().expect("an id")).await;
    assert_eq!(world.count().await, "1");
}

/// A failure after some statements rolls them back.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_BatchExecuteStatement.html
#[tokio::test]
async fn a_failure_after_some_statements_rolls_them_back() {
    let fails = Fault::StatementFails {
        after: 2,
        message: "connection lost".to_owned(),
    };
    let Some(world) = faulty(FaultRule::on("BatchExecuteStatement", fails).times(1)).await else {
        return;
    };
    let sqls = [world.insert(1), world.insert(2), world.insert(3)];
    let sqls: Vec<&str> = sqls.iter().map(String::as_str).collect();
    let failed = world.run_batch(&sqls).await;
    assert_eq!(
        failed.error(),
        Some("Query #3 failed with ERROR: connection lost")
    );
    assert_eq!(world.count().await, "0");
    assert_eq!(
        world.run_batch(&sqls).await.status(),
        Some(&StatusString::Finished)
    );
    assert_eq!(world.count().await, "3");
}

/// Two transactions that exclude each other: one of them fails with error 1023, at its commit.
/// https://docs.aws.amazon.com/redshift/latest/dg/c_serial_isolation.html
#[tokio::test]
async fn a_serializable_isolation_violation_fails_the_commit() {
    let message = "1023 DETAIL: Serializable isolation violation on table".to_owned();
    let fails = Fault::StatementFails {
        after: u32::MAX,
        message,
    };
    let Some(world) = faulty(FaultRule::on("BatchExecuteStatement", fails).times(1)).await else {
        return;
    };
    let failed = world.run_batch(&[&world.insert(1)]).await;
    assert_eq!(failed.status(), Some(&StatusString::Failed));
    assert!(failed.error().is_some_and(|error| error.contains("1023")));
    assert_eq!(world.count().await, "0");
}

/// When each statement is for itself, a failing commit takes the last one only.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_BatchExecuteStatement.html
#[tokio::test]
async fn a_failing_commit_takes_its_own_statement_only() {
    let fails = Fault::StatementFails {
        after: u32::MAX,
        message: "1023 DETAIL: Serializable isolation violation on table".to_owned(),
    };
    let Some(world) = faulty(FaultRule::on("BatchExecuteStatement", fails).times(1)).await else {
        return;
    };
    let call = world.call_batch(&[&world.insert(1), &world.insert(2)]);
    let sent = call.execution_mode(ExecutionMode::AutoCommit).send().await;
    let ended = world.ended(sent.expect("taken").id().expect("an id")).await;
    assert_eq!(ended.status(), Some(&StatusString::Failed));
    let parts: Vec<_> = ended.sub_statements().iter().map(|part| part.status()).collect();
    assert_eq!(
        parts,
        [
            Some(&StatementStatusString::Finished),
            Some(&StatementStatusString::Failed)
        ]
    );
    assert_eq!(world.count().await, "1");
}

/// A throttled call says so and starts nothing.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/CommonErrors.html
#[tokio::test]
async fn a_throttled_call_starts_nothing() {
    let throttled = FaultRule::on("ExecuteStatement", Fault::Throttle).times(1);
    let Some(world) = faulty(throttled).await else {
        return;
    };
    assert_eq!(
        code(world.call(&world.insert(1)).send().await),
        "ThrottlingException"
    );
    assert_eq!(world.count().await, "0");
}
