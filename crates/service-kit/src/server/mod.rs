//! Serving HTTP: one router of all parts, guarded, on an accept loop of our own.
//!
//! [`assemble`] adds what every process answers (health, metrics, the OpenAPI document) and the guards of
//! each request; [`serve`] owns the connections. Tests call the assembled router without a socket.

mod accept;
mod address;
mod guard;
mod stall;
mod standard;

pub use accept::serve;
pub use address::ClientAddress;
pub use standard::{ReadinessCheck, openapi_document};

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use utoipa_axum::router::OpenApiRouter;

use crate::telemetry::Metrics;
use crate::{Kit, Problem, kinds};

/// How long and how much a client may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerLimits {
    /// For the head of a request; also closes idle connections. Behind a load balancer longer than its idle
    /// time-out.
    pub header_read: Duration,
    /// Bytes of the head.
    pub header_bytes_max: usize,
    /// Between two pieces of a request body.
    pub body_idle: Duration,
    /// For a whole request body.
    pub body_total: Duration,
    /// Until the head of the reply.
    pub handler: Duration,
    /// A client that takes nothing of what we write.
    pub write_stall: Duration,
    /// Connections at once; more wait in the kernel's queue.
    pub connections_max: usize,
    /// For requests in hand when the process stops.
    pub shutdown: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            header_read: Duration::from_secs(5),
            header_bytes_max: 64 * 1024,
            body_idle: Duration::from_secs(10),
            body_total: Duration::from_secs(30),
            handler: Duration::from_secs(30),
            write_stall: Duration::from_secs(30),
            connections_max: 4096,
            shutdown: Duration::from_secs(15),
        }
    }
}

/// What a process's router needs beside its routes.
pub struct Surroundings {
    /// Rendered at `/metrics`.
    pub metrics: Metrics,
    /// Asked by `/readyz`.
    pub checks: Vec<Arc<dyn ReadinessCheck>>,
    /// Time and size limits.
    pub limits: ServerLimits,
}

/// Joins the documented `api`, the `pages` for people and the standard routes, and guards all of them.
pub fn assemble(kit: &Kit, api: OpenApiRouter, pages: Router, around: Surroundings) -> Router {
    let (api, document) = openapi_document(api).split_for_parts();
    let compressed = SizeAbove::new(1024)
        .and(NotForContentType::SSE)
        .and(NotForContentType::IMAGES);
    api.merge(pages)
        .merge(standard::routes(kit, &document, around.metrics, around.checks))
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(|| async { Problem::of(&kinds::METHOD_NOT_ALLOWED) })
        .layer(CompressionLayer::new().compress_when(compressed))
        .layer(axum::middleware::from_fn_with_state(
            guard::Guard {
                kit: kit.clone(),
                limits: around.limits,
            },
            guard::guard,
        ))
}
