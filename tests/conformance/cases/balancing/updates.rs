//! Changing groups, and what they do not do here.

use aws_sdk_autoscaling::error::ProvideErrorMetadata;
use aws_sdk_autoscaling::types::{
    LaunchTemplate, LifecycleHookSpecification, MixedInstancesPolicy, RefreshPreferences,
};
use conformance::code;

use crate::groups::{group, version};
use crate::support::Network;

/// A change keeps what it does not name; a bound that passes the desired capacity takes it along.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_UpdateAutoScalingGroup.html
#[tokio::test]
async fn a_change_keeps_what_it_does_not_name() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (1, 4, 2)).await;
    let update = || {
        network
            .scaling
            .update_auto_scaling_group()
            .auto_scaling_group_name("app")
    };
    update()
        .default_cooldown(60)
        .health_check_grace_period(90)
        .default_instance_warmup(30)
        .send()
        .await
        .expect("changed");
    update().min_size(3).send().await.expect("changed");
    let shown = network
        .scaling
        .describe_auto_scaling_groups()
        .send()
        .await
        .expect("groups");
    let shown = &shown.auto_scaling_groups()[0];
    assert_eq!(
        (shown.min_size(), shown.max_size(), shown.desired_capacity()),
        (Some(3), Some(4), Some(3))
    );
    assert_eq!(
        (shown.default_cooldown(), shown.health_check_grace_period()),
        (Some(60), Some(90))
    );
    assert_eq!(shown.default_instance_warmup(), Some(30));
    assert_eq!(shown.tags().len(), 1);
}

/// Sizes, times and subnets of a change must fit, and its group must be there.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_UpdateAutoScalingGroup.html
#[tokio::test]
async fn a_change_that_does_not_fit_is_refused() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (1, 4, 2)).await;
    let update = || {
        network
            .scaling
            .update_auto_scaling_group()
            .auto_scaling_group_name("app")
    };
    let refused = [
        update().min_size(5),
        update().desired_capacity(5),
        update().health_check_grace_period(-1),
        update().health_check_type("LUCK"),
        update().vpc_zone_identifier("subnet-0123456789abcdef0"),
        update().launch_template(version("lt-0123456789abcdef0", "1")),
        network
            .scaling
            .update_auto_scaling_group()
            .auto_scaling_group_name("gone")
            .min_size(1),
    ];
    for call in refused {
        let shown = format!("{call:?}");
        assert_eq!(code(call.send().await), "ValidationError", "{shown}");
    }
}

/// Two calls at once do not both make a group of one name.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateAutoScalingGroup.html
#[tokio::test]
async fn a_group_name_is_not_taken_twice_at_once() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let template = network.template("app").await;
    let create = || {
        network
            .scaling
            .create_auto_scaling_group()
            .auto_scaling_group_name("app")
            .launch_template(version(&template, "1"))
            .min_size(1)
            .max_size(1)
            .vpc_zone_identifier(network.subnets.join(","))
            .send()
    };
    let outcomes = tokio::join!(create(), create(), create());
    let outcomes = [outcomes.0, outcomes.1, outcomes.2];
    let refused = outcomes.into_iter().filter(Result::is_err);
    let codes: Vec<String> = refused.map(code).collect();
    assert_eq!(codes, ["AlreadyExists", "AlreadyExists"]);
    let all = network.ec2.describe_instances().send().await.expect("instances");
    assert_eq!(all.reservations().len(), 1);
}

/// The first group of an account brings the service's role with it, for a caller who may make it.
/// https://docs.aws.amazon.com/autoscaling/ec2/userguide/autoscaling-service-linked-role.html
#[tokio::test]
async fn the_first_group_brings_the_role_of_the_service() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let iam = aws_sdk_iam::Client::new(&network.aws.vendor().config);
    let look = || iam.get_role().role_name("AWSServiceRoleForAutoScaling").send();
    assert_eq!(code(look().await), "NoSuchEntity");
    let user = network.user(r#"["autoscaling:*","ec2:*"]"#).await;
    let template = network.template("other").await;
    let create = || {
        aws_sdk_autoscaling::Client::new(&user)
            .create_auto_scaling_group()
            .auto_scaling_group_name("other")
            .launch_template(version(&template, "1"))
            .min_size(0)
            .max_size(1)
            .vpc_zone_identifier(network.subnets.join(","))
            .send()
    };
    assert_eq!(code(create().await), "AccessDenied");
    group(&network, "app", (0, 1, 0)).await;
    look().await.expect("the role is there");
    create().await.expect("it need not be made again");
}

/// What a group would have to do and this endpoint does not is refused by name. For the local AWS only.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateAutoScalingGroup.html
#[tokio::test]
async fn a_group_is_made_as_asked_or_not_at_all() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let template = network.template("app").await;
    let base = || {
        network
            .scaling
            .create_auto_scaling_group()
            .auto_scaling_group_name("app")
            .min_size(0)
            .max_size(1)
            .vpc_zone_identifier(network.subnets.join(","))
    };
    let plain = || base().launch_template(version(&template, "1"));
    let mixed = MixedInstancesPolicy::builder()
        .launch_template(
            LaunchTemplate::builder()
                .launch_template_specification(version(&template, "1"))
                .build(),
        )
        .build();
    let hook = LifecycleHookSpecification::builder()
        .lifecycle_hook_name("h")
        .lifecycle_transition("autoscaling:EC2_INSTANCE_LAUNCHING")
        .build();
    let refused = [
        ("MixedInstancesPolicy", base().mixed_instances_policy(mixed)),
        ("LaunchConfigurationName", base().launch_configuration_name("old")),
        (
            "LifecycleHookSpecificationList",
            plain().lifecycle_hook_specification_list(hook),
        ),
        (
            "TerminationPolicies",
            plain().termination_policies("OldestInstance"),
        ),
        ("MaxInstanceLifetime", plain().max_instance_lifetime(86_400)),
        ("LoadBalancerNames", plain().load_balancer_names("classic")),
        ("CapacityRebalance", plain().capacity_rebalance(true)),
        ("PlacementGroup", plain().placement_group("close")),
        ("HealthCheckType", plain().health_check_type("EBS")),
    ];
    for (parameter, call) in refused {
        let error = call.send().await.expect_err(parameter);
        assert_eq!(error.code(), Some("NotImplemented"), "{parameter}");
        assert!(
            error.message().is_some_and(|why| why.contains(parameter)),
            "{error:?}"
        );
    }
    plain()
        .termination_policies("Default")
        .capacity_rebalance(false)
        .send()
        .await
        .expect("the defaults may be said");
}

/// The same for policies, refreshes, hooks and warm pools. For the local AWS only.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutWarmPool.html
#[tokio::test]
async fn what_a_group_does_not_do_is_refused_by_name() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (1, 2, 1)).await;
    let scaling = &network.scaling;
    let step = scaling
        .put_scaling_policy()
        .auto_scaling_group_name("app")
        .policy_name("step")
        .policy_type("StepScaling")
        .adjustment_type("ChangeInCapacity")
        .send()
        .await;
    assert_eq!(code(step), "NotImplemented");
    let checkpoints = RefreshPreferences::builder().checkpoint_percentages(50).build();
    let refresh = scaling.start_instance_refresh().auto_scaling_group_name("app");
    let refresh = refresh.preferences(checkpoints).send().await;
    assert_eq!(code(refresh), "NotImplemented");
    let pool = scaling
        .put_warm_pool()
        .auto_scaling_group_name("app")
        .send()
        .await;
    assert_eq!(code(pool), "NotImplemented");
    let hook = scaling
        .put_lifecycle_hook()
        .auto_scaling_group_name("app")
        .lifecycle_hook_name("h")
        .send()
        .await;
    assert_eq!(code(hook), "NotImplemented");
    let metrics = scaling
        .enable_metrics_collection()
        .auto_scaling_group_name("app")
        .granularity("1Minute")
        .send()
        .await;
    assert_eq!(code(metrics), "NotImplemented");
    let deleted = scaling
        .describe_scaling_activities()
        .include_deleted_groups(true)
        .send()
        .await;
    assert_eq!(code(deleted), "NotImplemented");
}
