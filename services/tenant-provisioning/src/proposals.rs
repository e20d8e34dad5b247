//! Proposing what shall become of an existing deployment. Nothing changes by it: the plan waits for approval, and what
//! was proposed is written down as wanted only by the worker that finds the plan still true.

use tenant_model::{
    contract::{Contract, KEPT_DAYS_MAX, Proposal, Retention},
    deployment::{Deployment, Wanted},
    ids::DeploymentId,
    operation::{Operation, OperationKind, OperationState},
};
use tenant_store::{Conn, deployments, operations, work};

use crate::{
    App, RequestError,
    deployments::{self as asking, record},
    planning::{self, Draft},
    progress,
};

/// Asks for the end of a deployment: a plan to approve, which says what goes and what stays.
///
/// # Errors
/// When there is nothing to delete, or another operation is at work.
pub async fn request_deletion(
    app: &App,
    actor: &str,
    id: DeploymentId,
    retention: &Retention,
) -> Result<Operation, RequestError> {
    let found = asking::find(app, None, id).await?;
    let mut tx = app.stores.begin(found.tenant_id).await?;
    let operation = request_deletion_in(&mut tx, app, (actor, retention), (id, None)).await?;
    tx.commit().await?;
    Ok(operation)
}

/// [`request_deletion`] in the caller's transaction; with a version, only if it is still the present one.
pub(crate) async fn request_deletion_in(
    conn: &mut Conn,
    app: &App,
    (actor, retention): (&str, &Retention),
    (id, version): (DeploymentId, Option<i64>),
) -> Result<Operation, RequestError> {
    let (deployment, live) = lock(conn, id, version).await?;
    deployment.phase.delete()?;
    let again =
        |live: &Operation| live.kind == OperationKind::Delete && live.contract.retention == *retention;
    if let Some(live) = live {
        if again(&live) {
            return Ok(live);
        }
        make_way(conn, app, live).await?;
    }
    propose_deletion(conn, app, &deployment, (actor, retention)).await
}

/// The work row first: a worker locks in the same order.
pub(crate) async fn lock(
    conn: &mut Conn,
    id: DeploymentId,
    version: Option<i64>,
) -> Result<(Deployment, Option<Operation>), RequestError> {
    work::wake(conn, id).await?;
    let live = operations::find_live_for_update(conn, id).await?;
    let deployment = deployments::find_for_update(conn, id)
        .await?
        .ok_or(RequestError::NotFound)?;
    if version.is_some_and(|seen| seen != deployment.version) {
        let current = deployment.version;
        return Err(RequestError::Version { current });
    }
    Ok((deployment, live))
}

/// A plan that nobody has approved yet gives way to a newer one; work under way does not.
pub(crate) async fn make_way(conn: &mut Conn, app: &App, live: Operation) -> Result<(), RequestError> {
    if live.state != OperationState::AwaitingApproval {
        return Err(RequestError::Busy);
    }
    progress::cancel(conn, app, live).await?;
    Ok(())
}

/// Writes the plan of a deletion down. The caller has seen that nothing else is under way.
pub(crate) async fn propose_deletion(
    conn: &mut Conn,
    app: &App,
    deployment: &Deployment,
    (actor, retention): (&str, &Retention),
) -> Result<Operation, RequestError> {
    check_retention(retention)?;
    let proposal = Proposal {
        blueprint: planning::blueprint(conn, deployment).await?,
        wanted: Wanted::Absent,
    };
    let contract = Contract::proposing(proposal, retention.clone());
    let asked = (OperationKind::Delete, contract);
    propose(conn, app, deployment, (actor, asked)).await
}

/// What can be kept is told by what is there.
fn check_retention(retention: &Retention) -> Result<(), RequestError> {
    let Some(days) = retention.database_snapshot_days else {
        return Ok(());
    };
    let refused = |detail: &str| {
        Err(RequestError::Invalid {
            pointer: "/database_snapshot_days",
            detail: detail.to_owned(),
        })
    };
    if !(1..=KEPT_DAYS_MAX).contains(&days) {
        return refused("Choose 1 to 3650 days.");
    }
    refused("This deployment has no database, so there is nothing that could be kept in the account.")
}

async fn propose(
    conn: &mut Conn,
    app: &App,
    deployment: &Deployment,
    (actor, (kind, mut contract)): (&str, (OperationKind, Contract)),
) -> Result<Operation, RequestError> {
    contract.quorum = planning::quorum(conn, deployment, kind).await?;
    let plan = planning::proposed(conn, app, deployment, &contract).await?;
    let draft = Draft {
        kind,
        state: OperationState::AwaitingApproval,
        plan,
        contract,
        requested_by: actor,
    };
    let operation = planning::draft(app, deployment, draft);
    operations::insert(conn, &operation).await?;
    progress::announce(conn, app, &operation).await?;
    let action = match kind {
        OperationKind::Delete => "deployment.delete_requested",
        OperationKind::Provision | OperationKind::Change | OperationKind::Suspend | OperationKind::Resume => {
            "deployment.requested"
        }
    };
    record(conn, app, &operation, (actor, action)).await?;
    Ok(operation)
}
