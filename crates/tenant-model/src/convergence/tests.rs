//! A small world in which calls take effect at once: whole blueprints are brought up, changed and taken down in it.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::*;
use crate::{
    blueprint::{ANYWHERE, Blueprint, Design, Kind, NetworkChoice},
    deployment::{PROFILES, Profile},
    ids::DeploymentId,
    observation::{DatabaseState, Fleet, InstanceState, Peer, Progress, Rule},
};

fn blueprint(profile: Profile, instance_type: &str) -> Blueprint {
    let design = Design {
        profile,
        region: "eu-central-1".parse().expect("a region"),
        instance_type: instance_type.to_owned(),
        image: "image".to_owned(),
        database: true,
        network: NetworkChoice::default(),
        admits: vec![ANYWHERE.to_owned()],
        domain: "one.platform.example".to_owned(),
    };
    Blueprint::compile(DeploymentId::from_uuid(Uuid::from_u128(7)), design)
}

/// What there is, and every call that was made.
struct Yard {
    blueprint: Blueprint,
    things: BTreeMap<String, Shape>,
    calls: Vec<(String, Call)>,
}

impl Surroundings for Yard {
    fn id_of(&self, name: &str) -> Option<&str> {
        if name == "image" {
            return Some("ami-1");
        }
        self.things.get_key_value(name).map(|(name, _)| name.as_str())
    }

    fn shape_of(&self, name: &str) -> Option<&Shape> {
        self.things.get(name)
    }

    fn zone(&self, number: usize) -> Option<&str> {
        ["zone-a", "zone-b"].get(number).copied()
    }
}

impl Yard {
    fn new(profile: Profile) -> Self {
        Self {
            blueprint: blueprint(profile, "t3.medium"),
            things: BTreeMap::new(),
            calls: Vec::new(),
        }
    }

    fn next(&self, name: &str, wanted: Wanted) -> Next {
        let spec = &self.blueprint.find(name).expect("in the blueprint").spec;
        let found = self.things.get(name).map(|shape| (name, shape));
        next(spec, wanted, found, self)
    }

    /// Makes every call there is to make, in order, until nothing is left to do. Returns what was called.
    fn settle(&mut self, wanted: Wanted) -> Vec<String> {
        let before = self.calls.len();
        let mut names: Vec<String> = self
            .blueprint
            .resources
            .iter()
            .map(|one| one.name.clone())
            .collect();
        if wanted == Wanted::Absent {
            names.reverse();
        }
        // Things wait for each other in no order at all: the certificate for its record.
        for _ in 0..50 {
            for name in &names {
                if let Next::Call(call) = self.next(name, wanted) {
                    self.take_effect(name, &call);
                    self.calls.push((name.clone(), call));
                }
            }
        }
        for name in &names {
            assert_eq!(self.next(name, wanted), Next::Settled, "{name}");
        }
        let made = self.calls[before..].iter();
        made.map(|(name, call)| format!("{name} {}", call.action()))
            .collect()
    }

    fn take_effect(&mut self, name: &str, call: &Call) {
        if call.effect() == Effect::Create {
            let shape = self.made(call);
            self.things.insert(name.to_owned(), shape);
            return;
        }
        if call.ends().is_some() {
            self.things.remove(name);
            if name.starts_with("nat-gateway") {
                let address = name.replace("gateway", "address");
                if let Some(Shape::ElasticIp { association, .. }) = self.things.get_mut(&address) {
                    *association = None;
                }
            }
            return;
        }
        let shape = self.things.get_mut(name).expect("it is there");
        changed(shape, call);
        if let Some(Shape::Certificate { progress, .. }) = self.things.get_mut("certificate") {
            *progress = Progress::Ready;
        }
    }

    fn made(&mut self, call: &Call) -> Shape {
        match call {
            Call::CreateNatGateway { allocation, .. } => {
                if let Some(Shape::ElasticIp { association, .. }) = self.things.get_mut(allocation) {
                    *association = Some(("eipassoc-1".to_owned(), None));
                }
                Shape::NatGateway {
                    progress: Progress::Ready,
                }
            }
            Call::UpsertRecord { domain, record } => {
                if let Some(Shape::Certificate { progress, .. }) = self.things.get_mut("certificate") {
                    *progress = Progress::Ready;
                }
                Shape::DnsRecord {
                    domain: domain.clone(),
                    record: record.clone(),
                }
            }
            other => new(other),
        }
    }
}

fn new(call: &Call) -> Shape {
    let progress = Progress::Ready;
    match call {
        Call::CreateVpc { .. } => Shape::Vpc {
            dns_support: true,
            dns_hostnames: false,
        },
        Call::CreateInternetGateway => Shape::InternetGateway { attached: None },
        Call::CreateSubnet { zone, .. } => Shape::Subnet { zone: zone.clone() },
        Call::AllocateAddress => Shape::ElasticIp {
            public_ip: "198.51.100.7".to_owned(),
            association: None,
        },
        Call::CreateRouteTable { .. } => Shape::RouteTable {
            default_route: None,
            associations: Vec::new(),
        },
        Call::CreateVpcEndpoint { tables, .. } => Shape::VpcEndpoint {
            progress,
            tables: tables.clone(),
        },
        Call::CreateSecurityGroup { .. } => Shape::SecurityGroup { rules: Vec::new() },
        Call::RunInstances { machine, .. } => Shape::Instance {
            state: InstanceState::Running,
            instance_type: machine.instance_type.clone(),
        },
        Call::CreateLaunchTemplate { machine, .. } => Shape::LaunchTemplate {
            version: 1,
            machine: machine.clone(),
        },
        Call::CreateTargetGroup { .. } => Shape::TargetGroup,
        Call::RequestCertificate { .. } => Shape::Certificate {
            progress: Progress::UnderWay,
            proof: Some(("_x.one.platform.example.".to_owned(), "_y.".to_owned())),
        },
        Call::CreateLoadBalancer { .. } => Shape::LoadBalancer {
            progress,
            dns_name: "lb.example".to_owned(),
            zone_id: "Z1".to_owned(),
            listener: None,
        },
        Call::CreateDbSubnetGroup { .. } => Shape::DbSubnetGroup,
        Call::CreateDbInstance { .. } => Shape::Database {
            state: DatabaseState::Available,
        },
        Call::CreateAutoScalingGroup {
            version, min, max, ..
        } => Shape::AutoScalingGroup(Fleet {
            progress,
            min: *min,
            max: *max,
            version: *version,
            has_policy: false,
            machines: 2,
            healthy: 2,
            trouble: None,
            refresh_failed: None,
        }),
        other => panic!("{other:?} makes nothing"),
    }
}

fn changed(shape: &mut Shape, call: &Call) {
    match (shape, call) {
        (Shape::Vpc { dns_hostnames, .. }, Call::ModifyVpcAttribute { .. }) => *dns_hostnames = true,
        (Shape::InternetGateway { attached }, Call::AttachInternetGateway { vpc, .. }) => {
            *attached = Some(vpc.clone());
        }
        (Shape::InternetGateway { attached }, Call::DetachInternetGateway { .. }) => *attached = None,
        (Shape::ElasticIp { association, .. }, Call::AssociateAddress { instance, .. }) => {
            *association = Some(("eipassoc-1".to_owned(), Some(instance.clone())));
        }
        (Shape::ElasticIp { association, .. }, Call::DisassociateAddress { .. }) => *association = None,
        (
            Shape::RouteTable { default_route, .. },
            Call::CreateRoute { target, .. } | Call::ReplaceRoute { target, .. },
        ) => *default_route = Some(target.clone()),
        (Shape::RouteTable { associations, .. }, Call::AssociateRouteTable { subnet, .. }) => {
            associations.push((format!("rtbassoc-{subnet}"), subnet.clone()));
        }
        (Shape::RouteTable { associations, .. }, Call::DisassociateRouteTable { .. }) => {
            associations.remove(0);
        }
        (Shape::VpcEndpoint { tables: have, .. }, Call::ModifyVpcEndpoint { tables, .. }) => {
            have.extend(tables.clone());
        }
        (Shape::SecurityGroup { rules }, Call::AuthorizeSecurityGroupIngress { port, from, .. }) => {
            rules.push(rule(*port, from.clone()));
        }
        (Shape::SecurityGroup { rules }, Call::RevokeSecurityGroupIngress { rule, .. }) => {
            rules.retain(|one| one.id != *rule);
        }
        (
            Shape::Instance { instance_type, .. },
            Call::ModifyInstanceAttribute {
                instance_type: new, ..
            },
        ) => {
            instance_type.clone_from(new);
        }
        (Shape::Instance { state, .. }, Call::StartInstances { .. }) => *state = InstanceState::Running,
        (Shape::Instance { state, .. }, Call::StopInstances { .. }) => *state = InstanceState::Stopped,
        (
            Shape::LaunchTemplate { version, machine },
            Call::CreateLaunchTemplateVersion { machine: new, .. },
        ) => {
            *version += 1;
            machine.clone_from(new);
        }
        (Shape::LoadBalancer { listener, .. }, Call::CreateListener { .. }) => {
            *listener = Some("listener".to_owned());
        }
        (Shape::Database { state }, Call::StopDbInstance { .. }) => *state = DatabaseState::Stopped,
        (Shape::Database { state }, Call::StartDbInstance { .. }) => *state = DatabaseState::Available,
        (Shape::AutoScalingGroup(fleet), call) => fleet_changed(fleet, call),
        (shape, call) => panic!("{call:?} on {shape:?}"),
    }
}

fn fleet_changed(fleet: &mut Fleet, call: &Call) {
    match call {
        Call::UpdateAutoScalingGroup { min, max, .. } => {
            (fleet.min, fleet.max) = (*min, *max);
            fleet.machines = usize::try_from(*min).expect("not negative");
            fleet.healthy = fleet.machines;
        }
        Call::PutScalingPolicy { .. } => fleet.has_policy = true,
        Call::StartInstanceRefresh { version, .. } => fleet.version = *version,
        other => panic!("{other:?} on a group"),
    }
}

fn rule(port: i32, from: Peer) -> Rule {
    Rule {
        id: format!("sgr-{port}-{from:?}"),
        protocol: "tcp".to_owned(),
        ports: Some((port, port)),
        from: Some(from),
    }
}

fn of<'a>(calls: &'a [String], name: &str) -> Vec<&'a str> {
    let prefix = format!("{name} ");
    calls
        .iter()
        .filter_map(|call| call.strip_prefix(&prefix))
        .collect()
}

#[test]
fn every_resource_is_made_and_taken_down_by_these_calls() {
    let mut yard = Yard::new(Profile::HighlyAvailable);
    let up = yard.settle(Wanted::Present);
    let down = yard.settle(Wanted::Absent);
    let mut single = Yard::new(Profile::Single);
    let (single_up, single_down) = (single.settle(Wanted::Present), single.settle(Wanted::Absent));
    assert_eq!(yard.things, BTreeMap::new());
    assert_eq!(of(&up, "vpc"), ["CreateVpc", "ModifyVpcAttribute"]);
    assert_eq!(
        of(&up, "private-route-table-b"),
        ["CreateRouteTable", "CreateRoute", "AssociateRouteTable"]
    );
    assert_eq!(of(&up, "load-balancer"), ["CreateLoadBalancer", "CreateListener"]);
    assert_eq!(
        of(&up, "auto-scaling-group"),
        ["CreateAutoScalingGroup", "PutScalingPolicy"]
    );
    assert_eq!(of(&up, "nat-address-a"), ["AllocateAddress"]);
    assert_eq!(of(&down, "nat-address-a"), ["ReleaseAddress"]);
    assert_eq!(
        of(&down, "internet-gateway"),
        ["DetachInternetGateway", "DeleteInternetGateway"]
    );
    assert_eq!(
        of(&single_up, "elastic-ip"),
        ["AllocateAddress", "AssociateAddress"]
    );
    assert_eq!(
        of(&single_down, "elastic-ip"),
        ["DisassociateAddress", "ReleaseAddress"]
    );
    assert_eq!(of(&single_up, "endpoint"), ["ChangeResourceRecordSets"]);
}

#[test]
fn suspension_stops_what_computes_and_keeps_the_rest() {
    for (profile, (stop, start)) in [
        (
            Profile::Single,
            (vec!["instance StopInstances"], vec!["instance StartInstances"]),
        ),
        (
            Profile::HighlyAvailable,
            (
                vec![
                    "database StopDBInstance",
                    "auto-scaling-group UpdateAutoScalingGroup",
                ],
                vec![
                    "database StartDBInstance",
                    "auto-scaling-group UpdateAutoScalingGroup",
                ],
            ),
        ),
    ] {
        let mut yard = Yard::new(profile);
        yard.settle(Wanted::Present);
        let made = yard.things.clone();
        assert_eq!(yard.settle(Wanted::Stopped), stop);
        assert_eq!(yard.settle(Wanted::Present), start);
        assert_eq!(yard.things, made);
    }
}

#[test]
fn a_size_is_changed_in_place_or_machine_by_machine() {
    for (profile, expected) in [
        (
            Profile::Single,
            vec![
                "instance StopInstances",
                "instance ModifyInstanceAttribute",
                "instance StartInstances",
            ],
        ),
        (
            Profile::HighlyAvailable,
            vec![
                "launch-template CreateLaunchTemplateVersion",
                "auto-scaling-group StartInstanceRefresh",
            ],
        ),
    ] {
        let mut yard = Yard::new(profile);
        yard.settle(Wanted::Present);
        yard.blueprint = blueprint(profile, "m6i.large");
        assert_eq!(yard.settle(Wanted::Present), expected);
    }
}

#[test]
fn a_replacement_that_failed_is_not_tried_again_by_itself() {
    let mut yard = Yard::new(Profile::HighlyAvailable);
    yard.settle(Wanted::Present);
    let Some(Shape::LaunchTemplate { version, .. }) = yard.things.get_mut("launch-template") else {
        panic!("no template");
    };
    *version = 2;
    let group = |yard: &mut Yard, failed: i64| {
        let Some(Shape::AutoScalingGroup(fleet)) = yard.things.get_mut("auto-scaling-group") else {
            panic!("no group");
        };
        fleet.refresh_failed = Some((failed, "unhealthy".to_owned()));
        yard.next("auto-scaling-group", Wanted::Present)
    };
    assert_eq!(group(&mut yard, 2), Next::Stuck("unhealthy".to_owned()));
    assert!(matches!(
        group(&mut yard, 1),
        Next::Call(Call::StartInstanceRefresh { .. })
    ));
}

#[test]
fn what_somebody_opened_is_excess_and_no_part_of_the_work() {
    let mut yard = Yard::new(Profile::HighlyAvailable);
    yard.settle(Wanted::Present);
    let Some(Shape::SecurityGroup { rules }) = yard.things.get_mut("security-group") else {
        panic!("no group");
    };
    rules.push(rule(22, Peer::Block(ANYWHERE.to_owned())));
    assert_eq!(yard.next("security-group", Wanted::Present), Next::Settled);
    let resource = yard.blueprint.find("security-group").expect("it is there");
    let shape = &yard.things["security-group"];
    let Some(Call::RevokeSecurityGroupIngress { rule, .. }) = excess(&resource.spec, ("sg-1", shape), &yard)
    else {
        panic!("nothing is excess");
    };
    assert!(rule.contains("22"), "{rule}");
    let inner = yard
        .blueprint
        .find("application-security-group")
        .expect("it is there");
    assert_eq!(
        excess(
            &inner.spec,
            ("sg-2", &yard.things["application-security-group"]),
            &yard
        ),
        None
    );
}

#[test]
fn an_instance_in_between_is_waited_for() {
    use InstanceState::{Pending, Running, ShuttingDown, Stopped, Stopping};
    let yard = Yard::new(Profile::Single);
    let waits = |state, wanted| {
        let shape = Shape::Instance {
            state,
            instance_type: "t3.medium".to_owned(),
        };
        let spec = &yard.blueprint.find("instance").expect("it is there").spec;
        next(spec, wanted, Some(("i-1", &shape)), &yard) == Next::Wait
    };
    let all = [Pending, Running, Stopping, Stopped, ShuttingDown];
    assert_eq!(
        all.map(|state| waits(state, Wanted::Present)),
        [true, false, true, false, true]
    );
    assert_eq!(
        all.map(|state| waits(state, Wanted::Stopped)),
        [true, false, true, false, true]
    );
    assert_eq!(
        all.map(|state| waits(state, Wanted::Absent)),
        [false, false, false, false, true]
    );
}

#[test]
fn a_missing_dependency_is_waited_for() {
    let yard = Yard::new(Profile::HighlyAvailable);
    let alone = [
        Kind::Vpc,
        Kind::InternetGateway,
        Kind::ElasticIp,
        Kind::Certificate,
    ];
    for resource in &yard.blueprint.resources {
        let waits = yard.next(&resource.name, Wanted::Present) == Next::Wait;
        assert_eq!(waits, !alone.contains(&resource.spec.kind()), "{}", resource.name);
    }
}

/// Every call that whole lives of all profiles make.
fn all_calls() -> Vec<Call> {
    let mut calls = Vec::new();
    for profile in PROFILES {
        let mut yard = Yard::new(profile);
        for wanted in [Wanted::Present, Wanted::Stopped, Wanted::Present] {
            yard.settle(wanted);
        }
        yard.blueprint = blueprint(profile, "m6i.large");
        yard.settle(Wanted::Present);
        if let Some(Shape::RouteTable { default_route, .. }) = yard.things.get_mut("route-table") {
            *default_route = Some("blackhole".to_owned());
        }
        if let Some(Shape::VpcEndpoint { tables, .. }) = yard.things.get_mut("s3-endpoint") {
            tables.clear();
        }
        yard.settle(Wanted::Present);
        yard.settle(Wanted::Absent);
        calls.extend(yard.calls.into_iter().map(|(_, call)| call));
    }
    calls.push(Call::RevokeSecurityGroupIngress {
        group: "sg-1".to_owned(),
        rule: "sgr-1".to_owned(),
    });
    calls
}

/// Names of all variants, as serde lists them for one it does not know.
fn variants() -> BTreeSet<String> {
    let unknown = serde_json::json!({ "action": "x" });
    let text = serde_json::from_value::<Call>(unknown)
        .expect_err("no such call")
        .to_string();
    let quoted = text.split('`').skip(1).step_by(2).filter(|word| *word != "x");
    quoted.map(str::to_owned).collect()
}

#[test]
fn whole_lives_make_every_call_there_is_and_each_reads_back() {
    let mut made = BTreeSet::new();
    for call in all_calls() {
        let stored = serde_json::to_value(&call).expect("serializable");
        made.insert(stored["action"].as_str().expect("a name").to_owned());
        assert_eq!(serde_json::from_value::<Call>(stored).expect("readable"), call);
    }
    assert_eq!(made, variants());
}

#[test]
fn every_call_is_declared_for_the_class_it_is_made_in() {
    use crate::permissions::{NEEDS, StepClass};
    let mut called = BTreeSet::new();
    for call in all_calls()
        .iter()
        .map(Call::facts)
        .filter(|facts| facts.class != StepClass::Dns)
    {
        let need = NEEDS.iter().find(|need| need.action == call.action);
        let need = need.unwrap_or_else(|| panic!("{} is not declared", call.action));
        assert!(
            need.classes.contains(&call.class),
            "{} in {:?}",
            call.action,
            call.class
        );
        called.insert(call.action);
    }
    // Asked for by AWS as actions of their own, when something is tagged or a service is used for the first time.
    let implied = [
        "ec2:CreateTags",
        "elasticloadbalancing:AddTags",
        "iam:CreateServiceLinkedRole",
        "kms:CreateGrant",
        "rds:AddTagsToResource",
        "secretsmanager:CreateSecret",
        "secretsmanager:TagResource",
    ];
    let declared = NEEDS
        .iter()
        .filter(|need| !need.is_look())
        .map(|need| need.action);
    let rest: Vec<&str> = declared.filter(|action| !called.contains(action)).collect();
    assert_eq!(rest, implied);
}

#[test]
fn what_is_made_without_a_token_or_a_key_leaks() {
    let leaking: BTreeSet<&str> = all_calls()
        .iter()
        .map(Call::facts)
        .filter(|facts| facts.idempotency == Idempotency::Leaks)
        .map(|facts| facts.action)
        .collect();
    let expected = [
        "ec2:AllocateAddress",
        "ec2:CreateInternetGateway",
        "ec2:CreateSubnet",
        "ec2:CreateVpc",
    ];
    assert_eq!(leaking, BTreeSet::from(expected));
}
