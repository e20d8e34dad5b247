//! Making what is not there.

use super::{Call, Machine, Surroundings, id, ids};
use crate::{
    blueprint::{Leads, Spec},
    observation::{Record, Shape},
};

/// None while something that it needs is missing.
#[allow(clippy::too_many_lines, reason = "one arm for each kind")]
pub(super) fn creation(spec: &Spec, around: &impl Surroundings) -> Option<Call> {
    Some(match spec {
        Spec::Vpc { cidr } => Call::CreateVpc { cidr: cidr.clone() },
        Spec::InternetGateway { .. } => Call::CreateInternetGateway,
        Spec::Subnet { vpc, cidr, zone } => Call::CreateSubnet {
            vpc: id(vpc, around)?,
            cidr: cidr.clone(),
            zone: around.zone(*zone)?.to_owned(),
        },
        Spec::ElasticIp { .. } => Call::AllocateAddress,
        Spec::NatGateway { subnet, address, .. } => Call::CreateNatGateway {
            subnet: id(subnet, around)?,
            allocation: id(address, around)?,
        },
        Spec::RouteTable { vpc, .. } => Call::CreateRouteTable {
            vpc: id(vpc, around)?,
        },
        Spec::VpcEndpoint { vpc, route_tables } => Call::CreateVpcEndpoint {
            vpc: id(vpc, around)?,
            tables: ids(route_tables, around)?,
        },
        Spec::SecurityGroup { vpc, group_name, .. } => Call::CreateSecurityGroup {
            vpc: id(vpc, around)?,
            group_name: group_name.clone(),
        },
        Spec::Instance { subnet, .. } => Call::RunInstances {
            machine: machine(spec, around)?,
            subnet: id(subnet, around)?,
        },
        Spec::LaunchTemplate { template_name, .. } => Call::CreateLaunchTemplate {
            template_name: template_name.clone(),
            machine: machine(spec, around)?,
        },
        Spec::TargetGroup {
            group_name,
            vpc,
            port,
        } => Call::CreateTargetGroup {
            group_name: group_name.clone(),
            vpc: id(vpc, around)?,
            port: *port,
        },
        Spec::Certificate { domain } => Call::RequestCertificate {
            domain: domain.clone(),
        },
        Spec::DnsRecord { domain, leads } => {
            let (domain, record) = record(domain, leads, around)?;
            Call::UpsertRecord { domain, record }
        }
        Spec::LoadBalancer {
            balancer_name,
            subnets,
            security_group,
            ..
        } => Call::CreateLoadBalancer {
            balancer_name: balancer_name.clone(),
            subnets: ids(subnets, around)?,
            group: id(security_group, around)?,
        },
        Spec::DbSubnetGroup { group_name, subnets } => Call::CreateDbSubnetGroup {
            group_name: group_name.clone(),
            subnets: ids(subnets, around)?,
        },
        Spec::Database {
            identifier,
            class,
            subnet_group,
            security_group,
        } => Call::CreateDbInstance {
            identifier: identifier.clone(),
            class: class.clone(),
            subnet_group: id(subnet_group, around)?,
            group: id(security_group, around)?,
        },
        Spec::AutoScalingGroup {
            group_name,
            launch_template,
            subnets,
            target_group,
            min,
            max,
            ..
        } => Call::CreateAutoScalingGroup {
            group_name: group_name.clone(),
            template: id(launch_template, around)?,
            version: version_of(launch_template, around)?,
            subnets: ids(subnets, around)?,
            target_group: id(target_group, around)?,
            min: *min,
            max: *max,
        },
    })
}

/// What an instance or a launch template starts; none for other kinds.
pub(super) fn machine(spec: &Spec, around: &impl Surroundings) -> Option<Machine> {
    let (Spec::Instance {
        image,
        instance_type,
        security_group,
        ..
    }
    | Spec::LaunchTemplate {
        image,
        instance_type,
        security_group,
        ..
    }) = spec
    else {
        return None;
    };
    Some(Machine {
        image_id: id(image, around)?,
        instance_type: instance_type.clone(),
        group: id(security_group, around)?,
    })
}

/// The number of a launch template's newest version.
pub(super) fn version_of(template: &str, around: &impl Surroundings) -> Option<i64> {
    match around.shape_of(template)? {
        Shape::LaunchTemplate { version, .. } => Some(*version),
        _ => None,
    }
}

/// The name and content of a record as they should be now.
pub(super) fn record(domain: &str, leads: &Leads, around: &impl Surroundings) -> Option<(String, Record)> {
    let own = || domain.to_owned();
    match leads {
        Leads::Address(name) => match around.shape_of(name)? {
            Shape::ElasticIp { public_ip, .. } => Some((own(), Record::A(public_ip.clone()))),
            _ => None,
        },
        Leads::Balancer(name) => match around.shape_of(name)? {
            Shape::LoadBalancer {
                dns_name, zone_id, ..
            } => Some((
                own(),
                Record::Alias {
                    dns_name: dns_name.clone(),
                    zone_id: zone_id.clone(),
                },
            )),
            _ => None,
        },
        Leads::Proof(name) => match around.shape_of(name)? {
            Shape::Certificate {
                proof: Some((name, value)),
                ..
            } => Some((name.clone(), Record::Cname(value.clone()))),
            _ => None,
        },
    }
}
