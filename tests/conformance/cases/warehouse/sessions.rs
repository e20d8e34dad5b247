//! Sessions: statements that share a connection.

use aws_sdk_redshiftdata::operation::execute_statement::builders::ExecuteStatementFluentBuilder;
use aws_sdk_redshiftdata::types::{SessionStatusString, StatusString};
use chrono::TimeDelta;
use conformance::code;
use conformance::local_aws::{Fault, FaultRule};

use crate::support::World;

/// Begins a session that waits ten minutes; gives its id.
async fn begin(world: &World, sql: &str) -> String {
    let sent = world
        .call(sql)
        .session_keep_alive_seconds(600)
        .send()
        .await
        .expect("taken");
    let done = world.ended(sent.id().expect("an id")).await;
    assert_eq!(done.status(), Some(&StatusString::Finished), "{:?}", done.error());
    assert_eq!(done.session_id(), sent.session_id());
    sent.session_id.expect("a session")
}

fn within(world: &World, session: &str, sql: &str) -> ExecuteStatementFluentBuilder {
    world.client.execute_statement().session_id(session).sql(sql)
}

async fn done_within(world: &World, session: &str, sql: &str) -> String {
    let sent = within(world, session, sql).send().await.expect("taken");
    let done = world.ended(sent.id().expect("an id")).await;
    assert_eq!(done.status(), Some(&StatusString::Finished), "{:?}", done.error());
    done.id
}

/// Temporary tables live as long as their session, and in no other.
/// https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-calling.html
#[tokio::test]
async fn a_temporary_table_lives_in_its_session() {
    let Some(world) = World::any().await else { return };
    let session = begin(&world, "CREATE TEMP TABLE stage (a INT)").await;
    done_within(&world, &session, "INSERT INTO stage VALUES (7)").await;
    let id = done_within(&world, &session, "SELECT a FROM stage").await;
    assert_eq!(world.rows_of(&id).await, [["7"]]);
    let outside = world.run("SELECT a FROM stage").await;
    assert_eq!(outside.status(), Some(&StatusString::Failed));
}

/// A statement in a session runs where the session is connected to.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_DescribeStatement.html
#[tokio::test]
async fn a_statement_runs_where_its_session_is() {
    let Some(world) = World::controlled().await else {
        return;
    };
    let session = begin(&world, "SELECT 1").await;
    let id = done_within(&world, &session, "SELECT 2").await;
    let described = world.describe(&id).await;
    assert_eq!(described.session_id(), Some(session.as_str()));
    assert_eq!(
        (described.workgroup_name(), described.database()),
        (Some("warehouse"), Some("dev"))
    );
}

/// A session runs one statement at a time.
/// https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-calling.html
#[tokio::test]
async fn a_session_runs_one_statement_at_a_time() {
    let Some(world) = World::controlled().await else {
        return;
    };
    let session = begin(&world, "SELECT 1").await;
    let delay = Fault::StatementDelayed { delay_ms: 60_000 };
    assert!(
        world
            .aws
            .control()
            .add_fault(FaultRule::on("ExecuteStatement", delay).times(1))
    );
    let slow = within(&world, &session, "SELECT 2").send().await.expect("taken");
    let second = within(&world, &session, "SELECT 3").send().await;
    assert_eq!(code(second), "ValidationException");
    world.aws.advance(TimeDelta::minutes(1));
    world.ended(slow.id().expect("an id")).await;
    done_within(&world, &session, "SELECT 3").await;
}

/// A session waits so long for its next statement, counted anew after each.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ExecuteStatement.html
#[tokio::test]
async fn a_session_waits_so_long_for_its_next_statement() {
    let Some(world) = World::controlled().await else {
        return;
    };
    let session = begin(&world, "CREATE TEMP TABLE stage (a INT)").await;
    for _ in 0..3 {
        world.aws.advance(TimeDelta::minutes(9));
        done_within(&world, &session, "SELECT a FROM stage").await;
    }
    world.aws.advance(TimeDelta::minutes(10));
    let late = within(&world, &session, "SELECT 1").send().await;
    assert_eq!(code(late), "ValidationException");
}

/// A session may be told to wait for another time.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ExecuteStatement.html
#[tokio::test]
async fn a_session_may_be_told_to_wait_longer() {
    let Some(world) = World::controlled().await else {
        return;
    };
    let session = begin(&world, "SELECT 1").await;
    let longer = within(&world, &session, "SELECT 2").session_keep_alive_seconds(7_200);
    world
        .ended(longer.send().await.expect("taken").id().expect("an id"))
        .await;
    world.aws.advance(TimeDelta::hours(1));
    done_within(&world, &session, "SELECT 3").await;
}

/// A session ends after 24 hours in any case.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ExecuteStatement.html
#[tokio::test]
async fn a_session_ends_after_a_day() {
    let Some(world) = World::controlled().await else {
        return;
    };
    let sent = world
        .call("SELECT 1")
        .session_keep_alive_seconds(86_400)
        .send()
        .await
        .expect("taken");
    world.ended(sent.id().expect("an id")).await;
    let session = sent.session_id.expect("a session");
    world.aws.advance(TimeDelta::hours(23));
    done_within(&world, &session, "SELECT 2").await;
    world.aws.advance(TimeDelta::hours(1));
    let late = within(&world, &session, "SELECT 3").send().await;
    assert!(["ValidationException", "ResourceNotFoundException"].contains(&code(late).as_str()));
}

/// A session knows its target: naming one beside it is refused.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ExecuteStatement.html
#[tokio::test]
async fn a_session_excludes_a_target() {
    let Some(world) = World::any().await else { return };
    let session = begin(&world, "SELECT 1").await;
    for wrong in [
        within(&world, &session, "SELECT 1").database("dev"),
        within(&world, &session, "SELECT 1").workgroup_name("warehouse"),
        within(&world, &session, "SELECT 1").db_user("loader"),
    ] {
        assert_eq!(code(wrong.send().await), "ValidationException");
    }
}

/// A session that does not exist is not found, and neither is one of another account.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ExecuteStatement.html
#[tokio::test]
async fn an_unknown_session_is_not_found() {
    let Some(world) = World::any().await else { return };
    let none = within(&world, "00000000-0000-0000-0000-000000000000", "SELECT 1")
        .send()
        .await;
    assert_eq!(code(none), "ResourceNotFoundException");
    let session = begin(&world, "SELECT 1").await;
    let stranger = aws_sdk_redshiftdata::Client::new(&world.aws.stranger().config);
    let foreign = stranger
        .execute_statement()
        .session_id(session)
        .sql("SELECT 1")
        .send()
        .await;
    assert_eq!(code(foreign), "ResourceNotFoundException");
}

/// A failed statement leaves its session usable.
/// https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-calling.html
#[tokio::test]
async fn a_failed_statement_leaves_its_session_usable() {
    let Some(world) = World::any().await else { return };
    let session = begin(&world, "CREATE TEMP TABLE stage (a INT)").await;
    let sent = within(&world, &session, "SELECT 1 / 0")
        .send()
        .await
        .expect("taken");
    let failed = world.ended(sent.id().expect("an id")).await;
    assert_eq!(failed.status(), Some(&StatusString::Failed));
    done_within(&world, &session, "SELECT a FROM stage").await;
}

/// Sessions are listed with what they are doing; closed ones only when asked for.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ListSessions.html
#[tokio::test]
async fn sessions_are_listed_by_what_they_do() {
    let Some(world) = World::controlled().await else {
        return;
    };
    let closed = begin(&world, "SELECT 1").await;
    world.aws.advance(TimeDelta::minutes(11));
    let available = begin(&world, "SELECT 1").await;
    let delay = Fault::StatementDelayed { delay_ms: 60_000 };
    assert!(
        world
            .aws
            .control()
            .add_fault(FaultRule::on("ExecuteStatement", delay))
    );
    let sent = world
        .call("SELECT 1")
        .session_keep_alive_seconds(600)
        .send()
        .await
        .expect("taken");
    let busy = sent.session_id().expect("a session").to_owned();
    let listed = async |status: Option<SessionStatusString>| {
        let listed = world
            .client
            .list_sessions()
            .set_status(status)
            .send()
            .await
            .expect("listed");
        listed
            .sessions
            .into_iter()
            .map(|one| one.session_id)
            .collect::<Vec<_>>()
    };
    assert_eq!(listed(None).await, [busy.clone(), available.clone()]);
    assert_eq!(listed(Some(SessionStatusString::Available)).await, [available]);
    assert_eq!(listed(Some(SessionStatusString::Closed)).await, [closed]);
    let one = world
        .client
        .list_sessions()
        .session_id(&busy)
        .send()
        .await
        .expect("listed")
        .sessions
        .remove(0);
    assert_eq!(
        (one.status, one.current_statement_id),
        (SessionStatusString::Busy, sent.id)
    );
    assert_eq!(
        (one.session_alive_seconds, one.database.as_deref()),
        (Some(600), Some("dev"))
    );
}

/// Sessions are asked for by id or by filter, and in pages.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ListSessions.html
#[tokio::test]
async fn sessions_are_asked_for_by_id_or_by_filter() {
    let Some(world) = World::controlled().await else {
        return;
    };
    let (first, second) = (begin(&world, "SELECT 1").await, begin(&world, "SELECT 1").await);
    let list = || world.client.list_sessions();
    let page = list().max_results(1).send().await.expect("listed");
    assert_eq!(page.sessions[0].session_id, second);
    let rest = list()
        .max_results(1)
        .set_next_token(page.next_token)
        .send()
        .await
        .expect("listed");
    assert_eq!(
        (rest.sessions[0].session_id.as_str(), rest.next_token),
        (first.as_str(), None)
    );
    for wrong in [
        list().session_id(&first).status(SessionStatusString::Busy),
        list().session_id(&first).database("dev"),
        list().workgroup_name("warehouse").cluster_identifier("cluster"),
        list().status(SessionStatusString::from("IDLE")),
        list().max_results(101),
    ] {
        assert_eq!(code(wrong.send().await), "ValidationException");
    }
    let none = list()
        .session_id("00000000-0000-0000-0000-000000000000")
        .send()
        .await;
    assert_eq!(code(none), "ResourceNotFoundException");
    assert!(
        list()
            .cluster_identifier("cluster")
            .send()
            .await
            .expect("listed")
            .sessions
            .is_empty()
    );
}

/// At most 500 sessions are open at once on a cluster or workgroup.
/// https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html
#[tokio::test]
async fn a_five_hundred_and_first_session_is_refused() {
    let Some(world) = World::controlled().await else {
        return;
    };
    let delay = Fault::StatementDelayed { delay_ms: u32::MAX };
    assert!(
        world
            .aws
            .control()
            .add_fault(FaultRule::on("ExecuteStatement", delay))
    );
    let call = || world.call("SELECT 1").session_keep_alive_seconds(600);
    let mut last = None;
    for _ in 0..500 {
        // Cancelled at once, so that statements are not what runs out; the session stays.
        let sent = call().send().await.expect("taken");
        world
            .client
            .cancel_statement()
            .id(sent.id().expect("an id"))
            .send()
            .await
            .expect("cancelled");
        last = sent.id;
    }
    world.ended(&last.expect("some")).await;
    assert_eq!(code(call().send().await), "ActiveSessionsExceededException");
    let elsewhere = call().workgroup_name("another").send().await;
    elsewhere.expect("another workgroup has its own");
    world.aws.advance(TimeDelta::minutes(11));
    call().send().await.expect("the others have closed");
}
