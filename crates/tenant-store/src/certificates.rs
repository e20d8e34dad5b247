//! Certificates of deletion, as issued. Written by tenant-provisioning.

use chrono::{DateTime, Utc};
use serde_json::Value;
use tenant_model::ids::{DeploymentId, TenantId};

use crate::{Conn, StoreError};

/// A certificate as it was issued.
#[derive(Clone, Debug, PartialEq)]
pub struct Certificate {
    /// What is signed.
    pub document: Value,
    /// The document as a compact JWS.
    pub jws: String,
}

/// Keeps a certificate for ever.
///
/// # Errors
/// When the deployment has one already.
pub async fn insert(
    conn: &mut Conn,
    (tenant_id, deployment_id): (TenantId, DeploymentId),
    certificate: &Certificate,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into deletion_certificate (deployment_id, tenant_id, document, jws, issued_at)
         values ($1, $2, $3, $4, $5)",
        deployment_id.as_uuid(),
        tenant_id.as_uuid(),
        certificate.document,
        certificate.jws,
        at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A deployment's certificate, once it is deleted.
///
/// # Errors
/// When the database does not answer.
pub async fn find(conn: &mut Conn, deployment_id: DeploymentId) -> Result<Option<Certificate>, StoreError> {
    let row = sqlx::query!(
        "select document, jws from deletion_certificate where deployment_id = $1",
        deployment_id.as_uuid(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Certificate {
        document: row.document,
        jws: row.jws,
    }))
}
