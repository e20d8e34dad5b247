//! From what is wanted and what is found to the next call: the pure heart of the reconciler.
//!
//! [`next`] looks at one resource and names at most one call. It is asked again after every call, so
//! it needs no memory: an interrupted sequence continues where the account stands.

use serde::{Deserialize, Serialize};

use crate::{
    blueprint::{Kind, Spec},
    deployment::Wanted,
    observation::{InstanceState, Shape},
};

/// A DNS attribute of a VPC; AWS changes one per call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DnsAttribute {
    /// Names are resolved inside.
    Support,
    /// Instances get names.
    Hostnames,
}

/// One call to EC2 with its frozen parameters. Ids are AWS's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "PascalCase")]
#[allow(
    missing_docs,
    reason = "variants and fields are those of the EC2 API reference"
)]
pub enum Call {
    CreateVpc {
        cidr: String,
    },
    ModifyVpcAttribute {
        vpc: String,
        attribute: DnsAttribute,
    },
    DeleteVpc {
        vpc: String,
    },
    CreateInternetGateway,
    AttachInternetGateway {
        gateway: String,
        vpc: String,
    },
    DetachInternetGateway {
        gateway: String,
        vpc: String,
    },
    DeleteInternetGateway {
        gateway: String,
    },
    CreateSubnet {
        vpc: String,
        cidr: String,
    },
    DeleteSubnet {
        subnet: String,
    },
    CreateRouteTable {
        vpc: String,
    },
    CreateRoute {
        table: String,
        gateway: String,
    },
    AssociateRouteTable {
        table: String,
        subnet: String,
    },
    DisassociateRouteTable {
        association: String,
    },
    DeleteRouteTable {
        table: String,
    },
    CreateSecurityGroup {
        vpc: String,
        group_name: String,
    },
    AuthorizeSecurityGroupIngress {
        group: String,
        port: i32,
    },
    DeleteSecurityGroup {
        group: String,
    },
    RunInstances {
        image_id: String,
        instance_type: String,
        subnet: String,
        group: String,
    },
    StartInstances {
        instance: String,
    },
    StopInstances {
        instance: String,
    },
    TerminateInstances {
        instance: String,
    },
    AllocateAddress,
    AssociateAddress {
        allocation: String,
        instance: String,
    },
    DisassociateAddress {
        association: String,
    },
    ReleaseAddress {
        allocation: String,
    },
}

/// How a call whose answer was lost is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Idempotency {
    /// AWS honours a client token: the same call again gives the same resource.
    Token,
    /// The parameters name the thing: again, and "exists" is success.
    NaturalKey,
    /// Sets a known thing to a known state: look, and repeat if it is not so.
    Absolute,
    /// Neither token nor key, only a tag: look for the tag until we are sure. The leak class.
    Leaks,
}

/// What a call does to its resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Makes it.
    Create,
    /// Changes it.
    Update,
    /// Takes it away.
    Delete,
}

impl Call {
    /// AWS's name of the action.
    #[must_use]
    pub const fn action(&self) -> &'static str {
        match self {
            Self::CreateVpc { .. } => "CreateVpc",
            Self::ModifyVpcAttribute { .. } => "ModifyVpcAttribute",
            Self::DeleteVpc { .. } => "DeleteVpc",
            Self::CreateInternetGateway => "CreateInternetGateway",
            Self::AttachInternetGateway { .. } => "AttachInternetGateway",
            Self::DetachInternetGateway { .. } => "DetachInternetGateway",
            Self::DeleteInternetGateway { .. } => "DeleteInternetGateway",
            Self::CreateSubnet { .. } => "CreateSubnet",
            Self::DeleteSubnet { .. } => "DeleteSubnet",
            Self::CreateRouteTable { .. } => "CreateRouteTable",
            Self::CreateRoute { .. } => "CreateRoute",
            Self::AssociateRouteTable { .. } => "AssociateRouteTable",
            Self::DisassociateRouteTable { .. } => "DisassociateRouteTable",
            Self::DeleteRouteTable { .. } => "DeleteRouteTable",
            Self::CreateSecurityGroup { .. } => "CreateSecurityGroup",
            Self::AuthorizeSecurityGroupIngress { .. } => "AuthorizeSecurityGroupIngress",
            Self::DeleteSecurityGroup { .. } => "DeleteSecurityGroup",
            Self::RunInstances { .. } => "RunInstances",
            Self::StartInstances { .. } => "StartInstances",
            Self::StopInstances { .. } => "StopInstances",
            Self::TerminateInstances { .. } => "TerminateInstances",
            Self::AllocateAddress => "AllocateAddress",
            Self::AssociateAddress { .. } => "AssociateAddress",
            Self::DisassociateAddress { .. } => "DisassociateAddress",
            Self::ReleaseAddress { .. } => "ReleaseAddress",
        }
    }

    /// Its idempotency class (EC2 API reference, "Ensuring idempotency", and each action's page).
    #[must_use]
    pub const fn idempotency(&self) -> Idempotency {
        match self {
            Self::RunInstances { .. } | Self::CreateRouteTable { .. } => Idempotency::Token,
            Self::CreateSecurityGroup { .. }
            | Self::AuthorizeSecurityGroupIngress { .. }
            | Self::CreateRoute { .. }
            | Self::AssociateRouteTable { .. }
            | Self::AssociateAddress { .. }
            | Self::AttachInternetGateway { .. } => Idempotency::NaturalKey,
            Self::ModifyVpcAttribute { .. }
            | Self::DeleteVpc { .. }
            | Self::DetachInternetGateway { .. }
            | Self::DeleteInternetGateway { .. }
            | Self::DeleteSubnet { .. }
            | Self::DisassociateRouteTable { .. }
            | Self::DeleteRouteTable { .. }
            | Self::DeleteSecurityGroup { .. }
            | Self::StartInstances { .. }
            | Self::StopInstances { .. }
            | Self::TerminateInstances { .. }
            | Self::DisassociateAddress { .. }
            | Self::ReleaseAddress { .. } => Idempotency::Absolute,
            Self::CreateVpc { .. }
            | Self::CreateInternetGateway
            | Self::CreateSubnet { .. }
            | Self::AllocateAddress => Idempotency::Leaks,
        }
    }

    /// True when the resource is gone once the call has taken effect.
    #[must_use]
    pub const fn ends_resource(&self) -> bool {
        matches!(
            self,
            Self::DeleteVpc { .. }
                | Self::DeleteInternetGateway { .. }
                | Self::DeleteSubnet { .. }
                | Self::DeleteRouteTable { .. }
                | Self::DeleteSecurityGroup { .. }
                | Self::TerminateInstances { .. }
                | Self::ReleaseAddress { .. }
        )
    }

    /// What it does to its resource.
    #[must_use]
    pub const fn effect(&self) -> Effect {
        match self {
            Self::CreateVpc { .. }
            | Self::CreateInternetGateway
            | Self::CreateSubnet { .. }
            | Self::CreateRouteTable { .. }
            | Self::CreateSecurityGroup { .. }
            | Self::RunInstances { .. }
            | Self::AllocateAddress => Effect::Create,
            Self::ModifyVpcAttribute { .. }
            | Self::AttachInternetGateway { .. }
            | Self::CreateRoute { .. }
            | Self::AssociateRouteTable { .. }
            | Self::AuthorizeSecurityGroupIngress { .. }
            | Self::StartInstances { .. }
            | Self::StopInstances { .. }
            | Self::AssociateAddress { .. } => Effect::Update,
            Self::DetachInternetGateway { .. }
            | Self::DisassociateRouteTable { .. }
            | Self::DisassociateAddress { .. }
            | Self::DeleteVpc { .. }
            | Self::DeleteInternetGateway { .. }
            | Self::DeleteSubnet { .. }
            | Self::DeleteRouteTable { .. }
            | Self::DeleteSecurityGroup { .. }
            | Self::TerminateInstances { .. }
            | Self::ReleaseAddress { .. } => Effect::Delete,
        }
    }
}

/// What one resource needs next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is as wanted.
    Settled,
    /// AWS is still at work on it, or something it needs is not there.
    Wait,
    /// One call.
    Call(Call),
}

/// Finds AWS ids of other resources of the same deployment by their logical names, and of machine
/// images by theirs.
pub trait Ids {
    /// The id, if the resource exists.
    fn id_of(&self, name: &str) -> Option<&str>;
}

impl<F: Fn(&str) -> Option<&'static str>> Ids for F {
    fn id_of(&self, name: &str) -> Option<&str> {
        self(name)
    }
}

/// The next call for one resource: `found` is its id and shape, none if it does not exist.
/// Dependencies are the caller's business: everything it depends on is settled when it is to be
/// present, everything that depends on it is gone when it is to be absent.
#[must_use]
pub fn next(spec: &Spec, wanted: Wanted, found: Option<(&str, &Shape)>, ids: &impl Ids) -> Next {
    match (wanted, found) {
        (Wanted::Absent, None) => Next::Settled,
        (Wanted::Absent, Some((aws_id, shape))) => removal(aws_id, shape),
        (Wanted::Present | Wanted::Stopped, None) => creation(spec, ids).map_or(Next::Wait, Next::Call),
        (Wanted::Present | Wanted::Stopped, Some((aws_id, shape))) => {
            change(spec, wanted, (aws_id, shape), ids).unwrap_or(Next::Wait)
        }
    }
}

fn creation(spec: &Spec, ids: &impl Ids) -> Option<Call> {
    let id = |name: &str| ids.id_of(name).map(str::to_owned);
    Some(match spec {
        Spec::Vpc { cidr } => Call::CreateVpc { cidr: cidr.clone() },
        Spec::InternetGateway { .. } => Call::CreateInternetGateway,
        Spec::Subnet { vpc, cidr } => Call::CreateSubnet {
            vpc: id(vpc)?,
            cidr: cidr.clone(),
        },
        Spec::RouteTable { vpc, .. } => Call::CreateRouteTable { vpc: id(vpc)? },
        Spec::SecurityGroup { vpc, group_name, .. } => Call::CreateSecurityGroup {
            vpc: id(vpc)?,
            group_name: group_name.clone(),
        },
        Spec::Instance {
            image,
            instance_type,
            subnet,
            security_group,
        } => Call::RunInstances {
            image_id: id(image)?,
            instance_type: instance_type.clone(),
            subnet: id(subnet)?,
            group: id(security_group)?,
        },
        Spec::ElasticIp { .. } => Call::AllocateAddress,
    })
}

/// None when a needed id is missing, or a kind does not match its shape.
fn change(spec: &Spec, wanted: Wanted, (aws_id, shape): (&str, &Shape), ids: &impl Ids) -> Option<Next> {
    let own = || aws_id.to_owned();
    let id = |name: &str| ids.id_of(name).map(str::to_owned);
    let call = match (spec, shape) {
        (
            Spec::Vpc { .. },
            Shape::Vpc {
                dns_support: false, ..
            },
        ) => Call::ModifyVpcAttribute {
            vpc: own(),
            attribute: DnsAttribute::Support,
        },
        (
            Spec::Vpc { .. },
            Shape::Vpc {
                dns_hostnames: false, ..
            },
        ) => Call::ModifyVpcAttribute {
            vpc: own(),
            attribute: DnsAttribute::Hostnames,
        },
        (Spec::InternetGateway { vpc }, Shape::InternetGateway { attached: None }) => {
            Call::AttachInternetGateway {
                gateway: own(),
                vpc: id(vpc)?,
            }
        }
        (
            Spec::RouteTable { gateway, .. },
            Shape::RouteTable {
                default_route: None, ..
            },
        ) => Call::CreateRoute {
            table: own(),
            gateway: id(gateway)?,
        },
        (Spec::RouteTable { subnet, .. }, Shape::RouteTable { associations, .. })
            if !associations.iter().any(|(_, to)| ids.id_of(subnet) == Some(to)) =>
        {
            Call::AssociateRouteTable {
                table: own(),
                subnet: id(subnet)?,
            }
        }
        (Spec::SecurityGroup { port, .. }, Shape::SecurityGroup { open_ports })
            if !open_ports.contains(port) =>
        {
            Call::AuthorizeSecurityGroupIngress {
                group: own(),
                port: *port,
            }
        }
        (Spec::Instance { .. }, Shape::Instance { state }) => {
            return Some(instance(aws_id, *state, wanted));
        }
        (Spec::ElasticIp { instance, .. }, Shape::ElasticIp { association: None }) => {
            Call::AssociateAddress {
                allocation: own(),
                instance: id(instance)?,
            }
        }
        (spec, shape) if spec.kind() == shape.kind() => return Some(Next::Settled),
        _ => return None,
    };
    Some(Next::Call(call))
}

fn instance(aws_id: &str, state: InstanceState, wanted: Wanted) -> Next {
    let instance = aws_id.to_owned();
    match (state, wanted) {
        (InstanceState::Running, Wanted::Present) | (InstanceState::Stopped, Wanted::Stopped) => {
            Next::Settled
        }
        (InstanceState::Stopped, Wanted::Present) => Next::Call(Call::StartInstances { instance }),
        (InstanceState::Running, Wanted::Stopped) => Next::Call(Call::StopInstances { instance }),
        (InstanceState::ShuttingDown, _)
        | (InstanceState::Pending | InstanceState::Stopping, Wanted::Present | Wanted::Stopped) => Next::Wait,
        (
            InstanceState::Pending
            | InstanceState::Running
            | InstanceState::Stopping
            | InstanceState::Stopped,
            Wanted::Absent,
        ) => Next::Call(Call::TerminateInstances { instance }),
    }
}

/// The next call towards the absence of something found, whatever it was meant to be.
#[must_use]
pub fn removal(aws_id: &str, shape: &Shape) -> Next {
    let own = || aws_id.to_owned();
    Next::Call(match shape {
        Shape::Vpc { .. } => Call::DeleteVpc { vpc: own() },
        Shape::InternetGateway { attached: Some(vpc) } => Call::DetachInternetGateway {
            gateway: own(),
            vpc: vpc.clone(),
        },
        Shape::InternetGateway { attached: None } => Call::DeleteInternetGateway { gateway: own() },
        Shape::Subnet => Call::DeleteSubnet { subnet: own() },
        Shape::RouteTable { associations, .. } => match associations.first() {
            Some((association, _)) => Call::DisassociateRouteTable {
                association: association.clone(),
            },
            None => Call::DeleteRouteTable { table: own() },
        },
        Shape::SecurityGroup { .. } => Call::DeleteSecurityGroup { group: own() },
        Shape::Instance { state } => return instance(aws_id, *state, Wanted::Absent),
        Shape::ElasticIp {
            association: Some((association, _)),
        } => Call::DisassociateAddress {
            association: association.clone(),
        },
        Shape::ElasticIp { association: None } => Call::ReleaseAddress { allocation: own() },
    })
}

/// Kinds whose creation can leave a second one behind when an answer is lost.
pub const LEAKING_KINDS: [Kind; 4] = [Kind::Vpc, Kind::InternetGateway, Kind::Subnet, Kind::ElasticIp];

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(name: &str) -> Option<&'static str> {
        match name {
            "vpc" => Some("vpc-1"),
            "gw" => Some("igw-1"),
            "net" => Some("subnet-1"),
            "sg" => Some("sg-1"),
            "vm" => Some("i-1"),
            "img" => Some("ami-1"),
            _ => None,
        }
    }

    fn text(text: &str) -> String {
        text.to_owned()
    }

    fn specs() -> [Spec; 7] {
        [
            Spec::Vpc {
                cidr: text("10.0.0.0/16"),
            },
            Spec::InternetGateway { vpc: text("vpc") },
            Spec::Subnet {
                vpc: text("vpc"),
                cidr: text("10.0.0.0/24"),
            },
            Spec::RouteTable {
                vpc: text("vpc"),
                gateway: text("gw"),
                subnet: text("net"),
            },
            Spec::SecurityGroup {
                vpc: text("vpc"),
                group_name: text("g"),
                port: 443,
            },
            Spec::Instance {
                image: text("img"),
                instance_type: text("t3.medium"),
                subnet: text("net"),
                security_group: text("sg"),
            },
            Spec::ElasticIp {
                instance: text("vm"),
                gateway: text("gw"),
            },
        ]
    }

    /// Applies a call to a shape the way EC2 does, waiting states passed over.
    fn apply(call: &Call, shape: Option<Shape>) -> Option<Shape> {
        match (call, shape) {
            (Call::CreateVpc { .. }, None) => Some(Shape::Vpc {
                dns_support: true,
                dns_hostnames: false,
            }),
            (Call::ModifyVpcAttribute { .. }, Some(Shape::Vpc { .. })) => Some(Shape::Vpc {
                dns_support: true,
                dns_hostnames: true,
            }),
            (Call::CreateInternetGateway, None) => Some(Shape::InternetGateway { attached: None }),
            (Call::AttachInternetGateway { vpc, .. }, Some(_)) => Some(Shape::InternetGateway {
                attached: Some(vpc.clone()),
            }),
            (Call::DetachInternetGateway { .. }, Some(_)) => Some(Shape::InternetGateway { attached: None }),
            (Call::CreateSubnet { .. }, None) => Some(Shape::Subnet),
            (Call::CreateRouteTable { .. }, None) => Some(Shape::RouteTable {
                default_route: None,
                associations: vec![],
            }),
            (Call::CreateRoute { gateway, .. }, Some(Shape::RouteTable { associations, .. })) => {
                Some(Shape::RouteTable {
                    default_route: Some(gateway.clone()),
                    associations,
                })
            }
            (Call::AssociateRouteTable { subnet, .. }, Some(Shape::RouteTable { default_route, .. })) => {
                let associations = vec![(text("rtbassoc-1"), subnet.clone())];
                Some(Shape::RouteTable {
                    default_route,
                    associations,
                })
            }
            (Call::DisassociateRouteTable { .. }, Some(Shape::RouteTable { default_route, .. })) => {
                Some(Shape::RouteTable {
                    default_route,
                    associations: vec![],
                })
            }
            (Call::CreateSecurityGroup { .. }, None) => Some(Shape::SecurityGroup { open_ports: vec![] }),
            (Call::AuthorizeSecurityGroupIngress { port, .. }, Some(_)) => Some(Shape::SecurityGroup {
                open_ports: vec![*port],
            }),
            (Call::RunInstances { .. }, None) | (Call::StartInstances { .. }, Some(_)) => {
                Some(Shape::Instance {
                    state: InstanceState::Running,
                })
            }
            (Call::StopInstances { .. }, Some(_)) => Some(Shape::Instance {
                state: InstanceState::Stopped,
            }),
            (Call::AllocateAddress, None) => Some(Shape::ElasticIp { association: None }),
            (Call::AssociateAddress { instance, .. }, Some(_)) => Some(Shape::ElasticIp {
                association: Some((text("eipassoc-1"), Some(instance.clone()))),
            }),
            (Call::DisassociateAddress { .. }, Some(_)) => Some(Shape::ElasticIp { association: None }),
            (call, Some(_)) if call.effect() == Effect::Delete => None,
            (call, shape) => panic!("{call:?} on {shape:?}"),
        }
    }

    fn walk(spec: &Spec, wanted: Wanted, mut shape: Option<Shape>) -> (Vec<&'static str>, Option<Shape>) {
        let mut actions = Vec::new();
        loop {
            let found = shape.as_ref().map(|shape| ("own-1", shape));
            match next(spec, wanted, found, &ids) {
                Next::Settled => return (actions, shape),
                Next::Wait => panic!("{spec:?} waits after {actions:?}"),
                Next::Call(call) => {
                    actions.push(call.action());
                    shape = apply(&call, shape);
                }
            }
            assert!(actions.len() < 9, "{actions:?} does not end");
        }
    }

    #[test]
    fn every_kind_is_made_and_taken_down_by_these_calls() {
        type Row = (&'static [&'static str], &'static [&'static str]);
        let rows: [Row; 7] = [
            (&["CreateVpc", "ModifyVpcAttribute"], &["DeleteVpc"]),
            (
                &["CreateInternetGateway", "AttachInternetGateway"],
                &["DetachInternetGateway", "DeleteInternetGateway"],
            ),
            (&["CreateSubnet"], &["DeleteSubnet"]),
            (
                &["CreateRouteTable", "CreateRoute", "AssociateRouteTable"],
                &["DisassociateRouteTable", "DeleteRouteTable"],
            ),
            (
                &["CreateSecurityGroup", "AuthorizeSecurityGroupIngress"],
                &["DeleteSecurityGroup"],
            ),
            (&["RunInstances"], &["TerminateInstances"]),
            (
                &["AllocateAddress", "AssociateAddress"],
                &["DisassociateAddress", "ReleaseAddress"],
            ),
        ];
        for (spec, (up, down)) in specs().iter().zip(rows) {
            let (made, shape) = walk(spec, Wanted::Present, None);
            assert_eq!(made, up);
            let (unmade, rest) = walk(spec, Wanted::Absent, shape);
            assert_eq!((unmade.as_slice(), rest), (down, None));
        }
    }

    #[test]
    fn suspension_stops_the_instance_and_keeps_the_rest() {
        for spec in specs() {
            let (_, made) = walk(&spec, Wanted::Present, None);
            let (stop, stopped) = walk(&spec, Wanted::Stopped, made.clone());
            let (start, again) = walk(&spec, Wanted::Present, stopped);
            let is_instance = spec.kind() == Kind::Instance;
            let expected: (&[&str], &[&str]) = if is_instance {
                (&["StopInstances"], &["StartInstances"])
            } else {
                (&[], &[])
            };
            assert_eq!((stop.as_slice(), start.as_slice()), expected);
            assert_eq!(again, made);
        }
    }

    #[test]
    fn an_instance_in_between_is_waited_for() {
        use InstanceState::{Pending, Running, ShuttingDown, Stopped, Stopping};
        let wait = |state, wanted| instance("i-1", state, wanted) == Next::Wait;
        let all = [Pending, Running, Stopping, Stopped, ShuttingDown];
        assert_eq!(
            all.map(|state| wait(state, Wanted::Present)),
            [true, false, true, false, true]
        );
        assert_eq!(
            all.map(|state| wait(state, Wanted::Stopped)),
            [true, false, true, false, true]
        );
        assert_eq!(
            all.map(|state| wait(state, Wanted::Absent)),
            [false, false, false, false, true]
        );
    }

    #[test]
    fn a_missing_dependency_is_waited_for() {
        let nothing = |_: &str| None;
        for spec in specs() {
            let next = next(&spec, Wanted::Present, None, &nothing);
            let needs_ids = !LEAKING_KINDS.contains(&spec.kind()) || spec.kind() == Kind::Subnet;
            assert_eq!(next == Next::Wait, needs_ids, "{spec:?}");
        }
    }

    #[test]
    fn the_leaking_kinds_are_those_whose_creation_leaks() {
        for spec in specs() {
            let Next::Call(call) = next(&spec, Wanted::Present, None, &ids) else {
                panic!("{spec:?} is not created");
            };
            let leaks = call.idempotency() == Idempotency::Leaks;
            assert_eq!(leaks, LEAKING_KINDS.contains(&spec.kind()), "{call:?}");
            assert_eq!(call.effect(), Effect::Create);
        }
    }

    #[test]
    fn a_frozen_call_reads_back() {
        let call = Call::AttachInternetGateway {
            gateway: text("igw-1"),
            vpc: text("vpc-1"),
        };
        let stored = serde_json::to_value(&call).expect("serializable");
        assert_eq!(stored["action"], call.action());
        assert_eq!(serde_json::from_value::<Call>(stored).expect("readable"), call);
    }
}
