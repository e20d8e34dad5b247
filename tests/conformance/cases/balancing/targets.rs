//! Target groups and who is in them.

use aws_sdk_elasticloadbalancingv2::types::{ProtocolEnum, TargetDescription, TargetTypeEnum};
use conformance::code;

use crate::support::Network;

/// The same name with other settings is a duplicate; the same settings are the same group.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
#[tokio::test]
async fn a_group_name_is_taken_once() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let first = network.group("app").await;
    assert_eq!(network.group("app").await, first);
    let other = network
        .elb
        .create_target_group()
        .name("app")
        .protocol(ProtocolEnum::Http)
        .port(81)
        .vpc_id(&network.vpc)
        .send()
        .await;
    assert_eq!(code(other), "DuplicateTargetGroupName");
}

/// A health check's timeout is not above its interval, and counts lie between two and ten.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
#[tokio::test]
async fn a_health_check_out_of_bounds_is_refused() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let base = || {
        network
            .elb
            .create_target_group()
            .name("app")
            .protocol(ProtocolEnum::Http)
            .port(80)
            .vpc_id(&network.vpc)
    };
    let slow = base()
        .health_check_interval_seconds(5)
        .health_check_timeout_seconds(6)
        .send()
        .await;
    assert_eq!(code(slow), "ValidationError");
    let many = base().healthy_threshold_count(11).send().await;
    assert_eq!(code(many), "ValidationError");
    let path = base().health_check_path("healthz").send().await;
    assert_eq!(code(path), "ValidationError");
}

/// A group belongs to a VPC that is there.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
#[tokio::test]
async fn a_group_needs_a_vpc_that_is_there() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let made = network
        .elb
        .create_target_group()
        .name("app")
        .protocol(ProtocolEnum::Http)
        .port(80)
        .vpc_id("vpc-0123456789abcdef0")
        .send()
        .await;
    assert_eq!(code(made), "ValidationError");
}

/// An instance that is not there, stopped, or of another VPC is no target.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RegisterTargets.html
#[tokio::test]
async fn a_target_runs_in_the_vpc_of_its_group() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let group = network.group("app").await;
    let register = async |id: &str| {
        let target = TargetDescription::builder().id(id).build();
        network
            .elb
            .register_targets()
            .target_group_arn(&group)
            .targets(target)
            .send()
            .await
    };
    assert_eq!(code(register("i-0123456789abcdef0").await), "InvalidTarget");
    let stopped = network.instance(&network.subnets[0]).await;
    network
        .ec2
        .stop_instances()
        .instance_ids(&stopped)
        .send()
        .await
        .expect("it stops");
    assert_eq!(code(register(&stopped).await), "InvalidTarget");
}

/// An address outside the private ranges is no target of a group of addresses.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html
#[tokio::test]
async fn a_public_address_is_no_target() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let made = network
        .elb
        .create_target_group()
        .name("ips")
        .protocol(ProtocolEnum::Http)
        .port(80)
        .vpc_id(&network.vpc)
        .target_type(TargetTypeEnum::Ip)
        .send()
        .await;
    let made = made.expect("a group").target_groups.unwrap_or_default().remove(0);
    let target = TargetDescription::builder().id("198.51.100.7").build();
    let registered = network
        .elb
        .register_targets()
        .set_target_group_arn(made.target_group_arn)
        .targets(target)
        .send()
        .await;
    assert_eq!(code(registered), "ValidationError");
}

/// A group that is not there is not found; deleting it is no error.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetHealth.html
#[tokio::test]
async fn a_group_that_is_not_there_is_not_found() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let gone = network.group("app").await.replace("/app/", "/gone/");
    let health = network
        .elb
        .describe_target_health()
        .target_group_arn(&gone)
        .send()
        .await;
    assert_eq!(code(health), "TargetGroupNotFound");
    let shown = network.elb.describe_target_groups().names("gone").send().await;
    assert_eq!(code(shown), "TargetGroupNotFound");
    network
        .elb
        .delete_target_group()
        .target_group_arn(gone)
        .send()
        .await
        .expect("nothing to delete");
}
