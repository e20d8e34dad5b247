//! Instance refreshes.

use aws_sdk_autoscaling::types::{
    DesiredConfiguration, InstanceRefresh, InstanceRefreshStatus, RefreshPreferences,
};
use aws_sdk_ec2::types::RequestLaunchTemplateData;
use chrono::TimeDelta;
use conformance::code;
use conformance::local_aws::LatencyModel;

use crate::groups::{group, version};
use crate::support::Network;

async fn second_version(network: &Network, template: &str) {
    let data = RequestLaunchTemplateData::builder()
        .instance_type(aws_sdk_ec2::types::InstanceType::T3Small)
        .build();
    let made = network
        .ec2
        .create_launch_template_version()
        .launch_template_id(template)
        .source_version("1")
        .launch_template_data(data)
        .send()
        .await;
    made.expect("a version");
}

async fn start(network: &Network, template: &str) -> String {
    let started = network
        .scaling
        .start_instance_refresh()
        .auto_scaling_group_name("app")
        .desired_configuration(
            DesiredConfiguration::builder()
                .launch_template(version(template, "2"))
                .build(),
        )
        .preferences(
            RefreshPreferences::builder()
                .min_healthy_percentage(100)
                .auto_rollback(true)
                .build(),
        )
        .send()
        .await;
    started
        .expect("a refresh")
        .instance_refresh_id
        .expect("a refresh has an id")
}

async fn refresh(network: &Network) -> InstanceRefresh {
    let shown = network
        .scaling
        .describe_instance_refreshes()
        .auto_scaling_group_name("app")
        .send()
        .await;
    shown
        .expect("refreshes")
        .instance_refreshes
        .unwrap_or_default()
        .remove(0)
}

async fn versions(network: &Network) -> Vec<String> {
    let shown = network
        .scaling
        .describe_auto_scaling_groups()
        .send()
        .await
        .expect("groups");
    let instances = shown.auto_scaling_groups()[0].instances();
    let serving = instances.iter().filter(|one| {
        one.lifecycle_state()
            .is_some_and(|state| state.as_str() == "InService")
    });
    serving
        .filter_map(|one| one.launch_template()?.version.clone())
        .collect()
}

/// A refresh replaces every instance with the wanted version.
/// https://docs.aws.amazon.com/autoscaling/ec2/userguide/asg-instance-refresh.html
#[tokio::test]
async fn a_refresh_replaces_every_instance() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let template = group(&network, "app", (2, 4, 2)).await;
    second_version(&network, &template).await;
    start(&network, &template).await;
    let done = refresh(&network).await;
    assert_eq!(done.status, Some(InstanceRefreshStatus::Successful));
    assert_eq!(done.percentage_complete, Some(100));
    assert_eq!(versions(&network).await, ["2", "2"]);
}

/// With all of the capacity to stay healthy, a new instance serves before an old one ends.
/// https://docs.aws.amazon.com/autoscaling/ec2/userguide/instance-refresh-overview.html
#[tokio::test]
async fn capacity_stays_whole_during_a_refresh() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let template = group(&network, "app", (2, 4, 2)).await;
    second_version(&network, &template).await;
    network
        .control()
        .set_latency(LatencyModel::Realistic { per_mille: 1_000 });
    start(&network, &template).await;
    for _ in 0..60 {
        assert!(
            versions(&network).await.len() >= 2,
            "never below the desired capacity"
        );
        if refresh(&network).await.status == Some(InstanceRefreshStatus::Successful) {
            return;
        }
        network.aws.advance(TimeDelta::seconds(15));
    }
    panic!("the refresh never ended");
}

/// One refresh runs at a time.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_StartInstanceRefresh.html
#[tokio::test]
async fn one_refresh_runs_at_a_time() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let template = group(&network, "app", (2, 4, 2)).await;
    second_version(&network, &template).await;
    network
        .control()
        .set_latency(LatencyModel::Realistic { per_mille: 1_000 });
    start(&network, &template).await;
    let again = network
        .scaling
        .start_instance_refresh()
        .auto_scaling_group_name("app")
        .send()
        .await;
    assert_eq!(code(again), "InstanceRefreshInProgress");
    network
        .scaling
        .cancel_instance_refresh()
        .auto_scaling_group_name("app")
        .send()
        .await
        .expect("cancelled");
    let none = network
        .scaling
        .cancel_instance_refresh()
        .auto_scaling_group_name("app")
        .send()
        .await;
    assert_eq!(code(none), "ActiveInstanceRefreshNotFound");
}

/// A rollback brings the earlier version back.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RollbackInstanceRefresh.html
#[tokio::test]
async fn a_rollback_brings_the_earlier_version_back() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let template = group(&network, "app", (2, 4, 2)).await;
    second_version(&network, &template).await;
    network
        .control()
        .set_latency(LatencyModel::Realistic { per_mille: 1_000 });
    start(&network, &template).await;
    network.aws.advance(TimeDelta::minutes(1));
    network
        .scaling
        .rollback_instance_refresh()
        .auto_scaling_group_name("app")
        .send()
        .await
        .expect("rolled back");
    for _ in 0..60 {
        if refresh(&network).await.status == Some(InstanceRefreshStatus::RollbackSuccessful) {
            assert_eq!(versions(&network).await, ["1", "1"]);
            return;
        }
        network.aws.advance(TimeDelta::seconds(15));
    }
    panic!("the rollback never ended");
}

/// Automatic rollback needs a numbered version to go back from.
/// https://docs.aws.amazon.com/autoscaling/ec2/userguide/instance-refresh-rollback.html
#[tokio::test]
async fn automatic_rollback_needs_a_numbered_version() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let template = group(&network, "app", (1, 2, 1)).await;
    let latest = network
        .scaling
        .start_instance_refresh()
        .auto_scaling_group_name("app")
        .desired_configuration(
            DesiredConfiguration::builder()
                .launch_template(version(&template, "$Latest"))
                .build(),
        )
        .preferences(RefreshPreferences::builder().auto_rollback(true).build())
        .send()
        .await;
    assert_eq!(code(latest), "ValidationError");
}
