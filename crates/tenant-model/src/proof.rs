//! The proof that a role's lock holds, and what each answer of AWS proves.
//!
//! A whole round tries the role with the right external id, with none, with a random one, with another tenant's
//! and with the right one again; reads its trust policy; asks by dry run for calls that must be allowed and for calls
//! that must not; and asks IAM's simulator where a dry run would need things that are not there. [`judge`] turns the answers into a verdict: only the exact answer is proof, and what is
//! unknown is never safe. The refusals count only between two successes, because a role that does not exist refuses
//! everybody too. A watch asks only what shows that nothing was taken away since the last whole round.

use serde::{Deserialize, Serialize};

use crate::account::AwsAccountId;
use crate::connection::Cause;
use crate::trust::StatementAtFault;

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

/// What was read of the role's trust policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reading", rename_all = "snake_case")]
pub enum TrustReading {
    /// It admits our broker under the connection's external id, and nobody else.
    Sound,
    /// A statement admits more than that.
    AtFault {
        /// Which, and why.
        statement: StatementAtFault,
    },
    /// The role may not read itself.
    Denied,
    /// The role admits us, but not with the session tags and the source identity that say who acts and why.
    SessionRefused,
    /// It was not read.
    Unread {
        /// The code, for people.
        reason: String,
    },
}

/// A call that was only asked about, by EC2's dry run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// The action, such as `ec2:CreateVpc`.
    pub action: String,
    /// What would have happened.
    #[serde(flatten)]
    pub outcome: TrialOutcome,
}

/// What EC2 answered to a dry run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum TrialOutcome {
    /// Exactly `DryRunOperation`: it would have been carried out.
    Allowed,
    /// Exactly `UnauthorizedOperation`.
    Refused {
        /// Who refuses, as far as it is known.
        by: Denier,
    },
    /// Anything else: proves nothing.
    Unknown {
        /// The code, for people.
        reason: String,
    },
}

/// Whose word stands against an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Denier {
    /// The role's own policy does not allow it.
    Role,
    /// The role's permissions boundary does not allow it.
    Boundary,
    /// A service control policy of the customer's organisation denies it.
    Organisation,
    /// One of them; AWS does not say which.
    Unclear,
}

impl Denier {
    /// Who refuses, as the beginning of a clause that ends with the action.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Role => "the role's own policy does not allow",
            Self::Boundary => "the role's permissions boundary does not allow",
            Self::Organisation => "a service control policy of the organisation denies",
            Self::Unclear => "the role, its boundary or the organisation denies",
        }
    }
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
    /// The role's trust policy, read by the role itself.
    #[serde(default)]
    pub trust: Option<TrustReading>,
    /// Calls that our work needs, each under the session policy it is made with.
    #[serde(default)]
    pub needed: Vec<Trial>,
    /// Calls that nobody needs, under a session policy that allows them: the refusal is the role's own.
    #[serde(default)]
    pub forbidden: Vec<Trial>,
    /// Calls that our work needs on things that are not there yet, by IAM's policy simulator. It knows the role's
    /// policy and boundary, and not the organisation's policies.
    #[serde(default)]
    pub simulated_needed: Vec<Trial>,
    /// Known ways to more than the role was given, by IAM's policy simulator.
    #[serde(default)]
    pub simulated_forbidden: Vec<Trial>,
    /// The region, when it turned out to be switched off in the account.
    #[serde(default)]
    pub region_off: Option<String>,
    /// What became of a role that refuses the right id, as far as it could be told.
    #[serde(default)]
    pub lost: Option<Loss>,
    /// True for a watch, which asks only for the right id and the needed calls.
    #[serde(default)]
    pub watch: bool,
}

/// What became of a role that let us in once and refuses now. STS answers both alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// The role is gone.
    RoleDeleted,
    /// The role is there and trusts us no more.
    TrustChanged,
}

/// What a round proves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// The right id opens, everything else is refused, the account is the declared one, and the role may do what it
    /// must and nothing that it must not.
    Clean,
    /// A watch found what the last whole round has proven still there.
    Holds,
    /// The right id is refused: the role is not there yet, is gone, or trusts somebody else.
    RoleRefuses {
        /// Which of them, as far as it could be told.
        #[serde(default)]
        loss: Option<Loss>,
    },
    /// The lock is open, the account is another, or the role may do too little or too much.
    Refused {
        /// What was found.
        cause: Cause,
    },
    /// Nothing was proven; ask again.
    Unknown {
        /// Why not.
        #[serde(default)]
        doubt: Doubt,
    },
}

/// Why a round proved nothing. Never a reason to do anything to a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// AWS asked us to slow down.
    Throttled,
    /// AWS and we disagree about the time.
    Clock,
    /// No answer, or a failure of AWS's own.
    NoAnswer,
    /// An answer that means nothing to us, or answers that contradict each other.
    #[default]
    Unclear,
}

impl Doubt {
    /// Stable name in the database and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Clock => "clock",
            Self::NoAnswer => "no_answer",
            Self::Unclear => "unclear",
        }
    }

    /// What it means for the tenant.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Throttled => "AWS asks us to slow down. Nothing is wrong with your role; we ask again.",
            Self::Clock => {
                "AWS and we disagree about the time. Nothing is wrong with your role; it is ours to mend."
            }
            Self::NoAnswer => "AWS does not answer. Nothing is wrong with your role; we ask again.",
            Self::Unclear => "AWS's answers do not fit together yet; we ask again.",
        }
    }

    /// Sorts AWS's code, or our own word where AWS did not answer. Sources: "Common errors" of STS and IAM, "Error
    /// codes" of EC2.
    #[must_use]
    pub fn of_code(code: &str) -> Self {
        match code {
            "Throttling" | "ThrottlingException" | "RequestLimitExceeded" | "TooManyRequestsException" => {
                Self::Throttled
            }
            "RequestTimeTooSkewed"
            | "RequestExpired"
            | "SignatureDoesNotMatch"
            | "InvalidSignatureException" => Self::Clock,
            "Timeout" | "ConnectionFailed" | "UnreadableReply" | "NotSent" | "InternalError"
            | "InternalFailure" | "ServiceUnavailable" | "Unavailable" | "RequestTimeout" => Self::NoAnswer,
            _ => Self::Unclear,
        }
    }
}

impl TrialOutcome {
    const fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed)
    }
}

/// Judges one round against the account the tenant declared.
#[must_use]
pub fn judge(round: &ProbeRound, declared: &AwsAccountId) -> Verdict {
    open_lock(round)
        .or_else(|| {
            (round.right_before == Answer::AccessDenied).then_some(Verdict::RoleRefuses { loss: round.lost })
        })
        .or_else(|| elsewhere(round, declared))
        .or_else(|| region_off(round))
        .or_else(|| unsound_trust(round))
        .or_else(|| wrong_permission(round))
        .unwrap_or_else(|| proven(round))
}

const fn refused(cause: Cause) -> Verdict {
    Verdict::Refused { cause }
}

/// An open lock is certain whatever else was asked: no second opinion is needed.
fn open_lock(round: &ProbeRound) -> Option<Verdict> {
    negatives(round)
        .into_iter()
        .find(|(_, answer)| **answer == Answer::Assumed)
        .map(|(probe, _)| refused(Cause::LockOpen { probe }))
}

const fn negatives(round: &ProbeRound) -> [(Probe, &Answer); 3] {
    [
        (Probe::NoId, &round.none),
        (Probe::RandomId, &round.random),
        (Probe::OtherTenantsId, &round.other_tenants),
    ]
}

fn elsewhere(round: &ProbeRound, declared: &AwsAccountId) -> Option<Verdict> {
    let found = round.account.as_ref().filter(|found| *found != declared)?;
    Some(refused(Cause::WrongAccount { found: found.clone() }))
}

fn region_off(round: &ProbeRound) -> Option<Verdict> {
    let region = round.region_off.clone()?;
    Some(refused(Cause::RegionDisabled { region }))
}

fn unsound_trust(round: &ProbeRound) -> Option<Verdict> {
    let missing = |action: &str| {
        refused(Cause::PermissionMissing {
            action: action.to_owned(),
            by: Denier::Role,
        })
    };
    match round.trust.as_ref()? {
        TrustReading::AtFault { .. } => Some(refused(Cause::TrustUnsafe)),
        TrustReading::Denied => Some(missing("iam:GetRole")),
        TrustReading::SessionRefused => Some(missing("sts:TagSession")),
        TrustReading::Sound | TrustReading::Unread { .. } => None,
    }
}

fn wrong_permission(round: &ProbeRound) -> Option<Verdict> {
    let mut forbidden = round.forbidden.iter().chain(&round.simulated_forbidden);
    if let Some(trial) = forbidden.find(|trial| trial.outcome.is_allowed()) {
        let action = trial.action.clone();
        return Some(refused(Cause::RoleTooWide { action }));
    }
    let mut needed = round.needed.iter().chain(&round.simulated_needed);
    needed.find_map(|trial| match &trial.outcome {
        TrialOutcome::Refused { by } => Some(refused(Cause::PermissionMissing {
            action: trial.action.clone(),
            by: *by,
        })),
        TrialOutcome::Allowed | TrialOutcome::Unknown { .. } => None,
    })
}

/// Nothing speaks against the role; whether enough speaks for it.
fn proven(round: &ProbeRound) -> Verdict {
    let opened = round.right_before == Answer::Assumed;
    let may_work = all_allowed(&round.needed);
    if round.watch && opened && may_work {
        return Verdict::Holds;
    }
    let may_work = may_work && all_allowed(&round.simulated_needed);
    let locked = negatives(round)
        .iter()
        .all(|(_, answer)| **answer == Answer::AccessDenied);
    let bounded = all_refused(&round.forbidden) && all_refused(&round.simulated_forbidden);
    let sound = round.trust == Some(TrustReading::Sound) && round.account.is_some();
    if opened && round.right_after == Answer::Assumed && locked && sound && may_work && bounded {
        Verdict::Clean
    } else {
        Verdict::Unknown { doubt: doubt(round) }
    }
}

/// Nothing asked proves nothing.
fn all_allowed(trials: &[Trial]) -> bool {
    !trials.is_empty() && trials.iter().all(|trial| trial.outcome.is_allowed())
}

fn all_refused(trials: &[Trial]) -> bool {
    let refuses = |trial: &Trial| matches!(trial.outcome, TrialOutcome::Refused { .. });
    !trials.is_empty() && trials.iter().all(refuses)
}

/// The first reason for which something was not answered.
fn doubt(round: &ProbeRound) -> Doubt {
    let probes = [
        &round.right_before,
        &round.none,
        &round.random,
        &round.other_tenants,
        &round.right_after,
    ];
    let of_probes = probes.into_iter().filter_map(|answer| match answer {
        Answer::Unknown { reason } => Some(reason),
        Answer::Assumed | Answer::AccessDenied => None,
    });
    let of_trust = round.trust.iter().filter_map(|reading| match reading {
        TrustReading::Unread { reason } => Some(reason),
        TrustReading::Sound
        | TrustReading::AtFault { .. }
        | TrustReading::Denied
        | TrustReading::SessionRefused => None,
    });
    let dry_runs = round.needed.iter().chain(&round.forbidden);
    let simulated = round.simulated_needed.iter().chain(&round.simulated_forbidden);
    let of_trials = dry_runs
        .chain(simulated)
        .filter_map(|trial| match &trial.outcome {
            TrialOutcome::Unknown { reason } => Some(reason),
            TrialOutcome::Allowed | TrialOutcome::Refused { .. } => None,
        });
    of_probes
        .chain(of_trust)
        .chain(of_trials)
        .map(|reason| Doubt::of_code(reason))
        .find(|doubt| *doubt != Doubt::Unclear)
        .unwrap_or_default()
}

#[cfg(test)]
#[path = "proof_tests.rs"]
mod tests;
