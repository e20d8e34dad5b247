//! Target groups and who is in them.

use aws_sdk_elasticloadbalancingv2::types::{Matcher, ProtocolEnum, TargetDescription, TargetTypeEnum};
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

/// A health check over TCP has no path, one over HTTP has codes within bounds, and neither is switched off.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
#[tokio::test]
async fn a_health_check_fits_its_protocol() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let base = |protocol: ProtocolEnum| {
        network
            .elb
            .create_target_group()
            .name("app")
            .protocol(protocol)
            .port(80)
            .vpc_id(&network.vpc)
    };
    let path = base(ProtocolEnum::Tcp).health_check_path("/healthz").send().await;
    assert_eq!(code(path), "InvalidConfigurationRequest");
    let codes = Matcher::builder().http_code("200-500").build();
    let codes = base(ProtocolEnum::Http).matcher(codes).send().await;
    assert_eq!(code(codes), "ValidationError");
    let off = base(ProtocolEnum::Http).health_check_enabled(false).send().await;
    assert_eq!(code(off), "ValidationError");
    let made = base(ProtocolEnum::Tcp)
        .health_check_protocol(ProtocolEnum::Http)
        .send()
        .await;
    let made = made.expect("a group").target_groups.unwrap_or_default().remove(0);
    assert_eq!(made.health_check_path(), Some("/"));
}

/// Deregistering what is no target succeeds; a group that is not there is not found.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeregisterTargets.html
#[tokio::test]
async fn what_is_no_target_can_be_deregistered() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let group = network.group("app").await;
    let target = || TargetDescription::builder().id("i-0123456789abcdef0").build();
    let leave = |group: &str| network.elb.deregister_targets().target_group_arn(group);
    leave(&group)
        .targets(target())
        .send()
        .await
        .expect("nothing to do");
    assert_eq!(code(leave(&group).send().await), "ValidationError");
    let gone = group.replace("/app/", "/gone/");
    assert_eq!(
        code(leave(&gone).targets(target()).send().await),
        "TargetGroupNotFound"
    );
}

/// Target groups are asked for in one way.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetGroups.html
#[tokio::test]
async fn target_groups_are_asked_for_in_one_way() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let group = network.group("app").await;
    let both = network
        .elb
        .describe_target_groups()
        .names("app")
        .target_group_arns(&group)
        .send()
        .await;
    assert_eq!(code(both), "ValidationError");
    let gone = format!(
        "arn:aws:elasticloadbalancing:{}:{}:loadbalancer/app/gone/0123456789abcdef",
        network.aws.region(),
        network.aws.vendor().id
    );
    let of = network
        .elb
        .describe_target_groups()
        .load_balancer_arn(gone)
        .send()
        .await;
    assert_eq!(code(of), "LoadBalancerNotFound");
}
