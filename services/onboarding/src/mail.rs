//! Mails, written in the transaction of what they tell. The embedded default shows them on its outbox page.

use tenant_model::{EmailAddress, TenantId};
use tenant_store::Conn;
use tenant_store::mails::{self, Mail};

use crate::{App, OnboardingError};

/// A mail to be written.
pub(crate) struct Draft {
    pub(crate) tenant_id: Option<TenantId>,
    pub(crate) recipient: EmailAddress,
    pub(crate) subject: String,
    pub(crate) body: String,
}

/// Puts the mail into the outbox. Only where the settings say so its text, with the link, is logged as well.
pub(crate) async fn write(app: &App, conn: &mut Conn, draft: Draft) -> Result<(), OnboardingError> {
    if app.config.mail_in_log {
        tracing::info!(subject = draft.subject, body = draft.body, "a mail was written");
    } else {
        tracing::info!(subject = draft.subject, "a mail was written");
    }
    let mail = Mail {
        id: app.kit.ids.uuid(),
        tenant_id: draft.tenant_id,
        recipient: draft.recipient,
        subject: draft.subject,
        body: draft.body,
        created_at: app.kit.clock.now(),
    };
    mails::insert(conn, &mail).await?;
    Ok(())
}

/// The newest mails first: the outbox page of the embedded default.
///
/// # Errors
/// When the store does not answer.
pub async fn list_recent(app: &App, limit: u32) -> Result<Vec<Mail>, OnboardingError> {
    let mut tx = app.stores.begin_ops().await?;
    Ok(mails::list_recent(&mut tx, i64::from(limit)).await?)
}
