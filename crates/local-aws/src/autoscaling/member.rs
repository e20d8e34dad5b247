//! The instances of groups, and what groups did.

use chrono::TimeDelta;

use super::AutoScaling;
use super::request::{Request, invalid};
use super::state::{Activity, Group, Lifecycle};
use super::view;
use crate::error::AwsError;
use crate::protocol::Xml;
use crate::tags::Tags;

/// The processes a group can be told to leave (user guide, "Suspend and resume processes").
const PROCESSES: [&str; 9] = [
    "Launch",
    "Terminate",
    "AddToLoadBalancer",
    "AlarmNotification",
    "AZRebalance",
    "HealthCheck",
    "InstanceRefresh",
    "ReplaceUnhealthy",
    "ScheduledActions",
];

pub(super) fn describe(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    request.permit("*", &Tags::new())?;
    let ids = request.params.strings("InstanceIds");
    let groups = scaling.all(request);
    let members = groups.iter().flat_map(|group| {
        group
            .members
            .values()
            .map(move |member| (member.id.as_str(), group, member))
    });
    let mut wanted: Vec<_> = members
        .filter(|(id, ..)| ids.is_empty() || ids.iter().any(|one| one == id))
        .collect();
    wanted.sort_by(|one, next| one.0.cmp(next.0));
    let found = request.page(wanted, |(id, ..)| id, 50)?;
    let mut xml = Xml::new();
    xml.members("AutoScalingInstances", found.items, |xml, (_, group, member)| {
        xml.leaf("AutoScalingGroupName", &group.name);
        view::member(xml, member);
    });
    xml.optional("NextToken", found.next);
    Ok(xml)
}

/// The group that holds an instance.
fn holder(scaling: &AutoScaling, request: &Request<'_>, id: &str) -> Result<Group, AwsError> {
    let mut groups = scaling.all(request).into_iter();
    let found = groups.find(|group| group.members.contains_key(id));
    found.ok_or_else(|| {
        invalid(format!(
            "Instance Id not found - No managed instance found for instance ID {id}"
        ))
    })
}

pub(super) fn terminate(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    let id = request.params.required("InstanceId")?;
    let lowers = request.params.flag("ShouldDecrementDesiredCapacity")?;
    let lowers = lowers.ok_or_else(|| request.params.missing("ShouldDecrementDesiredCapacity"))?;
    let group = holder(scaling, request, id)?;
    request.permit(&group.arn, &group.plain_tags())?;
    let leaving = group.members.get(id).map(|member| member.state) == Some(Lifecycle::Terminating);
    if leaving {
        let why = format!("The instance {id} is terminating already");
        return Err(AwsError::bad("ScalingActivityInProgress", why));
    }
    if lowers && group.desired <= group.min {
        let why = format!(
            "Currently, desiredSize equals minSize ({}). Terminating instance without replacement will violate group's min size constraint.",
            group.min
        );
        return Err(invalid(why));
    }
    let activity = scaling.end_member(request, &group.name, (id, lowers))?;
    let mut xml = Xml::new();
    xml.node("Activity", |xml| view::activity(xml, &group, &activity));
    Ok(xml)
}

pub(super) fn set_health(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    let id = request.params.required("InstanceId")?;
    let healthy = match request.params.required("HealthStatus")? {
        "Healthy" => true,
        "Unhealthy" => false,
        other => return Err(invalid(format!("Invalid health status {other}"))),
    };
    let group = holder(scaling, request, id)?;
    request.permit(&group.arn, &group.plain_tags())?;
    let respects = request.params.flag("ShouldRespectGracePeriod")?.unwrap_or(true);
    let grace = request.core.latency.of(TimeDelta::seconds(group.grace_seconds));
    scaling.change(request, &group.name, |group| {
        if let Some(member) = group.members.get_mut(id) {
            let in_grace = member
                .in_service_at
                .is_none_or(|at| at + grace > request.call.now);
            if healthy || !(respects && in_grace) {
                member.is_healthy = healthy;
            }
        }
        Ok(Xml::new())
    })
}

pub(super) fn activities(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    request.permit("*", &Tags::new())?;
    let named = request.params.get("AutoScalingGroupName");
    let groups = match named {
        Some(name) => vec![scaling.find(request, name)?],
        None => scaling.all(request),
    };
    let ids = request.params.strings("ActivityIds");
    let all = groups
        .iter()
        .flat_map(|group| group.activities.iter().map(move |activity| (group, activity)));
    let wanted = all.filter(|(_, activity)| ids.is_empty() || ids.contains(&activity.id));
    let mut keyed: Vec<_> = wanted
        .map(|(group, activity)| (newest_first(activity), (group, activity)))
        .collect();
    keyed.sort_by(|one, next| one.0.cmp(&next.0));
    let found = request.page(keyed, |(key, _)| key, 100)?;
    let mut xml = Xml::new();
    xml.members("Activities", found.items, |xml, (_, (group, activity))| {
        view::activity(xml, group, activity);
    });
    xml.optional("NextToken", found.next);
    Ok(xml)
}

/// A key under which the newest comes first.
fn newest_first(activity: &Activity) -> String {
    let age = i64::MAX - activity.started_at.timestamp_micros();
    format!("{age:020}{:020}{}", u64::MAX - activity.number, activity.id)
}

pub(super) fn suspend(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    switch(scaling, request, |group, process| {
        group.suspended.insert(process);
    })
}

pub(super) fn resume(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    switch(scaling, request, |group, process| {
        group.suspended.remove(&process);
    })
}

fn switch(
    scaling: &AutoScaling,
    request: &Request<'_>,
    change: impl Fn(&mut Group, String),
) -> Result<Xml, AwsError> {
    let group = request.permitted(scaling)?;
    let mut processes = request.params.strings("ScalingProcesses");
    if let Some(unknown) = processes.iter().find(|name| !PROCESSES.contains(&name.as_str())) {
        return Err(invalid(format!("{unknown} is not a process of a group")));
    }
    if processes.is_empty() {
        processes = PROCESSES.map(str::to_owned).to_vec();
    }
    scaling.change(request, &group.name, |group| {
        for process in processes {
            change(group, process);
        }
        Ok(Xml::new())
    })
}
