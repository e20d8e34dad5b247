//! How instance refreshes go about it.

use aws_sdk_autoscaling::types::{InstanceRefreshStatus, RefreshPreferences, ScaleInProtectedInstances};
use chrono::TimeDelta;
use conformance::code;

use crate::groups::{group, version};
use crate::refreshing::{ended, refresh, second_version, slow, start, start_with, versions};
use crate::support::Network;

/// Without a maximum, an instance ends while its replacement is launched: the capacity falls by one.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RefreshPreferences.html
#[tokio::test]
async fn without_a_maximum_an_instance_ends_first() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let template = group(&network, "app", (2, 4, 2)).await;
    second_version(&network, &template).await;
    slow(&network);
    start_with(
        &network,
        &template,
        RefreshPreferences::builder().min_healthy_percentage(100),
    )
    .await;
    assert_eq!(versions(&network).await.len(), 1);
    let mut fewest = 2;
    while refresh(&network).await.end_time.is_none() {
        fewest = fewest.min(versions(&network).await.len());
        network.aws.advance(TimeDelta::seconds(5));
    }
    assert_eq!(fewest, 1, "one at a time");
    assert_eq!(versions(&network).await, ["2", "2"]);
}

/// A maximum above the desired capacity lets several instances come at once.
/// https://docs.aws.amazon.com/autoscaling/ec2/userguide/instance-refresh-overview.html
#[tokio::test]
async fn a_higher_maximum_replaces_more_at_once() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let template = group(&network, "app", (2, 4, 2)).await;
    second_version(&network, &template).await;
    slow(&network);
    let preferences = RefreshPreferences::builder()
        .min_healthy_percentage(100)
        .max_healthy_percentage(200);
    start_with(&network, &template, preferences).await;
    let shown = network
        .scaling
        .describe_auto_scaling_groups()
        .send()
        .await
        .expect("groups");
    assert_eq!(
        shown.auto_scaling_groups()[0].instances().len(),
        4,
        "both are on their way"
    );
    assert_eq!(ended(&network).await, InstanceRefreshStatus::Successful);
    assert_eq!(versions(&network).await, ["2", "2"]);
}

/// A new instance counts when it is warm: until then the next one waits.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RefreshPreferences.html
#[tokio::test]
async fn a_new_instance_counts_when_it_is_warm() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let template = group(&network, "app", (1, 2, 1)).await;
    second_version(&network, &template).await;
    slow(&network);
    let preferences = RefreshPreferences::builder()
        .min_healthy_percentage(100)
        .max_healthy_percentage(200)
        .instance_warmup(600);
    start_with(&network, &template, preferences).await;
    while !versions(&network).await.contains(&"2".to_owned()) {
        network.aws.advance(TimeDelta::seconds(5));
    }
    network.aws.advance(TimeDelta::seconds(590));
    let shown = refresh(&network).await;
    assert_eq!(
        (shown.percentage_complete, shown.instances_to_update),
        (Some(0), Some(1))
    );
    assert_eq!(versions(&network).await.len(), 2, "the old one serves on");
    network.aws.advance(TimeDelta::seconds(15));
    assert_eq!(
        refresh(&network).await.status,
        Some(InstanceRefreshStatus::Successful)
    );
}

/// Instances that match already are passed over when that is asked for.
/// https://docs.aws.amazon.com/autoscaling/ec2/userguide/asg-instance-refresh-skip-matching.html
#[tokio::test]
async fn matching_instances_are_skipped() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let template = group(&network, "app", (2, 4, 2)).await;
    second_version(&network, &template).await;
    let ids = async || {
        let all = network.scaling.describe_auto_scaling_instances().send().await;
        let all = all.expect("instances").auto_scaling_instances.unwrap_or_default();
        all.into_iter().map(|one| one.instance_id).collect::<Vec<_>>()
    };
    let skipping = || RefreshPreferences::builder().skip_matching(true);
    start_with(&network, &template, skipping()).await;
    assert_eq!(ended(&network).await, InstanceRefreshStatus::Successful);
    let before = ids().await;
    start_with(&network, &template, skipping()).await;
    assert_eq!(ended(&network).await, InstanceRefreshStatus::Successful);
    assert_eq!(ids().await, before);
    start_with(&network, &template, RefreshPreferences::builder()).await;
    assert_eq!(ended(&network).await, InstanceRefreshStatus::Successful);
    assert_ne!(ids().await, before);
}

/// The bounds of a refresh must leave room for each other.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RefreshPreferences.html
#[tokio::test]
async fn the_bounds_of_a_refresh_must_fit() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (1, 2, 1)).await;
    let base = RefreshPreferences::builder;
    for refused in [
        base().min_healthy_percentage(101),
        base().max_healthy_percentage(110),
        base().min_healthy_percentage(90).max_healthy_percentage(99),
        base().min_healthy_percentage(90).max_healthy_percentage(201),
        base().min_healthy_percentage(90).max_healthy_percentage(191),
        base().instance_warmup(-1),
    ] {
        let preferences = refused.build();
        let started = network
            .scaling
            .start_instance_refresh()
            .auto_scaling_group_name("app")
            .preferences(preferences.clone())
            .send()
            .await;
        assert_eq!(code(started), "ValidationError", "{preferences:?}");
    }
}

/// Protected instances are waited for, passed over or replaced, as the call says.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RefreshPreferences.html
#[tokio::test]
async fn protected_instances_are_refreshed_as_asked() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let template = network.template("app").await;
    second_version(&network, &template).await;
    network
        .scaling
        .create_auto_scaling_group()
        .auto_scaling_group_name("app")
        .launch_template(version(&template, "1"))
        .min_size(1)
        .max_size(2)
        .new_instances_protected_from_scale_in(true)
        .vpc_zone_identifier(network.subnets.join(","))
        .send()
        .await
        .expect("a group");
    let preferences = |choice: ScaleInProtectedInstances| {
        RefreshPreferences::builder().scale_in_protected_instances(choice)
    };
    start_with(
        &network,
        &template,
        preferences(ScaleInProtectedInstances::Ignore),
    )
    .await;
    assert_eq!(ended(&network).await, InstanceRefreshStatus::Successful);
    assert_eq!(versions(&network).await, ["1"]);
    start_with(&network, &template, preferences(ScaleInProtectedInstances::Wait)).await;
    network.aws.advance(TimeDelta::minutes(61));
    assert_eq!(
        refresh(&network).await.status,
        Some(InstanceRefreshStatus::Failed)
    );
    assert_eq!(versions(&network).await, ["1"]);
    start_with(
        &network,
        &template,
        preferences(ScaleInProtectedInstances::Refresh),
    )
    .await;
    assert_eq!(ended(&network).await, InstanceRefreshStatus::Successful);
    assert_eq!(versions(&network).await, ["2"]);
}

/// Refreshes come newest first, in pages, and are found by their ids.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeInstanceRefreshes.html
#[tokio::test]
async fn refreshes_come_in_pages() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let template = group(&network, "app", (1, 2, 1)).await;
    second_version(&network, &template).await;
    let mut started = Vec::new();
    for _ in 0..3 {
        started.push(start(&network, &template).await);
        assert_eq!(ended(&network).await, InstanceRefreshStatus::Successful);
    }
    let (mut found, mut token) = (Vec::new(), None);
    for _ in 0..2 {
        let page = network
            .scaling
            .describe_instance_refreshes()
            .auto_scaling_group_name("app")
            .max_records(2)
            .set_next_token(token)
            .send()
            .await
            .expect("a page");
        found.extend(
            page.instance_refreshes()
                .iter()
                .filter_map(|one| one.instance_refresh_id.clone()),
        );
        token = page.next_token;
    }
    assert_eq!(token, None);
    started.reverse();
    assert_eq!(found, started);
}

/// No target group is attached while a refresh runs.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_AttachLoadBalancerTargetGroups.html
#[tokio::test]
async fn no_target_group_comes_while_a_refresh_runs() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let template = group(&network, "app", (1, 2, 1)).await;
    let targets = network.group("app").await;
    second_version(&network, &template).await;
    slow(&network);
    start(&network, &template).await;
    let attached = network
        .scaling
        .attach_load_balancer_target_groups()
        .auto_scaling_group_name("app")
        .target_group_arns(targets)
        .send()
        .await;
    assert_eq!(code(attached), "InstanceRefreshInProgress");
}
