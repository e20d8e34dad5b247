//! Groups: making, describing, changing and ending them.

use std::collections::BTreeMap;

use super::AutoScaling;
use super::request::{Request, invalid};
use super::state::{Group, Lifecycle};
use super::view;
use crate::ec2::Place;
use crate::error::AwsError;
use crate::protocol::{Xml, page};

const QUOTA: &str = "L-CDE20ADC";

pub(super) fn create(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    let name = request.params.required("AutoScalingGroupName")?;
    if name.len() > 255 || name.contains(':') {
        return Err(invalid("The group name has at most 255 characters and no colon"));
    }
    let tags = request.tags()?;
    let plain: BTreeMap<String, String> = tags
        .iter()
        .map(|(key, tag)| (key.clone(), tag.value.clone()))
        .collect();
    let context = request.call.context().request_tags(&plain);
    let arn = request.arn("*", name);
    request.core.authorize(
        &request.call.caller,
        "autoscaling:CreateAutoScalingGroup",
        &arn,
        &context,
    )?;
    let mut group = read(request, name)?;
    group.tags = tags;
    refuse_above_quota(scaling, request)?;
    scaling.insert(request, group)?;
    Ok(Xml::new())
}

fn read(request: &Request<'_>, name: &str) -> Result<Group, AwsError> {
    let params = &request.params;
    let required = |name: &str| request.count(name)?.ok_or_else(|| params.missing(name));
    let (min, max) = (required("MinSize")?, required("MaxSize")?);
    let wanted = params.structure("LaunchTemplate");
    if wanted.is_empty() {
        return Err(invalid(
            "Valid requests must contain a launch template; launch configurations are not built here",
        ));
    }
    let group = Group {
        name: name.to_owned(),
        arn: request.arn(&request.core.ids.uuid(), name),
        min,
        max,
        desired: request.count("DesiredCapacity")?.unwrap_or(min),
        template: request.template(&wanted)?,
        subnet_ids: subnets(request)?,
        target_group_arns: params.strings("TargetGroupARNs"),
        health_check_type: health_check_type(request, "EC2")?,
        grace_seconds: params.number("HealthCheckGracePeriod")?.unwrap_or(0),
        cooldown_seconds: params.number("DefaultCooldown")?.unwrap_or(300),
        protects_new: params.flag("NewInstancesProtectedFromScaleIn")?.unwrap_or(false),
        tags: BTreeMap::new(),
        created_at: request.call.now,
        created_by: request.call.caller.principal_arn.clone(),
        suspended: Default::default(),
        members: BTreeMap::new(),
        activities: Vec::new(),
        policies: BTreeMap::new(),
        refreshes: Vec::new(),
        retry_at: None,
        is_deleting: false,
    };
    check_sizes(&group)?;
    check_target_groups(request, &group.target_group_arns)?;
    Ok(group)
}

fn check_sizes(group: &Group) -> Result<(), AwsError> {
    if group.min > group.max {
        return Err(invalid(
            "Max bound, MaxSize, must be greater than or equal to min bound, MinSize",
        ));
    }
    check_desired(group, group.desired)
}

fn check_desired(group: &Group, desired: u32) -> Result<(), AwsError> {
    let Group { min, max, name, .. } = group;
    if desired > *max {
        return Err(invalid(format!(
            "New SetDesiredCapacity value {desired} is above max value {max} for the AutoScalingGroup {name}."
        )));
    }
    if desired < *min {
        return Err(invalid(format!(
            "New SetDesiredCapacity value {desired} is below min value {min} for the AutoScalingGroup {name}."
        )));
    }
    Ok(())
}

fn subnets(request: &Request<'_>) -> Result<Vec<String>, AwsError> {
    let text = request.params.get("VPCZoneIdentifier").unwrap_or_default();
    let ids: Vec<String> = text
        .split(',')
        .map(str::trim)
        .filter(|id| !id.is_empty())
        .map(str::to_owned)
        .collect();
    if ids.is_empty() {
        return Err(invalid(
            "At least one Availability Zone or VPC Subnet is required.",
        ));
    }
    let mut vpc = None;
    for id in &ids {
        let view = request.core.peers.ec2.subnet(request.core, request.place(), id);
        let view = view.ok_or_else(|| invalid(format!("The subnet ID '{id}' does not exist")))?;
        if *vpc.get_or_insert(view.vpc_id.clone()) != view.vpc_id {
            return Err(invalid("The subnets of a group must be in one VPC"));
        }
    }
    Ok(ids)
}

fn health_check_type(request: &Request<'_>, before: &str) -> Result<String, AwsError> {
    let kind = request.params.get("HealthCheckType").unwrap_or(before);
    if !["EC2", "ELB"].contains(&kind) {
        return Err(invalid(format!("Invalid health check type {kind}")));
    }
    Ok(kind.to_owned())
}

pub(super) fn check_target_groups(request: &Request<'_>, arns: &[String]) -> Result<(), AwsError> {
    for arn in arns {
        if !request.core.peers.elbv2.has_group(request.place(), arn) {
            return Err(invalid(format!(
                "Provided Target Groups may not be valid. Target group {arn} not found"
            )));
        }
    }
    Ok(())
}

fn refuse_above_quota(scaling: &AutoScaling, request: &Request<'_>) -> Result<(), AwsError> {
    let Place { account, region } = request.place();
    let limit = request
        .core
        .peers
        .service_quotas
        .value(request.core, (account, region), QUOTA);
    let count = scaling.all(request).len();
    if limit.is_some_and(|limit| u64::try_from(count).unwrap_or(u64::MAX) >= limit) {
        return Err(AwsError::bad(
            "LimitExceeded",
            "You have already reached a limit for your Auto Scaling resources",
        ));
    }
    Ok(())
}

/// Names that are not there are left out, as AWS leaves them out.
pub(super) fn describe(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    request.permit("*", &BTreeMap::new())?;
    let names = request.params.strings("AutoScalingGroupNames");
    let mut groups = scaling.all(request);
    groups.retain(|group| names.is_empty() || names.contains(&group.name));
    let found = page(
        groups,
        |group| &group.name,
        request.params.get("NextToken"),
        size(request)?,
    )
    .ok_or_else(bad_token)?;
    let mut xml = view::groups(&found.items);
    xml.optional("NextToken", found.next);
    Ok(xml)
}

pub(super) fn size(request: &Request<'_>) -> Result<usize, AwsError> {
    match request.params.number("MaxRecords")?.unwrap_or(50) {
        size @ 1..=100 => Ok(usize::try_from(size).unwrap_or(100)),
        _ => Err(invalid("MaxRecords must be between 1 and 100")),
    }
}

pub(super) fn bad_token() -> AwsError {
    AwsError::bad("InvalidNextToken", "The NextToken value is not valid.")
}

pub(super) fn update(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    let mut changed = request.permitted(scaling)?;
    let params = &request.params;
    changed.min = request.count("MinSize")?.unwrap_or(changed.min);
    changed.max = request.count("MaxSize")?.unwrap_or(changed.max);
    // A size that moves past the desired capacity takes it along.
    changed.desired = match request.count("DesiredCapacity")? {
        Some(desired) => desired,
        None if changed.min <= changed.max => changed.desired.clamp(changed.min, changed.max),
        None => changed.desired,
    };
    let wanted = params.structure("LaunchTemplate");
    if !wanted.is_empty() {
        changed.template = request.template(&wanted)?;
    }
    if params.get("VPCZoneIdentifier").is_some() {
        changed.subnet_ids = subnets(request)?;
    }
    changed.health_check_type = health_check_type(request, &changed.health_check_type)?;
    changed.grace_seconds = params
        .number("HealthCheckGracePeriod")?
        .unwrap_or(changed.grace_seconds);
    changed.protects_new = params
        .flag("NewInstancesProtectedFromScaleIn")?
        .unwrap_or(changed.protects_new);
    check_sizes(&changed)?;
    scaling.change(request, &changed.name, |group| {
        // What the group did meanwhile stays as it is.
        *group = Group {
            members: std::mem::take(&mut group.members),
            activities: std::mem::take(&mut group.activities),
            refreshes: std::mem::take(&mut group.refreshes),
            retry_at: group.retry_at,
            ..changed.clone()
        };
        Ok(Xml::new())
    })
}

pub(super) fn set_desired(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    let group = request.permitted(scaling)?;
    let desired = request.count("DesiredCapacity")?;
    let desired = desired.ok_or_else(|| request.params.missing("DesiredCapacity"))?;
    check_desired(&group, desired)?;
    scaling.change(request, &group.name, |group| {
        group.desired = desired;
        Ok(Xml::new())
    })
}

/// Deletes an empty group, or one with its instances when that is forced.
pub(super) fn delete(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    let group = request.permitted(scaling)?;
    let forced = request.params.flag("ForceDelete")?.unwrap_or(false);
    if !forced && (group.living_count() > 0 || group.desired > 0) {
        let why = "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) still in the group.";
        return Err(AwsError::bad("ResourceInUse", why));
    }
    if !forced
        && group
            .members
            .values()
            .any(|member| member.state == Lifecycle::Terminating)
    {
        let why = "You cannot delete an AutoScalingGroup while there are scaling activities in progress for that group.";
        return Err(AwsError::bad("ScalingActivityInProgress", why));
    }
    scaling.change(request, &group.name, |group| {
        group.is_deleting = true;
        group.suspended.clear();
        group.refreshes.clear();
        Ok(Xml::new())
    })
}
