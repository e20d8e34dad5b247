//! Kinesis data streams in the ISV's own account: put blocks, list and read shards.
//!
//! A put is not repeated here: its caller knows which entries failed and repeats just these, inside its
//! own deadline. Facts and limits: Kinesis API reference, `PutRecords`, `GetRecords`, `ListShards`.

use aws_sdk_kinesis::{
    Client,
    primitives::{Blob, DateTime as SdkDateTime},
    types::{PutRecordsRequestEntry, Record, Shard, ShardIteratorType},
};
use chrono::{DateTime, Utc};

use crate::{Aws, AwsError, AwsErrorKind};

/// Most entries of one put.
pub const PUT_RECORDS_MAX: usize = 500;
/// Most bytes of one put, data and partition keys; the older of the two documented limits.
pub const PUT_BYTES_MAX: usize = 5 * 1024 * 1024;
/// Pages of ListShards we follow; 1,000 shards each.
const SHARD_PAGES_MAX: usize = 100;

/// One stream.
#[derive(Clone, Debug)]
pub struct KinesisStream {
    name: String,
    reads: Client,
    writes: Client,
}

/// A record to be put.
#[derive(Clone, Debug)]
pub struct PutEntry {
    /// Where in the hash range it belongs.
    pub explicit_hash_key: u128,
    /// Its bytes, at most 1 MiB.
    pub data: Vec<u8>,
}

/// What became of one entry of a put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutOutcome {
    /// The stream has it.
    Stored,
    /// The stream does not have it; repeating is safe. AWS's code.
    Failed(String),
}

/// A shard as listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardInfo {
    /// Its id.
    pub shard_id: String,
    /// The shards it came from.
    pub parents: Vec<String>,
    /// First and last key of its hash range.
    pub hash_range: (u128, u128),
    /// Whether it takes records.
    pub open: bool,
}

/// Where reading begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFrom<'a> {
    /// The oldest record kept.
    TrimHorizon,
    /// The record behind this sequence number.
    After(&'a str),
}

/// A record read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamRecord {
    /// Its place in the shard.
    pub sequence_number: String,
    /// Its bytes.
    pub data: Vec<u8>,
    /// When the stream took it.
    pub arrived_at: Option<DateTime<Utc>>,
}

/// What one read gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadPage {
    /// In order; may be none though more follow.
    pub records: Vec<StreamRecord>,
    /// Where the next read goes on; none at the end of a closed shard.
    pub next: Option<String>,
    /// How far behind the tip the page ends; zero is caught up.
    pub behind_ms: i64,
    /// The shards that follow, told at the end of a closed shard.
    pub children: Vec<ShardInfo>,
}

impl Aws {
    /// A stream of the ISV's account by name. Makes no call.
    #[must_use]
    pub fn stream(&self, name: &str) -> KinesisStream {
        KinesisStream {
            name: name.to_owned(),
            reads: Client::new(&self.reads()),
            writes: Client::new(&self.writes()),
        }
    }
}

impl KinesisStream {
    /// The stream's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Asks for the stream; one that exists is a success. It takes records when [`Self::is_active`].
    ///
    /// # Errors
    /// Any refusal.
    pub async fn create(&self, shards: i32) -> Result<(), AwsError> {
        let asked = self
            .writes
            .create_stream()
            .stream_name(&self.name)
            .shard_count(shards);
        match asked.send().await.map_err(AwsError::from) {
            Ok(_) => Ok(()),
            // Kinesis says "in use" for a name that is taken.
            Err(error) if error.code == "ResourceInUseException" => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Whether the stream takes records.
    ///
    /// # Errors
    /// Any refusal; [`AwsErrorKind::NotFound`] while there is no stream.
    pub async fn is_active(&self) -> Result<bool, AwsError> {
        let reply = self
            .reads
            .describe_stream_summary()
            .stream_name(&self.name)
            .send()
            .await?;
        let status = reply
            .stream_description_summary
            .map(|summary| summary.stream_status.as_str().to_owned());
        Ok(matches!(status.as_deref(), Some("ACTIVE" | "UPDATING")))
    }

    /// Puts at most 500 records; one outcome for each, in order.
    ///
    /// # Errors
    /// When the call as a whole failed. Of kind `Unknown` it may have stored some: repeat, the ledger
    /// recognises twins.
    pub async fn put(&self, entries: &[PutEntry]) -> Result<Vec<PutOutcome>, AwsError> {
        let records = entries.iter().map(put_entry).collect::<Result<Vec<_>, _>>()?;
        let reply = self
            .writes
            .put_records()
            .stream_name(&self.name)
            .set_records(Some(records))
            .send()
            .await?;
        let outcomes: Vec<_> = reply
            .records
            .into_iter()
            .map(|entry| match (entry.sequence_number, entry.error_code) {
                (Some(_), None) => PutOutcome::Stored,
                (_, code) => PutOutcome::Failed(code.unwrap_or_else(|| "Unrecognised".to_owned())),
            })
            .collect();
        if outcomes.len() != entries.len() {
            return Err(AwsError::incomplete("outcome for each record"));
        }
        Ok(outcomes)
    }

    /// All shards, open and closed, that still hold records.
    ///
    /// # Errors
    /// Any refusal.
    pub async fn shards(&self) -> Result<Vec<ShardInfo>, AwsError> {
        let mut shards = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..SHARD_PAGES_MAX {
            let mut request = self.reads.list_shards();
            // The name and the token exclude each other.
            request = match token.take() {
                Some(token) => request.next_token(token),
                None => request.stream_name(&self.name),
            };
            let reply = request.send().await?;
            for shard in reply.shards.unwrap_or_default() {
                shards.push(shard_info(shard)?);
            }
            token = reply.next_token;
            if token.is_none() {
                return Ok(shards);
            }
        }
        Err(AwsError::incomplete("end of the shard list"))
    }

    /// Opens a reader; it lives five minutes unless used.
    ///
    /// # Errors
    /// Any refusal.
    pub async fn open(&self, shard_id: &str, from: ReadFrom<'_>) -> Result<String, AwsError> {
        let request = self
            .reads
            .get_shard_iterator()
            .stream_name(&self.name)
            .shard_id(shard_id);
        let request = match from {
            ReadFrom::TrimHorizon => request.shard_iterator_type(ShardIteratorType::TrimHorizon),
            ReadFrom::After(position) => request
                .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
                .starting_sequence_number(position),
        };
        let reply = request.send().await?;
        reply
            .shard_iterator
            .ok_or_else(|| AwsError::incomplete("shard iterator"))
    }

    /// Reads one page of at most `limit` records. None when the reader has expired: open it again.
    ///
    /// # Errors
    /// Any other refusal.
    pub async fn read(&self, iterator: &str, limit: i32) -> Result<Option<ReadPage>, AwsError> {
        let reply = self
            .reads
            .get_records()
            .shard_iterator(iterator)
            .limit(limit)
            .send()
            .await;
        let reply = match reply.map_err(AwsError::from) {
            Ok(reply) => reply,
            Err(error) if error.code == "ExpiredIteratorException" => return Ok(None),
            Err(error) => return Err(error),
        };
        let children = reply.child_shards.unwrap_or_default().into_iter().map(|child| {
            let range = child.hash_key_range.as_ref();
            Ok(ShardInfo {
                shard_id: child.shard_id,
                parents: child.parent_shards,
                hash_range: hash_range(
                    range.map(|range| (&*range.starting_hash_key, &*range.ending_hash_key)),
                )?,
                open: true,
            })
        });
        Ok(Some(ReadPage {
            records: reply.records.into_iter().map(stream_record).collect(),
            next: reply.next_shard_iterator,
            behind_ms: reply.millis_behind_latest.unwrap_or(0),
            children: children.collect::<Result<_, AwsError>>()?,
        }))
    }

    /// Splits a shard at a hash key.
    ///
    /// # Errors
    /// Any refusal.
    pub async fn split(&self, shard_id: &str, at: u128) -> Result<(), AwsError> {
        let request = self
            .writes
            .split_shard()
            .stream_name(&self.name)
            .shard_to_split(shard_id);
        request.new_starting_hash_key(at.to_string()).send().await?;
        Ok(())
    }

    /// Merges two adjacent shards.
    ///
    /// # Errors
    /// Any refusal.
    pub async fn merge(&self, shard_id: &str, adjacent: &str) -> Result<(), AwsError> {
        let request = self
            .writes
            .merge_shards()
            .stream_name(&self.name)
            .shard_to_merge(shard_id);
        request.adjacent_shard_to_merge(adjacent).send().await?;
        Ok(())
    }
}

fn put_entry(entry: &PutEntry) -> Result<PutRecordsRequestEntry, AwsError> {
    let key = entry.explicit_hash_key.to_string();
    PutRecordsRequestEntry::builder()
        .data(Blob::new(entry.data.clone()))
        // Required, and ignored beside an explicit hash key.
        .partition_key(&key)
        .explicit_hash_key(&key)
        .build()
        .map_err(|error| AwsError {
            kind: AwsErrorKind::Permanent,
            code: "NotSent".to_owned(),
            message: error.to_string(),
        })
}

fn shard_info(shard: Shard) -> Result<ShardInfo, AwsError> {
    let range = shard.hash_key_range.as_ref();
    let open = shard
        .sequence_number_range
        .as_ref()
        .is_none_or(|range| range.ending_sequence_number.is_none());
    Ok(ShardInfo {
        hash_range: hash_range(range.map(|range| (&*range.starting_hash_key, &*range.ending_hash_key)))?,
        parents: shard
            .parent_shard_id
            .into_iter()
            .chain(shard.adjacent_parent_shard_id)
            .collect(),
        shard_id: shard.shard_id,
        open,
    })
}

fn hash_range(range: Option<(&str, &str)>) -> Result<(u128, u128), AwsError> {
    range
        .and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)))
        .ok_or_else(|| AwsError::incomplete("hash range"))
}

fn stream_record(record: Record) -> StreamRecord {
    StreamRecord {
        sequence_number: record.sequence_number,
        data: record.data.into_inner(),
        arrived_at: record.approximate_arrival_timestamp.and_then(to_utc),
    }
}

fn to_utc(moment: SdkDateTime) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(moment.secs(), moment.subsec_nanos())
}
