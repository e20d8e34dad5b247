//! Tags.

use aws_sdk_ec2::types::{ResourceType, Tag};
use conformance::{aws, code};

use crate::support::{client, filter, sweep, tag, tags, vpc};

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html>
#[tokio::test]
async fn a_tag_is_set_again_and_taken_away() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let values = async || {
        let found = ec2
            .describe_tags()
            .filters(filter("resource-id", &vpc_id))
            .send()
            .await
            .expect("tags");
        let pairs = found
            .tags()
            .iter()
            .filter_map(|tag| Some((tag.key.clone()?, tag.value.clone()?)));
        pairs.collect::<Vec<_>>()
    };
    let set = |value: &str| {
        ec2.create_tags()
            .resources(&vpc_id)
            .tags(tag("team", value))
            .send()
    };
    let take = |tag: Tag| ec2.delete_tags().resources(&vpc_id).tags(tag).send();

    set("data").await.expect("set");
    set("web").await.expect("set again");
    assert_eq!(values().await, [("team".to_owned(), "web".to_owned())]);
    take(tag("team", "data"))
        .await
        .expect("another value: nothing to take");
    assert_eq!(values().await.len(), 1);
    take(Tag::builder().key("team").build())
        .await
        .expect("whatever its value");
    assert!(values().await.is_empty());
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html>
#[tokio::test]
async fn tags_of_aws_and_tags_that_are_too_long_are_refused() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let set = |key: &str, value: &str| ec2.create_tags().resources(&vpc_id).tags(tag(key, value)).send();

    assert_eq!(code(set("aws:team", "x").await), "InvalidParameterValue");
    assert_eq!(code(set(&"k".repeat(129), "x").await), "InvalidParameterValue");
    assert_eq!(code(set("team", &"v".repeat(257)).await), "InvalidParameterValue");
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html>
#[tokio::test]
async fn a_resource_has_at_most_fifty_tags() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let fifty = (0..50).map(|number| tag(&format!("key{number}"), "x")).collect();
    let set = ec2.create_tags().resources(&vpc_id).set_tags(Some(fifty));
    set.send().await.expect("fifty tags");

    let more = ec2
        .create_tags()
        .resources(&vpc_id)
        .tags(tag("one more", "x"))
        .send()
        .await;

    assert_eq!(code(more), "TagLimitExceeded");
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html>
#[tokio::test]
async fn tags_of_unknown_resources_are_refused() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let set = |id: &str| ec2.create_tags().resources(id).tags(tag("team", "data")).send();

    assert_eq!(code(set("vpc-00000000000000000").await), "InvalidVpcID.NotFound");
    assert_eq!(code(set("nat-00000000000000000").await), "NatGatewayNotFound");
    assert_eq!(code(set("whatever").await), "InvalidID");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html>
#[tokio::test]
async fn a_resource_is_born_with_its_tags() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let create = ec2.create_vpc().cidr_block("10.0.0.0/16");
    let create = create.tag_specifications(tags(ResourceType::Vpc, &[("team", "data")]));

    let made = create.send().await.expect("a network").vpc.expect("a network");

    assert_eq!(made.tags()[0].value(), Some("data"));
    let unknown = ec2.create_vpc().cidr_block("10.0.0.0/16");
    let unknown = unknown.tag_specifications(tags(ResourceType::from("castle"), &[("team", "data")]));
    assert_eq!(code(unknown.send().await), "InvalidParameterValue");
    sweep(&ec2, made.vpc_id().expect("an id")).await;
}
