//! Starting instance refreshes and watching them.

use aws_sdk_autoscaling::types::builders::RefreshPreferencesBuilder;
use aws_sdk_autoscaling::types::{
    DesiredConfiguration, InstanceRefresh, InstanceRefreshStatus, RefreshPreferences,
};
use aws_sdk_ec2::types::RequestLaunchTemplateData;
use chrono::TimeDelta;
use conformance::local_aws::LatencyModel;

use crate::groups::version;
use crate::support::Network;

pub(crate) async fn second_version(network: &Network, template: &str) {
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

pub(crate) async fn start(network: &Network, template: &str) -> String {
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
                .max_healthy_percentage(100)
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

pub(crate) async fn refresh(network: &Network) -> InstanceRefresh {
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

pub(crate) async fn versions(network: &Network) -> Vec<String> {
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

pub(crate) async fn template_version(network: &Network) -> Option<String> {
    let shown = network
        .scaling
        .describe_auto_scaling_groups()
        .send()
        .await
        .expect("groups");
    let template = shown.auto_scaling_groups()[0].launch_template();
    template.and_then(|template| template.version.clone())
}

pub(crate) fn slow(network: &Network) {
    network
        .control()
        .set_latency(LatencyModel::Realistic { per_mille: 1_000 });
}

/// Starts a refresh to version 2 under some preferences.
pub(crate) async fn start_with(network: &Network, template: &str, preferences: RefreshPreferencesBuilder) {
    network
        .scaling
        .start_instance_refresh()
        .auto_scaling_group_name("app")
        .desired_configuration(
            DesiredConfiguration::builder()
                .launch_template(version(template, "2"))
                .build(),
        )
        .preferences(preferences.build())
        .send()
        .await
        .expect("a refresh");
}

/// Waits for a refresh to end, and says how.
pub(crate) async fn ended(network: &Network) -> InstanceRefreshStatus {
    for _ in 0..400 {
        let shown = refresh(network).await;
        if shown.end_time.is_some() {
            return shown.status.expect("a refresh has a status");
        }
        network.aws.advance(TimeDelta::seconds(15));
    }
    panic!("the refresh never ended")
}
