//! `/v1/operations`: plans to approve, progress to watch.

use std::{str::FromStr, time::Duration};

use axum::{extract::State, response::Response};
use futures_util::{Stream, StreamExt, stream};
use http::{HeaderMap, Uri};
use service_kit::{
    Caller, IdPath, Mutation, Page, PageQuery, Problem, ProblemBody, Query, Reply, Trigger, kinds,
    sse::{self, SseEvent},
};
use tenant_model::{
    ids::{DeploymentId, OperationId, TenantId},
    operation::Operation,
    principal::{Action, Principal, authorize},
};
use tenant_store::operations::OperationQuery;

use super::{
    parse,
    views::{Approval, CancelQuery, EventsQuery, ListQuery, OperationView, location},
    visible_tenant,
};
use crate::{
    App,
    idempotent::{self, Begun},
    operations,
};

/// How often an open stream looks for new events.
const EVENTS_POLL: Duration = Duration::from_millis(300);

/// Lists operations.
#[utoipa::path(
    get, path = "/v1/operations", operation_id = "operation_list", tag = "operations",
    params(ListQuery),
    responses(
        (status = 200, description = "In order of their making", body = Page<OperationView>),
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
    let tenant_id = visible_tenant(&caller.0, parse_id(query.tenant.as_deref())?)?;
    let deployment_id = parse_id::<DeploymentId>(query.deployment.as_deref())?;
    let page = PageQuery {
        limit: query.limit,
        cursor: query.cursor,
    };
    let (limit, filter) = (
        page.limit()?,
        format!("operations {tenant_id:?} {deployment_id:?}"),
    );
    let after = page.after::<OperationId>(&filter)?;
    let wanted = OperationQuery {
        tenant_id,
        deployment_id,
        after,
    };
    let rows = operations::list(&app, &wanted, limit + 1).await?;
    let page = Page::cut(rows, limit, &filter, |operation| operation.id);
    Ok(page
        .map(|operation| OperationView::from(&operation))
        .respond(&uri))
}

/// Shows an operation with its plan and steps.
#[utoipa::path(
    get, path = "/v1/operations/{operation_id}", operation_id = "operation_show",
    tag = "operations", params(("operation_id" = String, Path, description = "The operation")),
    responses(
        (status = 200, description = "The operation", body = OperationView),
        (status = 401, description = "not-signed-in, credential-expired", body = ProblemBody),
        (status = 403, description = "not-allowed", body = ProblemBody),
        (status = 404, description = "not-found", body = ProblemBody),
    )
)]
pub(super) async fn show(
    State(app): State<App>,
    caller: Caller,
    IdPath(id): IdPath<OperationId>,
) -> Result<Reply, Problem> {
    let operation = visible(&app, &caller.0, id).await?;
    Ok(Reply::ok(&OperationView::from(&operation)).etag(operation.version))
}

/// Streams an operation's progress: `state`, `step`, and `done` as the last. Resumable by event id.
#[utoipa::path(
    get, path = "/v1/operations/{operation_id}/events", operation_id = "operation_events",
    tag = "operations",
    params(("operation_id" = String, Path, description = "The operation"), EventsQuery),
    responses(
        (status = 200, description = "Server-sent events", content_type = "text/event-stream", body = String),
        (status = 400, description = "bad-query", body = ProblemBody),
        (status = 401, description = "not-signed-in, credential-expired", body = ProblemBody),
        (status = 403, description = "not-allowed", body = ProblemBody),
        (status = 404, description = "not-found", body = ProblemBody),
    )
)]
pub(super) async fn events(
    State(app): State<App>,
    caller: Caller,
    IdPath(id): IdPath<OperationId>,
    headers: HeaderMap,
    Query(query): Query<EventsQuery>,
) -> Result<Response, Problem> {
    let operation = visible(&app, &caller.0, id).await?;
    let after = sse::after(&headers, query.after)?;
    let stopping = app.kit.stopping.clone();
    Ok(sse::respond(follow(app, operation, after), &stopping))
}

/// Stored events from `after` on, then new ones as they come, until `done` or the database is away; the
/// reader comes back with the last id it saw.
fn follow(app: App, operation: Operation, after: i64) -> impl Stream<Item = SseEvent> + Send {
    let batches = stream::unfold(Some(after), move |after| {
        let (app, operation) = (app.clone(), operation.clone());
        async move {
            let mut after = after?;
            loop {
                let events = operations::events(&app, &operation, after).await.ok()?;
                if let Some(last) = events.last() {
                    let done = events.iter().any(|event| event.kind == "done");
                    after = last.sequence;
                    return Some((stream::iter(events), (!done).then_some(after)));
                }
                tokio::time::sleep(EVENTS_POLL).await;
            }
        }
    });
    batches
        .flatten()
        .map(|event| SseEvent::json(event.sequence, &event.kind, &event.data))
}

/// Approves a plan by its hash; once enough people have, it is carried out. A plan that is no longer true is refused,
/// with the present one in the problem's `plan`.
#[utoipa::path(
    post, path = "/v1/operations/{operation_id}/approve", operation_id = "operation_approve",
    tag = "operations", params(("operation_id" = String, Path, description = "The operation")),
    request_body = Approval,
    responses(
        (status = 202, description = "Approved", body = OperationView),
        (status = 400, description = "malformed-body, idempotency-key-missing", body = ProblemBody),
        (status = 401, description = "not-signed-in, credential-expired", body = ProblemBody),
        (status = 403, description = "not-allowed", body = ProblemBody),
        (status = 404, description = "not-found", body = ProblemBody),
        (status = 409, description = "plan-stale, invalid-transition, connection-not-ready, tenant-suspended", body = ProblemBody),
        (status = 422, description = "unknown-field", body = ProblemBody),
    )
)]
pub(super) async fn approve(
    State(app): State<App>,
    IdPath(id): IdPath<OperationId>,
    mutation: Mutation<Approval>,
) -> Result<Reply, Problem> {
    let tenant_id = changeable(&app, &mutation.caller, id).await?;
    let mut tx = match idempotent::begin(&app, &mutation.request, tenant_id).await? {
        Begun::New(tx) => *tx,
        Begun::Replay(reply) => return Ok(reply),
    };
    let (actor, hash) = (mutation.caller.actor(), mutation.body.plan_hash.as_str());
    let operation = match operations::approve_in(&mut tx, &app, &actor, (id, hash)).await {
        Ok(operation) => operation,
        Err(error) => {
            drop(tx);
            return Err(operations::refused(&app, (tenant_id, id), error).await.into());
        }
    };
    let reply = Reply::accepted(&location(&operation), &OperationView::from(&operation));
    idempotent::finish(tx, &mutation.request, tenant_id, reply).await
}

/// Withdraws an operation. Of work under way, what was done so far is turned back or kept, as asked.
#[utoipa::path(
    post, path = "/v1/operations/{operation_id}/cancel", operation_id = "operation_cancel",
    tag = "operations",
    params(("operation_id" = String, Path, description = "The operation"), CancelQuery),
    responses(
        (status = 202, description = "Withdrawn", body = OperationView),
        (status = 400, description = "idempotency-key-missing", body = ProblemBody),
        (status = 401, description = "not-signed-in, credential-expired", body = ProblemBody),
        (status = 403, description = "not-allowed", body = ProblemBody),
        (status = 404, description = "not-found", body = ProblemBody),
        (status = 409, description = "invalid-transition", body = ProblemBody),
        (status = 422, description = "validation-failed", body = ProblemBody),
    )
)]
pub(super) async fn cancel(
    State(app): State<App>,
    IdPath(id): IdPath<OperationId>,
    Query(query): Query<CancelQuery>,
    trigger: Trigger,
) -> Result<Reply, Problem> {
    let tenant_id = changeable(&app, &trigger.caller, id).await?;
    let then = parse::ending(query.then.as_deref(), "/then")?;
    let mut tx = match idempotent::begin(&app, &trigger.request, tenant_id).await? {
        Begun::New(tx) => *tx,
        Begun::Replay(reply) => return Ok(reply),
    };
    let operation = operations::cancel_in(&mut tx, &app, &trigger.caller.actor(), (id, then)).await?;
    let reply = Reply::accepted(&location(&operation), &OperationView::from(&operation));
    idempotent::finish(tx, &trigger.request, tenant_id, reply).await
}

async fn visible(app: &App, caller: &Principal, id: OperationId) -> Result<Operation, Problem> {
    let operation = operations::find(app, caller.tenant_id(), id).await?;
    authorize(caller, Action::ReadTenant, Some(operation.tenant_id))?;
    Ok(operation)
}

async fn changeable(app: &App, caller: &Principal, id: OperationId) -> Result<TenantId, Problem> {
    let tenant_id = operations::find(app, caller.tenant_id(), id).await?.tenant_id;
    authorize(caller, Action::ChangeTenant, Some(tenant_id))?;
    Ok(tenant_id)
}

/// An id in a query; garbage is a bad query, not a missing thing.
pub(super) fn parse_id<T: FromStr>(text: Option<&str>) -> Result<Option<T>, Problem> {
    let bad = |_| Problem::of(&kinds::BAD_QUERY).detail("A filter is not an id of its kind.");
    text.map(str::parse).transpose().map_err(bad)
}
