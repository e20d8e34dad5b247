//! Usage into S3 and Redshift, exactly once.
//!
//! A ledger row fixes a window of booked events before anything is written; files are immutable and named by
//! their content; the manifest, written last and only if absent, is the commit; the warehouse replaces exactly
//! one batch in one transaction. Then the three places are counted and compared, and the answer is shown.
//!
//! Two workers run beside each other: [`commit`] (events to bucket) and [`deliver`] (bucket to warehouse). Each
//! holds a fenced lease, and each step can be repeated by anybody. People ask [`exports`], over [`http`].
//! `tenantry verify-export` is [`verify`], which needs nothing but the right to read the bucket.

pub mod commit;
pub mod config;
pub mod deliver;
mod error;
pub mod exports;
pub mod http;
mod objects;
pub mod parquet_file;
pub mod parquet_read;
pub mod verify;
pub mod warehouse_sql;
mod worker;

use std::sync::Arc;

use aws_access::Aws;
use aws_access::redshift::Warehouse;
use aws_access::s3::Bucket;
use axum::extract::FromRef;
use service_kit::Kit;
use tenant_model::export::EVENTS_SCHEMA_ID;
use tenant_store::Stores;
use tenant_store::exports::{datasets, destinations};
use tokio::sync::OnceCell;
use utoipa_axum::router::OpenApiRouter;

pub use config::{CopyRole, ExportConfig, WarehouseConfig};
pub use error::PassError;
pub use worker::{Step, pass, start};

/// The dataset of booked usage events.
pub const EVENTS: &str = "events";

/// Everything the export works with. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// Clock, ids, shutdown.
    pub kit: Kit,
    /// The ledger and the source.
    pub stores: Stores,
    /// The configuration.
    pub config: Arc<ExportConfig>,
    bucket: Bucket,
    warehouse: Option<Warehouse>,
    prepared: Arc<OnceCell<()>>,
}

impl App {
    /// Puts the parts together; makes no call.
    #[must_use]
    pub fn new(kit: Kit, stores: Stores, aws: &Aws, config: ExportConfig) -> Self {
        let bucket = Bucket::open(aws, config.bucket.clone());
        let warehouse = config
            .warehouse
            .as_ref()
            .map(|target| Warehouse::open(aws, target.settings.clone()));
        Self {
            kit,
            stores,
            config: Arc::new(config),
            bucket,
            warehouse,
            prepared: Arc::default(),
        }
    }

    /// The bucket that receives the files.
    #[must_use]
    pub fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    /// Makes the ledger's rows for what is configured. Done once by each process, and harmless when done again.
    ///
    /// # Errors
    /// When the database does not answer; the next call tries again.
    pub async fn prepare(&self) -> Result<(), PassError> {
        self.prepared.get_or_try_init(|| self.make_ready()).await?;
        Ok(())
    }

    async fn make_ready(&self) -> Result<(), PassError> {
        let now = self.kit.clock.now();
        let mut tx = self.stores.begin_ops().await?;
        datasets::ensure(&mut tx, self.kit.ids.uuid(), EVENTS, EVENTS_SCHEMA_ID, now).await?;
        if let Some(target) = &self.config.warehouse {
            destinations::ensure(&mut tx, self.kit.ids.uuid(), &target.name, now).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    fn target(&self) -> Option<deliver::Target<'_>> {
        let (config, warehouse) = (self.config.warehouse.as_ref()?, self.warehouse.as_ref()?);
        Some(deliver::Target { config, warehouse })
    }
}

impl FromRef<App> for Kit {
    fn from_ref(app: &App) -> Self {
        app.kit.clone()
    }
}

/// The routes of the export.
pub fn router(app: App) -> OpenApiRouter {
    routes().with_state(app)
}

/// The routes before they have anything to work on; their document is complete already.
pub fn routes() -> OpenApiRouter<App> {
    http::router()
}
