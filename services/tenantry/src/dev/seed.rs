//! The demo ISV's tenants: made once by the same journey that customers take, then reporting usage for ever.
//!
//! Their API keys are kept in the data directory, readable by its owner alone, because a key's secret is shown only
//! once.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chrono::{SecondsFormat, TimeDelta, Utc};
use local::Embedded;
use local::accounts::CUSTOMER_ACCOUNTS;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tenantry::journey::{Customer, Journey};
use tenantry::{Client, Composition};

/// The demo's customers and how busy they are.
const TENANTS: [(&str, u32); 3] = [("Acme Analytics", 9), ("Globex Data", 5), ("Initech Insights", 2)];
const PASSWORD: &str = "lantern harbour winter 1912";
const REGION: &str = "eu-central-1";
/// Between two reports of each data plane.
const REPORT_INTERVAL: Duration = Duration::from_secs(2);
/// A chart that begins empty says nothing: the first report tells of the days before.
const HISTORY_HOURS: i64 = 72;
const BATCH: &str = "application/cloudevents-batch+json";

/// What the seed works with.
pub(super) struct World {
    pub(super) composition: Composition,
    pub(super) embedded: Arc<Embedded>,
    pub(super) api: Client,
}

/// A data plane's credential.
#[derive(Clone, Deserialize, Serialize)]
struct Plane {
    name: String,
    key: String,
    weight: u32,
}

/// Makes the tenants unless an earlier start did, then reports until the process stops.
pub(super) async fn run(world: World, kept: PathBuf) {
    let planes = match planes(&world, &kept).await {
        Ok(planes) => planes,
        Err(error) => {
            tracing::warn!("the demo tenants could not be made: {error:#}");
            return;
        }
    };
    tracing::info!(tenants = planes.len(), "the demo tenants report usage");
    let stopping = world.composition.kit.stopping.clone();
    let mut random = StdRng::seed_from_u64(Utc::now().timestamp_micros().unsigned_abs());
    loop {
        for plane in &planes {
            report(&world.api, plane, &live(&mut random, plane.weight)).await;
        }
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(REPORT_INTERVAL) => {}
        }
    }
}

async fn planes(world: &World, kept: &Path) -> anyhow::Result<Vec<Plane>> {
    if let Ok(text) = std::fs::read_to_string(kept) {
        return serde_json::from_str(&text).with_context(|| format!("{} is not readable", kept.display()));
    }
    let mut planes = Vec::new();
    for (number, (name, weight)) in TENANTS.into_iter().enumerate() {
        let plane = settle_in(world, name, number, weight).await?;
        let mut random = StdRng::seed_from_u64(number as u64);
        for hours in (1..=HISTORY_HOURS).rev() {
            report(&world.api, &plane, &past(&mut random, plane.weight, hours)).await;
        }
        planes.push(plane);
    }
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(kept)?;
    file.write_all(serde_json::to_string_pretty(&planes)?.as_bytes())?;
    Ok(planes)
}

/// A customer of an earlier start that ended before its data plane had a key.
async fn known(api: Client) -> anyhow::Result<Customer> {
    let own = api.get("/v1/tenants").await?;
    let tenant_id = own["items"][0]["id"]
        .as_str()
        .context("the tenant of this person")?
        .to_owned();
    Ok(Customer { tenant_id, api })
}

async fn first_id(customer: &Customer, path: &str) -> anyhow::Result<Option<String>> {
    let page = customer.api.get(path).await?;
    Ok(page["items"][0]["id"].as_str().map(str::to_owned))
}

/// One customer's way from signup to a data plane with a key; goes on where an earlier start was stopped.
async fn settle_in(world: &World, name: &str, number: usize, weight: u32) -> anyhow::Result<Plane> {
    let local_aws = world
        .embedded
        .local_aws
        .as_ref()
        .context("demo tenants live on the local AWS only")?;
    let journey = Journey {
        api: world.api.clone(),
        onboarding: &world.composition.onboarding,
        local_aws,
    };
    let email = format!(
        "ada@{}.example",
        name.split(' ').next().unwrap_or(name).to_lowercase()
    );
    let customer = match journey.sign_in(&email, PASSWORD).await {
        Ok(api) => known(api).await?,
        Err(_) => journey.sign_up(name, &email, PASSWORD).await?,
    };
    let connection = match first_id(&customer, "/v1/connections").await? {
        Some(id) => {
            journey
                .resume_connection(&customer, &id, CUSTOMER_ACCOUNTS[number])
                .await?
        }
        None => journey.connect(&customer, CUSTOMER_ACCOUNTS[number]).await?,
    };
    if first_id(&customer, "/v1/deployments").await?.is_none() {
        let (operation, _) = customer.approve_deployment(&connection, REGION).await?;
        customer.await_operation(&operation).await?;
    }
    let key = customer.create_api_key("demo data plane").await?;
    Ok(Plane {
        name: name.to_owned(),
        key,
        weight,
    })
}

/// What happened since the last report.
fn live(random: &mut StdRng, weight: u32) -> String {
    let events = random.random_range(weight..=weight * 4);
    let drawn: Vec<_> = (0..events)
        .map(|_| {
            let since_last = TimeDelta::milliseconds(random.random_range(0..2_000));
            event(random, since_last)
        })
        .collect();
    serde_json::Value::from(drawn).to_string()
}

/// One hour of the past, busier by day than by night.
fn past(random: &mut StdRng, weight: u32, hours_ago: i64) -> String {
    let hour_of_day = (Utc::now() - TimeDelta::hours(hours_ago))
        .format("%H")
        .to_string()
        .parse::<u32>()
        .unwrap_or(0);
    let busy = 4 + 8u32.saturating_sub(hour_of_day.abs_diff(14));
    let events = weight * busy;
    let drawn: Vec<_> = (0..events)
        .map(|_| {
            let within = TimeDelta::seconds(random.random_range(0..3_600));
            event(random, TimeDelta::hours(hours_ago) - within)
        })
        .collect();
    serde_json::Value::from(drawn).to_string()
}

fn event(random: &mut StdRng, age: TimeDelta) -> serde_json::Value {
    let meter = ["rows_scanned", "queries_run", "compute_seconds", "gb_stored"][random.random_range(0..4)];
    let value = match meter {
        "rows_scanned" => random.random_range(10_000..5_000_000).to_string(),
        "compute_seconds" => format!(
            "{}.{:03}",
            random.random_range(0..120),
            random.random_range(0..1_000)
        ),
        "gb_stored" => format!("{}.5", random.random_range(800..900)),
        _ => "1".to_owned(),
    };
    let warehouse = ["small", "large"][random.random_range(0..2)];
    json!({
        "specversion": "1.0",
        "id": format!("{:032x}", random.random::<u128>()),
        "source": "/demo/data-plane",
        "type": meter,
        "time": (Utc::now() - age).to_rfc3339_opts(SecondsFormat::Millis, true),
        "data": {"value": value, "warehouse": warehouse},
    })
}

/// A report that is not taken is lost here: the demo has no spool. Real data planes link `usage-producer`.
async fn report(api: &Client, plane: &Plane, events: &str) {
    match api.with(&plane.key).post_usage(BATCH, events.to_owned()).await {
        Ok(answer) if answer.status.is_success() => {}
        Ok(answer) => tracing::warn!(
            tenant = plane.name,
            status = answer.status.as_u16(),
            "usage was refused"
        ),
        Err(error) => tracing::debug!("usage was not taken: {error}"),
    }
}
