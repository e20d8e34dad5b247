//! What is due for the versions of one key.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use s3s::dto::LifecycleRule;

use super::due::{due, enabled, expiry};
use super::rules::Scope;
use crate::s3::archive::CLASSES;
use crate::s3::bucket::Settings;
use crate::s3::facts::Replication;
use crate::s3::shelf::{Object, Versions};

/// Objects below this size stay where they are by default.
const SMALL_BYTES: u64 = 128 << 10;

/// A version that is not the newest, with what rules ask about it.
struct Noncurrent<'a> {
    object: &'a Object,
    since: DateTime<Utc>,
    /// How many noncurrent versions are newer.
    newer: usize,
}

/// When the current version expires; a version whose replication is not done waits.
pub(super) fn expires(settings: &Settings, versions: &Versions, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let object = versions.current()?;
    let (at, _) = expiry(settings, object)?;
    (at <= now && !awaits_replication(object)).then_some(at)
}

/// Ids of noncurrent versions that expire.
pub(super) fn expired(settings: &Settings, versions: &Versions, now: DateTime<Utc>) -> Vec<String> {
    let doomed = noncurrent(versions).filter(|version| {
        enabled(settings).any(|rule| {
            let Some(expiration) = &rule.noncurrent_version_expiration else {
                return false;
            };
            is_beyond(version, expiration.newer_noncurrent_versions)
                && due(version.since, expiration.noncurrent_days, None).is_some_and(|at| at <= now)
                && Scope::of(rule).covers(version.object)
        })
    });
    doomed
        .filter(|version| !awaits_replication(version.object))
        .map(|version| version.object.version_id().to_owned())
        .collect()
}

/// The id of a delete marker that covers nothing any more and is due to go.
pub(super) fn expired_marker(settings: &Settings, versions: &Versions, now: DateTime<Utc>) -> Option<String> {
    let marker = versions.latest().filter(|object| object.facts.delete_marker)?;
    if versions.iter().len() > 1 || awaits_replication(marker) {
        return None;
    }
    let goes = enabled(settings).any(|rule| {
        let Some(expiration) = &rule.expiration else {
            return false;
        };
        let by_age = due(
            marker.facts.last_modified,
            expiration.days,
            expiration.date.as_ref(),
        );
        let is_due =
            expiration.expired_object_delete_marker == Some(true) || by_age.is_some_and(|at| at <= now);
        is_due && Scope::of(rule).covers(marker)
    });
    goes.then(|| marker.version_id().to_owned())
}

/// The class each version moves to, by version id.
pub(super) fn moves(settings: &Settings, versions: &Versions, now: DateTime<Utc>) -> Vec<(String, String)> {
    let current = versions.current().filter(|object| !awaits_replication(object));
    let of_current = current.and_then(|object| {
        let since = object.facts.last_modified;
        let steps = enabled(settings).flat_map(|rule| {
            let steps = rule.transitions.iter().flatten();
            steps.map(move |step| {
                (
                    rule,
                    step.storage_class.as_ref(),
                    due(since, step.days, step.date.as_ref()),
                )
            })
        });
        let due = steps.filter(|(_, _, at)| at.is_some_and(|at| at <= now));
        target(
            settings,
            object,
            due.filter_map(|(rule, class, _)| Some((rule, class?.as_str()))),
        )
    });
    let of_noncurrent = noncurrent(versions)
        .filter(|version| !awaits_replication(version.object))
        .filter_map(|version| {
            let steps = enabled(settings).flat_map(|rule| {
                let steps = rule.noncurrent_version_transitions.iter().flatten();
                steps.map(move |step| (rule, step))
            });
            let due = steps.filter(|(_, step)| {
                let at = due(version.since, step.noncurrent_days, None);
                is_beyond(&version, step.newer_noncurrent_versions) && at.is_some_and(|at| at <= now)
            });
            let classes = due.filter_map(|(rule, step)| Some((rule, step.storage_class.as_ref()?.as_str())));
            target(settings, version.object, classes)
        });
    of_current.into_iter().chain(of_noncurrent).collect()
}

/// The cheapest class that the version may move to.
fn target<'a>(
    settings: &Settings,
    object: &Object,
    steps: impl Iterator<Item = (&'a LifecycleRule, &'a str)>,
) -> Option<(String, String)> {
    let fitting = steps.filter(|(rule, class)| {
        let scope = Scope::of(rule);
        scope.covers(object)
            && !is_too_small(settings, object, (&scope, class))
            && may_move(object.class(), class)
    });
    let class = fitting.map(|(_, class)| class).max_by_key(|class| rank(class))?;
    Some((object.version_id().to_owned(), class.to_owned()))
}

fn is_too_small(settings: &Settings, object: &Object, (scope, class): (&Scope<'_>, &str)) -> bool {
    let varies = settings.facts.config.transition_minimum.as_deref() == Some("varies_by_storage_class");
    let takes_all = varies && ["GLACIER", "DEEP_ARCHIVE"].contains(&class);
    object.facts.size < SMALL_BYTES && !scope.names_sizes() && !takes_all
}

fn rank(class: &str) -> usize {
    CLASSES.iter().position(|one| *one == class).unwrap_or(0)
}

/// Down the waterfall only; user guide, "Transitioning objects using Amazon S3 Lifecycle".
fn may_move(from: &str, to: &str) -> bool {
    let skips = from == "ONEZONE_IA" && to == "GLACIER_IR";
    rank(from) < rank(to) && !skips
}

fn noncurrent(versions: &Versions) -> impl Iterator<Item = Noncurrent<'_>> {
    let all: Vec<&Arc<Object>> = versions.iter().collect();
    let last = all.len().saturating_sub(1);
    let pairs: Vec<_> = all.windows(2).map(|pair| (pair[0], pair[1])).collect();
    pairs
        .into_iter()
        .enumerate()
        .map(move |(at, (object, successor))| Noncurrent {
            object,
            since: successor.facts.last_modified,
            newer: last - at - 1,
        })
}

/// Whether enough newer noncurrent versions are there for the rule to let go of this one.
fn is_beyond(version: &Noncurrent<'_>, kept: Option<i32>) -> bool {
    let kept = kept.and_then(|kept| usize::try_from(kept).ok()).unwrap_or(0);
    version.newer >= kept
}

/// User guide, "Lifecycle and replication": what is pending or failed is left alone.
fn awaits_replication(object: &Object) -> bool {
    matches!(
        object.state.replication,
        Some(Replication::Pending(_) | Replication::Failed)
    )
}
