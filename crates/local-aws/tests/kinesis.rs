//! Kinesis as its API reference describes it, driven by the real SDK client.

mod data_support;

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::ProvideErrorMetadata;
use aws_sdk_kinesis::operation::get_records::GetRecordsOutput;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{
    PutRecordsRequestEntry, ScalingType, Shard, ShardFilter, ShardFilterType, ShardIteratorType,
};
use chrono::TimeDelta;
use data_support::{OWN, STRANGER, config, start, start_over};
use local_aws::{Fault, FaultRule, LocalAws};

fn client(endpoint: &LocalAws, account: &str) -> Client {
    Client::new(&config(endpoint, account))
}

async fn stream(client: &Client, shards: i32) {
    client
        .create_stream()
        .stream_name("usage")
        .shard_count(shards)
        .send()
        .await
        .expect("created");
}

async fn put(client: &Client, key: &str, data: &str) -> (String, String) {
    let put = client
        .put_record()
        .stream_name("usage")
        .partition_key(key)
        .data(Blob::new(data));
    let put = put.send().await.expect("put");
    (put.shard_id, put.sequence_number)
}

fn entry(key: &str, data: &[u8]) -> PutRecordsRequestEntry {
    PutRecordsRequestEntry::builder()
        .partition_key(key)
        .data(Blob::new(data))
        .build()
        .expect("complete")
}

async fn shards(client: &Client) -> Vec<Shard> {
    client
        .list_shards()
        .stream_name("usage")
        .send()
        .await
        .expect("listed")
        .shards
        .unwrap_or_default()
}

async fn iterator(client: &Client, shard: &str, kind: ShardIteratorType, sequence: Option<&str>) -> String {
    let request = client
        .get_shard_iterator()
        .stream_name("usage")
        .shard_id(shard)
        .shard_iterator_type(kind);
    let request = request.set_starting_sequence_number(sequence.map(str::to_owned));
    request
        .send()
        .await
        .expect("an iterator")
        .shard_iterator
        .expect("has text")
}

async fn records(client: &Client, iterator: &str) -> GetRecordsOutput {
    client
        .get_records()
        .shard_iterator(iterator)
        .send()
        .await
        .expect("records")
}

fn texts(page: &GetRecordsOutput) -> Vec<String> {
    page.records
        .iter()
        .map(|record| String::from_utf8_lossy(record.data.as_ref()).into_owned())
        .collect()
}

/// Reads a shard from its start until nothing more comes.
async fn all_of(client: &Client, shard: &str) -> Vec<String> {
    let mut next = Some(iterator(client, shard, ShardIteratorType::TrimHorizon, None).await);
    let mut found = Vec::new();
    while let Some(at) = next {
        let page = records(client, &at).await;
        if page.records.is_empty() {
            break;
        }
        found.extend(texts(&page));
        next = page.next_shard_iterator;
    }
    found
}

/// API_PutRecord: "an MD5 hash function is used to map partition keys to 128-bit integer values".
#[tokio::test]
async fn a_record_lands_on_the_shard_that_owns_the_md5_of_its_key() {
    let endpoint = start().await;
    let client = client(&endpoint, OWN);
    stream(&client, 4).await;
    // MD5("a") = 0cc1…, MD5("k2") = 61…, MD5("b") = 92eb…, MD5("e") = e167…; quarters of the space.
    for (key, shard) in [("a", 0), ("b", 2), ("e", 3)] {
        assert_eq!(
            put(&client, key, "x").await.0,
            format!("shardId-{shard:012}"),
            "{key}"
        );
    }
}

/// API_PutRecord: ExplicitHashKey "overriding the partition key hash".
#[tokio::test]
async fn an_explicit_hash_key_overrides_the_partition_key() {
    let endpoint = start().await;
    let client = client(&endpoint, OWN);
    stream(&client, 2).await;
    let put = client
        .put_record()
        .stream_name("usage")
        .partition_key("a")
        .data(Blob::new("x"));
    let put = put
        .explicit_hash_key("170141183460469231731687303715884105728")
        .send()
        .await
        .expect("put");
    assert_eq!(put.shard_id, "shardId-000000000001");
    let wrong = client
        .put_record()
        .stream_name("usage")
        .partition_key("a")
        .data(Blob::new("x"));
    let refused = wrong
        .explicit_hash_key("340282366920938463463374607431768211456")
        .send()
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Some("InvalidArgumentException"));
}

/// API_GetRecords: sequence numbers grow within a shard; they do not fit into 64 bits.
#[tokio::test]
async fn records_come_back_in_order_with_growing_sequence_numbers() {
    let endpoint = start().await;
    let client = client(&endpoint, OWN);
    stream(&client, 1).await;
    let mut numbers = Vec::new();
    for index in 0..20 {
        numbers.push(put(&client, "k", &index.to_string()).await.1);
    }
    assert!(
        numbers
            .windows(2)
            .all(|pair| pair[0].len() == pair[1].len() && pair[0] < pair[1])
    );
    assert!(numbers[0].parse::<u64>().is_err());
    let expected: Vec<_> = (0..20).map(|index: i32| index.to_string()).collect();
    assert_eq!(all_of(&client, "shardId-000000000000").await, expected);
}

/// API_GetShardIterator, "ShardIteratorType".
#[tokio::test]
async fn each_type_of_iterator_starts_where_it_says() {
    let endpoint = start().await;
    let client = client(&endpoint, OWN);
    stream(&client, 1).await;
    let shard = "shardId-000000000000";
    let (_, first) = put(&client, "k", "first").await;
    endpoint.control().advance(TimeDelta::seconds(10));
    let second_at = endpoint.control().now();
    put(&client, "k", "second").await;
    let latest = iterator(&client, shard, ShardIteratorType::Latest, None).await;
    put(&client, "k", "third").await;

    let at = iterator(&client, shard, ShardIteratorType::AtSequenceNumber, Some(&first)).await;
    assert_eq!(texts(&records(&client, &at).await), ["first", "second", "third"]);
    let after = iterator(
        &client,
        shard,
        ShardIteratorType::AfterSequenceNumber,
        Some(&first),
    )
    .await;
    assert_eq!(texts(&records(&client, &after).await), ["second", "third"]);
    assert_eq!(texts(&records(&client, &latest).await), ["third"]);
    let by_time = client.get_shard_iterator().stream_name("usage").shard_id(shard);
    let by_time = by_time
        .shard_iterator_type(ShardIteratorType::AtTimestamp)
        .timestamp(aws_sdk_kinesis::primitives::DateTime::from_secs(
            second_at.timestamp(),
        ));
    let by_time = by_time
        .send()
        .await
        .expect("an iterator")
        .shard_iterator
        .expect("has text");
    assert_eq!(texts(&records(&client, &by_time).await), ["second", "third"]);
}

/// API_GetShardIterator: "A shard iterator expires 5 minutes after it is returned to the requester."
#[tokio::test]
async fn an_iterator_lives_five_minutes() {
    let endpoint = start().await;
    let client = client(&endpoint, OWN);
    stream(&client, 1).await;
    let text = iterator(&client, "shardId-000000000000", ShardIteratorType::Latest, None).await;
    endpoint.control().advance(TimeDelta::seconds(300));
    records(&client, &text).await;
    endpoint.control().advance(TimeDelta::seconds(1));
    let refused = client
        .get_records()
        .shard_iterator(&text)
        .send()
        .await
        .unwrap_err();
    assert!(refused.into_service_error().is_expired_iterator_exception());
}

/// API_GetRecords: "MillisBehindLatest … A value of zero indicates that record processing is caught up".
#[tokio::test]
async fn a_page_says_how_far_behind_it_is() {
    let endpoint = start().await;
    let client = client(&endpoint, OWN);
    stream(&client, 1).await;
    put(&client, "k", "first").await;
    put(&client, "k", "second").await;
    endpoint.control().advance(TimeDelta::seconds(7));
    let start = iterator(
        &client,
        "shardId-000000000000",
        ShardIteratorType::TrimHorizon,
        None,
    )
    .await;
    let page = client
        .get_records()
        .shard_iterator(start)
        .limit(1)
        .send()
        .await
        .expect("records");
    assert_eq!(
        (texts(&page), page.millis_behind_latest),
        (vec!["first".to_owned()], Some(7_000))
    );
    let page = records(&client, &page.next_shard_iterator.expect("goes on")).await;
    assert_eq!(
        (texts(&page), page.millis_behind_latest),
        (vec!["second".to_owned()], Some(0))
    );
}

/// API_SplitShard and API_GetRecords, "ChildShards": "The list of the current shard's child shards, returned in the
/// GetRecords API's response only when the end of the current shard is reached."
#[tokio::test]
async fn a_split_parent_drains_to_a_null_iterator_with_its_children() {
    let endpoint = start().await;
    let client = client(&endpoint, OWN);
    stream(&client, 1).await;
    let parent = "shardId-000000000000";
    put(&client, "a", "before").await;
    let split = client.split_shard().stream_name("usage").shard_to_split(parent);
    split
        .new_starting_hash_key("170141183460469231731687303715884105728")
        .send()
        .await
        .expect("split");
    let (left, _) = put(&client, "a", "after").await;
    assert_eq!(left, "shardId-000000000001");

    let start = iterator(&client, parent, ShardIteratorType::TrimHorizon, None).await;
    let page = records(&client, &start).await;
    assert_eq!(texts(&page), ["before"]);
    assert_eq!(page.next_shard_iterator, None);
    let children: Vec<_> = page
        .child_shards()
        .iter()
        .map(|child| child.shard_id.as_str())
        .collect();
    assert_eq!(children, ["shardId-000000000001", "shardId-000000000002"]);
    let parents: BTreeSet<_> = shards(&client)
        .await
        .into_iter()
        .filter_map(|shard| shard.parent_shard_id)
        .collect();
    assert_eq!(parents, BTreeSet::from([parent.to_owned()]));
}

/// API_GetRecords: an open shard with nothing to read still gives an iterator.
#[tokio::test]
async fn zero_records_do_not_end_an_open_shard() {
    let endpoint = start().await;
    let client = client(&endpoint, OWN);
    stream(&client, 1).await;
    let latest = iterator(&client, "shardId-000000000000", ShardIteratorType::Latest, None).await;
    let page = records(&client, &latest).await;
    assert!(page.records.is_empty() && page.next_shard_iterator.is_some());
}

/// API_MergeShards: the two shards "must be adjacent"; the child names both parents.
#[tokio::test]
async fn a_merge_names_both_parents_and_takes_over_their_keys() {
    let endpoint = start().await;
    let client = client(&endpoint, OWN);
    stream(&client, 3).await;
    let apart = client
        .merge_shards()
        .stream_name("usage")
        .shard_to_merge("shardId-000000000000");
    let refused = apart
        .adjacent_shard_to_merge("shardId-000000000002")
        .send()
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Some("InvalidArgumentException"));
    let merge = client
        .merge_shards()
        .stream_name("usage")
        .shard_to_merge("shardId-000000000001");
    merge
        .adjacent_shard_to_merge("shardId-000000000000")
        .send()
        .await
        .expect("merged");
    let child = shards(&client).await.pop().expect("a child");
    assert_eq!(child.parent_shard_id.as_deref(), Some("shardId-000000000001"));
    assert_eq!(
        child.adjacent_parent_shard_id.as_deref(),
        Some("shardId-000000000000")
    );
    assert_eq!(put(&client, "a", "x").await.0, child.shard_id);
}

/// API_UpdateShardCount, UNIFORM_SCALING; at most double, at least half.
#[tokio::test]
async fn the_shard_count_moves_to_even_ranges() {
    let endpoint = start().await;
    let client = client(&endpoint, OWN);
    stream(&client, 4).await;
    let update = |target| {
        let update = client
            .update_shard_count()
            .stream_name("usage")
            .target_shard_count(target);
        update.scaling_type(ScalingType::UniformScaling).send()
    };
    assert_eq!(
        update(9).await.unwrap_err().code(),
        Some("InvalidArgumentException")
    );
    for target in [6, 3] {
        update(target).await.expect("updated");
        let open: Vec<_> = shards(&client)
            .await
            .into_iter()
            .filter(|shard| {
                shard
                    .sequence_number_range
                    .as_ref()
                    .is_some_and(|range| range.ending_sequence_number.is_none())
            })
            .collect();
        assert_eq!(open.len(), usize::try_from(target).expect("small"));
    }
}

/// API_ListShards: MaxResults and NextToken page; "NextToken and StreamName … cannot" come together; API_ShardFilter.
#[tokio::test]
async fn shards_are_listed_in_pages_and_by_filter() {
    let endpoint = start().await;
    let client = client(&endpoint, OWN);
    stream(&client, 5).await;
    let (mut seen, mut token) = (Vec::new(), None);
    loop {
        let name = token.is_none().then(|| "usage".to_owned());
        let page = client
            .list_shards()
            .set_stream_name(name)
            .set_next_token(token)
            .max_results(2)
            .send()
            .await;
        let page = page.expect("listed");
        seen.extend(
            page.shards
                .unwrap_or_default()
                .into_iter()
                .map(|shard| shard.shard_id),
        );
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 5);
    let merge = client
        .merge_shards()
        .stream_name("usage")
        .shard_to_merge("shardId-000000000000");
    merge
        .adjacent_shard_to_merge("shardId-000000000001")
        .send()
        .await
        .expect("merged");
    let latest = ShardFilter::builder()
        .r#type(ShardFilterType::AtLatest)
        .build()
        .expect("complete");
    let open = client
        .list_shards()
        .stream_name("usage")
        .shard_filter(latest)
        .send()
        .await
        .expect("listed");
    assert_eq!(open.shards().len(), 4);
    assert_eq!(shards(&client).await.len(), 6);
}

/// API_PutRecords: "Each PutRecords request can support up to 500 records."
#[tokio::test]
async fn five_hundred_and_one_records_are_refused_whole() {
    let endpoint = start().await;
    let client = client(&endpoint, OWN);
    stream(&client, 1).await;
    let batch = |count: usize| {
        let entries = (0..count)
            .map(|index| entry("k", index.to_string().as_bytes()))
            .collect();
        client
            .put_records()
            .stream_name("usage")
            .set_records(Some(entries))
            .send()
    };
    assert_eq!(batch(501).await.unwrap_err().code(), Some("ValidationException"));
    assert_eq!(batch(500).await.expect("put").failed_record_count, Some(0));
    assert_eq!(all_of(&client, "shardId-000000000000").await.len(), 500);
}

/// API_PutRecord: data before base64 is at most 1 MiB; the call at most 10 MiB.
#[tokio::test]
async fn records_and_calls_have_a_largest_size() {
    let endpoint = start().await;
    let client = client(&endpoint, OWN);
    stream(&client, 1).await;
    let megabyte = vec![0_u8; 1 << 20];
    let batch = |count: usize, bytes: usize| {
        let entries = (0..count).map(|_| entry("k", &megabyte[..bytes])).collect();
        client
            .put_records()
            .stream_name("usage")
            .set_records(Some(entries))
            .send()
    };
    batch(1, 1 << 20).await.expect("the largest record");
    let too_long = client
        .put_record()
        .stream_name("usage")
        .partition_key("k")
        .data(Blob::new(vec![0; (1 << 20) + 1]));
    assert_eq!(
        too_long.send().await.unwrap_err().code(),
        Some("ValidationException")
    );
    assert_eq!(
        batch(11, 1_000_000).await.unwrap_err().code(),
        Some("InvalidArgumentException")
    );
}

/// API_PutRecords: "A single record failure does not stop the processing of subsequent records"; per shard 1 MiB and
/// 1,000 records per second.
#[tokio::test]
async fn a_full_shard_fails_some_records_of_a_batch_and_not_the_others() {
    let endpoint = start().await;
    let client = client(&endpoint, OWN);
    stream(&client, 2).await;
    endpoint.control().enforce_kinesis_rates(true);
    let batch = |left: usize, right: usize| {
        let entries = std::iter::repeat_n("a", left).chain(std::iter::repeat_n("b", right));
        let entries = entries.map(|key| entry(key, b"x")).collect();
        client
            .put_records()
            .stream_name("usage")
            .set_records(Some(entries))
            .send()
    };
    for _ in 0..2 {
        batch(450, 50).await.expect("put");
    }
    let put = batch(250, 250).await.expect("the call itself succeeds");
    assert_eq!(put.failed_record_count, Some(150));
    let failed: BTreeSet<_> = put
        .records
        .iter()
        .filter_map(|record| record.error_code.as_deref())
        .collect();
    assert_eq!(failed, BTreeSet::from(["ProvisionedThroughputExceededException"]));
    endpoint.control().advance(TimeDelta::seconds(1));
    assert_eq!(batch(250, 250).await.expect("put").failed_record_count, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_producers_lose_nothing_even_while_shards_split() {
    let endpoint = start().await;
    let client = client(&endpoint, OWN);
    stream(&client, 2).await;
    let producers = (0..8).map(|producer| {
        let client = client.clone();
        tokio::spawn(async move {
            for round in 0..20 {
                let entries = (0..25).map(|index| {
                    let id = format!("{producer}-{round}-{index}");
                    entry(&id, id.as_bytes())
                });
                let put = client
                    .put_records()
                    .stream_name("usage")
                    .set_records(Some(entries.collect()))
                    .send();
                assert_eq!(put.await.expect("put").failed_record_count, Some(0));
            }
        })
    });
    let producers: Vec<_> = producers.collect();
    let split = client
        .split_shard()
        .stream_name("usage")
        .shard_to_split("shardId-000000000000");
    split
        .new_starting_hash_key("1000000000000")
        .send()
        .await
        .expect("split");
    for producer in producers {
        producer.await.expect("no producer panics");
    }
    let mut counts = BTreeMap::new();
    for shard in shards(&client).await {
        for id in all_of(&client, &shard.shard_id).await {
            *counts.entry(id).or_insert(0) += 1;
        }
    }
    assert_eq!(counts.len(), 8 * 20 * 25);
    assert!(counts.values().all(|count| *count == 1));
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_an_abrupt_stop() {
    let directory = tempfile::tempdir().expect("a directory");
    let endpoint = start_over(directory.path()).await;
    let kinesis = client(&endpoint, OWN);
    stream(&kinesis, 1).await;
    put(&kinesis, "k", "before the split").await;
    let split = kinesis
        .split_shard()
        .stream_name("usage")
        .shard_to_split("shardId-000000000000");
    split.new_starting_hash_key("1").send().await.expect("split");
    let (_, sequence) = put(&kinesis, "k", "after the split").await;
    let kept = iterator(
        &kinesis,
        "shardId-000000000002",
        ShardIteratorType::TrimHorizon,
        None,
    )
    .await;
    // As after kill -9: nothing is stopped or flushed.
    std::mem::forget(endpoint);

    let endpoint = start_over(directory.path()).await;
    let kinesis = client(&endpoint, OWN);
    assert_eq!(
        all_of(&kinesis, "shardId-000000000000").await,
        ["before the split"]
    );
    assert_eq!(texts(&records(&kinesis, &kept).await), ["after the split"]);
    let (_, later) = put(&kinesis, "k", "after the stop").await;
    assert!(later > sequence);
}

/// Developer guide, "Changing the data retention period": records become inaccessible after it.
#[tokio::test]
async fn records_older_than_the_retention_are_gone() {
    let endpoint = start().await;
    let client = client(&endpoint, OWN);
    stream(&client, 1).await;
    put(&client, "k", "old").await;
    endpoint.control().advance(TimeDelta::hours(23));
    put(&client, "k", "young").await;
    endpoint.control().advance(TimeDelta::hours(2));
    assert_eq!(all_of(&client, "shardId-000000000000").await, ["young"]);
}

#[tokio::test]
async fn a_stream_belongs_to_its_account() {
    let endpoint = start().await;
    stream(&client(&endpoint, OWN), 1).await;
    let stranger = client(&endpoint, STRANGER);
    let refused = stranger
        .describe_stream_summary()
        .stream_name("usage")
        .send()
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Some("ResourceNotFoundException"));
    let arn = "arn:aws:kinesis:us-east-1:111111111111:stream/usage";
    let put = stranger
        .put_record()
        .stream_arn(arn)
        .partition_key("k")
        .data(Blob::new("x"));
    assert_eq!(
        put.send().await.unwrap_err().code(),
        Some("AccessDeniedException")
    );
    let again = client(&endpoint, OWN)
        .create_stream()
        .stream_name("usage")
        .shard_count(1)
        .send()
        .await;
    assert_eq!(again.unwrap_err().code(), Some("ResourceInUseException"));
}

#[tokio::test]
async fn a_lost_answer_leaves_the_record_in_the_stream() {
    let endpoint = start().await;
    let client = client(&endpoint, OWN);
    stream(&client, 1).await;
    let lost = Fault::EffectWithoutReply { hang_ms: 0 };
    assert!(
        endpoint
            .control()
            .add_fault(FaultRule::on("PutRecord", lost).times(1))
    );
    let put = client
        .put_record()
        .stream_name("usage")
        .partition_key("k")
        .data(Blob::new("x"))
        .send()
        .await;
    assert!(
        put.unwrap_err().as_service_error().is_none(),
        "no answer, so no service error"
    );
    assert_eq!(all_of(&client, "shardId-000000000000").await, ["x"]);
}
