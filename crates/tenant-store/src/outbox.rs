//! Announcements: written in the transaction of the change they announce, read in commit order.

use chrono::{DateTime, Utc};
use serde_json::Value;
use tenant_model::{EventId, TenantId};

use crate::{Conn, StoreError};

/// Something that happened, named `noun.outcome`.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Identity; receivers dedupe by it.
    pub id: EventId,
    /// Whose event; none is the operator's.
    pub tenant_id: Option<TenantId>,
    /// `noun.outcome`, such as `deployment.ready`.
    pub kind: String,
    /// The wire view of the resource at that moment.
    pub data: Value,
    /// When.
    pub at: DateTime<Utc>,
}

/// Announces `event` when the caller's transaction commits.
///
/// # Errors
/// When the database does not answer.
pub async fn publish(conn: &mut Conn, event: &Event) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into outbox_event (event_id, tenant_id, kind, data, at) values ($1, $2, $3, $4, $5)",
        event.id.as_uuid(),
        event.tenant_id.map(|id| id.as_uuid()),
        event.kind,
        event.data,
        event.at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The newest announcements first, of one tenant or (role `ops`) of all, at most `limit`.
///
/// # Errors
/// When the database does not answer.
pub async fn list_recent(
    conn: &mut Conn,
    tenant_id: Option<TenantId>,
    limit: i64,
) -> Result<Vec<Event>, StoreError> {
    let rows = sqlx::query!(
        "select event_id, tenant_id, kind, data, at from outbox_event
          where $1::uuid is null or tenant_id = $1
          order by published_in desc, event_id desc limit $2",
        tenant_id.map(|id| id.as_uuid()),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Event {
            id: EventId::from_uuid(row.event_id),
            tenant_id: row.tenant_id.map(TenantId::from_uuid),
            kind: row.kind,
            data: row.data,
            at: row.at,
        })
        .collect())
}
