//! Health checks.

use aws_sdk_route53::Client;
use aws_sdk_route53::types::{HealthCheckConfig, HealthCheckType};
use conformance::{Aws, aws, code};

async fn check(client: &Client, aws: &Aws, config: HealthCheckConfig) -> String {
    let made = client
        .create_health_check()
        .caller_reference(aws.name("check"))
        .health_check_config(config)
        .send()
        .await;
    made.expect("a check")
        .health_check
        .expect("an answer has the check")
        .id
}

fn config() -> HealthCheckConfig {
    HealthCheckConfig::builder()
        .r#type(HealthCheckType::Http)
        .ip_address("192.0.2.44")
        .port(80)
        .resource_path("/healthz")
        .request_interval(10)
        .failure_threshold(2)
        .build()
        .expect("a config has a type")
}

/// The same reference and settings give the same check; other settings are refused.
/// https://docs.aws.amazon.com/Route53/latest/APIReference/API_CreateHealthCheck.html
#[tokio::test]
async fn a_reference_makes_one_check() {
    let aws = aws().await;
    let client = Client::new(&aws.vendor().config);
    let reference = aws.name("check");
    let create = |config| {
        client
            .create_health_check()
            .caller_reference(&reference)
            .health_check_config(config)
            .send()
    };
    let first = create(config())
        .await
        .expect("a check")
        .health_check
        .expect("a check")
        .id;
    let again = create(config())
        .await
        .expect("the same")
        .health_check
        .expect("a check")
        .id;
    assert_eq!(first, again);
    let other = HealthCheckConfig::builder()
        .r#type(HealthCheckType::Tcp)
        .ip_address("192.0.2.44")
        .port(81)
        .build()
        .expect("a config");
    assert_eq!(code(create(other).await), "HealthCheckAlreadyExists");
    client
        .delete_health_check()
        .health_check_id(first)
        .send()
        .await
        .expect("it goes");
}

/// Settings out of bounds are refused.
/// https://docs.aws.amazon.com/Route53/latest/APIReference/API_HealthCheckConfig.html
#[tokio::test]
async fn settings_out_of_bounds_are_refused() {
    let aws = aws().await;
    let client = Client::new(&aws.vendor().config);
    let base = || HealthCheckConfig::builder().r#type(HealthCheckType::Http);
    let wrong = [
        base().ip_address("192.0.2.1").request_interval(20).build(),
        base().ip_address("192.0.2.1").failure_threshold(11).build(),
        base().ip_address("no address").build(),
        base().build(),
        HealthCheckConfig::builder()
            .r#type(HealthCheckType::Tcp)
            .ip_address("192.0.2.1")
            .build(),
    ];
    for config in wrong {
        let config = config.expect("a config has a type");
        let made = client
            .create_health_check()
            .caller_reference(aws.name("check"))
            .health_check_config(config.clone())
            .send()
            .await;
        assert_eq!(code(made), "InvalidInput", "{config:?}");
    }
}

/// An update names the version it has seen.
/// https://docs.aws.amazon.com/Route53/latest/APIReference/API_UpdateHealthCheck.html
#[tokio::test]
async fn an_update_of_another_version_is_refused() {
    let aws = aws().await;
    let client = Client::new(&aws.vendor().config);
    let id = check(&client, &aws, config()).await;
    let update = |version| {
        client
            .update_health_check()
            .health_check_id(&id)
            .health_check_version(version)
            .failure_threshold(5)
            .send()
    };
    let updated = update(1).await.expect("updated").health_check.expect("the check");
    assert_eq!(
        (
            updated.health_check_version,
            updated
                .health_check_config
                .and_then(|config| config.failure_threshold)
        ),
        (2, Some(5))
    );
    assert_eq!(code(update(1).await), "HealthCheckVersionMismatch");
    client
        .delete_health_check()
        .health_check_id(id)
        .send()
        .await
        .expect("it goes");
}

/// A check that is not there is not found.
/// https://docs.aws.amazon.com/Route53/latest/APIReference/API_GetHealthCheck.html
#[tokio::test]
async fn a_check_that_is_not_there_is_not_found() {
    let aws = aws().await;
    let client = Client::new(&aws.vendor().config);
    let id = "11111111-2222-3333-4444-555555555555";
    assert_eq!(
        code(client.get_health_check().health_check_id(id).send().await),
        "NoSuchHealthCheck"
    );
    assert_eq!(
        code(client.delete_health_check().health_check_id(id).send().await),
        "NoSuchHealthCheck"
    );
    assert_eq!(
        code(client.get_health_check_status().health_check_id(id).send().await),
        "NoSuchHealthCheck"
    );
}

/// A check that a calculated one counts is in use.
/// https://docs.aws.amazon.com/Route53/latest/APIReference/API_DeleteHealthCheck.html
#[tokio::test]
async fn a_check_that_another_counts_is_in_use() {
    let aws = aws().await;
    let client = Client::new(&aws.vendor().config);
    let child = check(&client, &aws, config()).await;
    let calculated = HealthCheckConfig::builder()
        .r#type(HealthCheckType::Calculated)
        .health_threshold(1)
        .child_health_checks(&child)
        .build()
        .expect("a config");
    let parent = check(&client, &aws, calculated).await;
    let used = client.delete_health_check().health_check_id(&child).send().await;
    assert_eq!(code(used), "HealthCheckInUse");
    client
        .delete_health_check()
        .health_check_id(parent)
        .send()
        .await
        .expect("the parent goes");
    client
        .delete_health_check()
        .health_check_id(child)
        .send()
        .await
        .expect("and the child after it");
}
