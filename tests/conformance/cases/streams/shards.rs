//! ListShards and its filters.

use aws_sdk_kinesis::primitives::DateTime;
use aws_sdk_kinesis::types::{ShardFilter, ShardFilterType};
use chrono::TimeDelta;
use conformance::{code, controlled};

use crate::support::{HALF, Stream, on_stream, shard_id};

async fn filtered(stream: &Stream, filter: ShardFilter) -> Vec<String> {
    let listed = stream
        .client
        .list_shards()
        .stream_name(&stream.name)
        .shard_filter(filter);
    let shards = listed.send().await.expect("listed").shards.unwrap_or_default();
    shards.into_iter().map(|shard| shard.shard_id).collect()
}

fn filter(kind: ShardFilterType) -> ShardFilter {
    ShardFilter::builder().r#type(kind).build().expect("a type")
}

fn filter_at(kind: ShardFilterType, millis: i64) -> ShardFilter {
    let filter = ShardFilter::builder()
        .r#type(kind)
        .timestamp(DateTime::from_millis(millis));
    filter.build().expect("a type")
}

/// AT_LATEST lists the open shards, FROM_TRIM_HORIZON all that still hold data.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ShardFilter.html
#[tokio::test]
async fn the_open_shards_and_all_shards_are_told_apart() {
    on_stream(1, async |_, stream| {
        stream.split(&shard_id(0), HALF).await;
        let open = [1, 2].map(shard_id);
        assert_eq!(filtered(stream, filter(ShardFilterType::AtLatest)).await, open);
        let all = [0, 1, 2].map(shard_id);
        assert_eq!(
            filtered(stream, filter(ShardFilterType::FromTrimHorizon)).await,
            all
        );
        assert_eq!(
            filtered(stream, filter(ShardFilterType::AtTrimHorizon)).await,
            [shard_id(0)]
        );
    })
    .await;
}

/// AT_TIMESTAMP lists what was open at the moment, FROM_TIMESTAMP also what was opened since.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ShardFilter.html
#[tokio::test]
async fn a_moment_lists_the_shards_of_its_time() {
    let Some(aws) = controlled().await else { return };
    let stream = Stream::create(&aws, 1).await;
    aws.advance(TimeDelta::minutes(1));
    let before = aws.control().now().timestamp_millis();
    aws.advance(TimeDelta::minutes(1));
    stream.split(&shard_id(0), HALF).await;
    aws.advance(TimeDelta::minutes(1));
    let after = aws.control().now().timestamp_millis();
    assert_eq!(
        filtered(&stream, filter_at(ShardFilterType::AtTimestamp, before)).await,
        [shard_id(0)]
    );
    assert_eq!(
        filtered(&stream, filter_at(ShardFilterType::AtTimestamp, after)).await,
        [1, 2].map(shard_id)
    );
    let from = filtered(&stream, filter_at(ShardFilterType::FromTimestamp, before)).await;
    assert_eq!(from, [0, 1, 2].map(shard_id));
    let from = filtered(&stream, filter_at(ShardFilterType::FromTimestamp, after)).await;
    assert_eq!(from, [1, 2].map(shard_id));
}

/// AFTER_SHARD_ID lists what comes behind a shard.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ShardFilter.html
#[tokio::test]
async fn a_filter_lists_what_comes_behind_a_shard() {
    on_stream(3, async |_, stream| {
        let after = ShardFilter::builder()
            .r#type(ShardFilterType::AfterShardId)
            .shard_id(shard_id(0));
        let found = filtered(stream, after.build().expect("complete")).await;
        assert_eq!(found, [1, 2].map(shard_id));
        let listed = stream.client.list_shards().stream_name(&stream.name);
        let listed = listed
            .exclusive_start_shard_id(shard_id(1))
            .send()
            .await
            .expect("listed");
        assert_eq!(listed.shards().len(), 1);
    })
    .await;
}

/// A filter needs what its type compares with, and a type that is one.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ShardFilter.html
#[tokio::test]
async fn a_filter_without_what_it_needs_is_refused() {
    on_stream(1, async |_, stream| {
        for (kind, expected) in [
            (ShardFilterType::AtTimestamp, "InvalidArgumentException"),
            (ShardFilterType::FromTimestamp, "InvalidArgumentException"),
            (ShardFilterType::AfterShardId, "InvalidArgumentException"),
            (ShardFilterType::from("SOMETIMES"), "ValidationException"),
        ] {
            let listed = stream
                .client
                .list_shards()
                .stream_name(&stream.name)
                .shard_filter(filter(kind));
            assert_eq!(code(listed.send().await), expected);
        }
    })
    .await;
}

/// The creation time tells a stream from its successor of the same name.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListShards.html
#[tokio::test]
async fn another_creation_time_names_another_stream() {
    let Some(aws) = controlled().await else { return };
    let stream = Stream::create(&aws, 1).await;
    let born = stream.summary().await.stream_creation_timestamp;
    let listed = |at: DateTime| {
        stream
            .client
            .list_shards()
            .stream_name(&stream.name)
            .stream_creation_timestamp(at)
    };
    assert_eq!(listed(born).send().await.expect("listed").shards().len(), 1);
    let other = DateTime::from_secs(born.secs() - 60);
    assert_eq!(code(listed(other).send().await), "ResourceNotFoundException");
}

/// A closed shard is listed until its data has aged out.
/// https://docs.aws.amazon.com/streams/latest/dev/kinesis-using-sdk-java-after-resharding.html
#[tokio::test]
async fn a_closed_shard_leaves_the_list_with_its_data() {
    let Some(aws) = controlled().await else { return };
    let stream = Stream::create(&aws, 1).await;
    stream.split(&shard_id(0), HALF).await;
    aws.advance(TimeDelta::hours(23));
    assert_eq!(stream.shards().await.len(), 3);
    aws.advance(TimeDelta::hours(2));
    let ids: Vec<_> = stream
        .shards()
        .await
        .into_iter()
        .map(|shard| shard.shard_id)
        .collect();
    assert_eq!(ids, [1, 2].map(shard_id));
    let asked = stream
        .client
        .get_shard_iterator()
        .stream_name(&stream.name)
        .shard_id(shard_id(0));
    let asked = asked.shard_iterator_type(aws_sdk_kinesis::types::ShardIteratorType::TrimHorizon);
    assert_eq!(code(asked.send().await), "ResourceNotFoundException");
}
