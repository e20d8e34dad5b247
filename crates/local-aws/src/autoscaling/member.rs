//! The instances of groups, what groups did, and the load balancers they serve.

use std::collections::BTreeMap;

use super::AutoScaling;
use super::group::{bad_token, check_target_groups, size};
use super::request::{Request, invalid};
use super::state::{Group, Lifecycle};
use super::view;
use crate::error::AwsError;
use crate::protocol::{Xml, page};

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
    request.permit("*", &BTreeMap::new())?;
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
    let found = page(
        wanted,
        |(id, ..)| id,
        request.params.get("NextToken"),
        size(request)?,
    )
    .ok_or_else(bad_token)?;
    let mut xml = Xml::new();
    xml.members("AutoScalingInstances", found.items, |xml, (_, group, member)| {
        xml.leaf("AutoScalingGroupName", &group.name);
        view::member(xml, group, member);
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
    if lowers && group.desired <= group.min {
        let why = format!(
            "Currently, desiredSize equals minSize ({}). Terminating instance without replacement will violate group's min size constraint.",
            group.min
        );
        return Err(invalid(why));
    }
    let activity = scaling.end_member(request, &group.name, (id, lowers))?;
    let mut xml = Xml::new();
    xml.node("Activity", |xml| view::activity(xml, &group.name, &activity));
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
    scaling.change(request, &group.name, |group| {
        if let Some(member) = group.members.get_mut(id) {
            member.is_healthy = healthy;
        }
        Ok(Xml::new())
    })
}

pub(super) fn activities(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    request.permit("*", &BTreeMap::new())?;
    let named = request.params.get("AutoScalingGroupName");
    let groups = match named {
        Some(name) => vec![scaling.find(request, name)?],
        None => scaling.all(request),
    };
    // The newest come first.
    let all = groups.iter().flat_map(|group| {
        group
            .activities
            .iter()
            .rev()
            .map(move |activity| (group, activity))
    });
    let shown: Vec<_> = all.take(size(request)?).collect();
    let mut xml = Xml::new();
    xml.members("Activities", shown, |xml, (group, activity)| {
        view::activity(xml, &group.name, activity);
    });
    Ok(xml)
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

pub(super) fn attach_target_groups(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    let group = request.permitted(scaling)?;
    let arns = request.params.strings("TargetGroupARNs");
    check_target_groups(request, &arns)?;
    for arn in &arns {
        for member in group
            .living()
            .filter(|member| member.state == Lifecycle::InService)
        {
            request
                .core
                .peers
                .elbv2
                .join(request.core, request.place(), (arn, &member.id));
        }
    }
    scaling.change(request, &group.name, |group| {
        for arn in arns {
            if !group.target_group_arns.contains(&arn) {
                group.target_group_arns.push(arn);
            }
        }
        Ok(Xml::new())
    })
}

pub(super) fn detach_target_groups(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    let group = request.permitted(scaling)?;
    let arns = request.params.strings("TargetGroupARNs");
    for arn in &arns {
        for member in group.members.values() {
            request
                .core
                .peers
                .elbv2
                .leave(request.core, request.place(), (arn, &member.id));
        }
    }
    scaling.change(request, &group.name, |group| {
        group.target_group_arns.retain(|arn| !arns.contains(arn));
        Ok(Xml::new())
    })
}

pub(super) fn describe_target_groups(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    request.permit("*", &BTreeMap::new())?;
    let group = scaling.find(request, request.params.required("AutoScalingGroupName")?)?;
    let mut xml = Xml::new();
    xml.members(
        "LoadBalancerTargetGroups",
        &group.target_group_arns,
        |xml, arn| {
            xml.leaf("LoadBalancerTargetGroupARN", arn)
                .leaf("State", "InService");
        },
    );
    Ok(xml)
}
