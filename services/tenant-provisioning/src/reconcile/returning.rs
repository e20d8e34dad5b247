//! Going back: what becomes of an operation that cannot be carried out.
//!
//! There is no log to undo. Going back is another desired state: nothing for a deployment that was just begun, the
//! previous design as a new generation for one that was changed.

use tenant_model::{
    contract::{Contract, Retention},
    deployment::{Deployment, Phase},
    operation::{OnFailure, Operation, OperationKind, OperationState},
    plan::Previous,
};
use tenant_store::{Conn, deployments, operations};

use super::{PassError, conclude};
use crate::{
    App, RequestError, deployments as asking, operations as operations_of,
    planning::{self, Draft, Target},
    progress,
};

/// Ends the operation as failed, and begins what its policy says.
pub(super) async fn give_up(
    conn: &mut Conn,
    app: &App,
    (mut deployment, operation): (Deployment, Option<Operation>),
    problem: String,
) -> Result<(), PassError> {
    let Some(failed) = operation.clone() else {
        return Ok(());
    };
    let ended = (false, "deployment.failed", Some(problem.clone()));
    conclude::finish(conn, app, operation, ended).await?;
    match (failed.on_failure, failed.kind) {
        (OnFailure::Keep, _) => {
            deployment.blocked = Some(format!("left as it is: {problem}"));
            deployment.updated_at = app.kit.clock.now();
            deployments::update(conn, &deployment).await?;
        }
        (OnFailure::Rollback, OperationKind::Provision) => {
            asking::turn_to_absent(conn, app, &mut deployment, "reconciler").await?;
        }
        (OnFailure::Rollback, _) => return_from(conn, app, &mut deployment, &failed).await?,
    }
    Ok(())
}

/// Makes the design from before `failed` the wanted one again, as a new generation with an operation of its own.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn return_from(
    conn: &mut Conn,
    app: &App,
    deployment: &mut Deployment,
    failed: &Operation,
) -> Result<(), RequestError> {
    let current = deployments::find_blueprint(conn, deployment.id)
        .await?
        .ok_or(RequestError::NotFound)?;
    let previous = deployments::find_blueprint_at(conn, deployment.id, failed.generation - 1)
        .await?
        .ok_or(RequestError::NotFound)?;
    let previous = previous.succeeding(&current);
    let now = app.kit.clock.now();
    deployment.generation += 1;
    deployment.profile = previous.design.profile;
    deployment
        .instance_type
        .clone_from(&previous.design.instance_type);
    deployment.phase = Phase::Provisioning;
    deployment.phase_since = now;
    deployment.blocked = None;
    deployment.updated_at = now;
    deployment.version = deployments::update(conn, deployment).await?;
    operations_of::know_resources(conn, deployment, &previous).await?;
    let before = Previous {
        blueprint: &current,
        wanted: deployment.wanted,
    };
    let target = Target {
        generation: deployment.generation,
        blueprint: &previous,
        wanted: deployment.wanted.under(deployment.tenant_state_seen),
        retention: &Retention::default(),
    };
    let plan = planning::towards(conn, app, deployment, (before, target)).await?;
    let draft = Draft {
        kind: OperationKind::Change,
        state: OperationState::Queued,
        plan,
        contract: Contract::default(),
        requested_by: "reconciler",
    };
    let mut operation = planning::draft(app, deployment, draft);
    // A return that fails as well is for people to look at.
    operation.on_failure = OnFailure::Keep;
    let spec = deployments::NewSpec {
        blueprint: &previous,
        plan_hash: &operation.plan.hash,
        requested_by: "reconciler",
    };
    deployments::insert_spec(conn, deployment, &spec).await?;
    operations::insert(conn, &operation).await?;
    progress::announce(conn, app, &operation).await?;
    asking::record(conn, app, &operation, ("reconciler", "deployment.returned")).await
}
