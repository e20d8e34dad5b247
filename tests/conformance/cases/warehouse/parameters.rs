//! Named parameters.

use aws_sdk_redshiftdata::types::StatusString;
use conformance::code;

use crate::support::{World, parameter};

/// Parameters are shared by a batch, and whatever they hold stays a value.
/// https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-calling.html
#[tokio::test]
async fn parameters_are_shared_by_a_batch_and_cannot_become_sql() {
    let Some(world) = World::any().await else { return };
    let table = &world.table;
    world
        .done(&format!("CREATE TABLE {table} (a INT, b VARCHAR(100))"))
        .await;
    let hostile = format!("x'); DROP TABLE {table}; --");
    let insert = format!("INSERT INTO {table} VALUES (CAST(:a AS INT), :b)");
    let select = format!("SELECT b FROM {table} WHERE b = :b");
    let call = world.call_batch(&[&insert, &select]);
    let sent = call
        .parameters(parameter("a", "7"))
        .parameters(parameter("b", &hostile))
        .send()
        .await;
    let done = world.ended(sent.expect("taken").id().expect("an id")).await;
    assert_eq!(done.status(), Some(&StatusString::Finished), "{:?}", done.error());
    assert_eq!(
        world.rows(&format!("SELECT a, b FROM {table}")).await,
        [["7", &hostile]]
    );
    world.end().await;
}

/// Every name has a value and every value a name; what stands in a string or a comment is no name.
/// https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-calling.html
#[tokio::test]
async fn names_and_values_match() {
    let Some(world) = World::any().await else { return };
    for (sql, given) in [
        ("SELECT :a", vec![]),
        ("SELECT 1", vec![parameter("a", "1")]),
        ("SELECT ':a'", vec![parameter("a", "1")]),
        ("SELECT 1 -- :a", vec![parameter("a", "1")]),
        ("SELECT :a", vec![parameter("b", "1")]),
    ] {
        let given = (!given.is_empty()).then_some(given);
        let call = world.call(sql).set_parameters(given).send().await;
        assert_eq!(code(call), "ValidationException", "{sql}");
    }
}

/// Names are words, given once; values are not empty.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_SqlParameter.html
#[tokio::test]
async fn a_parameter_outside_its_rules_is_refused() {
    let Some(world) = World::any().await else { return };
    for given in [
        vec![parameter("a", "")],
        vec![parameter("a b", "1")],
        vec![parameter("a", "1"), parameter("a", "2")],
    ] {
        let call = world.call("SELECT :a").set_parameters(Some(given)).send().await;
        assert_eq!(code(call), "ValidationException");
    }
}

/// The description of a statement shows its parameters.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_DescribeStatement.html
#[tokio::test]
async fn a_description_shows_the_parameters() {
    let Some(world) = World::any().await else { return };
    let sent = world
        .call("SELECT :a")
        .parameters(parameter("a", "7"))
        .send()
        .await
        .expect("taken");
    let done = world.ended(sent.id().expect("an id")).await;
    assert_eq!(done.query_parameters(), [parameter("a", "7")]);
    assert_eq!(done.query_string(), Some("SELECT :a"));
}
