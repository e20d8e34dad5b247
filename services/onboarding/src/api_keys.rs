//! API keys: made, listed, ended. The secret is shown once, in the reply that made it.

use chrono::{DateTime, Utc};
use serde_json::json;
use service_kit::Page;
use service_kit::auth::ApiKeySecret;
use tenant_model::{Action, ApiKey, ApiKeyId, Principal, Scope, TenantId, authorize};
use tenant_store::{Conn, api_keys};

use crate::change::{Fact, record};
use crate::error::InvalidField;
use crate::{App, OnboardingError, tenants};

/// A key to be made.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// For whom.
    pub tenant_id: TenantId,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it stops working by itself.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Makes a key.
///
/// # Errors
/// [`OnboardingError::Invalid`] for name, scopes or expiry; refusals of the right and of the tenant's state.
pub async fn create(
    app: &App,
    caller: &Principal,
    new: &NewApiKey,
) -> Result<(ApiKey, ApiKeySecret), OnboardingError> {
    let mut tx = app.begin_as(Some(new.tenant_id)).await?;
    let made = create_in(app, &mut tx, caller, new).await?;
    tx.commit().await?;
    Ok(made)
}

pub(crate) async fn create_in(
    app: &App,
    conn: &mut Conn,
    caller: &Principal,
    new: &NewApiKey,
) -> Result<(ApiKey, ApiKeySecret), OnboardingError> {
    authorize(caller, Action::ManagePeople, Some(new.tenant_id))?;
    let now = app.kit.clock.now();
    check(new, now)?;
    tenants::require_active(conn, new.tenant_id).await?;
    let secret = ApiKeySecret::draw(&app.kit.ids);
    let key = ApiKey {
        id: ApiKeyId::from_uuid(app.kit.ids.uuid()),
        tenant_id: new.tenant_id,
        public_id: secret.lookup().to_owned(),
        name: new.name.trim().to_owned(),
        scopes: new.scopes.clone(),
        created_by: caller.actor(),
        created_at: now,
        expires_at: new.expires_at,
        last_used_at: None,
        revoked_at: None,
    };
    api_keys::insert(conn, &key, &secret.hash()).await?;
    note(app, conn, caller, &key, ("api-key.create", "api-key.created")).await?;
    Ok((key, secret))
}

fn check(new: &NewApiKey, now: DateTime<Utc>) -> Result<(), OnboardingError> {
    let mut wrong = Vec::new();
    if !(1..=100).contains(&new.name.trim().chars().count()) {
        wrong.push(InvalidField::new(
            "/name",
            "bad-name",
            "needs 1 to 100 characters",
        ));
    }
    if new.scopes.is_empty() {
        wrong.push(InvalidField::new(
            "/scopes",
            "empty",
            "a key without scopes can do nothing",
        ));
    }
    if new.expires_at.is_some_and(|end| end <= now) {
        wrong.push(InvalidField::new(
            "/expires_at",
            "in-the-past",
            "lies in the past",
        ));
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(OnboardingError::Invalid(wrong))
    }
}

/// The keys of one tenant, oldest first, without their secrets.
///
/// # Errors
/// [`OnboardingError::NotFound`] for a stranger.
pub async fn list(
    app: &App,
    caller: &Principal,
    tenant_id: TenantId,
    after: Option<ApiKeyId>,
    limit: u32,
) -> Result<Page<ApiKey>, OnboardingError> {
    authorize(caller, Action::ReadTenant, Some(tenant_id))?;
    let mut tx = app.begin_as(Some(tenant_id)).await?;
    let rows = api_keys::list(&mut tx, tenant_id, after, i64::from(limit) + 1).await?;
    Ok(Page::cut(rows, limit, &tenant_id.to_string(), |key| key.id))
}

/// Ends a key at once. Ending it twice is the same as once.
///
/// # Errors
/// [`OnboardingError::NotFound`] also for a stranger.
pub async fn revoke(app: &App, caller: &Principal, id: ApiKeyId) -> Result<(), OnboardingError> {
    let mut tx = app.begin_for(caller).await?;
    revoke_in(app, &mut tx, caller, id).await?;
    tx.commit().await?;
    Ok(())
}

pub(crate) async fn revoke_in(
    app: &App,
    conn: &mut Conn,
    caller: &Principal,
    id: ApiKeyId,
) -> Result<(), OnboardingError> {
    let key = api_keys::find(conn, id).await?.ok_or(OnboardingError::NotFound)?;
    authorize(caller, Action::ManagePeople, Some(key.tenant_id))?;
    if key.revoked_at.is_some() {
        return Ok(());
    }
    api_keys::revoke(conn, id, app.kit.clock.now()).await?;
    note(app, conn, caller, &key, ("api-key.revoke", "api-key.revoked")).await
}

async fn note(
    app: &App,
    conn: &mut Conn,
    caller: &Principal,
    key: &ApiKey,
    (action, event): (&'static str, &'static str),
) -> Result<(), OnboardingError> {
    let fact = Fact {
        tenant_id: Some(key.tenant_id),
        actor: caller.actor(),
        action,
        event,
        subject: key.id.to_string(),
        data: json!({ "name": key.name, "public_id": key.public_id }),
    };
    record(app, conn, fact).await
}
