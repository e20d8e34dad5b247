//! What zones are after the endpoint was started again.

use conformance::local_aws::Options;
use conformance::{code, controlled_with};

use super::support::{a, asked, check, client, created, tcp, zone};

/// Records survive whoever serves them.
/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/Welcome.html>
#[tokio::test]
async fn zones_checks_and_spent_references_survive_a_restart_of_the_endpoint() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = || Options {
        data_dir: Some(directory.path().to_owned()),
        ..Options::default()
    };
    let Some(aws) = controlled_with(options()).await else {
        return;
    };
    let dns = client(&aws);
    let zone = zone(&aws).await;
    created(&dns, &zone, a(&zone.sub("www"), "192.0.2.1")).await;
    let kept = check(&dns, "kept", tcp("192.0.2.1", 80)).await;
    let gone = check(&dns, "gone", tcp("192.0.2.1", 81)).await;
    dns.delete_health_check()
        .health_check_id(&gone)
        .send()
        .await
        .expect("it goes");
    aws.stop().await;
    let Some(aws) = controlled_with(options()).await else {
        return;
    };
    let dns = client(&aws);
    assert_eq!(asked(&aws, &zone.sub("www")).values, ["192.0.2.1"]);
    assert_eq!(check(&dns, "kept", tcp("192.0.2.1", 80)).await, kept);
    let config = tcp("192.0.2.1", 81).build().expect("a config");
    let again = dns
        .create_health_check()
        .caller_reference("gone")
        .health_check_config(config);
    assert_eq!(code(again.send().await), "HealthCheckAlreadyExists");
}
