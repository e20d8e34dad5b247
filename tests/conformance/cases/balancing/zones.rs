//! Groups over zones: where instances go when a zone fails, fills up or comes back.

use aws_sdk_autoscaling::types::{AutoScalingGroup, Instance};
use chrono::TimeDelta;
use conformance::code;
use conformance::local_aws::{Fault, FaultRule, LatencyModel, Outage};

use crate::groups::{group, version};
use crate::support::Network;

async fn shown(network: &Network) -> AutoScalingGroup {
    let groups = network.scaling.describe_auto_scaling_groups().send().await;
    groups
        .expect("groups")
        .auto_scaling_groups
        .unwrap_or_default()
        .remove(0)
}

async fn zones(network: &Network) -> Vec<String> {
    let instances = shown(network).await.instances.unwrap_or_default();
    let serving = |one: &Instance| {
        let state = one.lifecycle_state.as_ref();
        state.is_some_and(|state| state.as_str() == "InService")
    };
    let mut zones: Vec<String> = instances
        .into_iter()
        .filter(serving)
        .filter_map(|one| one.availability_zone)
        .collect();
    zones.sort();
    zones
}

async fn activities(network: &Network) -> Vec<(String, String)> {
    let shown = network
        .scaling
        .describe_scaling_activities()
        .auto_scaling_group_name("app")
        .send()
        .await
        .expect("activities");
    let pair = |one: &aws_sdk_autoscaling::types::Activity| {
        let status = one.status_code().map(|status| status.as_str().to_owned());
        let words = [one.cause(), one.status_message()];
        (
            status.unwrap_or_default(),
            words.map(Option::unwrap_or_default).join(" "),
        )
    };
    shown.activities().iter().map(pair).collect()
}

fn no_capacity() -> Fault {
    Fault::Error {
        status: 500,
        code: "InsufficientInstanceCapacity".to_owned(),
        message: "no capacity".to_owned(),
    }
}

/// The zones of a group are those of its subnets, whether instances are there or not.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_AutoScalingGroup.html
#[tokio::test]
async fn the_zones_of_a_group_are_those_of_its_subnets() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (0, 1, 0)).await;
    assert_eq!(shown(&network).await.availability_zones(), network.zones);
    network
        .scaling
        .update_auto_scaling_group()
        .auto_scaling_group_name("app")
        .vpc_zone_identifier(&network.subnets[1])
        .send()
        .await
        .expect("moved");
    assert_eq!(shown(&network).await.availability_zones(), &network.zones[1..]);
}

/// Zones that are named beside subnets must be the subnets' own; alone they need a default VPC.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateAutoScalingGroup.html
#[tokio::test]
async fn named_zones_must_match_the_subnets() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let template = network.template("app").await;
    let base = || {
        network
            .scaling
            .create_auto_scaling_group()
            .auto_scaling_group_name("app")
            .launch_template(version(&template, "1"))
            .min_size(0)
            .max_size(1)
            .availability_zones(&network.zones[0])
    };
    let other = base().vpc_zone_identifier(&network.subnets[1]).send().await;
    assert_eq!(code(other), "ValidationError");
    let some = base().vpc_zone_identifier(network.subnets.join(",")).send().await;
    assert_eq!(code(some), "ValidationError");
    assert_eq!(code(base().send().await), "ValidationError");
    base()
        .vpc_zone_identifier(&network.subnets[0])
        .send()
        .await
        .expect("they match");
}

/// When a zone comes back, the group moves instances into it: a new one first, then an old one ends.
/// https://docs.aws.amazon.com/autoscaling/ec2/userguide/auto-scaling-benefits.html
#[tokio::test]
async fn a_zone_that_comes_back_is_used_again() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (4, 6, 4)).await;
    let (lost, other) = (network.zones[1].clone(), network.zones[0].clone());
    network.control().begin_outage(Outage::Zone(lost.clone()));
    assert_eq!(zones(&network).await, vec![other.clone(); 4]);
    network.control().end_outage(&Outage::Zone(lost.clone()));
    network.aws.advance(TimeDelta::minutes(1));
    assert_eq!(
        zones(&network).await,
        [other.clone(), other.clone(), lost.clone(), lost]
    );
    let story = activities(&network).await;
    assert!(
        story.iter().any(|(_, why)| why.contains("balancing")),
        "{story:?}"
    );
}

/// While zones are evened out the capacity never falls, and goes above what is desired by one.
/// https://docs.aws.amazon.com/autoscaling/ec2/userguide/auto-scaling-benefits.html
#[tokio::test]
async fn evening_out_launches_before_it_ends() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (4, 4, 4)).await;
    let lost = Outage::Zone(network.zones[1].clone());
    network.control().begin_outage(lost.clone());
    assert_eq!(zones(&network).await.len(), 4);
    network
        .control()
        .set_latency(LatencyModel::Realistic { per_mille: 1_000 });
    network.control().end_outage(&lost);
    for _ in 0..120 {
        let serving = zones(&network).await;
        assert!((4..=5).contains(&serving.len()), "{serving:?}");
        let moved = serving.iter().filter(|zone| **zone == network.zones[1]).count();
        if moved == 2 && serving.len() == 4 {
            return;
        }
        network.aws.advance(TimeDelta::seconds(15));
    }
    panic!("the zones were never even");
}

/// A group told not to even out its zones leaves them as they are.
/// https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html
#[tokio::test]
async fn a_group_may_be_told_not_to_even_out() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (2, 4, 2)).await;
    let switch = |on: bool| {
        let (scaling, name) = (&network.scaling, "app");
        async move {
            if on {
                let resumed = scaling.resume_processes().auto_scaling_group_name(name);
                resumed.send().await.expect("resumed");
            } else {
                let suspended = scaling
                    .suspend_processes()
                    .auto_scaling_group_name(name)
                    .scaling_processes("AZRebalance");
                suspended.send().await.expect("suspended");
            }
        }
    };
    switch(false).await;
    let lost = Outage::Zone(network.zones[1].clone());
    network.control().begin_outage(lost.clone());
    let crowded = vec![network.zones[0].clone(); 2];
    assert_eq!(zones(&network).await, crowded);
    network.control().end_outage(&lost);
    network.aws.advance(TimeDelta::minutes(10));
    assert_eq!(zones(&network).await, crowded);
    switch(true).await;
    assert_eq!(zones(&network).await, network.zones);
}

/// A launch that finds no capacity in one zone is tried in another.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_AvailabilityZoneDistribution.html
#[tokio::test]
async fn a_launch_without_capacity_is_tried_in_another_zone() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let mut once = FaultRule::on("RunInstances", no_capacity());
    once.times = Some(1);
    assert!(network.control().add_fault(once));
    group(&network, "app", (1, 1, 1)).await;
    assert_eq!(zones(&network).await, &network.zones[1..]);
    let story = activities(&network).await;
    let failed: Vec<_> = story.iter().filter(|(status, _)| status == "Failed").collect();
    assert_eq!(failed.len(), 1, "{story:?}");
    assert!(failed[0].1.contains("InsufficientInstanceCapacity"), "{failed:?}");
}

/// A subnet that has no address left does not stop a group that has another.
/// https://docs.aws.amazon.com/autoscaling/ec2/userguide/ts-as-instancelaunchfailure.html
#[tokio::test]
async fn a_full_subnet_is_passed_over() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let full = network
        .ec2
        .create_subnet()
        .vpc_id(&network.vpc)
        .cidr_block("10.0.9.0/28")
        .availability_zone(&network.zones[0])
        .send()
        .await;
    let full = full.expect("a subnet").subnet.and_then(|subnet| subnet.subnet_id);
    let full = full.expect("an id");
    for _ in 0..11 {
        network.instance(&full).await;
    }
    let template = network.template("app").await;
    network
        .scaling
        .create_auto_scaling_group()
        .auto_scaling_group_name("app")
        .launch_template(version(&template, "1"))
        .min_size(1)
        .max_size(1)
        .vpc_zone_identifier(format!("{full},{}", network.subnets[1]))
        .send()
        .await
        .expect("a group");
    assert_eq!(zones(&network).await, &network.zones[1..]);
}

/// A refusal that is not a zone's own is not tried in every zone.
/// https://docs.aws.amazon.com/autoscaling/ec2/userguide/ts-as-instancelaunchfailure.html
#[tokio::test]
async fn a_quota_stops_a_launch_in_every_zone() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let place = (network.aws.vendor().id.as_str(), network.aws.region());
    assert!(network.control().set_quota(place, "L-1216C47A", 0));
    group(&network, "app", (1, 1, 1)).await;
    let story = activities(&network).await;
    assert_eq!(story.len(), 1, "{story:?}");
    assert!(story[0].1.contains("VcpuLimitExceeded"), "{story:?}");
    assert!(network.control().set_quota(place, "L-1216C47A", 10));
    network.aws.advance(TimeDelta::minutes(2));
    assert_eq!(zones(&network).await.len(), 1);
}

/// Termination protection of an instance does not hinder its group.
/// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_ChangingDisableAPITermination.html
#[tokio::test]
async fn termination_protection_does_not_hinder_a_group() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (0, 1, 1)).await;
    let id = shown(&network).await.instances()[0]
        .instance_id()
        .expect("an id")
        .to_owned();
    network
        .ec2
        .modify_instance_attribute()
        .instance_id(&id)
        .disable_api_termination(
            aws_sdk_ec2::types::AttributeBooleanValue::builder()
                .value(true)
                .build(),
        )
        .send()
        .await
        .expect("protected");
    let ended = network.ec2.terminate_instances().instance_ids(&id).send().await;
    assert_eq!(code(ended), "OperationNotPermitted", "against callers it holds");
    network
        .scaling
        .set_desired_capacity()
        .auto_scaling_group_name("app")
        .desired_capacity(0)
        .send()
        .await
        .expect("set");
    assert!(zones(&network).await.is_empty());
    let left = network.ec2.describe_instances().instance_ids(&id).send().await;
    let left = left
        .expect("instances")
        .reservations
        .unwrap_or_default()
        .remove(0);
    let state = left.instances()[0]
        .state()
        .and_then(|state| state.name())
        .cloned();
    assert_eq!(state, Some(aws_sdk_ec2::types::InstanceStateName::Terminated));
}

/// Instances that are protected from scaling in stay, whatever is desired.
/// https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-instance-protection.html
#[tokio::test]
async fn protected_instances_are_not_scaled_in() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let template = network.template("app").await;
    network
        .scaling
        .create_auto_scaling_group()
        .auto_scaling_group_name("app")
        .launch_template(version(&template, "1"))
        .min_size(0)
        .max_size(2)
        .desired_capacity(2)
        .new_instances_protected_from_scale_in(true)
        .vpc_zone_identifier(network.subnets.join(","))
        .send()
        .await
        .expect("a group");
    network
        .scaling
        .set_desired_capacity()
        .auto_scaling_group_name("app")
        .desired_capacity(0)
        .send()
        .await
        .expect("set");
    assert_eq!(zones(&network).await.len(), 2);
}
