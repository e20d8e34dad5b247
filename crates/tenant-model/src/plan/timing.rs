//! How long a plan takes: the critical path through what it touches, from a table of usual waits.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::{Deserialize, Serialize};

use super::{Change, PlanInput, PlanLine};
use crate::{
    blueprint::{Blueprint, Kind},
    deployment::Wanted,
};

/// How long a plan takes, and how long nothing is served meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// Usual time from approval to the end.
    pub expected_seconds: u32,
    /// What determines it, one after the other.
    pub critical_path: Vec<PathStep>,
    /// Seconds in which nothing is served; none when it ends for longer than the plan takes.
    pub downtime_seconds: Option<u32>,
    /// Why.
    pub downtime: String,
    /// Date of the table of waits.
    pub as_of: String,
    /// How far to trust it.
    pub confidence: String,
}

/// One step of the critical path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathStep {
    /// Logical name.
    pub resource: String,
    /// What happens to it.
    pub change: Change,
    /// Usual time.
    pub seconds: u32,
    /// How that is known.
    pub source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Durations {
    as_of: String,
    confidence: String,
    kinds: BTreeMap<String, Usual>,
}

/// Seconds that AWS usually takes for a kind, and how we know.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Usual {
    create: u32,
    update: u32,
    delete: u32,
    source: String,
}

static DURATIONS: LazyLock<Durations> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../../infra/blueprints/durations.json"))
        .expect("the table of waits is part of the source and covered by a test")
});

pub(super) fn timing(input: &PlanInput<'_>, lines: &[PlanLine]) -> Timing {
    let (up, down): (Vec<&PlanLine>, Vec<&PlanLine>) =
        lines.iter().partition(|line| line.change != Change::Delete);
    let before = input
        .previous
        .map_or(input.blueprint, |previous| previous.blueprint);
    let mut path = longest(&up, &|name| depends_on(input.blueprint, name));
    // What the new design does not have goes when the new is there.
    path.extend(longest(&down, &|name| dependents(before, name)));
    let (downtime_seconds, downtime) = downtime(input, lines);
    Timing {
        expected_seconds: path.iter().map(|step| step.seconds).sum(),
        critical_path: path,
        downtime_seconds,
        downtime,
        as_of: DURATIONS.as_of.clone(),
        confidence: DURATIONS.confidence.clone(),
    }
}

fn depends_on(blueprint: &Blueprint, name: &str) -> Vec<String> {
    let resource = blueprint.find(name);
    let names = resource
        .map(|resource| resource.spec.depends_on())
        .unwrap_or_default();
    names.into_iter().map(str::to_owned).collect()
}

fn dependents(blueprint: &Blueprint, name: &str) -> Vec<String> {
    blueprint.dependents(name).map(str::to_owned).collect()
}

/// The longest chain of lines; `waits_for` names what a line waits for. Lines stand after what they wait for, so one
/// walk is enough.
fn longest(lines: &[&PlanLine], waits_for: &dyn Fn(&str) -> Vec<String>) -> Vec<PathStep> {
    let mut chains: BTreeMap<&str, Vec<PathStep>> = BTreeMap::new();
    let total = |chain: &Vec<PathStep>| chain.iter().map(|step| step.seconds).sum::<u32>();
    for line in lines {
        let before = waits_for(&line.resource);
        let before = before.iter().filter_map(|name| chains.get(name.as_str()));
        let mut chain = before
            .max_by_key(|chain| total(chain))
            .cloned()
            .unwrap_or_default();
        chain.push(step(line));
        chains.insert(&line.resource, chain);
    }
    chains.into_values().max_by_key(total).unwrap_or_default()
}

fn step(line: &PlanLine) -> PathStep {
    let usual = DURATIONS.kinds.get(line.kind.name());
    let seconds = usual.map_or(0, |usual| match line.change {
        Change::Create => usual.create,
        Change::Update => usual.update,
        Change::Delete => usual.delete,
    });
    PathStep {
        resource: line.resource.clone(),
        change: line.change,
        seconds,
        source: usual.map(|usual| usual.source.clone()).unwrap_or_default(),
    }
}

fn downtime(input: &PlanInput<'_>, lines: &[PlanLine]) -> (Option<u32>, String) {
    let served = input
        .previous
        .is_some_and(|previous| previous.wanted == Wanted::Present);
    match input.wanted {
        Wanted::Absent => (None, "the deployment ends for good".to_owned()),
        Wanted::Stopped => (None, "nothing is served until it is resumed".to_owned()),
        Wanted::Present if !served => (Some(0), "nothing is served yet".to_owned()),
        Wanted::Present => {
            let machine = lines
                .iter()
                .find(|line| line.kind == Kind::Instance && line.change == Change::Update);
            match machine {
                Some(line) => (
                    Some(step(line).seconds),
                    "the machine is stopped, changed and started; address and volume stay".to_owned(),
                ),
                None => (
                    Some(0),
                    "what serves now serves until the new is there".to_owned(),
                ),
            }
        }
    }
}

#[cfg(test)]
pub(super) fn every_kind_has_its_usual_times() {
    for kind in crate::blueprint::KINDS {
        let usual = DURATIONS.kinds.get(kind.name());
        let usual = usual.unwrap_or_else(|| panic!("no usual time for {}", kind.name()));
        assert!(usual.create > 0 && usual.update > 0 && usual.delete > 0 && !usual.source.is_empty());
    }
}
