//! Marketplace metering.

use aws_sdk_marketplacemetering::Client;
use aws_sdk_marketplacemetering::primitives::DateTime;
use aws_sdk_marketplacemetering::types::{
    UsageAllocation, UsageRecord, UsageRecordResult, UsageRecordResultStatus as Status,
};
use chrono::TimeDelta;
use conformance::{Aws, code, controlled};

const PRODUCT: &str = "prod-0123456789abc";
const CUSTOMER: &str = "cust-acme";

/// A product with a subscriber; `None` where there is no control surface to subscribe with.
async fn market() -> Option<(Aws, Client)> {
    let aws = controlled().await?;
    aws.control().subscribe(PRODUCT, &["rows", "hours"], CUSTOMER);
    let client = Client::new(&aws.vendor().config);
    Some((aws, client))
}

fn record(aws: &Aws, dimension: &str, quantity: i32, age: TimeDelta) -> UsageRecord {
    let at = aws.control().now() - age;
    UsageRecord::builder()
        .timestamp(DateTime::from_secs(at.timestamp()))
        .customer_identifier(CUSTOMER)
        .dimension(dimension)
        .quantity(quantity)
        .build()
        .expect("a record has a time and a dimension")
}

async fn report(client: &Client, records: Vec<UsageRecord>) -> Vec<UsageRecordResult> {
    let sent = client
        .batch_meter_usage()
        .product_code(PRODUCT)
        .set_usage_records(Some(records))
        .send()
        .await;
    sent.expect("an answer").results.unwrap_or_default()
}

async fn refusal(client: &Client, record: UsageRecord) -> String {
    code(
        client
            .batch_meter_usage()
            .product_code(PRODUCT)
            .usage_records(record)
            .send()
            .await,
    )
}

/// A record of a subscriber is honoured and has an id.
/// https://docs.aws.amazon.com/marketplacemetering/latest/APIReference/API_BatchMeterUsage.html
#[tokio::test]
async fn a_record_of_a_subscriber_is_honoured() {
    let Some((aws, client)) = market().await else {
        return;
    };
    let results = report(&client, vec![record(&aws, "rows", 5, TimeDelta::zero())]).await;
    assert_eq!(results[0].status, Some(Status::Success));
    assert!(
        results[0]
            .metering_record_id
            .as_ref()
            .is_some_and(|id| !id.is_empty())
    );
}

/// The same record again is a success without effect, under the same id.
/// https://docs.aws.amazon.com/marketplacemetering/latest/APIReference/API_BatchMeterUsage.html
#[tokio::test]
async fn the_same_record_again_has_the_same_id() {
    let Some((aws, client)) = market().await else {
        return;
    };
    let send = async || {
        report(&client, vec![record(&aws, "rows", 5, TimeDelta::zero())])
            .await
            .remove(0)
    };
    let (first, again) = (send().await, send().await);
    assert_eq!(again.status, Some(Status::Success));
    assert_eq!(first.metering_record_id, again.metering_record_id);
}

/// Another quantity for the same hour is a duplicate: the first one wins.
/// https://docs.aws.amazon.com/marketplacemetering/latest/APIReference/API_UsageRecordResult.html
#[tokio::test]
async fn another_quantity_for_the_hour_is_a_duplicate() {
    let Some((aws, client)) = market().await else {
        return;
    };
    let first = report(&client, vec![record(&aws, "rows", 5, TimeDelta::zero())])
        .await
        .remove(0);
    let second = report(&client, vec![record(&aws, "rows", 6, TimeDelta::zero())])
        .await
        .remove(0);
    assert_eq!(second.status, Some(Status::DuplicateRecord));
    assert_eq!(first.metering_record_id, second.metering_record_id);
    let other = report(&client, vec![record(&aws, "hours", 6, TimeDelta::zero())])
        .await
        .remove(0);
    assert_eq!(
        other.status,
        Some(Status::Success),
        "another dimension has an hour of its own"
    );
}

/// Usage of somebody who did not subscribe is told apart, and the others of the batch are honoured.
/// https://docs.aws.amazon.com/marketplacemetering/latest/APIReference/API_UsageRecordResult.html
#[tokio::test]
async fn usage_without_a_subscription_is_told_apart() {
    let Some((aws, client)) = market().await else {
        return;
    };
    aws.control().unsubscribe(PRODUCT, CUSTOMER);
    aws.control().subscribe(PRODUCT, &[], "cust-bolt");
    let own = record(&aws, "rows", 1, TimeDelta::zero());
    let mut other = own.clone();
    other.customer_identifier = "cust-bolt".to_owned();
    let results = report(&client, vec![own, other]).await;
    let statuses: Vec<_> = results.into_iter().filter_map(|result| result.status).collect();
    assert_eq!(statuses, [Status::CustomerNotSubscribed, Status::Success]);
}

/// A record is taken until six hours after its hour.
/// https://docs.aws.amazon.com/marketplace/latest/userguide/metering-for-usage.html
#[tokio::test]
async fn a_record_that_is_too_late_is_refused() {
    let Some((aws, client)) = market().await else {
        return;
    };
    let late = record(&aws, "rows", 1, TimeDelta::hours(8));
    assert_eq!(refusal(&client, late).await, "TimestampOutOfBoundsException");
    let early = record(&aws, "rows", 1, TimeDelta::hours(-1));
    assert_eq!(refusal(&client, early).await, "TimestampOutOfBoundsException");
    let in_time = report(&client, vec![record(&aws, "rows", 1, TimeDelta::hours(5))]).await;
    assert_eq!(in_time[0].status, Some(Status::Success));
}

/// A product or a dimension that is not there is refused, and nothing of the batch is honoured.
/// https://docs.aws.amazon.com/marketplacemetering/latest/APIReference/API_BatchMeterUsage.html
#[tokio::test]
async fn an_unknown_dimension_refuses_the_whole_batch() {
    let Some((aws, client)) = market().await else {
        return;
    };
    let good = record(&aws, "rows", 5, TimeDelta::zero());
    let bad = record(&aws, "seats", 1, TimeDelta::zero());
    let sent = client
        .batch_meter_usage()
        .product_code(PRODUCT)
        .usage_records(good)
        .usage_records(bad)
        .send()
        .await;
    assert_eq!(code(sent), "InvalidUsageDimensionException");
    let other = report(&client, vec![record(&aws, "rows", 6, TimeDelta::zero())]).await;
    assert_eq!(
        other[0].status,
        Some(Status::Success),
        "the five were not honoured"
    );
    let product = client
        .batch_meter_usage()
        .product_code("prod-none")
        .usage_records(record(&aws, "rows", 1, TimeDelta::zero()))
        .send()
        .await;
    assert_eq!(code(product), "InvalidProductCodeException");
}

/// A batch has at most 25 records.
/// https://docs.aws.amazon.com/marketplacemetering/latest/APIReference/API_BatchMeterUsage.html
#[tokio::test]
async fn a_batch_has_at_most_25_records() {
    let Some((aws, client)) = market().await else {
        return;
    };
    let many = (0..26)
        .map(|age| record(&aws, "rows", age, TimeDelta::zero()))
        .collect();
    let sent = client
        .batch_meter_usage()
        .product_code(PRODUCT)
        .set_usage_records(Some(many))
        .send()
        .await;
    assert_eq!(code(sent), "ValidationException");
}

/// Allocations add up to the quantity.
/// https://docs.aws.amazon.com/marketplacemetering/latest/APIReference/API_UsageAllocation.html
#[tokio::test]
async fn allocations_add_up() {
    let Some((aws, client)) = market().await else {
        return;
    };
    let mut wrong = record(&aws, "rows", 5, TimeDelta::zero());
    let part = UsageAllocation::builder()
        .allocated_usage_quantity(4)
        .build()
        .expect("a part");
    wrong.usage_allocations = Some(vec![part]);
    assert_eq!(refusal(&client, wrong).await, "InvalidUsageAllocationsException");
}

/// Quantities are counts: none is below zero.
/// https://docs.aws.amazon.com/marketplacemetering/latest/APIReference/API_UsageRecord.html
#[tokio::test]
async fn a_quantity_is_not_below_zero() {
    let Some((aws, client)) = market().await else {
        return;
    };
    assert_eq!(
        refusal(&client, record(&aws, "rows", -1, TimeDelta::zero())).await,
        "ValidationException"
    );
}
