//! What an installation decides about its export. Read once at start; nothing here is asked again.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use aws_access::redshift::WarehouseSettings;
use aws_access::s3::BucketSettings;
use tenant_model::export::KeyPrefix;

/// Configuration of the export.
#[derive(Clone, Debug)]
pub struct ExportConfig {
    /// Bucket that receives the files.
    pub bucket: BucketSettings,
    /// Where in the bucket.
    pub prefix: KeyPrefix,
    /// The ISV's warehouse; without one the files are the end of the way.
    pub warehouse: Option<WarehouseConfig>,
    /// Pause between two windows when the budget is not reached before.
    pub cut_every: Duration,
    /// Most rows of one window.
    pub window_rows_max: i64,
    /// Most bytes of one window in memory, where it is sorted. The one exception is a single booking
    /// transaction that is larger, because windows are never cut inside one.
    pub sort_buffer_bytes: i64,
    /// How long a worker keeps its lease without a sign of life. Outlives any single call to AWS.
    pub lease: Duration,
    /// Pause of a worker that found nothing to do.
    pub idle: Duration,
    /// Pause between two questions about a running statement.
    pub poll_every: Duration,
}

/// A warehouse that is loaded.
#[derive(Clone, Debug)]
pub struct WarehouseConfig {
    /// Name of the destination in the ledger; another name is another warehouse.
    pub name: String,
    /// How it is reached.
    pub settings: WarehouseSettings,
    /// Role that the warehouse itself assumes to read the bucket.
    pub copy_role: CopyRole,
}

impl ExportConfig {
    /// Production's figures for a bucket and a warehouse.
    #[must_use]
    pub fn new(bucket: BucketSettings, prefix: KeyPrefix, warehouse: Option<WarehouseConfig>) -> Self {
        Self {
            bucket,
            prefix,
            warehouse,
            // A commit of the warehouse costs up to a second and queues behind all others.
            cut_every: Duration::from_secs(30),
            window_rows_max: 200_000,
            sort_buffer_bytes: 64 * 1024 * 1024,
            lease: Duration::from_secs(30),
            idle: Duration::from_secs(1),
            poll_every: Duration::from_secs(1),
        }
    }

    /// The embedded default's pace: a person is watching.
    #[must_use]
    pub fn brisk(self) -> Self {
        let cut_every = Duration::from_secs(3);
        let short = Duration::from_millis(200);
        Self {
            cut_every,
            idle: short,
            poll_every: short,
            ..self
        }
    }
}

/// The ARN of an IAM role, of characters that can stand in a SQL literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyRole(String);

/// A text that is no ARN of a role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the ARN of an IAM role")]
pub struct InvalidCopyRole(String);

impl FromStr for CopyRole {
    type Err = InvalidCopyRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // IAM's own alphabet for names and paths; it has no quote and no backslash.
        let named = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_/-".contains(&byte);
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let valid = match parts.as_slice() {
            ["arn", partition, "iam", "", account, resource] => {
                partition.starts_with("aws")
                    && partition
                        .bytes()
                        .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
                    && account.len() == 12
                    && account.bytes().all(|byte| byte.is_ascii_digit())
                    && resource
                        .strip_prefix("role/")
                        .is_some_and(|name| !name.is_empty() && name.bytes().all(named))
            }
            _ => false,
        };
        if valid && text.len() <= 600 {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidCopyRole(text.to_owned()))
        }
    }
}

impl fmt::Display for CopyRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_role_that_cannot_end_a_literal_is_accepted() {
        assert!(
            "arn:aws:iam::111111111111:role/tenantry/warehouse-copy"
                .parse::<CopyRole>()
                .is_ok()
        );
        assert!(
            "arn:aws-us-gov:iam::111111111111:role/copy"
                .parse::<CopyRole>()
                .is_ok()
        );
        for wrong in [
            "",
            "arn:aws:iam::111111111111:role/",
            "arn:aws:iam::11111111111:role/copy",
            "arn:aws:iam::111111111111:user/copy",
            "arn:aws:s3::111111111111:role/copy",
            "arn:aws:iam::111111111111:role/a'; DROP TABLE x; --",
            "arn:aws:iam::111111111111:role/a\\",
            "arn:aws:iam::111111111111:role/a:b",
        ] {
            assert!(wrong.parse::<CopyRole>().is_err(), "{wrong:?}");
        }
    }
}
