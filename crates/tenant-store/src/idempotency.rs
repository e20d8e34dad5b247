//! Replies stored in the transaction of their effect, so that a retried request finds its answer.
//!
//! Order matters: [`claim`] takes the lock first and reads second, the caller does the work, [`insert`] stores
//! the reply, the caller commits. A request that rolls back stores nothing and may really run again.

use serde_json::Value;
use tenant_model::TenantId;

use crate::{Conn, StoreError};

/// Which request this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestKey {
    /// Tenant, principal, method and route; or route alone when anonymous.
    pub scope: String,
    /// The client's `Idempotency-Key`, 1–255 visible ASCII characters.
    pub key: String,
    /// SHA-256 over method, path and body.
    pub request_hash: [u8; 32],
    /// The tenant whose row-level security the transaction runs under; none under `ops`.
    pub tenant_id: Option<TenantId>,
}

/// A reply as it was sent.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredReply {
    /// The HTTP status.
    pub status: u16,
    /// Headers that belong to the reply, name to value (`location`, `etag`).
    pub headers: Value,
    /// The body as sent.
    pub body: String,
}

/// What the store knows of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// Never answered: do the work in this transaction, then [`insert`] its reply.
    New,
    /// Answered before: send this again.
    Replay(StoredReply),
    /// The same key was used for another request.
    Reused,
    /// The same request is being worked on right now.
    InProgress,
}

/// Locks the key for this transaction and tells what is known of it.
///
/// # Errors
/// When the database does not answer.
pub async fn claim(conn: &mut Conn, request: &RequestKey) -> Result<Claim, StoreError> {
    let name = format!("idempotency {} {}", request.scope, request.key);
    let locked = sqlx::query_scalar!(
        r#"select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as "locked!""#,
        name
    )
    .fetch_one(&mut *conn)
    .await?;
    if !locked {
        return Ok(Claim::InProgress);
    }
    let stored = sqlx::query!(
        "select request_hash, status, headers, body from idempotency_record where scope = $1 and key = $2",
        request.scope,
        request.key,
    )
    .fetch_optional(conn)
    .await?;
    Ok(match stored {
        None => Claim::New,
        Some(row) if row.request_hash != request.request_hash => Claim::Reused,
        Some(row) => Claim::Replay(StoredReply {
            status: u16::try_from(row.status).map_err(StoreError::unreadable)?,
            headers: row.headers,
            body: row.body,
        }),
    })
}

/// Stores the reply beside its effect.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(conn: &mut Conn, request: &RequestKey, reply: &StoredReply) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into idempotency_record (scope, key, tenant_id, request_hash, status, headers, body)
         values ($1, $2, $3, $4, $5, $6, $7)",
        request.scope,
        request.key,
        request.tenant_id.map(|id| id.as_uuid()),
        &request.request_hash[..],
        i16::try_from(reply.status).map_err(StoreError::unreadable)?,
        reply.headers,
        reply.body,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets replies older than seven days; the promise to clients is one. Needs the role `ops`.
///
/// # Errors
/// When the database does not answer.
pub async fn forget_old(conn: &mut Conn) -> Result<u64, StoreError> {
    let done = sqlx::query!("delete from idempotency_record where created_at < now() - interval '7 days'")
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}
