//! The parameters that each operation knows. What is not among them is refused by name, never dropped.

use super::request::Request;
use crate::error::AwsError;

/// Refuses what is not built.
pub(super) fn refuse_unknown(request: &Request<'_>) -> Result<(), AwsError> {
    let operation = request.call.operation.as_str();
    let mut known = vec!["Action", "Version"];
    known.extend(of(operation));
    match request.params.uncovered(&known) {
        None => Ok(()),
        Some(name) => Err(request.not_built(&name)),
    }
}

fn of(operation: &str) -> &'static [&'static str] {
    match operation {
        "CreateAutoScalingGroup" => CREATE,
        "UpdateAutoScalingGroup" => UPDATE,
        "DescribeAutoScalingGroups" => &[
            "AutoScalingGroupNames",
            "IncludeInstances=true",
            "Filters",
            "NextToken",
            "MaxRecords",
        ],
        "SetDesiredCapacity" => &["AutoScalingGroupName", "DesiredCapacity", "HonorCooldown"],
        "DeleteAutoScalingGroup" => &["AutoScalingGroupName", "ForceDelete"],
        "StartInstanceRefresh" => REFRESH,
        "CancelInstanceRefresh" => &["AutoScalingGroupName", "WaitForTransitioningInstances"],
        "RollbackInstanceRefresh" => &["AutoScalingGroupName"],
        "DescribeInstanceRefreshes" => &[
            "AutoScalingGroupName",
            "InstanceRefreshIds",
            "NextToken",
            "MaxRecords",
        ],
        "PutScalingPolicy" | "DescribePolicies" | "DeletePolicy" | "ExecutePolicy" => of_policies(operation),
        "CreateOrUpdateTags" | "DeleteTags" => &["Tags"],
        "DescribeTags" => &["Filters", "NextToken", "MaxRecords"],
        _ => of_members(operation),
    }
}

const CREATE: &[&str] = &[
    "AutoScalingGroupName",
    "LaunchTemplate",
    "MinSize",
    "MaxSize",
    "DesiredCapacity",
    "DesiredCapacityType=units",
    "DefaultCooldown",
    "DefaultInstanceWarmup",
    "AvailabilityZones",
    "AvailabilityZoneDistribution.CapacityDistributionStrategy=balanced-best-effort",
    "TargetGroupARNs",
    "HealthCheckType",
    "HealthCheckGracePeriod",
    "VPCZoneIdentifier",
    "TerminationPolicies=Default",
    "NewInstancesProtectedFromScaleIn",
    "CapacityRebalance=false",
    "Tags",
];

const UPDATE: &[&str] = &[
    "AutoScalingGroupName",
    "LaunchTemplate",
    "MinSize",
    "MaxSize",
    "DesiredCapacity",
    "DesiredCapacityType=units",
    "DefaultCooldown",
    "DefaultInstanceWarmup",
    "AvailabilityZones",
    "AvailabilityZoneDistribution.CapacityDistributionStrategy=balanced-best-effort",
    "HealthCheckType",
    "HealthCheckGracePeriod",
    "VPCZoneIdentifier",
    "TerminationPolicies=Default",
    "NewInstancesProtectedFromScaleIn",
    "CapacityRebalance=false",
];

const REFRESH: &[&str] = &[
    "AutoScalingGroupName",
    "Strategy=Rolling",
    "DesiredConfiguration.LaunchTemplate",
    "Preferences.MinHealthyPercentage",
    "Preferences.MaxHealthyPercentage",
    "Preferences.InstanceWarmup",
    "Preferences.SkipMatching",
    "Preferences.AutoRollback",
    "Preferences.ScaleInProtectedInstances",
    "Preferences.StandbyInstances",
    "Preferences.BakeTime=0",
];

fn of_policies(operation: &str) -> &'static [&'static str] {
    match operation {
        "PutScalingPolicy" => &[
            "AutoScalingGroupName",
            "PolicyName",
            "PolicyType",
            "AdjustmentType",
            "ScalingAdjustment",
            "MinAdjustmentMagnitude",
            "Cooldown",
            "EstimatedInstanceWarmup",
            "Enabled",
            "TargetTrackingConfiguration.PredefinedMetricSpecification",
            "TargetTrackingConfiguration.TargetValue",
            "TargetTrackingConfiguration.DisableScaleIn",
        ],
        "DescribePolicies" => &[
            "AutoScalingGroupName",
            "PolicyNames",
            "PolicyTypes",
            "NextToken",
            "MaxRecords",
        ],
        "ExecutePolicy" => &["AutoScalingGroupName", "PolicyName", "HonorCooldown"],
        _ => &["AutoScalingGroupName", "PolicyName"],
    }
}

fn of_members(operation: &str) -> &'static [&'static str] {
    match operation {
        "DescribeAutoScalingInstances" => &["InstanceIds", "NextToken", "MaxRecords"],
        "TerminateInstanceInAutoScalingGroup" => &["InstanceId", "ShouldDecrementDesiredCapacity"],
        "SetInstanceHealth" => &["InstanceId", "HealthStatus", "ShouldRespectGracePeriod"],
        "DescribeScalingActivities" => &[
            "ActivityIds",
            "AutoScalingGroupName",
            "IncludeDeletedGroups=false",
            "NextToken",
            "MaxRecords",
        ],
        "SuspendProcesses" | "ResumeProcesses" => &["AutoScalingGroupName", "ScalingProcesses"],
        "AttachLoadBalancerTargetGroups" | "DetachLoadBalancerTargetGroups" => {
            &["AutoScalingGroupName", "TargetGroupARNs"]
        }
        "DescribeLoadBalancerTargetGroups" => &["AutoScalingGroupName", "NextToken", "MaxRecords"],
        _ => &[],
    }
}
