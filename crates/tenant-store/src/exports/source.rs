//! The booked usage events as the export reads them. usage-metering writes them; nothing here changes one.
//!
//! `booked_in` is the id of the transaction that booked the event. Below the oldest transaction still open
//! ([`find_sealed`]) every id is decided: committed rows are visible to every later snapshot, the others never
//! will be. A window that ends there can be read again at any time and gives the same rows.

use chrono::{DateTime, Utc};
use tenant_model::TenantId;
use tenant_model::export::{BookedEvent, Reach, Totals, Window};
use uuid::Uuid;

use crate::{Conn, StoreError};

/// Bytes counted for a row besides its texts: ids, times, quantity and what a vector of rows costs.
const ROW_OVERHEAD_BYTES: i64 = 400;

/// How much one window may hold.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Most rows.
    pub rows: i64,
    /// Most bytes in memory, as counted by this module.
    pub bytes: i64,
}

/// The oldest transaction still open: nothing can be booked below it any more.
///
/// # Errors
/// When the database does not answer.
pub async fn find_sealed(conn: &mut Conn) -> Result<i64, StoreError> {
    Ok(
        sqlx::query_scalar!(r#"select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as "sealed!""#)
            .fetch_one(conn)
            .await?,
    )
}

/// How far the rows in `[lo, sealed)` fit the budget.
///
/// # Errors
/// When the database does not answer.
pub async fn find_reach(conn: &mut Conn, lo: i64, sealed: i64, budget: Budget) -> Result<Reach, StoreError> {
    // The window function counts whole transactions, because rows with equal booked_in are peers. The limit
    // may cut the last one short; it then has one row more than the budget and does not fit.
    let row = sqlx::query!(
        r#"select coalesce(max(position) filter (where rows <= $3::bigint and bytes <= $4::bigint), min(position)) as fits,
                  max(position) as last, count(*) as "candidates!"
           from (select booked_in::text::bigint as position,
                        count(*) over (order by booked_in) as rows,
                        sum($5::bigint + octet_length(dimensions::text) + octet_length(event_id) + octet_length(source))
                          over (order by booked_in) as bytes
                   from (select booked_in, dimensions, event_id, source from usage_event
                          where booked_in >= $1::bigint::text::xid8 and booked_in < $2::bigint::text::xid8
                          order by booked_in limit $3::bigint + 1) candidate) running"#,
        lo,
        sealed,
        budget.rows,
        budget.bytes,
        ROW_OVERHEAD_BYTES,
    )
    .fetch_one(conn)
    .await?;
    Ok(match (row.fits, row.last) {
        (Some(fits), Some(last)) if fits == last && row.candidates <= budget.rows => Reach::All,
        (Some(fits), _) => Reach::Until(fits),
        (None, _) => Reach::Nothing,
    })
}

/// All events of a window, in no order.
///
/// # Errors
/// When the database does not answer.
pub async fn list(conn: &mut Conn, window: Window) -> Result<Vec<BookedEvent>, StoreError> {
    let rows = sqlx::query_as!(
        EventRow,
        r#"select tenant_id, event_id, source, type as event_type, meter, event_time, ingested_at,
                  quantity::text as "quantity!", dimensions::text as "dimensions!"
             from usage_event
            where booked_in >= $1::bigint::text::xid8 and booked_in < $2::bigint::text::xid8"#,
        window.lo(),
        window.hi(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(BookedEvent::try_from).collect()
}

/// Rows and sums of a window, counted by the database.
///
/// # Errors
/// When the database does not answer.
pub async fn sum(conn: &mut Conn, window: Window) -> Result<Totals, StoreError> {
    let rows = sqlx::query!(
        r#"select meter, count(*) as "rows!", sum(quantity)::text as "quantity!" from usage_event
            where booked_in >= $1::bigint::text::xid8 and booked_in < $2::bigint::text::xid8
            group by meter"#,
        window.lo(),
        window.hi(),
    )
    .fetch_all(conn)
    .await?;
    let mut totals = Totals::default();
    for row in rows {
        let quantity = row.quantity.parse().map_err(StoreError::unreadable)?;
        totals
            .add(&row.meter, row.rows, quantity)
            .map_err(StoreError::unreadable)?;
    }
    Ok(totals)
}

struct EventRow {
    tenant_id: Uuid,
    event_id: String,
    source: String,
    event_type: String,
    meter: String,
    event_time: DateTime<Utc>,
    ingested_at: DateTime<Utc>,
    quantity: String,
    dimensions: String,
}

impl TryFrom<EventRow> for BookedEvent {
    type Error = StoreError;

    fn try_from(row: EventRow) -> Result<Self, Self::Error> {
        Ok(Self {
            tenant_id: TenantId::from_uuid(row.tenant_id),
            event_id: row.event_id,
            source: row.source,
            event_type: row.event_type,
            meter: row.meter,
            event_time: row.event_time,
            ingested_at: row.ingested_at,
            quantity: row.quantity.parse().map_err(StoreError::unreadable)?,
            dimensions: row.dimensions,
        })
    }
}
