//! PutRecord and PutRecords: where a record goes, in what order, under what number.

use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use conformance::{Raw, code, controlled};

use crate::support::{HALF, Stream, entry, on_stream, shard_id};

/// The MD5 hash of the partition key, as a 128-bit number, decides the shard.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html
#[tokio::test]
async fn a_record_lands_on_the_shard_that_owns_the_md5_of_its_key() {
    on_stream(4, async |_, stream| {
        // MD5("a") = 0cc1…, MD5("b") = 92eb…, MD5("e") = e167…; the shards are quarters of the space.
        for (key, number) in [("a", 0), ("b", 2), ("e", 3)] {
            assert_eq!(stream.put(key, "x").await.0, shard_id(number), "{key}");
        }
    })
    .await;
}

/// An explicit hash key overrides the partition key.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html
#[tokio::test]
async fn an_explicit_hash_key_overrides_the_partition_key() {
    on_stream(2, async |_, stream| {
        for (hash_key, number) in [
            ("0", 0),
            (HALF, 1),
            ("340282366920938463463374607431768211455", 1),
        ] {
            let put = stream
                .client
                .put_record()
                .stream_name(&stream.name)
                .partition_key("a");
            let put = put.data(Blob::new("x")).explicit_hash_key(hash_key).send().await;
            assert_eq!(put.expect("put").shard_id, shard_id(number), "{hash_key}");
        }
    })
    .await;
}

/// An explicit hash key is a decimal number without leading zeros, below 2^128.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecordsRequestEntry.html
#[tokio::test]
async fn a_hash_key_outside_the_space_is_refused() {
    on_stream(1, async |_, stream| {
        for (hash_key, expected) in [
            (
                "340282366920938463463374607431768211456",
                "InvalidArgumentException",
            ),
            ("-1", "ValidationException"),
            ("01", "ValidationException"),
            ("0x10", "ValidationException"),
        ] {
            let put = stream
                .client
                .put_record()
                .stream_name(&stream.name)
                .partition_key("a");
            let put = put.data(Blob::new("x")).explicit_hash_key(hash_key).send().await;
            assert_eq!(code(put), expected, "{hash_key}");
        }
    })
    .await;
}

/// A partition key has 1 to 256 characters, of any script.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html
#[tokio::test]
async fn a_partition_key_has_1_to_256_characters() {
    on_stream(1, async |_, stream| {
        for key in [String::new(), "k".repeat(257)] {
            let put = stream
                .client
                .put_record()
                .stream_name(&stream.name)
                .partition_key(key);
            assert_eq!(code(put.data(Blob::new("x")).send().await), "ValidationException");
        }
        stream.put(&"ä".repeat(256), "x").await;
    })
    .await;
}

/// Keys and data come back as they went in: quotes, control characters, bytes that are no text, nothing at all.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_Record.html
#[tokio::test]
async fn keys_and_data_come_back_unchanged() {
    on_stream(1, async |_, stream| {
        let all: Vec<u8> = (0..=255).collect();
        let sent: [(&str, &[u8]); 3] = [("\"\\\n\u{1}ü", &all), ("empty", b""), ("{}", b"{\"a\":1}")];
        for (key, data) in sent {
            stream.put_all(vec![entry(key, data)]).await;
        }
        let kind = aws_sdk_kinesis::types::ShardIteratorType::TrimHorizon;
        let page = stream.read(&stream.iterator(&shard_id(0), kind).await).await;
        let came: Vec<_> = page
            .records
            .iter()
            .map(|record| {
                (
                    record.partition_key.as_deref().unwrap_or_default(),
                    record.data.as_ref(),
                )
            })
            .collect();
        assert_eq!(came, sent);
    })
    .await;
}

/// Sequence numbers grow within a shard, and do not fit into 64 bits.
/// https://docs.aws.amazon.com/streams/latest/dev/key-concepts.html
#[tokio::test]
async fn sequence_numbers_grow_within_a_shard() {
    on_stream(1, async |_, stream| {
        let mut numbers = Vec::new();
        for index in 0..20 {
            numbers.push(stream.put("k", &index.to_string()).await.1);
        }
        let ordered = numbers
            .windows(2)
            .all(|pair| pair[0].len() == pair[1].len() && pair[0] < pair[1]);
        assert!(ordered, "{numbers:?}");
        assert!(numbers[0].parse::<u64>().is_err());
        let expected: Vec<_> = (0..20).map(|index: i32| index.to_string()).collect();
        assert_eq!(stream.all_of(&shard_id(0)).await, expected);
    })
    .await;
}

/// The number of the record before, given for ordering, makes the next one greater, across a split too.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html
#[tokio::test]
async fn a_number_given_for_ordering_makes_the_next_one_greater() {
    on_stream(1, async |_, stream| {
        let (_, mut before) = stream.put("k", "0").await;
        for index in 1..6 {
            if index == 3 {
                stream.split(&shard_id(0), HALF).await;
            }
            let put = stream
                .client
                .put_record()
                .stream_name(&stream.name)
                .partition_key("k");
            let put = put
                .data(Blob::new("x"))
                .sequence_number_for_ordering(&before)
                .send()
                .await;
            let number = put.expect("put").sequence_number;
            assert!(number > before, "{number} comes after {before}");
            before = number;
        }
    })
    .await;
}

/// What is no sequence number of the stream cannot order anything.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html
#[tokio::test]
async fn a_foreign_number_for_ordering_is_refused() {
    on_stream(1, async |_, stream| {
        for number in [
            "7",
            "first",
            "49999999999999999999999999999999999999999999999999999999",
        ] {
            let put = stream
                .client
                .put_record()
                .stream_name(&stream.name)
                .partition_key("k");
            let put = put
                .data(Blob::new("x"))
                .sequence_number_for_ordering(number)
                .send()
                .await;
            assert_eq!(code(put), "InvalidArgumentException", "{number}");
        }
        assert!(stream.all_of(&shard_id(0)).await.is_empty());
    })
    .await;
}

/// The answer of PutRecords has one entry for each record, in the order of the request.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
#[tokio::test]
async fn a_batch_is_answered_in_its_order() {
    on_stream(2, async |_, stream| {
        let hash_keys = ["0", HALF, "1", HALF, "2"];
        let entries = hash_keys.iter().map(|hash_key| {
            let entry = PutRecordsRequestEntry::builder()
                .partition_key("k")
                .data(Blob::new(*hash_key));
            entry.explicit_hash_key(*hash_key).build().expect("complete")
        });
        let put = stream.put_all(entries.collect()).await;
        assert_eq!(put.failed_record_count, Some(0));
        let shards: Vec<_> = put
            .records
            .iter()
            .map(|record| record.shard_id.clone().expect("placed"))
            .collect();
        assert_eq!(shards, [0, 1, 0, 1, 0].map(shard_id));
        assert_eq!(stream.all_of(&shard_id(0)).await, ["0", "1", "2"]);
        assert_eq!(stream.all_of(&shard_id(1)).await, [HALF, HALF]);
    })
    .await;
}

/// A batch with one record that cannot be is refused whole.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
#[tokio::test]
async fn one_impossible_record_refuses_the_whole_batch() {
    on_stream(1, async |_, stream| {
        let wrong = PutRecordsRequestEntry::builder()
            .partition_key("k")
            .data(Blob::new("x"));
        let wrong = wrong
            .explicit_hash_key("340282366920938463463374607431768211456")
            .build();
        let put = stream
            .client
            .put_records()
            .stream_name(&stream.name)
            .records(entry("k", b"good"));
        let put = put.records(wrong.expect("complete")).send().await;
        assert_eq!(code(put), "InvalidArgumentException");
        assert!(stream.all_of(&shard_id(0)).await.is_empty());
    })
    .await;
}

/// A batch without records is refused.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
#[tokio::test]
async fn an_empty_batch_is_refused() {
    on_stream(1, async |_, stream| {
        let put = stream
            .client
            .put_records()
            .stream_name(&stream.name)
            .set_records(Some(Vec::new()));
        assert_eq!(code(put.send().await), "ValidationException");
    })
    .await;
}

/// A record goes to a stream that exists.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html
#[tokio::test]
async fn a_record_for_an_unknown_stream_is_refused() {
    on_stream(1, async |aws, stream| {
        let put = stream
            .client
            .put_record()
            .stream_name(aws.name("absent"))
            .partition_key("k");
        assert_eq!(
            code(put.data(Blob::new("x")).send().await),
            "ResourceNotFoundException"
        );
        let put = stream
            .client
            .put_records()
            .stream_name(aws.name("absent"))
            .records(entry("k", b"x"));
        assert_eq!(code(put.send().await), "ResourceNotFoundException");
    })
    .await;
}

/// Data is base64 on the wire.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html
#[tokio::test]
async fn data_that_is_not_base64_is_refused() {
    let Some(aws) = controlled().await else { return };
    let stream = Stream::create(&aws, 1).await;
    let body = format!(
        r#"{{"StreamName":"{}","PartitionKey":"k","Data":"***"}}"#,
        stream.name
    );
    let raw = Raw::to(&aws, "kinesis").expect("an endpoint");
    let answer = raw.json("Kinesis_20131202.PutRecord", &body).send().await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (400, "SerializationException")
    );
}

/// A dry run says that it would have worked, and stores nothing.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html
#[tokio::test]
async fn a_dry_run_stores_nothing() {
    let Some(aws) = controlled().await else { return };
    let stream = Stream::create(&aws, 1).await;
    let put = stream
        .client
        .put_record()
        .stream_name(&stream.name)
        .partition_key("k");
    let put = put.data(Blob::new("x")).dry_run(true).send().await;
    assert_eq!(code(put), "DryRunOperationException");
    let put = stream
        .client
        .put_records()
        .stream_name(&stream.name)
        .records(entry("k", b"x"));
    assert_eq!(code(put.dry_run(true).send().await), "DryRunOperationException");
    assert!(stream.all_of(&shard_id(0)).await.is_empty());
}
