//! How much there may be of each thing.

use aws_sdk_elasticloadbalancingv2::types::{ProtocolEnum, Tag, TargetDescription};
use conformance::code;

use crate::site::{Site, path};
use crate::support::{Network, forward};

fn limit(network: &Network, quota: &str, value: u64) {
    let place = (network.aws.vendor().id.as_str(), network.aws.region());
    assert!(
        network.control().set_quota(place, quota, value),
        "{quota} is known"
    );
}

/// An account has as many load balancers as its quota says; one that is there already is answered all the same.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
#[tokio::test]
async fn load_balancers_are_limited() {
    let Some(network) = Network::lay().await else {
        return;
    };
    limit(&network, "L-53DA6B97", 1);
    let first = network.balancer("web").await;
    let second = network
        .elb
        .create_load_balancer()
        .name("more")
        .set_subnets(Some(network.subnets.clone()))
        .send()
        .await;
    assert_eq!(code(second), "TooManyLoadBalancers");
    assert_eq!(network.balancer("web").await, first);
    network.network_balancer("net", &network.subnets).await;
}

/// An account has as many target groups as its quota says.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
#[tokio::test]
async fn target_groups_are_limited() {
    let Some(network) = Network::lay().await else {
        return;
    };
    limit(&network, "L-B22855CB", 1);
    let first = network.group("app").await;
    let second = network
        .elb
        .create_target_group()
        .name("more")
        .protocol(ProtocolEnum::Http)
        .port(80)
        .vpc_id(&network.vpc)
        .send()
        .await;
    assert_eq!(code(second), "TooManyTargetGroups");
    assert_eq!(network.group("app").await, first);
}

/// A load balancer has as many listeners as the quota says.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html
#[tokio::test]
async fn listeners_are_limited() {
    let Some(site) = Site::build().await else { return };
    limit(&site.network, "L-B6DF7632", 1);
    let second = site
        .network
        .elb
        .create_listener()
        .load_balancer_arn(&site.balancer)
        .protocol(ProtocolEnum::Http)
        .port(81)
        .default_actions(forward(&site.group))
        .send()
        .await;
    assert_eq!(code(second), "TooManyListeners");
}

/// A load balancer has a hundred rules beside its default ones.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
#[tokio::test]
async fn rules_are_limited() {
    let Some(site) = Site::build().await else { return };
    for priority in 1..=100 {
        site.rule_arn(priority).await;
    }
    let more = site.rule(101, path(&["/more"]), forward(&site.group)).await;
    assert_eq!(code(more), "TooManyRules");
}

/// A load balancer has as many targets as the quota says, over all its target groups.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RegisterTargets.html
#[tokio::test]
async fn targets_are_limited() {
    let Some(site) = Site::build().await else { return };
    let network = &site.network;
    limit(network, "L-7E6692B2", 1);
    let (one, two) = (
        network.instance(&network.subnets[0]).await,
        network.instance(&network.subnets[1]).await,
    );
    network.register(&site.group, &one).await;
    let more = network
        .elb
        .register_targets()
        .target_group_arn(&site.group)
        .targets(TargetDescription::builder().id(&two).build())
        .send()
        .await;
    assert_eq!(code(more), "TooManyTargets");
    network.register(&site.group, &one).await;
    assert_eq!(network.health(&site.group).await.len(), 1);
    // A second group of targets has no room behind the same load balancer either.
    let other = network.group("other").await;
    network.register(&other, &two).await;
    let joined = site.rule(1, path(&["/other"]), forward(&other)).await;
    assert_eq!(code(joined), "TooManyTargets");
}

/// A resource has fifty tags, those it has already counted in, and no key twice in a call.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_AddTags.html
#[tokio::test]
async fn tags_are_limited() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let group = network.group("app").await;
    let tag = |key: String| Tag::builder().key(key).value("v").build();
    let add = async |tags: Vec<Tag>| {
        network
            .elb
            .add_tags()
            .resource_arns(&group)
            .set_tags(Some(tags))
            .send()
            .await
    };
    let some = |from: usize, to: usize| (from..to).map(|number| tag(format!("k{number}"))).collect();
    assert_eq!(code(add(some(0, 51)).await), "TooManyTags");
    add(some(0, 50)).await.expect("fifty");
    assert_eq!(code(add(some(50, 51)).await), "TooManyTags");
    add(some(0, 1)).await.expect("a new value for an old key");
    let twice = add(vec![tag("a".to_owned()), tag("a".to_owned())]).await;
    assert_eq!(code(twice), "DuplicateTagKeys");
    let reserved = add(vec![tag("aws:mine".to_owned())]).await;
    assert_eq!(code(reserved), "ValidationError");
}

/// A target group, a listener or a rule that is not there has no tags.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTags.html
#[tokio::test]
async fn tags_are_of_something_that_is_there() {
    let Some(site) = Site::build().await else { return };
    let rule = site.rule_arn(1).await;
    let tags = async |arn: &str| {
        site.network
            .elb
            .describe_tags()
            .resource_arns(arn.replace("/web/", "/gone/").replace("/app/", "/none/"))
            .send()
            .await
    };
    assert_eq!(code(tags(&site.balancer).await), "LoadBalancerNotFound");
    assert_eq!(code(tags(&site.group).await), "TargetGroupNotFound");
    assert_eq!(code(tags(&site.listener).await), "ListenerNotFound");
    assert_eq!(code(tags(&rule).await), "RuleNotFound");
}
