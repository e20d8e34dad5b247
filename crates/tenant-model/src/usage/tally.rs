//! Adding up: every aggregate is a state that merges, so order and batching never matter.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::dimensions::Dimensions;
use super::event::Measurement;
use super::window::Granularity;
use crate::ids::{MeterId, TenantId};
use crate::meter::Aggregation;
use crate::quantity::Quantity;

/// What a window holds: enough for each aggregation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Events.
    pub count: u64,
    /// Their quantities added up.
    pub sum: Quantity,
    /// The smallest.
    pub min: Quantity,
    /// The largest.
    pub max: Quantity,
}

impl Tally {
    /// One event.
    #[must_use]
    pub fn of(quantity: Quantity) -> Self {
        Self {
            count: 1,
            sum: quantity,
            min: quantity,
            max: quantity,
        }
    }

    /// Both together; `None` when the sum leaves 128 bits.
    #[must_use]
    pub fn merge(self, other: Self) -> Option<Self> {
        Some(Self {
            count: self.count.checked_add(other.count)?,
            sum: self.sum.checked_add(other.sum)?,
            min: self.min.min(other.min),
            max: self.max.max(other.max),
        })
    }

    /// The window's number under an aggregation.
    #[must_use]
    pub fn value(&self, aggregation: Aggregation) -> Quantity {
        match aggregation {
            Aggregation::Sum => self.sum,
            Aggregation::Count => Quantity::from_count(self.count),
            Aggregation::Min => self.min,
            Aggregation::Max => self.max,
        }
    }
}

/// Whose window it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RollupKey {
    /// The tenant.
    pub tenant: TenantId,
    /// The meter.
    pub meter: MeterId,
    /// How long the window is.
    pub granularity: Granularity,
    /// Where it begins.
    pub window_start: DateTime<Utc>,
    /// Split by what.
    pub dimensions: Dimensions,
}

/// The windows a batch of events touches. Sorted, so that two writers lock rows in one order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rollups(BTreeMap<RollupKey, Tally>);

impl Rollups {
    /// Counts one event in its minute, hour and day. False when a sum would leave 128 bits.
    #[must_use]
    pub fn count(
        &mut self,
        (tenant, meter): (TenantId, MeterId),
        at: DateTime<Utc>,
        measured: &Measurement,
    ) -> bool {
        Granularity::ALL.into_iter().all(|granularity| {
            let key = RollupKey {
                tenant,
                meter,
                granularity,
                window_start: granularity.floor(at),
                dimensions: measured.dimensions.clone(),
            };
            self.merge(key, Tally::of(measured.quantity))
        })
    }

    /// Adds a tally to a window.
    #[must_use]
    pub fn merge(&mut self, key: RollupKey, tally: Tally) -> bool {
        let merged = match self.0.get(&key) {
            Some(present) => present.merge(tally),
            None => Some(tally),
        };
        merged.map(|merged| self.0.insert(key, merged)).is_some()
    }

    /// The windows in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&RollupKey, &Tally)> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::{Dimensions, Measurement, Rollups};
    use crate::ids::{MeterId, TenantId};
    use crate::quantity::Quantity;

    #[derive(Clone, Debug)]
    struct Given {
        tenant: u128,
        meter: u128,
        second: i64,
        region: u8,
        value: i64,
    }

    fn given() -> impl Strategy<Value = Given> {
        (0..3_u128, 0..2_u128, 0..200_000_i64, 0..3_u8, 0..1_000_000_i64).prop_map(
            |(tenant, meter, second, region, value)| Given {
                tenant,
                meter,
                second,
                region,
                value,
            },
        )
    }

    fn count(rollups: &mut Rollups, event: &Given) {
        let owner = (
            TenantId::from_uuid(Uuid::from_u128(event.tenant)),
            MeterId::from_uuid(Uuid::from_u128(event.meter)),
        );
        let region = [("region".to_owned(), event.region.to_string())];
        let measured = Measurement {
            quantity: Quantity::from_event_integer(event.value).unwrap(),
            dimensions: region.into_iter().collect::<Dimensions>(),
        };
        let at = DateTime::UNIX_EPOCH + TimeDelta::seconds(event.second);
        assert!(rollups.count(owner, at, &measured));
    }

    proptest! {
        #[test]
        fn order_and_batching_change_nothing(
            events in proptest::collection::vec(given(), 0..60).prop_shuffle(),
            cuts in proptest::collection::vec(0..60_usize, 0..5),
        ) {
            let mut sorted = events.clone();
            sorted.sort_by_key(|event| (event.second, event.value, event.tenant));
            let mut at_once = Rollups::default();
            sorted.iter().for_each(|event| count(&mut at_once, event));

            let mut in_batches = Rollups::default();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(events.len())).collect();
            cuts.extend([0, events.len()]);
            cuts.sort_unstable();
            for span in cuts.windows(2) {
                let mut batch = Rollups::default();
                events[span[0]..span[1]].iter().for_each(|event| count(&mut batch, event));
                for (key, tally) in batch.iter() {
                    prop_assert!(in_batches.merge(key.clone(), *tally));
                }
            }
            prop_assert_eq!(at_once, in_batches);
        }
    }
}
