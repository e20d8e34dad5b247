//! Splitting and merging shards.
//!
//! A parent closes and its children open in one step: readers drain the parent to a null iterator and go on with the
//! children. Sources: API_SplitShard, API_MergeShards, API_UpdateShardCount.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Kinesis;
use super::hash;
use super::stream::{Closed, ShardFacts, Stream, StreamFacts, Topology};
use super::wire::{Refusal, StreamName, answer, parse};
use super::{SHARDS_MAX, Scope};

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
    target_shard_count: u32,
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
        let at = hash::parse(&request.new_starting_hash_key)
            .ok_or_else(|| Refusal::validation("NewStartingHashKey must match 0|([1-9]\\d{0,38})"))?;
        let now = self.now();
        reshard(&stream, |topology, facts| {
            let parent = open_number(facts, &request.shard_to_split, now)?;
            split(topology, facts, (parent, at), now)
        })?;
        Ok(Vec::new())
    }

    pub(super) fn merge_shards(&self, scope: Scope<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let request: MergeShards = parse(body)?;
        let stream = self.find(scope, &request.stream)?;
        let now = self.now();
        reshard(&stream, |topology, facts| {
            let first = open_number(facts, &request.shard_to_merge, now)?;
            let second = open_number(facts, &request.adjacent_shard_to_merge, now)?;
            merge(topology, facts, (first, second), now)
        })?;
        Ok(Vec::new())
    }

    /// Splits at the boundaries of an even layout and merges what lies between them.
    pub(super) fn update_shard_count(&self, scope: Scope<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let request: UpdateShardCount = parse(body)?;
        if request.scaling_type != "UNIFORM_SCALING" {
            return Err(Refusal::validation("ScalingType must be UNIFORM_SCALING"));
        }
        let stream = self.find(scope, &request.stream)?;
        let (now, target) = (self.now(), request.target_shard_count);
        let before = stream.read().facts.open_shards().count();
        let before = u32::try_from(before).unwrap_or(u32::MAX);
        check_target(before, target)?;
        reshard(&stream, |topology, facts| even_out(topology, facts, target, now))?;
        let topology = stream.read();
        answer(&ShardCountUpdated {
            stream_name: topology.facts.name.clone(),
            stream_arn: topology.facts.arn(),
            current_shard_count: before,
            target_shard_count: target,
        })
    }
}

fn check_target(before: u32, target: u32) -> Result<(), Refusal> {
    if target == 0 || target > SHARDS_MAX {
        return Err(Refusal::new(
            "LimitExceededException",
            "the target shard count is outside the account's limit",
        ));
    }
    if target > before.saturating_mul(2) || target < before.div_ceil(2) {
        return Err(Refusal::invalid(format!(
            "UpdateShardCount cannot scale from {before} to {target}: at most double, at least half"
        )));
    }
    Ok(())
}

/// Runs a change on a copy of the facts while no put is under way, and publishes it only if it is whole and on disk.
fn reshard(
    stream: &Stream,
    change: impl FnOnce(&Topology, &mut StreamFacts) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let mut topology = stream.write();
    let mut facts = topology.facts.clone();
    change(&topology, &mut facts)?;
    stream.replace_facts(&mut topology, facts)
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
