//! `/v1/tenants`.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::header::ETAG;
use http::{HeaderMap, StatusCode, Uri};
use serde::{Deserialize, Serialize};
use service_kit::{
    Caller, IdPath, IfMatch, Mutation, MutationRequest, Page, PageQuery, Problem, ProblemBody, Query, Reply,
    Trigger, etag, not_modified,
};
use tenant_model::{Principal, Tenant, TenantId, TenantState};
use utoipa::ToSchema;

use crate::App;
use crate::change::{Change, Opened};
use crate::tenants::{self, TenantChange, TenantQuery, TenantRequest, change_in};

/// One subscriber.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Tenant)]
pub struct TenantView {
    /// Identity.
    #[schema(value_type = String, example = "tnt_01jd3v7q8wcy0tn5x2m4kz9e6f")]
    pub id: TenantId,
    /// The organisation's name.
    pub name: String,
    /// `active`, `suspended`, `offboarding` or `deleted`.
    #[schema(value_type = String, example = "active")]
    pub state: TenantState,
    /// When it came to be.
    pub created_at: DateTime<Utc>,
    /// When anything last changed.
    pub updated_at: DateTime<Utc>,
    /// Grows by one with each change.
    pub version: i64,
}

impl From<Tenant> for TenantView {
    fn from(tenant: Tenant) -> Self {
        Self {
            id: tenant.id,
            name: tenant.name,
            state: tenant.state,
            created_at: tenant.created_at,
            updated_at: tenant.updated_at,
            version: tenant.version,
        }
    }
}

/// What a list of tenants takes.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListTenants {
    /// Most items of the reply, 1 to 500, default 50.
    limit: Option<u32>,
    /// `next_cursor` of the previous reply.
    cursor: Option<String>,
    /// Only tenants in this state.
    #[param(value_type = Option<String>)]
    state: Option<TenantState>,
}

/// List tenants: operators see the fleet, a tenant's people their own.
#[utoipa::path(get, path = "/v1/tenants", operation_id = "tenant_list", tag = "tenants",
    params(ListTenants), security(("bearer" = [])),
    responses(
        (status = 200, description = "Tenants in the order they came", body = Page<TenantView>),
        (status = 400, body = ProblemBody, description = "bad-query, bad-cursor, cursor-mismatch"),
        (status = 401, body = ProblemBody, description = "not-signed-in, credential-expired"),
        (status = 403, body = ProblemBody, description = "not-allowed"),
        (status = 429, body = ProblemBody, description = "rate-limited"),
    ))]
pub(super) async fn list_tenants(
    State(app): State<App>,
    Caller(caller): Caller,
    uri: Uri,
    Query(query): Query<ListTenants>,
) -> Result<Response, Problem> {
    let page = PageQuery {
        limit: query.limit,
        cursor: query.cursor,
    };
    let mut wanted = TenantQuery {
        state: query.state,
        after: None,
        limit: page.limit()?,
    };
    wanted.after = page.after(&wanted.filter())?;
    let found = tenants::list(&app, &caller, &wanted).await?;
    Ok(found.map(TenantView::from).respond(&uri))
}

/// See one tenant.
#[utoipa::path(get, path = "/v1/tenants/{id}", operation_id = "tenant_get", tag = "tenants",
    params(("id" = String, Path)), security(("bearer" = [])),
    responses(
        (status = 200, description = "The tenant", body = TenantView),
        (status = 304, description = "Not changed since If-None-Match"),
        (status = 401, body = ProblemBody, description = "not-signed-in, credential-expired"),
        (status = 403, body = ProblemBody, description = "not-allowed"),
        (status = 404, body = ProblemBody, description = "not-found"),
        (status = 429, body = ProblemBody, description = "rate-limited"),
    ))]
pub(super) async fn get_tenant(
    State(app): State<App>,
    Caller(caller): Caller,
    IdPath(id): IdPath<TenantId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let tenant = tenants::find(&app, &caller, id).await?;
    if not_modified(&headers, tenant.version) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, etag(tenant.version))]).into_response());
    }
    Ok((
        [(ETAG, etag(tenant.version))],
        axum::Json(TenantView::from(tenant)),
    )
        .into_response())
}

/// The fields of a tenant that may change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateTenant {
    /// The organisation's new name.
    #[schema(max_length = 200)]
    name: String,
}

/// Rename a tenant.
#[utoipa::path(patch, path = "/v1/tenants/{id}", operation_id = "tenant_update", tag = "tenants",
    params(("id" = String, Path), ("If-Match" = String, Header, description = "The ETag that was seen")),
    request_body = UpdateTenant, security(("bearer" = [])),
    responses(
        (status = 200, description = "The changed tenant", body = TenantView),
        (status = 400, body = ProblemBody, description = "malformed-body"),
        (status = 401, body = ProblemBody, description = "not-signed-in, credential-expired"),
        (status = 403, body = ProblemBody, description = "not-allowed, cross-site-request"),
        (status = 404, body = ProblemBody, description = "not-found"),
        (status = 409, body = ProblemBody, description = "request-in-progress"),
        (status = 412, body = ProblemBody, description = "stale-version"),
        (status = 422, body = ProblemBody, description = "validation-failed, unknown-field"),
        (status = 428, body = ProblemBody, description = "if-match-missing"),
        (status = 429, body = ProblemBody, description = "rate-limited"),
    ))]
pub(super) async fn update_tenant(
    State(app): State<App>,
    IdPath(id): IdPath<TenantId>,
    headers: HeaderMap,
    mutation: Mutation<UpdateTenant>,
) -> Result<Reply, Problem> {
    let change = TenantChange::Rename(mutation.body.name);
    let asked = Asked {
        id,
        change,
        headers: Some(&headers),
    };
    carry_out(&app, &mutation.caller, &mutation.request, asked).await
}

/// End a tenant: everything it has in AWS is removed, then its access. There is no way back.
#[utoipa::path(delete, path = "/v1/tenants/{id}", operation_id = "tenant_delete", tag = "tenants",
    params(("id" = String, Path), ("If-Match" = String, Header, description = "The ETag that was seen")),
    security(("bearer" = [])),
    responses(
        (status = 202, description = "The removal has begun; watch the tenant's state", body = TenantView),
        (status = 401, body = ProblemBody, description = "not-signed-in, credential-expired"),
        (status = 403, body = ProblemBody, description = "not-allowed, cross-site-request"),
        (status = 404, body = ProblemBody, description = "not-found"),
        (status = 409, body = ProblemBody, description = "invalid-transition, request-in-progress"),
        (status = 412, body = ProblemBody, description = "stale-version"),
        (status = 428, body = ProblemBody, description = "if-match-missing"),
        (status = 429, body = ProblemBody, description = "rate-limited"),
    ))]
pub(super) async fn delete_tenant(
    State(app): State<App>,
    IdPath(id): IdPath<TenantId>,
    headers: HeaderMap,
    trigger: Trigger,
) -> Result<Reply, Problem> {
    let asked = Asked {
        id,
        change: TenantChange::Offboard,
        headers: Some(&headers),
    };
    carry_out(&app, &trigger.caller, &trigger.request, asked).await
}

/// Suspend a tenant: compute stops, data and addresses stay, nothing is billed.
#[utoipa::path(post, path = "/v1/tenants/{id}/suspend", operation_id = "tenant_suspend", tag = "tenants",
    params(("id" = String, Path), ("Idempotency-Key" = String, Header, description = "Makes a retry harmless")),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The suspended tenant", body = TenantView),
        (status = 400, body = ProblemBody, description = "idempotency-key-missing"),
        (status = 401, body = ProblemBody, description = "not-signed-in, credential-expired"),
        (status = 403, body = ProblemBody, description = "not-allowed, cross-site-request"),
        (status = 404, body = ProblemBody, description = "not-found"),
        (status = 409, body = ProblemBody, description = "invalid-transition, request-in-progress"),
        (status = 422, body = ProblemBody, description = "idempotency-key-reused"),
        (status = 429, body = ProblemBody, description = "rate-limited"),
    ))]
pub(super) async fn suspend_tenant(
    State(app): State<App>,
    IdPath(id): IdPath<TenantId>,
    trigger: Trigger,
) -> Result<Reply, Problem> {
    let asked = Asked {
        id,
        change: TenantChange::Suspend,
        headers: None,
    };
    carry_out(&app, &trigger.caller, &trigger.request, asked).await
}

/// End a suspension.
#[utoipa::path(post, path = "/v1/tenants/{id}/resume", operation_id = "tenant_resume", tag = "tenants",
    params(("id" = String, Path), ("Idempotency-Key" = String, Header, description = "Makes a retry harmless")),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The active tenant", body = TenantView),
        (status = 400, body = ProblemBody, description = "idempotency-key-missing"),
        (status = 401, body = ProblemBody, description = "not-signed-in, credential-expired"),
        (status = 403, body = ProblemBody, description = "not-allowed, cross-site-request"),
        (status = 404, body = ProblemBody, description = "not-found"),
        (status = 409, body = ProblemBody, description = "invalid-transition, request-in-progress"),
        (status = 422, body = ProblemBody, description = "idempotency-key-reused"),
        (status = 429, body = ProblemBody, description = "rate-limited"),
    ))]
pub(super) async fn resume_tenant(
    State(app): State<App>,
    IdPath(id): IdPath<TenantId>,
    trigger: Trigger,
) -> Result<Reply, Problem> {
    let asked = Asked {
        id,
        change: TenantChange::Resume,
        headers: None,
    };
    carry_out(&app, &trigger.caller, &trigger.request, asked).await
}

/// A change of a tenant, with the headers when the seen version matters.
struct Asked<'a> {
    id: TenantId,
    change: TenantChange,
    headers: Option<&'a HeaderMap>,
}

async fn carry_out(
    app: &App,
    caller: &Principal,
    request: &MutationRequest,
    asked: Asked<'_>,
) -> Result<Reply, Problem> {
    // The key is looked up before If-Match, so that a repeated request is not told that it is stale.
    let mut change = match Change::open(app, caller.tenant_id(), request).await? {
        Opened::Replay(reply) => return Ok(reply),
        Opened::New(change) => change,
    };
    let seen = asked
        .headers
        .map(IfMatch::from_headers)
        .transpose()?
        .map(|seen| seen.0);
    let begins_work = asked.change == TenantChange::Offboard;
    let wanted = TenantRequest {
        id: asked.id,
        change: asked.change,
        seen,
    };
    let tenant = change_in(app, &mut change.tx, caller, &wanted).await?;
    let (location, version) = (format!("/v1/tenants/{}", tenant.id), tenant.version);
    let view = TenantView::from(tenant);
    let reply = if begins_work {
        Reply::accepted(&location, &view)
    } else {
        Reply::ok(&view)
    };
    Ok(change.finish(reply.etag(version)).await?)
}
