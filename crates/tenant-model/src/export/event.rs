//! A booked usage event as the export sees it, and the order it is written in.

use std::collections::HashMap;
use std::ops::Range;

use chrono::{DateTime, NaiveDate, Utc};

use super::{Quantity38, Totals, TotalsOverflow, tenant_bucket};
use crate::ids::TenantId;

/// One row of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookedEvent {
    /// Whose usage.
    pub tenant_id: TenantId,
    /// The producer's id of the event, unique with tenant and source.
    pub event_id: String,
    /// CloudEvents `source`.
    pub source: String,
    /// CloudEvents `type`.
    pub event_type: String,
    /// What is counted.
    pub meter: String,
    /// When it happened.
    pub event_time: DateTime<Utc>,
    /// When we received it.
    pub ingested_at: DateTime<Utc>,
    /// How much.
    pub quantity: Quantity38,
    /// The producer's own attributes, as the database prints its JSON.
    pub dimensions: String,
}

/// The events of one file: a run of the sorted window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// See [`tenant_bucket`].
    pub tenant_bucket: i16,
    /// Day of the events, in UTC.
    pub day: NaiveDate,
    /// Where in the sorted window they stand.
    pub rows: Range<usize>,
}

/// Sorts a window by bucket, day, tenant, meter, time and id, and says where each file begins and ends.
///
/// The order is total, because an event is unique by tenant, source and id: the same window gives the same
/// files whatever order the database returned it in.
pub fn arrange(events: &mut [BookedEvent]) -> Vec<Partition> {
    let buckets = buckets_of(events);
    let partition_of = |event: &BookedEvent| (buckets[&event.tenant_id], event.event_time.date_naive());
    events.sort_unstable_by(|one, other| {
        partition_of(one)
            .cmp(&partition_of(other))
            .then_with(|| (one.tenant_id, &one.meter).cmp(&(other.tenant_id, &other.meter)))
            .then_with(|| (one.event_time, &one.event_id).cmp(&(other.event_time, &other.event_id)))
            .then_with(|| one.source.cmp(&other.source))
    });
    let mut start = 0;
    events
        .chunk_by(|one, other| partition_of(one) == partition_of(other))
        .map(|run| {
            let (tenant_bucket, day) = partition_of(&run[0]);
            let rows = start..start + run.len();
            start = rows.end;
            Partition {
                tenant_bucket,
                day,
                rows,
            }
        })
        .collect()
}

/// Rows and sums of some events.
pub fn totals_of(events: &[BookedEvent]) -> Result<Totals, TotalsOverflow> {
    let mut totals = Totals::default();
    for event in events {
        totals.add(&event.meter, 1, event.quantity)?;
    }
    Ok(totals)
}

/// One hash per tenant instead of one per comparison.
fn buckets_of(events: &[BookedEvent]) -> HashMap<TenantId, i16> {
    let mut buckets = HashMap::new();
    for event in events {
        buckets
            .entry(event.tenant_id)
            .or_insert_with(|| tenant_bucket(event.tenant_id));
    }
    buckets
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn event(tenant: u128, minutes: i64, id: u32) -> BookedEvent {
        let time = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::minutes(minutes);
        BookedEvent {
            tenant_id: TenantId::from_uuid(Uuid::from_u128(tenant)),
            event_id: format!("evt-{id}"),
            source: "test".to_owned(),
            event_type: "scan".to_owned(),
            meter: if id.is_multiple_of(2) { "scans" } else { "bytes" }.to_owned(),
            event_time: time,
            ingested_at: time,
            quantity: Quantity38::from_billionths(i128::from(id)).expect("small"),
            dimensions: "{}".to_owned(),
        }
    }

    proptest! {
        #[test]
        fn any_order_of_the_same_events_is_arranged_alike(
            seeds in prop::collection::vec((0u128..8, 0i64..5000), 1..60),
            turn in 0usize..60,
        ) {
            let mut events: Vec<_> = seeds
                .iter()
                .enumerate()
                .map(|(id, (tenant, minutes))| event(*tenant, *minutes, u32::try_from(id).unwrap_or(0)))
                .collect();
            let mut turned = events.clone();
            turned.rotate_left(turn % seeds.len());
            let partitions = arrange(&mut events);
            prop_assert_eq!(&arrange(&mut turned), &partitions);
            prop_assert_eq!(&turned, &events);
            // The runs cover every event once, and each holds one bucket and one day.
            let covered: Vec<usize> = partitions.iter().flat_map(|partition| partition.rows.clone()).collect();
            prop_assert_eq!(covered, (0..events.len()).collect::<Vec<_>>());
            for partition in &partitions {
                for row in &events[partition.rows.clone()] {
                    prop_assert_eq!(tenant_bucket(row.tenant_id), partition.tenant_bucket);
                    prop_assert_eq!(row.event_time.date_naive(), partition.day);
                }
            }
        }
    }
}
