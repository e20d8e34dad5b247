//! What a health check may not be.

use aws_sdk_route53::types::builders::HealthCheckConfigBuilder;
use aws_sdk_route53::types::{HealthCheckConfig, HealthCheckType};
use conformance::{aws, code, controlled, status};

use super::support::{check, client, http, tcp};

/// Whether every one of these is refused.
async fn refused(configs: Vec<HealthCheckConfigBuilder>) {
    let aws = aws().await;
    let dns = client(&aws);
    for config in configs {
        let config = config.build().expect("a config");
        let create = dns.create_health_check().caller_reference(aws.name("ref"));
        let outcome = create.health_check_config(config.clone()).send().await;
        assert_eq!(code(outcome), "InvalidInput", "{config:?}");
    }
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_HealthCheckConfig.html>
#[tokio::test]
async fn a_check_looks_at_a_public_address_or_a_name() {
    let bare = HealthCheckConfig::builder().r#type(HealthCheckType::Http);
    let private = [
        "10.0.0.1",
        "127.0.0.1",
        "169.254.1.1",
        "192.168.0.1",
        "224.0.0.1",
        "nonsense",
    ];
    let mut configs: Vec<_> = private.into_iter().map(|address| tcp(address, 80)).collect();
    configs.extend([bare, http("two..dots.example.net")]);
    refused(configs).await;
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_HealthCheckConfig.html>
#[tokio::test]
async fn a_checks_interval_threshold_and_port_are_in_range() {
    let good = || tcp("192.0.2.1", 80);
    refused(vec![
        good().request_interval(20),
        good().failure_threshold(0),
        good().failure_threshold(11),
        good().port(0),
        good().set_port(None),
        good().resource_path("/healthz"),
    ])
    .await;
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_HealthCheckConfig.html>
#[tokio::test]
async fn a_calculated_check_counts_checks_that_are_there() {
    let calculated = || HealthCheckConfig::builder().r#type(HealthCheckType::Calculated);
    let unknown = "5f4dcc3b-0000-4000-8000-000000000000";
    refused(vec![
        calculated(),
        calculated().health_threshold(1),
        calculated().health_threshold(257).child_health_checks(unknown),
        calculated().health_threshold(1).child_health_checks(unknown),
        calculated()
            .health_threshold(1)
            .child_health_checks(unknown)
            .ip_address("192.0.2.1"),
        tcp("192.0.2.1", 80).child_health_checks(unknown),
        HealthCheckConfig::builder().r#type(HealthCheckType::from("TELEPATHY")),
    ])
    .await;
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_CreateHealthCheck.html>
#[tokio::test]
async fn a_caller_reference_makes_one_check_and_is_spent_with_it() {
    let aws = aws().await;
    let dns = client(&aws);
    let reference = aws.name("ref");
    let id = check(&dns, &reference, tcp("192.0.2.1", 80)).await;
    assert_eq!(
        check(&dns, &reference, tcp("192.0.2.1", 80)).await,
        id,
        "the same is the same check"
    );
    let create = |port| {
        let config = tcp("192.0.2.1", port).build().expect("a config");
        dns.create_health_check()
            .caller_reference(&reference)
            .health_check_config(config)
            .send()
    };
    assert_eq!(code(create(81).await), "HealthCheckAlreadyExists");
    assert_eq!(status(create(81).await), 409);
    dns.delete_health_check()
        .health_check_id(&id)
        .send()
        .await
        .expect("it goes");
    assert_eq!(code(create(80).await), "HealthCheckAlreadyExists");
}

/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html>
#[tokio::test]
async fn an_account_has_no_more_checks_than_its_quota() {
    let Some(aws) = controlled().await else { return };
    let dns = client(&aws);
    assert!(
        aws.control()
            .set_quota((&aws.vendor().id, "global"), "L-ACB674F3", 1)
    );
    check(&dns, "one", tcp("192.0.2.1", 80)).await;
    let config = tcp("192.0.2.1", 81).build().expect("a config");
    let two = dns
        .create_health_check()
        .caller_reference("two")
        .health_check_config(config);
    assert_eq!(code(two.send().await), "TooManyHealthChecks");
}
