//! Signing in: passwords, refresh tokens, links, and the sessions of browsers.
//!
//! A family is one sign-in. A refresh token works once and brings the next; when an old one comes back,
//! somebody else has it, and the whole family ends (RFC 9700).

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use serde_json::json;
use service_kit::Problem;
use service_kit::auth::{AccessToken, new_token, token_hash};
use tenant_model::{EmailAddress, Membership, Principal, User};
use tenant_store::sessions::{self, Redeemed, Session, SessionKind};
use tenant_store::{Conn, idempotency, signups, users};
use uuid::Uuid;

use crate::change::{Fact, record};
use crate::{App, OnboardingError};

const REFRESH_DAYS: i64 = 30;
const BROWSER_HOURS: i64 = 12;
const LINK_MINUTES: i64 = 15;
const TIDY_INTERVAL: std::time::Duration = std::time::Duration::from_secs(3600);

/// What a program gets for an address and a password.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// For each request, ten minutes long.
    pub access: AccessToken,
    /// For the next access token; works once.
    pub refresh_token: SecretString,
}

/// What a browser gets: the value of its cookie.
#[derive(Clone, Debug)]
pub struct BrowserSession {
    /// Who.
    pub user: User,
    /// The cookie's value.
    pub token: SecretString,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// Finds the person with this address and password.
///
/// # Errors
/// [`OnboardingError::WrongCredentials`] whatever was wrong, after the same time; rate limits.
pub async fn authenticate(app: &App, email: &str, password: &SecretString) -> Result<User, OnboardingError> {
    let found = match email.parse::<EmailAddress>() {
        Ok(email) => {
            let mut tx = app.stores.begin_ops().await?;
            users::find_by_email(&mut tx, &email).await?
        }
        Err(_) => None,
    };
    let (user, stored) = found.map_or((None, None), |(user, hash)| (Some(user), hash));
    let right = app.kit.passwords.verify(password, stored.as_deref()).await?;
    user.filter(|user| right && user.active)
        .ok_or(OnboardingError::WrongCredentials)
}

/// Signs a program in.
///
/// # Errors
/// As for [`authenticate`].
pub async fn sign_in(app: &App, email: &str, password: &SecretString) -> Result<SignedIn, OnboardingError> {
    let user = authenticate(app, email, password).await?;
    let mut tx = app.stores.begin_ops().await?;
    let family = app.kit.ids.uuid();
    let signed_in = issue(app, &mut tx, user, family).await?;
    note(app, &mut tx, &signed_in.user, "session.open", "session.opened").await?;
    tx.commit().await?;
    Ok(signed_in)
}

/// Exchanges a refresh token for a new pair.
///
/// # Errors
/// [`OnboardingError::NotSignedIn`] when it does not work; when it was used before, its whole family ends.
pub async fn refresh(app: &App, refresh_token: &str) -> Result<SignedIn, OnboardingError> {
    let now = app.kit.clock.now();
    let mut tx = app.stores.begin_ops().await?;
    match sessions::redeem(&mut tx, &token_hash(refresh_token), SessionKind::Refresh, now).await? {
        Redeemed::Fresh(session) => {
            let user = living(&mut tx, &session).await?;
            let signed_in = issue(app, &mut tx, user, session.family).await?;
            tx.commit().await?;
            Ok(signed_in)
        }
        Redeemed::Reused { family } => {
            sessions::revoke_family(&mut tx, family, now).await?;
            tx.commit().await?;
            tracing::warn!("a used refresh token came back; its sign-in has ended");
            Err(OnboardingError::NotSignedIn)
        }
        Redeemed::Invalid => Err(OnboardingError::NotSignedIn),
    }
}

/// Ends one sign-in: its cookie or refresh token works no more.
///
/// # Errors
/// When the store does not answer.
pub async fn sign_out(app: &App, caller: &Principal, family: Uuid) -> Result<(), OnboardingError> {
    let mut tx = app.stores.begin_ops().await?;
    sessions::revoke_family(&mut tx, family, app.kit.clock.now()).await?;
    let fact = Fact {
        tenant_id: caller.tenant_id(),
        actor: caller.actor(),
        action: "session.close",
        event: "session.closed",
        subject: caller.actor(),
        data: json!({}),
    };
    record(app, &mut tx, fact).await?;
    tx.commit().await?;
    Ok(())
}

/// Opens a browser's session with an address and a password.
///
/// # Errors
/// As for [`authenticate`].
pub async fn sign_in_browser(
    app: &App,
    email: &str,
    password: &SecretString,
) -> Result<BrowserSession, OnboardingError> {
    let user = authenticate(app, email, password).await?;
    open_browser_session(app, user).await
}

/// Opens a browser's session for a person who has just proven to be that person.
///
/// # Errors
/// When the store does not answer.
pub async fn open_browser_session(app: &App, user: User) -> Result<BrowserSession, OnboardingError> {
    let mut tx = app.stores.begin_ops().await?;
    let session = open_browser(app, &mut tx, user).await?;
    tx.commit().await?;
    Ok(session)
}

/// Makes a link that signs `user` in once, for fifteen minutes. The link is a secret.
///
/// # Errors
/// When the store does not answer.
pub async fn create_sign_in_link(app: &App, user: &User) -> Result<String, OnboardingError> {
    let mut tx = app.stores.begin_ops().await?;
    let token = store(app, &mut tx, user, Secret::link(app)).await?;
    note(app, &mut tx, user, "sign-in-link.create", "sign-in-link.created").await?;
    tx.commit().await?;
    Ok(format!("{}/sign-in/{token}", app.config.public_url))
}

/// Uses a sign-in link's token.
///
/// # Errors
/// [`OnboardingError::TokenNotUsable`] when it is unknown, used or expired.
pub async fn redeem_sign_in_link(app: &App, token: &str) -> Result<BrowserSession, OnboardingError> {
    let now = app.kit.clock.now();
    let mut tx = app.stores.begin_ops().await?;
    let redeemed = sessions::redeem(&mut tx, &token_hash(token), SessionKind::Link, now).await?;
    let Redeemed::Fresh(link) = redeemed else {
        return Err(OnboardingError::TokenNotUsable);
    };
    let user = living(&mut tx, &link)
        .await
        .map_err(|_| OnboardingError::TokenNotUsable)?;
    let session = open_browser(app, &mut tx, user).await?;
    tx.commit().await?;
    Ok(session)
}

async fn open_browser(app: &App, conn: &mut Conn, user: User) -> Result<BrowserSession, OnboardingError> {
    let secret = Secret::browser(app);
    let expires_at = secret.expires_at;
    let token = store(app, conn, &user, secret).await?;
    note(app, conn, &user, "session.open", "session.opened").await?;
    Ok(BrowserSession {
        user,
        token: SecretString::from(token),
        expires_at,
    })
}

async fn issue(app: &App, conn: &mut Conn, user: User, family: Uuid) -> Result<SignedIn, OnboardingError> {
    let now = app.kit.clock.now();
    let refresh_token = store(app, conn, &user, Secret::refresh(app, family)).await?;
    let access = app
        .kit
        .authority
        .issue(&user.principal(), Some(family), now, &app.kit.ids)
        .ok_or_else(Problem::not_signed_in)?;
    Ok(SignedIn {
        user,
        access,
        refresh_token: SecretString::from(refresh_token),
    })
}

/// A secret about to be stored.
struct Secret {
    kind: SessionKind,
    family: Uuid,
    expires_at: DateTime<Utc>,
}

impl Secret {
    fn refresh(app: &App, family: Uuid) -> Self {
        let expires_at = app.kit.clock.now() + TimeDelta::days(REFRESH_DAYS);
        Self {
            kind: SessionKind::Refresh,
            family,
            expires_at,
        }
    }

    fn browser(app: &App) -> Self {
        let expires_at = app.kit.clock.now() + TimeDelta::hours(BROWSER_HOURS);
        Self {
            kind: SessionKind::Browser,
            family: app.kit.ids.uuid(),
            expires_at,
        }
    }

    fn link(app: &App) -> Self {
        let expires_at = app.kit.clock.now() + TimeDelta::minutes(LINK_MINUTES);
        Self {
            kind: SessionKind::Link,
            family: app.kit.ids.uuid(),
            expires_at,
        }
    }
}

async fn store(app: &App, conn: &mut Conn, user: &User, secret: Secret) -> Result<String, OnboardingError> {
    let token = new_token(&app.kit.ids);
    let session = Session {
        secret_hash: token_hash(&token),
        kind: secret.kind,
        user_id: user.id,
        tenant_id: user.membership.tenant_id(),
        family: secret.family,
        created_at: app.kit.clock.now(),
        expires_at: secret.expires_at,
    };
    sessions::insert(conn, &session).await?;
    Ok(token)
}

/// The person of a stored secret, if it may still sign in.
pub(crate) async fn living(conn: &mut Conn, session: &Session) -> Result<User, OnboardingError> {
    let user = users::find(conn, session.user_id).await?;
    user.filter(|user| user.active)
        .ok_or(OnboardingError::NotSignedIn)
}

async fn note(
    app: &App,
    conn: &mut Conn,
    user: &User,
    action: &'static str,
    event: &'static str,
) -> Result<(), OnboardingError> {
    let fact = Fact {
        tenant_id: user.membership.tenant_id(),
        actor: user.id.to_string(),
        action,
        event,
        subject: user.id.to_string(),
        data: json!({}),
    };
    record(app, conn, fact).await
}

/// Makes an operator, or finds the one with this address. Without a password the person signs in by link.
///
/// # Errors
/// [`OnboardingError::AlreadyExists`] when the address belongs to a tenant's person.
pub async fn create_operator(
    app: &App,
    email: &EmailAddress,
    password: Option<&SecretString>,
) -> Result<User, OnboardingError> {
    let hash = match password {
        Some(password) => Some(app.kit.passwords.hash(password).await?),
        None => None,
    };
    let mut tx = app.stores.begin_ops().await?;
    if let Some((user, _)) = users::find_by_email(&mut tx, email).await? {
        return match user.membership {
            Membership::Operator => Ok(user),
            Membership::Tenant { .. } => {
                Err(OnboardingError::AlreadyExists("The address belongs to a tenant."))
            }
        };
    }
    let user = crate::signup::new_user(app, email.clone(), Membership::Operator);
    users::insert(&mut tx, &user, hash.as_deref()).await?;
    note(app, &mut tx, &user, "operator.create", "operator.created").await?;
    tx.commit().await?;
    Ok(user)
}

/// Forgets what can never be used again: secrets, unverified signups, old replies.
pub(crate) async fn forget_expired(app: App) {
    loop {
        if let Err(error) = forget_once(&app).await {
            tracing::warn!(%error, "expired secrets could not be forgotten");
        }
        tokio::select! {
            () = app.kit.stopping.cancelled() => return,
            () = tokio::time::sleep(TIDY_INTERVAL) => {}
        }
    }
}

async fn forget_once(app: &App) -> Result<(), OnboardingError> {
    let now = app.kit.clock.now();
    let mut tx = app.stores.begin_ops().await?;
    sessions::delete_expired(&mut tx, now).await?;
    signups::delete_expired(&mut tx, now).await?;
    idempotency::forget_old(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}
