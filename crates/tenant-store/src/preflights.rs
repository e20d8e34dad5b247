//! Wishes that were checked against an account, and what they came to. One per connection.

use chrono::{DateTime, Utc};
use serde_json::Value;
use tenant_model::given_network::GivenNetwork;
use tenant_model::preflight::{Check, Wish};
use tenant_model::{Connection, ConnectionId, TenantId};

use crate::{Conn, StoreError};

/// A wish with its checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preflight {
    /// What was wished for.
    pub wish: Wish,
    /// When.
    pub asked_at: DateTime<Utc>,
    /// What it came to; none until a worker has looked.
    pub checks: Option<Vec<Check>>,
    /// When it was looked at.
    pub checked_at: Option<DateTime<Utc>>,
    /// The tenant's own network with the subnets that will be used, where one was wished for and has what it needs.
    pub network: Option<GivenNetwork>,
}

/// What a worker saw.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'a> {
    /// Every check.
    pub checks: &'a [Check],
    /// The network that was found, if one was wished for and found.
    pub network: Option<&'a GivenNetwork>,
}

/// A wish that this worker checks.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// Whose.
    pub tenant_id: TenantId,
    /// In which account.
    pub connection_id: ConnectionId,
    /// What.
    pub wish: Wish,
    /// Goes into the write of the checks.
    pub fence: i64,
}

/// Writes down a wish, due at once. Earlier checks go with the earlier wish.
///
/// # Errors
/// When the database does not answer.
pub async fn ask(
    conn: &mut Conn,
    connection: &Connection,
    wish: &Wish,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into preflight (tenant_id, connection_id, wish, asked_at, due_at) values ($1, $2, $3, $4, now())
         on conflict (tenant_id, connection_id) do update
            set wish = excluded.wish, asked_at = excluded.asked_at, due_at = now(), fence = preflight.fence + 1,
                checks = case when preflight.wish = excluded.wish then preflight.checks end,
                checked_at = case when preflight.wish = excluded.wish then preflight.checked_at end,
                network = case when preflight.wish = excluded.wish then preflight.network end",
        connection.tenant_id.as_uuid(),
        connection.id.as_uuid(),
        to_json(wish)?,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes down a first wish, unless there is one.
///
/// # Errors
/// When the database does not answer.
pub async fn ask_first(
    conn: &mut Conn,
    connection: &Connection,
    wish: &Wish,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into preflight (tenant_id, connection_id, wish, asked_at, due_at) values ($1, $2, $3, $4, now())
         on conflict (tenant_id, connection_id) do nothing",
        connection.tenant_id.as_uuid(),
        connection.id.as_uuid(),
        to_json(wish)?,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The wish of a connection with its checks.
///
/// # Errors
/// When the database does not answer.
pub async fn find(conn: &mut Conn, id: ConnectionId) -> Result<Option<Preflight>, StoreError> {
    let row = sqlx::query!(
        "select wish, asked_at, checks, checked_at, network from preflight where connection_id = $1",
        id.as_uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        Ok(Preflight {
            wish: serde_json::from_value(row.wish).map_err(StoreError::unreadable)?,
            asked_at: row.asked_at,
            checks: row
                .checks
                .map(serde_json::from_value)
                .transpose()
                .map_err(StoreError::unreadable)?,
            checked_at: row.checked_at,
            network: row
                .network
                .map(serde_json::from_value)
                .transpose()
                .map_err(StoreError::unreadable)?,
        })
    })
    .transpose()
}

/// Claims the wish that has waited longest, for `lease_seconds`: who has not recorded by then has died. Role `ops`.
///
/// # Errors
/// When the database does not answer.
pub async fn claim_due(conn: &mut Conn, lease_seconds: i32) -> Result<Option<Claimed>, StoreError> {
    let row = sqlx::query!(
        "update preflight set due_at = now() + make_interval(secs => $1), fence = fence + 1
          where (tenant_id, connection_id) = (
                select tenant_id, connection_id from preflight where due_at <= now()
                 order by due_at limit 1 for update skip locked)
          returning tenant_id, connection_id, wish, fence",
        f64::from(lease_seconds),
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        Ok(Claimed {
            tenant_id: TenantId::from_uuid(row.tenant_id),
            connection_id: ConnectionId::from_uuid(row.connection_id),
            wish: serde_json::from_value(row.wish).map_err(StoreError::unreadable)?,
            fence: row.fence,
        })
    })
    .transpose()
}

/// Records the checks, and when to look again (never: none). Role `ops`.
///
/// # Errors
/// [`StoreError::Stale`] when another wish or another worker came in between.
pub async fn record(
    conn: &mut Conn,
    claimed: &Claimed,
    (outcome, at): (Option<Outcome<'_>>, DateTime<Utc>),
    due_in_seconds: Option<i32>,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "update preflight
            set checks = coalesce($3, checks), checked_at = case when $3::jsonb is null then checked_at else $4 end,
                network = case when $3::jsonb is null then network else $6::jsonb end,
                due_at = case when $5::float8 is null then null else now() + make_interval(secs => $5) end
          where connection_id = $1 and fence = $2",
        claimed.connection_id.as_uuid(),
        claimed.fence,
        outcome.map(|seen| to_json(&seen.checks)).transpose()?,
        at,
        due_in_seconds.map(f64::from),
        outcome.and_then(|seen| seen.network).map(to_json).transpose()?,
    )
    .execute(conn)
    .await?;
    if done.rows_affected() == 0 {
        Err(StoreError::Stale)
    } else {
        Ok(())
    }
}

fn to_json(value: &impl serde::Serialize) -> Result<Value, StoreError> {
    serde_json::to_value(value).map_err(StoreError::unreadable)
}
