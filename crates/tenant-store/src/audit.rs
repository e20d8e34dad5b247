//! The audit chain's rows. The chaining rule is [`tenant_model::audit`]; here it is read and written.

use chrono::{DateTime, Utc};
use serde_json::Value;
use tenant_model::TenantId;
use tenant_model::audit::{Content, Entry, GENESIS, Hash, chain};

use crate::chained::{EntryRow, sized};
use crate::{Conn, StoreError};

/// What a change says of itself, before it gets its place in the chain.
#[derive(Clone, Debug)]
pub struct NewAuditEntry {
    /// Whose chain; none is the operator's.
    pub tenant_id: Option<TenantId>,
    /// Who: `Principal::actor()`, or `system`.
    pub actor: String,
    /// What was done, `noun.verb`.
    pub action: &'static str,
    /// On what: the resource's id as text.
    pub subject: String,
    /// Particulars: strings, integers, booleans, arrays and objects; no floats, no secrets.
    pub detail: Value,
    /// When.
    pub at: DateTime<Utc>,
}

/// Appends to the tenant's chain in the caller's transaction, so that there is no change without its entry.
///
/// Entries of one chain are serialised until commit: append late in the transaction.
///
/// # Errors
/// When the database does not answer.
pub async fn append(conn: &mut Conn, new: NewAuditEntry) -> Result<(), StoreError> {
    lock(conn, new.tenant_id).await?;
    let (sequence, previous) = head(conn, new.tenant_id).await?;
    let content = Content {
        tenant_id: new.tenant_id,
        sequence: sequence + 1,
        at: new.at,
        actor: new.actor,
        action: new.action.to_owned(),
        subject: new.subject,
        detail: new.detail,
    };
    let hash = chain(&previous, &content);
    insert(conn, &Entry { content, hash }).await
}

/// All entries of one chain after `after`, oldest first, at most `limit`.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    conn: &mut Conn,
    tenant_id: Option<TenantId>,
    after: i64,
    limit: i64,
) -> Result<Vec<Entry>, StoreError> {
    let rows = sqlx::query_as!(
        EntryRow,
        r#"select tenant_id, sequence, at, actor, action, subject, detail, hash
             from audit_entry
            where tenant_id is not distinct from $1 and sequence > $2
            order by sequence limit $3"#,
        tenant_id.map(|id| id.as_uuid()),
        after,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Entry::try_from).collect()
}

/// The tenants that have a chain; none stands for the operator's. Needs the role `ops`.
///
/// # Errors
/// When the database does not answer.
pub async fn list_chains(conn: &mut Conn) -> Result<Vec<Option<TenantId>>, StoreError> {
    let ids = sqlx::query_scalar!("select distinct tenant_id from audit_entry order by tenant_id")
        .fetch_all(conn)
        .await?;
    Ok(ids.into_iter().map(|id| id.map(TenantId::from_uuid)).collect())
}

async fn lock(conn: &mut Conn, tenant_id: Option<TenantId>) -> Result<(), StoreError> {
    let name = format!(
        "audit {}",
        tenant_id.map_or_else(|| "operator".to_owned(), |id| id.to_string())
    );
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended($1, 0)) as locked",
        name
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

/// The last entry's position and hash. Read in a statement of its own after the lock, so that it sees what
/// the previous holder committed.
async fn head(conn: &mut Conn, tenant_id: Option<TenantId>) -> Result<(i64, Hash), StoreError> {
    let row = sqlx::query!(
        "select sequence, hash from audit_entry where tenant_id is not distinct from $1
          order by sequence desc limit 1",
        tenant_id.map(|id| id.as_uuid()),
    )
    .fetch_optional(conn)
    .await?;
    row.map_or(Ok((0, GENESIS)), |last| Ok((last.sequence, sized(last.hash)?)))
}

async fn insert(conn: &mut Conn, entry: &Entry) -> Result<(), StoreError> {
    let Content {
        tenant_id,
        sequence,
        at,
        actor,
        action,
        subject,
        detail,
    } = &entry.content;
    sqlx::query!(
        "insert into audit_entry (tenant_id, sequence, at, actor, action, subject, detail, hash)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        tenant_id.map(|id| id.as_uuid()),
        sequence,
        at,
        actor,
        action,
        subject,
        detail,
        &entry.hash[..],
    )
    .execute(conn)
    .await?;
    Ok(())
}
