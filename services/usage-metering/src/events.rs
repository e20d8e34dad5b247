//! Was this event counted, and why, or why not.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use service_kit::{Caller, Problem, ProblemBody, Query};
use tenant_model::TenantId;
use tenant_model::usage::{EventKey, Granularity};
use tenant_store::usage_events::BookedEvent;
use tenant_store::{StoreError, quarantine, usage_events};
use utoipa::{IntoParams, ToSchema};

use crate::App;
use crate::quarantine::QuarantineView;
use crate::scope::{readable, store_problem};

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventExplanation {
    /// `accepted`, `quarantined`, or `unknown`: never received, refused at the door, or not booked yet.
    pub outcome: String,
    /// How it was counted.
    pub counted: Option<CountedEvent>,
    /// What was kept aside under its source and id.
    pub quarantined: Vec<QuarantineView>,
}

/// How an event was counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CountedEvent {
    /// The meter's short name.
    pub meter: String,
    /// An exact decimal.
    pub quantity: String,
    /// When it happened.
    pub event_time: DateTime<Utc>,
    /// When it arrived.
    pub ingested_at: DateTime<Utc>,
    /// The hour it counts in.
    pub window: DateTime<Utc>,
    /// Its dimensions as JSON.
    pub dimensions: String,
}

impl From<&BookedEvent> for CountedEvent {
    fn from(event: &BookedEvent) -> Self {
        Self {
            meter: event.meter.to_string(),
            quantity: event.quantity.to_string(),
            event_time: event.event_time,
            ingested_at: event.ingested_at,
            window: Granularity::Hour.floor(event.event_time),
            dimensions: event.dimensions.to_json(),
        }
    }
}

/// What became of the event `(source, id)` of a tenant.
///
/// # Errors
/// When the database does not answer.
pub async fn explain(
    app: &App,
    tenant: TenantId,
    source: &str,
    id: &str,
) -> Result<EventExplanation, StoreError> {
    let key = EventKey::of(tenant, source, id);
    let mut tx = app.stores.begin(tenant).await?;
    let counted = usage_events::find(&mut tx, tenant, key).await?;
    let aside = quarantine::list_of_key(&mut tx, tenant, key).await?;
    tx.commit().await?;
    let outcome = match (&counted, aside.is_empty()) {
        (Some(_), _) => "accepted",
        (None, false) => "quarantined",
        (None, true) => "unknown",
    };
    Ok(EventExplanation {
        outcome: outcome.to_owned(),
        counted: counted.as_ref().map(CountedEvent::from),
        quarantined: aside.iter().map(QuarantineView::from).collect(),
    })
}

/// Parameters of `GET /v1/usage-events`.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ExplainParameters {
    /// The event's `source`.
    source: String,
    /// The event's `id`.
    id: String,
    /// Operators: whose event.
    #[param(value_type = Option<String>)]
    tenant: Option<TenantId>,
}

/// Explain what became of an event.
#[utoipa::path(
    get, path = "/v1/usage-events", operation_id = "usage_event_explain", tag = "usage",
    params(ExplainParameters),
    responses(
        (status = 200, description = "What became of it", body = EventExplanation),
        (status = 400, description = "bad-query", body = ProblemBody),
        (status = 401, description = "not-signed-in, credential-expired", body = ProblemBody),
        (status = 403, description = "not-allowed", body = ProblemBody),
        (status = 404, description = "not-found: another tenant", body = ProblemBody),
        (status = 422, description = "validation-failed: an operator must name the tenant", body = ProblemBody),
    ),
    security(("bearer" = [])),
)]
pub async fn usage_event_explain(
    State(app): State<App>,
    caller: Caller,
    Query(parameters): Query<ExplainParameters>,
) -> Result<Json<EventExplanation>, Problem> {
    let tenant = readable(&caller, parameters.tenant)?
        .ok_or_else(|| Problem::invalid("/tenant", "missing", "an operator names the tenant"))?;
    let explained = explain(&app, tenant, &parameters.source, &parameters.id).await;
    Ok(Json(explained.map_err(|error| store_problem(&error))?))
}
