//! What a fault costs before and after, and what cannot be undone.

use serde::{Deserialize, Serialize};

use super::{Change, PlanInput, PlanLine};
use crate::{
    blueprint::Kind,
    deployment::{Profile, Wanted},
};

/// What one kind of fault costs, as promised and as measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    /// What is lost: `instance` or `zone`.
    pub fault: String,
    /// Longest time until it serves again.
    pub rto_seconds: u32,
    /// Longest span of lost data.
    pub rpo_seconds: u32,
    /// How.
    pub how: String,
    /// What a drill last showed; none yet, because no drill was held.
    pub measured_rto_seconds: Option<u32>,
}

/// Promises before and after.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recovery {
    /// Until now; empty when there is nothing yet.
    pub before: Vec<Promise>,
    /// Afterwards; empty when there will be nothing.
    pub after: Vec<Promise>,
}

pub(super) fn recovery(input: &PlanInput<'_>) -> Recovery {
    let before = input
        .previous
        .filter(|previous| previous.wanted == Wanted::Present);
    let before = before.map(|previous| promises(previous.blueprint.design.profile));
    let after = match input.wanted {
        Wanted::Present => promises(input.blueprint.design.profile),
        Wanted::Stopped | Wanted::Absent => Vec::new(),
    };
    Recovery {
        before: before.unwrap_or_default(),
        after,
    }
}

fn promises(profile: Profile) -> Vec<Promise> {
    let promise = |fault: &str, (rto_seconds, rpo_seconds): (u32, u32), how: &str| Promise {
        fault: fault.to_owned(),
        rto_seconds,
        rpo_seconds,
        how: how.to_owned(),
        measured_rto_seconds: None,
    };
    match profile {
        // Nothing is promised for the loss of its zone: it stands in one.
        Profile::Single => vec![promise(
            "instance",
            (600, 0),
            "the machine starts again with its volume and address",
        )],
        Profile::HighlyAvailable => vec![
            promise(
                "instance",
                (30, 0),
                "the load balancer leaves the machine out after two bad answers; Auto Scaling replaces it",
            ),
            promise(
                "zone",
                (120, 0),
                "the other zone serves alone; the database's standby takes over",
            ),
        ],
    }
}

/// What the person who approves must know, because nothing brings it back.
pub(super) fn irreversible(input: &PlanInput<'_>, lines: &[PlanLine]) -> Vec<String> {
    let gone = |kind: Kind| {
        let mut lines = lines.iter();
        lines.any(|line| line.change == Change::Delete && line.kind == kind)
    };
    let mut words = Vec::new();
    if gone(Kind::Instance) {
        words.push("the data on the machine's volume goes with it".to_owned());
    }
    if gone(Kind::Database) {
        words.push("the database goes with all its data and backups".to_owned());
    }
    if gone(Kind::ElasticIp) {
        words.push("the public address is given back and cannot be had again".to_owned());
    }
    if input.wanted == Wanted::Absent && input.retention.database_snapshot_days.is_none() && !lines.is_empty()
    {
        words.push("nothing is kept in the account; a deletion cannot be taken back".to_owned());
    }
    words
}
