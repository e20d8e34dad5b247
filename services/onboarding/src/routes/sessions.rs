//! `/v1/sessions`: programs sign in with address and password and get tokens. Browsers get a cookie from the
//! console instead. No Idempotency-Key: signing in twice makes two sessions, and neither reply may be stored.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use service_kit::server::ClientAddress;
use service_kit::{Caller, CallerSession, Problem, ProblemBody, StrictJson};
use utoipa::ToSchema;

use super::{UserView, limit_refresh, limit_strangers};
use crate::App;
use crate::sign_in::{self, SignedIn};

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateSession {
    /// The person's address.
    #[schema(example = "ada@acme.example")]
    email: String,
    /// The person's password.
    #[schema(value_type = String, format = Password)]
    #[serde(deserialize_with = "super::secret")]
    password: SecretString,
}

/// Exchanges a refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshSession {
    /// The latest refresh token; it works once.
    #[schema(value_type = String, format = Password)]
    #[serde(deserialize_with = "super::secret")]
    refresh_token: SecretString,
}

/// Tokens of a sign-in.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct SessionView {
    /// Send it as `Authorization: Bearer …`.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: String,
    /// Seconds until the access token ends.
    pub expires_in: i64,
    /// For the next pair of tokens; works once.
    pub refresh_token: String,
    /// Who has signed in.
    pub user: UserView,
}

impl From<SignedIn> for SessionView {
    fn from(signed_in: SignedIn) -> Self {
        Self {
            access_token: signed_in.access.token,
            token_type: "Bearer".to_owned(),
            expires_in: signed_in.access.expires_in,
            refresh_token: signed_in.refresh_token.expose_secret().to_owned(),
            user: signed_in.user.into(),
        }
    }
}

/// Sign in with address and password.
#[utoipa::path(post, path = "/v1/sessions", operation_id = "session_create", tag = "sessions",
    request_body = CreateSession,
    responses(
        (status = 201, description = "Signed in", body = SessionView),
        (status = 400, body = ProblemBody, description = "malformed-body"),
        (status = 401, body = ProblemBody, description = "wrong-credentials"),
        (status = 422, body = ProblemBody, description = "unknown-field, validation-failed"),
        (status = 429, body = ProblemBody, description = "rate-limited"),
    ))]
pub(super) async fn create_session(
    State(app): State<App>,
    address: ClientAddress,
    StrictJson(body): StrictJson<CreateSession>,
) -> Result<Response, Problem> {
    limit_strangers(&app, address, &body.email)?;
    let signed_in = sign_in::sign_in(&app, &body.email, &body.password).await?;
    Ok((StatusCode::CREATED, axum::Json(SessionView::from(signed_in))).into_response())
}

/// Exchange the refresh token for new tokens. Using an old one ends the whole sign-in.
#[utoipa::path(post, path = "/v1/sessions/refresh", operation_id = "session_refresh", tag = "sessions",
    request_body = RefreshSession,
    responses(
        (status = 201, description = "New tokens", body = SessionView),
        (status = 400, body = ProblemBody, description = "malformed-body"),
        (status = 401, body = ProblemBody, description = "not-signed-in"),
        (status = 422, body = ProblemBody, description = "unknown-field, validation-failed"),
        (status = 429, body = ProblemBody, description = "rate-limited"),
    ))]
pub(super) async fn refresh_session(
    State(app): State<App>,
    address: ClientAddress,
    StrictJson(body): StrictJson<RefreshSession>,
) -> Result<Response, Problem> {
    limit_refresh(&app, address)?;
    let signed_in = sign_in::refresh(&app, body.refresh_token.expose_secret()).await?;
    Ok((StatusCode::CREATED, axum::Json(SessionView::from(signed_in))).into_response())
}

/// Sign out: refresh token and cookie of this sign-in work no more.
#[utoipa::path(delete, path = "/v1/sessions/current", operation_id = "session_delete", tag = "sessions",
    security(("bearer" = [])),
    responses(
        (status = 204, description = "Signed out"),
        (status = 401, body = ProblemBody, description = "not-signed-in, credential-expired"),
        (status = 403, body = ProblemBody, description = "cross-site-request"),
        (status = 429, body = ProblemBody, description = "rate-limited"),
    ))]
pub(super) async fn delete_session(
    State(app): State<App>,
    Caller(caller): Caller,
    CallerSession(family): CallerSession,
) -> Result<StatusCode, Problem> {
    sign_in::sign_out(&app, &caller, family).await?;
    Ok(StatusCode::NO_CONTENT)
}
