//! Which accounts' logs are compared with the ledger, and when next. Written by tenant-provisioning.

use chrono::{DateTime, Utc};
use tenant_model::ids::{ConnectionId, TenantId};

use crate::{Conn, StoreError};

/// A comparison that this worker makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// Whose log.
    pub tenant_id: TenantId,
    /// Through which connection.
    pub connection_id: ConnectionId,
    /// Up to when it was compared.
    pub compared_until: Option<DateTime<Utc>>,
    /// Failures in a row.
    pub attempt: i32,
    fence: i64,
}

/// How the comparison of a connection's log stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Through which connection.
    pub connection_id: ConnectionId,
    /// Up to when it was compared.
    pub compared_until: Option<DateTime<Utc>>,
    /// Why the last comparison could not be made.
    pub doubt: Option<String>,
}

/// Begins to watch connections that are ready and not watched yet. Role `ops`.
///
/// # Errors
/// When the database does not answer.
pub async fn enlist(conn: &mut Conn) -> Result<u64, StoreError> {
    let enlisted = sqlx::query!(
        "insert into ledger_watch (connection_id, tenant_id)
         select connection_id, tenant_id from connection
          where state_name = 'ready' and not exists
                (select from ledger_watch watched where watched.connection_id = connection.connection_id)
         on conflict do nothing",
    )
    .execute(conn)
    .await?;
    Ok(enlisted.rows_affected())
}

/// Claims the comparison that has been due for longest, of a connection that is ready. Role `ops`.
///
/// # Errors
/// When the database does not answer.
pub async fn claim(conn: &mut Conn, lease_seconds: i32) -> Result<Option<Watch>, StoreError> {
    let row = sqlx::query!(
        "update ledger_watch set lease_until = now() + make_interval(secs => $1), fence = fence + 1
          where connection_id = (
                select watch.connection_id from ledger_watch watch join connection using (connection_id)
                 where watch.due_at <= now() and (watch.lease_until is null or watch.lease_until < now())
                   and connection.state_name = 'ready'
                 order by watch.due_at limit 1 for update of watch skip locked)
          returning connection_id, tenant_id, compared_until, attempt, fence",
        f64::from(lease_seconds),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Watch {
        tenant_id: TenantId::from_uuid(row.tenant_id),
        connection_id: ConnectionId::from_uuid(row.connection_id),
        compared_until: row.compared_until,
        attempt: row.attempt,
        fence: row.fence,
    }))
}

/// Records a comparison that was made; the next is due after so many seconds.
///
/// # Errors
/// [`StoreError::Stale`] when another worker has claimed it since.
pub async fn record(
    conn: &mut Conn,
    watch: &Watch,
    until: DateTime<Utc>,
    due_seconds: i32,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "update ledger_watch set compared_until = $3, doubt = null, attempt = 0, lease_until = null,
                due_at = now() + make_interval(secs => $4)
          where connection_id = $1 and fence = $2",
        watch.connection_id.as_uuid(),
        watch.fence,
        until,
        f64::from(due_seconds),
    )
    .execute(conn)
    .await?;
    held(done.rows_affected())
}

/// Records that a comparison could not be made, and why.
///
/// # Errors
/// [`StoreError::Stale`] when another worker has claimed it since.
pub async fn doubt(conn: &mut Conn, watch: &Watch, why: &str, due_seconds: i32) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "update ledger_watch set doubt = $3, attempt = attempt + 1, lease_until = null,
                due_at = now() + make_interval(secs => $4)
          where connection_id = $1 and fence = $2",
        watch.connection_id.as_uuid(),
        watch.fence,
        why,
        f64::from(due_seconds),
    )
    .execute(conn)
    .await?;
    held(done.rows_affected())
}

/// How the comparisons of a tenant stand.
///
/// # Errors
/// When the database does not answer.
pub async fn list(conn: &mut Conn, tenant_id: TenantId) -> Result<Vec<Standing>, StoreError> {
    let rows = sqlx::query!(
        "select connection_id, compared_until, doubt from ledger_watch where tenant_id = $1 order by connection_id",
        tenant_id.as_uuid(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Standing {
            connection_id: ConnectionId::from_uuid(row.connection_id),
            compared_until: row.compared_until,
            doubt: row.doubt,
        })
        .collect())
}

fn held(rows: u64) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(StoreError::Stale) }
}
