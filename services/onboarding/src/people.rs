//! A tenant's people: listing them, inviting, accepting.

use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use service_kit::Page;
use service_kit::auth::{Passwords, new_token, token_hash};
use tenant_model::{
    Action, EmailAddress, InvitationId, Membership, Principal, TenantId, TenantRole, User, UserId, authorize,
};
use tenant_store::invitations::{self, Invitation};
use tenant_store::{Conn, users};

use crate::change::{Fact, record};
use crate::error::InvalidField;
use crate::mail::{self, Draft};
use crate::signup::{add_user, new_user};
use crate::{App, OnboardingError, tenants};

const INVITATION_HOURS: i64 = 72;

/// The people of one tenant, in the order they joined.
///
/// # Errors
/// [`OnboardingError::NotFound`] for a stranger.
pub async fn list(
    app: &App,
    caller: &Principal,
    tenant_id: TenantId,
    after: Option<UserId>,
    limit: u32,
) -> Result<Page<User>, OnboardingError> {
    authorize(caller, Action::ReadTenant, Some(tenant_id))?;
    let mut tx = app.begin_as(Some(tenant_id)).await?;
    let rows = users::list(&mut tx, tenant_id, after, i64::from(limit) + 1).await?;
    Ok(Page::cut(rows, limit, &tenant_id.to_string(), |user| user.id))
}

/// The caller as a person.
///
/// # Errors
/// [`OnboardingError::NotSignedIn`] for a key, and for a person who is gone.
pub async fn me(app: &App, caller: &Principal) -> Result<User, OnboardingError> {
    let user_id = match caller {
        Principal::Operator { user_id } | Principal::Tenant { user_id, .. } => *user_id,
        Principal::ApiKey { .. } => return Err(OnboardingError::NotSignedIn),
    };
    let mut tx = app.begin_for(caller).await?;
    users::find(&mut tx, user_id)
        .await?
        .ok_or(OnboardingError::NotSignedIn)
}

/// Whom to invite, as what.
#[derive(Clone, Debug)]
pub struct NewInvitation {
    /// Into which tenant.
    pub tenant_id: TenantId,
    /// Whom.
    pub email: String,
    /// As what.
    pub role: TenantRole,
}

/// Invites a person by mail. Whether the address has an account elsewhere is not told.
///
/// # Errors
/// [`OnboardingError::Invalid`] for a bad address; refusals of the right and of the tenant's state.
pub async fn invite(
    app: &App,
    caller: &Principal,
    new: &NewInvitation,
) -> Result<Invitation, OnboardingError> {
    // Mails are written by the role that sees all tenants.
    let mut tx = app.stores.begin_ops().await?;
    let invitation = invite_in(app, &mut tx, caller, new).await?;
    tx.commit().await?;
    Ok(invitation)
}

pub(crate) async fn invite_in(
    app: &App,
    conn: &mut Conn,
    caller: &Principal,
    new: &NewInvitation,
) -> Result<Invitation, OnboardingError> {
    authorize(caller, Action::ManagePeople, Some(new.tenant_id))?;
    let email = checked_address(&new.email)?;
    let tenant = tenants::require_active(conn, new.tenant_id).await?;
    let now = app.kit.clock.now();
    let token = new_token(&app.kit.ids);
    let invitation = Invitation {
        id: InvitationId::from_uuid(app.kit.ids.uuid()),
        tenant_id: new.tenant_id,
        email: email.clone(),
        role: new.role,
        invited_by: caller.actor(),
        created_at: now,
        expires_at: now + TimeDelta::hours(INVITATION_HOURS),
    };
    invitations::insert(conn, &invitation, &token_hash(&token)).await?;
    let link = format!("{}/invitation?token={token}", app.config.public_url);
    let body = format!(
        "You are invited to {} on Tenantry.\n\nChoose a password to accept:\n{link}\n\n\
         The link works once, for {INVITATION_HOURS} hours.\n",
        tenant.name
    );
    let subject = "You are invited".to_owned();
    mail::write(
        app,
        conn,
        Draft {
            tenant_id: Some(tenant.id),
            recipient: email,
            subject,
            body,
        },
    )
    .await?;
    let fact = Fact {
        tenant_id: Some(new.tenant_id),
        actor: caller.actor(),
        action: "invitation.create",
        event: "invitation.created",
        subject: invitation.id.to_string(),
        data: json!({ "role": new.role }),
    };
    record(app, conn, fact).await?;
    Ok(invitation)
}

fn checked_address(text: &str) -> Result<EmailAddress, OnboardingError> {
    text.parse()
        .map_err(|error| OnboardingError::Invalid(vec![InvalidField::new("/email", "bad-address", error)]))
}

/// Accepts an invitation: the person of its address joins with a password of its own.
///
/// # Errors
/// [`OnboardingError::TokenNotUsable`]; [`OnboardingError::Invalid`] for a bad password.
pub async fn accept(app: &App, token: &str, password: &SecretString) -> Result<User, OnboardingError> {
    let hash = check_password(app, password).await?;
    let mut tx = app.stores.begin_ops().await?;
    let user = accept_in(app, &mut tx, token, &hash).await?;
    tx.commit().await?;
    Ok(user)
}

pub(crate) async fn check_password(app: &App, password: &SecretString) -> Result<String, OnboardingError> {
    Passwords::judge(password.expose_secret()).map_err(|error| {
        OnboardingError::Invalid(vec![InvalidField::new("/password", "bad-password", error)])
    })?;
    Ok(app.kit.passwords.hash(password).await?)
}

pub(crate) async fn accept_in(
    app: &App,
    conn: &mut Conn,
    token: &str,
    password_hash: &str,
) -> Result<User, OnboardingError> {
    let now = app.kit.clock.now();
    let invitation = invitations::claim(conn, &token_hash(token), now).await?;
    let invitation = invitation.ok_or(OnboardingError::TokenNotUsable)?;
    tenants::require_active(conn, invitation.tenant_id)
        .await
        .map_err(|_| OnboardingError::TokenNotUsable)?;
    let membership = Membership::Tenant {
        tenant_id: invitation.tenant_id,
        role: invitation.role,
    };
    let user = new_user(app, invitation.email, membership);
    add_user(conn, &user, password_hash).await?;
    let fact = Fact {
        tenant_id: Some(invitation.tenant_id),
        actor: user.id.to_string(),
        action: "invitation.accept",
        event: "user.joined",
        subject: user.id.to_string(),
        data: json!({ "invitation": invitation.id, "role": invitation.role }),
    };
    record(app, conn, fact).await?;
    Ok(user)
}
