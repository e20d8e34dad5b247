//! The Redshift Data API as its reference describes it, driven by the real SDK client over a real PostgreSQL.

mod data_support;
#[path = "data_support/postgres.rs"]
mod postgres;

use std::sync::Arc;

use aws_sdk_redshiftdata::Client;
use aws_sdk_redshiftdata::error::ProvideErrorMetadata;
use aws_sdk_redshiftdata::operation::describe_statement::DescribeStatementOutput;
use aws_sdk_redshiftdata::types::{Field, SqlParameter, StatementData, StatementStatusString, StatusString};
use aws_sdk_s3::primitives::ByteStream;
use data_support::{OWN, config, options};
use local_aws::{LocalAws, Options};
use parquet::data_type::{
    ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use postgres::Warehouse;

const ROLE: &str = "arn:aws:iam::111111111111:role/copy";
const BUCKET: &str = "tenantry-export";

struct World {
    endpoint: LocalAws,
    client: Client,
    _warehouse: Arc<Warehouse>,
}

impl World {
    async fn start() -> Option<Self> {
        let warehouse = Warehouse::shared()?;
        let options = Options {
            warehouse_url: Some(warehouse.database().await),
            ..options()
        };
        let endpoint = LocalAws::start(options).await.expect("the endpoint starts");
        let client = Client::new(&config(&endpoint, OWN));
        Some(Self {
            endpoint,
            client,
            _warehouse: warehouse,
        })
    }

    async fn execute(&self, sql: &str) -> DescribeStatementOutput {
        let sent = self
            .client
            .execute_statement()
            .workgroup_name("wg")
            .database("dev")
            .sql(sql)
            .send()
            .await;
        self.ended(sent.expect("taken").id().expect("has an id")).await
    }

    async fn batch(&self, sqls: &[&str], parameters: &[(&str, &str)]) -> DescribeStatementOutput {
        let sent = self
            .client
            .batch_execute_statement()
            .workgroup_name("wg")
            .database("dev");
        let sent = sent
            .set_sqls(Some(sqls.iter().map(|sql| (*sql).to_owned()).collect()))
            .set_parameters((!parameters.is_empty()).then(|| parameters_of(parameters)));
        self.ended(sent.send().await.expect("taken").id().expect("has an id"))
            .await
    }

    async fn ended(&self, id: &str) -> DescribeStatementOutput {
        loop {
            let described = self
                .client
                .describe_statement()
                .id(id)
                .wait_time_seconds(20)
                .send()
                .await
                .expect("known");
            let running = [
                StatusString::Submitted,
                StatusString::Picked,
                StatusString::Started,
            ];
            if !described.status().is_some_and(|status| running.contains(status)) {
                return described;
            }
        }
    }

    async fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        let described = self.execute(sql).await;
        assert_eq!(
            described.status(),
            Some(&StatusString::Finished),
            "{sql}: {:?}",
            described.error()
        );
        let result = self
            .client
            .get_statement_result()
            .id(described.id())
            .send()
            .await
            .expect("a result");
        result
            .records()
            .iter()
            .map(|row| row.iter().map(text).collect())
            .collect()
    }

    /// A bucket, and a role that Redshift may take and that may read all of its account.
    async fn with_bucket_and_role(&self) -> aws_sdk_s3::Client {
        let iam = aws_sdk_iam::Client::new(&config(&self.endpoint, OWN));
        let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"redshift.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
        iam.create_role()
            .role_name("copy")
            .assume_role_policy_document(trust)
            .send()
            .await
            .expect("made");
        let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],"Resource":"*"}]}"#;
        let put = iam
            .put_role_policy()
            .role_name("copy")
            .policy_name("read")
            .policy_document(policy);
        put.send().await.expect("given");
        let s3 = aws_sdk_s3::config::Builder::from(&config(&self.endpoint, OWN))
            .force_path_style(true)
            .build();
        let s3 = aws_sdk_s3::Client::from_conf(s3);
        s3.create_bucket().bucket(BUCKET).send().await.expect("made");
        s3
    }
}

fn parameters_of(parameters: &[(&str, &str)]) -> Vec<SqlParameter> {
    let parameters = parameters
        .iter()
        .map(|(name, value)| SqlParameter::builder().name(*name).value(*value).build());
    parameters.collect::<Result<_, _>>().expect("complete")
}

fn text(field: &Field) -> String {
    match field {
        Field::StringValue(text) => text.clone(),
        Field::LongValue(number) => number.to_string(),
        Field::BooleanValue(value) => value.to_string(),
        Field::DoubleValue(number) => number.to_string(),
        Field::IsNull(_) => "null".to_owned(),
        other => panic!("{other:?}"),
    }
}

fn statuses(described: &DescribeStatementOutput) -> Vec<StatementStatusString> {
    described
        .sub_statements()
        .iter()
        .filter_map(|step| step.status().cloned())
        .collect()
}

/// API_ExecuteStatement, API_GetStatementResult, API_Field.
#[tokio::test]
async fn a_statement_runs_in_the_background_and_its_result_is_typed() {
    let Some(world) = World::start().await else { return };
    world.execute("CREATE SCHEMA usage").await;
    world.execute("CREATE TABLE usage.t (a INT, b VARCHAR(10), c DECIMAL(38,9), d BOOLEAN, e TIMESTAMP) DISTSTYLE AUTO").await;
    let inserted = world.execute("INSERT INTO usage.t VALUES (1, 'x', 1.5, TRUE, '2026-11-01 10:00:00'), (2, NULL, 2, FALSE, NULL)").await;
    assert_eq!(
        (inserted.status(), inserted.result_rows()),
        (Some(&StatusString::Finished), 2)
    );
    let rows = world.rows("SELECT a, b, c, d, e FROM usage.t ORDER BY a").await;
    assert_eq!(rows[0], ["1", "x", "1.500000000", "true", "2026-11-01 10:00:00"]);
    assert_eq!(rows[1], ["2", "null", "2.000000000", "false", "null"]);
}

/// API_BatchExecuteStatement: "the SQL statements are run as a single transaction"; sub-statements by `id:n`.
#[tokio::test]
async fn a_failing_batch_rolls_back_whole() {
    let Some(world) = World::start().await else { return };
    world.execute("CREATE TABLE t (a INT)").await;
    let failed = world
        .batch(
            &[
                "INSERT INTO t VALUES (1)",
                "SELECT 1 / 0",
                "INSERT INTO t VALUES (2)",
            ],
            &[],
        )
        .await;
    assert_eq!(failed.status(), Some(&StatusString::Failed));
    assert!(
        failed
            .error()
            .is_some_and(|error| error.starts_with("Query #2 failed with ERROR: division by zero"))
    );
    use StatementStatusString::{Aborted, Failed, Finished};
    assert_eq!(statuses(&failed), [Finished, Failed, Aborted]);
    assert_eq!(world.rows("SELECT COUNT(*) FROM t").await, [["0"]]);

    let done = world
        .batch(&["INSERT INTO t VALUES (1)", "SELECT COUNT(*) FROM t"], &[])
        .await;
    assert_eq!(done.status(), Some(&StatusString::Finished));
    let result = world
        .client
        .get_statement_result()
        .id(format!("{}:2", done.id()))
        .send()
        .await
        .expect("a result");
    assert_eq!(text(&result.records()[0][0]), "1");
}

/// API_ExecuteStatement, "ClientToken": the same request runs once, another one under the token is refused.
#[tokio::test]
async fn a_client_token_runs_once() {
    let Some(world) = World::start().await else { return };
    world.execute("CREATE TABLE t (a INT)").await;
    let send = |sql: &str| {
        world
            .client
            .execute_statement()
            .workgroup_name("wg")
            .database("dev")
            .client_token("tok")
            .sql(sql)
            .send()
    };
    let first = send("INSERT INTO t VALUES (1)").await.expect("taken");
    let again = send("INSERT INTO t VALUES (1)").await.expect("taken");
    assert_eq!(first.id(), again.id());
    world.ended(first.id().expect("has an id")).await;
    assert_eq!(world.rows("SELECT COUNT(*) FROM t").await, [["1"]]);
    assert_eq!(
        send("INSERT INTO t VALUES (2)").await.unwrap_err().code(),
        Some("ValidationException")
    );
    world.endpoint.control().advance(chrono::TimeDelta::hours(9));
    let later = send("INSERT INTO t VALUES (1)").await.expect("taken");
    assert_ne!(first.id(), later.id());
}

/// Management guide, "Running SQL statements with parameters": every value is used, every name has a value.
#[tokio::test]
async fn parameters_are_shared_by_a_batch_and_cannot_become_sql() {
    let Some(world) = World::start().await else { return };
    world.execute("CREATE TABLE t (a INT, b VARCHAR(100))").await;
    let hostile = "x'); DROP TABLE t; --";
    let done = world
        .batch(
            &[
                "INSERT INTO t VALUES (CAST(:a AS INT), :b)",
                "SELECT b FROM t WHERE b = :b",
            ],
            &[("a", "7"), ("b", hostile)],
        )
        .await;
    assert_eq!(done.status(), Some(&StatusString::Finished), "{:?}", done.error());
    assert_eq!(world.rows("SELECT a, b FROM t").await, [["7", hostile]]);
    for (sql, given) in [
        ("SELECT :a", vec![]),
        ("SELECT 1", vec![("a", "1")]),
        ("SELECT ':a'", vec![("a", "1")]),
    ] {
        let sent = world
            .client
            .execute_statement()
            .workgroup_name("wg")
            .database("dev")
            .sql(sql);
        let sent = sent.set_parameters((!given.is_empty()).then(|| parameters_of(&given)));
        assert_eq!(
            sent.send().await.unwrap_err().code(),
            Some("ValidationException"),
            "{sql}"
        );
    }
}

/// API_ExecuteStatement: exactly one of cluster, workgroup and session.
#[tokio::test]
async fn a_call_names_exactly_one_target() {
    let Some(world) = World::start().await else { return };
    let none = world
        .client
        .execute_statement()
        .database("dev")
        .sql("SELECT 1")
        .send()
        .await;
    assert_eq!(none.unwrap_err().code(), Some("ValidationException"));
    let both = world
        .client
        .execute_statement()
        .database("dev")
        .sql("SELECT 1")
        .workgroup_name("w")
        .cluster_identifier("c");
    assert_eq!(both.send().await.unwrap_err().code(), Some("ValidationException"));
    let unknown = world
        .client
        .describe_statement()
        .id("00000000-0000-0000-0000-000000000000")
        .send()
        .await;
    assert_eq!(unknown.unwrap_err().code(), Some("ResourceNotFoundException"));
}

/// The dialect: what only PostgreSQL knows fails as a statement, as it would on a warehouse.
#[tokio::test]
async fn what_redshift_does_not_know_fails() {
    let Some(world) = World::start().await else { return };
    world.execute("CREATE TABLE t (a INT PRIMARY KEY)").await;
    let twice = world
        .batch(&["INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (1)"], &[])
        .await;
    assert_eq!(
        twice.status(),
        Some(&StatusString::Finished),
        "keys are informational"
    );
    let refused = world
        .execute("INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING")
        .await;
    assert_eq!(refused.status(), Some(&StatusString::Failed));
    assert!(
        refused
            .error()
            .is_some_and(|error| error.contains("not supported by local warehouse"))
    );
}

/// API_DescribeStatement and the history of 24 hours; API_ListStatements, newest first.
#[tokio::test]
async fn history_lasts_a_day_and_is_listed_newest_first() {
    let Some(world) = World::start().await else { return };
    let first = world.execute("SELECT 1").await;
    let second = world.execute("SELECT 2").await;
    let listed = world
        .client
        .list_statements()
        .status(StatusString::All)
        .send()
        .await
        .expect("listed");
    let ids: Vec<_> = listed.statements().iter().map(StatementData::id).collect();
    assert_eq!(ids, [second.id(), first.id()]);
    world.endpoint.control().advance(chrono::TimeDelta::hours(24));
    let gone = world.client.get_statement_result().id(first.id()).send().await;
    assert_eq!(gone.unwrap_err().code(), Some("ResourceNotFoundException"));
}

/// API_CancelStatement: a running statement ends as ABORTED and its transaction is rolled back.
#[tokio::test]
async fn a_cancelled_statement_is_aborted_and_rolled_back() {
    let Some(world) = World::start().await else { return };
    world.execute("CREATE TABLE t (a INT)").await;
    world
        .execute("INSERT INTO t VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10)")
        .await;
    // Ten to the tenth rows: it does not end by itself within the test.
    let many = "INSERT INTO t SELECT COUNT(*) FROM t a, t b, t c, t d, t e, t f, t g, t h, t i, t j";
    let sent = world
        .client
        .execute_statement()
        .workgroup_name("wg")
        .database("dev")
        .sql(many)
        .send()
        .await;
    let id = sent.expect("taken").id().expect("has an id").to_owned();
    world
        .client
        .cancel_statement()
        .id(&id)
        .send()
        .await
        .expect("cancelled");
    assert_eq!(world.ended(&id).await.status(), Some(&StatusString::Aborted));
    assert_eq!(world.rows("SELECT COUNT(*) FROM t").await, [["10"]]);
    let ended = world.client.cancel_statement().id(&id).send().await;
    assert_eq!(ended.unwrap_err().code(), Some("ValidationException"));
}

const TABLE: &str = "CREATE TABLE events (id CHAR(36) NOT NULL, meter VARCHAR(20), at TIMESTAMP, quantity DECIMAL(38,9), \
                     bucket SMALLINT, revision INT, day DATE)";
const SCHEMA: &str = "message events { required binary id (STRING); optional binary meter (STRING);
    required int64 at (TIMESTAMP(MICROS, true)); required fixed_len_byte_array(16) quantity (DECIMAL(38, 9));
    required int32 bucket (INTEGER(16, true)); required int32 revision; required int32 day (DATE); }";

/// Rows of a file, of which every third has no meter.
fn parquet_file(rows: i64) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(SCHEMA).expect("a schema"));
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::default()).expect("a writer");
    let mut group = writer.next_row_group().expect("a group");
    let ids: Vec<_> = (0..rows)
        .map(|row| ByteArray::from(format!("{row:036}").as_str()))
        .collect();
    write::<ByteArrayType>(&mut group, &ids, None);
    let levels: Vec<i16> = (0..rows).map(|row| i16::from(row % 3 != 0)).collect();
    let meters: Vec<_> = levels
        .iter()
        .filter(|level| **level == 1)
        .map(|_| ByteArray::from("rows_scanned"))
        .collect();
    write::<ByteArrayType>(&mut group, &meters, Some(&levels));
    let times: Vec<i64> = (0..rows).map(|row| 1_793_491_200_000_001 + row).collect();
    write::<Int64Type>(&mut group, &times, None);
    let quantities: Vec<_> = (0..rows)
        .map(|row| FixedLenByteArray::from((i128::from(row) * 1_500_000_000 - 1).to_be_bytes().to_vec()))
        .collect();
    write::<FixedLenByteArrayType>(&mut group, &quantities, None);
    for value in [7, 0, 20_758] {
        write::<Int32Type>(&mut group, &vec![value; ids.len()], None);
    }
    group.close().expect("closed");
    writer.into_inner().expect("finished")
}

type Group<'a> = parquet::file::writer::SerializedRowGroupWriter<'a, Vec<u8>>;

fn write<T: parquet::data_type::DataType>(group: &mut Group<'_>, values: &[T::T], levels: Option<&[i16]>) {
    let mut column = group.next_column().expect("a column").expect("not the last");
    column
        .typed::<T>()
        .write_batch(values, levels, None)
        .expect("written");
    column.close().expect("closed");
}

async fn put(s3: &aws_sdk_s3::Client, key: &str, body: Vec<u8>) {
    s3.put_object()
        .bucket(BUCKET)
        .key(key)
        .body(ByteStream::from(body))
        .send()
        .await
        .expect("written");
}

fn manifest(entries: &[(&str, usize)]) -> Vec<u8> {
    let entries = entries.iter().map(|(key, length)| {
        serde_json::json!({ "url": format!("s3://{BUCKET}/{key}"), "mandatory": true, "meta": { "content_length": length } })
    });
    serde_json::json!({ "entries": entries.collect::<Vec<_>>() })
        .to_string()
        .into_bytes()
}

fn copy(manifest: &str) -> String {
    format!("COPY events FROM 's3://{BUCKET}/{manifest}' IAM_ROLE '{ROLE}' FORMAT AS PARQUET MANIFEST")
}

/// SQL reference, "COPY from columnar data formats": by position, exact types, all rows.
#[tokio::test]
async fn copy_by_manifest_loads_exactly_the_rows_of_its_files() {
    let Some(world) = World::start().await else { return };
    let s3 = world.with_bucket_and_role().await;
    let (many, few) = (parquet_file(10_000), parquet_file(3));
    let entries = [("many.parquet", many.len()), ("few.parquet", few.len())];
    put(&s3, "load.copy.json", manifest(&entries)).await;
    put(&s3, "many.parquet", many).await;
    put(&s3, "few.parquet", few).await;
    world.execute(TABLE).await;
    let loaded = world.execute(&copy("load.copy.json")).await;
    assert_eq!(
        (loaded.status(), loaded.result_rows()),
        (Some(&StatusString::Finished), 10_003),
        "{:?}",
        loaded.error()
    );
    let sums = world
        .rows("SELECT COUNT(*), COUNT(meter), SUM(quantity), MIN(at), MAX(day) FROM events")
        .await;
    // 1.5 × (0 + … + 9999) + 1.5 × (0 + 1 + 2), less 10^-9 for each row.
    assert_eq!(
        sums,
        [[
            "10003",
            "6668",
            "74992504.499989997",
            "2026-11-01 00:00:00.000001",
            "2026-11-01"
        ]]
    );
    assert_eq!(
        world
            .rows("SELECT quantity FROM events WHERE id = '000000000000000000000000000000000000'")
            .await
            .len(),
        2
    );
}

/// SQL reference, "Using a manifest to specify data files": content_length must match, mandatory files must be there.
#[tokio::test]
async fn a_wrong_manifest_fails_and_the_transaction_is_rolled_back() {
    let Some(world) = World::start().await else { return };
    let s3 = world.with_bucket_and_role().await;
    let file = parquet_file(10);
    put(
        &s3,
        "wrong-length.json",
        manifest(&[("f", file.len()), ("g", file.len() + 1)]),
    )
    .await;
    put(
        &s3,
        "missing.json",
        manifest(&[("f", file.len()), ("nothing", 1)]),
    )
    .await;
    put(&s3, "good.json", manifest(&[("f", file.len())])).await;
    put(&s3, "f", file.clone()).await;
    put(&s3, "g", file).await;
    world.execute(TABLE).await;
    for (key, why) in [
        ("wrong-length.json", "File size mismatch"),
        ("missing.json", "NoSuchKey"),
        ("none.json", "manifest"),
    ] {
        let failed = world.batch(&["DELETE FROM events", &copy(key)], &[]).await;
        assert!(
            failed.error().is_some_and(|error| error.contains(why)),
            "{key}: {:?}",
            failed.error()
        );
    }
    assert_eq!(world.rows("SELECT COUNT(*) FROM events").await, [["0"]]);
    let other_role = copy("good.json").replace("role/copy", "role/unknown");
    let refused = world.execute(&other_role).await;
    assert!(
        refused
            .error()
            .is_some_and(|error| error.contains("Not authorized to get credentials of role"))
    );
    world.execute("ALTER TABLE events ADD COLUMN more INT").await;
    let columns = world.execute(&copy("good.json")).await;
    assert!(
        columns
            .error()
            .is_some_and(|error| error.contains("number of columns")),
        "{:?}",
        columns.error()
    );
    world.execute("CREATE TABLE other (id CHAR(36), meter VARCHAR(20), at BIGINT, q DECIMAL(38,9), b SMALLINT, r INT, d DATE)").await;
    let types = world
        .execute(&copy("good.json").replace("COPY events", "COPY other"))
        .await;
    assert!(
        types
            .error()
            .is_some_and(|error| error.contains("incompatible Parquet schema for column 'at'")),
        "{:?}",
        types.error()
    );
}
