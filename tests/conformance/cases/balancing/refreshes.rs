//! Instance refreshes: forth, back, and ended on the way.

use aws_sdk_autoscaling::types::{DesiredConfiguration, InstanceRefreshStatus, RefreshPreferences};
use chrono::TimeDelta;
use conformance::code;
use conformance::local_aws::{Fault, FaultRule, LatencyModel};

use crate::groups::{group, version};
use crate::refreshing::{
    ended, refresh, second_version, slow, start, start_with, template_version, versions,
};
use crate::support::Network;

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

/// Told that all of the capacity stays healthy and that there is not to be more, a refresh launches a new instance
/// before an old one ends.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RefreshPreferences.html
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

/// A group's own template follows when the refresh has succeeded, and not before.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_StartInstanceRefresh.html
#[tokio::test]
async fn the_template_follows_the_success() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let template = group(&network, "app", (2, 4, 2)).await;
    second_version(&network, &template).await;
    slow(&network);
    start(&network, &template).await;
    network.aws.advance(TimeDelta::minutes(1));
    assert_eq!(template_version(&network).await.as_deref(), Some("1"));
    let running = refresh(&network).await;
    let wanted = running
        .desired_configuration
        .and_then(|wanted| wanted.launch_template);
    assert_eq!(wanted.and_then(|wanted| wanted.version).as_deref(), Some("2"));
    assert_eq!(ended(&network).await, InstanceRefreshStatus::Successful);
    assert_eq!(template_version(&network).await.as_deref(), Some("2"));
}

/// A cancelled refresh changes neither the template nor what has been replaced already.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CancelInstanceRefresh.html
#[tokio::test]
async fn a_cancelled_refresh_leaves_things_as_they_are() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let template = group(&network, "app", (2, 4, 2)).await;
    second_version(&network, &template).await;
    slow(&network);
    start(&network, &template).await;
    while !versions(&network).await.contains(&"2".to_owned()) {
        network.aws.advance(TimeDelta::seconds(5));
    }
    network
        .scaling
        .cancel_instance_refresh()
        .auto_scaling_group_name("app")
        .send()
        .await
        .expect("cancelled");
    assert_eq!(ended(&network).await, InstanceRefreshStatus::Cancelled);
    assert_eq!(template_version(&network).await.as_deref(), Some("1"));
    network.aws.advance(TimeDelta::hours(1));
    let mut now = versions(&network).await;
    now.sort();
    assert_eq!(now, ["1", "2"], "the one that had come stays");
}

/// A refresh that is being cancelled waits for what is on its way, unless it is told not to.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CancelInstanceRefresh.html
#[tokio::test]
async fn cancelling_waits_for_what_is_on_its_way() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let template = group(&network, "app", (2, 4, 2)).await;
    second_version(&network, &template).await;
    slow(&network);
    let cancel = |waits: bool| {
        network
            .scaling
            .cancel_instance_refresh()
            .auto_scaling_group_name("app")
            .wait_for_transitioning_instances(waits)
            .send()
    };
    start(&network, &template).await;
    cancel(true).await.expect("cancelled");
    assert_eq!(
        refresh(&network).await.status,
        Some(InstanceRefreshStatus::Cancelling)
    );
    assert_eq!(ended(&network).await, InstanceRefreshStatus::Cancelled);
    start(&network, &template).await;
    cancel(false).await.expect("cancelled");
    assert_eq!(
        refresh(&network).await.status,
        Some(InstanceRefreshStatus::Cancelled)
    );
}

/// A refresh that cannot launch gives up after an hour, and goes back when that is wished.
/// https://docs.aws.amazon.com/autoscaling/ec2/userguide/instance-refresh-rollback.html
#[tokio::test]
async fn a_refresh_that_cannot_go_on_goes_back() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let template = group(&network, "app", (2, 4, 2)).await;
    second_version(&network, &template).await;
    let none = Fault::Error {
        status: 500,
        code: "InsufficientInstanceCapacity".to_owned(),
        message: "no capacity".to_owned(),
    };
    assert!(network.control().add_fault(FaultRule::on("RunInstances", none)));
    start(&network, &template).await;
    network.aws.advance(TimeDelta::minutes(59));
    assert_eq!(
        refresh(&network).await.status,
        Some(InstanceRefreshStatus::InProgress)
    );
    network.aws.advance(TimeDelta::minutes(2));
    let back = refresh(&network).await;
    assert_eq!(back.status, Some(InstanceRefreshStatus::RollbackSuccessful));
    let details = back.rollback_details.expect("why it went back");
    assert_eq!(details.instances_to_update_on_rollback(), Some(2));
    assert_eq!(versions(&network).await, ["1", "1"], "nothing had been replaced");
    start_with(
        &network,
        &template,
        RefreshPreferences::builder()
            .min_healthy_percentage(100)
            .max_healthy_percentage(100),
    )
    .await;
    network.aws.advance(TimeDelta::minutes(61));
    assert_eq!(
        refresh(&network).await.status,
        Some(InstanceRefreshStatus::Failed),
        "without that wish it fails"
    );
}

/// What was replaced is replaced again on the way back, and the details say where it turned.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RollbackDetails.html
#[tokio::test]
async fn a_rollback_says_where_it_turned() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let template = group(&network, "app", (2, 4, 2)).await;
    second_version(&network, &template).await;
    slow(&network);
    start(&network, &template).await;
    while refresh(&network).await.percentage_complete == Some(0) {
        network.aws.advance(TimeDelta::seconds(5));
    }
    network
        .scaling
        .rollback_instance_refresh()
        .auto_scaling_group_name("app")
        .send()
        .await
        .expect("rolled back");
    let back = refresh(&network).await;
    assert_eq!(back.status, Some(InstanceRefreshStatus::RollbackInProgress));
    let details = back.rollback_details.expect("details");
    assert_eq!(details.percentage_complete_on_rollback(), Some(50));
    assert_eq!(details.instances_to_update_on_rollback(), Some(1));
    assert_eq!(ended(&network).await, InstanceRefreshStatus::RollbackSuccessful);
    assert_eq!(versions(&network).await, ["1", "1"]);
    assert_eq!(template_version(&network).await.as_deref(), Some("1"));
    assert_eq!(refresh(&network).await.percentage_complete, Some(0));
}

/// A refresh without a desired configuration, or under a version that moves, cannot be rolled back.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RollbackInstanceRefresh.html
#[tokio::test]
async fn some_refreshes_cannot_be_rolled_back() {
    let Some(network) = Network::lay().await else {
        return;
    };
    let template = group(&network, "app", (1, 2, 1)).await;
    let roll_back = || {
        network
            .scaling
            .rollback_instance_refresh()
            .auto_scaling_group_name("app")
            .send()
    };
    assert_eq!(code(roll_back().await), "ActiveInstanceRefreshNotFound");
    slow(&network);
    network
        .scaling
        .start_instance_refresh()
        .auto_scaling_group_name("app")
        .send()
        .await
        .expect("a refresh");
    assert_eq!(code(roll_back().await), "IrreversibleInstanceRefresh");
    network
        .scaling
        .cancel_instance_refresh()
        .auto_scaling_group_name("app")
        .wait_for_transitioning_instances(false)
        .send()
        .await
        .expect("cancelled");
    network
        .scaling
        .start_instance_refresh()
        .auto_scaling_group_name("app")
        .desired_configuration(
            DesiredConfiguration::builder()
                .launch_template(version(&template, "$Latest"))
                .build(),
        )
        .send()
        .await
        .expect("a refresh");
    assert_eq!(code(roll_back().await), "IrreversibleInstanceRefresh");
}
