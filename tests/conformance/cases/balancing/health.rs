//! The health of targets, as time passes and things break.

use aws_sdk_elasticloadbalancingv2::types::{
    TargetDescription, TargetHealthReasonEnum as Reason, TargetHealthStateEnum as State,
};
use chrono::TimeDelta;
use conformance::local_aws::{LatencyModel, Outage};

use crate::support::Network;

/// A group that no load balancer uses asks nobody.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
#[tokio::test]
async fn a_target_nobody_uses_is_unused() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let group = network.group("app").await;
    let instance = network.instance(&network.subnets[0]).await;
    network.register(&group, &instance).await;
    assert_eq!(
        network.health(&group).await,
        [(State::Unused, Some("Target.NotInUse".to_owned()))]
    );
}

/// A new target is initial until it has passed one check.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
#[tokio::test]
async fn a_new_target_is_healthy_after_one_check() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let (balancer, group) = (network.balancer("web").await, network.group("app").await);
    network.listener(&balancer, 80, &group).await;
    let instance = network.instance(&network.subnets[0]).await;
    network
        .control()
        .set_latency(LatencyModel::Realistic { per_mille: 1_000 });
    network.register(&group, &instance).await;
    assert_eq!(network.health(&group).await[0].0, State::Initial);
    network.aws.advance(TimeDelta::seconds(9));
    let registering = Some("Elb.RegistrationInProgress".to_owned());
    assert_eq!(network.health(&group).await, [(State::Initial, registering)]);
    network.aws.advance(TimeDelta::seconds(2));
    assert_eq!(network.health(&group).await, [(State::Healthy, None)]);
}

/// A stopped instance is not used, and is asked again when it runs.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html
#[tokio::test]
async fn a_stopped_instance_is_unused_until_it_runs() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let (balancer, group) = (network.balancer("web").await, network.group("app").await);
    network.listener(&balancer, 80, &group).await;
    let instance = network.instance(&network.subnets[0]).await;
    network.register(&group, &instance).await;
    assert_eq!(network.health(&group).await[0].0, State::Healthy);
    network
        .ec2
        .stop_instances()
        .instance_ids(&instance)
        .send()
        .await
        .expect("it stops");
    network
        .ec2
        .describe_instances()
        .send()
        .await
        .expect("it has stopped");
    let stopped = Some("Target.InvalidState".to_owned());
    assert_eq!(network.health(&group).await, [(State::Unused, stopped)]);
    network
        .ec2
        .start_instances()
        .instance_ids(&instance)
        .send()
        .await
        .expect("it starts");
    network.ec2.describe_instances().send().await.expect("it runs");
    assert_eq!(network.health(&group).await[0].0, State::Healthy);
}

/// A target fails only after as many failed checks as the unhealthy threshold says, and recovers only after as many
/// passed ones as the healthy threshold says.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
#[tokio::test]
async fn thresholds_count_for_failing_and_for_recovering() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let (balancer, group) = (network.balancer("web").await, network.group("app").await);
    network.listener(&balancer, 80, &group).await;
    let instance = network.instance(&network.subnets[0]).await;
    network.register(&group, &instance).await;
    assert_eq!(network.health(&group).await[0].0, State::Healthy);
    network
        .elb
        .modify_target_group()
        .target_group_arn(&group)
        .healthy_threshold_count(3)
        .send()
        .await
        .expect("changed");
    network
        .control()
        .set_latency(LatencyModel::Realistic { per_mille: 1_000 });
    let zone = Outage::Zone(network.zones[0].clone());
    let after = async |seconds| {
        network.aws.advance(TimeDelta::seconds(seconds));
        network.health(&group).await[0].0.clone()
    };
    network.control().begin_outage(zone.clone());
    assert_eq!(after(19).await, State::Healthy);
    assert_eq!(after(2).await, State::Unhealthy);
    network.control().end_outage(&zone);
    assert_eq!(after(29).await, State::Unhealthy);
    assert_eq!(after(2).await, State::Healthy);
}

/// A target that never answers is initial while its first checks are counted, then it is unhealthy and says why.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html
#[tokio::test]
async fn a_new_target_that_never_answers_becomes_unhealthy() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let (balancer, group) = (network.balancer("web").await, network.group("app").await);
    network.listener(&balancer, 80, &group).await;
    let instance = network.instance(&network.subnets[0]).await;
    network
        .control()
        .set_latency(LatencyModel::Realistic { per_mille: 1_000 });
    network
        .control()
        .begin_outage(Outage::Zone(network.zones[0].clone()));
    network.register(&group, &instance).await;
    let counting = Some("Elb.InitialHealthChecking".to_owned());
    assert_eq!(network.health(&group).await, [(State::Initial, counting)]);
    network.aws.advance(TimeDelta::seconds(21));
    let silent = Some("Target.Timeout".to_owned());
    assert_eq!(network.health(&group).await, [(State::Unhealthy, silent)]);
}

/// An instance that ended is deregistered by itself.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-register-targets.html
#[tokio::test]
async fn an_instance_that_ended_is_no_target_any_more() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let group = network.group("app").await;
    let instance = network.instance(&network.subnets[0]).await;
    network.register(&group, &instance).await;
    network
        .ec2
        .terminate_instances()
        .instance_ids(&instance)
        .send()
        .await
        .expect("it ends");
    network
        .ec2
        .describe_instances()
        .send()
        .await
        .expect("it has ended");
    assert!(network.health(&group).await.is_empty());
}

/// A target that leaves drains for the deregistration delay.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html
#[tokio::test]
async fn a_target_that_leaves_drains() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let (balancer, group) = (network.balancer("web").await, network.group("app").await);
    network.listener(&balancer, 80, &group).await;
    let instance = network.instance(&network.subnets[0]).await;
    network
        .control()
        .set_latency(LatencyModel::Realistic { per_mille: 1_000 });
    network.register(&group, &instance).await;
    let target = TargetDescription::builder().id(&instance).build();
    network
        .elb
        .deregister_targets()
        .target_group_arn(&group)
        .targets(target)
        .send()
        .await
        .expect("it leaves");
    assert_eq!(network.health(&group).await[0].0, State::Draining);
    network.aws.advance(TimeDelta::seconds(301));
    assert!(network.health(&group).await.is_empty());
}

/// Targets in a lost zone fail; those in the other zone serve.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/how-elastic-load-balancing-works.html
#[tokio::test]
async fn a_lost_zone_fails_its_targets_only() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let (balancer, group) = (network.balancer("web").await, network.group("app").await);
    network.listener(&balancer, 80, &group).await;
    for subnet in &network.subnets {
        let instance = network.instance(subnet).await;
        network.register(&group, &instance).await;
    }
    let zone = Outage::Zone(network.zones[0].clone());
    network.control().begin_outage(zone.clone());
    let states = async || {
        let mut states: Vec<String> = network
            .health(&group)
            .await
            .into_iter()
            .map(|(state, _)| state.as_str().to_owned())
            .collect();
        states.sort();
        states
    };
    assert_eq!(states().await, ["healthy", "unhealthy"]);
    network.control().end_outage(&zone);
    assert_eq!(states().await, ["healthy", "healthy"]);
}

/// What is asked for and is no target is unused.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html
#[tokio::test]
async fn what_is_no_target_is_unused() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let group = network.group("app").await;
    let target = TargetDescription::builder()
        .id("i-0123456789abcdef0")
        .port(80)
        .build();
    let shown = network
        .elb
        .describe_target_health()
        .target_group_arn(&group)
        .targets(target)
        .send()
        .await
        .expect("health");
    let health = shown.target_health_descriptions()[0]
        .target_health()
        .expect("health");
    assert_eq!(health.state(), Some(&State::Unused));
    assert_eq!(health.reason().map(Reason::as_str), Some("Target.NotRegistered"));
}

/// A check may go to a port of its own.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealthDescription.html
#[tokio::test]
async fn a_check_may_go_to_another_port() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let group = network.group("app").await;
    network
        .elb
        .modify_target_group()
        .target_group_arn(&group)
        .health_check_port("8080")
        .send()
        .await
        .expect("changed");
    let instance = network.instance(&network.subnets[0]).await;
    network.register(&group, &instance).await;
    let shown = network
        .elb
        .describe_target_health()
        .target_group_arn(&group)
        .send()
        .await
        .expect("health");
    let target = &shown.target_health_descriptions()[0];
    assert_eq!(target.health_check_port(), Some("8080"));
    assert_eq!(target.target().and_then(TargetDescription::port), Some(80));
}
