//! Scaling policies. They are kept and shown; there are no metrics here that would set them off, so a simple one acts
//! when it is executed and a target tracking one never does.

use super::AutoScaling;
use super::group::{cool, refuse_in_cooldown};
use super::request::{Request, invalid, limit_exceeded};
use super::state::{Group, Policy, PolicyRule};
use super::view;
use crate::error::AwsError;
use crate::protocol::{Params, Xml};
use crate::tags::Tags;

/// Policies of one group (user guide, "Quotas for Auto Scaling resources and groups").
const POLICIES_MAX: usize = 50;
const ADJUSTMENTS: [&str; 3] = ["ChangeInCapacity", "ExactCapacity", "PercentChangeInCapacity"];
const METRICS: [&str; 4] = [
    "ASGAverageCPUUtilization",
    "ASGAverageNetworkIn",
    "ASGAverageNetworkOut",
    "ALBRequestCountPerTarget",
];
const KINDS: [&str; 4] = [
    "SimpleScaling",
    "StepScaling",
    "TargetTrackingScaling",
    "PredictiveScaling",
];

pub(super) fn put(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    let group = request.permitted(scaling)?;
    let policy = read(request, &group.name)?;
    scaling.change(request, &group.name, |group| {
        let kept = group.policies.get(&policy.name).map(|kept| kept.arn.clone());
        if kept.is_none() && group.policies.len() >= POLICIES_MAX {
            return Err(limit_exceeded(format!(
                "A group has {POLICIES_MAX} scaling policies at most"
            )));
        }
        let policy = Policy {
            arn: kept.unwrap_or(policy.arn),
            ..policy
        };
        let mut xml = Xml::new();
        xml.leaf("PolicyARN", &policy.arn);
        group.policies.insert(policy.name.clone(), policy);
        Ok(xml)
    })
}

fn read(request: &Request<'_>, group: &str) -> Result<Policy, AwsError> {
    let params = &request.params;
    let name = params.required("PolicyName")?.to_owned();
    let rule = match params.get("PolicyType").unwrap_or("SimpleScaling") {
        "SimpleScaling" => simple(request)?,
        "TargetTrackingScaling" => tracking(request)?,
        known if KINDS.contains(&known) => {
            return Err(request.not_built(&format!("PolicyType '{known}'")));
        }
        other => return Err(invalid(format!("Invalid policy type {other}"))),
    };
    let place = request.place();
    Ok(Policy {
        arn: format!(
            "arn:aws:autoscaling:{}:{}:scalingPolicy:{}:autoScalingGroupName/{group}:policyName/{name}",
            place.region,
            place.account,
            request.core.ids.uuid()
        ),
        name,
        is_enabled: params.flag("Enabled")?.unwrap_or(true),
        rule,
    })
}

fn simple(request: &Request<'_>) -> Result<PolicyRule, AwsError> {
    let params = &request.params;
    if !params.structure("TargetTrackingConfiguration").is_empty() {
        return Err(invalid(
            "TargetTrackingConfiguration is not supported for simple scaling policies",
        ));
    }
    let adjustment_type = params.required("AdjustmentType")?;
    if !ADJUSTMENTS.contains(&adjustment_type) {
        return Err(invalid(format!("Invalid adjustment type {adjustment_type}")));
    }
    let adjustment = params.number("ScalingAdjustment")?;
    let adjustment = adjustment.ok_or_else(|| params.missing("ScalingAdjustment"))?;
    let least = params.number("MinAdjustmentMagnitude")?;
    if least.is_some() && adjustment_type != "PercentChangeInCapacity" {
        return Err(invalid(
            "MinAdjustmentMagnitude is only for the adjustment type PercentChangeInCapacity",
        ));
    }
    if adjustment_type == "ExactCapacity" && adjustment < 0 {
        return Err(invalid("An exact capacity is not negative"));
    }
    Ok(PolicyRule::Simple {
        adjustment_type: adjustment_type.to_owned(),
        adjustment,
        least,
        cooldown_seconds: request.seconds("Cooldown")?,
    })
}

fn tracking(request: &Request<'_>) -> Result<PolicyRule, AwsError> {
    let params = &request.params;
    for simple in [
        "AdjustmentType",
        "ScalingAdjustment",
        "MinAdjustmentMagnitude",
        "Cooldown",
    ] {
        if params.get(simple).is_some() {
            let why = format!("{simple} is not supported for target tracking scaling policies");
            return Err(invalid(why));
        }
    }
    let config = params.structure("TargetTrackingConfiguration");
    let metric = config.structure("PredefinedMetricSpecification");
    let name = metric.required("PredefinedMetricType")?;
    if !METRICS.contains(&name) {
        return Err(invalid(format!("Invalid predefined metric type {name}")));
    }
    let label = metric.get("ResourceLabel");
    if (name == "ALBRequestCountPerTarget") != label.is_some() {
        return Err(invalid(
            "ResourceLabel goes with ALBRequestCountPerTarget, and with nothing else",
        ));
    }
    Ok(PolicyRule::Tracking {
        metric: name.to_owned(),
        label: label.map(str::to_owned),
        target_value: target_value(&config)?,
        only_out: config.flag("DisableScaleIn")?.unwrap_or(false),
        warmup_seconds: request.seconds("EstimatedInstanceWarmup")?,
    })
}

/// A decimal above zero, kept as it was written.
fn target_value(config: &Params) -> Result<String, AwsError> {
    let text = config.required("TargetValue")?;
    let is_decimal =
        text.split('.').count() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if !is_decimal || !text.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) {
        return Err(invalid(format!("Invalid target value {text}")));
    }
    Ok(text.to_owned())
}

pub(super) fn describe(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    request.permit("*", &Tags::new())?;
    let params = &request.params;
    let (names, kinds) = (params.strings("PolicyNames"), params.strings("PolicyTypes"));
    if let Some(other) = kinds.iter().find(|kind| !KINDS.contains(&kind.as_str())) {
        return Err(invalid(format!("Invalid policy type {other}")));
    }
    let groups = match params.get("AutoScalingGroupName") {
        Some(name) => vec![scaling.find(request, name)?],
        None => scaling.all(request),
    };
    let all = groups
        .iter()
        .flat_map(|group| group.policies.values().map(move |policy| (group, policy)));
    let is_wanted = |policy: &Policy| {
        let named = names.is_empty() || names.contains(&policy.name) || names.contains(&policy.arn);
        named && (kinds.is_empty() || kinds.iter().any(|kind| kind == policy.rule.kind()))
    };
    let wanted = all.filter(|(_, policy)| is_wanted(policy));
    let keyed = wanted.map(|(group, policy)| (format!("{}\n{}", group.name, policy.name), (group, policy)));
    let found = request.page(keyed, |(key, _)| key, 100)?;
    let mut xml = Xml::new();
    xml.members("ScalingPolicies", found.items, |xml, (_, (group, policy))| {
        view::policy(xml, group, policy);
    });
    xml.optional("NextToken", found.next);
    Ok(xml)
}

impl PolicyRule {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Simple { .. } => "SimpleScaling",
            Self::Tracking { .. } => "TargetTrackingScaling",
        }
    }
}

/// The name of the policy that a call means by its name or its ARN.
fn named(group: &Group, given: &str) -> Result<String, AwsError> {
    let mut policies = group.policies.values();
    let found = policies.find(|policy| policy.name == given || policy.arn == given);
    found
        .map(|policy| policy.name.clone())
        .ok_or_else(|| invalid(format!("PolicyName {given} not found")))
}

pub(super) fn delete(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    let group = request.permitted(scaling)?;
    let name = named(&group, request.params.required("PolicyName")?)?;
    scaling.change(request, &group.name, |group| {
        group.policies.remove(&name);
        Ok(Xml::new())
    })
}

pub(super) fn execute(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    let group = request.permitted(scaling)?;
    let name = named(&group, request.params.required("PolicyName")?)?;
    let PolicyRule::Simple {
        adjustment_type,
        adjustment,
        least,
        cooldown_seconds,
    } = &group.policies[&name].rule
    else {
        return Err(invalid("Only a simple scaling policy can be executed"));
    };
    refuse_in_cooldown(request, &group)?;
    let change = Adjustment {
        kind: adjustment_type,
        by: *adjustment,
        least: least.unwrap_or(0),
    };
    let wanted = change.apply(i64::from(group.desired));
    let wanted = wanted.clamp(i64::from(group.min), i64::from(group.max));
    scaling.change(request, &group.name, |group| {
        group.desired = u32::try_from(wanted).unwrap_or(group.min);
        cool(request, group, cooldown_seconds.unwrap_or(group.cooldown_seconds));
        Ok(Xml::new())
    })
}

/// A change of the capacity.
struct Adjustment<'a> {
    kind: &'a str,
    by: i64,
    least: i64,
}

impl Adjustment<'_> {
    /// Parts of an instance are cut off, but less than one is one (user guide, "Scaling adjustment types").
    fn apply(&self, now: i64) -> i64 {
        match self.kind {
            "ChangeInCapacity" => now.saturating_add(self.by),
            "ExactCapacity" => self.by,
            _ => {
                let whole = now.saturating_mul(self.by) / 100;
                let at_least = self.least.max(i64::from(now > 0 && self.by != 0));
                let change = whole.saturating_abs().max(at_least);
                now.saturating_add(change.saturating_mul(self.by.signum()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Adjustment;

    #[test]
    fn a_percentage_changes_by_whole_instances() {
        let apply = |by, least, now| {
            let kind = "PercentChangeInCapacity";
            Adjustment { kind, by, least }.apply(now)
        };
        assert_eq!(apply(25, 0, 10), 12);
        assert_eq!(apply(1, 0, 10), 11);
        assert_eq!(apply(-1, 0, 10), 9);
        assert_eq!(apply(-25, 0, 10), 8);
        assert_eq!(apply(10, 4, 10), 14);
    }
}
