//! What answers show.

use super::refresh::{left, percent_complete};
use super::state::{Activity, Group, Member, Policy, PolicyRule, Refresh, Tag, Template};
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
        xml.optional("DefaultInstanceWarmup", group.warmup_seconds)
            .leaf("CapacityRebalance", false);
        if group.is_deleting {
            xml.leaf("Status", "Delete in progress");
        }
        xml.node("LaunchTemplate", |xml| {
            template(xml, &group.template);
        });
        xml.members("AvailabilityZones", &group.zones, |xml, zone| {
            xml.text(zone);
        });
        xml.members("TargetGroupARNs", &group.target_group_arns, |xml, arn| {
            xml.text(arn);
        });
        xml.members("Instances", group.members.values(), |xml, one| {
            member(xml, one);
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

fn template(xml: &mut Xml, template: &Template) {
    xml.leaf("LaunchTemplateId", &template.id)
        .leaf("LaunchTemplateName", &template.name)
        .leaf("Version", &template.version);
}

pub(super) fn member(xml: &mut Xml, member: &Member) {
    let health = if member.is_healthy { "Healthy" } else { "Unhealthy" };
    xml.leaf("InstanceId", &member.id)
        .leaf("InstanceType", &member.instance_type)
        .leaf("AvailabilityZone", &member.zone)
        .leaf("LifecycleState", member.state.name())
        .leaf("HealthStatus", health)
        .leaf("ProtectedFromScaleIn", member.is_protected);
    xml.node("LaunchTemplate", |xml| {
        xml.leaf("LaunchTemplateId", &member.template_id)
            .leaf("LaunchTemplateName", &member.template_name)
            .leaf("Version", member.version);
    });
}

pub(super) fn activity(xml: &mut Xml, group: &Group, activity: &Activity) {
    xml.leaf("ActivityId", &activity.id)
        .leaf("AutoScalingGroupName", &group.name)
        .leaf("AutoScalingGroupARN", &group.arn)
        .leaf("Description", &activity.description)
        .leaf("Cause", &activity.cause)
        .leaf("StartTime", activity.started_at.format(TIME))
        .leaf("EndTime", activity.started_at.format(TIME))
        .leaf("StatusCode", &activity.status)
        .optional("StatusMessage", activity.message.as_ref())
        .leaf("Progress", 100);
}

pub(super) fn policy(xml: &mut Xml, group: &Group, policy: &Policy) {
    xml.leaf("AutoScalingGroupName", &group.name)
        .leaf("PolicyName", &policy.name)
        .leaf("PolicyARN", &policy.arn)
        .leaf("PolicyType", policy.rule.kind())
        .leaf("Enabled", policy.is_enabled);
    match &policy.rule {
        PolicyRule::Simple {
            adjustment_type,
            adjustment,
            least,
            cooldown_seconds,
        } => {
            xml.leaf("AdjustmentType", adjustment_type)
                .leaf("ScalingAdjustment", adjustment)
                .optional("MinAdjustmentMagnitude", *least)
                .optional("Cooldown", *cooldown_seconds);
        }
        PolicyRule::Tracking {
            metric,
            label,
            target_value,
            only_out,
            warmup_seconds,
        } => {
            xml.optional("EstimatedInstanceWarmup", *warmup_seconds);
            xml.node("TargetTrackingConfiguration", |xml| {
                xml.node("PredefinedMetricSpecification", |xml| {
                    xml.leaf("PredefinedMetricType", metric)
                        .optional("ResourceLabel", label.as_ref());
                });
                xml.leaf("TargetValue", target_value)
                    .leaf("DisableScaleIn", only_out);
            });
        }
    }
}

pub(super) fn refresh(xml: &mut Xml, group: &Group, refresh: &Refresh) {
    xml.leaf("InstanceRefreshId", &refresh.id)
        .leaf("AutoScalingGroupName", &group.name)
        .leaf("Status", refresh.status.name())
        .leaf("Strategy", "Rolling")
        .optional("StatusReason", refresh.reason.as_ref())
        .leaf("StartTime", refresh.started_at.format(TIME))
        .optional("EndTime", refresh.ended_at.map(|at| at.format(TIME)))
        .leaf("PercentageComplete", percent_complete(refresh))
        .leaf("InstancesToUpdate", left(refresh));
    let wishes = &refresh.preferences;
    xml.node("Preferences", |xml| {
        xml.leaf("MinHealthyPercentage", wishes.min_healthy)
            .optional("MaxHealthyPercentage", wishes.max_healthy)
            .optional("InstanceWarmup", wishes.warmup_seconds)
            .leaf("SkipMatching", wishes.skip_matching)
            .leaf("AutoRollback", wishes.auto_rollback)
            .leaf("ScaleInProtectedInstances", &wishes.protected)
            .leaf("StandbyInstances", &wishes.standby);
    });
    if let Some(wanted) = &refresh.wanted {
        xml.node("DesiredConfiguration", |xml| {
            xml.node("LaunchTemplate", |xml| template(xml, wanted));
        });
    }
    if let Some(rollback) = &refresh.rollback {
        xml.node("RollbackDetails", |xml| {
            xml.leaf("RollbackReason", &rollback.reason)
                .leaf("RollbackStartTime", rollback.started_at.format(TIME))
                .leaf("PercentageCompleteOnRollback", rollback.percent)
                .leaf("InstancesToUpdateOnRollback", rollback.left);
        });
    }
}

pub(super) fn tag(xml: &mut Xml, group: &Group, (key, tag): (&String, &Tag)) {
    xml.leaf("ResourceId", &group.name)
        .leaf("ResourceType", "auto-scaling-group")
        .leaf("Key", key)
        .leaf("Value", &tag.value)
        .leaf("PropagateAtLaunch", tag.propagates);
}
