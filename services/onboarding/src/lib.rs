//! Onboarding: how a tenant comes to be, who its people are, and which AWS account trusts us.
//!
//! Signups, sign-in, people, API keys, the audit log, connections and their proof, offboarding. Handlers in
//! [`routes`] and the console call the same application functions; those begin and commit, record an audit entry
//! and an announcement in the transaction of each change, and never await AWS inside one. The only AWS calls are
//! the probes of [`verifying`].

pub mod api_keys;
pub mod audit;
mod change;
mod config;
pub mod connections;
mod credentials;
mod error;
pub mod evidence;
pub mod incidents;
mod ledger;
pub mod mail;
mod notices;
pub mod offboarding;
pub mod people;
pub mod preflight;
mod proving;
pub mod routes;
pub mod sign_in;
pub mod signup;
mod survey;
pub mod template;
pub mod tenants;
pub mod verifying;

pub use config::OnboardingConfig;
pub use credentials::Credentials;
pub use error::OnboardingError;
pub use routes::{router, routes};

use aws_access::Aws;
use axum::extract::FromRef;
use service_kit::Kit;
use tenant_model::{Principal, TenantId};
use tenant_store::{Stores, Tx};

/// What every function of this service is called with.
#[derive(Clone, Debug)]
pub struct App {
    /// Time, ids, identity, shutdown.
    pub kit: Kit,
    /// PostgreSQL.
    pub stores: Stores,
    /// AWS, for the probes.
    pub aws: Aws,
    /// This service's settings.
    pub config: OnboardingConfig,
}

impl FromRef<App> for Kit {
    fn from_ref(app: &App) -> Self {
        app.kit.clone()
    }
}

impl App {
    /// A transaction that sees what the caller may see: a tenant's people their tenant, operators all.
    pub(crate) async fn begin_for(&self, caller: &Principal) -> Result<Tx, OnboardingError> {
        self.begin_as(caller.tenant_id()).await
    }

    /// A transaction bound to one tenant, or over all of them.
    pub(crate) async fn begin_as(&self, tenant_id: Option<TenantId>) -> Result<Tx, OnboardingError> {
        Ok(match tenant_id {
            Some(tenant_id) => self.stores.begin(tenant_id).await?,
            None => self.stores.begin_ops().await?,
        })
    }
}

/// Starts the workers: the proof of connections, the end of offboarding, and tidying up.
pub fn start(app: &App) {
    app.kit.spawn("verify connections", verifying::run(app.clone()));
    app.kit.spawn("check wishes", preflight::run(app.clone()));
    app.kit.spawn("finish offboarding", offboarding::run(app.clone()));
    app.kit
        .spawn("forget expired secrets", sign_in::forget_expired(app.clone()));
}
