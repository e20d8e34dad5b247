//! The policies of the customer's template, as YAML of CloudFormation.

use serde_json::Value;

use super::{
    Grant, NEEDS, Need, STEP_CLASSES, Target, When, grants,
    session::{condition, merged, operator},
};

/// How the template names the tenant.
const TENANT_PARAMETER: &str = "!Ref TenantId";

/// A policy of the customer's template: its size is limited, so there are two, and the boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Looking.
    Looking,
    /// What changes something of EC2's.
    Network,
    /// The other services.
    Services,
    /// All of it once more as the most that the role can ever do: per condition, not per action.
    Boundary,
}

/// Every part.
pub const PARTS: [Part; 4] = [Part::Looking, Part::Network, Part::Services, Part::Boundary];

impl Part {
    fn of(need: &Need) -> Self {
        if need.is_look() {
            Self::Looking
        } else if need.action.starts_with("ec2:") {
            Self::Network
        } else {
            Self::Services
        }
    }

    pub(super) fn grants(self) -> Vec<Grant> {
        let of = |part: Self| NEEDS.iter().filter(move |need| Self::of(need) == part);
        match self {
            Self::Boundary => merged(grants(NEEDS)),
            part => grants(of(part)),
        }
    }
}

/// The statements of one policy of the customer's template, as YAML of CloudFormation, each line behind `indent`.
#[must_use]
pub fn template_statements(part: Part, indent: &str) -> String {
    let mut lines = Vec::new();
    for (grant, number) in part.grants().iter().zip(1..) {
        // Names would make the boundary longer than a policy may be.
        if part == Part::Boundary {
            lines.push("- Effect: Allow".to_owned());
        } else {
            lines.push(format!("- Sid: {}{number}", sid(grant.when)));
            lines.push("  Effect: Allow".to_owned());
        }
        statement_lines(&mut lines, part, grant);
    }
    lines.iter().map(|line| format!("{indent}{line}\n")).collect()
}

fn statement_lines(lines: &mut Vec<String>, part: Part, grant: &Grant) {
    lines.push("  Action:".to_owned());
    lines.extend(
        actions(part, grant)
            .into_iter()
            .map(|action| format!("    - {action}")),
    );
    lines.push("  Resource:".to_owned());
    lines.extend(
        grant
            .targets
            .iter()
            .map(|target| format!("    - {}", template_arn(*target))),
    );
    let condition = condition(grant.when, TENANT_PARAMETER, &STEP_CLASSES);
    let keys = condition.as_object().into_iter().flatten();
    if grant.when != When::Always {
        lines.push("  Condition:".to_owned());
        lines.push(format!("    {}:", operator(grant.when)));
    }
    for (key, value) in keys {
        condition_lines(lines, key, value);
    }
}

/// The actions of a statement. The boundary has no room for each look by its name (IAM user guide, "IAM and AWS STS
/// quotas"), and what it lets through is still only what the other policies name.
fn actions(part: Part, grant: &Grant) -> Vec<String> {
    let brief = |action: &&'static str| match action.split_once(':') {
        Some((service, name)) if name.starts_with("Describe") => format!("{service}:Describe*"),
        Some((service, name)) if name.starts_with("List") => format!("{service}:List*"),
        _ => (*action).to_owned(),
    };
    if part != Part::Boundary || grant.when != When::Always {
        return grant.actions.iter().map(|action| (*action).to_owned()).collect();
    }
    let mut actions: Vec<String> = grant.actions.iter().map(brief).collect();
    actions.dedup();
    actions
}

fn condition_lines(lines: &mut Vec<String>, key: &str, value: &Value) {
    let Some(values) = value.as_array() else {
        let text = value.as_str().unwrap_or_default();
        let quoted = format!("\"{text}\"");
        let value = if text == TENANT_PARAMETER { text } else { &quoted };
        lines.push(format!("      {key}: {value}"));
        return;
    };
    lines.push(format!("      {key}:"));
    let values = values.iter().filter_map(Value::as_str);
    lines.extend(values.map(|value| format!("        - {value}")));
}

const fn sid(when: When) -> &'static str {
    match when {
        When::Always => "Always",
        When::TaggedInRequest => "MakeTagged",
        When::TaggedAlready => "ChangeTagged",
        When::AtCreation => "TagAtCreation",
        When::AtBalancing => "TagAtBalancing",
        When::Offered => "UseOffered",
        When::OfferedSubnet => "UseSubnets",
        When::ForServices => "ServiceRoles",
        When::ByDatabases => "DatabaseKeys",
        When::ThroughService => "DatabaseSecrets",
    }
}

fn template_arn(target: Target) -> String {
    match target {
        Target::Any => "\"*\"".to_owned(),
        Target::Ec2("*") => "!Sub \"arn:aws:ec2:*:${AWS::AccountId}:*/*\"".to_owned(),
        Target::Ec2(kind) => format!("!Sub \"arn:aws:ec2:*:${{AWS::AccountId}}:{kind}/*\""),
        Target::Of(service, end) => format!("!Sub \"arn:aws:{service}:*:${{AWS::AccountId}}:{end}\""),
        Target::LinkedRoles => "!Sub \"arn:aws:iam::${AWS::AccountId}:role/aws-service-role/*\"".to_owned(),
        Target::ServiceRoles => "!Sub \"arn:aws:iam::${AWS::AccountId}:role/*AWSServiceRoleFor*\"".to_owned(),
        Target::Image => "\"arn:aws:ec2:*::image/*\"".to_owned(),
        Target::OwnRole => "!Sub \"arn:aws:iam::${AWS::AccountId}:role/tenantry/${RoleName}\"".to_owned(),
    }
}
