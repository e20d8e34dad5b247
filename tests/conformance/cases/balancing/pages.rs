//! Long lists of Auto Scaling come in pages, and tokens that are not its own are refused.

use aws_sdk_autoscaling::types::{Filter, Tag};
use conformance::code;

use crate::groups::group;
use crate::support::Network;

/// Activities come newest first, in pages.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeScalingActivities.html
#[tokio::test]
async fn activities_come_newest_first_and_in_pages() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (0, 3, 3)).await;
    let page = |token: Option<String>| {
        network
            .scaling
            .describe_scaling_activities()
            .auto_scaling_group_name("app")
            .max_records(2)
            .set_next_token(token)
            .send()
    };
    let first = page(None).await.expect("a page");
    assert_eq!(first.activities().len(), 2);
    network
        .scaling
        .set_desired_capacity()
        .auto_scaling_group_name("app")
        .desired_capacity(0)
        .send()
        .await
        .expect("what happens between two pages moves nothing");
    let second = page(first.next_token.clone()).await.expect("a page");
    assert_eq!((second.activities().len(), second.next_token()), (1, None));
    let ids: Vec<_> = first.activities().iter().chain(second.activities()).collect();
    let distinct: std::collections::BTreeSet<_> = ids.iter().filter_map(|one| one.activity_id()).collect();
    assert_eq!(distinct.len(), 3);
    let newest = page(None).await.expect("a page");
    assert!(
        newest.activities()[0]
            .description()
            .is_some_and(|what| what.starts_with("Terminating"))
    );
    assert_eq!(
        code(page(Some("not a token!".to_owned())).await),
        "InvalidNextToken"
    );
}

/// An activity can be asked for by its id.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeScalingActivities.html
#[tokio::test]
async fn an_activity_is_found_by_its_id() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (0, 2, 2)).await;
    let all = network
        .scaling
        .describe_scaling_activities()
        .send()
        .await
        .expect("activities");
    let wanted = all.activities()[1].activity_id().expect("an id");
    let found = network
        .scaling
        .describe_scaling_activities()
        .activity_ids(wanted)
        .send()
        .await
        .expect("activities");
    let ids: Vec<_> = found
        .activities()
        .iter()
        .filter_map(|one| one.activity_id())
        .collect();
    assert_eq!(ids, [wanted]);
    let many = network
        .scaling
        .describe_scaling_activities()
        .max_records(101)
        .send()
        .await;
    assert_eq!(code(many), "ValidationError");
}

/// Policies come in pages, and can be asked for by their kind.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribePolicies.html
#[tokio::test]
async fn policies_come_in_pages() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (0, 3, 0)).await;
    for name in ["c", "a", "b"] {
        network
            .scaling
            .put_scaling_policy()
            .auto_scaling_group_name("app")
            .policy_name(name)
            .adjustment_type("ChangeInCapacity")
            .scaling_adjustment(1)
            .send()
            .await
            .expect("a policy");
    }
    let (mut found, mut token) = (Vec::new(), None);
    for _ in 0..2 {
        let page = network
            .scaling
            .describe_policies()
            .auto_scaling_group_name("app")
            .max_records(2)
            .set_next_token(token)
            .send()
            .await
            .expect("a page");
        found.extend(
            page.scaling_policies()
                .iter()
                .filter_map(|one| one.policy_name.clone()),
        );
        token = page.next_token;
    }
    assert_eq!(token, None);
    assert_eq!(found, ["a", "b", "c"]);
    let of_kind = |kind: &str| network.scaling.describe_policies().policy_types(kind).send();
    let tracking = of_kind("TargetTrackingScaling").await.expect("policies");
    assert!(tracking.scaling_policies().is_empty());
    assert_eq!(code(of_kind("Guessing").await), "ValidationError");
}

/// Tags come in pages and are found by group, key, value and whether they propagate.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeTags.html
#[tokio::test]
async fn tags_come_in_pages_and_are_filtered() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (0, 1, 0)).await;
    let tag = |key: &str| {
        Tag::builder()
            .resource_id("app")
            .resource_type("auto-scaling-group")
            .key(key)
            .value("v")
            .propagate_at_launch(false)
            .build()
    };
    network
        .scaling
        .create_or_update_tags()
        .tags(tag("one"))
        .tags(tag("two"))
        .send()
        .await
        .expect("tags");
    let first = network
        .scaling
        .describe_tags()
        .max_records(2)
        .send()
        .await
        .expect("a page");
    assert_eq!(first.tags().len(), 2);
    let second = network
        .scaling
        .describe_tags()
        .max_records(2)
        .set_next_token(first.next_token.clone())
        .send()
        .await
        .expect("a page");
    assert_eq!((second.tags().len(), second.next_token()), (1, None));
    let by = |name: &str, value: &str| {
        let filter = Filter::builder().name(name).values(value).build();
        network.scaling.describe_tags().filters(filter).send()
    };
    let keys = |shown: aws_sdk_autoscaling::operation::describe_tags::DescribeTagsOutput| {
        let tags = shown.tags.unwrap_or_default().into_iter();
        tags.filter_map(|tag| tag.key).collect::<Vec<_>>()
    };
    assert_eq!(
        keys(by("propagate-at-launch", "true").await.expect("tags")),
        ["tenant"]
    );
    assert_eq!(keys(by("key", "two").await.expect("tags")), ["two"]);
    assert_eq!(keys(by("value", "acme").await.expect("tags")), ["tenant"]);
    assert!(keys(by("auto-scaling-group", "gone").await.expect("tags")).is_empty());
    assert_eq!(code(by("colour", "red").await), "ValidationError");
}

/// A group has fifty tags at most, and tags belong to a group that is there.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateOrUpdateTags.html
#[tokio::test]
async fn tags_of_groups_are_limited() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (0, 1, 0)).await;
    let tag = |group: &str, key: String| {
        Tag::builder()
            .resource_id(group)
            .resource_type("auto-scaling-group")
            .key(key)
            .value("v")
            .propagate_at_launch(true)
            .build()
    };
    let put = |tags: Vec<Tag>| {
        network
            .scaling
            .create_or_update_tags()
            .set_tags(Some(tags))
            .send()
    };
    let some = |to: usize| (0..to).map(|number| tag("app", format!("k{number}"))).collect();
    assert_eq!(code(put(some(50)).await), "LimitExceeded", "it has one already");
    assert_eq!(
        code(put(vec![tag("gone", "k".to_owned())]).await),
        "ValidationError"
    );
    assert_eq!(
        code(put(vec![tag("app", "aws:k".to_owned())]).await),
        "ValidationError"
    );
}

/// Groups are found by their tags.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingGroups.html
#[tokio::test]
async fn groups_are_found_by_their_tags() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (0, 1, 0)).await;
    let by = |name: &str, value: &str| {
        let filter = Filter::builder().name(name).values(value).build();
        network
            .scaling
            .describe_auto_scaling_groups()
            .filters(filter)
            .send()
    };
    for (name, value, count) in [
        ("tag-key", "tenant", 1),
        ("tag-value", "acme", 1),
        ("tag:tenant", "acme", 1),
        ("tag:tenant", "other", 0),
    ] {
        let found = by(name, value).await.expect("groups");
        assert_eq!(found.auto_scaling_groups().len(), count, "{name}={value}");
    }
    assert_eq!(code(by("colour", "red").await), "ValidationError");
}

/// Instances of groups are listed fifty at a time.
/// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingInstances.html
#[tokio::test]
async fn instances_of_groups_come_in_pages() {
    let Some(network) = Network::lay().await else {
        return;
    };
    group(&network, "app", (0, 3, 3)).await;
    let page = |size: i32, token: Option<String>| {
        network
            .scaling
            .describe_auto_scaling_instances()
            .max_records(size)
            .set_next_token(token)
            .send()
    };
    let first = page(2, None).await.expect("a page");
    assert_eq!(first.auto_scaling_instances().len(), 2);
    let second = page(2, first.next_token.clone()).await.expect("a page");
    assert_eq!(
        (second.auto_scaling_instances().len(), second.next_token()),
        (1, None)
    );
    assert_eq!(code(page(51, None).await), "ValidationError");
}
