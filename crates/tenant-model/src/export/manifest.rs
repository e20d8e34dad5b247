//! The manifest of a batch: written last and only if absent, it is the commit.
//!
//! It is a pure function of the ledger's rows and holds no time of writing, so a worker that takes over
//! writes the same bytes. `previous` chains the manifests of a dataset: a removed or changed one is found
//! by anybody who can read the bucket.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{BatchIdentity, InvalidWindow, Totals, Window};

/// Largest manifest that is read. One line of it is about 300 bytes, so this is some 50,000 files.
pub const MANIFEST_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Version of the manifest's own format.
const FORMAT: u32 = 1;

/// A SHA-256, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256Hex([u8; 32]);

impl Sha256Hex {
    /// The hash of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// A hash computed elsewhere.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first eight digits, for names.
    pub fn short(&self) -> String {
        HEXLOWER.encode(&self.0[..4])
    }
}

impl fmt::Display for Sha256Hex {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Sha256Hex {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for Sha256Hex {
    type Err = ManifestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = HEXLOWER
            .decode(text.as_bytes())
            .map_err(|_| ManifestError::NotAHash)?;
        Ok(Self(bytes.try_into().map_err(|_| ManifestError::NotAHash)?))
    }
}

impl TryFrom<String> for Sha256Hex {
    type Error = ManifestError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Sha256Hex> for String {
    fn from(hash: Sha256Hex) -> Self {
        hash.to_string()
    }
}

/// Why bytes are no manifest of ours.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not the JSON of a manifest.
    #[error("not a manifest")]
    Unreadable(#[source] serde_json::Error),
    /// Written by a newer program.
    #[error("manifest format {0} is not known")]
    UnknownFormat(u32),
    /// Larger than [`MANIFEST_BYTES_MAX`].
    #[error("the manifest has {0} bytes, which is more than we read")]
    TooLarge(usize),
    /// Its window is empty.
    #[error(transparent)]
    Window(#[from] InvalidWindow),
    /// Not 64 lower-case hexadecimal digits.
    #[error("not a SHA-256 in hexadecimal")]
    NotAHash,
}

/// One file of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Key in the bucket.
    pub key: String,
    /// Partition by tenant, 0 to 15.
    pub tenant_bucket: i16,
    /// Partition by day of `event_time`, in UTC.
    pub day: NaiveDate,
    /// Exact size; COPY refuses a Parquet file of another size.
    pub bytes: i64,
    /// Rows in the file.
    pub rows: i64,
    /// Hash of the whole file.
    pub sha256: Sha256Hex,
    /// Earliest event.
    pub min_event_time: DateTime<Utc>,
    /// Latest event.
    pub max_event_time: DateTime<Utc>,
}

/// One load manifest of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadManifestEntry {
    /// `2026-11`: the table it loads.
    pub month: String,
    /// Key in the bucket.
    pub key: String,
    /// Hash of its bytes.
    pub sha256: Sha256Hex,
}

/// What a batch consists of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    format: u32,
    /// `batch`; later kinds replace files.
    pub kind: String,
    /// Name of the dataset.
    pub dataset: String,
    /// Value of the `batch_key` column.
    pub batch_key: Uuid,
    /// See [`BatchIdentity`].
    pub source_epoch: i32,
    lo: i64,
    hi: i64,
    /// See [`BatchIdentity`].
    pub revision: i32,
    /// Columns of the files.
    pub schema_id: i32,
    /// Rows of all files.
    pub rows: i64,
    /// Rows and sum of each meter; decimals are strings.
    pub meters: Totals,
    /// Earliest event of all files.
    pub min_event_time: Option<DateTime<Utc>>,
    /// Latest event of all files.
    pub max_event_time: Option<DateTime<Utc>>,
    /// In the order of their keys.
    pub files: Vec<FileEntry>,
    /// In the order of months.
    pub load_manifests: Vec<LoadManifestEntry>,
    /// Hash of the dataset's manifest before this one; absent in the first.
    pub previous: Option<Sha256Hex>,
}

impl Manifest {
    /// The manifest of a batch. The order of `files` and `load_manifests` does not matter.
    pub fn new(
        identity: &BatchIdentity,
        mut files: Vec<FileEntry>,
        mut load_manifests: Vec<LoadManifestEntry>,
        meters: Totals,
        previous: Option<Sha256Hex>,
    ) -> Self {
        files.sort_by(|one, other| one.key.cmp(&other.key));
        load_manifests.sort_by(|one, other| one.month.cmp(&other.month));
        Self {
            format: FORMAT,
            kind: "batch".to_owned(),
            dataset: identity.dataset.clone(),
            batch_key: identity.batch_key(),
            source_epoch: identity.source_epoch,
            lo: identity.window.lo(),
            hi: identity.window.hi(),
            revision: identity.revision,
            schema_id: super::EVENTS_SCHEMA_ID,
            rows: files.iter().map(|file| file.rows).sum(),
            meters,
            min_event_time: files.iter().map(|file| file.min_event_time).min(),
            max_event_time: files.iter().map(|file| file.max_event_time).max(),
            files,
            load_manifests,
            previous,
        }
    }

    /// The window it commits.
    pub fn window(&self) -> Result<Window, InvalidWindow> {
        Window::new(self.lo, self.hi)
    }

    /// The bytes in the bucket. Equal manifests have equal bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ManifestError> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(ManifestError::Unreadable)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads a manifest; its size, format and window are checked.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > MANIFEST_BYTES_MAX {
            return Err(ManifestError::TooLarge(bytes.len()));
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(ManifestError::Unreadable)?;
        if manifest.format != FORMAT {
            return Err(ManifestError::UnknownFormat(manifest.format));
        }
        manifest.window()?;
        Ok(manifest)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    fn file(key: &str, day: u32) -> FileEntry {
        let time = Utc
            .with_ymd_and_hms(2026, 11, day, 1, 0, 0)
            .single()
            .expect("a time");
        FileEntry {
            key: key.to_owned(),
            tenant_bucket: 1,
            day: time.date_naive(),
            bytes: 10,
            rows: 3,
            sha256: Sha256Hex::of(key.as_bytes()),
            min_event_time: time,
            max_event_time: time,
        }
    }

    fn manifest(files: Vec<FileEntry>) -> Manifest {
        let identity = BatchIdentity {
            dataset: "events".to_owned(),
            source_epoch: 1,
            window: Window::new(10, 20).expect("a window"),
            revision: 0,
        };
        Manifest::new(&identity, files, Vec::new(), Totals::default(), None)
    }

    #[test]
    fn the_same_files_in_any_order_give_the_same_bytes() {
        let one = manifest(vec![file("a", 1), file("b", 2)]);
        let other = manifest(vec![file("b", 2), file("a", 1)]);
        assert_eq!(one.to_bytes().expect("bytes"), other.to_bytes().expect("bytes"));
        assert_eq!(one.rows, 6);
        let read = Manifest::from_bytes(&one.to_bytes().expect("bytes")).expect("reads back");
        assert_eq!(read, one);
    }

    #[test]
    fn foreign_newer_and_broken_manifests_are_refused() {
        let text = String::from_utf8(manifest(vec![file("a", 1)]).to_bytes().expect("bytes")).expect("text");
        let newer = text.replace("\"format\": 1", "\"format\": 2");
        assert!(matches!(
            Manifest::from_bytes(newer.as_bytes()),
            Err(ManifestError::UnknownFormat(2))
        ));
        let empty = text.replace("\"hi\": 20", "\"hi\": 10");
        assert!(matches!(
            Manifest::from_bytes(empty.as_bytes()),
            Err(ManifestError::Window(_))
        ));
        assert!(matches!(
            Manifest::from_bytes(b"{}"),
            Err(ManifestError::Unreadable(_))
        ));
    }
}
