//! Lists in pages: shards, streams.

use chrono::TimeDelta;
use conformance::{code, controlled};

use crate::support::{Stream, client, on_stream};

/// ListShards pages by a token, which comes alone.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListShards.html
#[tokio::test]
async fn shards_are_listed_in_pages() {
    on_stream(5, async |_, stream| {
        let (mut seen, mut token) = (Vec::new(), None);
        loop {
            let name = token.is_none().then(|| stream.name.clone());
            let page = stream
                .client
                .list_shards()
                .set_stream_name(name)
                .set_next_token(token);
            let page = page.max_results(2).send().await.expect("listed");
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
        let expected: Vec<_> = (0..5).map(crate::support::shard_id).collect();
        assert_eq!(seen, expected);
    })
    .await;
}

/// A token and a name cannot come together.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListShards.html
#[tokio::test]
async fn a_token_comes_without_a_name() {
    on_stream(2, async |_, stream| {
        let page = stream
            .client
            .list_shards()
            .stream_name(&stream.name)
            .max_results(1)
            .send()
            .await;
        let token = page.expect("listed").next_token.expect("there is more");
        let both = stream
            .client
            .list_shards()
            .stream_name(&stream.name)
            .next_token(&token);
        assert_eq!(code(both.send().await), "InvalidArgumentException");
        let start = stream
            .client
            .list_shards()
            .exclusive_start_shard_id("shardId-000000000000");
        assert_eq!(
            code(start.next_token(&token).send().await),
            "InvalidArgumentException"
        );
        let neither = stream.client.list_shards().send().await;
        assert_eq!(code(neither), "InvalidArgumentException");
    })
    .await;
}

/// A token of ListShards lives 300 seconds.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListShards.html
#[tokio::test]
async fn a_token_of_shards_lives_300_seconds() {
    let Some(aws) = controlled().await else { return };
    let stream = Stream::create(&aws, 2).await;
    let page = stream
        .client
        .list_shards()
        .stream_name(&stream.name)
        .max_results(1)
        .send()
        .await;
    let token = page.expect("listed").next_token.expect("there is more");
    aws.advance(TimeDelta::seconds(299));
    let page = stream.client.list_shards().next_token(&token).send().await;
    assert_eq!(page.expect("in time").shards().len(), 1);
    aws.advance(TimeDelta::seconds(2));
    let late = stream.client.list_shards().next_token(&token).send().await;
    assert_eq!(code(late), "ExpiredNextTokenException");
}

/// Made-up tokens and sizes outside their bounds are refused.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListShards.html
#[tokio::test]
async fn a_made_up_token_is_refused() {
    on_stream(1, async |_, stream| {
        let made_up = stream.client.list_shards().next_token("AAAA").send().await;
        assert_eq!(code(made_up), "InvalidArgumentException");
        for size in [0, 10_001] {
            let sized = stream
                .client
                .list_shards()
                .stream_name(&stream.name)
                .max_results(size);
            assert_eq!(code(sized.send().await), "ValidationException", "{size}");
        }
        let made_up = stream.client.list_streams().next_token("AAAA").send().await;
        assert_eq!(code(made_up), "InvalidArgumentException");
    })
    .await;
}

/// ListStreams gives names in order, in pages, with a summary of each.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListStreams.html
#[tokio::test]
async fn streams_are_listed_in_pages() {
    let Some(aws) = controlled().await else { return };
    let kinesis = client(&aws);
    for name in ["c", "a", "b"] {
        let create = kinesis.create_stream().stream_name(name).shard_count(1);
        create.send().await.expect("made");
    }
    let page = kinesis.list_streams().limit(2).send().await.expect("listed");
    assert_eq!(
        (page.stream_names(), page.has_more_streams),
        (&["a".to_owned(), "b".to_owned()][..], true)
    );
    let summaries: Vec<_> = page
        .stream_summaries()
        .iter()
        .map(|one| one.stream_name.as_str())
        .collect();
    assert_eq!(summaries, ["a", "b"]);
    let rest = kinesis
        .list_streams()
        .set_next_token(page.next_token)
        .send()
        .await
        .expect("listed");
    assert_eq!(
        (rest.stream_names(), rest.has_more_streams),
        (&["c".to_owned()][..], false)
    );
    let rest = kinesis
        .list_streams()
        .exclusive_start_stream_name("a")
        .send()
        .await
        .expect("listed");
    assert_eq!(rest.stream_names(), ["b", "c"]);
    assert_eq!(
        code(kinesis.list_streams().limit(0).send().await),
        "ValidationException"
    );
}
