//! Puts a process together: one kit, two pools, one way to AWS, and the services on top.
//!
//! This is the only place that knows all services. `serve`, `dev`, `demo` and the tests differ in what they start,
//! never in how it is built.

use std::sync::Arc;

use async_trait::async_trait;
use aws_access::Aws;
use axum::Router;
use console::{ConsoleApp, DevTools};
use onboarding::Credentials;
use service_kit::auth::{Authority, AuthorityError, AuthoritySettings};
use service_kit::server::{ReadinessCheck, Surroundings, assemble};
use service_kit::telemetry::Metrics;
use service_kit::{Clock, Kit, KitSettings, ServerLimits};
use tenant_store::{StoreError, Stores};
use utoipa_axum::router::OpenApiRouter;

use crate::configs::ServiceConfigs;
use crate::settings::Settings;

/// What a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Service {
    /// Every service in one process.
    All,
    /// Signup, identity, the operator's API, connections.
    Onboarding,
    /// Deployments in customers' accounts.
    TenantProvisioning,
    /// Usage events, rollups, queries.
    UsageMetering,
    /// S3 and the warehouse.
    AnalyticsExport,
    /// The pages.
    Console,
}

/// All services of a process, built but not started.
#[derive(Clone)]
pub struct Composition {
    /// Time, ids, shutdown, identity.
    pub kit: Kit,
    /// PostgreSQL.
    pub stores: Stores,
    /// Signup, identity, connections.
    pub onboarding: onboarding::App,
    /// Deployments.
    pub provisioning: tenant_provisioning::App,
    /// Usage.
    pub metering: usage_metering::App,
    /// Export.
    pub export: analytics_export::App,
}

/// Why a process could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// PostgreSQL does not answer, or not as it must.
    #[error("the database cannot be used")]
    Store(#[from] StoreError),
    /// The signing keys cannot be read or made.
    #[error("the signing keys cannot be used")]
    Authority(#[from] AuthorityError),
}

impl Composition {
    /// Connects a process as its settings say.
    ///
    /// # Errors
    /// [`ComposeError`]; nothing is started then.
    pub async fn connect(settings: Settings) -> Result<Self, ComposeError> {
        let stores = Stores::connect(&settings.stores).await?;
        let aws = Aws::connect(settings.aws).await;
        let kit = Kit::new(KitSettings {
            authority: Authority::load_or_create(AuthoritySettings::default(), &settings.signing_keys)?,
            credentials: Arc::new(Credentials::new(stores.clone(), Clock::system())),
            limits: settings.limits,
            https: settings.https,
            trusted_proxies: settings.trusted_proxies,
        });
        Ok(Self::new(kit, stores, &aws, settings.services))
    }

    /// Builds the services on parts that exist.
    #[must_use]
    pub fn new(kit: Kit, stores: Stores, aws: &Aws, configs: ServiceConfigs) -> Self {
        Self {
            onboarding: onboarding::App {
                kit: kit.clone(),
                stores: stores.clone(),
                aws: aws.clone(),
                config: configs.onboarding,
            },
            provisioning: tenant_provisioning::App {
                kit: kit.clone(),
                stores: stores.clone(),
                aws: aws.clone(),
                config: configs.provisioning,
            },
            metering: usage_metering::App::new(kit.clone(), stores.clone(), aws, configs.metering),
            export: analytics_export::App::new(kit.clone(), stores.clone(), aws, configs.export),
            kit,
            stores,
        }
    }

    /// The documented routes of a service.
    #[must_use]
    pub fn api(&self, service: Service) -> OpenApiRouter {
        match service {
            Service::All => OpenApiRouter::new()
                .merge(self.api(Service::Onboarding))
                .merge(self.api(Service::TenantProvisioning))
                .merge(self.api(Service::UsageMetering))
                .merge(self.api(Service::AnalyticsExport)),
            Service::Onboarding => onboarding::router(self.onboarding.clone()),
            Service::TenantProvisioning => tenant_provisioning::router(self.provisioning.clone()),
            Service::UsageMetering => usage_metering::router(self.metering.clone()),
            Service::AnalyticsExport => analytics_export::router(self.export.clone()),
            Service::Console => OpenApiRouter::new(),
        }
    }

    /// Everything a process of `service` answers, guarded. `dev` adds what only the embedded default shows.
    pub fn router(&self, service: Service, dev: Option<DevTools>) -> Router {
        let pages = match service {
            Service::All | Service::Console => console::router(self.console(dev)),
            Service::Onboarding
            | Service::TenantProvisioning
            | Service::UsageMetering
            | Service::AnalyticsExport => Router::new(),
        };
        let around = Surroundings {
            metrics: Metrics::of_process(),
            checks: vec![Arc::new(DatabaseAnswers(self.stores.clone()))],
            limits: ServerLimits::default(),
        };
        assemble(&self.kit, self.api(service), pages, around)
    }

    /// Starts the workers of a service; a shutdown of the kit ends them.
    pub fn start(&self, service: Service) {
        let runs = |one| service == Service::All || service == one;
        if runs(Service::Onboarding) {
            onboarding::start(&self.onboarding);
        }
        if runs(Service::TenantProvisioning) {
            tenant_provisioning::start(&self.provisioning);
        }
        if runs(Service::UsageMetering) {
            usage_metering::start(&self.metering);
        }
        if runs(Service::AnalyticsExport) {
            analytics_export::start(&self.export);
        }
    }

    fn console(&self, dev: Option<DevTools>) -> ConsoleApp {
        ConsoleApp {
            onboarding: self.onboarding.clone(),
            provisioning: self.provisioning.clone(),
            metering: self.metering.clone(),
            export: self.export.clone(),
            dev,
        }
    }
}

/// Every service needs the database.
struct DatabaseAnswers(Stores);

#[async_trait]
impl ReadinessCheck for DatabaseAnswers {
    fn name(&self) -> &'static str {
        "database"
    }

    async fn check(&self) -> Result<(), String> {
        self.0.ping().await.map_err(|error| error.to_string())
    }
}
