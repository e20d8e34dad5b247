//! Marketplace Metering: BatchMeterUsage under its real rules.
//!
//! The first report of an hour wins: the same record again is a success without effect, another quantity for the same
//! customer, dimension and hour is a duplicate. Customers are those that [`Marketplace::subscribe`] was told of.
//! Source: AWS Marketplace Metering API reference, "BatchMeterUsage"; Marketplace seller guide, "Metering for usage".

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::{Protocol, Reply};
use crate::service::{Call, Service};

const RECORDS_MAX: usize = 25;
/// A record is taken until six hours after its hour (seller guide; read 2026-11).
const LATE: TimeDelta = TimeDelta::hours(6);
const EARLY: TimeDelta = TimeDelta::minutes(5);
const QUANTITY_MAX: i64 = 2_147_483_647;

/// The service.
#[derive(Default)]
pub(crate) struct Marketplace {
    state: Mutex<Books>,
}

/// What was subscribed and what was reported.
#[derive(Default, Serialize, Deserialize)]
struct Books {
    /// Product codes of a seller's account with their dimensions.
    products: BTreeMap<String, BTreeSet<String>>,
    /// Customers by product, as `product/customer`.
    customers: BTreeSet<String>,
    /// What was honoured, by `product/customer/dimension/hour`.
    honoured: BTreeMap<String, Honoured>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Honoured {
    id: String,
    quantity: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Batch {
    product_code: Option<String>,
    #[serde(default)]
    usage_records: Vec<UsageRecord>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UsageRecord {
    timestamp: serde_json::Number,
    customer_identifier: Option<String>,
    #[serde(rename = "CustomerAWSAccountId")]
    customer_account: Option<String>,
    license_arn: Option<String>,
    dimension: String,
    quantity: Option<i64>,
    #[serde(default)]
    usage_allocations: Vec<Allocation>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Allocation {
    allocated_usage_quantity: i64,
}

#[async_trait::async_trait]
impl Service for Marketplace {
    fn signing_name(&self) -> &'static str {
        "aws-marketplace"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Json { version: "1.1" }
    }

    async fn call(&self, core: &Arc<Core>, call: &Call) -> Result<Reply, AwsError> {
        match call.operation.as_str() {
            "BatchMeterUsage" => self.batch(core, call).map(|value| Reply::json(&value)),
            other => Err(AwsError::not_implemented("aws-marketplace", other)),
        }
    }

    fn snapshot(&self) -> Value {
        self.with(|books| json!(*books))
    }

    fn restore(&self, state: Value) -> Result<(), serde_json::Error> {
        let restored = serde_json::from_value(state)?;
        self.with(|books| *books = restored);
        Ok(())
    }
}

impl Marketplace {
    /// Says that a customer, by its identifier or account, subscribed to a product with these dimensions.
    pub(crate) fn subscribe(&self, product: &str, dimensions: &[&str], customer: &str) {
        self.with(|books| {
            let known = books.products.entry(product.to_owned()).or_default();
            known.extend(dimensions.iter().map(|&dimension| dimension.to_owned()));
            books.customers.insert(format!("{product}/{customer}"));
        });
    }

    /// Ends a subscription.
    pub(crate) fn unsubscribe(&self, product: &str, customer: &str) {
        self.with(|books| books.customers.remove(&format!("{product}/{customer}")));
    }

    fn with<R>(&self, work: impl FnOnce(&mut Books) -> R) -> R {
        work(&mut self.state.lock().expect("no holder panics"))
    }

    /// Checks every record before any is honoured; afterwards each has its own outcome.
    fn batch(&self, core: &Core, call: &Call) -> Result<Value, AwsError> {
        let wanted: Batch = call.json()?;
        core.authorize(
            &call.caller,
            "aws-marketplace:BatchMeterUsage",
            "*",
            &call.context(),
        )
        .map_err(|denied| denied.into_error("AccessDeniedException"))?;
        if wanted.usage_records.len() > RECORDS_MAX {
            return Err(invalid("1 validation error detected: at most 25 usage records"));
        }
        self.with(|books| {
            for record in &wanted.usage_records {
                check(books, &wanted, record, call.now)?;
            }
            let results: Vec<Value> = wanted
                .usage_records
                .iter()
                .map(|record| honour(books, core, &wanted, record))
                .collect();
            Ok(json!({ "Results": results, "UnprocessedRecords": [] }))
        })
    }
}

fn check(books: &Books, batch: &Batch, record: &UsageRecord, now: DateTime<Utc>) -> Result<(), AwsError> {
    let product =
        product(batch, record).ok_or_else(|| invalid("Either ProductCode or LicenseArn must be given"))?;
    let dimensions = books.products.get(product);
    let dimensions = dimensions
        .ok_or_else(|| AwsError::bad("InvalidProductCodeException", "The product code is not valid"))?;
    if !dimensions.contains(&record.dimension) {
        let why = format!(
            "The usage dimension {} does not match the product",
            record.dimension
        );
        return Err(AwsError::bad("InvalidUsageDimensionException", why));
    }
    if customer(record).is_none() {
        let why = "Give either CustomerIdentifier or CustomerAWSAccountId";
        return Err(AwsError::bad("InvalidCustomerIdentifierException", why));
    }
    let quantity = record.quantity.unwrap_or(0);
    if !(0..=QUANTITY_MAX).contains(&quantity) {
        return Err(invalid("Quantity must be between 0 and 2147483647"));
    }
    let allocated: i64 = record
        .usage_allocations
        .iter()
        .map(|one| one.allocated_usage_quantity)
        .sum();
    if !record.usage_allocations.is_empty() && allocated != quantity {
        let why = "The sum of the usage allocations does not equal the quantity";
        return Err(AwsError::bad("InvalidUsageAllocationsException", why));
    }
    let at = time(record)?;
    if at + LATE < hour(now) || at > now + EARLY {
        let why = "The timestamp value passed in the UsageRecord is out of allowed range.";
        return Err(AwsError::bad("TimestampOutOfBoundsException", why));
    }
    Ok(())
}

fn honour(books: &mut Books, core: &Core, batch: &Batch, record: &UsageRecord) -> Value {
    let (product, customer) = (
        product(batch, record).unwrap_or_default(),
        customer(record).unwrap_or_default(),
    );
    let quantity = record.quantity.unwrap_or(0);
    let at = time(record).map(hour).unwrap_or_default();
    let key = format!("{product}/{customer}/{}/{}", record.dimension, at.timestamp());
    let subscribed = books.customers.contains(&format!("{product}/{customer}"));
    let (status, id) = match books.honoured.get(&key) {
        _ if !subscribed => ("CustomerNotSubscribed", String::new()),
        Some(before) if before.quantity == quantity => ("Success", before.id.clone()),
        Some(before) => ("DuplicateRecord", before.id.clone()),
        None => {
            let id = core.ids.uuid();
            let honoured = Honoured {
                id: id.clone(),
                quantity,
            };
            books.honoured.insert(key, honoured);
            ("Success", id)
        }
    };
    json!({ "UsageRecord": echo(record), "MeteringRecordId": id, "Status": status })
}

/// The record as it came.
fn echo(record: &UsageRecord) -> Value {
    let mut echo = json!({
        "Timestamp": record.timestamp,
        "Dimension": record.dimension,
        "Quantity": record.quantity.unwrap_or(0),
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
    echo
}

/// The product of a record: the batch's, or the one its licence is of.
fn product<'a>(batch: &'a Batch, record: &'a UsageRecord) -> Option<&'a str> {
    batch.product_code.as_deref().or(record.license_arn.as_deref())
}

fn customer(record: &UsageRecord) -> Option<&str> {
    match (&record.customer_identifier, &record.customer_account) {
        (Some(one), None) | (None, Some(one)) => Some(one),
        _ => None,
    }
}

fn time(record: &UsageRecord) -> Result<DateTime<Utc>, AwsError> {
    let text = record.timestamp.to_string();
    let seconds = text.split('.').next().and_then(|whole| whole.parse().ok());
    let at = seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    at.ok_or_else(|| invalid("Timestamp is not a time"))
}

/// Usage is counted by the hour, in UTC.
fn hour(at: DateTime<Utc>) -> DateTime<Utc> {
    let into = at.timestamp().rem_euclid(3_600);
    at - TimeDelta::seconds(into)
}

fn invalid(why: &str) -> AwsError {
    AwsError::bad("ValidationException", why)
}
