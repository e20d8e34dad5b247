//! Tags of zones and health checks.

use aws_sdk_route53::Client;
use aws_sdk_route53::types::{Tag, TagResourceType};
use conformance::{aws, code, controlled};

use super::support::{check, client, tcp, zone};

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

async fn of_zone(dns: &Client, id: &str) -> Vec<Tag> {
    let list = dns
        .list_tags_for_resource()
        .resource_type(TagResourceType::Hostedzone);
    let listed = list.resource_id(id).send().await.expect("tags");
    listed.resource_tag_set.expect("tags").tags.unwrap_or_default()
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeTagsForResource.html>
#[tokio::test]
async fn tags_are_added_replaced_and_removed() {
    let aws = aws().await;
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let change = || {
        let change = dns
            .change_tags_for_resource()
            .resource_type(TagResourceType::Hostedzone);
        change.resource_id(&zone.id)
    };
    let add = change()
        .add_tags(tag("owner", "acme"))
        .add_tags(tag("stage", "test"));
    add.send().await.expect("taken");
    let both = change().add_tags(tag("stage", "live")).remove_tag_keys("owner");
    both.send().await.expect("taken");
    assert_eq!(of_zone(&dns, &zone.id).await, [tag("stage", "live")]);
    assert_eq!(code(change().send().await), "InvalidInput");
    zone.remove(&dns).await;
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeTagsForResource.html>
#[tokio::test]
async fn a_resource_has_ten_tags_at_most() {
    let aws = aws().await;
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let change = |tags: Vec<Tag>| {
        let change = dns
            .change_tags_for_resource()
            .resource_type(TagResourceType::Hostedzone);
        change.resource_id(&zone.id).set_add_tags(Some(tags)).send()
    };
    let ten: Vec<Tag> = (0..10)
        .map(|number| tag(&format!("key-{number}"), "value"))
        .collect();
    change(ten).await.expect("taken");
    assert_eq!(code(change(vec![tag("one-more", "value")]).await), "InvalidInput");
    assert_eq!(of_zone(&dns, &zone.id).await.len(), 10);
    zone.remove(&dns).await;
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListTagsForResources.html>
#[tokio::test]
async fn tags_of_many_resources_are_listed_at_once_and_unknown_ones_refused() {
    let Some(aws) = controlled().await else { return };
    let dns = client(&aws);
    let (one, two) = (
        check(&dns, "one", tcp("192.0.2.1", 80)).await,
        check(&dns, "two", tcp("192.0.2.1", 81)).await,
    );
    let change = dns
        .change_tags_for_resource()
        .resource_type(TagResourceType::Healthcheck);
    change
        .resource_id(&one)
        .add_tags(tag("owner", "acme"))
        .send()
        .await
        .expect("taken");
    let list = || {
        dns.list_tags_for_resources()
            .resource_type(TagResourceType::Healthcheck)
    };
    let listed = list()
        .resource_ids(&one)
        .resource_ids(&two)
        .send()
        .await
        .expect("tags");
    let counts: Vec<usize> = listed
        .resource_tag_sets()
        .iter()
        .map(|set| set.tags().len())
        .collect();
    assert_eq!(counts, [1, 0]);
    let unknown = list()
        .resource_ids("5f4dcc3b-0000-4000-8000-000000000000")
        .send()
        .await;
    assert_eq!(code(unknown), "NoSuchHealthCheck");
    let zone = dns
        .list_tags_for_resource()
        .resource_type(TagResourceType::Hostedzone);
    let zone = zone.resource_id("Z0123456789ABCDEFGHIJ").send().await;
    assert_eq!(code(zone), "NoSuchHostedZone");
    let item = aws.control().inventory_of(&aws.vendor().id);
    let item = item
        .into_iter()
        .find(|item| item.id == one)
        .expect("it is listed");
    assert_eq!(
        (item.kind.as_str(), item.region.as_str()),
        ("route53:healthcheck", "global")
    );
    assert_eq!(item.tags["owner"], "acme");
}
