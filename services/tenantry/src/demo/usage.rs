//! The demo's usage stages: send it, kill a consumer, compare the books; export it, compare again.

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use chrono::{DurationRound as _, TimeDelta, Utc};
use futures_util::stream::{self, TryStreamExt as _};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tenantry::Client;

use super::stages::Tour;
use super::traffic::{METERS, Traffic};
use super::workers::Worker;
use crate::progress::Progress;

const EVENTS_PER_REQUEST: usize = 1_000;
const REQUESTS_AT_ONCE: usize = 3;
const BATCH: &str = "application/cloudevents-batch+json";
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(90);

/// One request: whose key, and its body.
struct Request {
    tenant: usize,
    body: String,
}

impl Tour {
    /// Sends all traffic while two consumers book it, and kills one half-way.
    pub(super) async fn report_usage(
        &mut self,
        progress: &mut Progress,
        traffic: &Traffic,
    ) -> anyhow::Result<()> {
        progress.stage("Deployments report usage; a usage worker is killed on the way");
        let environment = self.world.environment();
        let doomed = Worker::spawn("usage-metering", &environment)?;
        let _survivor = Worker::spawn("usage-metering", &environment)?;
        let planes = self.data_planes().await?;
        let requests = requests(traffic, planes.len());
        let half = requests.len() / 2;
        let mut later = requests;
        let first = later.drain(..half).collect();
        send(&planes, first, progress).await?;
        // Some of it must be booked by then, or the kill would prove nothing.
        self.await_books(progress, 1).await?;
        doomed.kill().await?;
        self.figures.usage_workers_killed += 1;
        send(&planes, later, progress).await?;

        self.figures.events_sent = traffic.events.len() as u64;
        let books = self.await_books(progress, self.figures.events_sent).await?;
        let count = |field: &str| books["total"][field].as_u64().unwrap_or_default();
        self.figures.events_accepted = count("accepted");
        self.figures.events_duplicate = count("duplicate");
        self.figures.events_rejected = count("rejected");
        self.figures.events_quarantined = count("quarantined");
        self.figures.usage_expected = traffic.total().normalize().to_string();
        self.figures.usage_booked = self.booked().await?.normalize().to_string();
        Ok(())
    }

    /// Closes the window and waits until ledger, bucket and warehouse say the same.
    pub(super) async fn export(&mut self, progress: &mut Progress) -> anyhow::Result<()> {
        progress.stage("Export to S3 and the warehouse");
        self.operator.post("/v1/exports", &json!({})).await?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let page = self.operator.get("/v1/exports?limit=500").await?;
            let (bucket, warehouse) = (side(&page, "s3")?, side(&page, "warehouse")?);
            progress.detail(&format!(
                "{} rows in S3, {} in the warehouse",
                bucket.0, warehouse.0
            ));
            let settled = items(&page).iter().all(|batch| batch["balanced"] == true);
            if (settled && bucket.0 >= self.figures.events_accepted) || Instant::now() > deadline {
                self.figures.export_rows = bucket.0;
                self.figures.usage_exported = bucket.1.normalize().to_string();
                self.figures.warehouse_rows = warehouse.0;
                self.figures.usage_in_warehouse = warehouse.1.normalize().to_string();
                return Ok(());
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    /// A caller with an API key for each customer.
    async fn data_planes(&self) -> anyhow::Result<Vec<Client>> {
        let mut planes = Vec::new();
        for customer in &self.customers {
            planes.push(
                self.world
                    .api
                    .with(&customer.create_api_key("demo data plane").await?),
            );
        }
        Ok(planes)
    }

    /// Waits until at least `received` events are in the books, which must balance at every look.
    async fn await_books(&self, progress: &Progress, received: u64) -> anyhow::Result<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let books = self.operator.get("/v1/usage/balance").await?;
            let seen = books["total"]["received"].as_u64().unwrap_or_default();
            ensure!(
                books["total"]["difference"] == 0,
                "the books do not balance: {}",
                books["total"]
            );
            progress.detail(&format!("{seen} events in the books"));
            if seen >= received {
                return Ok(books);
            }
            if Instant::now() > deadline {
                bail!(
                    "{seen} of {received} events were booked in {}s",
                    PATIENCE.as_secs()
                );
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    /// The sum of every tenant's usage of every meter, as the API answers it.
    async fn booked(&self) -> anyhow::Result<Decimal> {
        let hour = Utc::now().duration_trunc(TimeDelta::hours(1))?;
        let (from, to) = (hour - TimeDelta::hours(96), hour + TimeDelta::hours(2));
        let mut total = Decimal::ZERO;
        for customer in &self.customers {
            for (meter, _) in METERS {
                let span = format!("from={}&to={}", rfc3339(from), rfc3339(to));
                let answer = customer
                    .api
                    .get(&format!("/v1/usage?meter={meter}&window=none&{span}"))
                    .await?;
                for series in answer["series"].as_array().map(Vec::as_slice).unwrap_or_default() {
                    total += decimal(&series["total"])?;
                }
            }
        }
        Ok(total)
    }
}

/// Cuts each tenant's events into requests and interleaves the tenants, in the order of the events.
fn requests(traffic: &Traffic, tenants: usize) -> Vec<Request> {
    let mut open: Vec<Vec<&str>> = vec![Vec::new(); tenants];
    let mut requests = Vec::new();
    for event in &traffic.events {
        open[event.tenant].push(&event.json);
        if open[event.tenant].len() == EVENTS_PER_REQUEST {
            let events = std::mem::take(&mut open[event.tenant]);
            requests.push(Request {
                tenant: event.tenant,
                body: array(&events),
            });
        }
    }
    for (tenant, events) in open.iter().enumerate().filter(|(_, events)| !events.is_empty()) {
        requests.push(Request {
            tenant,
            body: array(events),
        });
    }
    requests
}

fn array(events: &[&str]) -> String {
    format!("[{}]", events.join(","))
}

async fn send(planes: &[Client], requests: Vec<Request>, progress: &Progress) -> anyhow::Result<()> {
    let total = requests.len();
    stream::iter(requests.into_iter().enumerate().map(anyhow::Ok))
        .try_for_each_concurrent(REQUESTS_AT_ONCE, |(number, request)| async move {
            progress.detail(&format!("request {number} of {total}"));
            post(&planes[request.tenant], request.body).await
        })
        .await
}

/// Sends one request until it is taken: a refusal for load is an invitation to come again.
async fn post(plane: &Client, body: String) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = plane.post_usage(BATCH, body.clone()).await?;
        match answer.status.as_u16() {
            202 | 207 => return Ok(()),
            429 | 503 if Instant::now() < deadline => tokio::time::sleep(LOOK_INTERVAL).await,
            status => bail!("usage was refused with {status}: {}", answer.body),
        }
    }
}

fn items(page: &Value) -> &[Value] {
    page["items"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Rows and quantity of all batches, as one of the three places sees them.
fn side(page: &Value, place: &str) -> anyhow::Result<(u64, Decimal)> {
    let mut sum = (0, Decimal::ZERO);
    for meter in items(page)
        .iter()
        .flat_map(|batch| batch["meters"].as_array().into_iter().flatten())
    {
        if !meter[place].is_null() {
            sum.0 += meter[place]["rows"].as_u64().unwrap_or_default();
            sum.1 += decimal(&meter[place]["quantity"])?;
        }
    }
    Ok(sum)
}

fn decimal(value: &Value) -> anyhow::Result<Decimal> {
    Ok(value.as_str().unwrap_or("0").parse()?)
}

fn rfc3339(time: chrono::DateTime<Utc>) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
