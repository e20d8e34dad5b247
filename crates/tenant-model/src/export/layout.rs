//! Names of what an export writes: bucket, prefix, keys, months, tenant buckets.
//!
//! A key is built from validated parts only, so it can stand as a literal in a COPY statement and can
//! never leave its prefix.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{BatchIdentity, Sha256Hex};
use crate::ids::TenantId;

/// Number of partitions by tenant. Part of the format: files of two numbers cannot be pruned together.
pub const TENANT_BUCKETS: i16 = 16;

/// The partition of a tenant: the top four bits of the SHA-256 of its id.
///
/// The id's own first bits would not do, because a UUIDv7 begins with the time; Rust's default hasher
/// would not either, because it promises nothing from one version to the next.
pub fn tenant_bucket(tenant_id: TenantId) -> i16 {
    let digest = Sha256::digest(tenant_id.as_uuid().as_bytes());
    i16::from(digest[0] >> 4)
}

/// An S3 bucket name: 3 to 63 lower-case letters, digits, dots and hyphens
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BucketName(String);

/// A text that cannot name a bucket.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a bucket name: 3 to 63 of a-z, 0-9, dot and hyphen, beginning and ending with a letter or digit"
)]
pub struct InvalidBucketName(String);

impl FromStr for BucketName {
    type Err = InvalidBucketName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let bytes = text.as_bytes();
        let edges = bytes.first().copied().is_some_and(plain) && bytes.last().copied().is_some_and(plain);
        let inside = bytes
            .iter()
            .all(|byte| plain(*byte) || *byte == b'.' || *byte == b'-');
        if !(3..=63).contains(&bytes.len()) || !edges || !inside || text.contains("..") {
            return Err(InvalidBucketName(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl BucketName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where in the bucket the export lives: segments of letters, digits, `_`, `-` and `.`, joined by `/`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyPrefix(String);

/// A text that is no safe prefix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a key prefix: segments of letters, digits, '_', '-' and '.', joined by '/', at most 200 bytes"
)]
pub struct InvalidKeyPrefix(String);

impl FromStr for KeyPrefix {
    type Err = InvalidKeyPrefix;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        let segment = |part: &str| !part.is_empty() && part != "." && part != ".." && part.bytes().all(plain);
        if text.len() > 200 || !text.split('/').all(segment) {
            return Err(InvalidKeyPrefix(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl KeyPrefix {
    /// The prefix, without a slash at either end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! text_both_ways {
    ($name:ident, $error:ident) => {
        impl TryFrom<String> for $name {
            type Error = $error;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}
text_both_ways!(BucketName, InvalidBucketName);
text_both_ways!(KeyPrefix, InvalidKeyPrefix);

/// A calendar month in UTC: one table of the warehouse, one load manifest of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    first_day: NaiveDate,
}

impl Month {
    /// The month a day lies in.
    pub fn of(day: NaiveDate) -> Self {
        Self {
            first_day: day.with_day(1).unwrap_or(day),
        }
    }

    /// Its first day.
    pub fn first_day(self) -> NaiveDate {
        self.first_day
    }

    /// `2026_11`, the end of a table's name.
    pub fn table_suffix(self) -> String {
        self.first_day.format("%Y_%m").to_string()
    }
}

/// The month of an instant, in UTC.
pub fn month_of(time: DateTime<Utc>) -> Month {
    Month::of(time.date_naive())
}

impl fmt::Display for Month {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.first_day.format("%Y-%m"))
    }
}

/// The keys of one batch.
#[derive(Clone, Debug)]
pub struct Layout<'a> {
    prefix: &'a KeyPrefix,
    identity: &'a BatchIdentity,
}

impl<'a> Layout<'a> {
    /// Keys under `prefix` for the batch `identity` names.
    pub fn new(prefix: &'a KeyPrefix, identity: &'a BatchIdentity) -> Self {
        Self { prefix, identity }
    }

    /// Folder of a dataset's manifests, with the closing slash. Its names sort in commit order.
    pub fn manifest_folder(prefix: &KeyPrefix, dataset: &str) -> String {
        format!("{prefix}/v1/{dataset}/_manifests/")
    }

    /// Name that sorts after every manifest of windows ending at or before `hi`.
    pub fn after_position(prefix: &KeyPrefix, dataset: &str, source_epoch: i32, hi: i64) -> String {
        format!(
            "{}{}.",
            Self::manifest_folder(prefix, dataset),
            position(source_epoch, hi)
        )
    }

    /// Key of a file. It holds the content's own hash, so it never names two different contents.
    pub fn file(&self, tenant_bucket: i16, day: NaiveDate, sha256: &Sha256Hex) -> String {
        let dataset = &self.identity.dataset;
        let (prefix, stem, content) = (self.prefix, self.stem(), sha256.short());
        format!(
            "{prefix}/v1/{dataset}/tenant_bucket={tenant_bucket:02}/day={day}/{stem}-p00-{content}.parquet"
        )
    }

    /// Key of the load manifest of one month, in the format COPY reads.
    pub fn load_manifest(&self, month: Month) -> String {
        format!("{}{}.{month}.copy.json", self.folder(), self.stem())
    }

    /// Key of the manifest: the commit.
    pub fn manifest(&self) -> String {
        format!("{}{}.json", self.folder(), self.stem())
    }

    fn folder(&self) -> String {
        Self::manifest_folder(self.prefix, &self.identity.dataset)
    }

    fn stem(&self) -> String {
        let batch = self.identity.batch_key().simple().to_string();
        let position = position(self.identity.source_epoch, self.identity.window.hi());
        format!("{position}-{}-r{}", &batch[..8], self.identity.revision)
    }
}

/// Epoch and end of a window in fixed-width hexadecimal, so that names sort as the windows lie.
fn position(source_epoch: i32, hi: i64) -> String {
    format!("{source_epoch:08x}{hi:016x}")
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use uuid::Uuid;

    use super::*;
    use crate::export::Window;

    #[test]
    fn tenants_spread_over_sixteen_buckets_that_never_change() {
        let bucket = |number: u128| tenant_bucket(TenantId::from_uuid(Uuid::from_u128(number)));
        let used: std::collections::BTreeSet<i16> = (0..500).map(bucket).collect();
        assert_eq!(used.len(), usize::try_from(TENANT_BUCKETS).expect("small"));
        assert_eq!(bucket(0), 3, "sha256 of sixteen zero bytes begins with 0x37");
    }

    #[test]
    fn names_that_could_end_a_literal_or_leave_the_prefix_are_refused() {
        for wrong in [
            "ab", "Upper", "a_b", "-ab", "ab-", "a..b", "a'b", "a b", "", "a/b",
        ] {
            assert!(wrong.parse::<BucketName>().is_err(), "{wrong:?}");
        }
        for wrong in [
            "", "/a", "a/", "a//b", "a/../b", ".", "a'b", "a b", "a\nb", "ä", "a;b", "a\\b",
        ] {
            assert!(wrong.parse::<KeyPrefix>().is_err(), "{wrong:?}");
        }
        assert!("tenantry-export.111".parse::<BucketName>().is_ok());
        assert!("isv/usage_v1".parse::<KeyPrefix>().is_ok());
    }

    #[test]
    fn keys_of_a_batch_sort_as_its_windows_lie() {
        let prefix: KeyPrefix = "isv".parse().expect("a prefix");
        let key = |lo, hi| {
            let window = Window::new(lo, hi).expect("a window");
            let identity = BatchIdentity {
                dataset: "events".into(),
                source_epoch: 1,
                window,
                revision: 0,
            };
            Layout::new(&prefix, &identity).manifest()
        };
        assert!(key(1, 9) < key(9, 10));
        assert!(key(9, 10) < key(10, 4096));
        let after = Layout::after_position(&prefix, "events", 1, 10);
        assert!(key(9, 10) < after && after < key(10, 11));
    }

    #[test]
    fn a_file_is_named_by_partition_position_batch_and_content() {
        let prefix: KeyPrefix = "isv".parse().expect("a prefix");
        let window = Window::new(10, 20).expect("a window");
        let identity = BatchIdentity {
            dataset: "events".into(),
            source_epoch: 1,
            window,
            revision: 0,
        };
        let day = NaiveDate::from_ymd_opt(2026, 11, 1).expect("a day");
        let key = Layout::new(&prefix, &identity).file(7, day, &Sha256Hex::of(b"content"));
        let (folder, name) = key.rsplit_once('/').expect("a folder");
        assert_eq!(folder, "isv/v1/events/tenant_bucket=07/day=2026-11-01");
        assert!(name.starts_with("000000010000000000000014-"), "{name}");
        assert!(name.ends_with("-r0-p00-ed7002b4.parquet"), "{name}");
    }

    #[test]
    fn a_month_is_that_of_utc() {
        let last_second = Utc
            .with_ymd_and_hms(2026, 11, 30, 23, 59, 59)
            .single()
            .expect("a time");
        assert_eq!(month_of(last_second).to_string(), "2026-11");
        assert_eq!(month_of(last_second).table_suffix(), "2026_11");
    }
}
