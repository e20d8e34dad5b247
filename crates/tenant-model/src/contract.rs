//! What an operation's plan was made for and who agreed to it.
//!
//! A change or a deletion begins as a proposal: nothing of it is written down as wanted before enough people have
//! approved the plan by its hash and a worker has found the account as the plan says.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{blueprint::Blueprint, deployment::Wanted, operation::OperationKind};

/// Longest time for which something may be kept after a deletion.
pub const KEPT_DAYS_MAX: u32 = 3_650;

/// What stays in the customer's account after a deletion.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// Days for which a last snapshot of the database is kept; none keeps nothing.
    #[serde(default)]
    pub database_snapshot_days: Option<u32>,
}

/// Something that stays after a deletion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// What.
    pub what: String,
    /// For how many days after the deletion; none when it has an end date of its own.
    pub days: Option<u32>,
    /// Why.
    pub why: String,
}

impl Retention {
    /// What stays once `wanted` is reached.
    #[must_use]
    pub fn kept(&self, wanted: Wanted) -> Vec<Kept> {
        if wanted != Wanted::Absent {
            return Vec::new();
        }
        let snapshot = self.database_snapshot_days.map(|days| Kept {
            what: "a last snapshot of the database".to_owned(),
            days: Some(days),
            why: "you asked for it".to_owned(),
        });
        let records = Kept {
            what: "records outside your account: audit, usage and the proof of the deletion".to_owned(),
            days: None,
            why: "they have end dates of their own".to_owned(),
        };
        snapshot.into_iter().chain([records]).collect()
    }
}

/// What is written down as wanted once the plan is approved and still true.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// What the resources should be.
    pub blueprint: Blueprint,
    /// What should become of them.
    pub wanted: Wanted,
}

/// One person's agreement to one plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub by: String,
    /// To which plan.
    pub plan_hash: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// How many people must agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quorum {
    /// Different people.
    pub approvals: u8,
    /// Whose approval is enough alone, because the tenant has nobody else who could give the second.
    pub alone: Option<String>,
}

impl Default for Quorum {
    fn default() -> Self {
        Self {
            approvals: 1,
            alone: None,
        }
    }
}

impl Quorum {
    /// A deletion takes two people. Where the tenant has one admin only, that admin's approval is enough; an operator
    /// is always one of two.
    #[must_use]
    pub fn of(kind: OperationKind, admins: &[String]) -> Self {
        match (kind, admins) {
            (OperationKind::Delete, [only]) => Self {
                approvals: 2,
                alone: Some(only.clone()),
            },
            (OperationKind::Delete, _) => Self {
                approvals: 2,
                alone: None,
            },
            (
                OperationKind::Provision
                | OperationKind::Change
                | OperationKind::Suspend
                | OperationKind::Resume,
                _,
            ) => Self::default(),
        }
    }

    fn is_met(&self, people: &BTreeSet<&str>) -> bool {
        let alone = self.alone.as_deref().is_some_and(|alone| people.contains(alone));
        alone || people.len() >= usize::from(self.approvals)
    }
}

/// A plan that was replaced because what it was computed from has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Superseded {
    /// Its hash.
    pub plan_hash: String,
    /// What has changed: names of parts of [`crate::plan::Bound`].
    pub moved: Vec<String>,
    /// When that was found.
    pub at: DateTime<Utc>,
}

/// The agreement under an operation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contract {
    /// What approval leads to; none when it was written down already, or never was a proposal.
    #[serde(default)]
    pub proposal: Option<Proposal>,
    /// What stays after a deletion.
    #[serde(default)]
    pub retention: Retention,
    /// Minutes from the approval after which it is late.
    #[serde(default)]
    pub deadline_minutes: Option<u32>,
    /// Who must agree.
    #[serde(default)]
    pub quorum: Quorum,
    /// Who has agreed, to the present plan or an older one.
    #[serde(default)]
    pub approvals: Vec<Approval>,
    /// The plan before the present one.
    #[serde(default)]
    pub superseded: Option<Superseded>,
}

impl Contract {
    /// A proposal that nobody has agreed to yet.
    #[must_use]
    pub fn proposing(proposal: Proposal, retention: Retention) -> Self {
        Self {
            proposal: Some(proposal),
            retention,
            ..Self::default()
        }
    }

    /// Notes an agreement. Agreeing twice is agreeing once.
    pub fn approve(&mut self, approval: Approval) {
        let known = |other: &Approval| other.by == approval.by && other.plan_hash == approval.plan_hash;
        if !self.approvals.iter().any(known) {
            self.approvals.push(approval);
        }
    }

    /// Who has agreed to the plan of that hash.
    #[must_use]
    pub fn approvers(&self, plan_hash: &str) -> BTreeSet<&str> {
        let to_this = self.approvals.iter().filter(|one| one.plan_hash == plan_hash);
        to_this.map(|one| one.by.as_str()).collect()
    }

    /// True when enough people have agreed to the plan of that hash.
    #[must_use]
    pub fn is_approved(&self, plan_hash: &str) -> bool {
        self.quorum.is_met(&self.approvers(plan_hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contract(admins: &[&str], approvers: &[&str]) -> Contract {
        let admins: Vec<String> = admins.iter().map(|&admin| admin.to_owned()).collect();
        let mut contract = Contract {
            quorum: Quorum::of(OperationKind::Delete, &admins),
            ..Contract::default()
        };
        for by in approvers {
            contract.approve(Approval {
                by: (*by).to_owned(),
                plan_hash: "now".to_owned(),
                at: DateTime::UNIX_EPOCH,
            });
        }
        contract
    }

    #[test]
    fn a_deletion_takes_two_people_unless_the_tenant_has_only_one() {
        let rows: [(&[&str], &[&str], bool); 8] = [
            (&["ada", "bob"], &["ada"], false),
            (&["ada", "bob"], &["ada", "ada"], false),
            (&["ada", "bob"], &["ada", "bob"], true),
            (&["ada", "bob"], &["ada", "operator"], true),
            (&["ada"], &["ada"], true),
            (&["ada"], &["operator"], false),
            (&["ada"], &["operator", "other operator"], true),
            (&[], &["operator"], false),
        ];
        for (admins, approvers, enough) in rows {
            let approved = contract(admins, approvers).is_approved("now");
            assert_eq!(approved, enough, "{admins:?} {approvers:?}");
        }
    }

    #[test]
    fn an_approval_of_another_plan_counts_for_nothing() {
        let agreed = contract(&["ada", "bob"], &["ada", "bob"]);
        assert!(agreed.is_approved("now") && !agreed.is_approved("later"));
    }

    #[test]
    fn what_is_made_takes_one_person() {
        for kind in [
            OperationKind::Provision,
            OperationKind::Change,
            OperationKind::Suspend,
            OperationKind::Resume,
        ] {
            assert_eq!(Quorum::of(kind, &[]), Quorum::default());
        }
    }
}
