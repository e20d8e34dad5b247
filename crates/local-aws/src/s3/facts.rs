//! What S3 keeps about a bucket, an object and a part, in memory and on disk.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::checksum::Checksums;

/// A bucket's own facts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct BucketFacts {
    pub(crate) name: String,
    /// The account that created it. Ownership never moves.
    pub(crate) owner: String,
    pub(crate) region: String,
    pub(crate) created_at: DateTime<Utc>,
    /// ARN of the principal that created it.
    pub(crate) created_by: String,
    /// The policy's own text.
    pub(crate) policy: Option<String>,
}

/// What a writer says about an object, kept as it was said.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Headers {
    pub(crate) content_type: Option<String>,
    pub(crate) cache_control: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) content_language: Option<String>,
    /// `STANDARD` when not said.
    pub(crate) storage_class: Option<String>,
    pub(crate) server_side_encryption: Option<String>,
    pub(crate) kms_key_id: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) tags: BTreeMap<String, String>,
}

/// A whole object's facts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ObjectFacts {
    pub(crate) key: String,
    pub(crate) size: u64,
    /// Without quotes; `…-N` for a multipart object of N parts.
    pub(crate) etag: String,
    pub(crate) checksums: Checksums,
    pub(crate) last_modified: DateTime<Utc>,
    pub(crate) headers: Headers,
    /// Number of parts of a multipart object.
    pub(crate) parts: Option<u32>,
    /// Order of commits in this endpoint: of two files for one key, the higher one counts.
    pub(crate) commit: u64,
}

/// A multipart upload that has not been completed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct UploadFacts {
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) initiated_at: DateTime<Utc>,
    pub(crate) initiator: String,
    pub(crate) headers: Headers,
    /// The algorithm the parts are checked with; none when the writer named none.
    pub(crate) algorithm: Option<String>,
    /// `COMPOSITE` or `FULL_OBJECT`.
    pub(crate) checksum_type: Option<String>,
}

/// One uploaded part.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PartFacts {
    pub(crate) number: i32,
    pub(crate) size: u64,
    /// MD5 of the part, hexadecimal.
    pub(crate) etag: String,
    pub(crate) checksums: Checksums,
    pub(crate) uploaded_at: DateTime<Utc>,
}
