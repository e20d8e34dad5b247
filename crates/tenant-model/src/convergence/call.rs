//! The calls that change something, with their frozen parameters, and what is known of each action.

use serde::{Deserialize, Serialize};

use crate::{
    observation::{Peer, Record},
    permissions::StepClass,
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

/// What a machine is started from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Id of the image.
    pub image_id: String,
    /// Its size.
    pub instance_type: String,
    /// Id of its security group.
    pub group: String,
}

/// One call to AWS with its frozen parameters. Ids are AWS's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "PascalCase")]
#[allow(
    missing_docs,
    reason = "variants and fields are those of the AWS API reference"
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
        zone: String,
    },
    DeleteSubnet {
        subnet: String,
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
    CreateNatGateway {
        subnet: String,
        allocation: String,
    },
    DeleteNatGateway {
        nat: String,
    },
    CreateRouteTable {
        vpc: String,
    },
    CreateRoute {
        table: String,
        target: String,
    },
    ReplaceRoute {
        table: String,
        target: String,
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
    CreateVpcEndpoint {
        vpc: String,
        tables: Vec<String>,
    },
    ModifyVpcEndpoint {
        endpoint: String,
        tables: Vec<String>,
    },
    DeleteVpcEndpoints {
        endpoint: String,
    },
    CreateSecurityGroup {
        vpc: String,
        group_name: String,
    },
    AuthorizeSecurityGroupIngress {
        group: String,
        port: i32,
        from: Peer,
    },
    RevokeSecurityGroupIngress {
        group: String,
        rule: String,
    },
    DeleteSecurityGroup {
        group: String,
    },
    RunInstances {
        machine: Machine,
        subnet: String,
    },
    ModifyInstanceAttribute {
        instance: String,
        instance_type: String,
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
    CreateLaunchTemplate {
        template_name: String,
        machine: Machine,
    },
    CreateLaunchTemplateVersion {
        template: String,
        machine: Machine,
        after: i64,
    },
    DeleteLaunchTemplate {
        template: String,
    },
    CreateTargetGroup {
        group_name: String,
        vpc: String,
        port: i32,
    },
    DeleteTargetGroup {
        group: String,
    },
    CreateLoadBalancer {
        balancer_name: String,
        subnets: Vec<String>,
        group: String,
    },
    CreateListener {
        balancer: String,
        target_group: String,
        certificate: String,
    },
    DeleteLoadBalancer {
        balancer: String,
    },
    RequestCertificate {
        domain: String,
    },
    DeleteCertificate {
        certificate: String,
    },
    UpsertRecord {
        domain: String,
        record: Record,
    },
    DeleteRecord {
        domain: String,
        record: Record,
    },
    CreateDbSubnetGroup {
        group_name: String,
        subnets: Vec<String>,
    },
    DeleteDbSubnetGroup {
        group_name: String,
    },
    CreateDbInstance {
        identifier: String,
        class: String,
        subnet_group: String,
        group: String,
    },
    StartDbInstance {
        identifier: String,
    },
    StopDbInstance {
        identifier: String,
    },
    DeleteDbInstance {
        identifier: String,
    },
    CreateAutoScalingGroup {
        group_name: String,
        template: String,
        version: i64,
        subnets: Vec<String>,
        target_group: String,
        min: i32,
        max: i32,
    },
    UpdateAutoScalingGroup {
        group_name: String,
        min: i32,
        max: i32,
    },
    PutScalingPolicy {
        group_name: String,
    },
    StartInstanceRefresh {
        group_name: String,
        template: String,
        version: i64,
    },
    DeleteAutoScalingGroup {
        group_name: String,
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
    /// Takes a part of it away.
    Detach,
    /// Takes it away.
    Delete,
}

/// What is known of an action before it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// In the words of a policy: service and action.
    pub action: &'static str,
    /// What it does to its resource.
    pub effect: Effect,
    /// How it is settled.
    pub idempotency: Idempotency,
    /// Under which session it is made.
    pub class: StepClass,
}

impl Call {
    /// Everything known of the action (API reference of each service; EC2's "Ensuring idempotency").
    #[must_use]
    #[allow(clippy::too_many_lines, reason = "one line for each action")]
    pub const fn facts(&self) -> Facts {
        use Effect::{Create, Delete, Detach, Update};
        use Idempotency::{Absolute, Leaks, NaturalKey, Token};
        use StepClass::{Balancing, Compute, Data, Dismantle, Dns, Network, Scaling, TakeDown};
        let (action, effect, idempotency, class) = match self {
            Self::CreateVpc { .. } => ("ec2:CreateVpc", Create, Leaks, Network),
            Self::ModifyVpcAttribute { .. } => ("ec2:ModifyVpcAttribute", Update, Absolute, Network),
            Self::DeleteVpc { .. } => ("ec2:DeleteVpc", Delete, Absolute, TakeDown),
            Self::CreateInternetGateway => ("ec2:CreateInternetGateway", Create, Leaks, Network),
            Self::AttachInternetGateway { .. } => ("ec2:AttachInternetGateway", Update, NaturalKey, Network),
            Self::DetachInternetGateway { .. } => ("ec2:DetachInternetGateway", Detach, Absolute, TakeDown),
            Self::DeleteInternetGateway { .. } => ("ec2:DeleteInternetGateway", Delete, Absolute, TakeDown),
            Self::CreateSubnet { .. } => ("ec2:CreateSubnet", Create, Leaks, Network),
            Self::DeleteSubnet { .. } => ("ec2:DeleteSubnet", Delete, Absolute, TakeDown),
            Self::AllocateAddress => ("ec2:AllocateAddress", Create, Leaks, Compute),
            Self::AssociateAddress { .. } => ("ec2:AssociateAddress", Update, NaturalKey, Compute),
            Self::DisassociateAddress { .. } => ("ec2:DisassociateAddress", Detach, Absolute, TakeDown),
            Self::ReleaseAddress { .. } => ("ec2:ReleaseAddress", Delete, Absolute, TakeDown),
            Self::CreateNatGateway { .. } => ("ec2:CreateNatGateway", Create, Token, Network),
            Self::DeleteNatGateway { .. } => ("ec2:DeleteNatGateway", Delete, Absolute, TakeDown),
            Self::CreateRouteTable { .. } => ("ec2:CreateRouteTable", Create, Token, Network),
            Self::CreateRoute { .. } => ("ec2:CreateRoute", Update, NaturalKey, Network),
            Self::ReplaceRoute { .. } => ("ec2:ReplaceRoute", Update, Absolute, Network),
            Self::AssociateRouteTable { .. } => ("ec2:AssociateRouteTable", Update, NaturalKey, Network),
            Self::DisassociateRouteTable { .. } => ("ec2:DisassociateRouteTable", Detach, Absolute, TakeDown),
            Self::DeleteRouteTable { .. } => ("ec2:DeleteRouteTable", Delete, Absolute, TakeDown),
            Self::CreateVpcEndpoint { .. } => ("ec2:CreateVpcEndpoint", Create, Token, Network),
            Self::ModifyVpcEndpoint { .. } => ("ec2:ModifyVpcEndpoint", Update, Absolute, Network),
            Self::DeleteVpcEndpoints { .. } => ("ec2:DeleteVpcEndpoints", Delete, Absolute, TakeDown),
            Self::CreateSecurityGroup { .. } => ("ec2:CreateSecurityGroup", Create, NaturalKey, Network),
            Self::AuthorizeSecurityGroupIngress { .. } => {
                ("ec2:AuthorizeSecurityGroupIngress", Update, NaturalKey, Network)
            }
            Self::RevokeSecurityGroupIngress { .. } => {
                ("ec2:RevokeSecurityGroupIngress", Detach, Absolute, TakeDown)
            }
            Self::DeleteSecurityGroup { .. } => ("ec2:DeleteSecurityGroup", Delete, Absolute, TakeDown),
            Self::RunInstances { .. } => ("ec2:RunInstances", Create, Token, Compute),
            Self::ModifyInstanceAttribute { .. } => {
                ("ec2:ModifyInstanceAttribute", Update, Absolute, Compute)
            }
            Self::StartInstances { .. } => ("ec2:StartInstances", Update, Absolute, Compute),
            Self::StopInstances { .. } => ("ec2:StopInstances", Update, Absolute, Compute),
            Self::TerminateInstances { .. } => ("ec2:TerminateInstances", Delete, Absolute, Dismantle),
            Self::CreateLaunchTemplate { .. } => ("ec2:CreateLaunchTemplate", Create, Token, Compute),
            Self::CreateLaunchTemplateVersion { .. } => {
                ("ec2:CreateLaunchTemplateVersion", Update, Absolute, Compute)
            }
            Self::DeleteLaunchTemplate { .. } => ("ec2:DeleteLaunchTemplate", Delete, Absolute, Dismantle),
            Self::CreateTargetGroup { .. } => (
                "elasticloadbalancing:CreateTargetGroup",
                Create,
                NaturalKey,
                Balancing,
            ),
            Self::DeleteTargetGroup { .. } => (
                "elasticloadbalancing:DeleteTargetGroup",
                Delete,
                Absolute,
                Dismantle,
            ),
            Self::CreateLoadBalancer { .. } => (
                "elasticloadbalancing:CreateLoadBalancer",
                Create,
                NaturalKey,
                Balancing,
            ),
            Self::CreateListener { .. } => (
                "elasticloadbalancing:CreateListener",
                Update,
                NaturalKey,
                Balancing,
            ),
            Self::DeleteLoadBalancer { .. } => (
                "elasticloadbalancing:DeleteLoadBalancer",
                Delete,
                Absolute,
                Dismantle,
            ),
            Self::RequestCertificate { .. } => ("acm:RequestCertificate", Create, Token, Balancing),
            Self::DeleteCertificate { .. } => ("acm:DeleteCertificate", Delete, Absolute, Dismantle),
            Self::UpsertRecord { .. } => ("route53:ChangeResourceRecordSets", Create, Absolute, Dns),
            Self::DeleteRecord { .. } => ("route53:ChangeResourceRecordSets", Delete, Absolute, Dns),
            Self::CreateDbSubnetGroup { .. } => ("rds:CreateDBSubnetGroup", Create, NaturalKey, Data),
            Self::DeleteDbSubnetGroup { .. } => ("rds:DeleteDBSubnetGroup", Delete, Absolute, Dismantle),
            Self::CreateDbInstance { .. } => ("rds:CreateDBInstance", Create, NaturalKey, Data),
            Self::StartDbInstance { .. } => ("rds:StartDBInstance", Update, Absolute, Data),
            Self::StopDbInstance { .. } => ("rds:StopDBInstance", Update, Absolute, Data),
            Self::DeleteDbInstance { .. } => ("rds:DeleteDBInstance", Delete, Absolute, Dismantle),
            Self::CreateAutoScalingGroup { .. } => {
                ("autoscaling:CreateAutoScalingGroup", Create, NaturalKey, Scaling)
            }
            Self::UpdateAutoScalingGroup { .. } => {
                ("autoscaling:UpdateAutoScalingGroup", Update, Absolute, Scaling)
            }
            Self::PutScalingPolicy { .. } => ("autoscaling:PutScalingPolicy", Update, Absolute, Scaling),
            Self::StartInstanceRefresh { .. } => {
                ("autoscaling:StartInstanceRefresh", Update, Absolute, Scaling)
            }
            Self::DeleteAutoScalingGroup { .. } => {
                ("autoscaling:DeleteAutoScalingGroup", Delete, Absolute, Dismantle)
            }
        };
        Facts {
            action,
            effect,
            idempotency,
            class,
        }
    }

    /// AWS's name of the action, without the service.
    #[must_use]
    pub fn action(&self) -> &'static str {
        let action = self.facts().action;
        action.split_once(':').map_or(action, |(_, name)| name)
    }

    /// The service, as policies name it.
    #[must_use]
    pub fn service(&self) -> &'static str {
        let action = self.facts().action;
        action.split_once(':').map_or(action, |(service, _)| service)
    }

    /// What it does to its resource.
    #[must_use]
    pub const fn effect(&self) -> Effect {
        self.facts().effect
    }

    /// Its idempotency class.
    #[must_use]
    pub const fn idempotency(&self) -> Idempotency {
        self.facts().idempotency
    }

    /// The id of what is gone once the call has taken effect.
    #[must_use]
    pub fn ends(&self) -> Option<&str> {
        match self {
            Self::DeleteVpc { vpc: id }
            | Self::DeleteInternetGateway { gateway: id }
            | Self::DeleteSubnet { subnet: id }
            | Self::ReleaseAddress { allocation: id }
            | Self::DeleteNatGateway { nat: id }
            | Self::DeleteRouteTable { table: id }
            | Self::DeleteVpcEndpoints { endpoint: id }
            | Self::DeleteSecurityGroup { group: id }
            | Self::TerminateInstances { instance: id }
            | Self::DeleteLaunchTemplate { template: id }
            | Self::DeleteTargetGroup { group: id }
            | Self::DeleteLoadBalancer { balancer: id }
            | Self::DeleteCertificate { certificate: id }
            | Self::DeleteRecord { domain: id, .. }
            | Self::DeleteDbSubnetGroup { group_name: id }
            | Self::DeleteDbInstance { identifier: id }
            | Self::DeleteAutoScalingGroup { group_name: id } => Some(id),
            _ => None,
        }
    }
}
