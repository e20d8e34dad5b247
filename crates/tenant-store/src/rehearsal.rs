//! Time for tests: leases and due times follow the database's clock, which nobody can move, so the
//! deadlines move towards it instead.
//!
//! A deadline is any column named `lease_until` or `due_at`. Only a test's world calls this, as superuser
//! on a database of its own.
//!
//! A rehearsal goes further: [`HeldClock`] puts a `now()` of its own before PostgreSQL's, so that no time
//! passes but by its word and a run can be repeated exactly.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tenant_model::TenantId;

use crate::StoreError;

/// Lets every lease be over, as if its worker had been silent for too long. Says how many there were.
///
/// # Errors
/// When the database does not answer.
pub async fn expire_leases(admin_url: &str) -> Result<u64, StoreError> {
    let mut connection = PgConnection::connect(admin_url).await?;
    let mut leases = 0;
    for (table, column) in deadlines(&mut connection).await? {
        if column == "lease_until" {
            let statement = format!(
                "update {table} set lease_until = now() - interval '1 second' where lease_until > now()"
            );
            let ended = sqlx::query(AssertSqlSafe(statement))
                .execute(&mut connection)
                .await?;
            leases += ended.rows_affected();
        }
    }
    connection.close().await?;
    Ok(leases)
}

/// Brings every deadline nearer, as if `by` had passed on the database's clock.
///
/// # Errors
/// When the database does not answer.
pub async fn advance(admin_url: &str, by: Duration) -> Result<(), StoreError> {
    let mut connection = PgConnection::connect(admin_url).await?;
    let milliseconds = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    for (table, column) in deadlines(&mut connection).await? {
        let statement = format!(
            "update {table} set {column} = {column} - $1 * interval '1 millisecond' where {column} is not null"
        );
        sqlx::query(AssertSqlSafe(statement))
            .bind(milliseconds)
            .execute(&mut connection)
            .await?;
    }
    // The second sweep of a deletion is spaced from the end of the first.
    let spaced = "update sweep set started_at = started_at - $1 * interval '1 millisecond',
                         completed_at = completed_at - $1 * interval '1 millisecond'";
    sqlx::query(spaced)
        .bind(milliseconds)
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    Ok(())
}

/// Everything that is written down about a tenant, as one hash: two are equal when no row was added, changed or removed.
/// The ledger is left out: a worker that was overtaken still says there which calls it has made.
///
/// # Errors
/// When the database does not answer.
pub async fn fingerprint(admin_url: &str, tenant_id: TenantId) -> Result<String, StoreError> {
    let mut connection = PgConnection::connect(admin_url).await?;
    let tables: Vec<String> = sqlx::query_scalar(
        "select quote_ident(c.table_name) from information_schema.columns c
           join information_schema.tables t using (table_schema, table_name)
          where table_schema = 'public' and table_type = 'BASE TABLE' and c.column_name = 'tenant_id'
            and c.table_name <> 'ledger_entry'
          order by 1",
    )
    .fetch_all(&mut connection)
    .await?;
    let rows: Vec<String> = tables
        .iter()
        .map(|table| format!("select '{table} ' || t::text as line from {table} t where tenant_id = $1"))
        .collect();
    let statement = format!(
        "select md5(coalesce(string_agg(line, chr(10) order by line), '')) from ({}) as rows",
        rows.join(" union all ")
    );
    let hash = sqlx::query_scalar(AssertSqlSafe(statement))
        .bind(tenant_id.as_uuid())
        .fetch_one(&mut connection)
        .await?;
    connection.close().await?;
    Ok(hash)
}

/// A database whose `now()` stands still until it is moved.
///
/// A function of that name in a schema that stands before `pg_catalog` in the search path is found first,
/// in the product's own statements as they are. `clock_timestamp()` and column defaults keep the system's
/// time; provisioning uses neither for a decision.
#[derive(Debug)]
pub struct HeldClock {
    connection: PgConnection,
}

impl HeldClock {
    /// Holds the clock of a database at `now`, for every connection opened from here on.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn hold(admin_url: &str, now: DateTime<Utc>) -> Result<Self, StoreError> {
        let mut connection = PgConnection::connect(admin_url).await?;
        sqlx::raw_sql(
            "create schema rehearsal;
             create table rehearsal.moment (at timestamptz not null);
             create function rehearsal.now() returns timestamptz language sql stable
                 return (select at from rehearsal.moment);
             grant usage on schema rehearsal to public;
             grant select on rehearsal.moment to public;
             do $$ begin
                 execute format('alter database %I set search_path = rehearsal, public, pg_catalog',
                     current_database());
             end $$",
        )
        .execute(&mut connection)
        .await?;
        sqlx::query("insert into rehearsal.moment values ($1)")
            .bind(now)
            .execute(&mut connection)
            .await?;
        Ok(Self { connection })
    }

    /// Moves the clock forward.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn advance(&mut self, by: Duration) -> Result<(), StoreError> {
        let microseconds = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        sqlx::query("update rehearsal.moment set at = at + $1 * interval '1 microsecond'")
            .bind(microseconds)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// How long until a deployment is due or a worker's lease ends; none when nobody waits for anything.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn until_work(&mut self) -> Result<Option<Duration>, StoreError> {
        let microseconds: Option<i64> = sqlx::query_scalar(
            "select ceil(extract(epoch from min(coalesce(lease_until, due_at)) - (select at from rehearsal.moment))
                         * 1000000)::bigint
               from public.work where coalesce(lease_until, due_at) < 'infinity'",
        )
        .fetch_one(&mut self.connection)
        .await?;
        Ok(microseconds.map(|wait| Duration::from_micros(wait.try_into().unwrap_or(0))))
    }
}

/// Every deadline of the schema as quoted names of table and column.
async fn deadlines(connection: &mut PgConnection) -> Result<Vec<(String, String)>, StoreError> {
    let columns = sqlx::query_as(
        "select quote_ident(c.table_name), quote_ident(c.column_name) from information_schema.columns c
           join information_schema.tables t using (table_schema, table_name)
          where table_schema = 'public' and table_type = 'BASE TABLE'
            and c.column_name in ('lease_until', 'due_at')
          order by 1, 2",
    );
    Ok(columns.fetch_all(connection).await?)
}
