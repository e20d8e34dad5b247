//! ListStatements.

use aws_sdk_redshiftdata::operation::list_statements::builders::ListStatementsFluentBuilder;
use aws_sdk_redshiftdata::types::StatusString;
use chrono::TimeDelta;
use conformance::code;

use crate::support::World;

async fn ids(list: ListStatementsFluentBuilder) -> Vec<String> {
    let listed = list.send().await.expect("listed").statements;
    listed.into_iter().map(|one| one.id).collect()
}

/// Statements are listed newest first; by default only those that finished.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ListStatements.html
#[tokio::test]
async fn finished_statements_are_listed_newest_first() {
    let Some(world) = World::controlled().await else {
        return;
    };
    let first = world.done("SELECT 1").await.id;
    let failed = world.run("SELECT nothing FROM nowhere").await.id;
    let last = world.done("SELECT 2").await.id;
    assert_eq!(
        ids(world.client.list_statements()).await,
        [last.clone(), first.clone()]
    );
    let all = ids(world.client.list_statements().status(StatusString::All)).await;
    assert_eq!(all, [last, failed.clone(), first]);
    assert_eq!(
        ids(world.client.list_statements().status(StatusString::Failed)).await,
        [failed]
    );
    assert!(
        ids(world.client.list_statements().status(StatusString::Started))
            .await
            .is_empty()
    );
}

/// Names are matched by their beginning, case by case.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ListStatements.html
#[tokio::test]
async fn names_are_matched_by_their_beginning() {
    let Some(world) = World::controlled().await else {
        return;
    };
    for name in ["load-1", "load-2", "Load-3", "other"] {
        let sent = world
            .call("SELECT 1")
            .statement_name(name)
            .send()
            .await
            .expect("taken");
        world.ended(sent.id().expect("an id")).await;
    }
    let listed = world
        .client
        .list_statements()
        .statement_name("load")
        .send()
        .await
        .expect("listed");
    let names: Vec<_> = listed
        .statements()
        .iter()
        .filter_map(|one| one.statement_name())
        .collect();
    assert_eq!(names, ["load-2", "load-1"]);
}

/// Statements are listed by where they ran.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ListStatements.html
#[tokio::test]
async fn statements_are_listed_by_target() {
    let Some(world) = World::controlled().await else {
        return;
    };
    let here = world.done("SELECT 1").await.id;
    let call = world
        .client
        .execute_statement()
        .cluster_identifier("cluster")
        .database("other");
    let sent = call
        .sql("SELECT 1")
        .db_user("loader")
        .send()
        .await
        .expect("taken");
    let there = world.ended(sent.id().expect("an id")).await.id;
    let list = || world.client.list_statements();
    assert_eq!(
        ids(list().workgroup_name("warehouse")).await,
        std::slice::from_ref(&here)
    );
    assert_eq!(
        ids(list().cluster_identifier("cluster")).await,
        std::slice::from_ref(&there)
    );
    assert_eq!(ids(list().database("other")).await, [there]);
    assert_eq!(
        ids(list().workgroup_name("warehouse").database("dev")).await,
        [here]
    );
}

/// Lists come in pages.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ListStatements.html
#[tokio::test]
async fn statements_are_listed_in_pages() {
    let Some(world) = World::controlled().await else {
        return;
    };
    let mut expected = Vec::new();
    for _ in 0..5 {
        expected.insert(0, world.done("SELECT 1").await.id);
    }
    let (mut seen, mut token) = (Vec::new(), None);
    loop {
        let page = world
            .client
            .list_statements()
            .max_results(2)
            .set_next_token(token);
        let page = page.send().await.expect("listed");
        seen.extend(page.statements.into_iter().map(|one| one.id));
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, expected);
}

/// Filters that cannot be are refused.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ListStatements.html
#[tokio::test]
async fn a_filter_that_cannot_be_is_refused() {
    let Some(world) = World::any().await else { return };
    let list = || world.client.list_statements();
    for wrong in [
        list().workgroup_name("warehouse").cluster_identifier("cluster"),
        list().status(StatusString::from("DONE")),
        list().max_results(101),
        list().max_results(-1),
        list().next_token("x"),
    ] {
        assert_eq!(code(wrong.send().await), "ValidationException");
    }
}

/// The history reaches back 24 hours.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ListStatements.html
#[tokio::test]
async fn the_history_reaches_back_a_day() {
    let Some(world) = World::controlled().await else {
        return;
    };
    world.done("SELECT 1").await;
    world.aws.advance(TimeDelta::hours(20));
    let young = world.done("SELECT 2").await.id;
    world.aws.advance(TimeDelta::hours(5));
    assert_eq!(ids(world.client.list_statements()).await, [young]);
}

/// What the service has forgotten is not found, although it took effect.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_DescribeStatement.html
#[tokio::test]
async fn a_forgotten_statement_took_effect_all_the_same() {
    let Some(world) = World::controlled().await else {
        return;
    };
    world.make_table().await;
    let id = world.done(&world.insert(1)).await.id;
    world.aws.control().forget_statements();
    let asked = world.client.describe_statement().id(id).send().await;
    assert_eq!(code(asked), "ResourceNotFoundException");
    assert_eq!(world.count().await, "1");
}

/// A line of the list tells what was run.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_StatementData.html
#[tokio::test]
async fn a_line_tells_what_was_run() {
    let Some(world) = World::controlled().await else {
        return;
    };
    world.done("SELECT 1").await;
    world.run_batch(&["SELECT 2", "SELECT 3"]).await;
    let listed = world.client.list_statements().send().await.expect("listed");
    let [batch, single] = listed.statements() else {
        panic!("{listed:?}")
    };
    assert_eq!(
        (single.is_batch_statement(), single.query_string()),
        (Some(false), Some("SELECT 1"))
    );
    assert_eq!(batch.is_batch_statement(), Some(true));
    assert_eq!(batch.query_strings(), ["SELECT 2", "SELECT 3"]);
}
