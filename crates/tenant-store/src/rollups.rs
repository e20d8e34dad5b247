//! Rollups: what each window holds. Written by usage-metering in the booking transaction; charts, invoices
//! and lists read these and never the events.

use chrono::{DateTime, Utc};
use tenant_model::usage::{Granularity, Rollups, Tally};
use tenant_model::{MeterId, Quantity, TenantId};
use uuid::Uuid;

use crate::{Conn, StoreError};

/// How a reading is split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SplitBy {
    /// Not at all.
    Nothing,
    /// By tenant; role `ops` only.
    Tenant,
    /// By the values of one dimension.
    Dimension(String),
}

/// Which windows are read.
#[derive(Clone, Debug)]
pub struct RollupQuery {
    /// Whose; none is everybody's (role `ops`).
    pub tenant_id: Option<TenantId>,
    /// Of which meter.
    pub meter_id: MeterId,
    /// Of which length.
    pub granularity: Granularity,
    /// From this window on.
    pub from: DateTime<Utc>,
    /// Up to and without this window.
    pub to: DateTime<Utc>,
    /// Split how.
    pub split: SplitBy,
}

/// One window of one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollupRow {
    /// Where the window begins.
    pub window_start: DateTime<Utc>,
    /// The tenant's id or the dimension's value; none when not split or when the event had none.
    pub group: Option<String>,
    /// What it holds.
    pub tally: Tally,
}

/// Adds a batch's deltas, in the order of their keys.
///
/// # Errors
/// When the database does not answer.
pub async fn add(conn: &mut Conn, slot: i16, deltas: &Rollups) -> Result<(), StoreError> {
    let mut columns = Columns::default();
    deltas.iter().for_each(|(key, tally)| {
        columns.tenants.push(key.tenant.as_uuid());
        columns.meters.push(key.meter.as_uuid());
        columns.granularities.push(key.granularity.as_str().to_owned());
        columns.starts.push(key.window_start);
        columns.dimension_keys.push(key.dimensions.key());
        columns.dimensions.push(key.dimensions.to_json());
        columns
            .counts
            .push(i64::try_from(tally.count).unwrap_or(i64::MAX));
        columns.sums.push(tally.sum.to_string());
        columns.mins.push(tally.min.to_string());
        columns.maxs.push(tally.max.to_string());
    });
    sqlx::query!(
        "insert into usage_rollup as r (tenant_id, meter_id, granularity, window_start, dimensions_key, slot,
                                        dimensions, count, sum, min, max)
         select d.tenant_id, d.meter_id, d.granularity, d.start, d.dimensions_key, $11, d.dimensions::jsonb,
                d.count, d.sum::numeric, d.min::numeric, d.max::numeric
           from unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::uuid[], $6::text[],
                       $7::bigint[], $8::text[], $9::text[], $10::text[])
             as d(tenant_id, meter_id, granularity, start, dimensions_key, dimensions, count, sum, min, max)
         on conflict (tenant_id, meter_id, granularity, window_start, dimensions_key, slot) do update
            set count = r.count + excluded.count, sum = r.sum + excluded.sum,
                min = least(r.min, excluded.min), max = greatest(r.max, excluded.max)",
        &columns.tenants,
        &columns.meters,
        &columns.granularities,
        &columns.starts,
        &columns.dimension_keys,
        &columns.dimensions,
        &columns.counts,
        &columns.sums,
        &columns.mins,
        &columns.maxs,
        slot,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Reads windows, added up over the slots, in order of time and group.
///
/// # Errors
/// When the database does not answer.
pub async fn list(conn: &mut Conn, query: &RollupQuery) -> Result<Vec<RollupRow>, StoreError> {
    let (by_tenant, dimension) = match &query.split {
        SplitBy::Nothing => (false, None),
        SplitBy::Tenant => (true, None),
        SplitBy::Dimension(name) => (false, Some(name.as_str())),
    };
    let rows = sqlx::query!(
        r#"select window_start as "window_start!",
                  case when $6 then tenant_id::text else dimensions ->> $7 end as grp,
                  sum(count)::bigint as "count!", sum(sum)::text as "sum!",
                  min(min)::text as "min!", max(max)::text as "max!"
             from usage_rollup
            where ($1::uuid is null or tenant_id = $1) and meter_id = $2 and granularity = $3
              and window_start >= $4 and window_start < $5
            group by 1, 2 order by 1, 2"#,
        query.tenant_id.map(|id| id.as_uuid()),
        query.meter_id.as_uuid(),
        query.granularity.as_str(),
        query.from,
        query.to,
        by_tenant,
        dimension,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let tally = tally(row.count, [&row.sum, &row.min, &row.max])?;
            Ok(RollupRow {
                window_start: row.window_start,
                group: row.grp,
                tally,
            })
        })
        .collect()
}

/// The sum of each meter over whole days, of one tenant or (role `ops`) of all.
///
/// # Errors
/// When the database does not answer.
pub async fn totals(
    conn: &mut Conn,
    tenant_id: Option<TenantId>,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<(MeterId, Tally)>, StoreError> {
    let rows = sqlx::query!(
        r#"select meter_id, sum(count)::bigint as "count!", sum(sum)::text as "sum!",
                  min(min)::text as "min!", max(max)::text as "max!"
             from usage_rollup
            where ($1::uuid is null or tenant_id = $1) and granularity = 'day'
              and meter_id in (select meter_id from meter) and window_start >= $2 and window_start < $3
            group by meter_id order by meter_id"#,
        tenant_id.map(|id| id.as_uuid()),
        from,
        to,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let tally = tally(row.count, [&row.sum, &row.min, &row.max])?;
            Ok((MeterId::from_uuid(row.meter_id), tally))
        })
        .collect()
}

/// Forgets minutes that began before `before`, at most `limit` rows; gives the number forgotten.
///
/// # Errors
/// When the database does not answer.
pub async fn delete_minutes(conn: &mut Conn, before: DateTime<Utc>, limit: i64) -> Result<u64, StoreError> {
    let deleted = sqlx::query!(
        "delete from usage_rollup where ctid = any(array(
           select ctid from usage_rollup
            where meter_id in (select meter_id from meter) and granularity = 'minute' and window_start < $1
            limit $2 for update skip locked))",
        before,
        limit,
    )
    .execute(conn)
    .await?;
    Ok(deleted.rows_affected())
}

#[derive(Default)]
struct Columns {
    tenants: Vec<Uuid>,
    meters: Vec<Uuid>,
    granularities: Vec<String>,
    starts: Vec<DateTime<Utc>>,
    dimension_keys: Vec<Uuid>,
    dimensions: Vec<String>,
    counts: Vec<i64>,
    sums: Vec<String>,
    mins: Vec<String>,
    maxs: Vec<String>,
}

fn tally(count: i64, [sum, min, max]: [&str; 3]) -> Result<Tally, StoreError> {
    let read = |text: &str| Quantity::from_ledger(text).map_err(StoreError::unreadable);
    Ok(Tally {
        count: u64::try_from(count).map_err(StoreError::unreadable)?,
        sum: read(sum)?,
        min: read(min)?,
        max: read(max)?,
    })
}
