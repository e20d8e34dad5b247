//! Today's usage as it is counted: whole values, at most once a second, and only when something changed.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{Stream, StreamExt, stream};
use serde::{Deserialize, Serialize};
use service_kit::sse::SseEvent;
use tenant_model::usage::{Granularity, Tally};
use tenant_model::{Meter, MeterId, Quantity, TenantId};
use tenant_store::{StoreError, meters, rollups, stream_shards};
use utoipa::ToSchema;

use crate::{App, scope};

const INTERVAL: Duration = Duration::from_secs(1);

/// Data of the event `usage`: the meters that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LiveUsage {
    /// Which day of UTC the totals are of.
    pub day: DateTime<Utc>,
    /// When this was read.
    pub at: DateTime<Utc>,
    /// The meters that changed since the event before; all of them in the first.
    pub meters: Vec<LiveMeter>,
}

/// One meter's day so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LiveMeter {
    /// The meter's short name.
    pub meter: String,
    /// What one of it is called.
    pub unit: String,
    /// The day's number so far.
    pub total: String,
    /// What came since the event before; the total in the first.
    pub delta: String,
    /// Events of the day so far.
    pub events: u64,
}

/// Data of the event `watermark`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LiveWatermark {
    /// What arrived before this moment is in the numbers.
    pub watermark: Option<DateTime<Utc>>,
}

/// Events `usage` and `watermark` for a tenant, or for the fleet. Ends when the process stops or the
/// database stays away.
pub fn live(app: App, subject: Option<TenantId>) -> impl Stream<Item = SseEvent> + Send + 'static {
    let watch = Watch {
        app,
        subject,
        last: HashMap::new(),
        watermark: None,
        sent: 0,
        first: true,
    };
    stream::unfold(watch, |mut watch| async move {
        let events = watch.next().await?;
        Some((stream::iter(events), watch))
    })
    .flatten()
}

struct Watch {
    app: App,
    subject: Option<TenantId>,
    last: HashMap<MeterId, Tally>,
    watermark: Option<DateTime<Utc>>,
    sent: i64,
    first: bool,
}

struct Reading {
    day: DateTime<Utc>,
    meters: Vec<Meter>,
    totals: HashMap<MeterId, Tally>,
    watermark: Option<DateTime<Utc>>,
}

impl Watch {
    /// Waits for the next change; `None` when the database does not answer: the reader comes back.
    async fn next(&mut self) -> Option<Vec<SseEvent>> {
        loop {
            if !std::mem::take(&mut self.first) {
                tokio::time::sleep(INTERVAL).await;
            }
            match self.read().await {
                Ok(reading) => {
                    let events = self.compare(reading);
                    if !events.is_empty() {
                        return Some(events);
                    }
                }
                Err(error) => {
                    tracing::warn!(error = %error, "live usage could not be read");
                    return None;
                }
            }
        }
    }

    async fn read(&self) -> Result<Reading, StoreError> {
        let day = Granularity::Day.floor(self.app.kit.clock.now());
        let mut tx = scope::begin(&self.app.stores, self.subject).await?;
        let watermark = stream_shards::status(&mut tx, self.app.stream.name())
            .await?
            .watermark;
        let meters = meters::list(&mut tx).await?;
        let totals = rollups::totals(&mut tx, self.subject, (day, day + TimeDelta::days(1))).await?;
        tx.commit().await?;
        Ok(Reading {
            day,
            meters,
            totals: totals.into_iter().collect(),
            watermark,
        })
    }

    fn compare(&mut self, reading: Reading) -> Vec<SseEvent> {
        let at = self.app.kit.clock.now();
        let changed: Vec<_> = reading
            .meters
            .iter()
            .filter(|meter| self.sent == 0 || reading.totals.get(&meter.id) != self.last.get(&meter.id))
            .map(|meter| live_meter(meter, reading.totals.get(&meter.id), self.last.get(&meter.id)))
            .collect();
        let mut events = Vec::new();
        if !changed.is_empty() {
            let usage = LiveUsage {
                day: reading.day,
                at,
                meters: changed,
            };
            self.sent += 1;
            events.push(SseEvent::json(self.sent, "usage", &usage));
        }
        if reading.watermark != self.watermark {
            self.sent += 1;
            let watermark = LiveWatermark {
                watermark: reading.watermark,
            };
            events.push(SseEvent::json(self.sent, "watermark", &watermark));
        }
        self.last = reading.totals;
        self.watermark = reading.watermark;
        events
    }
}

fn live_meter(meter: &Meter, now: Option<&Tally>, before: Option<&Tally>) -> LiveMeter {
    let aggregation = meter.definition.aggregation();
    let value = |tally: Option<&Tally>| tally.map_or(Quantity::ZERO, |tally| tally.value(aggregation));
    // At midnight the total falls to zero; then everything is new.
    let delta = value(now)
        .checked_sub(value(before))
        .unwrap_or_else(|| value(now));
    LiveMeter {
        meter: meter.definition.key().to_string(),
        unit: meter.definition.unit().to_owned(),
        total: value(now).to_string(),
        delta: delta.to_string(),
        events: now.map_or(0, |tally| tally.count),
    }
}
