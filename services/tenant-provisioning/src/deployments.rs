//! Asking for deployments: what should be is written down with its plan; nothing here calls AWS.

use serde_json::json;
use tenant_model::{
    ConnectionState, TenantState,
    blueprint::{Blueprint, Design},
    deployment::{Deployment, Phase, Profile, Region, Wanted},
    ids::{ConnectionId, DeploymentId, OperationId, TenantId},
    operation::{Operation, OperationKind, OperationState, Step},
    plan::{Plan, PlanInput, instance_types},
    resource::{CreatedEver, ResourceRecord},
};
use tenant_store::{
    Conn, audit, audit::NewAuditEntry, connections, deployments, operations, resources, tenants, work,
};

use crate::{App, RequestError, progress};

/// Size of a deployment for which none was chosen.
pub const DEFAULT_INSTANCE_TYPE: &str = "t3.medium";

/// What is asked for.
#[derive(Clone, Debug)]
pub struct NewDeployment {
    /// Through which connection.
    pub connection_id: ConnectionId,
    /// Made of what.
    pub profile: Profile,
    /// Where.
    pub region: String,
    /// How big; [`DEFAULT_INSTANCE_TYPE`] when none is chosen.
    pub instance_type: Option<String>,
}

/// Asks for a deployment. Nothing happens before its plan is approved.
///
/// # Errors
/// When the tenant, the connection or a choice does not allow it.
pub async fn request(
    app: &App,
    actor: &str,
    tenant_id: TenantId,
    new: &NewDeployment,
) -> Result<Operation, RequestError> {
    let mut tx = app.stores.begin(tenant_id).await?;
    let operation = request_in(&mut tx, app, (tenant_id, actor), new).await?;
    tx.commit().await?;
    Ok(operation)
}

/// [`request`] in the caller's transaction.
pub(crate) async fn request_in(
    conn: &mut Conn,
    app: &App,
    (tenant_id, actor): (TenantId, &str),
    new: &NewDeployment,
) -> Result<Operation, RequestError> {
    let design = check(conn, app, tenant_id, new).await?;
    let now = app.kit.clock.now();
    let deployment = Deployment {
        id: DeploymentId::from_uuid(app.kit.ids.uuid()),
        tenant_id,
        connection_id: new.connection_id,
        profile: design.profile,
        region: design.region.clone(),
        instance_type: design.instance_type.clone(),
        wanted: Wanted::Present,
        generation: 1,
        observed_generation: 0,
        phase: Phase::Planned,
        phase_since: now,
        blocked: None,
        deletion_proof: None,
        tenant_state_seen: TenantState::Active,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    let blueprint = Blueprint::compile(design);
    let mut operation = draft(app, &deployment, &blueprint, (OperationKind::Provision, &[]));
    operation.requested_by = actor.to_owned();
    deployments::insert(conn, &deployment).await?;
    let spec = deployments::NewSpec {
        blueprint: &blueprint,
        plan_hash: &operation.plan.hash,
        requested_by: actor,
    };
    deployments::insert_spec(conn, &deployment, &spec).await?;
    operations::insert(conn, &operation).await?;
    progress::announce(conn, app, &operation).await?;
    record(conn, app, &operation, (actor, "deployment.requested")).await?;
    Ok(operation)
}

async fn check(
    conn: &mut Conn,
    app: &App,
    tenant_id: TenantId,
    new: &NewDeployment,
) -> Result<Design, RequestError> {
    let tenant = tenants::find(conn, tenant_id)
        .await?
        .ok_or(RequestError::NotFound)?;
    if tenant.state != TenantState::Active {
        return Err(RequestError::TenantNotActive);
    }
    let region = choose_region(app, &new.region)?;
    let instance_type = choose_instance_type(new.instance_type.as_deref())?;
    let connection = connections::find(conn, new.connection_id)
        .await?
        .filter(|connection| connection.tenant_id == tenant_id)
        .ok_or_else(|| RequestError::Invalid {
            pointer: "/connection_id",
            detail: "There is no such connection.".to_owned(),
        })?;
    if !matches!(connection.state, ConnectionState::Ready { .. }) {
        return Err(RequestError::ConnectionNotReady);
    }
    let image = app.config.image.clone();
    Ok(Design {
        profile: new.profile,
        region,
        instance_type,
        image,
    })
}

fn choose_region(app: &App, text: &str) -> Result<Region, RequestError> {
    let offered = app.config.regions.iter().any(|region| region == text);
    text.parse()
        .ok()
        .filter(|_| offered)
        .ok_or_else(|| RequestError::Invalid {
            pointer: "/region",
            detail: format!("Choose one of: {}.", app.config.regions.join(", ")),
        })
}

fn choose_instance_type(text: Option<&str>) -> Result<String, RequestError> {
    let wanted = text.unwrap_or(DEFAULT_INSTANCE_TYPE);
    instance_types()
        .find(|offered| *offered == wanted)
        .map(str::to_owned)
        .ok_or_else(|| {
            let offered: Vec<&str> = instance_types().collect();
            RequestError::Invalid {
                pointer: "/instance_type",
                detail: format!("Choose one of: {}.", offered.join(", ")),
            }
        })
}

/// An operation on `deployment` as it is now wanted, with its plan and steps. A provision waits for
/// approval; the others were decided by whoever asked.
pub(crate) fn draft(
    app: &App,
    deployment: &Deployment,
    blueprint: &Blueprint,
    (kind, existing): (OperationKind, &[String]),
) -> Operation {
    let plan = Plan::compute(PlanInput {
        deployment_id: deployment.id,
        generation: deployment.generation,
        blueprint,
        existing,
        wanted: deployment.wanted.under(deployment.tenant_state_seen),
    });
    let steps = plan
        .lines
        .iter()
        .map(|line| Step::pending(&line.resource, &line.why))
        .collect();
    let state = match kind {
        OperationKind::Provision => OperationState::AwaitingApproval,
        OperationKind::Suspend | OperationKind::Resume | OperationKind::Delete => OperationState::Queued,
    };
    let now = app.kit.clock.now();
    Operation {
        id: OperationId::from_uuid(app.kit.ids.uuid()),
        tenant_id: deployment.tenant_id,
        deployment_id: deployment.id,
        kind,
        generation: deployment.generation,
        state,
        plan,
        steps,
        problem: None,
        permanent_errors: 0,
        requested_by: "reconciler".to_owned(),
        approved_by: None,
        created_at: now,
        updated_at: now,
        version: 1,
    }
}

/// Asks for the end of a deployment. An operation that has not ended is withdrawn for it.
///
/// # Errors
/// When there is nothing to delete.
pub async fn delete(app: &App, actor: &str, id: DeploymentId) -> Result<Operation, RequestError> {
    let found = find(app, None, id).await?;
    let mut tx = app.stores.begin(found.tenant_id).await?;
    let operation = delete_in(&mut tx, app, actor, (id, None)).await?;
    tx.commit().await?;
    Ok(operation)
}

/// [`delete`] in the caller's transaction; with a version, only if it is still the present one.
pub(crate) async fn delete_in(
    conn: &mut Conn,
    app: &App,
    actor: &str,
    (id, version): (DeploymentId, Option<i64>),
) -> Result<Operation, RequestError> {
    // The work row first: a worker locks in the same order.
    work::wake(conn, id).await?;
    let live = operations::find_live_for_update(conn, id).await?;
    let mut deployment = deployments::find_for_update(conn, id)
        .await?
        .ok_or(RequestError::NotFound)?;
    if let Some(seen) = version.filter(|seen| *seen != deployment.version) {
        tracing::debug!(seen, "stale version");
        return Err(RequestError::Version {
            current: deployment.version,
        });
    }
    if let Some(live) = live {
        if live.kind == OperationKind::Delete {
            return Ok(live);
        }
        progress::cancel(conn, app, live).await?;
    }
    turn_to_absent(conn, app, &mut deployment, actor).await
}

/// Writes down that nothing of the deployment shall be left, and the operation that brings it about.
pub(crate) async fn turn_to_absent(
    conn: &mut Conn,
    app: &App,
    deployment: &mut Deployment,
    actor: &str,
) -> Result<Operation, RequestError> {
    let now = app.kit.clock.now();
    deployment.phase = deployment.phase.delete()?;
    deployment.phase_since = now;
    deployment.wanted = Wanted::Absent;
    deployment.generation += 1;
    deployment.blocked = None;
    deployment.updated_at = now;
    deployment.version = deployments::update(conn, deployment).await?;
    let mut operation = begin_turn(conn, app, deployment, OperationKind::Delete).await?;
    actor.clone_into(&mut operation.requested_by);
    operations::insert(conn, &operation).await?;
    progress::announce(conn, app, &operation).await?;
    record(conn, app, &operation, (actor, "deployment.delete_requested")).await?;
    Ok(operation)
}

/// The operation that turns an existing deployment to what it is now wanted to be.
pub(crate) async fn begin_turn(
    conn: &mut Conn,
    app: &App,
    deployment: &Deployment,
    kind: OperationKind,
) -> Result<Operation, RequestError> {
    let blueprint = deployments::find_blueprint(conn, deployment.id)
        .await?
        .ok_or(RequestError::NotFound)?;
    let records = resources::list(conn, deployment.id).await?;
    // A resource whose call is not settled may exist, so it is in the plan.
    let existing: Vec<String> = records
        .into_iter()
        .filter(|record| record.aws_id.is_some() || may_exist(record))
        .map(|record| record.name)
        .collect();
    Ok(draft(app, deployment, &blueprint, (kind, &existing)))
}

fn may_exist(record: &ResourceRecord) -> bool {
    use tenant_model::resource::ResourceState as State;
    matches!(record.state, State::Creating | State::Unknown)
}

/// One deployment, as seen by a tenant, or by the operator without one.
///
/// # Errors
/// [`RequestError::NotFound`] also for another tenant's.
pub async fn find(
    app: &App,
    tenant_id: Option<TenantId>,
    id: DeploymentId,
) -> Result<Deployment, RequestError> {
    let mut tx = progress::begin_as(app, tenant_id).await?;
    deployments::find(&mut tx, id)
        .await?
        .ok_or(RequestError::NotFound)
}

/// Deployments in order of their making, at most `limit`, of one tenant or (operator) of all.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    app: &App,
    tenant_id: Option<TenantId>,
    after: Option<DeploymentId>,
    limit: u32,
) -> Result<Vec<Deployment>, RequestError> {
    let mut tx = progress::begin_as(app, tenant_id).await?;
    Ok(deployments::list(&mut tx, tenant_id, after, i64::from(limit)).await?)
}

/// What is remembered of a deployment's resources, and every id that was ever its.
///
/// # Errors
/// When the database does not answer.
pub async fn resources(
    app: &App,
    deployment: &Deployment,
) -> Result<(Vec<ResourceRecord>, Vec<CreatedEver>), RequestError> {
    let mut tx = app.stores.begin(deployment.tenant_id).await?;
    let records = resources::list(&mut tx, deployment.id).await?;
    Ok((
        records,
        resources::list_created_ever(&mut tx, deployment.id).await?,
    ))
}

/// Writes the audit entry of a request about an operation.
pub(crate) async fn record(
    conn: &mut Conn,
    app: &App,
    operation: &Operation,
    (actor, action): (&str, &'static str),
) -> Result<(), RequestError> {
    let entry = NewAuditEntry {
        tenant_id: Some(operation.tenant_id),
        actor: actor.to_owned(),
        action,
        subject: operation.deployment_id.to_string(),
        detail: json!({
            "operation": operation.id.to_string(),
            "plan_hash": operation.plan.hash,
        }),
        at: app.kit.clock.now(),
    };
    Ok(audit::append(conn, entry).await?)
}
