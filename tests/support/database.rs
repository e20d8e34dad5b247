//! A database of its own for each test, on one private server for each test process.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::DateTime;
use local::postgres::{Postgres, SUPERUSER, Search};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tenant_model::{Tenant, TenantId, TenantState};
use tenant_store::{StoreSettings, Stores, bootstrap};
use uuid::Uuid;

/// A migrated database with the three roles, and the pools on it.
pub struct Database {
    /// The pools a service gets.
    pub stores: Stores,
    name: String,
}

static SERVER: OnceLock<Postgres> = OnceLock::new();
static COUNT: AtomicU32 = AtomicU32::new(0);

fn server() -> &'static Postgres {
    SERVER.get_or_init(|| Postgres::start_throwaway(&Search::machine()).expect("PostgreSQL is installed"))
}

impl Database {
    /// A database with pools of ten connections.
    pub async fn start() -> Self {
        Self::start_with(10).await
    }

    /// A database with pools of `connections_max` each.
    pub async fn start_with(connections_max: u32) -> Self {
        let name = format!("store_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let server = tokio::task::spawn_blocking(server)
            .await
            .expect("the server starts");
        let admin = server.url(SUPERUSER, "postgres");
        bootstrap::create_roles(&admin, None).await.expect("roles");
        bootstrap::create_database(&admin, &name, None)
            .await
            .expect("a database");
        bootstrap::migrate(&server.url(bootstrap::OWNER_ROLE, &name))
            .await
            .expect("the schema");
        let settings = StoreSettings {
            app_url: server.url(bootstrap::APP_ROLE, &name),
            ops_url: server.url(bootstrap::OPS_ROLE, &name),
            connections_max,
        };
        Self {
            stores: Stores::connect(&settings).await.expect("pools"),
            name,
        }
    }

    /// Adds an active tenant.
    pub async fn tenant(&self, name: &str) -> TenantId {
        let id = TenantId::from_uuid(Uuid::now_v7());
        let tenant = Tenant {
            id,
            name: name.to_owned(),
            state: TenantState::Active,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            version: 1,
        };
        let mut tx = self.stores.begin_ops().await.expect("answers");
        tenant_store::tenants::insert(&mut tx, &tenant)
            .await
            .expect("inserts");
        tx.commit().await.expect("commits");
        id
    }

    /// Runs a statement outside the pools, as `role`.
    ///
    /// # Errors
    /// What PostgreSQL says.
    pub async fn execute_as(&self, role: &str, statement: &str) -> Result<(), sqlx::Error> {
        let mut connection = self.connection(role).await;
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
            .execute(&mut connection)
            .await?;
        Ok(())
    }

    /// The one text a question answers.
    pub async fn scalar_as(&self, role: &str, question: &str) -> String {
        let mut connection = self.connection(role).await;
        sqlx::query_scalar(AssertSqlSafe(question.to_owned()))
            .fetch_one(&mut connection)
            .await
            .expect(question)
    }

    /// All texts a question answers.
    pub async fn column_as(&self, role: &str, question: &str) -> Vec<String> {
        let mut connection = self.connection(role).await;
        sqlx::query_scalar(AssertSqlSafe(question.to_owned()))
            .fetch_all(&mut connection)
            .await
            .expect(question)
    }

    async fn connection(&self, role: &str) -> PgConnection {
        PgConnection::connect(&server().url(role, &self.name))
            .await
            .expect("the private server answers")
    }
}
