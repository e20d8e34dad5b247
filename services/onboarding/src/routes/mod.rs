//! The routes of this service. Each file holds the handlers of one resource and, beside them, its wire types.

mod api_keys;
mod audit;
mod connection_events;
pub mod connections;
mod incidents;
mod people;
mod permissions;
mod preflight;
mod proofs;
mod sessions;
mod signups;
mod tenants;

pub use api_keys::{ApiKeyCreated, ApiKeyView, CreateApiKey};
pub use audit::AuditEntryView;
pub use connections::{
    ConnectionDetail, ConnectionView, CreateConnection, DoubtView, EndView, EvidenceView, SetupView,
};
pub use incidents::{IncidentList, IncidentView};
pub use people::{AcceptInvitation, CreateInvitation, InvitationView, UserView};
pub use permissions::{DisclosureView, EscalationView, PermissionView};
pub use preflight::{CheckView, PreflightView, StartPreflight};
pub use proofs::{ProofView, SignedEvidenceView};
pub use sessions::{CreateSession, RefreshSession, SessionView};
pub use signups::{CreateSignup, SignupAccepted, VerifiedView, VerifySignup};
pub use tenants::{TenantView, UpdateTenant};

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use service_kit::limits::RouteClass;
use service_kit::server::ClientAddress;
use service_kit::{PageQuery, Problem};
use tenant_model::{Principal, TenantId};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{App, OnboardingError};

/// Every route of this service with its document.
pub fn router(app: App) -> OpenApiRouter {
    routes().with_state(app)
}

/// The routes before they have anything to work on; their document is complete already.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(signups::create_signup))
        .routes(routes!(signups::verify_signup))
        .routes(routes!(sessions::create_session))
        .routes(routes!(sessions::refresh_session))
        .routes(routes!(sessions::delete_session))
        .routes(routes!(tenants::list_tenants))
        .routes(routes!(
            tenants::get_tenant,
            tenants::update_tenant,
            tenants::delete_tenant
        ))
        .routes(routes!(tenants::suspend_tenant))
        .routes(routes!(tenants::resume_tenant))
        .routes(routes!(people::list_users))
        .routes(routes!(people::create_invitation))
        .routes(routes!(people::accept_invitation))
        .routes(routes!(api_keys::create_api_key))
        .routes(routes!(api_keys::list_api_keys))
        .routes(routes!(api_keys::delete_api_key))
        .routes(routes!(audit::list_audit))
        .merge(routes_of_connections())
}

fn routes_of_connections() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(connections::create_connection))
        .routes(routes!(connections::list_connections))
        .routes(routes!(
            connections::get_connection,
            connections::delete_connection
        ))
        .routes(routes!(connections::verify_connection))
        .routes(routes!(connection_events::connection_events))
        .routes(routes!(proofs::connection_evidence))
        .routes(routes!(proofs::list_proofs))
        .routes(routes!(proofs::get_proof))
        .routes(routes!(permissions::list_permissions))
        .routes(routes!(preflight::get_preflight, preflight::start_preflight))
        .routes(routes!(incidents::list_incidents))
}

/// What lists of a tenant's things take.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Most items of the reply, 1 to 500, default 50.
    limit: Option<u32>,
    /// `next_cursor` of the previous reply.
    cursor: Option<String>,
    /// Operators only: things of this tenant.
    #[param(value_type = Option<String>)]
    tenant: Option<TenantId>,
}

impl ListQuery {
    fn page(&self) -> PageQuery {
        PageQuery {
            limit: self.limit,
            cursor: self.cursor.clone(),
        }
    }

    /// Whose things are meant: the caller's own, or those an operator asks for.
    fn tenant(&self, caller: &Principal) -> Option<TenantId> {
        self.tenant.or(caller.tenant_id())
    }

    /// As [`Self::tenant`], for lists that do not exist over all tenants.
    fn one_tenant(&self, caller: &Principal) -> Result<TenantId, OnboardingError> {
        let needed = || {
            OnboardingError::Invalid(vec![crate::error::InvalidField::new(
                "/tenant",
                "missing",
                "name a tenant: ?tenant=tnt_…",
            )])
        };
        self.tenant(caller).ok_or_else(needed)
    }
}

/// Reads a secret of a request, which from then on prints as `***`.
fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

/// Limits what strangers may try, by address and by e-mail.
fn limit_strangers(app: &App, address: ClientAddress, email: &str) -> Result<(), Problem> {
    limit_address(app, address)?;
    app.kit.limits.check(
        RouteClass::SignIn,
        &format!("email {}", email.trim().to_lowercase()),
    )
}

/// Limits what strangers may try with a token from a mail, by address.
fn limit_address(app: &App, address: ClientAddress) -> Result<(), Problem> {
    app.kit
        .limits
        .check(RouteClass::SignIn, &format!("address {}", address.0))
}

/// Programs behind one address refresh often, and a guess at 256 bits is hopeless anyway.
fn limit_refresh(app: &App, address: ClientAddress) -> Result<(), Problem> {
    app.kit
        .limits
        .check(RouteClass::Change, &format!("address {}", address.0))
}
