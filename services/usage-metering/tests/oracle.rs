//! Random schedules against a model that knows nothing of streams: each event once, whatever happens.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod support;

use std::collections::HashMap;

use aws_access::kinesis::{PutEntry, ReadFrom};
use chrono::TimeDelta;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use support::{Metering, drain, rows, stop_after};
use tenant_model::TenantId;

/// What should be: the first payload of each (tenant, id) counts.
#[derive(Default)]
struct Model {
    counted: HashMap<(TenantId, String), Value>,
    sent: HashMap<TenantId, i64>,
    rejected: HashMap<TenantId, i64>,
    unknown: HashMap<TenantId, i64>,
}

impl Model {
    fn total(&self, tenant: TenantId) -> i64 {
        let own = self.counted.iter().filter(|((owner, _), _)| *owner == tenant);
        own.map(|(_, event)| event["data"]["value"].as_i64().unwrap())
            .sum()
    }

    fn accepted(&self, tenant: TenantId) -> i64 {
        self.counted.keys().filter(|(owner, _)| *owner == tenant).count() as i64
    }
}

struct Schedule {
    metering: Metering,
    random: StdRng,
    tenants: Vec<TenantId>,
    model: Model,
    next: u64,
}

impl Schedule {
    /// A request of new events, exact copies of old ones, unknown types and nonsense.
    async fn report(&mut self) {
        let tenant = self.tenants[self.random.random_range(0..self.tenants.len())];
        let mut events = Vec::new();
        for _ in 0..self.random.random_range(1..40) {
            events.push(self.event(tenant));
        }
        *self.model.sent.entry(tenant).or_default() += events.len() as i64;
        self.metering.report(tenant, &events).await;
    }

    fn event(&mut self, tenant: TenantId) -> Value {
        let old: Vec<_> = self
            .model
            .counted
            .iter()
            .filter(|((owner, _), _)| *owner == tenant)
            .collect();
        match self.random.random_range(0..20) {
            0 => {
                *self.model.rejected.entry(tenant).or_default() += 1;
                json!({"specversion": "1.0", "id": "no source"})
            }
            1 => {
                *self.model.unknown.entry(tenant).or_default() += 1;
                self.next += 1;
                let mut event = rows(&format!("u-{}", self.next), 1, self.metering.hour());
                event["type"] = json!("nobody.knows");
                event
            }
            2..=4 if !old.is_empty() => old[self.random.random_range(0..old.len())].1.clone(),
            _ => {
                self.next += 1;
                let id = format!("e-{}", self.next);
                let late = TimeDelta::minutes(self.random.random_range(0..4_000));
                let at = self.metering.world.kit.clock.now() - late;
                let event = rows(&id, self.random.random_range(0..1_000_i64), at);
                self.model.counted.insert((tenant, id), event.clone());
                event
            }
        }
    }

    /// Puts some records of the stream once more, shuffled, on any shard.
    async fn redeliver(&mut self) {
        let stream = self.metering.app.stream.clone();
        let mut copies = Vec::new();
        for shard in stream.shards().await.unwrap() {
            let iterator = stream.open(&shard.shard_id, ReadFrom::TrimHorizon).await.unwrap();
            let page = stream.read(&iterator, 20).await.unwrap().unwrap();
            copies.extend(page.records.into_iter().map(|record| record.data));
        }
        copies.shuffle(&mut self.random);
        for data in copies.into_iter().take(5) {
            let explicit_hash_key = self.random.random();
            stream
                .put(&[PutEntry {
                    explicit_hash_key,
                    data,
                }])
                .await
                .unwrap();
        }
    }

    async fn reshard(&mut self) {
        let stream = &self.metering.app.stream;
        let mut open: Vec<_> = stream
            .shards()
            .await
            .unwrap()
            .into_iter()
            .filter(|shard| shard.open)
            .collect();
        open.sort_by_key(|shard| shard.hash_range);
        let at = self.random.random_range(0..open.len());
        let (first, last) = open[at].hash_range;
        let done = if open.len() > 1 && self.random.random_bool(0.5) {
            let left = at.min(open.len() - 2);
            stream.merge(&open[left].shard_id, &open[left + 1].shard_id).await
        } else {
            stream.split(&open[at].shard_id, first + (last - first) / 2).await
        };
        // A stream that still reshards refuses; that is its right.
        if let Err(error) = done {
            assert!(
                error.code.contains("ResourceInUse") || error.code.contains("Limit"),
                "{error}"
            );
        }
        self.metering
            .world
            .advance(std::time::Duration::from_secs(60))
            .await;
    }

    /// A worker comes, works for a while and is killed in the middle of something.
    async fn worker_dies(&mut self, name: u32) {
        self.metering.world.expire_leases().await;
        let mut worker = self.metering.worker(&format!("mortal-{name}"));
        for _ in 0..self.random.random_range(0..3) {
            let _ = worker.pass().await;
        }
        let polls = self.random.random_range(1..80);
        let _ = stop_after(polls, worker.pass()).await;
    }

    async fn compare(&self) {
        for tenant in &self.tenants {
            let books = self.metering.books(*tenant).await;
            let total = self.metering.total(*tenant, "rows_scanned").await;
            assert_eq!(total, self.model.total(*tenant).to_string());
            assert_eq!(books.accepted, self.model.accepted(*tenant));
            assert_eq!(books.received, self.model.sent.get(tenant).copied().unwrap_or(0));
            assert_eq!(
                books.rejected,
                self.model.rejected.get(tenant).copied().unwrap_or(0)
            );
            assert_eq!(
                books.quarantined,
                self.model.unknown.get(tenant).copied().unwrap_or(0)
            );
            assert_eq!(books.conflict, 0);
        }
    }
}

#[tokio::test]
async fn any_schedule_of_copies_deaths_splits_and_merges_counts_each_event_once() {
    for seed in [1, 2, rand::random()] {
        println!("seed {seed}");
        let metering = Metering::start(2).await;
        let tenants = vec![metering.tenant("acme").await, metering.tenant("other").await];
        let random = StdRng::seed_from_u64(seed);
        let mut schedule = Schedule {
            metering,
            random,
            tenants,
            model: Model::default(),
            next: 0,
        };
        for step in 0..40 {
            match schedule.random.random_range(0..10) {
                0..=4 => schedule.report().await,
                5 => schedule.redeliver().await,
                6 => schedule.reshard().await,
                _ => schedule.worker_dies(step).await,
            }
        }
        schedule.metering.world.expire_leases().await;
        let mut last = schedule.metering.worker("last");
        drain(&mut last).await;
        drain(&mut last).await;
        schedule.compare().await;
    }
}

#[tokio::test]
async fn a_split_and_a_merge_are_read_in_order_and_lose_nothing() {
    let metering = Metering::start(2).await;
    let acme = metering.tenant("acme").await;
    let now = metering.world.kit.clock.now();
    let mut worker = metering.worker("only");
    let mut sent = 0;
    for round in 0..4 {
        let events: Vec<_> = (0..60).map(|n| rows(&format!("r{round}-{n}"), 1, now)).collect();
        metering.report(acme, &events).await;
        sent += events.len();
        let stream = &metering.app.stream;
        let mut open: Vec<_> = stream
            .shards()
            .await
            .unwrap()
            .into_iter()
            .filter(|shard| shard.open)
            .collect();
        open.sort_by_key(|shard| shard.hash_range);
        let (first, last) = open[0].hash_range;
        let done = if round % 2 == 0 {
            stream.split(&open[0].shard_id, first + (last - first) / 2).await
        } else {
            stream.merge(&open[0].shard_id, &open[1].shard_id).await
        };
        done.expect("the stream is active");
        metering.world.advance(std::time::Duration::from_secs(60)).await;
        if round == 1 {
            worker.pass().await.unwrap();
        }
    }
    drain(&mut worker).await;
    drain(&mut worker).await;

    assert_eq!(metering.total(acme, "rows_scanned").await, sent.to_string());
    let status = usage_metering::quarantine::stream_status(&metering.app)
        .await
        .unwrap();
    let open = metering
        .app
        .stream
        .shards()
        .await
        .unwrap()
        .into_iter()
        .filter(|shard| shard.open)
        .count();
    assert_eq!((status.open, status.waiting), (open as i64, 0));
    assert!(status.watermark.is_some());
}
