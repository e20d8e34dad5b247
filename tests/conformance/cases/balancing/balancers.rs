//! Load balancers.

use aws_sdk_elasticloadbalancingv2::types::{
    LoadBalancerAttribute, LoadBalancerSchemeEnum, LoadBalancerStateEnum, Tag,
};
use chrono::TimeDelta;
use conformance::code;
use conformance::local_aws::LatencyModel;

use crate::support::Network;

/// An application load balancer stands in two zones at least.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
#[tokio::test]
async fn an_application_load_balancer_needs_two_zones() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let one = network
        .elb
        .create_load_balancer()
        .name("one")
        .subnets(&network.subnets[0])
        .send()
        .await;
    assert_eq!(code(one), "ValidationError");
    let made = network
        .ec2
        .create_subnet()
        .vpc_id(&network.vpc)
        .cidr_block("10.0.9.0/24")
        .availability_zone(&network.zones[0])
        .send()
        .await;
    let twin = made
        .expect("a subnet")
        .subnet
        .and_then(|subnet| subnet.subnet_id)
        .expect("an id");
    let same = network
        .elb
        .create_load_balancer()
        .name("two")
        .subnets(&network.subnets[0])
        .subnets(twin)
        .send()
        .await;
    assert_eq!(code(same), "InvalidConfigurationRequest");
}

/// It takes a while until a load balancer is active; its name is there at once.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerState.html
#[tokio::test]
async fn a_load_balancer_is_provisioned_before_it_is_active() {
    let Some(network) = Network::lay().await else {
        return;
    };
    network
        .control()
        .set_latency(LatencyModel::Realistic { per_mille: 1_000 });
    let arn = network.balancer("web").await;
    let state = async || {
        let shown = network
            .elb
            .describe_load_balancers()
            .load_balancer_arns(&arn)
            .send()
            .await;
        let one = shown
            .expect("the load balancer")
            .load_balancers
            .unwrap_or_default()
            .remove(0);
        assert!(
            one.dns_name
                .is_some_and(|name| name.starts_with("web-") && name.ends_with(".elb.amazonaws.com"))
        );
        one.state.and_then(|state| state.code)
    };
    assert_eq!(state().await, Some(LoadBalancerStateEnum::Provisioning));
    network.aws.advance(TimeDelta::minutes(5));
    assert_eq!(state().await, Some(LoadBalancerStateEnum::Active));
}

/// The same name and settings give the same load balancer; other settings are a duplicate.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
#[tokio::test]
async fn a_name_is_taken_once() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let first = network.balancer("web").await;
    assert_eq!(network.balancer("web").await, first);
    let other = network
        .elb
        .create_load_balancer()
        .name("web")
        .set_subnets(Some(network.subnets.clone()))
        .scheme(LoadBalancerSchemeEnum::Internal)
        .send()
        .await;
    assert_eq!(code(other), "DuplicateLoadBalancerName");
}

/// A name has at most 32 letters, digits and hyphens.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
#[tokio::test]
async fn a_name_of_another_form_is_refused() {
    let Some(network) = Network::lay().await else {
        return;
    };
    for name in [
        "x".repeat(33),
        "with_underscore".to_owned(),
        "-first".to_owned(),
        "internal-web".to_owned(),
    ] {
        let made = network
            .elb
            .create_load_balancer()
            .name(&name)
            .set_subnets(Some(network.subnets.clone()))
            .send()
            .await;
        assert_eq!(code(made), "ValidationError", "{name}");
    }
}

/// Subnets and security groups must be there.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
#[tokio::test]
async fn what_a_load_balancer_names_must_be_there() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let subnet = network
        .elb
        .create_load_balancer()
        .name("web")
        .subnets("subnet-0123456789abcdef0")
        .subnets(&network.subnets[0])
        .send()
        .await;
    assert_eq!(code(subnet), "SubnetNotFound");
    let group = network
        .elb
        .create_load_balancer()
        .name("web")
        .set_subnets(Some(network.subnets.clone()))
        .security_groups("sg-0123456789abcdef0")
        .send()
        .await;
    assert_eq!(code(group), "InvalidSecurityGroup");
}

/// A load balancer that faces the internet needs a gateway in its VPC.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/create-application-load-balancer.html
#[tokio::test]
async fn an_internet_facing_one_needs_a_gateway() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let vpc = network
        .ec2
        .create_vpc()
        .cidr_block("10.7.0.0/16")
        .send()
        .await
        .expect("a VPC");
    let vpc = vpc.vpc.and_then(|vpc| vpc.vpc_id).expect("an id");
    let mut subnets = Vec::new();
    for (number, zone) in network.zones.iter().enumerate() {
        let block = format!("10.7.{number}.0/24");
        let made = network
            .ec2
            .create_subnet()
            .vpc_id(&vpc)
            .cidr_block(block)
            .availability_zone(zone)
            .send()
            .await;
        subnets.extend(made.expect("a subnet").subnet.and_then(|subnet| subnet.subnet_id));
    }
    let made = network
        .elb
        .create_load_balancer()
        .name("web")
        .set_subnets(Some(subnets.clone()))
        .send()
        .await;
    assert_eq!(code(made), "InvalidSubnet");
    let inner = network
        .elb
        .create_load_balancer()
        .name("web")
        .set_subnets(Some(subnets))
        .scheme(LoadBalancerSchemeEnum::Internal)
        .send()
        .await;
    inner.expect("an internal one needs none");
}

/// A deletion is refused while deletion protection is on.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteLoadBalancer.html
#[tokio::test]
async fn deletion_protection_protects() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let arn = network.balancer("web").await;
    let set = async |value: &str| {
        let attribute = LoadBalancerAttribute::builder()
            .key("deletion_protection.enabled")
            .value(value)
            .build();
        let set = network
            .elb
            .modify_load_balancer_attributes()
            .load_balancer_arn(&arn)
            .attributes(attribute)
            .send()
            .await;
        set.expect("set");
    };
    set("true").await;
    let refused = network
        .elb
        .delete_load_balancer()
        .load_balancer_arn(&arn)
        .send()
        .await;
    assert_eq!(code(refused), "OperationNotPermitted");
    set("false").await;
    network
        .elb
        .delete_load_balancer()
        .load_balancer_arn(&arn)
        .send()
        .await
        .expect("it goes");
    network
        .elb
        .delete_load_balancer()
        .load_balancer_arn(&arn)
        .send()
        .await
        .expect("and going again is no error");
    let gone = network
        .elb
        .describe_load_balancers()
        .load_balancer_arns(&arn)
        .send()
        .await;
    assert_eq!(code(gone), "LoadBalancerNotFound");
}

/// The interfaces of a deleted load balancer hold their subnets for a while.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-delete.html
#[tokio::test]
async fn the_interfaces_of_a_deleted_one_linger() {
    let Some(network) = Network::lay().await else {
        return;
    };
    network
        .control()
        .set_latency(LatencyModel::Realistic { per_mille: 1_000 });
    let arn = network.balancer("web").await;
    network
        .elb
        .delete_load_balancer()
        .load_balancer_arn(&arn)
        .send()
        .await
        .expect("it goes");
    let held = network
        .ec2
        .delete_subnet()
        .subnet_id(&network.subnets[0])
        .send()
        .await;
    assert_eq!(code(held), "DependencyViolation");
    network.aws.advance(TimeDelta::minutes(10));
    network
        .ec2
        .delete_subnet()
        .subnet_id(&network.subnets[0])
        .send()
        .await
        .expect("nothing holds it any more");
}

/// An attribute that does not exist, or a value it cannot have, is refused.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyLoadBalancerAttributes.html
#[tokio::test]
async fn an_unknown_attribute_is_refused() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let arn = network.balancer("web").await;
    for (key, value) in [("no.such.key", "1"), ("idle_timeout.timeout_seconds", "0")] {
        let attribute = LoadBalancerAttribute::builder().key(key).value(value).build();
        let set = network
            .elb
            .modify_load_balancer_attributes()
            .load_balancer_arn(&arn)
            .attributes(attribute)
            .send()
            .await;
        assert_eq!(code(set), "InvalidConfigurationRequest", "{key}");
    }
}

/// Tags are kept, described and taken away; a key twice is refused.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_AddTags.html
#[tokio::test]
async fn tags_are_kept() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let arn = network.balancer("web").await;
    let tag = |value: &str| Tag::builder().key("tenant").value(value).build();
    network
        .elb
        .add_tags()
        .resource_arns(&arn)
        .tags(tag("acme"))
        .send()
        .await
        .expect("tagged");
    let shown = network
        .elb
        .describe_tags()
        .resource_arns(&arn)
        .send()
        .await
        .expect("tags");
    assert_eq!(shown.tag_descriptions()[0].tags()[0].value(), Some("acme"));
    let twice = network
        .elb
        .add_tags()
        .resource_arns(&arn)
        .tags(tag("a"))
        .tags(tag("b"))
        .send()
        .await;
    assert_eq!(code(twice), "DuplicateTagKeys");
    network
        .elb
        .remove_tags()
        .resource_arns(&arn)
        .tag_keys("tenant")
        .send()
        .await
        .expect("untagged");
    let shown = network
        .elb
        .describe_tags()
        .resource_arns(&arn)
        .send()
        .await
        .expect("tags");
    assert!(shown.tag_descriptions()[0].tags().is_empty());
}

/// A name that no load balancer has is refused, and does not answer an empty list.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeLoadBalancers.html
#[tokio::test]
async fn an_unknown_name_is_not_an_empty_list() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let shown = network.elb.describe_load_balancers().names("nobody").send().await;
    assert_eq!(code(shown), "LoadBalancerNotFound");
}
