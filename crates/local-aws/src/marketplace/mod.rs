//! Marketplace Metering: BatchMeterUsage under its real rules.
//!
//! The first report of an hour wins: the same record again is a success without effect, another quantity for the same
//! customer, dimension and hour is a duplicate. Products, subscribers and licences are those that the control surface
//! was told of. Source: AWS Marketplace Metering API reference, "BatchMeterUsage"; seller guide, "Metering for usage".

mod licence;
mod record;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::core::Core;
use crate::error::AwsError;
use crate::lock;
use crate::protocol::{Protocol, Reply};
use crate::service::{Call, Service};
use licence::Licence;
use record::{Allocation, UsageRecord, echo};

const RECORDS_MAX: usize = 25;

/// The service.
#[derive(Default)]
pub(crate) struct Marketplace {
    state: Mutex<Books>,
}

/// What was subscribed and what was reported.
#[derive(Default, Serialize, Deserialize)]
struct Books {
    /// Product codes with their dimensions.
    products: BTreeMap<String, BTreeSet<String>>,
    /// Accounts that sell, by product code; one without a seller may be metered by every account.
    #[serde(default)]
    sellers: BTreeMap<String, String>,
    /// Customers by product, as `product/customer`.
    customers: BTreeSet<String>,
    /// By ARN.
    #[serde(default)]
    licences: BTreeMap<String, Licence>,
    /// What was honoured, by `product/customer/dimension/hour`; a licence stands for its product.
    honoured: BTreeMap<String, Honoured>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Honoured {
    id: String,
    quantity: i64,
    #[serde(default)]
    allocations: Vec<Allocation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Batch {
    product_code: Option<String>,
    #[serde(default)]
    usage_records: Vec<UsageRecord>,
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

    /// Says which account sells a product: no other may meter it.
    pub(crate) fn sell(&self, product: &str, seller: &str) {
        self.with(|books| books.sellers.insert(product.to_owned(), seller.to_owned()));
    }

    /// Grants a licence of a product to an account from now on.
    pub(crate) fn grant(&self, arn: &str, (product, account): (&str, &str), now: DateTime<Utc>) {
        let licence = Licence::granted(product, account, now);
        self.with(|books| books.licences.insert(arn.to_owned(), licence));
    }

    /// Ends a licence; what was used before can be reported for a while.
    pub(crate) fn end_licence(&self, arn: &str, now: DateTime<Utc>) {
        self.with(|books| {
            if let Some(licence) = books.licences.get_mut(arn) {
                licence.end(now);
            }
        });
    }

    fn with<R>(&self, work: impl FnOnce(&mut Books) -> R) -> R {
        work(&mut lock::held(&self.state))
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
        let unprocessed = unprocessed(core, call, wanted.usage_records.len());
        self.with(|books| {
            for record in &wanted.usage_records {
                books.check(&wanted, record, call)?;
            }
            let (mut results, mut left) = (Vec::new(), Vec::new());
            for (record, unprocessed) in wanted.usage_records.iter().zip(unprocessed) {
                if unprocessed {
                    left.push(echo(record));
                } else {
                    results.push(books.honour(core, &wanted, record));
                }
            }
            Ok(json!({ "Results": results, "UnprocessedRecords": left }))
        })
    }
}

/// Which records a fault leaves unprocessed: drawn for the call, so that a retry has another chance.
fn unprocessed(core: &Core, call: &Call, count: usize) -> Vec<bool> {
    if call.failing_per_million == 0 {
        return vec![false; count];
    }
    let about = format!("aws-marketplace {}", call.caller.account);
    let fault = core.faults.failing(call.failing_per_million, &about);
    (0..count)
        .map(|index| fault.hits(&index.to_string(), &[]))
        .collect()
}

impl Books {
    fn check(&self, batch: &Batch, record: &UsageRecord, call: &Call) -> Result<(), AwsError> {
        let customer = record.customer().ok_or_else(|| {
            let why = "Give either CustomerIdentifier or CustomerAWSAccountId";
            AwsError::bad("InvalidCustomerIdentifierException", why)
        })?;
        let product = match &record.license_arn {
            Some(arn) => self.licensed(arn, customer, (record, call.now))?,
            None => batch
                .product_code
                .as_deref()
                .ok_or_else(|| invalid("Either ProductCode or LicenseArn must be given"))?,
        };
        let seller = self.sellers.get(product);
        let dimensions = self
            .products
            .get(product)
            .filter(|_| seller.is_none_or(|seller| *seller == call.caller.account))
            .ok_or_else(|| AwsError::bad("InvalidProductCodeException", "The product code is not valid"))?;
        if !dimensions.contains(&record.dimension) {
            let why = format!(
                "The usage dimension {} does not match the product",
                record.dimension
            );
            return Err(AwsError::bad("InvalidUsageDimensionException", why));
        }
        record.check(call.now)
    }

    /// The product of a licence that covers the record.
    fn licensed(
        &self,
        arn: &str,
        customer: &str,
        (record, now): (&UsageRecord, DateTime<Utc>),
    ) -> Result<&str, AwsError> {
        let licence = self.licences.get(arn);
        let covering = licence.filter(|licence| {
            let used_at = record.hour().unwrap_or_default();
            licence.covers(customer, used_at, now)
        });
        covering.map(Licence::product).ok_or_else(|| {
            let why = "The LicenseArn is not valid for the customer and the time of the usage";
            AwsError::bad("InvalidLicenseException", why)
        })
    }

    fn honour(&mut self, core: &Core, batch: &Batch, record: &UsageRecord) -> Value {
        let customer = record.customer().unwrap_or_default();
        let product = record.license_arn.as_deref().or(batch.product_code.as_deref());
        let product = product.unwrap_or_default();
        let hour = record.hour().unwrap_or_default().timestamp();
        let key = format!("{product}/{customer}/{}/{hour}", record.dimension);
        let subscribed =
            self.licences.contains_key(product) || self.customers.contains(&format!("{product}/{customer}"));
        if !subscribed {
            return json!({ "UsageRecord": echo(record), "Status": "CustomerNotSubscribed" });
        }
        let honoured = Honoured {
            id: core.ids.uuid(),
            quantity: record.quantity(),
            allocations: record.allocations(),
        };
        let (quantity, allocations) = (honoured.quantity, honoured.allocations.clone());
        let kept = self.honoured.entry(key).or_insert(honoured);
        let same = kept.quantity == quantity && kept.allocations == allocations;
        let status = if same { "Success" } else { "DuplicateRecord" };
        json!({ "UsageRecord": echo(record), "MeteringRecordId": kept.id, "Status": status })
    }
}

fn invalid(why: &str) -> AwsError {
    AwsError::bad("ValidationException", why)
}
