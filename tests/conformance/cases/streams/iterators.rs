//! GetShardIterator: where each type starts, and what it refuses.

use aws_sdk_kinesis::primitives::DateTime;
use aws_sdk_kinesis::types::ShardIteratorType;
use chrono::TimeDelta;
use conformance::{code, controlled};

use crate::support::{Stream, on_stream, shard_id, texts};

/// TRIM_HORIZON starts with the oldest record.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetShardIterator.html
#[tokio::test]
async fn trim_horizon_starts_with_the_oldest_record() {
    on_stream(1, async |_, stream| {
        stream.put("k", "first").await;
        stream.put("k", "second").await;
        let at = stream
            .iterator(&shard_id(0), ShardIteratorType::TrimHorizon)
            .await;
        assert_eq!(texts(&stream.read(&at).await), ["first", "second"]);
    })
    .await;
}

/// LATEST starts behind the newest record.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetShardIterator.html
#[tokio::test]
async fn latest_starts_behind_the_newest_record() {
    on_stream(1, async |_, stream| {
        stream.put("k", "before").await;
        let at = stream.iterator(&shard_id(0), ShardIteratorType::Latest).await;
        stream.put("k", "after").await;
        assert_eq!(texts(&stream.read(&at).await), ["after"]);
    })
    .await;
}

/// AT_SEQUENCE_NUMBER starts with the record of the number, AFTER_SEQUENCE_NUMBER behind it.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetShardIterator.html
#[tokio::test]
async fn a_sequence_number_starts_at_or_after_its_record() {
    on_stream(1, async |_, stream| {
        stream.put("k", "first").await;
        let (shard, number) = stream.put("k", "second").await;
        stream.put("k", "third").await;
        let at = stream
            .iterator_by(ShardIteratorType::AtSequenceNumber, &shard, &number)
            .await;
        assert_eq!(texts(&stream.read(&at).await), ["second", "third"]);
        let after = stream
            .iterator_by(ShardIteratorType::AfterSequenceNumber, &shard, &number)
            .await;
        assert_eq!(texts(&stream.read(&after).await), ["third"]);
    })
    .await;
}

/// AT_TIMESTAMP starts with the first record that arrived at or after the moment.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetShardIterator.html
#[tokio::test]
async fn a_moment_starts_with_what_arrived_since() {
    let Some(aws) = controlled().await else { return };
    let stream = Stream::create(&aws, 1).await;
    stream.put("k", "early").await;
    aws.advance(TimeDelta::seconds(10));
    let moment = DateTime::from_millis(aws.control().now().timestamp_millis());
    stream.put("k", "late").await;
    for (timestamp, expected) in [
        (moment, &["late"][..]),
        (DateTime::from_secs(0), &["early", "late"]),
    ] {
        let asked = stream
            .client
            .get_shard_iterator()
            .stream_name(&stream.name)
            .shard_id(shard_id(0));
        let asked = asked
            .shard_iterator_type(ShardIteratorType::AtTimestamp)
            .timestamp(timestamp);
        let at = asked
            .send()
            .await
            .expect("an iterator")
            .shard_iterator
            .expect("has text");
        assert_eq!(texts(&stream.read(&at).await), expected);
    }
}

/// A moment to come has no place in the stream.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetShardIterator.html
#[tokio::test]
async fn a_moment_in_the_future_is_refused() {
    on_stream(1, async |_, stream| {
        let asked = stream
            .client
            .get_shard_iterator()
            .stream_name(&stream.name)
            .shard_id(shard_id(0));
        let asked = asked.shard_iterator_type(ShardIteratorType::AtTimestamp);
        let asked = asked.timestamp(DateTime::from_secs(4_102_444_800)).send().await;
        assert_eq!(code(asked), "InvalidArgumentException");
    })
    .await;
}

/// Types that need a number or a moment are refused without it; a type that is none, too.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetShardIterator.html
#[tokio::test]
async fn a_type_without_what_it_needs_is_refused() {
    on_stream(1, async |_, stream| {
        for (kind, expected) in [
            (ShardIteratorType::AtTimestamp, "InvalidArgumentException"),
            (ShardIteratorType::AtSequenceNumber, "InvalidArgumentException"),
            (ShardIteratorType::AfterSequenceNumber, "InvalidArgumentException"),
            (ShardIteratorType::from("SOMEWHERE"), "ValidationException"),
        ] {
            let asked = stream
                .client
                .get_shard_iterator()
                .stream_name(&stream.name)
                .shard_id(shard_id(0));
            assert_eq!(code(asked.shard_iterator_type(kind).send().await), expected);
        }
    })
    .await;
}

/// A sequence number starts on the shard that gave it out, and on no other.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetShardIterator.html
#[tokio::test]
async fn a_sequence_number_of_another_shard_is_refused() {
    on_stream(2, async |_, stream| {
        let (shard, number) = stream.put("a", "x").await;
        assert_eq!(shard, shard_id(0));
        for (shard, number) in [
            (shard_id(1), number.as_str()),
            (shard_id(0), "12"),
            (shard_id(0), "x"),
        ] {
            let asked = stream
                .client
                .get_shard_iterator()
                .stream_name(&stream.name)
                .shard_id(shard);
            let asked = asked.shard_iterator_type(ShardIteratorType::AtSequenceNumber);
            let asked = asked.starting_sequence_number(number).send().await;
            assert_eq!(code(asked), "InvalidArgumentException", "{number}");
        }
    })
    .await;
}

/// A shard that the stream does not have is not found; what is no name of a shard is refused.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetShardIterator.html
#[tokio::test]
async fn an_unknown_shard_is_not_found() {
    on_stream(1, async |_, stream| {
        for (shard, expected) in [
            (shard_id(7), "ResourceNotFoundException"),
            ("shardId-x".to_owned(), "ResourceNotFoundException"),
            ("not a shard".to_owned(), "ValidationException"),
        ] {
            let asked = stream
                .client
                .get_shard_iterator()
                .stream_name(&stream.name)
                .shard_id(shard);
            let asked = asked.shard_iterator_type(ShardIteratorType::Latest).send().await;
            assert_eq!(code(asked), expected);
        }
    })
    .await;
}

/// An iterator may be used for five minutes.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html
#[tokio::test]
async fn an_iterator_lives_five_minutes() {
    let Some(aws) = controlled().await else { return };
    let stream = Stream::create(&aws, 1).await;
    let iterator = stream.iterator(&shard_id(0), ShardIteratorType::Latest).await;
    aws.advance(TimeDelta::seconds(299));
    let next = stream.read(&iterator).await.next_shard_iterator.expect("goes on");
    aws.advance(TimeDelta::seconds(2));
    let late = stream.client.get_records().shard_iterator(&iterator).send().await;
    assert_eq!(code(late), "ExpiredIteratorException");
    stream.read(&next).await;
    aws.advance(TimeDelta::seconds(300));
    let late = stream.client.get_records().shard_iterator(&next).send().await;
    assert_eq!(code(late), "ExpiredIteratorException");
}

/// Text that is no iterator is refused.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html
#[tokio::test]
async fn a_made_up_iterator_is_refused() {
    on_stream(1, async |_, stream| {
        for text in ["x", "AAAAAAAAAAE=", "e30="] {
            let read = stream.client.get_records().shard_iterator(text).send().await;
            assert_eq!(code(read), "InvalidArgumentException", "{text}");
        }
    })
    .await;
}
