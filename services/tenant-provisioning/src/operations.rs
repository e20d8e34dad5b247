//! Operations: approving a plan, withdrawing it, watching it.

use tenant_model::{
    TenantState,
    deployment::{Deployment, Phase},
    ids::{DeploymentId, OperationId, TenantId},
    operation::{Operation, OperationKind, OperationState},
    plan::{Plan, PlanInput},
    resource::ResourceRecord,
};
use tenant_store::{
    Conn, connections, deployments, operations,
    operations::{OperationEvent, OperationQuery},
    resources, tenants, work,
};

use crate::{App, RequestError, deployments as asking, progress};

/// Most operations of one deployment that are listed.
const LISTED_MAX: u32 = 500;
/// Most events of one read.
const EVENTS_MAX: i64 = 500;

/// Approves the plan with that hash; from then on workers carry it out.
///
/// # Errors
/// [`RequestError::PlanStale`] when another plan would be carried out.
pub async fn approve(
    app: &App,
    actor: &str,
    id: OperationId,
    plan_hash: &str,
) -> Result<Operation, RequestError> {
    let found = find(app, None, id).await?;
    let mut tx = app.stores.begin(found.tenant_id).await?;
    let operation = approve_in(&mut tx, app, actor, (id, plan_hash)).await?;
    tx.commit().await?;
    Ok(operation)
}

/// [`approve`] in the caller's transaction.
pub(crate) async fn approve_in(
    conn: &mut Conn,
    app: &App,
    actor: &str,
    (id, plan_hash): (OperationId, &str),
) -> Result<Operation, RequestError> {
    let mut operation = operations::find_for_update(conn, id)
        .await?
        .ok_or(RequestError::NotFound)?;
    let state = operation.state.approve()?;
    let mut deployment = deployments::find_for_update(conn, operation.deployment_id)
        .await?
        .ok_or(RequestError::NotFound)?;
    may_begin(conn, &deployment).await?;
    check_plan(conn, &deployment, &operation, plan_hash).await?;
    let now = app.kit.clock.now();
    deployment.phase = deployment.phase.approve()?;
    deployment.phase_since = now;
    deployment.updated_at = now;
    deployments::update(conn, &deployment).await?;
    begin_work(conn, &deployment).await?;
    operation.state = state;
    operation.approved_by = Some(actor.to_owned());
    progress::save(conn, app, &mut operation).await?;
    progress::announce(conn, app, &operation).await?;
    asking::record(conn, app, &operation, (actor, "operation.approved")).await?;
    Ok(operation)
}

/// Days may lie between the plan and its approval.
async fn may_begin(conn: &mut Conn, deployment: &Deployment) -> Result<(), RequestError> {
    let tenant = tenants::find(conn, deployment.tenant_id)
        .await?
        .ok_or(RequestError::NotFound)?;
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

/// The plan is computed once more from the stored specification and today's prices.
async fn check_plan(
    conn: &mut Conn,
    deployment: &Deployment,
    operation: &Operation,
    plan_hash: &str,
) -> Result<(), RequestError> {
    let blueprint = deployments::find_blueprint(conn, deployment.id)
        .await?
        .ok_or(RequestError::NotFound)?;
    let current = Plan::compute(PlanInput {
        deployment_id: deployment.id,
        generation: operation.generation,
        blueprint: &blueprint,
        existing: &[],
        wanted: deployment.wanted,
    });
    if current.hash == plan_hash {
        return Ok(());
    }
    Err(RequestError::PlanStale {
        current: current.hash,
    })
}

async fn begin_work(conn: &mut Conn, deployment: &Deployment) -> Result<(), RequestError> {
    let blueprint = deployments::find_blueprint(conn, deployment.id)
        .await?
        .ok_or(RequestError::NotFound)?;
    let records: Vec<ResourceRecord> = blueprint
        .resources
        .iter()
        .map(|resource| ResourceRecord::absent(&resource.name, resource.spec.kind()))
        .collect();
    let (tenant_id, id) = (deployment.tenant_id, deployment.id);
    resources::insert_missing(conn, tenant_id, id, &records).await?;
    Ok(work::insert(conn, tenant_id, id).await?)
}

/// Withdraws an operation. A plan that was not approved is dropped; a provision under way is taken down
/// again. A deletion cannot be withdrawn: half a deployment is no use to anybody.
///
/// # Errors
/// When it has ended, or is a deletion.
pub async fn cancel(app: &App, actor: &str, id: OperationId) -> Result<Operation, RequestError> {
    let found = find(app, None, id).await?;
    let mut tx = app.stores.begin(found.tenant_id).await?;
    let operation = cancel_in(&mut tx, app, actor, id).await?;
    tx.commit().await?;
    Ok(operation)
}

/// [`cancel`] in the caller's transaction.
pub(crate) async fn cancel_in(
    conn: &mut Conn,
    app: &App,
    actor: &str,
    id: OperationId,
) -> Result<Operation, RequestError> {
    let seen = operations::find(conn, id).await?.ok_or(RequestError::NotFound)?;
    // The work row first: a worker locks in the same order.
    work::wake(conn, seen.deployment_id).await?;
    let operation = operations::find_for_update(conn, id)
        .await?
        .ok_or(RequestError::NotFound)?;
    let mut deployment = deployments::find_for_update(conn, operation.deployment_id)
        .await?
        .ok_or(RequestError::NotFound)?;
    let awaited = operation.state == OperationState::AwaitingApproval;
    match operation.kind {
        OperationKind::Provision => {}
        OperationKind::Suspend | OperationKind::Resume | OperationKind::Delete => {
            let refused = tenant_model::InvalidTransition {
                from: operation.state.name(),
                verb: "cancel",
            };
            return Err(refused.into());
        }
    }
    let cancelled = progress::cancel(conn, app, operation).await?;
    asking::record(conn, app, &cancelled, (actor, "operation.cancelled")).await?;
    if awaited {
        deployment.phase = deployment.phase.decline()?;
        deployment.phase_since = app.kit.clock.now();
        deployment.updated_at = deployment.phase_since;
        deployments::update(conn, &deployment).await?;
    } else if deployment.phase != Phase::Deleting {
        asking::turn_to_absent(conn, app, &mut deployment, actor).await?;
    }
    Ok(cancelled)
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
