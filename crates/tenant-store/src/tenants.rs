//! Tenants. Written by onboarding; everybody reads.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use tenant_model::{Tenant, TenantId, TenantState};

use crate::{Conn, StoreError};

/// Adds a tenant. Needs the role `ops`: before this row there is no tenant to be bound to.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(conn: &mut Conn, tenant: &Tenant) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into tenant (tenant_id, name, state, version, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6)",
        tenant.id.as_uuid(),
        tenant.name,
        tenant.state.name(),
        tenant.version,
        tenant.created_at,
        tenant.updated_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// One tenant, if the caller's role may see it.
///
/// # Errors
/// When the database does not answer.
pub async fn find(conn: &mut Conn, tenant_id: TenantId) -> Result<Option<Tenant>, StoreError> {
    let row = sqlx::query_as!(
        TenantRow,
        "select tenant_id, name, state, version, created_at, updated_at from tenant where tenant_id = $1",
        tenant_id.as_uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(Tenant::try_from).transpose()
}

/// One tenant, locked until the transaction ends.
///
/// # Errors
/// When the database does not answer.
pub async fn find_for_update(conn: &mut Conn, tenant_id: TenantId) -> Result<Option<Tenant>, StoreError> {
    let row = sqlx::query_as!(
        TenantRow,
        "select tenant_id, name, state, version, created_at, updated_at from tenant
          where tenant_id = $1 for update",
        tenant_id.as_uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(Tenant::try_from).transpose()
}

/// Tenants after `after` in order of id (which is order of time), at most `limit`, optionally of one state.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    conn: &mut Conn,
    after: Option<TenantId>,
    state: Option<TenantState>,
    limit: i64,
) -> Result<Vec<Tenant>, StoreError> {
    let rows = sqlx::query_as!(
        TenantRow,
        "select tenant_id, name, state, version, created_at, updated_at from tenant
          where ($1::uuid is null or tenant_id > $1) and ($2::text is null or state = $2)
          order by tenant_id limit $3",
        after.map(|id| id.as_uuid()),
        state.map(TenantState::name),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Tenant::try_from).collect()
}

/// Writes name and state when the version is still `tenant.version`, and raises it.
///
/// # Errors
/// [`StoreError::Stale`] when somebody else changed the row meanwhile.
pub async fn update(conn: &mut Conn, tenant: &Tenant) -> Result<Tenant, StoreError> {
    let row = sqlx::query_as!(
        TenantRow,
        "update tenant set name = $2, state = $3, updated_at = $4, version = version + 1
          where tenant_id = $1 and version = $5
          returning tenant_id, name, state, version, created_at, updated_at",
        tenant.id.as_uuid(),
        tenant.name,
        tenant.state.name(),
        tenant.updated_at,
        tenant.version,
    )
    .fetch_optional(conn)
    .await?;
    row.ok_or(StoreError::Stale)?.try_into()
}

/// The states of these tenants, for the booking of a batch that mixes them (role `ops`).
///
/// # Errors
/// When the database does not answer.
pub async fn states(
    conn: &mut Conn,
    tenant_ids: &[TenantId],
) -> Result<HashMap<TenantId, TenantState>, StoreError> {
    let ids: Vec<_> = tenant_ids.iter().map(TenantId::as_uuid).collect();
    let rows = sqlx::query!(
        "select tenant_id, state from tenant where tenant_id = any($1)",
        &ids
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let state = TenantState::from_name(&row.state)
                .ok_or_else(|| StoreError::unreadable(format!("unknown tenant state {}", row.state)))?;
            Ok((TenantId::from_uuid(row.tenant_id), state))
        })
        .collect()
}

struct TenantRow {
    tenant_id: uuid::Uuid,
    name: String,
    state: String,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<TenantRow> for Tenant {
    type Error = StoreError;

    fn try_from(row: TenantRow) -> Result<Self, Self::Error> {
        let state = TenantState::from_name(&row.state)
            .ok_or_else(|| StoreError::unreadable(format!("unknown tenant state {}", row.state)))?;
        Ok(Self {
            id: TenantId::from_uuid(row.tenant_id),
            name: row.name,
            state,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        })
    }
}
