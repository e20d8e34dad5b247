//! What happens around every request: an id, a span, time limits, panics, security headers.
//!
//! A write never runs on a future that a client can drop: mutating requests run in a tracked task. When
//! the client is gone or the time is up, the work goes on, and a retry by Idempotency-Key finds it.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, Method};
use tower_http::timeout::{DeadlineBody, TimeoutBody};
use tracing::Instrument;

use super::ServerLimits;
use crate::{Kit, Problem, kinds};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

#[derive(Clone)]
pub(super) struct Guard {
    pub(super) kit: Kit,
    pub(super) limits: ServerLimits,
}

pub(super) async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = guard.kit.ids.uuid().simple().to_string();
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unknown", MatchedPath::as_str)
        .to_owned();
    let api = request.uri().path().starts_with("/v1/");
    let span = tracing::info_span!("request", request.id = %id, method = %method, route);
    span.in_scope(|| note_foreign_id(&request));

    let work = run(&guard, limit_body(request, &guard.limits), next);
    let mut response = match tokio::time::timeout(guard.limits.handler, work.instrument(span.clone())).await {
        Ok(response) => response,
        Err(_elapsed) => Problem::of(&kinds::UNAVAILABLE)
            .detail("The work goes on; ask again with the same key.")
            .into_response(),
    };
    dress(&mut response, &id, api);
    measure(&method, &route, response.status().as_u16(), started);
    span.in_scope(|| tracing::debug!(status = response.status().as_u16(), "answered"));
    response
}

async fn run(guard: &Guard, request: Request, next: Next) -> Response {
    let mutating = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let work = AssertUnwindSafe(next.run(request).in_current_span()).catch_unwind();
    let outcome = if mutating {
        match guard.kit.tasks.spawn(work).await {
            Ok(outcome) => outcome,
            Err(error) => return Problem::internal(&error).into_response(),
        }
    } else {
        work.await
    };
    outcome.unwrap_or_else(|_panic| {
        tracing::error!("a request panicked");
        Problem::of(&kinds::INTERNAL).into_response()
    })
}

fn limit_body(request: Request, limits: &ServerLimits) -> Request {
    request.map(|body| {
        let deadline = DeadlineBody::new(limits.body_total, body);
        Body::new(TimeoutBody::new(limits.body_idle, deadline))
    })
}

fn note_foreign_id(request: &Request) {
    let foreign = request
        .headers()
        .get(&REQUEST_ID)
        .and_then(|value| value.to_str().ok());
    if let Some(foreign) = foreign.filter(|text| text.len() <= 128) {
        tracing::debug!(client.request_id = foreign, "the client names its request");
    }
}

/// Sets what is not set yet: pages for people bring their own content security policy.
fn dress(response: &mut Response, id: &str, api: bool) {
    let headers = response.headers_mut();
    headers.insert(
        REQUEST_ID,
        HeaderValue::from_str(id).expect("hexadecimal is visible ASCII"),
    );
    let mut default = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    default(X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(REFERRER_POLICY, "no-referrer");
    default(http::header::X_FRAME_OPTIONS, "DENY");
    if api {
        default(CACHE_CONTROL, "no-store");
        default(
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        );
    }
}

fn measure(method: &Method, route: &str, status: u16, started: Instant) {
    let labels = [
        ("method", method.as_str().to_owned()),
        ("route", route.to_owned()),
        ("code", status.to_string()),
    ];
    metrics::counter!("tenantry_http_requests_total", &labels).increment(1);
    metrics::histogram!("tenantry_http_request_seconds", &labels).record(started.elapsed());
}
