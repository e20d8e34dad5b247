//! GetRecords: pages, how far behind, zero records.

use aws_sdk_kinesis::types::ShardIteratorType;
use chrono::TimeDelta;
use conformance::{code, controlled};

use crate::support::{Stream, on_stream, shard_id, texts};

/// Zero records do not end a shard: an open one always gives the next iterator.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html
#[tokio::test]
async fn zero_records_do_not_end_an_open_shard() {
    on_stream(1, async |_, stream| {
        let latest = stream.iterator(&shard_id(0), ShardIteratorType::Latest).await;
        let page = stream.read(&latest).await;
        assert!(page.records.is_empty() && page.child_shards().is_empty());
        let next = page.next_shard_iterator.expect("goes on");
        stream.put("k", "later").await;
        assert_eq!(texts(&stream.read(&next).await), ["later"]);
    })
    .await;
}

/// An iterator can be read again: reading takes nothing away.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html
#[tokio::test]
async fn reading_takes_nothing_away() {
    on_stream(1, async |_, stream| {
        stream.put("k", "x").await;
        let at = stream
            .iterator(&shard_id(0), ShardIteratorType::TrimHorizon)
            .await;
        for _ in 0..3 {
            assert_eq!(texts(&stream.read(&at).await), ["x"]);
        }
    })
    .await;
}

/// `Limit` bounds a page; the next iterator goes on behind it.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html
#[tokio::test]
async fn a_limit_bounds_a_page() {
    on_stream(1, async |_, stream| {
        for index in 0..5 {
            stream.put("k", &index.to_string()).await;
        }
        let mut at = stream
            .iterator(&shard_id(0), ShardIteratorType::TrimHorizon)
            .await;
        for expected in [&["0", "1"][..], &["2", "3"], &["4"], &[]] {
            let page = stream
                .client
                .get_records()
                .shard_iterator(&at)
                .limit(2)
                .send()
                .await;
            let page = page.expect("records");
            assert_eq!(texts(&page), expected);
            at = page.next_shard_iterator.expect("goes on");
        }
    })
    .await;
}

/// A limit is between 1 and 10,000.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html
#[tokio::test]
async fn a_limit_outside_its_bounds_is_refused() {
    on_stream(1, async |_, stream| {
        let at = stream
            .iterator(&shard_id(0), ShardIteratorType::TrimHorizon)
            .await;
        for limit in [0, -1, 10_001] {
            let read = stream
                .client
                .get_records()
                .shard_iterator(&at)
                .limit(limit)
                .send()
                .await;
            assert_eq!(code(read), "ValidationException", "{limit}");
        }
    })
    .await;
}

/// A page says how many milliseconds it is behind the tip; zero is caught up.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html
#[tokio::test]
async fn a_page_says_how_far_behind_it_is() {
    let Some(aws) = controlled().await else { return };
    let stream = Stream::create(&aws, 1).await;
    stream.put("k", "first").await;
    stream.put("k", "second").await;
    aws.advance(TimeDelta::seconds(7));
    let start = stream
        .iterator(&shard_id(0), ShardIteratorType::TrimHorizon)
        .await;
    let page = stream
        .client
        .get_records()
        .shard_iterator(start)
        .limit(1)
        .send()
        .await;
    let page = page.expect("records");
    let behind = page.millis_behind_latest.expect("it says so");
    assert_eq!(texts(&page), ["first"]);
    assert!((7_000..60_000).contains(&behind), "{behind}");
    let page = stream.read(&page.next_shard_iterator.expect("goes on")).await;
    assert_eq!(
        (texts(&page), page.millis_behind_latest),
        (vec!["second".into()], Some(0))
    );
}

/// Records carry the moment of their arrival.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_Record.html
#[tokio::test]
async fn a_record_carries_its_arrival() {
    let Some(aws) = controlled().await else { return };
    let stream = Stream::create(&aws, 1).await;
    let before = aws.control().now().timestamp_millis();
    stream.put("k", "x").await;
    let after = aws.control().now().timestamp_millis();
    let at = stream
        .iterator(&shard_id(0), ShardIteratorType::TrimHorizon)
        .await;
    let page = stream.read(&at).await;
    let arrived = page.records[0].approximate_arrival_timestamp.expect("a time");
    let arrived = arrived.to_millis().expect("in range");
    // Times travel as floating-point seconds, which may lose a millisecond.
    assert!(
        (before - 1..=after).contains(&arrived),
        "{before} {arrived} {after}"
    );
}

/// An iterator belongs to its stream: the ARN of another one beside it is refused.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html
#[tokio::test]
async fn an_iterator_beside_the_arn_of_another_stream_is_refused() {
    on_stream(1, async |aws, stream| {
        let other = Stream::create(aws, 1).await;
        let at = stream
            .iterator(&shard_id(0), ShardIteratorType::TrimHorizon)
            .await;
        let read = |arn: String| {
            let read = stream.client.get_records().shard_iterator(&at);
            read.stream_arn(arn).send()
        };
        let foreign = read(other.summary().await.stream_arn).await;
        assert_eq!(code(foreign), "InvalidArgumentException");
        let own = read(stream.summary().await.stream_arn).await;
        own.expect("its own ARN is fine");
        other.delete().await;
    })
    .await;
}
