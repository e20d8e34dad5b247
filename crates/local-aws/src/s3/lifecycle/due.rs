//! When a rule's day comes.
//!
//! A number of days is added to the moment an object was written, or ceased to be current, and the result is rounded up
//! to the next midnight UTC. Source: S3 user guide, "Lifecycle configuration elements".

use chrono::{DateTime, Utc};
use s3s::dto::{LifecycleRule, Timestamp};

use super::rules::Scope;
use crate::s3::archive::{http_date, midnight_after};
use crate::s3::bucket::Settings;
use crate::s3::reading::moment;
use crate::s3::shelf::Object;

/// The rules of a bucket that are enabled.
pub(super) fn enabled(settings: &Settings) -> impl Iterator<Item = &LifecycleRule> {
    let rules = settings.facts.config.lifecycle.iter().flatten();
    rules.filter(|rule| rule.status.as_str() == s3s::dto::ExpirationStatus::ENABLED)
}

/// When an action of a rule is due for what was written, or became noncurrent, at `since`.
pub(super) fn due(
    since: DateTime<Utc>,
    days: Option<i32>,
    date: Option<&Timestamp>,
) -> Option<DateTime<Utc>> {
    if let Some(days) = days {
        return Some(midnight_after(since, u32::try_from(days).unwrap_or(0)));
    }
    // A date goes for what is written after it as well, from the next day on.
    let date = moment(date?);
    Some(if since < date {
        date
    } else {
        midnight_after(since, 0)
    })
}

/// The earliest expiry of a current version, and the rule that says so.
pub(super) fn expiry<'a>(
    settings: &'a Settings,
    object: &Object,
) -> Option<(DateTime<Utc>, &'a LifecycleRule)> {
    let dues = enabled(settings).filter_map(|rule| {
        let expiration = rule.expiration.as_ref()?;
        let at = due(
            object.facts.last_modified,
            expiration.days,
            expiration.date.as_ref(),
        )?;
        Scope::of(rule).covers(object).then_some((at, rule))
    });
    dues.min_by_key(|(at, _)| *at)
}

/// The `x-amz-expiration` header of a current version that will expire.
pub(in crate::s3) fn expiration_header(settings: &Settings, object: &Object) -> Option<String> {
    let (at, rule) = expiry(settings, object)?;
    let id = rule.id.as_deref().unwrap_or_default();
    Some(format!(r#"expiry-date="{}", rule-id="{id}""#, http_date(at)))
}

/// When an upload of this key that is not completed is aborted, and the rule's id.
pub(in crate::s3) fn abort_due(
    settings: &Settings,
    key: &str,
    initiated_at: DateTime<Utc>,
) -> Option<(DateTime<Utc>, String)> {
    let dues = enabled(settings).filter_map(|rule| {
        let abort = rule.abort_incomplete_multipart_upload.as_ref()?;
        let at = due(initiated_at, abort.days_after_initiation, None)?;
        let id = rule.id.clone().unwrap_or_default();
        Scope::of(rule).names(key).then_some((at, id))
    });
    dues.min_by_key(|(at, _)| *at)
}
