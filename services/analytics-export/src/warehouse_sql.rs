//! The statements for the warehouse. Text comes in as parameters; the few literals that COPY demands are built
//! from types that cannot hold a quote.
//!
//! The load is one transaction: it replaces exactly one batch, counts what it did, and leaves its line in
//! `usage.load_ledger`. Running it again gives the same state, so nothing rests on tokens or statement history.

use aws_access::redshift::{Transaction, limits};
use chrono::{DateTime, Utc};
use tenant_model::export::{BatchIdentity, BucketName, Delivery, FileEntry, Layout, Month};

use crate::config::CopyRole;

/// Columns of the monthly tables with their types, in the order of the files: COPY maps by position.
/// Lengths are in bytes and at least those that metering admits.
const COLUMNS: [(&str, &str); 14] = [
    ("event_id", "VARCHAR(255)"),
    ("tenant_id", "CHAR(36)"),
    ("meter", "VARCHAR(255)"),
    ("event_time", "TIMESTAMP"),
    ("ingested_at", "TIMESTAMP"),
    ("quantity", "DECIMAL(38,9)"),
    ("event_source", "VARCHAR(1024)"),
    ("event_type", "VARCHAR(255)"),
    ("dimensions", "VARCHAR(65535)"),
    ("batch_key", "CHAR(36)"),
    ("revision", "INT"),
    ("schema_id", "INT"),
    ("tenant_bucket", "SMALLINT"),
    ("day", "DATE"),
];

/// Statements of a load besides two for each month.
const STATEMENTS_AROUND: usize = 5;

/// A batch as the warehouse loads it.
#[derive(Clone, Debug)]
pub struct Load {
    /// Which batch.
    pub identity: BatchIdentity,
    /// Its files, at least one.
    pub files: Vec<FileEntry>,
}

/// Why a batch cannot be loaded in one transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the batch spans {months} months, more than one transaction of the Data API can load")]
pub struct TooManyMonths {
    months: usize,
}

impl Load {
    /// The tables it touches, in order.
    #[must_use]
    pub fn months(&self) -> Vec<Month> {
        let mut months: Vec<Month> = self.files.iter().map(|file| Month::of(file.day)).collect();
        months.sort_unstable();
        months.dedup();
        months
    }

    /// The transaction of one attempt.
    ///
    /// # Errors
    /// When the months do not fit one transaction.
    pub fn transaction(
        &self,
        delivery: &Delivery,
        layout: &Layout<'_>,
        bucket: &BucketName,
        role: &CopyRole,
    ) -> Result<Transaction, TooManyMonths> {
        let months = self.months();
        if months.len() * 2 + STATEMENTS_AROUND > limits::STATEMENTS_PER_BATCH {
            return Err(TooManyMonths { months: months.len() });
        }
        // The lock comes first: it serialises loaders and gives the transaction a snapshot after the last one.
        let mut statements = vec!["LOCK usage.load_ledger".to_owned(), guard()];
        for month in months {
            statements.push(delete(month));
            statements.push(copy(month, bucket, &layout.load_manifest(month), role));
        }
        statements.push("DELETE FROM usage.load_ledger WHERE window_key = :w".to_owned());
        statements.push(record());
        statements.push(totals());
        let batch_key = self.identity.batch_key().to_string();
        let mut parameters = vec![
            ("w", self.identity.window_key()),
            ("b", batch_key.clone()),
            ("r", self.identity.revision.to_string()),
            // A first revision supersedes nothing but its own earlier attempt.
            ("superseded", batch_key),
        ];
        parameters.extend(self.bounds());
        Ok(Transaction {
            statements,
            parameters,
            client_token: delivery.client_token.clone().unwrap_or_default(),
            name: format!("tenantry-load-{}-{}", delivery.id.simple(), delivery.attempt),
        })
    }

    /// Parameters of [`totals`].
    #[must_use]
    pub fn totals_parameters(&self) -> Vec<(&'static str, String)> {
        let mut parameters = vec![("b", self.identity.batch_key().to_string())];
        parameters.extend(self.bounds());
        parameters
    }

    /// Earliest and latest event, by which the warehouse skips blocks.
    fn bounds(&self) -> [(&'static str, String); 2] {
        let earliest = self
            .files
            .iter()
            .map(|file| file.min_event_time)
            .min()
            .unwrap_or_default();
        let latest = self
            .files
            .iter()
            .map(|file| file.max_event_time)
            .max()
            .unwrap_or_default();
        [("min", timestamp(earliest)), ("max", timestamp(latest))]
    }
}

fn timestamp(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

/// Fails on purpose when a newer revision of the window is loaded: a zombie must not bring the old one back.
fn guard() -> String {
    "SELECT 1 / CASE WHEN COUNT(*) = 0 THEN 1 ELSE 0 END FROM usage.load_ledger \
     WHERE window_key = :w AND revision > CAST(:r AS INT)"
        .to_owned()
}

fn delete(month: Month) -> String {
    format!(
        "DELETE FROM usage.events_{} WHERE batch_key IN (:b, :superseded) \
         AND event_time BETWEEN CAST(:min AS TIMESTAMP) AND CAST(:max AS TIMESTAMP)",
        month.table_suffix()
    )
}

fn copy(month: Month, bucket: &BucketName, manifest_key: &str, role: &CopyRole) -> String {
    format!(
        "COPY usage.events_{} ({}) FROM 's3://{bucket}/{manifest_key}' IAM_ROLE '{role}' FORMAT AS PARQUET MANIFEST",
        month.table_suffix(),
        column_names(),
    )
}

fn record() -> String {
    "INSERT INTO usage.load_ledger SELECT :w, :b, CAST(:r AS INT), COUNT(*), SUM(quantity), GETDATE() \
     FROM usage.events WHERE batch_key = :b \
     AND event_time BETWEEN CAST(:min AS TIMESTAMP) AND CAST(:max AS TIMESTAMP)"
        .to_owned()
}

/// Rows and sums of a batch by meter, as the warehouse counts them.
#[must_use]
pub fn totals() -> String {
    "SELECT meter, COUNT(*), SUM(quantity) FROM usage.events WHERE batch_key = :b \
     AND event_time BETWEEN CAST(:min AS TIMESTAMP) AND CAST(:max AS TIMESTAMP) GROUP BY meter"
        .to_owned()
}

/// Which batch the warehouse holds for a window: how a lost answer is settled.
#[must_use]
pub fn loaded_batch() -> String {
    "SELECT batch_key FROM usage.load_ledger WHERE window_key = :w".to_owned()
}

/// Tables for `months`, and the view over `all` of them. Repeatable; runs ahead of the load and outside it.
#[must_use]
pub fn tables(months: &[Month], all: &[Month]) -> Vec<String> {
    let mut statements = vec![
        "CREATE SCHEMA IF NOT EXISTS usage".to_owned(),
        "CREATE TABLE IF NOT EXISTS usage.load_ledger (window_key VARCHAR(200) NOT NULL, batch_key CHAR(36) NOT NULL, \
         revision INT NOT NULL, row_count BIGINT NOT NULL, quantity DECIMAL(38,9), loaded_at TIMESTAMP NOT NULL)"
            .to_owned(),
    ];
    statements.extend(months.iter().map(|month| table(*month)));
    let selects: Vec<String> = all
        .iter()
        .map(|month| {
            format!(
                "SELECT {} FROM usage.events_{}",
                column_names(),
                month.table_suffix()
            )
        })
        .collect();
    statements.push(format!(
        "CREATE OR REPLACE VIEW usage.events AS {}",
        selects.join(" UNION ALL ")
    ));
    statements
}

fn table(month: Month) -> String {
    let columns: Vec<String> = COLUMNS
        .iter()
        .map(|(name, kind)| format!("{name} {kind} NOT NULL"))
        .collect();
    format!(
        "CREATE TABLE IF NOT EXISTS usage.events_{} ({}) DISTSTYLE AUTO COMPOUND SORTKEY (event_time, tenant_id)",
        month.table_suffix(),
        columns.join(", "),
    )
}

fn column_names() -> String {
    COLUMNS.map(|(name, _)| name).join(", ")
}

/// What the warehouse's refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Two transactions met; another attempt will do.
    Conflict,
    /// The guard: a newer revision is loaded.
    Superseded,
    /// Anything else stays wrong until somebody looks.
    Lasting,
}

/// Sorts the text of a failed statement. Error 1023 is "Serializable isolation violation".
#[must_use]
pub fn refusal(error: &str) -> Refusal {
    let text = error.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&["division by zero", "divide by zero"]) {
        Refusal::Superseded
    } else if says(&[
        "1023",
        "serializable isolation violation",
        "deadlock",
        "could not obtain lock",
        "lock timeout",
    ]) {
        Refusal::Conflict
    } else {
        Refusal::Lasting
    }
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveDate, TimeZone};
    use tenant_model::ExportId;
    use tenant_model::export::{KeyPrefix, Sha256Hex, Window};
    use uuid::Uuid;

    use super::*;
    use crate::parquet_file::SCHEMA;

    fn file(year: i32, month: u32, day: u32) -> FileEntry {
        let time = Utc
            .with_ymd_and_hms(year, month, day, 1, 2, 3)
            .single()
            .expect("a time");
        FileEntry {
            key: format!("k-{year}-{month}-{day}"),
            tenant_bucket: 0,
            day: NaiveDate::from_ymd_opt(year, month, day).expect("a day"),
            bytes: 1,
            rows: 1,
            sha256: Sha256Hex::of(b""),
            min_event_time: time,
            max_event_time: time,
        }
    }

    fn load(files: Vec<FileEntry>) -> Load {
        let window = Window::new(10, 20).expect("a window");
        let identity = BatchIdentity {
            dataset: "events".into(),
            source_epoch: 1,
            window,
            revision: 0,
        };
        Load { identity, files }
    }

    fn transaction(load: &Load) -> Result<Transaction, TooManyMonths> {
        let now = DateTime::<Utc>::UNIX_EPOCH;
        let batch_id = ExportId::from_uuid(Uuid::from_u128(3));
        let delivery = Delivery::new(Uuid::from_u128(1), Uuid::from_u128(2), batch_id, now);
        let delivery = delivery.begin_attempt(now).expect("may begin");
        let prefix: KeyPrefix = "isv".parse().expect("a prefix");
        let layout = Layout::new(&prefix, &load.identity);
        let bucket = "tenantry-export".parse().expect("a bucket");
        let role = "arn:aws:iam::111111111111:role/copy".parse().expect("a role");
        load.transaction(&delivery, &layout, &bucket, &role)
    }

    #[test]
    fn the_lock_comes_first_the_guard_second_and_the_count_last() {
        let made = transaction(&load(vec![file(2026, 11, 1), file(2026, 10, 31)])).expect("two months fit");
        let verbs: Vec<&str> = made
            .statements
            .iter()
            .map(|sql| sql.split(' ').next().unwrap_or_default())
            .collect();
        assert_eq!(
            verbs,
            [
                "LOCK", "SELECT", "DELETE", "COPY", "DELETE", "COPY", "DELETE", "INSERT", "SELECT"
            ]
        );
        assert!(
            made.statements[3].contains("usage.events_2026_10"),
            "months are loaded in order"
        );
        assert!(made.statements[5].ends_with("FORMAT AS PARQUET MANIFEST"));
    }

    #[test]
    fn every_parameter_is_used_and_every_placeholder_is_given() {
        let made = transaction(&load(vec![file(2026, 11, 1)])).expect("fits");
        // COPY takes no parameters; its literals hold colons of their own.
        let bound: Vec<String> = made
            .statements
            .into_iter()
            .filter(|sql| !sql.starts_with("COPY"))
            .collect();
        let all = bound.join("\n");
        let mut placeholders: Vec<&str> = all
            .split(':')
            .skip(1)
            .map(|rest| {
                rest.split(|letter: char| !letter.is_ascii_lowercase())
                    .next()
                    .unwrap_or_default()
            })
            .filter(|name| !name.is_empty())
            .collect();
        placeholders.sort_unstable();
        placeholders.dedup();
        let mut given: Vec<&str> = made.parameters.iter().map(|(name, _)| *name).collect();
        given.sort_unstable();
        assert_eq!(placeholders, given);
    }

    #[test]
    fn the_tables_have_the_columns_of_the_files_in_their_order() {
        let in_file: Vec<&str> = SCHEMA
            .lines()
            .filter_map(|line| line.trim().strip_prefix("required "))
            .map(|rest| {
                rest.split_whitespace()
                    .nth(1)
                    .unwrap_or_default()
                    .trim_end_matches(';')
            })
            .collect();
        assert_eq!(in_file, COLUMNS.map(|(name, _)| name));
    }

    #[test]
    fn a_batch_of_more_months_than_a_transaction_holds_is_refused() {
        let months = |count: u32| {
            (0..count)
                .map(|at| file(2026 + (at / 12) as i32, at % 12 + 1, 1))
                .collect()
        };
        assert_eq!(transaction(&load(months(17))).expect("fits").statements.len(), 39);
        assert_eq!(transaction(&load(months(18))), Err(TooManyMonths { months: 18 }));
    }

    #[test]
    fn refusals_are_sorted_by_what_the_warehouse_says() {
        let cases = [
            (
                "Query #2 failed with ERROR: division by zero",
                Refusal::Superseded,
            ),
            ("ERROR: Divide by zero Detail: error", Refusal::Superseded),
            (
                "ERROR: 1023 Detail: Serializable isolation violation on table",
                Refusal::Conflict,
            ),
            ("ERROR: deadlock detected", Refusal::Conflict),
            (
                "ERROR: Spectrum Scan Error: File has an invalid version number",
                Refusal::Lasting,
            ),
            ("", Refusal::Lasting),
        ];
        for (text, expected) in cases {
            assert_eq!(refusal(text), expected, "{text}");
        }
    }
}
