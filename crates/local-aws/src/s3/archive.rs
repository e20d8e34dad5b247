//! Storage classes, archived objects and their temporary copies.
//!
//! Sources: API_RestoreObject; S3 user guide, "Understanding and managing Amazon S3 storage classes" and
//! "Understanding archive retrieval options".

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use http::StatusCode;
use s3s::dto::{self, RestoreObjectInput, RestoreObjectOutput, RestoreRequest};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result};

use super::S3State;
use super::facts::{ObjectState, Restore};
use super::gate::asking;
use super::reading::wanted;
use super::refusal::{invalid_argument, malformed_xml, not_implemented, refused};
use super::shelf::Object;

/// Every class an object can be put into, from the dearest to the cheapest.
pub(super) const CLASSES: [&str; 8] = [
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "INTELLIGENT_TIERING",
    "ONEZONE_IA",
    "GLACIER_IR",
    "GLACIER",
    "DEEP_ARCHIVE",
];

/// The class of a write that is not STANDARD.
pub(super) fn check_class(class: Option<&str>) -> S3Result<Option<String>> {
    match class {
        None | Some("STANDARD") => Ok(None),
        Some(class) if CLASSES.contains(&class) => Ok(Some(class.to_owned())),
        Some(_) => Err(refused(
            S3ErrorCode::InvalidStorageClass,
            "The storage class you specified is not valid",
        )),
    }
}

/// Midnight UTC after a moment, so many days later: where S3 lets days end.
pub(super) fn midnight_after(moment: DateTime<Utc>, days: u32) -> DateTime<Utc> {
    let day = moment
        .date_naive()
        .checked_add_days(Days::new(u64::from(days) + 1));
    day.map_or(DateTime::<Utc>::MAX_UTC, |day| {
        day.and_time(NaiveTime::MIN).and_utc()
    })
}

fn is_archived(object: &Object) -> bool {
    ["GLACIER", "DEEP_ARCHIVE"].contains(&object.class())
}

fn is_restored(state: &ObjectState, now: DateTime<Utc>) -> bool {
    let copy = state.restore.as_ref();
    copy.is_some_and(|copy| copy.ready_at <= now && now < copy.expires_at)
}

/// Refuses the bytes of an archived object that has no copy.
pub(super) fn require_active(object: &Object, now: DateTime<Utc>) -> S3Result<()> {
    if !is_archived(object) || is_restored(&object.state, now) {
        return Ok(());
    }
    Err(refused(
        S3ErrorCode::InvalidObjectState,
        "The operation is not valid for the object's storage class",
    ))
}

/// The `x-amz-restore` header; absent when nothing is or was restored.
pub(super) fn restore_header(state: &ObjectState, now: DateTime<Utc>) -> Option<String> {
    let copy = state.restore.as_ref()?;
    if now < copy.ready_at {
        return Some(r#"ongoing-request="true""#.to_owned());
    }
    (now < copy.expires_at).then(|| {
        let expiry = http_date(copy.expires_at);
        format!(r#"ongoing-request="false", expiry-date="{expiry}""#)
    })
}

/// A moment as HTTP headers write it.
pub(super) fn http_date(moment: DateTime<Utc>) -> String {
    moment.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// What a restore is asked for.
struct Order {
    days: u32,
    tier: String,
}

impl Order {
    fn read(request: Option<&RestoreRequest>) -> S3Result<Self> {
        let request = request.ok_or_else(malformed_xml)?;
        if request.type_.is_some() || request.select_parameters.is_some() || request.output_location.is_some()
        {
            return Err(not_implemented("restores that select (S3 Select)"));
        }
        let days = request.days.and_then(|days| u32::try_from(days).ok());
        let days = days
            .filter(|days| *days > 0)
            .ok_or_else(|| invalid_argument("restoration days should be at least 1"))?;
        let job = request.glacier_job_parameters.as_ref().map(|job| &job.tier);
        let tier = job
            .or(request.tier.as_ref())
            .map_or("Standard", dto::Tier::as_str);
        if !["Expedited", "Standard", "Bulk"].contains(&tier) {
            return Err(malformed_xml());
        }
        Ok(Self {
            days,
            tier: tier.to_owned(),
        })
    }

    /// The upper end of what the user guide says for the class.
    fn typical(&self, class: &str) -> S3Result<TimeDelta> {
        match (class, self.tier.as_str()) {
            ("GLACIER", "Expedited") => Ok(TimeDelta::minutes(5)),
            ("GLACIER", "Standard") => Ok(TimeDelta::hours(5)),
            ("GLACIER", _) | ("DEEP_ARCHIVE", "Standard") => Ok(TimeDelta::hours(12)),
            ("DEEP_ARCHIVE", "Bulk") => Ok(TimeDelta::hours(48)),
            _ => Err(invalid_argument(
                "Retrieval option is not supported by this storage class",
            )),
        }
    }

    /// Faster tiers first.
    fn rank(tier: &str) -> usize {
        let tiers = ["Expedited", "Standard", "Bulk"];
        tiers.iter().position(|one| *one == tier).unwrap_or(tiers.len())
    }
}

impl S3State {
    pub(super) fn restore_object(
        &self,
        request: &S3Request<RestoreObjectInput>,
    ) -> S3Result<S3Response<RestoreObjectOutput>> {
        let (asking, input) = (asking(request)?, &request.input);
        // There is no action of its own for a named version.
        let actions = ("s3:RestoreObject", "s3:RestoreObject");
        let (bucket, object) = self.found(&asking, &wanted!(input), actions)?;
        let order = Order::read(input.restore_request.as_ref())?;
        if !is_archived(&object) {
            return Err(refused(
                S3ErrorCode::InvalidObjectState,
                "Restore is not allowed for the object's current storage class",
            ));
        }
        let takes = self.core.latency.of(order.typical(object.class())?);
        let now = self.now();
        let restored = bucket.change(&input.key, object.version_id(), |_, state| {
            let was = is_restored(state, now);
            let ready_at = begin(state.restore.as_ref(), &order, (now, takes))?;
            state.restore = Some(Restore {
                tier: order.tier.clone(),
                ready_at,
                expires_at: midnight_after(ready_at.max(now), order.days),
            });
            Ok(was)
        })?;
        // 202 when a job begins, 200 when a copy that is there is kept for longer.
        let status = if restored == Some(true) {
            StatusCode::OK
        } else {
            StatusCode::ACCEPTED
        };
        let mut response = S3Response::new(RestoreObjectOutput::default());
        response.status = Some(status);
        Ok(response)
    }
}

/// When the copy is there: a copy that is there stays, and a job under way may only be made faster.
fn begin(
    copy: Option<&Restore>,
    order: &Order,
    (now, takes): (DateTime<Utc>, TimeDelta),
) -> S3Result<DateTime<Utc>> {
    match copy {
        Some(copy) if now < copy.ready_at => {
            if Order::rank(&order.tier) >= Order::rank(&copy.tier) {
                return Err(in_progress());
            }
            Ok(copy.ready_at.min(now + takes))
        }
        Some(copy) if now < copy.expires_at => Ok(copy.ready_at),
        _ => Ok(now + takes),
    }
}

fn in_progress() -> S3Error {
    refused(
        S3ErrorCode::RestoreAlreadyInProgress,
        "Object restore is already in progress",
    )
}

/// The state of a copy as listings show it.
pub(super) fn restore_status(state: &ObjectState, now: DateTime<Utc>) -> Option<dto::RestoreStatus> {
    let copy = state.restore.as_ref().filter(|copy| now < copy.expires_at)?;
    let is_ready = copy.ready_at <= now;
    Some(dto::RestoreStatus {
        is_restore_in_progress: Some(!is_ready),
        restore_expiry_date: is_ready.then(|| super::reading::timestamp(copy.expires_at)),
    })
}
