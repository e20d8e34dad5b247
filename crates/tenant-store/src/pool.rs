//! Pools and transactions: the only place that opens connections.
//!
//! A future that is dropped while `begin` is awaited returns its connection to the pool *inside a
//! transaction* (sqlx raises its own depth only after the reply, so it queues no rollback; transact-rs/sqlx
//! #4365, #4385). The next borrower's acknowledged insert would then be invisible, and lost at the next
//! rollback. Every pool therefore cleans a connection when it is released, and every pool is built here.

use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, Executor, PgConnection, Postgres, Transaction};
use tenant_model::TenantId;

use crate::StoreError;

/// A connection is asked whether it lives when it was idle for longer.
const IDLE_TRUSTED: Duration = Duration::from_secs(1);

/// Where the database is, as which roles, and how many connections at most.
#[derive(Clone)]
pub struct StoreSettings {
    /// URL for the role `app_rw`.
    pub app_url: String,
    /// URL for the role `ops`.
    pub ops_url: String,
    /// Most connections of each of the two pools.
    pub connections_max: u32,
}

impl std::fmt::Debug for StoreSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // URLs carry passwords.
        f.debug_struct("StoreSettings")
            .field("connections_max", &self.connections_max)
            .finish_non_exhaustive()
    }
}

/// What a [`CommitObserver`] does at a commit; nothing goes on before it has ended.
pub type Pause = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Stands at every commit of a tenant's transaction, as `aws_access::CallObserver` does at every call. A pause that
/// never ends stands for a process that dies at this very moment: before the commit or after it.
pub trait CommitObserver: std::fmt::Debug + Send + Sync {
    /// Called before the commit is sent.
    fn before(&self, tenant_id: TenantId) -> Pause;
    /// Called when the commit was acknowledged.
    fn after(&self, tenant_id: TenantId) -> Pause;
}

/// The two pools of a process.
#[derive(Clone, Debug)]
pub struct Stores {
    app: PgPool,
    ops: PgPool,
    observer: Option<Arc<dyn CommitObserver>>,
}

/// A transaction that rolls back unless committed.
#[derive(Debug)]
pub struct Tx {
    inner: Transaction<'static, Postgres>,
    observed: Option<(Arc<dyn CommitObserver>, TenantId)>,
}

impl Stores {
    /// Opens both pools and refuses roles that would not be bound by row-level security as intended.
    ///
    /// # Errors
    /// When the database does not answer or a role is not what [`crate::bootstrap`] makes.
    pub async fn connect(settings: &StoreSettings) -> Result<Self, StoreError> {
        Self::connect_observed(settings, None).await
    }

    /// As [`Stores::connect`], with an observer that every commit of a tenant's transaction passes. Rehearsals stop a
    /// worker there.
    ///
    /// # Errors
    /// As [`Stores::connect`].
    pub async fn connect_observed(
        settings: &StoreSettings,
        observer: Option<Arc<dyn CommitObserver>>,
    ) -> Result<Self, StoreError> {
        let stores = Self {
            app: open(&settings.app_url, settings.connections_max).await?,
            ops: open(&settings.ops_url, settings.connections_max).await?,
            observer,
        };
        crate::bootstrap::check_roles(&stores.app, &stores.ops).await?;
        Ok(stores)
    }

    /// Begins a transaction that sees and writes rows of `tenant_id` only (role `app_rw`).
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin(&self, tenant_id: TenantId) -> Result<Tx, StoreError> {
        // One round trip for both. The id is a UUID, so its text is digits and dashes.
        let statement = format!(
            "begin; select set_config('app.tenant_id', '{}', true)",
            tenant_id.as_uuid()
        );
        Ok(Tx {
            inner: self.app.begin_with(AssertSqlSafe(statement)).await?,
            observed: self.observer.clone().map(|observer| (observer, tenant_id)),
        })
    }

    /// Begins a transaction that sees all tenants (role `ops`): operators' lists, lease claims, booking, export.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin_ops(&self) -> Result<Tx, StoreError> {
        Ok(Tx::unobserved(self.ops.begin().await?))
    }

    /// Begins a read-only snapshot over all tenants: every statement in it sees the same instant.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin_snapshot(&self) -> Result<Tx, StoreError> {
        let tx = self
            .ops
            .begin_with("begin isolation level repeatable read, read only")
            .await?;
        Ok(Tx::unobserved(tx))
    }

    /// Begins a transaction over all tenants whose statements see one instant and whose writes fail if a row
    /// they touch was changed since (SQLSTATE 40001): what is planned from a snapshot is planned for that instant.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin_plan(&self) -> Result<Tx, StoreError> {
        let tx = self
            .ops
            .begin_with("begin isolation level repeatable read")
            .await?;
        Ok(Tx::unobserved(tx))
    }

    /// Whether the database answers right now.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.app.execute("select 1").await?;
        Ok(())
    }

    /// Closes both pools and waits for their connections.
    pub async fn close(&self) {
        self.app.close().await;
        self.ops.close().await;
    }

    /// Connections open and idle over both pools, for metrics.
    #[must_use]
    pub fn connections(&self) -> (u32, usize) {
        (
            self.app.size() + self.ops.size(),
            self.app.num_idle() + self.ops.num_idle(),
        )
    }
}

impl Tx {
    fn unobserved(inner: Transaction<'static, Postgres>) -> Self {
        Self {
            inner,
            observed: None,
        }
    }

    /// Makes the work durable.
    ///
    /// # Errors
    /// When the answer is lost the outcome is unknown: look before doing it again.
    pub async fn commit(self) -> Result<(), StoreError> {
        let Some((observer, tenant_id)) = self.observed else {
            return Ok(self.inner.commit().await?);
        };
        observer.before(tenant_id).await;
        self.inner.commit().await?;
        observer.after(tenant_id).await;
        Ok(())
    }

    /// Undoes the work now instead of when the value is dropped.
    ///
    /// # Errors
    /// When the database does not answer; the work is undone all the same.
    pub async fn rollback(self) -> Result<(), StoreError> {
        Ok(self.inner.rollback().await?)
    }
}

impl Deref for Tx {
    type Target = PgConnection;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.inner
    }
}

async fn open(url: &str, connections_max: u32) -> Result<PgPool, StoreError> {
    let options = PgConnectOptions::from_str(url)?
        .application_name("tenantry")
        // A rollback outside a transaction warns; the release hook does that on purpose each time.
        .options([
            ("client_min_messages", "error"),
            ("idle_in_transaction_session_timeout", "10s"),
            ("statement_timeout", "30s"),
            ("lock_timeout", "2s"),
        ]);
    let pool = PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(Duration::from_secs(5))
        // A connection that was used a moment ago is not asked whether it lives: that question would be a round
        // trip for each transaction.
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > IDLE_TRUSTED {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .after_release(|connection, _| Box::pin(clean(connection)))
        .connect_with(options)
        .await?;
    Ok(pool)
}

/// Ends a transaction that a dropped future left open and forgets session state. Not `discard all`: it would
/// drop prepared statements whose names sqlx still caches.
async fn clean(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    connection
        .execute("rollback; reset all; unlisten *; select pg_advisory_unlock_all()")
        .await?;
    Ok(true)
}
