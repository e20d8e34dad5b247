//! Meters: what is counted. The operator defines them; everybody reads them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use service_kit::{Caller, Mutation, Problem, ProblemBody, Reply, kinds};
use tenant_model::idempotency::RequestKey;
use tenant_model::meter::{DIMENSIONS_MAX, Dimension, InvalidMeter, MeterParts};
use tenant_model::{Action, EventId, Meter, MeterDefinition, MeterId, MeterKey};
use tenant_store::audit::NewAuditEntry;
use tenant_store::{StoreError, audit, idempotency, meters, outbox};
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::App;
use crate::scope::store_problem;

/// How old the door's list may be. Booking reads its own, so a meter defined meanwhile loses nothing.
const FRESH: Duration = Duration::from_secs(1);

/// All meters, by the type of the events they count.
#[derive(Clone, Debug, Default)]
pub struct MeterSet(HashMap<String, Meter>);

/// The door's copy of the meters.
#[derive(Clone, Default)]
pub(crate) struct MeterBook(Arc<Mutex<Option<Reading>>>);

/// When the meters were read, and what they were.
type Reading = (Instant, Arc<MeterSet>);

impl MeterSet {
    /// The set of these meters.
    #[must_use]
    pub fn new(meters: Vec<Meter>) -> Self {
        let by_type = |meter: Meter| (meter.definition.event_type().to_owned(), meter);
        Self(meters.into_iter().map(by_type).collect())
    }

    /// The meter that counts events of a type.
    #[must_use]
    pub fn by_type(&self, event_type: &str) -> Option<&Meter> {
        self.0.get(event_type)
    }
}

impl MeterBook {
    pub(crate) async fn current(&self, app: &App) -> Result<Arc<MeterSet>, StoreError> {
        if let Some((read_at, set)) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner)
            && read_at.elapsed() < FRESH
        {
            return Ok(set.clone());
        }
        let set = Arc::new(MeterSet::new(list(app).await?));
        let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *book = Some((Instant::now(), set.clone()));
        Ok(set)
    }

    fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// All meters, the oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(app: &App) -> Result<Vec<Meter>, StoreError> {
    let mut tx = app.stores.begin_ops().await?;
    let meters = meters::list(&mut tx).await?;
    tx.commit().await?;
    Ok(meters)
}

/// The meter of a short name.
///
/// # Errors
/// When the database does not answer.
pub async fn find(app: &App, key: &str) -> Result<Option<Meter>, StoreError> {
    let meters = list(app).await?;
    Ok(meters
        .into_iter()
        .find(|meter| meter.definition.key().as_str() == key))
}

/// A meter on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MeterView {
    /// Its id.
    #[schema(value_type = String)]
    pub id: MeterId,
    /// Short name, unique.
    pub key: String,
    /// Name for people.
    pub name: String,
    /// CloudEvents `type` of the events that count.
    pub event_type: String,
    /// `sum`, `count`, `min` or `max`.
    pub aggregation: String,
    /// Where the quantity lies in the event.
    pub value: Option<String>,
    /// What one of it is called.
    pub unit: String,
    /// What it can be split by.
    pub dimensions: Vec<DimensionView>,
    /// When it was defined.
    pub created_at: DateTime<Utc>,
}

/// A dimension on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DimensionView {
    /// Its name in queries.
    pub name: String,
    /// Where the event says it.
    pub pointer: String,
}

/// All meters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MeterList {
    /// The oldest first.
    pub items: Vec<MeterView>,
    /// Always null: there are few.
    pub next_cursor: Option<String>,
}

/// A definition as somebody writes it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DefineMeter {
    key: String,
    name: String,
    event_type: String,
    aggregation: String,
    value: Option<String>,
    unit: String,
    #[serde(default)]
    dimensions: Vec<DimensionView>,
}

impl From<&Meter> for MeterView {
    fn from(meter: &Meter) -> Self {
        let definition = &meter.definition;
        let dimension = |dimension: &Dimension| DimensionView {
            name: dimension.name.to_string(),
            pointer: dimension.pointer.to_string(),
        };
        Self {
            id: meter.id,
            key: definition.key().to_string(),
            name: definition.name().to_owned(),
            event_type: definition.event_type().to_owned(),
            aggregation: definition.aggregation().as_str().to_owned(),
            value: definition.value().map(ToString::to_string),
            unit: definition.unit().to_owned(),
            dimensions: definition.dimensions().iter().map(dimension).collect(),
            created_at: meter.created_at,
        }
    }
}

/// List the meters.
#[utoipa::path(
    get, path = "/v1/meters", operation_id = "meter_list", tag = "usage",
    responses(
        (status = 200, description = "All meters", body = MeterList),
        (status = 401, description = "not-signed-in, credential-expired", body = ProblemBody),
        (status = 403, description = "not-allowed", body = ProblemBody),
    ),
    security(("bearer" = [])),
)]
pub async fn meter_list(State(app): State<App>, caller: Caller) -> Result<Json<MeterList>, Problem> {
    caller.may(Action::ReadUsage, caller.0.tenant_id())?;
    let meters = list(&app).await.map_err(|error| store_problem(&error))?;
    Ok(Json(MeterList {
        items: meters.iter().map(MeterView::from).collect(),
        next_cursor: None,
    }))
}

/// Define a meter.
#[utoipa::path(
    post, path = "/v1/meters", operation_id = "meter_create", tag = "usage",
    request_body = DefineMeter,
    responses(
        (status = 201, description = "Defined", body = MeterView),
        (status = 400, description = "malformed-body, idempotency-key-missing", body = ProblemBody),
        (status = 401, description = "not-signed-in, credential-expired", body = ProblemBody),
        (status = 403, description = "not-allowed", body = ProblemBody),
        (status = 409, description = "already-exists, request-in-progress", body = ProblemBody),
        (status = 422, description = "validation-failed, unknown-field, idempotency-key-reused", body = ProblemBody),
    ),
    security(("bearer" = [])),
)]
pub async fn meter_create(
    State(app): State<App>,
    mutation: Mutation<DefineMeter>,
) -> Result<Response, Problem> {
    Caller(mutation.caller.clone()).may(Action::DefineMeters, None)?;
    let definition = define(mutation.body)?;
    let reply = create(&app, &mutation.caller.actor(), definition, &mutation.request).await?;
    Ok(reply.into_response())
}

fn define(body: DefineMeter) -> Result<MeterDefinition, Problem> {
    let at = |pointer: &'static str| move |error: InvalidMeter| invalid(pointer, &error);
    if body.dimensions.len() > DIMENSIONS_MAX {
        return Err(invalid("/dimensions", &InvalidMeter::Dimensions));
    }
    let dimension = |view: DimensionView| -> Result<Dimension, Problem> {
        Ok(Dimension {
            name: view.name.parse::<MeterKey>().map_err(at("/dimensions"))?,
            pointer: view.pointer.parse().map_err(at("/dimensions"))?,
        })
    };
    let parts = MeterParts {
        key: body.key.parse().map_err(at("/key"))?,
        name: body.name,
        event_type: body.event_type,
        aggregation: body.aggregation.parse().map_err(at("/aggregation"))?,
        value: body
            .value
            .map(|value| value.parse().map_err(at("/value")))
            .transpose()?,
        unit: body.unit,
        dimensions: body
            .dimensions
            .into_iter()
            .map(dimension)
            .collect::<Result<_, _>>()?,
    };
    MeterDefinition::new(parts).map_err(|error| {
        let pointer = match &error {
            InvalidMeter::Text(field) => format!("/{field}"),
            InvalidMeter::ValueMissing => "/value".to_owned(),
            InvalidMeter::Dimensions => "/dimensions".to_owned(),
            InvalidMeter::Key(_) | InvalidMeter::Pointer(_) | InvalidMeter::Aggregation(_) => String::new(),
        };
        invalid(&pointer, &error)
    })
}

fn invalid(pointer: &str, error: &InvalidMeter) -> Problem {
    Problem::invalid(pointer, "invalid", error.to_string())
}

async fn create(
    app: &App,
    actor: &str,
    definition: MeterDefinition,
    key: &RequestKey,
) -> Result<Reply, Problem> {
    let now = app.kit.clock.now();
    let meter = Meter {
        id: MeterId::from_uuid(app.kit.ids.uuid()),
        definition,
        created_at: now,
    };
    let view = MeterView::from(&meter);
    let mut tx = app
        .stores
        .begin_ops()
        .await
        .map_err(|error| store_problem(&error))?;
    let claim = idempotency::claim(&mut tx, key)
        .await
        .map_err(|error| store_problem(&error))?;
    if let Some(stored) = Reply::settle(claim)? {
        return Ok(stored);
    }
    meters::insert(&mut tx, &meter)
        .await
        .map_err(|error| taken(&error))?;
    let reply = Reply::created(&format!("/v1/meters/{}", meter.id), &view);
    let written = async {
        idempotency::insert(&mut tx, key, &reply.stored()).await?;
        let data = serde_json::to_value(&view).map_err(StoreError::unreadable)?;
        let id = EventId::from_uuid(app.kit.ids.uuid());
        let event = outbox::Event {
            id,
            tenant_id: None,
            kind: "meter.created".to_owned(),
            data,
            at: now,
        };
        outbox::publish(&mut tx, &event).await?;
        audit::append(&mut tx, entry(actor, &meter)).await?;
        tx.commit().await
    };
    written.await.map_err(|error| store_problem(&error))?;
    app.meters.forget();
    Ok(reply)
}

fn entry(actor: &str, meter: &Meter) -> NewAuditEntry {
    NewAuditEntry {
        tenant_id: None,
        actor: actor.to_owned(),
        action: "meter.create",
        subject: meter.id.to_string(),
        detail: serde_json::json!({ "key": meter.definition.key().as_str() }),
        at: meter.created_at,
    }
}

fn taken(error: &StoreError) -> Problem {
    if error.violates("meter_key_taken") {
        return Problem::of(&kinds::ALREADY_EXISTS).error("/key", "taken", "another meter has this key");
    }
    if error.violates("meter_event_type_taken") {
        return Problem::of(&kinds::ALREADY_EXISTS).error(
            "/event_type",
            "taken",
            "another meter counts events of this type",
        );
    }
    store_problem(error)
}
