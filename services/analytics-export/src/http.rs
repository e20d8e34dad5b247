//! Routes and wire types of the export. All of it is the ISV's own: tenants are refused.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::Uri;
use serde::Serialize;
use service_kit::{Caller, Cursor, IdPath, PageQuery, Problem, ProblemBody, Query, Reply, Trigger};
use tenant_model::export::{Delivery, FileEntry, MeterTotal, Progress};
use tenant_model::idempotency::RequestKey;
use tenant_model::{Action, ExportId, authorize};
use tenant_store::idempotency;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::exports::{self, Export, Freshness, MeterSides};

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_exports, close_window))
        .routes(routes!(find_export))
}

/// Batches and how far the export has come.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportPage {
    /// Newest first.
    pub items: Vec<ExportView>,
    /// Sends the next page; null on the last.
    pub next_cursor: Option<String>,
    /// How far the export has come.
    pub freshness: FreshnessView,
}

/// How far the export has come.
#[derive(Debug, Serialize, ToSchema)]
pub struct FreshnessView {
    /// Everything booked before this moment is in the bucket; null before the first window.
    pub exported_until: Option<DateTime<Utc>>,
    /// Age of that moment; null before the first window.
    pub lag_seconds: Option<i64>,
    /// True while a window is closed at an operator's wish.
    pub closing: bool,
}

/// One batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportView {
    /// `exp_…`.
    #[schema(value_type = String)]
    pub id: ExportId,
    /// Name of the dataset.
    pub dataset: String,
    /// `planned`, `written` or `committed`.
    pub state: &'static str,
    /// First booking position inside.
    pub from_position: i64,
    /// First booking position after it.
    pub to_position: i64,
    /// 0 for the first export of the window.
    pub revision: i32,
    /// Rows in the files; null before they are written.
    pub rows: Option<i64>,
    /// Bytes of all files.
    pub bytes: i64,
    /// Rows and sums of each meter, side by side.
    pub meters: Vec<MeterView>,
    /// True when source, bucket and every warehouse hold the same, row for row and digit for digit.
    pub balanced: bool,
    /// Its loads.
    pub deliveries: Vec<DeliveryView>,
    /// SHA-256 of the manifest; null before the commit.
    pub manifest_sha256: Option<String>,
    /// When the window was cut.
    pub created_at: DateTime<Utc>,
    /// When the manifest was written; null before.
    pub committed_at: Option<DateTime<Utc>>,
}

/// One meter of a batch as the three places see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeterView {
    /// The meter.
    pub meter: String,
    /// The booked events; null where nobody has looked yet.
    pub source: Option<TotalView>,
    /// The bucket.
    pub s3: Option<TotalView>,
    /// The warehouse.
    pub warehouse: Option<TotalView>,
}

/// Rows and their sum.
#[derive(Debug, Serialize, ToSchema)]
pub struct TotalView {
    /// Number of events.
    pub rows: i64,
    /// Exact decimal.
    pub quantity: String,
}

/// The load of a batch into a warehouse.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryView {
    /// `pending`, `submitting`, `submitted`, `unknown`, `finished`, `verified`, `superseded` or `failed`.
    pub state: &'static str,
    /// Attempts so far.
    pub attempts: i32,
    /// The warehouse's id of the last statement.
    pub statement_id: Option<String>,
    /// What the warehouse said last.
    pub error: Option<String>,
}

/// One batch with its files.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportDetail {
    /// The batch.
    #[serde(flatten)]
    pub export: ExportView,
    /// Key of the manifest; null before the commit.
    pub manifest_key: Option<String>,
    /// By key.
    pub files: Vec<FileView>,
}

/// One file.
#[derive(Debug, Serialize, ToSchema)]
pub struct FileView {
    /// Key in the bucket.
    pub key: String,
    /// Exact size.
    pub bytes: i64,
    /// Rows in it.
    pub rows: i64,
    /// Hash of the whole file.
    pub sha256: String,
}

/// Batches of the export, newest first, and how far it has come.
#[utoipa::path(
    get, path = "/v1/exports", operation_id = "export_list", tag = "exports", params(PageQuery),
    responses(
        (status = 200, body = ExportPage),
        (status = 400, body = ProblemBody, description = "bad-query, bad-cursor"),
        (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 429, body = ProblemBody),
        (status = 503, body = ProblemBody),
    ),
    extensions(("x-permission" = json!("manage_exports"))),
)]
async fn list_exports(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PageQuery>,
    uri: Uri,
) -> Result<Response, Problem> {
    caller.may(Action::ManageExports, None)?;
    let (limit, before) = (query.limit()?, query.after::<ExportId>("")?);
    let found = exports::list(&app, before, i64::from(limit) + 1)
        .await
        .map_err(unavailable)?;
    let freshness = exports::freshness(&app).await.map_err(unavailable)?;
    Ok(page(&app, found, limit as usize, freshness, &uri))
}

/// One batch: files, manifest, loads, and the three sums of each meter side by side.
#[utoipa::path(
    get, path = "/v1/exports/{id}", operation_id = "export_find", tag = "exports",
    params(("id" = String, Path, description = "exp_…")),
    responses(
        (status = 200, body = ExportDetail),
        (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 429, body = ProblemBody), (status = 503, body = ProblemBody),
    ),
    extensions(("x-permission" = json!("manage_exports"))),
)]
async fn find_export(
    State(app): State<App>,
    caller: Caller,
    IdPath(id): IdPath<ExportId>,
) -> Result<axum::Json<ExportDetail>, Problem> {
    caller.may(Action::ManageExports, None)?;
    let found = exports::find(&app, id).await.map_err(unavailable)?;
    let (export, files) = found.ok_or_else(Problem::not_found)?;
    Ok(axum::Json(detail(&export, &files)))
}

/// Exports everything booked until now without waiting for the next window.
#[utoipa::path(
    post, path = "/v1/exports", operation_id = "export_close_window", tag = "exports",
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    responses(
        (status = 202, body = FreshnessView, description = "The workers do it; watch GET /v1/exports."),
        (status = 400, body = ProblemBody, description = "idempotency-key-missing"),
        (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody),
        (status = 413, body = ProblemBody), (status = 422, body = ProblemBody), (status = 429, body = ProblemBody),
        (status = 503, body = ProblemBody),
    ),
    extensions(("x-permission" = json!("manage_exports"))),
)]
async fn close_window(State(app): State<App>, trigger: Trigger) -> Result<Reply, Problem> {
    authorize(&trigger.caller, Action::ManageExports, None)?;
    app.prepare()
        .await
        .map_err(|error| Problem::unavailable(&error))?;
    close_once(&app, &trigger.request, &trigger.caller.actor()).await
}

/// The stored reply of a repeated request, or the wish and its reply in one transaction.
async fn close_once(app: &App, request: &RequestKey, actor: &str) -> Result<Reply, Problem> {
    let mut tx = app.stores.begin_ops().await.map_err(unavailable)?;
    let claim = idempotency::claim(&mut tx, request).await.map_err(unavailable)?;
    if let Some(replayed) = Reply::settle(claim)? {
        return Ok(replayed);
    }
    exports::request_close(&mut tx, app, actor)
        .await
        .map_err(unavailable)?;
    let freshness = exports::freshness(app).await.map_err(unavailable)?;
    let reply = Reply::accepted(
        "/v1/exports",
        &FreshnessView {
            closing: true,
            ..view_freshness(app, freshness)
        },
    );
    idempotency::insert(&mut tx, request, &reply.stored())
        .await
        .map_err(unavailable)?;
    tx.commit().await.map_err(unavailable)?;
    Ok(reply)
}

#[expect(clippy::needless_pass_by_value, reason = "map_err hands the error over")]
fn unavailable(error: tenant_store::StoreError) -> Problem {
    Problem::unavailable(&error)
}

fn page(app: &App, mut found: Vec<Export>, limit: usize, freshness: Freshness, uri: &Uri) -> Response {
    let more = found.len() > limit;
    found.truncate(limit);
    let next_cursor = found
        .last()
        .filter(|_| more)
        .map(|last| Cursor::seal(last.batch.id, ""));
    let items = found.iter().map(view).collect();
    let link = next_cursor
        .as_ref()
        .map(|cursor| format!("<{}?cursor={cursor}&limit={limit}>; rel=\"next\"", uri.path()));
    let page = ExportPage {
        items,
        next_cursor,
        freshness: view_freshness(app, freshness),
    };
    let mut response = axum::Json(page).into_response();
    if let Some(value) = link.and_then(|link| link.parse().ok()) {
        response.headers_mut().insert(http::header::LINK, value);
    }
    response
}

fn view_freshness(app: &App, freshness: Freshness) -> FreshnessView {
    let age = |until: DateTime<Utc>| (app.kit.clock.now() - until).num_seconds().max(0);
    FreshnessView {
        exported_until: freshness.exported_until,
        lag_seconds: freshness.exported_until.map(age),
        closing: freshness.closing,
    }
}

fn view(export: &Export) -> ExportView {
    let batch = &export.batch;
    let (manifest_sha256, committed_at) = match &batch.progress {
        Progress::Planned | Progress::Written { .. } => (None, None),
        Progress::Committed {
            manifest_sha256, at, ..
        } => (Some(manifest_sha256.to_string()), Some(*at)),
    };
    ExportView {
        id: batch.id,
        dataset: batch.identity.dataset.clone(),
        state: batch.state().name(),
        from_position: batch.identity.window.lo(),
        to_position: batch.identity.window.hi(),
        revision: batch.identity.revision,
        rows: batch.totals().map(tenant_model::export::Totals::rows),
        bytes: export.bytes,
        meters: export.meters().into_iter().map(meter_view).collect(),
        balanced: export.balanced(),
        deliveries: export.deliveries.iter().map(delivery_view).collect(),
        manifest_sha256,
        created_at: batch.created_at,
        committed_at,
    }
}

fn detail(export: &Export, files: &[FileEntry]) -> ExportDetail {
    let manifest_key = match &export.batch.progress {
        Progress::Planned | Progress::Written { .. } => None,
        Progress::Committed { manifest_key, .. } => Some(manifest_key.clone()),
    };
    let file_view = |file: &FileEntry| FileView {
        key: file.key.clone(),
        bytes: file.bytes,
        rows: file.rows,
        sha256: file.sha256.to_string(),
    };
    ExportDetail {
        export: view(export),
        manifest_key,
        files: files.iter().map(file_view).collect(),
    }
}

fn meter_view(sides: MeterSides) -> MeterView {
    let total = |side: Option<MeterTotal>| {
        side.map(|total| TotalView {
            rows: total.rows,
            quantity: total.quantity.to_string(),
        })
    };
    MeterView {
        source: total(sides.source),
        s3: total(sides.stored),
        warehouse: total(sides.warehouse),
        meter: sides.meter,
    }
}

fn delivery_view(delivery: &Delivery) -> DeliveryView {
    DeliveryView {
        state: delivery.state.name(),
        attempts: delivery.attempt,
        statement_id: delivery.statement_id.clone(),
        error: delivery.error.clone(),
    }
}
