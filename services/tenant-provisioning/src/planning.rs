//! Plans as they are at this moment, from what is written down: what was asked for, what is there, prices, permissions.
//!
//! The plan that is shown, the plan that is approved and the plan that is carried out come from here, so they can be
//! compared by their hash.

use tenant_model::{
    blueprint::Blueprint,
    contract::{Contract, Quorum, Retention},
    deployment::{Deployment, Wanted},
    ids::OperationId,
    operation::{OnFailure, Operation, OperationKind, OperationState, Step},
    plan::{Plan, PlanInput, Previous},
    resource::ResourceRecord,
};
use tenant_store::{Conn, deployments, resources, users};

use crate::{App, RequestError};

/// Admins that are told apart from "several".
const ADMINS_TOLD: i64 = 2;

/// What shall become of a deployment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    pub(crate) generation: i64,
    pub(crate) blueprint: &'a Blueprint,
    pub(crate) wanted: Wanted,
    pub(crate) retention: &'a Retention,
}

/// The plan of a deployment of which nothing is there yet.
pub(crate) fn first(app: &App, deployment: &Deployment, blueprint: &Blueprint) -> Plan {
    let target = Target {
        generation: deployment.generation,
        blueprint,
        wanted: deployment.wanted,
        retention: &Retention::default(),
    };
    compute(app, deployment, target, (None, &[]))
}

/// The plan that turns a deployment, which was meant to be `previous`, to `target`.
pub(crate) async fn towards(
    conn: &mut Conn,
    app: &App,
    deployment: &Deployment,
    (previous, target): (Previous<'_>, Target<'_>),
) -> Result<Plan, RequestError> {
    let records = resources::list(conn, deployment.id).await?;
    Ok(compute(app, deployment, target, (Some(previous), &records)))
}

/// The plan of what a contract proposes.
pub(crate) async fn proposed(
    conn: &mut Conn,
    app: &App,
    deployment: &Deployment,
    contract: &Contract,
) -> Result<Plan, RequestError> {
    let stored = blueprint(conn, deployment).await?;
    let Some(proposal) = &contract.proposal else {
        return Ok(first(app, deployment, &stored));
    };
    let previous = Previous {
        blueprint: &stored,
        wanted: deployment.wanted.under(deployment.tenant_state_seen),
    };
    let target = Target {
        generation: deployment.generation + 1,
        blueprint: &proposal.blueprint,
        wanted: proposal.wanted.under(deployment.tenant_state_seen),
        retention: &contract.retention,
    };
    towards(conn, app, deployment, (previous, target)).await
}

/// What the deployment is meant to be now.
pub(crate) async fn blueprint(conn: &mut Conn, deployment: &Deployment) -> Result<Blueprint, RequestError> {
    deployments::find_blueprint(conn, deployment.id)
        .await?
        .ok_or(RequestError::NotFound)
}

fn compute(
    app: &App,
    deployment: &Deployment,
    target: Target<'_>,
    (previous, records): (Option<Previous<'_>>, &[ResourceRecord]),
) -> Plan {
    Plan::compute(&PlanInput {
        deployment_id: deployment.id,
        generation: target.generation,
        previous,
        blueprint: target.blueprint,
        wanted: target.wanted,
        records,
        retention: target.retention,
        terms: &app.config.terms,
    })
}

/// Who must agree to an operation of that kind, by the people that the tenant has now.
pub(crate) async fn quorum(
    conn: &mut Conn,
    deployment: &Deployment,
    kind: OperationKind,
) -> Result<Quorum, RequestError> {
    let admins = users::list_admins(conn, deployment.tenant_id, ADMINS_TOLD).await?;
    let admins: Vec<String> = admins.iter().map(ToString::to_string).collect();
    Ok(Quorum::of(kind, &admins))
}

/// What a new operation is made of.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) kind: OperationKind,
    pub(crate) state: OperationState,
    pub(crate) plan: Plan,
    pub(crate) contract: Contract,
    pub(crate) requested_by: &'a str,
}

/// A new operation on `deployment`, not written down yet.
pub(crate) fn draft(app: &App, deployment: &Deployment, draft: Draft<'_>) -> Operation {
    let now = app.kit.clock.now();
    let proposed = draft.contract.proposal.is_some();
    Operation {
        id: OperationId::from_uuid(app.kit.ids.uuid()),
        tenant_id: deployment.tenant_id,
        deployment_id: deployment.id,
        kind: draft.kind,
        generation: deployment.generation + i64::from(proposed),
        state: draft.state,
        steps: steps(&draft.plan),
        plan: draft.plan,
        contract: draft.contract,
        problem: None,
        permanent_errors: 0,
        requested_by: draft.requested_by.to_owned(),
        approved_by: None,
        on_failure: OnFailure::Rollback,
        deadline_at: None,
        overdue_since: None,
        created_at: now,
        updated_at: now,
        version: 1,
    }
}

/// One step for each line of the plan.
pub(crate) fn steps(plan: &Plan) -> Vec<Step> {
    let lines = plan.lines.iter();
    lines
        .map(|line| Step::pending(&line.resource, &line.why))
        .collect()
}
