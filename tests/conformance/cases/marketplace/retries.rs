//! Lost answers, unprocessed records, restarts: a record is honoured once.

use aws_sdk_marketplacemetering::Client;
use aws_sdk_marketplacemetering::types::UsageRecordResultStatus as Status;
use chrono::TimeDelta;
use conformance::local_aws::{Fault, FaultRule, Options};
use conformance::{code, controlled_with};

use crate::support::{CUSTOMER, PRODUCT, market, outcome, record, report};

/// After a lost answer the same record again is the same honoured record.
/// https://docs.aws.amazon.com/marketplacemetering/latest/APIReference/API_BatchMeterUsage.html
#[tokio::test]
async fn a_record_whose_answer_was_lost_is_sent_again_without_harm() {
    let Some((aws, client)) = market().await else {
        return;
    };
    let lost = FaultRule::on("BatchMeterUsage", Fault::EffectWithoutReply { hang_ms: 0 }).times(1);
    assert!(aws.control().add_fault(lost));
    let usage = record(&aws, "rows", 5, TimeDelta::zero());
    let sent = client
        .batch_meter_usage()
        .product_code(PRODUCT)
        .usage_records(usage.clone());
    assert!(
        sent.send()
            .await
            .expect_err("no answer")
            .as_service_error()
            .is_none()
    );
    assert_eq!(outcome(&client, usage).await.status, Some(Status::Success));
    let other = outcome(&client, record(&aws, "rows", 6, TimeDelta::zero())).await;
    assert_eq!(
        other.status,
        Some(Status::DuplicateRecord),
        "the lost one was honoured"
    );
}

/// Records that were not processed come back as they were sent, and are sent again alone.
/// https://docs.aws.amazon.com/marketplacemetering/latest/APIReference/API_BatchMeterUsage.html
#[tokio::test]
async fn unprocessed_records_are_sent_again_alone() {
    let Some((aws, client)) = market().await else {
        return;
    };
    let dimensions: Vec<String> = (0..25).map(|number| format!("d{number}")).collect();
    let named: Vec<&str> = dimensions.iter().map(String::as_str).collect();
    aws.control().subscribe(PRODUCT, &named, CUSTOMER);
    let partial = Fault::Partial { per_million: 500_000 };
    assert!(aws.control().add_fault(FaultRule::on("BatchMeterUsage", partial)));
    let mut left: Vec<_> = named
        .iter()
        .map(|name| record(&aws, name, 1, TimeDelta::zero()))
        .collect();
    let (mut honoured, mut rounds) = (0, 0);
    while !left.is_empty() {
        let sent = client
            .batch_meter_usage()
            .product_code(PRODUCT)
            .set_usage_records(Some(left.clone()));
        let sent = sent.send().await.expect("an answer");
        let results = sent.results.unwrap_or_default();
        assert!(
            results
                .iter()
                .all(|result| result.status == Some(Status::Success))
        );
        let next = sent.unprocessed_records.unwrap_or_default();
        assert_eq!(results.len() + next.len(), left.len());
        honoured += results.len();
        left = next;
        rounds += 1;
    }
    assert_eq!(honoured, 25);
    assert!(rounds > 1, "the fault hit something");
}

/// A retry may hold a part of the records.
/// https://docs.aws.amazon.com/marketplacemetering/latest/APIReference/API_BatchMeterUsage.html
#[tokio::test]
async fn a_part_of_a_batch_can_be_sent_again() {
    let Some((aws, client)) = market().await else {
        return;
    };
    let (rows, hours) = (
        record(&aws, "rows", 1, TimeDelta::zero()),
        record(&aws, "hours", 2, TimeDelta::zero()),
    );
    let first = report(&client, vec![rows, hours.clone()]).await;
    let again = outcome(&client, hours).await;
    assert_eq!(
        (again.status, &again.metering_record_id),
        (Some(Status::Success), &first[1].metering_record_id)
    );
}

/// What was honoured is honoured for good.
/// https://docs.aws.amazon.com/marketplacemetering/latest/APIReference/API_UsageRecordResult.html
#[tokio::test]
async fn what_was_honoured_survives_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = || Options {
        data_dir: Some(directory.path().to_owned()),
        ..Options::default()
    };
    let Some(aws) = controlled_with(options()).await else {
        return;
    };
    aws.control().subscribe(PRODUCT, &["rows"], CUSTOMER);
    let client = Client::new(&aws.vendor().config);
    let first = outcome(&client, record(&aws, "rows", 5, TimeDelta::zero())).await;
    let twin = first.usage_record.clone().expect("echoed");
    aws.stop().await;

    let aws = controlled_with(options()).await.expect("as before");
    let client = Client::new(&aws.vendor().config);
    assert_eq!(
        outcome(&client, twin).await.metering_record_id,
        first.metering_record_id
    );
}

/// A throttled call honours nothing.
/// https://docs.aws.amazon.com/marketplacemetering/latest/APIReference/API_BatchMeterUsage.html
#[tokio::test]
async fn a_throttled_call_honours_nothing() {
    let Some((aws, client)) = market().await else {
        return;
    };
    assert!(
        aws.control()
            .add_fault(FaultRule::on("BatchMeterUsage", Fault::Throttle).times(1))
    );
    let sent = client.batch_meter_usage().product_code(PRODUCT);
    let sent = sent
        .usage_records(record(&aws, "rows", 5, TimeDelta::zero()))
        .send()
        .await;
    assert_eq!(code(sent), "ThrottlingException");
    let other = outcome(&client, record(&aws, "rows", 6, TimeDelta::zero())).await;
    assert_eq!(other.status, Some(Status::Success));
}
