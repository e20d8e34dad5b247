//! S3: buckets and objects over the `s3s` crate, which reads and writes the protocol and checks signatures.
//!
//! Names of buckets are global; a bucket belongs to the account that created it, and another account gets in by the
//! bucket's policy only. Objects are whole or absent, conditions hold exactly, checksums are compared with the bytes.
//! Versions, lifecycle and archive classes are not built and answer `NotImplemented`.
//!
//! Start with [`gate`] for who calls, [`bucket`] for commits, [`objects`] and [`multipart`] for the operations.

mod api;
mod bucket;
mod buckets;
mod checksum;
mod content;
mod facts;
mod gate;
mod listing;
mod multipart;
mod objects;
mod reading;
mod service;
mod uploads;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use chrono::{DateTime, Utc};
use s3s::{S3Error, S3ErrorCode, S3Result};

use crate::auth::Caller;
use crate::core::{Core, ObjectSource, request_context};
use crate::iam::policy::{Context, Question, ResourcePolicy};
use bucket::Bucket;
pub(crate) use service::S3Endpoint;

/// All buckets of the endpoint.
pub(crate) struct S3State {
    core: Arc<Core>,
    directory: Option<PathBuf>,
    buckets: RwLock<BTreeMap<String, Arc<Bucket>>>,
    commits: AtomicU64,
}

/// Who asks, and from where.
#[derive(Clone, Debug)]
pub(crate) struct Asking {
    pub(crate) caller: Caller,
    pub(crate) region: String,
    /// Facts of the request.
    pub(crate) context: Context,
}

impl S3State {
    /// Takes up what the data directory holds; without one, everything lives in memory.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub(crate) fn open(core: &Arc<Core>) -> io::Result<Self> {
        let directory = core.data_dir.as_ref().map(|directory| directory.join("s3"));
        let (mut buckets, mut last) = (BTreeMap::new(), 0);
        if let Some(directory) = &directory {
            std::fs::create_dir_all(directory)?;
            for entry in std::fs::read_dir(directory)? {
                let home = entry?.path();
                // Facts are written last: a directory without them is a bucket that never was.
                if !home.join("bucket.json").exists() {
                    std::fs::remove_dir_all(&home)?;
                    continue;
                }
                let (bucket, commit) = Bucket::open(home)?;
                last = last.max(commit);
                buckets.insert(bucket.facts().name, Arc::new(bucket));
            }
        }
        let commits = AtomicU64::new(last);
        Ok(Self {
            core: Arc::clone(core),
            directory,
            buckets: RwLock::new(buckets),
            commits,
        })
    }

    fn now(&self) -> DateTime<Utc> {
        self.core.clock.now()
    }

    fn next_commit(&self) -> u64 {
        self.commits.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn buckets(&self) -> RwLockReadGuard<'_, BTreeMap<String, Arc<Bucket>>> {
        self.buckets.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn buckets_mut(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Arc<Bucket>>> {
        self.buckets.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn bucket(&self, name: &str) -> S3Result<Arc<Bucket>> {
        self.buckets().get(name).cloned().ok_or_else(|| {
            S3Error::with_message(S3ErrorCode::NoSuchBucket, "The specified bucket does not exist")
        })
    }

    /// The bucket, if the caller may do `action` to it or to one of its keys.
    fn permitted(&self, asking: &Asking, bucket: &str, ask: Ask<'_>) -> S3Result<Arc<Bucket>> {
        let found = self.bucket(bucket)?;
        let facts = found.facts();
        if ask
            .expected_owner
            .is_some_and(|expected| *expected != facts.owner)
        {
            return Err(S3Error::with_message(S3ErrorCode::AccessDenied, "Access Denied"));
        }
        let resource = match ask.key {
            Some(key) => format!("arn:aws:s3:::{bucket}/{key}"),
            None => format!("arn:aws:s3:::{bucket}"),
        };
        let policy = found.policy();
        let question = Question {
            action: ask.action,
            resource: &resource,
            context: &asking.context,
        };
        let on = ResourcePolicy {
            document: policy.as_ref(),
            owner: &facts.owner,
        };
        self.core
            .authorize_on(&asking.caller, &question, Some(&on))
            .map_err(|denied| {
                S3Error::with_message(S3ErrorCode::AccessDenied, denied.message().to_owned())
            })?;
        Ok(found)
    }
}

/// One question to the policies.
#[derive(Clone, Copy)]
struct Ask<'a> {
    action: &'a str,
    /// None asks about the bucket itself.
    key: Option<&'a str>,
    /// ExpectedBucketOwner; `403` when it is another.
    expected_owner: Option<&'a String>,
}

#[async_trait::async_trait]
impl ObjectSource for S3State {
    async fn read(
        &self,
        caller: &Caller,
        bucket: &str,
        key: &str,
    ) -> Result<bytes::Bytes, crate::error::AwsError> {
        let loopback = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
        let region = self
            .bucket(bucket)
            .map(|bucket| bucket.facts().region)
            .unwrap_or_default();
        let asking = Asking {
            caller: caller.clone(),
            context: request_context(&region, loopback),
            region,
        };
        let object = self
            .readable(&asking, bucket, (key, None))
            .map_err(|error| service::into_aws(&error))?;
        let read = object.content.read(object.facts.size).await;
        read.map_err(|error| service::into_aws(&S3Error::internal_error(error)))
    }
}
