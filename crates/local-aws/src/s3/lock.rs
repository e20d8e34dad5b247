//! Object Lock: retention and legal holds of versions.
//!
//! Sources: API_PutObjectLockConfiguration, API_PutObjectRetention, API_PutObjectLegalHold; S3 user guide, "Locking
//! objects with Object Lock".

use chrono::{DateTime, Days, Months, Utc};
use s3s::dto::{
    self, GetObjectLegalHoldInput, GetObjectLegalHoldOutput, GetObjectLockConfigurationInput,
    GetObjectLockConfigurationOutput, GetObjectRetentionInput, GetObjectRetentionOutput, ObjectLockRetention,
    PutObjectLegalHoldInput, PutObjectLockConfigurationInput, PutObjectRetentionInput,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result};

use super::bucket::{Bucket, Settings};
use super::facts::{DefaultRetention, LockMode, ObjectLock, ObjectState, Period, Retention, Versioning};
use super::gate::asking;
use super::reading::{moment, no_version, timestamp, wanted};
use super::refusal::{access_denied, invalid_argument, invalid_request, malformed_xml, refused};
use super::shelf::Object;
use super::writing::Spoken;
use super::{Ask, Asking, S3State};

/// Longest default retention.
const DAYS_MAX: i32 = 36_500;
const YEARS_MAX: i32 = 100;

impl LockMode {
    fn name(self) -> &'static str {
        match self {
            Self::Governance => dto::ObjectLockMode::GOVERNANCE,
            Self::Compliance => dto::ObjectLockMode::COMPLIANCE,
        }
    }

    /// As headers of objects have it.
    pub(super) fn header(self) -> dto::ObjectLockMode {
        dto::ObjectLockMode::from_static(self.name())
    }

    fn read(name: &str) -> Option<Self> {
        [Self::Governance, Self::Compliance]
            .into_iter()
            .find(|mode| mode.name() == name)
    }
}

/// The header of a legal hold that is on.
pub(super) fn on() -> dto::ObjectLockLegalHoldStatus {
    dto::ObjectLockLegalHoldStatus::from_static(dto::ObjectLockLegalHoldStatus::ON)
}

/// Whether the version may go for good. `bypass` is given to who may bypass governance and asks to.
pub(super) fn may_remove(state: &ObjectState, now: DateTime<Utc>, bypass: bool) -> S3Result<()> {
    let retained = state.retention.is_some_and(|retention| {
        let bypassed = bypass && retention.mode == LockMode::Governance;
        now < retention.until && !bypassed
    });
    if state.legal_hold || retained {
        return Err(access_denied(
            "Access Denied because object protected by object lock.",
        ));
    }
    Ok(())
}

/// The lock of a bucket that has one.
fn lock_of(settings: &Settings) -> S3Result<&ObjectLock> {
    settings
        .facts
        .config
        .object_lock
        .as_ref()
        .ok_or_else(|| invalid_request("Bucket is missing Object Lock Configuration"))
}

impl S3State {
    /// The retention that a new version begins with: what the writer says, or else the bucket's default.
    pub(super) fn first_retention(
        &self,
        asking: &Asking,
        (bucket, key): (&Bucket, &str),
        spoken: &Spoken<'_>,
    ) -> S3Result<Option<Retention>> {
        let settings = bucket.settings();
        let now = self.now();
        let (mode, until) = match (spoken.lock_mode, spoken.retain_until) {
            (None, None) => {
                let lock = settings.facts.config.object_lock.as_ref();
                let default = lock.and_then(|lock| lock.default);
                return Ok(default.map(|default| default.from(now)));
            }
            (Some(mode), Some(until)) => (mode, until),
            _ => {
                return Err(invalid_argument(
                    "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
                ));
            }
        };
        lock_of(&settings)?;
        self.permit(asking, bucket, Ask::key("s3:PutObjectRetention", key, None))?;
        let mode = LockMode::read(mode).ok_or_else(|| invalid_argument("Unknown wormMode directive."))?;
        let until = moment(until);
        require_future(until, now)?;
        Ok(Some(Retention { mode, until }))
    }

    /// The legal hold that a new version begins with.
    pub(super) fn first_hold(
        &self,
        asking: &Asking,
        (bucket, key): (&Bucket, &str),
        spoken: &Spoken<'_>,
    ) -> S3Result<bool> {
        let Some(status) = spoken.legal_hold else {
            return Ok(false);
        };
        lock_of(&bucket.settings())?;
        self.permit(asking, bucket, Ask::key("s3:PutObjectLegalHold", key, None))?;
        read_hold(status).ok_or_else(|| invalid_argument("Legal Hold must be either of 'ON' or 'OFF'"))
    }

    /// Whether the caller asks to bypass governance and may.
    pub(super) fn bypass(
        &self,
        asking: &Asking,
        (bucket, key): (&Bucket, &str),
        asked: Option<bool>,
    ) -> S3Result<bool> {
        if asked != Some(true) {
            return Ok(false);
        }
        let ask = Ask::key("s3:BypassGovernanceRetention", key, None);
        self.permit(asking, bucket, ask).map(|()| true)
    }

    pub(super) fn put_object_lock_configuration(
        &self,
        request: &S3Request<PutObjectLockConfigurationInput>,
    ) -> S3Result<()> {
        let (asking, input) = (asking(request)?, &request.input);
        let ask = Ask::bucket(
            "s3:PutBucketObjectLockConfiguration",
            input.expected_bucket_owner.as_ref(),
        );
        let bucket = self.permitted(&asking, &input.bucket, ask)?;
        let lock = read_lock(input.object_lock_configuration.as_ref())?;
        if bucket.settings().facts.config.versioning != Some(Versioning::Enabled) {
            return Err(refused(
                S3ErrorCode::InvalidBucketState,
                "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
            ));
        }
        bucket.configure(|settings| settings.facts.config.object_lock = Some(lock))
    }

    pub(super) fn get_object_lock_configuration(
        &self,
        request: &S3Request<GetObjectLockConfigurationInput>,
    ) -> S3Result<GetObjectLockConfigurationOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        let ask = Ask::bucket(
            "s3:GetBucketObjectLockConfiguration",
            input.expected_bucket_owner.as_ref(),
        );
        let settings = self.permitted(&asking, &input.bucket, ask)?.settings();
        let lock = settings.facts.config.object_lock.as_ref().ok_or_else(|| {
            refused(
                S3ErrorCode::ObjectLockConfigurationNotFoundError,
                "Object Lock configuration does not exist for this bucket",
            )
        })?;
        Ok(GetObjectLockConfigurationOutput {
            object_lock_configuration: Some(write_lock(lock)),
        })
    }

    pub(super) fn put_object_retention(&self, request: &S3Request<PutObjectRetentionInput>) -> S3Result<()> {
        let (asking, input) = (asking(request)?, &request.input);
        let actions = ("s3:PutObjectRetention", "s3:PutObjectRetention");
        let (bucket, object) = self.found(&asking, &wanted!(input), actions)?;
        lock_of(&bucket.settings())?;
        let now = self.now();
        let wanted = read_retention(input.retention.as_ref(), now)?;
        let place = (&*bucket, input.key.as_str());
        let bypass = self.bypass(&asking, place, input.bypass_governance_retention)?;
        let changed = bucket.change(&input.key, object.version_id(), |_, state| {
            may_change(state.retention, wanted, (now, bypass))?;
            state.retention = wanted;
            Ok(())
        })?;
        changed.ok_or_else(no_version)?;
        self.replicate_change(&bucket, &input.key, object.version_id())
    }

    pub(super) fn get_object_retention(
        &self,
        request: &S3Request<GetObjectRetentionInput>,
    ) -> S3Result<GetObjectRetentionOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        let actions = ("s3:GetObjectRetention", "s3:GetObjectRetention");
        let (bucket, object) = self.found(&asking, &wanted!(input), actions)?;
        lock_of(&bucket.settings())?;
        let retention = object.state.retention.ok_or_else(no_lock)?;
        Ok(GetObjectRetentionOutput {
            retention: Some(ObjectLockRetention {
                mode: Some(dto::ObjectLockRetentionMode::from_static(retention.mode.name())),
                retain_until_date: Some(timestamp(retention.until)),
            }),
        })
    }

    pub(super) fn put_object_legal_hold(&self, request: &S3Request<PutObjectLegalHoldInput>) -> S3Result<()> {
        let (asking, input) = (asking(request)?, &request.input);
        let actions = ("s3:PutObjectLegalHold", "s3:PutObjectLegalHold");
        let (bucket, object) = self.found(&asking, &wanted!(input), actions)?;
        lock_of(&bucket.settings())?;
        let status = input.legal_hold.as_ref().and_then(|hold| hold.status.as_ref());
        let hold = status
            .and_then(|status| read_hold(status.as_str()))
            .ok_or_else(malformed_xml)?;
        let changed = bucket.change(&input.key, object.version_id(), |_, state| {
            state.legal_hold = hold;
            Ok(())
        })?;
        changed.ok_or_else(no_version)?;
        self.replicate_change(&bucket, &input.key, object.version_id())
    }

    pub(super) fn get_object_legal_hold(
        &self,
        request: &S3Request<GetObjectLegalHoldInput>,
    ) -> S3Result<GetObjectLegalHoldOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        let actions = ("s3:GetObjectLegalHold", "s3:GetObjectLegalHold");
        let (bucket, object) = self.found(&asking, &wanted!(input), actions)?;
        lock_of(&bucket.settings())?;
        Ok(GetObjectLegalHoldOutput {
            legal_hold: Some(dto::ObjectLockLegalHold {
                status: Some(hold_of(&object)),
            }),
        })
    }
}

fn hold_of(object: &Object) -> dto::ObjectLockLegalHoldStatus {
    if object.state.legal_hold {
        return on();
    }
    dto::ObjectLockLegalHoldStatus::from_static(dto::ObjectLockLegalHoldStatus::OFF)
}

fn read_hold(status: &str) -> Option<bool> {
    match status {
        "ON" => Some(true),
        "OFF" => Some(false),
        _ => None,
    }
}

fn no_lock() -> S3Error {
    refused(
        S3ErrorCode::NoSuchObjectLockConfiguration,
        "The specified object does not have a ObjectLock configuration",
    )
}

fn require_future(until: DateTime<Utc>, now: DateTime<Utc>) -> S3Result<()> {
    if until > now {
        return Ok(());
    }
    Err(invalid_argument("The retain until date must be in the future!"))
}

/// A retention with nothing in it takes the old one away.
fn read_retention(given: Option<&ObjectLockRetention>, now: DateTime<Utc>) -> S3Result<Option<Retention>> {
    let given = given.ok_or_else(malformed_xml)?;
    match (&given.mode, &given.retain_until_date) {
        (None, None) => Ok(None),
        (Some(mode), Some(until)) => {
            let mode = LockMode::read(mode.as_str()).ok_or_else(malformed_xml)?;
            let until = moment(until);
            require_future(until, now)?;
            Ok(Some(Retention { mode, until }))
        }
        _ => Err(malformed_xml()),
    }
}

/// A retention in force may be made longer or stricter; governance may be lifted by who may bypass it.
fn may_change(
    old: Option<Retention>,
    new: Option<Retention>,
    (now, bypass): (DateTime<Utc>, bool),
) -> S3Result<()> {
    let Some(old) = old.filter(|old| now < old.until) else {
        return Ok(());
    };
    let at_least = new.is_some_and(|new| {
        let as_strict = new.mode == old.mode || new.mode == LockMode::Compliance;
        new.until >= old.until && as_strict
    });
    let lifted = bypass && old.mode == LockMode::Governance;
    if at_least || lifted {
        return Ok(());
    }
    Err(access_denied(
        "Access Denied because object protected by object lock.",
    ))
}

fn read_lock(given: Option<&dto::ObjectLockConfiguration>) -> S3Result<ObjectLock> {
    let given = given.ok_or_else(malformed_xml)?;
    let enabled = given
        .object_lock_enabled
        .as_ref()
        .map(dto::ObjectLockEnabled::as_str);
    if enabled != Some(dto::ObjectLockEnabled::ENABLED) {
        return Err(malformed_xml());
    }
    let default = match &given.rule {
        Some(rule) => Some(read_default(rule.default_retention.as_ref())?),
        None => None,
    };
    Ok(ObjectLock { default })
}

fn read_default(given: Option<&dto::DefaultRetention>) -> S3Result<DefaultRetention> {
    let given = given.ok_or_else(malformed_xml)?;
    let mode = given.mode.as_ref().and_then(|mode| LockMode::read(mode.as_str()));
    let mode = mode.ok_or_else(malformed_xml)?;
    let positive = |number: i32, most: i32, what: &str| match u32::try_from(number) {
        Ok(number) if number > 0 && number <= most.unsigned_abs() => Ok(number),
        Ok(0) | Err(_) => Err(invalid_argument(
            "Default retention period must be a positive integer value.",
        )),
        Ok(_) => Err(invalid_argument(format!(
            "Default retention period too large: at most {most} {what}"
        ))),
    };
    let period = match (given.days, given.years) {
        (Some(days), None) => Period::Days(positive(days, DAYS_MAX, "days")?),
        (None, Some(years)) => Period::Years(positive(years, YEARS_MAX, "years")?),
        _ => return Err(malformed_xml()),
    };
    Ok(DefaultRetention { mode, period })
}

fn write_lock(lock: &ObjectLock) -> dto::ObjectLockConfiguration {
    let rule = lock.default.map(|default| {
        let (days, years) = match default.period {
            Period::Days(days) => (i32::try_from(days).ok(), None),
            Period::Years(years) => (None, i32::try_from(years).ok()),
        };
        dto::ObjectLockRule {
            default_retention: Some(dto::DefaultRetention {
                days,
                mode: Some(dto::ObjectLockRetentionMode::from_static(default.mode.name())),
                years,
            }),
        }
    });
    dto::ObjectLockConfiguration {
        object_lock_enabled: Some(dto::ObjectLockEnabled::from_static(
            dto::ObjectLockEnabled::ENABLED,
        )),
        rule,
    }
}

impl DefaultRetention {
    fn from(self, now: DateTime<Utc>) -> Retention {
        let until = match self.period {
            Period::Days(days) => now.checked_add_days(Days::new(u64::from(days))),
            Period::Years(years) => now.checked_add_months(Months::new(years * 12)),
        };
        Retention {
            mode: self.mode,
            until: until.unwrap_or(DateTime::<Utc>::MAX_UTC),
        }
    }
}
