//! Bad input gets a stable code, a message that helps, the right status, and leaves nothing half-done.

use reqwest::Method;
use serde_json::{Value, json};
use tenantry_tests::{Installation, PASSWORD};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signup_with_the_same_address_gets_the_same_answer_and_makes_no_second_tenant() {
    let tenantry = Installation::start().await;
    let operator = tenantry.operator().await;
    tenantry.customer("acme").await;
    let again = json!({"organisation": "Acme again", "email": "ada@acme.example", "password": PASSWORD});
    let fresh = json!({"organisation": "New", "email": "new@new.example", "password": PASSWORD});
    let known = tenantry.api.post("/v1/signups", &again).await.expect("accepted");
    let unknown = tenantry.api.post("/v1/signups", &fresh).await.expect("accepted");
    assert_eq!(known, unknown);
    let tenants = operator.get("/v1/tenants").await.expect("the fleet");
    assert_eq!(tenants["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_cannot_be_taken_say_why() {
    let tenantry = Installation::start().await;
    let acme = tenantry.customer("acme").await;
    let connections = format!("/v1/tenants/{}/connections", acme.tenant_id);
    let table: [(&str, Value, u16, &str); 5] = [
        (
            &connections,
            json!({"aws_account_id": "12345"}),
            422,
            "validation-failed",
        ),
        (
            &connections,
            json!({"aws_account_id": "22222222222x"}),
            422,
            "validation-failed",
        ),
        (
            &connections,
            json!({"aws_account_id": "222222222222", "external_id": "mine"}),
            422,
            "unknown-field",
        ),
        (&connections, json!(["222222222222"]), 422, "validation-failed"),
        (
            "/v1/signups",
            json!({"organisation": "", "email": "no", "password": "short"}),
            422,
            "validation-failed",
        ),
    ];
    for (path, body, status, code) in table {
        let answer = acme
            .api
            .send(Method::POST, path, Some(&body), &[])
            .await
            .expect("answers");
        assert_eq!(answer.status.as_u16(), status, "{path} {body}: {}", answer.body);
        assert_eq!(answer.body["code"], code, "{path} {body}: {}", answer.body);
    }
    let all = json!({"organisation": "", "email": "no", "password": "short"});
    let answer = tenantry
        .api
        .send(Method::POST, "/v1/signups", Some(&all), &[])
        .await
        .expect("answers");
    assert_eq!(
        answer.body["errors"].as_array().map(Vec::len),
        Some(3),
        "all mistakes together: {}",
        answer.body
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reused_key_a_stale_tag_and_a_missing_tag_are_told_apart() {
    let tenantry = Installation::start().await;
    let operator = tenantry.operator().await;
    let acme = tenantry.customer("acme").await;
    let connections = format!("/v1/tenants/{}/connections", acme.tenant_id);
    let key = [("idempotency-key", "k-1")];
    let one = json!({"aws_account_id": "222222222222"});
    let first = acme
        .api
        .send(Method::POST, &connections, Some(&one), &key)
        .await
        .expect("answers");
    let replay = acme
        .api
        .send(Method::POST, &connections, Some(&one), &key)
        .await
        .expect("answers");
    assert_eq!(
        (first.status.as_u16(), &first.body),
        (replay.status.as_u16(), &replay.body)
    );
    let other = json!({"aws_account_id": "333333333333"});
    let reused = acme
        .api
        .send(Method::POST, &connections, Some(&other), &key)
        .await
        .expect("answers");
    assert_eq!(
        (reused.status.as_u16(), &reused.body["code"]),
        (422, &json!("idempotency-key-reused"))
    );
    let listed = acme.api.get("/v1/connections").await.expect("a list");
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));

    let tenant = format!("/v1/tenants/{}", acme.tenant_id);
    let rename = json!({"name": "Acme Analytics"});
    let stale = operator
        .send(Method::PATCH, &tenant, Some(&rename), &[("if-match", "\"v99\"")])
        .await
        .expect("answers");
    assert_eq!(
        (stale.status.as_u16(), &stale.body["code"]),
        (412, &json!("stale-version"))
    );
    let missing = operator
        .send(Method::PATCH, &tenant, Some(&rename), &[])
        .await
        .expect("answers");
    assert_eq!(
        (missing.status.as_u16(), &missing.body["code"]),
        (428, &json!("if-match-missing"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_token_is_refused() {
    let tenantry = Installation::start().await;
    let acme = tenantry.customer("acme").await;
    acme.api.get("/v1/connections").await.expect("works now");
    tenantry
        .world
        .kit
        .clock
        .advance(std::time::Duration::from_secs(11 * 60));
    let answer = acme
        .api
        .send(Method::GET, "/v1/connections", None, &[])
        .await
        .expect("answers");
    assert_eq!(
        (answer.status.as_u16(), &answer.body["code"]),
        (401, &json!("credential-expired"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_json_is_refused_with_its_place_and_nothing_is_booked() {
    let tenantry = Installation::start().await;
    let acme = tenantry.customer("acme").await;
    let plane = tenantry
        .api
        .with(&acme.create_api_key("plane").await.expect("a key"));
    let broken =
        r#"[{"specversion":"1.0","id":"e-1","source":"/p","type":"rows_scanned","data":{"value":1}},{"#;
    let answer = plane
        .post_usage("application/cloudevents-batch+json", broken.to_owned())
        .await
        .expect("answers");
    assert_eq!(answer.status.as_u16(), 400, "{}", answer.body);
    assert!(
        answer.body["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("column") || detail.contains("position"))
    );
    let unknown = plane
        .post_usage("text/plain", "x".to_owned())
        .await
        .expect("answers");
    assert_eq!(unknown.status.as_u16(), 415);
    let too_large = "x".repeat(10 * 1024 * 1024 + 1);
    let refused = plane
        .post_usage("application/x-ndjson", too_large)
        .await
        .expect("answers");
    assert_eq!(refused.status.as_u16(), 413);
}
