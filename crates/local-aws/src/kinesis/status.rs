//! What a stream is busy with: CREATING, UPDATING, DELETING, and what it is when that is over.
//!
//! Nothing runs in the background. A change that takes time is written down with the moment it will be done, and the
//! first look after that moment carries it out. Source: API_StreamDescriptionSummary, "StreamStatus".

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::reshard::{self, Reshard};
use super::stream::{Stream, StreamFacts};
use super::wire::Refusal;

/// Typical times of AWS, which documents "a few seconds" to "a few minutes" only.
pub(super) const CREATION: TimeDelta = TimeDelta::seconds(15);
pub(super) const DELETION: TimeDelta = TimeDelta::seconds(20);
pub(super) const RESHARDING: TimeDelta = TimeDelta::seconds(30);
pub(super) const MODE_CHANGE: TimeDelta = TimeDelta::seconds(20);

/// A change under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Busy {
    pub(super) with: Work,
    /// When it is done.
    pub(super) until: DateTime<Utc>,
}

/// What a stream can be busy with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Work {
    Creation,
    /// Shards change when it is done; until then the old ones take records.
    Resharding(Reshard),
    ModeChange,
    Deletion,
}

impl Work {
    fn status(&self) -> &'static str {
        match self {
            Self::Creation => "CREATING",
            Self::Resharding(_) | Self::ModeChange => "UPDATING",
            Self::Deletion => "DELETING",
        }
    }
}

/// Whether a stream still is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Alive,
    /// Its deletion is over.
    Over,
}

impl StreamFacts {
    pub(crate) fn status(&self) -> &'static str {
        self.busy.as_ref().map_or("ACTIVE", |busy| busy.with.status())
    }

    pub(crate) fn is_creating(&self) -> bool {
        self.status() == "CREATING"
    }

    /// Most changes want a stream at rest.
    pub(super) fn require_active(&self) -> Result<(), Refusal> {
        match self.status() {
            "ACTIVE" => Ok(()),
            status => Err(Refusal::in_use(format!(
                "Stream {} under account {} not ACTIVE, instead in state {status}",
                self.name, self.account
            ))),
        }
    }
}

impl Stream {
    /// Carries out what has come due.
    pub(crate) fn settle(&self, now: DateTime<Utc>) -> Life {
        let due = match &self.read().facts.busy {
            Some(busy) if busy.until <= now => busy.clone(),
            _ => return Life::Alive,
        };
        if due.with == Work::Deletion {
            return Life::Over;
        }
        let mut topology = self.write();
        // Somebody else may have settled it between the two locks.
        if topology.facts.busy.as_ref() != Some(&due) {
            return Life::Alive;
        }
        let mut facts = topology.facts.clone();
        facts.busy = None;
        if let Work::Resharding(change) = &due.with
            && let Err(refusal) = reshard::apply(&topology, &mut facts, change, due.until)
        {
            // It was checked when it was asked for, and nothing else could change the shards since.
            tracing::error!(?refusal, "a reshard that was accepted cannot be carried out");
        }
        if let Err(refusal) = self.replace_facts(&mut topology, facts) {
            tracing::error!(?refusal, "a stream's change waits for its disk");
        }
        Life::Alive
    }
}
