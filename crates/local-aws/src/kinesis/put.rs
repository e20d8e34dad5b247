//! PutRecord and PutRecords.
//!
//! PutRecords is not atomic: each record has its own outcome, and throttling shows there, not as a failed call.
//! Sources: API_PutRecord, API_PutRecords; limits read 2026-11 (10 MiB per call; it was 5 MiB before).

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::hash;
use super::stream::{Moment, NewRecord, Outcomes, Placed, Rejected, Stream, shard_id};
use super::wire::{Refusal, StreamName, answer};
use super::{Kinesis, Scope};
use crate::ids::stable_hash;

/// Most records of one PutRecords call.
const RECORDS_MAX: usize = 500;
/// Most bytes of data and partition keys of one PutRecords call.
const CALL_BYTES_MAX: usize = 10 << 20;
/// Most bytes of one record's data before base64.
const RECORD_BYTES_MAX: usize = 1 << 20;
/// Most characters of a partition key.
const PARTITION_KEY_CHARACTERS_MAX: usize = 256;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'a> {
    #[serde(borrow)]
    data: Cow<'a, str>,
    #[serde(borrow)]
    partition_key: Cow<'a, str>,
    #[serde(borrow, default)]
    explicit_hash_key: Option<Cow<'a, str>>,
}

// Not flattened: serde's flatten would copy every record once more.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutRecords<'a> {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(borrow)]
    records: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutRecord<'a> {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(borrow)]
    data: Cow<'a, str>,
    #[serde(borrow)]
    partition_key: Cow<'a, str>,
    #[serde(borrow, default)]
    explicit_hash_key: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PutRecordsOutcome {
    failed_record_count: usize,
    records: Vec<EntryOutcome>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum EntryOutcome {
    #[serde(rename_all = "PascalCase")]
    Placed {
        sequence_number: String,
        shard_id: String,
    },
    #[serde(rename_all = "PascalCase")]
    Failed {
        error_code: &'static str,
        error_message: String,
    },
}

impl Kinesis {
    pub(super) async fn put_records(&self, scope: Scope<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let request: PutRecords<'_> = read(body)?;
        let name = StreamName {
            stream_name: request.stream_name,
            stream_arn: request.stream_arn,
        };
        let stream = self.find(scope, &name)?;
        if !(1..=RECORDS_MAX).contains(&request.records.len()) {
            return Err(Refusal::validation(
                "1 validation error detected: Value at 'records' failed to satisfy constraint: Member must have length less than or equal to 500 and greater than or equal to 1",
            ));
        }
        let batch = request
            .records
            .into_iter()
            .map(new_record)
            .collect::<Result<Vec<_>, _>>()?;
        let bytes: usize = batch
            .iter()
            .map(|record| record.data.len() + record.partition_key.len())
            .sum();
        if bytes > CALL_BYTES_MAX {
            return Err(Refusal::invalid("Records size exceeds 10 MB limit"));
        }
        let failing: Vec<bool> = batch.iter().map(|record| fails(scope, record)).collect();
        let spared = batch.into_iter().zip(&failing).filter(|(_, fails)| !**fails);
        let spared = spared.map(|(record, _)| record).collect();
        let mut outcomes = self.put(&stream, spared).await?.into_iter();
        let mut records = Vec::with_capacity(failing.len());
        for fails in failing {
            let placed = if fails { None } else { outcomes.next() };
            records.push(placed.map_or_else(failed_by_fault, |outcome| entry_outcome(&stream, outcome)));
        }
        let failed = records
            .iter()
            .filter(|record| matches!(record, EntryOutcome::Failed { .. }))
            .count();
        answer(&PutRecordsOutcome {
            failed_record_count: failed,
            records,
        })
    }

    pub(super) async fn put_record(&self, scope: Scope<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let request: PutRecord<'_> = read(body)?;
        let name = StreamName {
            stream_name: request.stream_name,
            stream_arn: request.stream_arn,
        };
        let stream = self.find(scope, &name)?;
        let (data, partition_key, explicit_hash_key) =
            (request.data, request.partition_key, request.explicit_hash_key);
        let record = new_record(Entry {
            data,
            partition_key,
            explicit_hash_key,
        })?;
        let outcome = self.put(&stream, vec![record]).await?.pop();
        match outcome.map(|outcome| entry_outcome(&stream, outcome)) {
            Some(EntryOutcome::Failed {
                error_code,
                error_message,
            }) => Err(Refusal::new(error_code, error_message)),
            Some(placed) => answer(&placed),
            None => Err(Refusal::internal("one record has one outcome")),
        }
    }

    /// Puts in a task of its own: a caller that hangs up must not stop a batch between its shards.
    async fn put(&self, stream: &Arc<Stream>, batch: Vec<NewRecord>) -> Result<Outcomes, Refusal> {
        let moment = Moment {
            now: self.now(),
            rates_enforced: self.rates_enforced(),
        };
        let stream = Arc::clone(stream);
        tokio::spawn(async move { stream.put(batch, moment).await })
            .await
            .map_err(Refusal::internal)
    }
}

/// Whether a fault lets a record of a batch fail: drawn from the record and the call's draw, so that the same record,
/// sent again, has another chance.
fn fails(scope: Scope<'_>, record: &NewRecord) -> bool {
    let drawn = stable_hash(scope.fault_draw, &record.partition_key)
        ^ stable_hash(scope.fault_draw, &hex::encode(&record.data));
    drawn % 1_000_000 < u64::from(scope.failing_per_million)
}

/// What AWS answers for a record that it could not take.
fn failed_by_fault() -> EntryOutcome {
    EntryOutcome::Failed {
        error_code: "InternalFailure",
        error_message: "Internal service failure.".to_owned(),
    }
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::new("SerializationException", error.to_string()))
}

fn new_record(entry: Entry<'_>) -> Result<NewRecord, Refusal> {
    let characters = entry.partition_key.chars().count();
    if !(1..=PARTITION_KEY_CHARACTERS_MAX).contains(&characters) {
        return Err(Refusal::validation("a partition key has 1 to 256 characters"));
    }
    let data = data_encoding::BASE64
        .decode(entry.data.as_bytes())
        .map_err(|_| Refusal::new("SerializationException", "Data is not base64"))?;
    if data.len() > RECORD_BYTES_MAX {
        return Err(Refusal::validation(
            "1 validation error detected: Value at 'data' failed to satisfy constraint: Member must have length less than or equal to 1048576",
        ));
    }
    let explicit_hash_key = match entry.explicit_hash_key {
        None => None,
        Some(text) => Some(hash::parse(&text).ok_or_else(|| {
            Refusal::invalid(
                "ExplicitHashKey must be a decimal integer from 0 to 2^128-1 without leading zeros",
            )
        })?),
    };
    Ok(NewRecord {
        partition_key: entry.partition_key.into(),
        explicit_hash_key,
        data: Bytes::from(data),
    })
}

fn entry_outcome(stream: &Stream, outcome: Result<Placed, Rejected>) -> EntryOutcome {
    match outcome {
        Ok(placed) => EntryOutcome::Placed {
            sequence_number: placed.sequence.to_string(),
            shard_id: shard_id(placed.shard),
        },
        Err(Rejected::Throttled { shard }) => {
            let topology = stream.read();
            let (shard, name, account) = (shard_id(shard), &topology.facts.name, &topology.facts.account);
            EntryOutcome::Failed {
                error_code: "ProvisionedThroughputExceededException",
                error_message: format!(
                    "Rate exceeded for shard {shard} in stream {name} under account {account}."
                ),
            }
        }
        Err(Rejected::Failed) => EntryOutcome::Failed {
            error_code: "InternalFailure",
            error_message: "Internal Service Failure".to_owned(),
        },
    }
}
