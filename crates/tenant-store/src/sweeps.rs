//! Sweeps of all regions for what carries a deployment's tags. Written by tenant-provisioning.

use chrono::{DateTime, Utc};
use serde_json::Value;
use tenant_model::certificate::Sweep;
use tenant_model::ids::{DeploymentId, TenantId};
use uuid::Uuid;

use crate::{Conn, StoreError};

/// The database's time: sweeps are spaced by the same clock that makes their deployments due.
///
/// # Errors
/// When the database does not answer.
pub async fn now(conn: &mut Conn) -> Result<DateTime<Utc>, StoreError> {
    Ok(sqlx::query_scalar("select now()").fetch_one(conn).await?)
}

/// Begins a sweep.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(
    conn: &mut Conn,
    (tenant_id, deployment_id): (TenantId, DeploymentId),
    sweep: &Sweep,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into sweep (sweep_id, tenant_id, deployment_id, started_at, regions) values ($1, $2, $3, $4, $5)",
        sweep.id,
        tenant_id.as_uuid(),
        deployment_id.as_uuid(),
        sweep.started_at,
        serde_json::to_value(&sweep.regions).map_err(StoreError::unreadable)?,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes how far a sweep is.
///
/// # Errors
/// When the database does not answer.
pub async fn update(conn: &mut Conn, sweep: &Sweep) -> Result<(), StoreError> {
    sqlx::query!(
        "update sweep set looked = $2, completed_at = $3 where sweep_id = $1",
        sweep.id,
        serde_json::to_value(&sweep.looked).map_err(StoreError::unreadable)?,
        sweep.completed_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The newest sweeps of a deployment, newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list_newest(
    conn: &mut Conn,
    deployment_id: DeploymentId,
    limit: i64,
) -> Result<Vec<Sweep>, StoreError> {
    let rows = sqlx::query_as!(
        SweepRow,
        "select sweep_id, started_at, regions, looked, completed_at from sweep
          where deployment_id = $1 order by started_at desc, sweep_id desc limit $2",
        deployment_id.as_uuid(),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Sweep::try_from).collect()
}

struct SweepRow {
    sweep_id: Uuid,
    started_at: DateTime<Utc>,
    regions: Value,
    looked: Value,
    completed_at: Option<DateTime<Utc>>,
}

impl TryFrom<SweepRow> for Sweep {
    type Error = StoreError;

    fn try_from(row: SweepRow) -> Result<Self, Self::Error> {
        Ok(Self {
            id: row.sweep_id,
            started_at: row.started_at,
            regions: serde_json::from_value(row.regions).map_err(StoreError::unreadable)?,
            looked: serde_json::from_value(row.looked).map_err(StoreError::unreadable)?,
            completed_at: row.completed_at,
        })
    }
}
