//! What sets of one name may be beside each other.

use aws_sdk_route53::types::builders::ResourceRecordSetBuilder;
use aws_sdk_route53::types::{ChangeAction, ResourceRecordSetFailover, ResourceRecordSetRegion};
use conformance::{aws, code};

use super::support::{a, built, client, created, put, routed, zone};

/// Makes the first set, and is told that the second is refused beside it.
async fn refused_beside(sets: impl FnOnce(&str) -> [ResourceRecordSetBuilder; 2]) {
    let aws = aws().await;
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let [first, second] = sets(&zone.sub("www")).map(built);
    created(&dns, &zone, first).await;
    let outcome = put(&dns, &zone, ChangeAction::Create, second).await;
    assert_eq!(code(outcome), "InvalidChangeBatch");
    zone.remove(&dns).await;
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ResourceRecordSet.html>
#[tokio::test]
async fn sets_of_one_name_have_one_routing_policy() {
    refused_beside(|name| {
        [
            routed(name, "192.0.2.1", "one").weight(1),
            routed(name, "192.0.2.2", "two").region(ResourceRecordSetRegion::EuWest1),
        ]
    })
    .await;
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ResourceRecordSet.html>
#[tokio::test]
async fn an_identifier_is_of_one_set() {
    refused_beside(|name| {
        let one = |value: &str| routed(name, value, "one").weight(1);
        [one("192.0.2.1"), one("192.0.2.2")]
    })
    .await;
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ResourceRecordSet.html>
#[tokio::test]
async fn a_region_has_one_latency_set_of_a_name() {
    refused_beside(|name| {
        let near = |value: &str, identifier: &str| {
            routed(name, value, identifier).region(ResourceRecordSetRegion::EuWest1)
        };
        [near("192.0.2.1", "one"), near("192.0.2.2", "two")]
    })
    .await;
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ResourceRecordSet.html>
#[tokio::test]
async fn a_name_has_one_secondary() {
    refused_beside(|name| {
        let second = |value: &str, identifier: &str| {
            routed(name, value, identifier).failover(ResourceRecordSetFailover::Secondary)
        };
        [second("192.0.2.1", "one"), second("192.0.2.2", "two")]
    })
    .await;
}

/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-configuring-options.html>
#[tokio::test]
async fn a_simple_set_and_a_weighted_one_exclude_each_other() {
    let aws = aws().await;
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let name = zone.sub("www");
    created(&dns, &zone, a(&name, "192.0.2.1")).await;
    let weighted = built(routed(&name, "192.0.2.2", "two").weight(1));
    assert_eq!(
        code(put(&dns, &zone, ChangeAction::Create, weighted).await),
        "InvalidChangeBatch"
    );
    zone.remove(&dns).await;
}

/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-types.html>
#[tokio::test]
async fn a_primary_needs_a_health_check() {
    let aws = aws().await;
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let primary = routed(&zone.sub("www"), "192.0.2.1", "one").failover(ResourceRecordSetFailover::Primary);
    let outcome = put(&dns, &zone, ChangeAction::Create, built(primary)).await;
    assert_eq!(code(outcome), "InvalidChangeBatch");
    zone.remove(&dns).await;
}
