//! The life of an instance.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{
    AttributeBooleanValue, AttributeValue, BlockDeviceMapping, EbsBlockDevice, HttpTokensState,
    InstanceStateName, InstanceType,
};
use chrono::TimeDelta;
use conformance::{aws, code, controlled, eventually};
use local_aws::{LagSettings, LatencyModel};

use crate::support::{
    client, filter, gateway, instance, launch, launched, reaches, root_volume, running, state, stopped,
    subnet, sweep, terminated, vpc,
};

async fn retype(ec2: &Client, id: &str, kind: &str) -> Result<(), String> {
    let value = AttributeValue::builder().value(kind).build();
    let modify = ec2
        .modify_instance_attribute()
        .instance_id(id)
        .instance_type(value);
    match modify.send().await {
        Ok(_) => Ok(()),
        Err(error) => Err(code(Err::<(), _>(error))),
    }
}

async fn site(ec2: &Client) -> (String, String) {
    let vpc_id = vpc(ec2, "10.0.0.0/16").await;
    let subnet_id = subnet(ec2, &vpc_id, "10.0.1.0/24").await;
    (vpc_id, subnet_id)
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/change-instance-type-of-ebs-backed-instance.html>
#[tokio::test]
async fn the_type_changes_only_while_the_instance_is_stopped() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let (vpc_id, subnet_id) = site(&ec2).await;
    let id = running(&ec2, &subnet_id).await;
    let (address, volume) = (
        instance(&ec2, &id).await.private_ip_address,
        root_volume(&ec2, &id).await,
    );

    assert_eq!(
        retype(&ec2, &id, "t3.small").await,
        Err("IncorrectInstanceState".into())
    );
    stopped(&ec2, &id).await;
    retype(&ec2, &id, "t3.small")
        .await
        .expect("a stopped one changes");
    ec2.start_instances()
        .instance_ids(&id)
        .send()
        .await
        .expect("it starts");
    reaches(&ec2, &id, &InstanceStateName::Running).await;

    let changed = instance(&ec2, &id).await;
    assert_eq!(changed.instance_type(), Some(&InstanceType::T3Small));
    assert_eq!(changed.private_ip_address, address, "the interface stays");
    assert_eq!(root_volume(&ec2, &id).await, volume, "so does the volume");
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resize-limitations.html>
#[tokio::test]
async fn the_type_does_not_change_to_another_architecture() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let (vpc_id, subnet_id) = site(&ec2).await;
    let id = running(&ec2, &subnet_id).await;
    stopped(&ec2, &id).await;

    assert_eq!(
        retype(&ec2, &id, "t4g.small").await,
        Err("InvalidParameterValue".into())
    );
    assert_eq!(
        retype(&ec2, &id, "t3.giant").await,
        Err("InvalidParameterValue".into())
    );
    assert_eq!(
        instance(&ec2, &id).await.instance_type(),
        Some(&InstanceType::T3Micro)
    );
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html>
#[tokio::test]
async fn stopping_and_starting_twice_changes_nothing() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let (vpc_id, subnet_id) = site(&ec2).await;
    let id = running(&ec2, &subnet_id).await;

    let again = ec2
        .start_instances()
        .instance_ids(&id)
        .send()
        .await
        .expect("it runs already");
    let change = &again.starting_instances()[0];
    let name =
        |state: Option<&aws_sdk_ec2::types::InstanceState>| state.and_then(|state| state.name()).cloned();
    assert_eq!(name(change.previous_state()), name(change.current_state()));
    stopped(&ec2, &id).await;
    ec2.stop_instances()
        .instance_ids(&id)
        .send()
        .await
        .expect("it is stopped already");
    assert_eq!(state(&ec2, &id).await, InstanceStateName::Stopped);
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/terminating-instances.html>
#[tokio::test]
async fn an_ended_instance_neither_starts_nor_stops_and_ends_again() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let (vpc_id, subnet_id) = site(&ec2).await;
    let id = running(&ec2, &subnet_id).await;
    terminated(&ec2, &id).await;

    assert_eq!(
        code(ec2.start_instances().instance_ids(&id).send().await),
        "IncorrectInstanceState"
    );
    assert_eq!(
        code(ec2.stop_instances().instance_ids(&id).send().await),
        "IncorrectInstanceState"
    );
    ec2.terminate_instances()
        .instance_ids(&id)
        .send()
        .await
        .expect("ending twice is fine");
    let reason = instance(&ec2, &id)
        .await
        .state_reason
        .and_then(|reason| reason.code);
    assert_eq!(reason.as_deref(), Some("Client.UserInitiatedShutdown"));
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_ChangingDisableAPITermination.html>
#[tokio::test]
async fn a_protected_instance_does_not_end() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let (vpc_id, subnet_id) = site(&ec2).await;
    let id = running(&ec2, &subnet_id).await;
    let protect = |on: bool| {
        let value = AttributeBooleanValue::builder().value(on).build();
        let modify = ec2.modify_instance_attribute().instance_id(&id);
        modify.disable_api_termination(value).send()
    };

    protect(true).await.expect("protected");
    let refused = ec2.terminate_instances().instance_ids(&id).send().await;
    assert_eq!(code(refused), "OperationNotPermitted");
    protect(false).await.expect("not protected");
    sweep(&ec2, &vpc_id).await;
}

/// Of several instances all change or none. <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TerminateInstances.html>
#[tokio::test]
async fn one_unknown_instance_refuses_the_whole_call() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let (vpc_id, subnet_id) = site(&ec2).await;
    let id = running(&ec2, &subnet_id).await;

    let both = ec2
        .terminate_instances()
        .instance_ids(&id)
        .instance_ids("i-00000000000000000");

    assert_eq!(code(both.send().await), "InvalidInstanceID.NotFound");
    assert_eq!(state(&ec2, &id).await, InstanceStateName::Running);
    let malformed = ec2.terminate_instances().instance_ids("instance").send().await;
    assert_eq!(code(malformed), "InvalidInstanceID.Malformed");
    sweep(&ec2, &vpc_id).await;
}

/// An address of Amazon's pool changes with every start.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Stop_Start.html>
#[tokio::test]
async fn a_stopped_instance_loses_its_automatic_public_address() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let (vpc_id, subnet_id) = site(&ec2).await;
    gateway(&ec2, &vpc_id).await;
    let yes = AttributeBooleanValue::builder().value(true).build();
    let modify = ec2.modify_subnet_attribute().subnet_id(&subnet_id);
    modify.map_public_ip_on_launch(yes).send().await.expect("set");
    let id = running(&ec2, &subnet_id).await;
    assert!(instance(&ec2, &id).await.public_ip_address().is_some());

    stopped(&ec2, &id).await;

    assert_eq!(instance(&ec2, &id).await.public_ip_address(), None);
    sweep(&ec2, &vpc_id).await;
}

/// A root volume goes with its instance unless it is to be kept.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/preserving-volumes-on-termination.html>
#[tokio::test]
async fn a_volume_to_be_kept_outlives_its_instance() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let (vpc_id, subnet_id) = site(&ec2).await;
    let disk = EbsBlockDevice::builder().delete_on_termination(false).build();
    let mapping = BlockDeviceMapping::builder()
        .device_name("/dev/xvda")
        .ebs(disk)
        .build();
    let made = launch(&ec2, &subnet_id)
        .await
        .block_device_mappings(mapping)
        .send()
        .await
        .expect("an instance");
    let id = made.instances()[0].instance_id().expect("an id");
    reaches(&ec2, id, &InstanceStateName::Running).await;
    let volume_id = root_volume(&ec2, id).await;
    let delete = || ec2.delete_volume().volume_id(&volume_id).send();

    assert_eq!(code(delete().await), "VolumeInUse");
    terminated(&ec2, id).await;
    eventually("the volume is free", async || {
        let found = ec2
            .describe_volumes()
            .volume_ids(&volume_id)
            .send()
            .await
            .expect("the volume");
        found.volumes()[0].attachments().is_empty()
    })
    .await;
    delete().await.expect("nothing uses it");
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceMetadataOptions.html>
#[tokio::test]
async fn metadata_options_change_one_by_one() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let (vpc_id, subnet_id) = site(&ec2).await;
    let id = running(&ec2, &subnet_id).await;
    let modify = || ec2.modify_instance_metadata_options().instance_id(&id);

    modify()
        .http_put_response_hop_limit(3)
        .send()
        .await
        .expect("changed");
    modify()
        .http_tokens(HttpTokensState::Optional)
        .send()
        .await
        .expect("changed");

    let options = instance(&ec2, &id).await.metadata_options.expect("options");
    assert_eq!(
        (options.http_tokens(), options.http_put_response_hop_limit()),
        (Some(&HttpTokensState::Optional), Some(3))
    );
    let refused = modify().http_put_response_hop_limit(65).send().await;
    assert_eq!(code(refused), "InvalidParameterValue");
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceAttribute.html>
#[tokio::test]
async fn attributes_are_described_one_by_one() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let (vpc_id, subnet_id) = site(&ec2).await;
    let id = running(&ec2, &subnet_id).await;
    let read = |name: &str| {
        ec2.describe_instance_attribute()
            .instance_id(&id)
            .attribute(name.into())
            .send()
    };

    let kind = read("instanceType")
        .await
        .expect("a type")
        .instance_type
        .and_then(|kind| kind.value);
    assert_eq!(kind.as_deref(), Some("t3.micro"));
    let check = read("sourceDestCheck")
        .await
        .expect("a check")
        .source_dest_check
        .and_then(|check| check.value);
    assert_eq!(check, Some(true));
    let behavior = read("instanceInitiatedShutdownBehavior")
        .await
        .expect("a behavior");
    let behavior = behavior
        .instance_initiated_shutdown_behavior
        .and_then(|value| value.value);
    assert_eq!(behavior.as_deref(), Some("stop"));
    assert_eq!(code(read("colour").await), "InvalidParameterValue");
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html>
#[tokio::test]
async fn an_ended_instance_is_described_for_an_hour() {
    let Some(aws) = controlled().await else { return };
    let ec2 = client(&aws);
    let (_, subnet_id) = site(&ec2).await;
    let id = running(&ec2, &subnet_id).await;
    terminated(&ec2, &id).await;

    aws.advance(TimeDelta::minutes(61));

    let gone = ec2.describe_instances().instance_ids(&id).send().await;
    assert_eq!(code(gone), "InvalidInstanceID.NotFound");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html>
#[tokio::test]
async fn states_pass_by_the_clock_and_interfaces_outlive_the_call() {
    let Some(aws) = controlled().await else { return };
    let ec2 = client(&aws);
    let (_, subnet_id) = site(&ec2).await;
    aws.control().set_lag(LagSettings {
        instance_ms: 30_000,
        ..LagSettings::default()
    });
    let id = launched(&ec2, &subnet_id).await;

    assert_eq!(state(&ec2, &id).await, InstanceStateName::Pending);
    let status = ec2.describe_instance_status().send().await.expect("an answer");
    assert!(
        status.instance_statuses().is_empty(),
        "only running instances have a status"
    );
    aws.advance(TimeDelta::seconds(31));
    assert_eq!(state(&ec2, &id).await, InstanceStateName::Running);
    ec2.terminate_instances()
        .instance_ids(&id)
        .send()
        .await
        .expect("it ends");
    assert_eq!(state(&ec2, &id).await, InstanceStateName::ShuttingDown);
    let held = ec2.delete_subnet().subnet_id(&subnet_id).send().await;
    assert_eq!(
        code(held),
        "DependencyViolation",
        "its interface outlives the call"
    );
    aws.advance(TimeDelta::seconds(31));
    ec2.delete_subnet()
        .subnet_id(&subnet_id)
        .send()
        .await
        .expect("now it is free");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-system-instance-status-check.html>
#[tokio::test]
async fn status_checks_initialize_before_they_pass() {
    let Some(aws) = controlled().await else { return };
    let ec2 = client(&aws);
    let (_, subnet_id) = site(&ec2).await;
    aws.control()
        .set_latency(LatencyModel::Realistic { per_mille: 1_000 });
    let id = launched(&ec2, &subnet_id).await;
    let check = async || {
        let found = ec2
            .describe_instance_status()
            .instance_ids(&id)
            .send()
            .await
            .expect("a status");
        let status = found.instance_statuses()[0]
            .instance_status()
            .and_then(|status| status.status());
        status.expect("a status").as_str().to_owned()
    };
    let passed = async || {
        let by = filter("instance-status.status", "ok");
        let found = ec2
            .describe_instance_status()
            .filters(by)
            .send()
            .await
            .expect("statuses");
        found.instance_statuses().len()
    };

    aws.advance(TimeDelta::seconds(30));
    assert_eq!(state(&ec2, &id).await, InstanceStateName::Running);
    assert_eq!((check().await.as_str(), passed().await), ("initializing", 0));
    aws.advance(TimeDelta::minutes(3));
    assert_eq!((check().await.as_str(), passed().await), ("ok", 1));
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceStatus.html>
#[tokio::test]
async fn stopped_instances_have_a_status_only_when_all_are_asked_for() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let (vpc_id, subnet_id) = site(&ec2).await;
    let id = running(&ec2, &subnet_id).await;
    stopped(&ec2, &id).await;
    let statuses = |all: bool| {
        let describe = ec2.describe_instance_status().instance_ids(&id);
        describe.include_all_instances(all).send()
    };

    assert!(
        statuses(false)
            .await
            .expect("an answer")
            .instance_statuses()
            .is_empty()
    );
    let all = statuses(true).await.expect("an answer");
    let status = all.instance_statuses()[0]
        .instance_status()
        .and_then(|status| status.status());
    assert_eq!(
        status.map(aws_sdk_ec2::types::SummaryStatus::as_str),
        Some("not-applicable")
    );
    sweep(&ec2, &vpc_id).await;
}
