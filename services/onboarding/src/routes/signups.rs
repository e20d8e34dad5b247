//! `/v1/signups`: anybody may ask to become a tenant.

use axum::extract::State;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use service_kit::server::ClientAddress;
use service_kit::{AnonymousMutation, Problem, ProblemBody, Reply};
use utoipa::ToSchema;

use super::{TenantView, UserView, limit_address, limit_strangers};
use crate::App;
use crate::change::{Change, Opened};
use crate::signup::{NewSignup, check, request_in, verify_in};

/// What is needed to sign up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateSignup {
    /// The organisation's name.
    #[schema(example = "Acme Analytics", max_length = 200)]
    organisation: String,
    /// The first admin's address; a mail goes there.
    #[schema(example = "ada@acme.example")]
    email: String,
    /// At least 15 characters.
    #[schema(value_type = String, format = Password, min_length = 15)]
    #[serde(deserialize_with = "super::secret")]
    password: SecretString,
}

/// The same for every address, whether it has an account or not.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SignupAccepted {
    /// Always `check_your_mail`.
    #[schema(example = "check_your_mail")]
    pub status: String,
}

/// Sign up: a mail with a link goes to the address.
#[utoipa::path(post, path = "/v1/signups", operation_id = "signup_create", tag = "signups",
    params(("Idempotency-Key" = String, Header, description = "Makes a retry harmless")),
    request_body = CreateSignup,
    responses(
        (status = 202, description = "A mail is on its way", body = SignupAccepted),
        (status = 400, body = ProblemBody, description = "malformed-body, idempotency-key-missing"),
        (status = 422, body = ProblemBody, description = "validation-failed, unknown-field, idempotency-key-reused"),
        (status = 429, body = ProblemBody, description = "rate-limited"),
    ))]
pub(super) async fn create_signup(
    State(app): State<App>,
    address: ClientAddress,
    mutation: AnonymousMutation<CreateSignup>,
) -> Result<Reply, Problem> {
    let CreateSignup {
        organisation,
        email,
        password,
    } = mutation.body;
    limit_strangers(&app, address, &email)?;
    let checked = check(
        &app,
        &NewSignup {
            organisation,
            email,
            password,
        },
    )
    .await?;
    match Change::open(&app, None, &mutation.request).await? {
        Opened::Replay(reply) => Ok(reply),
        Opened::New(mut change) => {
            request_in(&app, &mut change.tx, checked).await?;
            let accepted = SignupAccepted {
                status: "check_your_mail".to_owned(),
            };
            Ok(change.finish(Reply::accepted_quietly(&accepted)).await?)
        }
    }
}

/// The token of the mail's link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifySignup {
    /// As in the link.
    #[schema(value_type = String)]
    #[serde(deserialize_with = "super::secret")]
    token: SecretString,
}

/// The new tenant and its first admin.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct VerifiedView {
    /// The tenant.
    pub tenant: TenantView,
    /// Its first admin, who may sign in now.
    pub user: UserView,
}

/// Verify the address: the tenant and its first admin come to be.
#[utoipa::path(post, path = "/v1/signups/verify", operation_id = "signup_verify", tag = "signups",
    params(("Idempotency-Key" = String, Header, description = "Makes a retry harmless")),
    request_body = VerifySignup,
    responses(
        (status = 201, description = "The tenant exists", body = VerifiedView),
        (status = 400, body = ProblemBody, description = "malformed-body, idempotency-key-missing"),
        (status = 422, body = ProblemBody, description = "token-not-usable, idempotency-key-reused"),
        (status = 429, body = ProblemBody, description = "rate-limited"),
    ))]
pub(super) async fn verify_signup(
    State(app): State<App>,
    address: ClientAddress,
    mutation: AnonymousMutation<VerifySignup>,
) -> Result<Reply, Problem> {
    limit_address(&app, address)?;
    match Change::open(&app, None, &mutation.request).await? {
        Opened::Replay(reply) => Ok(reply),
        Opened::New(mut change) => {
            let verified = verify_in(&app, &mut change.tx, mutation.body.token.expose_secret()).await?;
            let location = format!("/v1/tenants/{}", verified.tenant.id);
            let view = VerifiedView {
                tenant: verified.tenant.into(),
                user: verified.user.into(),
            };
            Ok(change.finish(Reply::created(&location, &view)).await?)
        }
    }
}
