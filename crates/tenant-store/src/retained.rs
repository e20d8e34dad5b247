//! What outlives a deployment, why, and until when. Written by tenant-provisioning.

use chrono::{DateTime, Utc};
use tenant_model::certificate::Retained;
use tenant_model::ids::{DeploymentId, TenantId};

use crate::{Conn, StoreError};

/// An item whose time is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Whose.
    pub tenant_id: TenantId,
    /// What is left of which deployment.
    pub deployment_id: DeploymentId,
    /// What.
    pub item: Retained,
}

/// Writes down that something is kept. Once is enough.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(
    conn: &mut Conn,
    (tenant_id, deployment_id): (TenantId, DeploymentId),
    item: &Retained,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into retained_item (tenant_id, deployment_id, aws_id, item, due_at) values ($1, $2, $3, $4, $5)
         on conflict (tenant_id, deployment_id, aws_id) do nothing",
        tenant_id.as_uuid(),
        deployment_id.as_uuid(),
        item.aws_id,
        serde_json::to_value(item).map_err(StoreError::unreadable)?,
        item.keep_until,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What is kept of a deployment.
///
/// # Errors
/// When the database does not answer.
pub async fn list(conn: &mut Conn, deployment_id: DeploymentId) -> Result<Vec<Retained>, StoreError> {
    let rows = sqlx::query_scalar!(
        "select item from retained_item where deployment_id = $1 and deleted_at is null order by aws_id",
        deployment_id.as_uuid(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|item| serde_json::from_value(item).map_err(StoreError::unreadable))
        .collect()
}

/// Items whose time is over, at most `limit`. Role `ops`.
///
/// # Errors
/// When the database does not answer.
pub async fn list_due(conn: &mut Conn, now: DateTime<Utc>, limit: i64) -> Result<Vec<Due>, StoreError> {
    let rows = sqlx::query!(
        "select tenant_id, deployment_id, item from retained_item
          where due_at <= $1 and deleted_at is null order by due_at limit $2",
        now,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Due {
                tenant_id: TenantId::from_uuid(row.tenant_id),
                deployment_id: DeploymentId::from_uuid(row.deployment_id),
                item: serde_json::from_value(row.item).map_err(StoreError::unreadable)?,
            })
        })
        .collect()
}

/// Writes down that an item is gone.
///
/// # Errors
/// When the database does not answer.
pub async fn note_deleted(
    conn: &mut Conn,
    deployment_id: DeploymentId,
    aws_id: &str,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update retained_item set deleted_at = $3 where deployment_id = $1 and aws_id = $2 and deleted_at is null",
        deployment_id.as_uuid(),
        aws_id,
        at,
    )
    .execute(conn)
    .await?;
    Ok(())
}
