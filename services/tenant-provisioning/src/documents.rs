//! Documents about a deployment that a customer takes away: the certificate of its deletion, and the exit kit.

use tenant_model::{
    exit_kit::{ExitKit, Facts, exit_kit},
    ids::{DeploymentId, TenantId},
};
use tenant_store::{
    certificates::{self, Certificate},
    deployments, import_facts, resources,
};

use crate::{App, RequestError, progress};

/// The certificate of a deployment's deletion, as seen by a tenant, or by the operator without one.
///
/// # Errors
/// [`RequestError::NotFound`] also for another tenant's, and while there is none.
pub async fn certificate(
    app: &App,
    tenant_id: Option<TenantId>,
    id: DeploymentId,
) -> Result<Certificate, RequestError> {
    let mut tx = progress::begin_as(app, tenant_id).await?;
    certificates::find(&mut tx, id)
        .await?
        .ok_or(RequestError::NotFound)
}

/// What it takes to go on with a deployment without us.
///
/// # Errors
/// [`RequestError::NotFound`] also for another tenant's.
pub async fn take_over(
    app: &App,
    tenant_id: Option<TenantId>,
    id: DeploymentId,
) -> Result<ExitKit, RequestError> {
    let mut tx = progress::begin_as(app, tenant_id).await?;
    let found = deployments::find(&mut tx, id).await?;
    let deployment = found.ok_or(RequestError::NotFound)?;
    let blueprint = deployments::find_blueprint(&mut tx, id).await?;
    Ok(exit_kit(&Facts {
        deployment: &deployment,
        blueprint: &blueprint.ok_or(RequestError::NotFound)?,
        records: &resources::list(&mut tx, id).await?,
        seen: &import_facts::list(&mut tx, id).await?,
    }))
}
