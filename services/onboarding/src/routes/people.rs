//! `/v1/users` and `/v1/invitations`.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use http::Uri;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use service_kit::server::ClientAddress;
use service_kit::{AnonymousMutation, Caller, IdPath, Mutation, Page, Problem, ProblemBody, Query, Reply};
use tenant_model::{InvitationId, TenantId, TenantRole, User, UserId};
use tenant_store::invitations::Invitation;
use utoipa::ToSchema;

use super::{ListQuery, limit_address};
use crate::App;
use crate::change::{Change, Opened};
use crate::people::{self, NewInvitation, accept_in, check_password, invite_in};

/// A person.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = User)]
pub struct UserView {
    /// Identity.
    #[schema(value_type = String, example = "usr_01jd3v7q8wcy0tn5x2m4kz9e6f")]
    pub id: UserId,
    /// The tenant; null for an operator.
    #[schema(value_type = Option<String>)]
    pub tenant_id: Option<TenantId>,
    /// What the person signs in with.
    pub email: String,
    /// `operator`, `admin` or `member`.
    pub role: String,
    /// Whether the person may sign in.
    pub active: bool,
    /// When the person joined.
    pub created_at: DateTime<Utc>,
    /// When anything last changed.
    pub updated_at: DateTime<Utc>,
    /// Grows by one with each change.
    pub version: i64,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            tenant_id: user.membership.tenant_id(),
            email: user.email.to_string(),
            role: user.membership.role_name().to_owned(),
            active: user.active,
            created_at: user.created_at,
            updated_at: user.updated_at,
            version: user.version,
        }
    }
}

/// List the people of a tenant.
#[utoipa::path(get, path = "/v1/users", operation_id = "user_list", tag = "people",
    params(ListQuery), security(("bearer" = [])),
    responses(
        (status = 200, description = "People in the order they joined", body = Page<UserView>),
        (status = 400, body = ProblemBody, description = "bad-query, bad-cursor, cursor-mismatch"),
        (status = 401, body = ProblemBody, description = "not-signed-in, credential-expired"),
        (status = 403, body = ProblemBody, description = "not-allowed"),
        (status = 404, body = ProblemBody, description = "not-found"),
        (status = 422, body = ProblemBody, description = "validation-failed"),
        (status = 429, body = ProblemBody, description = "rate-limited"),
    ))]
pub(super) async fn list_users(
    State(app): State<App>,
    Caller(caller): Caller,
    uri: Uri,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let tenant_id = query.one_tenant(&caller)?;
    let page = query.page();
    let after = page.after(&tenant_id.to_string())?;
    let found = people::list(&app, &caller, tenant_id, after, page.limit()?).await?;
    Ok(found.map(UserView::from).respond(&uri))
}

/// Whom to invite.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateInvitation {
    /// A mail with a link goes there.
    email: String,
    /// `admin` or `member`.
    #[schema(value_type = String, example = "member")]
    role: TenantRole,
}

/// An invitation that waits to be accepted.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Invitation)]
pub struct InvitationView {
    /// Identity.
    #[schema(value_type = String, example = "inv_01jd3v7q8wcy0tn5x2m4kz9e6f")]
    pub id: InvitationId,
    /// Into which tenant.
    #[schema(value_type = String)]
    pub tenant_id: TenantId,
    /// Whom.
    pub email: String,
    /// As what.
    #[schema(value_type = String)]
    pub role: TenantRole,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Until when the link works.
    pub expires_at: DateTime<Utc>,
}

impl From<Invitation> for InvitationView {
    fn from(invitation: Invitation) -> Self {
        Self {
            id: invitation.id,
            tenant_id: invitation.tenant_id,
            email: invitation.email.to_string(),
            role: invitation.role,
            created_at: invitation.created_at,
            expires_at: invitation.expires_at,
        }
    }
}

/// Invite a person into a tenant: a mail with a single-use link goes to the address.
#[utoipa::path(post, path = "/v1/tenants/{tenant_id}/invitations", operation_id = "invitation_create", tag = "people",
    params(("tenant_id" = String, Path), ("Idempotency-Key" = String, Header, description = "Makes a retry harmless")),
    request_body = CreateInvitation, security(("bearer" = [])),
    responses(
        (status = 201, description = "The mail is on its way", body = InvitationView),
        (status = 400, body = ProblemBody, description = "malformed-body, idempotency-key-missing"),
        (status = 401, body = ProblemBody, description = "not-signed-in, credential-expired"),
        (status = 403, body = ProblemBody, description = "not-allowed, cross-site-request"),
        (status = 404, body = ProblemBody, description = "not-found"),
        (status = 409, body = ProblemBody, description = "tenant-suspended, request-in-progress"),
        (status = 422, body = ProblemBody, description = "validation-failed, unknown-field, idempotency-key-reused"),
        (status = 429, body = ProblemBody, description = "rate-limited"),
    ))]
pub(super) async fn create_invitation(
    State(app): State<App>,
    IdPath(tenant_id): IdPath<TenantId>,
    mutation: Mutation<CreateInvitation>,
) -> Result<Reply, Problem> {
    let new = NewInvitation {
        tenant_id,
        email: mutation.body.email,
        role: mutation.body.role,
    };
    match Change::open(&app, None, &mutation.request).await? {
        Opened::Replay(reply) => Ok(reply),
        Opened::New(mut change) => {
            let invitation = invite_in(&app, &mut change.tx, &mutation.caller, &new).await?;
            let location = format!("/v1/users?tenant={tenant_id}");
            let view = InvitationView::from(invitation);
            Ok(change.finish(Reply::created(&location, &view)).await?)
        }
    }
}

/// The token of the mail's link, and a password of the person's own.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptInvitation {
    /// As in the link.
    #[schema(value_type = String)]
    #[serde(deserialize_with = "super::secret")]
    token: SecretString,
    /// At least 15 characters.
    #[schema(value_type = String, format = Password, min_length = 15)]
    #[serde(deserialize_with = "super::secret")]
    password: SecretString,
}

/// Accept an invitation: the person of its address joins the tenant.
#[utoipa::path(post, path = "/v1/invitations/accept", operation_id = "invitation_accept", tag = "people",
    params(("Idempotency-Key" = String, Header, description = "Makes a retry harmless")),
    request_body = AcceptInvitation,
    responses(
        (status = 201, description = "The person may sign in", body = UserView),
        (status = 400, body = ProblemBody, description = "malformed-body, idempotency-key-missing"),
        (status = 409, body = ProblemBody, description = "request-in-progress"),
        (status = 422, body = ProblemBody, description = "token-not-usable, validation-failed, idempotency-key-reused"),
        (status = 429, body = ProblemBody, description = "rate-limited"),
    ))]
pub(super) async fn accept_invitation(
    State(app): State<App>,
    address: ClientAddress,
    mutation: AnonymousMutation<AcceptInvitation>,
) -> Result<Reply, Problem> {
    limit_address(&app, address)?;
    let AcceptInvitation { token, password } = mutation.body;
    let hash = check_password(&app, &password).await?;
    match Change::open(&app, None, &mutation.request).await? {
        Opened::Replay(reply) => Ok(reply),
        Opened::New(mut change) => {
            let user = accept_in(&app, &mut change.tx, token.expose_secret(), &hash).await?;
            let location = "/v1/users".to_owned();
            Ok(change
                .finish(Reply::created(&location, &UserView::from(user)))
                .await?)
        }
    }
}
