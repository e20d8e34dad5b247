//! Accepted usage events. Written by usage-metering in the booking transaction, read by export and by
//! whoever asks why something was counted.

use chrono::{DateTime, Utc};
use tenant_model::usage::{Dimensions, EventKey};
use tenant_model::{MeterId, MeterKey, Quantity, TenantId};
use uuid::Uuid;

use crate::{Conn, StoreError};

/// An event that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookedEvent {
    /// Whose usage.
    pub tenant_id: TenantId,
    /// By what the ledger recognises it.
    pub key: EventKey,
    /// The sender's id.
    pub event_id: String,
    /// The sender.
    pub source: String,
    /// What happened.
    pub event_type: String,
    /// The resource it is about.
    pub subject: Option<String>,
    /// The meter it counts on.
    pub meter_id: MeterId,
    /// That meter's short name.
    pub meter: MeterKey,
    /// When it happened.
    pub event_time: DateTime<Utc>,
    /// When it arrived.
    pub ingested_at: DateTime<Utc>,
    /// How much.
    pub quantity: Quantity,
    /// Split by what.
    pub dimensions: Dimensions,
}

#[derive(Default)]
struct Columns {
    tenants: Vec<Uuid>,
    keys: Vec<Uuid>,
    ids: Vec<String>,
    sources: Vec<String>,
    types: Vec<String>,
    subjects: Vec<Option<String>>,
    meter_ids: Vec<Uuid>,
    meters: Vec<String>,
    times: Vec<DateTime<Utc>>,
    arrivals: Vec<DateTime<Utc>>,
    quantities: Vec<String>,
    dimensions: Vec<String>,
}

/// Stores accepted events, all in one statement.
///
/// # Errors
/// When the database does not answer.
pub async fn insert_many(conn: &mut Conn, events: &[BookedEvent]) -> Result<(), StoreError> {
    let mut columns = Columns::default();
    for event in events {
        columns.tenants.push(event.tenant_id.as_uuid());
        columns.keys.push(event.key.as_uuid());
        columns.ids.push(event.event_id.clone());
        columns.sources.push(event.source.clone());
        columns.types.push(event.event_type.clone());
        columns.subjects.push(event.subject.clone());
        columns.meter_ids.push(event.meter_id.as_uuid());
        columns.meters.push(event.meter.to_string());
        columns.times.push(event.event_time);
        columns.arrivals.push(event.ingested_at);
        columns.quantities.push(event.quantity.to_string());
        columns.dimensions.push(event.dimensions.to_json());
    }
    sqlx::query!(
        "insert into usage_event (tenant_id, event_key, event_id, source, type, subject, meter_id, meter,
                                  event_time, ingested_at, quantity, dimensions)
         select e.tenant_id, e.key, e.id, e.source, e.type, e.subject, e.meter_id, e.meter, e.at, e.arrival,
                e.quantity::numeric, e.dimensions::jsonb
           from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::uuid[],
                       $8::text[], $9::timestamptz[], $10::timestamptz[], $11::text[], $12::text[])
             as e(tenant_id, key, id, source, type, subject, meter_id, meter, at, arrival, quantity, dimensions)",
        &columns.tenants,
        &columns.keys,
        &columns.ids,
        &columns.sources,
        &columns.types,
        &columns.subjects as _,
        &columns.meter_ids,
        &columns.meters,
        &columns.times,
        &columns.arrivals,
        &columns.quantities,
        &columns.dimensions,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The accepted event of a key. Its oldest, when a sender used an id again after the dedupe window.
///
/// # Errors
/// When the database does not answer.
pub async fn find(
    conn: &mut Conn,
    tenant_id: TenantId,
    key: EventKey,
) -> Result<Option<BookedEvent>, StoreError> {
    let row = sqlx::query_as!(
        EventRow,
        r#"select tenant_id, event_key, event_id, source, type as event_type, subject, meter_id, meter,
                  event_time, ingested_at, quantity::text as "quantity!",
                  dimensions as "dimensions: Named"
             from usage_event where tenant_id = $1 and event_key = $2
            order by ingested_at limit 1"#,
        tenant_id.as_uuid(),
        key.as_uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(BookedEvent::try_from).transpose()
}

type Named = sqlx::types::Json<std::collections::BTreeMap<String, String>>;

struct EventRow {
    tenant_id: Uuid,
    event_key: Uuid,
    event_id: String,
    source: String,
    event_type: String,
    subject: Option<String>,
    meter_id: Uuid,
    meter: String,
    event_time: DateTime<Utc>,
    ingested_at: DateTime<Utc>,
    quantity: String,
    dimensions: Named,
}

impl TryFrom<EventRow> for BookedEvent {
    type Error = StoreError;

    fn try_from(row: EventRow) -> Result<Self, Self::Error> {
        Ok(Self {
            tenant_id: TenantId::from_uuid(row.tenant_id),
            key: EventKey::from_uuid(row.event_key),
            event_id: row.event_id,
            source: row.source,
            event_type: row.event_type,
            subject: row.subject,
            meter_id: MeterId::from_uuid(row.meter_id),
            meter: row.meter.parse().map_err(StoreError::unreadable)?,
            event_time: row.event_time,
            ingested_at: row.ingested_at,
            quantity: Quantity::from_ledger(&row.quantity).map_err(StoreError::unreadable)?,
            dimensions: row.dimensions.0.into_iter().collect(),
        })
    }
}
