//! A tenant and its lifecycle.
//!
//! A tenant exists from the moment its first address is verified. Suspension stops compute and keeps
//! everything else; offboarding is one way and ends with every resource gone.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::TenantId;

/// One subscriber of the ISV.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Identity, fixed for life.
    pub id: TenantId,
    /// The organisation's name as its people wrote it.
    pub name: String,
    /// Where the tenant stands.
    pub state: TenantState,
    /// When the tenant came to be.
    pub created_at: DateTime<Utc>,
    /// When anything in this row last changed.
    pub updated_at: DateTime<Utc>,
    /// Grows by one with each change; the ETag.
    pub version: i64,
}

/// The tenant's lifecycle: `active ⇄ suspended`, then one way through `offboarding` to `deleted`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantState {
    /// May sign in, deploy and report usage.
    Active,
    /// Compute is stopped, data and addresses are kept, nothing is billed.
    Suspended,
    /// Everything is being removed; there is no way back.
    Offboarding,
    /// Nothing is left but the records that the law or the books require.
    Deleted,
}

/// A verb that the present state refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot {verb} while {from}")]
pub struct InvalidTransition {
    /// The state that refused, as written on the wire.
    pub from: &'static str,
    /// What was asked.
    pub verb: &'static str,
}

impl TenantState {
    /// All states, in order of life.
    pub const ALL: [Self; 4] = [Self::Active, Self::Suspended, Self::Offboarding, Self::Deleted];

    /// The state's name on the wire and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Offboarding => "offboarding",
            Self::Deleted => "deleted",
        }
    }

    /// Reads a name back.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Stops compute, keeps data. Suspending twice is the same as once.
    ///
    /// # Errors
    /// When the tenant is leaving or gone.
    pub const fn suspend(self) -> Result<Self, InvalidTransition> {
        match self {
            Self::Active | Self::Suspended => Ok(Self::Suspended),
            Self::Offboarding | Self::Deleted => Err(self.refuses("suspend")),
        }
    }

    /// Ends a suspension. Resuming an active tenant changes nothing.
    ///
    /// # Errors
    /// When the tenant is leaving or gone.
    pub const fn resume(self) -> Result<Self, InvalidTransition> {
        match self {
            Self::Active | Self::Suspended => Ok(Self::Active),
            Self::Offboarding | Self::Deleted => Err(self.refuses("resume")),
        }
    }

    /// Begins the removal of everything.
    ///
    /// # Errors
    /// When the tenant is gone already.
    pub const fn offboard(self) -> Result<Self, InvalidTransition> {
        match self {
            Self::Active | Self::Suspended | Self::Offboarding => Ok(Self::Offboarding),
            Self::Deleted => Err(self.refuses("offboard")),
        }
    }

    /// Ends the tenant. The caller has proven that nothing is left.
    ///
    /// # Errors
    /// Unless the tenant is offboarding.
    pub const fn delete(self) -> Result<Self, InvalidTransition> {
        match self {
            Self::Offboarding => Ok(Self::Deleted),
            Self::Active | Self::Suspended | Self::Deleted => Err(self.refuses("delete")),
        }
    }

    /// Whether usage of this tenant is counted. What a suspended tenant still sends is quarantined.
    #[must_use]
    pub const fn accrues_usage(self) -> bool {
        match self {
            Self::Active | Self::Offboarding => true,
            Self::Suspended | Self::Deleted => false,
        }
    }

    const fn refuses(self, verb: &'static str) -> InvalidTransition {
        InvalidTransition {
            from: self.name(),
            verb,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use TenantState::{Active, Deleted, Offboarding, Suspended};

    type Verb = fn(TenantState) -> Result<TenantState, InvalidTransition>;

    #[test]
    fn every_state_answers_every_verb() {
        let table: [(&str, Verb, [Option<TenantState>; 4]); 4] = [
            (
                "suspend",
                TenantState::suspend,
                [Some(Suspended), Some(Suspended), None, None],
            ),
            (
                "resume",
                TenantState::resume,
                [Some(Active), Some(Active), None, None],
            ),
            (
                "offboard",
                TenantState::offboard,
                [Some(Offboarding), Some(Offboarding), Some(Offboarding), None],
            ),
            ("delete", TenantState::delete, [None, None, Some(Deleted), None]),
        ];
        for (verb, transition, expected) in table {
            for (from, to) in TenantState::ALL.into_iter().zip(expected) {
                assert_eq!(transition(from).ok(), to, "{verb} from {from:?}");
            }
        }
    }

    #[test]
    fn names_read_back() {
        for state in TenantState::ALL {
            assert_eq!(TenantState::from_name(state.name()), Some(state));
        }
        assert_eq!(TenantState::from_name("paused"), None);
    }
}
