//! Hosted zones.

use aws_sdk_route53::Client;
use aws_sdk_route53::types::{ChangeStatus, RrType, Tag, TagResourceType};
use chrono::TimeDelta;
use conformance::local_aws::LatencyModel;
use conformance::{aws, code, controlled};

use crate::support::{Zone, a};

/// A new zone has four name servers, an NS set and an SOA set.
/// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/SOA-NSrecords.html
#[tokio::test]
async fn a_new_zone_has_its_ns_and_soa_sets() {
    let aws = aws().await;
    let zone = Zone::create(&aws).await;
    let shown = zone
        .client
        .get_hosted_zone()
        .id(&zone.id)
        .send()
        .await
        .expect("the zone");
    assert_eq!(shown.delegation_set.map(|set| set.name_servers.len()), Some(4));
    let sets = zone
        .client
        .list_resource_record_sets()
        .hosted_zone_id(&zone.id)
        .send()
        .await
        .expect("sets");
    let kinds: Vec<_> = sets
        .resource_record_sets()
        .iter()
        .map(|set| set.r#type().clone())
        .collect();
    assert_eq!(kinds, [RrType::Ns, RrType::Soa]);
    zone.delete(&[]).await;
}

/// A caller reference makes one zone, once.
/// https://docs.aws.amazon.com/Route53/latest/APIReference/API_CreateHostedZone.html
#[tokio::test]
async fn a_caller_reference_is_used_once() {
    let aws = aws().await;
    let zone = Zone::create(&aws).await;
    let again = zone
        .client
        .create_hosted_zone()
        .name(&zone.name)
        .caller_reference(&zone.name)
        .send()
        .await;
    assert_eq!(code(again), "HostedZoneAlreadyExists");
    zone.delete(&[]).await;
}

/// Two zones may have the same name.
/// https://docs.aws.amazon.com/Route53/latest/APIReference/API_CreateHostedZone.html
#[tokio::test]
async fn two_zones_may_have_one_name() {
    let aws = aws().await;
    let zone = Zone::create(&aws).await;
    let twin = zone
        .client
        .create_hosted_zone()
        .name(&zone.name)
        .caller_reference(aws.name("twin"))
        .send()
        .await;
    let twin = twin
        .expect("another zone")
        .hosted_zone
        .expect("an answer has the zone")
        .id;
    assert!(!twin.ends_with(&zone.id));
    zone.client
        .delete_hosted_zone()
        .id(twin)
        .send()
        .await
        .expect("it goes");
    zone.delete(&[]).await;
}

/// A name that is no domain name is refused.
/// https://docs.aws.amazon.com/Route53/latest/APIReference/API_CreateHostedZone.html
#[tokio::test]
async fn a_name_that_is_no_domain_is_refused() {
    let aws = aws().await;
    let client = Client::new(&aws.vendor().config);
    for name in ["a..example.com", &format!("{}.example.com", "x".repeat(64))] {
        let made = client
            .create_hosted_zone()
            .name(name)
            .caller_reference(aws.name("ref"))
            .send()
            .await;
        assert_eq!(code(made), "InvalidDomainName", "{name}");
    }
}

/// A zone with sets of its owner's is not deleted.
/// https://docs.aws.amazon.com/Route53/latest/APIReference/API_DeleteHostedZone.html
#[tokio::test]
async fn a_zone_with_sets_is_not_deleted() {
    let aws = aws().await;
    let zone = Zone::create(&aws).await;
    let www = a(&zone.at("www"), "192.0.2.1");
    zone.create_set(www.clone()).await.expect("a set");
    let refused = zone.client.delete_hosted_zone().id(&zone.id).send().await;
    assert_eq!(code(refused), "HostedZoneNotEmpty");
    zone.delete(&[www]).await;
}

/// A zone of another account is not there.
/// https://docs.aws.amazon.com/Route53/latest/APIReference/API_GetHostedZone.html
#[tokio::test]
async fn a_zone_of_another_account_is_not_there() {
    let aws = aws().await;
    let zone = Zone::create(&aws).await;
    let stranger = Client::new(&aws.customer().config);
    let seen = stranger.get_hosted_zone().id(&zone.id).send().await;
    assert_eq!(code(seen), "NoSuchHostedZone");
    let missing = zone
        .client
        .get_hosted_zone()
        .id("Z00000000000000000000")
        .send()
        .await;
    assert_eq!(code(missing), "NoSuchHostedZone");
    zone.delete(&[]).await;
}

/// A change is pending until all name servers have it.
/// https://docs.aws.amazon.com/Route53/latest/APIReference/API_GetChange.html
#[tokio::test]
async fn a_change_is_pending_before_it_is_in_sync() {
    let Some(aws) = controlled().await else { return };
    aws.control()
        .set_latency(LatencyModel::Realistic { per_mille: 1_000 });
    let zone = Zone::create(&aws).await;
    let made = zone
        .create_set(a(&zone.at("www"), "192.0.2.1"))
        .await
        .expect("a set");
    let id = made.change_info.expect("an answer has the change").id;
    let status = async || {
        let shown = zone.client.get_change().id(&id).send().await.expect("the change");
        shown.change_info.map(|change| change.status)
    };
    assert_eq!(status().await, Some(ChangeStatus::Pending));
    aws.advance(TimeDelta::seconds(61));
    assert_eq!(status().await, Some(ChangeStatus::Insync));
    let missing = zone.client.get_change().id("C00000000000000000000").send().await;
    assert_eq!(code(missing), "NoSuchChange");
}

/// Zones are listed by name from a name on.
/// https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListHostedZonesByName.html
#[tokio::test]
async fn zones_are_listed_by_name() {
    let aws = aws().await;
    let zone = Zone::create(&aws).await;
    let listed = zone
        .client
        .list_hosted_zones_by_name()
        .dns_name(&zone.name)
        .max_items(1)
        .send()
        .await
        .expect("zones");
    assert_eq!(listed.hosted_zones()[0].name(), format!("{}.", zone.name));
    zone.delete(&[]).await;
}

/// Tags of a zone are kept; a kind that has none is refused.
/// https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeTagsForResource.html
#[tokio::test]
async fn tags_of_a_zone_are_kept() {
    let aws = aws().await;
    let zone = Zone::create(&aws).await;
    let change = || {
        zone.client
            .change_tags_for_resource()
            .resource_type(TagResourceType::Hostedzone)
            .resource_id(&zone.id)
    };
    change()
        .add_tags(Tag::builder().key("tenant").value("acme").build())
        .send()
        .await
        .expect("tagged");
    let tags = async || {
        let shown = zone
            .client
            .list_tags_for_resource()
            .resource_type(TagResourceType::Hostedzone)
            .resource_id(&zone.id)
            .send()
            .await;
        shown
            .expect("tags")
            .resource_tag_set
            .and_then(|set| set.tags)
            .unwrap_or_default()
    };
    assert_eq!(tags().await[0].value(), Some("acme"));
    change().remove_tag_keys("tenant").send().await.expect("untagged");
    assert!(tags().await.is_empty());
    let missing = zone
        .client
        .list_tags_for_resource()
        .resource_type(TagResourceType::Hostedzone)
        .resource_id("Z00000000000000000000")
        .send()
        .await;
    assert_eq!(code(missing), "NoSuchHostedZone");
    zone.delete(&[]).await;
}
