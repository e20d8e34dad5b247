//! What answers show.

use super::state::{Activity, Group, Member, Tag};
use crate::protocol::Xml;

const TIME: &str = "%Y-%m-%dT%H:%M:%S%.3fZ";

pub(super) fn groups(all: &[Group]) -> Xml {
    let mut xml = Xml::new();
    xml.members("AutoScalingGroups", all, |xml, group| {
        xml.leaf("AutoScalingGroupName", &group.name)
            .leaf("AutoScalingGroupARN", &group.arn)
            .leaf("MinSize", group.min)
            .leaf("MaxSize", group.max)
            .leaf("DesiredCapacity", group.desired)
            .leaf("DefaultCooldown", group.cooldown_seconds)
            .leaf("HealthCheckType", &group.health_check_type)
            .leaf("HealthCheckGracePeriod", group.grace_seconds)
            .leaf("CreatedTime", group.created_at.format(TIME))
            .leaf("VPCZoneIdentifier", group.subnet_ids.join(","))
            .leaf("NewInstancesProtectedFromScaleIn", group.protects_new);
        if group.is_deleting {
            xml.leaf("Status", "Delete in progress");
        }
        xml.node("LaunchTemplate", |xml| {
            template(xml, group);
        });
        let zones: std::collections::BTreeSet<&str> = group
            .members
            .values()
            .map(|member| member.zone.as_str())
            .collect();
        xml.members("AvailabilityZones", zones, |xml, zone| {
            xml.text(zone);
        });
        xml.members("TargetGroupARNs", &group.target_group_arns, |xml, arn| {
            xml.text(arn);
        });
        xml.members("Instances", group.members.values(), |xml, one| {
            member(xml, group, one);
        });
        xml.members("SuspendedProcesses", &group.suspended, |xml, process| {
            xml.leaf("ProcessName", process);
        });
        xml.members("TerminationPolicies", ["Default"], |xml, name| {
            xml.text(name);
        });
        xml.members("Tags", &group.tags, |xml, pair| tag(xml, group, pair));
    });
    xml
}

fn template(xml: &mut Xml, group: &Group) {
    xml.leaf("LaunchTemplateId", &group.template.id)
        .leaf("LaunchTemplateName", &group.template.name)
        .leaf("Version", &group.template.version);
}

pub(super) fn member(xml: &mut Xml, group: &Group, member: &Member) {
    let health = if member.is_healthy { "Healthy" } else { "Unhealthy" };
    xml.leaf("InstanceId", &member.id)
        .leaf("InstanceType", &member.instance_type)
        .leaf("AvailabilityZone", &member.zone)
        .leaf("LifecycleState", member.state.name())
        .leaf("HealthStatus", health)
        .leaf("ProtectedFromScaleIn", member.is_protected);
    xml.node("LaunchTemplate", |xml| {
        xml.leaf("LaunchTemplateId", &group.template.id)
            .leaf("LaunchTemplateName", &group.template.name)
            .leaf("Version", member.version);
    });
}

pub(super) fn activity(xml: &mut Xml, group: &str, activity: &Activity) {
    xml.leaf("ActivityId", &activity.id)
        .leaf("AutoScalingGroupName", group)
        .leaf("Description", &activity.description)
        .leaf("Cause", &activity.cause)
        .leaf("StartTime", activity.started_at.format(TIME))
        .leaf("StatusCode", &activity.status)
        .optional("StatusMessage", activity.message.as_ref())
        .leaf("Progress", 100);
}

pub(super) fn tag(xml: &mut Xml, group: &Group, (key, tag): (&String, &Tag)) {
    xml.leaf("ResourceId", &group.name)
        .leaf("ResourceType", "auto-scaling-group")
        .leaf("Key", key)
        .leaf("Value", &tag.value)
        .leaf("PropagateAtLaunch", tag.propagates);
}
