//! Putting right what drifted, where the tenant's policy says so.
//!
//! Drift is repaired without an operation, so only as far as nothing is lost by it: what holds data is never made
//! anew, and never taken away.

use tenant_model::{
    convergence::{Call, Effect, Next},
    deployment::DriftPolicy,
};

use super::case::Case;

/// The call that repairs a resource, if it may be repaired.
pub(super) fn call(case: &Case, name: &str) -> Option<Call> {
    if case.deployment.drift_policy != DriftPolicy::Repair {
        return None;
    }
    let call = match case.next(name) {
        Next::Call(call) => Some(call),
        Next::Settled => case.excess(name),
        Next::Wait | Next::Stuck(_) => None,
    };
    call.filter(|call| may(case, name, call))
}

fn may(case: &Case, name: &str, call: &Call) -> bool {
    let stateful = case
        .blueprint
        .find(name)
        .is_none_or(|resource| resource.spec.kind().is_stateful());
    match call.effect() {
        Effect::Create | Effect::Delete => !stateful,
        Effect::Update | Effect::Detach => true,
    }
}
