//! What COPY's own text may say.

use super::*;
use crate::redshift_data::dialect::{Translated, translate};

fn copy(sql: &str) -> Result<Translated, String> {
    translate(sql, &std::collections::BTreeMap::new()).map_err(|error| error.to_string())
}

#[test]
fn a_copy_by_manifest_is_read() {
    let sql = "COPY usage.events_2026_11 (a, \"B\") FROM 's3://bucket/p/m.copy.json' IAM_ROLE 'arn:aws:iam::1:role/copy' FORMAT AS PARQUET MANIFEST";
    let expected = CopyCommand {
        table: "\"usage\".\"events_2026_11\"".to_owned(),
        columns: vec!["\"a\"".to_owned(), "\"B\"".to_owned()],
        bucket: "bucket".to_owned(),
        key: "p/m.copy.json".to_owned(),
        role: "arn:aws:iam::1:role/copy".to_owned(),
    };
    assert_eq!(copy(sql), Ok(Translated::Copy(expected)));
}

#[test]
fn every_other_copy_is_refused() {
    for sql in [
        "COPY t FROM 's3://b/k' IAM_ROLE 'arn' FORMAT AS PARQUET",
        "COPY t FROM 's3://b/k' IAM_ROLE default FORMAT AS PARQUET MANIFEST",
        "COPY t FROM 's3://b/k' FORMAT AS PARQUET MANIFEST",
        "COPY t FROM 's3://b/k' IAM_ROLE 'arn' PARQUET MANIFEST REGION 'us-east-1'",
        "COPY t FROM 'emr://b/k' IAM_ROLE 'arn' PARQUET MANIFEST",
        "COPY (SELECT 1) TO 's3://b/k'",
    ] {
        assert!(
            copy(sql).is_err_and(|why| why.ends_with("not supported by local warehouse")),
            "{sql}"
        );
    }
}
