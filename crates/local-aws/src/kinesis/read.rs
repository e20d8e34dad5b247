//! Reading a shard: GetShardIterator and GetRecords.
//!
//! Zero records do not end a shard. A null `NextShardIterator` does, and it comes only when a closed shard has been
//! read to its end, together with `ChildShards`. Sources: API_GetShardIterator, API_GetRecords.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::iterator::Iterator;
use super::log::{PageLimit, PageOfRecords};
use super::scope::Scope;
use super::sequence::SequenceNumber;
use super::stream::{ShardFacts, StreamFacts, Topology};
use super::wire::{Epoch, Refusal, StreamName, answer, bounded, check_name, parse};
use super::{Kinesis, answers};

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
    limit: Option<i64>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
}

/// What follows the records of an answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Rest {
    #[serde(skip_serializing_if = "Option::is_none")]
    next_shard_iterator: Option<String>,
    millis_behind_latest: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    child_shards: Vec<ChildShard>,
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
        check_name("shardId", &request.shard_id)?;
        let (topology, now) = (stream.read(), scope.now());
        let shard = topology.facts.shard(&request.shard_id, now)?;
        if scope.rates_enforced() && !topology.state(shard.number).rates.admit_iterator(now) {
            return Err(rate_exceeded(&topology.facts, shard.number));
        }
        let from = starting_counter(&topology, shard, &request, now)?;
        let born_ms = topology.facts.created_at.timestamp_millis();
        let iterator = Iterator::new(scope, (&topology.facts.name, born_ms), (shard.number, from));
        answer(&ShardIterator {
            shard_iterator: iterator.issue(now),
        })
    }

    pub(super) fn get_records(&self, scope: Scope<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let request: GetRecords = parse(body)?;
        let limit = bounded("limit", request.limit, 1..=PAGE_RECORDS_MAX, PAGE_RECORDS_MAX)?;
        let iterator = Iterator::redeem(&request.shard_iterator, scope, scope.now())?;
        let name = StreamName {
            stream_name: Some(iterator.stream.clone()),
            stream_arn: request.stream_arn,
        };
        let stream = self.find(scope, &name)?;
        let topology = stream.read();
        let same = topology.facts.created_at.timestamp_millis() == iterator.stream_born_ms;
        if !same || topology.facts.shards.len() <= iterator.shard as usize {
            return Err(Refusal::not_found("the stream of this iterator has been deleted"));
        }
        let page = page(scope, &topology, &iterator, limit)?;
        let mut text = answers::records(&topology.facts, iterator.shard, &page.records);
        let rest = answer(&rest(&topology.facts, &iterator, &page, scope.now()))?;
        // Both are objects: the end of one meets the beginning of the other.
        text.push(b',');
        text.extend_from_slice(&rest[1..]);
        Ok(text)
    }
}

fn page(
    scope: Scope<'_>,
    topology: &Topology,
    iterator: &Iterator,
    records: usize,
) -> Result<PageOfRecords, Refusal> {
    let (facts, now) = (&topology.facts, scope.now());
    let mut state = topology.state(iterator.shard);
    if scope.rates_enforced() && !state.rates.admit_read(now) {
        return Err(rate_exceeded(facts, iterator.shard));
    }
    state.log.trim(facts.horizon(now).timestamp_millis());
    let bytes = PAGE_BYTES_MAX;
    let page = state
        .log
        .page(iterator.from, PageLimit { records, bytes })
        .map_err(Refusal::internal)?;
    if scope.rates_enforced() {
        state.rates.gave(now, page.bytes());
    }
    Ok(page)
}

fn rate_exceeded(facts: &StreamFacts, shard: u32) -> Refusal {
    Refusal::new(
        "ProvisionedThroughputExceededException",
        answers::rate_exceeded(facts, shard),
    )
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
                return Err(Refusal::invalid(
                    "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis.",
                ));
            }
            Ok(state.log.counter_at(moment.timestamp_millis()))
        }
        kind @ ("AT_SEQUENCE_NUMBER" | "AFTER_SEQUENCE_NUMBER") => {
            let counter = counter_of(
                &topology.facts,
                shard,
                (
                    request.starting_sequence_number.as_deref(),
                    state.log.next_counter(),
                ),
            )?;
            Ok(if kind == "AT_SEQUENCE_NUMBER" {
                counter
            } else {
                counter + 1
            })
        }
        other => Err(Refusal::validation(format!(
            "1 validation error detected: Value '{other}' at 'shardIteratorType' failed to satisfy constraint: Member must satisfy enum value set: [AT_SEQUENCE_NUMBER, AFTER_SEQUENCE_NUMBER, TRIM_HORIZON, LATEST, AT_TIMESTAMP]"
        ))),
    }
}

/// The counter of a sequence number that this very shard has given out, or of its ends.
fn counter_of(
    facts: &StreamFacts,
    shard: &ShardFacts,
    (text, next_counter): (Option<&str>, u64),
) -> Result<u64, Refusal> {
    let text = text.ok_or_else(|| Refusal::invalid("Must specify startingSequenceNumber parameter"))?;
    let sequence: Option<SequenceNumber> = text.parse().ok();
    let counter = sequence.map(|sequence| sequence.counter).filter(|counter| {
        facts.sequence(shard.number, *counter).to_string() == text && *counter <= next_counter
    });
    counter.ok_or_else(|| {
        let (id, name, account) = (shard.id(), &facts.name, &facts.account);
        Refusal::invalid(format!(
            "StartingSequenceNumber {text} used in GetShardIterator on shard {id} in stream {name} under account {account} is invalid."
        ))
    })
}

fn rest(facts: &StreamFacts, iterator: &Iterator, page: &PageOfRecords, now: DateTime<Utc>) -> Rest {
    let shard = &facts.shards[iterator.shard as usize];
    let drained = page.next_arrived_ms.is_none() && shard.closed.is_some();
    let next = iterator.moved_to(page.next_counter);
    let millis_behind_latest = page
        .next_arrived_ms
        .map_or(0, |arrived| (now.timestamp_millis() - arrived).max(1));
    Rest {
        next_shard_iterator: (!drained).then(|| next.issue(now)),
        millis_behind_latest,
        child_shards: if drained {
            children(facts, shard.number)
        } else {
            Vec::new()
        },
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
