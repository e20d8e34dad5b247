//! Usage events through Kinesis to exact, live numbers.
//!
//! An event is validated and put on the stream by [`ingest`], which answers when the stream has it. A
//! [`consumer`] books it: deduplication, numbers and stream position change in one transaction, so an
//! event counts once however often it is delivered. [`query`], [`balance`] and [`quarantine`] read.
//!
//! Nothing counts an event before it is booked, and nothing bad blocks a shard: it goes to quarantine
//! with a reason, and the books still balance.

#![allow(unused_qualifications, reason = "utoipa's path macro writes them")]

pub mod balance;
pub mod block;
mod config;
pub mod consumer;
mod csv;
pub mod events;
pub mod ingest;
pub mod meters;
pub mod quarantine;
pub mod query;
mod scope;

use std::sync::Arc;

use aws_access::Aws;
use aws_access::kinesis::KinesisStream;
use axum::extract::FromRef;
use service_kit::Kit;
use tenant_store::Stores;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use config::MeteringConfig;
pub use consumer::Consumer;

use ingest::Intake;
use meters::MeterBook;

/// What every part of the service holds; cheap to clone.
#[derive(Clone)]
pub struct App {
    /// Time, ids, shutdown, identity.
    pub kit: Kit,
    /// The database.
    pub stores: Stores,
    /// The stream of usage blocks.
    pub stream: KinesisStream,
    /// Limits and times.
    pub config: Arc<MeteringConfig>,
    meters: MeterBook,
    intake: Intake,
}

impl App {
    /// Puts the service together and starts the task that sends blocks. Call it inside the runtime.
    #[must_use]
    pub fn new(kit: Kit, stores: Stores, aws: &Aws, config: MeteringConfig) -> Self {
        let stream = aws.stream(&config.stream_name);
        let config = Arc::new(config);
        let intake = Intake::start(&kit, &stream, &config);
        Self {
            meters: MeterBook::default(),
            intake,
            kit,
            stores,
            stream,
            config,
        }
    }
}

impl FromRef<App> for Kit {
    fn from_ref(app: &App) -> Self {
        app.kit.clone()
    }
}

/// The service's routes.
pub fn router(app: App) -> OpenApiRouter {
    routes().with_state(app)
}

/// The routes before they have anything to work on; their document is complete already.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(ingest::usage_event_create, events::usage_event_explain))
        .routes(routes!(meters::meter_list, meters::meter_create))
        .routes(routes!(query::usage_show))
        .routes(routes!(query::usage_live))
        .routes(routes!(query::usage_top_tenants))
        .routes(routes!(balance::usage_balance))
        .routes(routes!(quarantine::usage_quarantine_list))
}

/// Starts the worker of this process: it makes sure of the stream, then books until the process stops.
pub fn start(app: &App) -> tokio::task::AbortHandle {
    let worker = format!("usage-{}", app.kit.ids.uuid());
    Consumer::new(app.clone(), worker).start()
}
