//! Incidents of AWS itself: a region that is silent about many accounts at once. Role `ops`.

use chrono::{DateTime, Utc};

use crate::{Conn, StoreError};

/// A region that gave no answer about several accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// The region.
    pub region: String,
    /// When it was noticed.
    pub began_at: DateTime<Utc>,
    /// When the region answered again.
    pub ended_at: Option<DateTime<Utc>>,
    /// Most accounts that were without an answer at once.
    pub accounts: i32,
}

/// Opens the region's incident, or notes that it has grown. True when it is a new one.
///
/// # Errors
/// When the database does not answer.
pub async fn open_or_grow(
    conn: &mut Conn,
    region: &str,
    accounts: i32,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let began = sqlx::query_scalar!(
        "insert into aws_incident (region, began_at, accounts) values ($1, $2, $3)
         on conflict (region) where ended_at is null
         do update set accounts = greatest(aws_incident.accounts, excluded.accounts)
         returning began_at",
        region,
        now,
        accounts,
    )
    .fetch_one(conn)
    .await?;
    Ok(began == now)
}

/// Ends the region's incident; false when there is none.
///
/// # Errors
/// When the database does not answer.
pub async fn end(conn: &mut Conn, region: &str, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let ended = sqlx::query!(
        "update aws_incident set ended_at = $2 where region = $1 and ended_at is null",
        region,
        now,
    )
    .execute(conn)
    .await?;
    Ok(ended.rows_affected() > 0)
}

/// The region's incident that has not ended, if there is one.
///
/// # Errors
/// When the database does not answer.
pub async fn find_open(conn: &mut Conn, region: &str) -> Result<Option<Incident>, StoreError> {
    let row = sqlx::query_as!(
        Incident,
        "select region, began_at, ended_at, accounts from aws_incident where region = $1 and ended_at is null",
        region,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// The newest first, at most `limit`.
///
/// # Errors
/// When the database does not answer.
pub async fn list(conn: &mut Conn, limit: i64) -> Result<Vec<Incident>, StoreError> {
    let rows = sqlx::query_as!(
        Incident,
        "select region, began_at, ended_at, accounts from aws_incident order by began_at desc limit $1",
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
