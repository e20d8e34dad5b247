//! How often an account may call, while the endpoint holds it against callers.

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::types::ShardIteratorType;
use chrono::TimeDelta;
use conformance::{Raw, code};

use crate::support::{Stream, held, shard_id};

const LIMITED: &str = "LimitExceededException";

/// Each operation has its number of calls a second, for the account and all its streams together.
/// https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html
#[tokio::test]
async fn each_operation_has_its_number_of_calls_a_second() {
    let Some((aws, stream)) = held(1).await else {
        return;
    };
    let raw = Raw::to(&aws, "kinesis").expect("an endpoint");
    let named = format!(r#"{{"StreamName":"{}""#, stream.name);
    for (operation, body, limit) in [
        ("DescribeLimits", "{}".to_owned(), 1),
        ("ListStreams", "{}".to_owned(), 5),
        ("AddTagsToStream", format!(r#"{named},"Tags":{{"a":"b"}}}}"#), 5),
        ("ListTagsForStream", format!("{named}}}"), 5),
        ("RemoveTagsFromStream", format!(r#"{named},"TagKeys":["a"]}}"#), 5),
        ("DescribeStream", format!("{named}}}"), 10),
        ("DescribeStreamSummary", format!("{named}}}"), 20),
    ] {
        aws.advance(TimeDelta::seconds(1));
        let target = format!("Kinesis_20131202.{operation}");
        for call in 1..=limit {
            let answer = raw.clone().json(&target, &body).send().await;
            assert_eq!(answer.status, 200, "{operation} {call}: {}", answer.text);
        }
        let more = raw.clone().json(&target, &body).send().await;
        assert_eq!((more.status, more.code().as_str()), (400, LIMITED), "{operation}");
        aws.advance(TimeDelta::seconds(1));
        let later = raw.clone().json(&target, &body).send().await;
        assert_eq!(later.status, 200, "{operation}");
    }
}

/// Five streams are made, and five deleted, in a second.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateStream.html
#[tokio::test]
async fn five_streams_a_second_are_made_and_deleted() {
    let Some((aws, stream)) = held(1).await else {
        return;
    };
    let make = async |number: u32| {
        let make = stream.client.create_stream().shard_count(1);
        make.stream_name(format!("more-{number}")).send().await
    };
    let delete = async |number: u32| {
        let delete = stream.client.delete_stream();
        delete.stream_name(format!("more-{number}")).send().await
    };
    for number in 0..5 {
        make(number).await.expect("made");
    }
    assert_eq!(code(make(5).await), LIMITED);
    aws.advance(TimeDelta::seconds(1));
    make(5).await.expect("another second");
    for number in 0..5 {
        delete(number).await.expect("deleted");
    }
    assert_eq!(code(delete(5).await), LIMITED);
    aws.advance(TimeDelta::seconds(1));
    delete(5).await.expect("it was still there");
}

/// Five shards are split, and five pairs merged, in a second.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_MergeShards.html
#[tokio::test]
async fn five_merges_and_splits_a_second() {
    let Some((aws, stream)) = held(12).await else {
        return;
    };
    let merge = async |pair: u32| {
        let merge = stream.client.merge_shards().stream_name(&stream.name);
        let merge = merge.shard_to_merge(shard_id(2 * pair));
        merge.adjacent_shard_to_merge(shard_id(2 * pair + 1)).send().await
    };
    for pair in 0..5 {
        merge(pair).await.expect("merged");
    }
    assert_eq!(code(merge(5).await), LIMITED);
    assert_eq!(stream.open_shards().await.len(), 7);

    let split = async |key: u32| {
        let split = stream.client.split_shard().stream_name(&stream.name);
        let first = stream.open_shards().await.into_iter().min_by_key(first_key);
        let split = split.shard_to_split(first.expect("a shard").shard_id);
        split.new_starting_hash_key(key.to_string()).send().await
    };
    for key in (1..=5).rev() {
        split(key).await.expect("split");
    }
    aws.advance(TimeDelta::seconds(1));
    merge(5).await.expect("another second");
    assert_eq!(stream.open_shards().await.len(), 11);
}

fn first_key(shard: &aws_sdk_kinesis::types::Shard) -> u128 {
    crate::support::range(shard).0
}

/// A call over the limit changes nothing.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_AddTagsToStream.html
#[tokio::test]
async fn a_call_over_the_limit_changes_nothing() {
    let Some((_aws, stream)) = held(1).await else {
        return;
    };
    let tag = async |key: String| {
        let tag = stream.client.add_tags_to_stream().stream_name(&stream.name);
        tag.tags(key, "set").send().await
    };
    for number in 0..5 {
        tag(format!("key-{number}")).await.expect("tagged");
    }
    assert_eq!(code(tag("key-5".to_owned()).await), LIMITED);
    let listed = stream.client.list_tags_for_stream().stream_name(&stream.name);
    let listed = listed.send().await.expect("listed");
    assert_eq!(listed.tags.len(), 5);
}

/// The calls of one account are not another's.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DescribeLimits.html
#[tokio::test]
async fn the_calls_of_one_account_are_not_anothers() {
    let Some((aws, stream)) = held(1).await else {
        return;
    };
    let limits = async |client: &Client| client.describe_limits().send().await;
    limits(&stream.client).await.expect("described");
    assert_eq!(code(limits(&stream.client).await), LIMITED);
    let stranger = Client::new(&aws.stranger().config);
    limits(&stranger).await.expect("described");
}

/// A shard has five iterators a second; asked for more often, it refuses as it refuses records.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetShardIterator.html
#[tokio::test]
async fn a_shard_has_five_iterators_a_second() {
    let Some((aws, stream)) = held(2).await else {
        return;
    };
    let ask = async |shard: u32| {
        let ask = stream.client.get_shard_iterator().stream_name(&stream.name);
        let ask = ask.shard_id(shard_id(shard));
        ask.shard_iterator_type(ShardIteratorType::Latest).send().await
    };
    for _ in 0..5 {
        ask(0).await.expect("given");
    }
    assert_eq!(code(ask(0).await), "ProvisionedThroughputExceededException");
    ask(1).await.expect("another shard has its own");
    aws.advance(TimeDelta::seconds(1));
    ask(0).await.expect("another second");
}

/// A stream lists its shards a thousand times a second.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListShards.html
#[tokio::test]
async fn a_stream_lists_its_shards_a_thousand_times_a_second() {
    let Some((aws, stream)) = held(1).await else {
        return;
    };
    let other = Stream::create(&aws, 1).await;
    for _ in 0..1_000 {
        stream.shards().await;
    }
    let list = stream.client.list_shards().stream_name(&stream.name);
    assert_eq!(code(list.send().await), LIMITED);
    assert_eq!(other.shards().await.len(), 1, "another stream has its own");
}
