//! Doing what is due: once a day, and whenever the rules change, when the bucket is next looked at.

use chrono::{DateTime, Utc};
use s3s::S3Result;

use super::due::abort_due;
use super::plan;
use crate::s3::S3State;
use crate::s3::bucket::{Bucket, WriteCondition};
use crate::s3::facts::Versioning;
use crate::s3::lock::may_remove;
use crate::s3::multipart::forget;
use crate::s3::shelf::{NULL, Versions};

impl S3State {
    /// Applies a bucket's rules if this day has not seen them yet.
    pub(in crate::s3) fn run_lifecycle(&self, bucket: &Bucket) -> S3Result<()> {
        let now = self.now();
        let day = now.timestamp().div_euclid(86_400);
        if bucket.settings().facts.config.lifecycle.is_none() || !bucket.begin_lifecycle_day(day) {
            return Ok(());
        }
        abort_uploads(bucket, now);
        let keys: Vec<String> = bucket.shelf().keys.keys().cloned().collect();
        keys.iter().try_for_each(|key| self.run_for(bucket, key, now))
    }

    /// Expiry first: what is deleted for good is not moved, and what is covered by a marker ages from then on.
    fn run_for(&self, bucket: &Bucket, key: &str, now: DateTime<Utc>) -> S3Result<()> {
        let settings = bucket.settings();
        if let Some(at) = versions(bucket, key).and_then(|versions| plan::expires(&settings, &versions, now))
        {
            self.expire(bucket, key, at)?;
        }
        let remove = |id: &str| {
            // What is locked stays; rules look again the next day.
            let _ = bucket.remove(key, id, |object| may_remove(&object.state, now, false));
        };
        if let Some(found) = versions(bucket, key) {
            plan::expired(&settings, &found, now)
                .iter()
                .for_each(|id| remove(id));
        }
        if let Some(found) = versions(bucket, key) {
            plan::expired_marker(&settings, &found, now)
                .iter()
                .for_each(|id| remove(id));
        }
        let moves = versions(bucket, key).map(|found| plan::moves(&settings, &found, now));
        for (id, class) in moves.into_iter().flatten() {
            bucket.change(key, &id, |_, state| {
                state.storage_class = Some(class);
                state.restore = None;
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Lets a current version expire, at the moment it was due.
    fn expire(&self, bucket: &Bucket, key: &str, at: DateTime<Utc>) -> S3Result<()> {
        match bucket.settings().facts.config.versioning {
            None => bucket.remove(key, NULL, |_| Ok(())).map(|_| ()),
            Some(Versioning::Enabled | Versioning::Suspended) => {
                let mut facts = self.marker(bucket, key);
                facts.last_modified = at;
                // Deletions by lifecycle are not replicated.
                facts.state.replication = None;
                self.cover(bucket, facts, &WriteCondition::default()).map(|_| ())
            }
        }
    }
}

fn versions(bucket: &Bucket, key: &str) -> Option<Versions> {
    bucket.shelf().keys.get(key).cloned()
}

fn abort_uploads(bucket: &Bucket, now: DateTime<Utc>) {
    let settings = bucket.settings();
    let due: Vec<String> = bucket
        .uploads()
        .values()
        .filter(|upload| {
            let abort = abort_due(&settings, &upload.facts.key, upload.facts.initiated_at);
            abort.is_some_and(|(at, _)| at <= now)
        })
        .map(|upload| upload.facts.id.clone())
        .collect();
    due.iter().for_each(|id| forget(bucket, id));
}
