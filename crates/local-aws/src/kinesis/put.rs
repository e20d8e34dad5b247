//! PutRecord and PutRecords.
//!
//! PutRecords is not atomic: each record has its own outcome, and throttling shows there, not as a failed call.
//! Sources: API_PutRecord, API_PutRecords; limits read 2026-11 (10 MiB per call; it was 5 MiB before).

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;

use super::scope::Scope;
use super::sequence::SequenceNumber;
use super::stream::{Moment, NewRecord, Outcomes, Rejected, Stream};
use super::wire::{Refusal, StreamName, parse};
use super::{Kinesis, answers, hash};

/// Most records of one PutRecords call.
const RECORDS_MAX: usize = 500;
/// Most bytes of data and partition keys of one PutRecords call.
const CALL_BYTES_MAX: usize = 10 << 20;
/// Most bytes of one record, data before base64 and partition key (read 2026-11; a stream can opt in to 10 MiB on AWS).
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
    #[serde(default)]
    dry_run: bool,
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
    sequence_number_for_ordering: Option<String>,
    #[serde(default)]
    dry_run: bool,
}

impl Kinesis {
    pub(super) async fn put_records(&self, scope: Scope<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let request: PutRecords<'_> = parse(body)?;
        let name = StreamName {
            stream_name: request.stream_name,
            stream_arn: request.stream_arn,
        };
        let stream = self.find_writable(scope, &name)?;
        if !(1..=RECORDS_MAX).contains(&request.records.len()) {
            return Err(Refusal::validation(
                "1 validation error detected: Value at 'records' failed to satisfy constraint: Member must have length less than or equal to 500 and greater than or equal to 1",
            ));
        }
        let batch = new_records(request.records)?;
        end_dry_run(request.dry_run)?;
        let outcomes = self.put_some(scope, &stream, batch).await?;
        // A disk that takes nothing is the service's failure, not that of single records; a fault that lets single
        // ones fail is no such disk, though it may hit all of a few.
        let in_part = scope.call.failing_per_million > 0;
        let none = outcomes
            .iter()
            .all(|outcome| matches!(outcome, Err(Rejected::Failed)));
        if none && !in_part {
            return Err(Refusal::new("InternalFailure", "Internal service failure."));
        }
        Ok(answers::put_records(&stream.read().facts, &outcomes))
    }

    pub(super) async fn put_record(&self, scope: Scope<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let request: PutRecord<'_> = parse(body)?;
        let name = StreamName {
            stream_name: request.stream_name,
            stream_arn: request.stream_arn,
        };
        let stream = self.find_writable(scope, &name)?;
        let (data, partition_key, explicit_hash_key) =
            (request.data, request.partition_key, request.explicit_hash_key);
        let record = new_record(Entry {
            data,
            partition_key,
            explicit_hash_key,
        })?;
        if let Some(before) = &request.sequence_number_for_ordering {
            check_order(&stream, before)?;
        }
        end_dry_run(request.dry_run)?;
        let outcome = self.put(scope, &stream, vec![record]).await?.pop();
        let facts = &stream.read().facts;
        match outcome.unwrap_or(Err(Rejected::Failed)) {
            Ok(placed) => {
                let mut text = Vec::new();
                answers::put_outcome(facts, Ok(placed), &mut text);
                Ok(text)
            }
            Err(rejected) => {
                let (code, message) = answers::failure(facts, rejected);
                Err(Refusal::new(code, message))
            }
        }
    }

    /// A stream that is being made takes nothing yet, as if it were not there.
    fn find_writable(&self, scope: Scope<'_>, name: &StreamName) -> Result<Arc<Stream>, Refusal> {
        let stream = self.find(scope, name)?;
        let creating = stream.read().facts.is_creating();
        if creating {
            return Err(super::no_stream(scope, name.resolve(scope)?));
        }
        Ok(stream)
    }

    /// Puts what a fault does not let fail.
    async fn put_some(
        &self,
        scope: Scope<'_>,
        stream: &Arc<Stream>,
        batch: Vec<NewRecord>,
    ) -> Result<Outcomes, Refusal> {
        let about = stream.read().facts.arn();
        let Some(fault) = scope.failing(&about) else {
            return self.put(scope, stream, batch).await;
        };
        let failing: Vec<bool> = batch
            .iter()
            .map(|record| fault.hits(&record.partition_key, &record.data))
            .collect();
        let spared = batch.into_iter().zip(&failing).filter(|(_, fails)| !**fails);
        let spared = spared.map(|(record, _)| record).collect();
        let mut outcomes = self.put(scope, stream, spared).await?.into_iter();
        let outcomes = failing.into_iter().map(|fails| {
            let outcome = if fails { None } else { outcomes.next() };
            outcome.unwrap_or(Err(Rejected::Failed))
        });
        Ok(outcomes.collect())
    }

    /// Puts in a task of its own: a caller that hangs up must not stop a batch between its shards.
    async fn put(
        &self,
        scope: Scope<'_>,
        stream: &Arc<Stream>,
        batch: Vec<NewRecord>,
    ) -> Result<Outcomes, Refusal> {
        let moment = Moment {
            now: scope.now(),
            rates_enforced: scope.rates_enforced(),
            disk_full: scope.disk_full(),
        };
        let stream = Arc::clone(stream);
        tokio::spawn(async move { stream.put(batch, moment).await })
            .await
            .map_err(Refusal::internal)
    }
}

fn end_dry_run(dry_run: bool) -> Result<(), Refusal> {
    if dry_run {
        return Err(Refusal::new(
            "DryRunOperationException",
            "Request would have succeeded, but the DryRun parameter is set.",
        ));
    }
    Ok(())
}

/// Numbers grow within a shard and from parent to child anyway; the number given must be one of this stream.
fn check_order(stream: &Stream, before: &str) -> Result<(), Refusal> {
    let topology = stream.read();
    let facts = &topology.facts;
    let known = before.parse::<SequenceNumber>().ok().filter(|number| {
        let issued = topology.next_counter(number.shard);
        let own = facts.sequence(number.shard, number.counter) == *number;
        own && issued.is_some_and(|next| number.counter <= next)
    });
    known.map(|_| ()).ok_or_else(|| {
        Refusal::invalid(format!(
            "SequenceNumberForOrdering {before} used in PutRecord on stream {} under account {} is invalid.",
            facts.name, facts.account
        ))
    })
}

fn new_records(entries: Vec<Entry<'_>>) -> Result<Vec<NewRecord>, Refusal> {
    let batch = entries
        .into_iter()
        .map(new_record)
        .collect::<Result<Vec<_>, _>>()?;
    let bytes: usize = batch.iter().map(NewRecord::bytes).sum();
    if bytes > CALL_BYTES_MAX {
        return Err(Refusal::invalid("Records size exceeds 10 MB limit"));
    }
    Ok(batch)
}

fn new_record(entry: Entry<'_>) -> Result<NewRecord, Refusal> {
    let characters = entry.partition_key.chars().count();
    if !(1..=PARTITION_KEY_CHARACTERS_MAX).contains(&characters) {
        return Err(Refusal::validation(
            "1 validation error detected: Value at 'partitionKey' failed to satisfy constraint: Member must have length between 1 and 256",
        ));
    }
    let data = data_encoding::BASE64
        .decode(entry.data.as_bytes())
        .map_err(|_| Refusal::new("SerializationException", "Data is not base64"))?;
    let record = NewRecord {
        partition_key: entry.partition_key.into(),
        explicit_hash_key: entry.explicit_hash_key.as_deref().map(hash_key).transpose()?,
        data: Bytes::from(data),
    };
    if record.bytes() > RECORD_BYTES_MAX {
        return Err(Refusal::validation(
            "1 validation error detected: Value at 'data' failed to satisfy constraint: data and partition key must have length less than or equal to 1048576",
        ));
    }
    Ok(record)
}

fn hash_key(text: &str) -> Result<u128, Refusal> {
    let digits = text.len() <= 39 && text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = digits && (text == "0" || text.bytes().next().is_some_and(|first| first != b'0'));
    if !canonical {
        return Err(Refusal::validation(format!(
            "1 validation error detected: Value '{text}' at 'explicitHashKey' failed to satisfy constraint: Member must satisfy regular expression pattern: 0|([1-9]\\d{{0,38}})"
        )));
    }
    hash::parse(text).ok_or_else(|| {
        Refusal::invalid(format!(
            "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was {text}"
        ))
    })
}
