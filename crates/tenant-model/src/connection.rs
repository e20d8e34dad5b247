//! A connection: a tenant's AWS account that trusts us, and what becomes of it with each round of proof.
//!
//! What a round asks and proves is in [`crate::proof`]. Here a verdict moves the state: a finding quarantines, a
//! clean round heals, a doubt changes nothing.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::account::{AwsAccountId, ExternalId};
use crate::ids::{ConnectionId, TenantId};
pub use crate::proof::{
    Answer, Denier, Doubt, Loss, Probe, ProbeRound, Trial, TrialOutcome, TrustReading, Verdict, judge,
};
use crate::tenant::InvalidTransition;

/// A tenant's AWS account and how far we trust the trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Identity.
    pub id: ConnectionId,
    /// Whose account it is.
    pub tenant_id: TenantId,
    /// The account as declared by the tenant.
    pub aws_account_id: AwsAccountId,
    /// Where the role's stack is made and the probes are sent.
    pub region: String,
    /// What must be presented to assume the role.
    pub external_id: ExternalId,
    /// The role to assume; predictable from tenant and account.
    pub role_arn: String,
    /// Where the connection stands.
    pub state: ConnectionState,
    /// Rounds of probes so far, for the back-off.
    pub check_count: i32,
    /// When the connection was made.
    pub created_at: DateTime<Utc>,
    /// When anything last changed.
    pub updated_at: DateTime<Utc>,
    /// Grows by one with each change; the ETag.
    pub version: i64,
}

/// `awaiting_role → verifying → ready ⇄ quarantined`, and from anywhere to `revoked`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ConnectionState {
    /// The link was given; the role cannot be assumed yet.
    AwaitingRole,
    /// The role answers; rounds of probes are under way.
    Verifying {
        /// Clean rounds in a row so far.
        clean_rounds: u32,
    },
    /// Proven; may be used.
    Ready {
        /// End of the last clean round.
        proven_at: DateTime<Utc>,
    },
    /// The lock was found open or access was lost: nothing is done and nothing is undone until a clean round.
    Quarantined {
        /// What was found.
        cause: Cause,
        /// When.
        since: DateTime<Utc>,
        /// End of the last clean round of a connection that was ready before.
        #[serde(default)]
        proven_at: Option<DateTime<Utc>>,
    },
    /// Ended; reconnecting makes a new connection.
    Revoked {
        /// When.
        at: DateTime<Utc>,
        /// By whom.
        #[serde(default)]
        by: Ender,
    },
}

/// Who ended a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ender {
    /// A person or a key of the tenant.
    Tenant,
    /// The operator.
    Operator,
    /// The end of the tenant itself.
    Offboarding,
    /// It was not written down.
    #[default]
    Unknown,
}

impl Ender {
    /// Who, in words for people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Tenant => "by your organisation",
            Self::Operator => "by the operator",
            Self::Offboarding => "when the contract ended",
            Self::Unknown => "earlier",
        }
    }
}

/// How long a session that was open when a connection ended can still be used at AWS, at most: the shortest that STS
/// gives (STS API reference, "AssumeRole", `DurationSeconds`). We drop ours at once.
pub const RESIDUAL_SESSION: TimeDelta = TimeDelta::minutes(15);

/// Why a connection may not be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Cause {
    /// Somebody without the right external id could assume the role.
    LockOpen {
        /// The probe that got in.
        probe: Probe,
    },
    /// The role lies in another account than declared.
    WrongAccount {
        /// The account that answered.
        found: AwsAccountId,
    },
    /// The trust policy admits more than our broker under the connection's external id.
    TrustUnsafe,
    /// The role may do what it must not be able to do.
    RoleTooWide {
        /// The action that a dry run allowed.
        action: String,
    },
    /// The role was deleted or its trust changed; which of them could not be told.
    AccessLost,
    /// The role was deleted.
    RoleDeleted,
    /// The role is there and trusts us no more.
    TrustChanged,
    /// The role may not do what our work needs.
    PermissionMissing {
        /// The first action that a dry run refused.
        action: String,
        /// Whose word stands against it.
        by: Denier,
    },
    /// The connection's region is switched off in the account.
    RegionDisabled {
        /// The region.
        region: String,
    },
}

impl Cause {
    /// Stable name on the wire and in metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::LockOpen { .. } => "lock_open",
            Self::WrongAccount { .. } => "wrong_account",
            Self::TrustUnsafe => "trust_unsafe",
            Self::RoleTooWide { .. } => "role_too_wide",
            Self::AccessLost => "access_lost",
            Self::RoleDeleted => "role_deleted",
            Self::TrustChanged => "trust_changed",
            Self::PermissionMissing { .. } => "permission_missing",
            Self::RegionDisabled { .. } => "region_disabled",
        }
    }

    /// Whether the lock itself is in doubt. Such a connection is proven anew from the first round; one that only
    /// lost access goes on after one clean round.
    #[must_use]
    pub const fn is_unsafe(&self) -> bool {
        match self {
            Self::LockOpen { .. }
            | Self::WrongAccount { .. }
            | Self::TrustUnsafe
            | Self::RoleTooWide { .. } => true,
            Self::AccessLost
            | Self::RoleDeleted
            | Self::TrustChanged
            | Self::PermissionMissing { .. }
            | Self::RegionDisabled { .. } => false,
        }
    }

    /// What happened, in one clause for people; the cure is told where the connection is shown.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::LockOpen { .. } => "the role lets in somebody without the external id".to_owned(),
            Self::WrongAccount { found } => format!("the role lies in account {found}"),
            Self::TrustUnsafe => "the role's trust policy admits more than our broker".to_owned(),
            Self::RoleTooWide { action } => format!("the role may do {action} where nobody needs it"),
            Self::AccessLost => "the role was deleted or its trust policy changed".to_owned(),
            Self::RoleDeleted => "the role was deleted".to_owned(),
            Self::TrustChanged => "the role's trust policy does not admit us any more".to_owned(),
            Self::PermissionMissing { action, by } => format!("{} {action}", by.words()),
            Self::RegionDisabled { region } => format!("the region {region} is switched off in the account"),
        }
    }

    const fn of_loss(loss: Option<Loss>) -> Self {
        match loss {
            Some(Loss::RoleDeleted) => Self::RoleDeleted,
            Some(Loss::TrustChanged) => Self::TrustChanged,
            None => Self::AccessLost,
        }
    }
}

impl ConnectionState {
    /// The state's name on the wire and in the database.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AwaitingRole => "awaiting_role",
            Self::Verifying { .. } => "verifying",
            Self::Ready { .. } => "ready",
            Self::Quarantined { .. } => "quarantined",
            Self::Revoked { .. } => "revoked",
        }
    }

    /// Whether operations may use the role.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        matches!(self, Self::Ready { .. })
    }

    /// Takes one round's verdict. `rounds_needed` clean rounds in a row prove a connection; one clean round is
    /// enough for one that was proven and only lost access.
    ///
    /// # Errors
    /// When the connection has ended.
    pub fn after_round(
        self,
        verdict: &Verdict,
        rounds_needed: u32,
        now: DateTime<Utc>,
    ) -> Result<Self, InvalidTransition> {
        if let Self::Revoked { .. } = self {
            return Err(InvalidTransition {
                from: "revoked",
                verb: "verify",
            });
        }
        Ok(match verdict {
            Verdict::Unknown { .. } | Verdict::Holds => self,
            Verdict::RoleRefuses { loss } => self.refused_entry(*loss, now),
            Verdict::Refused { cause } => self.quarantine(cause.clone(), now),
            Verdict::Clean => self.proven(rounds_needed, now),
        })
    }

    /// The right id is refused. Before the first clean proof the role is simply awaited.
    fn refused_entry(self, loss: Option<Loss>, now: DateTime<Utc>) -> Self {
        match self {
            Self::AwaitingRole | Self::Verifying { .. } => Self::AwaitingRole,
            Self::Ready { .. } => self.quarantine(Cause::of_loss(loss), now),
            // The first finding stands until a clean round, unless the role is gone on top of it.
            Self::Quarantined { ref cause, .. } if loss.is_some() && !cause.is_unsafe() => {
                self.quarantine(Cause::of_loss(loss), now)
            }
            Self::Quarantined { .. } | Self::Revoked { .. } => self,
        }
    }

    fn quarantine(self, cause: Cause, now: DateTime<Utc>) -> Self {
        let (since, proven_at) = match self {
            Self::Quarantined {
                cause: old,
                since,
                proven_at,
            } => (if old == cause { since } else { now }, proven_at),
            Self::Ready { proven_at } => (now, Some(proven_at)),
            Self::AwaitingRole | Self::Verifying { .. } | Self::Revoked { .. } => (now, None),
        };
        Self::Quarantined {
            cause,
            since,
            proven_at,
        }
    }

    fn proven(self, rounds_needed: u32, now: DateTime<Utc>) -> Self {
        match self {
            Self::Ready { .. } => Self::Ready { proven_at: now },
            Self::Quarantined { cause, proven_at, .. } if proven_at.is_some() && !cause.is_unsafe() => {
                Self::Ready { proven_at: now }
            }
            Self::AwaitingRole | Self::Quarantined { .. } => Self::proven_by(1, rounds_needed, now),
            Self::Verifying { clean_rounds } => Self::proven_by(clean_rounds + 1, rounds_needed, now),
            Self::Revoked { .. } => self,
        }
    }

    /// Why work that needs the connection stands still; none while it is ready.
    #[must_use]
    pub fn why_frozen(&self) -> Option<String> {
        match self {
            Self::Ready { .. } => None,
            Self::Quarantined { cause, .. } => Some(format!(
                "work is frozen and nothing is undone: {}; it goes on by itself once that is mended",
                cause.words()
            )),
            Self::AwaitingRole | Self::Verifying { .. } | Self::Revoked { .. } => {
                Some("the AWS account is not connected".to_owned())
            }
        }
    }

    /// Ends the connection. Ending twice is the same as once.
    #[must_use]
    pub fn revoke(self, by: Ender, now: DateTime<Utc>) -> Self {
        match self {
            Self::Revoked { .. } => self,
            Self::AwaitingRole | Self::Verifying { .. } | Self::Ready { .. } | Self::Quarantined { .. } => {
                Self::Revoked { at: now, by }
            }
        }
    }

    const fn proven_by(clean_rounds: u32, rounds_needed: u32, now: DateTime<Utc>) -> Self {
        if clean_rounds >= rounds_needed {
            Self::Ready { proven_at: now }
        } else {
            Self::Verifying { clean_rounds }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THEN: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn now() -> DateTime<Utc> {
        THEN + chrono::Duration::hours(1)
    }

    fn open() -> Cause {
        Cause::LockOpen { probe: Probe::NoId }
    }

    fn missing() -> Cause {
        Cause::PermissionMissing {
            action: "ec2:CreateVpc".to_owned(),
            by: Denier::Organisation,
        }
    }

    fn quarantined(cause: Cause, since: DateTime<Utc>, proven_at: Option<DateTime<Utc>>) -> ConnectionState {
        ConnectionState::Quarantined {
            cause,
            since,
            proven_at,
        }
    }

    fn revoked(at: DateTime<Utc>) -> ConnectionState {
        ConnectionState::Revoked {
            at,
            by: Ender::Tenant,
        }
    }

    /// What each verdict makes of a state: clean, holds, refuses, refuses and gone, open, missing, unknown.
    fn after(state: &ConnectionState) -> Option<[ConnectionState; 7]> {
        let loss = Some(Loss::RoleDeleted);
        let doubt = Doubt::Throttled;
        let verdicts = [
            Verdict::Clean,
            Verdict::Holds,
            Verdict::RoleRefuses { loss: None },
            Verdict::RoleRefuses { loss },
            Verdict::Refused { cause: open() },
            Verdict::Refused { cause: missing() },
            Verdict::Unknown { doubt },
        ];
        let next = verdicts.map(|verdict| state.clone().after_round(&verdict, 3, now()).ok());
        let all: Option<Vec<_>> = next.into_iter().collect();
        all?.try_into().ok()
    }

    #[test]
    fn a_connection_that_was_never_proven_answers_every_verdict() {
        let verifying = |clean_rounds| ConnectionState::Verifying { clean_rounds };
        let (waiting, found) = (ConnectionState::AwaitingRole, |cause| {
            quarantined(cause, now(), None)
        });
        for (from, clean) in [
            (waiting.clone(), verifying(1)),
            (verifying(1), verifying(2)),
            (verifying(2), ConnectionState::Ready { proven_at: now() }),
        ] {
            let (same, back) = (from.clone(), waiting.clone());
            let expected = [
                clean,
                same.clone(),
                back.clone(),
                back,
                found(open()),
                found(missing()),
                same,
            ];
            assert_eq!(after(&from), Some(expected), "{from:?}");
        }
        assert_eq!(after(&revoked(THEN)), None);
    }

    #[test]
    fn a_proven_connection_answers_every_verdict() {
        let ready = ConnectionState::Ready { proven_at: THEN };
        let found = |cause| quarantined(cause, now(), Some(THEN));
        let expected = [
            ConnectionState::Ready { proven_at: now() },
            ready.clone(),
            found(Cause::AccessLost),
            found(Cause::RoleDeleted),
            found(open()),
            found(missing()),
            ready.clone(),
        ];
        assert_eq!(after(&ready), Some(expected));
    }

    #[test]
    fn a_quarantined_connection_answers_every_verdict() {
        let lost = quarantined(missing(), THEN, Some(THEN));
        let expected = [
            ConnectionState::Ready { proven_at: now() },
            lost.clone(),
            lost.clone(),
            quarantined(Cause::RoleDeleted, now(), Some(THEN)),
            quarantined(open(), now(), Some(THEN)),
            lost.clone(),
            lost.clone(),
        ];
        assert_eq!(after(&lost), Some(expected));
        // A lock that was open is proven anew, from the first round, whatever was proven before.
        let unlocked = quarantined(open(), THEN, Some(THEN));
        let expected = [
            ConnectionState::Verifying { clean_rounds: 1 },
            unlocked.clone(),
            unlocked.clone(),
            unlocked.clone(),
            unlocked.clone(),
            quarantined(missing(), now(), Some(THEN)),
            unlocked.clone(),
        ];
        assert_eq!(after(&unlocked), Some(expected));
    }

    #[test]
    fn one_clean_round_does_not_prove_what_was_never_proven() {
        let early = quarantined(missing(), THEN, None);
        let next = early.after_round(&Verdict::Clean, 3, now());
        assert_eq!(next, Ok(ConnectionState::Verifying { clean_rounds: 1 }));
    }

    #[test]
    fn work_stands_still_unless_the_connection_is_ready_and_says_why() {
        assert_eq!(ConnectionState::Ready { proven_at: THEN }.why_frozen(), None);
        let frozen = quarantined(missing(), THEN, None)
            .why_frozen()
            .unwrap_or_default();
        assert!(
            frozen.contains("service control policy") && frozen.contains("ec2:CreateVpc"),
            "{frozen}"
        );
        let waiting = ConnectionState::AwaitingRole.why_frozen().unwrap_or_default();
        assert!(waiting.contains("not connected"), "{waiting}");
    }

    #[test]
    fn revoking_twice_keeps_the_first_time() {
        let first = ConnectionState::AwaitingRole.revoke(Ender::Operator, THEN);
        let again = first.clone().revoke(Ender::Tenant, now());
        assert_eq!(first, again);
        // Written before anybody asked who it was.
        let old = serde_json::json!({ "state": "revoked", "at": THEN });
        let by = serde_json::from_value::<ConnectionState>(old).expect("reads");
        assert_eq!(
            by,
            ConnectionState::Revoked {
                at: THEN,
                by: Ender::Unknown
            }
        );
    }

    #[test]
    fn a_state_is_stored_under_its_name() {
        let ready = ConnectionState::Ready {
            proven_at: DateTime::UNIX_EPOCH,
        };
        let stored = serde_json::to_value(&ready).expect("plain data");
        assert_eq!(stored["state"], ready.name());
        assert_eq!(
            serde_json::from_value::<ConnectionState>(stored).expect("reads back"),
            ready
        );
    }
}
