//! Quarantine: what could not be counted, and why.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use http::Uri;
use serde::{Deserialize, Serialize};
use service_kit::{Caller, Page, PageQuery, Problem, ProblemBody, Query};
use tenant_model::TenantId;
use tenant_store::quarantine::{self, Quarantined};
use tenant_store::{StoreError, stream_shards::StreamStatus};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::App;
use crate::scope::{begin, readable, store_problem};

/// Most of a raw event that is shown.
const SHOWN_BYTES_MAX: usize = 4 * 1024;

/// One thing kept aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuarantineView {
    /// Its id.
    pub id: Uuid,
    /// Whose; none when the record could not be read.
    #[schema(value_type = Option<String>)]
    pub tenant_id: Option<TenantId>,
    /// `undecodable`, `crc`, `conflict`, `unknown_meter`, `tenant_mismatch`, `bounds` or `tenant_state`.
    pub reason: String,
    /// More of why, for people.
    pub detail: String,
    /// The beginning of what came, as text.
    pub raw: String,
    /// The shard it came by.
    pub shard_id: String,
    /// The record's sequence number.
    pub position: String,
    /// When it was kept aside.
    pub first_seen: DateTime<Utc>,
}

impl From<&Quarantined> for QuarantineView {
    fn from(thing: &Quarantined) -> Self {
        let shown = &thing.raw[..thing.raw.len().min(SHOWN_BYTES_MAX)];
        Self {
            id: thing.id,
            tenant_id: thing.tenant_id,
            reason: thing.reason.as_str().to_owned(),
            detail: thing.detail.clone(),
            raw: String::from_utf8_lossy(shown).into_owned(),
            shard_id: thing.shard_id.clone(),
            position: thing.position.to_string(),
            first_seen: thing.first_seen,
        }
    }
}

/// What is kept aside, the newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    app: &App,
    subject: Option<TenantId>,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Quarantined>, StoreError> {
    let mut tx = begin(&app.stores, subject).await?;
    let things = quarantine::list(&mut tx, subject, before, limit).await?;
    tx.commit().await?;
    Ok(things)
}

/// How the stream stands: watermark, shards, redelivered blocks. For operators and the readiness check.
///
/// # Errors
/// When the database does not answer.
pub async fn stream_status(app: &App) -> Result<StreamStatus, StoreError> {
    let mut tx = app.stores.begin_ops().await?;
    let status = tenant_store::stream_shards::status(&mut tx, app.stream.name()).await?;
    tx.commit().await?;
    Ok(status)
}

/// Parameters of `GET /v1/usage/quarantine`.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct QuarantineParameters {
    /// Operators: one tenant instead of the fleet.
    #[param(value_type = Option<String>)]
    tenant: Option<TenantId>,
    /// Most items, 1 to 500, default 50.
    limit: Option<u32>,
    /// `next_cursor` of the previous reply.
    cursor: Option<String>,
}

/// List usage that could not be counted.
#[utoipa::path(
    get, path = "/v1/usage/quarantine", operation_id = "usage_quarantine_list", tag = "usage",
    params(QuarantineParameters),
    responses(
        (status = 200, description = "The newest first", body = Page<QuarantineView>),
        (status = 400, description = "bad-query, bad-cursor, cursor-mismatch", body = ProblemBody),
        (status = 401, description = "not-signed-in, credential-expired", body = ProblemBody),
        (status = 403, description = "not-allowed", body = ProblemBody),
        (status = 404, description = "not-found: another tenant", body = ProblemBody),
    ),
    security(("bearer" = [])),
)]
pub async fn usage_quarantine_list(
    State(app): State<App>,
    caller: Caller,
    uri: Uri,
    Query(parameters): Query<QuarantineParameters>,
) -> Result<Response, Problem> {
    let subject = readable(&caller, parameters.tenant)?;
    let filter = subject.map_or_else(String::new, |tenant| tenant.to_string());
    let page = PageQuery {
        limit: parameters.limit,
        cursor: parameters.cursor,
    };
    let (limit, before) = (page.limit()?, page.after::<Uuid>(&filter)?);
    let things = list(&app, subject, before, i64::from(limit) + 1)
        .await
        .map_err(|error| store_problem(&error))?;
    let page = Page::cut(things, limit, &filter, |thing| thing.id);
    Ok(page.map(|thing| QuarantineView::from(&thing)).respond(&uri))
}
