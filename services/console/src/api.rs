//! Changes go through the same routes that programs use, called in this process and without a socket.
//!
//! So a form is idempotent by its key, audited, strict about its fields and refused with the same problems as
//! any other request, and no rule exists twice. Who asks was authenticated once, by the page's own request.

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request};
use http::header::{CONTENT_TYPE, IF_MATCH, LOCATION};
use http::{HeaderMap, HeaderValue, Method};
use serde_json::Value;
use service_kit::{Caller, Problem, ProblemBody, etag};
use tenant_model::Principal;
use tower::ServiceExt;
use utoipa_axum::router::OpenApiRouter;

use crate::app::ConsoleApp;

/// Most bytes of a reply; replies to changes are one item.
const REPLY_BYTES_MAX: usize = 1024 * 1024;

/// The routes of all services.
#[derive(Clone)]
pub(crate) struct Api(Router);

/// One change.
#[derive(Clone, Debug)]
pub(crate) struct Change<'a> {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// The form's key.
    pub(crate) key: &'a str,
    pub(crate) body: Value,
    /// The version that was seen, where the route asks for it.
    pub(crate) version: Option<i64>,
    /// Headers that say where the browser is, for rate limits of strangers.
    pub(crate) from: Option<&'a HeaderMap>,
}

impl<'a> Change<'a> {
    /// A POST; an empty body when `body` is null.
    pub(crate) fn post(path: String, key: &'a str, body: Value) -> Self {
        Self {
            method: Method::POST,
            path,
            key,
            body,
            version: None,
            from: None,
        }
    }

    /// A PATCH of the version that was seen.
    pub(crate) fn patch(path: String, key: &'a str, (version, body): (i64, Value)) -> Self {
        Self {
            method: Method::PATCH,
            path,
            key,
            body,
            version: Some(version),
            from: None,
        }
    }

    /// A DELETE of the version that was seen.
    pub(crate) fn delete(path: String, key: &'a str, version: Option<i64>) -> Self {
        Self {
            method: Method::DELETE,
            path,
            key,
            body: Value::Null,
            version,
            from: None,
        }
    }
}

/// What a change answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// Where the result lives, as under `/v1`.
    pub(crate) location: Option<String>,
    pub(crate) body: Value,
}

impl Answer {
    /// The page of the result: addresses of pages mirror those of the API.
    pub(crate) fn page(&self) -> String {
        let location = self.location.as_deref().and_then(|path| path.strip_prefix("/v1"));
        location.unwrap_or("/").to_owned()
    }
}

impl Api {
    pub(crate) fn new(app: &ConsoleApp) -> Self {
        let routes = OpenApiRouter::new()
            .merge(onboarding::router(app.onboarding.clone()))
            .merge(tenant_provisioning::router(app.provisioning.clone()))
            .merge(usage_metering::router(app.metering.clone()))
            .merge(analytics_export::router(app.export.clone()));
        let (router, _document) = routes.split_for_parts();
        Self(router.layer(DefaultBodyLimit::max(REPLY_BYTES_MAX)))
    }

    /// Carries out one change for `caller`, or for a stranger.
    pub(crate) async fn call(
        &self,
        caller: Option<&Principal>,
        change: Change<'_>,
    ) -> Result<Answer, ProblemBody> {
        let request = request(caller, change).map_err(|error| Problem::internal(&error).body().clone())?;
        let reply = self
            .0
            .clone()
            .oneshot(request)
            .await
            .unwrap_or_else(|never| match never {});
        let (status, location) = (reply.status(), location(reply.headers()));
        let bytes = axum::body::to_bytes(reply.into_body(), REPLY_BYTES_MAX).await;
        let bytes = bytes.map_err(|error| Problem::internal(&error).body().clone())?;
        if status.is_client_error() || status.is_server_error() {
            return Err(serde_json::from_slice(&bytes)
                .unwrap_or_else(|error| Problem::internal(&error).body().clone()));
        }
        Ok(Answer {
            location,
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        })
    }
}

fn request(caller: Option<&Principal>, change: Change<'_>) -> Result<Request, http::Error> {
    let mut request = Request::builder()
        .method(change.method)
        .uri(change.path)
        .header("idempotency-key", change.key);
    if let Some(version) = change.version {
        request = request.header(IF_MATCH, etag(version));
    }
    if let Some(forwarded) = change.from.and_then(|headers| headers.get("x-forwarded-for")) {
        request = request.header("x-forwarded-for", forwarded);
    }
    let body = if change.body.is_null() {
        Body::empty()
    } else {
        request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Body::from(change.body.to_string())
    };
    let mut request = request.body(body)?;
    if let Some(caller) = caller {
        request.extensions_mut().insert(Caller(caller.clone()));
    }
    Ok(request)
}

fn location(headers: &HeaderMap) -> Option<String> {
    headers.get(LOCATION)?.to_str().ok().map(str::to_owned)
}
