//! An operation: one request to change a deployment, from its plan to its end.
//!
//! The operation records what somebody asked for; the deployment is what is reconciled. It succeeds
//! when the deployment has reached what it asked for.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    contract::Contract,
    ids::{DeploymentId, OperationId, TenantId},
    plan::Plan,
    tenant::InvalidTransition,
};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    /// Make a deployment.
    Provision,
    /// Bring it to another design.
    Change,
    /// Stop its compute, because the tenant is suspended.
    Suspend,
    /// Start it again.
    Resume,
    /// Take it down and prove that nothing is left.
    Delete,
}

impl OperationKind {
    /// Stable name in the database and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Provision => "provision",
            Self::Change => "change",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Delete => "delete",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        OPERATION_KINDS.into_iter().find(|kind| kind.name() == name)
    }
}

/// Every kind.
pub const OPERATION_KINDS: [OperationKind; 5] = [
    OperationKind::Provision,
    OperationKind::Change,
    OperationKind::Suspend,
    OperationKind::Resume,
    OperationKind::Delete,
];

/// What becomes of an operation that cannot be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// What was made stays for people to look at.
    Keep,
    /// A new deployment is taken down again; a changed one returns to what it was before.
    Rollback,
}

impl OnFailure {
    /// Stable name in the database and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Rollback => "rollback",
        }
    }

    /// The value of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Keep, Self::Rollback]
            .into_iter()
            .find(|one| one.name() == name)
    }
}

/// Where an operation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationState {
    /// Its plan is shown; nothing happens before it is approved.
    AwaitingApproval,
    /// A worker will take it.
    Queued,
    /// A worker is at it.
    Running,
    /// It cannot go on by itself at the moment; `blocked` of the deployment says why.
    Waiting,
    /// Done.
    Succeeded,
    /// Given up; what was made is taken down again.
    Failed,
    /// Withdrawn.
    Cancelled,
}

/// Every state, for tables and tests.
pub const OPERATION_STATES: [OperationState; 7] = [
    OperationState::AwaitingApproval,
    OperationState::Queued,
    OperationState::Running,
    OperationState::Waiting,
    OperationState::Succeeded,
    OperationState::Failed,
    OperationState::Cancelled,
];

impl OperationState {
    /// Stable name in the database and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AwaitingApproval => "awaiting_approval",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        OPERATION_STATES.into_iter().find(|state| state.name() == name)
    }

    /// True when it will not change any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Succeeded | Self::Failed | Self::Cancelled => true,
            Self::AwaitingApproval | Self::Queued | Self::Running | Self::Waiting => false,
        }
    }

    /// The plan was approved.
    ///
    /// # Errors
    /// Refused unless it waits for approval.
    pub const fn approve(self) -> Result<Self, InvalidTransition> {
        match self {
            Self::AwaitingApproval => Ok(Self::Queued),
            Self::Queued
            | Self::Running
            | Self::Waiting
            | Self::Succeeded
            | Self::Failed
            | Self::Cancelled => Err(InvalidTransition {
                from: self.name(),
                verb: "approve",
            }),
        }
    }

    /// Its plan turned out to be no longer true before anything was done.
    ///
    /// # Errors
    /// Refused unless it is approved and not begun.
    pub const fn send_back(self) -> Result<Self, InvalidTransition> {
        match self {
            Self::Queued => Ok(Self::AwaitingApproval),
            Self::AwaitingApproval
            | Self::Running
            | Self::Waiting
            | Self::Succeeded
            | Self::Failed
            | Self::Cancelled => Err(InvalidTransition {
                from: self.name(),
                verb: "send back",
            }),
        }
    }

    /// It was withdrawn.
    ///
    /// # Errors
    /// Refused once it ended.
    pub const fn cancel(self) -> Result<Self, InvalidTransition> {
        match self {
            Self::AwaitingApproval | Self::Queued | Self::Running | Self::Waiting => Ok(Self::Cancelled),
            Self::Succeeded | Self::Failed | Self::Cancelled => Err(InvalidTransition {
                from: self.name(),
                verb: "cancel",
            }),
        }
    }

    /// A worker reports where it stands: at work, or held up.
    ///
    /// # Errors
    /// Refused before approval and after the end.
    pub const fn progress(self, held_up: bool) -> Result<Self, InvalidTransition> {
        match self {
            Self::Queued | Self::Running | Self::Waiting => {
                Ok(if held_up { Self::Waiting } else { Self::Running })
            }
            Self::AwaitingApproval | Self::Succeeded | Self::Failed | Self::Cancelled => {
                Err(InvalidTransition {
                    from: self.name(),
                    verb: "progress",
                })
            }
        }
    }

    /// A worker reports its end.
    ///
    /// # Errors
    /// Refused before approval and after the end.
    pub const fn finish(self, succeeded: bool) -> Result<Self, InvalidTransition> {
        match self {
            Self::Queued | Self::Running | Self::Waiting => {
                Ok(if succeeded { Self::Succeeded } else { Self::Failed })
            }
            Self::AwaitingApproval | Self::Succeeded | Self::Failed | Self::Cancelled => {
                Err(InvalidTransition {
                    from: self.name(),
                    verb: "finish",
                })
            }
        }
    }
}

/// State of one step as people see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Not begun.
    Pending,
    /// Begun.
    Running,
    /// Done.
    Done,
    /// Refused by AWS in a way that repeating does not cure.
    Failed,
}

/// One line of an operation's progress: one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Logical name of the resource.
    pub name: String,
    /// Why it is there.
    pub why: String,
    /// Where it stands.
    pub state: StepState,
    /// When its first call was made.
    pub started_at: Option<DateTime<Utc>>,
    /// When it was found to be as wanted.
    pub finished_at: Option<DateTime<Utc>>,
    /// AWS's id, or why it waits.
    pub detail: Option<String>,
}

impl Step {
    /// A step that has not begun.
    #[must_use]
    pub fn pending(name: &str, why: &str) -> Self {
        Self {
            name: name.to_owned(),
            why: why.to_owned(),
            state: StepState::Pending,
            started_at: None,
            finished_at: None,
            detail: None,
        }
    }

    /// Moves to `state`, keeping the first start and the last end. True when anything changed.
    pub fn reach(&mut self, state: StepState, detail: Option<String>, now: DateTime<Utc>) -> bool {
        let before = (self.state, self.detail.clone());
        self.state = state;
        if detail.is_some() {
            self.detail = detail;
        }
        match state {
            StepState::Pending => {}
            StepState::Running => {
                self.started_at.get_or_insert(now);
                self.finished_at = None;
            }
            StepState::Done | StepState::Failed => {
                self.started_at.get_or_insert(now);
                self.finished_at.get_or_insert(now);
            }
        }
        before != (self.state, self.detail.clone())
    }
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Its id.
    pub id: OperationId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// What it changes.
    pub deployment_id: DeploymentId,
    /// What is asked for.
    pub kind: OperationKind,
    /// The generation of the deployment that it asks for.
    pub generation: i64,
    /// Where it stands.
    pub state: OperationState,
    /// What it will do.
    pub plan: Plan,
    /// What approval leads to, and who has agreed.
    pub contract: Contract,
    /// How far it is.
    pub steps: Vec<Step>,
    /// Why it failed, in words for people.
    pub problem: Option<String>,
    /// Refusals that repeating does not cure, so far.
    pub permanent_errors: i32,
    /// Who asked.
    pub requested_by: String,
    /// Who approved.
    pub approved_by: Option<String>,
    /// What becomes of it when AWS refuses for good.
    pub on_failure: OnFailure,
    /// When it should be done; later is an alarm.
    pub deadline_at: Option<DateTime<Utc>>,
    /// Since when the alarm is raised.
    pub overdue_since: Option<DateTime<Utc>>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When the row last changed.
    pub updated_at: DateTime<Utc>,
    /// Counts changes of the row.
    pub version: i64,
}

impl Operation {
    /// True when workers carry it out: its plan is approved, and what was proposed is written down as wanted.
    #[must_use]
    pub const fn is_at_work(&self) -> bool {
        match self.state {
            OperationState::Queued | OperationState::Running | OperationState::Waiting => {
                self.contract.proposal.is_none()
            }
            OperationState::AwaitingApproval
            | OperationState::Succeeded
            | OperationState::Failed
            | OperationState::Cancelled => false,
        }
    }

    /// True when its plan is approved and a worker has yet to find that it still holds.
    #[must_use]
    pub const fn is_to_be_applied(&self) -> bool {
        matches!(self.state, OperationState::Queued) && self.contract.proposal.is_some()
    }

    /// Share of finished steps, 0 to 100.
    #[must_use]
    pub fn percent(&self) -> u8 {
        let done = self
            .steps
            .iter()
            .filter(|step| step.state == StepState::Done)
            .count();
        let share = (done * 100).checked_div(self.steps.len()).unwrap_or(0);
        if self.state == OperationState::Succeeded {
            return 100;
        }
        u8::try_from(share).unwrap_or(100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_its_row() {
        use OperationState::{AwaitingApproval, Cancelled, Failed, Queued, Running, Succeeded, Waiting};
        let at_work = [
            None,
            Some(Cancelled),
            Some(Running),
            Some(Waiting),
            Some(Succeeded),
            Some(Failed),
        ];
        // state, approve, cancel, progress, progress held up, finish well, finish badly
        type Row = (OperationState, [Option<OperationState>; 6]);
        let rows: [Row; 7] = [
            (
                AwaitingApproval,
                [Some(Queued), Some(Cancelled), None, None, None, None],
            ),
            (Queued, at_work),
            (Running, at_work),
            (Waiting, at_work),
            (Succeeded, [None; 6]),
            (Failed, [None; 6]),
            (Cancelled, [None; 6]),
        ];
        assert_eq!(rows.map(|(state, _)| state), OPERATION_STATES);
        for (state, expected) in rows {
            let got = [
                state.approve(),
                state.cancel(),
                state.progress(false),
                state.progress(true),
                state.finish(true),
                state.finish(false),
            ];
            assert_eq!(got.map(Result::ok), expected, "{state:?}");
            assert_eq!(OperationState::from_name(state.name()), Some(state));
            assert_eq!(state.is_final(), expected == [None; 6]);
            assert_eq!(state.send_back().is_ok(), state == Queued);
        }
    }

    #[test]
    fn a_step_keeps_its_first_start_and_says_whether_it_moved() {
        let at = |second| DateTime::from_timestamp(second, 0).expect("in range");
        let mut step = Step::pending("vpc", "a network");
        assert!(step.reach(StepState::Running, None, at(1)));
        assert!(!step.reach(StepState::Running, None, at(2)));
        assert!(step.reach(StepState::Done, Some("vpc-1".to_owned()), at(3)));
        assert_eq!((step.started_at, step.finished_at), (Some(at(1)), Some(at(3))));
    }
}
