//! Withdrawing an operation: a plan is dropped, work under way is kept as it is or turned back, as the person says who
//! withdraws it.

use tenant_model::{
    InvalidTransition,
    deployment::{Deployment, Phase},
    ids::OperationId,
    operation::{OnFailure, Operation, OperationKind},
};
use tenant_store::{Conn, deployments};

use crate::{
    App, RequestError, deployments as asking,
    operations::{find, lock},
    progress,
    reconcile::returning,
};

/// Withdraws an operation and turns back what it has done so far.
///
/// # Errors
/// When it has ended, or cannot be withdrawn.
pub async fn cancel(app: &App, actor: &str, id: OperationId) -> Result<Operation, RequestError> {
    cancel_and(app, actor, id, OnFailure::Rollback).await
}

/// Withdraws an operation. A plan that was not applied is dropped. What work has done so far is kept, or turned back:
/// a provision is taken down again, a change returns to the design before it. A deletion under way cannot be
/// withdrawn: half a deployment is no use to anybody.
///
/// # Errors
/// When it has ended, or cannot be withdrawn.
pub async fn cancel_and(
    app: &App,
    actor: &str,
    id: OperationId,
    then: OnFailure,
) -> Result<Operation, RequestError> {
    let found = find(app, None, id).await?;
    let mut tx = app.stores.begin(found.tenant_id).await?;
    let operation = cancel_in(&mut tx, app, actor, (id, then)).await?;
    tx.commit().await?;
    Ok(operation)
}

/// [`cancel_and`] in the caller's transaction.
pub(crate) async fn cancel_in(
    conn: &mut Conn,
    app: &App,
    actor: &str,
    (id, then): (OperationId, OnFailure),
) -> Result<Operation, RequestError> {
    let (mut deployment, operation) = lock(conn, id).await?;
    let begun = operation.is_at_work();
    may_be_withdrawn(&operation, begun)?;
    let cancelled = progress::cancel(conn, app, operation).await?;
    asking::record(conn, app, &cancelled, (actor, "operation.cancelled")).await?;
    if deployment.phase == Phase::Planned {
        decline(conn, app, &mut deployment).await?;
    } else if begun {
        leave_or_turn_back(conn, app, &mut deployment, (&cancelled, actor, then)).await?;
    }
    Ok(cancelled)
}

async fn decline(conn: &mut Conn, app: &App, deployment: &mut Deployment) -> Result<(), RequestError> {
    deployment.phase = deployment.phase.decline()?;
    deployment.phase_since = app.kit.clock.now();
    deployment.updated_at = deployment.phase_since;
    deployment.version = deployments::update(conn, deployment).await?;
    Ok(())
}

async fn leave_or_turn_back(
    conn: &mut Conn,
    app: &App,
    deployment: &mut Deployment,
    (cancelled, actor, then): (&Operation, &str, OnFailure),
) -> Result<(), RequestError> {
    match (then, cancelled.kind) {
        (OnFailure::Keep, _) => {
            deployment.blocked = Some("left as it is: the operation was withdrawn".to_owned());
            deployment.updated_at = app.kit.clock.now();
            deployment.version = deployments::update(conn, deployment).await?;
        }
        (OnFailure::Rollback, OperationKind::Change) => {
            returning::return_from(conn, app, deployment, cancelled).await?;
        }
        (OnFailure::Rollback, _) => {
            asking::turn_to_absent(conn, app, deployment, actor).await?;
        }
    }
    Ok(())
}

fn may_be_withdrawn(operation: &Operation, begun: bool) -> Result<(), RequestError> {
    let stays = match operation.kind {
        OperationKind::Provision | OperationKind::Change => false,
        OperationKind::Delete => begun,
        OperationKind::Suspend | OperationKind::Resume => true,
    };
    if !stays {
        return Ok(());
    }
    let refused = InvalidTransition {
        from: operation.state.name(),
        verb: "cancel",
    };
    Err(refused.into())
}
