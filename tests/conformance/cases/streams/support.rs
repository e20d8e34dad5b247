//! What the cases of Kinesis share: a stream that is gone after the case, puts and reads.

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::operation::get_records::GetRecordsOutput;
use aws_sdk_kinesis::operation::put_records::PutRecordsOutput;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{
    PutRecordsRequestEntry, Shard, ShardIteratorType, StreamDescriptionSummary, StreamStatus,
};
use chrono::{DateTime, Utc};
use conformance::local_aws::{Clock, Options};
use conformance::{Aws, aws, controlled_with, eventually};

/// The middle of the hash space.
pub(crate) const HALF: &str = "170141183460469231731687303715884105728";

/// Ids as Kinesis gives them.
pub(crate) fn shard_id(number: u32) -> String {
    format!("shardId-{number:012}")
}

pub(crate) fn client(aws: &Aws) -> Client {
    Client::new(&aws.vendor().config)
}

/// A stream of the vendor.
pub(crate) struct Stream {
    pub(crate) client: Client,
    pub(crate) name: String,
}

/// Runs a case on an ACTIVE stream and deletes the stream.
pub(crate) async fn on_stream(shards: i32, case: impl AsyncFnOnce(&Aws, &Stream)) {
    let aws = aws().await;
    let stream = Stream::create(&aws, shards).await;
    case(&aws, &stream).await;
    stream.delete().await;
}

/// A stream under its rates, on a clock that stands still: a second ends when the case says so.
pub(crate) async fn held(shards: i32) -> Option<(Aws, Stream)> {
    let now = DateTime::from_timestamp(Utc::now().timestamp(), 0).expect("now is a time");
    let options = Options {
        clock: Clock::manual(now),
        ..Options::default()
    };
    let aws = controlled_with(options).await?;
    let stream = Stream::create(&aws, shards).await;
    aws.control().enforce_kinesis_rates(true);
    Some((aws, stream))
}

impl Stream {
    /// Makes a stream and waits until it is ACTIVE.
    pub(crate) async fn create(aws: &Aws, shards: i32) -> Self {
        let stream = Self {
            client: client(aws),
            name: aws.name("stream"),
        };
        let create = stream.client.create_stream().stream_name(&stream.name);
        create.shard_count(shards).send().await.expect("created");
        stream.settled().await;
        stream
    }

    pub(crate) async fn delete(&self) {
        let delete = self.client.delete_stream().stream_name(&self.name);
        delete.send().await.expect("deleted");
    }

    /// Waits until nothing is under way.
    pub(crate) async fn settled(&self) {
        eventually("the stream is ACTIVE", async || {
            self.summary().await.stream_status == StreamStatus::Active
        })
        .await;
    }

    pub(crate) async fn summary(&self) -> StreamDescriptionSummary {
        let described = self.client.describe_stream_summary().stream_name(&self.name);
        let described = described.send().await.expect("described");
        described.stream_description_summary.expect("a summary")
    }

    /// Puts one record; gives its shard and sequence number.
    pub(crate) async fn put(&self, key: &str, data: &str) -> (String, String) {
        let put = self.client.put_record().stream_name(&self.name);
        let put = put.partition_key(key).data(Blob::new(data)).send().await;
        let put = put.expect("put");
        (put.shard_id, put.sequence_number)
    }

    pub(crate) async fn put_all(&self, entries: Vec<PutRecordsRequestEntry>) -> PutRecordsOutput {
        let put = self.client.put_records().stream_name(&self.name);
        put.set_records(Some(entries)).send().await.expect("put")
    }

    pub(crate) async fn shards(&self) -> Vec<Shard> {
        let listed = self.client.list_shards().stream_name(&self.name).send().await;
        listed.expect("listed").shards.unwrap_or_default()
    }

    /// Shards that still take records.
    pub(crate) async fn open_shards(&self) -> Vec<Shard> {
        let mut shards = self.shards().await;
        shards.retain(is_open);
        shards
    }

    pub(crate) async fn iterator(&self, shard: &str, kind: ShardIteratorType) -> String {
        let asked = self.client.get_shard_iterator().stream_name(&self.name);
        let asked = asked.shard_id(shard).shard_iterator_type(kind);
        let given = asked.send().await.expect("an iterator");
        given.shard_iterator.expect("has text")
    }

    /// An iterator at or after a sequence number.
    pub(crate) async fn iterator_by(&self, kind: ShardIteratorType, shard: &str, number: &str) -> String {
        let asked = self.client.get_shard_iterator().stream_name(&self.name);
        let asked = asked.shard_id(shard).shard_iterator_type(kind);
        let given = asked.starting_sequence_number(number).send().await;
        given.expect("an iterator").shard_iterator.expect("has text")
    }

    pub(crate) async fn read(&self, iterator: &str) -> GetRecordsOutput {
        let read = self.client.get_records().shard_iterator(iterator);
        read.send().await.expect("records")
    }

    /// Reads a shard from its start until nothing more comes.
    pub(crate) async fn all_of(&self, shard: &str) -> Vec<String> {
        let mut next = Some(self.iterator(shard, ShardIteratorType::TrimHorizon).await);
        let mut found = Vec::new();
        while let Some(at) = next {
            let page = self.read(&at).await;
            found.extend(texts(&page));
            let done = page.records.is_empty() && page.millis_behind_latest == Some(0);
            next = page.next_shard_iterator.filter(|_| !done);
        }
        found
    }

    pub(crate) async fn split(&self, shard: &str, at: &str) {
        let split = self.client.split_shard().stream_name(&self.name);
        let split = split.shard_to_split(shard).new_starting_hash_key(at);
        split.send().await.expect("split");
        self.settled().await;
    }

    pub(crate) async fn merge(&self, shard: &str, adjacent: &str) {
        let merge = self.client.merge_shards().stream_name(&self.name);
        let merge = merge.shard_to_merge(shard).adjacent_shard_to_merge(adjacent);
        merge.send().await.expect("merged");
        self.settled().await;
    }
}

pub(crate) fn entry(key: &str, data: &[u8]) -> PutRecordsRequestEntry {
    let entry = PutRecordsRequestEntry::builder();
    let entry = entry.partition_key(key).data(Blob::new(data)).build();
    entry.expect("a key and data")
}

pub(crate) fn texts(page: &GetRecordsOutput) -> Vec<String> {
    let data = page.records.iter().map(|record| record.data.as_ref());
    data.map(|data| String::from_utf8_lossy(data).into_owned())
        .collect()
}

pub(crate) fn is_open(shard: &Shard) -> bool {
    let range = shard.sequence_number_range.as_ref();
    range.is_some_and(|range| range.ending_sequence_number.is_none())
}

/// First and last hash key of a shard.
pub(crate) fn range(shard: &Shard) -> (u128, u128) {
    let range = shard.hash_key_range.as_ref().expect("a range");
    let number = |text: &str| text.parse().expect("a hash key");
    (number(&range.starting_hash_key), number(&range.ending_hash_key))
}
