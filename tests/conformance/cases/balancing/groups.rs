//! Auto Scaling groups: what they take and refuse.

use aws_sdk_autoscaling::types::{LaunchTemplateSpecification, Tag};
use conformance::code;

use crate::support::Network;

pub(crate) fn version(template: &str, version: &str) -> LaunchTemplateSpecification {
    LaunchTemplateSpecification::builder()
        .launch_template_id(template)
        .version(version)
        .build()
}

/// A group over both zones of a network.
pub(crate) async fn group(network: &Network, name: &str, (min, max, desired): (i32, i32, i32)) -> String {
    let template = network.template(&format!("{name}-template")).await;
    let made = network
        .scaling
        .create_auto_scaling_group()
        .auto_scaling_group_name(name)
        .launch_template(version(&template, "1"))
        .min_size(min)
        .max_size(max)
        .desired_capacity(desired)
        .vpc_zone_identifier(network.subnets.join(","))
        .tags(
            Tag::builder()
                .key("tenant")
                .value("acme")
                .propagate_at_launch(true)
                .build(),
        )
        .send()
        .await;
    made.expect("a group");
    template
}

/// A group's name is taken once.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateAutoScalingGroup.html
#[tokio::test]
async fn a_group_name_is_taken_once() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let template = group(&network, "app", (0, 1, 0)).await;
    let again = network
        .scaling
        .create_auto_scaling_group()
        .auto_scaling_group_name("app")
        .launch_template(version(&template, "1"))
        .min_size(0)
        .max_size(1)
        .vpc_zone_identifier(&network.subnets[0])
        .send()
        .await;
    assert_eq!(code(again), "AlreadyExists");
}

/// Sizes must not contradict, and a template, its version and subnets must be there.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateAutoScalingGroup.html
#[tokio::test]
async fn what_a_group_names_must_be_there() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let template = network.template("app").await;
    let base = || {
        network
            .scaling
            .create_auto_scaling_group()
            .auto_scaling_group_name("app")
            .min_size(1)
            .max_size(2)
    };
    let cases = [
        ("sizes", base().launch_template(version(&template, "1")).min_size(3).vpc_zone_identifier(&network.subnets[0])),
        ("desired", base().launch_template(version(&template, "1")).desired_capacity(3).vpc_zone_identifier(&network.subnets[0])),
        ("version", base().launch_template(version(&template, "7")).vpc_zone_identifier(&network.subnets[0])),
        ("template", base().launch_template(version("lt-0123456789abcdef0", "1")).vpc_zone_identifier(&network.subnets[0])),
        ("no template", base().vpc_zone_identifier(&network.subnets[0])),
        ("subnet", base().launch_template(version(&template, "1")).vpc_zone_identifier("subnet-0123456789abcdef0")),
        ("no subnet", base().launch_template(version(&template, "1"))),
        ("target group", base().launch_template(version(&template, "1")).vpc_zone_identifier(&network.subnets[0]).target_group_arns("arn:aws:elasticloadbalancing:eu-central-1:111111111111:targetgroup/gone/0123456789abcdef")),
    ];
    for (what, call) in cases {
        assert_eq!(code(call.send().await), "ValidationError", "{what}");
    }
}

/// The desired capacity stays between the bounds.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_SetDesiredCapacity.html
#[tokio::test]
async fn the_desired_capacity_stays_between_the_bounds() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (1, 2, 1)).await;
    for desired in [0, 3] {
        let set = network
            .scaling
            .set_desired_capacity()
            .auto_scaling_group_name("app")
            .desired_capacity(desired)
            .send()
            .await;
        assert_eq!(code(set), "ValidationError", "{desired}");
    }
    let nobody = network
        .scaling
        .set_desired_capacity()
        .auto_scaling_group_name("gone")
        .desired_capacity(1)
        .send()
        .await;
    assert_eq!(code(nobody), "ValidationError");
}

/// A group with instances is in use, unless its deletion is forced.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DeleteAutoScalingGroup.html
#[tokio::test]
async fn a_group_with_instances_is_in_use() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (1, 2, 1)).await;
    let refused = network
        .scaling
        .delete_auto_scaling_group()
        .auto_scaling_group_name("app")
        .send()
        .await;
    assert_eq!(code(refused), "ResourceInUse");
    network
        .scaling
        .delete_auto_scaling_group()
        .auto_scaling_group_name("app")
        .force_delete(true)
        .send()
        .await
        .expect("forced");
    let shown = network
        .scaling
        .describe_auto_scaling_groups()
        .auto_scaling_group_names("app")
        .send()
        .await
        .expect("groups");
    assert!(shown.auto_scaling_groups().is_empty());
    let left = network.ec2.describe_instances().send().await.expect("instances");
    let live = left
        .reservations()
        .iter()
        .flat_map(aws_sdk_ec2::types::Reservation::instances)
        .filter(|one| {
            one.state()
                .and_then(|state| state.name())
                .is_some_and(|name| name.as_str() != "terminated")
        });
    assert_eq!(live.count(), 0, "its instances end with it");
}

/// A scaling policy that lacks its parts, or that is not there, is refused.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutScalingPolicy.html
#[tokio::test]
async fn a_policy_needs_its_parts() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (1, 4, 1)).await;
    let tracking = network
        .scaling
        .put_scaling_policy()
        .auto_scaling_group_name("app")
        .policy_name("cpu")
        .policy_type("TargetTrackingScaling")
        .send()
        .await;
    assert_eq!(code(tracking), "ValidationError");
    let simple = network
        .scaling
        .put_scaling_policy()
        .auto_scaling_group_name("app")
        .policy_name("up")
        .adjustment_type("ChangeInCapacity")
        .scaling_adjustment(2)
        .send()
        .await;
    simple.expect("a policy");
    network
        .scaling
        .execute_policy()
        .auto_scaling_group_name("app")
        .policy_name("up")
        .send()
        .await
        .expect("executed");
    let shown = network
        .scaling
        .describe_auto_scaling_groups()
        .send()
        .await
        .expect("groups");
    assert_eq!(shown.auto_scaling_groups()[0].desired_capacity(), Some(3));
    let gone = network
        .scaling
        .delete_policy()
        .auto_scaling_group_name("app")
        .policy_name("down")
        .send()
        .await;
    assert_eq!(code(gone), "ValidationError");
}

/// Tags say whether instances get them.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateOrUpdateTags.html
#[tokio::test]
async fn tags_reach_instances_when_they_propagate() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (1, 1, 1)).await;
    let instances = network.ec2.describe_instances().send().await.expect("instances");
    let instance = &instances.reservations()[0].instances()[0];
    let tags: Vec<_> = instance
        .tags()
        .iter()
        .filter_map(|tag| Some((tag.key()?, tag.value()?)))
        .collect();
    assert!(tags.contains(&("tenant", "acme")), "{tags:?}");
    assert!(tags.contains(&("aws:autoscaling:groupName", "app")), "{tags:?}");
}
