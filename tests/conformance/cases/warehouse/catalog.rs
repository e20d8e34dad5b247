//! What the warehouse holds: databases, schemas, tables, columns.

use aws_sdk_redshiftdata::types::TableMember;
use conformance::local_aws::Options;
use conformance::{code, controlled_with, status};

use crate::support::World;

async fn filled() -> Option<World> {
    let world = World::controlled().await?;
    for sql in [
        "CREATE SCHEMA usage",
        "CREATE TABLE usage.events (id CHAR(36) NOT NULL, meter VARCHAR(20), quantity DECIMAL(38,9), day DATE, count BIGINT)",
        "CREATE TABLE usage.hourly (a INT NOT NULL)",
        "CREATE VIEW usage.all_events AS SELECT id FROM usage.events",
        "CREATE TABLE plain (a INT)",
    ] {
        world.done(sql).await;
    }
    Some(world)
}

fn names(tables: &[TableMember]) -> Vec<(&str, &str, &str)> {
    tables
        .iter()
        .map(|table| {
            (
                table.schema().unwrap_or_default(),
                table.name().unwrap_or_default(),
                table.r#type().unwrap_or_default(),
            )
        })
        .collect()
}

/// The databases of a warehouse are listed.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ListDatabases.html
#[tokio::test]
async fn databases_are_listed() {
    let Some(world) = World::controlled().await else {
        return;
    };
    let listed = world
        .client
        .list_databases()
        .workgroup_name("warehouse")
        .database("dev");
    let listed = listed.send().await.expect("listed");
    assert!(listed.databases().contains(&"dev".to_owned()));
}

/// Schemas are listed, all or by a pattern.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ListSchemas.html
#[tokio::test]
async fn schemas_are_listed_by_pattern() {
    let Some(world) = filled().await else { return };
    let list = || {
        world
            .client
            .list_schemas()
            .workgroup_name("warehouse")
            .database("dev")
    };
    let all = list().send().await.expect("listed");
    for name in ["public", "usage", "pg_catalog", "information_schema"] {
        assert!(all.schemas().contains(&name.to_owned()), "{name}");
    }
    for (pattern, expected) in [("us%", &["usage"][..]), ("u_age", &["usage"]), ("nothing", &[])] {
        let some = list().schema_pattern(pattern).send().await.expect("listed");
        assert_eq!(some.schemas(), expected, "{pattern}");
    }
}

/// Tables and views are listed by patterns of schema and name.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ListTables.html
#[tokio::test]
async fn tables_are_listed_by_pattern() {
    let Some(world) = filled().await else { return };
    let list = || {
        world
            .client
            .list_tables()
            .workgroup_name("warehouse")
            .database("dev")
    };
    let own = list().schema_pattern("usage").send().await.expect("listed");
    let expected = [
        ("usage", "all_events", "VIEW"),
        ("usage", "events", "TABLE"),
        ("usage", "hourly", "TABLE"),
    ];
    assert_eq!(names(own.tables()), expected);
    let named = list().table_pattern("%event_").send().await.expect("listed");
    assert_eq!(names(named.tables()), expected[..2]);
    let system = list()
        .schema_pattern("pg_catalog")
        .table_pattern("pg_class")
        .send()
        .await
        .expect("listed");
    assert_eq!(
        names(system.tables()),
        [("pg_catalog", "pg_class", "SYSTEM TABLE")]
    );
}

/// Lists come in pages.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ListTables.html
#[tokio::test]
async fn tables_are_listed_in_pages() {
    let Some(world) = filled().await else { return };
    let list = || {
        world
            .client
            .list_tables()
            .workgroup_name("warehouse")
            .database("dev")
            .schema_pattern("usage")
    };
    let page = list().max_results(2).send().await.expect("listed");
    assert_eq!(page.tables().len(), 2);
    let rest = list()
        .max_results(2)
        .set_next_token(page.next_token)
        .send()
        .await
        .expect("listed");
    assert_eq!((rest.tables().len(), rest.next_token), (1, None));
    assert_eq!(
        code(list().max_results(1_001).send().await),
        "ValidationException"
    );
    assert_eq!(code(list().next_token("!").send().await), "ValidationException");
}

/// A table is described column by column.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_DescribeTable.html
#[tokio::test]
async fn a_table_is_described_column_by_column() {
    let Some(world) = filled().await else { return };
    let describe = world
        .client
        .describe_table()
        .workgroup_name("warehouse")
        .database("dev");
    let described = describe
        .schema("usage")
        .table("events")
        .send()
        .await
        .expect("described");
    assert_eq!(described.table_name(), Some("events"));
    let columns: Vec<_> = described
        .column_list()
        .iter()
        .map(|column| {
            (
                column.name().unwrap_or_default(),
                column.type_name().unwrap_or_default(),
                column.nullable(),
            )
        })
        .collect();
    let expected = [
        ("id", "bpchar", 0),
        ("meter", "varchar", 1),
        ("quantity", "numeric", 1),
        ("day", "date", 1),
        ("count", "int8", 1),
    ];
    assert_eq!(columns, expected);
    let quantity = &described.column_list()[2];
    assert_eq!(
        (quantity.precision(), quantity.scale(), quantity.is_signed()),
        (38, 9, true)
    );
    assert_eq!(
        (quantity.schema_name(), quantity.table_name()),
        (Some("usage"), Some("events"))
    );
}

/// Without a table all tables of the schema are described; a page holds whole tables.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_DescribeTable.html
#[tokio::test]
async fn a_schema_is_described_table_by_table() {
    let Some(world) = filled().await else { return };
    let describe = || {
        world
            .client
            .describe_table()
            .workgroup_name("warehouse")
            .database("dev")
            .schema("usage")
    };
    let page = describe().max_results(2).send().await.expect("described");
    assert_eq!((page.table_name(), page.column_list().len()), (None, 1 + 5));
    let rest = describe()
        .max_results(2)
        .set_next_token(page.next_token)
        .send()
        .await
        .expect("described");
    assert_eq!(rest.column_list()[0].table_name(), Some("hourly"));
}

/// A table that is not there has no columns.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_DescribeTable.html
#[tokio::test]
async fn a_table_that_is_not_there_has_no_columns() {
    let Some(world) = World::controlled().await else {
        return;
    };
    let describe = world
        .client
        .describe_table()
        .workgroup_name("warehouse")
        .database("dev");
    let described = describe.table("nothing").send().await.expect("described");
    assert!(described.column_list().is_empty());
}

/// Each of these calls names its target as a statement does.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ListSchemas.html
#[tokio::test]
async fn a_look_at_the_catalog_names_its_target() {
    let Some(world) = World::any().await else { return };
    let invalid = "ValidationException";
    assert_eq!(
        code(world.client.list_databases().database("dev").send().await),
        invalid
    );
    assert_eq!(
        code(
            world
                .client
                .list_schemas()
                .workgroup_name("warehouse")
                .send()
                .await
        ),
        invalid
    );
    let both = world
        .client
        .list_tables()
        .workgroup_name("warehouse")
        .cluster_identifier("cluster");
    assert_eq!(code(both.database("dev").send().await), invalid);
    let user = world
        .client
        .describe_table()
        .workgroup_name("warehouse")
        .database("dev")
        .db_user("x");
    assert_eq!(code(user.send().await), invalid);
}

/// A warehouse that cannot be reached is the service's failure.
/// https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ListTables.html
#[tokio::test]
async fn a_warehouse_that_cannot_be_reached_is_a_failure() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = Options {
        warehouse_url: Some(format!("host={} user=nobody", directory.path().display())),
        ..Options::default()
    };
    let Some(aws) = controlled_with(options).await else {
        return;
    };
    let client = aws_sdk_redshiftdata::Client::new(&aws.vendor().config);
    let list = || {
        client
            .list_tables()
            .workgroup_name("warehouse")
            .database("dev")
            .send()
    };
    assert_eq!(status(list().await), 500);
    assert_eq!(code(list().await), "DatabaseConnectionException");
    let call = client
        .execute_statement()
        .workgroup_name("warehouse")
        .database("dev")
        .sql("SELECT 1");
    let sent = call.wait_time_seconds(30).send().await.expect("taken");
    assert_eq!(
        sent.status()
            .map(aws_sdk_redshiftdata::types::StatementStatusString::as_str),
        Some("FAILED")
    );
}
