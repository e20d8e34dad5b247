//! Licences, which newer products are metered by.

use aws_sdk_marketplacemetering::Client;
use aws_sdk_marketplacemetering::types::{UsageRecord, UsageRecordResultStatus as Status};
use chrono::TimeDelta;
use conformance::{Aws, code};

use crate::support::{PRODUCT, market, record};

const ARN: &str = "arn:aws:license-manager::111111111111:license:l-0123456789abcdef0123456789abcdef";
const BUYER: &str = "222222222222";

async fn licensed() -> Option<(Aws, Client)> {
    let (aws, client) = market().await?;
    aws.control().grant_license(ARN, PRODUCT, BUYER);
    Some((aws, client))
}

fn usage(aws: &Aws, quantity: i32) -> UsageRecord {
    let mut usage = record(aws, "rows", quantity, TimeDelta::zero());
    usage.customer_identifier = String::new();
    usage.customer_aws_account_id = Some(BUYER.to_owned());
    usage.license_arn = Some(ARN.to_owned());
    usage
}

/// The status of a record, or the code of the refusal.
async fn sent(client: &Client, record: UsageRecord) -> Result<Option<Status>, String> {
    let sent = client.batch_meter_usage().usage_records(record).send().await;
    match sent {
        Ok(sent) => Ok(sent.results.unwrap_or_default().remove(0).status),
        Err(_) => Err(code(sent)),
    }
}

/// A licence names product and agreement; no product code is needed.
/// https://docs.aws.amazon.com/marketplacemetering/latest/APIReference/API_BatchMeterUsage.html
#[tokio::test]
async fn a_licence_stands_for_its_product() {
    let Some((aws, client)) = licensed().await else {
        return;
    };
    assert_eq!(sent(&client, usage(&aws, 5)).await, Ok(Some(Status::Success)));
    assert_eq!(sent(&client, usage(&aws, 5)).await, Ok(Some(Status::Success)));
    assert_eq!(
        sent(&client, usage(&aws, 6)).await,
        Ok(Some(Status::DuplicateRecord))
    );
    let mut unknown = usage(&aws, 5);
    unknown.dimension = "seats".to_owned();
    assert_eq!(
        sent(&client, unknown).await,
        Err("InvalidUsageDimensionException".into())
    );
}

/// A licence that does not exist, or is another customer's, is refused.
/// https://docs.aws.amazon.com/marketplacemetering/latest/APIReference/API_BatchMeterUsage.html
#[tokio::test]
async fn a_licence_of_another_is_refused() {
    let Some((aws, client)) = licensed().await else {
        return;
    };
    let mut foreign = usage(&aws, 5);
    foreign.customer_aws_account_id = Some("333333333333".to_owned());
    assert_eq!(
        sent(&client, foreign).await,
        Err("InvalidLicenseException".into())
    );
    let mut unknown = usage(&aws, 5);
    unknown.license_arn = Some(format!("{ARN}0"));
    assert_eq!(
        sent(&client, unknown).await,
        Err("InvalidLicenseException".into())
    );
}

/// Usage lies within the time of its licence.
/// https://docs.aws.amazon.com/marketplacemetering/latest/APIReference/API_BatchMeterUsage.html
#[tokio::test]
async fn usage_before_its_licence_is_refused() {
    let Some((aws, client)) = licensed().await else {
        return;
    };
    let mut before = usage(&aws, 5);
    let hours = before.timestamp.secs() - 2 * 3_600;
    before.timestamp = aws_sdk_marketplacemetering::primitives::DateTime::from_secs(hours);
    assert_eq!(sent(&client, before).await, Err("InvalidLicenseException".into()));
}

/// After the end of a licence there is an hour to report what was used before it.
/// https://docs.aws.amazon.com/marketplace/latest/userguide/saas-notification.html
#[tokio::test]
async fn an_ended_licence_leaves_an_hour() {
    let Some((aws, client)) = licensed().await else {
        return;
    };
    let (used, late) = (usage(&aws, 5), usage(&aws, 7));
    aws.control().end_license(ARN);
    aws.advance(TimeDelta::minutes(59));
    assert_eq!(sent(&client, used).await, Ok(Some(Status::Success)));
    aws.advance(TimeDelta::minutes(2));
    assert_eq!(sent(&client, late).await, Err("InvalidLicenseException".into()));
}

/// Without a licence a product code is needed.
/// https://docs.aws.amazon.com/marketplacemetering/latest/APIReference/API_BatchMeterUsage.html
#[tokio::test]
async fn a_record_names_its_product() {
    let Some((aws, client)) = licensed().await else {
        return;
    };
    let mut nameless = usage(&aws, 5);
    nameless.license_arn = None;
    assert_eq!(sent(&client, nameless).await, Err("ValidationException".into()));
}

/// Two licences of one customer are metered apart.
/// https://docs.aws.amazon.com/marketplacemetering/latest/APIReference/API_UsageRecord.html
#[tokio::test]
async fn two_licences_are_metered_apart() {
    let Some((aws, client)) = licensed().await else {
        return;
    };
    let second = format!("{ARN}1");
    aws.control().grant_license(&second, PRODUCT, BUYER);
    assert_eq!(sent(&client, usage(&aws, 5)).await, Ok(Some(Status::Success)));
    let mut other = usage(&aws, 9);
    other.license_arn = Some(second);
    assert_eq!(sent(&client, other).await, Ok(Some(Status::Success)));
}
