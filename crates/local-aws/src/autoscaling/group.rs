//! Groups: making, describing, changing and ending them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use super::request::{Request, invalid, limit_exceeded};
use super::state::{Group, Lifecycle, Template};
use super::{AutoScaling, targets, view};
use crate::ec2::Place;
use crate::error::AwsError;
use crate::iam;
use crate::protocol::{Params, Xml};
use crate::tags::Tags;

const QUOTA: &str = "L-CDE20ADC";
/// The service as IAM knows it.
const PRINCIPAL: &str = "autoscaling.amazonaws.com";
/// API reference, "CreateAutoScalingGroup", `DefaultCooldown`.
const COOLDOWN_SECONDS: i64 = 300;

pub(super) fn create(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    let name = request.params.required("AutoScalingGroupName")?;
    if name.len() > 255 || name.contains([':', '\n', '\r']) {
        return Err(invalid("The group name has at most 255 characters and no colon"));
    }
    let tags = request.tags()?;
    let plain: Tags = tags
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
    iam::linked::ensure(request.core, request.call, PRINCIPAL)?;
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
            "Valid requests must contain either LaunchTemplate, or MixedInstancesPolicy",
        ));
    }
    let (subnet_ids, zones) = subnets(request)?;
    let group = Group {
        min,
        max,
        desired: request.count("DesiredCapacity")?.unwrap_or(min),
        subnet_ids,
        zones,
        target_group_arns: params.strings("TargetGroupARNs"),
        health_check_type: health_check_type(request, "EC2")?,
        grace_seconds: request.seconds("HealthCheckGracePeriod")?.unwrap_or(0),
        cooldown_seconds: request.seconds("DefaultCooldown")?.unwrap_or(COOLDOWN_SECONDS),
        warmup_seconds: warmup(request, None)?,
        protects_new: params.flag("NewInstancesProtectedFromScaleIn")?.unwrap_or(false),
        ..empty(request, name, request.template(&wanted)?)
    };
    check_sizes(&group)?;
    targets::check(request, &group.target_group_arns)?;
    Ok(group)
}

/// A group of nothing.
fn empty(request: &Request<'_>, name: &str, template: Template) -> Group {
    Group {
        name: name.to_owned(),
        arn: request.arn(&request.core.ids.uuid(), name),
        min: 0,
        max: 0,
        desired: 0,
        template,
        subnet_ids: Vec::new(),
        zones: Default::default(),
        target_group_arns: Vec::new(),
        late_target_groups: Default::default(),
        health_check_type: String::new(),
        grace_seconds: 0,
        cooldown_seconds: 0,
        cools_until: None,
        warmup_seconds: None,
        protects_new: false,
        tags: BTreeMap::new(),
        created_at: request.call.now,
        created_by: request.call.caller.principal_arn.clone(),
        suspended: Default::default(),
        members: BTreeMap::new(),
        activities: Vec::new(),
        activity_count: 0,
        policies: BTreeMap::new(),
        refreshes: Vec::new(),
        retry_at: None,
        is_rebalancing: false,
        is_deleting: false,
    }
}

/// The default warmup of new instances; `-1` takes it away again.
fn warmup(request: &Request<'_>, before: Option<i64>) -> Result<Option<i64>, AwsError> {
    match request.params.get("DefaultInstanceWarmup") {
        None => Ok(before),
        Some("-1") => Ok(None),
        Some(_) => request.seconds("DefaultInstanceWarmup"),
    }
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

/// The subnets of a group and their zones, which a call may name beside them.
fn subnets(request: &Request<'_>) -> Result<(Vec<String>, BTreeSet<String>), AwsError> {
    let text = request.params.get("VPCZoneIdentifier").unwrap_or_default();
    let named = request.params.strings("AvailabilityZones");
    let ids: Vec<String> = text
        .split(',')
        .map(str::trim)
        .filter(|id| !id.is_empty())
        .map(str::to_owned)
        .collect();
    match (ids.is_empty(), named.first()) {
        (false, _) => {}
        // Without a default VPC, which no account has here, a zone by itself says nothing.
        (true, Some(zone)) => {
            return Err(invalid(format!(
                "No default subnet for availability zone: '{zone}'."
            )));
        }
        (true, None) => {
            return Err(invalid(
                "At least one Availability Zone or VPC Subnet is required.",
            ));
        }
    }
    let zones = zones_of(request, &ids)?;
    if named.iter().any(|zone| !zones.contains(zone)) || (!named.is_empty() && named.len() < zones.len()) {
        return Err(invalid(
            "The availability zones of the specified subnets and the specified Availability Zones do not match",
        ));
    }
    Ok((ids, zones))
}

fn zones_of(request: &Request<'_>, ids: &[String]) -> Result<BTreeSet<String>, AwsError> {
    let (mut vpc, mut zones) = (None, BTreeSet::new());
    for id in ids {
        let view = request.core.peers.ec2.subnet(request.core, request.place(), id);
        let view = view.ok_or_else(|| invalid(format!("The subnet ID '{id}' does not exist")))?;
        if *vpc.get_or_insert(view.vpc_id.clone()) != view.vpc_id {
            return Err(invalid("The subnets of a group must be in one VPC"));
        }
        zones.insert(view.zone);
    }
    Ok(zones)
}

fn health_check_type(request: &Request<'_>, before: &str) -> Result<String, AwsError> {
    let kind = request.params.get("HealthCheckType").unwrap_or(before);
    match kind {
        "EC2" | "ELB" => Ok(kind.to_owned()),
        "EBS" | "VPC_LATTICE" => Err(request.not_built(&format!("HealthCheckType '{kind}'"))),
        _ => Err(invalid(format!("Invalid health check type {kind}"))),
    }
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
        return Err(limit_exceeded(
            "You have already reached a limit for your Auto Scaling resources",
        ));
    }
    Ok(())
}

/// Names that are not there are left out, as AWS leaves them out.
pub(super) fn describe(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    request.permit("*", &Tags::new())?;
    let names = request.params.strings("AutoScalingGroupNames");
    let mut groups = scaling.all(request);
    groups.retain(|group| names.is_empty() || names.contains(&group.name));
    let filters = request.params.list("Filters");
    for filter in &filters {
        check_filter(filter)?;
    }
    groups.retain(|group| filters.iter().all(|filter| accepts(filter, group)));
    let found = request.page(groups, |group| &group.name, 100)?;
    let mut xml = view::groups(&found.items);
    xml.optional("NextToken", found.next);
    Ok(xml)
}

fn check_filter(filter: &Params) -> Result<(), AwsError> {
    let name = filter.required("Name")?;
    if ["tag-key", "tag-value"].contains(&name) || name.starts_with("tag:") {
        return Ok(());
    }
    Err(invalid(format!(
        "Filter type {name} is not correct. Allowed filters are: [tag-key, tag-value, tag:<key>]"
    )))
}

fn accepts(filter: &Params, group: &Group) -> bool {
    let (name, values) = (filter.get("Name").unwrap_or_default(), filter.strings("Values"));
    let of_key = name.strip_prefix("tag:");
    group.tags.iter().any(|(key, tag)| match of_key {
        Some(wanted) => key == wanted && values.contains(&tag.value),
        None if name == "tag-key" => values.contains(key),
        None => values.contains(&tag.value),
    })
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
    if params.get("VPCZoneIdentifier").is_some() || !params.strings("AvailabilityZones").is_empty() {
        (changed.subnet_ids, changed.zones) = subnets(request)?;
    }
    changed.health_check_type = health_check_type(request, &changed.health_check_type)?;
    changed.grace_seconds = request
        .seconds("HealthCheckGracePeriod")?
        .unwrap_or(changed.grace_seconds);
    changed.cooldown_seconds = request
        .seconds("DefaultCooldown")?
        .unwrap_or(changed.cooldown_seconds);
    changed.warmup_seconds = warmup(request, changed.warmup_seconds)?;
    changed.protects_new = params
        .flag("NewInstancesProtectedFromScaleIn")?
        .unwrap_or(changed.protects_new);
    check_sizes(&changed)?;
    scaling.change(request, &changed.name.clone(), |group| {
        *group = changed;
        Ok(Xml::new())
    })
}

pub(super) fn set_desired(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    let group = request.permitted(scaling)?;
    let desired = request.count("DesiredCapacity")?;
    let desired = desired.ok_or_else(|| request.params.missing("DesiredCapacity"))?;
    check_desired(&group, desired)?;
    refuse_in_cooldown(request, &group)?;
    scaling.change(request, &group.name, |group| {
        group.desired = desired;
        cool(request, group, group.cooldown_seconds);
        Ok(Xml::new())
    })
}

/// Refuses a call that honours the cooldown while it lasts.
pub(super) fn refuse_in_cooldown(request: &Request<'_>, group: &Group) -> Result<(), AwsError> {
    let honours = request.params.flag("HonorCooldown")?.unwrap_or(false);
    if honours && group.cools_until.is_some_and(|until| until > request.call.now) {
        let why = format!(
            "Scaling activity in progress: AutoScalingGroup '{}' is in its cooldown period",
            group.name
        );
        return Err(AwsError::bad("ScalingActivityInProgress", why));
    }
    Ok(())
}

/// The capacity has changed: the cooldown begins.
pub(super) fn cool(request: &Request<'_>, group: &mut Group, seconds: i64) {
    let wait = request.core.latency.of(TimeDelta::seconds(seconds));
    group.cools_until = Some(request.call.now + wait);
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
