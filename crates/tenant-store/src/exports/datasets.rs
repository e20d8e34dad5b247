//! Datasets: one row per exported table, with its lease and the request to close a window now.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tenant_model::export::Dataset;
use uuid::Uuid;

use super::interval;
use crate::{Conn, StoreError};

/// Makes the dataset unless it is there.
///
/// # Errors
/// When the database does not answer.
pub async fn ensure(
    conn: &mut Conn,
    id: Uuid,
    name: &str,
    schema_id: i32,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into export_dataset (id, name, schema_id, created_at) values ($1, $2, $3, $4)
         on conflict (name) do nothing",
        id,
        name,
        schema_id,
        at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes the lease if it is free or over, and raises the fence; `None` while another worker holds it.
///
/// # Errors
/// When the database does not answer.
pub async fn claim(
    conn: &mut Conn,
    name: &str,
    worker: &str,
    lease: Duration,
) -> Result<Option<Dataset>, StoreError> {
    let dataset = sqlx::query_as!(
        Dataset,
        "update export_dataset
            set fence = fence + 1, lease_owner = $2, lease_until = clock_timestamp() + $3
          where name = $1 and (lease_until is null or lease_until <= clock_timestamp())
          returning id, name, source_epoch, close_through, last_cut_at, fence",
        name,
        worker,
        interval(lease),
    )
    .fetch_optional(conn)
    .await?;
    Ok(dataset)
}

/// Locks the row for this transaction and prolongs the lease.
///
/// # Errors
/// [`StoreError::Stale`] when another worker has taken over.
pub async fn hold(conn: &mut Conn, held: &Dataset, lease: Duration) -> Result<Dataset, StoreError> {
    sqlx::query_as!(
        Dataset,
        "update export_dataset set lease_until = clock_timestamp() + $3 where id = $1 and fence = $2
         returning id, name, source_epoch, close_through, last_cut_at, fence",
        held.id,
        held.fence,
        interval(lease),
    )
    .fetch_optional(conn)
    .await?
    .ok_or(StoreError::Stale)
}

/// Gives the lease back, so that the next pass need not wait for its end.
///
/// # Errors
/// When the database does not answer; the lease then ends by itself.
pub async fn release(conn: &mut Conn, held: &Dataset) -> Result<(), StoreError> {
    sqlx::query!(
        "update export_dataset set lease_owner = null, lease_until = null where id = $1 and fence = $2",
        held.id,
        held.fence,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Asks for everything booked until now, without waiting for the next cut. Returns the position it reaches.
///
/// # Errors
/// [`StoreError::Stale`] when there is no such dataset.
pub async fn request_close(conn: &mut Conn, name: &str) -> Result<i64, StoreError> {
    // The snapshot's xmax lies above every transaction that was committed when we were asked.
    sqlx::query_scalar!(
        r#"update export_dataset
              set close_through = greatest(close_through, pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
            where name = $1 returning close_through as "close_through!""#,
        name,
    )
    .fetch_optional(conn)
    .await?
    .ok_or(StoreError::Stale)
}

/// Records that everything up to `reached` is planned; a request to close that is fulfilled by it is over. With
/// a time the next cut is a period away, without one it is due at once.
///
/// # Errors
/// When the database does not answer.
pub async fn record_cut(
    conn: &mut Conn,
    held: &Dataset,
    reached: i64,
    at: Option<DateTime<Utc>>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update export_dataset
            set last_cut_at = coalesce($3, last_cut_at),
                close_through = case when close_through > $4 then close_through end
          where id = $1 and fence = $2",
        held.id,
        held.fence,
        at,
        reached,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The dataset as anybody may see it.
///
/// # Errors
/// When the database does not answer.
pub async fn find(conn: &mut Conn, name: &str) -> Result<Option<Dataset>, StoreError> {
    let dataset = sqlx::query_as!(
        Dataset,
        "select id, name, source_epoch, close_through, last_cut_at, fence from export_dataset where name = $1",
        name,
    )
    .fetch_optional(conn)
    .await?;
    Ok(dataset)
}
