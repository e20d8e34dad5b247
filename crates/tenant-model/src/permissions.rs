//! What our work needs in a tenant's account, declared step by step, and the policies compiled from it.
//!
//! Nobody writes a policy by hand. Each action stands here once, with the resources it touches and the condition under
//! which it may: the role's policy and its boundary in the customer's template, and the session policy of each class
//! of step, come from this one list. Reading is allowed as such; making only with the tenant's tag in the request,
//! changing and deleting only what carries it. Resource types and conditions: Service Authorization Reference,
//! "Actions, resources, and condition keys for Amazon EC2", "… for AWS IAM" and "… for Service Quotas".

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::ids::TenantId;

/// Key of the tag that names the tenant, in the request and on the resource.
const REQUEST_TAG: &str = "aws:RequestTag/tenantry:tenant";
const RESOURCE_TAG: &str = "aws:ResourceTag/tenantry:tenant";

/// A group of calls that are made under one session policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StepClass {
    /// Looking.
    Observe,
    /// Making and wiring the network.
    Network,
    /// Making, starting and stopping instances and their address.
    Compute,
    /// Taking down.
    Delete,
    /// Reading our own role.
    Identity,
    /// Looking what fits into the account.
    Preflight,
}

/// Every class, for tests and listings.
pub const STEP_CLASSES: [StepClass; 6] = [
    StepClass::Observe,
    StepClass::Network,
    StepClass::Compute,
    StepClass::Delete,
    StepClass::Identity,
    StepClass::Preflight,
];

/// On what an action works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// The action knows no resources.
    Any,
    /// One kind of EC2's resources in the tenant's account.
    Ec2(&'static str),
    /// Images, which belong to whoever published them.
    Image,
    /// The role itself.
    OwnRole,
}

/// Under which condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum When {
    /// Under none.
    Always,
    /// The request tags what it makes as the tenant's.
    TaggedInRequest,
    /// The resource is tagged as the tenant's.
    TaggedAlready,
    /// As part of a creation that is in this list and tags as the tenant's.
    AtCreation,
}

/// One action that our work needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// In the words of a policy.
    pub action: &'static str,
    /// In which classes of step it is called.
    pub classes: &'static [StepClass],
    /// What it touches, and when it may.
    pub on: &'static [(Target, When)],
}

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

const OBSERVE: &[StepClass] = &[StepClass::Observe];
const NETWORK: &[StepClass] = &[StepClass::Network];
const COMPUTE: &[StepClass] = &[StepClass::Compute];
const DELETE: &[StepClass] = &[StepClass::Delete];
const PREFLIGHT: &[StepClass] = &[StepClass::Preflight];
const LOOKING: &[StepClass] = &[StepClass::Observe, StepClass::Preflight];
const INSIDE: (Target, When) = (Target::Ec2("vpc"), When::TaggedAlready);

const fn made(kind: &'static str) -> (Target, When) {
    (Target::Ec2(kind), When::TaggedInRequest)
}

/// Everything that our work calls, sorted by action.
pub const NEEDS: &[Need] = &[
    make("ec2:AllocateAddress", COMPUTE, &[made("elastic-ip")]),
    change("ec2:AssociateAddress", COMPUTE),
    change("ec2:AssociateRouteTable", NETWORK),
    change("ec2:AttachInternetGateway", NETWORK),
    change("ec2:AuthorizeSecurityGroupIngress", NETWORK),
    make("ec2:CreateInternetGateway", NETWORK, &[made("internet-gateway")]),
    change("ec2:CreateRoute", NETWORK),
    make("ec2:CreateRouteTable", NETWORK, &[made("route-table"), INSIDE]),
    make(
        "ec2:CreateSecurityGroup",
        NETWORK,
        &[made("security-group"), INSIDE],
    ),
    make("ec2:CreateSubnet", NETWORK, &[made("subnet"), INSIDE]),
    // Tags are asked for as an action of their own, by each call that tags what it makes.
    make(
        "ec2:CreateTags",
        &[StepClass::Network, StepClass::Compute],
        &[(Target::Ec2("*"), When::AtCreation)],
    ),
    make("ec2:CreateVpc", NETWORK, &[made("vpc")]),
    change("ec2:DeleteInternetGateway", DELETE),
    change("ec2:DeleteRouteTable", DELETE),
    change("ec2:DeleteSecurityGroup", DELETE),
    change("ec2:DeleteSubnet", DELETE),
    change("ec2:DeleteVpc", DELETE),
    look("ec2:DescribeAddresses", LOOKING),
    look("ec2:DescribeImages", OBSERVE),
    look("ec2:DescribeInstanceTypeOfferings", PREFLIGHT),
    look("ec2:DescribeInstanceTypes", PREFLIGHT),
    look("ec2:DescribeInstances", LOOKING),
    look("ec2:DescribeInternetGateways", OBSERVE),
    look("ec2:DescribeNatGateways", PREFLIGHT),
    look("ec2:DescribeRegions", OBSERVE),
    look("ec2:DescribeRouteTables", LOOKING),
    look("ec2:DescribeSecurityGroups", OBSERVE),
    look("ec2:DescribeSubnets", LOOKING),
    look("ec2:DescribeVolumes", OBSERVE),
    look("ec2:DescribeVpcAttribute", LOOKING),
    look("ec2:DescribeVpcs", LOOKING),
    change("ec2:DetachInternetGateway", DELETE),
    change("ec2:DisassociateAddress", DELETE),
    change("ec2:DisassociateRouteTable", DELETE),
    change("ec2:ModifyVpcAttribute", NETWORK),
    change("ec2:ReleaseAddress", DELETE),
    make(
        "ec2:RunInstances",
        COMPUTE,
        &[
            made("instance"),
            made("network-interface"),
            made("volume"),
            (Target::Ec2("subnet"), When::TaggedAlready),
            (Target::Ec2("security-group"), When::TaggedAlready),
            // Whatever the image, it is reached only together with the kinds above.
            (Target::Image, When::Always),
        ],
    ),
    change("ec2:StartInstances", COMPUTE),
    change("ec2:StopInstances", COMPUTE),
    change("ec2:TerminateInstances", DELETE),
    make(
        "iam:GetRole",
        &[StepClass::Identity],
        &[(Target::OwnRole, When::Always)],
    ),
    make(
        "iam:SimulatePrincipalPolicy",
        &[StepClass::Identity],
        &[(Target::OwnRole, When::Always)],
    ),
    look("servicequotas:GetAWSDefaultServiceQuota", PREFLIGHT),
    look("servicequotas:GetServiceQuota", PREFLIGHT),
];

impl StepClass {
    /// Stable name, used as a session tag.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Network => "network",
            Self::Compute => "compute",
            Self::Delete => "delete",
            Self::Identity => "identity",
            Self::Preflight => "preflight",
        }
    }

    /// The actions of the class.
    #[must_use]
    pub fn actions(self) -> Vec<&'static str> {
        self.needs().map(|need| need.action).collect()
    }

    fn needs(self) -> impl Iterator<Item = &'static Need> {
        NEEDS.iter().filter(move |need| need.classes.contains(&self))
    }
}

/// Actions that do the same to the same under the same condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The condition.
    pub when: When,
    /// Sorted.
    pub actions: Vec<&'static str>,
    /// Sorted.
    pub targets: Vec<Target>,
}

/// Groups needs into as few statements as say exactly the same: no action gets a resource that it does not need.
#[must_use]
pub fn grants<'a>(needs: impl IntoIterator<Item = &'a Need>) -> Vec<Grant> {
    let mut by_target: BTreeMap<(When, Target), Vec<&'static str>> = BTreeMap::new();
    for need in needs {
        for (target, when) in need.on {
            by_target.entry((*when, *target)).or_default().push(need.action);
        }
    }
    let mut grants: Vec<Grant> = Vec::new();
    for ((when, target), actions) in by_target {
        match grants
            .iter_mut()
            .find(|grant| grant.when == when && grant.actions == actions)
        {
            Some(grant) => grant.targets.push(target),
            None => grants.push(Grant {
                when,
                actions,
                targets: vec![target],
            }),
        }
    }
    grants
}

/// Creations that tag what they make, without the service's name: values of `ec2:CreateAction`.
#[must_use]
pub fn tagging_creations() -> Vec<&'static str> {
    let tags = |need: &&Need| need.on.iter().any(|(_, when)| *when == When::TaggedInRequest);
    NEEDS
        .iter()
        .filter(tags)
        .filter_map(|need| need.action.strip_prefix("ec2:"))
        .collect()
}

/// Whose session it is, and where.
#[derive(Clone, Copy, Debug)]
pub struct SessionScope<'a> {
    /// Value of the tag.
    pub tenant_id: TenantId,
    /// The tenant's account.
    pub account: &'a str,
    /// Where calls may go.
    pub region: &'a str,
}

/// The session policy of a class: its actions, for this tenant's tag, in this region. One statement per condition,
/// because its length is limited; which action meets which resource is the role's own policy's to say, and a role that
/// were wider would not widen the session beyond the tag.
#[must_use]
pub fn session_document(class: StepClass, scope: &SessionScope<'_>) -> Value {
    let statements: Vec<Value> = merged(grants(class.needs()))
        .iter()
        .map(|grant| session_statement(grant, class, scope))
        .collect();
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn merged(grants: Vec<Grant>) -> Vec<Grant> {
    let mut merged: Vec<Grant> = Vec::new();
    for grant in grants {
        match merged.iter_mut().find(|other| other.when == grant.when) {
            Some(other) => {
                other.actions.extend(grant.actions);
                other.targets.extend(grant.targets);
            }
            None => merged.push(grant),
        }
    }
    for grant in &mut merged {
        grant.actions.sort_unstable();
        grant.actions.dedup();
        grant.targets.sort_unstable();
        grant.targets.dedup();
        // Every kind contains each of them.
        if grant.targets.contains(&Target::Ec2("*")) {
            grant.targets = vec![Target::Ec2("*")];
        }
    }
    merged
}

fn session_statement(grant: &Grant, class: StepClass, scope: &SessionScope<'_>) -> Value {
    let tenant = scope.tenant_id.to_string();
    let mut equals = match grant.when {
        When::Always => json!({}),
        When::TaggedInRequest => json!({ REQUEST_TAG: tenant }),
        When::TaggedAlready => json!({ RESOURCE_TAG: tenant }),
        When::AtCreation => json!({ REQUEST_TAG: tenant, "ec2:CreateAction": tagging_creations() }),
    };
    // IAM is not regional: its calls are signed for one fixed region.
    if class != StepClass::Identity {
        equals["aws:RequestedRegion"] = json!(scope.region);
    }
    let resources: Vec<String> = grant.targets.iter().map(|target| arn(*target, scope)).collect();
    let mut statement = json!({ "Effect": "Allow", "Action": grant.actions, "Resource": resources });
    if equals != json!({}) {
        statement["Condition"] = json!({ "StringEquals": equals });
    }
    statement
}

fn arn(target: Target, scope: &SessionScope<'_>) -> String {
    let account = scope.account;
    match target {
        Target::Any => "*".to_owned(),
        Target::Ec2("*") => format!("arn:aws:ec2:*:{account}:*/*"),
        Target::Ec2(kind) => format!("arn:aws:ec2:*:{account}:{kind}/*"),
        Target::Image => "arn:aws:ec2:*::image/*".to_owned(),
        Target::OwnRole => format!("arn:aws:iam::{account}:role/tenantry/*"),
    }
}

/// The statements of the customer's template, as YAML of CloudFormation, each line behind `indent`.
#[must_use]
pub fn template_statements(indent: &str) -> String {
    let mut lines = Vec::new();
    for (grant, number) in grants(NEEDS).iter().zip(1..) {
        statement_lines(&mut lines, grant, number);
    }
    lines.iter().map(|line| format!("{indent}{line}\n")).collect()
}

fn statement_lines(lines: &mut Vec<String>, grant: &Grant, number: usize) {
    lines.push(format!("- Sid: {}{number}", sid(grant.when)));
    lines.push("  Effect: Allow".to_owned());
    lines.push("  Action:".to_owned());
    lines.extend(grant.actions.iter().map(|action| format!("    - {action}")));
    lines.push("  Resource:".to_owned());
    lines.extend(
        grant
            .targets
            .iter()
            .map(|target| format!("    - {}", template_arn(*target))),
    );
    let tag = match grant.when {
        When::Always => return,
        When::TaggedInRequest | When::AtCreation => REQUEST_TAG,
        When::TaggedAlready => RESOURCE_TAG,
    };
    lines.push("  Condition:".to_owned());
    lines.push("    StringEquals:".to_owned());
    lines.push(format!("      {tag}: !Ref TenantId"));
    if grant.when == When::AtCreation {
        lines.push("      ec2:CreateAction:".to_owned());
        lines.extend(
            tagging_creations()
                .iter()
                .map(|action| format!("        - {action}")),
        );
    }
}

const fn sid(when: When) -> &'static str {
    match when {
        When::Always => "Always",
        When::TaggedInRequest => "MakeTagged",
        When::TaggedAlready => "ChangeTagged",
        When::AtCreation => "TagAtCreation",
    }
}

fn template_arn(target: Target) -> String {
    match target {
        Target::Any => "\"*\"".to_owned(),
        Target::Ec2("*") => "!Sub \"arn:aws:ec2:*:${AWS::AccountId}:*/*\"".to_owned(),
        Target::Ec2(kind) => format!("!Sub \"arn:aws:ec2:*:${{AWS::AccountId}}:{kind}/*\""),
        Target::Image => "\"arn:aws:ec2:*::image/*\"".to_owned(),
        Target::OwnRole => "!Sub \"arn:aws:iam::${AWS::AccountId}:role/tenantry/${RoleName}\"".to_owned(),
    }
}

#[cfg(test)]
#[path = "permissions_tests.rs"]
mod tests;
