//! Batches of changes.

use aws_sdk_route53::types::{
    AliasTarget, ChangeAction, ResourceRecordSet, ResourceRecordSetFailover, RrType,
};
use conformance::{aws, code};

use crate::support::{Zone, a, set};

async fn refused(zone: &Zone, set: ResourceRecordSet, why: &str) {
    assert_eq!(code(zone.create_set(set).await), "InvalidChangeBatch", "{why}");
}

/// A batch is applied whole or not at all.
/// https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html
#[tokio::test]
async fn a_batch_is_applied_whole_or_not_at_all() {
    let aws = aws().await;
    let zone = Zone::create(&aws).await;
    let batch = [
        (ChangeAction::Create, a(&zone.at("one"), "192.0.2.1")),
        (ChangeAction::Create, a(&zone.at("two"), "not an address")),
    ];
    assert_eq!(code(zone.apply(&batch).await), "InvalidChangeBatch");
    let sets = zone
        .client
        .list_resource_record_sets()
        .hosted_zone_id(&zone.id)
        .send()
        .await
        .expect("sets");
    assert_eq!(sets.resource_record_sets().len(), 2, "only NS and SOA");
    zone.delete(&[]).await;
}

/// CREATE makes what is not there; UPSERT makes or replaces.
/// https://docs.aws.amazon.com/Route53/latest/APIReference/API_Change.html
#[tokio::test]
async fn create_makes_and_upsert_replaces() {
    let aws = aws().await;
    let zone = Zone::create(&aws).await;
    let name = zone.at("www");
    zone.create_set(a(&name, "192.0.2.1")).await.expect("a set");
    refused(&zone, a(&name, "192.0.2.2"), "it is there").await;
    let other = a(&name, "192.0.2.2");
    zone.apply(&[(ChangeAction::Upsert, other.clone())])
        .await
        .expect("replaced");
    let sets = zone
        .client
        .list_resource_record_sets()
        .hosted_zone_id(&zone.id)
        .start_record_name(&name)
        .send()
        .await;
    let sets = sets.expect("sets");
    assert_eq!(
        sets.resource_record_sets()[0].resource_records()[0].value(),
        "192.0.2.2"
    );
    zone.delete(&[other]).await;
}

/// A set is deleted by its exact values.
/// https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html
#[tokio::test]
async fn a_set_is_deleted_by_its_exact_values() {
    let aws = aws().await;
    let zone = Zone::create(&aws).await;
    let www = a(&zone.at("www"), "192.0.2.1");
    zone.create_set(www.clone()).await.expect("a set");
    let delete = async |set: ResourceRecordSet| zone.apply(&[(ChangeAction::Delete, set)]).await;
    assert_eq!(
        code(delete(a(&zone.at("www"), "192.0.2.9")).await),
        "InvalidChangeBatch"
    );
    assert_eq!(
        code(delete(a(&zone.at("gone"), "192.0.2.1")).await),
        "InvalidChangeBatch"
    );
    zone.delete(&[www]).await;
}

/// The NS and SOA sets of the apex stay.
/// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/SOA-NSrecords.html
#[tokio::test]
async fn the_zones_own_sets_stay() {
    let aws = aws().await;
    let zone = Zone::create(&aws).await;
    let sets = zone
        .client
        .list_resource_record_sets()
        .hosted_zone_id(&zone.id)
        .send()
        .await
        .expect("sets");
    for own in sets.resource_record_sets() {
        let gone = zone.apply(&[(ChangeAction::Delete, own.clone())]).await;
        assert_eq!(code(gone), "InvalidChangeBatch");
    }
    zone.delete(&[]).await;
}

/// A CNAME stands alone, and not at the apex.
/// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/ResourceRecordTypes.html
#[tokio::test]
async fn a_cname_stands_alone_and_not_at_the_apex() {
    let aws = aws().await;
    let zone = Zone::create(&aws).await;
    let cname = |name: &str| {
        set(name, RrType::Cname, &["other.example.com"])
            .build()
            .expect("a set")
    };
    refused(&zone, cname(&zone.name), "apex").await;
    let www = a(&zone.at("www"), "192.0.2.1");
    zone.create_set(www.clone()).await.expect("a set");
    refused(&zone, cname(&zone.at("www")), "beside an A").await;
    let two = set(
        &zone.at("two"),
        RrType::Cname,
        &["one.example.com", "two.example.com"],
    )
    .build()
    .expect("a set");
    refused(&zone, two, "two values").await;
    zone.delete(&[www]).await;
}

/// A name outside the zone is not permitted in it.
/// https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html
#[tokio::test]
async fn a_name_outside_the_zone_is_refused() {
    let aws = aws().await;
    let zone = Zone::create(&aws).await;
    refused(&zone, a("www.example.org", "192.0.2.1"), "another domain").await;
    refused(
        &zone,
        a(&format!("x{}", zone.name), "192.0.2.1"),
        "a longer label",
    )
    .await;
    zone.delete(&[]).await;
}

/// Values are of their type: addresses of A and AAAA, quoted text of TXT.
/// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/ResourceRecordTypes.html
#[tokio::test]
async fn values_are_of_their_type() {
    let aws = aws().await;
    let zone = Zone::create(&aws).await;
    let cases = [
        (RrType::A, "192.0.2.256"),
        (RrType::A, "2001:db8::1"),
        (RrType::Aaaa, "192.0.2.1"),
        (RrType::Txt, "without quotes"),
    ];
    for (kind, value) in cases {
        let set = set(&zone.at("x"), kind.clone(), &[value]).build().expect("a set");
        refused(&zone, set, &format!("{kind:?} {value}")).await;
    }
    let twice = set(&zone.at("x"), RrType::A, &["192.0.2.1", "192.0.2.1"])
        .build()
        .expect("a set");
    refused(&zone, twice, "one value twice").await;
    zone.delete(&[]).await;
}

/// A routing policy needs an identifier, and an identifier a policy.
/// https://docs.aws.amazon.com/Route53/latest/APIReference/API_ResourceRecordSet.html
#[tokio::test]
async fn a_policy_and_an_identifier_belong_together() {
    let aws = aws().await;
    let zone = Zone::create(&aws).await;
    let base = || set(&zone.at("www"), RrType::A, &["192.0.2.1"]);
    refused(&zone, base().weight(1).build().expect("a set"), "no identifier").await;
    refused(
        &zone,
        base().set_identifier("one").build().expect("a set"),
        "no policy",
    )
    .await;
    let both = base()
        .set_identifier("one")
        .weight(1)
        .failover(ResourceRecordSetFailover::Primary);
    refused(&zone, both.build().expect("a set"), "two policies").await;
    zone.delete(&[]).await;
}

/// Sets of one name and type have the same routing policy.
/// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy.html
#[tokio::test]
async fn one_name_has_one_policy() {
    let aws = aws().await;
    let zone = Zone::create(&aws).await;
    let weighted = set(&zone.at("www"), RrType::A, &["192.0.2.1"])
        .set_identifier("one")
        .weight(1)
        .build()
        .expect("a set");
    zone.create_set(weighted.clone()).await.expect("a set");
    refused(&zone, a(&zone.at("www"), "192.0.2.2"), "simple beside weighted").await;
    zone.delete(&[weighted]).await;
}

/// A primary failover set needs a health check, and one that is there.
/// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-configuring-options.html
#[tokio::test]
async fn a_primary_needs_a_health_check() {
    let aws = aws().await;
    let zone = Zone::create(&aws).await;
    let primary = || {
        set(&zone.at("www"), RrType::A, &["192.0.2.1"])
            .set_identifier("one")
            .failover(ResourceRecordSetFailover::Primary)
    };
    refused(&zone, primary().build().expect("a set"), "no check").await;
    let unknown = primary().health_check_id("11111111-2222-3333-4444-555555555555");
    refused(&zone, unknown.build().expect("a set"), "an unknown check").await;
    zone.delete(&[]).await;
}

/// An alias has no TTL of its own, and names something that is there.
/// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resource-record-sets-values-alias.html
#[tokio::test]
async fn an_alias_names_what_is_there() {
    let aws = aws().await;
    let zone = Zone::create(&aws).await;
    let target = AliasTarget::builder()
        .hosted_zone_id(&zone.id)
        .dns_name(zone.at("gone"))
        .evaluate_target_health(false)
        .build()
        .expect("a target");
    let alias = || {
        ResourceRecordSet::builder()
            .name(zone.at("www"))
            .r#type(RrType::A)
            .alias_target(target.clone())
    };
    refused(&zone, alias().build().expect("a set"), "no such target").await;
    refused(&zone, alias().ttl(60).build().expect("a set"), "a TTL").await;
    zone.delete(&[]).await;
}

/// Sets are listed in the order of their names from the right, in pages.
/// https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListResourceRecordSets.html
#[tokio::test]
async fn sets_are_listed_in_order_and_pages() {
    let aws = aws().await;
    let zone = Zone::create(&aws).await;
    let sets = ["b", "a", "x.a"].map(|label| a(&zone.at(label), "192.0.2.1"));
    for set in &sets {
        zone.create_set(set.clone()).await.expect("a set");
    }
    let list = || zone.client.list_resource_record_sets().hosted_zone_id(&zone.id);
    let first = list()
        .start_record_name(zone.at("a"))
        .max_items(2)
        .send()
        .await
        .expect("a page");
    let names: Vec<_> = first
        .resource_record_sets()
        .iter()
        .map(|set| set.name().to_owned())
        .collect();
    assert_eq!(names, [zone.at("a"), zone.at("x.a")]);
    assert!(first.is_truncated());
    assert_eq!(first.next_record_name(), Some(zone.at("b").as_str()));
    zone.delete(&sets).await;
}
