//! Following the tenant's state: suspension, resumption and offboarding become operations.

use tenant_model::{
    TenantState,
    contract::Retention,
    deployment::{Deployment, Phase, Wanted},
    operation::{Operation, OperationKind},
};
use tenant_store::{Conn, deployments, operations};

use super::PassError;
use crate::{App, deployments as asking, progress};

type Standing = (Deployment, Option<Operation>);

/// Takes note of the tenant's state. If it asks for something else than the last one did, the operation
/// that brings it about begins; an operation it contradicts is withdrawn.
pub(super) async fn follow_tenant(
    conn: &mut Conn,
    app: &App,
    (mut deployment, operation): Standing,
    tenant: TenantState,
) -> Result<Standing, PassError> {
    if deployment.tenant_state_seen == tenant {
        return Ok((deployment, operation));
    }
    let before = deployment.wanted.under(deployment.tenant_state_seen);
    let after = deployment.wanted.under(tenant);
    if after == Wanted::Absent && before != after {
        return leave(conn, app, (deployment, operation)).await;
    }
    deployment.tenant_state_seen = tenant;
    if before == after {
        save(conn, app, &mut deployment).await?;
        return Ok((deployment, operation));
    }
    turn(conn, app, (deployment, operation), after).await
}

/// The tenant leaves: what is under way ends, and the deletion begins with its plan. What was wanted stays wanted
/// until that is approved.
async fn leave(conn: &mut Conn, app: &App, (deployment, operation): Standing) -> Result<Standing, PassError> {
    if operation
        .as_ref()
        .is_some_and(|live| live.kind == OperationKind::Delete)
    {
        return Ok((deployment, operation));
    }
    withdraw(conn, app, operation).await?;
    let asked = ("offboarding", &Retention::default());
    let deletion = asking::propose_deletion(conn, app, &deployment, asked).await?;
    Ok((deployment, Some(deletion)))
}

async fn turn(
    conn: &mut Conn,
    app: &App,
    (mut deployment, operation): Standing,
    after: Wanted,
) -> Result<Standing, PassError> {
    // A provision under way simply ends in another state.
    if operation
        .as_ref()
        .is_some_and(|live| live.kind == OperationKind::Provision)
    {
        save(conn, app, &mut deployment).await?;
        return Ok((deployment, operation));
    }
    withdraw(conn, app, operation).await?;
    let kind = match after {
        Wanted::Stopped => OperationKind::Suspend,
        Wanted::Present | Wanted::Absent => OperationKind::Resume,
    };
    deployment.generation += 1;
    deployment.phase = Phase::Provisioning;
    deployment.phase_since = app.kit.clock.now();
    save(conn, app, &mut deployment).await?;
    let operation = asking::begin_turn(conn, app, &deployment, (kind, "reconciler")).await?;
    operations::insert(conn, &operation)
        .await
        .map_err(PassError::Store)?;
    progress::announce(conn, app, &operation).await?;
    asking::record(conn, app, &operation, ("reconciler", "deployment.turned")).await?;
    Ok((deployment, Some(operation)))
}

async fn withdraw(conn: &mut Conn, app: &App, operation: Option<Operation>) -> Result<(), PassError> {
    if let Some(live) = operation {
        progress::cancel(conn, app, live).await?;
    }
    Ok(())
}

async fn save(conn: &mut Conn, app: &App, deployment: &mut Deployment) -> Result<(), PassError> {
    deployment.updated_at = app.kit.clock.now();
    deployment.version = deployments::update(conn, deployment).await?;
    Ok(())
}
