//! A deployment: the data platform in one tenant's VPC, and where it stands.
//!
//! What a deployment should be ([`Wanted`]) and what it is ([`Phase`]) are two facts. A person changes
//! the first; only the reconciler changes the second.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    ids::{ConnectionId, DeploymentId, TenantId},
    tenant::{InvalidTransition, TenantState},
};

/// Which sequence of resources a deployment is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// One instance in one public subnet, with a fixed address.
    Single,
    /// Machines in two zones behind a load balancer.
    HighlyAvailable,
}

/// Every profile.
pub const PROFILES: [Profile; 2] = [Profile::Single, Profile::HighlyAvailable];

impl Profile {
    /// Stable name in the database and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::HighlyAvailable => "highly-available",
        }
    }

    /// The profile of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        PROFILES.into_iter().find(|profile| profile.name() == name)
    }
}

/// An AWS region by its code, such as `eu-central-1`. Whether we serve it is the operator's choice;
/// this type only keeps out what cannot be a region.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(String);

/// A text that cannot be a region code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an AWS region code such as eu-central-1")]
pub struct InvalidRegion;

impl Region {
    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Region {
    type Err = InvalidRegion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.rsplit('-');
        let number = parts.next().unwrap_or_default();
        let words: Vec<&str> = parts.collect();
        let lower = |word: &&str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
        let plausible = text.len() <= 32
            && number.len() == 1
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && words.len() >= 2
            && words.iter().all(lower);
        if plausible {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidRegion)
        }
    }
}

impl TryFrom<String> for Region {
    type Error = InvalidRegion;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Region> for String {
    fn from(region: Region) -> Self {
        region.0
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a deployment should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// Everything made and running.
    Present,
    /// Everything made, compute stopped; addresses and volumes kept.
    Stopped,
    /// Nothing left.
    Absent,
}

impl Wanted {
    /// Stable name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Stopped => "stopped",
            Self::Absent => "absent",
        }
    }

    /// The value of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Present, Self::Stopped, Self::Absent]
            .into_iter()
            .find(|one| one.name() == name)
    }

    /// What applies when the deployment is asked to be `self` and its tenant is in `tenant`.
    /// The tenant's state can only take away.
    #[must_use]
    pub const fn under(self, tenant: TenantState) -> Self {
        match (self, tenant) {
            (Self::Absent, _) | (_, TenantState::Offboarding | TenantState::Deleted) => Self::Absent,
            (Self::Stopped, _) | (Self::Present, TenantState::Suspended) => Self::Stopped,
            (Self::Present, TenantState::Active) => Self::Present,
        }
    }
}

/// What is done when a resource is found to be no longer as it was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftPolicy {
    /// It is shown and announced, and nothing is changed.
    Alert,
    /// It is also put right. What holds data is never replaced that way.
    Repair,
}

impl DriftPolicy {
    /// Stable name in the database and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Repair => "repair",
        }
    }

    /// The policy of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Alert, Self::Repair]
            .into_iter()
            .find(|one| one.name() == name)
    }
}

/// Where a deployment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Its plan waits for approval. Nothing exists.
    Planned,
    /// Being made or brought to a new specification.
    Provisioning,
    /// As wanted, and running.
    Ready,
    /// As wanted, and stopped.
    Stopped,
    /// Being taken down.
    Deleting,
    /// Nothing is left, and that is proved.
    Deleted,
    /// Its plan was declined; nothing was ever made.
    Cancelled,
}

/// Every phase, for tables and tests.
pub const PHASES: [Phase; 7] = [
    Phase::Planned,
    Phase::Provisioning,
    Phase::Ready,
    Phase::Stopped,
    Phase::Deleting,
    Phase::Deleted,
    Phase::Cancelled,
];

impl Phase {
    /// Stable name in the database and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Provisioning => "provisioning",
            Self::Ready => "ready",
            Self::Stopped => "stopped",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
            Self::Cancelled => "cancelled",
        }
    }

    /// The phase of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        PHASES.into_iter().find(|phase| phase.name() == name)
    }

    /// True when nothing will happen to it any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Deleted | Self::Cancelled => true,
            Self::Planned | Self::Provisioning | Self::Ready | Self::Stopped | Self::Deleting => false,
        }
    }

    /// The plan was approved.
    ///
    /// # Errors
    /// Refused unless the plan is waiting.
    pub const fn approve(self) -> Result<Self, InvalidTransition> {
        match self {
            Self::Planned => Ok(Self::Provisioning),
            Self::Provisioning
            | Self::Ready
            | Self::Stopped
            | Self::Deleting
            | Self::Deleted
            | Self::Cancelled => Err(InvalidTransition {
                from: self.name(),
                verb: "approve",
            }),
        }
    }

    /// The plan was declined before anything was made.
    ///
    /// # Errors
    /// Refused unless the plan is waiting.
    pub const fn decline(self) -> Result<Self, InvalidTransition> {
        match self {
            Self::Planned => Ok(Self::Cancelled),
            Self::Provisioning
            | Self::Ready
            | Self::Stopped
            | Self::Deleting
            | Self::Deleted
            | Self::Cancelled => Err(InvalidTransition {
                from: self.name(),
                verb: "decline",
            }),
        }
    }

    /// It is to go away, from whatever was made so far. Asking twice is asking once.
    ///
    /// # Errors
    /// Refused where nothing exists to delete.
    pub const fn delete(self) -> Result<Self, InvalidTransition> {
        match self {
            Self::Provisioning | Self::Ready | Self::Stopped | Self::Deleting => Ok(Self::Deleting),
            Self::Planned | Self::Deleted | Self::Cancelled => Err(InvalidTransition {
                from: self.name(),
                verb: "delete",
            }),
        }
    }

    /// The account was found to be as wanted.
    ///
    /// # Errors
    /// Refused for a deployment that is not being reconciled towards `wanted`.
    pub const fn converge(self, wanted: Wanted) -> Result<Self, InvalidTransition> {
        match (self, wanted) {
            (Self::Provisioning | Self::Ready | Self::Stopped, Wanted::Present) => Ok(Self::Ready),
            (Self::Provisioning | Self::Ready | Self::Stopped, Wanted::Stopped) => Ok(Self::Stopped),
            (Self::Deleting, Wanted::Absent) => Ok(Self::Deleted),
            (Self::Provisioning | Self::Ready | Self::Stopped, Wanted::Absent)
            | (Self::Deleting, Wanted::Present | Wanted::Stopped)
            | (Self::Planned | Self::Deleted | Self::Cancelled, _) => Err(InvalidTransition {
                from: self.name(),
                verb: "converge",
            }),
        }
    }
}

/// One deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Its id.
    pub id: DeploymentId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Through which connection its account is reached.
    pub connection_id: ConnectionId,
    /// What it is made of.
    pub profile: Profile,
    /// Where it is.
    pub region: Region,
    /// Size of its instance.
    pub instance_type: String,
    /// What it should be, before the tenant's own state is considered.
    pub wanted: Wanted,
    /// Counts changes of what it should be.
    pub generation: i64,
    /// The generation that the account was last found to match.
    pub observed_generation: i64,
    /// Where it stands.
    pub phase: Phase,
    /// Since when.
    pub phase_since: DateTime<Utc>,
    /// Why nothing goes on at the moment, in words for people; none when it does.
    pub blocked: Option<String>,
    /// True while its work rests by somebody's wish: nothing is looked at or changed.
    pub paused: bool,
    /// What is done about drift.
    pub drift_policy: DriftPolicy,
    /// What the orphan sweep found, once the deployment is deleted.
    pub deletion_proof: Option<serde_json::Value>,
    /// The tenant's state that the reconciler acted on last.
    pub tenant_state_seen: TenantState,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When the row last changed.
    pub updated_at: DateTime<Utc>,
    /// Counts changes of the row, for `If-Match`.
    pub version: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phase_has_its_row() {
        use Phase::{Cancelled, Deleted, Deleting, Planned, Provisioning, Ready, Stopped};
        // phase, approve, decline, delete, converge present, stopped, absent
        type Row = (Phase, [Option<Phase>; 6]);
        let rows: [Row; 7] = [
            (
                Planned,
                [Some(Provisioning), Some(Cancelled), None, None, None, None],
            ),
            (
                Provisioning,
                [None, None, Some(Deleting), Some(Ready), Some(Stopped), None],
            ),
            (
                Ready,
                [None, None, Some(Deleting), Some(Ready), Some(Stopped), None],
            ),
            (
                Stopped,
                [None, None, Some(Deleting), Some(Ready), Some(Stopped), None],
            ),
            (Deleting, [None, None, Some(Deleting), None, None, Some(Deleted)]),
            (Deleted, [None; 6]),
            (Cancelled, [None; 6]),
        ];
        assert_eq!(rows.map(|(phase, _)| phase), PHASES);
        for (phase, expected) in rows {
            let got = [
                phase.approve(),
                phase.decline(),
                phase.delete(),
                phase.converge(Wanted::Present),
                phase.converge(Wanted::Stopped),
                phase.converge(Wanted::Absent),
            ];
            assert_eq!(got.map(Result::ok), expected, "{phase:?}");
            assert_eq!(Phase::from_name(phase.name()), Some(phase));
        }
    }

    #[test]
    fn a_tenants_state_only_takes_away() {
        let rows = [
            (Wanted::Present, TenantState::Active, Wanted::Present),
            (Wanted::Present, TenantState::Suspended, Wanted::Stopped),
            (Wanted::Present, TenantState::Offboarding, Wanted::Absent),
            (Wanted::Present, TenantState::Deleted, Wanted::Absent),
            (Wanted::Stopped, TenantState::Active, Wanted::Stopped),
            (Wanted::Absent, TenantState::Active, Wanted::Absent),
            (Wanted::Absent, TenantState::Suspended, Wanted::Absent),
        ];
        for (asked, tenant, effective) in rows {
            assert_eq!(asked.under(tenant), effective, "{asked:?} under {tenant:?}");
        }
    }

    #[test]
    fn regions_are_told_from_other_text() {
        for good in ["eu-central-1", "us-east-1", "us-gov-west-1", "ap-southeast-2"] {
            assert_eq!(good.parse::<Region>().map(String::from), Ok(good.to_owned()));
        }
        for bad in [
            "",
            "eu",
            "eu-1",
            "EU-central-1",
            "eu-central-12",
            "eu--1",
            "eu-central-1 ",
            "x/../y-1",
        ] {
            assert_eq!(bad.parse::<Region>(), Err(InvalidRegion), "{bad}");
        }
    }
}
