//! Many producers while shards split and merge.

use std::collections::BTreeMap;

use aws_sdk_kinesis::types::Shard;
use conformance::controlled;

use crate::support::{Stream, entry, range, shard_id};

const PRODUCERS: u32 = 6;
const ROUNDS: u32 = 30;
const BATCH: u32 = 20;

/// A seeded sequence: the same seed, the same reshards.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

async fn produce(stream: &Stream, producer: u32) {
    for round in 0..ROUNDS {
        let ids = (0..BATCH).map(|index| format!("{producer}-{round}-{index}"));
        let entries = ids.map(|id| entry(&id, id.as_bytes())).collect();
        let put = stream.put_all(entries).await;
        assert_eq!(put.failed_record_count, Some(0));
    }
}

/// One split, or one merge of neighbours.
async fn reshard(stream: &Stream, draw: &mut Draw) {
    let mut open = stream.open_shards().await;
    open.sort_by_key(range);
    let at = usize::try_from(draw.below(open.len() as u64)).expect("small");
    if open.len() > 2 && draw.below(2) == 0 && at + 1 < open.len() {
        stream.merge(&open[at].shard_id, &open[at + 1].shard_id).await;
    } else {
        let (start, end) = range(&open[at]);
        let middle = start + (end - start) / 2 + 1;
        stream.split(&open[at].shard_id, &middle.to_string()).await;
    }
}

fn siblings_cover_the_space(mut open: Vec<Shard>) {
    open.sort_by_key(range);
    let ranges: Vec<_> = open.iter().map(range).collect();
    assert_eq!((ranges[0].0, ranges[ranges.len() - 1].1), (0, u128::MAX));
    assert!(ranges.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0));
}

/// No record is lost or doubled, and each lies on a shard that owns its key, whatever is resharded meanwhile.
/// https://docs.aws.amazon.com/streams/latest/dev/kinesis-using-sdk-java-resharding.html
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_producers_lose_nothing_while_shards_split_and_merge() {
    let Some(aws) = controlled().await else { return };
    for seed in [1, 7, 42] {
        println!("seed={seed}");
        let stream = std::sync::Arc::new(Stream::create(&aws, 2).await);
        let producers = (0..PRODUCERS).map(|producer| {
            let stream = std::sync::Arc::clone(&stream);
            tokio::spawn(async move { produce(&stream, producer).await })
        });
        let producers: Vec<_> = producers.collect();
        let mut draw = Draw(seed);
        for _ in 0..12 {
            reshard(&stream, &mut draw).await;
        }
        for producer in producers {
            producer.await.expect("no producer fails");
        }
        let mut counts = BTreeMap::new();
        for shard in stream.shards().await {
            for id in stream.all_of(&shard.shard_id).await {
                *counts.entry(id).or_insert(0) += 1;
            }
        }
        assert_eq!(counts.len(), (PRODUCERS * ROUNDS * BATCH) as usize);
        assert!(counts.values().all(|count| *count == 1));
        siblings_cover_the_space(stream.open_shards().await);
    }
}

/// Records of one key keep their order within a shard, and from a parent to its children.
/// https://docs.aws.amazon.com/streams/latest/dev/key-concepts.html
#[tokio::test]
async fn the_records_of_a_key_keep_their_order_across_reshards() {
    let Some(aws) = controlled().await else { return };
    let stream = Stream::create(&aws, 1).await;
    let mut numbers = Vec::new();
    for index in 0..30 {
        numbers.push(stream.put("a", &index.to_string()).await.1);
        match index {
            9 => stream.split(&shard_id(0), crate::support::HALF).await,
            19 => stream.merge(&shard_id(1), &shard_id(2)).await,
            _ => {}
        }
    }
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
    let mut found = Vec::new();
    for number in [0, 1, 3] {
        found.extend(stream.all_of(&shard_id(number)).await);
    }
    let expected: Vec<_> = (0..30).map(|index: i32| index.to_string()).collect();
    assert_eq!(found, expected);
}
