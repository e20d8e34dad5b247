//! Tenants: looking at them, renaming, suspending, resuming, and beginning their end.

use serde_json::json;
use service_kit::Page;
use tenant_model::{Action, Principal, Tenant, TenantId, TenantState, authorize};
use tenant_store::{Conn, tenants};

use crate::change::{Fact, record};
use crate::error::InvalidField;
use crate::{App, OnboardingError};

/// What a list of tenants shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct TenantQuery {
    /// Only tenants in this state.
    pub state: Option<TenantState>,
    /// Behind this one.
    pub after: Option<TenantId>,
    /// At most this many.
    pub limit: u32,
}

impl TenantQuery {
    /// The filter's stable text, for cursors.
    #[must_use]
    pub fn filter(&self) -> String {
        format!("state={}", self.state.map_or("", TenantState::name))
    }
}

/// Tenants that the caller may see: the fleet for an operator, else the caller's own.
///
/// # Errors
/// When the store does not answer.
pub async fn list(
    app: &App,
    caller: &Principal,
    query: &TenantQuery,
) -> Result<Page<Tenant>, OnboardingError> {
    match caller.tenant_id() {
        Some(own) => authorize(caller, Action::ReadTenant, Some(own))?,
        None => authorize(caller, Action::OperateFleet, None)?,
    }
    let mut tx = app.begin_for(caller).await?;
    let rows = tenants::list(&mut tx, query.after, query.state, i64::from(query.limit) + 1).await?;
    Ok(Page::cut(rows, query.limit, &query.filter(), |tenant| tenant.id))
}

/// One tenant.
///
/// # Errors
/// [`OnboardingError::NotFound`] also for a stranger.
pub async fn find(app: &App, caller: &Principal, id: TenantId) -> Result<Tenant, OnboardingError> {
    authorize(caller, Action::ReadTenant, Some(id))?;
    let mut tx = app.begin_for(caller).await?;
    tenants::find(&mut tx, id).await?.ok_or(OnboardingError::NotFound)
}

/// What can be done to a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TenantChange {
    /// Give it another name.
    Rename(String),
    /// Stop compute, keep data.
    Suspend,
    /// End a suspension.
    Resume,
    /// Begin the removal of everything.
    Offboard,
}

impl TenantChange {
    /// The right it needs.
    #[must_use]
    pub const fn action(&self) -> Action {
        match self {
            Self::Rename(_) => Action::ChangeTenant,
            Self::Suspend | Self::Resume | Self::Offboard => Action::OperateFleet,
        }
    }

    const fn names(&self) -> (&'static str, &'static str) {
        match self {
            Self::Rename(_) => ("tenant.rename", "tenant.renamed"),
            Self::Suspend => ("tenant.suspend", "tenant.suspended"),
            Self::Resume => ("tenant.resume", "tenant.resumed"),
            Self::Offboard => ("tenant.offboard", "tenant.offboarding"),
        }
    }

    fn apply(&self, tenant: &mut Tenant) -> Result<(), OnboardingError> {
        match self {
            Self::Rename(name) => tenant.name = checked_name(name)?,
            Self::Suspend => tenant.state = tenant.state.suspend()?,
            Self::Resume => tenant.state = tenant.state.resume()?,
            Self::Offboard => tenant.state = tenant.state.offboard()?,
        }
        Ok(())
    }
}

fn checked_name(name: &str) -> Result<String, OnboardingError> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 200 || name.chars().any(char::is_control) {
        let field = InvalidField::new("/name", "bad-name", "needs 1 to 200 characters on one line");
        return Err(OnboardingError::Invalid(vec![field]));
    }
    Ok(name.to_owned())
}

/// A change, and the version that the caller saw, if it matters.
#[derive(Clone, Debug)]
pub struct TenantRequest {
    /// Of whom.
    pub id: TenantId,
    /// What.
    pub change: TenantChange,
    /// Refuse when it is not this version any more.
    pub seen: Option<i64>,
}

/// Changes a tenant.
///
/// # Errors
/// [`OnboardingError::NotFound`] for a stranger, [`OnboardingError::Stale`] when somebody was faster,
/// [`OnboardingError::InvalidTransition`] when the state refuses.
pub async fn change(
    app: &App,
    caller: &Principal,
    request: &TenantRequest,
) -> Result<Tenant, OnboardingError> {
    let mut tx = app.begin_for(caller).await?;
    let tenant = change_in(app, &mut tx, caller, request).await?;
    tx.commit().await?;
    Ok(tenant)
}

pub(crate) async fn change_in(
    app: &App,
    conn: &mut Conn,
    caller: &Principal,
    request: &TenantRequest,
) -> Result<Tenant, OnboardingError> {
    // A tenant's own admin asks for an operator's right: that is known and refused, not hidden.
    authorize(caller, request.change.action(), Some(request.id))?;
    let mut tenant = tenants::find_for_update(conn, request.id)
        .await?
        .ok_or(OnboardingError::NotFound)?;
    if request.seen.is_some_and(|seen| seen != tenant.version) {
        return Err(OnboardingError::Stale(tenant.version));
    }
    let before = tenant.state;
    request.change.apply(&mut tenant)?;
    tenant.updated_at = app.kit.clock.now();
    let tenant = tenants::update(conn, &tenant).await?;
    let (action, event) = request.change.names();
    let fact = Fact {
        tenant_id: Some(tenant.id),
        actor: caller.actor(),
        action,
        event,
        subject: tenant.id.to_string(),
        data: json!({ "name": tenant.name, "state": tenant.state.name(), "previous": { "state": before.name() } }),
    };
    record(app, conn, fact).await?;
    Ok(tenant)
}

/// The tenant, if it may be given something new.
pub(crate) async fn require_active(conn: &mut Conn, id: TenantId) -> Result<Tenant, OnboardingError> {
    let tenant = tenants::find(conn, id).await?.ok_or(OnboardingError::NotFound)?;
    match tenant.state {
        TenantState::Active => Ok(tenant),
        TenantState::Suspended => Err(OnboardingError::TenantNotActive),
        TenantState::Offboarding | TenantState::Deleted => Err(OnboardingError::NotFound),
    }
}
