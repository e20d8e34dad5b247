//! Lost answers, failing records, throttled callers: what a producer has to live with.

use aws_sdk_kinesis::primitives::Blob;
use conformance::local_aws::{Fault, FaultRule};
use conformance::{Aws, code, controlled, status};

use crate::support::{Stream, entry, shard_id};

async fn faulty(rule: FaultRule) -> Option<(Aws, Stream)> {
    let aws = controlled().await?;
    let stream = Stream::create(&aws, 1).await;
    assert!(aws.control().add_fault(rule));
    Some((aws, stream))
}

/// A lost answer leaves the record in the stream: whoever sends it again has it twice.
/// https://docs.aws.amazon.com/streams/latest/dev/kinesis-record-processor-duplicates.html
#[tokio::test]
async fn a_lost_answer_leaves_the_record_in_the_stream() {
    let lost = FaultRule::on("PutRecord", Fault::EffectWithoutReply { hang_ms: 0 }).times(1);
    let Some((_aws, stream)) = faulty(lost).await else {
        return;
    };
    let put = stream
        .client
        .put_record()
        .stream_name(&stream.name)
        .partition_key("k");
    let put = put.data(Blob::new("x")).send().await;
    assert!(put.expect_err("no answer").as_service_error().is_none());
    stream.put("k", "x").await;
    assert_eq!(stream.all_of(&shard_id(0)).await, ["x", "x"]);
}

/// Single records of a batch may fail; those alone are sent again.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
#[tokio::test]
async fn only_the_records_that_failed_are_missing() {
    let partial = Fault::Partial { per_million: 400_000 };
    let Some((_aws, stream)) = faulty(FaultRule::on("PutRecords", partial)).await else {
        return;
    };
    let mut left: Vec<String> = (0..200).map(|number| number.to_string()).collect();
    let mut rounds = 0;
    while !left.is_empty() {
        let entries = left.iter().map(|text| entry(text, text.as_bytes())).collect();
        let put = stream.put_all(entries).await;
        let failed: Vec<_> = left
            .into_iter()
            .zip(&put.records)
            .filter(|(_, record)| record.error_code.as_deref() == Some("InternalFailure"))
            .map(|(text, _)| text)
            .collect();
        assert_eq!(put.failed_record_count, i32::try_from(failed.len()).ok());
        left = failed;
        rounds += 1;
    }
    assert!(rounds > 1, "the fault hit something");
    let mut found = stream.all_of(&shard_id(0)).await;
    found.sort_by_key(|text| text.parse::<u32>().expect("a number"));
    let expected: Vec<String> = (0..200).map(|number| number.to_string()).collect();
    assert_eq!(found, expected, "each record once");
}

/// A failure of the service stores nothing.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/CommonErrors.html
#[tokio::test]
async fn a_failure_of_the_service_stores_nothing() {
    let rule = FaultRule::on("PutRecords", Fault::DiskFull).times(1);
    let Some((_aws, stream)) = faulty(rule).await else {
        return;
    };
    let put = stream
        .client
        .put_records()
        .stream_name(&stream.name)
        .records(entry("k", b"x"));
    let failed = put.clone().send().await;
    assert_eq!(status(failed), 500);
    put.send().await.expect("once only");
    assert_eq!(stream.all_of(&shard_id(0)).await, ["x"]);
}

/// A throttled control call says so, in another code than a throttled shard.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListShards.html
#[tokio::test]
async fn a_throttled_call_says_so() {
    let rule = FaultRule::on("ListShards", Fault::Throttle).times(1);
    let Some((_aws, stream)) = faulty(rule).await else {
        return;
    };
    let listed = stream.client.list_shards().stream_name(&stream.name);
    assert_eq!(code(listed.clone().send().await), "LimitExceededException");
    listed.send().await.expect("once only");
}
