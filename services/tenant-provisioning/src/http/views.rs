//! What goes over the wire. Not the model: fields here are a promise to readers.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tenant_model::{
    contract::{Contract, Retention},
    deployment::Deployment,
    operation::Operation,
    resource::ResourceRecord,
};
use utoipa::{IntoParams, ToSchema};

/// What is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeploymentRequest {
    /// The connection whose account it is made in.
    #[schema(example = "con_01arz3ndektsv4rrffq69g5fav")]
    pub(crate) connection_id: String,
    /// What it is made of.
    #[schema(example = "single")]
    pub(crate) profile: String,
    /// An AWS region.
    #[schema(example = "eu-central-1")]
    pub(crate) region: String,
    /// Size of the instance; `t3.medium` when left out.
    #[schema(example = "t3.medium")]
    pub(crate) instance_type: Option<String>,
    /// Whether a Multi-AZ database belongs to it; highly available deployments only.
    #[serde(default)]
    pub(crate) database: bool,
    /// A new network of the default block when left out.
    pub(crate) network: Option<NetworkRequest>,
    /// When AWS refuses for good: `rollback` (when left out) or `keep`.
    pub(crate) on_failure: Option<String>,
    /// Minutes from the approval after which it is late, 5 to 10080: an alarm, never an end.
    pub(crate) deadline_minutes: Option<u32>,
}

/// In which network: a block for a new one, or the ids of one that is tagged for us.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NetworkRequest {
    /// Address block of a new network, /16 to /22.
    #[schema(example = "10.42.0.0/16")]
    pub(crate) cidr: Option<String>,
    /// Id of an existing network.
    pub(crate) vpc: Option<String>,
    /// Ids of its public subnets, one a zone.
    #[serde(default)]
    pub(crate) public_subnets: Vec<String>,
    /// Ids of its private subnets, in the same zones.
    #[serde(default)]
    pub(crate) private_subnets: Vec<String>,
}

/// What shall be different. What is left out stays; with nothing different, what drifted is put right.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeRequest {
    /// Size of the machines.
    #[schema(example = "m6i.large")]
    pub(crate) instance_type: Option<String>,
    /// `highly-available`.
    pub(crate) profile: Option<String>,
    /// Whether a Multi-AZ database belongs to it.
    pub(crate) database: Option<bool>,
    /// When AWS refuses for good: `rollback` (when left out) or `keep`.
    pub(crate) on_failure: Option<String>,
    /// Minutes from the approval after which it is late, 5 to 10080: an alarm, never an end.
    pub(crate) deadline_minutes: Option<u32>,
}

/// What is done about drift.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DriftPolicyRequest {
    /// `alert`, or `repair`.
    #[schema(example = "repair")]
    pub(crate) policy: String,
}

/// What becomes of work that is withdrawn.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CancelQuery {
    /// `rollback` (when left out) turns back what was done, `keep` leaves it.
    pub(crate) then: Option<String>,
}

/// The plan that is approved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Approval {
    /// `plan.hash` of the operation, as it was shown.
    pub(crate) plan_hash: String,
}

/// What stays in the account after a deletion.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RetentionQuery {
    /// Days for which a last snapshot of the database is kept, 1 to 3650; nothing is kept when left out.
    pub(crate) database_snapshot_days: Option<u32>,
}

impl From<RetentionQuery> for Retention {
    fn from(query: RetentionQuery) -> Self {
        Self {
            database_snapshot_days: query.database_snapshot_days,
        }
    }
}

/// Which deployments to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Only one tenant's; operators only.
    pub(crate) tenant: Option<String>,
    /// Only one deployment's; operations only.
    pub(crate) deployment: Option<String>,
    /// Most items of the reply, 1 to 500, default 50.
    pub(crate) limit: Option<u32>,
    /// `next_cursor` of the previous reply.
    pub(crate) cursor: Option<String>,
}

/// Where to go on in a stream of events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// The last event that was seen; the header `Last-Event-ID` wins.
    pub(crate) after: Option<i64>,
}

/// A deployment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeploymentView {
    id: String,
    tenant_id: String,
    connection_id: String,
    profile: &'static str,
    region: String,
    instance_type: String,
    /// What it should be: `present`, `stopped`, `absent`.
    wanted: &'static str,
    generation: i64,
    observed_generation: i64,
    /// `planned`, `provisioning`, `ready`, `stopped`, `deleting`, `deleted`, `cancelled`.
    phase: &'static str,
    phase_since: DateTime<Utc>,
    /// Why it does not go on at the moment.
    blocked: Option<String>,
    /// Whether its work rests.
    paused: bool,
    /// What is done about drift: `alert` or `repair`.
    drift_policy: &'static str,
    /// Once deleted: what the sweep of the region found, and every id that was ever the deployment's.
    deletion_proof: Option<serde_json::Value>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i64,
}

/// A deployment with its resources.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeploymentDetail {
    #[serde(flatten)]
    deployment: DeploymentView,
    resources: Vec<ResourceView>,
}

/// A resource of a deployment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ResourceView {
    name: String,
    kind: &'static str,
    state: &'static str,
    aws_id: Option<String>,
    last_error: Option<String>,
}

/// An operation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OperationView {
    id: String,
    tenant_id: String,
    /// `provision`, `change`, `suspend`, `resume`, `delete`.
    kind: &'static str,
    /// The deployment.
    subject: String,
    generation: i64,
    /// `awaiting_approval`, `queued`, `running`, `waiting`, `succeeded`, `failed`, `cancelled`.
    state: &'static str,
    percent: u8,
    /// One per resource: `name`, `why`, `state`, `started_at`, `finished_at`, `detail`.
    steps: serde_json::Value,
    /// `lines` with `change`, `resource`, `before`, `after`, `reason`; `cost` before and after; `irreversible`, `kept`,
    /// `needs`, `timing`, `recovery`; `bound` to what; `hash` to approve.
    plan: serde_json::Value,
    approvals: ApprovalsView,
    /// The plan before this one and what has changed since: `plan_hash`, `moved`, `at`.
    superseded: Option<serde_json::Value>,
    problem: Option<String>,
    requested_by: String,
    approved_by: Option<String>,
    /// When AWS refuses for good: `keep` or `rollback`.
    on_failure: &'static str,
    /// When it should be done.
    deadline_at: Option<DateTime<Utc>>,
    /// Since when it is late.
    overdue_since: Option<DateTime<Utc>>,
    /// Where the deployment is.
    result: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i64,
}

/// Who must agree to a plan, and who has.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApprovalsView {
    /// Different people that it takes.
    needed: u8,
    /// Whose approval is enough alone, because the tenant has no other admin.
    alone: Option<String>,
    /// Who has approved the plan that is shown.
    by: Vec<String>,
}

impl ApprovalsView {
    fn new(contract: &Contract, plan_hash: &str) -> Self {
        let by = contract.approvers(plan_hash).into_iter();
        Self {
            needed: contract.quorum.approvals,
            alone: contract.quorum.alone.clone(),
            by: by.map(str::to_owned).collect(),
        }
    }
}

impl From<&Deployment> for DeploymentView {
    fn from(deployment: &Deployment) -> Self {
        Self {
            id: deployment.id.to_string(),
            tenant_id: deployment.tenant_id.to_string(),
            connection_id: deployment.connection_id.to_string(),
            profile: deployment.profile.name(),
            region: deployment.region.to_string(),
            instance_type: deployment.instance_type.clone(),
            wanted: deployment.wanted.under(deployment.tenant_state_seen).name(),
            generation: deployment.generation,
            observed_generation: deployment.observed_generation,
            phase: deployment.phase.name(),
            phase_since: deployment.phase_since,
            blocked: deployment.blocked.clone(),
            paused: deployment.paused,
            drift_policy: deployment.drift_policy.name(),
            deletion_proof: deployment.deletion_proof.clone(),
            created_at: deployment.created_at,
            updated_at: deployment.updated_at,
            version: deployment.version,
        }
    }
}

impl DeploymentDetail {
    pub(crate) fn new(deployment: &Deployment, records: Vec<ResourceRecord>) -> Self {
        let view = |record: ResourceRecord| ResourceView {
            name: record.name,
            kind: record.kind.name(),
            state: record.state.name(),
            aws_id: record.aws_id,
            last_error: record.last_error,
        };
        Self {
            deployment: deployment.into(),
            resources: records.into_iter().map(view).collect(),
        }
    }
}

impl From<&Operation> for OperationView {
    fn from(operation: &Operation) -> Self {
        let plain = |value: Option<serde_json::Value>| value.unwrap_or_default();
        Self {
            id: operation.id.to_string(),
            tenant_id: operation.tenant_id.to_string(),
            kind: operation.kind.name(),
            subject: operation.deployment_id.to_string(),
            generation: operation.generation,
            state: operation.state.name(),
            percent: operation.percent(),
            steps: plain(serde_json::to_value(&operation.steps).ok()),
            plan: plain(serde_json::to_value(&operation.plan).ok()),
            approvals: ApprovalsView::new(&operation.contract, &operation.plan.hash),
            superseded: operation
                .contract
                .superseded
                .as_ref()
                .and_then(|older| serde_json::to_value(older).ok()),
            problem: operation.problem.clone(),
            requested_by: operation.requested_by.clone(),
            approved_by: operation.approved_by.clone(),
            on_failure: operation.on_failure.name(),
            deadline_at: operation.deadline_at,
            overdue_since: operation.overdue_since,
            result: format!("/v1/deployments/{}", operation.deployment_id),
            created_at: operation.created_at,
            updated_at: operation.updated_at,
            version: operation.version,
        }
    }
}

/// Where an operation is watched.
pub(crate) fn location(operation: &Operation) -> String {
    format!("/v1/operations/{}", operation.id)
}
