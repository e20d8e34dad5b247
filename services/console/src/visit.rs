//! Who looks, and how: the session, the theme, and whether a fragment is enough.

use axum::extract::{Form, FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use http::header::COOKIE;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use service_kit::auth::require_same_origin;
use service_kit::{Caller, Problem, ProblemBody, kinds};
use tenant_model::{Action, Principal, TenantId, TenantRole, authorize};

use crate::app::Site;
use crate::layout::{Shell, TenantFrame, Theme};
use crate::respond;

const PEOPLE_NAMED: u32 = 200;

/// The addresses of a tenant's people and of the viewer, to name actors by.
#[derive(Debug)]
pub(crate) struct People(Vec<(String, String)>);

impl People {
    /// The address of an actor; everybody else keeps the id.
    pub(crate) fn name(&self, actor: &str) -> String {
        let found = self.0.iter().find(|(id, _)| id == actor);
        found.map_or(actor, |(_, email)| email).to_owned()
    }
}

/// The cookie that remembers the theme.
pub(crate) const THEME_COOKIE: &str = "theme";

/// A refusal on its way to a page; the frame around it is drawn by [`crate::respond::dress`].
#[derive(Clone, Debug)]
pub(crate) struct Refused(pub(crate) ProblemBody);

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self(problem.body().clone())
    }
}

impl From<ProblemBody> for Refused {
    fn from(problem: ProblemBody) -> Self {
        Self(problem)
    }
}

impl From<onboarding::OnboardingError> for Refused {
    fn from(error: onboarding::OnboardingError) -> Self {
        Problem::from(error).into()
    }
}

impl From<tenant_provisioning::RequestError> for Refused {
    fn from(error: tenant_provisioning::RequestError) -> Self {
        Problem::from(error).into()
    }
}

impl From<usage_metering::query::UsageError> for Refused {
    fn from(error: usage_metering::query::UsageError) -> Self {
        Problem::from(error).into()
    }
}

impl From<tenant_model::Refusal> for Refused {
    fn from(refusal: tenant_model::Refusal) -> Self {
        Problem::from(refusal).into()
    }
}

impl Refused {
    pub(crate) fn not_found() -> Self {
        Problem::not_found().into()
    }

    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Somebody who may not be signed in.
#[derive(Clone, Debug)]
pub(crate) struct Stranger {
    pub(crate) theme: Theme,
    pub(crate) fragment: bool,
    pub(crate) headers: HeaderMap,
}

impl Stranger {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let theme = cookie(headers, THEME_COOKIE).map_or(Theme::System, Theme::parse);
        Self {
            theme,
            fragment: respond::wants_fragment(headers),
            headers: headers.clone(),
        }
    }
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let values = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut pairs = values
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
}

impl FromRequestParts<Site> for Stranger {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _site: &Site) -> Result<Self, Refused> {
        require_same_origin(&parts.method, &parts.headers)?;
        Ok(Self::of(&parts.headers))
    }
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    pub(crate) principal: Principal,
    pub(crate) shell: Shell,
    pub(crate) fragment: bool,
    pub(crate) headers: HeaderMap,
}

impl Visit {
    /// Whether the viewer may do `action` on `tenant`; for showing a button, not for guarding it.
    pub(crate) fn may(&self, action: Action, tenant: Option<TenantId>) -> bool {
        authorize(&self.principal, action, tenant).is_ok()
    }

    /// Refuses what the viewer may not do.
    pub(crate) fn require(&self, action: Action, tenant: Option<TenantId>) -> Result<(), Refused> {
        Ok(authorize(&self.principal, action, tenant)?)
    }

    fn myself(&self) -> Option<(String, String)> {
        match &self.principal {
            Principal::Operator { user_id } | Principal::Tenant { user_id, .. } => {
                Some((user_id.to_string(), self.shell.email.clone()))
            }
            Principal::ApiKey { .. } => None,
        }
    }

    /// The people of `tenant` and the viewer, to name actors by.
    pub(crate) async fn people(&self, site: &Site, tenant: TenantId) -> Result<People, Refused> {
        let app = &site.app.onboarding;
        let found = onboarding::people::list(app, &self.principal, tenant, None, PEOPLE_NAMED).await?;
        let named = found
            .items
            .iter()
            .map(|user| (user.id.to_string(), user.email.to_string()));
        Ok(People(named.chain(self.myself()).collect()))
    }

    /// The frame of a page about `tenant`; another tenant's does not exist.
    pub(crate) async fn tenant(&self, site: &Site, tenant: TenantId) -> Result<TenantFrame, Refused> {
        let found = onboarding::tenants::find(&site.app.onboarding, &self.principal, tenant).await?;
        Ok(TenantFrame {
            id: tenant,
            name: found.name,
        })
    }
}

impl FromRequestParts<Site> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Response> {
        let caller = match Caller::authenticate(parts, site.kit()).await {
            Ok(Caller(principal @ (Principal::Operator { .. } | Principal::Tenant { .. }))) => principal,
            Ok(Caller(Principal::ApiKey { .. })) => return Err(respond::to_sign_in(parts)),
            Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => {
                return Err(respond::to_sign_in(parts));
            }
            Err(problem) => return Err(Refused::from(problem).into_response()),
        };
        let stranger = Stranger::of(&parts.headers);
        let shell = shell(site, &caller, stranger.theme)
            .await
            .map_err(IntoResponse::into_response)?;
        Ok(Self {
            principal: caller,
            shell,
            fragment: stranger.fragment,
            headers: stranger.headers,
        })
    }
}

async fn shell(site: &Site, caller: &Principal, theme: Theme) -> Result<Shell, Refused> {
    let app = &site.app.onboarding;
    let user = onboarding::people::me(app, caller).await?;
    let (role, own) = match caller {
        Principal::Tenant { tenant_id, role, .. } => {
            let tenant = onboarding::tenants::find(app, caller, *tenant_id).await?;
            (role_words(*role), Some((*tenant_id, tenant.name)))
        }
        Principal::Operator { .. } | Principal::ApiKey { .. } => ("Operator", None),
    };
    Ok(Shell {
        email: user.email.to_string(),
        role: role.to_owned(),
        own,
        theme,
        outbox: site.shows_outbox(),
    })
}

/// A role as people read it.
pub(crate) const fn role_words(role: TenantRole) -> &'static str {
    match role {
        TenantRole::Admin => "Admin",
        TenantRole::Member => "Member",
    }
}

/// The fields of a form.
#[derive(Clone, Debug)]
pub(crate) struct Fields<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Site> for Fields<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, site: &Site) -> Result<Self, Refused> {
        let read = Form::<T>::from_request(request, site).await;
        read.map(|Form(fields)| Self(fields))
            .map_err(|_| Problem::of(&kinds::MALFORMED_BODY).into())
    }
}
