//! Mails to be sent. The embedded default shows them on its outbox page. Role `ops`.

use chrono::{DateTime, Utc};
use tenant_model::{EmailAddress, TenantId};
use uuid::Uuid;

use crate::{Conn, StoreError};

/// A mail. Its body may hold a single-use link, so it is not logged by the store.
#[derive(Clone)]
pub struct Mail {
    /// Identity.
    pub id: Uuid,
    /// Whose mail, once there is a tenant.
    pub tenant_id: Option<TenantId>,
    /// To whom.
    pub recipient: EmailAddress,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// When it was written.
    pub created_at: DateTime<Utc>,
}

/// Adds a mail in the transaction of what it tells.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(conn: &mut Conn, mail: &Mail) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into mail (mail_id, tenant_id, recipient, subject, body, created_at) values ($1, $2, $3, $4, $5, $6)",
        mail.id,
        mail.tenant_id.map(|id| id.as_uuid()),
        mail.recipient.as_str(),
        mail.subject,
        mail.body,
        mail.created_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The newest mails first, at most `limit`.
///
/// # Errors
/// When the database does not answer.
pub async fn list_recent(conn: &mut Conn, limit: i64) -> Result<Vec<Mail>, StoreError> {
    let rows = sqlx::query!(
        "select mail_id, tenant_id, recipient, subject, body, created_at from mail
          order by created_at desc, mail_id desc limit $1",
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Mail {
                id: row.mail_id,
                tenant_id: row.tenant_id.map(TenantId::from_uuid),
                recipient: row.recipient.parse().map_err(StoreError::unreadable)?,
                subject: row.subject,
                body: row.body,
                created_at: row.created_at,
            })
        })
        .collect()
}
