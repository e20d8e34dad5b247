//! Batches of changes: all or nothing, and no more than fits.

use aws_sdk_route53::types::{ChangeAction, RrType};
use conformance::{aws, code, controlled};

use super::support::{a, apply, built, change, client, created, names, put, set, zone};

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html>
#[tokio::test]
async fn a_batch_with_one_wrong_change_changes_nothing() {
    let aws = aws().await;
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let batch = vec![
        change(ChangeAction::Create, a(&zone.sub("one"), "192.0.2.1")),
        change(ChangeAction::Create, a(&zone.sub("two"), "not an address")),
    ];
    assert_eq!(code(apply(&dns, &zone.id, batch).await), "InvalidChangeBatch");
    assert_eq!(names(&dns, &zone).await.len(), 2);
    zone.remove(&dns).await;
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html>
#[tokio::test]
async fn a_batch_replaces_a_record_in_one_step() {
    let aws = aws().await;
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let name = zone.sub("www");
    let canonical = built(set(&name, RrType::Cname, &["elsewhere.example.net"]));
    created(&dns, &zone, canonical.clone()).await;
    let batch = vec![
        change(ChangeAction::Delete, canonical),
        change(ChangeAction::Create, a(&name, "192.0.2.1")),
    ];
    apply(&dns, &zone.id, batch).await.expect("taken");
    assert!(names(&dns, &zone).await.contains(&(name, "A".to_owned())));
    zone.remove(&dns).await;
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html>
#[tokio::test]
async fn a_set_is_written_once_in_a_batch() {
    let aws = aws().await;
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let name = zone.sub("www");
    let batch = vec![
        change(ChangeAction::Upsert, a(&name, "192.0.2.1")),
        change(ChangeAction::Upsert, a(&name, "192.0.2.2")),
    ];
    assert_eq!(code(apply(&dns, &zone.id, batch).await), "InvalidChangeBatch");
    zone.remove(&dns).await;
}

/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html>
#[tokio::test]
async fn a_batch_has_a_thousand_values_at_most_and_upserts_count_twice() {
    let aws = aws().await;
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let batch = |action: &ChangeAction, count: usize| -> Vec<_> {
        let name = |at: usize| zone.sub(&format!("host-{at}"));
        let sets = (0..count).map(|at| a(&name(at), "192.0.2.1"));
        sets.map(|set| change(action.clone(), set)).collect()
    };
    let many = apply(&dns, &zone.id, batch(&ChangeAction::Create, 1_001)).await;
    assert_eq!(code(many), "InvalidChangeBatch");
    let upserts = apply(&dns, &zone.id, batch(&ChangeAction::Upsert, 501)).await;
    assert_eq!(code(upserts), "InvalidChangeBatch");
    apply(&dns, &zone.id, batch(&ChangeAction::Upsert, 200))
        .await
        .expect("taken");
    zone.remove(&dns).await;
}

/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html>
#[tokio::test]
async fn a_batch_has_32000_characters_of_values_at_most() {
    let aws = aws().await;
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let text = format!("\"{}\"", "x".repeat(250));
    let batch: Vec<_> = (0..130)
        .map(|at| built(set(&zone.sub(&format!("text-{at}")), RrType::Txt, &[&text])))
        .map(|set| change(ChangeAction::Create, set))
        .collect();
    assert_eq!(code(apply(&dns, &zone.id, batch).await), "InvalidChangeBatch");
    zone.remove(&dns).await;
}

/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html>
#[tokio::test]
async fn a_zone_has_no_more_records_than_the_quota() {
    let Some(aws) = controlled().await else { return };
    let dns = client(&aws);
    assert!(
        aws.control()
            .set_quota((&aws.vendor().id, "global"), "L-E209CC9F", 3)
    );
    let zone = zone(&aws).await;
    created(&dns, &zone, a(&zone.sub("one"), "192.0.2.1")).await;
    let two = put(
        &dns,
        &zone,
        ChangeAction::Create,
        a(&zone.sub("two"), "192.0.2.1"),
    )
    .await;
    assert_eq!(code(two), "InvalidChangeBatch");
}
