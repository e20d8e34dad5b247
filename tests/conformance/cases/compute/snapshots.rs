//! Snapshots.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{CopyTagsFromSource, InstanceSpecification, ResourceType, SnapshotState};
use chrono::TimeDelta;
use conformance::{aws, code, controlled, eventually};
use local_aws::LatencyModel;

use crate::support::{
    client, completes, filter, root_volume, running, snapshot, subnet_in, sweep, tag, tags, volume, vpc,
};

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSnapshot.html>
#[tokio::test]
async fn two_calls_are_two_snapshots() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let volume_id = volume(&ec2, 5).await;

    let (one, two) = (snapshot(&ec2, &volume_id).await, snapshot(&ec2, &volume_id).await);

    assert_ne!(one, two, "CreateSnapshot has no token");
    for id in [one, two] {
        ec2.delete_snapshot()
            .snapshot_id(id)
            .send()
            .await
            .expect("it goes");
    }
    ec2.delete_volume()
        .volume_id(volume_id)
        .send()
        .await
        .expect("it goes");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Snapshot.html>
#[tokio::test]
async fn a_snapshot_outlives_its_volume_and_says_what_it_is_of() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let volume_id = volume(&ec2, 7).await;
    let create = ec2
        .create_snapshot()
        .volume_id(&volume_id)
        .description("before the change");
    let create = create.tag_specifications(tags(ResourceType::Snapshot, &[("team", "data")]));
    let id = create
        .send()
        .await
        .expect("a snapshot")
        .snapshot_id
        .expect("an id");
    completes(&ec2, &id).await;
    ec2.delete_volume()
        .volume_id(&volume_id)
        .send()
        .await
        .expect("it goes");

    let found = ec2
        .describe_snapshots()
        .owner_ids("self")
        .filters(filter("tag:team", "data"));
    let found = found
        .filters(filter("volume-id", &volume_id))
        .send()
        .await
        .expect("snapshots");

    let found = &found.snapshots()[0];
    assert_eq!(found.snapshot_id(), Some(id.as_str()));
    assert_eq!(
        (found.volume_size(), found.description()),
        (Some(7), Some("before the change"))
    );
    assert_eq!((found.progress(), found.encrypted()), (Some("100%"), Some(false)));
    ec2.delete_snapshot()
        .snapshot_id(id)
        .send()
        .await
        .expect("it goes");
}

/// All volumes of an instance at one moment.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSnapshots.html>
#[tokio::test]
async fn an_instances_volumes_are_taken_together() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let id = running(&ec2, &subnet_in(&ec2, &vpc_id, "10.0.1.0/24", 0).await).await;
    let (root, data) = (root_volume(&ec2, &id).await, volume(&ec2, 5).await);
    let attach = ec2
        .attach_volume()
        .volume_id(&data)
        .instance_id(&id)
        .device("/dev/sdf");
    attach.send().await.expect("attached");
    ec2.create_tags()
        .resources(&data)
        .tags(tag("of", "data"))
        .send()
        .await
        .expect("tagged");
    let take = |specification: InstanceSpecification| {
        let take = ec2.create_snapshots().instance_specification(specification);
        take.copy_tags_from_source(CopyTagsFromSource::Volume).send()
    };
    let of_instance = || InstanceSpecification::builder().instance_id(&id);

    let both = take(of_instance().build())
        .await
        .expect("snapshots")
        .snapshots
        .expect("snapshots");
    let of: BTreeSet<_> = both.iter().filter_map(|each| each.volume_id()).collect();
    assert_eq!(of, BTreeSet::from([root.as_str(), data.as_str()]));
    let of_data = both
        .iter()
        .find(|each| each.volume_id() == Some(&data))
        .expect("one of the data");
    assert_eq!(
        of_data.tags()[0].value(),
        Some("data"),
        "the volume's tags come along"
    );
    for each in &both {
        completes(&ec2, each.snapshot_id().expect("an id")).await;
    }
    let one = take(of_instance().exclude_boot_volume(true).build())
        .await
        .expect("snapshots");
    let one = one.snapshots.expect("snapshots");
    assert_eq!(
        one.iter().filter_map(|each| each.volume_id()).collect::<Vec<_>>(),
        [data.as_str()]
    );
    let unknown = InstanceSpecification::builder()
        .instance_id("i-00000000000000000")
        .build();
    assert_eq!(code(take(unknown).await), "InvalidInstanceID.NotFound");
    sweep(&ec2, &vpc_id).await;
    for each in both.iter().chain(&one) {
        ec2.delete_snapshot()
            .set_snapshot_id(each.snapshot_id.clone())
            .send()
            .await
            .expect("it goes");
    }
    ec2.delete_volume().volume_id(data).send().await.expect("it goes");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
#[tokio::test]
async fn unknown_volumes_and_snapshots_are_refused() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let unknown = "snap-00000000000000000";

    let create = ec2
        .create_snapshot()
        .volume_id("vol-00000000000000000")
        .send()
        .await;
    assert_eq!(code(create), "InvalidVolume.NotFound");
    assert_eq!(
        code(ec2.delete_snapshot().snapshot_id(unknown).send().await),
        "InvalidSnapshot.NotFound"
    );
    let describe = ec2.describe_snapshots().snapshot_ids(unknown).send().await;
    assert_eq!(code(describe), "InvalidSnapshot.NotFound");
}

/// A snapshot is usable when it is completed.
/// <https://docs.aws.amazon.com/ebs/latest/userguide/ebs-creating-snapshot.html>
#[tokio::test]
async fn a_pending_snapshot_is_no_source_of_a_volume() {
    let Some(aws) = controlled().await else { return };
    let ec2 = client(&aws);
    let volume_id = volume(&ec2, 5).await;
    aws.control()
        .set_latency(LatencyModel::Realistic { per_mille: 1_000 });
    let made = ec2
        .create_snapshot()
        .volume_id(&volume_id)
        .send()
        .await
        .expect("a snapshot");
    let id = made.snapshot_id().expect("an id");
    assert_eq!(made.state(), Some(&SnapshotState::Pending));
    let restore = async || {
        let zone = crate::support::zone_name(&ec2, 0).await;
        ec2.create_volume()
            .availability_zone(zone)
            .snapshot_id(id)
            .send()
            .await
    };

    assert_eq!(code(restore().await), "IncorrectState");
    aws.advance(TimeDelta::minutes(2));
    let found = ec2
        .describe_snapshots()
        .snapshot_ids(id)
        .send()
        .await
        .expect("a snapshot");
    assert_ne!(found.snapshots()[0].progress(), Some("100%"));
    aws.advance(TimeDelta::minutes(4));
    completes(&ec2, id).await;
    restore().await.expect("a volume");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
#[tokio::test]
async fn snapshots_of_one_volume_are_fifteen_seconds_apart_and_five_at_once() {
    let Some(aws) = controlled().await else { return };
    let ec2 = client(&aws);
    let volume_id = volume(&ec2, 5).await;
    aws.control()
        .set_latency(LatencyModel::Realistic { per_mille: 1_000 });
    let take = || ec2.create_snapshot().volume_id(&volume_id).send();

    take().await.expect("a snapshot");
    assert_eq!(code(take().await), "SnapshotCreationPerVolumeRateExceeded");
    for _ in 0..4 {
        aws.advance(TimeDelta::seconds(16));
        take().await.expect("a snapshot");
    }
    aws.advance(TimeDelta::seconds(16));
    assert_eq!(code(take().await), "ConcurrentSnapshotLimitExceeded");
}

/// What was not completed is told from what was.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSnapshots.html>
#[tokio::test]
async fn snapshots_are_found_by_owner() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let volume_id = volume(&ec2, 5).await;
    let id = snapshot(&ec2, &volume_id).await;
    let of = async |owner: &str| {
        let find = ec2
            .describe_snapshots()
            .owner_ids(owner)
            .filters(filter("snapshot-id", &id));
        find.send()
            .await
            .expect("snapshots")
            .snapshots
            .expect("snapshots")
            .len()
    };

    eventually("it is the account's own", async || of("self").await == 1).await;
    assert_eq!(of(&aws.vendor().id).await, 1);
    assert_eq!(of("amazon").await, 0);
    ec2.delete_snapshot()
        .snapshot_id(id)
        .send()
        .await
        .expect("it goes");
    ec2.delete_volume()
        .volume_id(volume_id)
        .send()
        .await
        .expect("it goes");
}
