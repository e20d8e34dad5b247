//! The health of targets, as time passes and things break.

use aws_sdk_elasticloadbalancingv2::types::{TargetDescription, TargetHealthStateEnum as State};
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

/// A target is initial until it has passed its checks often enough.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
#[tokio::test]
async fn a_target_is_initial_until_it_has_passed_its_checks() {
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
    network.aws.advance(TimeDelta::seconds(19));
    assert_eq!(network.health(&group).await[0].0, State::Initial);
    network.aws.advance(TimeDelta::seconds(2));
    assert_eq!(network.health(&group).await, [(State::Healthy, None)]);
}

/// A stopped instance fails its checks, and passes them again when it runs.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
#[tokio::test]
async fn a_stopped_instance_becomes_unhealthy_and_heals() {
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
    let failed = Some("Target.FailedHealthChecks".to_owned());
    assert_eq!(network.health(&group).await, [(State::Unhealthy, failed)]);
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
