//! From SUBMITTED to the end, and waiting for it.

use std::time::{Duration, Instant};

use aws_sdk_redshiftdata::types::{StatementStatusString, StatusString};
use chrono::TimeDelta;
use conformance::code;
use conformance::local_aws::{Fault, FaultRule, LatencyModel};

use crate::support::World;

/// A warehouse where nothing moves unless the case moves the clock far.
async fn slow() -> Option<World> {
    let world = World::controlled().await?;
    let pace = LatencyModel::Realistic { per_mille: 1_000_000 };
    world.aws.control().set_latency(pace);
    Some(world)
}

/// A call answers at once; the statement is SUBMITTED, PICKED, STARTED and then FINISHED.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_DescribeStatement.html
#[tokio::test]
async fn a_statement_goes_through_its_states() {
    let Some(world) = slow().await else { return };
    let id = world.submit("SELECT 1").await;
    let submitted = world.describe(&id).await;
    assert_eq!(submitted.status(), Some(&StatusString::Submitted));
    assert_eq!((submitted.duration(), submitted.redshift_pid()), (-1, 0));
    for (seconds, state) in [(301, StatusString::Picked), (200, StatusString::Started)] {
        world.aws.advance(TimeDelta::seconds(seconds));
        conformance::eventually("the statement moved on", async || {
            world.describe(&id).await.status() == Some(&state)
        })
        .await;
    }
    world.aws.advance(TimeDelta::seconds(501));
    let finished = world.ended(&id).await;
    assert_eq!(finished.status(), Some(&StatusString::Finished));
    assert!(finished.duration() > 0 && finished.redshift_pid() > 0);
    assert!(finished.updated_at() > finished.created_at());
}

/// A wait returns as soon as the statement has ended.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ExecuteStatement.html
#[tokio::test]
async fn a_wait_returns_with_the_end() {
    let Some(world) = World::any().await else { return };
    let sent = world
        .call("SELECT 1")
        .wait_time_seconds(30)
        .send()
        .await
        .expect("taken");
    assert_eq!(sent.status(), Some(&StatementStatusString::Finished));
    assert_eq!(sent.has_result_set(), Some(true));
    let result = world
        .client
        .get_statement_result()
        .id(sent.id().expect("an id"))
        .send()
        .await;
    assert_eq!(result.expect("a result").total_num_rows(), 1);
}

/// A wait that runs out returns the state so far.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_DescribeStatement.html
#[tokio::test]
async fn a_wait_that_runs_out_returns_the_state_so_far() {
    let Some(world) = slow().await else { return };
    let began = Instant::now();
    let sent = world
        .call("SELECT 1")
        .wait_time_seconds(1)
        .send()
        .await
        .expect("taken");
    assert_eq!(sent.status(), Some(&StatementStatusString::Submitted));
    assert!(began.elapsed() >= Duration::from_secs(1));
}

/// Without a wait the answer says nothing of the state.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ExecuteStatement.html
#[tokio::test]
async fn without_a_wait_the_answer_has_no_state() {
    let Some(world) = slow().await else { return };
    let sent = world.call("SELECT 1").send().await.expect("taken");
    assert_eq!((sent.status(), sent.has_result_set()), (None, None));
    let sent = world
        .call("SELECT 1")
        .wait_time_seconds(0)
        .send()
        .await
        .expect("taken");
    assert_eq!(sent.status(), Some(&StatementStatusString::Submitted));
}

/// Too many calls that wait for one statement are refused.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_DescribeStatement.html
#[tokio::test]
async fn too_many_waiting_calls_are_refused() {
    let Some(world) = slow().await else { return };
    let id = world.submit("SELECT 1").await;
    let waits = (0..11).map(|_| {
        let asked = world.client.describe_statement().id(&id).wait_time_seconds(1);
        tokio::spawn(async move { asked.send().await })
    });
    let waits: Vec<_> = waits.collect();
    let mut refused = Vec::new();
    for wait in waits {
        let answer = wait.await.expect("no panic");
        refused.extend(answer.is_err().then(|| code(answer)));
    }
    assert_eq!(refused, ["ActiveWaitingRequestsExceededException"]);
    world
        .client
        .describe_statement()
        .id(&id)
        .send()
        .await
        .expect("one that does not wait");
}

/// At most 500 statements are under way at once on a cluster or workgroup.
/// https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html
#[tokio::test]
async fn a_five_hundred_and_first_active_statement_is_refused() {
    let Some(world) = slow().await else { return };
    let mut last = String::new();
    for _ in 0..500 {
        last = world.submit("SELECT 1").await;
    }
    let more = world.call("SELECT 1").send().await;
    assert_eq!(code(more), "ActiveStatementsExceededException");
    let elsewhere = world.call("SELECT 1").workgroup_name("another").send().await;
    elsewhere.expect("another workgroup has its own");
    world
        .client
        .cancel_statement()
        .id(&last)
        .send()
        .await
        .expect("cancelled");
    world.ended(&last).await;
    world.submit("SELECT 1").await;
}

/// A statement may wait in line for long.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_DescribeStatement.html
#[tokio::test]
async fn a_delayed_statement_begins_later() {
    let Some(world) = World::controlled().await else {
        return;
    };
    let delay = Fault::StatementDelayed { delay_ms: 3_600_000 };
    assert!(
        world
            .aws
            .control()
            .add_fault(FaultRule::on("ExecuteStatement", delay).times(1))
    );
    let id = world.submit("SELECT 1").await;
    let other = world.run("SELECT 2").await;
    assert_eq!(other.status(), Some(&StatusString::Finished), "others pass it");
    assert_eq!(world.describe(&id).await.status(), Some(&StatusString::Submitted));
    world.aws.advance(TimeDelta::hours(1));
    assert_eq!(world.ended(&id).await.status(), Some(&StatusString::Finished));
}
