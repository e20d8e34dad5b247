//! Taking away what is there, whatever it was meant to be.

use super::{Call, Next};
use crate::observation::{DatabaseState, InstanceState, Progress, Shape};

/// The next call towards the absence of something found.
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
        Shape::Subnet { .. } => Call::DeleteSubnet { subnet: own() },
        Shape::ElasticIp {
            association: Some((association, Some(_))),
            ..
        } => Call::DisassociateAddress {
            association: association.clone(),
        },
        // A NAT gateway holds it, and gives it back only when it is gone.
        Shape::ElasticIp {
            association: Some((_, None)),
            ..
        } => return Next::Wait,
        Shape::ElasticIp {
            association: None, ..
        } => Call::ReleaseAddress { allocation: own() },
        Shape::NatGateway { progress } if is_ending(*progress) => return Next::Wait,
        Shape::NatGateway { .. } => Call::DeleteNatGateway { nat: own() },
        Shape::RouteTable { associations, .. } => match associations.first() {
            Some((association, _)) => Call::DisassociateRouteTable {
                association: association.clone(),
            },
            None => Call::DeleteRouteTable { table: own() },
        },
        Shape::VpcEndpoint { progress, .. } if is_ending(*progress) => return Next::Wait,
        Shape::VpcEndpoint { .. } => Call::DeleteVpcEndpoints { endpoint: own() },
        Shape::SecurityGroup { .. } => Call::DeleteSecurityGroup { group: own() },
        Shape::Instance {
            state: InstanceState::ShuttingDown,
            ..
        } => return Next::Wait,
        Shape::Instance { .. } => Call::TerminateInstances { instance: own() },
        Shape::LaunchTemplate { .. } => Call::DeleteLaunchTemplate { template: own() },
        Shape::TargetGroup => Call::DeleteTargetGroup { group: own() },
        Shape::Certificate { .. } => Call::DeleteCertificate { certificate: own() },
        Shape::DnsRecord { domain, record } => Call::DeleteRecord {
            domain: domain.clone(),
            record: record.clone(),
        },
        Shape::LoadBalancer { .. } => Call::DeleteLoadBalancer { balancer: own() },
        Shape::DbSubnetGroup => Call::DeleteDbSubnetGroup { group_name: own() },
        Shape::Database { state } if *state == DatabaseState::Ending => return Next::Wait,
        Shape::Database { .. } => Call::DeleteDbInstance { identifier: own() },
        Shape::AutoScalingGroup(fleet) if is_ending(fleet.progress) => return Next::Wait,
        Shape::AutoScalingGroup(_) => Call::DeleteAutoScalingGroup { group_name: own() },
    })
}

fn is_ending(progress: Progress) -> bool {
    progress == Progress::Ending
}
