//! The target groups that groups of instances serve.

use super::AutoScaling;
use super::request::{Request, invalid};
use super::state::{Group, Lifecycle};
use crate::error::AwsError;
use crate::protocol::Xml;
use crate::tags::Tags;

/// Target groups of one call.
const ARNS_MAX: usize = 10;

/// Refuses target groups that are not there.
pub(super) fn check(request: &Request<'_>, arns: &[String]) -> Result<(), AwsError> {
    for arn in arns {
        if !request.core.peers.elbv2.has_group(request.place(), arn) {
            return Err(invalid(format!(
                "Provided Target Groups may not be valid. Target group {arn} not found"
            )));
        }
    }
    Ok(())
}

fn named(request: &Request<'_>) -> Result<Vec<String>, AwsError> {
    let arns = request.params.strings("TargetGroupARNs");
    if arns.is_empty() || arns.len() > ARNS_MAX {
        return Err(invalid(format!(
            "Between 1 and {ARNS_MAX} target groups must be given"
        )));
    }
    Ok(arns)
}

pub(super) fn attach(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    let mut group = request.permitted(scaling)?;
    let mut arns = named(request)?;
    check(request, &arns)?;
    if group.active_refresh().is_some() {
        let why = "An active instance refresh already exists for the group";
        return Err(AwsError::bad("InstanceRefreshInProgress", why));
    }
    arns.retain(|arn| !group.target_group_arns.contains(arn));
    let (elbv2, place) = (&request.core.peers.elbv2, request.place());
    let serving = group
        .living()
        .filter(|member| member.state == Lifecycle::InService);
    for member in serving {
        for arn in &arns {
            elbv2.join(request.core, place, (arn, &member.id));
        }
    }
    scaling.change(request, &group.name, |group| {
        group.late_target_groups.extend(arns.iter().cloned());
        group.target_group_arns.extend(arns);
        Ok(Xml::new())
    })
}

pub(super) fn detach(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    let group = request.permitted(scaling)?;
    let arns = named(request)?;
    if let Some(other) = arns.iter().find(|arn| !group.target_group_arns.contains(arn)) {
        return Err(invalid(format!(
            "Trying to remove Target Groups that are not part of the group: {other}"
        )));
    }
    let (elbv2, place) = (&request.core.peers.elbv2, request.place());
    for member in group.members.values() {
        for arn in &arns {
            elbv2.leave(request.core, place, (arn, &member.id));
        }
    }
    scaling.change(request, &group.name, |group| {
        group.target_group_arns.retain(|arn| !arns.contains(arn));
        group.late_target_groups.retain(|arn| !arns.contains(arn));
        Ok(Xml::new())
    })
}

pub(super) fn describe(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    request.permit("*", &Tags::new())?;
    let group = scaling.find(request, request.params.required("AutoScalingGroupName")?)?;
    let mut arns: Vec<&String> = group.target_group_arns.iter().collect();
    arns.sort_unstable();
    let found = request.page(arns, |arn| arn, 100)?;
    let mut xml = Xml::new();
    xml.members("LoadBalancerTargetGroups", found.items, |xml, arn| {
        xml.leaf("LoadBalancerTargetGroupARN", arn)
            .leaf("State", state(request, &group, arn));
    });
    xml.optional("NextToken", found.next);
    Ok(xml)
}

/// Source: API reference, "LoadBalancerTargetGroupState".
fn state(request: &Request<'_>, group: &Group, arn: &str) -> &'static str {
    if !group.late_target_groups.contains(arn) {
        return "InService";
    }
    let elbv2 = &request.core.peers.elbv2;
    let mut members = group.living();
    let passes = members.any(|member| elbv2.health_of(request.place(), (arn, &member.id)) == "healthy");
    if group.health_check_type == "ELB" && passes {
        "InService"
    } else {
        "Added"
    }
}
