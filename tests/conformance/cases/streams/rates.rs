//! What a shard takes and gives per second, while the endpoint holds it against callers.

use std::collections::BTreeSet;

use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, ShardIteratorType};
use chrono::TimeDelta;
use conformance::code;

use crate::support::{entry, held, shard_id};

const THROTTLED: &str = "ProvisionedThroughputExceededException";

fn batch(left: usize, right: usize) -> Vec<PutRecordsRequestEntry> {
    let keys = std::iter::repeat_n("a", left).chain(std::iter::repeat_n("b", right));
    keys.map(|key| entry(key, b"x")).collect()
}

/// A full shard fails its records alone: those of other shards are stored, and the call succeeds.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
#[tokio::test]
async fn a_full_shard_fails_some_records_of_a_batch_and_not_the_others() {
    let Some((aws, stream)) = held(2).await else {
        return;
    };
    for _ in 0..2 {
        stream.put_all(batch(450, 50)).await;
    }
    let put = stream.put_all(batch(250, 250)).await;
    assert_eq!(put.failed_record_count, Some(150));
    let codes: BTreeSet<_> = put
        .records
        .iter()
        .filter_map(|record| record.error_code.as_deref())
        .collect();
    assert_eq!(codes, BTreeSet::from([THROTTLED]));
    let failed = put
        .records
        .iter()
        .find(|record| record.error_code.is_some())
        .expect("one failed");
    let why = failed.error_message.as_deref().expect("it says why");
    assert!(why.contains(&shard_id(0)) && why.contains(&stream.name), "{why}");
    aws.advance(TimeDelta::seconds(1));
    assert_eq!(stream.put_all(batch(250, 250)).await.failed_record_count, Some(0));
    assert_eq!(stream.all_of(&shard_id(0)).await.len(), 1_250);
}

/// A shard takes 1 MiB per second, keys included.
/// https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html
#[tokio::test]
async fn a_shard_takes_a_mebibyte_a_second() {
    let Some((aws, stream)) = held(1).await else {
        return;
    };
    let half = vec![0; (1 << 19) - 1];
    let put = stream
        .put_all(vec![entry("a", &half), entry("a", &half), entry("a", b"")])
        .await;
    let failed: Vec<_> = put
        .records
        .iter()
        .map(|record| record.error_code.is_some())
        .collect();
    assert_eq!(failed, [false, false, true]);
    aws.advance(TimeDelta::seconds(1));
    assert_eq!(
        stream.put_all(vec![entry("a", b"")]).await.failed_record_count,
        Some(0)
    );
}

/// PutRecord has one record only, so the call itself is refused.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html
#[tokio::test]
async fn a_single_record_on_a_full_shard_is_refused() {
    let Some((_aws, stream)) = held(1).await else {
        return;
    };
    for _ in 0..2 {
        stream.put_all(batch(500, 0)).await;
    }
    let put = stream
        .client
        .put_record()
        .stream_name(&stream.name)
        .partition_key("a");
    assert_eq!(code(put.data(Blob::new("x")).send().await), THROTTLED);
}

/// A split doubles what the stream takes.
/// https://docs.aws.amazon.com/streams/latest/dev/kinesis-using-sdk-java-resharding.html
#[tokio::test]
async fn a_split_doubles_the_rate() {
    let Some((aws, stream)) = held(1).await else {
        return;
    };
    let put = async || {
        let first = stream.put_all(batch(0, 500)).await.failed_record_count;
        let rest = stream.put_all(batch(500, 0)).await.failed_record_count;
        let more = stream.put_all(batch(250, 250)).await.failed_record_count;
        (first, rest, more)
    };
    assert_eq!(put().await, (Some(0), Some(0), Some(500)));
    stream.split(&shard_id(0), crate::support::HALF).await;
    aws.advance(TimeDelta::seconds(1));
    assert_eq!(put().await, (Some(0), Some(0), Some(0)));
}

/// A shard answers five reads a second.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html
#[tokio::test]
async fn a_shard_answers_five_reads_a_second() {
    let Some((aws, stream)) = held(2).await else {
        return;
    };
    let at = stream
        .iterator(&shard_id(0), ShardIteratorType::TrimHorizon)
        .await;
    let other = stream
        .iterator(&shard_id(1), ShardIteratorType::TrimHorizon)
        .await;
    for _ in 0..5 {
        stream.read(&at).await;
    }
    let sixth = stream.client.get_records().shard_iterator(&at).send().await;
    assert_eq!(code(sixth), THROTTLED);
    stream.read(&other).await;
    aws.advance(TimeDelta::seconds(1));
    stream.read(&at).await;
}

/// After 10 MiB a shard rests for five seconds: it gives 2 MiB per second.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html
#[tokio::test]
async fn a_shard_rests_after_a_large_read() {
    let Some((aws, stream)) = held(1).await else {
        return;
    };
    let large = vec![0; (1 << 20) - 1];
    for _ in 0..10 {
        stream.put_all(vec![entry("a", &large)]).await;
        aws.advance(TimeDelta::seconds(1));
    }
    let at = stream
        .iterator(&shard_id(0), ShardIteratorType::TrimHorizon)
        .await;
    assert_eq!(stream.read(&at).await.records.len(), 10);
    aws.advance(TimeDelta::seconds(4));
    let early = stream.client.get_records().shard_iterator(&at).send().await;
    assert_eq!(code(early), THROTTLED);
    aws.advance(TimeDelta::seconds(1));
    stream.read(&at).await;
}
