//! `/v1/deployments` and their making.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::Uri;
use service_kit::{
    Caller, IdPath, IfMatch, Mutation, MutationRequest, Page, PageQuery, Problem, ProblemBody, Query, Reply,
    Trigger, etag,
};
use tenant_model::{
    ids::{DeploymentId, TenantId},
    principal::{Action, Principal, authorize},
};

use super::{
    parse,
    views::{
        ChangeRequest, DeploymentDetail, DeploymentRequest, DeploymentView, DriftPolicyRequest, ListQuery,
        OperationView, RetentionQuery, location,
    },
    visible_tenant,
};
use crate::{
    App, deployments,
    deployments::NewDeployment,
    idempotent::{self, Begun},
    operations,
    steering::{self, Steering},
};

/// Asks for a deployment of the caller's tenant, or (operator) of the connection's. The reply is an operation whose plan
/// waits for approval.
#[utoipa::path(
    post, path = "/v1/deployments", operation_id = "deployment_plan", tag = "deployments",
    request_body = DeploymentRequest,
    responses(
        (status = 202, description = "A plan to approve", body = OperationView),
        (status = 400, description = "malformed-body, idempotency-key-missing", body = ProblemBody),
        (status = 401, description = "not-signed-in, credential-expired", body = ProblemBody),
        (status = 403, description = "not-allowed", body = ProblemBody),
        (status = 404, description = "not-found", body = ProblemBody),
        (status = 409, description = "connection-not-ready, tenant-suspended", body = ProblemBody),
        (status = 422, description = "validation-failed, unknown-field", body = ProblemBody),
    )
)]
pub(super) async fn plan(
    State(app): State<App>,
    mutation: Mutation<DeploymentRequest>,
) -> Result<Reply, Problem> {
    let new = parse::deployment(&mutation.body)?;
    let owner = deployments::owner(&app, mutation.caller.tenant_id(), new.connection_id).await?;
    request(&app, owner, &mutation, &new).await
}

/// Asks for a deployment of one tenant. The reply is an operation whose plan waits for approval.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant_id}/deployments", operation_id = "deployment_create",
    tag = "deployments", params(("tenant_id" = String, Path, description = "The tenant")),
    request_body = DeploymentRequest,
    responses(
        (status = 202, description = "A plan to approve", body = OperationView),
        (status = 400, description = "malformed-body, idempotency-key-missing", body = ProblemBody),
        (status = 401, description = "not-signed-in, credential-expired", body = ProblemBody),
        (status = 403, description = "not-allowed", body = ProblemBody),
        (status = 404, description = "not-found", body = ProblemBody),
        (status = 409, description = "connection-not-ready, tenant-suspended", body = ProblemBody),
        (status = 422, description = "validation-failed, unknown-field", body = ProblemBody),
    )
)]
pub(super) async fn create(
    State(app): State<App>,
    IdPath(tenant_id): IdPath<TenantId>,
    mutation: Mutation<DeploymentRequest>,
) -> Result<Reply, Problem> {
    let new = parse::deployment(&mutation.body)?;
    request(&app, tenant_id, &mutation, &new).await
}

async fn request(
    app: &App,
    tenant_id: TenantId,
    mutation: &Mutation<DeploymentRequest>,
    new: &NewDeployment,
) -> Result<Reply, Problem> {
    let body = &mutation.body;
    let precautions = parse::precautions(body.on_failure.as_deref(), body.deadline_minutes)?;
    authorize(&mutation.caller, Action::ChangeTenant, Some(tenant_id))?;
    let mut tx = match idempotent::begin(app, &mutation.request, tenant_id).await? {
        Begun::New(tx) => *tx,
        Begun::Replay(reply) => return Ok(reply),
    };
    let actor = mutation.caller.actor();
    let operation = deployments::request_in(&mut tx, app, (tenant_id, &actor), new).await?;
    let operation = operations::take_precautions(&mut tx, app, operation, precautions).await?;
    let reply = Reply::accepted(&location(&operation), &OperationView::from(&operation));
    idempotent::finish(tx, &mutation.request, tenant_id, reply).await
}

/// Lists deployments.
#[utoipa::path(
    get, path = "/v1/deployments", operation_id = "deployment_list", tag = "deployments",
    params(ListQuery),
    responses(
        (status = 200, description = "In order of their making", body = Page<DeploymentView>),
        (status = 400, description = "bad-query, bad-cursor, cursor-mismatch", body = ProblemBody),
        (status = 401, description = "not-signed-in, credential-expired", body = ProblemBody),
        (status = 403, description = "not-allowed", body = ProblemBody),
        (status = 404, description = "not-found", body = ProblemBody),
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    uri: Uri,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let asked = super::operations::parse_id::<TenantId>(query.tenant.as_deref())?;
    let tenant_id = visible_tenant(&caller.0, asked)?;
    let page = PageQuery {
        limit: query.limit,
        cursor: query.cursor,
    };
    let (limit, filter) = (page.limit()?, format!("deployments {tenant_id:?}"));
    let after = page.after::<DeploymentId>(&filter)?;
    let rows = deployments::list(&app, tenant_id, after, limit + 1).await?;
    let page = Page::cut(rows, limit, &filter, |deployment| deployment.id);
    Ok(page
        .map(|deployment| DeploymentView::from(&deployment))
        .respond(&uri))
}

/// Shows a deployment with its resources.
#[utoipa::path(
    get, path = "/v1/deployments/{deployment_id}", operation_id = "deployment_show",
    tag = "deployments", params(("deployment_id" = String, Path, description = "The deployment")),
    responses(
        (status = 200, description = "The deployment", body = DeploymentDetail),
        (status = 401, description = "not-signed-in, credential-expired", body = ProblemBody),
        (status = 403, description = "not-allowed", body = ProblemBody),
        (status = 404, description = "not-found", body = ProblemBody),
    )
)]
pub(super) async fn show(
    State(app): State<App>,
    caller: Caller,
    IdPath(id): IdPath<DeploymentId>,
) -> Result<Response, Problem> {
    let deployment = deployments::find(&app, caller.0.tenant_id(), id).await?;
    caller.may(Action::ReadTenant, Some(deployment.tenant_id))?;
    let (records, _) = deployments::resources(&app, &deployment).await?;
    let mut response = axum::Json(DeploymentDetail::new(&deployment, records)).into_response();
    response
        .headers_mut()
        .insert(http::header::ETAG, etag(deployment.version));
    Ok(response)
}

/// Asks for another size or profile of a deployment, or with an empty body for what drifted to be put right. The reply is
/// an operation whose plan waits for approval.
#[utoipa::path(
    patch, path = "/v1/deployments/{deployment_id}", operation_id = "deployment_change",
    tag = "deployments",
    params(
        ("deployment_id" = String, Path, description = "The deployment"),
        ("If-Match" = String, Header, description = "ETag of the deployment as it was seen"),
    ),
    request_body = ChangeRequest,
    responses(
        (status = 202, description = "A plan to approve", body = OperationView),
        (status = 400, description = "malformed-body", body = ProblemBody),
        (status = 401, description = "not-signed-in, credential-expired", body = ProblemBody),
        (status = 403, description = "not-allowed", body = ProblemBody),
        (status = 404, description = "not-found", body = ProblemBody),
        (status = 409, description = "invalid-transition, connection-not-ready, tenant-suspended", body = ProblemBody),
        (status = 412, description = "stale-version", body = ProblemBody),
        (status = 422, description = "validation-failed, unknown-field", body = ProblemBody),
        (status = 428, description = "if-match-missing", body = ProblemBody),
    )
)]
pub(super) async fn change(
    State(app): State<App>,
    IdPath(id): IdPath<DeploymentId>,
    IfMatch(version): IfMatch,
    mutation: Mutation<ChangeRequest>,
) -> Result<Reply, Problem> {
    let tenant_id = changeable(&app, &mutation.caller, id).await?;
    let (change, precautions) = parse::change(&mutation.body)?;
    let mut tx = match idempotent::begin(&app, &mutation.request, tenant_id).await? {
        Begun::New(tx) => *tx,
        Begun::Replay(reply) => return Ok(reply),
    };
    let actor = mutation.caller.actor();
    let asked = (actor.as_str(), &change);
    let operation = deployments::request_change_in(&mut tx, &app, asked, (id, Some(version))).await?;
    let operation = operations::take_precautions(&mut tx, &app, operation, precautions).await?;
    let reply = Reply::accepted(&location(&operation), &OperationView::from(&operation));
    idempotent::finish(tx, &mutation.request, tenant_id, reply).await
}

/// Asks for the end of a deployment. The reply is an operation whose plan says what goes and what stays, and waits for
/// the approval of two people; then everything is taken down and it is proved that nothing is left.
#[utoipa::path(
    delete, path = "/v1/deployments/{deployment_id}", operation_id = "deployment_delete",
    tag = "deployments",
    params(
        ("deployment_id" = String, Path, description = "The deployment"),
        ("If-Match" = String, Header, description = "ETag of the deployment as it was seen"),
        RetentionQuery,
    ),
    responses(
        (status = 202, description = "A plan to approve", body = OperationView),
        (status = 400, description = "bad-query", body = ProblemBody),
        (status = 401, description = "not-signed-in, credential-expired", body = ProblemBody),
        (status = 403, description = "not-allowed", body = ProblemBody),
        (status = 404, description = "not-found", body = ProblemBody),
        (status = 409, description = "invalid-transition", body = ProblemBody),
        (status = 412, description = "stale-version", body = ProblemBody),
        (status = 422, description = "validation-failed", body = ProblemBody),
        (status = 428, description = "if-match-missing", body = ProblemBody),
    )
)]
pub(super) async fn delete(
    State(app): State<App>,
    IdPath(id): IdPath<DeploymentId>,
    IfMatch(version): IfMatch,
    Query(retention): Query<RetentionQuery>,
    trigger: Trigger,
) -> Result<Reply, Problem> {
    let tenant_id = changeable(&app, &trigger.caller, id).await?;
    let mut tx = match idempotent::begin(&app, &trigger.request, tenant_id).await? {
        Begun::New(tx) => *tx,
        Begun::Replay(reply) => return Ok(reply),
    };
    let (actor, retention) = (trigger.caller.actor(), retention.into());
    let asked = (actor.as_str(), &retention);
    let operation = deployments::request_deletion_in(&mut tx, &app, asked, (id, Some(version))).await?;
    let reply = Reply::accepted(&location(&operation), &OperationView::from(&operation));
    idempotent::finish(tx, &trigger.request, tenant_id, reply).await
}

/// Rests the work on a deployment: nothing is called any more until it is resumed.
#[utoipa::path(
    post, path = "/v1/deployments/{deployment_id}/pause", operation_id = "deployment_pause",
    tag = "deployments", params(("deployment_id" = String, Path, description = "The deployment")),
    responses(
        (status = 200, description = "Paused", body = DeploymentView),
        (status = 400, description = "idempotency-key-missing", body = ProblemBody),
        (status = 401, description = "not-signed-in, credential-expired", body = ProblemBody),
        (status = 403, description = "not-allowed", body = ProblemBody),
        (status = 404, description = "not-found", body = ProblemBody),
        (status = 409, description = "invalid-transition", body = ProblemBody),
    )
)]
pub(super) async fn pause(
    State(app): State<App>,
    IdPath(id): IdPath<DeploymentId>,
    trigger: Trigger,
) -> Result<Reply, Problem> {
    steer(&app, id, (&trigger.caller, &trigger.request), Steering::Pause).await
}

/// Lets the work on a paused deployment go on.
#[utoipa::path(
    post, path = "/v1/deployments/{deployment_id}/resume", operation_id = "deployment_resume",
    tag = "deployments", params(("deployment_id" = String, Path, description = "The deployment")),
    responses(
        (status = 200, description = "Goes on", body = DeploymentView),
        (status = 400, description = "idempotency-key-missing", body = ProblemBody),
        (status = 401, description = "not-signed-in, credential-expired", body = ProblemBody),
        (status = 403, description = "not-allowed", body = ProblemBody),
        (status = 404, description = "not-found", body = ProblemBody),
        (status = 409, description = "invalid-transition", body = ProblemBody),
    )
)]
pub(super) async fn resume(
    State(app): State<App>,
    IdPath(id): IdPath<DeploymentId>,
    trigger: Trigger,
) -> Result<Reply, Problem> {
    steer(&app, id, (&trigger.caller, &trigger.request), Steering::Resume).await
}

/// Sets what is done about drift: only told, or also put right.
#[utoipa::path(
    post, path = "/v1/deployments/{deployment_id}/drift-policy", operation_id = "deployment_drift_policy",
    tag = "deployments", params(("deployment_id" = String, Path, description = "The deployment")),
    request_body = DriftPolicyRequest,
    responses(
        (status = 200, description = "Set", body = DeploymentView),
        (status = 400, description = "malformed-body, idempotency-key-missing", body = ProblemBody),
        (status = 401, description = "not-signed-in, credential-expired", body = ProblemBody),
        (status = 403, description = "not-allowed", body = ProblemBody),
        (status = 404, description = "not-found", body = ProblemBody),
        (status = 409, description = "invalid-transition", body = ProblemBody),
        (status = 422, description = "validation-failed, unknown-field", body = ProblemBody),
    )
)]
pub(super) async fn drift_policy(
    State(app): State<App>,
    IdPath(id): IdPath<DeploymentId>,
    mutation: Mutation<DriftPolicyRequest>,
) -> Result<Reply, Problem> {
    let policy = parse::drift_policy(&mutation.body.policy);
    let asked = (&mutation.caller, &mutation.request);
    // Whose deployment it is comes before what is wrong with the request.
    changeable(&app, &mutation.caller, id).await?;
    steer(&app, id, asked, Steering::Drift(policy?)).await
}

async fn steer(
    app: &App,
    id: DeploymentId,
    (caller, request): (&Principal, &MutationRequest),
    steering: Steering,
) -> Result<Reply, Problem> {
    let tenant_id = changeable(app, caller, id).await?;
    let mut tx = match idempotent::begin(app, request, tenant_id).await? {
        Begun::New(tx) => *tx,
        Begun::Replay(reply) => return Ok(reply),
    };
    let deployment = steering::steer_in(&mut tx, app, &caller.actor(), (id, steering)).await?;
    let reply = Reply::ok(&DeploymentView::from(&deployment)).etag(deployment.version);
    idempotent::finish(tx, request, tenant_id, reply).await
}

async fn changeable(app: &App, caller: &Principal, id: DeploymentId) -> Result<TenantId, Problem> {
    let tenant_id = deployments::find(app, caller.tenant_id(), id).await?.tenant_id;
    authorize(caller, Action::ChangeTenant, Some(tenant_id))?;
    Ok(tenant_id)
}
