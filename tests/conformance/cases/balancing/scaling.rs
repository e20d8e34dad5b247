//! What a group does by itself.

use aws_sdk_autoscaling::types::{AutoScalingGroup, Instance};
use chrono::TimeDelta;
use conformance::code;
use conformance::local_aws::{Fault, FaultRule, Outage};

use crate::groups::group;
use crate::support::Network;

async fn shown(network: &Network, name: &str) -> AutoScalingGroup {
    let groups = network
        .scaling
        .describe_auto_scaling_groups()
        .auto_scaling_group_names(name)
        .send()
        .await;
    groups
        .expect("groups")
        .auto_scaling_groups
        .unwrap_or_default()
        .remove(0)
}

async fn serving(network: &Network, name: &str) -> Vec<Instance> {
    let mut instances = shown(network, name).await.instances.unwrap_or_default();
    instances.retain(|one| {
        one.lifecycle_state
            .as_ref()
            .is_some_and(|state| state.as_str() == "InService")
    });
    instances
}

fn zones(instances: &[Instance]) -> Vec<String> {
    let mut zones: Vec<String> = instances
        .iter()
        .filter_map(|one| one.availability_zone.clone())
        .collect();
    zones.sort();
    zones
}

/// The instances of a group are real ones, spread over its zones.
/// https://docs.aws.amazon.com/autoscaling/ec2/userguide/auto-scaling-benefits.html
#[tokio::test]
async fn instances_are_real_and_spread_over_the_zones() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (4, 4, 4)).await;
    let instances = serving(&network, "app").await;
    let [a, b] = &network.zones[..] else {
        panic!("two zones")
    };
    assert_eq!(zones(&instances), [a.clone(), a.clone(), b.clone(), b.clone()]);
    let ids: Vec<String> = instances.into_iter().filter_map(|one| one.instance_id).collect();
    let real = network
        .ec2
        .describe_instances()
        .set_instance_ids(Some(ids))
        .send()
        .await
        .expect("EC2 knows them");
    assert_eq!(
        real.reservations()
            .iter()
            .map(|one| one.instances().len())
            .sum::<usize>(),
        4
    );
}

/// An instance that somebody ended is replaced.
/// https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-health-checks.html
#[tokio::test]
async fn an_instance_that_was_ended_is_replaced() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (2, 2, 2)).await;
    let lost = serving(&network, "app")
        .await
        .remove(0)
        .instance_id
        .expect("an id");
    network
        .ec2
        .terminate_instances()
        .instance_ids(&lost)
        .send()
        .await
        .expect("it ends");
    let instances = serving(&network, "app").await;
    assert_eq!(instances.len(), 2);
    assert!(
        instances
            .iter()
            .all(|one| one.instance_id.as_ref() != Some(&lost))
    );
    let activities = network
        .scaling
        .describe_scaling_activities()
        .auto_scaling_group_name("app")
        .send()
        .await
        .expect("activities");
    assert!(
        activities.activities().len() >= 3,
        "two launches and a replacement"
    );
}

/// An instance that is said to be unhealthy is replaced.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_SetInstanceHealth.html
#[tokio::test]
async fn an_instance_said_to_be_unhealthy_is_replaced() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (1, 1, 1)).await;
    let sick = serving(&network, "app")
        .await
        .remove(0)
        .instance_id
        .expect("an id");
    network
        .scaling
        .set_instance_health()
        .instance_id(&sick)
        .health_status("Unhealthy")
        .send()
        .await
        .expect("said");
    let instances = serving(&network, "app").await;
    assert_eq!(instances.len(), 1);
    assert_ne!(instances[0].instance_id.as_ref(), Some(&sick));
    let nobody = network
        .scaling
        .set_instance_health()
        .instance_id("i-0123456789abcdef0")
        .health_status("Healthy")
        .send()
        .await;
    assert_eq!(code(nobody), "ValidationError");
}

/// A lower desired capacity ends instances, the zones stay balanced.
/// https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-termination-policies.html
#[tokio::test]
async fn scaling_in_keeps_the_zones_balanced() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (1, 4, 4)).await;
    network
        .scaling
        .set_desired_capacity()
        .auto_scaling_group_name("app")
        .desired_capacity(2)
        .send()
        .await
        .expect("set");
    assert_eq!(zones(&serving(&network, "app").await), network.zones);
}

/// When a zone is lost its capacity moves to the other one.
/// https://docs.aws.amazon.com/autoscaling/ec2/userguide/auto-scaling-benefits.html
#[tokio::test]
async fn capacity_moves_out_of_a_lost_zone() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (2, 4, 2)).await;
    network
        .control()
        .begin_outage(Outage::Zone(network.zones[0].clone()));
    let instances = serving(&network, "app").await;
    assert_eq!(
        zones(&instances),
        [network.zones[1].clone(), network.zones[1].clone()]
    );
}

/// Without capacity a launch fails, says why, and is tried again.
/// https://docs.aws.amazon.com/autoscaling/ec2/userguide/ts-as-capacity.html
#[tokio::test]
async fn a_launch_without_capacity_fails_and_is_tried_again() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let none = Fault::Error {
        status: 500,
        code: "InsufficientInstanceCapacity".to_owned(),
        message: "no capacity".to_owned(),
    };
    assert!(network.control().add_fault(FaultRule::on("RunInstances", none)));
    group(&network, "app", (1, 1, 1)).await;
    assert!(serving(&network, "app").await.is_empty());
    let activities = network
        .scaling
        .describe_scaling_activities()
        .auto_scaling_group_name("app")
        .send()
        .await
        .expect("activities");
    let failed = &activities.activities()[0];
    assert_eq!(
        failed
            .status_code()
            .map(aws_sdk_autoscaling::types::ScalingActivityStatusCode::as_str),
        Some("Failed")
    );
    assert!(
        failed
            .status_message()
            .is_some_and(|why| why.contains("InsufficientInstanceCapacity"))
    );
    network.control().clear_faults();
    network.aws.advance(TimeDelta::minutes(2));
    assert_eq!(serving(&network, "app").await.len(), 1);
}

/// Instances of a group become targets, healthy ones, and leave with it.
/// https://docs.aws.amazon.com/autoscaling/ec2/userguide/attach-load-balancer-asg.html
#[tokio::test]
async fn instances_become_targets() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let (balancer, targets) = (network.balancer("web").await, network.group("targets").await);
    network.listener(&balancer, 80, &targets).await;
    group(&network, "app", (2, 2, 2)).await;
    network
        .scaling
        .attach_load_balancer_target_groups()
        .auto_scaling_group_name("app")
        .target_group_arns(&targets)
        .send()
        .await
        .expect("attached");
    let states: Vec<_> = network
        .health(&targets)
        .await
        .into_iter()
        .map(|(state, _)| state.as_str().to_owned())
        .collect();
    assert_eq!(states, ["healthy", "healthy"]);
    network
        .scaling
        .detach_load_balancer_target_groups()
        .auto_scaling_group_name("app")
        .target_group_arns(&targets)
        .send()
        .await
        .expect("detached");
    assert!(network.health(&targets).await.is_empty());
}

/// A group that may not launch does not.
/// https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html
#[tokio::test]
async fn a_suspended_process_does_nothing() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (0, 2, 0)).await;
    network
        .scaling
        .suspend_processes()
        .auto_scaling_group_name("app")
        .scaling_processes("Launch")
        .send()
        .await
        .expect("suspended");
    network
        .scaling
        .set_desired_capacity()
        .auto_scaling_group_name("app")
        .desired_capacity(1)
        .send()
        .await
        .expect("set");
    assert!(serving(&network, "app").await.is_empty());
    network
        .scaling
        .resume_processes()
        .auto_scaling_group_name("app")
        .scaling_processes("Launch")
        .send()
        .await
        .expect("resumed");
    assert_eq!(serving(&network, "app").await.len(), 1);
    let unknown = network
        .scaling
        .suspend_processes()
        .auto_scaling_group_name("app")
        .scaling_processes("Nap")
        .send()
        .await;
    assert_eq!(code(unknown), "ValidationError");
}

/// An instance can be ended with or without its place.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_TerminateInstanceInAutoScalingGroup.html
#[tokio::test]
async fn an_instance_can_be_ended_with_its_place() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (1, 2, 2)).await;
    let id = serving(&network, "app")
        .await
        .remove(0)
        .instance_id
        .expect("an id");
    let end = |id: String| {
        network
            .scaling
            .terminate_instance_in_auto_scaling_group()
            .instance_id(id)
            .should_decrement_desired_capacity(true)
            .send()
    };
    end(id).await.expect("it ends");
    let left = serving(&network, "app").await;
    assert_eq!(left.len(), 1);
    let last = left[0].instance_id.clone().expect("an id");
    assert_eq!(code(end(last).await), "ValidationError", "the minimum is one");
}
