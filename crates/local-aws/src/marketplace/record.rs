//! Usage records: their form, and what about them is refused whatever was subscribed.
//!
//! Sources: API_UsageRecord, API_UsageAllocation, API_Tag.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::invalid;
use crate::error::AwsError;

/// A record is refused six hours after the end of its hour (API_BatchMeterUsage; read 2026-11. API_UsageRecord speaks
/// of 24 hours: the stricter of the two, so that nothing works here that fails there).
const LATE: TimeDelta = TimeDelta::hours(6);
/// How far a seller's clock may be ahead.
const EARLY: TimeDelta = TimeDelta::minutes(5);
const QUANTITY_MAX: i64 = 2_147_483_647;
const ALLOCATIONS_MAX: usize = 2_500;
const TAGS_MAX: usize = 5;
const TAG_KEY_CHARACTERS_MAX: usize = 100;
const TAG_VALUE_CHARACTERS_MAX: usize = 256;

#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UsageRecord {
    timestamp: serde_json::Number,
    customer_identifier: Option<String>,
    #[serde(rename = "CustomerAWSAccountId")]
    customer_account: Option<String>,
    pub(super) license_arn: Option<String>,
    pub(super) dimension: String,
    quantity: Option<i64>,
    #[serde(default)]
    usage_allocations: Vec<Allocation>,
}

/// A part of a quantity, under its tags.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Allocation {
    allocated_usage_quantity: i64,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    key: String,
    value: String,
}

impl UsageRecord {
    /// Whose usage it is; none unless it is said in exactly one way. Clients send an absent identifier as an empty one.
    pub(super) fn customer(&self) -> Option<&str> {
        let identifier = self
            .customer_identifier
            .as_deref()
            .filter(|text| !text.is_empty());
        let account = self.customer_account.as_deref().filter(|text| !text.is_empty());
        match (identifier, account) {
            (Some(one), None) | (None, Some(one)) => Some(one),
            _ => None,
        }
    }

    pub(super) fn quantity(&self) -> i64 {
        self.quantity.unwrap_or(0)
    }

    /// The allocations in an order that does not depend on the sender's.
    pub(super) fn allocations(&self) -> Vec<Allocation> {
        let mut allocations = self.usage_allocations.clone();
        for allocation in &mut allocations {
            allocation.tags.sort_unstable();
        }
        allocations.sort_unstable();
        allocations
    }

    /// The beginning of the hour that is reported: usage is counted by the hour, in UTC.
    pub(super) fn hour(&self) -> Result<DateTime<Utc>, AwsError> {
        let at = self.time()?;
        Ok(at - TimeDelta::seconds(at.timestamp().rem_euclid(3_600)))
    }

    fn time(&self) -> Result<DateTime<Utc>, AwsError> {
        let text = self.timestamp.to_string();
        let seconds = text.split('.').next().and_then(|whole| whole.parse().ok());
        let at = seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        // The ends of the calendar are beyond every rule, and beyond what can be computed with.
        at.filter(|at| (0..=EPOCH_SECONDS_MAX).contains(&at.timestamp()))
            .ok_or_else(|| invalid("Timestamp is not a time"))
    }

    /// Quantity, allocations and time.
    pub(super) fn check(&self, now: DateTime<Utc>) -> Result<(), AwsError> {
        if !(0..=QUANTITY_MAX).contains(&self.quantity()) {
            return Err(invalid("Quantity must be between 0 and 2147483647"));
        }
        self.check_allocations()?;
        if now >= self.hour()? + TimeDelta::hours(1) + LATE || self.time()? > now + EARLY {
            let why = "The timestamp value passed in the UsageRecord is out of allowed range.";
            return Err(AwsError::bad("TimestampOutOfBoundsException", why));
        }
        Ok(())
    }

    fn check_allocations(&self) -> Result<(), AwsError> {
        let allocations = self.allocations();
        if allocations.is_empty() {
            return Ok(());
        }
        allocations.iter().try_for_each(Allocation::check)?;
        let wrong = |why| Err(AwsError::bad("InvalidUsageAllocationsException", why));
        if allocations.len() > ALLOCATIONS_MAX {
            return wrong("There are more than 2500 usage allocations");
        }
        let buckets: BTreeSet<&[Tag]> = allocations.iter().map(|one| one.tags.as_slice()).collect();
        if buckets.len() != allocations.len() {
            return wrong("Two usage allocations have the same set of tags");
        }
        let sum: i64 = allocations.iter().map(|one| one.allocated_usage_quantity).sum();
        if sum != self.quantity() {
            return wrong("The sum of the usage allocations does not equal the quantity");
        }
        Ok(())
    }
}

/// The year 3000.
const EPOCH_SECONDS_MAX: i64 = 32_503_680_000;

impl Allocation {
    fn check(&self) -> Result<(), AwsError> {
        if !(0..=QUANTITY_MAX).contains(&self.allocated_usage_quantity) {
            return Err(invalid("AllocatedUsageQuantity must be between 0 and 2147483647"));
        }
        let keys: BTreeSet<&str> = self.tags.iter().map(|tag| tag.key.as_str()).collect();
        if self.tags.len() > TAGS_MAX || keys.len() != self.tags.len() || !self.tags.iter().all(Tag::is_valid)
        {
            let why = "The tag is invalid, or the number of tags is greater than 5.";
            return Err(AwsError::bad("InvalidTagException", why));
        }
        Ok(())
    }
}

impl Tag {
    fn is_valid(&self) -> bool {
        let allowed = |char: char| char.is_ascii_alphanumeric() || "+ -=._:\\/@".contains(char);
        let (key, value) = (self.key.chars().count(), self.value.chars().count());
        (1..=TAG_KEY_CHARACTERS_MAX).contains(&key)
            && (1..=TAG_VALUE_CHARACTERS_MAX).contains(&value)
            && self.key.chars().chain(self.value.chars()).all(allowed)
    }
}

/// The record as it came.
pub(super) fn echo(record: &UsageRecord) -> Value {
    let mut echo = json!({
        "Timestamp": record.timestamp,
        "Dimension": record.dimension,
        "Quantity": record.quantity(),
    });
    let names = [
        ("CustomerIdentifier", &record.customer_identifier),
        ("CustomerAWSAccountId", &record.customer_account),
        ("LicenseArn", &record.license_arn),
    ];
    for (name, value) in names {
        if let Some(value) = value {
            echo[name] = json!(value);
        }
    }
    if !record.usage_allocations.is_empty() {
        echo["UsageAllocations"] = json!(record.usage_allocations);
    }
    echo
}
