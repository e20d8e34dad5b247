//! The difference between what is and what shall be, resource by resource, with its reason.

use serde::{Deserialize, Serialize};

use super::{PlanInput, exists};
use crate::{
    blueprint::{Blueprint, Kind, Resource, Spec},
    deployment::Wanted,
    resource::{ResourceRecord, ResourceState},
};

/// What happens to one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// `+`
    Create,
    /// `~`
    Update,
    /// `−`
    Delete,
}

/// One line of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanLine {
    /// What happens.
    pub change: Change,
    /// Logical name.
    pub resource: String,
    /// Kind of resource.
    pub kind: Kind,
    /// What it is there for.
    pub why: String,
    /// Why it is made, changed or taken away now.
    #[serde(default)]
    pub reason: String,
    /// How it is; none when it is made.
    pub before: Option<String>,
    /// How it will be; none when it goes.
    pub after: Option<String>,
}

/// All lines in the order of the work: what is made and changed, then what goes, last made first.
pub(super) fn lines(input: &PlanInput<'_>) -> Vec<PlanLine> {
    match input.wanted {
        Wanted::Present | Wanted::Stopped => {
            let up = input.blueprint.resources.iter();
            let up = up.filter_map(|resource| line_up(input, resource));
            up.chain(leaving(input, "the new design does not have it"))
                .collect()
        }
        Wanted::Absent => leaving(input, "the deployment ends").collect(),
    }
}

fn line_up(input: &PlanInput<'_>, resource: &Resource) -> Option<PlanLine> {
    let record = find(input.records, &resource.name);
    let after = how(&resource.spec, input.wanted);
    let line = |change, reason: String, before| PlanLine {
        change,
        resource: resource.name.clone(),
        kind: resource.spec.kind(),
        why: resource.spec.kind().why().to_owned(),
        reason,
        before,
        after: Some(after.clone()),
    };
    let Some(record) = record.filter(|record| exists(record)) else {
        return Some(line(Change::Create, reason_to_make(record).to_owned(), None));
    };
    let before = input.previous.and_then(|previous| {
        let was = previous.blueprint.find(&resource.name)?;
        Some((how(&was.spec, previous.wanted), was.spec == resource.spec))
    });
    match before {
        Some((before, true)) if before == after => {
            let reason = reason_to_mend(record)?;
            Some(line(Change::Update, reason.to_owned(), Some(before)))
        }
        Some((before, same)) => {
            let reason = if same {
                turns(input.wanted)
            } else {
                "it changes as asked"
            };
            Some(line(Change::Update, reason.to_owned(), Some(before)))
        }
        None => Some(line(
            Change::Update,
            "it is there, from an attempt before".to_owned(),
            None,
        )),
    }
}

fn reason_to_make(record: Option<&ResourceRecord>) -> &'static str {
    match record.map(|record| record.state) {
        Some(ResourceState::Drifted | ResourceState::Deleted) => "it was there and is missing",
        Some(
            ResourceState::Absent
            | ResourceState::Creating
            | ResourceState::Ready
            | ResourceState::Updating
            | ResourceState::Deleting
            | ResourceState::Failed
            | ResourceState::Unknown,
        )
        | None => "it is not there yet",
    }
}

/// Why an existing resource whose specification stays is touched; none when it is as it was planned.
const fn reason_to_mend(record: &ResourceRecord) -> Option<&'static str> {
    match record.state {
        ResourceState::Ready => None,
        ResourceState::Drifted => Some("it is not as it was planned any more"),
        ResourceState::Absent
        | ResourceState::Creating
        | ResourceState::Updating
        | ResourceState::Deleting
        | ResourceState::Deleted
        | ResourceState::Failed
        | ResourceState::Unknown => Some("work on it has not ended"),
    }
}

const fn turns(wanted: Wanted) -> &'static str {
    match wanted {
        Wanted::Stopped => "compute stops; address and data stay",
        Wanted::Present | Wanted::Absent => "compute starts again",
    }
}

/// What exists and has no place in the blueprint, or in nothing.
fn leaving<'a>(input: &PlanInput<'a>, reason: &'static str) -> impl Iterator<Item = PlanLine> + use<'a> {
    let (blueprint, absent) = (input.blueprint, input.wanted == Wanted::Absent);
    let previous = input.previous.map(|previous| previous.blueprint);
    let mut records: Vec<&ResourceRecord> = input
        .records
        .iter()
        .filter(|record| exists(record) && (absent || !blueprint.has(&record.name)))
        .collect();
    records.sort_by_key(|record| std::cmp::Reverse(place(record, previous, blueprint)));
    records.into_iter().map(move |record| PlanLine {
        change: Change::Delete,
        resource: record.name.clone(),
        kind: record.kind,
        why: record.kind.why().to_owned(),
        reason: reason.to_owned(),
        before: Some(summary(record, previous, blueprint)),
        after: None,
    })
}

/// Position in the order of making; what no blueprint knows goes first.
fn place(record: &ResourceRecord, previous: Option<&Blueprint>, blueprint: &Blueprint) -> usize {
    let within = |blueprint: &Blueprint| {
        let names = &mut blueprint.resources.iter();
        names.position(|resource| resource.name == record.name)
    };
    previous
        .and_then(within)
        .or_else(|| within(blueprint))
        .unwrap_or(usize::MAX)
}

fn summary(record: &ResourceRecord, previous: Option<&Blueprint>, blueprint: &Blueprint) -> String {
    let known = previous.and_then(|previous| previous.find(&record.name));
    match known.or_else(|| blueprint.find(&record.name)) {
        Some(resource) => resource.spec.summary(),
        None => record.aws_id.clone().unwrap_or_default(),
    }
}

fn find<'a>(records: &'a [ResourceRecord], name: &str) -> Option<&'a ResourceRecord> {
    records.iter().find(|record| record.name == name)
}

/// How a resource looks to the person who reads the plan.
fn how(spec: &Spec, wanted: Wanted) -> String {
    match wanted {
        Wanted::Stopped if runs(spec.kind()) => format!("{}, stopped", spec.summary()),
        Wanted::Present | Wanted::Stopped | Wanted::Absent => spec.summary(),
    }
}

/// What a suspension stops.
pub(super) const fn runs(kind: Kind) -> bool {
    matches!(kind, Kind::Instance | Kind::Database | Kind::AutoScalingGroup)
}
