//! How long records stay.

use aws_sdk_kinesis::types::ShardIteratorType;
use chrono::TimeDelta;
use conformance::{code, controlled};

use crate::support::{Stream, on_stream, shard_id};

async fn increase(stream: &Stream, hours: i32) -> Option<String> {
    let change = stream
        .client
        .increase_stream_retention_period()
        .stream_name(&stream.name);
    let changed = change.retention_period_hours(hours).send().await;
    changed.is_err().then(|| code(changed))
}

async fn decrease(stream: &Stream, hours: i32) -> Option<String> {
    let change = stream
        .client
        .decrease_stream_retention_period()
        .stream_name(&stream.name);
    let changed = change.retention_period_hours(hours).send().await;
    changed.is_err().then(|| code(changed))
}

/// Records older than the retention period are gone.
/// https://docs.aws.amazon.com/streams/latest/dev/kinesis-extended-retention.html
#[tokio::test]
async fn records_older_than_the_retention_are_gone() {
    let Some(aws) = controlled().await else { return };
    let stream = Stream::create(&aws, 1).await;
    stream.put("k", "old").await;
    aws.advance(TimeDelta::hours(23));
    stream.put("k", "young").await;
    assert_eq!(stream.all_of(&shard_id(0)).await, ["old", "young"]);
    aws.advance(TimeDelta::hours(2));
    assert_eq!(stream.all_of(&shard_id(0)).await, ["young"]);
}

/// An iterator at a record that has aged out goes on with the oldest that is left.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetShardIterator.html
#[tokio::test]
async fn an_iterator_at_a_lost_record_goes_on_with_the_oldest() {
    let Some(aws) = controlled().await else { return };
    let stream = Stream::create(&aws, 1).await;
    let (shard, number) = stream.put("k", "old").await;
    aws.advance(TimeDelta::hours(25));
    stream.put("k", "young").await;
    let at = stream
        .iterator_by(ShardIteratorType::AtSequenceNumber, &shard, &number)
        .await;
    assert_eq!(crate::support::texts(&stream.read(&at).await), ["young"]);
}

/// A longer period keeps what is still there, and brings nothing back.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_IncreaseStreamRetentionPeriod.html
#[tokio::test]
async fn a_longer_period_brings_nothing_back() {
    let Some(aws) = controlled().await else { return };
    let stream = Stream::create(&aws, 1).await;
    stream.put("k", "gone").await;
    aws.advance(TimeDelta::hours(20));
    stream.put("k", "kept").await;
    aws.advance(TimeDelta::hours(5));
    assert_eq!(increase(&stream, 168).await, None);
    assert_eq!(stream.summary().await.retention_period_hours, 168);
    aws.advance(TimeDelta::hours(100));
    assert_eq!(stream.all_of(&shard_id(0)).await, ["kept"]);
}

/// A shorter period takes effect at once.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DecreaseStreamRetentionPeriod.html
#[tokio::test]
async fn a_shorter_period_takes_effect_at_once() {
    let Some(aws) = controlled().await else { return };
    let stream = Stream::create(&aws, 1).await;
    assert_eq!(increase(&stream, 72).await, None);
    stream.put("k", "old").await;
    aws.advance(TimeDelta::hours(48));
    stream.put("k", "young").await;
    assert_eq!(stream.all_of(&shard_id(0)).await.len(), 2);
    assert_eq!(decrease(&stream, 24).await, None);
    assert_eq!(stream.all_of(&shard_id(0)).await, ["young"]);
}

/// The period is between 24 hours and 365 days.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_IncreaseStreamRetentionPeriod.html
#[tokio::test]
async fn a_period_outside_its_bounds_is_refused() {
    on_stream(1, async |_, stream| {
        let invalid = Some("InvalidArgumentException".to_owned());
        assert_eq!(increase(stream, 8_761).await, invalid);
        assert_eq!(decrease(stream, 23).await, invalid);
        assert_eq!(decrease(stream, -1).await, invalid);
        assert_eq!(increase(stream, 8_760).await, None);
    })
    .await;
}

/// One operation makes the period longer, the other shorter.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DecreaseStreamRetentionPeriod.html
#[tokio::test]
async fn a_period_moves_in_the_operations_direction_only() {
    on_stream(1, async |_, stream| {
        assert_eq!(increase(stream, 48).await, None);
        let invalid = Some("InvalidArgumentException".to_owned());
        assert_eq!(increase(stream, 36).await, invalid);
        assert_eq!(decrease(stream, 72).await, invalid);
        assert_eq!(stream.summary().await.retention_period_hours, 48);
    })
    .await;
}
