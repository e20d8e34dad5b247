//! What is remembered of the resources of a deployment, and every id that was ever ours.
//! Written by tenant-provisioning.

use chrono::{DateTime, Utc};
use tenant_model::{
    blueprint::Kind,
    deployment::Region,
    ids::{DeploymentId, TenantId},
    resource::{CreatedEver, ResourceRecord, ResourceState},
};

use crate::{Conn, StoreError};

/// Adds those resources that are not known yet.
///
/// # Errors
/// When the database does not answer.
pub async fn insert_missing(
    conn: &mut Conn,
    tenant_id: TenantId,
    deployment_id: DeploymentId,
    records: &[ResourceRecord],
) -> Result<(), StoreError> {
    let names: Vec<String> = records.iter().map(|record| record.name.clone()).collect();
    let kinds: Vec<String> = records
        .iter()
        .map(|record| record.kind.name().to_owned())
        .collect();
    sqlx::query!(
        "insert into resource (tenant_id, deployment_id, logical_name, kind, state)
         select $1, $2, name, kind, 'absent' from unnest($3::text[], $4::text[]) as new (name, kind)
         on conflict do nothing",
        tenant_id.as_uuid(),
        deployment_id.as_uuid(),
        &names,
        &kinds,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// All resources of a deployment, by name.
///
/// # Errors
/// When the database does not answer.
pub async fn list(conn: &mut Conn, deployment_id: DeploymentId) -> Result<Vec<ResourceRecord>, StoreError> {
    let rows = sqlx::query_as!(
        ResourceRow,
        "select logical_name, kind, state, aws_id, incarnation, created_at, last_error
           from resource where deployment_id = $1 order by logical_name",
        deployment_id.as_uuid(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(ResourceRecord::try_from).collect()
}

/// Writes what is remembered of one resource.
///
/// # Errors
/// When the database does not answer.
pub async fn update(
    conn: &mut Conn,
    deployment_id: DeploymentId,
    record: &ResourceRecord,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update resource set state = $3, aws_id = $4, incarnation = $5, created_at = $6, last_error = $7,
                updated_at = now()
          where deployment_id = $1 and logical_name = $2",
        deployment_id.as_uuid(),
        record.name,
        record.state.name(),
        record.aws_id,
        record.incarnation,
        record.created_at,
        record.last_error,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An id that has just become ours.
#[derive(Clone, Debug)]
pub struct NewCreation<'a> {
    /// AWS's id.
    pub aws_id: &'a str,
    /// Its kind.
    pub kind: Kind,
    /// Its logical name.
    pub name: &'a str,
    /// Where it is.
    pub region: &'a Region,
}

/// Remembers for ever that an id is ours. Once is enough.
///
/// # Errors
/// When the database does not answer.
pub async fn remember_created(
    conn: &mut Conn,
    tenant_id: TenantId,
    deployment_id: DeploymentId,
    new: &NewCreation<'_>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into created_ever (tenant_id, deployment_id, aws_id, kind, region, logical_name)
         values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
        tenant_id.as_uuid(),
        deployment_id.as_uuid(),
        new.aws_id,
        new.kind.name(),
        new.region.as_str(),
        new.name,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Remembers that an id was seen to be gone. The first time counts.
///
/// # Errors
/// When the database does not answer.
pub async fn remember_gone(
    conn: &mut Conn,
    deployment_id: DeploymentId,
    aws_id: &str,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update created_ever set gone_at = now()
          where deployment_id = $1 and aws_id = $2 and gone_at is null",
        deployment_id.as_uuid(),
        aws_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Every id that was ever ours, in order of creation.
///
/// # Errors
/// When the database does not answer.
pub async fn list_created_ever(
    conn: &mut Conn,
    deployment_id: DeploymentId,
) -> Result<Vec<CreatedEver>, StoreError> {
    let rows = sqlx::query!(
        "select aws_id, kind, logical_name, created_at, gone_at from created_ever
          where deployment_id = $1 order by created_at, aws_id",
        deployment_id.as_uuid(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(CreatedEver {
                kind: kind(&row.kind)?,
                aws_id: row.aws_id,
                name: row.logical_name,
                created_at: row.created_at,
                gone_at: row.gone_at,
            })
        })
        .collect()
}

fn kind(name: &str) -> Result<Kind, StoreError> {
    Kind::from_name(name).ok_or_else(|| StoreError::unreadable(format!("kind {name}")))
}

struct ResourceRow {
    logical_name: String,
    kind: String,
    state: String,
    aws_id: Option<String>,
    incarnation: i32,
    created_at: Option<DateTime<Utc>>,
    last_error: Option<String>,
}

impl TryFrom<ResourceRow> for ResourceRecord {
    type Error = StoreError;

    fn try_from(row: ResourceRow) -> Result<Self, Self::Error> {
        Ok(Self {
            kind: kind(&row.kind)?,
            state: ResourceState::from_name(&row.state)
                .ok_or_else(|| StoreError::unreadable(format!("state {}", row.state)))?,
            name: row.logical_name,
            aws_id: row.aws_id,
            incarnation: row.incarnation,
            created_at: row.created_at,
            last_error: row.last_error,
        })
    }
}
