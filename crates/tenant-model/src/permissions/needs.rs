//! Every action our work calls, once.

use super::{Need, StepClass, Target, When};

const fn look(action: &'static str, classes: &'static [StepClass]) -> Need {
    Need {
        action,
        classes,
        on: &[(Target::Any, When::Always)],
    }
}

const fn change(action: &'static str, classes: &'static [StepClass]) -> Need {
    Need {
        action,
        classes,
        on: &[(Target::Ec2("*"), When::TaggedAlready)],
    }
}

const fn make(action: &'static str, classes: &'static [StepClass], on: &'static [(Target, When)]) -> Need {
    Need { action, classes, on }
}

const OBSERVE: &[StepClass] = &[StepClass::Observe, StepClass::Sweep];
const NETWORK: &[StepClass] = &[StepClass::Network];
const COMPUTE: &[StepClass] = &[StepClass::Compute];
const BALANCING: &[StepClass] = &[StepClass::Balancing];
const SCALING: &[StepClass] = &[StepClass::Scaling];
const LAUNCHING: &[StepClass] = &[StepClass::Compute, StepClass::Scaling];
const DATA: &[StepClass] = &[StepClass::Data];
const DISMANTLE: &[StepClass] = &[StepClass::Dismantle];
const TAKE_DOWN: &[StepClass] = &[StepClass::TakeDown];
const IDENTITY: &[StepClass] = &[StepClass::Identity];
const PREFLIGHT: &[StepClass] = &[StepClass::Preflight];
const LOOKING: &[StepClass] = &[StepClass::Observe, StepClass::Preflight, StepClass::Sweep];
const SWEEP: &[StepClass] = &[StepClass::Sweep];

const fn made(kind: &'static str) -> (Target, When) {
    (Target::Ec2(kind), When::TaggedInRequest)
}

const fn ours(kind: &'static str) -> (Target, When) {
    (Target::Ec2(kind), When::TaggedAlready)
}

const fn offered(kind: &'static str) -> (Target, When) {
    (Target::Ec2(kind), When::Offered)
}

/// Resources of other services, by the ends of their ARNs. Names begin as [`crate::blueprint`] makes them.
const BALANCER: Target = Target::Of("elasticloadbalancing", "loadbalancer/app/tn*");
const TARGETS: Target = Target::Of("elasticloadbalancing", "targetgroup/tn*");
const CERTIFICATE: Target = Target::Of("acm", "certificate/*");
const DATABASE: Target = Target::Of("rds", "db:tenantry-*");
const DATABASE_SUBNETS: Target = Target::Of("rds", "subgrp:tenantry-*");
const FLEET: Target = Target::Of(
    "autoscaling",
    "autoScalingGroup:*:autoScalingGroupName/tenantry-*",
);

const SECRET: Target = Target::Of("secretsmanager", "secret:rds!db-*");

/// Everything that our work calls, sorted by action.
pub const NEEDS: &[Need] = &[
    make(
        "acm:DeleteCertificate",
        DISMANTLE,
        &[(CERTIFICATE, When::TaggedAlready)],
    ),
    look("acm:DescribeCertificate", OBSERVE),
    look("acm:ListCertificates", OBSERVE),
    look("acm:ListTagsForCertificate", OBSERVE),
    make(
        "acm:RequestCertificate",
        BALANCING,
        &[(Target::Any, When::TaggedInRequest)],
    ),
    make(
        "autoscaling:CreateAutoScalingGroup",
        SCALING,
        &[(FLEET, When::TaggedInRequest)],
    ),
    make(
        "autoscaling:DeleteAutoScalingGroup",
        DISMANTLE,
        &[(FLEET, When::TaggedAlready)],
    ),
    look("autoscaling:DescribeAutoScalingGroups", OBSERVE),
    look("autoscaling:DescribeInstanceRefreshes", OBSERVE),
    look("autoscaling:DescribePolicies", OBSERVE),
    look("autoscaling:DescribeScalingActivities", OBSERVE),
    make(
        "autoscaling:PutScalingPolicy",
        SCALING,
        &[(FLEET, When::TaggedAlready)],
    ),
    make(
        "autoscaling:StartInstanceRefresh",
        SCALING,
        &[(FLEET, When::TaggedAlready)],
    ),
    make(
        "autoscaling:UpdateAutoScalingGroup",
        SCALING,
        &[(FLEET, When::TaggedAlready)],
    ),
    look("cloudtrail:LookupEvents", &[StepClass::Audit]),
    make("ec2:AllocateAddress", COMPUTE, &[made("elastic-ip")]),
    change("ec2:AssociateAddress", COMPUTE),
    change("ec2:AssociateRouteTable", NETWORK),
    change("ec2:AttachInternetGateway", NETWORK),
    change("ec2:AuthorizeSecurityGroupIngress", NETWORK),
    make("ec2:CreateInternetGateway", NETWORK, &[made("internet-gateway")]),
    make("ec2:CreateLaunchTemplate", COMPUTE, &[made("launch-template")]),
    change("ec2:CreateLaunchTemplateVersion", COMPUTE),
    make(
        "ec2:CreateNatGateway",
        NETWORK,
        &[made("natgateway"), ours("subnet"), ours("elastic-ip")],
    ),
    change("ec2:CreateRoute", NETWORK),
    make(
        "ec2:CreateRouteTable",
        NETWORK,
        &[made("route-table"), ours("vpc")],
    ),
    make(
        "ec2:CreateSecurityGroup",
        NETWORK,
        &[made("security-group"), ours("vpc"), offered("vpc")],
    ),
    make("ec2:CreateSubnet", NETWORK, &[made("subnet"), ours("vpc")]),
    // Tags are asked for as an action of their own, by each call that tags what it makes.
    make(
        "ec2:CreateTags",
        &[StepClass::Network, StepClass::Compute, StepClass::Scaling],
        &[(Target::Ec2("*"), When::AtCreation)],
    ),
    make("ec2:CreateVpc", NETWORK, &[made("vpc")]),
    make(
        "ec2:CreateVpcEndpoint",
        NETWORK,
        &[made("vpc-endpoint"), ours("vpc"), ours("route-table")],
    ),
    change("ec2:DeleteInternetGateway", TAKE_DOWN),
    change("ec2:DeleteLaunchTemplate", DISMANTLE),
    change("ec2:DeleteNatGateway", TAKE_DOWN),
    change("ec2:DeleteRouteTable", TAKE_DOWN),
    change("ec2:DeleteSecurityGroup", TAKE_DOWN),
    change("ec2:DeleteSubnet", TAKE_DOWN),
    change("ec2:DeleteVpc", TAKE_DOWN),
    change("ec2:DeleteVpcEndpoints", TAKE_DOWN),
    look("ec2:DescribeAddresses", LOOKING),
    look("ec2:DescribeImages", OBSERVE),
    look("ec2:DescribeInstanceTypeOfferings", LOOKING),
    look("ec2:DescribeInstanceTypes", PREFLIGHT),
    look("ec2:DescribeInstances", LOOKING),
    look("ec2:DescribeInternetGateways", OBSERVE),
    look("ec2:DescribeLaunchTemplateVersions", OBSERVE),
    look("ec2:DescribeLaunchTemplates", OBSERVE),
    look("ec2:DescribeNatGateways", LOOKING),
    look("ec2:DescribeNetworkInterfaces", SWEEP),
    look(
        "ec2:DescribeRegions",
        &[StepClass::Observe, StepClass::Sweep, StepClass::Audit],
    ),
    look("ec2:DescribeRouteTables", LOOKING),
    look("ec2:DescribeSecurityGroupRules", OBSERVE),
    look("ec2:DescribeSecurityGroups", OBSERVE),
    look("ec2:DescribeSubnets", LOOKING),
    look("ec2:DescribeVolumes", OBSERVE),
    look("ec2:DescribeVpcAttribute", LOOKING),
    look("ec2:DescribeVpcEndpoints", OBSERVE),
    look("ec2:DescribeVpcPeeringConnections", PREFLIGHT),
    look("ec2:DescribeVpcs", LOOKING),
    change("ec2:DetachInternetGateway", TAKE_DOWN),
    change("ec2:DisassociateAddress", TAKE_DOWN),
    change("ec2:DisassociateRouteTable", TAKE_DOWN),
    look("ec2:GetEbsDefaultKmsKeyId", PREFLIGHT),
    change("ec2:ModifyInstanceAttribute", COMPUTE),
    change("ec2:ModifyVpcAttribute", NETWORK),
    change("ec2:ModifyVpcEndpoint", NETWORK),
    change("ec2:ReleaseAddress", TAKE_DOWN),
    change("ec2:ReplaceRoute", NETWORK),
    change("ec2:RevokeSecurityGroupIngress", TAKE_DOWN),
    make(
        "ec2:RunInstances",
        LAUNCHING,
        &[
            made("instance"),
            made("network-interface"),
            made("volume"),
            ours("launch-template"),
            ours("security-group"),
            ours("subnet"),
            (Target::Ec2("subnet"), When::OfferedSubnet),
            // Whatever the image, it is reached only together with the kinds above.
            (Target::Image, When::Always),
        ],
    ),
    change("ec2:StartInstances", COMPUTE),
    change("ec2:StopInstances", COMPUTE),
    change("ec2:TerminateInstances", DISMANTLE),
    make(
        "elasticloadbalancing:AddTags",
        BALANCING,
        &[(BALANCER, When::AtBalancing), (TARGETS, When::AtBalancing)],
    ),
    make(
        "elasticloadbalancing:CreateListener",
        BALANCING,
        &[(BALANCER, When::TaggedAlready)],
    ),
    make(
        "elasticloadbalancing:CreateLoadBalancer",
        BALANCING,
        &[(BALANCER, When::TaggedInRequest)],
    ),
    make(
        "elasticloadbalancing:CreateTargetGroup",
        BALANCING,
        &[(TARGETS, When::TaggedInRequest)],
    ),
    make(
        "elasticloadbalancing:DeleteLoadBalancer",
        DISMANTLE,
        &[(BALANCER, When::TaggedAlready)],
    ),
    make(
        "elasticloadbalancing:DeleteTargetGroup",
        DISMANTLE,
        &[(TARGETS, When::TaggedAlready)],
    ),
    look("elasticloadbalancing:DescribeListeners", OBSERVE),
    look("elasticloadbalancing:DescribeLoadBalancers", LOOKING),
    look("elasticloadbalancing:DescribeTags", OBSERVE),
    look("elasticloadbalancing:DescribeTargetGroups", OBSERVE),
    look("elasticloadbalancing:DescribeTargetHealth", OBSERVE),
    make(
        "iam:CreateServiceLinkedRole",
        &[StepClass::Balancing, StepClass::Scaling, StepClass::Data],
        &[(Target::LinkedRoles, When::ForServices)],
    ),
    make(
        "iam:GetRole",
        IDENTITY,
        &[
            (Target::OwnRole, When::Always),
            (Target::ServiceRoles, When::Always),
        ],
    ),
    make(
        "iam:SimulatePrincipalPolicy",
        IDENTITY,
        &[(Target::OwnRole, When::Always)],
    ),
    // A database is encrypted with a key that RDS uses as us (RDS user guide, "Encrypting Amazon RDS resources").
    make(
        "kms:CreateGrant",
        DATA,
        &[(Target::Of("kms", "key/*"), When::ByDatabases)],
    ),
    make(
        "kms:DescribeKey",
        &[StepClass::Data, StepClass::Preflight],
        &[(Target::Of("kms", "key/*"), When::Always)],
    ),
    make(
        "rds:AddTagsToResource",
        DATA,
        &[
            (DATABASE, When::TaggedInRequest),
            (DATABASE_SUBNETS, When::TaggedInRequest),
        ],
    ),
    make(
        "rds:CreateDBInstance",
        DATA,
        &[
            (DATABASE, When::TaggedInRequest),
            (DATABASE_SUBNETS, When::TaggedAlready),
        ],
    ),
    make(
        "rds:CreateDBSubnetGroup",
        DATA,
        &[(DATABASE_SUBNETS, When::TaggedInRequest)],
    ),
    make(
        "rds:DeleteDBInstance",
        DISMANTLE,
        &[(DATABASE, When::TaggedAlready)],
    ),
    make(
        "rds:DeleteDBSubnetGroup",
        DISMANTLE,
        &[(DATABASE_SUBNETS, When::TaggedAlready)],
    ),
    look("rds:DescribeDBInstances", OBSERVE),
    look("rds:DescribeDBSubnetGroups", OBSERVE),
    look("rds:ListTagsForResource", OBSERVE),
    make("rds:StartDBInstance", DATA, &[(DATABASE, When::TaggedAlready)]),
    make("rds:StopDBInstance", DATA, &[(DATABASE, When::TaggedAlready)]),
    // RDS keeps the master password as us (RDS user guide, "Password management with Amazon RDS and AWS Secrets
    // Manager").
    make(
        "secretsmanager:CreateSecret",
        DATA,
        &[(SECRET, When::ThroughService)],
    ),
    make(
        "secretsmanager:TagResource",
        DATA,
        &[(SECRET, When::ThroughService)],
    ),
    look("servicequotas:GetAWSDefaultServiceQuota", PREFLIGHT),
    look("servicequotas:GetServiceQuota", PREFLIGHT),
    look("tag:GetResources", SWEEP),
];
