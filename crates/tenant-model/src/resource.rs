//! What we remember of a resource and of the calls made for it.
//!
//! An intent is committed before its call and its outcome after it. [`Outcome::Unknown`] is a fact like
//! the others: the call may have happened, and only looking settles it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    blueprint::Kind,
    convergence::Call,
    ids::{DeploymentId, TenantId},
};

/// Where a resource stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResourceState {
    /// Not made yet.
    Absent,
    /// Being made.
    Creating,
    /// As wanted.
    Ready,
    /// Not as wanted any more, though nobody asked for a change.
    Drifted,
    /// Being changed.
    Updating,
    /// Being taken away.
    Deleting,
    /// Gone, and seen to be gone.
    Deleted,
    /// AWS refuses it for good.
    Failed,
    /// A call's answer was lost and is not settled yet.
    Unknown,
}

/// Every state, for tables and tests.
pub const RESOURCE_STATES: [ResourceState; 9] = [
    ResourceState::Absent,
    ResourceState::Creating,
    ResourceState::Ready,
    ResourceState::Drifted,
    ResourceState::Updating,
    ResourceState::Deleting,
    ResourceState::Deleted,
    ResourceState::Failed,
    ResourceState::Unknown,
];

impl ResourceState {
    /// Stable name in the database and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Creating => "creating",
            Self::Ready => "ready",
            Self::Drifted => "drifted",
            Self::Updating => "updating",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        RESOURCE_STATES.into_iter().find(|state| state.name() == name)
    }
}

/// What we remember of one resource of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceRecord {
    /// Logical name.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// Where it stands.
    pub state: ResourceState,
    /// AWS's id: a hint, the tag decides.
    pub aws_id: Option<String>,
    /// Counts settled absences, so that a client token never stands for two things.
    pub incarnation: i32,
    /// When the id was learnt.
    pub created_at: Option<DateTime<Utc>>,
    /// Why it does not go on.
    pub last_error: Option<String>,
}

impl ResourceRecord {
    /// A resource that was never made.
    #[must_use]
    pub fn absent(name: &str, kind: Kind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            state: ResourceState::Absent,
            aws_id: None,
            incarnation: 0,
            created_at: None,
            last_error: None,
        }
    }
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Committed, not answered yet, as far as we know.
    Open,
    /// AWS did it.
    Done,
    /// AWS refused it, or it was found not to have happened.
    Failed,
    /// The answer was lost.
    Unknown,
}

impl Outcome {
    /// Stable name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    /// The outcome of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Open, Self::Done, Self::Failed, Self::Unknown]
            .into_iter()
            .find(|outcome| outcome.name() == name)
    }
}

/// One call that changes something, written down before it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// Its id, and the tag `tenantry:intent` of what it makes.
    pub id: Uuid,
    /// The resource's logical name.
    pub name: String,
    /// The resource's incarnation at the time.
    pub incarnation: i32,
    /// The call with frozen parameters.
    pub call: Call,
    /// The client token, used by calls of that class.
    pub token: String,
    /// What became of it.
    pub outcome: Outcome,
    /// How often its tag was looked for in vain.
    pub empty_looks: i32,
    /// No look counts before this moment of the database's clock.
    pub due_at: Option<DateTime<Utc>>,
}

/// An id that was once ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedEver {
    /// AWS's id.
    pub aws_id: String,
    /// Its kind.
    pub kind: Kind,
    /// Its logical name.
    pub name: String,
    /// When we learnt of it.
    pub created_at: DateTime<Utc>,
    /// When it was seen to be gone.
    pub gone_at: Option<DateTime<Utc>>,
}

/// Namespace of client tokens: a constant drawn once.
const TOKENS: Uuid = Uuid::from_u128(0x6f1c_2a0e_93b4_4d57_8e21_7c05_d9a6_41f3);

/// The client token of one creation. It does not depend on the generation: a new specification during
/// an open creation must not make a twin.
#[must_use]
pub fn client_token(
    tenant_id: TenantId,
    deployment_id: DeploymentId,
    name: &str,
    incarnation: i32,
) -> String {
    let text = format!("{tenant_id}/{deployment_id}/{name}/{incarnation}");
    Uuid::new_v5(&TOKENS, text.as_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_stands_for_one_incarnation_of_one_resource() {
        let token = |name, incarnation| {
            let (tenant, deployment) = (Uuid::from_u128(1), Uuid::from_u128(2));
            let tenant = TenantId::from_uuid(tenant);
            client_token(tenant, DeploymentId::from_uuid(deployment), name, incarnation)
        };
        assert_eq!(token("instance", 0), token("instance", 0));
        assert_ne!(token("instance", 0), token("instance", 1));
        assert_ne!(token("instance", 0), token("route-table", 0));
        // EC2 takes at most 64 ASCII characters.
        assert_eq!(token("instance", 0).len(), 36);
    }

    #[test]
    fn names_read_back() {
        for state in RESOURCE_STATES {
            assert_eq!(ResourceState::from_name(state.name()), Some(state));
        }
        for outcome in [Outcome::Open, Outcome::Done, Outcome::Failed, Outcome::Unknown] {
            assert_eq!(Outcome::from_name(outcome.name()), Some(outcome));
        }
    }
}
