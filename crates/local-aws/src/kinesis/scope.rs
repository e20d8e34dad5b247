//! Who calls, from where and when: what every operation asks before it does anything.

use std::sync::atomic::Ordering;

use chrono::{DateTime, TimeDelta, Utc};

use super::Key;
use super::wire::Refusal;
use crate::control::{Failing, Fault};
use crate::core::Core;
use crate::iam::policy::Context;
use crate::service::Call;

/// One call, and the endpoint it reached.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(super) core: &'a Core,
    pub(super) call: &'a Call,
}

impl<'a> Scope<'a> {
    pub(super) fn account(self) -> &'a str {
        &self.call.caller.account
    }

    pub(super) fn region(self) -> &'a str {
        &self.call.region
    }

    pub(super) fn principal(self) -> &'a str {
        &self.call.caller.principal_arn
    }

    pub(super) fn now(self) -> DateTime<Utc> {
        self.call.now
    }

    /// The facts of the request, to which an operation adds tags.
    pub(super) fn context(self) -> Context {
        self.call.context()
    }

    pub(super) fn key(self, name: &str) -> Key {
        Key {
            account: self.account().to_owned(),
            region: self.region().to_owned(),
            name: name.to_owned(),
        }
    }

    pub(super) fn arn(self, name: &str) -> String {
        let (region, account) = (self.region(), self.account());
        format!("arn:aws:kinesis:{region}:{account}:stream/{name}")
    }

    /// Asks the caller's policies about the running operation on an ARN.
    pub(super) fn permit(self, arn: &str, context: &Context) -> Result<(), Refusal> {
        let action = format!("kinesis:{}", self.call.operation);
        self.core
            .authorize(&self.call.caller, &action, arn, context)
            .map_err(|denied| Refusal::new("AccessDeniedException", denied.message()))
    }

    /// When something that takes so long on AWS is done here.
    pub(super) fn done_after(self, typical: TimeDelta) -> DateTime<Utc> {
        self.now() + self.core.latency.of(typical)
    }

    /// Whether a shard's rates are held against callers.
    pub(super) fn rates_enforced(self) -> bool {
        self.core.kinesis_rates.load(Ordering::Relaxed)
    }

    /// What decides which records of this call to a stream fail; `None` without such a fault.
    pub(super) fn failing(self, stream: &str) -> Option<Failing> {
        let per_million = self.call.failing_per_million;
        (per_million > 0).then(|| self.core.faults.failing(per_million, stream))
    }

    /// Whether a fault lets the disk take nothing of this call.
    pub(super) fn disk_full(self) -> bool {
        self.call.fault == Some(Fault::DiskFull)
    }
}
