//! Invitations of people into a tenant: a single-use token, bound to an address.

use chrono::{DateTime, Utc};
use tenant_model::{EmailAddress, InvitationId, TenantId, TenantRole};

use crate::{Conn, StoreError};

/// An invitation that nobody has accepted yet.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// Identity.
    pub id: InvitationId,
    /// Into which tenant.
    pub tenant_id: TenantId,
    /// Whom.
    pub email: EmailAddress,
    /// As what.
    pub role: TenantRole,
    /// By whom.
    pub invited_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Until when the token works.
    pub expires_at: DateTime<Utc>,
}

/// Adds an invitation whose token has this hash.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(
    conn: &mut Conn,
    invitation: &Invitation,
    token_hash: &[u8; 32],
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into invitation (invitation_id, tenant_id, email, role, token_hash, invited_by, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        invitation.id.as_uuid(),
        invitation.tenant_id.as_uuid(),
        invitation.email.as_str(),
        role_name(invitation.role),
        &token_hash[..],
        invitation.invited_by,
        invitation.created_at,
        invitation.expires_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes the invitation that the token stands for, once. Needs the role `ops`: the caller is nobody yet.
///
/// # Errors
/// When the database does not answer.
pub async fn claim(
    conn: &mut Conn,
    token_hash: &[u8; 32],
    now: DateTime<Utc>,
) -> Result<Option<Invitation>, StoreError> {
    let row = sqlx::query!(
        "update invitation set accepted_at = $2
          where token_hash = $1 and accepted_at is null and expires_at > $2
          returning invitation_id, tenant_id, email, role, invited_by, created_at, expires_at",
        &token_hash[..],
        now,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|found| {
        Ok(Invitation {
            id: InvitationId::from_uuid(found.invitation_id),
            tenant_id: TenantId::from_uuid(found.tenant_id),
            email: found.email.parse().map_err(StoreError::unreadable)?,
            role: if found.role == "admin" {
                TenantRole::Admin
            } else {
                TenantRole::Member
            },
            invited_by: found.invited_by,
            created_at: found.created_at,
            expires_at: found.expires_at,
        })
    })
    .transpose()
}

const fn role_name(role: TenantRole) -> &'static str {
    match role {
        TenantRole::Admin => "admin",
        TenantRole::Member => "member",
    }
}
