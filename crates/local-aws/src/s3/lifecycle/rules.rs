//! What a rule may say, and which objects it speaks of.

use std::collections::BTreeSet;

use s3s::dto::{self, LifecycleExpiration, LifecycleRule, NoncurrentVersionTransition, Transition};
use s3s::{S3Error, S3ErrorCode, S3Result};

use crate::s3::archive::CLASSES;
use crate::s3::reading::moment;
use crate::s3::refusal::{invalid_argument, invalid_request, malformed_xml, refused};
use crate::s3::shelf::Object;

/// Most rules of a bucket.
const RULES_MAX: usize = 1_000;
const ID_CHARS_MAX: usize = 255;
/// Least days before an object may move to an infrequent-access class.
const INFREQUENT_DAYS_MIN: i32 = 30;
/// Most versions a rule may keep beside the current one.
const NEWER_VERSIONS_MAX: i32 = 100;

/// The filter of a rule, in one form.
#[derive(Default)]
pub(super) struct Scope<'a> {
    prefix: &'a str,
    tags: Vec<(&'a str, &'a str)>,
    larger_than: Option<i64>,
    smaller_than: Option<i64>,
}

impl<'a> Scope<'a> {
    /// What a rule's filter, or its older prefix, says.
    pub(super) fn of(rule: &'a LifecycleRule) -> Self {
        let Some(filter) = &rule.filter else {
            return Self {
                prefix: rule.prefix.as_deref().unwrap_or_default(),
                ..Self::default()
            };
        };
        match &filter.and {
            Some(and) => Self {
                prefix: and.prefix.as_deref().unwrap_or_default(),
                tags: and.tags.iter().flatten().map(pair).collect(),
                larger_than: and.object_size_greater_than,
                smaller_than: and.object_size_less_than,
            },
            None => Self {
                prefix: filter.prefix.as_deref().unwrap_or_default(),
                tags: filter.tag.iter().map(pair).collect(),
                larger_than: filter.object_size_greater_than,
                smaller_than: filter.object_size_less_than,
            },
        }
    }

    /// Whether an upload of this key is meant; uploads have neither tags nor a size.
    pub(super) fn names(&self, key: &str) -> bool {
        key.starts_with(self.prefix)
    }

    /// Whether the version is meant.
    pub(super) fn covers(&self, object: &Object) -> bool {
        let size = i64::try_from(object.facts.size).unwrap_or(i64::MAX);
        let has = |(key, value): &(&str, &str)| {
            let tag = object.state.tags.get(key);
            tag.is_some_and(|tag| tag == value)
        };
        self.names(&object.facts.key)
            && self.larger_than.is_none_or(|bound| size > bound)
            && self.smaller_than.is_none_or(|bound| size < bound)
            && self.tags.iter().all(has)
    }

    /// A rule that names sizes has its own idea of what is too small.
    pub(super) fn names_sizes(&self) -> bool {
        self.larger_than.is_some() || self.smaller_than.is_some()
    }

    fn check(&self) -> S3Result<()> {
        let (larger, smaller) = (self.larger_than, self.smaller_than);
        if larger.is_some_and(|bound| bound < 0) || smaller.is_some_and(|bound| bound < 1) {
            return Err(invalid_argument(
                "'ObjectSize' bounds of a filter must be positive",
            ));
        }
        if let (Some(larger), Some(smaller)) = (larger, smaller)
            && larger >= smaller
        {
            return Err(invalid_request(
                "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'",
            ));
        }
        Ok(())
    }
}

fn pair(tag: &dto::Tag) -> (&str, &str) {
    (
        tag.key.as_deref().unwrap_or_default(),
        tag.value.as_deref().unwrap_or_default(),
    )
}

/// The rules as they are kept: checked, and each with an id.
pub(super) fn checked(
    given: &[LifecycleRule],
    mut id: impl FnMut() -> String,
) -> S3Result<Vec<LifecycleRule>> {
    if given.is_empty() || given.len() > RULES_MAX {
        return Err(malformed_xml());
    }
    let (mut rules, mut ids) = (Vec::with_capacity(given.len()), BTreeSet::new());
    for rule in given {
        check(rule)?;
        let mut rule = rule.clone();
        let id = rule.id.get_or_insert_with(&mut id).clone();
        if id.chars().count() > ID_CHARS_MAX {
            return Err(invalid_argument(
                "ID length should not exceed allowed limit of 255",
            ));
        }
        if !ids.insert(id) {
            return Err(invalid_argument(
                "Rule ID must be unique. Found same ID for more than one rule",
            ));
        }
        rules.push(rule);
    }
    Ok(rules)
}

fn check(rule: &LifecycleRule) -> S3Result<()> {
    let known = [dto::ExpirationStatus::ENABLED, dto::ExpirationStatus::DISABLED];
    if !known.contains(&rule.status.as_str()) || rule.filter.is_some() == rule.prefix.is_some() {
        return Err(malformed_xml());
    }
    let scope = Scope::of(rule);
    scope.check()?;
    check_actions(rule)?;
    check_narrow(rule, &scope)?;
    if let Some(expiration) = &rule.expiration {
        check_expiration(expiration)?;
    }
    let transitions = rule.transitions.as_deref().unwrap_or_default();
    check_transitions(transitions)?;
    check_order(transitions, rule.expiration.as_ref())?;
    check_noncurrent(rule)
}

fn check_actions(rule: &LifecycleRule) -> S3Result<()> {
    let has_transitions = rule.transitions.as_ref().is_some_and(|list| !list.is_empty());
    let moves = rule.noncurrent_version_transitions.as_ref();
    let any = has_transitions
        || rule.expiration.is_some()
        || rule.noncurrent_version_expiration.is_some()
        || moves.is_some_and(|list| !list.is_empty())
        || rule.abort_incomplete_multipart_upload.is_some();
    if any {
        return Ok(());
    }
    Err(invalid_request(
        "At least one action needs to be specified in a rule",
    ))
}

/// Actions that know neither tags nor sizes.
fn check_narrow(rule: &LifecycleRule, scope: &Scope<'_>) -> S3Result<()> {
    let narrow = !scope.tags.is_empty() || scope.names_sizes();
    if let Some(abort) = &rule.abort_incomplete_multipart_upload {
        if narrow {
            return Err(invalid_request(
                "AbortIncompleteMultipartUpload cannot be specified with Tags or object sizes",
            ));
        }
        if abort.days_after_initiation.is_none_or(|days| days < 1) {
            return Err(invalid_argument(
                "'DaysAfterInitiation' must be a positive integer",
            ));
        }
    }
    let marker = rule
        .expiration
        .as_ref()
        .and_then(|expiration| expiration.expired_object_delete_marker);
    if marker.is_some() && narrow {
        return Err(invalid_request(
            "ExpiredObjectDeleteMarker cannot be specified with Tags or object sizes",
        ));
    }
    Ok(())
}

fn check_expiration(expiration: &LifecycleExpiration) -> S3Result<()> {
    let said = [
        expiration.days.is_some(),
        expiration.date.is_some(),
        expiration.expired_object_delete_marker.is_some(),
    ];
    if said.into_iter().filter(|said| *said).count() != 1 {
        return Err(malformed_xml());
    }
    if expiration.days.is_some_and(|days| days < 1) {
        return Err(invalid_argument(
            "'Days' for Expiration action must be a positive integer",
        ));
    }
    check_date(expiration.date.as_ref())
}

fn check_date(date: Option<&dto::Timestamp>) -> S3Result<()> {
    let midnight = |date: &dto::Timestamp| moment(date).time() == chrono::NaiveTime::MIN;
    if date.is_none_or(midnight) {
        return Ok(());
    }
    Err(invalid_argument("'Date' must be at midnight GMT"))
}

fn check_transitions(transitions: &[Transition]) -> S3Result<()> {
    let mut classes = BTreeSet::new();
    for transition in transitions {
        let class = class_of(transition.storage_class.as_ref())?;
        if transition.days.is_some() == transition.date.is_some() {
            return Err(malformed_xml());
        }
        check_date(transition.date.as_ref())?;
        check_days(transition.days, class)?;
        if !classes.insert(class) {
            return Err(invalid_argument(format!(
                "'StorageClass' must be different for 'Transition' actions in same 'Rule': {class}"
            )));
        }
    }
    let dated = transitions
        .iter()
        .filter(|transition| transition.date.is_some())
        .count();
    if dated != 0 && dated != transitions.len() {
        return Err(mixed());
    }
    check_steps(
        transitions
            .iter()
            .map(|step| (step.storage_class.as_ref(), step.days)),
    )
}

fn class_of(class: Option<&dto::TransitionStorageClass>) -> S3Result<&str> {
    let class = class.ok_or_else(malformed_xml)?.as_str();
    // Nothing moves back to the dearest classes.
    let known = CLASSES[2..].contains(&class);
    if known { Ok(class) } else { Err(malformed_xml()) }
}

fn check_days(days: Option<i32>, class: &str) -> S3Result<()> {
    let Some(days) = days else { return Ok(()) };
    if days < 0 {
        return Err(invalid_argument(
            "'Days' in Transition action must be nonnegative",
        ));
    }
    if ["STANDARD_IA", "ONEZONE_IA"].contains(&class) && days < INFREQUENT_DAYS_MIN {
        return Err(invalid_argument(format!(
            "'Days' in Transition action must be greater than or equal to 30 for storageClass '{class}'"
        )));
    }
    Ok(())
}

/// What was moved to an infrequent-access class stays there for 30 days, and cheaper classes come later.
fn check_steps<'a>(
    steps: impl Iterator<Item = (Option<&'a dto::TransitionStorageClass>, Option<i32>)>,
) -> S3Result<()> {
    let mut steps: Vec<(usize, &str, i32)> = steps
        .filter_map(|(class, days)| {
            let class = class?.as_str();
            let rank = CLASSES.iter().position(|one| *one == class)?;
            Some((rank, class, days?))
        })
        .collect();
    steps.sort_unstable();
    for pair in steps.windows(2) {
        let [(_, earlier, first), (_, later, then)] = pair else {
            continue;
        };
        let infrequent = ["STANDARD_IA", "ONEZONE_IA"].contains(earlier);
        let least = if infrequent { INFREQUENT_DAYS_MIN } else { 1 };
        if *then < first.saturating_add(least) {
            return Err(invalid_argument(format!(
                "'Days' in the 'Transition' action for StorageClass '{later}' must be {least} days more than in the \
                 'Transition' action for StorageClass '{earlier}'"
            )));
        }
    }
    Ok(())
}

fn check_order(transitions: &[Transition], expiration: Option<&LifecycleExpiration>) -> S3Result<()> {
    let Some(expiration) = expiration else {
        return Ok(());
    };
    let last = transitions.iter().filter_map(|transition| transition.days).max();
    let dates = || {
        transitions
            .iter()
            .filter_map(|transition| transition.date.as_ref())
    };
    if (expiration.days.is_some() && dates().next().is_some())
        || (expiration.date.is_some() && last.is_some())
    {
        return Err(mixed());
    }
    let too_soon = match (expiration.days, &expiration.date) {
        (Some(days), _) => last.is_some_and(|last| days <= last),
        (_, Some(date)) => dates().any(|transition| date <= transition),
        _ => false,
    };
    if too_soon {
        return Err(invalid_argument(
            "'Days' in the Expiration action must be greater than 'Days' in the Transition action",
        ));
    }
    Ok(())
}

fn mixed() -> S3Error {
    invalid_request("Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule")
}

fn check_noncurrent(rule: &LifecycleRule) -> S3Result<()> {
    let transitions = rule.noncurrent_version_transitions.as_deref().unwrap_or_default();
    for transition in transitions {
        let class = class_of(transition.storage_class.as_ref())?;
        let days = transition.noncurrent_days.ok_or_else(malformed_xml)?;
        check_days(Some(days), class)?;
        check_newer(transition.newer_noncurrent_versions)?;
    }
    let step = |transition: &NoncurrentVersionTransition| transition.noncurrent_days;
    let steps = transitions
        .iter()
        .map(|one| (one.storage_class.as_ref(), step(one)));
    check_steps(steps)?;
    let Some(expiration) = &rule.noncurrent_version_expiration else {
        return Ok(());
    };
    check_newer(expiration.newer_noncurrent_versions)?;
    let days = expiration.noncurrent_days.filter(|days| *days > 0);
    let days = days.ok_or_else(|| {
        invalid_argument("'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer")
    })?;
    let last = transitions.iter().filter_map(step).max();
    if last.is_some_and(|last| days <= last) {
        return Err(invalid_argument(
            "'NoncurrentDays' in the NoncurrentVersionExpiration action must be greater than 'NoncurrentDays' in the \
             NoncurrentVersionTransition action",
        ));
    }
    Ok(())
}

fn check_newer(versions: Option<i32>) -> S3Result<()> {
    if versions.is_none_or(|versions| (1..=NEWER_VERSIONS_MAX).contains(&versions)) {
        return Ok(());
    }
    Err(refused(
        S3ErrorCode::InvalidArgument,
        "'NewerNoncurrentVersions' must be between 1 and 100",
    ))
}
