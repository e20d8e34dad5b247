//! The log of calls, as CloudTrail would tell it.

use std::collections::VecDeque;
use std::sync::Mutex;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::auth::Caller;
use crate::cloudtrail::is_data_event;
use crate::lock;
use crate::tags::Tags;

/// Most calls kept that are not about data; the oldest go first.
const CALLS_MAX: usize = 200_000;
/// Most calls kept that move records and objects, beside the others: they must not push those out.
const DATA_CALLS_MAX: usize = 50_000;

/// One call and its outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRecord {
    /// The endpoint's time.
    pub at: DateTime<Utc>,
    /// The calling account; empty when the caller could not be told.
    pub account: String,
    /// The region of the credential scope.
    pub region: String,
    /// The service's signing name, such as `ec2`.
    pub service: String,
    /// The operation's name, such as `RunInstances`.
    pub operation: String,
    /// The caller's ARN; empty when it could not be told.
    pub principal: String,
    /// The caller's session tags.
    pub session_tags: Tags,
    /// The caller's source identity.
    pub source_identity: Option<String>,
    /// ARNs of resources that belong to somebody else: the role that an AssumeRole names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// `OK`, or the error code answered. An answer that a fault swallowed keeps the code it would have had.
    pub code: String,
    /// The request id in the answer.
    pub request_id: String,
    /// The access key id that signed; empty without a signature that can be read.
    #[serde(default)]
    pub access_key_id: String,
    /// The unique id of the principal, as `aws:userid` has it; empty when the caller could not be told.
    #[serde(default)]
    pub principal_id: String,
    /// The role behind a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_issuer: Option<SessionIssuer>,
    /// Where the call came from.
    #[serde(default)]
    pub source_ip: String,
    /// What the client calls itself, cut after 256 characters.
    #[serde(default)]
    pub user_agent: String,
    /// The parameters as CloudTrail shows them: a JSON object without secrets, `{"omitted":true}` when it is long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Box<str>>,
}

/// The role that a session is one of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionIssuer {
    /// The role's ARN.
    pub arn: String,
    /// The role's unique id.
    pub id: String,
    /// When the session began.
    pub issued_at: DateTime<Utc>,
}

impl CallRecord {
    /// A record with the caller's facts filled in, when there is a caller.
    pub(crate) fn new(
        at: DateTime<Utc>,
        caller: Option<&Caller>,
        target: (&str, &str, &str),
        code: &str,
    ) -> Self {
        let (region, service, operation) = target;
        Self {
            at,
            account: caller.map(|caller| caller.account.clone()).unwrap_or_default(),
            region: region.to_owned(),
            service: service.to_owned(),
            operation: operation.to_owned(),
            principal: caller
                .map(|caller| caller.principal_arn.clone())
                .unwrap_or_default(),
            session_tags: caller.map(Caller::session_tags).unwrap_or_default(),
            source_identity: caller.and_then(Caller::source_identity).map(str::to_owned),
            resources: Vec::new(),
            code: code.to_owned(),
            request_id: String::new(),
            access_key_id: String::new(),
            principal_id: caller.map(Caller::user_id).unwrap_or_default(),
            session_issuer: caller.and_then(SessionIssuer::of),
            source_ip: String::new(),
            user_agent: String::new(),
            parameters: None,
        }
    }
}

impl SessionIssuer {
    fn of(caller: &Caller) -> Option<Self> {
        let session = caller.session.as_ref()?;
        Some(Self {
            arn: session.role_arn.clone(),
            id: session.role_id.clone(),
            issued_at: session.issued_at,
        })
    }
}

/// The log. Calls are numbered as they come, so that both parts can be told as one.
#[derive(Default)]
pub(crate) struct CallLog(Mutex<Parts>);

#[derive(Default)]
struct Parts {
    next: u64,
    management: VecDeque<(u64, CallRecord)>,
    data: VecDeque<(u64, CallRecord)>,
}

impl CallLog {
    pub(crate) fn record(&self, call: CallRecord) {
        let mut parts = lock::held(&self.0);
        let number = parts.next;
        parts.next += 1;
        let (part, calls_max) = match is_data_event(&call.service, &call.operation) {
            true => (&mut parts.data, DATA_CALLS_MAX),
            false => (&mut parts.management, CALLS_MAX),
        };
        if part.len() == calls_max {
            part.pop_front();
        }
        part.push_back((number, call));
    }

    /// Every call that is kept, oldest first.
    pub(crate) fn all(&self) -> Vec<CallRecord> {
        let parts = lock::held(&self.0);
        let mut calls: Vec<&(u64, CallRecord)> = parts.management.iter().chain(&parts.data).collect();
        calls.sort_unstable_by_key(|(number, _)| *number);
        calls.into_iter().map(|(_, call)| call.clone()).collect()
    }

    /// The management events that are kept and wanted, with their numbers, oldest first.
    pub(crate) fn management(&self, wanted: impl Fn(&CallRecord) -> bool) -> Vec<(u64, CallRecord)> {
        let parts = lock::held(&self.0);
        let found = parts.management.iter().filter(|(_, call)| wanted(call));
        found.cloned().collect()
    }

    pub(crate) fn clear(&self) {
        let mut parts = lock::held(&self.0);
        parts.management.clear();
        parts.data.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(service: &str, operation: &str) -> CallRecord {
        let target = ("eu-central-1", service, operation);
        CallRecord::new(DateTime::UNIX_EPOCH, None, target, "OK")
    }

    #[test]
    fn calls_that_move_data_push_no_others_out_of_the_log() {
        let log = CallLog::default();
        log.record(call("ec2", "CreateVpc"));
        for _ in 0..=DATA_CALLS_MAX {
            log.record(call("s3", "PutObject"));
        }
        log.record(call("ec2", "DeleteVpc"));

        let all = log.all();
        assert_eq!(all.len(), DATA_CALLS_MAX + 2);
        assert_eq!(all[0].operation, "CreateVpc");
        assert_eq!(all.last().expect("a call").operation, "DeleteVpc");
        assert_eq!(log.management(|_| true).len(), 2);
    }
}
