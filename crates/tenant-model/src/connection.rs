//! A connection: a tenant's AWS account that trusts us, and the proof that the lock holds.
//!
//! A round of probes tries the role with the right external id, with none, with a random one, with another
//! tenant's, and with the right one again. [`judge`] turns the answers into a verdict: only the exact answer is
//! proof, and what is unknown is never safe. The refusals count only between two successes, because a role that
//! does not exist refuses everybody too.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::account::{AwsAccountId, ExternalId};
use crate::ids::{ConnectionId, TenantId};
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
    },
    /// Ended; reconnecting makes a new connection.
    Revoked {
        /// When.
        at: DateTime<Utc>,
    },
}

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
    /// The role was deleted or its trust changed.
    AccessLost,
}

/// One attempt to assume the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// With the right external id: must succeed.
    RightId,
    /// Without an external id: must be refused.
    NoId,
    /// With a random external id: must be refused.
    RandomId,
    /// With the external id of another tenant: must be refused.
    OtherTenantsId,
}

/// What STS answered to one probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// Credentials were given.
    Assumed,
    /// Exactly `AccessDenied`.
    AccessDenied,
    /// Throttling, time-out, clock skew or anything else: proves nothing.
    Unknown {
        /// The code, for people.
        reason: String,
    },
}

/// The answers of one round, in the order they were asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeRound {
    /// The right id, before the negative probes.
    pub right_before: Answer,
    /// No external id.
    pub none: Answer,
    /// A random external id.
    pub random: Answer,
    /// Another tenant's external id.
    pub other_tenants: Answer,
    /// The right id again.
    pub right_after: Answer,
    /// The account that `GetCallerIdentity` named with the role's credentials.
    pub account: Option<AwsAccountId>,
}

/// What a round proves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// The right id opens, everything else is refused, the account is the declared one.
    Clean,
    /// The right id is refused: the role is not there yet, is gone, or trusts somebody else.
    RoleRefuses,
    /// The lock is open or the account is another.
    Refused {
        /// What was found.
        cause: Cause,
    },
    /// Nothing was proven; ask again.
    Unknown,
}

/// Judges one round against the account the tenant declared.
#[must_use]
pub fn judge(round: &ProbeRound, declared: &AwsAccountId) -> Verdict {
    let negatives = [
        (Probe::NoId, &round.none),
        (Probe::RandomId, &round.random),
        (Probe::OtherTenantsId, &round.other_tenants),
    ];
    // An open lock is certain whatever else was asked: no second opinion is needed.
    if let Some((probe, _)) = negatives.iter().find(|(_, answer)| **answer == Answer::Assumed) {
        return Verdict::Refused {
            cause: Cause::LockOpen { probe: *probe },
        };
    }
    if round.right_before == Answer::AccessDenied {
        return Verdict::RoleRefuses;
    }
    if let Some(found) = round.account.as_ref().filter(|found| *found != declared) {
        return Verdict::Refused {
            cause: Cause::WrongAccount { found: found.clone() },
        };
    }
    let opened = round.right_before == Answer::Assumed && round.right_after == Answer::Assumed;
    let locked = negatives
        .iter()
        .all(|(_, answer)| **answer == Answer::AccessDenied);
    if opened && locked && round.account.is_some() {
        Verdict::Clean
    } else {
        Verdict::Unknown
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

    /// Takes one round's verdict. `rounds_needed` clean rounds in a row prove a new connection; one clean round
    /// is enough to heal a proven one.
    ///
    /// # Errors
    /// When the connection has ended.
    pub fn after_round(
        self,
        verdict: &Verdict,
        rounds_needed: u32,
        now: DateTime<Utc>,
    ) -> Result<Self, InvalidTransition> {
        match (self, verdict) {
            (Self::Revoked { .. }, _) => Err(InvalidTransition {
                from: "revoked",
                verb: "verify",
            }),
            (state, Verdict::Unknown) => Ok(state),
            (Self::AwaitingRole, Verdict::RoleRefuses) => Ok(Self::AwaitingRole),
            (Self::Verifying { .. }, Verdict::RoleRefuses) => Ok(Self::AwaitingRole),
            (Self::Ready { .. }, Verdict::RoleRefuses) => Ok(Self::Quarantined {
                cause: Cause::AccessLost,
                since: now,
            }),
            (state @ Self::Quarantined { .. }, Verdict::RoleRefuses) => Ok(state),
            (Self::Quarantined { cause: old, since }, Verdict::Refused { cause }) if old == *cause => {
                Ok(Self::Quarantined { cause: old, since })
            }
            (_, Verdict::Refused { cause }) => Ok(Self::Quarantined {
                cause: cause.clone(),
                since: now,
            }),
            (Self::Ready { .. } | Self::Quarantined { .. }, Verdict::Clean) => {
                Ok(Self::Ready { proven_at: now })
            }
            (Self::AwaitingRole, Verdict::Clean) => Ok(Self::proven_by(1, rounds_needed, now)),
            (Self::Verifying { clean_rounds }, Verdict::Clean) => {
                Ok(Self::proven_by(clean_rounds + 1, rounds_needed, now))
            }
        }
    }

    /// Ends the connection. Ending twice is the same as once.
    #[must_use]
    pub fn revoke(self, now: DateTime<Utc>) -> Self {
        match self {
            Self::Revoked { at } => Self::Revoked { at },
            Self::AwaitingRole | Self::Verifying { .. } | Self::Ready { .. } | Self::Quarantined { .. } => {
                Self::Revoked { at: now }
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

    fn account(text: &str) -> AwsAccountId {
        text.parse().expect("twelve digits")
    }

    fn clean() -> ProbeRound {
        ProbeRound {
            right_before: Answer::Assumed,
            none: Answer::AccessDenied,
            random: Answer::AccessDenied,
            other_tenants: Answer::AccessDenied,
            right_after: Answer::Assumed,
            account: Some(account("222222222222")),
        }
    }

    fn throttled() -> Answer {
        Answer::Unknown {
            reason: "Throttling".to_owned(),
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "one row for each answer")]
    fn only_the_exact_answers_prove_anything() {
        let open = |probe| Verdict::Refused {
            cause: Cause::LockOpen { probe },
        };
        let elsewhere = Cause::WrongAccount {
            found: account("333333333333"),
        };
        let table = [
            (clean(), Verdict::Clean),
            (
                ProbeRound {
                    none: Answer::Assumed,
                    ..clean()
                },
                open(Probe::NoId),
            ),
            (
                ProbeRound {
                    random: Answer::Assumed,
                    ..clean()
                },
                open(Probe::RandomId),
            ),
            (
                ProbeRound {
                    other_tenants: Answer::Assumed,
                    ..clean()
                },
                open(Probe::OtherTenantsId),
            ),
            (
                ProbeRound {
                    none: throttled(),
                    ..clean()
                },
                Verdict::Unknown,
            ),
            (
                ProbeRound {
                    other_tenants: throttled(),
                    ..clean()
                },
                Verdict::Unknown,
            ),
            (
                ProbeRound {
                    right_before: throttled(),
                    ..clean()
                },
                Verdict::Unknown,
            ),
            (
                ProbeRound {
                    right_before: Answer::AccessDenied,
                    ..clean()
                },
                Verdict::RoleRefuses,
            ),
            // The role went away in the middle: its refusals prove nothing.
            (
                ProbeRound {
                    right_after: Answer::AccessDenied,
                    ..clean()
                },
                Verdict::Unknown,
            ),
            (
                ProbeRound {
                    account: None,
                    ..clean()
                },
                Verdict::Unknown,
            ),
            (
                ProbeRound {
                    account: Some(account("333333333333")),
                    ..clean()
                },
                Verdict::Refused { cause: elsewhere },
            ),
            // An open lock is named even when the right id is refused.
            (
                ProbeRound {
                    right_before: Answer::AccessDenied,
                    none: Answer::Assumed,
                    ..clean()
                },
                open(Probe::NoId),
            ),
        ];
        for (round, expected) in table {
            assert_eq!(judge(&round, &account("222222222222")), expected, "{round:?}");
        }
    }

    #[test]
    fn every_state_answers_every_verdict() {
        let now = DateTime::UNIX_EPOCH + chrono::Duration::hours(1);
        let then = DateTime::UNIX_EPOCH;
        let open = Cause::LockOpen { probe: Probe::NoId };
        let quarantined = |cause: &Cause, since| ConnectionState::Quarantined {
            cause: cause.clone(),
            since,
        };
        let refused = Verdict::Refused { cause: open.clone() };
        let verifying = |clean_rounds| ConnectionState::Verifying { clean_rounds };
        let ready = |proven_at| ConnectionState::Ready { proven_at };
        let waiting = ConnectionState::AwaitingRole;
        let lost = Cause::AccessLost;
        let table = [
            (waiting.clone(), Verdict::Clean, Some(verifying(1))),
            (waiting.clone(), Verdict::RoleRefuses, Some(waiting.clone())),
            (waiting.clone(), refused.clone(), Some(quarantined(&open, now))),
            (waiting.clone(), Verdict::Unknown, Some(waiting.clone())),
            (verifying(1), Verdict::Clean, Some(verifying(2))),
            (verifying(2), Verdict::Clean, Some(ready(now))),
            (verifying(2), Verdict::RoleRefuses, Some(waiting)),
            (verifying(2), refused.clone(), Some(quarantined(&open, now))),
            (verifying(2), Verdict::Unknown, Some(verifying(2))),
            (ready(then), Verdict::Clean, Some(ready(now))),
            (ready(then), Verdict::RoleRefuses, Some(quarantined(&lost, now))),
            (ready(then), refused.clone(), Some(quarantined(&open, now))),
            (ready(then), Verdict::Unknown, Some(ready(then))),
            (quarantined(&open, then), Verdict::Clean, Some(ready(now))),
            (
                quarantined(&open, then),
                refused.clone(),
                Some(quarantined(&open, then)),
            ),
            (quarantined(&lost, then), refused, Some(quarantined(&open, now))),
            (
                quarantined(&lost, then),
                Verdict::RoleRefuses,
                Some(quarantined(&lost, then)),
            ),
            (
                quarantined(&lost, then),
                Verdict::Unknown,
                Some(quarantined(&lost, then)),
            ),
            (ConnectionState::Revoked { at: then }, Verdict::Clean, None),
        ];
        for (from, verdict, to) in table {
            assert_eq!(
                from.clone().after_round(&verdict, 3, now).ok(),
                to,
                "{from:?} {verdict:?}"
            );
        }
    }

    #[test]
    fn revoking_twice_keeps_the_first_time() {
        let first = ConnectionState::AwaitingRole.revoke(DateTime::UNIX_EPOCH);
        let again = first
            .clone()
            .revoke(DateTime::UNIX_EPOCH + chrono::Duration::days(1));
        assert_eq!(first, again);
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
