//! Whose streams they are, and who may touch them.

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{ScalingType, ShardIteratorType};
use conformance::{Aws, code, controlled};

use crate::support::{Stream, entry, on_stream, shard_id};

/// A user of the vendor with one policy, and a client with its keys.
async fn under(aws: &Aws, statement: &str) -> Client {
    let iam = aws_sdk_iam::Client::new(&aws.vendor().config);
    let name = aws.name("user");
    iam.create_user().user_name(&name).send().await.expect("a user");
    let document = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
    let policy = iam.put_user_policy().user_name(&name).policy_name("streams");
    policy.policy_document(document).send().await.expect("a policy");
    let keys = iam.create_access_key().user_name(&name).send().await;
    let keys = keys.expect("keys").access_key.expect("keys");
    let config = aws
        .vendor()
        .with_keys(&keys.access_key_id, &keys.secret_access_key, None);
    Client::new(&config)
}

async fn put(client: &Client, name: &str) -> Option<String> {
    let put = client
        .put_record()
        .stream_name(name)
        .partition_key("k")
        .data(Blob::new("x"));
    let sent = put.send().await;
    sent.is_err().then(|| code(sent))
}

/// Another account sees no stream of that name, and may not reach it by its ARN.
/// https://docs.aws.amazon.com/streams/latest/dev/controlling-access.html
#[tokio::test]
async fn a_stream_belongs_to_its_account() {
    on_stream(1, async |aws, stream| {
        let stranger = Client::new(&aws.stranger().config);
        let named = stranger
            .describe_stream_summary()
            .stream_name(&stream.name)
            .send()
            .await;
        assert_eq!(code(named), "ResourceNotFoundException");
        let arn = stream.summary().await.stream_arn;
        let put = stranger
            .put_record()
            .stream_arn(&arn)
            .partition_key("k")
            .data(Blob::new("x"));
        assert_eq!(code(put.send().await), "AccessDeniedException");
        let deleted = stranger.delete_stream().stream_arn(&arn).send().await;
        assert_eq!(code(deleted), "AccessDeniedException");
        assert!(stream.all_of(&shard_id(0)).await.is_empty());
    })
    .await;
}

/// An iterator of one account reads nothing for another.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html
#[tokio::test]
async fn an_iterator_serves_its_own_account_only() {
    on_stream(1, async |aws, stream| {
        stream.put("k", "secret").await;
        let at = stream
            .iterator(&shard_id(0), ShardIteratorType::TrimHorizon)
            .await;
        let stranger = Client::new(&aws.stranger().config);
        let read = stranger.get_records().shard_iterator(at).send().await;
        let refused = code(read);
        assert!(
            ["InvalidArgumentException", "AccessDeniedException"].contains(&refused.as_str()),
            "{refused}"
        );
    })
    .await;
}

/// The same name is another stream in another region.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateStream.html
#[tokio::test]
async fn a_stream_belongs_to_its_region() {
    on_stream(1, async |aws, stream| {
        let elsewhere = Client::new(&aws.vendor().in_region("us-west-2"));
        let described = elsewhere
            .describe_stream_summary()
            .stream_name(&stream.name)
            .send()
            .await;
        assert_eq!(code(described), "ResourceNotFoundException");
    })
    .await;
}

/// A user may do what its policy names, on the streams it names.
/// https://docs.aws.amazon.com/streams/latest/dev/controlling-access.html
#[tokio::test]
async fn a_user_may_do_what_its_policy_names() {
    let Some(aws) = controlled().await else { return };
    let stream = Stream::create(&aws, 1).await;
    let other = Stream::create(&aws, 1).await;
    let arn = stream.summary().await.stream_arn;
    let allowed = format!(r#"{{"Effect":"Allow","Action":"kinesis:PutRecord","Resource":"{arn}"}}"#);
    let user = under(&aws, &allowed).await;
    assert_eq!(put(&user, &stream.name).await, None);
    let denied = Some("AccessDeniedException".to_owned());
    assert_eq!(put(&user, &other.name).await, denied);
    let read = user
        .get_shard_iterator()
        .stream_name(&stream.name)
        .shard_id(shard_id(0));
    let read = read.shard_iterator_type(ShardIteratorType::Latest).send().await;
    assert_eq!(code(read), "AccessDeniedException");
    assert_eq!(code(user.list_streams().send().await), "AccessDeniedException");
}

/// A policy may speak of a stream's tags.
/// https://docs.aws.amazon.com/streams/latest/dev/tagging.html
#[tokio::test]
async fn a_policy_may_speak_of_a_streams_tags() {
    let Some(aws) = controlled().await else { return };
    let (own, other) = (Stream::create(&aws, 1).await, Stream::create(&aws, 1).await);
    for (stream, tenant) in [(&own, "acme"), (&other, "bolt")] {
        let tag = stream
            .client
            .add_tags_to_stream()
            .stream_name(&stream.name)
            .tags("tenant", tenant);
        tag.send().await.expect("tagged");
    }
    let allowed = r#"{"Effect":"Allow","Action":"kinesis:*","Resource":"*",
        "Condition":{"StringEquals":{"aws:ResourceTag/tenant":"acme"}}}"#;
    let user = under(&aws, allowed).await;
    assert_eq!(put(&user, &own.name).await, None);
    assert_eq!(
        put(&user, &other.name).await.as_deref(),
        Some("AccessDeniedException")
    );
}

/// A policy may ask for tags on what is made.
/// https://docs.aws.amazon.com/streams/latest/dev/tagging.html
#[tokio::test]
async fn a_policy_may_ask_for_tags_on_creation() {
    let Some(aws) = controlled().await else { return };
    let allowed = r#"{"Effect":"Allow","Action":"kinesis:CreateStream","Resource":"*",
        "Condition":{"StringEquals":{"aws:RequestTag/tenant":"acme"}}}"#;
    let user = under(&aws, allowed).await;
    let create = || user.create_stream().stream_name("by-user").shard_count(1);
    assert_eq!(code(create().send().await), "AccessDeniedException");
    create().tags("tenant", "acme").send().await.expect("made");
    let items = aws.control().inventory_of(&aws.vendor().id);
    let item = items
        .iter()
        .find(|item| item.kind == "kinesis:stream")
        .expect("listed");
    assert!(item.created_by.contains("user/"), "{}", item.created_by);
}

/// What no policy names is denied, operation by operation, whether the stream exists or not.
/// https://docs.aws.amazon.com/streams/latest/dev/controlling-access.html
#[tokio::test]
async fn what_no_policy_names_is_denied() {
    let Some(aws) = controlled().await else { return };
    let stream = Stream::create(&aws, 2).await;
    let at = stream
        .iterator(&shard_id(0), ShardIteratorType::TrimHorizon)
        .await;
    let user = under(
        &aws,
        r#"{"Effect":"Allow","Action":"kinesis:PutRecord","Resource":"*"}"#,
    )
    .await;
    let read = user.get_records().shard_iterator(at).send().await;
    assert_eq!(code(read), DENIED);
    for name in [stream.name.as_str(), "nothing-of-that-name"] {
        assert_looks_are_denied(&user, name).await;
        assert_changes_are_denied(&user, name).await;
    }
    assert_eq!(code(user.list_streams().send().await), DENIED);
    assert_eq!(code(user.describe_limits().send().await), DENIED);
    assert_eq!(put(&user, &stream.name).await, None);
}

const DENIED: &str = "AccessDeniedException";

async fn assert_looks_are_denied(user: &Client, name: &str) {
    let described = user.describe_stream().stream_name(name).send().await;
    assert_eq!(code(described), DENIED);
    let summary = user.describe_stream_summary().stream_name(name).send().await;
    assert_eq!(code(summary), DENIED);
    let listed = user.list_shards().stream_name(name).send().await;
    assert_eq!(code(listed), DENIED);
    let tags = user.list_tags_for_stream().stream_name(name).send().await;
    assert_eq!(code(tags), DENIED);
    let iterator = user.get_shard_iterator().stream_name(name);
    let iterator = iterator
        .shard_id(shard_id(0))
        .shard_iterator_type(ShardIteratorType::Latest);
    assert_eq!(code(iterator.send().await), DENIED);
}

async fn assert_changes_are_denied(user: &Client, name: &str) {
    let put = user.put_records().stream_name(name).records(entry("k", b"x"));
    assert_eq!(code(put.send().await), DENIED);
    let made = user.create_stream().stream_name(name).shard_count(1);
    assert_eq!(code(made.send().await), DENIED);
    let split = user.split_shard().stream_name(name);
    let split = split.shard_to_split(shard_id(0)).new_starting_hash_key("7");
    assert_eq!(code(split.send().await), DENIED);
    let merge = user.merge_shards().stream_name(name);
    let merge = merge
        .shard_to_merge(shard_id(0))
        .adjacent_shard_to_merge(shard_id(1));
    assert_eq!(code(merge.send().await), DENIED);
    let scale = user.update_shard_count().stream_name(name);
    let scale = scale
        .target_shard_count(4)
        .scaling_type(ScalingType::UniformScaling);
    assert_eq!(code(scale.send().await), DENIED);
    let longer = user.increase_stream_retention_period().stream_name(name);
    assert_eq!(code(longer.retention_period_hours(48).send().await), DENIED);
    let shorter = user.decrease_stream_retention_period().stream_name(name);
    assert_eq!(code(shorter.retention_period_hours(24).send().await), DENIED);
    let tagged = user.add_tags_to_stream().stream_name(name).tags("a", "b");
    assert_eq!(code(tagged.send().await), DENIED);
    let untagged = user.remove_tags_from_stream().stream_name(name).tag_keys("a");
    assert_eq!(code(untagged.send().await), DENIED);
    assert_eq!(code(user.delete_stream().stream_name(name).send().await), DENIED);
}
