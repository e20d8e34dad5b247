//! Rows and sums: what source, bucket and warehouse must agree on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Quantity38;

/// Rows and the exact sum of one meter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeterTotal {
    /// Number of events.
    pub rows: i64,
    /// Sum of their quantities.
    pub quantity: Quantity38,
}

/// Rows and sums of a batch by meter, as one place sees them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Totals(BTreeMap<String, MeterTotal>);

/// A count or sum left its range; nothing is wrapped or rounded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the total of meter {meter} does not fit DECIMAL(38,9)")]
pub struct TotalsOverflow {
    meter: String,
}

impl Totals {
    /// Adds `rows` events of together `quantity`.
    pub fn add(&mut self, meter: &str, rows: i64, quantity: Quantity38) -> Result<(), TotalsOverflow> {
        let overflow = || TotalsOverflow {
            meter: meter.to_owned(),
        };
        if !self.0.contains_key(meter) {
            self.0.insert(meter.to_owned(), MeterTotal::default());
        }
        let total = self.0.get_mut(meter).ok_or_else(overflow)?;
        total.rows = total.rows.checked_add(rows).ok_or_else(overflow)?;
        total.quantity = total.quantity.checked_add(quantity).ok_or_else(overflow)?;
        Ok(())
    }

    /// Adds everything `other` counted.
    pub fn merge(&mut self, other: &Self) -> Result<(), TotalsOverflow> {
        other
            .iter()
            .try_for_each(|(meter, total)| self.add(meter, total.rows, total.quantity))
    }

    /// Rows of all meters.
    pub fn rows(&self) -> i64 {
        self.0
            .values()
            .fold(0, |rows, total| rows.saturating_add(total.rows))
    }

    /// One meter's total, if it was counted at all.
    pub fn get(&self, meter: &str) -> Option<MeterTotal> {
        self.0.get(meter).copied()
    }

    /// Meters in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, MeterTotal)> {
        self.0.iter().map(|(meter, total)| (meter.as_str(), *total))
    }

    /// True when nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_add_up_per_meter_and_travel_as_strings() {
        let quantity = |text: &str| text.parse::<Quantity38>().expect("a quantity");
        let mut totals = Totals::default();
        totals.add("scans", 1, quantity("0.1")).expect("fits");
        totals.add("scans", 1, quantity("0.2")).expect("fits");
        totals.add("bytes", 2, quantity("7")).expect("fits");
        assert_eq!(totals.rows(), 4);
        let text = serde_json::to_string(&totals).expect("serialises");
        assert_eq!(
            text,
            r#"{"bytes":{"rows":2,"quantity":"7.000000000"},"scans":{"rows":2,"quantity":"0.300000000"}}"#
        );
        assert_eq!(serde_json::from_str::<Totals>(&text).expect("reads back"), totals);
    }
}
