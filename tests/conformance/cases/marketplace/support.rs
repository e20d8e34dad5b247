//! What the cases of metering share: a product with a subscriber, and reports.

use aws_sdk_marketplacemetering::Client;
use aws_sdk_marketplacemetering::primitives::DateTime;
use aws_sdk_marketplacemetering::types::{UsageRecord, UsageRecordResult};
use chrono::TimeDelta;
use conformance::{Aws, code, controlled};

pub(crate) const PRODUCT: &str = "prod-0123456789abc";
pub(crate) const CUSTOMER: &str = "cust-acme";

/// A product with a subscriber; `None` where there is no control surface to subscribe with.
pub(crate) async fn market() -> Option<(Aws, Client)> {
    let aws = controlled().await?;
    aws.control().subscribe(PRODUCT, &["rows", "hours"], CUSTOMER);
    let client = Client::new(&aws.vendor().config);
    Some((aws, client))
}

pub(crate) fn record(aws: &Aws, dimension: &str, quantity: i32, age: TimeDelta) -> UsageRecord {
    let at = aws.control().now() - age;
    UsageRecord::builder()
        .timestamp(DateTime::from_secs(at.timestamp()))
        .customer_identifier(CUSTOMER)
        .dimension(dimension)
        .quantity(quantity)
        .build()
        .expect("a record has a time and a dimension")
}

pub(crate) async fn report(client: &Client, records: Vec<UsageRecord>) -> Vec<UsageRecordResult> {
    let sent = client
        .batch_meter_usage()
        .product_code(PRODUCT)
        .set_usage_records(Some(records))
        .send()
        .await;
    sent.expect("an answer").results.unwrap_or_default()
}

pub(crate) async fn refusal(client: &Client, record: UsageRecord) -> String {
    code(
        client
            .batch_meter_usage()
            .product_code(PRODUCT)
            .usage_records(record)
            .send()
            .await,
    )
}

/// What became of a batch of one.
pub(crate) async fn outcome(client: &Client, record: UsageRecord) -> UsageRecordResult {
    report(client, vec![record]).await.remove(0)
}
