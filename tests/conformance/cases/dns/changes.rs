//! What one change may do to a zone.

use aws_sdk_route53::types::{ChangeAction, RrType};
use conformance::{aws, code};

use super::support::{a, alias, built, client, created, put, set, zone};

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html>
#[tokio::test]
async fn a_set_is_created_once_and_upserted_ever_again() {
    let aws = aws().await;
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let name = zone.sub("www");
    created(&dns, &zone, a(&name, "192.0.2.1")).await;
    let again = put(&dns, &zone, ChangeAction::Create, a(&name, "192.0.2.2")).await;
    assert_eq!(code(again), "InvalidChangeBatch");
    let upsert = put(&dns, &zone, ChangeAction::Upsert, a(&name, "192.0.2.2")).await;
    upsert.expect("taken");
    let listed = dns.list_resource_record_sets().hosted_zone_id(&zone.id);
    let listed = listed.start_record_name(&name).send().await.expect("records");
    assert_eq!(
        listed.resource_record_sets()[0].resource_records()[0].value(),
        "192.0.2.2"
    );
    zone.remove(&dns).await;
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html>
#[tokio::test]
async fn a_set_is_deleted_by_all_that_it_is() {
    let aws = aws().await;
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let name = zone.sub("www");
    let missing = put(&dns, &zone, ChangeAction::Delete, a(&name, "192.0.2.1")).await;
    assert_eq!(code(missing), "InvalidChangeBatch");
    created(&dns, &zone, a(&name, "192.0.2.1")).await;
    let value = put(&dns, &zone, ChangeAction::Delete, a(&name, "192.0.2.9")).await;
    assert_eq!(code(value), "InvalidChangeBatch");
    let other_ttl = built(set(&name, RrType::A, &["192.0.2.1"]).ttl(60));
    let ttl = put(&dns, &zone, ChangeAction::Delete, other_ttl).await;
    assert_eq!(code(ttl), "InvalidChangeBatch");
    put(&dns, &zone, ChangeAction::Delete, a(&name, "192.0.2.1"))
        .await
        .expect("it goes");
    zone.remove(&dns).await;
}

/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/SOA-NSrecords.html>
#[tokio::test]
async fn a_zone_keeps_the_records_it_was_born_with() {
    let aws = aws().await;
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let listed = dns
        .list_resource_record_sets()
        .hosted_zone_id(&zone.id)
        .send()
        .await;
    for own in listed.expect("records").resource_record_sets {
        let delete = put(&dns, &zone, ChangeAction::Delete, own).await;
        assert_eq!(code(delete), "InvalidChangeBatch");
    }
    zone.remove(&dns).await;
}

/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/ResourceRecordTypes.html>
#[tokio::test]
async fn a_canonical_name_stands_alone_and_never_at_the_apex() {
    let aws = aws().await;
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let canonical = |name: &str| built(set(name, RrType::Cname, &["elsewhere.example.net"]));
    let apex = put(&dns, &zone, ChangeAction::Create, canonical(&zone.name)).await;
    assert_eq!(code(apex), "InvalidChangeBatch");
    let taken = zone.sub("taken");
    created(&dns, &zone, a(&taken, "192.0.2.1")).await;
    let beside = put(&dns, &zone, ChangeAction::Create, canonical(&taken)).await;
    assert_eq!(code(beside), "InvalidChangeBatch");
    let named = zone.sub("named");
    created(&dns, &zone, canonical(&named)).await;
    let beside = put(&dns, &zone, ChangeAction::Create, a(&named, "192.0.2.1")).await;
    assert_eq!(code(beside), "InvalidChangeBatch");
    zone.remove(&dns).await;
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html>
#[tokio::test]
async fn a_record_lies_in_its_zone() {
    let aws = aws().await;
    let dns = client(&aws);
    let zone = zone(&aws).await;
    for name in ["www.elsewhere.example.net", &format!("not{}", zone.name)] {
        let outside = put(&dns, &zone, ChangeAction::Create, a(name, "192.0.2.1")).await;
        assert_eq!(code(outside), "InvalidChangeBatch", "{name}");
    }
    zone.remove(&dns).await;
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_AliasTarget.html>
#[tokio::test]
async fn an_alias_leads_to_something_that_is_there() {
    let aws = aws().await;
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let (name, target) = (zone.sub("www"), zone.sub("target"));
    let inner = || built(alias(&name, &zone.id, &target));
    let nowhere = put(&dns, &zone, ChangeAction::Create, inner()).await;
    assert_eq!(code(nowhere), "InvalidChangeBatch");
    let itself = built(alias(&name, &zone.id, &name));
    assert_eq!(
        code(put(&dns, &zone, ChangeAction::Create, itself).await),
        "InvalidChangeBatch"
    );
    let foreign = built(alias(
        &name,
        "Z0123456789ABCDEFGHIJ",
        "gone.eu-central-1.elb.amazonaws.com",
    ));
    assert_eq!(
        code(put(&dns, &zone, ChangeAction::Create, foreign).await),
        "InvalidChangeBatch"
    );
    created(&dns, &zone, a(&target, "192.0.2.1")).await;
    created(&dns, &zone, inner()).await;
    zone.remove(&dns).await;
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html>
#[tokio::test]
async fn an_unknown_health_check_is_not_found() {
    let aws = aws().await;
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let checked = super::support::routed(&zone.sub("www"), "192.0.2.1", "one")
        .weight(1)
        .health_check_id("5f4dcc3b-0000-4000-8000-000000000000");
    let put = put(&dns, &zone, ChangeAction::Create, built(checked)).await;
    assert_eq!(code(put), "NoSuchHealthCheck");
    zone.remove(&dns).await;
}
