//! Documents about a deployment to take away.

use axum::{extract::State, response::Response};
use serde::Serialize;
use service_kit::{Caller, IdPath, Problem, ProblemBody};
use tenant_model::{
    ids::DeploymentId,
    principal::{Action, authorize},
};
use utoipa::ToSchema;

use crate::{App, deployments, documents};

/// A document to read, and the same signed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeletionCertificate)]
pub(crate) struct CertificateView {
    /// Every id ever created with its end, what is retained and until when, what the sweeps saw in each region, and the
    /// ledger's last entry.
    #[schema(value_type = Object)]
    document: serde_json::Value,
    /// The document as a compact JWS of the keys in `/.well-known/jwks.json`.
    jws: String,
}

/// What it takes to go on without us.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExitKit)]
pub(crate) struct ExitKitView {
    /// A CloudFormation template of exactly what exists; every resource is retained.
    #[schema(value_type = Object)]
    template: serde_json::Value,
    /// For `aws cloudformation create-change-set --resources-to-import`.
    #[schema(value_type = Vec<Object>)]
    resources_to_import: Vec<serde_json::Value>,
    /// What exists and is not in the template, and why.
    left_out: Vec<LeftOutView>,
    /// The commands, as Markdown.
    readme: String,
}

/// A resource that is not in the kit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LeftOutView {
    resource: String,
    why: String,
}

/// Downloads the certificate of a deployment's deletion, to check offline with `tenantry verify-certificate`.
#[utoipa::path(
    get, path = "/v1/deployments/{deployment_id}/certificate", operation_id = "deployment_certificate",
    tag = "deployments", params(("deployment_id" = String, Path, description = "The deployment")),
    responses(
        (status = 200, description = "The certificate", body = CertificateView),
        (status = 401, description = "not-signed-in, credential-expired", body = ProblemBody),
        (status = 403, description = "not-allowed", body = ProblemBody),
        (status = 404, description = "not-found, also while it is not deleted", body = ProblemBody),
    )
)]
pub(super) async fn certificate(
    State(app): State<App>,
    caller: Caller,
    IdPath(id): IdPath<DeploymentId>,
) -> Result<Response, Problem> {
    let tenant = caller.0.tenant_id();
    let deployment = deployments::find(&app, tenant, id).await?;
    authorize(&caller.0, Action::ReadTenant, Some(deployment.tenant_id))?;
    let certificate = documents::certificate(&app, tenant, id).await?;
    let view = CertificateView {
        document: certificate.document,
        jws: certificate.jws,
    };
    Ok(super::download(&format!("certificate-{id}.json"), &view))
}

/// Downloads the exit kit: a template of exactly what exists, and how to import it into a stack of one's own.
#[utoipa::path(
    get, path = "/v1/deployments/{deployment_id}/exit-kit", operation_id = "deployment_exit_kit",
    tag = "deployments", params(("deployment_id" = String, Path, description = "The deployment")),
    responses(
        (status = 200, description = "The kit", body = ExitKitView),
        (status = 401, description = "not-signed-in, credential-expired", body = ProblemBody),
        (status = 403, description = "not-allowed", body = ProblemBody),
        (status = 404, description = "not-found", body = ProblemBody),
    )
)]
pub(super) async fn exit_kit(
    State(app): State<App>,
    caller: Caller,
    IdPath(id): IdPath<DeploymentId>,
) -> Result<Response, Problem> {
    let tenant = caller.0.tenant_id();
    let deployment = deployments::find(&app, tenant, id).await?;
    authorize(&caller.0, Action::ReadTenant, Some(deployment.tenant_id))?;
    let kit = documents::take_over(&app, tenant, id).await?;
    let left_out = kit.left_out.into_iter();
    let view = ExitKitView {
        template: kit.template,
        resources_to_import: kit.resources_to_import,
        left_out: left_out
            .map(|(resource, why)| LeftOutView { resource, why })
            .collect(),
        readme: kit.readme,
    };
    Ok(super::download(&format!("exit-kit-{id}.json"), &view))
}
