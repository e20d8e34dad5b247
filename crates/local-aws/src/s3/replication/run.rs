//! Copying what is due, as the configuration's role.

use std::sync::{Arc, MutexGuard, PoisonError};

use chrono::TimeDelta;
use s3s::dto::ReplicationRule;
use s3s::{S3Error, S3ErrorCode, S3Result};

use super::queue::{Queue, Waiting};
use super::rules::{applying, bucket_of, replica_key};
use crate::core::request_context;
use crate::s3::bucket::{Bucket, Settings};
use crate::s3::facts::{Encryption, ObjectFacts, ObjectState, Replication, Versioning};
use crate::s3::refusal::access_denied;
use crate::s3::shelf::Object;
use crate::s3::{Ask, Asking, S3State};

/// Who takes the role.
pub(super) const SERVICE: &str = "s3.amazonaws.com";
/// User guide, "S3 Replication Time Control": nearly all objects within this time.
const TYPICAL: TimeDelta = TimeDelta::minutes(15);

impl S3State {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.replicas.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How a new version stands to replication: it waits for it, or there is none for it.
    pub(in crate::s3) fn replication_of(&self, bucket: &Bucket, facts: &ObjectFacts) -> Option<Replication> {
        let settings = bucket.settings();
        let config = settings.facts.config.replication.as_ref()?;
        // What is written while versioning is suspended has no version to copy.
        facts.version.as_ref()?;
        let rules = applying(&config.rules, facts, &facts.state);
        let at = self.now() + self.core.latency.of(TYPICAL);
        (!rules.is_empty()).then_some(Replication::Pending(at))
    }

    /// Takes a new version into the queue.
    pub(in crate::s3) fn replicate_new(&self, bucket: &Bucket, object: &Object) -> S3Result<()> {
        let Some(waiting) = Waiting::of(&bucket.settings().facts.name, object) else {
            return Ok(());
        };
        self.queue().add(waiting);
        self.replicate_due()
    }

    /// Takes a version into the queue again whose tags or retention changed.
    pub(in crate::s3) fn replicate_change(&self, bucket: &Bucket, key: &str, id: &str) -> S3Result<()> {
        let Some(object) = bucket.version(key, Some(id)) else {
            return Ok(());
        };
        if matches!(object.state.replication, None | Some(Replication::Replica)) {
            return Ok(());
        }
        let at = self.now() + self.core.latency.of(TYPICAL);
        bucket.change(key, id, |_, state| {
            state.replication = Some(Replication::Pending(at));
            Ok(())
        })?;
        bucket
            .version(key, Some(id))
            .map_or(Ok(()), |object| self.replicate_new(bucket, &object))
    }

    /// Copies what is due.
    pub(in crate::s3) fn replicate_due(&self) -> S3Result<()> {
        let due = self.queue().take_due(self.now());
        due.into_iter().try_for_each(|waiting| self.replicate(waiting))
    }

    fn replicate(&self, waiting: Waiting) -> S3Result<()> {
        // A bucket or a version that has gone since needs no copy.
        let Ok(source) = self.bucket(&waiting.bucket) else {
            return Ok(());
        };
        let Some(object) = source.version(&waiting.key, Some(&waiting.version)) else {
            return Ok(());
        };
        if Waiting::of(&waiting.bucket, &object).as_ref() != Some(&waiting) {
            return Ok(());
        }
        let settings = source.settings();
        if self.is_cut_off(&settings, &object) {
            self.queue().add(waiting);
            return Ok(());
        }
        let outcome = match self.copy_everywhere(&source, &settings, &object) {
            Ok(()) => Replication::Completed,
            Err(why) => {
                tracing::debug!(%why, key = waiting.key, "a version was not replicated");
                Replication::Failed
            }
        };
        source
            .change(&waiting.key, &waiting.version, |_, state| {
                state.replication = Some(outcome);
                Ok(())
            })
            .map(|_| ())
    }

    /// Whether the source's region or a destination's is lost: then the version waits.
    fn is_cut_off(&self, settings: &Settings, object: &Object) -> bool {
        let lost = |settings: &Settings| self.core.outages.region_lost(&settings.facts.region);
        lost(settings)
            || rules_of(settings, object).iter().any(|rule| {
                let destination = bucket_of(&rule.destination).and_then(|name| self.bucket(name).ok());
                destination.is_some_and(|bucket| lost(&bucket.settings()))
            })
    }

    fn copy_everywhere(&self, source: &Bucket, settings: &Settings, object: &Object) -> S3Result<()> {
        let rules = rules_of(settings, object);
        if rules.is_empty() {
            return Err(access_denied("no rule speaks of the version any more"));
        }
        let asking = self.role(settings)?;
        self.may_take(&asking, source, object)?;
        rules
            .into_iter()
            .try_for_each(|rule| self.copy_to(&asking, (settings, object), rule))
    }

    /// S3 in the role of the configuration.
    fn role(&self, settings: &Settings) -> S3Result<Asking> {
        let facts = &settings.facts;
        let arn = facts
            .config
            .replication
            .as_ref()
            .map(|config| config.role.as_str());
        let caller = arn
            .and_then(|arn| {
                crate::iam::service_role::assumed_by(
                    &self.core,
                    (&facts.owner, arn),
                    (&[SERVICE], "s3-replication"),
                )
            })
            .ok_or_else(|| access_denied("S3 may not take the role"))?;
        let loopback = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
        Ok(Asking {
            caller,
            region: facts.region.clone(),
            context: request_context(&facts.region, loopback),
        })
    }

    fn may_take(&self, asking: &Asking, source: &Bucket, object: &Object) -> S3Result<()> {
        for action in ["s3:GetReplicationConfiguration", "s3:ListBucket"] {
            self.permit(asking, source, Ask::bucket(action, None))?;
        }
        let key = object.facts.key.as_str();
        let tagged = !object.state.tags.is_empty();
        let tags = tagged.then_some("s3:GetObjectVersionTagging");
        for action in ["s3:GetObjectVersionForReplication"].into_iter().chain(tags) {
            self.permit(asking, source, Ask::key(action, key, None))?;
        }
        self.may_decrypt(asking, &source.settings(), object)
    }

    fn copy_to(
        &self,
        asking: &Asking,
        (settings, object): (&Settings, &Object),
        rule: &ReplicationRule,
    ) -> S3Result<()> {
        let name = bucket_of(&rule.destination).unwrap_or_default();
        let destination = self.bucket(name)?;
        let there = destination.settings();
        if there.facts.config.versioning != Some(Versioning::Enabled) {
            return Err(S3Error::new(S3ErrorCode::InvalidBucketState));
        }
        let key = object.facts.key.as_str();
        let expected = rule.destination.account.as_ref();
        let action = if object.facts.delete_marker {
            "s3:ReplicateDelete"
        } else {
            "s3:ReplicateObject"
        };
        let tags = (!object.state.tags.is_empty()).then_some("s3:ReplicateTags");
        for action in [action].into_iter().chain(tags) {
            self.permit(asking, &destination, Ask::key(action, key, expected))?;
        }
        let state = self.replica_state(asking, (settings, &there), (object, rule))?;
        put(&destination, object, state)
    }

    /// What a replica begins with: its source's state, but for what the rule and the destination say.
    fn replica_state(
        &self,
        asking: &Asking,
        (_, there): (&Settings, &Settings),
        (object, rule): (&Object, &ReplicationRule),
    ) -> S3Result<ObjectState> {
        let encryption = match (&object.state.encryption.kms_key, replica_key(rule)) {
            (Some(_), Some(key)) => Encryption {
                kms_key: Some(self.usable(asking, (there, key), "Encrypt")?),
                ..object.state.encryption.clone()
            },
            _ => object.state.encryption.clone(),
        };
        let class = rule
            .destination
            .storage_class
            .as_ref()
            .map(|class| class.as_str().to_owned());
        let locks = there.facts.config.object_lock.is_some();
        Ok(ObjectState {
            tags: object.state.tags.clone(),
            storage_class: class
                .or_else(|| object.state.storage_class.clone())
                .filter(|class| class != "STANDARD"),
            encryption,
            restore: None,
            retention: object.state.retention.filter(|_| locks),
            legal_hold: object.state.legal_hold && locks,
            replication: Some(Replication::Replica),
        })
    }
}

fn rules_of<'a>(settings: &'a Settings, object: &Object) -> Vec<&'a ReplicationRule> {
    let config = settings.facts.config.replication.as_ref();
    let rules = config.map(|config| config.rules.as_slice()).unwrap_or_default();
    applying(rules, &object.facts, &object.state)
}

/// A version that was copied before takes over what changed; a new one is adopted.
fn put(destination: &Arc<Bucket>, object: &Object, state: ObjectState) -> S3Result<()> {
    let (key, id) = (&object.facts.key, object.version_id());
    let changed = destination.change(key, id, |_, kept| {
        kept.tags.clone_from(&state.tags);
        kept.retention = state.retention;
        kept.legal_hold = state.legal_hold;
        Ok(())
    })?;
    match changed {
        Some(()) => Ok(()),
        None => destination.adopt(object, state),
    }
}
