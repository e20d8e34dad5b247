//! Provisioned and on-demand capacity.

use aws_sdk_kinesis::types::{ScalingType, StreamMode, StreamModeDetails};
use chrono::TimeDelta;
use conformance::{Aws, code, controlled};

use crate::support::{Stream, client, on_stream};

fn details(mode: StreamMode) -> StreamModeDetails {
    StreamModeDetails::builder()
        .stream_mode(mode)
        .build()
        .expect("a mode")
}

async fn on_demand(aws: &Aws) -> Stream {
    let stream = Stream {
        client: client(aws),
        name: aws.name("on-demand"),
    };
    let create = stream.client.create_stream().stream_name(&stream.name);
    create
        .stream_mode_details(details(StreamMode::OnDemand))
        .send()
        .await
        .expect("made");
    stream
}

async fn switch(stream: &Stream, mode: StreamMode) -> Option<String> {
    let arn = stream.summary().await.stream_arn;
    let update = stream.client.update_stream_mode().stream_arn(arn);
    let updated = update.stream_mode_details(details(mode)).send().await;
    updated.is_err().then(|| code(updated))
}

/// An on-demand stream begins with four shards and says its mode.
/// https://docs.aws.amazon.com/streams/latest/dev/how-do-i-size-a-stream.html
#[tokio::test]
async fn an_on_demand_stream_begins_with_four_shards() {
    let Some(aws) = controlled().await else { return };
    let summary = on_demand(&aws).await.summary().await;
    let mode = summary.stream_mode_details.map(|details| details.stream_mode);
    assert_eq!((mode, summary.open_shard_count), (Some(StreamMode::OnDemand), 4));
}

/// The number of shards is AWS's matter in on-demand mode.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_StreamModeDetails.html
#[tokio::test]
async fn an_on_demand_stream_takes_no_shard_count() {
    let Some(aws) = controlled().await else { return };
    let create = client(&aws).create_stream().stream_name("both").shard_count(2);
    let made = create
        .stream_mode_details(details(StreamMode::OnDemand))
        .send()
        .await;
    assert_eq!(code(made), "ValidationException");
}

/// Splits, merges and scaling are for provisioned streams only.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateShardCount.html
#[tokio::test]
async fn an_on_demand_stream_is_not_resharded_by_hand() {
    let Some(aws) = controlled().await else { return };
    let stream = on_demand(&aws).await;
    let (kinesis, name) = (&stream.client, &stream.name);
    let split = kinesis
        .split_shard()
        .stream_name(name)
        .shard_to_split("shardId-000000000000");
    let split = split.new_starting_hash_key("1").send().await;
    assert_eq!(code(split), "ValidationException");
    let merge = kinesis
        .merge_shards()
        .stream_name(name)
        .shard_to_merge("shardId-000000000000");
    let merge = merge.adjacent_shard_to_merge("shardId-000000000001").send().await;
    assert_eq!(code(merge), "ValidationException");
    let scaled = kinesis
        .update_shard_count()
        .stream_name(name)
        .target_shard_count(8);
    let scaled = scaled.scaling_type(ScalingType::UniformScaling).send().await;
    assert_eq!(code(scaled), "ValidationException");
}

/// A stream changes its mode twice within 24 hours, and again a day later.
/// https://docs.aws.amazon.com/streams/latest/dev/switchingmodes.html
#[tokio::test]
async fn a_mode_changes_twice_a_day() {
    let Some(aws) = controlled().await else { return };
    let stream = Stream::create(&aws, 1).await;
    assert_eq!(switch(&stream, StreamMode::OnDemand).await, None);
    assert_eq!(switch(&stream, StreamMode::Provisioned).await, None);
    let third = switch(&stream, StreamMode::OnDemand).await;
    assert_eq!(third.as_deref(), Some("LimitExceededException"));
    aws.advance(TimeDelta::hours(24));
    assert_eq!(switch(&stream, StreamMode::OnDemand).await, None);
}

/// A stream keeps its shards when its mode changes.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateStreamMode.html
#[tokio::test]
async fn a_mode_change_keeps_the_shards() {
    on_stream(2, async |_, stream| {
        assert_eq!(switch(stream, StreamMode::OnDemand).await, None);
        stream.settled().await;
        let summary = stream.summary().await;
        assert_eq!(summary.open_shard_count, 2);
        assert_eq!(
            summary.stream_mode_details.map(|details| details.stream_mode),
            Some(StreamMode::OnDemand)
        );
    })
    .await;
}

/// By default an account has up to fifty on-demand streams.
/// https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html
#[tokio::test]
async fn a_fifty_first_on_demand_stream_is_refused() {
    let Some(aws) = controlled().await else { return };
    let mut last = None;
    for _ in 0..50 {
        last = Some(on_demand(&aws).await);
    }
    let stream = last.expect("fifty were made");
    let create = stream.client.create_stream().stream_name("one-more");
    let made = create
        .stream_mode_details(details(StreamMode::OnDemand))
        .send()
        .await;
    assert_eq!(code(made), "LimitExceededException");
    let limits = stream.client.describe_limits().send().await.expect("limits");
    assert_eq!((limits.on_demand_stream_count, limits.open_shard_count), (50, 0));
}

/// The ARN and the mode are required.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateStreamMode.html
#[tokio::test]
async fn a_mode_change_names_its_stream_by_arn() {
    let Some(aws) = controlled().await else { return };
    let raw = conformance::Raw::to(&aws, "kinesis").expect("an endpoint");
    let body = r#"{"StreamModeDetails":{"StreamMode":"ON_DEMAND"}}"#;
    let answer = raw.json("Kinesis_20131202.UpdateStreamMode", body).send().await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (400, "ValidationException")
    );
}
