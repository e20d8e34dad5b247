//! The control surface over HTTP.

use crate::support::{ACME, World, refusal};

#[tokio::test]
async fn rules_lag_clock_and_log_are_reachable_over_http() {
    let world = World::start().await;
    let http = reqwest::Client::new();
    let at = |path: &str| format!("{}/_local/{path}", world.aws.endpoint());
    let rule = r#"{"operation":"CreateVpc","times":1,"fault":{"kind":"throttle"}}"#;

    let added = http
        .post(at("faults"))
        .body(rule)
        .send()
        .await
        .expect("an answer");
    assert_eq!(added.status(), 200);
    let ec2 = world.root(ACME).ec2();
    let throttled = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await;
    assert_eq!(refusal(throttled), "RequestLimitExceeded");
    ec2.create_vpc()
        .cidr_block("10.0.0.0/16")
        .send()
        .await
        .expect("the rule has ended");

    let text = |path: &str| {
        let request = http.get(at(path));
        async {
            request
                .send()
                .await
                .expect("an answer")
                .text()
                .await
                .expect("a body")
        }
    };
    assert!(text("calls").await.contains("RequestLimitExceeded"));
    assert!(text("inventory").await.contains("ec2:vpc"));
    let before = world.control().now();
    http.post(at("clock"))
        .body(r#"{"advance_ms":3600000}"#)
        .send()
        .await
        .expect("an answer");
    assert!(world.control().now() - before >= chrono::TimeDelta::hours(1));

    let refused = http
        .post(at("faults"))
        .body(r#"{"operation":1}"#)
        .send()
        .await
        .expect("an answer");
    assert_eq!(refused.status(), 400);
    let browser = http
        .get(at("calls"))
        .header("origin", "http://evil.example")
        .send()
        .await
        .expect("an answer");
    assert_eq!(browser.status(), 403);
}
