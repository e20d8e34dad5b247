//! Routing policies: which of a name's sets answers.

use std::collections::BTreeMap;

use aws_sdk_route53::types::{ResourceRecordSetFailover, ResourceRecordSetRegion};
use conformance::local_aws::{DnsAnswer, DnsQuestion};
use conformance::{Aws, controlled};

use super::support::{alias, asked, asked_from, built, check, client, created, routed, tcp, zone};

/// An address that nothing answers at.
const DEAD: &str = "203.0.113.9";

fn asked_by(aws: &Aws, name: &str, client: &str) -> DnsAnswer {
    aws.control().resolve(&DnsQuestion {
        name: name.to_owned(),
        kind: "A".to_owned(),
        region: aws.region().to_owned(),
        client: client.to_owned(),
    })
}

/// The share of a thousand clients that each set answers.
fn shares(aws: &Aws, name: &str) -> BTreeMap<String, usize> {
    let mut shares = BTreeMap::new();
    for number in 0..1_000 {
        let answer = asked_by(aws, name, &format!("client-{number}"));
        *shares.entry(answer.chosen[0].clone()).or_insert(0) += 1;
    }
    shares
}

/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy-weighted.html>
#[tokio::test]
async fn weights_are_shares_of_the_clients() {
    let Some(aws) = controlled().await else { return };
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let name = zone.sub("www");
    for (identifier, weight) in [("most", 90), ("few", 10), ("none", 0)] {
        created(
            &dns,
            &zone,
            built(routed(&name, "192.0.2.1", identifier).weight(weight)),
        )
        .await;
    }
    let shares = shares(&aws, &name);
    assert!((850..=950).contains(&shares["most"]), "{shares:?}");
    assert!((50..=150).contains(&shares["few"]), "{shares:?}");
    assert!(!shares.contains_key("none"), "{shares:?}");
    let once = asked_by(&aws, &name, "client-7");
    assert_eq!(
        asked_by(&aws, &name, "client-7"),
        once,
        "a client is answered alike"
    );
}

/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy-weighted.html>
#[tokio::test]
async fn weights_of_zero_are_equal_shares() {
    let Some(aws) = controlled().await else { return };
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let name = zone.sub("www");
    for identifier in ["one", "two"] {
        created(
            &dns,
            &zone,
            built(routed(&name, "192.0.2.1", identifier).weight(0)),
        )
        .await;
    }
    let shares = shares(&aws, &name);
    assert!((400..=600).contains(&shares["one"]), "{shares:?}");
}

/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/health-checks-how-route-53-chooses-records.html>
#[tokio::test]
async fn an_unhealthy_weight_does_not_count_and_zero_is_the_last_resort() {
    let Some(aws) = controlled().await else { return };
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let name = zone.sub("www");
    let dead = check(&dns, "dead", tcp(DEAD, 80)).await;
    let sick = routed(&name, DEAD, "sick").weight(90).health_check_id(&dead);
    created(&dns, &zone, built(sick)).await;
    created(&dns, &zone, built(routed(&name, "192.0.2.2", "rest").weight(0))).await;
    assert_eq!(shares(&aws, &name), BTreeMap::from([("rest".to_owned(), 1_000)]));
}

/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy-latency.html>
#[tokio::test]
async fn latency_records_answer_from_the_nearest_healthy_region() {
    let Some(aws) = controlled().await else { return };
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let name = zone.sub("www");
    let dead = check(&dns, "dead", tcp(DEAD, 80)).await;
    let near = routed(&name, "192.0.2.1", "ireland").region(ResourceRecordSetRegion::EuWest1);
    created(&dns, &zone, built(near)).await;
    let far = routed(&name, "192.0.2.2", "virginia").region(ResourceRecordSetRegion::UsEast1);
    created(&dns, &zone, built(far)).await;
    let from = |region: &str| asked_from(&aws, &name, region).chosen;
    assert_eq!(from("eu-central-1"), ["ireland"]);
    assert_eq!(from("us-west-2"), ["virginia"]);
    assert_eq!(from("eu-west-1"), ["ireland"]);
    let sick = routed(&name, "192.0.2.3", "frankfurt")
        .region(ResourceRecordSetRegion::EuCentral1)
        .health_check_id(&dead);
    created(&dns, &zone, built(sick)).await;
    assert_eq!(from("eu-central-1"), ["ireland"], "the nearest does not answer");
}

/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-types.html>
#[tokio::test]
async fn a_secondary_answers_for_an_unhealthy_primary_and_the_primary_when_both_are() {
    let Some(aws) = controlled().await else { return };
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let name = zone.sub("www");
    let dead = check(&dns, "dead", tcp(DEAD, 80)).await;
    let primary = routed(&name, "192.0.2.1", "first")
        .failover(ResourceRecordSetFailover::Primary)
        .health_check_id(&dead);
    created(&dns, &zone, built(primary)).await;
    let secondary = || routed(&name, "192.0.2.2", "second").failover(ResourceRecordSetFailover::Secondary);
    created(&dns, &zone, built(secondary())).await;
    assert_eq!(asked(&aws, &name).chosen, ["second"]);
    let other = check(&dns, "other", tcp(DEAD, 81)).await;
    let sick = built(secondary().health_check_id(other));
    let upsert = super::support::put(&dns, &zone, aws_sdk_route53::types::ChangeAction::Upsert, sick);
    upsert.await.expect("taken");
    assert_eq!(asked(&aws, &name).chosen, ["first"]);
}

/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy-multivalue.html>
#[tokio::test]
async fn a_multivalue_name_answers_eight_healthy_values_at_most() {
    let Some(aws) = controlled().await else { return };
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let name = zone.sub("www");
    let dead = check(&dns, "dead", tcp(DEAD, 80)).await;
    for number in 0..10 {
        let one = routed(&name, &format!("192.0.2.{number}"), &format!("set-{number}"));
        let checked = (number == 0).then(|| dead.clone());
        created(
            &dns,
            &zone,
            built(one.multi_value_answer(true).set_health_check_id(checked)),
        )
        .await;
    }
    let values = asked(&aws, &name).values;
    assert_eq!(values.len(), 8);
    assert!(!values.contains(&"192.0.2.0".to_owned()), "{values:?}");
}

/// A tree of policies: the nearest region, and there the primary.
/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-complex-configs.html>
#[tokio::test]
async fn an_alias_is_as_healthy_as_the_sets_behind_it() {
    let Some(aws) = controlled().await else { return };
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let dead = check(&dns, "dead", tcp(DEAD, 80)).await;
    for (label, checks) in [("near", Some(dead)), ("far", None)] {
        let set = routed(&zone.sub(label), "192.0.2.1", &format!("{label}-one")).weight(1);
        created(&dns, &zone, built(set.set_health_check_id(checks))).await;
        let middle = alias(&zone.sub(&format!("mid-{label}")), &zone.id, &zone.sub(label));
        created(&dns, &zone, built(middle)).await;
    }
    let regions = [
        ("near", ResourceRecordSetRegion::EuCentral1),
        ("far", ResourceRecordSetRegion::UsWest2),
    ];
    for (label, region) in regions {
        let top = alias(&zone.sub("www"), &zone.id, &zone.sub(&format!("mid-{label}")));
        created(&dns, &zone, built(top.set_identifier(label).region(region))).await;
    }
    assert_eq!(
        asked_from(&aws, &zone.sub("www"), "eu-central-1").chosen,
        ["far", "far-one"]
    );
}
