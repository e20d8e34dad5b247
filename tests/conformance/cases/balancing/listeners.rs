//! Listeners and their rules.

use aws_sdk_elasticloadbalancingv2::types::{Certificate, ProtocolEnum, RuleCondition};
use conformance::code;

use crate::support::{Network, forward};

/// One listener has a port of a load balancer.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html
#[tokio::test]
async fn a_port_has_one_listener() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let (balancer, group) = (network.balancer("web").await, network.group("app").await);
    network.listener(&balancer, 80, &group).await;
    let again = network
        .elb
        .create_listener()
        .load_balancer_arn(&balancer)
        .protocol(ProtocolEnum::Http)
        .port(80)
        .default_actions(forward(&group))
        .send()
        .await;
    assert_eq!(code(again), "DuplicateListener");
}

/// HTTPS needs a certificate that is there.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/create-https-listener.html
#[tokio::test]
async fn https_needs_a_certificate() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let (balancer, group) = (network.balancer("web").await, network.group("app").await);
    let https = || {
        network
            .elb
            .create_listener()
            .load_balancer_arn(&balancer)
            .protocol(ProtocolEnum::Https)
            .port(443)
            .default_actions(forward(&group))
    };
    assert_eq!(code(https().send().await), "ValidationError");
    let arn = format!(
        "arn:aws:acm:{}:{}:certificate/none",
        network.aws.region(),
        network.aws.vendor().id
    );
    let missing = https()
        .certificates(Certificate::builder().certificate_arn(arn).build())
        .send()
        .await;
    assert_eq!(code(missing), "CertificateNotFound");
}

/// A certificate that is not issued yet is not taken.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/https-listener-certificates.html
#[tokio::test]
async fn a_certificate_that_is_not_issued_is_not_taken() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let (balancer, group) = (network.balancer("web").await, network.group("app").await);
    let acm = aws_sdk_acm::Client::new(&network.aws.vendor().config);
    let asked = acm
        .request_certificate()
        .domain_name("www.example.com")
        .send()
        .await
        .expect("asked");
    let certificate = Certificate::builder()
        .set_certificate_arn(asked.certificate_arn)
        .build();
    let made = network
        .elb
        .create_listener()
        .load_balancer_arn(&balancer)
        .protocol(ProtocolEnum::Https)
        .port(443)
        .certificates(certificate)
        .default_actions(forward(&group))
        .send()
        .await;
    assert_eq!(code(made), "UnsupportedCertificate");
}

/// What a listener names must be there, and of a protocol its load balancer speaks.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html
#[tokio::test]
async fn what_a_listener_names_must_be_there() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let (balancer, group) = (network.balancer("web").await, network.group("app").await);
    let missing = group.replace("/app/", "/gone/");
    let made = network
        .elb
        .create_listener()
        .load_balancer_arn(&balancer)
        .protocol(ProtocolEnum::Http)
        .port(80)
        .default_actions(forward(&missing))
        .send()
        .await;
    assert_eq!(code(made), "TargetGroupNotFound");
    let tcp = network
        .elb
        .create_listener()
        .load_balancer_arn(&balancer)
        .protocol(ProtocolEnum::Tcp)
        .port(80)
        .default_actions(forward(&group))
        .send()
        .await;
    assert_eq!(code(tcp), "UnsupportedProtocol");
    let nowhere = balancer.replace("/web/", "/gone/");
    let made = network
        .elb
        .create_listener()
        .load_balancer_arn(nowhere)
        .protocol(ProtocolEnum::Http)
        .port(80)
        .default_actions(forward(&group))
        .send()
        .await;
    assert_eq!(code(made), "LoadBalancerNotFound");
}

/// A target group that a listener names is in use.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteTargetGroup.html
#[tokio::test]
async fn a_group_that_a_listener_names_is_in_use() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let (balancer, group) = (network.balancer("web").await, network.group("app").await);
    let listener = network.listener(&balancer, 80, &group).await;
    let used = network
        .elb
        .delete_target_group()
        .target_group_arn(&group)
        .send()
        .await;
    assert_eq!(code(used), "ResourceInUse");
    network
        .elb
        .delete_listener()
        .listener_arn(listener)
        .send()
        .await
        .expect("the listener goes");
    network
        .elb
        .delete_target_group()
        .target_group_arn(&group)
        .send()
        .await
        .expect("and the group after it");
}

/// Two rules of a listener do not share a priority, and the default comes last.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html
#[tokio::test]
async fn a_priority_has_one_rule() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let (balancer, group) = (network.balancer("web").await, network.group("app").await);
    let listener = network.listener(&balancer, 80, &group).await;
    let path = || {
        RuleCondition::builder()
            .field("path-pattern")
            .values("/api/*")
            .build()
    };
    let rule = |priority| {
        network
            .elb
            .create_rule()
            .listener_arn(&listener)
            .priority(priority)
            .conditions(path())
            .actions(forward(&group))
            .send()
    };
    rule(10).await.expect("a rule");
    assert_eq!(code(rule(10).await), "PriorityInUse");
    assert_eq!(code(rule(50_001).await), "ValidationError");
    let shown = network
        .elb
        .describe_rules()
        .listener_arn(&listener)
        .send()
        .await
        .expect("rules");
    let priorities: Vec<_> = shown
        .rules()
        .iter()
        .filter_map(|rule| rule.priority.clone())
        .collect();
    assert_eq!(priorities, ["10", "default"]);
}

/// With its load balancer a listener goes too.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteLoadBalancer.html
#[tokio::test]
async fn a_listener_goes_with_its_load_balancer() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let (balancer, group) = (network.balancer("web").await, network.group("app").await);
    let listener = network.listener(&balancer, 80, &group).await;
    network
        .elb
        .delete_load_balancer()
        .load_balancer_arn(&balancer)
        .send()
        .await
        .expect("it goes");
    let gone = network
        .elb
        .describe_listeners()
        .listener_arns(listener)
        .send()
        .await;
    assert_eq!(code(gone), "ListenerNotFound");
}
