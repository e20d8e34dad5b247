//! MergeShards, and readers across it.

use aws_sdk_kinesis::types::ShardIteratorType;
use conformance::code;

use crate::support::{Stream, on_stream, range, shard_id, texts};

async fn refusal(stream: &Stream, shard: &str, adjacent: &str) -> String {
    let merge = stream.client.merge_shards().stream_name(&stream.name);
    code(
        merge
            .shard_to_merge(shard)
            .adjacent_shard_to_merge(adjacent)
            .send()
            .await,
    )
}

/// The child names both parents and owns their keys.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_MergeShards.html
#[tokio::test]
async fn a_merge_names_both_parents_and_takes_over_their_keys() {
    on_stream(3, async |_, stream| {
        let before: Vec<_> = stream.shards().await.iter().map(range).collect();
        stream.merge(&shard_id(1), &shard_id(0)).await;
        let child = stream.open_shards().await.pop().expect("a child");
        assert_eq!(child.parent_shard_id, Some(shard_id(1)));
        assert_eq!(child.adjacent_parent_shard_id, Some(shard_id(0)));
        assert_eq!(range(&child), (before[0].0, before[1].1));
        assert_eq!(stream.put("a", "x").await.0, child.shard_id);
    })
    .await;
}

/// Both parents are read to their ends, and both name the child with both of them.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ChildShard.html
#[tokio::test]
async fn both_parents_drain_into_the_child() {
    on_stream(2, async |_, stream| {
        stream.put("a", "left").await;
        stream.put("b", "right").await;
        stream.merge(&shard_id(0), &shard_id(1)).await;
        stream.put("b", "child").await;
        for (number, expected) in [(0, "left"), (1, "right")] {
            let at = stream
                .iterator(&shard_id(number), ShardIteratorType::TrimHorizon)
                .await;
            let page = stream.read(&at).await;
            assert_eq!(
                (texts(&page), page.next_shard_iterator.as_deref()),
                (vec![expected.into()], None)
            );
            assert_eq!(page.child_shards()[0].shard_id, shard_id(2));
            assert_eq!(page.child_shards()[0].parent_shards, [0, 1].map(shard_id));
        }
        assert_eq!(stream.all_of(&shard_id(2)).await, ["child"]);
    })
    .await;
}

/// Only neighbours merge.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_MergeShards.html
#[tokio::test]
async fn shards_that_are_not_adjacent_are_not_merged() {
    on_stream(3, async |_, stream| {
        let invalid = "InvalidArgumentException";
        assert_eq!(refusal(stream, &shard_id(0), &shard_id(2)).await, invalid);
        assert_eq!(refusal(stream, &shard_id(1), &shard_id(1)).await, invalid);
        assert_eq!(stream.open_shards().await.len(), 3);
    })
    .await;
}

/// Closed and unknown shards do not merge.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_MergeShards.html
#[tokio::test]
async fn closed_and_unknown_shards_are_not_merged() {
    on_stream(3, async |_, stream| {
        stream.merge(&shard_id(0), &shard_id(1)).await;
        assert_eq!(
            refusal(stream, &shard_id(1), &shard_id(2)).await,
            "InvalidArgumentException"
        );
        assert_eq!(
            refusal(stream, &shard_id(2), &shard_id(9)).await,
            "ResourceNotFoundException"
        );
        assert_eq!(refusal(stream, "", &shard_id(2)).await, "ValidationException");
    })
    .await;
}
