//! Plans for the gallery, computed by the same function as real ones.

use tenant_model::blueprint::{ANYWHERE, Blueprint, Design, NetworkChoice, domain};
use tenant_model::contract::Retention;
use tenant_model::deployment::{Profile, Wanted};
use tenant_model::ids::DeploymentId;
use tenant_model::plan::{Plan, PlanInput, Previous, Terms};
use tenant_model::resource::{ResourceRecord, ResourceState};
use uuid::Uuid;

/// A new deployment.
pub(super) fn first() -> Plan {
    plan(None, (&blueprint("t3.medium"), Wanted::Present))
}

/// Another size.
pub(super) fn size() -> Plan {
    plan(
        Some(&blueprint("t3.medium")),
        (&blueprint("m6i.large"), Wanted::Present),
    )
}

/// Two zones instead of one machine.
pub(super) fn availability() -> Plan {
    let single = blueprint("t3.medium");
    let next = profile(Profile::HighlyAvailable, "t3.medium").succeeding(&single);
    plan(Some(&single), (&next, Wanted::Present))
}

/// The end.
pub(super) fn deletion() -> Plan {
    let blueprint = blueprint("t3.medium");
    plan(Some(&blueprint), (&blueprint, Wanted::Absent))
}

fn plan(before: Option<&Blueprint>, (blueprint, wanted): (&Blueprint, Wanted)) -> Plan {
    let records: Vec<ResourceRecord> = before.map(made).unwrap_or_default();
    Plan::compute(&PlanInput {
        deployment_id: DeploymentId::from_uuid(Uuid::nil()),
        generation: 1,
        previous: before.map(|blueprint| Previous {
            blueprint,
            wanted: Wanted::Present,
        }),
        blueprint,
        wanted,
        records: &records,
        retention: &Retention::default(),
        terms: &Terms::current(),
    })
}

fn made(blueprint: &Blueprint) -> Vec<ResourceRecord> {
    let made = |name: &str, kind| ResourceRecord {
        state: ResourceState::Ready,
        aws_id: Some(format!("id-of-{name}")),
        ..ResourceRecord::absent(name, kind)
    };
    let resources = blueprint.resources.iter();
    resources
        .map(|resource| made(&resource.name, resource.spec.kind()))
        .collect()
}

fn blueprint(instance_type: &str) -> Blueprint {
    profile(Profile::Single, instance_type)
}

fn profile(profile: Profile, instance_type: &str) -> Blueprint {
    let id = DeploymentId::from_uuid(Uuid::nil());
    let design = Design {
        profile,
        region: "eu-central-1".parse().expect("a region"),
        instance_type: instance_type.to_owned(),
        image: "al2023".to_owned(),
        database: profile == Profile::HighlyAvailable,
        network: NetworkChoice::default(),
        admits: vec![ANYWHERE.to_owned()],
        domain: domain(id, "platform.example"),
    };
    Blueprint::compile(id, design)
}
