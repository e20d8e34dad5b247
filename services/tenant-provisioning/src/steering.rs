//! Steering a deployment without changing what it should be: resting its work, and what is done about drift.

use serde_json::json;
use tenant_model::{
    InvalidTransition,
    deployment::{Deployment, DriftPolicy},
    ids::DeploymentId,
};
use tenant_store::{Conn, audit, audit::NewAuditEntry, deployments};

use crate::{App, RequestError, progress, proposals::lock};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steering {
    /// Nothing is called any more. A call that is under way ends and is written down.
    Pause,
    /// Work goes on where it was.
    Resume,
    /// What is done about drift.
    Drift(DriftPolicy),
}

impl Steering {
    const fn action(self) -> &'static str {
        match self {
            Self::Pause => "deployment.paused",
            Self::Resume => "deployment.resumed",
            Self::Drift(_) => "deployment.drift_policy_set",
        }
    }
}

/// Steers a deployment. Asking for what is so already changes nothing.
///
/// # Errors
/// When nothing will happen to the deployment any more.
pub async fn steer(
    app: &App,
    actor: &str,
    id: DeploymentId,
    steering: Steering,
) -> Result<Deployment, RequestError> {
    let found = crate::deployments::find(app, None, id).await?;
    let mut tx = app.stores.begin(found.tenant_id).await?;
    let deployment = steer_in(&mut tx, app, actor, (id, steering)).await?;
    tx.commit().await?;
    Ok(deployment)
}

/// [`steer`] in the caller's transaction.
pub(crate) async fn steer_in(
    conn: &mut Conn,
    app: &App,
    actor: &str,
    (id, steering): (DeploymentId, Steering),
) -> Result<Deployment, RequestError> {
    let (mut deployment, _) = lock(conn, id, None).await?;
    if deployment.phase.is_final() {
        let (from, verb) = (deployment.phase.name(), "steer");
        return Err(InvalidTransition { from, verb }.into());
    }
    let before = (deployment.paused, deployment.drift_policy);
    match steering {
        Steering::Pause => deployment.paused = true,
        Steering::Resume => deployment.paused = false,
        Steering::Drift(policy) => deployment.drift_policy = policy,
    }
    if (deployment.paused, deployment.drift_policy) == before {
        return Ok(deployment);
    }
    deployment.updated_at = app.kit.clock.now();
    deployment.version = deployments::update(conn, &deployment).await?;
    let detail = json!({"paused": deployment.paused, "drift_policy": deployment.drift_policy.name()});
    let entry = NewAuditEntry {
        tenant_id: Some(deployment.tenant_id),
        actor: actor.to_owned(),
        action: steering.action(),
        subject: deployment.id.to_string(),
        detail: detail.clone(),
        at: deployment.updated_at,
    };
    audit::append(conn, entry).await?;
    progress::publish_about(conn, app, &deployment, (steering.action(), detail)).await?;
    Ok(deployment)
}
