//! Groups of instances behind load balancers.

use aws_sdk_autoscaling::types::{Instance, LoadBalancerTargetGroupState};
use aws_sdk_elasticloadbalancingv2::types::TargetHealthStateEnum as State;
use chrono::TimeDelta;
use conformance::code;
use conformance::local_aws::{LatencyModel, Outage};

use crate::groups::{group, version};
use crate::support::Network;

async fn instances(network: &Network) -> Vec<Instance> {
    let groups = network.scaling.describe_auto_scaling_groups().send().await;
    let mut groups = groups.expect("groups").auto_scaling_groups.unwrap_or_default();
    groups.remove(0).instances.unwrap_or_default()
}

async fn targets(network: &Network) -> Vec<LoadBalancerTargetGroupState> {
    let shown = network
        .scaling
        .describe_load_balancer_target_groups()
        .auto_scaling_group_name("app")
        .send()
        .await;
    shown
        .expect("target groups")
        .load_balancer_target_groups
        .unwrap_or_default()
}

/// A load balancer, its target group, and a group of instances behind it.
async fn site(network: &Network, kind: &str, grace: i32) -> String {
    let (balancer, targets) = (network.balancer("web").await, network.group("app").await);
    network.listener(&balancer, 80, &targets).await;
    let template = network.template("app").await;
    network
        .scaling
        .create_auto_scaling_group()
        .auto_scaling_group_name("app")
        .launch_template(version(&template, "1"))
        .min_size(2)
        .max_size(4)
        .health_check_type(kind)
        .health_check_grace_period(grace)
        .vpc_zone_identifier(network.subnets.join(","))
        .target_group_arns(&targets)
        .send()
        .await
        .expect("a group");
    targets
}

/// A target group that a group was made with is in service at once; one that comes later is added first.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LoadBalancerTargetGroupState.html
#[tokio::test]
async fn a_target_group_that_comes_later_is_added_first() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let first = site(&network, "EC2", 0).await;
    let second = network.group("late").await;
    network
        .scaling
        .attach_load_balancer_target_groups()
        .auto_scaling_group_name("app")
        .target_group_arns(&second)
        .send()
        .await
        .expect("attached");
    let state = |all: &[LoadBalancerTargetGroupState], arn: &str| {
        let mut all = all.iter();
        all.find(|one| one.load_balancer_target_group_arn() == Some(arn))
            .and_then(|one| one.state.clone())
    };
    let all = targets(&network).await;
    assert_eq!(state(&all, &first).as_deref(), Some("InService"));
    assert_eq!(state(&all, &second).as_deref(), Some("Added"));
    assert_eq!(
        network.health(&second).await.len(),
        2,
        "its instances are targets there"
    );
}

/// A target group that is not there is not attached, and one that is not attached is not detached.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DetachLoadBalancerTargetGroups.html
#[tokio::test]
async fn only_what_is_there_is_attached_and_detached() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let arn = site(&network, "EC2", 0).await;
    let other = network.group("other").await;
    let attach = |arn: &str| {
        network
            .scaling
            .attach_load_balancer_target_groups()
            .auto_scaling_group_name("app")
            .target_group_arns(arn)
            .send()
    };
    let detach = |arn: &str| {
        network
            .scaling
            .detach_load_balancer_target_groups()
            .auto_scaling_group_name("app")
            .target_group_arns(arn)
            .send()
    };
    let gone = arn.replace("/app/", "/gone/");
    assert_eq!(code(attach(&gone).await), "ValidationError");
    assert_eq!(code(detach(&other).await), "ValidationError");
    detach(&arn).await.expect("detached");
    assert!(targets(&network).await.is_empty());
    assert!(network.health(&arn).await.is_empty(), "its instances have left");
}

/// An instance drains before it ends; its replacement does not wait for that.
/// https://docs.aws.amazon.com/autoscaling/ec2/userguide/attach-load-balancer-asg.html
#[tokio::test]
async fn an_instance_drains_before_it_ends() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let targets = site(&network, "EC2", 0).await;
    let leaving = instances(&network).await[0]
        .instance_id()
        .expect("an id")
        .to_owned();
    network
        .control()
        .set_latency(LatencyModel::Realistic { per_mille: 1_000 });
    network
        .scaling
        .terminate_instance_in_auto_scaling_group()
        .instance_id(&leaving)
        .should_decrement_desired_capacity(false)
        .send()
        .await
        .expect("it leaves");
    let all = instances(&network).await;
    let state = |id: &str| {
        let mut all = all.iter();
        all.find(|one| one.instance_id() == Some(id))
            .and_then(|one| one.lifecycle_state.clone())
            .map(|state| state.as_str().to_owned())
    };
    assert_eq!(state(&leaving).as_deref(), Some("Terminating"));
    assert_eq!(all.len(), 3, "the next one is on its way");
    let running = async || {
        let shown = network
            .ec2
            .describe_instances()
            .instance_ids(&leaving)
            .send()
            .await;
        let shown = shown
            .expect("instances")
            .reservations
            .unwrap_or_default()
            .remove(0);
        let state = shown.instances()[0]
            .state()
            .and_then(|state| state.name())
            .cloned();
        state == Some(aws_sdk_ec2::types::InstanceStateName::Running)
    };
    let draining = network.health(&targets).await;
    assert!(
        draining.iter().any(|(state, _)| *state == State::Draining),
        "{draining:?}"
    );
    network.aws.advance(TimeDelta::seconds(290));
    assert!(running().await, "it still answers what it had begun");
    network.aws.advance(TimeDelta::seconds(11));
    assert!(!running().await);
    let again = network
        .scaling
        .terminate_instance_in_auto_scaling_group()
        .instance_id(&leaving)
        .should_decrement_desired_capacity(false)
        .send()
        .await;
    assert_eq!(code(again), "ScalingActivityInProgress");
}

/// A target that fails its checks is replaced when the group asks the load balancer, but not in its grace period.
/// https://docs.aws.amazon.com/autoscaling/ec2/userguide/health-check-grace-period.html
#[tokio::test]
async fn a_failing_target_is_replaced_after_its_grace() {
    let Some(network) = Network::lay().await else {
        return;
    };
    site(&network, "ELB", 300).await;
    let before: Vec<_> = instances(&network)
        .await
        .into_iter()
        .map(|one| one.instance_id)
        .collect();
    network
        .control()
        .set_latency(LatencyModel::Realistic { per_mille: 1_000 });
    let zone = network.zones[0].clone();
    network.control().begin_outage(Outage::Zone(zone));
    network.aws.advance(TimeDelta::seconds(60));
    let within: Vec<_> = instances(&network)
        .await
        .into_iter()
        .map(|one| one.instance_id)
        .collect();
    assert_eq!(within, before, "nothing happens in the grace period");
    network.aws.advance(TimeDelta::seconds(300));
    network.aws.advance(TimeDelta::seconds(1));
    let after: Vec<_> = instances(&network)
        .await
        .into_iter()
        .map(|one| one.instance_id)
        .collect();
    assert_ne!(after, before);
}

/// What is said of an instance's health respects its grace period, unless the call says otherwise.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_SetInstanceHealth.html
#[tokio::test]
async fn what_is_said_of_health_respects_the_grace() {
    let Some(network) = Network::lay().await else {
        return;
    };
    network
        .control()
        .set_latency(LatencyModel::Realistic { per_mille: 1_000 });
    site(&network, "EC2", 3_600).await;
    network.aws.advance(TimeDelta::minutes(5));
    let id = instances(&network).await[0]
        .instance_id()
        .expect("an id")
        .to_owned();
    let say = |respects: bool| {
        network
            .scaling
            .set_instance_health()
            .instance_id(&id)
            .health_status("Unhealthy")
            .should_respect_grace_period(respects)
            .send()
    };
    let health = async || {
        let all = instances(&network).await;
        let one = all.iter().find(|one| one.instance_id() == Some(&id));
        one.and_then(|one| one.health_status.clone())
    };
    say(true).await.expect("heard");
    assert_eq!(health().await.as_deref(), Some("Healthy"));
    say(false).await.expect("heard");
    assert_eq!(health().await.as_deref(), Some("Unhealthy"));
}

/// An instance launched while a group does not add to load balancers is no target, not even afterwards.
/// https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html
#[tokio::test]
async fn a_group_may_be_told_not_to_add_targets() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let targets = site(&network, "EC2", 0).await;
    assert_eq!(network.health(&targets).await.len(), 2);
    network
        .scaling
        .suspend_processes()
        .auto_scaling_group_name("app")
        .scaling_processes("AddToLoadBalancer")
        .send()
        .await
        .expect("suspended");
    let desire = |desired: i32| {
        network
            .scaling
            .set_desired_capacity()
            .auto_scaling_group_name("app")
            .desired_capacity(desired)
            .send()
    };
    desire(3).await.expect("set");
    assert_eq!(instances(&network).await.len(), 3);
    assert_eq!(network.health(&targets).await.len(), 2);
    network
        .scaling
        .resume_processes()
        .auto_scaling_group_name("app")
        .send()
        .await
        .expect("resumed");
    assert_eq!(network.health(&targets).await.len(), 2);
}

/// An unhealthy instance stays while its group does not replace, and goes when it does again.
/// https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html
#[tokio::test]
async fn an_unhealthy_instance_stays_while_nothing_is_replaced() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (1, 2, 1)).await;
    let id = instances(&network).await[0]
        .instance_id()
        .expect("an id")
        .to_owned();
    network
        .scaling
        .suspend_processes()
        .auto_scaling_group_name("app")
        .scaling_processes("ReplaceUnhealthy")
        .send()
        .await
        .expect("suspended");
    network
        .ec2
        .stop_instances()
        .instance_ids(&id)
        .send()
        .await
        .expect("it stops");
    let all = instances(&network).await;
    assert_eq!(all[0].instance_id(), Some(id.as_str()));
    assert_eq!(all[0].health_status(), Some("Unhealthy"));
    network
        .scaling
        .resume_processes()
        .auto_scaling_group_name("app")
        .send()
        .await
        .expect("resumed");
    let all = instances(&network).await;
    let lives = all.iter().any(|one| {
        one.instance_id() == Some(id.as_str())
            && one
                .lifecycle_state()
                .is_some_and(|state| state.as_str() == "InService")
    });
    assert!(!lives, "{all:?}");
}
