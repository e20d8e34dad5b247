//! The extractor that turns a credential into a principal.

use axum::extract::{FromRef, FromRequestParts};
use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};
use http::request::Parts;
use tenant_model::{Action, Principal, TenantId, authorize};
use uuid::Uuid;

use super::{ApiKeySecret, CredentialError, TokenError, require_same_origin, token_hash};
use crate::limits::RouteClass;
use crate::{Kit, Problem, kinds};

/// The authenticated caller of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller(pub Principal);

/// The caller if there is one: pages that also strangers see. A bad credential counts as none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaybeCaller(pub Option<Principal>);

/// The session behind the caller, put into the request's extensions; signing out ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerSession(pub Uuid);

/// The cookie's name. Without https a browser refuses the `__Host-` prefix.
#[must_use]
pub const fn session_cookie_name(https: bool) -> &'static str {
    if https { "__Host-session" } else { "session" }
}

impl Caller {
    /// Refuses what the caller may not do on `subject`, or on the fleet when there is none.
    ///
    /// # Errors
    /// `not-found` for a stranger's object, `not-allowed` for a missing right.
    pub fn may(&self, action: Action, subject: Option<TenantId>) -> Result<(), Problem> {
        Ok(authorize(&self.0, action, subject)?)
    }

    /// Finds out who asks: a bearer access token, a bearer API key, or the session cookie.
    ///
    /// # Errors
    /// `not-signed-in`, `credential-expired`, `cross-site-request`, `rate-limited`, or `unavailable`.
    pub async fn authenticate(parts: &mut Parts, kit: &Kit) -> Result<Self, Problem> {
        if let Some(known) = parts.extensions.get::<Self>() {
            return Ok(known.clone());
        }
        let (principal, session) = match bearer(&parts.headers)? {
            Some(credential) => by_bearer(credential, kit).await?,
            None => by_cookie(parts, kit).await?,
        };
        kit.limits.check(
            RouteClass::of(&parts.method, parts.uri.path()),
            &principal.actor(),
        )?;
        let caller = Self(principal);
        parts.extensions.insert(caller.clone());
        if let Some(session) = session {
            parts.extensions.insert(CallerSession(session));
        }
        Ok(caller)
    }
}

type Found = (Principal, Option<Uuid>);

fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (first, second) = (values.next(), values.next());
    let Some(value) = first else {
        return Ok(None);
    };
    let credential = value.to_str().ok().and_then(|text| {
        let (scheme, credential) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(credential)
    });
    match (credential, second) {
        (Some(credential), None) => Ok(Some(credential)),
        _ => Err(Problem::not_signed_in()),
    }
}

async fn by_bearer(credential: &str, kit: &Kit) -> Result<Found, Problem> {
    if !credential.starts_with("tnk_") {
        let claims = kit
            .authority
            .verify(credential, kit.clock.now())
            .map_err(refusal)?;
        return Ok((claims.principal, claims.session));
    }
    let key = ApiKeySecret::parse(credential).map_err(|_| Problem::not_signed_in())?;
    let stored = kit
        .credentials
        .find_api_key(key.lookup())
        .await
        .map_err(unavailable)?;
    let stored = stored
        .filter(|stored| key.matches(&stored.secret_hash))
        .ok_or_else(Problem::not_signed_in)?;
    let now = kit.clock.now();
    if stored.expires_at.is_some_and(|end| end <= now) {
        return Err(Problem::of(&kinds::CREDENTIAL_EXPIRED));
    }
    if kit.limits.first_use_this_minute(&stored.id.to_string()) {
        // When the note fails, the request is none the worse.
        let _ = kit.credentials.touch_api_key(stored.id, now).await;
    }
    let principal = Principal::ApiKey {
        tenant_id: stored.tenant_id,
        key_id: stored.id,
        scopes: stored.scopes,
    };
    Ok((principal, None))
}

async fn by_cookie(parts: &Parts, kit: &Kit) -> Result<Found, Problem> {
    let token = cookie(&parts.headers, session_cookie_name(kit.https)).ok_or_else(Problem::not_signed_in)?;
    require_same_origin(&parts.method, &parts.headers)?;
    let stored = kit
        .credentials
        .find_session(&token_hash(token))
        .await
        .map_err(unavailable)?;
    let stored = stored.ok_or_else(Problem::not_signed_in)?;
    if stored.expires_at <= kit.clock.now() {
        return Err(Problem::of(&kinds::CREDENTIAL_EXPIRED));
    }
    Ok((stored.principal, Some(stored.id)))
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, value)| *found == name && value.len() == 43)
        .map(|(_, value)| value)
}

fn refusal(error: TokenError) -> Problem {
    match error {
        TokenError::Expired => Problem::of(&kinds::CREDENTIAL_EXPIRED),
        TokenError::Refused(_) => Problem::not_signed_in(),
    }
}

fn unavailable(error: CredentialError) -> Problem {
    let error: Box<dyn std::error::Error + Send + Sync> = Box::new(error);
    Problem::unavailable(&*error)
}

impl<S> FromRequestParts<S> for Caller
where
    S: Send + Sync,
    Kit: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Self::authenticate(parts, &Kit::from_ref(state)).await
    }
}

impl<S> FromRequestParts<S> for MaybeCaller
where
    S: Send + Sync,
    Kit: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Caller::authenticate(parts, &Kit::from_ref(state)).await {
            Ok(caller) => Ok(Self(Some(caller.0))),
            Err(problem) if problem.status() == http::StatusCode::UNAUTHORIZED => Ok(Self(None)),
            Err(problem) => Err(problem),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CallerSession {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        // Extractors run in order: name a `Caller` before this one.
        parts
            .extensions
            .get::<Self>()
            .copied()
            .ok_or_else(Problem::not_signed_in)
    }
}
