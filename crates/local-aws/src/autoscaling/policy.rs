//! Scaling policies. They are kept and shown; there are no metrics here that would set them off, so a simple one acts
//! when it is executed and a target tracking one never does.

use std::collections::BTreeMap;

use super::AutoScaling;
use super::request::{Request, invalid};
use super::state::Policy;
use crate::error::AwsError;
use crate::protocol::Xml;

pub(super) fn put(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    let group = request.permitted(scaling)?;
    let policy = read(request, &group.name)?;
    scaling.change(request, &group.name, |group| {
        let kept = group.policies.get(&policy.name).map(|kept| kept.arn.clone());
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
    let kind = params.get("PolicyType").unwrap_or("SimpleScaling").to_owned();
    let tracking = params.structure("TargetTrackingConfiguration");
    let metric = tracking
        .get("PredefinedMetricSpecification.PredefinedMetricType")
        .map(str::to_owned);
    match kind.as_str() {
        "TargetTrackingScaling" => {
            if metric.is_none() || tracking.get("TargetValue").is_none() {
                return Err(invalid(
                    "TargetTrackingConfiguration needs a predefined metric and a target value",
                ));
            }
        }
        "SimpleScaling" | "StepScaling" => {
            let adjustment = params.required("AdjustmentType")?;
            if !["ChangeInCapacity", "ExactCapacity", "PercentChangeInCapacity"].contains(&adjustment) {
                return Err(invalid(format!("Invalid adjustment type {adjustment}")));
            }
        }
        other => return Err(invalid(format!("The policy type {other} is not built here"))),
    }
    let place = request.place();
    Ok(Policy {
        arn: format!(
            "arn:aws:autoscaling:{}:{}:scalingPolicy:{}:autoScalingGroupName/{group}:policyName/{name}",
            place.region,
            place.account,
            request.core.ids.uuid()
        ),
        name,
        kind,
        adjustment_type: params.get("AdjustmentType").map(str::to_owned),
        adjustment: params.number("ScalingAdjustment")?,
        metric,
        target_value: tracking.get("TargetValue").map(str::to_owned),
    })
}

pub(super) fn describe(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    request.permit("*", &BTreeMap::new())?;
    let named = request.params.get("AutoScalingGroupName");
    let names = request.params.strings("PolicyNames");
    let groups = match named {
        Some(name) => vec![scaling.find(request, name)?],
        None => scaling.all(request),
    };
    let all = groups
        .iter()
        .flat_map(|group| group.policies.values().map(move |policy| (group, policy)));
    let shown = all.filter(|(_, policy)| names.is_empty() || names.contains(&policy.name));
    let mut xml = Xml::new();
    xml.members("ScalingPolicies", shown, |xml, (group, policy)| {
        xml.leaf("AutoScalingGroupName", &group.name)
            .leaf("PolicyName", &policy.name)
            .leaf("PolicyARN", &policy.arn)
            .leaf("PolicyType", &policy.kind)
            .optional("AdjustmentType", policy.adjustment_type.as_ref())
            .optional("ScalingAdjustment", policy.adjustment);
        if let Some(metric) = &policy.metric {
            xml.node("TargetTrackingConfiguration", |xml| {
                xml.node("PredefinedMetricSpecification", |xml| {
                    xml.leaf("PredefinedMetricType", metric);
                });
                xml.optional("TargetValue", policy.target_value.as_ref());
            });
        }
    });
    Ok(xml)
}

pub(super) fn delete(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    let group = request.permitted(scaling)?;
    let name = request.params.required("PolicyName")?;
    scaling.change(request, &group.name, |group| {
        let removed = group.policies.remove(name);
        removed
            .map(|_| Xml::new())
            .ok_or_else(|| invalid(format!("PolicyName {name} not found")))
    })
}

pub(super) fn execute(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    let group = request.permitted(scaling)?;
    let name = request.params.required("PolicyName")?;
    scaling.change(request, &group.name, |group| {
        let policy = group.policies.get(name);
        let policy = policy.ok_or_else(|| invalid(format!("PolicyName {name} not found")))?;
        let (Some(kind), Some(by)) = (policy.adjustment_type.as_deref(), policy.adjustment) else {
            return Err(invalid("Only a simple scaling policy can be executed"));
        };
        let now = i64::from(group.desired);
        let wanted = match kind {
            "ChangeInCapacity" => now + by,
            "ExactCapacity" => by,
            _ => now + now * by / 100,
        };
        let wanted = wanted.clamp(i64::from(group.min), i64::from(group.max));
        group.desired = u32::try_from(wanted).unwrap_or(group.min);
        Ok(Xml::new())
    })
}
