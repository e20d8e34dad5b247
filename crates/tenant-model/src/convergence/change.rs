//! Bringing what is there to what it should be.

use super::{
    Call, DnsAttribute, Next, Surroundings,
    creation::{machine, record, version_of},
    id, ids,
};
use crate::{
    blueprint::{Source, Spec},
    deployment::Wanted,
    observation::{DatabaseState, Fleet, InstanceState, Peer, Progress, Rule, Shape},
};

/// None when a needed id is missing, or a kind does not match its shape.
pub(super) fn change(
    spec: &Spec,
    wanted: Wanted,
    (aws_id, shape): (&str, &Shape),
    around: &impl Surroundings,
) -> Option<Next> {
    if spec.kind() != shape.kind() {
        return None;
    }
    match (spec, shape) {
        (Spec::Vpc { .. }, _)
        | (Spec::InternetGateway { .. }, _)
        | (Spec::ElasticIp { .. }, _)
        | (Spec::RouteTable { .. }, _)
        | (Spec::VpcEndpoint { .. }, _)
        | (Spec::SecurityGroup { .. }, _) => network(spec, (aws_id, shape), around),
        (Spec::NatGateway { .. }, Shape::NatGateway { progress }) => Some(match progress {
            Progress::Ready => Next::Settled,
            Progress::UnderWay | Progress::Ending => Next::Wait,
            // It never recovers: it is taken away, and made anew (VPC user guide, "NAT gateway creation fails").
            Progress::Failed => Next::Call(Call::DeleteNatGateway {
                nat: aws_id.to_owned(),
            }),
        }),
        (
            Spec::Instance { instance_type, .. },
            Shape::Instance {
                state,
                instance_type: is,
            },
        ) => Some(instance(aws_id, (*state, wanted), (is, instance_type))),
        (Spec::LaunchTemplate { .. }, Shape::LaunchTemplate { version, machine: is }) => {
            let machine = machine(spec, around)?;
            Some(if machine == *is {
                Next::Settled
            } else {
                Next::Call(Call::CreateLaunchTemplateVersion {
                    template: aws_id.to_owned(),
                    machine,
                    after: *version,
                })
            })
        }
        (Spec::Certificate { .. }, Shape::Certificate { progress, .. }) => Some(match progress {
            Progress::Ready => Next::Settled,
            Progress::UnderWay | Progress::Ending => Next::Wait,
            Progress::Failed => Next::Stuck("the certificate was not issued".to_owned()),
        }),
        (
            Spec::DnsRecord { domain, leads },
            Shape::DnsRecord {
                domain: at,
                record: is,
            },
        ) => {
            let (domain, record) = record(domain, leads, around)?;
            Some(if (&domain, &record) == (at, is) {
                Next::Settled
            } else {
                Next::Call(Call::UpsertRecord { domain, record })
            })
        }
        (Spec::LoadBalancer { .. }, _) => balancer(spec, (aws_id, shape), around),
        (Spec::Database { .. }, Shape::Database { state }) => Some(database(aws_id, *state, wanted)),
        (Spec::AutoScalingGroup { .. }, Shape::AutoScalingGroup(fleet)) => {
            fleet_change(spec, wanted, (aws_id, fleet), around)
        }
        _ => Some(Next::Settled),
    }
}

fn network(spec: &Spec, (aws_id, shape): (&str, &Shape), around: &impl Surroundings) -> Option<Next> {
    let own = || aws_id.to_owned();
    let call = match (spec, shape) {
        (
            _,
            Shape::Vpc {
                dns_support: false, ..
            },
        ) => Call::ModifyVpcAttribute {
            vpc: own(),
            attribute: DnsAttribute::Support,
        },
        (
            _,
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
                vpc: id(vpc, around)?,
            }
        }
        (
            Spec::ElasticIp {
                instance: Some(instance),
                ..
            },
            Shape::ElasticIp {
                association: None, ..
            },
        ) => Call::AssociateAddress {
            allocation: own(),
            instance: id(instance, around)?,
        },
        (Spec::RouteTable { .. }, Shape::RouteTable { .. }) => return route(spec, (aws_id, shape), around),
        (Spec::VpcEndpoint { route_tables, .. }, Shape::VpcEndpoint { tables: is, progress }) => {
            let mut tables = ids(route_tables, around)?;
            tables.retain(|table| !is.contains(table));
            if *progress == Progress::Ending {
                return Some(Next::Wait);
            }
            if tables.is_empty() {
                return Some(Next::Settled);
            }
            Call::ModifyVpcEndpoint {
                endpoint: own(),
                tables,
            }
        }
        (Spec::SecurityGroup { port, .. }, Shape::SecurityGroup { rules }) => {
            let admitted = |from: &Peer| rules.iter().any(|rule| rule.admits(*port, from));
            match peers(spec, around)?.into_iter().find(|from| !admitted(from)) {
                None => return Some(Next::Settled),
                Some(from) => Call::AuthorizeSecurityGroupIngress {
                    group: own(),
                    port: *port,
                    from,
                },
            }
        }
        _ => return Some(Next::Settled),
    };
    Some(Next::Call(call))
}

fn route(spec: &Spec, (aws_id, shape): (&str, &Shape), around: &impl Surroundings) -> Option<Next> {
    let (
        Spec::RouteTable { target, subnets, .. },
        Shape::RouteTable {
            default_route,
            associations,
        },
    ) = (spec, shape)
    else {
        return None;
    };
    let (table, target) = (aws_id.to_owned(), id(target, around)?);
    let call = match default_route {
        None => Call::CreateRoute { table, target },
        Some(is) if *is != target => Call::ReplaceRoute { table, target },
        Some(_) => {
            let joined = |subnet: &String| associations.iter().any(|(_, to)| to == subnet);
            match ids(subnets, around)?.into_iter().find(|subnet| !joined(subnet)) {
                None => return Some(Next::Settled),
                Some(subnet) => Call::AssociateRouteTable { table, subnet },
            }
        }
    };
    Some(Next::Call(call))
}

/// From whom a security group is to admit.
fn peers(spec: &Spec, around: &impl Surroundings) -> Option<Vec<Peer>> {
    let Spec::SecurityGroup { from, .. } = spec else {
        return None;
    };
    match from {
        Source::Blocks(blocks) => Some(blocks.iter().cloned().map(Peer::Block).collect()),
        Source::Group(group) => Some(vec![Peer::Group(id(group, around)?)]),
    }
}

/// What somebody opened though nothing says so: the call that closes it. An operation leaves it alone, because it may
/// be meant; drift shows it, and repairs it where the tenant's policy says so.
#[must_use]
pub fn excess(spec: &Spec, (aws_id, shape): (&str, &Shape), around: &impl Surroundings) -> Option<Call> {
    let (Spec::SecurityGroup { port, .. }, Shape::SecurityGroup { rules }) = (spec, shape) else {
        return None;
    };
    let wanted = peers(spec, around)?;
    let meant = |rule: &&Rule| wanted.iter().any(|from| rule.admits(*port, from));
    let rule = rules.iter().find(|rule| !meant(rule))?;
    Some(Call::RevokeSecurityGroupIngress {
        group: aws_id.to_owned(),
        rule: rule.id.clone(),
    })
}

/// A size is changed while the instance is stopped (EC2 user guide, "Change the instance type").
fn instance(aws_id: &str, (state, wanted): (InstanceState, Wanted), (is, should): (&str, &str)) -> Next {
    let instance = aws_id.to_owned();
    let resize = is != should;
    match (state, wanted) {
        (InstanceState::Stopped, _) if resize => Next::Call(Call::ModifyInstanceAttribute {
            instance,
            instance_type: should.to_owned(),
        }),
        (InstanceState::Running, _) if resize => Next::Call(Call::StopInstances { instance }),
        (InstanceState::Running, Wanted::Stopped) => Next::Call(Call::StopInstances { instance }),
        (InstanceState::Stopped, Wanted::Present) => Next::Call(Call::StartInstances { instance }),
        (InstanceState::Running | InstanceState::Stopped, _) => Next::Settled,
        (InstanceState::ShuttingDown | InstanceState::Pending | InstanceState::Stopping, _) => Next::Wait,
    }
}

fn balancer(spec: &Spec, (aws_id, shape): (&str, &Shape), around: &impl Surroundings) -> Option<Next> {
    let (
        Spec::LoadBalancer {
            target_group,
            certificate,
            ..
        },
        Shape::LoadBalancer {
            progress, listener, ..
        },
    ) = (spec, shape)
    else {
        return None;
    };
    if listener.is_none() {
        return Some(Next::Call(Call::CreateListener {
            balancer: aws_id.to_owned(),
            target_group: id(target_group, around)?,
            certificate: id(certificate, around)?,
        }));
    }
    Some(match progress {
        Progress::Ready => Next::Settled,
        Progress::UnderWay | Progress::Ending => Next::Wait,
        Progress::Failed => Next::Stuck("AWS could not make the load balancer".to_owned()),
    })
}

fn database(aws_id: &str, state: DatabaseState, wanted: Wanted) -> Next {
    let identifier = aws_id.to_owned();
    match (state, wanted) {
        (DatabaseState::Available, Wanted::Stopped) => Next::Call(Call::StopDbInstance { identifier }),
        (DatabaseState::Stopped, Wanted::Present) => Next::Call(Call::StartDbInstance { identifier }),
        (DatabaseState::Available | DatabaseState::Stopped, _) => Next::Settled,
        (DatabaseState::UnderWay | DatabaseState::Ending, _) => Next::Wait,
    }
}

fn fleet_change(
    spec: &Spec,
    wanted: Wanted,
    (aws_id, fleet): (&str, &Fleet),
    around: &impl Surroundings,
) -> Option<Next> {
    let Spec::AutoScalingGroup {
        launch_template,
        min,
        max,
        ..
    } = spec
    else {
        return None;
    };
    let group_name = aws_id.to_owned();
    let (min, max) = match wanted {
        Wanted::Stopped | Wanted::Absent => (0, 0),
        Wanted::Present => (*min, *max),
    };
    if fleet.progress != Progress::Ready {
        return Some(Next::Wait);
    }
    if (fleet.min, fleet.max) != (min, max) {
        return Some(Next::Call(Call::UpdateAutoScalingGroup { group_name, min, max }));
    }
    if !fleet.has_policy {
        return Some(Next::Call(Call::PutScalingPolicy { group_name }));
    }
    let version = version_of(launch_template, around)?;
    if let Some((_, why)) = fleet.refresh_failed.as_ref().filter(|(of, _)| *of == version) {
        return Some(Next::Stuck(why.clone()));
    }
    if fleet.version != version && max > 0 {
        let template = id(launch_template, around)?;
        return Some(Next::Call(Call::StartInstanceRefresh {
            group_name,
            template,
            version,
        }));
    }
    let enough = match wanted {
        Wanted::Present => fleet.healthy >= usize::try_from(min).unwrap_or(0),
        Wanted::Stopped | Wanted::Absent => fleet.machines == 0,
    };
    Some(if enough { Next::Settled } else { Next::Wait })
}
