//! The demo's usage: seeded events of several tenants with duplicates, late and invalid ones among them, and
//! what a perfect ledger would hold afterwards.
//!
//! The expectation is computed here from what was generated and never from what the product answered.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, SecondsFormat, Utc};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use rust_decimal::Decimal;
use serde_json::json;

/// Meters the demo reports, and the decimals of their values. All are sums or counts, so that one total says it all.
pub(crate) const METERS: [(&str, u32); 3] = [("rows_scanned", 0), ("compute_seconds", 3), ("queries_run", 0)];
const DUPLICATES_PER_MILLE: u32 = 30;
const LATE_PER_MILLE: u32 = 10;
const INVALID_PER_MILLE: u32 = 2;
const UNKNOWN_METER_PER_MILLE: u32 = 1;
/// Duplicates come up to this many events later, so that most are in another request.
const DUPLICATE_DISTANCE_MAX: usize = 5_000;

/// What one event should become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Accepted,
    Duplicate,
    Rejected,
    Quarantined,
}

/// One event as it goes over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// Index of the tenant that sends it.
    pub(crate) tenant: usize,
    /// One CloudEvent.
    pub(crate) json: String,
    pub(crate) fate: Fate,
}

/// Everything to be sent, and the books as they should be.
pub(crate) struct Traffic {
    /// In the order of sending.
    pub(crate) events: Vec<Event>,
    /// Sum per tenant and meter over the unique valid events.
    pub(crate) expected: BTreeMap<(usize, &'static str), Decimal>,
}

impl Traffic {
    /// Draws `count` events of `tenants` tenants around `now`.
    pub(crate) fn draw(seed: u64, count: u32, tenants: usize, now: DateTime<Utc>) -> Self {
        let mut draw = Draw {
            random: StdRng::seed_from_u64(seed),
            now,
            tenants,
            expected: BTreeMap::new(),
        };
        let mut events: Vec<Event> = Vec::with_capacity(count as usize);
        while events.len() < count as usize {
            let event = match draw.random.random_range(0..1000) {
                n if n < DUPLICATES_PER_MILLE => again(&mut draw.random, &events),
                n if n < DUPLICATES_PER_MILLE + INVALID_PER_MILLE => Some(draw.invalid(events.len())),
                n if n < DUPLICATES_PER_MILLE + INVALID_PER_MILLE + UNKNOWN_METER_PER_MILLE => {
                    Some(draw.of_unknown_meter(events.len()))
                }
                _ => Some(draw.valid(events.len())),
            };
            events.extend(event);
        }
        Self {
            events,
            expected: draw.expected,
        }
    }

    /// The sum over all tenants and meters.
    pub(crate) fn total(&self) -> Decimal {
        self.expected.values().copied().sum()
    }
}

/// Sends an earlier valid event once more, byte for byte.
fn again(random: &mut StdRng, sent: &[Event]) -> Option<Event> {
    let back = random.random_range(1..=DUPLICATE_DISTANCE_MAX.min(sent.len().max(1)));
    let earlier = sent.get(sent.len().checked_sub(back)?)?;
    (earlier.fate == Fate::Accepted).then(|| Event {
        fate: Fate::Duplicate,
        ..earlier.clone()
    })
}

struct Draw {
    random: StdRng,
    now: DateTime<Utc>,
    tenants: usize,
    expected: BTreeMap<(usize, &'static str), Decimal>,
}

impl Draw {
    fn valid(&mut self, number: usize) -> Event {
        let tenant = self.random.random_range(0..self.tenants);
        let (meter, scale) = METERS[self.random.random_range(0..METERS.len())];
        let value = Decimal::new(self.random.random_range(1..1_000_000), scale);
        let counted = if meter == "queries_run" {
            Decimal::ONE
        } else {
            value
        };
        *self.expected.entry((tenant, meter)).or_default() += counted;
        let warehouse = ["small", "large"][self.random.random_range(0..2)];
        let data = json!({"value": value.to_string(), "warehouse": warehouse});
        Event {
            tenant,
            json: self.cloud_event(number, meter, &data),
            fate: Fate::Accepted,
        }
    }

    fn invalid(&mut self, number: usize) -> Event {
        let tenant = self.random.random_range(0..self.tenants);
        let value = ["-1", "NaN", "1000000000001", "0.0000000001"][self.random.random_range(0..4)];
        let json = self.cloud_event(number, "rows_scanned", &json!({"value": value}));
        Event {
            tenant,
            json,
            fate: Fate::Rejected,
        }
    }

    fn of_unknown_meter(&mut self, number: usize) -> Event {
        let tenant = self.random.random_range(0..self.tenants);
        let json = self.cloud_event(number, "meter_of_next_year", &json!({"value": "1"}));
        Event {
            tenant,
            json,
            fate: Fate::Quarantined,
        }
    }

    fn cloud_event(&mut self, number: usize, meter: &str, data: &serde_json::Value) -> String {
        let late = self.random.random_range(0..1000) < LATE_PER_MILLE;
        let age_seconds = if late {
            self.random.random_range(3_600..72 * 3_600)
        } else {
            self.random.random_range(0..300)
        };
        let time = self.now - Duration::seconds(age_seconds);
        json!({
            "specversion": "1.0",
            "id": format!("evt-{number}"),
            "source": "/demo/data-plane",
            "type": meter,
            "time": time.to_rfc3339_opts(SecondsFormat::Millis, true),
            "data": data,
        })
        .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn() -> Traffic {
        Traffic::draw(7, 20_000, 3, DateTime::UNIX_EPOCH + Duration::days(20_000))
    }

    #[test]
    fn the_mix_is_as_promised() {
        let traffic = drawn();
        let count = |fate| traffic.events.iter().filter(|event| event.fate == fate).count();
        let share = |fate| count(fate) * 1000 / traffic.events.len();
        assert!((25..=35).contains(&share(Fate::Duplicate)));
        assert!((1..=4).contains(&share(Fate::Rejected)));
        assert!(count(Fate::Quarantined) > 0);
    }

    #[test]
    fn the_same_seed_draws_the_same_and_expects_the_sum_of_unique_events() {
        let (one, two) = (drawn(), drawn());
        assert_eq!(one.total(), two.total());
        assert!(one.events.iter().zip(&two.events).all(|(a, b)| a.json == b.json));
        let recount: Decimal = one
            .events
            .iter()
            .filter(|event| event.fate == Fate::Accepted)
            .map(|event| {
                let parsed: serde_json::Value = serde_json::from_str(&event.json).unwrap();
                if parsed["type"] == "queries_run" {
                    return Decimal::ONE;
                }
                parsed["data"]["value"]
                    .as_str()
                    .unwrap()
                    .parse::<Decimal>()
                    .unwrap()
            })
            .sum();
        assert_eq!(recount, one.total());
    }
}
