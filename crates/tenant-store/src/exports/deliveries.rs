//! Deliveries: one row per batch and warehouse, written by whoever holds the warehouse's lease.

use chrono::{DateTime, Utc};
use serde_json::Value;
use tenant_model::ExportId;
use tenant_model::export::{Delivery, Sides, Totals};
use uuid::Uuid;

use crate::{Conn, StoreError};

/// Plans a delivery.
///
/// # Errors
/// [`StoreError::Constraint`] when the batch already has one to that destination.
pub async fn insert(conn: &mut Conn, delivery: &Delivery, at: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into export_delivery (id, destination_id, batch_id, state, due_at, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $6)",
        delivery.id,
        delivery.destination_id,
        delivery.batch_id.as_uuid(),
        delivery.state.name(),
        delivery.due_at,
        at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes what changed. The caller holds the destination's row in this transaction.
///
/// # Errors
/// [`StoreError::Stale`] when the row is gone or was written under a later fence.
pub async fn update(
    conn: &mut Conn,
    delivery: &Delivery,
    fence: i64,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "update export_delivery
            set state = $3, attempt = $4, client_token = $5, statement_id = $6, submitted_at = $7, due_at = $8,
                error = $9, source_totals = $10, stored_totals = $11, warehouse_totals = $12, fence = $2,
                updated_at = $13
          where id = $1 and fence <= $2",
        delivery.id,
        fence,
        delivery.state.name(),
        delivery.attempt,
        delivery.client_token,
        delivery.statement_id,
        delivery.submitted_at,
        delivery.due_at,
        delivery.error,
        json(delivery.sides.source.as_ref())?,
        json(delivery.sides.stored.as_ref())?,
        json(delivery.sides.warehouse.as_ref())?,
        at,
    )
    .execute(conn)
    .await?;
    if done.rows_affected() == 1 {
        Ok(())
    } else {
        Err(StoreError::Stale)
    }
}

/// The delivery whose step is due: among those of a warehouse, the one of the oldest window.
///
/// # Errors
/// When the database does not answer.
pub async fn find_due(
    conn: &mut Conn,
    destination_id: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<Delivery>, StoreError> {
    let row = sqlx::query_as!(
        DeliveryRow,
        "select v.id, v.destination_id, v.batch_id, v.state, v.attempt, v.client_token, v.statement_id,
                v.submitted_at, v.due_at, v.error, v.source_totals, v.stored_totals, v.warehouse_totals
           from export_delivery v join export_batch b on b.id = v.batch_id
          where v.destination_id = $1 and v.due_at <= $2
          order by b.source_epoch, b.hi limit 1",
        destination_id,
        now,
    )
    .fetch_optional(conn)
    .await?;
    row.map(Delivery::try_from).transpose()
}

/// The deliveries of some batches.
///
/// # Errors
/// When the database does not answer.
pub async fn list(conn: &mut Conn, batches: &[ExportId]) -> Result<Vec<Delivery>, StoreError> {
    let ids: Vec<Uuid> = batches.iter().map(ExportId::as_uuid).collect();
    let rows = sqlx::query_as!(
        DeliveryRow,
        "select id, destination_id, batch_id, state, attempt, client_token, statement_id, submitted_at, due_at,
                error, source_totals, stored_totals, warehouse_totals
           from export_delivery where batch_id = any($1) order by batch_id, destination_id",
        &ids,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Delivery::try_from).collect()
}

fn json(totals: Option<&Totals>) -> Result<Option<Value>, StoreError> {
    totals
        .map(serde_json::to_value)
        .transpose()
        .map_err(StoreError::unreadable)
}

struct DeliveryRow {
    id: Uuid,
    destination_id: Uuid,
    batch_id: Uuid,
    state: String,
    attempt: i32,
    client_token: Option<String>,
    statement_id: Option<String>,
    submitted_at: Option<DateTime<Utc>>,
    due_at: Option<DateTime<Utc>>,
    error: Option<String>,
    source_totals: Option<Value>,
    stored_totals: Option<Value>,
    warehouse_totals: Option<Value>,
}

impl TryFrom<DeliveryRow> for Delivery {
    type Error = StoreError;

    fn try_from(row: DeliveryRow) -> Result<Self, Self::Error> {
        let totals = |json: Option<Value>| {
            json.map(serde_json::from_value::<Totals>)
                .transpose()
                .map_err(StoreError::unreadable)
        };
        Ok(Self {
            id: row.id,
            destination_id: row.destination_id,
            batch_id: ExportId::from_uuid(row.batch_id),
            state: row.state.parse().map_err(StoreError::unreadable)?,
            attempt: row.attempt,
            client_token: row.client_token,
            statement_id: row.statement_id,
            submitted_at: row.submitted_at,
            due_at: row.due_at,
            error: row.error,
            sides: Sides {
                source: totals(row.source_totals)?,
                stored: totals(row.stored_totals)?,
                warehouse: totals(row.warehouse_totals)?,
            },
        })
    }
}
