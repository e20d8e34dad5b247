//! Values and names, by type of record.

use aws_sdk_route53::types::{ChangeAction, RrType};
use conformance::{aws, code};

use super::support::{a, built, client, created, names, put, set, zone};

/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/ResourceRecordTypes.html>
#[tokio::test]
async fn values_that_are_not_of_their_type_are_refused() {
    let aws = aws().await;
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let wrong = [
        (RrType::A, "192.0.2.256"),
        (RrType::A, "2001:db8::1"),
        (RrType::Aaaa, "192.0.2.1"),
        (RrType::Txt, "no quotation marks"),
        (RrType::Mx, "mail.example.net"),
        (RrType::Mx, "70000 mail.example.net"),
        (RrType::Srv, "1 2 target.example.net"),
        (RrType::Caa, "0 issue amazon.com"),
        (RrType::Cname, "two..dots.example.net"),
    ];
    for (kind, value) in wrong {
        let set = built(set(&zone.sub("www"), kind.clone(), &[value]));
        let outcome = put(&dns, &zone, ChangeAction::Create, set).await;
        assert_eq!(code(outcome), "InvalidChangeBatch", "{kind} {value}");
    }
    zone.remove(&dns).await;
}

/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/ResourceRecordTypes.html>
#[tokio::test]
async fn values_of_every_type_are_kept_as_they_were_given() {
    let aws = aws().await;
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let right = [
        (RrType::Aaaa, "2001:db8::1"),
        (RrType::Caa, "0 issue \"amazon.com\""),
        (RrType::Mx, "10 mail.example.net."),
        (RrType::Srv, "1 10 5269 target.example.net."),
        (RrType::Txt, "\"one\" \"two\""),
    ];
    for (kind, value) in &right {
        created(&dns, &zone, built(set(&zone.sub("all"), kind.clone(), &[value]))).await;
    }
    let listed = dns.list_resource_record_sets().hosted_zone_id(&zone.id);
    let listed = listed
        .start_record_name(zone.sub("all"))
        .send()
        .await
        .expect("records");
    let found: Vec<(RrType, &str)> = listed
        .resource_record_sets()
        .iter()
        .map(|set| (set.r#type().clone(), set.resource_records()[0].value()))
        .collect();
    assert_eq!(found, right);
    zone.remove(&dns).await;
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ResourceRecordSet.html>
#[tokio::test]
async fn a_value_is_given_once_and_a_canonical_name_has_one() {
    let aws = aws().await;
    let dns = client(&aws);
    let zone = zone(&aws).await;
    let twice = built(set(&zone.sub("www"), RrType::A, &["192.0.2.1", "192.0.2.1"]));
    assert_eq!(
        code(put(&dns, &zone, ChangeAction::Create, twice).await),
        "InvalidChangeBatch"
    );
    let two = built(set(
        &zone.sub("www"),
        RrType::Cname,
        &["a.example.net", "b.example.net"],
    ));
    assert_eq!(
        code(put(&dns, &zone, ChangeAction::Create, two).await),
        "InvalidChangeBatch"
    );
    zone.remove(&dns).await;
}

/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html>
#[tokio::test]
async fn names_are_kept_in_lower_case_with_the_dot_and_the_asterisk_as_its_code() {
    let aws = aws().await;
    let dns = client(&aws);
    let zone = zone(&aws).await;
    created(&dns, &zone, a(&format!("WWW.{}", zone.name), "192.0.2.1")).await;
    created(&dns, &zone, a(&format!("*.{}", zone.name), "192.0.2.1")).await;
    let found = names(&dns, &zone).await;
    assert!(found.contains(&(zone.sub("www"), "A".to_owned())), "{found:?}");
    assert!(found.contains(&(zone.sub("\\052"), "A".to_owned())), "{found:?}");
    zone.remove(&dns).await;
}

/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html>
#[tokio::test]
async fn a_label_has_63_characters_at_most() {
    let aws = aws().await;
    let dns = client(&aws);
    let zone = zone(&aws).await;
    for label in ["x".repeat(64), String::new()] {
        let long = put(
            &dns,
            &zone,
            ChangeAction::Create,
            a(&zone.sub(&label), "192.0.2.1"),
        )
        .await;
        assert_eq!(code(long), "InvalidChangeBatch", "{label:?}");
    }
    created(&dns, &zone, a(&zone.sub(&"x".repeat(63)), "192.0.2.1")).await;
    zone.remove(&dns).await;
}
