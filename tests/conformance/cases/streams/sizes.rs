//! Largest records, batches and answers.

use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, ShardIteratorType};
use conformance::code;

use crate::support::{entry, on_stream, shard_id};

const MEBIBYTE: usize = 1 << 20;

fn many(count: usize, bytes: usize) -> Vec<PutRecordsRequestEntry> {
    let data = vec![b'x'; bytes];
    (0..count).map(|_| entry("k", &data)).collect()
}

/// A batch has at most 500 records.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
#[tokio::test]
async fn five_hundred_and_one_records_are_refused_whole() {
    on_stream(1, async |_, stream| {
        let put = stream.client.put_records().stream_name(&stream.name);
        let put = put.set_records(Some(many(501, 1))).send().await;
        assert_eq!(code(put), "ValidationException");
        assert_eq!(stream.put_all(many(500, 1)).await.failed_record_count, Some(0));
        assert_eq!(stream.all_of(&shard_id(0)).await.len(), 500);
    })
    .await;
}

/// A record has at most 1 MiB, its partition key included.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html
#[tokio::test]
async fn a_record_has_at_most_a_mebibyte_with_its_key() {
    on_stream(1, async |_, stream| {
        let put = async |bytes: usize| {
            let put = stream
                .client
                .put_record()
                .stream_name(&stream.name)
                .partition_key("k");
            put.data(Blob::new(vec![0; bytes])).send().await
        };
        assert_eq!(code(put(MEBIBYTE).await), "ValidationException");
        put(MEBIBYTE - 1).await.expect("the largest record");
    })
    .await;
}

/// A batch has at most 10 MiB, partition keys included.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
#[tokio::test]
async fn a_batch_has_at_most_ten_mebibytes() {
    on_stream(1, async |_, stream| {
        let put = stream.client.put_records().stream_name(&stream.name);
        let put = put.set_records(Some(many(11, 1_000_000))).send().await;
        assert_eq!(code(put), "InvalidArgumentException");
        let put = stream.client.put_records().stream_name(&stream.name);
        put.set_records(Some(many(10, MEBIBYTE - 1)))
            .send()
            .await
            .expect("ten mebibytes");
    })
    .await;
}

/// GetRecords gives at most 10 MiB, and goes on where it stopped.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html
#[tokio::test]
async fn an_answer_has_at_most_ten_mebibytes() {
    on_stream(1, async |_, stream| {
        for _ in 0..2 {
            stream.put_all(many(6, 1_000_000)).await;
        }
        let first = stream
            .iterator(&shard_id(0), ShardIteratorType::TrimHorizon)
            .await;
        let page = stream.read(&first).await;
        assert_eq!(page.records.len(), 10);
        assert!(page.millis_behind_latest.is_some_and(|behind| behind > 0));
        let page = stream.read(&page.next_shard_iterator.expect("goes on")).await;
        assert_eq!((page.records.len(), page.millis_behind_latest), (2, Some(0)));
    })
    .await;
}
