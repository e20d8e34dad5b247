//! Records: times, dimensions, quantities, and what wins.

use aws_sdk_marketplacemetering::types::{UsageRecord, UsageRecordResultStatus as Status};
use chrono::TimeDelta;
use conformance::code;

use crate::support::{CUSTOMER, PRODUCT, market, outcome, record, refusal, report};

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

/// A quantity that is not given is zero.
/// https://docs.aws.amazon.com/marketplacemetering/latest/APIReference/API_UsageRecord.html
#[tokio::test]
async fn a_quantity_that_is_not_given_is_zero() {
    let Some((aws, client)) = market().await else {
        return;
    };
    let mut empty = record(&aws, "rows", 0, TimeDelta::zero());
    empty.quantity = None;
    let first = outcome(&client, empty).await;
    assert_eq!(first.usage_record.and_then(|record| record.quantity), Some(0));
    let again = outcome(&client, record(&aws, "rows", 0, TimeDelta::zero())).await;
    assert_eq!(
        (again.status, again.metering_record_id),
        (Some(Status::Success), first.metering_record_id)
    );
}

/// Each hour is reported by itself, whatever the minute.
/// https://docs.aws.amazon.com/marketplace/latest/userguide/metering-for-usage.html
#[tokio::test]
async fn each_hour_is_reported_by_itself() {
    let Some((aws, client)) = market().await else {
        return;
    };
    let mut first = record(&aws, "rows", 5, TimeDelta::zero());
    let hour = first.timestamp.secs() - first.timestamp.secs().rem_euclid(3_600);
    let at = |seconds: i64| aws_sdk_marketplacemetering::primitives::DateTime::from_secs(hour + seconds);
    first.timestamp = at(-3_600);
    let mut same_hour = first.clone();
    same_hour.timestamp = at(-1);
    let mut next_hour = first.clone();
    next_hour.timestamp = at(0);
    let results = report(&client, vec![first, same_hour, next_hour]).await;
    let ids: Vec<_> = results
        .iter()
        .map(|result| result.metering_record_id.clone())
        .collect();
    assert_eq!(ids[0], ids[1], "one hour");
    assert_ne!(ids[1], ids[2], "another hour");
}

/// A record is taken for six hours after its hour, to the second.
/// https://docs.aws.amazon.com/marketplacemetering/latest/APIReference/API_BatchMeterUsage.html
#[tokio::test]
async fn a_record_is_taken_for_six_hours_after_its_hour() {
    let Some((aws, client)) = market().await else {
        return;
    };
    let usage = record(&aws, "rows", 1, TimeDelta::zero());
    let seconds_left = 3_600 - usage.timestamp.secs().rem_euclid(3_600);
    aws.advance(TimeDelta::seconds(seconds_left + 6 * 3_600 - 30));
    assert_eq!(
        outcome(&client, usage.clone()).await.status,
        Some(Status::Success)
    );
    aws.advance(TimeDelta::seconds(31));
    assert_eq!(refusal(&client, usage).await, "TimestampOutOfBoundsException");
}

/// One record out of its time keeps the whole batch from being processed.
/// https://docs.aws.amazon.com/marketplacemetering/latest/APIReference/API_BatchMeterUsage.html
#[tokio::test]
async fn one_late_record_refuses_the_whole_batch() {
    let Some((aws, client)) = market().await else {
        return;
    };
    let (good, late) = (
        record(&aws, "rows", 5, TimeDelta::zero()),
        record(&aws, "rows", 5, TimeDelta::hours(9)),
    );
    let sent = client
        .batch_meter_usage()
        .product_code(PRODUCT)
        .usage_records(good)
        .usage_records(late);
    assert_eq!(code(sent.send().await), "TimestampOutOfBoundsException");
    let other = outcome(&client, record(&aws, "rows", 6, TimeDelta::zero())).await;
    assert_eq!(other.status, Some(Status::Success), "the five were not honoured");
}

/// A customer is named by its identifier or by its account, not by both and not by neither.
/// https://docs.aws.amazon.com/marketplacemetering/latest/APIReference/API_UsageRecord.html
#[tokio::test]
async fn a_customer_is_named_in_one_way() {
    let Some((aws, client)) = market().await else {
        return;
    };
    let mut both = record(&aws, "rows", 1, TimeDelta::zero());
    both.customer_aws_account_id = Some("222222222222".to_owned());
    assert_eq!(
        refusal(&client, both.clone()).await,
        "InvalidCustomerIdentifierException"
    );
    let mut neither = both.clone();
    (neither.customer_identifier, neither.customer_aws_account_id) = (String::new(), None);
    assert_eq!(
        refusal(&client, neither).await,
        "InvalidCustomerIdentifierException"
    );
    aws.control().subscribe(PRODUCT, &[], "222222222222");
    both.customer_identifier = String::new();
    assert_eq!(outcome(&client, both).await.status, Some(Status::Success));
}

/// Two customers have hours of their own.
/// https://docs.aws.amazon.com/marketplacemetering/latest/APIReference/API_UsageRecordResult.html
#[tokio::test]
async fn two_customers_have_hours_of_their_own() {
    let Some((aws, client)) = market().await else {
        return;
    };
    aws.control().subscribe(PRODUCT, &[], "cust-bolt");
    let own = record(&aws, "rows", 1, TimeDelta::zero());
    let mut other = record(&aws, "rows", 2, TimeDelta::zero());
    other.customer_identifier = "cust-bolt".to_owned();
    let results = report(&client, vec![own, other]).await;
    assert!(
        results
            .iter()
            .all(|result| result.status == Some(Status::Success))
    );
    assert_eq!(
        results[0]
            .usage_record
            .as_ref()
            .map(UsageRecord::customer_identifier),
        Some(CUSTOMER)
    );
}
