//! `/v1/api-keys`.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use http::Uri;
use serde::{Deserialize, Serialize};
use service_kit::{Caller, IdPath, Mutation, Page, Problem, ProblemBody, Query, Reply, Trigger};
use tenant_model::{ApiKey, ApiKeyId, Scope, TenantId};
use utoipa::ToSchema;

use super::ListQuery;
use crate::App;
use crate::api_keys::{self, NewApiKey, create_in, revoke_in};
use crate::change::{Change, Opened};

/// A key without its secret.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ApiKey)]
pub struct ApiKeyView {
    /// Identity.
    #[schema(value_type = String, example = "key_01jd3v7q8wcy0tn5x2m4kz9e6f")]
    pub id: ApiKeyId,
    /// Whose key.
    #[schema(value_type = String)]
    pub tenant_id: TenantId,
    /// What people call it.
    pub name: String,
    /// The eight characters behind `tnk_live_`.
    pub public_id: String,
    /// `usage-write`, `usage-read`.
    #[schema(value_type = Vec<String>, example = json!(["usage-write"]))]
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stops working by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When somebody ended it.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl From<ApiKey> for ApiKeyView {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id,
            tenant_id: key.tenant_id,
            name: key.name,
            public_id: key.public_id,
            scopes: key.scopes,
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            revoked_at: key.revoked_at,
        }
    }
}

/// A key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateApiKey {
    /// What people call it.
    #[schema(example = "production data plane", max_length = 100)]
    name: String,
    /// `usage-write`, `usage-read`.
    #[schema(value_type = Vec<String>, example = json!(["usage-write"]))]
    scopes: Vec<Scope>,
    /// When it stops working by itself; never, if absent.
    #[serde(default)]
    expires_at: Option<DateTime<Utc>>,
}

/// A new key with its secret, which is shown this once.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct ApiKeyCreated {
    /// The key.
    #[serde(flatten)]
    pub key: ApiKeyView,
    /// The whole key, `tnk_live_…`; null in a repeated reply.
    pub secret: Option<String>,
}

/// Make an API key. Its secret is shown once; a repeated request gets the reply without it.
#[utoipa::path(post, path = "/v1/tenants/{tenant_id}/api-keys", operation_id = "api_key_create", tag = "api-keys",
    params(("tenant_id" = String, Path), ("Idempotency-Key" = String, Header, description = "Makes a retry harmless")),
    request_body = CreateApiKey, security(("bearer" = [])),
    responses(
        (status = 201, description = "The key and its secret", body = ApiKeyCreated),
        (status = 400, body = ProblemBody, description = "malformed-body, idempotency-key-missing"),
        (status = 401, body = ProblemBody, description = "not-signed-in, credential-expired"),
        (status = 403, body = ProblemBody, description = "not-allowed, cross-site-request"),
        (status = 404, body = ProblemBody, description = "not-found"),
        (status = 409, body = ProblemBody, description = "tenant-suspended, request-in-progress"),
        (status = 422, body = ProblemBody, description = "validation-failed, unknown-field, idempotency-key-reused"),
        (status = 429, body = ProblemBody, description = "rate-limited"),
    ))]
pub(super) async fn create_api_key(
    State(app): State<App>,
    IdPath(tenant_id): IdPath<TenantId>,
    mutation: Mutation<CreateApiKey>,
) -> Result<Reply, Problem> {
    let CreateApiKey {
        name,
        scopes,
        expires_at,
    } = mutation.body;
    let new = NewApiKey {
        tenant_id,
        name,
        scopes,
        expires_at,
    };
    tenant_model::authorize(
        &mutation.caller,
        tenant_model::Action::ManagePeople,
        Some(tenant_id),
    )?;
    match Change::open(&app, Some(tenant_id), &mutation.request).await? {
        Opened::Replay(reply) => Ok(reply),
        Opened::New(mut change) => {
            let (key, secret) = create_in(&app, &mut change.tx, &mutation.caller, &new).await?;
            let location = format!("/v1/api-keys?tenant={tenant_id}");
            let mut view = ApiKeyCreated {
                key: key.into(),
                secret: None,
            };
            change.finish_storing(&Reply::created(&location, &view)).await?;
            view.secret = Some(secret.expose());
            Ok(Reply::created(&location, &view))
        }
    }
}

/// List the API keys of a tenant, without secrets.
#[utoipa::path(get, path = "/v1/api-keys", operation_id = "api_key_list", tag = "api-keys",
    params(ListQuery), security(("bearer" = [])),
    responses(
        (status = 200, description = "Keys, oldest first", body = Page<ApiKeyView>),
        (status = 400, body = ProblemBody, description = "bad-query, bad-cursor, cursor-mismatch"),
        (status = 401, body = ProblemBody, description = "not-signed-in, credential-expired"),
        (status = 403, body = ProblemBody, description = "not-allowed"),
        (status = 404, body = ProblemBody, description = "not-found"),
        (status = 422, body = ProblemBody, description = "validation-failed"),
        (status = 429, body = ProblemBody, description = "rate-limited"),
    ))]
pub(super) async fn list_api_keys(
    State(app): State<App>,
    Caller(caller): Caller,
    uri: Uri,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let tenant_id = query.one_tenant(&caller)?;
    let page = query.page();
    let after = page.after(&tenant_id.to_string())?;
    let found = api_keys::list(&app, &caller, tenant_id, after, page.limit()?).await?;
    Ok(found.map(ApiKeyView::from).respond(&uri))
}

/// End an API key at once.
#[utoipa::path(delete, path = "/v1/api-keys/{id}", operation_id = "api_key_delete", tag = "api-keys",
    params(("id" = String, Path)), security(("bearer" = [])),
    responses(
        (status = 204, description = "The key works no more"),
        (status = 401, body = ProblemBody, description = "not-signed-in, credential-expired"),
        (status = 403, body = ProblemBody, description = "not-allowed, cross-site-request"),
        (status = 404, body = ProblemBody, description = "not-found"),
        (status = 409, body = ProblemBody, description = "request-in-progress"),
        (status = 429, body = ProblemBody, description = "rate-limited"),
    ))]
pub(super) async fn delete_api_key(
    State(app): State<App>,
    IdPath(id): IdPath<ApiKeyId>,
    trigger: Trigger,
) -> Result<Reply, Problem> {
    match Change::open(&app, trigger.caller.tenant_id(), &trigger.request).await? {
        Opened::Replay(reply) => Ok(reply),
        Opened::New(mut change) => {
            revoke_in(&app, &mut change.tx, &trigger.caller, id).await?;
            Ok(change.finish(Reply::no_content()).await?)
        }
    }
}
