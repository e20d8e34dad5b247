//! Roles and migrations: what must be true of a database before a service may use it.
//!
//! `tenantry migrate` and the embedded default call [`prepare`]; services only [`check_roles`].

use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgPool};
use sqlx::{ConnectOptions, Connection, Executor, PgConnection};

use crate::StoreError;

/// Owns the schema; used by migrations only.
pub const OWNER_ROLE: &str = "tenantry_owner";
/// Bound by row-level security; used by every request and every step done for one tenant.
pub const APP_ROLE: &str = "app_rw";
/// Sees all tenants and owns nothing.
pub const OPS_ROLE: &str = "ops";

/// All schema changes, forward only.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations");

/// Why a database could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The database does not answer or refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A migration failed or the schema is not one of ours.
    #[error("could not migrate the schema")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

/// Makes the three roles where they are missing. `admin_url` names a superuser (or a role that may create
/// roles); `password` is set on all three, or none when the server trusts its socket.
///
/// # Errors
/// When the database does not answer or the administrator may not create roles.
pub async fn create_roles(admin_url: &str, password: Option<&str>) -> Result<(), StoreError> {
    let mut connection = connect(admin_url).await?;
    for (role, attributes) in [
        (OWNER_ROLE, "login nosuperuser nobypassrls"),
        (APP_ROLE, "login nosuperuser nobypassrls"),
        (OPS_ROLE, "login nosuperuser bypassrls"),
    ] {
        let secret = password.map_or(String::new(), |text| format!(" password {}", literal(text)));
        // Two processes may start at once, and a role cannot be changed twice at a time: the second waits for the
        // first and finds the role made. The lock ends with the statements, which are one transaction.
        let statement = format!(
            "select pg_advisory_xact_lock(hashtext('tenantry roles')); do $$ begin if not exists (select from pg_roles where rolname = '{role}') then \
             create role {role}; end if; exception when duplicate_object or unique_violation then null; end $$; \
             alter role {role} {attributes}{secret}"
        );
        connection.execute(sqlx::AssertSqlSafe(statement)).await?;
    }
    connection.close().await?;
    Ok(())
}

/// Makes `database`, owned by the owner role, unless it exists; from `template` when one is named.
///
/// # Errors
/// When the database does not answer or the administrator may not create databases.
pub async fn create_database(
    admin_url: &str,
    database: &str,
    template: Option<&str>,
) -> Result<(), StoreError> {
    let mut connection = connect(admin_url).await?;
    let exists: Option<i32> = sqlx::query_scalar("select 1 from pg_database where datname = $1")
        .bind(database)
        .fetch_optional(&mut connection)
        .await?;
    if exists.is_none() {
        let source = template.map_or(String::new(), |name| format!(" template {}", identifier(name)));
        let statement = format!(
            "create database {} owner {OWNER_ROLE}{source}",
            identifier(database)
        );
        connection.execute(sqlx::AssertSqlSafe(statement)).await?;
    }
    connection.close().await?;
    Ok(())
}

/// Brings the schema of `owner_url`'s database up to date. Safe to run from several processes at once.
///
/// # Errors
/// When a migration fails; the schema is then as before that migration.
pub async fn migrate(owner_url: &str) -> Result<(), PrepareError> {
    let mut connection = connect(owner_url).await?;
    MIGRATIONS.run(&mut connection).await?;
    connection.close().await.map_err(StoreError::from)?;
    Ok(())
}

/// Refuses to run with roles that row-level security would not bind as intended.
pub(crate) async fn check_roles(app: &PgPool, ops: &PgPool) -> Result<(), StoreError> {
    let question = "select rolsuper, rolbypassrls, \
         exists (select from pg_class c where c.relowner = r.oid and c.relnamespace = 'public'::regnamespace) \
         from pg_roles r where rolname = current_user";
    for (pool, may_bypass) in [(app, false), (ops, true)] {
        let (superuser, bypasses, owns): (bool, bool, bool) =
            sqlx::query_as(question).fetch_one(pool).await?;
        if superuser || owns || (bypasses && !may_bypass) {
            return Err(StoreError::unreadable(
                "this database role is a superuser, owns tables or bypasses row-level security; \
                 connect as app_rw and ops (see docs/operations.md)",
            ));
        }
    }
    Ok(())
}

async fn connect(url: &str) -> Result<PgConnection, StoreError> {
    let options = PgConnectOptions::from_str(url)?.options([("client_min_messages", "error")]);
    Ok(options.connect().await?)
}

fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
