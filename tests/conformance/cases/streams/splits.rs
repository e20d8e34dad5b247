//! SplitShard, and readers across it.

use std::collections::BTreeSet;

use aws_sdk_kinesis::types::ShardIteratorType;
use conformance::code;

use crate::support::{HALF, Stream, on_stream, range, shard_id, texts};

async fn refusal(stream: &Stream, shard: &str, at: &str) -> String {
    let split = stream.client.split_shard().stream_name(&stream.name);
    code(split.shard_to_split(shard).new_starting_hash_key(at).send().await)
}

/// The children share the parent's range at the given key and name their parent.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_SplitShard.html
#[tokio::test]
async fn children_share_the_range_of_their_parent() {
    on_stream(1, async |_, stream| {
        stream.split(&shard_id(0), HALF).await;
        let half = 1_u128 << 127;
        let open = stream.open_shards().await;
        assert_eq!(
            open.iter().map(range).collect::<Vec<_>>(),
            [(0, half - 1), (half, u128::MAX)]
        );
        let parents: BTreeSet<_> = open
            .iter()
            .filter_map(|child| child.parent_shard_id.clone())
            .collect();
        assert_eq!(parents, BTreeSet::from([shard_id(0)]));
        assert!(open.iter().all(|child| child.adjacent_parent_shard_id.is_none()));
    })
    .await;
}

/// A closed parent is read to its end: a null iterator with its children.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html
#[tokio::test]
async fn a_split_parent_drains_to_a_null_iterator_with_its_children() {
    on_stream(1, async |_, stream| {
        stream.put("a", "before").await;
        let at = stream
            .iterator(&shard_id(0), ShardIteratorType::TrimHorizon)
            .await;
        stream.split(&shard_id(0), HALF).await;
        assert_eq!(stream.put("a", "after").await.0, shard_id(1));
        let page = stream.read(&at).await;
        assert_eq!(
            (texts(&page), page.next_shard_iterator.as_deref()),
            (vec!["before".into()], None)
        );
        let children: Vec<_> = page
            .child_shards()
            .iter()
            .map(|child| child.shard_id.as_str())
            .collect();
        assert_eq!(children, [1, 2].map(shard_id));
        assert_eq!(page.child_shards()[0].parent_shards, [shard_id(0)]);
        assert_eq!(stream.all_of(&shard_id(1)).await, ["after"]);
    })
    .await;
}

/// The end of a shard comes only after its last record.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html
#[tokio::test]
async fn a_parent_gives_all_its_records_before_its_end() {
    on_stream(1, async |_, stream| {
        for index in 0..3 {
            stream.put("k", &index.to_string()).await;
        }
        stream.split(&shard_id(0), HALF).await;
        let mut next = Some(
            stream
                .iterator(&shard_id(0), ShardIteratorType::TrimHorizon)
                .await,
        );
        let mut found = Vec::new();
        while let Some(at) = next {
            let page = stream
                .client
                .get_records()
                .shard_iterator(at)
                .limit(1)
                .send()
                .await
                .expect("records");
            found.extend(texts(&page));
            assert_eq!(page.child_shards().is_empty(), page.next_shard_iterator.is_some());
            next = page.next_shard_iterator;
        }
        assert_eq!(found, ["0", "1", "2"]);
    })
    .await;
}

/// LATEST of a closed shard is its end.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetShardIterator.html
#[tokio::test]
async fn the_latest_of_a_closed_shard_is_its_end() {
    on_stream(1, async |_, stream| {
        stream.put("k", "x").await;
        stream.split(&shard_id(0), HALF).await;
        let latest = stream.iterator(&shard_id(0), ShardIteratorType::Latest).await;
        let page = stream.read(&latest).await;
        assert_eq!((page.records.len(), page.next_shard_iterator), (0, None));
        let ended = stream
            .shards()
            .await
            .remove(0)
            .sequence_number_range
            .expect("a range");
        let end = ended.ending_sequence_number.expect("closed");
        let at = stream
            .iterator_by(ShardIteratorType::AfterSequenceNumber, &shard_id(0), &end)
            .await;
        assert_eq!(stream.read(&at).await.next_shard_iterator, None);
    })
    .await;
}

/// Sequence numbers of children are greater than those of their parent.
/// https://docs.aws.amazon.com/streams/latest/dev/kinesis-using-sdk-java-resharding-split.html
#[tokio::test]
async fn a_childs_numbers_follow_its_parents() {
    on_stream(1, async |_, stream| {
        let (_, before) = stream.put("a", "x").await;
        stream.split(&shard_id(0), HALF).await;
        let (_, after) = stream.put("a", "y").await;
        assert!(before < after, "{before} {after}");
        let shards = stream.shards().await;
        let parent = shards[0].sequence_number_range.clone().expect("a range");
        let child = shards[1].sequence_number_range.clone().expect("a range");
        let end = parent.ending_sequence_number.expect("closed");
        assert!(before < end && end < child.starting_sequence_number);
    })
    .await;
}

/// The new key lies inside the shard, and not at its beginning.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_SplitShard.html
#[tokio::test]
async fn a_key_that_splits_nothing_is_refused() {
    on_stream(2, async |_, stream| {
        for at in ["0", HALF] {
            assert_eq!(
                refusal(stream, &shard_id(0), at).await,
                "InvalidArgumentException",
                "{at}"
            );
        }
        for at in ["-5", "01", "x", "340282366920938463463374607431768211456"] {
            assert_eq!(
                refusal(stream, &shard_id(0), at).await,
                "ValidationException",
                "{at}"
            );
        }
        assert_eq!(stream.shards().await.len(), 2);
    })
    .await;
}

/// A closed shard cannot be split again, an unknown one not at all.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_SplitShard.html
#[tokio::test]
async fn a_closed_or_unknown_shard_is_not_split() {
    on_stream(1, async |_, stream| {
        stream.split(&shard_id(0), HALF).await;
        assert_eq!(
            refusal(stream, &shard_id(0), "7").await,
            "InvalidArgumentException"
        );
        assert_eq!(
            refusal(stream, &shard_id(9), "7").await,
            "ResourceNotFoundException"
        );
        assert_eq!(refusal(stream, "a shard", "7").await, "ValidationException");
    })
    .await;
}

/// A split of a split reaches the grandchildren through the children.
/// https://docs.aws.amazon.com/streams/latest/dev/kinesis-using-sdk-java-after-resharding.html
#[tokio::test]
async fn a_split_of_a_split_is_read_generation_by_generation() {
    on_stream(1, async |_, stream| {
        stream.put("a", "parent").await;
        stream.split(&shard_id(0), HALF).await;
        stream.put("a", "child").await;
        stream
            .split(&shard_id(1), "85070591730234615865843651857942052864")
            .await;
        stream.put("a", "grandchild").await;
        let (mut todo, mut found) = (vec![shard_id(0)], Vec::new());
        while let Some(shard) = todo.pop() {
            let at = stream.iterator(&shard, ShardIteratorType::TrimHorizon).await;
            let page = stream.read(&at).await;
            found.extend(texts(&page));
            todo.extend(page.child_shards().iter().map(|child| child.shard_id.clone()));
        }
        assert_eq!(found, ["parent", "child", "grandchild"]);
    })
    .await;
}
