//! Signing up: a request, a mail, and with the address verified a tenant and its first admin.
//!
//! Known and unknown addresses get the same answer after the same work, so that nobody learns who has an
//! account. Everything that differs is in the mail, which only the owner of the address reads.

use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use service_kit::auth::{Passwords, new_token, token_hash};
use tenant_model::{
    EmailAddress, Membership, SignupId, Tenant, TenantId, TenantRole, TenantState, User, UserId,
};
use tenant_store::signups::{self, Signup};
use tenant_store::{Conn, tenants, users};

use crate::change::{Fact, record};
use crate::error::InvalidField;
use crate::mail::{self, Draft};
use crate::{App, OnboardingError};

const TOKEN_HOURS: i64 = 72;

/// What a stranger types to become a tenant.
#[derive(Clone, Debug)]
pub struct NewSignup {
    /// The organisation's name.
    pub organisation: String,
    /// The first admin's address.
    pub email: String,
    /// The first admin's password.
    pub password: SecretString,
}

/// A signup whose fields are in order.
pub(crate) struct CheckedSignup {
    organisation: String,
    email: EmailAddress,
    password_hash: String,
}

/// Writes the signup down and sends the mail; says the same whoever asks.
///
/// # Errors
/// [`OnboardingError::Invalid`] with all wrong fields; rate limits.
pub async fn request_signup(app: &App, new: &NewSignup) -> Result<(), OnboardingError> {
    let checked = check(app, new).await?;
    let mut tx = app.stores.begin_ops().await?;
    request_in(app, &mut tx, checked).await?;
    tx.commit().await?;
    Ok(())
}

/// Checks all fields and hashes the password; the hash is the costly part, and is paid by everybody.
pub(crate) async fn check(app: &App, new: &NewSignup) -> Result<CheckedSignup, OnboardingError> {
    let mut wrong = Vec::new();
    let organisation = new.organisation.trim().to_owned();
    if organisation.is_empty()
        || organisation.chars().count() > 200
        || organisation.chars().any(char::is_control)
    {
        wrong.push(InvalidField::new(
            "/organisation",
            "bad-name",
            "needs 1 to 200 characters on one line",
        ));
    }
    let email = new.email.parse::<EmailAddress>();
    if let Err(error) = &email {
        wrong.push(InvalidField::new("/email", "bad-address", error));
    }
    if let Err(error) = Passwords::judge(new.password.expose_secret()) {
        wrong.push(InvalidField::new("/password", "bad-password", error));
    }
    let Ok(email) = email else {
        return Err(OnboardingError::Invalid(wrong));
    };
    if !wrong.is_empty() {
        return Err(OnboardingError::Invalid(wrong));
    }
    let password_hash = app.kit.passwords.hash(&new.password).await?;
    Ok(CheckedSignup {
        organisation,
        email,
        password_hash,
    })
}

pub(crate) async fn request_in(
    app: &App,
    conn: &mut Conn,
    new: CheckedSignup,
) -> Result<(), OnboardingError> {
    let now = app.kit.clock.now();
    let id = SignupId::from_uuid(app.kit.ids.uuid());
    let token = new_token(&app.kit.ids);
    let known = users::find_by_email(conn, &new.email).await?.is_some();
    let draft = if known {
        already_a_user(app, &new)
    } else {
        please_verify(app, &new, &token)
    };
    if !known {
        let signup = Signup {
            id,
            organisation: new.organisation,
            email: new.email,
            password_hash: new.password_hash,
            token_hash: token_hash(&token),
            created_at: now,
            expires_at: now + TimeDelta::hours(TOKEN_HOURS),
        };
        signups::insert(conn, &signup).await?;
    }
    mail::write(app, conn, draft).await?;
    let fact = Fact {
        tenant_id: None,
        actor: "anonymous".to_owned(),
        action: "signup.request",
        event: "signup.requested",
        subject: id.to_string(),
        data: json!({}),
    };
    record(app, conn, fact).await
}

fn please_verify(app: &App, new: &CheckedSignup, token: &str) -> Draft {
    let link = format!("{}/verify?token={token}", app.config.public_url);
    Draft {
        tenant_id: None,
        recipient: new.email.clone(),
        subject: "Verify your address".to_owned(),
        body: format!(
            "Welcome to Tenantry.\n\nVerify your address to finish signing up {}:\n{link}\n\n\
             The link works once, for {TOKEN_HOURS} hours. If you did not ask for it, do nothing.\n",
            new.organisation
        ),
    }
}

fn already_a_user(app: &App, new: &CheckedSignup) -> Draft {
    Draft {
        tenant_id: None,
        recipient: new.email.clone(),
        subject: "You have an account already".to_owned(),
        body: format!(
            "Somebody, perhaps you, signed up with this address, which has an account already.\n\n\
             Sign in: {}/sign-in\n\nIf it was not you, do nothing.\n",
            app.config.public_url
        ),
    }
}

/// A tenant that has just come to be, and its first admin.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The tenant.
    pub tenant: Tenant,
    /// Its first admin.
    pub user: User,
}

/// Takes the token of a mail and makes the tenant.
///
/// # Errors
/// [`OnboardingError::TokenNotUsable`] when it is unknown, used, expired, or the address has an account by now.
pub async fn verify_signup(app: &App, token: &str) -> Result<Verified, OnboardingError> {
    let mut tx = app.stores.begin_ops().await?;
    let verified = verify_in(app, &mut tx, token).await?;
    tx.commit().await?;
    Ok(verified)
}

pub(crate) async fn verify_in(app: &App, conn: &mut Conn, token: &str) -> Result<Verified, OnboardingError> {
    let now = app.kit.clock.now();
    let signup = signups::claim(conn, &token_hash(token), now)
        .await?
        .ok_or(OnboardingError::TokenNotUsable)?;
    let tenant = Tenant {
        id: TenantId::from_uuid(app.kit.ids.uuid()),
        name: signup.organisation,
        state: TenantState::Active,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    let membership = Membership::Tenant {
        tenant_id: tenant.id,
        role: TenantRole::Admin,
    };
    let user = new_user(app, signup.email, membership);
    tenants::insert(conn, &tenant).await?;
    add_user(conn, &user, &signup.password_hash).await?;
    let fact = Fact {
        tenant_id: Some(tenant.id),
        actor: user.id.to_string(),
        action: "tenant.create",
        event: "tenant.created",
        subject: tenant.id.to_string(),
        data: json!({ "name": tenant.name, "signup": signup.id, "user": user.id }),
    };
    record(app, conn, fact).await?;
    tracing::info!(tenant.id = %tenant.id, "a tenant has signed up");
    Ok(Verified { tenant, user })
}

pub(crate) fn new_user(app: &App, email: EmailAddress, membership: Membership) -> User {
    let now = app.kit.clock.now();
    User {
        id: UserId::from_uuid(app.kit.ids.uuid()),
        email,
        membership,
        active: true,
        created_at: now,
        updated_at: now,
        version: 1,
    }
}

/// Two links to one address: the second finds the address taken and is worth nothing.
pub(crate) async fn add_user(
    conn: &mut Conn,
    user: &User,
    password_hash: &str,
) -> Result<(), OnboardingError> {
    match users::insert(conn, user, Some(password_hash)).await {
        Err(error) if error.violates(users::EMAIL_TAKEN) => Err(OnboardingError::TokenNotUsable),
        other => Ok(other?),
    }
}
