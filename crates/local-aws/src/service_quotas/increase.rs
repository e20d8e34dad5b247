//! Requests to raise a quota: a case is opened, and after a while the new value is applied.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::catalogue::{Quota, service_name};

/// How long AWS takes to grant a modest increase, typically.
const GRANTED_AFTER: TimeDelta = TimeDelta::minutes(30);

/// One request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Increase {
    pub(super) id: String,
    pub(super) code: String,
    pub(super) desired: u64,
    pub(super) asked_at: DateTime<Utc>,
    pub(super) granted_at: DateTime<Utc>,
    pub(super) requester: String,
    pub(super) case_id: String,
}

impl Increase {
    /// When a request of now is granted: `scale` is the latency model.
    pub(super) fn due(now: DateTime<Utc>, scale: impl Fn(TimeDelta) -> TimeDelta) -> DateTime<Utc> {
        now + scale(GRANTED_AFTER)
    }

    pub(super) fn is_granted(&self, now: DateTime<Utc>) -> bool {
        self.granted_at <= now
    }

    /// `PENDING` at first, then a case, then approved.
    pub(super) fn status(&self, now: DateTime<Utc>) -> &'static str {
        if self.is_granted(now) {
            "APPROVED"
        } else if now > self.asked_at {
            "CASE_OPENED"
        } else {
            "PENDING"
        }
    }

    pub(super) fn view(&self, quota: &Quota, place: (&str, &str), now: DateTime<Utc>) -> Value {
        let (account, region) = place;
        let updated = if self.is_granted(now) {
            self.granted_at
        } else {
            self.asked_at
        };
        json!({
            "Id": self.id,
            "CaseId": self.case_id,
            "ServiceCode": quota.service,
            "ServiceName": service_name(quota.service),
            "QuotaCode": quota.code,
            "QuotaName": quota.name,
            "QuotaArn": super::arn(quota, account, region),
            "DesiredValue": self.desired,
            "Status": self.status(now),
            "Created": self.asked_at.timestamp(),
            "LastUpdated": updated.timestamp(),
            "Requester": json!({ "accountId": account, "callerArn": self.requester }).to_string(),
            "GlobalQuota": quota.global,
            "Unit": "None",
        })
    }
}
