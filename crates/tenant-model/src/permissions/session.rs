//! The session policy of each class of step, and under which condition an action may be called.

use serde::Serialize;
use serde_json::{Value, json};

use super::{Grant, NEEDS, StepClass, Target, When, grants, tagging_creations};
use crate::ids::TenantId;

/// Key of the tag that names the tenant, in the request and on the resource.
const REQUEST_TAG: &str = "aws:RequestTag/tenantry:tenant";
const RESOURCE_TAG: &str = "aws:ResourceTag/tenantry:tenant";
/// Key of the tag by which a tenant offers a network of its own.
const OFFER_TAG: &str = "aws:ResourceTag/tenantry:use";
/// Key of the tag that says what a subnet of such a network is for.
const SUBNET_TAG: &str = "aws:ResourceTag/tenantry:subnet";
const CREATE_ACTION: &str = "ec2:CreateAction";
const BALANCING_ACTION: &str = "elasticloadbalancing:CreateAction";
const SERVICE_NAME: &str = "iam:AWSServiceName";
/// Services whose own roles are made with our first use of them, and in which class of step that is.
const LINKED_SERVICES: [(StepClass, &str); 3] = [
    (StepClass::Scaling, "autoscaling.amazonaws.com"),
    (StepClass::Balancing, "elasticloadbalancing.amazonaws.com"),
    (StepClass::Data, "rds.amazonaws.com"),
];
/// Creations of Elastic Load Balancing that tag: values of `elasticloadbalancing:CreateAction`.
const BALANCING_CREATIONS: [&str; 2] = ["CreateLoadBalancer", "CreateTargetGroup"];

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

pub(super) fn merged(grants: Vec<Grant>) -> Vec<Grant> {
    let mut merged: Vec<Grant> = Vec::new();
    for grant in grants {
        // What knows no resources is not joined with what does: it would open that for everything.
        let alike = |other: &&mut Grant| {
            other.when == grant.when && knows_none(&other.targets) == knows_none(&grant.targets)
        };
        match merged.iter_mut().find(alike) {
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
        widen(&mut grant.targets);
    }
    merged
}

fn knows_none(targets: &[Target]) -> bool {
    targets == [Target::Any]
}

/// Several kinds of EC2's become all of them, for brevity: the tag decides, and the role's own policy is exact.
fn widen(targets: &mut Vec<Target>) {
    let is_ec2 = |target: &Target| matches!(target, Target::Ec2(_));
    if targets.iter().filter(|target| is_ec2(target)).count() > 1 {
        targets.retain(|target| !is_ec2(target));
        targets.push(Target::Ec2("*"));
    }
}

fn session_statement(grant: &Grant, class: StepClass, scope: &SessionScope<'_>) -> Value {
    let tenant = scope.tenant_id.to_string();
    let mut conditions = json!({});
    let own = condition(grant.when, &tenant, &[class]);
    if own != json!({}) {
        conditions[operator(grant.when)] = own;
    }
    if !class.is_everywhere() && grant.when != When::ForServices {
        conditions["StringEquals"]["aws:RequestedRegion"] = json!(scope.region);
    }
    let resources: Vec<String> = grant.targets.iter().map(|target| arn(*target, scope)).collect();
    let mut statement = json!({
        "Effect": "Allow",
        "Action": one_or_many(&grant.actions),
        "Resource": one_or_many(&resources),
    });
    if conditions != json!({}) {
        statement["Condition"] = conditions;
    }
    statement
}

/// IAM user guide, "Condition operators".
pub(super) const fn operator(when: When) -> &'static str {
    match when {
        When::ByDatabases => "StringLike",
        When::ThroughService => "Bool",
        When::Always
        | When::TaggedInRequest
        | When::TaggedAlready
        | When::AtCreation
        | When::AtBalancing
        | When::Offered
        | When::OfferedSubnet
        | When::ForServices => "StringEquals",
    }
}

/// A list of one as its one: a session's policy has to be short.
fn one_or_many<T: Serialize>(list: &[T]) -> Value {
    match list {
        [one] => json!(one),
        many => json!(many),
    }
}

/// What has to hold, as seen by these classes of step.
pub(crate) fn condition(when: When, tenant: &str, classes: &[StepClass]) -> Value {
    let needs = NEEDS
        .iter()
        .filter(|need| need.classes.iter().any(|class| classes.contains(class)));
    let services = LINKED_SERVICES
        .iter()
        .filter(|(class, _)| classes.contains(class));
    match when {
        When::Always => json!({}),
        When::TaggedInRequest => json!({ REQUEST_TAG: tenant }),
        When::TaggedAlready => json!({ RESOURCE_TAG: tenant }),
        When::Offered => json!({ OFFER_TAG: tenant }),
        When::OfferedSubnet => json!({ SUBNET_TAG: ["public", "private"] }),
        When::AtCreation => json!({ REQUEST_TAG: tenant, CREATE_ACTION: tagging_creations(needs) }),
        When::AtBalancing => json!({ REQUEST_TAG: tenant, BALANCING_ACTION: BALANCING_CREATIONS }),
        When::ForServices => {
            let services: Vec<&str> = services.map(|(_, service)| *service).collect();
            json!({ SERVICE_NAME: services })
        }
        When::ByDatabases => json!({ "kms:ViaService": "rds.*.amazonaws.com" }),
        When::ThroughService => json!({ "aws:ViaAWSService": "true" }),
    }
}

fn arn(target: Target, scope: &SessionScope<'_>) -> String {
    let account = scope.account;
    match target {
        // Shorter than the role's own policy has it, which knows the names.
        Target::Of("autoscaling", _) => format!("arn:aws:autoscaling:*:{account}:autoScalingGroup:*"),
        Target::Of(service, end) => format!("arn:aws:{service}:*:{account}:{end}"),
        Target::LinkedRoles => format!("arn:aws:iam::{account}:role/aws-service-role/*"),
        Target::ServiceRoles => format!("arn:aws:iam::{account}:role/*AWSServiceRoleFor*"),
        Target::Any => "*".to_owned(),
        Target::Ec2("*") => format!("arn:aws:ec2:*:{account}:*/*"),
        Target::Ec2(kind) => format!("arn:aws:ec2:*:{account}:{kind}/*"),
        Target::Image => "arn:aws:ec2:*::image/*".to_owned(),
        Target::OwnRole => format!("arn:aws:iam::{account}:role/tenantry/*"),
    }
}
