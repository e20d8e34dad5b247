//! Mails about a connection: to the tenant's admins and to the operators, when work on it freezes and when it goes on.

use tenant_model::user::Membership;
use tenant_model::{Connection, ConnectionState, TenantId};
use tenant_store::{Conn, users};

use crate::mail::{Draft, write};
use crate::routes::connections::explain;
use crate::{App, OnboardingError};

/// People told on each side at most.
const READERS_MAX: i64 = 20;

/// Tells both sides of a change that stops or resumes work; of others nobody is told.
pub(crate) async fn tell(
    app: &App,
    conn: &mut Conn,
    (before, after): (&Connection, &Connection),
) -> Result<(), OnboardingError> {
    let account = &after.aws_account_id;
    let (subject, body) = match (&before.state, &after.state) {
        (
            _,
            ConnectionState::Quarantined {
                cause,
                proven_at: Some(_),
                ..
            },
        ) => (
            format!("Work in AWS account {account} stands still"),
            format!(
                "{}\n\nNothing was undone and nothing is lost; what runs goes on running.\n\n{}",
                explain(cause, after),
                link(app, after)
            ),
        ),
        (ConnectionState::Quarantined { .. }, ConnectionState::Ready { .. }) => (
            format!("Work in AWS account {account} goes on"),
            format!(
                "The role is proven again, and work has resumed.\n\n{}",
                link(app, after)
            ),
        ),
        _ => return Ok(()),
    };
    for reader in users::list_responsible(conn, after.tenant_id, READERS_MAX).await? {
        let draft = Draft {
            tenant_id: tenant(reader.membership),
            recipient: reader.email.clone(),
            subject: subject.clone(),
            body: body.clone(),
        };
        write(app, conn, draft).await?;
    }
    Ok(())
}

const fn tenant(membership: Membership) -> Option<TenantId> {
    match membership {
        Membership::Operator => None,
        Membership::Tenant { tenant_id, .. } => Some(tenant_id),
    }
}

fn link(app: &App, connection: &Connection) -> String {
    format!("{}/connections/{}", app.config.public_url, connection.id)
}
