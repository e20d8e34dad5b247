//! Health checks: reading, listing, changing and deleting them.

use aws_sdk_route53::types::{HealthCheckConfig, HealthCheckType, ResettableElementName};
use conformance::{aws, code, controlled, status};

use super::support::{check, client, http, tcp};

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_GetHealthCheck.html>
#[tokio::test]
async fn a_check_tells_its_settings_and_the_defaults() {
    let aws = aws().await;
    let dns = client(&aws);
    let config = HealthCheckConfig::builder()
        .r#type(HealthCheckType::Https)
        .fully_qualified_domain_name("www.example.net");
    let id = check(&dns, &aws.name("ref"), config).await;
    let found = dns
        .get_health_check()
        .health_check_id(&id)
        .send()
        .await
        .expect("a check");
    let found = found.health_check.expect("a check");
    assert_eq!(found.health_check_version(), 1);
    let config = found.health_check_config().expect("a config");
    assert_eq!(
        (config.request_interval(), config.failure_threshold()),
        (Some(30), Some(3))
    );
    assert_eq!(config.enable_sni(), Some(true));
    assert_eq!((config.inverted(), config.disabled()), (Some(false), Some(false)));
    dns.delete_health_check()
        .health_check_id(&id)
        .send()
        .await
        .expect("it goes");
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_UpdateHealthCheck.html>
#[tokio::test]
async fn a_check_is_changed_under_the_version_that_was_read() {
    let aws = aws().await;
    let dns = client(&aws);
    let id = check(&dns, &aws.name("ref"), http("www.example.net")).await;
    let update = || dns.update_health_check().health_check_id(&id);
    let made = update()
        .health_check_version(1)
        .failure_threshold(5)
        .port(8080)
        .send()
        .await;
    let made = made.expect("taken").health_check.expect("a check");
    assert_eq!(made.health_check_version(), 2);
    let config = made.health_check_config().expect("a config");
    assert_eq!((config.failure_threshold(), config.port()), (Some(5), Some(8080)));
    assert_eq!(
        config.resource_path(),
        Some("/healthz"),
        "what is not given stays"
    );
    let stale = || update().health_check_version(1).failure_threshold(7).send();
    assert_eq!(code(stale().await), "HealthCheckVersionMismatch");
    assert_eq!(status(stale().await), 409);
    let reset = update()
        .reset_elements(ResettableElementName::ResourcePath)
        .send()
        .await;
    let reset = reset.expect("taken").health_check.expect("a check");
    assert_eq!(
        reset
            .health_check_config()
            .and_then(|config| config.resource_path()),
        None
    );
    dns.delete_health_check()
        .health_check_id(&id)
        .send()
        .await
        .expect("it goes");
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_UpdateHealthCheck.html>
#[tokio::test]
async fn a_check_of_a_name_does_not_become_one_of_an_address() {
    let aws = aws().await;
    let dns = client(&aws);
    let id = check(&dns, &aws.name("ref"), http("www.example.net")).await;
    let update = || dns.update_health_check().health_check_id(&id);
    assert_eq!(
        code(update().ip_address("192.0.2.1").send().await),
        "InvalidInput"
    );
    assert_eq!(code(update().failure_threshold(11).send().await), "InvalidInput");
    let nothing = update().reset_elements(ResettableElementName::FullyQualifiedDomainName);
    assert_eq!(code(nothing.send().await), "InvalidInput");
    dns.delete_health_check()
        .health_check_id(&id)
        .send()
        .await
        .expect("it goes");
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_GetHealthCheck.html>
#[tokio::test]
async fn an_unknown_check_is_not_found() {
    let aws = aws().await;
    let dns = client(&aws);
    let id = "5f4dcc3b-0000-4000-8000-000000000000";
    let get = dns.get_health_check().health_check_id(id).send().await;
    assert_eq!(code(get), "NoSuchHealthCheck");
    let update = dns
        .update_health_check()
        .health_check_id(id)
        .failure_threshold(5)
        .send()
        .await;
    assert_eq!(code(update), "NoSuchHealthCheck");
    let delete = dns.delete_health_check().health_check_id(id).send().await;
    assert_eq!(code(delete), "NoSuchHealthCheck");
    let state = dns.get_health_check_status().health_check_id(id).send().await;
    assert_eq!(code(state), "NoSuchHealthCheck");
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_DeleteHealthCheck.html>
#[tokio::test]
async fn a_check_that_another_counts_is_not_deleted() {
    let aws = aws().await;
    let dns = client(&aws);
    let child = check(&dns, &aws.name("ref"), tcp("192.0.2.1", 80)).await;
    let config = HealthCheckConfig::builder().r#type(HealthCheckType::Calculated);
    let config = config.health_threshold(1).child_health_checks(&child);
    let parent = check(&dns, &aws.name("ref"), config).await;
    let delete = |id: &str| dns.delete_health_check().health_check_id(id).send();
    assert_eq!(code(delete(&child).await), "HealthCheckInUse");
    let state = dns
        .get_health_check_status()
        .health_check_id(&parent)
        .send()
        .await;
    assert_eq!(
        code(state),
        "InvalidInput",
        "a calculated check looks at nothing by itself"
    );
    delete(&parent).await.expect("it goes");
    delete(&child).await.expect("it goes");
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListHealthChecks.html>
#[tokio::test]
async fn checks_come_in_pages() {
    let Some(aws) = controlled().await else { return };
    let dns = client(&aws);
    let mut made = Vec::new();
    for port in 1..=5 {
        made.push(check(&dns, &format!("ref-{port}"), tcp("192.0.2.1", port)).await);
    }
    let (mut found, mut marker) = (Vec::new(), None);
    loop {
        let page = dns
            .list_health_checks()
            .max_items(2)
            .set_marker(marker)
            .send()
            .await;
        let page = page.expect("a page");
        found.extend(page.health_checks().iter().map(|check| check.id().to_owned()));
        marker = page.next_marker;
        if !page.is_truncated {
            break;
        }
    }
    found.sort();
    made.sort();
    assert_eq!(found, made);
    let odd = dns.list_health_checks().marker("not a marker!").send().await;
    assert_eq!(code(odd), "InvalidInput");
}
