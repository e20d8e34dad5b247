//! S3: buckets and objects over the `s3s` crate, which reads and writes the protocol and checks signatures.
//!
//! Names of buckets are global; a bucket belongs to the account that created it, and another account gets in by the
//! bucket's policy only. Objects are whole or absent, conditions hold exactly, checksums are compared with the bytes.
//! What happens by itself (lifecycle, replication, the end of a restore) is done when a bucket is next looked at, in
//! the order and with the times it would have had.
//!
//! Start with [`gate`] for who calls, [`bucket`] for commits, [`objects`] and [`reading`] for the operations. Access
//! lists (ACLs) do not exist here: every bucket is "bucket owner enforced", as AWS makes them by default.

mod access;
mod api;
mod archive;
mod attributes;
mod bucket;
mod buckets;
mod checksum;
mod content;
mod copying;
mod deleting;
mod disk;
mod encryption;
mod facts;
mod gate;
mod lifecycle;
mod listing;
mod lock;
mod mishap;
mod multipart;
mod objects;
mod policy;
mod reading;
mod refusal;
mod replication;
mod service;
mod shelf;
mod tagging;
mod uploads;
mod versioning;
mod versions;
mod writing;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use chrono::{DateTime, Utc};
use s3s::S3Result;

use crate::auth::Caller;
use crate::core::{Core, ObjectSource, request_context};
use crate::iam::policy::{Context, Question, ResourcePolicy};
use bucket::{Bucket, no_bucket};
use refusal::access_denied;
use replication::Queue;
pub(crate) use service::S3Endpoint;

/// All buckets of the endpoint.
pub(crate) struct S3State {
    core: Arc<Core>,
    directory: Option<PathBuf>,
    buckets: RwLock<BTreeMap<String, Arc<Bucket>>>,
    /// Versions that wait to be replicated.
    replicas: Mutex<Queue>,
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
        let mut buckets = BTreeMap::new();
        if let Some(directory) = &directory {
            std::fs::create_dir_all(directory)?;
            for entry in std::fs::read_dir(directory)? {
                let home = entry?.path();
                if !bucket::is_home(&home) {
                    std::fs::remove_dir_all(&home)?;
                    continue;
                }
                let bucket = Bucket::open(home)?;
                buckets.insert(bucket.settings().facts.name.clone(), Arc::new(bucket));
            }
        }
        let replicas = Mutex::new(Queue::of(&buckets));
        Ok(Self {
            core: Arc::clone(core),
            directory,
            buckets: RwLock::new(buckets),
            replicas,
        })
    }

    fn now(&self) -> DateTime<Utc> {
        self.core.clock.now()
    }

    fn buckets(&self) -> RwLockReadGuard<'_, BTreeMap<String, Arc<Bucket>>> {
        self.buckets.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn buckets_mut(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Arc<Bucket>>> {
        self.buckets.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn bucket(&self, name: &str) -> S3Result<Arc<Bucket>> {
        self.buckets().get(name).cloned().ok_or_else(no_bucket)
    }

    /// The bucket as it is now, if the caller may do what is asked to it or to one of its keys.
    fn permitted(&self, asking: &Asking, bucket: &str, ask: Ask<'_>) -> S3Result<Arc<Bucket>> {
        let found = self.bucket(bucket)?;
        self.settle(&found)?;
        self.permit(asking, &found, ask)?;
        Ok(found)
    }

    fn permit(&self, asking: &Asking, bucket: &Bucket, ask: Ask<'_>) -> S3Result<()> {
        let settings = bucket.settings();
        let facts = &settings.facts;
        let is_own = facts.owner == asking.caller.account;
        let other_owner = ask.expected_owner.is_some_and(|owner| *owner != facts.owner);
        if other_owner || (!is_own && access::restricts_public(&settings)) {
            return Err(access_denied("Access Denied"));
        }
        let resource = match ask.key {
            Some(key) => format!("arn:aws:s3:::{}/{key}", facts.name),
            None => format!("arn:aws:s3:::{}", facts.name),
        };
        let context = ask.context(asking, bucket);
        let question = Question {
            action: ask.action,
            resource: &resource,
            context: &context,
        };
        let on = ResourcePolicy {
            document: settings.policy.as_ref(),
            owner: &facts.owner,
        };
        self.core
            .authorize_on(&asking.caller, &question, Some(&on))
            .map_err(|denied| access_denied(denied.message().to_owned()))
    }

    /// Lets happen what is due.
    fn settle(&self, bucket: &Bucket) -> S3Result<()> {
        self.replicate_due()?;
        self.run_lifecycle(bucket)
    }
}

/// One question to the policies.
#[derive(Clone, Copy)]
struct Ask<'a> {
    action: &'a str,
    /// None asks about the bucket itself.
    key: Option<&'a str>,
    version: Option<&'a str>,
    /// ExpectedBucketOwner; `403` when it is another.
    expected_owner: Option<&'a String>,
}

impl<'a> Ask<'a> {
    /// About a bucket.
    fn bucket(action: &'a str, expected_owner: Option<&'a String>) -> Self {
        Self {
            action,
            key: None,
            version: None,
            expected_owner,
        }
    }

    /// About one key of a bucket.
    fn key(action: &'a str, key: &'a str, expected_owner: Option<&'a String>) -> Self {
        Self {
            key: Some(key),
            ..Self::bucket(action, expected_owner)
        }
    }

    /// About one version; S3 has an action of its own for it.
    fn version(self, (id, action): (Option<&'a str>, &'a str)) -> Self {
        match id {
            Some(_) => Self {
                version: id,
                action,
                ..self
            },
            None => self,
        }
    }

    /// The request's facts and those of the object that is there.
    fn context(&self, asking: &Asking, bucket: &Bucket) -> Context {
        let mut context = asking.context.clone();
        if let Some(id) = self.version {
            context.set("s3:VersionId", vec![id.to_owned()]);
        }
        let object = self.key.and_then(|key| bucket.version(key, self.version));
        for (key, value) in object.iter().flat_map(|object| &object.state.tags) {
            context.set(&format!("s3:ExistingObjectTag/{key}"), vec![value.clone()]);
        }
        context
    }
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
            .map(|bucket| bucket.settings().facts.region.clone())
            .unwrap_or_default();
        let asking = Asking {
            caller: caller.clone(),
            context: request_context(&region, loopback),
            region,
        };
        let wanted = reading::Wanted {
            bucket,
            key,
            version: None,
            expected_owner: None,
        };
        let read = self.read_whole(&asking, wanted).await;
        read.map_err(|error| service::into_aws(&error))
    }
}
