//! Listeners and their rules.

use aws_sdk_elasticloadbalancingv2::types::{Certificate, ProtocolEnum, RuleCondition};
use conformance::code;

use crate::site::Site;
use crate::support::{Network, forward};

/// One listener has a port of a load balancer; asked for again with the same settings, it is the same one.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html
#[tokio::test]
async fn a_port_has_one_listener() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let (balancer, group) = (network.balancer("web").await, network.group("app").await);
    let other = network.group("other").await;
    let first = network.listener(&balancer, 80, &group).await;
    assert_eq!(network.listener(&balancer, 80, &group).await, first);
    let again = network
        .elb
        .create_listener()
        .load_balancer_arn(&balancer)
        .protocol(ProtocolEnum::Http)
        .port(80)
        .default_actions(forward(&other))
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

/// A target group serves one load balancer, of its own protocol and VPC.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html
#[tokio::test]
async fn a_target_group_serves_one_load_balancer() {
    let Some(site) = Site::build().await else { return };
    let network = &site.network;
    let listen = async |balancer: &str, protocol, group: &str| {
        network
            .elb
            .create_listener()
            .load_balancer_arn(balancer)
            .protocol(protocol)
            .port(81)
            .default_actions(forward(group))
            .send()
            .await
    };
    let second = network.balancer("second").await;
    let shared = listen(&second, ProtocolEnum::Http, &site.group).await;
    assert_eq!(code(shared), "TargetGroupAssociationLimit");
    let tcp = network.tcp_group("tcp").await;
    let mixed = listen(&site.balancer, ProtocolEnum::Http, &tcp).await;
    assert_eq!(code(mixed), "IncompatibleProtocols");
    let net = network.network_balancer("net", &network.subnets).await;
    let http = listen(&net, ProtocolEnum::Http, &tcp).await;
    assert_eq!(code(http), "UnsupportedProtocol");
    listen(&net, ProtocolEnum::Tcp, &tcp).await.expect("a listener");
}

/// A listener keeps what a change does not name, and cannot take a port or a group that is not free.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyListener.html
#[tokio::test]
async fn a_listener_is_changed_in_part() {
    let Some(site) = Site::build().await else { return };
    let network = &site.network;
    network.listener(&site.balancer, 81, &site.group).await;
    let modify = || network.elb.modify_listener().listener_arn(&site.listener);
    assert_eq!(code(modify().port(81).send().await), "DuplicateListener");
    let secure = modify().protocol(ProtocolEnum::Https).send().await;
    assert_eq!(code(secure), "ValidationError", "HTTPS needs a certificate");
    let arn = format!(
        "arn:aws:acm:{}:{}:certificate/none",
        network.aws.region(),
        network.aws.vendor().id
    );
    let certificate = Certificate::builder().certificate_arn(arn).build();
    let missing = modify()
        .protocol(ProtocolEnum::Https)
        .certificates(certificate)
        .send()
        .await;
    assert_eq!(code(missing), "CertificateNotFound");
    let gone = site.group.replace("/app/", "/gone/");
    let nowhere = modify().default_actions(forward(&gone)).send().await;
    assert_eq!(code(nowhere), "TargetGroupNotFound");
    let moved = modify().port(82).send().await.expect("moved");
    let moved = &moved.listeners()[0];
    assert_eq!(
        (moved.port(), moved.protocol()),
        (Some(82), Some(&ProtocolEnum::Http))
    );
    let lost = network
        .elb
        .modify_listener()
        .listener_arn(site.listener.replace("/web/", "/gone/"))
        .port(83)
        .send()
        .await;
    assert_eq!(code(lost), "ListenerNotFound");
}

/// A listener encrypts under a policy that AWS has, and one without encryption takes none.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
#[tokio::test]
async fn a_security_policy_must_be_there() {
    let Some(site) = Site::build().await else { return };
    let listen = |policy: &str| {
        site.network
            .elb
            .create_listener()
            .load_balancer_arn(&site.balancer)
            .protocol(ProtocolEnum::Http)
            .port(81)
            .ssl_policy(policy)
            .default_actions(forward(&site.group))
            .send()
    };
    assert_eq!(code(listen("ELBSecurityPolicy-None").await), "SSLPolicyNotFound");
    assert_eq!(
        code(listen("ELBSecurityPolicy-TLS13-1-2-2021-06").await),
        "ValidationError"
    );
}

/// Listeners are asked for by load balancer or by name, one of the two.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeListeners.html
#[tokio::test]
async fn listeners_are_asked_for_in_one_way() {
    let Some(site) = Site::build().await else { return };
    let elb = &site.network.elb;
    assert_eq!(code(elb.describe_listeners().send().await), "ValidationError");
    let gone = site.balancer.replace("/web/", "/gone/");
    let nowhere = elb.describe_listeners().load_balancer_arn(gone).send().await;
    assert_eq!(code(nowhere), "LoadBalancerNotFound");
    let lost = site.listener.replace("/web/", "/gone/");
    let deleted = elb.delete_listener().listener_arn(lost).send().await;
    assert_eq!(code(deleted), "ListenerNotFound");
}

/// A target group of another VPC than its load balancer's is refused.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html
#[tokio::test]
async fn a_listener_forwards_within_its_vpc() {
    let Some(site) = Site::build().await else { return };
    let network = &site.network;
    let vpc = network.ec2.create_vpc().cidr_block("10.8.0.0/16").send().await;
    let vpc = vpc.expect("a VPC").vpc.and_then(|vpc| vpc.vpc_id);
    let made = network
        .elb
        .create_target_group()
        .name("away")
        .protocol(ProtocolEnum::Http)
        .port(80)
        .set_vpc_id(vpc)
        .send()
        .await;
    let made = made.expect("a group").target_groups.unwrap_or_default().remove(0);
    let away = made.target_group_arn.expect("an ARN");
    let made = network
        .elb
        .create_listener()
        .load_balancer_arn(&site.balancer)
        .protocol(ProtocolEnum::Http)
        .port(81)
        .default_actions(forward(&away))
        .send()
        .await;
    assert_eq!(code(made), "InvalidConfigurationRequest");
}
