//! What becomes of requests.

use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, FixedResponseActionConfig, ForwardActionConfig, ProtocolEnum,
    RedirectActionConfig, RedirectActionStatusCodeEnum, TargetGroupStickinessConfig, TargetGroupTuple,
};
use conformance::code;

use crate::site::{Site, path};

/// Requests are spread over several groups by weight, and all of them are in use then.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-action-types.html
#[tokio::test]
async fn a_forward_spreads_over_groups_by_weight() {
    let Some(site) = Site::build().await else { return };
    let other = site.network.group("other").await;
    let tuple = |arn: &str, weight| {
        TargetGroupTuple::builder()
            .target_group_arn(arn)
            .weight(weight)
            .build()
    };
    let spread = |heavy| {
        let config = ForwardActionConfig::builder()
            .target_groups(tuple(&site.group, 1))
            .target_groups(tuple(&other, heavy));
        Action::builder()
            .r#type(ActionTypeEnum::Forward)
            .forward_config(config.build())
            .build()
    };
    let heavy = site.rule(1, path(&["/new"]), spread(1_000)).await;
    assert_eq!(code(heavy), "ValidationError");
    let made = site.rule(1, path(&["/new"]), spread(999)).await.expect("a rule");
    let config = made.rules()[0].actions()[0].forward_config().expect("a forward");
    let weights: Vec<_> = config
        .target_groups()
        .iter()
        .map(TargetGroupTuple::weight)
        .collect();
    assert_eq!(weights, [Some(1), Some(999)]);
    let used = site
        .network
        .elb
        .delete_target_group()
        .target_group_arn(&other)
        .send()
        .await;
    assert_eq!(code(used), "ResourceInUse");
}

/// A redirect that changes nothing leads to itself.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RedirectActionConfig.html
#[tokio::test]
async fn a_redirect_must_lead_elsewhere() {
    let Some(site) = Site::build().await else { return };
    let redirect = |protocol: Option<&str>| {
        let config = RedirectActionConfig::builder()
            .set_protocol(protocol.map(str::to_owned))
            .status_code(RedirectActionStatusCodeEnum::Http301)
            .build();
        Action::builder()
            .r#type(ActionTypeEnum::Redirect)
            .redirect_config(config)
            .build()
    };
    let loops = site.rule(1, path(&["/"]), redirect(None)).await;
    assert_eq!(code(loops), "InvalidLoadBalancerAction");
    let made = site
        .rule(1, path(&["/"]), redirect(Some("HTTPS")))
        .await
        .expect("a rule");
    let config = made.rules()[0].actions()[0]
        .redirect_config()
        .expect("a redirect");
    assert_eq!(
        (config.protocol(), config.host(), config.path()),
        (Some("HTTPS"), Some("#{host}"), Some("/#{path}"))
    );
}

/// A fixed response has a code of success or of an error.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_FixedResponseActionConfig.html
#[tokio::test]
async fn a_fixed_response_has_a_fitting_code() {
    let Some(site) = Site::build().await else { return };
    let fixed = |status: &str, kind: &str| {
        let config = FixedResponseActionConfig::builder()
            .status_code(status)
            .content_type(kind)
            .message_body("closed")
            .build();
        Action::builder()
            .r#type(ActionTypeEnum::FixedResponse)
            .fixed_response_config(config)
            .build()
    };
    for (status, kind) in [("302", "text/plain"), ("abc", "text/plain"), ("503", "text/odd")] {
        let refused = site.rule(1, path(&["/"]), fixed(status, kind)).await;
        assert_eq!(code(refused), "ValidationError", "{status} {kind}");
    }
    let made = site
        .rule(1, path(&["/"]), fixed("503", "text/plain"))
        .await
        .expect("a rule");
    let config = made.rules()[0].actions()[0]
        .fixed_response_config()
        .expect("a response");
    assert_eq!(config.content_type(), Some("text/plain"));
}

/// A client stays with a target group as long as the rule says, a week at most.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupStickinessConfig.html
#[tokio::test]
async fn a_client_stays_with_its_target_group() {
    let Some(site) = Site::build().await else { return };
    let sticky = |seconds: i32| {
        let stickiness = TargetGroupStickinessConfig::builder()
            .enabled(true)
            .duration_seconds(seconds)
            .build();
        let tuple = TargetGroupTuple::builder().target_group_arn(&site.group).build();
        let config = ForwardActionConfig::builder()
            .target_groups(tuple)
            .target_group_stickiness_config(stickiness);
        Action::builder()
            .r#type(ActionTypeEnum::Forward)
            .forward_config(config.build())
            .build()
    };
    assert_eq!(
        code(site.rule(1, path(&["/"]), sticky(604_801)).await),
        "ValidationError"
    );
    let made = site.rule(1, path(&["/"]), sticky(3_600)).await.expect("a rule");
    let config = made.rules()[0].actions()[0].forward_config().expect("a forward");
    let stickiness = config.target_group_stickiness_config().expect("stickiness");
    assert_eq!(
        (stickiness.enabled(), stickiness.duration_seconds()),
        (Some(true), Some(3_600))
    );
}

/// An action forwards to five target groups at most, each named once.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
#[tokio::test]
async fn an_action_has_five_target_groups_at_most() {
    let Some(site) = Site::build().await else { return };
    let mut arns = vec![site.group.clone()];
    for number in 1..6 {
        arns.push(site.network.group(&format!("more-{number}")).await);
    }
    let spread = |arns: &[String]| {
        let tuples = arns
            .iter()
            .map(|arn| TargetGroupTuple::builder().target_group_arn(arn).build());
        let config = ForwardActionConfig::builder().set_target_groups(Some(tuples.collect()));
        Action::builder()
            .r#type(ActionTypeEnum::Forward)
            .forward_config(config.build())
            .build()
    };
    assert_eq!(
        code(site.rule(1, path(&["/"]), spread(&arns)).await),
        "TooManyTargetGroups"
    );
    let twice = [arns[0].clone(), arns[0].clone()];
    assert_eq!(
        code(site.rule(1, path(&["/"]), spread(&twice)).await),
        "ValidationError"
    );
    site.rule(1, path(&["/"]), spread(&arns[..5]))
        .await
        .expect("five");
}

/// A network load balancer does nothing but forward.
/// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-listeners.html
#[tokio::test]
async fn a_network_load_balancer_only_forwards() {
    let Some(site) = Site::build().await else { return };
    let network = &site.network;
    let net = network.network_balancer("net", &network.subnets).await;
    let config = FixedResponseActionConfig::builder().status_code("503").build();
    let answer = Action::builder()
        .r#type(ActionTypeEnum::FixedResponse)
        .fixed_response_config(config)
        .build();
    let made = network
        .elb
        .create_listener()
        .load_balancer_arn(net)
        .protocol(ProtocolEnum::Tcp)
        .port(80)
        .default_actions(answer)
        .send()
        .await;
    assert_eq!(code(made), "InvalidLoadBalancerAction");
}
