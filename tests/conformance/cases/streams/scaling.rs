//! UpdateShardCount.

use aws_sdk_kinesis::error::SdkError;
use aws_sdk_kinesis::operation::update_shard_count::{UpdateShardCountError, UpdateShardCountOutput};
use aws_sdk_kinesis::types::ScalingType;
use chrono::TimeDelta;
use conformance::{code, controlled};

use crate::support::{Stream, on_stream, range};

async fn scale(
    stream: &Stream,
    target: i32,
) -> Result<UpdateShardCountOutput, SdkError<UpdateShardCountError>> {
    let update = stream.client.update_shard_count().stream_name(&stream.name);
    let update = update
        .target_shard_count(target)
        .scaling_type(ScalingType::UniformScaling);
    update.send().await
}

/// The shards share the hash space evenly afterwards, and none overlaps.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateShardCount.html
#[tokio::test]
async fn the_shard_count_moves_to_even_ranges() {
    on_stream(4, async |_, stream| {
        for target in [6, 3] {
            let before = stream.open_shards().await.len();
            let updated = scale(stream, target).await.expect("updated");
            assert_eq!(updated.current_shard_count, i32::try_from(before).ok());
            assert_eq!(updated.target_shard_count, Some(target));
            stream.settled().await;
            let mut ranges: Vec<_> = stream.open_shards().await.iter().map(range).collect();
            ranges.sort_unstable();
            assert_eq!(ranges.len(), usize::try_from(target).expect("small"));
            assert_eq!((ranges[0].0, ranges[ranges.len() - 1].1), (0, u128::MAX));
            assert!(ranges.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0));
            let sizes: Vec<_> = ranges.iter().map(|(start, end)| end - start).collect();
            let (least, most) = (sizes.iter().min(), sizes.iter().max());
            assert!(most.expect("some") - least.expect("some") < 100, "{sizes:?}");
        }
    })
    .await;
}

/// A stream grows to double its shards at most and shrinks to half at least.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateShardCount.html
#[tokio::test]
async fn a_stream_at_most_doubles_and_at_least_halves() {
    on_stream(4, async |_, stream| {
        for target in [9, 1] {
            assert_eq!(
                code(scale(stream, target).await),
                "InvalidArgumentException",
                "{target}"
            );
        }
        scale(stream, 2).await.expect("half");
        stream.settled().await;
        assert_eq!(stream.open_shards().await.len(), 2);
    })
    .await;
}

/// Ten times in a rolling day.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateShardCount.html
#[tokio::test]
async fn a_stream_scales_ten_times_a_day() {
    let Some(aws) = controlled().await else { return };
    let stream = Stream::create(&aws, 1).await;
    for round in 0..10 {
        let target = if round % 2 == 0 { 2 } else { 1 };
        scale(&stream, target).await.expect("scaled");
        aws.advance(TimeDelta::hours(1));
    }
    assert_eq!(code(scale(&stream, 2).await), "LimitExceededException");
    aws.advance(TimeDelta::hours(14));
    scale(&stream, 2).await.expect("the first was a day ago");
}

/// More shards than the account may have are refused, and the stream stays as it is.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateShardCount.html
#[tokio::test]
async fn a_target_beyond_the_accounts_limit_is_refused() {
    let Some(aws) = controlled().await else { return };
    let limits = crate::support::client(&aws)
        .describe_limits()
        .send()
        .await
        .expect("limits");
    let shards = limits.shard_limit / 2 + 1;
    let stream = Stream::create(&aws, shards).await;
    assert_eq!(code(scale(&stream, shards * 2).await), "LimitExceededException");
    assert_eq!(stream.summary().await.open_shard_count, shards);
}

/// Targets below one and other ways of scaling are refused.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateShardCount.html
#[tokio::test]
async fn a_target_below_one_is_refused() {
    on_stream(1, async |_, stream| {
        for target in [0, -2] {
            assert_eq!(code(scale(stream, target).await), "ValidationException");
        }
        let update = stream
            .client
            .update_shard_count()
            .stream_name(&stream.name)
            .target_shard_count(2);
        let other = update
            .scaling_type(ScalingType::from("RANDOM_SCALING"))
            .send()
            .await;
        assert_eq!(code(other), "ValidationException");
    })
    .await;
}
