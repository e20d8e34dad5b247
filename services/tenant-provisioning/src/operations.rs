//! Operations: approving a plan, applying it, withdrawing it, watching it.
//!
//! Approving and applying both compute the plan anew. Between a person's look and the first call nothing may change
//! unnoticed.

use std::ops::RangeInclusive;

use chrono::TimeDelta;
use tenant_model::{
    TenantState,
    blueprint::Blueprint,
    contract::{Approval, Proposal, Superseded},
    deployment::{Deployment, Phase, Wanted},
    ids::{DeploymentId, OperationId, TenantId},
    operation::{OnFailure, Operation, OperationKind, OperationState},
    plan::Plan,
    resource::ResourceRecord,
};
use tenant_store::{
    Conn, connections, deployments, operations,
    operations::{OperationEvent, OperationQuery},
    resources, tenants, work,
};

pub(crate) use crate::withdrawing::cancel_in;
pub use crate::withdrawing::{cancel, cancel_and};
use crate::{App, RequestError, deployments as asking, planning, progress};

/// Most operations of one deployment that are listed.
const LISTED_MAX: u32 = 500;
/// Most events of one read.
const EVENTS_MAX: i64 = 500;

/// Approves the plan with that hash. From the moment in which enough people have, workers carry it out.
///
/// # Errors
/// [`RequestError::PlanStale`] when another plan would be carried out; that one is shown from then on.
pub async fn approve(
    app: &App,
    actor: &str,
    id: OperationId,
    plan_hash: &str,
) -> Result<Operation, RequestError> {
    let found = find(app, None, id).await?;
    let mut tx = app.stores.begin(found.tenant_id).await?;
    match approve_in(&mut tx, app, actor, (id, plan_hash)).await {
        Ok(operation) => {
            tx.commit().await?;
            Ok(operation)
        }
        Err(error) => {
            drop(tx);
            Err(refused(app, (found.tenant_id, id), error).await)
        }
    }
}

/// [`approve`] in the caller's transaction; what it refuses goes through [`refused`] once that has ended.
pub(crate) async fn approve_in(
    conn: &mut Conn,
    app: &App,
    actor: &str,
    (id, plan_hash): (OperationId, &str),
) -> Result<Operation, RequestError> {
    let (mut deployment, mut operation) = lock(conn, id).await?;
    let state = operation.state.approve()?;
    may_begin(conn, &deployment, operation.kind).await?;
    let current = planning::proposed(conn, app, &deployment, &operation.contract).await?;
    if current.hash != plan_hash {
        return Err(stale(&operation, current));
    }
    operation.plan = current;
    operation.contract.quorum = planning::quorum(conn, &deployment, operation.kind).await?;
    operation.contract.approve(Approval {
        by: actor.to_owned(),
        plan_hash: plan_hash.to_owned(),
        at: app.kit.clock.now(),
    });
    operation.approved_by = Some(actor.to_owned());
    if operation.contract.is_approved(plan_hash) {
        operation.state = state;
        let minutes = operation.contract.deadline_minutes;
        operation.deadline_at =
            minutes.map(|minutes| app.kit.clock.now() + TimeDelta::minutes(i64::from(minutes)));
        if operation.kind == OperationKind::Provision {
            begin(conn, app, &mut deployment).await?;
        }
    }
    progress::save(conn, app, &mut operation).await?;
    progress::announce(conn, app, &operation).await?;
    asking::record(conn, app, &operation, (actor, "operation.approved")).await?;
    Ok(operation)
}

/// What becomes of an operation that does not go well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Precautions {
    /// When AWS refuses for good.
    pub on_failure: OnFailure,
    /// Minutes from the approval after which it is late, 5 to 10080. An alarm, never an end.
    pub deadline_minutes: Option<u32>,
}

/// Minutes of a deadline that can be chosen.
const DEADLINE_MINUTES: RangeInclusive<u32> = 5..=10_080;

/// Notes precautions on an operation that waits for approval.
pub(crate) async fn take_precautions(
    conn: &mut Conn,
    app: &App,
    mut operation: Operation,
    precautions: Precautions,
) -> Result<Operation, RequestError> {
    let minutes = precautions.deadline_minutes;
    if minutes.is_some_and(|minutes| !DEADLINE_MINUTES.contains(&minutes)) {
        return Err(RequestError::Invalid {
            pointer: "/deadline_minutes",
            detail: "Choose 5 to 10080 minutes.".to_owned(),
        });
    }
    operation.on_failure = precautions.on_failure;
    operation.contract.deadline_minutes = minutes;
    progress::save(conn, app, &mut operation).await?;
    Ok(operation)
}

/// The work row first: a worker locks in the same order.
pub(crate) async fn lock(conn: &mut Conn, id: OperationId) -> Result<(Deployment, Operation), RequestError> {
    let seen = operations::find(conn, id).await?.ok_or(RequestError::NotFound)?;
    work::wake(conn, seen.deployment_id).await?;
    let operation = operations::find_for_update(conn, id)
        .await?
        .ok_or(RequestError::NotFound)?;
    let deployment = deployments::find_for_update(conn, operation.deployment_id)
        .await?
        .ok_or(RequestError::NotFound)?;
    Ok((deployment, operation))
}

/// Days may lie between the plan and its approval. Leaving needs less than coming: neither an active tenant nor a
/// proven connection, for the work waits for that by itself.
pub(crate) async fn may_begin(
    conn: &mut Conn,
    deployment: &Deployment,
    kind: OperationKind,
) -> Result<(), RequestError> {
    let tenant = tenants::find(conn, deployment.tenant_id)
        .await?
        .ok_or(RequestError::NotFound)?;
    if kind == OperationKind::Delete {
        return Ok(());
    }
    if tenant.state != TenantState::Active {
        return Err(RequestError::TenantNotActive);
    }
    let connection = connections::find(conn, deployment.connection_id).await?;
    let ready = |state| matches!(state, tenant_model::ConnectionState::Ready { .. });
    if !connection.is_some_and(|connection| ready(connection.state)) {
        return Err(RequestError::ConnectionNotReady);
    }
    Ok(())
}

fn stale(operation: &Operation, current: Plan) -> RequestError {
    RequestError::PlanStale {
        moved: operation.plan.bound.moved(&current.bound),
        plan: Box::new(current),
    }
}

/// Passes on why an approval was refused. A plan that is no longer true is replaced by the present one, so that it can
/// be looked at and approved.
pub(crate) async fn refused(
    app: &App,
    (tenant_id, id): (TenantId, OperationId),
    error: RequestError,
) -> RequestError {
    match error {
        RequestError::PlanStale { .. } => match renew(app, tenant_id, id).await {
            Ok(()) => error,
            Err(other) => other,
        },
        other => other,
    }
}

async fn renew(app: &App, tenant_id: TenantId, id: OperationId) -> Result<(), RequestError> {
    let mut tx = app.stores.begin(tenant_id).await?;
    let (deployment, operation) = lock(&mut tx, id).await?;
    let current = planning::proposed(&mut tx, app, &deployment, &operation.contract).await?;
    if operation.state == OperationState::AwaitingApproval && operation.plan.hash != current.hash {
        replan(&mut tx, app, (&deployment, operation), current).await?;
    }
    Ok(tx.commit().await?)
}

/// Replaces the plan of an operation that waits for approval. Approvals of the older one count for nothing.
async fn replan(
    conn: &mut Conn,
    app: &App,
    (deployment, mut operation): (&Deployment, Operation),
    current: Plan,
) -> Result<(), RequestError> {
    operation.contract.superseded = Some(Superseded {
        plan_hash: operation.plan.hash.clone(),
        moved: operation.plan.bound.moved(&current.bound),
        at: app.kit.clock.now(),
    });
    operation.steps = planning::steps(&current);
    operation.plan = current;
    operation.generation = deployment.generation + i64::from(operation.contract.proposal.is_some());
    operation.approved_by = None;
    progress::save(conn, app, &mut operation).await?;
    progress::announce(conn, app, &operation).await?;
    asking::record(conn, app, &operation, ("reconciler", "operation.replanned")).await
}

/// Writes down as wanted what an approved operation proposes, if its plan is still true of what a worker has just
/// observed. Otherwise the operation waits for approval of the plan as it is now.
pub(crate) async fn apply(conn: &mut Conn, app: &App, id: OperationId) -> Result<(), RequestError> {
    let (mut deployment, mut operation) = lock(conn, id).await?;
    if !operation.is_to_be_applied() {
        return Ok(());
    }
    let current = planning::proposed(conn, app, &deployment, &operation.contract).await?;
    if current.hash != operation.plan.hash {
        operation.state = operation.state.send_back()?;
        return replan(conn, app, (&deployment, operation), current).await;
    }
    let Some(proposal) = operation.contract.proposal.take() else {
        return Ok(());
    };
    write_down(conn, app, &mut deployment, (&operation, &proposal)).await?;
    progress::save(conn, app, &mut operation).await?;
    asking::record(conn, app, &operation, ("reconciler", "operation.applied")).await
}

async fn write_down(
    conn: &mut Conn,
    app: &App,
    deployment: &mut Deployment,
    (operation, proposal): (&Operation, &Proposal),
) -> Result<(), RequestError> {
    let now = app.kit.clock.now();
    deployment.phase = match proposal.wanted {
        Wanted::Absent => deployment.phase.delete()?,
        Wanted::Present | Wanted::Stopped => Phase::Provisioning,
    };
    deployment.phase_since = now;
    deployment.wanted = proposal.wanted;
    deployment.generation = operation.generation;
    deployment.profile = proposal.blueprint.design.profile;
    deployment
        .instance_type
        .clone_from(&proposal.blueprint.design.instance_type);
    deployment.blocked = None;
    deployment.updated_at = now;
    deployment.version = deployments::update(conn, deployment).await?;
    if proposal.wanted == Wanted::Absent {
        return Ok(());
    }
    let spec = deployments::NewSpec {
        blueprint: &proposal.blueprint,
        plan_hash: &operation.plan.hash,
        requested_by: &operation.requested_by,
    };
    deployments::insert_spec(conn, deployment, &spec).await?;
    know_resources(conn, deployment, &proposal.blueprint).await
}

/// Turns a plan of something new into work.
async fn begin(conn: &mut Conn, app: &App, deployment: &mut Deployment) -> Result<(), RequestError> {
    let now = app.kit.clock.now();
    deployment.phase = deployment.phase.approve()?;
    deployment.phase_since = now;
    deployment.updated_at = now;
    deployments::update(conn, deployment).await?;
    let blueprint = planning::blueprint(conn, deployment).await?;
    know_resources(conn, deployment, &blueprint).await?;
    Ok(work::insert(conn, deployment.tenant_id, deployment.id).await?)
}

pub(crate) async fn know_resources(
    conn: &mut Conn,
    deployment: &Deployment,
    blueprint: &Blueprint,
) -> Result<(), RequestError> {
    let records: Vec<ResourceRecord> = blueprint
        .all()
        .map(|resource| ResourceRecord::absent(&resource.name, resource.spec.kind()))
        .collect();
    let (tenant_id, id) = (deployment.tenant_id, deployment.id);
    Ok(resources::insert_missing(conn, tenant_id, id, &records).await?)
}

/// One operation, as seen by a tenant, or by the operator without one.
///
/// # Errors
/// [`RequestError::NotFound`] also for another tenant's.
pub async fn find(
    app: &App,
    tenant_id: Option<TenantId>,
    id: OperationId,
) -> Result<Operation, RequestError> {
    let mut tx = progress::begin_as(app, tenant_id).await?;
    operations::find(&mut tx, id).await?.ok_or(RequestError::NotFound)
}

/// Operations in order of their making, at most `limit`.
///
/// # Errors
/// When the database does not answer.
pub async fn list(app: &App, query: &OperationQuery, limit: u32) -> Result<Vec<Operation>, RequestError> {
    let mut tx = progress::begin_as(app, query.tenant_id).await?;
    Ok(operations::list(&mut tx, query, i64::from(limit)).await?)
}

/// The operations of one deployment, in order of their making.
///
/// # Errors
/// When the database does not answer.
pub async fn of_deployment(
    app: &App,
    tenant_id: TenantId,
    deployment_id: DeploymentId,
) -> Result<Vec<Operation>, RequestError> {
    let query = OperationQuery {
        tenant_id: Some(tenant_id),
        deployment_id: Some(deployment_id),
        after: None,
    };
    list(app, &query, LISTED_MAX).await
}

/// Events of an operation after the `after`-th.
///
/// # Errors
/// When the database does not answer.
pub async fn events(
    app: &App,
    operation: &Operation,
    after: i64,
) -> Result<Vec<OperationEvent>, RequestError> {
    let mut tx = app.stores.begin(operation.tenant_id).await?;
    Ok(operations::list_events(&mut tx, operation.id, after, EVENTS_MAX).await?)
}
