//! What the account must have room for and allow, each with what proves it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Change, PlanInput, PlanLine, diff::runs, prices::PriceTable};
use crate::{
    blueprint::{Blueprint, Kind, Spec},
    deployment::Wanted,
    permissions::StepClass,
};

/// What the account must have and allow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needs {
    /// Room under the account's quotas.
    pub quotas: Vec<QuotaNeed>,
    /// Actions that the role must allow, by kind of step.
    pub permissions: Vec<PermissionNeed>,
}

/// Room under one quota.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaNeed {
    /// The preflight check that proves it.
    pub check: String,
    /// AWS's code of the quota.
    pub code: String,
    /// The quota in words.
    pub name: String,
    /// How much more than now.
    pub more: u32,
}

/// The actions of one class of step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermissionNeed {
    /// The class, under whose session policy they are called.
    pub class: String,
    /// In the words of a policy.
    pub actions: Vec<String>,
    /// What proves that the role allows them.
    pub proof: String,
}

/// Check, code and name. Codes: the service's page in the Service Quotas console.
const VCPUS: (&str, &str, &str) = ("vcpus", "L-1216C47A", "vCPUs of running standard instances");
const ADDRESSES: (&str, &str, &str) = ("addresses", "L-0263D0A3", "Elastic IP addresses");
const NETWORKS: (&str, &str, &str) = ("vpcs", "L-F678F1CE", "VPCs");
const NAT_GATEWAYS: (&str, &str, &str) = ("nat_gateways", "L-FE5A380F", "NAT gateways for each zone");
const BALANCERS: (&str, &str, &str) = ("load_balancers", "L-53DA6B97", "application load balancers");

pub(super) fn needs(input: &PlanInput<'_>, lines: &[PlanLine]) -> Needs {
    Needs {
        quotas: quotas(input, lines),
        permissions: permissions(lines),
    }
}

fn quotas(input: &PlanInput<'_>, lines: &[PlanLine]) -> Vec<QuotaNeed> {
    let created = |kind: Kind| {
        let of_kind = |line: &&PlanLine| line.change == Change::Create && line.kind == kind;
        u32::try_from(lines.iter().filter(of_kind).count()).unwrap_or(u32::MAX)
    };
    let needed = [
        (VCPUS, more_vcpus(input, lines)),
        (ADDRESSES, created(Kind::ElasticIp)),
        (NETWORKS, created(Kind::Vpc)),
        // The quota is of a zone, and there is one in each.
        (NAT_GATEWAYS, created(Kind::NatGateway).min(1)),
        (BALANCERS, created(Kind::LoadBalancer)),
    ];
    let needed = needed.into_iter().filter(|(_, more)| *more > 0);
    needed
        .map(|((check, code, name), more)| QuotaNeed {
            check: check.to_owned(),
            code: code.to_owned(),
            name: name.to_owned(),
            more,
        })
        .collect()
}

/// What runs afterwards less what runs now; what is replaced by something else runs beside it for a while.
fn more_vcpus(input: &PlanInput<'_>, lines: &[PlanLine]) -> u32 {
    let prices = &input.terms.prices;
    let before = input.previous.map_or(0, |previous| {
        // Machines of a group are replaced while the old ones still run.
        let kept = |name: &str| input.blueprint.has(name) && !is_refreshed(lines);
        vcpus(previous.blueprint, previous.wanted, (prices, &kept))
    });
    let after = vcpus(input.blueprint, input.wanted, (prices, &|_| true));
    after.saturating_sub(before)
}

/// True when a new version of a launch template is followed by an instance refresh.
fn is_refreshed(lines: &[PlanLine]) -> bool {
    lines
        .iter()
        .any(|line| line.kind == Kind::LaunchTemplate && line.change == Change::Update)
}

fn vcpus(
    blueprint: &Blueprint,
    wanted: Wanted,
    (prices, counts): (&PriceTable, &dyn Fn(&str) -> bool),
) -> u32 {
    if wanted != Wanted::Present {
        return 0;
    }
    let running = blueprint
        .resources
        .iter()
        .filter(|resource| runs(resource.spec.kind()) && counts(&resource.name));
    running
        .map(|resource| machine_vcpus(&resource.spec, (blueprint, prices)))
        .sum()
}

/// Databases run under a quota of their own.
fn machine_vcpus(spec: &Spec, (blueprint, prices): (&Blueprint, &PriceTable)) -> u32 {
    match spec {
        Spec::Instance { instance_type, .. } => prices.vcpus(instance_type),
        Spec::AutoScalingGroup {
            launch_template, min, ..
        } => match blueprint.find(launch_template).map(|one| &one.spec) {
            Some(Spec::LaunchTemplate { instance_type, .. }) => {
                prices.vcpus(instance_type) * min.unsigned_abs()
            }
            _ => 0,
        },
        _ => 0,
    }
}

fn permissions(lines: &[PlanLine]) -> Vec<PermissionNeed> {
    let mut classes: BTreeSet<StepClass> = lines.iter().map(class).collect();
    classes.insert(StepClass::Observe);
    // Names are written in our own account.
    classes.remove(&StepClass::Dns);
    let need = |class: StepClass| PermissionNeed {
        class: class.name().to_owned(),
        actions: class.actions().into_iter().map(str::to_owned).collect(),
        proof: proof(class).to_owned(),
    };
    classes.into_iter().map(need).collect()
}

/// Under which class of step a line is carried out.
const fn class(line: &PlanLine) -> StepClass {
    match (line.change, line.kind) {
        (_, Kind::DnsRecord) => StepClass::Dns,
        (
            Change::Delete,
            Kind::Instance
            | Kind::LaunchTemplate
            | Kind::TargetGroup
            | Kind::Certificate
            | Kind::LoadBalancer
            | Kind::DbSubnetGroup
            | Kind::Database
            | Kind::AutoScalingGroup,
        ) => StepClass::Dismantle,
        (Change::Delete, _) => StepClass::TakeDown,
        (
            Change::Create | Change::Update,
            Kind::Vpc
            | Kind::InternetGateway
            | Kind::Subnet
            | Kind::NatGateway
            | Kind::RouteTable
            | Kind::VpcEndpoint
            | Kind::SecurityGroup,
        ) => StepClass::Network,
        (Change::Create | Change::Update, Kind::Instance | Kind::ElasticIp | Kind::LaunchTemplate) => {
            StepClass::Compute
        }
        (Change::Create | Change::Update, Kind::TargetGroup | Kind::Certificate | Kind::LoadBalancer) => {
            StepClass::Balancing
        }
        (Change::Create | Change::Update, Kind::DbSubnetGroup | Kind::Database) => StepClass::Data,
        (Change::Create | Change::Update, Kind::AutoScalingGroup) => StepClass::Scaling,
    }
}

const fn proof(class: StepClass) -> &'static str {
    match class {
        StepClass::Observe => "called at every look",
        StepClass::Dns => "our own account; nothing is needed of yours",
        StepClass::Network
        | StepClass::Compute
        | StepClass::Balancing
        | StepClass::Scaling
        | StepClass::Data
        | StepClass::Dismantle
        | StepClass::TakeDown => {
            "dry runs at each proof of the connection; the rest is in the role's policy that we compiled"
        }
        StepClass::Identity | StepClass::Preflight => "called at each proof of the connection",
        StepClass::Sweep | StepClass::Audit => "called at each sweep and each comparison with the log",
    }
}
