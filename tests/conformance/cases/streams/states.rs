//! CREATING, UPDATING, DELETING: what takes time, and what may happen meanwhile.

use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{ScalingType, ShardIteratorType, StreamMode, StreamModeDetails, StreamStatus};
use chrono::TimeDelta;
use conformance::local_aws::{LatencyModel, Options};
use conformance::{Aws, code, controlled};

use crate::support::{HALF, Stream, client, texts};

const PACE: LatencyModel = LatencyModel::Realistic { per_mille: 1_000 };

/// A stream that is being made, and the pace of AWS.
async fn creating() -> Option<(Aws, Stream)> {
    let aws = controlled().await?;
    aws.control().set_latency(PACE);
    let stream = Stream {
        client: client(&aws),
        name: aws.name("slow"),
    };
    let create = stream
        .client
        .create_stream()
        .stream_name(&stream.name)
        .shard_count(2);
    create.send().await.expect("taken");
    Some((aws, stream))
}

/// An ACTIVE stream of two shards at the pace of AWS.
async fn active() -> Option<(Aws, Stream)> {
    let (aws, stream) = creating().await?;
    aws.advance(TimeDelta::minutes(1));
    Some((aws, stream))
}

/// A stream is CREATING first, and takes records only when it is ACTIVE.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateStream.html
#[tokio::test]
async fn a_stream_takes_records_only_when_it_is_active() {
    let Some((aws, stream)) = creating().await else {
        return;
    };
    assert_eq!(stream.summary().await.stream_status, StreamStatus::Creating);
    let put = stream
        .client
        .put_record()
        .stream_name(&stream.name)
        .partition_key("k");
    let put = put.data(Blob::new("early")).send().await;
    assert_eq!(code(put), "ResourceNotFoundException");
    aws.advance(TimeDelta::minutes(1));
    assert_eq!(stream.summary().await.stream_status, StreamStatus::Active);
    stream.put("k", "in time").await;
}

/// Nothing can be changed while the stream is being made.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_SplitShard.html
#[tokio::test]
async fn a_stream_that_is_being_made_cannot_be_changed() {
    let Some((_aws, stream)) = creating().await else {
        return;
    };
    let (kinesis, name, busy) = (&stream.client, &stream.name, "ResourceInUseException");
    assert_eq!(code(kinesis.delete_stream().stream_name(name).send().await), busy);
    let retention = kinesis.increase_stream_retention_period().stream_name(name);
    assert_eq!(code(retention.retention_period_hours(48).send().await), busy);
    let tagged = kinesis.add_tags_to_stream().stream_name(name).tags("a", "b");
    assert_eq!(code(tagged.send().await), busy);
    let scaled = kinesis
        .update_shard_count()
        .stream_name(name)
        .target_shard_count(4);
    let scaled = scaled.scaling_type(ScalingType::UniformScaling).send().await;
    assert_eq!(code(scaled), busy);
    assert_eq!(code(kinesis.list_shards().stream_name(name).send().await), busy);
}

/// At most five streams are CREATING at once.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateStream.html
#[tokio::test]
async fn a_sixth_stream_in_creation_is_refused() {
    let Some((aws, stream)) = creating().await else {
        return;
    };
    let make = async |number: i32| {
        let name = format!("more-{number}");
        stream
            .client
            .create_stream()
            .stream_name(name)
            .shard_count(1)
            .send()
            .await
    };
    for number in 1..5 {
        make(number).await.expect("made");
    }
    assert_eq!(code(make(5).await), "LimitExceededException");
    aws.advance(TimeDelta::minutes(1));
    make(5).await.expect("the others are made");
}

/// While a split is under way the stream is UPDATING: puts and reads go on, on the old shards.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_SplitShard.html
#[tokio::test]
async fn an_updating_stream_takes_and_gives_records() {
    let Some((aws, stream)) = active().await else {
        return;
    };
    let split = stream.client.split_shard().stream_name(&stream.name);
    let split = split
        .shard_to_split("shardId-000000000000")
        .new_starting_hash_key("7");
    split.send().await.expect("taken");
    assert_eq!(stream.summary().await.stream_status, StreamStatus::Updating);
    let (shard, _) = stream.put("a", "meanwhile").await;
    assert_eq!(
        (shard.as_str(), stream.shards().await.len()),
        ("shardId-000000000000", 2)
    );
    let iterator = stream.iterator(&shard, ShardIteratorType::TrimHorizon).await;
    assert_eq!(texts(&stream.read(&iterator).await), ["meanwhile"]);

    aws.advance(TimeDelta::minutes(1));
    assert_eq!(stream.shards().await.len(), 4);
    let (child, _) = stream.put("a", "afterwards").await;
    assert_eq!(child, "shardId-000000000003");
    let page = stream.read(&iterator).await;
    assert_eq!(
        (texts(&page), page.next_shard_iterator),
        (vec!["meanwhile".into()], None)
    );
}

/// One change at a time: a second one meets a stream that is UPDATING.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_MergeShards.html
#[tokio::test]
async fn a_second_reshard_waits_for_the_first() {
    let Some((aws, stream)) = active().await else {
        return;
    };
    let merge = || {
        let merge = stream.client.merge_shards().stream_name(&stream.name);
        merge
            .shard_to_merge("shardId-000000000000")
            .adjacent_shard_to_merge("shardId-000000000001")
    };
    merge().send().await.expect("taken");
    assert_eq!(code(merge().send().await), "ResourceInUseException");
    aws.advance(TimeDelta::minutes(1));
    assert_eq!(
        code(merge().send().await),
        "InvalidArgumentException",
        "both are closed"
    );
    assert_eq!(stream.open_shards().await.len(), 1);
}

/// A deleted stream is DELETING for a while; its name is taken until it is gone.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DeleteStream.html
#[tokio::test]
async fn a_name_is_free_only_after_the_deletion() {
    let Some((aws, stream)) = active().await else {
        return;
    };
    stream.delete().await;
    assert_eq!(stream.summary().await.stream_status, StreamStatus::Deleting);
    let again = || {
        stream
            .client
            .create_stream()
            .stream_name(&stream.name)
            .shard_count(1)
    };
    assert_eq!(code(again().send().await), "ResourceInUseException");
    let twice = stream
        .client
        .delete_stream()
        .stream_name(&stream.name)
        .send()
        .await;
    assert_eq!(code(twice), "ResourceInUseException");
    aws.advance(TimeDelta::minutes(1));
    again().send().await.expect("the name is free");
}

/// A reshard that is under way survives a restart and comes due.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateShardCount.html
#[tokio::test]
async fn a_change_under_way_survives_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = || Options {
        data_dir: Some(directory.path().to_owned()),
        ..Default::default()
    };
    let Some(aws) = conformance::controlled_with(options()).await else {
        return;
    };
    let stream = Stream::create(&aws, 1).await;
    aws.control().set_latency(PACE);
    let split = stream.client.split_shard().stream_name(&stream.name);
    let split = split
        .shard_to_split("shardId-000000000000")
        .new_starting_hash_key(HALF);
    split.send().await.expect("taken");
    let name = stream.name;
    aws.stop().await;

    let aws = conformance::controlled_with(options()).await.expect("as before");
    let stream = Stream {
        client: client(&aws),
        name,
    };
    assert_eq!(stream.summary().await.stream_status, StreamStatus::Updating);
    aws.advance(TimeDelta::minutes(1));
    assert_eq!(stream.open_shards().await.len(), 2);
}

/// While one change is under way no other begins, of whatever kind.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_UpdateStreamMode.html
#[tokio::test]
async fn a_stream_at_work_is_not_changed_otherwise() {
    let Some((_aws, stream)) = active().await else {
        return;
    };
    let (kinesis, name, busy) = (&stream.client, &stream.name, "ResourceInUseException");
    let arn = stream.summary().await.stream_arn;
    let scale = kinesis
        .update_shard_count()
        .stream_name(name)
        .target_shard_count(4);
    let scale = scale.scaling_type(ScalingType::UniformScaling).send().await;
    scale.expect("taken");
    let mode = StreamModeDetails::builder()
        .stream_mode(StreamMode::OnDemand)
        .build()
        .expect("a mode");
    let mode = kinesis
        .update_stream_mode()
        .stream_arn(arn)
        .stream_mode_details(mode);
    assert_eq!(code(mode.send().await), busy);
    let longer = kinesis.increase_stream_retention_period().stream_name(name);
    assert_eq!(code(longer.retention_period_hours(48).send().await), busy);
    let shorter = kinesis.decrease_stream_retention_period().stream_name(name);
    assert_eq!(code(shorter.retention_period_hours(24).send().await), busy);
    let untagged = kinesis.remove_tags_from_stream().stream_name(name);
    assert_eq!(code(untagged.tag_keys("a").send().await), busy);
    assert_eq!(code(kinesis.delete_stream().stream_name(name).send().await), busy);
}

/// A stream that is being deleted gives its records until it is gone.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DeleteStream.html
#[tokio::test]
async fn a_stream_that_is_being_deleted_still_gives_its_records() {
    let Some((aws, stream)) = active().await else {
        return;
    };
    let (shard, _) = stream.put("k", "last").await;
    stream.delete().await;
    let at = stream.iterator(&shard, ShardIteratorType::TrimHorizon).await;
    assert_eq!(texts(&stream.read(&at).await), ["last"]);
    aws.advance(TimeDelta::minutes(1));
    let gone = stream.client.get_records().shard_iterator(&at).send().await;
    assert_eq!(code(gone), "ResourceNotFoundException");
}
