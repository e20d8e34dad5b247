//! The action ledger's rows: a chain per tenant, like the audit chain and by the same rule.
//! Written by whoever uses a customer's role.

use chrono::{DateTime, Utc};
use tenant_model::TenantId;
use tenant_model::audit::{Content, Entry, GENESIS, Hash, chain};
use tenant_model::ledger::Line;

use crate::chained::{EntryRow, sized, whole_micros};
use crate::{Conn, StoreError};

/// Appends to the tenant's ledger in the caller's transaction, so that no call is made without its entry.
///
/// Entries of one ledger are serialised until commit: append last in the transaction.
///
/// # Errors
/// When the database does not answer.
pub async fn append(
    conn: &mut Conn,
    tenant_id: TenantId,
    line: Line,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    lock(conn, tenant_id).await?;
    let (sequence, previous) = head(conn, tenant_id).await?;
    let content = Content {
        tenant_id: Some(tenant_id),
        sequence: sequence + 1,
        at: whole_micros(at),
        actor: line.actor,
        action: line.action.to_owned(),
        subject: line.subject,
        detail: line.detail,
    };
    let hash = chain(&previous, &content);
    insert(conn, tenant_id, &Entry { content, hash }).await
}

/// The last entry's position and hash; nothing is 0 and [`GENESIS`].
///
/// # Errors
/// When the database does not answer.
pub async fn head(conn: &mut Conn, tenant_id: TenantId) -> Result<(i64, Hash), StoreError> {
    let row = sqlx::query!(
        "select sequence, hash from ledger_entry where tenant_id = $1 order by sequence desc limit 1",
        tenant_id.as_uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map_or(Ok((0, GENESIS)), |last| Ok((last.sequence, sized(last.hash)?)))
}

/// The hash of one entry, or [`GENESIS`] for position 0; none when there is no such entry.
///
/// # Errors
/// When the database does not answer.
pub async fn hash_at(
    conn: &mut Conn,
    tenant_id: TenantId,
    sequence: i64,
) -> Result<Option<Hash>, StoreError> {
    if sequence == 0 {
        return Ok(Some(GENESIS));
    }
    let hash = sqlx::query_scalar!(
        "select hash from ledger_entry where tenant_id = $1 and sequence = $2",
        tenant_id.as_uuid(),
        sequence,
    )
    .fetch_optional(conn)
    .await?;
    hash.map(sized).transpose()
}

/// The entries of one ledger after `after`, oldest first, at most `limit`; only those about `subject` if one is named.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    conn: &mut Conn,
    tenant_id: TenantId,
    (after, subject): (i64, Option<&str>),
    limit: i64,
) -> Result<Vec<Entry>, StoreError> {
    let rows = sqlx::query_as!(
        EntryRow,
        "select tenant_id, sequence, at, actor, action, subject, detail, hash
           from ledger_entry
          where tenant_id = $1 and sequence > $2 and ($3::text is null or subject = $3)
          order by sequence limit $4",
        tenant_id.as_uuid(),
        after,
        subject,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Entry::try_from).collect()
}

/// The newest entries of one ledger, newest first, at most `limit`.
///
/// # Errors
/// When the database does not answer.
pub async fn list_newest(conn: &mut Conn, tenant_id: TenantId, limit: i64) -> Result<Vec<Entry>, StoreError> {
    let rows = sqlx::query_as!(
        EntryRow,
        "select tenant_id, sequence, at, actor, action, subject, detail, hash
           from ledger_entry where tenant_id = $1 order by sequence desc limit $2",
        tenant_id.as_uuid(),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Entry::try_from).collect()
}

/// Entries of one ledger since a moment, oldest first, at most `limit`.
///
/// # Errors
/// When the database does not answer.
pub async fn list_since(
    conn: &mut Conn,
    tenant_id: TenantId,
    since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Entry>, StoreError> {
    let rows = sqlx::query_as!(
        EntryRow,
        "select tenant_id, sequence, at, actor, action, subject, detail, hash
           from ledger_entry where tenant_id = $1 and at >= $2 order by sequence limit $3",
        tenant_id.as_uuid(),
        since,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Entry::try_from).collect()
}

async fn lock(conn: &mut Conn, tenant_id: TenantId) -> Result<(), StoreError> {
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended($1, 0)) as locked",
        format!("ledger {tenant_id}"),
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

async fn insert(conn: &mut Conn, tenant_id: TenantId, entry: &Entry) -> Result<(), StoreError> {
    let content = &entry.content;
    sqlx::query!(
        "insert into ledger_entry (tenant_id, sequence, at, actor, action, subject, detail, hash)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        tenant_id.as_uuid(),
        content.sequence,
        content.at,
        content.actor,
        content.action,
        content.subject,
        content.detail,
        &entry.hash[..],
    )
    .execute(conn)
    .await?;
    Ok(())
}
