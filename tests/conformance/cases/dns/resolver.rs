//! What names lead to, without routing.

use aws_sdk_route53::types::RrType;
use conformance::local_aws::DnsQuestion;
use conformance::{Aws, controlled};

use super::support::{a, alias, asked, built, client, created, set, zone};

fn asked_for(aws: &Aws, name: &str, kind: &str) -> (&'static str, Vec<String>) {
    let answer = aws.control().resolve(&DnsQuestion {
        name: name.to_owned(),
        kind: kind.to_owned(),
        region: aws.region().to_owned(),
        client: String::new(),
    });
    (answer.status, answer.values)
}

/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy-simple.html>
#[tokio::test]
async fn a_simple_record_answers_all_its_values_with_its_time_to_live() {
    let Some(aws) = controlled().await else { return };
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let name = zone.sub("www");
    created(
        &dns,
        &zone,
        built(set(&name, RrType::A, &["192.0.2.1", "192.0.2.2"]).ttl(42)),
    )
    .await;
    let answer = asked(&aws, &name);
    assert_eq!((answer.status, answer.ttl), ("NOERROR", 42));
    assert_eq!(answer.values, ["192.0.2.1", "192.0.2.2"]);
    assert_eq!(
        asked(&aws, &name.to_uppercase()).values.len(),
        2,
        "names have no case"
    );
}

/// RFC 2308 tells the two apart; the SOA record says how long each may be kept.
/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/SOA-NSrecords.html>
#[tokio::test]
async fn a_missing_name_is_another_answer_than_a_name_without_such_records() {
    let Some(aws) = controlled().await else { return };
    let dns = client(&aws);
    let zone = zone(&aws).await;
    created(&dns, &zone, a(&zone.sub("deep.www"), "192.0.2.1")).await;
    assert_eq!(asked_for(&aws, &zone.sub("nobody"), "A"), ("NXDOMAIN", vec![]));
    assert_eq!(
        asked_for(&aws, &zone.sub("deep.www"), "AAAA"),
        ("NOERROR", vec![])
    );
    assert_eq!(
        asked_for(&aws, &zone.sub("www"), "A"),
        ("NOERROR", vec![]),
        "there are names below it"
    );
    assert_eq!(
        asked_for(&aws, "nobody.elsewhere.test", "A"),
        ("NXDOMAIN", vec![])
    );
    assert_eq!(asked(&aws, &zone.sub("nobody")).ttl, 900);
    assert_eq!(asked_for(&aws, &zone.name, "NS").1.len(), 4);
}

/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/ResourceRecordTypes.html>
#[tokio::test]
async fn a_canonical_name_leads_on_and_the_shortest_time_to_live_counts() {
    let Some(aws) = controlled().await else { return };
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let (www, origin) = (zone.sub("www"), zone.sub("origin"));
    created(&dns, &zone, built(set(&www, RrType::Cname, &[&origin]).ttl(30))).await;
    created(
        &dns,
        &zone,
        built(set(&origin, RrType::A, &["192.0.2.1"]).ttl(600)),
    )
    .await;
    let answer = asked(&aws, &www);
    assert_eq!((answer.values, answer.ttl), (vec!["192.0.2.1".to_owned()], 30));
    assert_eq!(answer.canonical_names, std::slice::from_ref(&origin));
    assert_eq!(asked_for(&aws, &www, "CNAME"), ("NOERROR", vec![origin]));
}

/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/ResourceRecordTypes.html>
#[tokio::test]
async fn canonical_names_in_a_circle_end() {
    let Some(aws) = controlled().await else { return };
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let (one, two) = (zone.sub("one"), zone.sub("two"));
    created(&dns, &zone, built(set(&one, RrType::Cname, &[&two]))).await;
    created(&dns, &zone, built(set(&two, RrType::Cname, &[&one]))).await;
    assert!(asked(&aws, &one).values.is_empty());
}

/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html>
#[tokio::test]
async fn a_wildcard_answers_for_names_that_are_not_there() {
    let Some(aws) = controlled().await else { return };
    let dns = client(&aws);
    let zone = zone(&aws).await;
    created(&dns, &zone, a(&zone.sub("*"), "192.0.2.1")).await;
    created(&dns, &zone, a(&zone.sub("own"), "192.0.2.2")).await;
    assert_eq!(asked(&aws, &zone.sub("any")).values, ["192.0.2.1"]);
    assert_eq!(asked(&aws, &zone.sub("any.deeper")).values, ["192.0.2.1"]);
    assert_eq!(asked(&aws, &zone.sub("own")).values, ["192.0.2.2"]);
    assert_eq!(
        asked(&aws, &zone.sub("below.own")).status,
        "NXDOMAIN",
        "a nearer name covers it"
    );
}

/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resource-record-sets-choosing-alias-non-alias.html>
#[tokio::test]
async fn an_alias_at_the_apex_answers_what_its_target_does() {
    let Some(aws) = controlled().await else { return };
    let dns = client(&aws);
    let zone = zone(&aws).await;
    created(&dns, &zone, a(&zone.sub("www"), "192.0.2.1")).await;
    created(&dns, &zone, built(alias(&zone.name, &zone.id, &zone.sub("www")))).await;
    let answer = asked(&aws, &zone.name);
    assert_eq!((answer.values, answer.ttl), (vec!["192.0.2.1".to_owned()], 300));
    assert!(answer.canonical_names.is_empty(), "clients do not see an alias");
}

/// The same over HTTP, for processes beside the endpoint; what is compared is what AWS's DNS would say.
/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy-simple.html>
#[tokio::test]
async fn the_resolver_answers_over_http() {
    let Some(aws) = controlled().await else { return };
    let dns = client(&aws);
    let zone = zone(&aws).await;
    created(&dns, &zone, a(&zone.sub("www"), "192.0.2.1")).await;
    let endpoint = aws.endpoint().expect("an endpoint");
    let url = format!(
        "{endpoint}/_local/resolve?name={}&type=A&region=eu-west-1",
        zone.sub("www")
    );
    let text = reqwest::get(url)
        .await
        .expect("an answer")
        .text()
        .await
        .expect("a body");
    let answer: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(answer["values"], serde_json::json!(["192.0.2.1"]));
    assert_eq!(answer["status"], "NOERROR");
}

/// A name below two zones is the longer one's, even where that does not know it.
/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-routing-traffic-for-subdomains.html>
#[tokio::test]
async fn the_longest_zone_above_a_name_answers_for_it() {
    let Some(aws) = controlled().await else { return };
    let dns = client(&aws);
    let zone = zone(&aws).await;
    created(&dns, &zone, a(&zone.sub("www.sub"), "192.0.2.1")).await;
    assert_eq!(asked(&aws, &zone.sub("www.sub")).values, ["192.0.2.1"]);
    let create = dns
        .create_hosted_zone()
        .name(zone.sub("sub"))
        .caller_reference("sub");
    create.send().await.expect("a zone");
    assert_eq!(asked(&aws, &zone.sub("www.sub")).status, "NXDOMAIN");
}
