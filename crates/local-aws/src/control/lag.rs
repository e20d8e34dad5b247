//! Eventual consistency on request: describe calls that do not see a new resource yet, roles that cannot be
//! assumed yet, instances that take their time. Off unless switched on; seeded per resource.

use std::sync::Mutex;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::stable_hash;
use crate::lock;

/// The longest delays. Each resource gets its own, between nothing and the longest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LagSettings {
    /// Describe calls may miss a new resource for up to this long, on the endpoint's clock.
    #[serde(default)]
    pub describe_ms_max: u32,
    /// A new role, or a new trust policy, may not work for up to this long.
    #[serde(default)]
    pub role_ms_max: u32,
    /// A change of a role's or user's permissions may not count for up to this long.
    #[serde(default)]
    pub policy_ms_max: u32,
    /// The tagging API may miss a new resource, and go on listing a deleted one, for up to this long.
    #[serde(default)]
    pub tags_ms_max: u32,
    /// An instance takes exactly this long to start, stop or end.
    #[serde(default)]
    pub instance_ms: u32,
}

/// The lag in force.
pub(crate) struct Lag {
    seed: u64,
    settings: Mutex<LagSettings>,
}

impl Lag {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            settings: Mutex::default(),
        }
    }

    pub(crate) fn set(&self, settings: LagSettings) {
        *lock::held(&self.settings) = settings;
    }

    pub(crate) fn settings(&self) -> LagSettings {
        *lock::held(&self.settings)
    }

    /// Whether a describe call at `now` sees the resource.
    pub(crate) fn sees(&self, id: &str, created_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        self.arrived(self.settings().describe_ms_max, id, created_at, now)
    }

    /// Whether a role made at `created_at` can be assumed at `now`.
    pub(crate) fn role_works(&self, role_id: &str, created_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        self.arrived(self.settings().role_ms_max, role_id, created_at, now)
    }

    /// Whether a change that a principal's permissions went through at `changed_at` counts at `now`.
    pub(crate) fn policy_counts(
        &self,
        principal_id: &str,
        changed_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> bool {
        self.arrived(self.settings().policy_ms_max, principal_id, changed_at, now)
    }

    /// Whether the tagging API's index knows at `now` what became of a resource at `changed_at`.
    pub(crate) fn is_indexed(&self, arn: &str, changed_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        self.arrived(self.settings().tags_ms_max, arn, changed_at, now)
    }

    fn arrived(&self, ms_max: u32, id: &str, created_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        let delay = stable_hash(self.seed, id) % (u64::from(ms_max) + 1);
        now >= created_at + TimeDelta::milliseconds(i64::try_from(delay).unwrap_or(i64::MAX))
    }
}
