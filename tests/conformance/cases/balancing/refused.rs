//! What AWS has and an endpoint may lack is refused by name, never dropped. These cases hold for the local AWS only.

use aws_sdk_autoscaling::error::ProvideErrorMetadata;
use aws_sdk_elasticloadbalancingv2::types::{
    ActionTypeEnum, AuthenticateOidcActionConfig, DescribeTargetHealthInputIncludeEnum, IpAddressType,
    LoadBalancerTypeEnum, ProtocolEnum, SubnetMapping, TargetTypeEnum,
};
use conformance::code;

use crate::site::Site;
use crate::support::Network;

/// The code and the message of a refusal.
fn refusal<T: std::fmt::Debug, E: ProvideErrorMetadata>(outcome: Result<T, E>) -> (String, String) {
    let error = outcome.expect_err("a refusal");
    let text = |part: Option<&str>| part.unwrap_or_default().to_owned();
    (text(error.code()), text(error.message()))
}

fn assert_names(refused: &(String, String), parameter: &str) {
    assert_eq!(refused.0, "NotImplemented", "{refused:?}");
    assert!(refused.1.contains(parameter), "{refused:?} names {parameter}");
}

/// Addresses of other kinds and elastic ones are not dropped from a load balancer.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
#[tokio::test]
async fn a_load_balancer_is_made_as_asked_or_not_at_all() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let base = || network.elb.create_load_balancer().name("web");
    let plain = || base().set_subnets(Some(network.subnets.clone()));
    let dual = plain().ip_address_type(IpAddressType::Dualstack).send().await;
    assert_names(&refusal(dual), "IpAddressType");
    let gateway = plain().r#type(LoadBalancerTypeEnum::Gateway).send().await;
    assert_names(&refusal(gateway), "gateway");
    let elastic = SubnetMapping::builder()
        .subnet_id(&network.subnets[0])
        .allocation_id("eipalloc-0123456789abcdef0")
        .build();
    let elastic = base()
        .r#type(LoadBalancerTypeEnum::Network)
        .subnet_mappings(elastic)
        .send()
        .await;
    assert_names(&refusal(elastic), "SubnetMappings.AllocationId");
    assert_eq!(
        code(network.elb.describe_load_balancers().names("web").send().await),
        "LoadBalancerNotFound"
    );
    plain()
        .ip_address_type(IpAddressType::Ipv4)
        .send()
        .await
        .expect("the default may be said");
}

/// Target groups of other types and protocols are not made into what is there.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
#[tokio::test]
async fn a_target_group_is_made_as_asked_or_not_at_all() {
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
    let grpc = base(ProtocolEnum::Http).protocol_version("GRPC").send().await;
    assert_names(&refusal(grpc), "ProtocolVersion");
    let lambda = base(ProtocolEnum::Http)
        .target_type(TargetTypeEnum::Lambda)
        .send()
        .await;
    assert_names(&refusal(lambda), "TargetType");
    let udp = base(ProtocolEnum::Udp).send().await;
    assert_names(&refusal(udp), "Protocol");
    let made = base(ProtocolEnum::Http).protocol_version("HTTP1").send().await;
    let made = made.expect("a group").target_groups.unwrap_or_default().remove(0);
    assert_eq!(made.protocol_version(), Some("HTTP1"));
}

/// Nobody is let in without the sign-in that a listener asks for.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html
#[tokio::test]
async fn a_sign_in_is_not_left_out_of_a_listener() {
    let Some(site) = Site::build().await else { return };
    let oidc = AuthenticateOidcActionConfig::builder()
        .issuer("https://idp.example.com")
        .authorization_endpoint("https://idp.example.com/a")
        .token_endpoint("https://idp.example.com/t")
        .user_info_endpoint("https://idp.example.com/u")
        .client_id("c")
        .build();
    let oidc = aws_sdk_elasticloadbalancingv2::types::Action::builder()
        .r#type(ActionTypeEnum::AuthenticateOidc)
        .authenticate_oidc_config(oidc)
        .order(1)
        .build();
    let changed = site
        .network
        .elb
        .modify_listener()
        .listener_arn(&site.listener)
        .default_actions(oidc)
        .send()
        .await;
    assert_names(&refusal(changed), "DefaultActions.AuthenticateOidcConfig");
}

/// More certificates than one, and what a listener's attributes say, are refused as a whole.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_AddListenerCertificates.html
#[tokio::test]
async fn more_certificates_are_refused_as_an_operation() {
    let Some(site) = Site::build().await else { return };
    let elb = &site.network.elb;
    let added = elb
        .add_listener_certificates()
        .listener_arn(&site.listener)
        .send()
        .await;
    assert_names(&refusal(added), "AddListenerCertificates");
    let shown = elb
        .describe_target_health()
        .target_group_arn(&site.group)
        .include(DescribeTargetHealthInputIncludeEnum::Anomaly)
        .send()
        .await;
    assert_names(&refusal(shown), "Include");
}

/// Attributes are those of the kind of load balancer, with values that fit.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerAttribute.html
#[tokio::test]
async fn attributes_follow_the_kind() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let web = network.balancer("web").await;
    let net = network.network_balancer("net", &network.subnets).await;
    let set = async |arn: &str, key: &str, value: &str| {
        let attribute = aws_sdk_elasticloadbalancingv2::types::LoadBalancerAttribute::builder()
            .key(key)
            .value(value)
            .build();
        network
            .elb
            .modify_load_balancer_attributes()
            .load_balancer_arn(arn)
            .attributes(attribute)
            .send()
            .await
    };
    for (arn, key, value) in [
        (&web, "load_balancing.cross_zone.enabled", "false"),
        (&web, "idle_timeout.timeout_seconds", "4001"),
        (&net, "idle_timeout.timeout_seconds", "60"),
    ] {
        assert_eq!(
            code(set(arn, key, value).await),
            "InvalidConfigurationRequest",
            "{key}={value}"
        );
    }
    set(&net, "load_balancing.cross_zone.enabled", "true")
        .await
        .expect("a network load balancer chooses");
}

/// Attributes of target groups have bounds of their own.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html
#[tokio::test]
async fn attributes_of_target_groups_have_bounds() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let (http, tcp) = (network.group("app").await, network.tcp_group("tcp").await);
    let set = async |arn: &str, key: &str, value: &str| {
        let attribute = aws_sdk_elasticloadbalancingv2::types::TargetGroupAttribute::builder()
            .key(key)
            .value(value)
            .build();
        network
            .elb
            .modify_target_group_attributes()
            .target_group_arn(arn)
            .attributes(attribute)
            .send()
            .await
    };
    for (arn, key, value) in [
        (&http, "deregistration_delay.timeout_seconds", "3601"),
        (&http, "slow_start.duration_seconds", "29"),
        (&http, "load_balancing.algorithm.type", "fastest"),
        (&http, "stickiness.type", "source_ip"),
        (&tcp, "stickiness.type", "lb_cookie"),
        (&tcp, "slow_start.duration_seconds", "30"),
    ] {
        assert_eq!(
            code(set(arn, key, value).await),
            "InvalidConfigurationRequest",
            "{key}={value}"
        );
    }
    set(&http, "slow_start.duration_seconds", "30")
        .await
        .expect("thirty");
}
