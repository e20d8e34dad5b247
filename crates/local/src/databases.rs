//! The databases of an installation on a private server: Tenantry's own and the warehouse's.

use tenant_store::bootstrap::{self, APP_ROLE, OPS_ROLE, OWNER_ROLE, PrepareError};
use tenant_store::{StoreError, StoreSettings};

use crate::postgres::{Postgres, SUPERUSER};

/// Tenantry's database on the server of `tenantry dev`.
const DATABASE: &str = "tenantry";
/// What the local Redshift answers from, on the same server.
const WAREHOUSE: &str = "warehouse_local";
/// Connections of each of a process's two pools; `tenantry dev` runs every service in one process.
const CONNECTIONS_MAX: u32 = 24;

/// Addresses of the databases of one installation on a private server. They carry no password: whoever
/// may enter the server's directory is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Databases {
    /// Tenantry's database as a superuser, for what tests change behind everybody's back.
    pub admin_url: String,
    /// Tenantry's database as the role that owns the schema and runs migrations.
    pub owner_url: String,
    /// Tenantry's database as the role bound by row-level security.
    pub app_url: String,
    /// Tenantry's database as the role that sees all tenants.
    pub ops_url: String,
    /// The database that plays the warehouse, as its owner.
    pub warehouse_url: String,
}

impl Databases {
    /// Makes roles and databases where they are missing and brings the schema up to date.
    ///
    /// # Errors
    /// When the server refuses or a migration fails.
    pub async fn prepare(postgres: &Postgres) -> Result<Self, PrepareError> {
        let server = postgres.url(SUPERUSER, "postgres");
        bootstrap::create_roles(&server, None).await?;
        bootstrap::create_database(&server, DATABASE, None).await?;
        bootstrap::create_database(&server, WAREHOUSE, None).await?;
        let databases = Self::named(postgres, DATABASE, WAREHOUSE);
        bootstrap::migrate(&databases.owner_url).await?;
        Ok(databases)
    }

    /// Makes a pair of databases as [`Databases::prepare`] left its own, in a fraction of the time.
    pub(crate) async fn copy(postgres: &Postgres, name: &str) -> Result<Self, StoreError> {
        let server = postgres.url(SUPERUSER, "postgres");
        let warehouse = format!("{name}_warehouse");
        bootstrap::create_database(&server, name, Some(DATABASE)).await?;
        bootstrap::create_database(&server, &warehouse, Some(WAREHOUSE)).await?;
        Ok(Self::named(postgres, name, &warehouse))
    }

    /// What the pools of a process need.
    pub fn store_settings(&self) -> StoreSettings {
        StoreSettings {
            app_url: self.app_url.clone(),
            ops_url: self.ops_url.clone(),
            connections_max: CONNECTIONS_MAX,
        }
    }

    fn named(postgres: &Postgres, database: &str, warehouse: &str) -> Self {
        Self {
            admin_url: postgres.url(SUPERUSER, database),
            owner_url: postgres.url(OWNER_ROLE, database),
            app_url: postgres.url(APP_ROLE, database),
            ops_url: postgres.url(OPS_ROLE, database),
            warehouse_url: postgres.url(OWNER_ROLE, warehouse),
        }
    }
}
