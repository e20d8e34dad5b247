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
#[path = "convergence_tests.rs"]
mod tests;
