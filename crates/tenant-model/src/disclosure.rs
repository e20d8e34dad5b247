//! What the operator may do in a customer's account, in words for the customer's security team.
//!
//! Made from [`crate::permissions::NEEDS`], the list that the role's policy, its boundary and every session's policy
//! are compiled from: what stands here is what IAM enforces. Each action has a reason in words; a test refuses one
//! without.

use crate::permissions::{NEEDS, Need, Target, When};
use crate::simulation::{ESCALATIONS, Foreign};

/// Why an action is needed, sorted by action.
const REASONS: &[(&str, &str)] = &[
    ("acm:DeleteCertificate", "take down the platform's certificate"),
    ("acm:DescribeCertificate", "see whether the certificate is issued"),
    ("acm:ListCertificates", "find the platform's certificate"),
    ("acm:ListTagsForCertificate", "tell our certificate from yours"),
    (
        "acm:RequestCertificate",
        "request the certificate of the platform's name",
    ),
    (
        "autoscaling:CreateAutoScalingGroup",
        "make the group that keeps the platform's machines alive",
    ),
    (
        "autoscaling:DeleteAutoScalingGroup",
        "take down the group of machines",
    ),
    (
        "autoscaling:DescribeAutoScalingGroups",
        "see the group and its machines",
    ),
    (
        "autoscaling:DescribeInstanceRefreshes",
        "see how far a rolling replacement is",
    ),
    ("autoscaling:DescribePolicies", "see how the group scales"),
    (
        "autoscaling:DescribeScalingActivities",
        "see why a machine could not be started",
    ),
    (
        "autoscaling:PutScalingPolicy",
        "say at which load the group grows",
    ),
    (
        "autoscaling:StartInstanceRefresh",
        "replace the machines one after the other, without downtime",
    ),
    (
        "autoscaling:UpdateAutoScalingGroup",
        "change the group's size or template, and pause it",
    ),
    (
        "cloudtrail:LookupEvents",
        "compare what the account's own log says of us with our ledger",
    ),
    ("ec2:AllocateAddress", "take a public address for the platform"),
    (
        "ec2:AssociateAddress",
        "give the address to the platform's machine",
    ),
    ("ec2:AssociateRouteTable", "connect a subnet with its routes"),
    (
        "ec2:AttachInternetGateway",
        "connect the platform's network with the internet",
    ),
    (
        "ec2:AuthorizeSecurityGroupIngress",
        "open the platform's own port in its own firewall group",
    ),
    ("ec2:CreateInternetGateway", "make the way to the internet"),
    (
        "ec2:CreateLaunchTemplate",
        "say how a machine of the group starts",
    ),
    (
        "ec2:CreateLaunchTemplateVersion",
        "say how a new machine of the group starts",
    ),
    ("ec2:CreateNatGateway", "make the way out of private subnets"),
    ("ec2:CreateRoute", "lead the platform's traffic"),
    ("ec2:CreateRouteTable", "make a table of routes"),
    ("ec2:CreateSecurityGroup", "make the platform's firewall group"),
    ("ec2:CreateSubnet", "make a part of the platform's network"),
    (
        "ec2:CreateTags",
        "tag what is made in the call that makes it, and nothing else",
    ),
    ("ec2:CreateVpc", "make the platform's own network"),
    ("ec2:CreateVpcEndpoint", "reach S3 without leaving the network"),
    ("ec2:DeleteInternetGateway", "take down the way to the internet"),
    ("ec2:DeleteLaunchTemplate", "take down the launch template"),
    ("ec2:DeleteNatGateway", "take down the way out of private subnets"),
    ("ec2:DeleteRouteTable", "take down a table of routes"),
    ("ec2:DeleteSecurityGroup", "take down the firewall group"),
    ("ec2:DeleteSubnet", "take down a part of the network"),
    ("ec2:DeleteVpc", "take down the platform's own network"),
    ("ec2:DeleteVpcEndpoints", "take down the way to S3"),
    (
        "ec2:DescribeAddresses",
        "see the platform's address and how many are left",
    ),
    ("ec2:DescribeImages", "see the image that the machine starts from"),
    (
        "ec2:DescribeInstanceTypeOfferings",
        "see in which zones a machine is offered",
    ),
    ("ec2:DescribeInstanceTypes", "see how many vCPUs a machine has"),
    (
        "ec2:DescribeInstances",
        "see whether the machine runs and how many vCPUs are left",
    ),
    ("ec2:DescribeInternetGateways", "see the way to the internet"),
    (
        "ec2:DescribeLaunchTemplateVersions",
        "see how machines of the group start",
    ),
    ("ec2:DescribeLaunchTemplates", "see the launch template"),
    (
        "ec2:DescribeNatGateways",
        "see the way out of private subnets and how many are left",
    ),
    (
        "ec2:DescribeNetworkInterfaces",
        "see whether anything still hangs in the platform's network",
    ),
    ("ec2:DescribeRegions", "see whether the region is enabled"),
    ("ec2:DescribeRouteTables", "see where traffic is led"),
    (
        "ec2:DescribeSecurityGroupRules",
        "see whether the firewall group's rules were changed",
    ),
    (
        "ec2:DescribeSecurityGroups",
        "see whether the firewall group was changed",
    ),
    (
        "ec2:DescribeSubnets",
        "see the parts of the network and their free addresses",
    ),
    ("ec2:DescribeVolumes", "see the machine's disk"),
    (
        "ec2:DescribeVpcAttribute",
        "see whether names are resolved in a network",
    ),
    ("ec2:DescribeVpcEndpoints", "see the way to S3"),
    (
        "ec2:DescribeVpcPeeringConnections",
        "see with which networks a new one must not overlap",
    ),
    (
        "ec2:DescribeVpcs",
        "see the networks, so that a new one does not overlap",
    ),
    (
        "ec2:DetachInternetGateway",
        "disconnect the platform's network from the internet",
    ),
    ("ec2:DisassociateAddress", "take the address off the machine"),
    (
        "ec2:DisassociateRouteTable",
        "disconnect a subnet from its routes",
    ),
    (
        "ec2:GetEbsDefaultKmsKeyId",
        "see which key disks are encrypted with",
    ),
    (
        "ec2:ModifyInstanceAttribute",
        "change the size of the platform's machine",
    ),
    (
        "ec2:ModifyVpcAttribute",
        "switch on the resolution of names in the platform's network",
    ),
    ("ec2:ModifyVpcEndpoint", "lead another route table to S3"),
    ("ec2:ReleaseAddress", "give the address back"),
    ("ec2:ReplaceRoute", "lead the platform's traffic another way"),
    (
        "ec2:RevokeSecurityGroupIngress",
        "close a port of the platform's firewall group",
    ),
    ("ec2:RunInstances", "start the platform's machine"),
    ("ec2:StartInstances", "start the machine again after a pause"),
    ("ec2:StopInstances", "pause the machine"),
    ("ec2:TerminateInstances", "end the machine"),
    (
        "elasticloadbalancing:AddTags",
        "tag what is made in the call that makes it, and nothing else",
    ),
    (
        "elasticloadbalancing:CreateListener",
        "let the load balancer answer on its port",
    ),
    (
        "elasticloadbalancing:CreateLoadBalancer",
        "make the platform's load balancer",
    ),
    (
        "elasticloadbalancing:CreateTargetGroup",
        "say which machines the load balancer leads to",
    ),
    (
        "elasticloadbalancing:DeleteLoadBalancer",
        "take down the load balancer",
    ),
    (
        "elasticloadbalancing:DeleteTargetGroup",
        "take down its group of machines",
    ),
    (
        "elasticloadbalancing:DescribeListeners",
        "see on which ports the load balancer answers",
    ),
    (
        "elasticloadbalancing:DescribeLoadBalancers",
        "see the platform's load balancer and how many are left",
    ),
    (
        "elasticloadbalancing:DescribeTags",
        "tell our load balancer from yours",
    ),
    (
        "elasticloadbalancing:DescribeTargetGroups",
        "see the group of machines",
    ),
    (
        "elasticloadbalancing:DescribeTargetHealth",
        "see which machines are well",
    ),
    (
        "iam:CreateServiceLinkedRole",
        "let Auto Scaling, load balancing and RDS have the roles that AWS makes for them",
    ),
    (
        "iam:GetRole",
        "read this role's own trust policy and prove that it lets in nobody else; see whether AWS's services have theirs",
    ),
    (
        "iam:SimulatePrincipalPolicy",
        "ask what this role may do, without doing it",
    ),
    (
        "kms:CreateGrant",
        "let RDS use the key that the database is encrypted with",
    ),
    (
        "kms:DescribeKey",
        "see whether the key that disks are encrypted with works",
    ),
    ("rds:AddTagsToResource", "tag the database as it is made"),
    ("rds:CreateDBInstance", "make the platform's database"),
    (
        "rds:CreateDBSubnetGroup",
        "say in which subnets the database stands",
    ),
    ("rds:DeleteDBInstance", "take down the database"),
    ("rds:DeleteDBSubnetGroup", "take down its group of subnets"),
    ("rds:DescribeDBInstances", "see the database"),
    ("rds:DescribeDBSubnetGroups", "see its group of subnets"),
    ("rds:ListTagsForResource", "tell our database from yours"),
    ("rds:StartDBInstance", "start the database again after a pause"),
    ("rds:StopDBInstance", "pause the database"),
    (
        "secretsmanager:CreateSecret",
        "let RDS keep the database's password where nobody sees it",
    ),
    ("secretsmanager:TagResource", "let RDS tag that secret"),
    (
        "servicequotas:GetAWSDefaultServiceQuota",
        "see what an account may have",
    ),
    ("servicequotas:GetServiceQuota", "see what your account may have"),
    (
        "tag:GetResources",
        "find whatever carries our tags, wherever it is",
    ),
];

/// One action as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disclosed {
    /// In the words of a policy.
    pub action: &'static str,
    /// What for.
    pub reason: &'static str,
    /// Whether it only looks.
    pub looks: bool,
    /// In which kinds of step it is called.
    pub steps: Vec<&'static str>,
    /// On what, and under which condition.
    pub on: Vec<DisclosedTarget>,
}

/// A resource and a condition in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DisclosedTarget {
    /// As it stands in the policy, with the account left out.
    pub resource: &'static str,
    /// In words.
    pub condition: &'static str,
}

/// Every action of the role, sorted.
#[must_use]
pub fn permissions() -> Vec<Disclosed> {
    NEEDS.iter().map(disclosed).collect()
}

fn disclosed(need: &Need) -> Disclosed {
    Disclosed {
        action: need.action,
        reason: reason(need.action).unwrap_or_default(),
        looks: need.is_look(),
        steps: need.classes.iter().map(|class| class.name()).collect(),
        on: need
            .on
            .iter()
            .map(|(target, when)| told(*target, *when))
            .collect(),
    }
}

fn reason(action: &str) -> Option<&'static str> {
    let mut reasons = REASONS.iter();
    reasons.find(|(of, _)| *of == action).map(|(_, reason)| *reason)
}

fn told(target: Target, when: When) -> DisclosedTarget {
    DisclosedTarget {
        resource: resource(target),
        condition: condition(when),
    }
}

fn resource(target: Target) -> &'static str {
    match target {
        Target::Any => "the account (AWS knows no narrower resource)",
        Target::Ec2(kind) => ec2_words(kind),
        Target::Image => "machine images",
        Target::Of(service, end) => of_words(service, end),
        Target::OwnRole => "this role",
        Target::LinkedRoles | Target::ServiceRoles => "the roles of AWS's own services",
    }
}

/// Other services' things by their names; a kind without words goes by the end of its ARN.
fn of_words(service: &str, end: &'static str) -> &'static str {
    match (service, end.split([':', '/']).next().unwrap_or_default()) {
        ("elasticloadbalancing", "loadbalancer") => "load balancers named tn…",
        ("elasticloadbalancing", "targetgroup") => "target groups named tn…",
        ("acm", _) => "certificates",
        ("rds", "db") => "databases named tenantry-…",
        ("rds", "subgrp") => "database subnet groups named tenantry-…",
        ("autoscaling", _) => "Auto Scaling groups named tenantry-…",
        ("secretsmanager", _) => "secrets that RDS keeps for a database",
        ("kms", _) => "encryption keys",
        _ => end,
    }
}

/// EC2's kinds go by their own names.
const fn ec2_words(kind: &'static str) -> &'static str {
    match kind.as_bytes() {
        b"*" => "everything in EC2",
        _ => kind,
    }
}

const fn condition(when: When) -> &'static str {
    match when {
        When::Always => "none",
        When::TaggedInRequest => "only if the call tags it tenantry:tenant = your tenant id",
        When::TaggedAlready => "only what carries tenantry:tenant = your tenant id",
        When::AtCreation | When::AtBalancing => {
            "only within the call that makes it, with the tag tenantry:tenant = your tenant id"
        }
        When::Offered => "only what you tagged tenantry:use = your tenant id",
        When::OfferedSubnet => "only subnets that you tagged tenantry:subnet = public or private",
        When::ForServices => "only for Auto Scaling, Elastic Load Balancing and RDS",
        When::ByDatabases => "only through RDS",
        When::ThroughService => "only through a service of AWS's, never by us directly",
    }
}

/// What kind of thing a forbidden way leads to, in words.
#[must_use]
pub const fn foreign_words(on: Foreign) -> &'static str {
    match on {
        Foreign::OwnRole => "this role itself",
        Foreign::OwnPolicy => "this role's policy",
        Foreign::AdminRole => "other roles",
        Foreign::People => "users and groups",
        Foreign::Machine => "machines without your tenant's tag",
        Foreign::Network => "networks without your tenant's tag",
        Foreign::Elsewhere => "everything else",
    }
}

/// Both lists as tables of Markdown, for the guide.
#[must_use]
pub fn markdown() -> String {
    let mut lines = vec![
        "| action | what for | on | condition |".to_owned(),
        "|---|---|---|---|".to_owned(),
    ];
    for permission in permissions() {
        for (index, target) in permission.on.iter().enumerate() {
            let (action, reason) = if index == 0 {
                (format!("`{}`", permission.action), permission.reason)
            } else {
                (String::new(), "")
            };
            lines.push(format!(
                "| {action} | {reason} | {} | {} |",
                target.resource, target.condition
            ));
        }
    }
    lines.push(String::new());
    lines.push("Denied by the same policy, and asked of IAM's simulator with every proof:".to_owned());
    lines.push(String::new());
    lines.push("| action | on | what it would give |".to_owned());
    lines.push("|---|---|---|".to_owned());
    for way in ESCALATIONS {
        lines.push(format!(
            "| `{}` | {} | {} |",
            way.action,
            foreign_words(way.on),
            way.gives
        ));
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/security.md");
    const BEGIN: &str = "<!-- begin: compiled from crates/tenant-model/src/permissions -->\n";
    const END: &str = "<!-- end: compiled -->\n";

    #[test]
    fn every_action_has_its_reason_and_no_reason_is_for_nothing() {
        assert!(REASONS.is_sorted_by(|one, next| one.0 < next.0));
        for permission in permissions() {
            assert!(
                !permission.reason.is_empty(),
                "say in REASONS why {} is needed",
                permission.action
            );
        }
        for (action, _) in REASONS {
            assert!(
                NEEDS.iter().any(|need| need.action == *action),
                "nobody needs {action}"
            );
        }
    }

    #[test]
    fn what_changes_something_says_under_which_condition() {
        for permission in permissions().iter().filter(|permission| !permission.looks) {
            let bound =
                |target: &DisclosedTarget| target.condition != "none" || target.resource == "machine images";
            assert!(permission.on.iter().all(bound), "{permission:?}");
        }
    }

    /// `RENEW_GUIDE=1 cargo test -p tenant-model disclosure` writes the part of the guide anew.
    #[test]
    fn the_guide_tells_the_same() {
        let guide = std::fs::read_to_string(GUIDE).expect("the guide is there");
        let (before, rest) = guide.split_once(BEGIN).expect("the beginning is marked");
        let (told, after) = rest.split_once(END).expect("the end is marked");
        if std::env::var_os("RENEW_GUIDE").is_some() {
            let renewed = format!("{before}{BEGIN}{}{END}{after}", markdown());
            std::fs::write(GUIDE, renewed).expect("the guide can be written");
            return;
        }
        assert_eq!(
            told,
            markdown(),
            "RENEW_GUIDE=1 cargo test -p tenant-model disclosure"
        );
    }
}
