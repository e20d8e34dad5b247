//! What CloudFormation wants to know of a resource for an import, beyond its id. Written by tenant-provisioning.

use std::collections::BTreeMap;

use tenant_model::exit_kit::ImportFact;
use tenant_model::ids::{DeploymentId, TenantId};

use crate::{Conn, StoreError};

/// Writes down the facts of one resource in place of older ones.
///
/// # Errors
/// When the database does not answer.
pub async fn upsert(
    conn: &mut Conn,
    (tenant_id, deployment_id): (TenantId, DeploymentId),
    (name, fact): (&str, &ImportFact),
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into import_fact (tenant_id, deployment_id, logical_name, aws_id, facts) values ($1, $2, $3, $4, $5)
         on conflict (tenant_id, deployment_id, logical_name)
         do update set aws_id = excluded.aws_id, facts = excluded.facts",
        tenant_id.as_uuid(),
        deployment_id.as_uuid(),
        name,
        fact.aws_id,
        serde_json::to_value(&fact.values).map_err(StoreError::unreadable)?,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The facts of a deployment's resources by logical name.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    conn: &mut Conn,
    deployment_id: DeploymentId,
) -> Result<BTreeMap<String, ImportFact>, StoreError> {
    let rows = sqlx::query!(
        "select logical_name, aws_id, facts from import_fact where deployment_id = $1",
        deployment_id.as_uuid(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let values = serde_json::from_value(row.facts).map_err(StoreError::unreadable)?;
            let fact = ImportFact {
                aws_id: row.aws_id,
                values,
            };
            Ok((row.logical_name, fact))
        })
        .collect()
}
