//! Keeps deployments in customers' accounts as they should be.
//!
//! Requests write down what should be ([`deployments`], [`operations`]); workers make it so
//! ([`reconcile`]). Between the two there is only the database: a request never calls AWS, and a worker
//! may die at any moment and another goes on. Routes are in [`router`].

pub mod call_log;
mod config;
pub mod deployments;
pub mod documents;
mod error;
mod findings;
mod http;
mod idempotent;
pub mod ledger;
pub mod operations;
mod planning;
mod progress;
mod proposals;
pub mod reconcile;
pub mod steering;
mod withdrawing;

use aws_access::Aws;
use axum::extract::FromRef;
use service_kit::Kit;
use tenant_store::Stores;

pub use config::{IMAGE, ProvisioningConfig};
pub use error::{RequestError, what_moved};
pub use http::{router, routes};
pub use reconcile::{Pass, PassError, pass};

/// What the service runs on. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    /// Clock, ids, shutdown.
    pub kit: Kit,
    /// The database.
    pub stores: Stores,
    /// AWS, through the ISV's account.
    pub aws: Aws,
    /// Limits and intervals.
    pub config: ProvisioningConfig,
}

impl FromRef<App> for Kit {
    fn from_ref(app: &App) -> Self {
        app.kit.clone()
    }
}

/// Starts the workers. They end when the kit's `stopping` is cancelled.
pub fn start(app: &App) {
    for number in 0..app.config.workers {
        let worker = format!("{}-{number}", app.kit.ids.uuid());
        app.kit.spawn("reconciler", reconcile::run(app.clone(), worker));
    }
    app.kit.spawn("call log comparison", call_log::run(app.clone()));
}
