//! Replies stored in the transaction of their effect, so that a retried request finds its answer.
//!
//! Order matters: [`claim`] takes the lock first and reads second, the caller does the work, [`insert`] stores
//! the reply, the caller commits. A request that rolls back stores nothing and may really run again.

use serde_json::Value;
use tenant_model::idempotency::{Claim, RequestKey, StoredReply};

use crate::{Conn, StoreError};

/// Locks the key for this transaction and tells what is known of it.
///
/// A stored reply is final, so it is found also while another transaction holds the lock: one that only looked,
/// and whose rollback is still on its way.
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
    let stored = sqlx::query!(
        "select request_hash, status, headers, body from idempotency_record where scope = $1 and key = $2",
        request.scope,
        request.key,
    )
    .fetch_optional(conn)
    .await?;
    Ok(match stored {
        None if locked => Claim::New,
        None => Claim::InProgress,
        Some(row) if row.request_hash != request.hash => Claim::Reused,
        Some(row) => Claim::Replay(StoredReply {
            status: u16::try_from(row.status).map_err(StoreError::unreadable)?,
            headers: pairs(&row.headers)?,
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
        &request.hash[..],
        i16::try_from(reply.status).map_err(StoreError::unreadable)?,
        object(&reply.headers),
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

fn object(headers: &[(String, String)]) -> Value {
    headers
        .iter()
        .map(|(name, value)| (name.clone(), Value::from(value.clone())))
        .collect()
}

fn pairs(headers: &Value) -> Result<Vec<(String, String)>, StoreError> {
    let object = headers
        .as_object()
        .ok_or_else(|| StoreError::unreadable("stored headers are not an object"))?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Ok(object
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), text(value)?)))
        .collect())
}
