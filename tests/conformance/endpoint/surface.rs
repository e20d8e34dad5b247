//! The control surface as processes beside the endpoint reach it.

use conformance::{Aws, code, controlled};
use serde_json::{Value, json};

async fn ask(aws: &Aws, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
    let url = format!("{}/_local/{path}", aws.endpoint().expect("an endpoint"));
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let method = method.parse().expect("a method");
    let mut request = client.request(method, url);
    if let Some(body) = body {
        request = request.body(body.to_string());
    }
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    let text = answer.text().await.expect("a body");
    (status, serde_json::from_str(&text).expect("JSON"))
}

#[tokio::test]
async fn one_outage_of_two_is_ended_alone() {
    let Some(aws) = controlled().await else { return };
    let (zone, region) = (
        json!({ "zone": "eu-central-1a" }),
        json!({ "region": "us-east-1" }),
    );
    ask(&aws, "POST", "outages", Some(zone.clone())).await;
    ask(&aws, "POST", "outages", Some(region.clone())).await;

    let (_, left) = ask(&aws, "DELETE", "outages", Some(zone)).await;
    assert_eq!(left, json!([region]));
    let (_, left) = ask(&aws, "DELETE", "outages", None).await;
    assert_eq!(left, json!([]));
}

#[tokio::test]
async fn one_rule_of_two_is_ended_alone() {
    let Some(aws) = controlled().await else { return };
    let gone =
        json!({ "account": "222222222222", "fault": { "kind": "role_deleted", "role": "tenantry-*" } });
    let slow = json!({ "operation": "DescribeVpcs", "every": 3, "fault": { "kind": "throttle" } });
    for rule in [&gone, &slow] {
        assert_eq!(ask(&aws, "POST", "faults", Some(rule.clone())).await.0, 200);
    }

    let (_, left) = ask(&aws, "DELETE", "faults", Some(gone.clone())).await;
    assert_eq!(left.as_array().expect("rules").len(), 1);
    assert_eq!(left[0]["every"], 3);
    let (status, refused) = ask(&aws, "DELETE", "faults", Some(gone)).await;
    assert_eq!(
        (status, refused),
        (400, json!({ "error": "there is no such rule" }))
    );
    let of_calls = json!({ "operation": "X", "fault": { "kind": "trust_changed", "role": "*" } });
    assert_eq!(ask(&aws, "POST", "faults", Some(of_calls)).await.0, 400);
    assert_eq!(ask(&aws, "DELETE", "faults", None).await.1, json!([]));
}

#[tokio::test]
async fn policies_of_the_organisation_are_shown() {
    let Some(aws) = controlled().await else { return };
    let account = aws.customer().id.clone();
    let deny = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Deny", "Action": "*", "Resource": "*" }] });
    let set = json!({ "account": account, "document": deny });
    ask(&aws, "POST", "scps", Some(set)).await;
    let ec2 = aws_sdk_ec2::Client::new(&aws.customer().config);
    assert_eq!(code(ec2.describe_vpcs().send().await), "UnauthorizedOperation");

    let (_, shown) = ask(&aws, "GET", "scps", None).await;
    assert_eq!(shown, json!({ &account: deny }));
    ask(
        &aws,
        "POST",
        "scps",
        Some(json!({ "account": account, "document": null })),
    )
    .await;
    assert_eq!(ask(&aws, "GET", "scps", None).await.1, json!({}));
}
