//! States of the ledger's rows, and which may follow which.

use std::fmt;
use std::str::FromStr;

/// How far a batch is. Each step leaves something a crash cannot undo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BatchState {
    /// The input is fixed; nothing is known to be written.
    Planned,
    /// All files are in the bucket and recorded.
    Written,
    /// The manifest is in the bucket and in the chain: readers count the rows.
    Committed,
}

/// How far the load of a batch into a warehouse is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// Waiting for its turn or for the next attempt.
    Pending,
    /// The attempt and its token are stored; the call may or may not have been made.
    Submitting,
    /// The warehouse has given a statement id.
    Submitted,
    /// The answer was lost: only the warehouse's own ledger knows. Settled by looking.
    Unknown,
    /// The rows are in the warehouse.
    Finished,
    /// Rows and sums of source, bucket and warehouse are equal.
    Verified,
    /// A newer revision of the window is loaded; ours must not be.
    Superseded,
    /// The warehouse refused, or the three counts differ. An operator looks.
    Failed,
}

/// A delivery cannot go from one state to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a {from} delivery cannot become {to}")]
pub struct InvalidDeliveryState {
    from: DeliveryState,
    to: DeliveryState,
}

/// A text that names no state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown state {0:?}")]
pub struct UnknownState(String);

impl DeliveryState {
    /// Every state, in the order of a life.
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::Submitting,
        Self::Submitted,
        Self::Unknown,
        Self::Finished,
        Self::Verified,
        Self::Superseded,
        Self::Failed,
    ];

    /// The next state, or why it may not follow.
    pub fn become_(self, next: Self) -> Result<Self, InvalidDeliveryState> {
        let allowed: &[Self] = match self {
            Self::Pending => &[Self::Submitting],
            // Pending again: the call was refused before it could have an effect.
            Self::Submitting => &[Self::Submitted, Self::Unknown, Self::Pending],
            Self::Submitted => &[
                Self::Finished,
                Self::Pending,
                Self::Superseded,
                Self::Failed,
                Self::Unknown,
            ],
            Self::Unknown => &[Self::Finished, Self::Pending],
            Self::Finished => &[Self::Verified, Self::Failed],
            Self::Verified | Self::Superseded | Self::Failed => &[],
        };
        if !allowed.contains(&next) {
            return Err(InvalidDeliveryState { from: self, to: next });
        }
        Ok(next)
    }

    /// The word in the database and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Submitting => "submitting",
            Self::Submitted => "submitted",
            Self::Unknown => "unknown",
            Self::Finished => "finished",
            Self::Verified => "verified",
            Self::Superseded => "superseded",
            Self::Failed => "failed",
        }
    }
}

impl BatchState {
    /// Every state, in order.
    pub const ALL: [Self; 3] = [Self::Planned, Self::Written, Self::Committed];

    /// The word in the database and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Written => "written",
            Self::Committed => "committed",
        }
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl fmt::Display for BatchState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for DeliveryState {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|state| state.name() == text)
            .ok_or_else(|| UnknownState(text.to_owned()))
    }
}

impl FromStr for BatchState {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|state| state.name() == text)
            .ok_or_else(|| UnknownState(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_delivery_states() {
        use DeliveryState::{
            Failed, Finished, Pending, Submitted, Submitting, Superseded, Unknown, Verified,
        };
        let allowed = [
            (Pending, Submitting),
            (Submitting, Submitted),
            (Submitting, Unknown),
            (Submitting, Pending),
            (Submitted, Finished),
            (Submitted, Pending),
            (Submitted, Superseded),
            (Submitted, Failed),
            (Submitted, Unknown),
            (Unknown, Finished),
            (Unknown, Pending),
            (Finished, Verified),
            (Finished, Failed),
        ];
        for from in DeliveryState::ALL {
            for to in DeliveryState::ALL {
                let expected = allowed.contains(&(from, to));
                assert_eq!(from.become_(to).is_ok(), expected, "{from} -> {to}");
            }
        }
    }

    #[test]
    fn every_state_is_read_back_from_its_word() {
        for state in DeliveryState::ALL {
            assert_eq!(state.name().parse(), Ok(state));
        }
        for state in BatchState::ALL {
            assert_eq!(state.name().parse(), Ok(state));
        }
        assert!("done".parse::<BatchState>().is_err());
    }
}
