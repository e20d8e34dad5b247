//! The routes that every process answers.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde::Serialize;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Info, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::Kit;
use crate::problem::ProblemBody;
use crate::telemetry::Metrics;

/// A check that does not answer is a check that fails.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// One condition of being ready, such as "the database answers".
#[async_trait]
pub trait ReadinessCheck: Send + Sync {
    /// Its name in the reply.
    fn name(&self) -> &'static str;

    /// Fails with the reason in words without secrets.
    async fn check(&self) -> Result<(), String>;
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    checks: Vec<CheckResult>,
}

#[derive(Serialize)]
struct CheckResult {
    name: &'static str,
    ok: bool,
    reason: Option<String>,
}

/// Completes the document of all services: title, version, the problem schema, how to sign in.
pub fn openapi_document<S>(mut api: OpenApiRouter<S>) -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    let document = api.get_openapi_mut();
    document.info = Info::new("Tenantry", "1");
    document.info.description = Some(
        "Control plane of a data platform on AWS: tenants, their accounts, deployments, usage, exports."
            .into(),
    );
    let components = document.components.get_or_insert_default();
    components.schemas.insert(
        "Problem".to_owned(),
        <ProblemBody as utoipa::PartialSchema>::schema(),
    );
    let mut part = Vec::new();
    <ProblemBody as utoipa::ToSchema>::schemas(&mut part);
    components.schemas.extend(part);
    components.add_security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    api
}

pub(super) fn routes(
    kit: &Kit,
    document: &OpenApi,
    metrics: Metrics,
    checks: Vec<Arc<dyn ReadinessCheck>>,
) -> Router {
    let document: Arc<str> = document
        .to_pretty_json()
        .expect("a document of text and integers")
        .into();
    let jwks = kit.authority.jwks();
    let stopping = kit.stopping.clone();
    let checks: Arc<[Arc<dyn ReadinessCheck>]> = checks.into();
    Router::new()
        .route(
            "/healthz",
            get(|| async { Json(serde_json::json!({ "ok": true })) }),
        )
        .route(
            "/readyz",
            get(move || readiness(checks.clone(), stopping.is_cancelled())),
        )
        .route("/metrics", get(move || std::future::ready(metrics.render())))
        .route(
            "/openapi.json",
            get(move || std::future::ready(json_text(&document))),
        )
        .route(
            "/.well-known/jwks.json",
            get(move || std::future::ready(cacheable(&jwks))),
        )
        .merge(SwaggerUi::new("/docs").config(Config::from("/openapi.json")))
}

async fn readiness(checks: Arc<[Arc<dyn ReadinessCheck>]>, stopping: bool) -> Response {
    let mut results = Vec::with_capacity(checks.len() + 1);
    if stopping {
        results.push(CheckResult {
            name: "process",
            ok: false,
            reason: Some("is stopping".to_owned()),
        });
    }
    for check in checks.iter() {
        let outcome = tokio::time::timeout(CHECK_TIMEOUT, check.check()).await;
        let reason = outcome
            .unwrap_or_else(|_| Err("does not answer".to_owned()))
            .err();
        results.push(CheckResult {
            name: check.name(),
            ok: reason.is_none(),
            reason,
        });
    }
    let ready = results.iter().all(|result| result.ok);
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        Json(Readiness {
            ready,
            checks: results,
        }),
    )
        .into_response()
}

fn json_text(text: &str) -> Response {
    ([(CONTENT_TYPE, "application/json")], text.to_owned()).into_response()
}

fn cacheable(value: &serde_json::Value) -> Response {
    ([(CACHE_CONTROL, "public, max-age=300")], Json(value)).into_response()
}
