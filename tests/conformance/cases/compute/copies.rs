//! Copies of snapshots and images into another region.

use aws_sdk_ec2::Client;
use conformance::{Aws, aws, code, controlled, eventually};

use crate::support::{client, completes, running, snapshot, subnet_in, sweep, volume, vpc, zone_name};

const ELSEWHERE: &str = "eu-west-1";

fn elsewhere(aws: &Aws) -> Client {
    Client::new(&aws.vendor().in_region(ELSEWHERE))
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopySnapshot.html>
#[tokio::test]
async fn a_snapshot_is_copied_into_the_region_that_is_asked() {
    let aws = aws().await;
    let (here, there) = (client(&aws), elsewhere(&aws));
    let volume_id = volume(&here, 5).await;
    let original = snapshot(&here, &volume_id).await;
    let copy = || {
        let copy = there
            .copy_snapshot()
            .source_region(aws.region())
            .source_snapshot_id(&original);
        copy.description("a copy").send()
    };

    let copied = copy().await.expect("a copy").snapshot_id.expect("an id");
    completes(&there, &copied).await;

    assert_ne!(copied, original);
    let found = there
        .describe_snapshots()
        .snapshot_ids(&copied)
        .send()
        .await
        .expect("the copy");
    let found = &found.snapshots()[0];
    assert_eq!(
        (found.volume_size(), found.description()),
        (Some(5), Some("a copy"))
    );
    let here_too = here.describe_snapshots().snapshot_ids(&copied).send().await;
    assert_eq!(
        code(here_too),
        "InvalidSnapshot.NotFound",
        "it is in the other region only"
    );
    let twin = copy()
        .await
        .expect("CopySnapshot has no token")
        .snapshot_id
        .expect("an id");
    assert_ne!(twin, copied);
    for id in [copied, twin] {
        there
            .delete_snapshot()
            .snapshot_id(id)
            .send()
            .await
            .expect("it goes");
    }
    here.delete_snapshot()
        .snapshot_id(original)
        .send()
        .await
        .expect("it goes");
    here.delete_volume()
        .volume_id(volume_id)
        .send()
        .await
        .expect("it goes");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopySnapshot.html>
#[tokio::test]
async fn a_copy_can_be_encrypted_and_never_decrypted() {
    let aws = aws().await;
    let (here, there) = (client(&aws), elsewhere(&aws));
    let create = here
        .create_volume()
        .availability_zone(zone_name(&here, 0).await)
        .size(5)
        .encrypted(true);
    let locked = create.send().await.expect("a volume").volume_id.expect("an id");
    let open = volume(&here, 5).await;
    let (locked_shot, open_shot) = (snapshot(&here, &locked).await, snapshot(&here, &open).await);
    let copy = |id: &str| {
        there
            .copy_snapshot()
            .source_region(aws.region())
            .source_snapshot_id(id)
    };

    let refused = copy(&locked_shot).encrypted(false).send().await;
    assert_eq!(code(refused), "InvalidParameterCombination");
    let refused = copy(&open_shot).kms_key_id("alias/mine").send().await;
    assert_eq!(code(refused), "InvalidParameterDependency");
    for id in [&locked_shot, &open_shot] {
        let copied = copy(id)
            .set_encrypted((*id == open_shot).then_some(true))
            .send()
            .await;
        let copied = copied.expect("a copy").snapshot_id.expect("an id");
        let found = there
            .describe_snapshots()
            .snapshot_ids(&copied)
            .send()
            .await
            .expect("the copy");
        assert_eq!(found.snapshots()[0].encrypted(), Some(true));
        there
            .delete_snapshot()
            .snapshot_id(copied)
            .send()
            .await
            .expect("it goes");
        here.delete_snapshot()
            .snapshot_id(id)
            .send()
            .await
            .expect("it goes");
    }
    for id in [locked, open] {
        here.delete_volume().volume_id(id).send().await.expect("it goes");
    }
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopySnapshot.html>
#[tokio::test]
async fn copies_of_unknown_snapshots_and_regions_are_refused() {
    let aws = aws().await;
    let there = elsewhere(&aws);
    let copy = |region: &str| {
        let copy = there.copy_snapshot().source_region(region);
        copy.source_snapshot_id("snap-00000000000000000").send()
    };

    assert_eq!(code(copy(aws.region()).await), "InvalidSnapshot.NotFound");
    assert_eq!(code(copy("mars-north-1").await), "InvalidParameterValue");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopyImage.html>
#[tokio::test]
async fn an_image_is_copied_once_for_a_token_with_its_snapshots() {
    let aws = aws().await;
    let (here, there) = (client(&aws), elsewhere(&aws));
    let vpc_id = vpc(&here, "10.0.0.0/16").await;
    let instance_id = running(&here, &subnet_in(&here, &vpc_id, "10.0.1.0/24", 0).await).await;
    let create = here
        .create_image()
        .instance_id(&instance_id)
        .name(aws.name("image"))
        .no_reboot(true);
    let original = create.send().await.expect("an image").image_id.expect("an id");
    eventually("the image is there", async || {
        let found = here
            .describe_images()
            .image_ids(&original)
            .send()
            .await
            .expect("an image");
        found.images()[0].state().map(|state| state.as_str().to_owned()) == Some("available".into())
    })
    .await;
    let (name, token) = (aws.name("copy"), aws.name("token"));
    let copy = || {
        let copy = there
            .copy_image()
            .source_region(aws.region())
            .source_image_id(&original);
        copy.name(&name).client_token(&token)
    };

    let first = copy().send().await.expect("a copy").image_id.expect("an id");
    assert_eq!(
        copy().send().await.expect("the same one").image_id.as_deref(),
        Some(first.as_str())
    );
    assert_eq!(
        code(copy().encrypted(true).send().await),
        "IdempotentParameterMismatch"
    );
    let twin = copy().client_token(aws.name("other")).send().await;
    assert_eq!(code(twin), "InvalidAMIName.Duplicate");

    let found = there
        .describe_images()
        .image_ids(&first)
        .send()
        .await
        .expect("the copy");
    let image = &found.images()[0];
    assert_eq!(
        (image.source_image_id(), image.source_image_region()),
        (Some(original.as_str()), Some(aws.region()))
    );
    let copied = image.block_device_mappings()[0]
        .ebs()
        .and_then(|disk| disk.snapshot_id())
        .expect("a snapshot");
    completes(&there, copied).await;
    for (ec2, id) in [(&here, &original), (&there, &first)] {
        let gone = ec2
            .deregister_image()
            .image_id(id)
            .delete_associated_snapshots(true);
        gone.send().await.expect("it goes");
    }
    sweep(&here, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
#[tokio::test]
async fn a_copy_of_an_unknown_image_is_refused() {
    let aws = aws().await;
    let there = elsewhere(&aws);
    let copy = there
        .copy_image()
        .source_region(aws.region())
        .source_image_id("ami-00000000000000000");

    assert_eq!(
        code(copy.name(aws.name("copy")).send().await),
        "InvalidAMIID.NotFound"
    );
}

/// What is launched from a copy is in the copy's region.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/CopyingAMIs.html>
#[tokio::test]
async fn an_image_is_launched_in_its_own_region_only() {
    let Some(aws) = controlled().await else { return };
    let (here, there) = (client(&aws), elsewhere(&aws));
    let vpc_id = vpc(&here, "10.0.0.0/16").await;
    let instance_id = running(&here, &subnet_in(&here, &vpc_id, "10.0.1.0/24", 0).await).await;
    let create = here
        .create_image()
        .instance_id(&instance_id)
        .name("golden")
        .no_reboot(true);
    let original = create.send().await.expect("an image").image_id.expect("an id");
    completes(&here, &snapshot_id(&here, &original).await).await;
    let copy = there
        .copy_image()
        .source_region(aws.region())
        .source_image_id(&original)
        .name("golden");
    let copied = copy.send().await.expect("a copy").image_id.expect("an id");
    let vpc_there = vpc(&there, "10.0.0.0/16").await;
    let launch = crate::support::launch(&there, &subnet_in(&there, &vpc_there, "10.0.1.0/24", 0).await).await;

    assert_eq!(
        code(launch.clone().image_id(original).send().await),
        "InvalidAMIID.NotFound"
    );
    launch.image_id(copied).send().await.expect("an instance");
}

async fn snapshot_id(ec2: &Client, image_id: &str) -> String {
    let found = ec2
        .describe_images()
        .image_ids(image_id)
        .send()
        .await
        .expect("an image");
    let disk = found.images()[0].block_device_mappings()[0].ebs().cloned();
    disk.and_then(|disk| disk.snapshot_id).expect("an id")
}
