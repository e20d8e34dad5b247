//! Scaling policies, cooldowns and what else changes a capacity.

use aws_sdk_autoscaling::types::{
    MetricType, PredefinedMetricSpecification, ScalingPolicy, TargetTrackingConfiguration,
};
use chrono::TimeDelta;
use conformance::code;
use conformance::local_aws::LatencyModel;

use crate::groups::group;
use crate::support::Network;

async fn desired(network: &Network) -> Option<i32> {
    let shown = network.scaling.describe_auto_scaling_groups().send().await;
    shown.expect("groups").auto_scaling_groups()[0].desired_capacity()
}

async fn policy(network: &Network) -> ScalingPolicy {
    let shown = network
        .scaling
        .describe_policies()
        .send()
        .await
        .expect("policies");
    shown.scaling_policies.unwrap_or_default().remove(0)
}

fn tracking(metric: MetricType, label: Option<&str>, value: f64) -> TargetTrackingConfiguration {
    let metric = PredefinedMetricSpecification::builder()
        .predefined_metric_type(metric)
        .set_resource_label(label.map(str::to_owned))
        .build();
    TargetTrackingConfiguration::builder()
        .predefined_metric_specification(metric)
        .target_value(value)
        .disable_scale_in(true)
        .build()
}

/// A target tracking policy is kept as it was put, and put again it keeps its ARN.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutScalingPolicy.html
#[tokio::test]
async fn a_tracking_policy_is_kept_as_it_was_put() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (1, 4, 1)).await;
    let put = |value: f64| {
        network
            .scaling
            .put_scaling_policy()
            .auto_scaling_group_name("app")
            .policy_name("cpu")
            .policy_type("TargetTrackingScaling")
            .estimated_instance_warmup(90)
            .target_tracking_configuration(tracking(MetricType::AsgAverageCpuUtilization, None, value))
            .send()
    };
    let first = put(50.0).await.expect("a policy").policy_arn;
    let again = put(62.5).await.expect("the same policy").policy_arn;
    assert_eq!(first, again);
    let kept = policy(&network).await;
    assert_eq!(
        (kept.estimated_instance_warmup(), kept.enabled()),
        (Some(90), Some(true))
    );
    let config = kept.target_tracking_configuration().expect("a configuration");
    assert_eq!(
        (config.target_value(), config.disable_scale_in()),
        (Some(62.5), Some(true))
    );
}

/// A tracking policy names a metric that there is, its load balancer where it needs one, and nothing of other kinds.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PredefinedMetricSpecification.html
#[tokio::test]
async fn a_tracking_policy_names_a_metric() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (1, 4, 1)).await;
    let base = || {
        network
            .scaling
            .put_scaling_policy()
            .auto_scaling_group_name("app")
            .policy_name("track")
            .policy_type("TargetTrackingScaling")
    };
    let cpu = || tracking(MetricType::AsgAverageCpuUtilization, None, 50.0);
    let refused = [
        base().target_tracking_configuration(tracking(MetricType::from("Luck"), None, 50.0)),
        base().target_tracking_configuration(tracking(MetricType::AlbRequestCountPerTarget, None, 50.0)),
        base().target_tracking_configuration(tracking(
            MetricType::AsgAverageNetworkIn,
            Some("app/web"),
            50.0,
        )),
        base()
            .target_tracking_configuration(cpu())
            .adjustment_type("ChangeInCapacity"),
        base().target_tracking_configuration(cpu()).cooldown(60),
        base()
            .policy_type("Guessing")
            .target_tracking_configuration(cpu()),
    ];
    for call in refused {
        let shown = format!("{call:?}");
        assert_eq!(code(call.send().await), "ValidationError", "{shown}");
    }
}

/// A simple policy needs an adjustment, and a least change only goes with percentages.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutScalingPolicy.html
#[tokio::test]
async fn a_simple_policy_needs_an_adjustment() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (1, 4, 1)).await;
    let base = || {
        network
            .scaling
            .put_scaling_policy()
            .auto_scaling_group_name("app")
            .policy_name("up")
    };
    let refused = [
        base().adjustment_type("ChangeInCapacity"),
        base().scaling_adjustment(1),
        base().adjustment_type("Doubling").scaling_adjustment(1),
        base().adjustment_type("ExactCapacity").scaling_adjustment(-1),
        base()
            .adjustment_type("ChangeInCapacity")
            .scaling_adjustment(1)
            .min_adjustment_magnitude(2),
    ];
    for call in refused {
        let shown = format!("{call:?}");
        assert_eq!(code(call.send().await), "ValidationError", "{shown}");
    }
}

/// A percentage changes the capacity by whole instances, at least by as many as the policy says, within the bounds.
/// https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-simple-step.html
#[tokio::test]
async fn a_percentage_changes_by_whole_instances() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (0, 9, 3)).await;
    let run = async |name: &str, by: i32, least: Option<i32>| {
        network
            .scaling
            .put_scaling_policy()
            .auto_scaling_group_name("app")
            .policy_name(name)
            .adjustment_type("PercentChangeInCapacity")
            .scaling_adjustment(by)
            .set_min_adjustment_magnitude(least)
            .send()
            .await
            .expect("a policy");
        let execute = network.scaling.execute_policy().auto_scaling_group_name("app");
        execute.policy_name(name).send().await.expect("executed");
        desired(&network).await
    };
    assert_eq!(run("a tenth more", 10, None).await, Some(4));
    assert_eq!(run("half more", 50, None).await, Some(6));
    assert_eq!(run("a little less", -10, Some(2)).await, Some(4));
    assert_eq!(run("far more", 900, None).await, Some(9));
}

/// What waits for the cooldown is refused while it lasts.
/// https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-scaling-cooldowns.html
#[tokio::test]
async fn a_cooldown_is_honoured_where_that_is_asked() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (1, 4, 1)).await;
    network
        .control()
        .set_latency(LatencyModel::Realistic { per_mille: 1_000 });
    network
        .scaling
        .update_auto_scaling_group()
        .auto_scaling_group_name("app")
        .default_cooldown(120)
        .send()
        .await
        .expect("changed");
    let set = |desired: i32, honours: bool| {
        network
            .scaling
            .set_desired_capacity()
            .auto_scaling_group_name("app")
            .desired_capacity(desired)
            .honor_cooldown(honours)
            .send()
    };
    set(2, true).await.expect("nothing cools yet");
    assert_eq!(code(set(3, true).await), "ScalingActivityInProgress");
    set(3, false).await.expect("it need not wait");
    network.aws.advance(TimeDelta::seconds(119));
    assert_eq!(code(set(2, true).await), "ScalingActivityInProgress");
    network.aws.advance(TimeDelta::seconds(2));
    set(2, true).await.expect("it is over");
}

/// A policy is executed and deleted by its name or its ARN, if it is there; a tracking one is not executed.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_ExecutePolicy.html
#[tokio::test]
async fn a_policy_is_named_or_given_by_its_arn() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (1, 4, 1)).await;
    let put = network
        .scaling
        .put_scaling_policy()
        .auto_scaling_group_name("app")
        .policy_name("up")
        .adjustment_type("ChangeInCapacity")
        .scaling_adjustment(1)
        .send()
        .await
        .expect("a policy");
    let arn = put.policy_arn.expect("an ARN");
    let execute = |name: &str| {
        network
            .scaling
            .execute_policy()
            .auto_scaling_group_name("app")
            .policy_name(name)
            .send()
    };
    execute(&arn).await.expect("executed");
    assert_eq!(desired(&network).await, Some(2));
    assert_eq!(code(execute("down").await), "ValidationError");
    network
        .scaling
        .put_scaling_policy()
        .auto_scaling_group_name("app")
        .policy_name("cpu")
        .policy_type("TargetTrackingScaling")
        .target_tracking_configuration(tracking(MetricType::AsgAverageCpuUtilization, None, 50.0))
        .send()
        .await
        .expect("a policy");
    assert_eq!(code(execute("cpu").await), "ValidationError");
    network
        .scaling
        .delete_policy()
        .auto_scaling_group_name("app")
        .policy_name(&arn)
        .send()
        .await
        .expect("deleted");
    assert_eq!(code(execute("up").await), "ValidationError");
}
