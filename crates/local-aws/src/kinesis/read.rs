//! Reading a shard: GetShardIterator and GetRecords.
//!
//! Zero records do not end a shard. A null `NextShardIterator` does, and it comes only when a closed shard has been
//! read to its end, together with `ChildShards`. Sources: API_GetShardIterator, API_GetRecords.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::iterator::Iterator;
use super::log::{PageLimit, PageOfRecords};
use super::sequence::SequenceNumber;
use super::stream::{ShardFacts, StreamFacts, Topology};
use super::wire::{Epoch, Refusal, StreamName, answer, parse};
use super::{Kinesis, Scope};

/// Most bytes of one GetRecords answer.
const PAGE_BYTES_MAX: usize = 10 << 20;
/// Most records of one GetRecords answer, and the default.
const PAGE_RECORDS_MAX: usize = 10_000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetShardIterator {
    #[serde(flatten)]
    stream: StreamName,
    shard_id: String,
    shard_iterator_type: String,
    starting_sequence_number: Option<String>,
    timestamp: Option<Epoch>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ShardIterator {
    shard_iterator: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetRecords {
    shard_iterator: String,
    limit: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Records {
    records: Vec<RecordView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_shard_iterator: Option<String>,
    millis_behind_latest: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    child_shards: Vec<ChildShard>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RecordView {
    sequence_number: String,
    approximate_arrival_timestamp: Epoch,
    data: String,
    partition_key: Box<str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ChildShard {
    shard_id: String,
    parent_shards: Vec<String>,
    hash_key_range: super::list::HashKeyRange,
}

impl Kinesis {
    pub(super) fn get_shard_iterator(&self, scope: Scope<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let request: GetShardIterator = parse(body)?;
        let stream = self.find(scope, &request.stream)?;
        let (topology, now) = (stream.read(), self.now());
        let shard = topology.facts.shard(&request.shard_id, now)?;
        let from = starting_counter(&topology, shard, &request, now)?;
        let born_ms = topology.facts.created_at.timestamp_millis();
        let iterator = Iterator::new(scope, (&topology.facts.name, born_ms), (shard.number, from));
        answer(&ShardIterator {
            shard_iterator: iterator.issue(now),
        })
    }

    pub(super) fn get_records(&self, scope: Scope<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let request: GetRecords = parse(body)?;
        let limit = request.limit.unwrap_or(PAGE_RECORDS_MAX);
        if !(1..=PAGE_RECORDS_MAX).contains(&limit) {
            return Err(Refusal::validation("Limit must be between 1 and 10000"));
        }
        let now = self.now();
        let iterator = Iterator::redeem(&request.shard_iterator, scope, now)?;
        let name = StreamName {
            stream_name: Some(iterator.stream.clone()),
            stream_arn: None,
        };
        let stream = self.find(scope, &name)?;
        let topology = stream.read();
        if topology.facts.created_at.timestamp_millis() != iterator.stream_born_ms {
            return Err(Refusal::not_found("the stream of this iterator has been deleted"));
        }
        let page = self.page(&topology, &iterator, limit, now)?;
        answer(&view(&topology.facts, &iterator, page, now))
    }

    fn page(
        &self,
        topology: &Topology,
        iterator: &Iterator,
        records: usize,
        now: DateTime<Utc>,
    ) -> Result<PageOfRecords, Refusal> {
        let mut state = topology.state(iterator.shard);
        if self.rates_enforced() && !state.rates.admit_read(now) {
            let facts = &topology.facts;
            let shard = super::stream::shard_id(iterator.shard);
            return Err(Refusal::new(
                "ProvisionedThroughputExceededException",
                format!(
                    "Rate exceeded for shard {shard} in stream {} under account {}.",
                    facts.name, facts.account
                ),
            ));
        }
        state.log.trim(topology.facts.horizon(now).timestamp_millis());
        state
            .log
            .page(
                iterator.from,
                PageLimit {
                    records,
                    bytes: PAGE_BYTES_MAX,
                },
            )
            .map_err(Refusal::internal)
    }
}

fn starting_counter(
    topology: &Topology,
    shard: &ShardFacts,
    request: &GetShardIterator,
    now: DateTime<Utc>,
) -> Result<u64, Refusal> {
    let mut state = topology.state(shard.number);
    state.log.trim(topology.facts.horizon(now).timestamp_millis());
    match request.shard_iterator_type.as_str() {
        "TRIM_HORIZON" => Ok(state.log.horizon()),
        "LATEST" => Ok(state.log.next_counter()),
        "AT_TIMESTAMP" => {
            let Epoch(moment) = request
                .timestamp
                .ok_or_else(|| Refusal::invalid("Must specify timestamp parameter"))?;
            if moment > now {
                return Err(Refusal::invalid("The timestamp is in the future"));
            }
            Ok(state.log.counter_at(moment.timestamp_millis()))
        }
        kind @ ("AT_SEQUENCE_NUMBER" | "AFTER_SEQUENCE_NUMBER") => {
            let counter = counter_of(
                &topology.facts,
                shard,
                request.starting_sequence_number.as_deref(),
            )?;
            Ok(if kind == "AT_SEQUENCE_NUMBER" {
                counter
            } else {
                counter + 1
            })
        }
        other => Err(Refusal::validation(format!(
            "unknown ShardIteratorType '{other}'"
        ))),
    }
}

fn counter_of(facts: &StreamFacts, shard: &ShardFacts, text: Option<&str>) -> Result<u64, Refusal> {
    let text = text.ok_or_else(|| Refusal::invalid("Must specify startingSequenceNumber parameter"))?;
    let sequence: Option<SequenceNumber> = text.parse().ok();
    let counter = sequence.map(|sequence| sequence.counter).filter(|counter| {
        // Only a number that this very shard may have given out.
        facts.sequence(shard.number, *counter).to_string() == text && *counter < u64::MAX
    });
    counter.ok_or_else(|| {
        let (id, name, account) = (shard.id(), &facts.name, &facts.account);
        Refusal::invalid(format!(
            "StartingSequenceNumber {text} used in GetShardIterator on shard {id} in stream {name} under account {account} is invalid."
        ))
    })
}

fn view(facts: &StreamFacts, iterator: &Iterator, page: PageOfRecords, now: DateTime<Utc>) -> Records {
    let shard = &facts.shards[iterator.shard as usize];
    let drained = page.next_arrived_ms.is_none() && shard.closed.is_some();
    let next = iterator.moved_to(page.next_counter);
    let millis_behind_latest = page
        .next_arrived_ms
        .map_or(0, |arrived| (now.timestamp_millis() - arrived).max(1));
    Records {
        records: page
            .records
            .into_iter()
            .map(|record| record_view(facts, shard.number, record))
            .collect(),
        next_shard_iterator: (!drained).then(|| next.issue(now)),
        millis_behind_latest,
        child_shards: if drained {
            children(facts, shard.number)
        } else {
            Vec::new()
        },
    }
}

fn record_view(facts: &StreamFacts, shard: u32, record: super::log::Record) -> RecordView {
    RecordView {
        sequence_number: facts.sequence(shard, record.counter).to_string(),
        approximate_arrival_timestamp: Epoch(
            DateTime::from_timestamp_millis(record.arrived_ms).unwrap_or_default(),
        ),
        data: data_encoding::BASE64.encode(&record.data),
        partition_key: record.partition_key,
    }
}

fn children(facts: &StreamFacts, parent: u32) -> Vec<ChildShard> {
    let of_parent = facts
        .shards
        .iter()
        .filter(|shard| shard.parents.contains(&parent));
    of_parent
        .map(|shard| ChildShard {
            shard_id: shard.id(),
            parent_shards: shard
                .parents
                .iter()
                .map(|number| super::stream::shard_id(*number))
                .collect(),
            hash_key_range: super::list::HashKeyRange::of(shard),
        })
        .collect()
}
