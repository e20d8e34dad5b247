//! Results: typed, in pages, as JSON or CSV, for a day.

use aws_sdk_redshiftdata::types::{QueryRecords, ResultFormatString, StatusString};
use chrono::TimeDelta;
use conformance::code;

use crate::support::{World, parameter};

/// Integers, booleans and NULL are themselves; decimals and times are texts.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_Field.html
#[tokio::test]
async fn values_are_typed() {
    let Some(world) = World::any().await else { return };
    let table = &world.table;
    world
        .done(&format!(
            "CREATE TABLE {table} (a INT, b VARCHAR(10), c DECIMAL(38,9), d BOOLEAN, e TIMESTAMP, f FLOAT8)"
        ))
        .await;
    let inserted = world
        .done(&format!("INSERT INTO {table} VALUES (1, 'x', 1.5, TRUE, '2026-11-01 10:00:00', 0.5), (2, NULL, 2, FALSE, NULL, NULL)"))
        .await;
    assert_eq!(
        (inserted.result_rows(), inserted.has_result_set()),
        (2, Some(false))
    );
    let rows = world
        .rows(&format!("SELECT a, b, c, d, e, f FROM {table} ORDER BY a"))
        .await;
    assert_eq!(
        rows[0],
        ["1", "x", "1.500000000", "true", "2026-11-01 10:00:00", "0.5"]
    );
    assert_eq!(rows[1], ["2", "null", "2.000000000", "false", "null", "null"]);
    world.end().await;
}

/// A result carries the names and types of its columns.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ColumnMetadata.html
#[tokio::test]
async fn a_result_carries_its_columns() {
    let Some(world) = World::any().await else { return };
    let id = world
        .done("SELECT 1 AS one, CAST('x' AS VARCHAR(5)) AS two, TRUE AS three")
        .await
        .id;
    let result = world
        .client
        .get_statement_result()
        .id(id)
        .send()
        .await
        .expect("a result");
    let columns: Vec<_> = result
        .column_metadata()
        .iter()
        .map(|column| {
            (
                column.name().unwrap_or_default(),
                column.type_name().unwrap_or_default(),
            )
        })
        .collect();
    assert_eq!(columns, [("one", "int4"), ("two", "varchar"), ("three", "bool")]);
    assert_eq!(result.total_num_rows(), 1);
}

/// Large results come in pages; each row comes once.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_GetStatementResult.html
#[tokio::test]
async fn a_large_result_comes_in_pages() {
    let Some(world) = World::any().await else { return };
    world.make_table().await;
    world
        .done(&format!(
            "INSERT INTO {} VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)",
            world.table
        ))
        .await;
    let table = &world.table;
    let sql = format!(
        "SELECT h.a * 1000 + t.a * 100 + u.a * 10 + v.a FROM {table} h, {table} t, {table} u, {table} v WHERE h.a < 3 ORDER BY 1"
    );
    let id = world.done(&sql).await.id;
    let (mut numbers, mut token, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = world.client.get_statement_result().id(&id).set_next_token(token);
        let page = page.send().await.expect("a page");
        assert_eq!(page.total_num_rows(), 3_000);
        numbers.extend(page.records().iter().map(|row| crate::support::text(&row[0])));
        pages += 1;
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    let expected: Vec<_> = (0..3_000).map(|number| number.to_string()).collect();
    assert_eq!(numbers, expected);
    assert!(pages > 1);
    world.end().await;
}

/// A made-up token is refused.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_GetStatementResult.html
#[tokio::test]
async fn a_made_up_token_is_refused() {
    let Some(world) = World::any().await else { return };
    let id = world.done("SELECT 1").await.id;
    for token in ["x", "12", "cm93IDk5"] {
        let page = world
            .client
            .get_statement_result()
            .id(&id)
            .next_token(token)
            .send()
            .await;
        assert_eq!(code(page), "ValidationException", "{token}");
    }
}

/// What has no rows has no result, and neither has what failed or still runs.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_GetStatementResult.html
#[tokio::test]
async fn a_statement_without_rows_has_no_result() {
    let Some(world) = World::any().await else { return };
    world.make_table().await;
    for sql in [world.insert(1), "SELECT nothing FROM nowhere".to_owned()] {
        let id = world.run(&sql).await.id;
        let result = world.client.get_statement_result().id(id).send().await;
        assert_eq!(code(result), "ResourceNotFoundException", "{sql}");
    }
    world.end().await;
}

/// A result has no rows when its query found none, and is a result all the same.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_GetStatementResult.html
#[tokio::test]
async fn an_empty_result_is_a_result() {
    let Some(world) = World::any().await else { return };
    let done = world.done("SELECT 1 WHERE 1 = 2").await;
    assert_eq!((done.has_result_set(), done.result_rows()), (Some(true), 0));
    assert!(world.rows_of(done.id()).await.is_empty());
}

/// Results are kept for 24 hours.
/// https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html
#[tokio::test]
async fn a_result_is_kept_for_a_day() {
    let Some(world) = World::controlled().await else {
        return;
    };
    let id = world.done("SELECT 1").await.id;
    world.aws.advance(TimeDelta::hours(23));
    assert_eq!(world.rows_of(&id).await, [["1"]]);
    world.aws.advance(TimeDelta::hours(1));
    let gone = world.client.get_statement_result().id(&id).send().await;
    assert_eq!(code(gone), "ResourceNotFoundException");
    let gone = world.client.describe_statement().id(&id).send().await;
    assert_eq!(code(gone), "ResourceNotFoundException");
}

/// A result that was asked for as CSV comes as CSV.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_GetStatementResultV2.html
#[tokio::test]
async fn a_result_comes_as_csv_when_it_was_asked_for() {
    let Some(world) = World::any().await else { return };
    let call =
        world.call("SELECT 1, 'a,b', NULL, TRUE UNION ALL SELECT 2, 'say \"x\"', 'y', FALSE ORDER BY 1");
    let sent = call
        .result_format(ResultFormatString::Csv)
        .send()
        .await
        .expect("taken");
    let described = world.ended(sent.id().expect("an id")).await;
    assert_eq!(described.result_format(), Some(&ResultFormatString::Csv));
    let result = world
        .client
        .get_statement_result_v2()
        .id(described.id())
        .send()
        .await
        .expect("a result");
    let [QueryRecords::CsvRecords(text)] = result.records() else {
        panic!("{result:?}");
    };
    assert_eq!(text, "1,\"a,b\",,true\r\n2,\"say \"\"x\"\"\",y,false\r\n");
    assert_eq!((result.total_num_rows(), result.column_metadata().len()), (2, 4));
}

/// Each format has its operation.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_GetStatementResultV2.html
#[tokio::test]
async fn a_format_is_fetched_by_its_own_operation() {
    let Some(world) = World::any().await else { return };
    let json = world.done("SELECT 1").await.id;
    let wrong = world.client.get_statement_result_v2().id(json).send().await;
    assert_eq!(code(wrong), "ValidationException");
    let sent = world
        .call("SELECT 1")
        .result_format(ResultFormatString::Csv)
        .send()
        .await
        .expect("taken");
    let csv = world.ended(sent.id().expect("an id")).await.id;
    let wrong = world.client.get_statement_result().id(csv).send().await;
    assert_eq!(code(wrong), "ValidationException");
}

/// A row has at most 64 KB; a larger one fails the statement.
/// https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-troubleshooting.html
#[tokio::test]
async fn a_row_larger_than_64_kb_fails_the_statement() {
    let Some(world) = World::any().await else { return };
    let half = "x".repeat(40_000);
    let call = world
        .call("SELECT :a || '', :a || ''")
        .parameters(parameter("a", &half));
    let sent = call.send().await.expect("taken");
    let failed = world.ended(sent.id().expect("an id")).await;
    assert_eq!(
        (failed.status(), failed.has_result_set()),
        (Some(&StatusString::Failed), Some(false))
    );
}
