//! Lists: their order and their pages.

use aws_sdk_route53::types::{HostedZone, RrType};
use conformance::{aws, code, controlled};

use super::support::{a, built, client, created, names, routed, set, zone};

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListResourceRecordSets.html>
#[tokio::test]
async fn records_are_sorted_by_their_labels_from_the_right() {
    let aws = aws().await;
    let dns = client(&aws);
    let zone = zone(&aws).await;
    for label in ["b", "a.b", "a-b", "a", "z.a"] {
        created(&dns, &zone, a(&zone.sub(label), "192.0.2.1")).await;
    }
    let found: Vec<String> = names(&dns, &zone)
        .await
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    let wanted = ["a-b", "a", "z.a", "b", "a.b"].map(|label| zone.sub(label));
    assert_eq!(found[2..], wanted);
    zone.remove(&dns).await;
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListResourceRecordSets.html>
#[tokio::test]
async fn records_come_in_pages_that_name_the_next_one() {
    let aws = aws().await;
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let name = zone.sub("www");
    for identifier in ["one", "two"] {
        created(
            &dns,
            &zone,
            built(routed(&name, "192.0.2.1", identifier).weight(1)),
        )
        .await;
    }
    created(&dns, &zone, built(set(&name, RrType::Txt, &["\"text\""]))).await;
    let list = || {
        dns.list_resource_record_sets()
            .hosted_zone_id(&zone.id)
            .max_items(3)
    };
    let first = list().send().await.expect("a page");
    assert_eq!(
        (first.resource_record_sets().len(), first.is_truncated()),
        (3, true)
    );
    assert_eq!(first.next_record_name(), Some(name.as_str()));
    assert_eq!(first.next_record_type(), Some(&RrType::A));
    assert_eq!(first.next_record_identifier(), Some("two"));
    let second = list()
        .start_record_name(&name)
        .start_record_type(RrType::A)
        .start_record_identifier("two")
        .send()
        .await
        .expect("a page");
    assert_eq!(
        (second.resource_record_sets().len(), second.is_truncated()),
        (2, false)
    );
    assert_eq!(second.resource_record_sets()[0].set_identifier(), Some("two"));
    assert_eq!(second.resource_record_sets()[1].r#type(), &RrType::Txt);
    zone.remove(&dns).await;
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListResourceRecordSets.html>
#[tokio::test]
async fn a_page_begins_at_a_name_before_a_type_and_at_a_type_before_an_identifier() {
    let aws = aws().await;
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let list = || dns.list_resource_record_sets().hosted_zone_id(&zone.id);
    let kind = list().start_record_type(RrType::A).send().await;
    assert_eq!(code(kind), "InvalidInput");
    let identifier = list()
        .start_record_name(&zone.name)
        .start_record_identifier("one");
    assert_eq!(code(identifier.send().await), "InvalidInput");
    assert_eq!(code(list().max_items(0).send().await), "InvalidInput");
    zone.remove(&dns).await;
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListHostedZones.html>
#[tokio::test]
async fn zones_come_in_pages() {
    let Some(aws) = controlled().await else { return };
    let dns = client(&aws);
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(zone(&aws).await.id);
    }
    let (mut found, mut marker) = (Vec::new(), None);
    loop {
        let page = dns
            .list_hosted_zones()
            .max_items(2)
            .set_marker(marker)
            .send()
            .await;
        let page = page.expect("a page");
        let ids = page.hosted_zones().iter().map(|zone| zone.id().to_owned());
        found.extend(ids.map(|id| id.trim_start_matches("/hostedzone/").to_owned()));
        marker = page.next_marker;
        if !page.is_truncated {
            break;
        }
    }
    found.sort();
    made.sort();
    assert_eq!(found, made);
    let others = aws_sdk_route53::Client::new(&aws.customer().config)
        .list_hosted_zones()
        .send()
        .await;
    assert!(others.expect("a page").hosted_zones().is_empty());
}

/// Two zones may have one name.
/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListHostedZonesByName.html>
#[tokio::test]
async fn zones_are_listed_by_name_and_by_id_within_it() {
    let Some(aws) = controlled().await else { return };
    let dns = client(&aws);
    let mut twins = Vec::new();
    for (at, name) in ["b.example.net", "a.example.net", "a.example.net", "example.com"]
        .iter()
        .enumerate()
    {
        let create = dns
            .create_hosted_zone()
            .name(*name)
            .caller_reference(format!("ref-{at}"));
        let zone = create.send().await.expect("a zone").hosted_zone.expect("a zone");
        if *name == "a.example.net" {
            twins.push(zone.id.trim_start_matches("/hostedzone/").to_owned());
        }
    }
    twins.sort();
    let list = || dns.list_hosted_zones_by_name();
    let all = list().send().await.expect("a page");
    let found: Vec<&str> = all.hosted_zones().iter().map(HostedZone::name).collect();
    assert_eq!(
        found,
        [
            "example.com.",
            "a.example.net.",
            "a.example.net.",
            "b.example.net."
        ]
    );
    let first = list()
        .dns_name("a.example.net")
        .max_items(1)
        .send()
        .await
        .expect("a page");
    assert!(first.hosted_zones()[0].id().ends_with(&twins[0]));
    assert_eq!(first.next_dns_name(), Some("a.example.net."));
    assert_eq!(first.next_hosted_zone_id(), Some(twins[1].as_str()));
    let second = list()
        .dns_name("a.example.net")
        .hosted_zone_id(&twins[1])
        .max_items(1);
    let second = second.send().await.expect("a page");
    assert!(second.hosted_zones()[0].id().ends_with(&twins[1]));
    assert_eq!(second.next_dns_name(), Some("b.example.net."));
    let loose = list().hosted_zone_id(&twins[1]).send().await;
    assert_eq!(code(loose), "InvalidInput");
}
