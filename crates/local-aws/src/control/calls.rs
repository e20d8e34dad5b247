//! The log of calls, as CloudTrail would tell it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::auth::Caller;

/// Most calls kept; the oldest go first.
const CALLS_MAX: usize = 200_000;

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
    pub session_tags: BTreeMap<String, String>,
    /// The caller's source identity.
    pub source_identity: Option<String>,
    /// ARNs of resources that belong to somebody else: the role that an AssumeRole names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// `OK`, or the error code answered. An answer that a fault swallowed keeps the code it would have had.
    pub code: String,
    /// The request id in the answer.
    pub request_id: String,
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
        }
    }
}

/// The log.
#[derive(Default)]
pub(crate) struct CallLog(Mutex<VecDeque<CallRecord>>);

impl CallLog {
    pub(crate) fn record(&self, call: CallRecord) {
        let mut calls = self.0.lock().expect("no holder panics");
        if calls.len() == CALLS_MAX {
            calls.pop_front();
        }
        calls.push_back(call);
    }

    pub(crate) fn all(&self) -> Vec<CallRecord> {
        self.0.lock().expect("no holder panics").iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().expect("no holder panics").clear();
    }
}
