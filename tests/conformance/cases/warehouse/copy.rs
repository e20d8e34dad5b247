//! COPY of Parquet files by a manifest.

use std::sync::Arc;

use aws_sdk_redshiftdata::types::StatusString;
use aws_sdk_s3::primitives::ByteStream;
use parquet::data_type::{
    ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use crate::support::World;

const ROLE: &str = "arn:aws:iam::111111111111:role/copy";
const BUCKET: &str = "tenantry-export";

/// A bucket, and a role that Redshift may take and that may read all of its account.
async fn bucket_and_role(world: &World) -> aws_sdk_s3::Client {
    let config = &world.aws.vendor().config;
    let iam = aws_sdk_iam::Client::new(config);
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"redshift.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    iam.create_role()
        .role_name("copy")
        .assume_role_policy_document(trust)
        .send()
        .await
        .expect("made");
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],"Resource":"*"}]}"#;
    let put = iam.put_role_policy().role_name("copy").policy_name("read");
    put.policy_document(policy).send().await.expect("given");
    let s3 = aws_sdk_s3::config::Builder::from(config)
        .force_path_style(true)
        .build();
    let s3 = aws_sdk_s3::Client::from_conf(s3);
    let region = aws_sdk_s3::types::BucketLocationConstraint::from(world.aws.region());
    let location = aws_sdk_s3::types::CreateBucketConfiguration::builder()
        .location_constraint(region)
        .build();
    let made = s3
        .create_bucket()
        .bucket(BUCKET)
        .create_bucket_configuration(location);
    made.send().await.expect("made");
    s3
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

/// Parquet is loaded by position, with exact types, all rows of all files of the manifest.
/// https://docs.aws.amazon.com/redshift/latest/dg/copy-usage_notes-copy-from-columnar.html
#[tokio::test]
async fn copy_by_manifest_loads_exactly_the_rows_of_its_files() {
    let Some(world) = World::controlled().await else {
        return;
    };
    let s3 = bucket_and_role(&world).await;
    let (many, few) = (parquet_file(10_000), parquet_file(3));
    let entries = [("many.parquet", many.len()), ("few.parquet", few.len())];
    put(&s3, "load.copy.json", manifest(&entries)).await;
    put(&s3, "many.parquet", many).await;
    put(&s3, "few.parquet", few).await;
    world.run(TABLE).await;
    let loaded = world.run(&copy("load.copy.json")).await;
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

/// The lengths of a manifest must match, and its mandatory files must be there; else the transaction is rolled back.
/// https://docs.aws.amazon.com/redshift/latest/dg/loading-data-files-using-manifest.html
#[tokio::test]
async fn a_wrong_manifest_fails_and_the_transaction_is_rolled_back() {
    let Some(world) = World::controlled().await else {
        return;
    };
    let s3 = bucket_and_role(&world).await;
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
    world.run(TABLE).await;
    for (key, why) in [
        ("wrong-length.json", "File size mismatch"),
        ("missing.json", "NoSuchKey"),
        ("none.json", "manifest"),
    ] {
        let failed = world.run_batch(&["DELETE FROM events", &copy(key)]).await;
        assert!(
            failed.error().is_some_and(|error| error.contains(why)),
            "{key}: {:?}",
            failed.error()
        );
    }
    assert_eq!(world.rows("SELECT COUNT(*) FROM events").await, [["0"]]);
    let other_role = copy("good.json").replace("role/copy", "role/unknown");
    let refused = world.run(&other_role).await;
    assert!(
        refused
            .error()
            .is_some_and(|error| error.contains("Not authorized to get credentials of role"))
    );
    world.run("ALTER TABLE events ADD COLUMN more INT").await;
    let columns = world.run(&copy("good.json")).await;
    assert!(
        columns
            .error()
            .is_some_and(|error| error.contains("number of columns")),
        "{:?}",
        columns.error()
    );
    world.run("CREATE TABLE other (id CHAR(36), meter VARCHAR(20), at BIGINT, q DECIMAL(38,9), b SMALLINT, r INT, d DATE)").await;
    let types = world
        .run(&copy("good.json").replace("COPY events", "COPY other"))
        .await;
    assert!(
        types
            .error()
            .is_some_and(|error| error.contains("incompatible Parquet schema for column 'at'")),
        "{:?}",
        types.error()
    );
}
