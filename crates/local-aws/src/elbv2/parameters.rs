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
        "CreateLoadBalancer"
        | "DescribeLoadBalancers"
        | "DeleteLoadBalancer"
        | "SetSubnets"
        | "SetSecurityGroups" => of_balancers(operation),
        "CreateTargetGroup" | "DescribeTargetGroups" | "ModifyTargetGroup" => of_groups(operation),
        "CreateListener" | "ModifyListener" | "DescribeListeners" => of_listeners(operation),
        "CreateRule" | "ModifyRule" | "DescribeRules" | "SetRulePriorities" => of_rules(operation),
        "DescribeLoadBalancerAttributes" => &["LoadBalancerArn"],
        "ModifyLoadBalancerAttributes" => &["LoadBalancerArn", "Attributes"],
        "DescribeTargetGroupAttributes" | "DeleteTargetGroup" => &["TargetGroupArn"],
        "ModifyTargetGroupAttributes" => &["TargetGroupArn", "Attributes"],
        "RegisterTargets" | "DeregisterTargets" | "DescribeTargetHealth" => {
            &["TargetGroupArn", "Targets.Id", "Targets.Port"]
        }
        "DeleteListener" => &["ListenerArn"],
        "DeleteRule" => &["RuleArn"],
        "AddTags" => &["ResourceArns", "Tags"],
        "RemoveTags" => &["ResourceArns", "TagKeys"],
        "DescribeTags" => &["ResourceArns"],
        _ => &[],
    }
}

fn of_balancers(operation: &str) -> &'static [&'static str] {
    match operation {
        "CreateLoadBalancer" => &[
            "Name",
            "Subnets",
            "SubnetMappings.SubnetId",
            "SecurityGroups",
            "Scheme",
            "Tags",
            "Type",
            "IpAddressType=ipv4",
        ],
        "DescribeLoadBalancers" => &["LoadBalancerArns", "Names", "Marker", "PageSize"],
        "SetSubnets" => &[
            "LoadBalancerArn",
            "Subnets",
            "SubnetMappings.SubnetId",
            "IpAddressType=ipv4",
        ],
        "SetSecurityGroups" => &["LoadBalancerArn", "SecurityGroups"],
        _ => &["LoadBalancerArn"],
    }
}

fn of_groups(operation: &str) -> &'static [&'static str] {
    match operation {
        "CreateTargetGroup" => &[
            "Name",
            "Protocol",
            "ProtocolVersion=HTTP1",
            "Port",
            "VpcId",
            "HealthCheckProtocol",
            "HealthCheckPort",
            "HealthCheckEnabled",
            "HealthCheckPath",
            "HealthCheckIntervalSeconds",
            "HealthCheckTimeoutSeconds",
            "HealthyThresholdCount",
            "UnhealthyThresholdCount",
            "Matcher.HttpCode",
            "TargetType",
            "Tags",
            "IpAddressType=ipv4",
        ],
        "ModifyTargetGroup" => &[
            "TargetGroupArn",
            "HealthCheckProtocol",
            "HealthCheckPort",
            "HealthCheckEnabled",
            "HealthCheckPath",
            "HealthCheckIntervalSeconds",
            "HealthCheckTimeoutSeconds",
            "HealthyThresholdCount",
            "UnhealthyThresholdCount",
            "Matcher.HttpCode",
        ],
        _ => &[
            "LoadBalancerArn",
            "TargetGroupArns",
            "Names",
            "Marker",
            "PageSize",
        ],
    }
}

fn of_listeners(operation: &str) -> &'static [&'static str] {
    match operation {
        "CreateListener" => &[
            "LoadBalancerArn",
            "Protocol",
            "Port",
            "SslPolicy",
            "Certificates",
            "Tags",
            "DefaultActions.Type",
            "DefaultActions.Order=1",
            "DefaultActions.TargetGroupArn",
            "DefaultActions.ForwardConfig",
            "DefaultActions.RedirectConfig",
            "DefaultActions.FixedResponseConfig",
        ],
        "ModifyListener" => &[
            "ListenerArn",
            "Protocol",
            "Port",
            "SslPolicy",
            "Certificates",
            "DefaultActions.Type",
            "DefaultActions.Order=1",
            "DefaultActions.TargetGroupArn",
            "DefaultActions.ForwardConfig",
            "DefaultActions.RedirectConfig",
            "DefaultActions.FixedResponseConfig",
        ],
        _ => &["LoadBalancerArn", "ListenerArns", "Marker", "PageSize"],
    }
}

fn of_rules(operation: &str) -> &'static [&'static str] {
    match operation {
        "CreateRule" | "ModifyRule" => &[
            "ListenerArn",
            "RuleArn",
            "Priority",
            "Tags",
            "Conditions.Field",
            "Conditions.Values",
            "Conditions.HostHeaderConfig.Values",
            "Conditions.PathPatternConfig.Values",
            "Conditions.HttpHeaderConfig.HttpHeaderName",
            "Conditions.HttpHeaderConfig.Values",
            "Conditions.QueryStringConfig.Values",
            "Conditions.HttpRequestMethodConfig.Values",
            "Conditions.SourceIpConfig.Values",
            "Actions.Type",
            "Actions.Order=1",
            "Actions.TargetGroupArn",
            "Actions.ForwardConfig",
            "Actions.RedirectConfig",
            "Actions.FixedResponseConfig",
        ],
        "SetRulePriorities" => &["RulePriorities"],
        _ => &["ListenerArn", "RuleArns", "Marker", "PageSize"],
    }
}
