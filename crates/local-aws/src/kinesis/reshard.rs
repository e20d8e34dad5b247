//! Splitting and merging shards.
//!
//! A parent closes and its children open in one step: readers drain the parent to a null iterator and go on with the
//! children. While the stream is UPDATING the parent still takes records. Sources: API_SplitShard, API_MergeShards,
//! API_UpdateShardCount.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::Kinesis;
use super::hash;
use super::mode::shard_limit;
use super::scope::Scope;
use super::status::{Busy, RESHARDING, Work};
use super::stream::{Closed, ShardFacts, Stream, StreamFacts, Topology, decimal};
use super::wire::{Refusal, StreamName, answer, check_name, parse};

/// Most shards UpdateShardCount scales a stream to (read 2026-11).
const TARGET_MAX: u32 = 10_000;
/// UpdateShardCount calls of one stream in a rolling day (read 2026-11).
const SCALINGS_MAX: usize = 10;

/// A change of a stream's shards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reshard {
    /// Of the shard, at the hash key.
    Split {
        shard: u32,
        #[serde(with = "decimal")]
        at: u128,
    },
    Merge {
        first: u32,
        second: u32,
    },
    /// To so many shards of equal size.
    Even {
        target: u32,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SplitShard {
    #[serde(flatten)]
    stream: StreamName,
    shard_to_split: String,
    new_starting_hash_key: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MergeShards {
    #[serde(flatten)]
    stream: StreamName,
    shard_to_merge: String,
    adjacent_shard_to_merge: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateShardCount {
    #[serde(flatten)]
    stream: StreamName,
    target_shard_count: i64,
    scaling_type: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ShardCountUpdated {
    stream_name: String,
    #[serde(rename = "StreamARN")]
    stream_arn: String,
    current_shard_count: u32,
    target_shard_count: u32,
}

impl Kinesis {
    pub(super) fn split_shard(&self, scope: Scope<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let request: SplitShard = parse(body)?;
        let stream = self.find(scope, &request.stream)?;
        check_name("shardToSplit", &request.shard_to_split)?;
        let at = hash::parse(&request.new_starting_hash_key).ok_or_else(|| {
            Refusal::validation("NewStartingHashKey must match 0|([1-9]\\d{0,38}) and be below 2^128")
        })?;
        self.reshard(scope, &stream, |facts| {
            let shard = open_number(facts, &request.shard_to_split, scope.now())?;
            Ok(Reshard::Split { shard, at })
        })?;
        Ok(Vec::new())
    }

    pub(super) fn merge_shards(&self, scope: Scope<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let request: MergeShards = parse(body)?;
        let stream = self.find(scope, &request.stream)?;
        check_name("shardToMerge", &request.shard_to_merge)?;
        check_name("adjacentShardToMerge", &request.adjacent_shard_to_merge)?;
        self.reshard(scope, &stream, |facts| {
            let first = open_number(facts, &request.shard_to_merge, scope.now())?;
            let second = open_number(facts, &request.adjacent_shard_to_merge, scope.now())?;
            Ok(Reshard::Merge { first, second })
        })?;
        Ok(Vec::new())
    }

    /// Splits at the boundaries of an even layout and merges what lies between them.
    pub(super) fn update_shard_count(&self, scope: Scope<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let request: UpdateShardCount = parse(body)?;
        let stream = self.find(scope, &request.stream)?;
        if request.scaling_type != "UNIFORM_SCALING" {
            return Err(Refusal::validation(
                "1 validation error detected: ScalingType must be UNIFORM_SCALING",
            ));
        }
        let target = u32::try_from(request.target_shard_count)
            .ok()
            .filter(|target| *target > 0)
            .ok_or_else(|| {
                Refusal::validation("1 validation error detected: TargetShardCount must be at least 1")
            })?;
        let before = open_count(&stream.read().facts);
        self.reshard(scope, &stream, |facts| {
            check_target(open_count(facts), target)?;
            count_scaling(facts, scope.now())?;
            Ok(Reshard::Even { target })
        })?;
        let facts = &stream.read().facts;
        answer(&ShardCountUpdated {
            stream_name: facts.name.clone(),
            stream_arn: facts.arn(),
            current_shard_count: before,
            target_shard_count: target,
        })
    }

    /// Checks a change against the stream as it is, then carries it out, or writes down that it is under way.
    fn reshard(
        &self,
        scope: Scope<'_>,
        stream: &Stream,
        plan: impl FnOnce(&mut StreamFacts) -> Result<Reshard, Refusal>,
    ) -> Result<(), Refusal> {
        // Counted before the lock: counting reads the stream's own topology too.
        let (used, limit) = (self.open_shards(scope), shard_limit(scope.region()));
        let mut topology = stream.write();
        topology.facts.require_active()?;
        topology.facts.require_provisioned()?;
        let mut facts = topology.facts.clone();
        let change = plan(&mut facts)?;
        let mut after = facts.clone();
        apply(&topology, &mut after, &change, scope.now())?;
        let total = (used + open_count(&after)).saturating_sub(open_count(&facts));
        if open_count(&after) > open_count(&facts) && total > limit {
            return Err(super::mode::over_shard_limit(scope, limit));
        }
        let until = scope.done_after(RESHARDING);
        if until <= scope.now() {
            return stream.replace_facts(&mut topology, after);
        }
        facts.busy = Some(Busy {
            with: Work::Resharding(change),
            until,
        });
        stream.replace_facts(&mut topology, facts)
    }
}

/// Changes the facts; refuses what cannot be.
pub(super) fn apply(
    topology: &Topology,
    facts: &mut StreamFacts,
    change: &Reshard,
    at: DateTime<Utc>,
) -> Result<(), Refusal> {
    match *change {
        Reshard::Split { shard, at: key } => split(topology, facts, (shard, key), at),
        Reshard::Merge { first, second } => merge(topology, facts, (first, second), at),
        Reshard::Even { target } => even_out(topology, facts, target, at),
    }
}

fn open_count(facts: &StreamFacts) -> u32 {
    u32::try_from(facts.open_shards().count()).unwrap_or(u32::MAX)
}

fn check_target(before: u32, target: u32) -> Result<(), Refusal> {
    if target > TARGET_MAX {
        return Err(Refusal::new(
            "LimitExceededException",
            format!("a stream cannot be scaled to more than {TARGET_MAX} shards"),
        ));
    }
    if target > before.saturating_mul(2) || target < before.div_ceil(2) {
        let how = if target > before {
            "up over double"
        } else {
            "down below half"
        };
        return Err(Refusal::invalid(format!(
            "UpdateShardCount cannot scale {how} your current open shard count. Current open shard count: {before} Target shard count: {target}"
        )));
    }
    Ok(())
}

fn count_scaling(facts: &mut StreamFacts, now: DateTime<Utc>) -> Result<(), Refusal> {
    facts.scalings.retain(|at| now - *at < TimeDelta::hours(24));
    if facts.scalings.len() >= SCALINGS_MAX {
        return Err(Refusal::new(
            "LimitExceededException",
            format!(
                "Stream {} cannot be scaled more than {SCALINGS_MAX} times per rolling 24-hour period",
                facts.name
            ),
        ));
    }
    facts.scalings.push(now);
    Ok(())
}

fn open_number(facts: &StreamFacts, id: &str, now: DateTime<Utc>) -> Result<u32, Refusal> {
    let shard = facts.shard(id, now)?;
    if shard.closed.is_some() {
        return Err(Refusal::invalid(format!(
            "Shard {id} in stream {} is not open",
            facts.name
        )));
    }
    Ok(shard.number)
}

fn split(
    topology: &Topology,
    facts: &mut StreamFacts,
    (parent, at): (u32, u128),
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    let (start, end) = (
        facts.shards[parent as usize].start,
        facts.shards[parent as usize].end,
    );
    if at <= start || at > end {
        return Err(Refusal::invalid(format!(
            "NewStartingHashKey {at} is not a valid split point of the range {start} to {end}"
        )));
    }
    close(topology, facts, parent, now);
    open(facts, (start, at - 1), vec![parent], now);
    open(facts, (at, end), vec![parent], now);
    Ok(())
}

fn merge(
    topology: &Topology,
    facts: &mut StreamFacts,
    (first, second): (u32, u32),
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    let (one, other) = (&facts.shards[first as usize], &facts.shards[second as usize]);
    let (left, right) = if one.start < other.start {
        (one, other)
    } else {
        (other, one)
    };
    if first == second || left.end.checked_add(1) != Some(right.start) {
        return Err(Refusal::invalid(format!(
            "Shards {} and {} are not adjacent",
            one.id(),
            other.id()
        )));
    }
    let range = (left.start, right.end);
    close(topology, facts, first, now);
    close(topology, facts, second, now);
    open(facts, range, vec![first, second], now);
    Ok(())
}

fn close(topology: &Topology, facts: &mut StreamFacts, number: u32, now: DateTime<Utc>) {
    // A shard that this very change has opened has no log yet, and so no record.
    let end_counter = topology.next_counter(number).unwrap_or(1);
    facts.shards[number as usize].closed = Some(Closed { at: now, end_counter });
}

fn open(facts: &mut StreamFacts, (start, end): (u128, u128), parents: Vec<u32>, now: DateTime<Utc>) {
    let number = u32::try_from(facts.shards.len()).unwrap_or(u32::MAX);
    facts.shards.push(ShardFacts {
        number,
        start,
        end,
        parents,
        opened_at: now,
        closed: None,
    });
}

fn even_out(
    topology: &Topology,
    facts: &mut StreamFacts,
    target: u32,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    let starts: Vec<u128> = hash::even_ranges(target)
        .into_iter()
        .map(|(start, _)| start)
        .collect();
    for &start in &starts {
        let inside = facts
            .open_shards()
            .find(|shard| shard.start < start && start <= shard.end)
            .map(|shard| shard.number);
        if let Some(number) = inside {
            split(topology, facts, (number, start), now)?;
        }
    }
    while let Some(pair) = next_merge(facts, &starts) {
        merge(topology, facts, pair, now)?;
    }
    Ok(())
}

/// An open shard that starts at no wanted boundary, with its left neighbour.
fn next_merge(facts: &StreamFacts, starts: &[u128]) -> Option<(u32, u32)> {
    let right = facts.open_shards().find(|shard| !starts.contains(&shard.start))?;
    let left = facts
        .open_shards()
        .find(|shard| shard.end.checked_add(1) == Some(right.start))?;
    Some((left.number, right.number))
}
