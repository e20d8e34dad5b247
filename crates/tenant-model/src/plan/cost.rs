//! What the deployment costs in the customer's account, roughly: before, after, and the difference.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{PlanInput, exists, prices::PriceTable};
use crate::{
    blueprint::{Blueprint, DATABASE_GIB, ROOT_VOLUME_GIB, Resource, Spec},
    deployment::Wanted,
};

/// One line of the rough monthly cost, in USD.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostLine {
    /// What is paid for.
    pub item: String,
    /// USD a month until now, as decimal text.
    #[serde(default = "nothing")]
    pub before_monthly_usd: String,
    /// USD a month afterwards, as decimal text.
    pub monthly_usd: String,
    /// The difference.
    #[serde(default = "nothing")]
    pub delta_monthly_usd: String,
}

/// What the deployment costs in the customer's account, roughly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Line by line.
    pub lines: Vec<CostLine>,
    /// Their sum until now.
    #[serde(default = "nothing")]
    pub before_monthly_usd: String,
    /// Their sum afterwards.
    pub monthly_usd: String,
    /// The difference.
    #[serde(default = "nothing")]
    pub delta_monthly_usd: String,
    /// Date of the price table.
    pub prices_as_of: String,
    /// Region of the price table.
    pub prices_region: String,
    /// How far to trust it.
    pub confidence: String,
}

fn nothing() -> String {
    usd(Decimal::ZERO)
}

fn usd(amount: Decimal) -> String {
    format!("{amount:.2}")
}

/// A resource's name and the part of it that is paid for.
type Key = (String, &'static str);

#[derive(Default)]
struct Entry {
    item: String,
    before: Decimal,
    after: Decimal,
}

/// Until now only what exists is paid; afterwards everything of the blueprint.
pub(super) fn compare(input: &PlanInput<'_>) -> Cost {
    let prices = &input.terms.prices;
    let mut entries: BTreeMap<Key, Entry> = BTreeMap::new();
    if let Some(previous) = input.previous {
        let there = |resource: &&Resource| {
            let mut records = input.records.iter();
            records.any(|record| record.name == resource.name && exists(record))
        };
        for resource in previous.blueprint.resources.iter().filter(there) {
            for (part, item, amount) in priced(resource, (previous.blueprint, previous.wanted, prices)) {
                let entry = entries.entry((resource.name.clone(), part)).or_default();
                (entry.item, entry.before) = (item, amount);
            }
        }
    }
    for resource in &input.blueprint.resources {
        for (part, item, amount) in priced(resource, (input.blueprint, input.wanted, prices)) {
            let entry = entries.entry((resource.name.clone(), part)).or_default();
            (entry.item, entry.after) = (item, amount);
        }
    }
    sum(entries.into_values().collect(), prices)
}

fn sum(entries: Vec<Entry>, prices: &PriceTable) -> Cost {
    let before: Decimal = entries.iter().map(|entry| entry.before).sum();
    let after: Decimal = entries.iter().map(|entry| entry.after).sum();
    let line = |entry: Entry| CostLine {
        item: entry.item,
        before_monthly_usd: usd(entry.before),
        monthly_usd: usd(entry.after),
        delta_monthly_usd: usd(entry.after - entry.before),
    };
    Cost {
        lines: entries.into_iter().map(line).collect(),
        before_monthly_usd: usd(before),
        monthly_usd: usd(after),
        delta_monthly_usd: usd(after - before),
        prices_as_of: prices.as_of.clone(),
        prices_region: prices.region.clone(),
        confidence: prices.confidence.clone(),
    }
}

type Priced = (&'static str, String, Decimal);

/// The blueprint a resource is in, what is wanted of it, and the prices.
type Priceable<'a> = (&'a Blueprint, Wanted, &'a PriceTable);

/// What is paid for a resource each month, rounded line by line so that the lines add up.
fn priced(resource: &Resource, (blueprint, wanted, prices): Priceable<'_>) -> Vec<Priced> {
    if wanted == Wanted::Absent {
        return Vec::new();
    }
    let parts = match &resource.spec {
        Spec::Instance { instance_type, .. } => machines(instance_type, (1, wanted), prices),
        Spec::ElasticIp { .. } => one("address", "public IPv4 address", prices.address_month()),
        Spec::NatGateway { .. } => one(
            "gateway",
            "NAT gateway, without traffic",
            prices.nat_gateway_month(),
        ),
        Spec::LoadBalancer { .. } => balancer(prices),
        Spec::Database { class, .. } => database(class, wanted, prices),
        Spec::AutoScalingGroup {
            launch_template, min, ..
        } => fleet(launch_template, *min, (blueprint, wanted, prices)),
        Spec::Vpc { .. }
        | Spec::InternetGateway { .. }
        | Spec::Subnet { .. }
        | Spec::RouteTable { .. }
        | Spec::VpcEndpoint { .. }
        | Spec::SecurityGroup { .. }
        | Spec::LaunchTemplate { .. }
        | Spec::TargetGroup { .. }
        | Spec::Certificate { .. }
        | Spec::DnsRecord { .. }
        | Spec::DbSubnetGroup { .. } => Vec::new(),
    };
    let rounded = |(part, item, amount): Priced| (part, item, amount.round_dp(2));
    parts.into_iter().map(rounded).collect()
}

fn one(part: &'static str, item: &str, amount: Decimal) -> Vec<Priced> {
    vec![(part, item.to_owned(), amount)]
}

/// A load balancer has a public address in each of its two zones.
fn balancer(prices: &PriceTable) -> Vec<Priced> {
    let addresses = prices.address_month() * Decimal::TWO;
    vec![
        (
            "balancer",
            "load balancer, without traffic".to_owned(),
            prices.load_balancer_month(),
        ),
        (
            "addresses",
            "its public IPv4 addresses, one a zone".to_owned(),
            addresses,
        ),
    ]
}

/// A stopped database costs its storage only.
fn database(class: &str, wanted: Wanted, prices: &PriceTable) -> Vec<Priced> {
    let running = match wanted {
        Wanted::Present => prices.database_month(class),
        Wanted::Stopped | Wanted::Absent => Decimal::ZERO,
    };
    vec![
        ("database", format!("database {class}, Multi-AZ"), running),
        (
            "storage",
            format!("database storage, Multi-AZ, {DATABASE_GIB} GiB"),
            prices.database_storage_month(DATABASE_GIB),
        ),
    ]
}

/// The fewest machines of a group, of the size that its template names. Stopped, it has none, and no volumes.
fn fleet(template: &str, min: i32, (blueprint, wanted, prices): Priceable<'_>) -> Vec<Priced> {
    let Some(Spec::LaunchTemplate { instance_type, .. }) = blueprint.find(template).map(|one| &one.spec)
    else {
        return Vec::new();
    };
    match wanted {
        Wanted::Present => machines(instance_type, (min.unsigned_abs(), wanted), prices),
        Wanted::Stopped | Wanted::Absent => Vec::new(),
    }
}

/// Machines with their volumes; a stopped one costs its volume only.
fn machines(instance_type: &str, (count, wanted): (u32, Wanted), prices: &PriceTable) -> Vec<Priced> {
    let times = Decimal::from(count);
    let running = match wanted {
        Wanted::Present => prices.instance_month(instance_type) * times,
        Wanted::Stopped | Wanted::Absent => Decimal::ZERO,
    };
    let several = if count == 1 {
        String::new()
    } else {
        format!("{count} × ")
    };
    vec![
        ("instance", format!("{several}instance {instance_type}"), running),
        (
            "volume",
            format!("{several}encrypted volume, {ROOT_VOLUME_GIB} GiB"),
            prices.volume_month(ROOT_VOLUME_GIB) * times,
        ),
    ]
}
