//! Keys that encrypt volumes and snapshots. EC2 looks at them after the call.

use aws_sdk_ec2::types::{BlockDeviceMapping, EbsBlockDevice, InstanceStateName};
use conformance::{Aws, aws, controlled, eventually};

use crate::support::{client, completes, instance, launch, snapshot, subnet, volume, vpc, zone_name};

async fn key(kms: &aws_sdk_kms::Client) -> (String, String) {
    let made = kms
        .create_key()
        .send()
        .await
        .expect("a key")
        .key_metadata
        .expect("a key");
    (made.key_id, made.arn.expect("an ARN"))
}

fn kms(aws: &Aws) -> aws_sdk_kms::Client {
    aws_sdk_kms::Client::new(&aws.vendor().config)
}

/// <https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption.html>
#[tokio::test]
async fn a_volume_names_the_key_that_encrypts_it() {
    let aws = aws().await;
    let (ec2, kms) = (client(&aws), kms(&aws));
    let (key_id, arn) = key(&kms).await;
    let create = ec2
        .create_volume()
        .availability_zone(zone_name(&ec2, 0).await)
        .size(5);
    let made = create
        .encrypted(true)
        .kms_key_id(&key_id)
        .send()
        .await
        .expect("a volume");
    let id = made.volume_id().expect("an id");

    eventually("the volume is encrypted under the key", async || {
        let found = ec2
            .describe_volumes()
            .volume_ids(id)
            .send()
            .await
            .expect("a volume");
        found.volumes()[0].kms_key_id() == Some(arn.as_str())
    })
    .await;

    let taken = snapshot(&ec2, id).await;
    let found = ec2
        .describe_snapshots()
        .snapshot_ids(&taken)
        .send()
        .await
        .expect("a snapshot");
    assert_eq!(
        found.snapshots()[0].kms_key_id(),
        Some(arn.as_str()),
        "its snapshots are, too"
    );
    ec2.delete_snapshot()
        .snapshot_id(taken)
        .send()
        .await
        .expect("it goes");
    ec2.delete_volume().volume_id(id).send().await.expect("it goes");
    let end = kms
        .schedule_key_deletion()
        .key_id(key_id)
        .pending_window_in_days(7);
    end.send().await.expect("it goes in a week");
}

/// The call succeeds, the volume fails. <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVolume.html>
#[tokio::test]
async fn a_volume_under_an_unknown_key_fails_after_the_call() {
    let Some(aws) = controlled().await else { return };
    let ec2 = client(&aws);
    let create = ec2
        .create_volume()
        .availability_zone(zone_name(&ec2, 0).await)
        .size(5);

    let made = create
        .encrypted(true)
        .kms_key_id("alias/no-such-key")
        .send()
        .await
        .expect("it is accepted");

    let found = ec2
        .describe_volumes()
        .volume_ids(made.volume_id().expect("an id"))
        .send()
        .await;
    let state = found.expect("a volume").volumes()[0].state().cloned();
    assert_eq!(state.map(|state| state.as_str().to_owned()), Some("error".into()));
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopySnapshot.html>
#[tokio::test]
async fn a_copy_under_a_disabled_key_fails_after_the_call() {
    let Some(aws) = controlled().await else { return };
    let ec2 = client(&aws);
    let there = aws.vendor().in_region("eu-west-1");
    let (ec2_there, kms_there) = (aws_sdk_ec2::Client::new(&there), aws_sdk_kms::Client::new(&there));
    let (key_id, arn) = key(&kms_there).await;
    let original = snapshot(&ec2, &volume(&ec2, 5).await).await;
    let copy = || {
        let copy = ec2_there
            .copy_snapshot()
            .source_region(aws.region())
            .source_snapshot_id(&original);
        copy.encrypted(true).kms_key_id(&key_id).send()
    };

    let good = copy().await.expect("a copy").snapshot_id.expect("an id");
    completes(&ec2_there, &good).await;
    let found = ec2_there
        .describe_snapshots()
        .snapshot_ids(&good)
        .send()
        .await
        .expect("a copy");
    assert_eq!(found.snapshots()[0].kms_key_id(), Some(arn.as_str()));
    kms_there
        .disable_key()
        .key_id(&key_id)
        .send()
        .await
        .expect("disabled");
    let bad = copy().await.expect("it is accepted").snapshot_id.expect("an id");
    let found = ec2_there
        .describe_snapshots()
        .snapshot_ids(&bad)
        .send()
        .await
        .expect("a copy");
    let bad = &found.snapshots()[0];
    assert_eq!(
        bad.state().map(aws_sdk_ec2::types::SnapshotState::as_str),
        Some("error")
    );
    assert_eq!(bad.state_message(), Some("Given key ID is not accessible"));
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html>
#[tokio::test]
async fn an_instance_whose_key_cannot_be_used_ends_at_once() {
    let Some(aws) = controlled().await else { return };
    let (ec2, kms) = (client(&aws), kms(&aws));
    let (key_id, _) = key(&kms).await;
    kms.disable_key().key_id(&key_id).send().await.expect("disabled");
    let subnet_id = subnet(&ec2, &vpc(&ec2, "10.0.0.0/16").await, "10.0.1.0/24").await;
    let disk = EbsBlockDevice::builder()
        .encrypted(true)
        .kms_key_id(&key_id)
        .build();
    let root = BlockDeviceMapping::builder()
        .device_name("/dev/xvda")
        .ebs(disk)
        .build();

    let made = launch(&ec2, &subnet_id)
        .await
        .block_device_mappings(root)
        .send()
        .await
        .expect("it is accepted");

    let ended = instance(&ec2, made.instances()[0].instance_id().expect("an id")).await;
    let state = ended.state().and_then(|state| state.name()).cloned();
    assert_eq!(state, Some(InstanceStateName::Terminated));
    let reason = ended.state_reason().and_then(|reason| reason.code());
    assert_eq!(reason, Some("Client.InvalidKMSKey.InvalidState"));
    let left = aws.control().inventory_of(&aws.vendor().id);
    let held = left
        .iter()
        .any(|item| item.kind == "ec2:volume" || item.kind == "ec2:network-interface");
    assert!(!held, "{left:?}");
}
