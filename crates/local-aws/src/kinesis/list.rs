//! Describing streams and listing shards.
//!
//! Closed shards stay in the lists until their data has aged out. Sources: API_ListShards, API_ShardFilter,
//! API_DescribeStream, API_DescribeStreamSummary, API_ListStreams.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::scope::Scope;
use super::stream::{ShardFacts, StreamFacts, shard_id};
use super::wire::{Epoch, Refusal, StreamName, answer, bounded, check_name, parse};
use super::{Kinesis, token};

const LIST_SHARDS_MAX: usize = 10_000;
const LIST_SHARDS_DEFAULT: usize = 1_000;
const LIST_STREAMS_DEFAULT: usize = 100;
const DESCRIBE_SHARDS_DEFAULT: usize = 100;

/// Inclusive range of hash keys, as decimal text.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct HashKeyRange {
    starting_hash_key: String,
    ending_hash_key: String,
}

impl HashKeyRange {
    pub(crate) fn of(shard: &ShardFacts) -> Self {
        Self {
            starting_hash_key: shard.start.to_string(),
            ending_hash_key: shard.end.to_string(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SequenceNumberRange {
    starting_sequence_number: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ending_sequence_number: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ShardView {
    shard_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_shard_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    adjacent_parent_shard_id: Option<String>,
    hash_key_range: HashKeyRange,
    sequence_number_range: SequenceNumberRange,
}

impl ShardView {
    fn of(facts: &StreamFacts, shard: &ShardFacts) -> Self {
        let mut parents = shard.parents.iter().map(|number| shard_id(*number));
        Self {
            shard_id: shard.id(),
            parent_shard_id: parents.next(),
            adjacent_parent_shard_id: parents.next(),
            hash_key_range: HashKeyRange::of(shard),
            sequence_number_range: SequenceNumberRange {
                starting_sequence_number: facts.sequence(shard.number, 0).to_string(),
                ending_sequence_number: shard
                    .closed
                    .map(|closed| facts.sequence(shard.number, closed.end_counter).to_string()),
            },
        }
    }
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ShardFilter {
    r#type: String,
    shard_id: Option<String>,
    timestamp: Option<Epoch>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListShards {
    #[serde(flatten)]
    stream: StreamName,
    next_token: Option<String>,
    exclusive_start_shard_id: Option<String>,
    max_results: Option<i64>,
    shard_filter: Option<ShardFilter>,
    stream_creation_timestamp: Option<Epoch>,
}

/// Where ListShards goes on: what a token of it remembers.
#[derive(Serialize, Deserialize)]
struct Position {
    stream: String,
    /// Birth of the stream, when the caller or the token knows it: its successor is another one.
    born_ms: Option<i64>,
    after: String,
    filter: Option<ShardFilter>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Shards {
    shards: Vec<ShardView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeStream {
    #[serde(flatten)]
    stream: StreamName,
    exclusive_start_shard_id: Option<String>,
    limit: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListStreams {
    exclusive_start_stream_name: Option<String>,
    next_token: Option<String>,
    limit: Option<i64>,
}

impl Kinesis {
    pub(super) fn list_shards(&self, scope: Scope<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let request: ListShards = parse(body)?;
        let now = scope.now();
        let limit = bounded(
            "maxResults",
            request.max_results,
            1..=LIST_SHARDS_MAX,
            LIST_SHARDS_DEFAULT,
        )?;
        let position = position(scope, request)?;
        let name = StreamName {
            stream_name: Some(position.stream.clone()),
            stream_arn: None,
        };
        let stream = self.find(scope, &name)?;
        self.calls.admit_list(scope, &position.stream)?;
        let facts = &stream.read().facts;
        check_listable(facts, &position)?;
        let from = position.filter.as_ref().map(lower_bound).transpose()?;
        let passes = |shard: &&ShardFacts| match (&position.filter, &from) {
            (Some(filter), Some(from)) => passes(facts, shard, (filter, from), now),
            _ => true,
        };
        let behind = facts
            .listed_shards(now)
            .filter(|shard| shard.id() > position.after);
        let mut shards: Vec<_> = behind.filter(passes).collect();
        let more = shards.len() > limit;
        shards.truncate(limit);
        let next_token = shards.last().filter(|_| more).map(|last| {
            let next = Position {
                after: last.id(),
                born_ms: Some(facts.created_at.timestamp_millis()),
                ..position
            };
            token::issue(next, now)
        });
        answer(&Shards {
            shards: shards
                .into_iter()
                .map(|shard| ShardView::of(facts, shard))
                .collect(),
            next_token,
        })
    }

    pub(super) fn describe_stream(&self, scope: Scope<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let request: DescribeStream = parse(body)?;
        let stream = self.find(scope, &request.stream)?;
        let limit = bounded(
            "limit",
            request.limit,
            1..=LIST_SHARDS_MAX,
            DESCRIBE_SHARDS_DEFAULT,
        )?;
        let (facts, after) = (
            &stream.read().facts,
            request.exclusive_start_shard_id.unwrap_or_default(),
        );
        let mut shards: Vec<_> = facts
            .listed_shards(scope.now())
            .filter(|shard| shard.id() > after)
            .collect();
        let more = shards.len() > limit;
        shards.truncate(limit);
        let mut description = description(facts);
        let shards: Vec<_> = shards
            .into_iter()
            .map(|shard| ShardView::of(facts, shard))
            .collect();
        description["Shards"] = serde_json::to_value(shards).map_err(Refusal::internal)?;
        description["HasMoreShards"] = more.into();
        answer(&serde_json::json!({ "StreamDescription": description }))
    }

    pub(super) fn describe_stream_summary(&self, scope: Scope<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let name: StreamName = parse(body)?;
        let stream = self.find(scope, &name)?;
        let facts = &stream.read().facts;
        let open = if facts.is_creating() {
            0
        } else {
            facts.open_shards().count()
        };
        let mut description = description(facts);
        description["OpenShardCount"] = open.into();
        description["ConsumerCount"] = 0.into();
        answer(&serde_json::json!({ "StreamDescriptionSummary": description }))
    }

    pub(super) fn list_streams(&self, scope: Scope<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let request: ListStreams = parse(body)?;
        scope.permit("*", &scope.context())?;
        let limit = bounded("limit", request.limit, 1..=LIST_SHARDS_MAX, LIST_STREAMS_DEFAULT)?;
        let after: String = match request.next_token {
            Some(text) => token::redeem(&text, scope.now())?,
            None => request.exclusive_start_stream_name.unwrap_or_default(),
        };
        let mut streams = self.of_scope(scope);
        streams.retain(|stream| stream.read().facts.name > after);
        let more = streams.len() > limit;
        streams.truncate(limit);
        let facts: Vec<_> = streams.iter().map(|stream| stream.read().facts.clone()).collect();
        let names: Vec<_> = facts.iter().map(|facts| facts.name.clone()).collect();
        let next = names
            .last()
            .filter(|_| more)
            .map(|last| token::issue(last, scope.now()));
        let mut listed = serde_json::json!({
            "StreamNames": names,
            "HasMoreStreams": more,
            "StreamSummaries": facts.iter().map(summary).collect::<Vec<_>>(),
        });
        if let Some(next) = next {
            listed["NextToken"] = next.into();
        }
        answer(&listed)
    }
}

fn summary(facts: &StreamFacts) -> serde_json::Value {
    serde_json::json!({
        "StreamName": facts.name,
        "StreamARN": facts.arn(),
        "StreamStatus": facts.status(),
        "StreamModeDetails": { "StreamMode": if facts.on_demand { "ON_DEMAND" } else { "PROVISIONED" } },
        "StreamCreationTimestamp": Epoch(facts.created_at),
    })
}

fn description(facts: &StreamFacts) -> serde_json::Value {
    let mut description = summary(facts);
    description["RetentionPeriodHours"] = facts.retention_hours.into();
    description["EnhancedMonitoring"] = serde_json::json!([{ "ShardLevelMetrics": [] }]);
    description["EncryptionType"] = "NONE".into();
    description
}

fn position(scope: Scope<'_>, request: ListShards) -> Result<Position, Refusal> {
    let Some(text) = request.next_token else {
        let after = request.exclusive_start_shard_id.unwrap_or_default();
        if !after.is_empty() {
            check_name("exclusiveStartShardId", &after)?;
        }
        return Ok(Position {
            stream: request.stream.resolve(scope)?.to_owned(),
            born_ms: request
                .stream_creation_timestamp
                .map(|Epoch(at)| at.timestamp_millis()),
            after,
            filter: request.shard_filter,
        });
    };
    if request.stream.is_given()
        || request.exclusive_start_shard_id.is_some()
        || request.stream_creation_timestamp.is_some()
        || request.shard_filter.is_some()
    {
        return Err(Refusal::invalid(
            "NextToken and other parameters cannot be provided together.",
        ));
    }
    token::redeem(&text, scope.now())
}

/// A stream that is being made has no shards to list; one made again under the name is not the one meant.
fn check_listable(facts: &StreamFacts, position: &Position) -> Result<(), Refusal> {
    let born_ms = facts.created_at.timestamp_millis();
    if position.born_ms.is_some_and(|wanted| wanted != born_ms) {
        return Err(Refusal::not_found(format!(
            "Stream {} under account {} with that creation time not found.",
            facts.name, facts.account
        )));
    }
    if facts.is_creating() {
        return facts.require_active();
    }
    Ok(())
}

/// What a filter compares with, once it has been checked.
enum Bound {
    Nothing,
    Shard(String),
    Moment(DateTime<Utc>),
}

fn lower_bound(filter: &ShardFilter) -> Result<Bound, Refusal> {
    match filter.r#type.as_str() {
        "AT_TRIM_HORIZON" | "FROM_TRIM_HORIZON" | "AT_LATEST" => Ok(Bound::Nothing),
        "AFTER_SHARD_ID" => filter
            .shard_id
            .clone()
            .map(Bound::Shard)
            .ok_or_else(|| Refusal::invalid("AFTER_SHARD_ID needs ShardId")),
        "AT_TIMESTAMP" | "FROM_TIMESTAMP" => filter
            .timestamp
            .map(|Epoch(moment)| Bound::Moment(moment))
            .ok_or_else(|| Refusal::invalid("this filter needs Timestamp")),
        other => Err(Refusal::validation(format!("unknown ShardFilter type '{other}'"))),
    }
}

fn passes(
    facts: &StreamFacts,
    shard: &ShardFacts,
    (filter, bound): (&ShardFilter, &Bound),
    now: DateTime<Utc>,
) -> bool {
    let open_at = |moment| shard.opened_at <= moment && shard.closed.is_none_or(|closed| closed.at > moment);
    match (filter.r#type.as_str(), bound) {
        ("AFTER_SHARD_ID", Bound::Shard(id)) => shard.id() > *id,
        ("AT_LATEST", _) => shard.closed.is_none(),
        ("AT_TRIM_HORIZON", _) => open_at(facts.horizon(now).max(facts.created_at)),
        ("AT_TIMESTAMP", Bound::Moment(moment)) => open_at((*moment).max(facts.created_at)),
        ("FROM_TIMESTAMP", Bound::Moment(moment)) => shard.closed.is_none_or(|closed| closed.at > *moment),
        _ => true,
    }
}
