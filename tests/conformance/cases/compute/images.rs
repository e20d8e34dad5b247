//! Images of the account.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Image, ResourceType};
use chrono::TimeDelta;
use conformance::{Aws, aws, code, controlled, eventually};
use local_aws::LatencyModel;

use crate::support::{client, filter, launch, running, subnet_in, sweep, tags, terminated, vpc};

/// An instance, and an image of it.
struct Shot {
    vpc_id: String,
    subnet_id: String,
    instance_id: String,
    image_id: String,
}

async fn shot(aws: &Aws, ec2: &Client) -> Shot {
    let vpc_id = vpc(ec2, "10.0.0.0/16").await;
    let subnet_id = subnet_in(ec2, &vpc_id, "10.0.1.0/24", 0).await;
    let instance_id = running(ec2, &subnet_id).await;
    let create = ec2
        .create_image()
        .instance_id(&instance_id)
        .name(aws.name("image"))
        .no_reboot(true);
    let image_id = create.send().await.expect("an image").image_id.expect("an id");
    eventually("the image is there", async || {
        state(&described(ec2, &image_id).await) == "available"
    })
    .await;
    Shot {
        vpc_id,
        subnet_id,
        instance_id,
        image_id,
    }
}

async fn described(ec2: &Client, id: &str) -> Image {
    let found = ec2
        .describe_images()
        .image_ids(id)
        .send()
        .await
        .expect("an image");
    found.images()[0].clone()
}

fn state(image: &Image) -> &str {
    image.state().expect("a state").as_str()
}

fn snapshot_of(image: &Image) -> String {
    let mapping = &image.block_device_mappings()[0];
    let id = mapping.ebs().and_then(|disk| disk.snapshot_id());
    id.expect("an own image has snapshots").to_owned()
}

async fn end(ec2: &Client, shot: &Shot) {
    let snapshot_id = snapshot_of(&described(ec2, &shot.image_id).await);
    ec2.deregister_image()
        .image_id(&shot.image_id)
        .send()
        .await
        .expect("it goes");
    eventually("the snapshot is free", async || {
        ec2.delete_snapshot()
            .snapshot_id(&snapshot_id)
            .send()
            .await
            .is_ok()
    })
    .await;
    sweep(ec2, &shot.vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html>
#[tokio::test]
async fn an_image_of_an_instance_is_launched_like_another() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let shot = shot(&aws, &ec2).await;

    let launch = launch(&ec2, &shot.subnet_id).await.image_id(&shot.image_id);
    let made = launch.send().await.expect("an instance");

    assert_eq!(made.instances()[0].image_id(), Some(shot.image_id.as_str()));
    let image = described(&ec2, &shot.image_id).await;
    assert_eq!(
        (image.owner_id(), image.public()),
        (Some(aws.vendor().id.as_str()), Some(false))
    );
    assert_eq!(image.source_instance_id(), Some(shot.instance_id.as_str()));
    let own = ec2
        .describe_images()
        .owners("self")
        .filters(filter("image-id", &shot.image_id));
    assert_eq!(own.send().await.expect("images").images().len(), 1);
    end(&ec2, &shot).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSnapshot.html>
#[tokio::test]
async fn the_snapshot_of_an_image_is_not_deleted() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let shot = shot(&aws, &ec2).await;
    let snapshot_id = snapshot_of(&described(&ec2, &shot.image_id).await);

    let refused = ec2.delete_snapshot().snapshot_id(&snapshot_id).send().await;

    assert_eq!(code(refused), "InvalidSnapshot.InUse");
    end(&ec2, &shot).await;
}

/// Instances that run are not touched. <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/deregister-ami.html>
#[tokio::test]
async fn a_deregistered_image_is_launched_no_more() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let shot = shot(&aws, &ec2).await;
    let snapshot_id = snapshot_of(&described(&ec2, &shot.image_id).await);
    ec2.deregister_image()
        .image_id(&shot.image_id)
        .send()
        .await
        .expect("it goes");

    let refused = launch(&ec2, &shot.subnet_id)
        .await
        .image_id(&shot.image_id)
        .send()
        .await;

    assert_eq!(code(refused), "InvalidAMIID.Unavailable");
    let again = ec2.deregister_image().image_id(&shot.image_id).send().await;
    assert_eq!(code(again), "InvalidAMIID.Unavailable");
    let found = ec2
        .describe_snapshots()
        .snapshot_ids(&snapshot_id)
        .send()
        .await
        .expect("its snapshot stays");
    assert_eq!(found.snapshots().len(), 1);
    ec2.delete_snapshot()
        .snapshot_id(snapshot_id)
        .send()
        .await
        .expect("it goes");
    sweep(&ec2, &shot.vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeregisterImage.html>
#[tokio::test]
async fn snapshots_go_with_their_image_when_asked_to() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let shot = shot(&aws, &ec2).await;
    let snapshot_id = snapshot_of(&described(&ec2, &shot.image_id).await);

    let gone = ec2
        .deregister_image()
        .image_id(&shot.image_id)
        .delete_associated_snapshots(true);
    let gone = gone.send().await.expect("it goes");

    let result = &gone.delete_snapshot_results()[0];
    assert_eq!(result.snapshot_id(), Some(snapshot_id.as_str()));
    let left = ec2.describe_snapshots().snapshot_ids(snapshot_id).send().await;
    assert_eq!(code(left), "InvalidSnapshot.NotFound");
    sweep(&ec2, &shot.vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html>
#[tokio::test]
async fn an_image_name_is_well_formed_and_taken_once() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let shot = shot(&aws, &ec2).await;
    let name = described(&ec2, &shot.image_id).await.name.expect("a name");
    let create = |name: &str| {
        ec2.create_image()
            .instance_id(&shot.instance_id)
            .name(name)
            .no_reboot(true)
            .send()
    };

    assert_eq!(code(create(&name).await), "InvalidAMIName.Duplicate");
    assert_eq!(code(create("ab").await), "InvalidAMIName.Malformed");
    assert_eq!(code(create("what?").await), "InvalidAMIName.Malformed");
    end(&ec2, &shot).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html>
#[tokio::test]
async fn an_ended_instance_gives_no_image() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let id = running(&ec2, &subnet_in(&ec2, &vpc_id, "10.0.1.0/24", 0).await).await;
    terminated(&ec2, &id).await;
    let create = |id: &str| ec2.create_image().instance_id(id).name(aws.name("image")).send();

    assert_eq!(code(create(&id).await), "IncorrectState");
    assert_eq!(
        code(create("i-00000000000000000").await),
        "InvalidInstanceID.NotFound"
    );
    sweep(&ec2, &vpc_id).await;
}

/// Tags of the image and of its snapshots. <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html>
#[tokio::test]
async fn an_image_and_its_snapshots_are_tagged_with_the_call() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let id = running(&ec2, &subnet_in(&ec2, &vpc_id, "10.0.1.0/24", 0).await).await;
    let create = ec2
        .create_image()
        .instance_id(&id)
        .name(aws.name("image"))
        .no_reboot(true);
    let create = create.tag_specifications(tags(ResourceType::Image, &[("on", "image")]));
    let create = create.tag_specifications(tags(ResourceType::Snapshot, &[("on", "snapshot")]));
    let image_id = create.send().await.expect("an image").image_id.expect("an id");

    let image = described(&ec2, &image_id).await;
    assert_eq!(image.tags()[0].value(), Some("image"));
    let snapshot_id = snapshot_of(&image);
    let found = ec2
        .describe_snapshots()
        .snapshot_ids(&snapshot_id)
        .send()
        .await
        .expect("a snapshot");
    assert_eq!(found.snapshots()[0].tags()[0].value(), Some("snapshot"));
    ec2.deregister_image()
        .image_id(image_id)
        .send()
        .await
        .expect("it goes");
    ec2.delete_snapshot()
        .snapshot_id(snapshot_id)
        .send()
        .await
        .expect("it goes");
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
#[tokio::test]
async fn public_images_are_not_ours_to_deregister() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let public = crate::support::image(&ec2, "x86_64").await;

    assert_eq!(
        code(ec2.deregister_image().image_id(public).send().await),
        "AuthFailure"
    );
    let unknown = ec2
        .deregister_image()
        .image_id("ami-00000000000000000")
        .send()
        .await;
    assert_eq!(code(unknown), "InvalidAMIID.NotFound");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Image.html>
#[tokio::test]
async fn a_pending_image_is_not_launched() {
    let Some(aws) = controlled().await else { return };
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let subnet_id = subnet_in(&ec2, &vpc_id, "10.0.1.0/24", 0).await;
    let id = running(&ec2, &subnet_id).await;
    aws.control()
        .set_latency(LatencyModel::Realistic { per_mille: 1_000 });
    let create = ec2.create_image().instance_id(&id).name("golden").no_reboot(true);
    let image_id = create.send().await.expect("an image").image_id.expect("an id");
    let launch = launch(&ec2, &subnet_id).await.image_id(&image_id);

    assert_eq!(state(&described(&ec2, &image_id).await), "pending");
    assert_eq!(code(launch.clone().send().await), "InvalidAMIID.Unavailable");
    aws.advance(TimeDelta::minutes(7));
    assert_eq!(state(&described(&ec2, &image_id).await), "available");
    launch.send().await.expect("an instance");
}
