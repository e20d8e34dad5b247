//! Asking for deployments: what should be is written down with its plan; nothing here calls AWS.

use serde_json::json;
use tenant_model::{
    ConnectionState, TenantState,
    blueprint::{ANYWHERE, Blueprint, Design, NetworkChoice, PREFIX_MAX, domain},
    contract::{Contract, Retention},
    deployment::{Deployment, DriftPolicy, Phase, Profile, Region, Wanted},
    ids::{ConnectionId, DeploymentId, TenantId},
    operation::{Operation, OperationKind, OperationState},
    plan::{Previous, instance_types},
    resource::{CreatedEver, ResourceRecord},
};
use tenant_store::{
    Conn, audit, audit::NewAuditEntry, connections, deployments, operations, resources, tenants,
};

pub use crate::proposals::{DesignChange, request_change, request_deletion};
pub(crate) use crate::proposals::{propose_deletion, request_change_in, request_deletion_in};
use crate::{
    App, RequestError,
    planning::{self, Draft, Target},
    progress,
};

/// The largest network that EC2 makes.
const PREFIX_MIN: u8 = 16;
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
    /// Whether a Multi-AZ database belongs to it.
    pub database: bool,
    /// In which network.
    pub network: NetworkChoice,
}

/// Whose deployment is asked for: the caller's own, or (operator) that of the connection's tenant.
///
/// # Errors
/// [`RequestError::NotFound`] for an operator who names no connection.
pub async fn owner(
    app: &App,
    own: Option<TenantId>,
    connection_id: ConnectionId,
) -> Result<TenantId, RequestError> {
    if let Some(own) = own {
        return Ok(own);
    }
    let mut tx = app.stores.begin_ops().await?;
    let connection = connections::find(&mut tx, connection_id).await?;
    Ok(connection.ok_or(RequestError::NotFound)?.tenant_id)
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
    let id = DeploymentId::from_uuid(app.kit.ids.uuid());
    let design = check(conn, app, (tenant_id, id), new).await?;
    let now = app.kit.clock.now();
    let deployment = Deployment {
        id,
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
        paused: false,
        drift_policy: DriftPolicy::Alert,
        deletion_proof: None,
        tenant_state_seen: TenantState::Active,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    let blueprint = Blueprint::compile(id, design);
    let draft = Draft {
        kind: OperationKind::Provision,
        state: OperationState::AwaitingApproval,
        plan: planning::first(app, &deployment, &blueprint),
        contract: Contract::default(),
        requested_by: actor,
    };
    let operation = planning::draft(app, &deployment, draft);
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
    (tenant_id, id): (TenantId, DeploymentId),
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
    check_network(new.profile, &new.network)?;
    check_database(new.profile, new.database)?;
    let image = app.config.image.clone();
    Ok(Design {
        profile: new.profile,
        region,
        instance_type,
        image,
        database: new.database,
        network: new.network.clone(),
        admits: vec![ANYWHERE.to_owned()],
        domain: domain(id, &app.config.endpoint_zone),
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

/// Where a database and a load balancer may stand is told by the profile.
pub(crate) fn check_network(profile: Profile, network: &NetworkChoice) -> Result<(), RequestError> {
    let refused = |detail: String| {
        Err(RequestError::Invalid {
            pointer: "/network",
            detail,
        })
    };
    match (network, profile) {
        (NetworkChoice::New { cidr }, _) if !(PREFIX_MIN..=PREFIX_MAX).contains(&cidr.prefix()) => {
            refused(format!("Choose a block of /{PREFIX_MIN} to /{PREFIX_MAX}."))
        }
        (NetworkChoice::New { .. }, _) => Ok(()),
        (NetworkChoice::Existing { public_subnets, .. }, Profile::Single) if public_subnets.is_empty() => {
            refused("Name a public subnet of the network.".to_owned())
        }
        (NetworkChoice::Existing { .. }, Profile::Single) => Ok(()),
        (
            NetworkChoice::Existing {
                public_subnets,
                private_subnets,
                ..
            },
            Profile::HighlyAvailable,
        ) if public_subnets.len() != 2 || private_subnets.len() != 2 => refused(
            "Name two public and two private subnets of the network, one of each in either zone.".to_owned(),
        ),
        (NetworkChoice::Existing { .. }, Profile::HighlyAvailable) => Ok(()),
    }
}

pub(crate) fn check_database(profile: Profile, database: bool) -> Result<(), RequestError> {
    if database && profile == Profile::Single {
        return Err(RequestError::Invalid {
            pointer: "/database",
            detail: "Only a highly available deployment has a database of its own.".to_owned(),
        });
    }
    Ok(())
}

pub(crate) fn choose_instance_type(text: Option<&str>) -> Result<String, RequestError> {
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

/// Writes down that nothing of the deployment shall be left, and the operation that brings it about: the way back of
/// a provision, which its own plan has approved.
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
    let operation = begin_turn(conn, app, deployment, (OperationKind::Delete, actor)).await?;
    operations::insert(conn, &operation).await?;
    progress::announce(conn, app, &operation).await?;
    record(conn, app, &operation, (actor, "deployment.delete_requested")).await?;
    Ok(operation)
}

/// The operation that turns an existing deployment to what it is now wanted to be. Whoever wants that has decided
/// already: an operator by suspending the tenant, or the plan that is being rolled back.
pub(crate) async fn begin_turn(
    conn: &mut Conn,
    app: &App,
    deployment: &Deployment,
    (kind, actor): (OperationKind, &str),
) -> Result<Operation, RequestError> {
    let blueprint = planning::blueprint(conn, deployment).await?;
    let before = match kind {
        OperationKind::Resume => Wanted::Stopped,
        OperationKind::Provision | OperationKind::Change | OperationKind::Suspend | OperationKind::Delete => {
            Wanted::Present
        }
    };
    let previous = Previous {
        blueprint: &blueprint,
        wanted: before,
    };
    let target = Target {
        generation: deployment.generation,
        blueprint: &blueprint,
        wanted: deployment.wanted.under(deployment.tenant_state_seen),
        retention: &Retention::default(),
    };
    let plan = planning::towards(conn, app, deployment, (previous, target)).await?;
    let draft = Draft {
        kind,
        state: OperationState::Queued,
        plan,
        contract: Contract::default(),
        requested_by: actor,
    };
    Ok(planning::draft(app, deployment, draft))
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

/// What the deployment is meant to be now.
///
/// # Errors
/// When the database does not answer.
pub async fn design(app: &App, deployment: &Deployment) -> Result<Design, RequestError> {
    let mut tx = app.stores.begin(deployment.tenant_id).await?;
    Ok(planning::blueprint(&mut tx, deployment).await?.design)
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
