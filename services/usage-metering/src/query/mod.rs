//! Reads usage: exact numbers per window from the rollups, never from the events.
//!
//! The console calls [`usage`], [`live`] and [`top_tenants`]; the routes here do the same over HTTP. A scope of
//! `Some(tenant)` is bound by row-level security, `None` is the fleet and needs an operator.

mod answer;
mod live;
mod top;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use service_kit::{Caller, Problem, ProblemBody, Query, kinds, sse};
use tenant_model::TenantId;
use tenant_model::usage::{Granularity, InvalidSpan, WindowSize};
use tenant_store::StoreError;
use utoipa::IntoParams;

use crate::App;
use crate::scope::{readable, store_problem};
pub use answer::{UsageAnswer, UsagePoint, UsageSeries, usage};
pub use live::{LiveMeter, LiveUsage, LiveWatermark, live};
pub use top::{TopTenant, TopTenants, top_tenants};

/// What somebody wants to know.
#[derive(Clone, Debug)]
pub struct UsageRequest {
    /// Short name of the meter.
    pub meter: String,
    /// From this moment on.
    pub from: DateTime<Utc>,
    /// Up to and without this moment.
    pub to: DateTime<Utc>,
    /// How long a window is.
    pub window: WindowSize,
    /// Where days begin.
    pub zone: Tz,
    /// A dimension of the meter, or `tenant` for operators.
    pub group_by: Option<String>,
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// No meter of that name.
    #[error("there is no meter {0:?}")]
    UnknownMeter(String),
    /// The meter has no such dimension, or the caller may not split by it.
    #[error("this meter cannot be split by {0:?}")]
    UnknownDimension(String),
    /// The windows cannot be told exactly.
    #[error(transparent)]
    Span(#[from] InvalidSpan),
    /// More than ten thousand points.
    #[error("an answer has at most 10,000 points; ask for a shorter span or fewer groups")]
    TooMany,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<UsageError> for Problem {
    fn from(error: UsageError) -> Self {
        let (pointer, code) = match &error {
            UsageError::Store(cause) => return store_problem(cause),
            UsageError::UnknownMeter(_) => ("/meter", "unknown-meter"),
            UsageError::UnknownDimension(_) => ("/group_by", "unknown-dimension"),
            UsageError::Span(InvalidSpan::ZoneNotExact) => ("/zone", "zone-not-exact"),
            UsageError::Span(InvalidSpan::Empty | InvalidSpan::NotAligned | InvalidSpan::TooLong) => {
                ("/from", "span-not-exact")
            }
            UsageError::TooMany => ("/window", "too-many-points"),
        };
        Self::invalid(pointer, code, error.to_string())
    }
}

/// Parameters of `GET /v1/usage`.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct UsageParameters {
    /// Short name of the meter.
    meter: String,
    /// RFC 3339; default: 24 windows of an hour up to now.
    from: Option<DateTime<Utc>>,
    /// RFC 3339, not included.
    to: Option<DateTime<Utc>>,
    /// `minute`, `hour` (default), `day` or `none`.
    window: Option<String>,
    /// IANA zone in which days begin; default UTC.
    zone: Option<String>,
    /// A dimension of the meter; `tenant` for operators.
    group_by: Option<String>,
    /// Operators: one tenant instead of the fleet.
    #[param(value_type = Option<String>)]
    tenant: Option<TenantId>,
    /// `json` (default) or `csv`; the Accept header works too.
    format: Option<String>,
}

/// Show usage of a meter per window.
#[utoipa::path(
    get, path = "/v1/usage", operation_id = "usage_show", tag = "usage",
    params(UsageParameters),
    responses(
        (status = 200, description = "Usage", body = UsageAnswer),
        (status = 400, description = "bad-query", body = ProblemBody),
        (status = 401, description = "not-signed-in, credential-expired", body = ProblemBody),
        (status = 403, description = "not-allowed", body = ProblemBody),
        (status = 404, description = "not-found: another tenant", body = ProblemBody),
        (status = 422, description = "validation-failed: the question has no exact answer", body = ProblemBody),
    ),
    security(("bearer" = [])),
)]
pub async fn usage_show(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Query(parameters): Query<UsageParameters>,
) -> Result<Response, Problem> {
    let scope = readable(&caller, parameters.tenant)?;
    let csv = wants_csv(&headers, parameters.format.as_deref())?;
    let request = parameters.read(app.kit.clock.now())?;
    let answer = usage(&app, scope, &request).await?;
    if !csv {
        return Ok(Json(answer).into_response());
    }
    let mut response = answer.to_csv().into_response();
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    Ok(response)
}

/// Parameters of `GET /v1/usage/live`.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct LiveParameters {
    /// Operators: one tenant instead of the fleet.
    #[param(value_type = Option<String>)]
    tenant: Option<TenantId>,
}

/// Watch today's usage as it is counted.
#[utoipa::path(
    get, path = "/v1/usage/live", operation_id = "usage_live", tag = "usage",
    params(LiveParameters),
    responses(
        (status = 200, description = "Events `usage` and `watermark`", content_type = "text/event-stream", body = String),
        (status = 400, description = "bad-query", body = ProblemBody),
        (status = 401, description = "not-signed-in, credential-expired", body = ProblemBody),
        (status = 403, description = "not-allowed", body = ProblemBody),
        (status = 404, description = "not-found: another tenant", body = ProblemBody),
    ),
    security(("bearer" = [])),
)]
pub async fn usage_live(
    State(app): State<App>,
    caller: Caller,
    Query(parameters): Query<LiveParameters>,
) -> Result<Response, Problem> {
    let scope = readable(&caller, parameters.tenant)?;
    let stopping = app.kit.stopping.clone();
    Ok(sse::respond(live(app, scope), &stopping))
}

/// Parameters of `GET /v1/usage/top-tenants`.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct TopParameters {
    /// Short name of the meter.
    meter: String,
    /// RFC 3339; default: 24 hours up to now.
    from: Option<DateTime<Utc>>,
    /// RFC 3339, not included.
    to: Option<DateTime<Utc>>,
    /// Most tenants, 1 to 100, default 10.
    limit: Option<usize>,
}

/// List the tenants with most usage, beside the span before.
#[utoipa::path(
    get, path = "/v1/usage/top-tenants", operation_id = "usage_top_tenants", tag = "usage",
    params(TopParameters),
    responses(
        (status = 200, description = "The tenants with most usage first", body = TopTenants),
        (status = 400, description = "bad-query", body = ProblemBody),
        (status = 401, description = "not-signed-in, credential-expired", body = ProblemBody),
        (status = 403, description = "not-allowed", body = ProblemBody),
        (status = 422, description = "validation-failed: the question has no exact answer", body = ProblemBody),
    ),
    security(("bearer" = [])),
)]
pub async fn usage_top_tenants(
    State(app): State<App>,
    caller: Caller,
    Query(parameters): Query<TopParameters>,
) -> Result<Json<TopTenants>, Problem> {
    caller.may(tenant_model::Action::OperateFleet, None)?;
    let (from, to) = span(parameters.from, parameters.to, app.kit.clock.now());
    let limit = parameters.limit.unwrap_or(10).clamp(1, 100);
    Ok(Json(
        top_tenants(&app, &parameters.meter, (from, to), limit).await?,
    ))
}

impl UsageParameters {
    fn read(self, now: DateTime<Utc>) -> Result<UsageRequest, Problem> {
        let (from, to) = span(self.from, self.to, now);
        let window = match self.window.as_deref() {
            None | Some("hour") => WindowSize::Hour,
            Some("minute") => WindowSize::Minute,
            Some("day") => WindowSize::Day,
            Some("none") => WindowSize::None,
            Some(_) => return Err(bad_query("window is minute, hour, day or none.")),
        };
        let zone = self.zone.as_deref().unwrap_or("UTC").parse();
        Ok(UsageRequest {
            meter: self.meter,
            from,
            to,
            window,
            zone: zone.map_err(|_| bad_query("zone is an IANA name such as Europe/Berlin."))?,
            group_by: self.group_by,
        })
    }
}

/// The 24 hours up to and with the present one, unless something else is asked.
fn span(
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> (DateTime<Utc>, DateTime<Utc>) {
    let to = to.unwrap_or_else(|| Granularity::Hour.floor(now) + TimeDelta::hours(1));
    (from.unwrap_or(to - TimeDelta::hours(24)), to)
}

fn wants_csv(headers: &HeaderMap, format: Option<&str>) -> Result<bool, Problem> {
    match format {
        Some("csv") => Ok(true),
        Some("json") => Ok(false),
        Some(_) => Err(bad_query("format is json or csv.")),
        None => {
            let accept = headers
                .get(ACCEPT)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default();
            Ok(accept
                .split(',')
                .next()
                .is_some_and(|first| first.trim().starts_with("text/csv")))
        }
    }
}

fn bad_query(detail: &str) -> Problem {
    Problem::of(&kinds::BAD_QUERY).detail(detail)
}
