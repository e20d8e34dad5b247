//! Tags of streams.

use std::collections::{BTreeMap, HashMap};

use conformance::{code, controlled};

use crate::support::{Stream, client, on_stream};

async fn tags(stream: &Stream) -> BTreeMap<String, String> {
    let listed = stream
        .client
        .list_tags_for_stream()
        .stream_name(&stream.name)
        .send()
        .await;
    let tags = listed.expect("listed").tags;
    tags.into_iter()
        .map(|tag| (tag.key, tag.value.unwrap_or_default()))
        .collect()
}

/// Tags are added, overwritten and removed by key.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_AddTagsToStream.html
#[tokio::test]
async fn tags_are_added_overwritten_and_removed() {
    on_stream(1, async |_, stream| {
        let (kinesis, name) = (&stream.client, &stream.name);
        let add = kinesis
            .add_tags_to_stream()
            .stream_name(name)
            .tags("tenant", "acme")
            .tags("stage", "test");
        add.send().await.expect("added");
        let add = kinesis.add_tags_to_stream().stream_name(name).tags("stage", "");
        add.send().await.expect("overwritten");
        let expected = [("stage", ""), ("tenant", "acme")].map(|(key, value)| (key.into(), value.into()));
        assert_eq!(tags(stream).await, BTreeMap::from(expected));
        let remove = kinesis
            .remove_tags_from_stream()
            .stream_name(name)
            .tag_keys("stage")
            .tag_keys("none");
        remove.send().await.expect("removed");
        assert_eq!(
            tags(stream).await,
            BTreeMap::from([("tenant".into(), "acme".into())])
        );
    })
    .await;
}

/// A stream can be made with tags, which the inventory of the account shows.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateStream.html
#[tokio::test]
async fn a_stream_is_made_with_its_tags() {
    let Some(aws) = controlled().await else { return };
    let stream = Stream {
        client: client(&aws),
        name: aws.name("tagged"),
    };
    let create = stream
        .client
        .create_stream()
        .stream_name(&stream.name)
        .shard_count(1);
    create.tags("tenant", "acme").send().await.expect("made");
    assert_eq!(
        tags(&stream).await,
        BTreeMap::from([("tenant".into(), "acme".into())])
    );
    let items = aws.control().inventory_of(&aws.vendor().id);
    let item = items
        .iter()
        .find(|item| item.kind == "kinesis:stream")
        .expect("listed");
    assert_eq!(item.tags["tenant"], "acme");
    assert_eq!(item.created_by, aws.vendor().root_arn());
}

/// A stream has at most fifty tags.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_AddTagsToStream.html
#[tokio::test]
async fn a_fifty_first_tag_is_refused() {
    on_stream(1, async |_, stream| {
        let fifty: HashMap<_, _> = (0..50)
            .map(|number| (format!("key-{number}"), "x".to_owned()))
            .collect();
        let add = stream.client.add_tags_to_stream().stream_name(&stream.name);
        add.set_tags(Some(fifty)).send().await.expect("added");
        let more = stream
            .client
            .add_tags_to_stream()
            .stream_name(&stream.name)
            .tags("more", "x");
        assert_eq!(code(more.send().await), "InvalidArgumentException");
        assert_eq!(tags(stream).await.len(), 50);
    })
    .await;
}

/// Keys have 1 to 128 characters, values 256 at most, and `aws:` is AWS's own.
/// https://docs.aws.amazon.com/streams/latest/dev/tagging.html
#[tokio::test]
async fn a_tag_outside_its_rules_is_refused() {
    on_stream(1, async |_, stream| {
        for (key, value, expected) in [
            ("", "x", "ValidationException"),
            (&*"k".repeat(129), "x", "ValidationException"),
            ("k", &*"v".repeat(257), "ValidationException"),
            ("aws:own", "x", "InvalidArgumentException"),
            ("k", "<script>", "InvalidArgumentException"),
        ] {
            let add = stream
                .client
                .add_tags_to_stream()
                .stream_name(&stream.name)
                .tags(key, value);
            assert_eq!(code(add.send().await), expected, "{key}={value}");
        }
        let none = stream
            .client
            .add_tags_to_stream()
            .stream_name(&stream.name)
            .set_tags(Some(HashMap::new()));
        assert_eq!(code(none.send().await), "ValidationException");
        assert!(tags(stream).await.is_empty());
    })
    .await;
}

/// Tags are listed in pages, by key.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListTagsForStream.html
#[tokio::test]
async fn tags_are_listed_in_pages() {
    on_stream(1, async |_, stream| {
        let add = stream.client.add_tags_to_stream().stream_name(&stream.name);
        add.tags("a", "1")
            .tags("b", "2")
            .tags("c", "3")
            .send()
            .await
            .expect("added");
        let list = || stream.client.list_tags_for_stream().stream_name(&stream.name);
        let first = list().limit(2).send().await.expect("listed");
        assert_eq!((first.tags.len(), first.has_more_tags), (2, true));
        let rest = list().exclusive_start_tag_key("b").send().await.expect("listed");
        assert_eq!((rest.tags[0].key.as_str(), rest.has_more_tags), ("c", false));
        assert_eq!(code(list().limit(0).send().await), "ValidationException");
    })
    .await;
}
