//! What a replication rule may say, and which versions it speaks of.

use std::collections::BTreeSet;

use s3s::S3Result;
use s3s::dto::{self, Destination, ReplicationRule};

use super::duplicate;
use crate::s3::archive::CLASSES;
use crate::s3::facts::{ObjectFacts, ObjectState};
use crate::s3::refusal::{invalid_argument, invalid_request, malformed_xml, not_implemented};

/// Most rules of a configuration.
const RULES_MAX: usize = 1_000;

/// The name in a destination's ARN.
pub(super) fn bucket_of(destination: &Destination) -> Option<&str> {
    destination.bucket.strip_prefix("arn:aws:s3:::")
}

/// The rules as they are kept: checked, and each with an id.
pub(super) fn checked(
    given: &[ReplicationRule],
    mut id: impl FnMut() -> String,
) -> S3Result<Vec<ReplicationRule>> {
    if given.is_empty() || given.len() > RULES_MAX {
        return Err(malformed_xml());
    }
    let (mut rules, mut ids, mut priorities) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for rule in given {
        check(rule)?;
        let mut rule = rule.clone();
        if !ids.insert(rule.id.get_or_insert_with(&mut id).clone()) {
            return Err(duplicate("Rule ID must be unique"));
        }
        if rule.priority.is_some_and(|priority| !priorities.insert(priority)) {
            return Err(duplicate("Found duplicate priorities; priorities must be unique"));
        }
        rules.push(rule);
    }
    Ok(rules)
}

fn check(rule: &ReplicationRule) -> S3Result<()> {
    let known = [
        dto::ReplicationRuleStatus::ENABLED,
        dto::ReplicationRuleStatus::DISABLED,
    ];
    if !known.contains(&rule.status.as_str()) || (rule.filter.is_some() && rule.prefix.is_some()) {
        return Err(malformed_xml());
    }
    if rule.filter.is_some() {
        check_filtered(rule)?;
    }
    if let Some(class) = &rule.destination.storage_class
        && !CLASSES.contains(&class.as_str())
    {
        return Err(malformed_xml());
    }
    if rule.existing_object_replication.is_some() {
        return Err(invalid_request("ExistingObjectReplication is not supported"));
    }
    check_encryption(rule)?;
    if rule.destination.access_control_translation.is_some() && rule.destination.account.is_none() {
        return Err(invalid_argument(
            "Account must be specified when AccessControlTranslation is",
        ));
    }
    Ok(())
}

/// Rules with a filter are of the second kind, which says its priority and what becomes of delete markers.
fn check_filtered(rule: &ReplicationRule) -> S3Result<()> {
    if rule.priority.is_none() {
        return Err(invalid_request(
            "Priority must be specified for this version of Cross Region Replication configuration schema",
        ));
    }
    if rule.delete_marker_replication.is_none() {
        return Err(invalid_request(
            "DeleteMarkerReplication must be specified for this version of Cross Region Replication configuration schema",
        ));
    }
    if !Scope::of(rule).tags.is_empty() && copies_markers(rule) {
        return Err(invalid_request(
            "Delete marker replication is not supported if any Tag filter is specified",
        ));
    }
    Ok(())
}

fn check_encryption(rule: &ReplicationRule) -> S3Result<()> {
    let criteria = rule.source_selection_criteria.as_ref();
    let modifications = criteria.and_then(|criteria| criteria.replica_modifications.as_ref());
    if modifications.is_some_and(|both| both.status.as_str() == dto::ReplicaModificationsStatus::ENABLED) {
        return Err(not_implemented("replication of changes to replicas"));
    }
    let key = replica_key(rule);
    match (copies_kms(rule), key) {
        (true, None) => Err(invalid_request(
            "EncryptionConfiguration must be specified if SseKmsEncryptedObjects tag is present",
        )),
        (false, Some(_)) => Err(invalid_request(
            "SseKmsEncryptedObjects must be specified if EncryptionConfiguration is present",
        )),
        _ => Ok(()),
    }
}

/// The key that replicas of KMS objects are encrypted with.
pub(super) fn replica_key(rule: &ReplicationRule) -> Option<&str> {
    let encryption = rule.destination.encryption_configuration.as_ref()?;
    encryption.replica_kms_key_id.as_deref()
}

fn copies_kms(rule: &ReplicationRule) -> bool {
    let criteria = rule.source_selection_criteria.as_ref();
    let kms = criteria.and_then(|criteria| criteria.sse_kms_encrypted_objects.as_ref());
    kms.is_some_and(|kms| kms.status.as_str() == dto::SseKmsEncryptedObjectsStatus::ENABLED)
}

fn copies_markers(rule: &ReplicationRule) -> bool {
    let status = rule
        .delete_marker_replication
        .as_ref()
        .and_then(|markers| markers.status.as_ref());
    match status {
        Some(status) => status.as_str() == dto::DeleteMarkerReplicationStatus::ENABLED,
        // Rules of the first kind always did.
        None => rule.filter.is_none(),
    }
}

#[derive(Default)]
struct Scope<'a> {
    prefix: &'a str,
    tags: Vec<&'a dto::Tag>,
}

impl<'a> Scope<'a> {
    fn of(rule: &'a ReplicationRule) -> Self {
        let Some(filter) = &rule.filter else {
            return Self {
                prefix: rule.prefix.as_deref().unwrap_or_default(),
                tags: Vec::new(),
            };
        };
        match &filter.and {
            Some(and) => Self {
                prefix: and.prefix.as_deref().unwrap_or_default(),
                tags: and.tags.iter().flatten().collect(),
            },
            None => Self {
                prefix: filter.prefix.as_deref().unwrap_or_default(),
                tags: filter.tag.iter().collect(),
            },
        }
    }
}

/// Whether a rule copies a version as it is.
fn covers(rule: &ReplicationRule, facts: &ObjectFacts, state: &ObjectState) -> bool {
    let scope = Scope::of(rule);
    let tagged = scope.tags.iter().all(|tag| {
        let kept = state.tags.get(tag.key.as_deref().unwrap_or_default());
        kept.map(String::as_str) == Some(tag.value.as_deref().unwrap_or_default())
    });
    let is_archived = matches!(state.storage_class.as_deref(), Some("GLACIER" | "DEEP_ARCHIVE"));
    rule.status.as_str() == dto::ReplicationRuleStatus::ENABLED
        && facts.key.starts_with(scope.prefix)
        && tagged
        && !is_archived
        && (!facts.delete_marker || copies_markers(rule))
        && (state.encryption.kms_key.is_none() || copies_kms(rule))
}

/// The rules that copy a version: for each destination the one of highest priority.
pub(super) fn applying<'a>(
    rules: &'a [ReplicationRule],
    facts: &ObjectFacts,
    state: &ObjectState,
) -> Vec<&'a ReplicationRule> {
    let mut fitting: Vec<_> = rules.iter().filter(|rule| covers(rule, facts, state)).collect();
    fitting.sort_by_key(|rule| std::cmp::Reverse(rule.priority));
    let mut destinations = BTreeSet::new();
    fitting.retain(|rule| destinations.insert(rule.destination.bucket.clone()));
    fitting
}
