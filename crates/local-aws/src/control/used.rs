//! What roles asked to be allowed, and what was decided: for holding a role's policy against what is done with it.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::auth::Caller;
use crate::lock::held;
use crate::tags::Tags;

/// Most decisions kept; later ones are left out.
const USED_MAX: usize = 100_000;

/// One decision about a session of a role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Used {
    /// The calling account.
    pub account: String,
    /// The role behind the session.
    pub role_arn: String,
    /// The action in the words of a policy.
    pub action: String,
    /// The resource's ARN, or `*`.
    pub resource: String,
    /// Whether it was allowed.
    pub allowed: bool,
    /// The session's tags.
    pub session_tags: Tags,
}

/// The log of decisions; off at start.
#[derive(Default)]
pub(crate) struct UsedLog {
    on: AtomicBool,
    used: Mutex<BTreeSet<Used>>,
}

impl UsedLog {
    pub(crate) fn switch(&self, on: bool) {
        self.on.store(on, Ordering::Relaxed);
        held(&self.used).clear();
    }

    pub(crate) fn of(&self, account: &str) -> Vec<Used> {
        let used = held(&self.used);
        used.iter()
            .filter(|one| one.account == account)
            .cloned()
            .collect()
    }

    /// Notes a decision about a session; of others nothing is kept.
    pub(crate) fn note(&self, caller: &Caller, (action, resource): (&str, &str), allowed: bool) {
        if !self.on.load(Ordering::Relaxed) {
            return;
        }
        let Some(session) = &caller.session else { return };
        let mut used = held(&self.used);
        if used.len() < USED_MAX {
            used.insert(Used {
                account: caller.account.clone(),
                role_arn: session.role_arn.clone(),
                action: action.to_owned(),
                resource: resource.to_owned(),
                allowed,
                session_tags: caller.session_tags(),
            });
        }
    }
}
