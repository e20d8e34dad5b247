//! The dated price table.

use std::{collections::BTreeMap, str::FromStr, sync::LazyLock};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// List prices in USD as decimal text, with the day and the region they are of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceTable {
    /// The day.
    pub as_of: String,
    /// The region.
    pub region: String,
    /// How far to trust it.
    pub confidence: String,
    hours_per_month: u32,
    public_address_hour: String,
    volume_gib_month: String,
    nat_gateway_hour: String,
    load_balancer_hour: String,
    database_multi_az_gib_month: String,
    database_multi_az_hour: BTreeMap<String, String>,
    instances: BTreeMap<String, InstancePrice>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct InstancePrice {
    hour: String,
    vcpus: u32,
}

static CURRENT: LazyLock<PriceTable> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../../infra/blueprints/prices.json"))
        .expect("the price table is part of the source and covered by a test")
});

/// The instance sizes that can be chosen: those with a price.
pub fn instance_types() -> impl Iterator<Item = &'static str> {
    CURRENT.instances.keys().map(String::as_str)
}

impl PriceTable {
    /// The table of this version.
    #[must_use]
    pub fn current() -> Self {
        CURRENT.clone()
    }

    /// A running instance.
    pub(super) fn instance_month(&self, instance_type: &str) -> Decimal {
        let price = self.instances.get(instance_type);
        price.map_or(Decimal::ZERO, |price| self.month(&price.hour))
    }

    /// vCPUs of a size; none of one that is not sold.
    pub(super) fn vcpus(&self, instance_type: &str) -> u32 {
        self.instances.get(instance_type).map_or(0, |price| price.vcpus)
    }

    /// An encrypted general purpose volume.
    pub(super) fn volume_month(&self, gib: i32) -> Decimal {
        decimal(&self.volume_gib_month) * Decimal::from(gib)
    }

    /// One public IPv4 address, in use or not.
    pub(super) fn address_month(&self) -> Decimal {
        self.month(&self.public_address_hour)
    }

    /// A NAT gateway, without what passes it.
    pub(super) fn nat_gateway_month(&self) -> Decimal {
        self.month(&self.nat_gateway_hour)
    }

    /// An application load balancer, without the capacity units that traffic takes.
    pub(super) fn load_balancer_month(&self) -> Decimal {
        self.month(&self.load_balancer_hour)
    }

    /// A running Multi-AZ PostgreSQL instance; nothing for a class without a price.
    pub(super) fn database_month(&self, class: &str) -> Decimal {
        let price = self.database_multi_az_hour.get(class);
        price.map_or(Decimal::ZERO, |price| self.month(price))
    }

    /// Multi-AZ storage of a database.
    pub(super) fn database_storage_month(&self, gib: i32) -> Decimal {
        decimal(&self.database_multi_az_gib_month) * Decimal::from(gib)
    }

    fn month(&self, hourly: &str) -> Decimal {
        decimal(hourly) * Decimal::from(self.hours_per_month)
    }

    #[cfg(test)]
    pub(super) fn every_price(&self) -> Vec<Decimal> {
        let plain = [
            &self.public_address_hour,
            &self.volume_gib_month,
            &self.nat_gateway_hour,
            &self.load_balancer_hour,
            &self.database_multi_az_gib_month,
        ];
        let instances = self.instances.values().map(|price| &price.hour);
        let databases = self.database_multi_az_hour.values();
        plain
            .into_iter()
            .chain(instances)
            .chain(databases)
            .map(|text| decimal(text))
            .collect()
    }
}

fn decimal(text: &str) -> Decimal {
    Decimal::from_str(text).expect("the price table is part of the source and covered by a test")
}
