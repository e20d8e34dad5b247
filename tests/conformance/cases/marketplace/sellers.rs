//! Who may meter what.

use aws_sdk_marketplacemetering::Client;
use chrono::TimeDelta;
use conformance::{Raw, code};

use crate::support::{PRODUCT, market, record, refusal};

/// A product is metered by the account that sells it.
/// https://docs.aws.amazon.com/marketplacemetering/latest/APIReference/API_BatchMeterUsage.html
#[tokio::test]
async fn a_product_is_metered_by_its_seller() {
    let Some((aws, client)) = market().await else {
        return;
    };
    aws.control().sell(PRODUCT, &aws.vendor().id);
    let usage = record(&aws, "rows", 1, TimeDelta::zero());
    let stranger = Client::new(&aws.stranger().config);
    assert_eq!(
        refusal(&stranger, usage.clone()).await,
        "InvalidProductCodeException"
    );
    let own = client
        .batch_meter_usage()
        .product_code(PRODUCT)
        .usage_records(usage);
    own.send().await.expect("its own product");
}

/// A user meters only when a policy lets it.
/// https://docs.aws.amazon.com/marketplace/latest/userguide/iam-user-policy-for-aws-marketplace-actions.html
#[tokio::test]
async fn a_user_meters_only_when_a_policy_lets_it() {
    let Some((aws, _)) = market().await else { return };
    let iam = aws_sdk_iam::Client::new(&aws.vendor().config);
    iam.create_user().user_name("meter").send().await.expect("a user");
    let keys = iam.create_access_key().user_name("meter").send().await;
    let keys = keys.expect("keys").access_key.expect("keys");
    let config = aws
        .vendor()
        .with_keys(&keys.access_key_id, &keys.secret_access_key, None);
    let user = Client::new(&config);
    let usage = record(&aws, "rows", 1, TimeDelta::zero());
    assert_eq!(refusal(&user, usage.clone()).await, "AccessDeniedException");
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"aws-marketplace:BatchMeterUsage","Resource":"*"}]}"#;
    let put = iam
        .put_user_policy()
        .user_name("meter")
        .policy_name("meter")
        .policy_document(policy);
    put.send().await.expect("a policy");
    let sent = user
        .batch_meter_usage()
        .product_code(PRODUCT)
        .usage_records(usage);
    sent.send().await.expect("it may");
}

/// A request is smaller than 1 MB.
/// https://docs.aws.amazon.com/marketplacemetering/latest/APIReference/API_BatchMeterUsage.html
#[tokio::test]
async fn a_request_is_smaller_than_a_megabyte() {
    let Some((aws, _)) = market().await else { return };
    let raw = Raw::to(&aws, "aws-marketplace").expect("an endpoint");
    let body = format!(r#"{{"ProductCode":"{}"}}"#, "p".repeat(1 << 20));
    let answer = raw
        .json("AWSMPMeteringService.BatchMeterUsage", &body)
        .send()
        .await;
    assert_eq!(answer.status, 413);
}

/// Metering from within an instance is another way, and is not built.
/// https://docs.aws.amazon.com/marketplacemetering/latest/APIReference/API_MeterUsage.html
#[tokio::test]
async fn metering_from_an_instance_is_not_built_and_says_so() {
    let Some((aws, client)) = market().await else {
        return;
    };
    let at = record(&aws, "rows", 1, TimeDelta::zero()).timestamp;
    let metered = client
        .meter_usage()
        .product_code(PRODUCT)
        .timestamp(at)
        .usage_dimension("rows");
    assert_eq!(code(metered.send().await), "NotImplemented");
}

/// Times beyond any calendar and bodies of another shape are refused and harm nothing.
/// https://docs.aws.amazon.com/marketplacemetering/latest/APIReference/CommonErrors.html
#[tokio::test]
async fn a_malformed_record_is_refused() {
    let Some((aws, _)) = market().await else { return };
    let raw = Raw::to(&aws, "aws-marketplace").expect("an endpoint");
    for (timestamp, expected) in [
        ("1e300", "ValidationException"),
        ("-99999999999999", "ValidationException"),
        ("8210266876799", "ValidationException"),
        ("\"now\"", "SerializationException"),
    ] {
        let body = format!(
            r#"{{"ProductCode":"{PRODUCT}","UsageRecords":[{{"Timestamp":{timestamp},"CustomerIdentifier":"cust-acme","Dimension":"rows"}}]}}"#
        );
        let answer = raw
            .clone()
            .json("AWSMPMeteringService.BatchMeterUsage", &body)
            .send()
            .await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, expected),
            "{timestamp}"
        );
    }
}
