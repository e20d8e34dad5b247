//! Volumes.

use aws_sdk_ec2::types::VolumeType;
use chrono::TimeDelta;
use conformance::{aws, code, controlled};
use local_aws::LatencyModel;

use crate::support::{
    client, root_volume, running, snapshot, stopped, subnet_in, sweep, volume, vpc, zone_name,
};

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVolume.html>
#[tokio::test]
async fn a_volume_is_made_once_for_a_token() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let (zone, token) = (zone_name(&ec2, 0).await, aws.name("volume"));
    let create = |gib: i32| {
        ec2.create_volume()
            .availability_zone(&zone)
            .size(gib)
            .client_token(&token)
            .send()
    };

    let first = create(5).await.expect("a volume").volume_id.expect("an id");
    let again = create(5).await.expect("the same one").volume_id.expect("an id");

    assert_eq!(first, again);
    assert_eq!(code(create(6).await), "IdempotentParameterMismatch");
    ec2.delete_volume()
        .volume_id(first)
        .send()
        .await
        .expect("it goes");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVolume.html>
#[tokio::test]
async fn volumes_without_size_or_with_a_wrong_one_are_refused() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let zone = zone_name(&ec2, 0).await;
    let create = || ec2.create_volume().availability_zone(&zone);

    assert_eq!(code(create().send().await), "MissingParameter");
    assert_eq!(code(create().size(0).send().await), "InvalidParameterValue");
    assert_eq!(code(create().size(70_000).send().await), "InvalidParameterValue");
    let small = create().size(10).volume_type(VolumeType::St1).send().await;
    assert_eq!(code(small), "InvalidParameterValue", "125 GiB at least");
    let elsewhere = ec2
        .create_volume()
        .size(5)
        .availability_zone("mars-1a")
        .send()
        .await;
    assert_eq!(code(elsewhere), "InvalidZone.NotFound");
}

/// <https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html>
#[tokio::test]
async fn operations_per_second_fit_the_type() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let zone = zone_name(&ec2, 0).await;
    let create = |kind: VolumeType| {
        ec2.create_volume()
            .availability_zone(&zone)
            .size(100)
            .volume_type(kind)
    };

    assert_eq!(code(create(VolumeType::Io2).send().await), "MissingParameter");
    let gp2 = create(VolumeType::Gp2).iops(3_000).send().await;
    assert_eq!(code(gp2), "InvalidParameterCombination");
    let gp3 = create(VolumeType::Gp3).iops(100).send().await;
    assert_eq!(code(gp3), "InvalidParameterValue");
    let gp3 = create(VolumeType::Gp3).send().await.expect("a volume");
    assert_eq!(
        (gp3.iops(), gp3.throughput()),
        (Some(3_000), Some(125)),
        "what it has without a word"
    );
    ec2.delete_volume()
        .volume_id(gp3.volume_id().expect("an id"))
        .send()
        .await
        .expect("it goes");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AttachVolume.html>
#[tokio::test]
async fn a_volume_is_attached_once_in_its_zone_at_a_free_device() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let here = running(&ec2, &subnet_in(&ec2, &vpc_id, "10.0.1.0/24", 0).await).await;
    let there = running(&ec2, &subnet_in(&ec2, &vpc_id, "10.0.2.0/24", 1).await).await;
    let (one, two) = (volume(&ec2, 5).await, volume(&ec2, 5).await);
    let attach = |volume_id: &str, instance_id: &str, device: &str| {
        let attach = ec2.attach_volume().volume_id(volume_id);
        attach.instance_id(instance_id).device(device).send()
    };

    assert_eq!(
        code(attach(&one, &there, "/dev/sdf").await),
        "InvalidVolume.ZoneMismatch"
    );
    assert_eq!(code(attach(&one, &here, "floppy").await), "InvalidParameterValue");
    attach(&one, &here, "/dev/sdf").await.expect("attached");
    assert_eq!(code(attach(&one, &here, "/dev/sdg").await), "VolumeInUse");
    assert_eq!(
        code(attach(&two, &here, "/dev/sdf").await),
        "InvalidParameterValue",
        "the device is taken"
    );
    let unknown = attach("vol-00000000000000000", &here, "/dev/sdg").await;
    assert_eq!(code(unknown), "InvalidVolume.NotFound");
    let unknown = attach(&two, "i-00000000000000000", "/dev/sdg").await;
    assert_eq!(code(unknown), "InvalidInstanceID.NotFound");
    sweep(&ec2, &vpc_id).await;
    for id in [one, two] {
        ec2.delete_volume()
            .volume_id(id)
            .send()
            .await
            .expect("it outlived the instance");
    }
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DetachVolume.html>
#[tokio::test]
async fn a_root_volume_is_detached_from_a_stopped_instance_only() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let id = running(&ec2, &subnet_in(&ec2, &vpc_id, "10.0.1.0/24", 0).await).await;
    let root = root_volume(&ec2, &id).await;
    let detach = || ec2.detach_volume().volume_id(&root).send();

    assert_eq!(code(detach().await), "OperationNotPermitted");
    stopped(&ec2, &id).await;
    detach().await.expect("let go");
    assert_eq!(code(detach().await), "IncorrectState", "it is attached nowhere");
    ec2.delete_volume()
        .volume_id(&root)
        .send()
        .await
        .expect("nothing uses it");
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DetachVolume.html>
#[tokio::test]
async fn a_volume_is_detached_from_where_it_is() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let id = running(&ec2, &subnet_in(&ec2, &vpc_id, "10.0.1.0/24", 0).await).await;
    let data = volume(&ec2, 5).await;
    let attach = ec2
        .attach_volume()
        .volume_id(&data)
        .instance_id(&id)
        .device("/dev/sdf");
    attach.send().await.expect("attached");
    let detach = || ec2.detach_volume().volume_id(&data);

    let elsewhere = detach().instance_id(&id).device("/dev/sdg").send().await;
    assert_eq!(code(elsewhere), "InvalidAttachment.NotFound");
    detach().instance_id(&id).send().await.expect("let go");
    sweep(&ec2, &vpc_id).await;
    ec2.delete_volume().volume_id(data).send().await.expect("it goes");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVolume.html>
#[tokio::test]
async fn a_volume_of_a_snapshot_is_as_large_or_larger() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let zone = zone_name(&ec2, 1).await;
    let original = volume(&ec2, 10).await;
    let snapshot_id = snapshot(&ec2, &original).await;
    let create = || {
        ec2.create_volume()
            .availability_zone(&zone)
            .snapshot_id(&snapshot_id)
    };

    let restored = create().send().await.expect("a volume in another zone");
    assert_eq!(
        (restored.size(), restored.snapshot_id()),
        (Some(10), Some(snapshot_id.as_str()))
    );
    assert_eq!(code(create().size(9).send().await), "InvalidParameterValue");
    let unknown = ec2
        .create_volume()
        .availability_zone(&zone)
        .snapshot_id("snap-00000000000000000");
    assert_eq!(code(unknown.send().await), "InvalidSnapshot.NotFound");
    for id in [original, restored.volume_id.expect("an id")] {
        ec2.delete_volume().volume_id(id).send().await.expect("it goes");
    }
    ec2.delete_snapshot()
        .snapshot_id(snapshot_id)
        .send()
        .await
        .expect("it goes");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Volume.html>
#[tokio::test]
async fn a_volume_is_being_made_before_it_is_available() {
    let Some(aws) = controlled().await else { return };
    let ec2 = client(&aws);
    aws.control()
        .set_latency(LatencyModel::Realistic { per_mille: 1_000 });
    let create = ec2
        .create_volume()
        .availability_zone(zone_name(&ec2, 0).await)
        .size(5);
    let made = create.send().await.expect("a volume");
    let id = made.volume_id().expect("an id");
    let state = async || {
        let found = ec2
            .describe_volumes()
            .volume_ids(id)
            .send()
            .await
            .expect("a volume");
        found.volumes()[0].state().expect("a state").as_str().to_owned()
    };

    assert_eq!(state().await, "creating");
    aws.advance(TimeDelta::seconds(11));
    assert_eq!(state().await, "available");
}

/// <https://docs.aws.amazon.com/ebs/latest/userguide/work-with-ebs-encr.html>
#[tokio::test]
async fn encryption_by_default_encrypts_new_volumes() {
    let Some(aws) = controlled().await else { return };
    let ec2 = client(&aws);
    let zone = zone_name(&ec2, 0).await;
    let create = async || {
        let create = ec2.create_volume().availability_zone(&zone).size(5);
        create.send().await.expect("a volume").encrypted
    };

    let key = ec2
        .get_ebs_default_kms_key_id()
        .send()
        .await
        .expect("a key")
        .kms_key_id;
    assert_eq!(key.as_deref(), Some("alias/aws/ebs"));
    assert_eq!(create().await, Some(false));
    let on = ec2.enable_ebs_encryption_by_default().send().await.expect("set");
    assert_eq!(on.ebs_encryption_by_default(), Some(true));
    assert_eq!(create().await, Some(true));
    ec2.disable_ebs_encryption_by_default().send().await.expect("set");
    let off = ec2.get_ebs_encryption_by_default().send().await.expect("read");
    assert_eq!(off.ebs_encryption_by_default(), Some(false));
}
