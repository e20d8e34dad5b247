//! The handlers: extract, authorize, one application function, one component.
//!
//! An address here mirrors the one under `/v1`; what is chosen on a page stands in its query.

mod connections;
mod deployments;
mod gate;
mod operations;
mod operator;
mod preflight;
mod proof_steps;
mod tenant;
mod usage;

use axum::extract::{DefaultBodyLimit, Path};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, response};
use http::header::CONTENT_TYPE;
use maud::Markup;
use onboarding::template::{ROLE_TEMPLATE, template_hash, template_key};
use service_kit::ProblemBody;

use crate::app::Site;
use crate::layout::{self, Place, TenantFrame};
use crate::visit::{Refused, Visit};
use crate::{assets, respond};

/// Largest form.
const FORM_BYTES_MAX: usize = 64 * 1024;

type Answer = Result<Response, Refused>;

/// Every page.
pub(crate) fn all(site: Site) -> Router {
    Router::new()
        .merge(outside())
        .merge(of_a_tenant())
        .merge(of_the_fleet())
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(from_fn(respond::dress))
        .with_state(site)
}

fn outside() -> Router<Site> {
    Router::new()
        .route("/", get(gate::start))
        .route("/sign-in", get(gate::sign_in).post(gate::open_session))
        .route("/sign-in/{token}", get(gate::redeem_link))
        .route("/sign-out", post(gate::sign_out))
        .route("/sign-up", get(gate::sign_up).post(gate::request_signup))
        .route("/verify", get(gate::verify).post(gate::confirm))
        .route("/invitation", get(gate::invitation).post(gate::accept))
        .route("/theme", post(gate::choose_theme))
        .route("/outbox", get(gate::outbox))
        .route(
            "/favicon.ico",
            get(|| async { response::Redirect::permanent(assets::url("favicon.svg")) }),
        )
        .route("/customer-account/role.yaml", get(newest_template))
        .route("/customer-account/{hash}/role.yaml", get(role_template))
        .route("/assets/{hash}/{*path}", get(assets::serve))
}

fn of_a_tenant() -> Router<Site> {
    Router::new()
        .route("/tenants/{tenant_id}", get(tenant::overview))
        .route(
            "/tenants/{tenant_id}/connections",
            get(connections::list).post(connections::create),
        )
        .route("/tenants/{tenant_id}/connections/new", get(connections::new))
        .route("/tenants/{tenant_id}/permissions", get(connections::permissions))
        .route("/connections/{connection_id}", get(connections::show))
        .route("/connections/{connection_id}/live", get(connections::live))
        .route(
            "/connections/{connection_id}/preflight",
            get(preflight::card).post(preflight::ask),
        )
        .route(
            "/connections/{connection_id}/verify",
            post(connections::check_again),
        )
        .route(
            "/connections/{connection_id}/disconnect",
            post(connections::disconnect),
        )
        .route(
            "/connections/{connection_id}/deploy-role",
            post(connections::deploy_role),
        )
        .route(
            "/tenants/{tenant_id}/deployments",
            get(deployments::list).post(deployments::create),
        )
        .route("/tenants/{tenant_id}/deployments/new", get(deployments::new))
        .route("/deployments/{deployment_id}", get(deployments::show))
        .route("/deployments/{deployment_id}/delete", post(deployments::delete))
        .route("/deployments/{deployment_id}/change", post(deployments::change))
        .route("/deployments/{deployment_id}/pause", post(deployments::pause))
        .route("/deployments/{deployment_id}/resume", post(deployments::resume))
        .route(
            "/deployments/{deployment_id}/drift-policy",
            post(deployments::drift_policy),
        )
        .route("/operations/{operation_id}", get(operations::show))
        .route("/operations/{operation_id}/live", get(operations::live))
        .route("/operations/{operation_id}/approve", post(operations::approve))
        .route("/operations/{operation_id}/cancel", post(operations::cancel))
        .route("/tenants/{tenant_id}/usage", get(usage::of_tenant))
        .route(
            "/tenants/{tenant_id}/api-keys",
            get(tenant::api_keys).post(tenant::make_key),
        )
        .route(
            "/tenants/{tenant_id}/api-keys/{key_id}/revoke",
            post(tenant::revoke_key),
        )
        .route("/tenants/{tenant_id}/users", get(tenant::people))
        .route("/tenants/{tenant_id}/invitations", post(tenant::invite))
        .route("/tenants/{tenant_id}/audit", get(tenant::audit))
}

fn of_the_fleet() -> Router<Site> {
    Router::new()
        .route("/tenants", get(operator::fleet))
        .route("/tenants/{tenant_id}/suspend", post(operator::suspend))
        .route("/tenants/{tenant_id}/resume", post(operator::resume))
        .route("/tenants/{tenant_id}/delete", post(operator::delete))
        .route("/incidents", get(operator::incidents))
        .route("/usage", get(usage::of_fleet))
        .route("/exports", get(operator::exports).post(operator::close_window))
        .route("/quarantine", get(operator::quarantine))
}

/// An address with a hash in it only ever shows what has that hash.
async fn role_template(Path(hash): Path<String>) -> Answer {
    if hash != template_hash().to_string() {
        return Err(Refused::not_found());
    }
    Ok(([(CONTENT_TYPE, "text/yaml; charset=utf-8")], ROLE_TEMPLATE).into_response())
}

async fn newest_template() -> response::Redirect {
    response::Redirect::temporary(&format!("/{}", template_key()))
}

/// A whole page in the frame of a tenant.
fn tenant_page(
    visit: &Visit,
    tenant: &TenantFrame,
    (place, title): (Place, &str),
    content: &Markup,
) -> Response {
    layout::tenant_page(&visit.shell, tenant, place, title, content).into_response()
}

/// A whole page in the operator's frame.
fn page(visit: &Visit, (place, title): (Place, &str), content: &Markup) -> Response {
    layout::page(&visit.shell, place, title, content).into_response()
}

/// What follows a form: another page when it worked; the form again, with what was typed, when it did not.
/// A refusal that only the whole page can tell, such as "not found", is a page of its own.
fn refused_form(
    problem: ProblemBody,
    fragment: bool,
    form: Markup,
    whole: impl FnOnce(&Markup) -> Response,
) -> Response {
    let refused = Refused(problem);
    let status = refused.status();
    if status == http::StatusCode::NOT_FOUND {
        return refused.into_response();
    }
    if fragment {
        return (status, form).into_response();
    }
    let mut response = whole(&form);
    *response.status_mut() = status;
    response
}
