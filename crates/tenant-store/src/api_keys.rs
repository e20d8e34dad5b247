//! API keys: what a data plane proves itself with. The secret's SHA-256 is stored, found by its public part.

use chrono::{DateTime, Utc};
use tenant_model::{ApiKey, ApiKeyId, Scope, TenantId};
use uuid::Uuid;

use crate::{Conn, StoreError};

/// Adds a key whose secret has this hash.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(conn: &mut Conn, key: &ApiKey, secret_hash: &[u8; 32]) -> Result<(), StoreError> {
    let scopes: Vec<String> = key.scopes.iter().map(|scope| scope.name().to_owned()).collect();
    sqlx::query!(
        "insert into api_key (key_id, tenant_id, public_id, secret_hash, name, scopes, created_by, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        key.id.as_uuid(),
        key.tenant_id.as_uuid(),
        key.public_id,
        &secret_hash[..],
        key.name,
        &scopes,
        key.created_by,
        key.created_at,
        key.expires_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The key with this public part and the hash of its secret. Needs the role `ops`: the tenant is not known yet.
///
/// # Errors
/// When the database does not answer.
pub async fn find_by_public_id(
    conn: &mut Conn,
    public_id: &str,
) -> Result<Option<(ApiKey, [u8; 32])>, StoreError> {
    let row = sqlx::query!(
        "select key_id, tenant_id, public_id, secret_hash, name, scopes, created_by, created_at, expires_at,
                last_used_at, revoked_at
           from api_key where public_id = $1",
        public_id,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|found| {
        let hash = found.secret_hash.try_into();
        let hash = hash.map_err(|_| StoreError::unreadable("key hash is not 32 bytes"))?;
        let key = KeyRow {
            key_id: found.key_id,
            tenant_id: found.tenant_id,
            public_id: found.public_id,
            name: found.name,
            scopes: found.scopes,
            created_by: found.created_by,
            created_at: found.created_at,
            expires_at: found.expires_at,
            last_used_at: found.last_used_at,
            revoked_at: found.revoked_at,
        };
        Ok((key.try_into()?, hash))
    })
    .transpose()
}

/// One key, if the caller's role may see it.
///
/// # Errors
/// When the database does not answer.
pub async fn find(conn: &mut Conn, key_id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
    let row = sqlx::query_as!(
        KeyRow,
        "select key_id, tenant_id, public_id, name, scopes, created_by, created_at, expires_at, last_used_at, revoked_at
           from api_key where key_id = $1",
        key_id.as_uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(ApiKey::try_from).transpose()
}

/// The keys of one tenant, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    conn: &mut Conn,
    tenant_id: TenantId,
    after: Option<ApiKeyId>,
    limit: i64,
) -> Result<Vec<ApiKey>, StoreError> {
    let rows = sqlx::query_as!(
        KeyRow,
        "select key_id, tenant_id, public_id, name, scopes, created_by, created_at, expires_at, last_used_at, revoked_at
           from api_key where tenant_id = $1 and ($2::uuid is null or key_id > $2) order by key_id limit $3",
        tenant_id.as_uuid(),
        after.map(|id| id.as_uuid()),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(ApiKey::try_from).collect()
}

/// Ends a key and tells whether there was one to end. Ending it twice keeps the first time.
///
/// # Errors
/// When the database does not answer.
pub async fn revoke(conn: &mut Conn, key_id: ApiKeyId, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update api_key set revoked_at = coalesce(revoked_at, $2) where key_id = $1",
        key_id.as_uuid(),
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends every key of a tenant.
///
/// # Errors
/// When the database does not answer.
pub async fn revoke_all(conn: &mut Conn, tenant_id: TenantId, now: DateTime<Utc>) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "update api_key set revoked_at = $2 where tenant_id = $1 and revoked_at is null",
        tenant_id.as_uuid(),
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Notes that a key was used, at most once a minute. Needs the role `ops`.
///
/// # Errors
/// When the database does not answer.
pub async fn touch(conn: &mut Conn, key_id: ApiKeyId, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "update api_key set last_used_at = $2
          where key_id = $1 and (last_used_at is null or last_used_at < $2::timestamptz - interval '1 minute')",
        key_id.as_uuid(),
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

struct KeyRow {
    key_id: Uuid,
    tenant_id: Uuid,
    public_id: String,
    name: String,
    scopes: Vec<String>,
    created_by: String,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
}

impl TryFrom<KeyRow> for ApiKey {
    type Error = StoreError;

    fn try_from(row: KeyRow) -> Result<Self, Self::Error> {
        let scopes = row.scopes.iter().map(|name| {
            Scope::from_name(name).ok_or_else(|| StoreError::unreadable(format!("unknown scope {name}")))
        });
        Ok(Self {
            id: ApiKeyId::from_uuid(row.key_id),
            tenant_id: TenantId::from_uuid(row.tenant_id),
            public_id: row.public_id,
            name: row.name,
            scopes: scopes.collect::<Result<_, _>>()?,
            created_by: row.created_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
        })
    }
}
