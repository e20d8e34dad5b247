//! The versions that wait to be replicated. What waits is told by the versions themselves, so a restart finds it again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::s3::bucket::Bucket;
use crate::s3::facts::Replication;
use crate::s3::shelf::Object;

/// One version that waits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Waiting {
    pub(super) at: DateTime<Utc>,
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) version: String,
}

impl Waiting {
    /// A version that is to be replicated; `None` for one that is not.
    pub(super) fn of(bucket: &str, object: &Object) -> Option<Self> {
        let Some(Replication::Pending(at)) = object.state.replication else {
            return None;
        };
        Some(Self {
            at,
            bucket: bucket.to_owned(),
            key: object.facts.key.clone(),
            version: object.version_id().to_owned(),
        })
    }
}

/// All that waits, the earliest first.
#[derive(Debug, Default)]
pub(in crate::s3) struct Queue(BTreeSet<Waiting>);

impl Queue {
    /// What waits in buckets taken up from disk.
    pub(in crate::s3) fn of(buckets: &BTreeMap<String, Arc<Bucket>>) -> Self {
        let mut waiting = BTreeSet::new();
        for (name, bucket) in buckets {
            let shelf = bucket.shelf();
            let versions = shelf.keys.values().flat_map(|versions| versions.iter());
            waiting.extend(versions.filter_map(|object| Waiting::of(name, object)));
        }
        Self(waiting)
    }

    pub(super) fn add(&mut self, waiting: Waiting) {
        self.0.insert(waiting);
    }

    /// Takes out what is due.
    pub(super) fn take_due(&mut self, now: DateTime<Utc>) -> Vec<Waiting> {
        let mut due = Vec::new();
        while self.0.first().is_some_and(|first| first.at <= now) {
            due.extend(self.0.pop_first());
        }
        due
    }
}
