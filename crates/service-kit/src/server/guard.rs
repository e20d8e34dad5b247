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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use axum::Router;
    use axum::routing::{get, post};
    use futures_util::stream;
    use http::StatusCode;
    use tokio::sync::Notify;
    use tower::ServiceExt;
    use utoipa_axum::router::OpenApiRouter;

    use super::*;
    use crate::StrictJson;
    use crate::auth::NoCredentials;
    use crate::server::{Surroundings, assemble};
    use crate::telemetry::Metrics;

    const PATIENCE: Duration = Duration::from_millis(50);

    struct Served {
        kit: Kit,
        router: Router,
    }

    fn serve(routes: Router) -> Served {
        let now = chrono::DateTime::from_timestamp(1_800_000_000, 0).expect("in range");
        let kit = Kit::manual(now, 1, Arc::new(NoCredentials)).expect("randomness");
        let limits = ServerLimits {
            handler: PATIENCE * 4,
            body_idle: PATIENCE,
            ..ServerLimits::default()
        };
        let around = Surroundings {
            metrics: Metrics::of_process(),
            checks: Vec::new(),
            limits,
        };
        let router = assemble(&kit, OpenApiRouter::new(), routes, around);
        Served { kit, router }
    }

    fn request(method: Method, body: Body) -> Request {
        let request = http::Request::builder()
            .method(method)
            .uri("/")
            .header("content-type", "application/json");
        request.body(body).expect("a request")
    }

    /// A write that waits inside until told to go on, and leaves a mark when it is done.
    #[derive(Clone, Default)]
    struct SlowWrite {
        entered: Arc<Notify>,
        go_on: Arc<Notify>,
        done: Arc<AtomicBool>,
    }

    impl SlowWrite {
        fn routes(&self) -> Router {
            let write = self.clone();
            let handler = move || async move {
                write.entered.notify_one();
                write.go_on.notified().await;
                write.done.store(true, Ordering::SeqCst);
            };
            Router::new().route("/", post(handler))
        }

        async fn is_finished(&self, served: &Served) -> bool {
            self.go_on.notify_one();
            served.kit.shut_down(Duration::from_secs(5)).await && self.done.load(Ordering::SeqCst)
        }
    }

    #[tokio::test]
    async fn a_client_that_leaves_does_not_cancel_a_write() {
        let write = SlowWrite::default();
        let served = serve(write.routes());
        let client = tokio::spawn(
            served
                .router
                .clone()
                .oneshot(request(Method::POST, Body::empty())),
        );
        write.entered.notified().await;
        client.abort();
        assert!(client.await.is_err_and(|error| error.is_cancelled()));
        assert!(write.is_finished(&served).await);
    }

    #[tokio::test]
    async fn a_write_that_takes_too_long_is_answered_and_goes_on() {
        let write = SlowWrite::default();
        let served = serve(write.routes());
        let response = served
            .router
            .clone()
            .oneshot(request(Method::POST, Body::empty()))
            .await;
        let response = response.expect("infallible");
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(response.headers().contains_key("retry-after"));
        assert!(write.is_finished(&served).await);
    }

    #[allow(clippy::unused_async, reason = "handlers are async")]
    async fn break_down() -> StatusCode {
        panic!("on purpose")
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_and_says_nothing() {
        let served = serve(Router::new().route("/", get(break_down).post(break_down)));
        for method in [Method::GET, Method::POST] {
            let response = served
                .router
                .clone()
                .oneshot(request(method, Body::empty()))
                .await
                .expect("infallible");
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
            assert_eq!(response.headers()["content-type"], "application/problem+json");
            assert!(response.headers().contains_key(&REQUEST_ID));
        }
    }

    #[tokio::test]
    async fn slow_and_large_bodies_are_refused() {
        let read = |StrictJson(_): StrictJson<serde_json::Value>| async {};
        let served = serve(Router::new().route("/", post(read)));
        let silent = Body::from_stream(stream::pending::<Result<bytes::Bytes, std::io::Error>>());
        let large = Body::from(format!("\"{}\"", "a".repeat(256 * 1024)));
        for (body, status) in [
            (silent, StatusCode::REQUEST_TIMEOUT),
            (large, StatusCode::PAYLOAD_TOO_LARGE),
        ] {
            let response = served
                .router
                .clone()
                .oneshot(request(Method::POST, body))
                .await
                .expect("infallible");
            assert_eq!(response.status(), status);
        }
    }
}
