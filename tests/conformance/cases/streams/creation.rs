//! Making, naming, describing and deleting streams.

use aws_sdk_kinesis::types::{StreamMode, StreamModeDetails, StreamStatus};
use conformance::{Raw, aws, code, controlled, eventually};

use crate::support::{Stream, client, on_stream, range};

/// Names hold letters, digits, `_`, `.` and `-`, at most 128 of them.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateStream.html
#[tokio::test]
async fn a_name_with_other_characters_is_refused() {
    let aws = aws().await;
    let kinesis = client(&aws);
    for name in ["a b", "a/b", "ä", &"n".repeat(129)] {
        let made = kinesis
            .create_stream()
            .stream_name(name)
            .shard_count(1)
            .send()
            .await;
        assert_eq!(code(made), "ValidationException", "{name}");
    }
}

/// A stream has at least one shard.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateStream.html
#[tokio::test]
async fn a_stream_without_shards_is_refused() {
    let aws = aws().await;
    let kinesis = client(&aws);
    for shards in [0, -1] {
        let made = kinesis.create_stream().stream_name(aws.name("none"));
        assert_eq!(code(made.shard_count(shards).send().await), "ValidationException");
    }
}

/// A name is given once per account and region.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateStream.html
#[tokio::test]
async fn a_name_that_is_taken_is_in_use() {
    on_stream(1, async |_, stream| {
        let again = stream
            .client
            .create_stream()
            .stream_name(&stream.name)
            .shard_count(1);
        assert_eq!(code(again.send().await), "ResourceInUseException");
    })
    .await;
}

/// More shards than the account may have are refused.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateStream.html
#[tokio::test]
async fn shards_beyond_the_accounts_limit_are_refused() {
    let aws = aws().await;
    let kinesis = client(&aws);
    let limits = kinesis.describe_limits().send().await.expect("limits");
    let made = kinesis.create_stream().stream_name(aws.name("wide"));
    let made = made.shard_count(limits.shard_limit + 1).send().await;
    assert_eq!(code(made), "LimitExceededException");
}

/// The limits say how many open shards the account has.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DescribeLimits.html
#[tokio::test]
async fn open_shards_count_against_the_limit() {
    let Some(aws) = controlled().await else { return };
    let kinesis = client(&aws);
    let before = kinesis.describe_limits().send().await.expect("limits");
    assert_eq!(
        (before.open_shard_count, before.on_demand_stream_count_limit),
        (0, 50)
    );
    let stream = Stream::create(&aws, 3).await;
    stream.split("shardId-000000000000", "1").await;
    let after = kinesis.describe_limits().send().await.expect("limits");
    assert_eq!(after.open_shard_count, 4);
}

/// A stream that is not there is not found, by whatever operation.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DescribeStream.html
#[tokio::test]
async fn an_unknown_stream_is_not_found() {
    let aws = aws().await;
    let (kinesis, name) = (client(&aws), aws.name("absent"));
    let missing = "ResourceNotFoundException";
    assert_eq!(
        code(kinesis.describe_stream().stream_name(&name).send().await),
        missing
    );
    let summary = kinesis.describe_stream_summary().stream_name(&name);
    assert_eq!(code(summary.send().await), missing);
    assert_eq!(
        code(kinesis.list_shards().stream_name(&name).send().await),
        missing
    );
    assert_eq!(
        code(kinesis.delete_stream().stream_name(&name).send().await),
        missing
    );
    let tags = kinesis.list_tags_for_stream().stream_name(&name);
    assert_eq!(code(tags.send().await), missing);
}

/// An operation names its stream by name or ARN.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DescribeStreamSummary.html
#[tokio::test]
async fn a_call_without_a_stream_is_refused() {
    let aws = aws().await;
    let none = client(&aws).describe_stream_summary().send().await;
    assert_eq!(code(none), "InvalidArgumentException");
}

/// A name and an ARN may come together when they mean one stream.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DescribeStreamSummary.html
#[tokio::test]
async fn an_arn_names_the_stream_as_well_as_its_name() {
    on_stream(1, async |aws, stream| {
        let arn = stream.summary().await.stream_arn;
        let (region, account) = (aws.region(), &aws.vendor().id);
        let expected = format!("arn:aws:kinesis:{region}:{account}:stream/{}", stream.name);
        assert_eq!(arn, expected);
        let described = stream.client.describe_stream_summary().stream_arn(&arn);
        assert!(described.clone().send().await.is_ok());
        assert!(described.clone().stream_name(&stream.name).send().await.is_ok());
        let other = described.stream_name("another").send().await;
        assert_eq!(code(other), "InvalidArgumentException");
    })
    .await;
}

/// What is no ARN of a stream is refused before anything is looked up.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html
#[tokio::test]
async fn a_malformed_arn_is_refused() {
    let aws = aws().await;
    let kinesis = client(&aws);
    for arn in [
        "arn:aws:s3:::bucket",
        "arn:aws:kinesis:eu-central-1:1:stream/a",
        "usage",
    ] {
        let described = kinesis.describe_stream_summary().stream_arn(arn).send().await;
        assert_eq!(code(described), "ValidationException", "{arn}");
    }
}

/// A new stream keeps records for 24 hours, unencrypted, and its shards share the hash space evenly.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_StreamDescription.html
#[tokio::test]
async fn a_new_stream_is_described_whole() {
    on_stream(4, async |_, stream| {
        let described = stream
            .client
            .describe_stream()
            .stream_name(&stream.name)
            .send()
            .await;
        let description = described
            .expect("described")
            .stream_description
            .expect("a description");
        assert_eq!(description.stream_status, StreamStatus::Active);
        assert_eq!(description.retention_period_hours, 24);
        assert_eq!(
            description.encryption_type.map(|kind| kind.as_str().to_owned()),
            Some("NONE".into())
        );
        assert!(!description.has_more_shards);
        let ranges: Vec<_> = description.shards.iter().map(range).collect();
        let quarter = 1_u128 << 126;
        assert_eq!(ranges[0], (0, quarter - 1));
        assert_eq!(ranges[3], (3 * quarter, u128::MAX));
    })
    .await;
}

/// DescribeStream gives at most `Limit` shards and says whether there are more.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DescribeStream.html
#[tokio::test]
async fn a_description_has_pages_of_shards() {
    on_stream(3, async |_, stream| {
        let first = stream.client.describe_stream().stream_name(&stream.name).limit(2);
        let first = first
            .send()
            .await
            .expect("described")
            .stream_description
            .expect("a page");
        assert_eq!((first.shards.len(), first.has_more_shards), (2, true));
        let rest = stream.client.describe_stream().stream_name(&stream.name);
        let rest = rest
            .exclusive_start_shard_id(&first.shards[1].shard_id)
            .send()
            .await;
        let rest = rest.expect("described").stream_description.expect("a page");
        assert_eq!((rest.shards.len(), rest.has_more_shards), (1, false));
        let wrong = stream.client.describe_stream().stream_name(&stream.name).limit(0);
        assert_eq!(code(wrong.send().await), "ValidationException");
    })
    .await;
}

/// A deleted stream is gone, with its records; its name is free again.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_DeleteStream.html
#[tokio::test]
async fn a_deleted_stream_is_gone_with_its_records() {
    let aws = aws().await;
    let stream = Stream::create(&aws, 1).await;
    stream.put("k", "of the first").await;
    stream.delete().await;
    let (kinesis, name) = (client(&aws), stream.name);
    eventually("the stream is gone", async || {
        kinesis
            .describe_stream_summary()
            .stream_name(&name)
            .send()
            .await
            .is_err()
    })
    .await;
    let made = kinesis
        .create_stream()
        .stream_name(&name)
        .shard_count(1)
        .send()
        .await;
    made.expect("made again");
    let again = Stream {
        client: kinesis,
        name,
    };
    again.settled().await;
    assert!(again.all_of("shardId-000000000000").await.is_empty());
    again.delete().await;
}

/// An iterator of a deleted stream does not read its successor of the same name.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html
#[tokio::test]
async fn an_iterator_does_not_outlive_its_stream() {
    let Some(aws) = controlled().await else { return };
    let stream = Stream::create(&aws, 1).await;
    let (_, before) = stream.put("k", "first").await;
    let shard = "shardId-000000000000";
    let iterator = stream
        .iterator(shard, aws_sdk_kinesis::types::ShardIteratorType::TrimHorizon)
        .await;
    stream.delete().await;
    let made = stream
        .client
        .create_stream()
        .stream_name(&stream.name)
        .shard_count(1)
        .send()
        .await;
    made.expect("made again");
    let (_, after) = stream.put("k", "second").await;
    let read = stream.client.get_records().shard_iterator(iterator).send().await;
    assert_eq!(code(read), "ResourceNotFoundException");
    assert!(before < after, "sequence numbers never repeat");
}

/// A stream cannot be made with what the endpoint would ignore.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateStream.html
#[tokio::test]
async fn an_unknown_mode_is_refused() {
    let aws = aws().await;
    let mode = StreamModeDetails::builder()
        .stream_mode(StreamMode::from("SOMETIMES"))
        .build();
    let made = client(&aws)
        .create_stream()
        .stream_name(aws.name("mode"))
        .shard_count(1);
    let made = made.stream_mode_details(mode.expect("a mode")).send().await;
    assert_eq!(code(made), "ValidationException");
}

/// A body that is not JSON, or of another shape, is refused and harms nothing.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/CommonErrors.html
#[tokio::test]
async fn a_malformed_body_is_refused() {
    let Some(aws) = controlled().await else { return };
    let raw = Raw::to(&aws, "kinesis").expect("an endpoint");
    for (body, expected) in [
        ("{", "SerializationException"),
        (r#"{"StreamName":7,"ShardCount":1}"#, "SerializationException"),
        (r#"{"ShardCount":1}"#, "ValidationException"),
        ("[]", "SerializationException"),
    ] {
        let answer = raw
            .clone()
            .json("Kinesis_20131202.CreateStream", body)
            .send()
            .await;
        assert_eq!((answer.status, answer.code().as_str()), (400, expected), "{body}");
    }
}

/// What is not built says so, and says what.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_RegisterStreamConsumer.html
#[tokio::test]
async fn an_operation_that_is_not_built_names_itself() {
    let Some(aws) = controlled().await else { return };
    let stream = Stream::create(&aws, 1).await;
    let arn = stream.summary().await.stream_arn;
    let consumer = stream.client.register_stream_consumer().stream_arn(arn);
    let refused = consumer.consumer_name("fan-out").send().await;
    assert_eq!(code(refused), "NotImplemented");
}
