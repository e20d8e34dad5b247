//! What outlives a deployment, why, and until when. Written by tenant-provisioning.

use tenant_model::certificate::Retained;
use tenant_model::ids::DeploymentId;

use crate::{Conn, StoreError};

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
