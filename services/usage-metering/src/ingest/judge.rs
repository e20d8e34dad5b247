//! The door: which events go on, and what the sender is told of the others.

use std::collections::HashMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use tenant_model::TenantId;
use tenant_model::usage::{EventKey, Rejection, TimeBounds, UsageEvent};

use crate::block::RawEvent;
use crate::meters::MeterSet;

/// What became of one event of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The stream has it.
    Accepted,
    /// The request holds it twice.
    Duplicate,
    /// The request holds its key with another payload.
    Conflict,
    /// It will never count as it is.
    Rejected(Rejection),
    /// The stream did not take it in time; send it again.
    Unavailable,
}

/// An event that goes on.
#[derive(Debug)]
pub(super) struct Passed {
    /// Its place in the request.
    pub(super) index: usize,
    /// Decides its shard.
    pub(super) bucket: u16,
    /// What is sent.
    pub(super) event: RawEvent,
}

/// A request after the door.
#[derive(Debug, Default)]
pub(super) struct Judged {
    /// One for each event, in order; what passed is `Accepted` in the hope of the stream.
    pub(super) outcomes: Vec<Outcome>,
    /// What goes on. Twins go on as well: booking decides which one counts.
    pub(super) passed: Vec<Passed>,
    /// How many were rejected.
    pub(super) rejected: u64,
}

/// What the door knows.
pub(super) struct Door<'a> {
    pub(super) tenant: TenantId,
    pub(super) arrived_at: DateTime<Utc>,
    pub(super) bounds: TimeBounds,
    pub(super) meters: &'a MeterSet,
}

impl Door<'_> {
    /// Judges each event by itself; one bad event never harms its neighbours.
    pub(super) fn judge(&self, events: Vec<Bytes>) -> Judged {
        let mut judged = Judged::default();
        let mut seen: HashMap<EventKey, i32> = HashMap::new();
        for (index, json) in events.into_iter().enumerate() {
            let outcome = match self.check(&json) {
                Err(rejection) => {
                    judged.rejected += 1;
                    Outcome::Rejected(rejection)
                }
                Ok((key, payload)) => {
                    let event = RawEvent {
                        arrived_at: self.arrived_at,
                        json,
                    };
                    judged.passed.push(Passed {
                        index,
                        bucket: key.bucket(),
                        event,
                    });
                    match seen.insert(key, payload) {
                        None => Outcome::Accepted,
                        Some(twin) if twin == payload => Outcome::Duplicate,
                        Some(first) => {
                            seen.insert(key, first);
                            Outcome::Conflict
                        }
                    }
                }
            };
            judged.outcomes.push(outcome);
        }
        judged
    }

    fn check(&self, json: &[u8]) -> Result<(EventKey, i32), Rejection> {
        let event = UsageEvent::parse(json)?;
        event.check_tenant(self.tenant)?;
        event.check_time(self.arrived_at, self.bounds)?;
        // A type without a meter goes on: it is kept aside until somebody defines one.
        if let Some(meter) = self.meters.by_type(event.event_type()) {
            event.measure(meter)?;
        }
        Ok((event.key(self.tenant), event.payload_hash()))
    }
}
