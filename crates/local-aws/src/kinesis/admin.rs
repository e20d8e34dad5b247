//! Making and deleting streams, and how long they keep records.
//!
//! Sources: API_CreateStream, API_DeleteStream, API_IncreaseStreamRetentionPeriod, API_DecreaseStreamRetentionPeriod.

use std::sync::Arc;

use serde::Deserialize;

use super::hash;
use super::mode::{
    ON_DEMAND_STREAMS_MAX, StreamModeDetails, over_on_demand_limit, over_shard_limit, shard_limit,
};
use super::scope::Scope;
use super::status::{Busy, CREATION, DELETION, Work};
use super::stream::{ShardFacts, Stream, StreamFacts};
use super::wire::{Refusal, StreamName, check_name, parse};
use super::{Kinesis, tags};
use crate::tags::Tags;

const RETENTION_HOURS_MIN: u32 = 24;
const RETENTION_HOURS_MAX: u32 = 8_760;
/// Shards of a new on-demand stream.
const ON_DEMAND_SHARDS: u32 = 4;
/// Streams of one account and region that may be CREATING at once.
const CREATING_MAX: usize = 5;
/// Bytes of a record, in KiB, that a stream has unless it opts in to larger ones.
const RECORD_KIB: i64 = 1_024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateStream {
    stream_name: String,
    shard_count: Option<i64>,
    stream_mode_details: Option<StreamModeDetails>,
    #[serde(default)]
    tags: Tags,
    max_record_size_in_ki_b: Option<i64>,
    warm_throughput_mi_bps: Option<i64>,
    record_distribution_strategy: Option<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Retention {
    #[serde(flatten)]
    stream: StreamName,
    retention_period_hours: i64,
}

/// What a new stream is, before it has a place.
struct Shape {
    name: String,
    shards: u32,
    on_demand: bool,
    tags: Tags,
}

impl Kinesis {
    pub(super) fn create_stream(&self, scope: Scope<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let shape = shape(parse(body)?)?;
        let context = scope.context().request_tags(&shape.tags);
        scope.permit(&scope.arn(&shape.name), &context)?;
        let key = scope.key(&shape.name);
        if self.look(&key, scope.now()).is_some() {
            return Err(exists(scope, &shape.name));
        }
        self.check_limits(scope, &shape)?;
        let facts = self.new_facts(scope, shape);
        let mut streams = self.streams_mut();
        // Another call may have been quicker since the look.
        if streams.contains_key(&key) {
            return Err(exists(scope, &facts.name));
        }
        let stream = Stream::create(facts, self.directory_of(&key)).map_err(Refusal::internal)?;
        streams.insert(key, Arc::new(stream));
        Ok(Vec::new())
    }

    fn check_limits(&self, scope: Scope<'_>, shape: &Shape) -> Result<(), Refusal> {
        let limit = shard_limit(scope.region());
        if !shape.on_demand && self.open_shards(scope).saturating_add(shape.shards) > limit {
            return Err(over_shard_limit(scope, limit));
        }
        if shape.on_demand && self.on_demand_streams(scope) >= ON_DEMAND_STREAMS_MAX {
            return Err(over_on_demand_limit(scope));
        }
        let streams = self.of_scope(scope);
        let creating = streams.iter().filter(|stream| stream.read().facts.is_creating());
        if creating.count() >= CREATING_MAX {
            return Err(Refusal::new(
                "LimitExceededException",
                format!(
                    "The maximum number of streams in CREATING state for account {} is {CREATING_MAX}",
                    scope.account()
                ),
            ));
        }
        Ok(())
    }

    fn new_facts(&self, scope: Scope<'_>, shape: Shape) -> StreamFacts {
        let (now, until) = (self.birth(scope.now()), scope.done_after(CREATION));
        let shards = hash::even_ranges(shape.shards).into_iter().zip(0..);
        StreamFacts {
            account: scope.account().to_owned(),
            region: scope.region().to_owned(),
            name: shape.name,
            created_at: now,
            retention_hours: RETENTION_HOURS_MIN,
            on_demand: shape.on_demand,
            tags: shape.tags,
            created_by: scope.principal().to_owned(),
            busy: (until > scope.now()).then_some(Busy {
                with: Work::Creation,
                until,
            }),
            forgotten_before: chrono::DateTime::UNIX_EPOCH,
            scalings: Vec::new(),
            mode_changes: Vec::new(),
            shards: shards
                .map(|((start, end), number)| ShardFacts {
                    number,
                    start,
                    end,
                    parents: Vec::new(),
                    opened_at: now,
                    closed: None,
                })
                .collect(),
        }
    }

    pub(super) fn delete_stream(&self, scope: Scope<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let name: StreamName = parse(body)?;
        let stream = self.find(scope, &name)?;
        let (until, key) = (scope.done_after(DELETION), Self::key_of(&stream));
        {
            let mut topology = stream.write();
            topology.facts.require_active()?;
            let mut facts = topology.facts.clone();
            facts.busy = Some(Busy {
                with: Work::Deletion,
                until,
            });
            stream.replace_facts(&mut topology, facts)?;
        }
        self.look(&key, scope.now());
        Ok(Vec::new())
    }

    fn key_of(stream: &Stream) -> super::Key {
        super::Key::of(&stream.read().facts)
    }

    pub(super) fn increase_retention(&self, scope: Scope<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        self.set_retention(scope, body, |from, to| to >= from)
    }

    pub(super) fn decrease_retention(&self, scope: Scope<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        self.set_retention(scope, body, |from, to| to <= from)
    }

    fn set_retention(
        &self,
        scope: Scope<'_>,
        body: &[u8],
        allowed: fn(u32, u32) -> bool,
    ) -> Result<Vec<u8>, Refusal> {
        let request: Retention = parse(body)?;
        let stream = self.find(scope, &request.stream)?;
        let asked = request.retention_period_hours;
        let mut topology = stream.write();
        topology.facts.require_active()?;
        let mut facts = topology.facts.clone();
        let hours = u32::try_from(asked)
            .ok()
            .filter(|hours| (RETENTION_HOURS_MIN..=RETENTION_HOURS_MAX).contains(hours))
            .filter(|hours| allowed(facts.retention_hours, *hours))
            .ok_or_else(|| {
                Refusal::invalid(format!(
                    "The retention period of stream {} cannot go from {} to {asked} hours by this call; it is between {RETENTION_HOURS_MIN} and {RETENTION_HOURS_MAX} hours",
                    facts.name, facts.retention_hours
                ))
            })?;
        // What has aged out by now stays gone, also when it would be young enough for the new period.
        facts.forgotten_before = facts.horizon(scope.now());
        facts.retention_hours = hours;
        stream.replace_facts(&mut topology, facts)?;
        Stream::trim(&topology, scope.now());
        Ok(Vec::new())
    }

    /// Changes a stream at rest.
    pub(super) fn change_facts(
        &self,
        stream: &Stream,
        change: impl FnOnce(&mut StreamFacts) -> Result<(), Refusal>,
    ) -> Result<Vec<u8>, Refusal> {
        let mut topology = stream.write();
        topology.facts.require_active()?;
        let mut facts = topology.facts.clone();
        change(&mut facts)?;
        stream.replace_facts(&mut topology, facts)?;
        Ok(Vec::new())
    }
}

fn exists(scope: Scope<'_>, name: &str) -> Refusal {
    Refusal::in_use(format!(
        "Stream {name} under account {} already exists.",
        scope.account()
    ))
}

fn shape(request: CreateStream) -> Result<Shape, Refusal> {
    check_name("streamName", &request.stream_name)?;
    tags::check(&request.tags)?;
    refuse_options(&request)?;
    let on_demand = match &request.stream_mode_details {
        None => false,
        Some(details) => details.is_on_demand()?,
    };
    if on_demand && request.shard_count.is_some() {
        return Err(Refusal::validation(
            "ShardCount must not be given for a stream with the on-demand capacity mode",
        ));
    }
    let count = if on_demand {
        Some(ON_DEMAND_SHARDS)
    } else {
        request.shard_count.and_then(|count| u32::try_from(count).ok())
    };
    let shards = count.filter(|count| *count > 0).ok_or_else(|| {
        Refusal::validation(
            "1 validation error detected: Value at 'shardCount' failed to satisfy constraint: Member must have value greater than or equal to 1",
        )
    })?;
    Ok(Shape {
        name: request.stream_name,
        shards,
        on_demand,
        tags: request.tags,
    })
}

/// What this endpoint does not have is never ignored.
fn refuse_options(request: &CreateStream) -> Result<(), Refusal> {
    if request
        .max_record_size_in_ki_b
        .is_some_and(|kib| kib != RECORD_KIB)
    {
        return Err(Refusal::not_implemented("CreateStream with MaxRecordSizeInKiB"));
    }
    if request.warm_throughput_mi_bps.is_some() {
        return Err(Refusal::not_implemented("CreateStream with WarmThroughputMiBps"));
    }
    if request.record_distribution_strategy.is_some() {
        return Err(Refusal::not_implemented(
            "CreateStream with RecordDistributionStrategy",
        ));
    }
    Ok(())
}
