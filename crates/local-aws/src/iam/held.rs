//! What a role or a user holds: inline policies, attached policies and a boundary, and since when.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::control::Lag;
use crate::iam::policy::Document;

/// The policies of a role or a user.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Permissions {
    pub(crate) inline: BTreeMap<String, Document>,
    /// ARNs of managed policies.
    pub(crate) attached: Vec<String>,
    /// ARN of a managed policy.
    pub(crate) boundary: Option<String>,
}

/// The policies, and while a change may still be on its way, those before it.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Held {
    #[serde(flatten)]
    now: Permissions,
    #[serde(default)]
    before: Option<Before>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Before {
    permissions: Permissions,
    changed_at: DateTime<Utc>,
}

impl Held {
    /// What a new role or user holds: it counts at once, because nothing was there before.
    pub(crate) fn new(now: Permissions) -> Self {
        Self { now, before: None }
    }

    /// The policies as IAM's own operations tell them.
    pub(crate) fn now(&self) -> &Permissions {
        &self.now
    }

    /// Changes the policies. IAM itself sees it at once, the services when it has reached them.
    pub(crate) fn change<T>(
        &mut self,
        at: DateTime<Utc>,
        lag: &Lag,
        change: impl FnOnce(&mut Permissions) -> T,
    ) -> T {
        self.before = (lag.settings().policy_ms_max > 0).then(|| Before {
            permissions: self.now.clone(),
            changed_at: at,
        });
        change(&mut self.now)
    }

    /// The policies that count when a service decides.
    pub(crate) fn counting(&self, id: &str, lag: &Lag, now: DateTime<Utc>) -> &Permissions {
        match &self.before {
            Some(before) if !lag.policy_counts(id, before.changed_at, now) => &before.permissions,
            Some(_) | None => &self.now,
        }
    }
}
