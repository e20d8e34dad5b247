//! What S3 keeps about a bucket, a version, an upload and a part, in memory and on disk.
//!
//! A version's [`ObjectFacts`] are written with its bytes and never change; what may change later is its
//! [`ObjectState`], which has a file of its own once it has changed.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use s3s::dto;
use serde::{Deserialize, Serialize};

use super::checksum::Checksums;
use crate::tags::Tags;

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
    #[serde(default)]
    pub(crate) config: BucketConfig,
}

/// What can be configured about a bucket.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct BucketConfig {
    /// `None` until versioning is first enabled; it is only ever suspended after that.
    pub(crate) versioning: Option<Versioning>,
    pub(crate) lifecycle: Option<Vec<dto::LifecycleRule>>,
    /// The least size of an object that transitions: `all_storage_classes_128K` or `varies_by_storage_class`.
    pub(crate) transition_minimum: Option<String>,
    pub(crate) object_lock: Option<ObjectLock>,
    pub(crate) replication: Option<dto::ReplicationConfiguration>,
    /// Encryption of writes that name none; `None` is SSE-S3.
    pub(crate) encryption: Option<DefaultEncryption>,
    /// `None` blocks nothing.
    pub(crate) public_access: Option<dto::PublicAccessBlockConfiguration>,
    pub(crate) tags: Tags,
}

/// A bucket's versioning, once it has any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Versioning {
    Enabled,
    Suspended,
}

/// Object Lock is on, with a retention for new versions or without.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ObjectLock {
    pub(crate) default: Option<DefaultRetention>,
}

/// Retention that a new version gets by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DefaultRetention {
    pub(crate) mode: LockMode,
    pub(crate) period: Period,
}

/// A retention period, as it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Period {
    Days(u32),
    Years(u32),
}

/// How strict a retention is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LockMode {
    /// Whoever may bypass it can.
    Governance,
    /// Nobody can.
    Compliance,
}

/// A bucket's default encryption.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DefaultEncryption {
    /// `AES256` or `aws:kms`.
    pub(crate) algorithm: String,
    /// As it was given: an id, an ARN or an alias.
    pub(crate) kms_key: Option<String>,
    pub(crate) bucket_key: bool,
}

/// What a writer says about an object, kept as it was said.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Headers {
    pub(crate) content_type: Option<String>,
    pub(crate) cache_control: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) content_language: Option<String>,
    pub(crate) expires: Option<dto::Timestamp>,
    pub(crate) metadata: BTreeMap<String, String>,
}

/// A whole version's facts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ObjectFacts {
    pub(crate) key: String,
    /// `None` is the null version: written while the bucket did not version.
    #[serde(default)]
    pub(crate) version: Option<String>,
    #[serde(default)]
    pub(crate) delete_marker: bool,
    pub(crate) size: u64,
    /// Without quotes; `…-N` for a multipart object of N parts.
    pub(crate) etag: String,
    pub(crate) checksums: Checksums,
    pub(crate) last_modified: DateTime<Utc>,
    pub(crate) headers: Headers,
    /// The parts of a multipart object.
    #[serde(default)]
    pub(crate) part_list: Vec<PartSummary>,
    /// What the version began with.
    #[serde(default)]
    pub(crate) state: ObjectState,
}

/// What is kept of a part once its upload is complete.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PartSummary {
    pub(crate) number: i32,
    pub(crate) size: u64,
    pub(crate) checksums: Checksums,
}

/// What may change about a version.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ObjectState {
    pub(crate) tags: Tags,
    /// `None` is STANDARD.
    pub(crate) storage_class: Option<String>,
    pub(crate) encryption: Encryption,
    pub(crate) restore: Option<Restore>,
    pub(crate) retention: Option<Retention>,
    pub(crate) legal_hold: bool,
    pub(crate) replication: Option<Replication>,
}

/// The encryption a version is stored with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Encryption {
    /// The key's ARN; `None` is SSE-S3.
    pub(crate) kms_key: Option<String>,
    pub(crate) bucket_key: bool,
}

/// A temporary copy of an archived version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Restore {
    pub(crate) tier: String,
    pub(crate) ready_at: DateTime<Utc>,
    pub(crate) expires_at: DateTime<Utc>,
}

/// A version's retention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Retention {
    pub(crate) mode: LockMode,
    pub(crate) until: DateTime<Utc>,
}

/// How far a version's replication is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Replication {
    /// Tried from this moment on.
    Pending(DateTime<Utc>),
    Completed,
    Failed,
    /// It is itself a copy.
    Replica,
}

/// A multipart upload that has not been completed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct UploadFacts {
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) initiated_at: DateTime<Utc>,
    pub(crate) initiator: String,
    pub(crate) headers: Headers,
    /// What the object will begin with.
    #[serde(default)]
    pub(crate) state: ObjectState,
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
