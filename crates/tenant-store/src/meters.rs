//! Meters. Written by usage-metering when an operator defines one; never changed.

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use tenant_model::meter::{Dimension, MeterParts};
use tenant_model::{Meter, MeterDefinition, MeterId};

use crate::{Conn, StoreError};

/// All meters, the oldest first. There are tens of them, not thousands.
///
/// # Errors
/// When the database does not answer.
pub async fn list(conn: &mut Conn) -> Result<Vec<Meter>, StoreError> {
    let rows = sqlx::query_as!(
        MeterRow,
        r#"select meter_id, key, name, event_type, aggregation, value_pointer, unit,
                  dimensions as "dimensions: Json<Vec<Dimension>>", created_at
             from meter order by meter_id"#,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Meter::try_from).collect()
}

/// Adds a meter.
///
/// # Errors
/// The constraint `meter_key_taken` or `meter_event_type_taken` when another meter has the name.
pub async fn insert(conn: &mut Conn, meter: &Meter) -> Result<(), StoreError> {
    let definition = &meter.definition;
    sqlx::query!(
        "insert into meter (meter_id, key, name, event_type, aggregation, value_pointer, unit, dimensions, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        meter.id.as_uuid(),
        definition.key().as_str(),
        definition.name(),
        definition.event_type(),
        definition.aggregation().as_str(),
        definition.value().map(tenant_model::meter::DataPointer::as_str),
        definition.unit(),
        Json(definition.dimensions()) as _,
        meter.created_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

struct MeterRow {
    meter_id: uuid::Uuid,
    key: String,
    name: String,
    event_type: String,
    aggregation: String,
    value_pointer: Option<String>,
    unit: String,
    dimensions: Json<Vec<Dimension>>,
    created_at: DateTime<Utc>,
}

impl TryFrom<MeterRow> for Meter {
    type Error = StoreError;

    fn try_from(row: MeterRow) -> Result<Self, Self::Error> {
        let value = row.value_pointer.map(|pointer| pointer.parse()).transpose();
        let definition = MeterDefinition::new(MeterParts {
            key: row.key.parse().map_err(StoreError::unreadable)?,
            name: row.name,
            event_type: row.event_type,
            aggregation: row.aggregation.parse().map_err(StoreError::unreadable)?,
            value: value.map_err(StoreError::unreadable)?,
            unit: row.unit,
            dimensions: row.dimensions.0,
        });
        Ok(Self {
            id: MeterId::from_uuid(row.meter_id),
            definition: definition.map_err(StoreError::unreadable)?,
            created_at: row.created_at,
        })
    }
}
