//! Warehouses: one row each, with the lease of the worker that loads into it, and the tables it has.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use tenant_model::export::{Destination, Month};
use uuid::Uuid;

use super::interval;
use crate::{Conn, StoreError};

/// Makes the destination unless it is there.
///
/// # Errors
/// When the database does not answer.
pub async fn ensure(conn: &mut Conn, id: Uuid, name: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into export_destination (id, name, kind, created_at) values ($1, $2, 'redshift', $3)
         on conflict (name) do nothing",
        id,
        name,
        at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// All destinations, by name.
///
/// # Errors
/// When the database does not answer.
pub async fn list(conn: &mut Conn) -> Result<Vec<Destination>, StoreError> {
    Ok(sqlx::query_as!(
        Destination,
        "select id, name, fence from export_destination order by name"
    )
    .fetch_all(conn)
    .await?)
}

/// As [`super::datasets::claim`].
///
/// # Errors
/// When the database does not answer.
pub async fn claim(
    conn: &mut Conn,
    name: &str,
    worker: &str,
    lease: Duration,
) -> Result<Option<Destination>, StoreError> {
    let destination = sqlx::query_as!(
        Destination,
        "update export_destination
            set fence = fence + 1, lease_owner = $2, lease_until = clock_timestamp() + $3
          where name = $1 and (lease_until is null or lease_until <= clock_timestamp())
          returning id, name, fence",
        name,
        worker,
        interval(lease),
    )
    .fetch_optional(conn)
    .await?;
    Ok(destination)
}

/// As [`super::datasets::hold`].
///
/// # Errors
/// [`StoreError::Stale`] when another worker has taken over.
pub async fn hold(conn: &mut Conn, held: &Destination, lease: Duration) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "update export_destination set lease_until = clock_timestamp() + $3 where id = $1 and fence = $2",
        held.id,
        held.fence,
        interval(lease),
    )
    .execute(conn)
    .await?;
    if done.rows_affected() == 1 {
        Ok(())
    } else {
        Err(StoreError::Stale)
    }
}

/// As [`super::datasets::release`].
///
/// # Errors
/// When the database does not answer; the lease then ends by itself.
pub async fn release(conn: &mut Conn, held: &Destination) -> Result<(), StoreError> {
    sqlx::query!(
        "update export_destination set lease_owner = null, lease_until = null where id = $1 and fence = $2",
        held.id,
        held.fence,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The months whose tables the warehouse is known to have, in order.
///
/// # Errors
/// When the database does not answer.
pub async fn list_months(conn: &mut Conn, destination_id: Uuid) -> Result<Vec<Month>, StoreError> {
    let days = sqlx::query_scalar!(
        "select month from export_warehouse_month where destination_id = $1 order by month",
        destination_id,
    )
    .fetch_all(conn)
    .await?;
    Ok(days.into_iter().map(Month::of).collect())
}

/// Remembers that the warehouse has the tables of `months`.
///
/// # Errors
/// When the database does not answer.
pub async fn insert_months(
    conn: &mut Conn,
    destination_id: Uuid,
    months: &[Month],
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let days: Vec<NaiveDate> = months.iter().map(|month| month.first_day()).collect();
    sqlx::query!(
        "insert into export_warehouse_month (destination_id, month, ensured_at)
         select $1, month, $3 from unnest($2::date[]) as month on conflict do nothing",
        destination_id,
        &days,
        at,
    )
    .execute(conn)
    .await?;
    Ok(())
}
