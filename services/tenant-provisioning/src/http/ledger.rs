//! `/v1/ledger`: what was done with a tenant's role, and what its account's own log says beside it.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::Uri;
use service_kit::{Caller, Page, PageQuery, Problem, ProblemBody, Query, kinds};
use tenant_model::{
    ids::{DeploymentId, TenantId},
    principal::{Action, Principal, authorize},
};
use uuid::Uuid;

use super::{
    ledger_views::{FindingView, LedgerEntryView, LedgerQuery, PartQuery, PartView},
    operations::parse_id,
    visible_tenant,
};
use crate::{App, call_log, ledger};

/// Lists what was done with a tenant's role, oldest first.
#[utoipa::path(
    get, path = "/v1/ledger", operation_id = "ledger_list", tag = "ledger", params(LedgerQuery),
    responses(
        (status = 200, description = "Entries of one chain", body = Page<LedgerEntryView>),
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
    Query(query): Query<LedgerQuery>,
) -> Result<Response, Problem> {
    let tenant_id = whose(&caller.0, query.tenant.as_deref())?;
    let subject = parse_id::<DeploymentId>(query.deployment.as_deref())?.map(|id| id.to_string());
    let page = PageQuery {
        limit: query.limit,
        cursor: query.cursor,
    };
    let (limit, filter) = (page.limit()?, format!("ledger {tenant_id} {subject:?}"));
    let after = page.after::<i64>(&filter)?.unwrap_or(0);
    let rows = ledger::list(&app, tenant_id, (after, subject.as_deref()), limit + 1).await?;
    let page = Page::cut(rows, limit, &filter, |entry| entry.content.sequence);
    Ok(page.map(LedgerEntryView::from).respond(&uri))
}

/// Downloads a part of a ledger with its end signed, to check offline with `tenantry verify-ledger`.
#[utoipa::path(
    get, path = "/v1/ledger/part", operation_id = "ledger_part", tag = "ledger", params(PartQuery),
    responses(
        (status = 200, description = "At most 20,000 entries", body = PartView),
        (status = 400, description = "bad-query", body = ProblemBody),
        (status = 401, description = "not-signed-in, credential-expired", body = ProblemBody),
        (status = 403, description = "not-allowed", body = ProblemBody),
        (status = 404, description = "not-found", body = ProblemBody),
    )
)]
pub(super) async fn part(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PartQuery>,
) -> Result<Response, Problem> {
    let tenant_id = whose(&caller.0, query.tenant.as_deref())?;
    let part = ledger::part(&app, tenant_id, query.after.unwrap_or(0).max(0)).await?;
    let name = format!("ledger-{tenant_id}.json");
    let view = PartView {
        document: part.document,
        jws: part.jws,
        entries: part.entries.into_iter().map(LedgerEntryView::from).collect(),
    };
    Ok(super::download(&name, &view))
}

/// Lists what the account's own log has and the ledger has not, and the other way round; and what was left over.
#[utoipa::path(
    get, path = "/v1/ledger/findings", operation_id = "ledger_findings", tag = "ledger", params(LedgerQuery),
    responses(
        (status = 200, description = "In order of finding", body = Page<FindingView>),
        (status = 400, description = "bad-query, bad-cursor, cursor-mismatch", body = ProblemBody),
        (status = 401, description = "not-signed-in, credential-expired", body = ProblemBody),
        (status = 403, description = "not-allowed", body = ProblemBody),
        (status = 404, description = "not-found", body = ProblemBody),
    )
)]
pub(super) async fn list_findings(
    State(app): State<App>,
    caller: Caller,
    uri: Uri,
    Query(query): Query<LedgerQuery>,
) -> Result<Response, Problem> {
    let tenant_id = visible_tenant(&caller.0, parse_id(query.tenant.as_deref())?)?;
    let page = PageQuery {
        limit: query.limit,
        cursor: query.cursor,
    };
    let (limit, filter) = (page.limit()?, format!("findings {tenant_id:?}"));
    let after = page.after::<Uuid>(&filter)?;
    let rows = call_log::list_findings(&app, tenant_id, after, limit + 1).await?;
    let page = Page::cut(rows, limit, &filter, |finding| finding.id);
    Ok(page.map(FindingView::from).respond(&uri).into_response())
}

/// The tenant whose ledger is meant: the caller's own, or the one that an operator names.
fn whose(caller: &Principal, asked: Option<&str>) -> Result<TenantId, Problem> {
    let asked = parse_id(asked)?;
    let tenant_id = visible_tenant(caller, asked)?;
    let unnamed = || Problem::of(&kinds::BAD_QUERY).detail("Say whose ledger, with tenant=.");
    let tenant_id = tenant_id.ok_or_else(unnamed)?;
    authorize(caller, Action::ReadTenant, Some(tenant_id))?;
    Ok(tenant_id)
}
