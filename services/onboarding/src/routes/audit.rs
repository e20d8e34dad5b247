//! `/v1/audit`.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use http::Uri;
use serde::{Deserialize, Serialize};
use service_kit::{Caller, Page, Problem, ProblemBody, Query};
use tenant_model::TenantId;
use tenant_model::audit::Entry;
use utoipa::ToSchema;

use super::ListQuery;
use crate::{App, audit};

/// One entry of a tenant's chain.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = AuditEntry)]
pub struct AuditEntryView {
    /// Whose chain; null is the operator's.
    #[schema(value_type = Option<String>)]
    pub tenant_id: Option<TenantId>,
    /// Its place in the chain, from 1 without gaps.
    pub sequence: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: String,
    /// What, `noun.verb`.
    #[schema(example = "tenant.suspend")]
    pub action: String,
    /// On what.
    pub subject: String,
    /// Particulars.
    #[schema(value_type = Object)]
    pub detail: serde_json::Value,
    /// SHA-256 over this entry and the hash of the one before, in hexadecimal.
    pub hash: String,
}

impl From<Entry> for AuditEntryView {
    fn from(entry: Entry) -> Self {
        let hash = entry.hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let content = entry.content;
        Self {
            tenant_id: content.tenant_id,
            sequence: content.sequence,
            at: content.at,
            actor: content.actor,
            action: content.action,
            subject: content.subject,
            detail: content.detail,
            hash,
        }
    }
}

/// Read the audit log of a tenant, oldest first; an operator without `?tenant=` reads the operator's own.
#[utoipa::path(get, path = "/v1/audit", operation_id = "audit_list", tag = "audit",
    params(ListQuery), security(("bearer" = [])),
    responses(
        (status = 200, description = "Entries of one chain", body = Page<AuditEntryView>),
        (status = 400, body = ProblemBody, description = "bad-query, bad-cursor, cursor-mismatch"),
        (status = 401, body = ProblemBody, description = "not-signed-in, credential-expired"),
        (status = 403, body = ProblemBody, description = "not-allowed"),
        (status = 404, body = ProblemBody, description = "not-found"),
        (status = 429, body = ProblemBody, description = "rate-limited"),
    ))]
pub(super) async fn list_audit(
    State(app): State<App>,
    Caller(caller): Caller,
    uri: Uri,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let tenant_id = query.tenant(&caller);
    let page = query.page();
    let filter = tenant_id.map_or_else(|| "operator".to_owned(), |id| id.to_string());
    let after = page.after(&filter)?.unwrap_or(0);
    let found = audit::list(&app, &caller, tenant_id, after, page.limit()?).await?;
    Ok(found.map(AuditEntryView::from).respond(&uri))
}
