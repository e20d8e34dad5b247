//! One case per shape that passes, and the refusals that matter.

use super::*;

fn text(sql: &str) -> String {
    match translate(sql, &BTreeMap::new()).expect("is supported") {
        Translated::Query(text)
        | Translated::Change(text)
        | Translated::Command(text)
        | Translated::Truncate(text) => text,
        Translated::Copy(_) => "COPY".to_owned(),
    }
}

fn refused(sql: &str) -> String {
    translate(sql, &BTreeMap::new()).expect_err(sql).to_string()
}

#[test]
fn the_shapes_of_a_load_pass() {
    for sql in [
        "LOCK usage.load_ledger;",
        "SELECT 1 / CASE WHEN COUNT(*) = 0 THEN 1 ELSE 0 END FROM usage.load_ledger WHERE window_key = 'w' AND revision > CAST('3' AS INT)",
        "DELETE FROM usage.events_2026_11 WHERE batch_key IN ('a', 'b') AND event_time BETWEEN CAST('x' AS TIMESTAMP) AND CAST('y' AS TIMESTAMP)",
        "INSERT INTO usage.load_ledger SELECT 'w', 'b', CAST('0' AS INT), COUNT(*), SUM(quantity), GETDATE() FROM usage.events WHERE batch_key = 'b'",
        "SELECT meter, COUNT(*), SUM(quantity) FROM usage.events WHERE batch_key = 'b' GROUP BY meter",
        "CREATE SCHEMA IF NOT EXISTS usage",
        "CREATE OR REPLACE VIEW usage.events AS SELECT a FROM usage.x UNION ALL SELECT a FROM usage.y",
        "CREATE TEMP TABLE stage (LIKE usage.hourly)",
        "MERGE INTO usage.hourly USING stage ON usage.hourly.id = stage.id WHEN MATCHED THEN UPDATE SET n = stage.n WHEN NOT MATCHED THEN INSERT (id, n) VALUES (stage.id, stage.n)",
        "INSERT INTO t (a, b) VALUES (1, 'x''y')",
        "UPDATE t SET a = NVL(a, 0) + 1 WHERE b <> 'c'",
        "TRUNCATE TABLE stage",
        "DROP TABLE IF EXISTS usage.events_2025_01",
        "ALTER TABLE usage.t ADD COLUMN region VARCHAR(32) ENCODE zstd",
        "WITH recent AS (SELECT a FROM t) SELECT COUNT(*) FROM recent",
    ] {
        text(sql);
    }
}

#[test]
fn placement_and_keys_are_stripped_and_lengths_count_bytes() {
    let sql = "CREATE TABLE IF NOT EXISTS usage.t (id CHAR(36) NOT NULL ENCODE raw PRIMARY KEY, name VARCHAR(9) DISTKEY, \
               n DECIMAL(38,9), at TIMESTAMP, PRIMARY KEY (id), FOREIGN KEY (n) REFERENCES usage.o (n)) \
               DISTSTYLE AUTO COMPOUND SORTKEY (at, id) BACKUP NO";
    assert_eq!(
        text(sql),
        "CREATE TABLE IF NOT EXISTS usage . t (id char(36) CHECK (octet_length(id) <= 36) NOT NULL, \
         name varchar(9) CHECK (octet_length(name) <= 9), n numeric(38,9), at timestamp)"
    );
}

#[test]
fn functions_of_redshift_are_translated() {
    assert_eq!(
        text("SELECT NVL(a, GETDATE()), SYSDATE FROM t"),
        "SELECT coalesce ( a , date_trunc('second', statement_timestamp()::timestamp) ) , (transaction_timestamp()::timestamp) FROM t"
    );
}

#[test]
fn what_only_postgresql_knows_is_refused() {
    for sql in [
        "INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING",
        "DELETE FROM t RETURNING a",
        "SELECT ARRAY[1, 2]",
        "SELECT a[1] FROM t",
        "SELECT a->>'b' FROM t",
        "SELECT a @> b FROM t",
        "SELECT $$text$$",
        "SELECT E'\\\\x'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT current_setting('x')",
        "SELECT usage.my_function(1)",
        "SELECT * FROM pg_catalog.pg_class",
        "SELECT a FROM t FOR UPDATE",
        "SELECT DISTINCT ON (a) a FROM t",
        "CREATE TRIGGER x AFTER INSERT ON t EXECUTE FUNCTION f()",
        "CREATE TABLE t (a UUID)",
        "CREATE TABLE t (a INT) PARTITION BY RANGE (a)",
        "CREATE TABLE t AS SELECT 1",
        "CREATE INDEX i ON t (a)",
        "MERGE INTO t USING (SELECT 1) s ON t.a = s.a WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (1)",
        "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE",
        "SET search_path TO x",
        "BEGIN",
        "VACUUM",
        "SELECT 1; SELECT 2",
        "COPY t FROM 's3://b/k' IAM_ROLE 'arn' CSV",
        "COPY t FROM PROGRAM 'ls'",
        "",
    ] {
        assert!(refused(sql).contains("not supported by local warehouse"), "{sql}");
    }
}

#[test]
fn parameters_are_whole_tokens_outside_strings_and_comments() {
    let sql = "SELECT :a, ':b', x::INT /* :c */ FROM t -- :d\n WHERE y = :a";
    assert_eq!(names(sql).into_iter().collect::<Vec<_>>(), ["a"]);
    let values = BTreeMap::from([("a".to_owned(), "it's; DROP TABLE t".to_owned())]);
    let Ok(Translated::Query(text)) = translate(sql, &values) else {
        panic!("a query")
    };
    assert_eq!(
        text,
        "SELECT 'it''s; DROP TABLE t' , ':b' , x :: INT FROM t WHERE y = 'it''s; DROP TABLE t'"
    );
}
