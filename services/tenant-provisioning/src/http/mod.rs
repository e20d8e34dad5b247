//! Routes: who may, one function, one answer. Wire types are in [`views`].

mod deployments;
mod documents;
mod ledger;
mod ledger_views;
mod operations;
mod parse;
mod views;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::header::CONTENT_DISPOSITION;
use serde::Serialize;
use service_kit::Problem;
use tenant_model::{
    ids::TenantId,
    principal::{Action, Principal, authorize},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::App;

/// The service's routes.
pub fn router(app: App) -> OpenApiRouter {
    routes().with_state(app)
}

/// The routes before they have anything to work on; their document is complete already.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(deployments::create))
        .routes(routes!(deployments::list, deployments::plan))
        .routes(routes!(
            deployments::show,
            deployments::change,
            deployments::delete
        ))
        .routes(routes!(deployments::pause))
        .routes(routes!(deployments::resume))
        .routes(routes!(deployments::drift_policy))
        .routes(routes!(operations::list))
        .routes(routes!(operations::show))
        .routes(routes!(operations::events))
        .routes(routes!(operations::approve))
        .routes(routes!(operations::cancel))
        .routes(routes!(documents::certificate))
        .routes(routes!(documents::exit_kit))
        .routes(routes!(ledger::list))
        .routes(routes!(ledger::part))
        .routes(routes!(ledger::list_findings))
}

/// Whose rows the caller sees: its own tenant's, or (operator) the one asked for, or all.
fn visible_tenant(caller: &Principal, asked: Option<TenantId>) -> Result<Option<TenantId>, Problem> {
    let tenant_id = caller.tenant_id().or(asked);
    if let (Some(own), Some(asked)) = (caller.tenant_id(), asked)
        && own != asked
    {
        return Err(Problem::not_found());
    }
    authorize(caller, Action::ReadTenant, tenant_id).or_else(|refusal| match tenant_id {
        Some(_) => Err(refusal),
        None => authorize(caller, Action::OperateFleet, None),
    })?;
    Ok(tenant_id)
}

/// A JSON document that a browser saves under a name.
fn download(name: &str, document: &impl Serialize) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    ([(CONTENT_DISPOSITION, disposition)], Json(document)).into_response()
}
