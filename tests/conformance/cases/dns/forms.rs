//! Fields of a change that are out of range or go ill together.

use aws_sdk_route53::types::builders::ResourceRecordSetBuilder;
use aws_sdk_route53::types::{
    ChangeAction, ResourceRecordSet, ResourceRecordSetFailover, ResourceRecordSetRegion, RrType,
};
use conformance::{aws, code};

use super::support::{alias, built, client, put, routed, set, zone};

/// Whether every one of these is refused as a form.
async fn refused(sets: impl FnOnce(&str, &str) -> Vec<ResourceRecordSetBuilder>) {
    let aws = aws().await;
    let dns = client(&aws);
    let zone = zone(&aws).await;
    for set in sets(&zone.sub("www"), &zone.id) {
        let set: ResourceRecordSet = built(set);
        let outcome = put(&dns, &zone, ChangeAction::Create, set.clone()).await;
        assert_eq!(code(outcome), "InvalidInput", "{set:?}");
    }
    zone.remove(&dns).await;
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ResourceRecordSet.html>
#[tokio::test]
async fn a_set_has_values_with_a_time_to_live_or_an_alias() {
    refused(|name, zone_id| {
        let bare = || ResourceRecordSet::builder().name(name).r#type(RrType::A);
        vec![
            bare(),
            bare().ttl(300),
            set(name, RrType::A, &["192.0.2.1"]).set_ttl(None),
            alias(name, zone_id, name).ttl(300),
        ]
    })
    .await;
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ResourceRecordSet.html>
#[tokio::test]
async fn a_time_to_live_fits_into_31_bits() {
    refused(|name, _| {
        let lived = |ttl| set(name, RrType::A, &["192.0.2.1"]).ttl(ttl);
        vec![lived(-1), lived(2_147_483_648)]
    })
    .await;
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ResourceRecordSet.html>
#[tokio::test]
async fn a_routing_policy_needs_an_identifier_and_an_identifier_a_policy() {
    refused(|name, _| {
        let plain = || set(name, RrType::A, &["192.0.2.1"]);
        vec![
            plain().weight(1),
            plain().region(ResourceRecordSetRegion::EuCentral1),
            plain().failover(ResourceRecordSetFailover::Secondary),
            plain().multi_value_answer(true),
            routed(name, "192.0.2.1", "one"),
            routed(name, "192.0.2.1", &"x".repeat(129)).weight(1),
        ]
    })
    .await;
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ResourceRecordSet.html>
#[tokio::test]
async fn a_set_has_one_routing_policy() {
    refused(|name, _| {
        let weighted = || routed(name, "192.0.2.1", "one").weight(1);
        vec![
            weighted().region(ResourceRecordSetRegion::EuCentral1),
            weighted().failover(ResourceRecordSetFailover::Secondary),
            weighted().multi_value_answer(true),
        ]
    })
    .await;
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ResourceRecordSet.html>
#[tokio::test]
async fn a_weight_a_role_and_a_region_are_of_their_kind() {
    refused(|name, _| {
        let set = || routed(name, "192.0.2.1", "one");
        vec![
            set().weight(256),
            set().weight(-1),
            set().failover(ResourceRecordSetFailover::from("TERTIARY")),
            set().region(ResourceRecordSetRegion::from("atlantis-1")),
        ]
    })
    .await;
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ResourceRecordSet.html>
#[tokio::test]
async fn an_unknown_type_and_an_unknown_action_are_refused() {
    let aws = aws().await;
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let odd = built(set(&zone.sub("www"), RrType::from("WKS"), &["192.0.2.1"]));
    assert_eq!(
        code(put(&dns, &zone, ChangeAction::Create, odd).await),
        "InvalidInput"
    );
    let plain = built(set(&zone.sub("www"), RrType::A, &["192.0.2.1"]));
    let action = ChangeAction::from("REPLACE");
    assert_eq!(code(put(&dns, &zone, action, plain).await), "InvalidInput");
    zone.remove(&dns).await;
}
