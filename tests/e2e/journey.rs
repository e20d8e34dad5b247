//! From signup to usage in the warehouse, as a customer and an operator live it.

use std::time::Duration;

use serde_json::{Value, json};
use tenantry::journey::wait_for;
use tenantry_tests::Installation;

fn event(id: &str, rows: u32) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "/plane/1", "type": "rows_scanned",
        "time": chrono::Utc::now().to_rfc3339(), "data": {"value": rows.to_string(), "warehouse": "small"},
    })
}

/// Asks until `holds`, at most a minute.
async fn eventually(api: &tenantry::Client, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        let reply = api.get(path).await.expect("answers");
        if holds(&reply) {
            return reply;
        }
        assert!(tokio::time::Instant::now() < deadline, "{path} ended as {reply}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_gets_its_platform_reports_usage_and_leaves_nothing_behind() {
    let tenantry = Installation::start_working().await;
    let operator = tenantry.operator().await;
    let acme = tenantry.customer("acme").await;

    let connection = tenantry
        .journey()
        .connect(&acme, "222222222222")
        .await
        .expect("connects");
    let (operation, deployment) = acme
        .approve_deployment(&connection, "eu-central-1")
        .await
        .expect("a plan");
    let done = acme.await_operation(&operation).await.expect("succeeds");
    assert_eq!(done["percent"], 100);
    let shown = acme
        .api
        .get(&format!("/v1/deployments/{deployment}"))
        .await
        .expect("is there");
    assert_eq!(shown["phase"], "ready");
    let inventory = tenantry.world.control.inventory_of("222222222222");
    let ours = |items: &[local_aws::InventoryItem]| {
        items
            .iter()
            .filter(|item| item.tags.contains_key("tenantry:deployment"))
            .count()
    };
    assert!(
        ours(&inventory) >= 8,
        "VPC, subnet, gateway, routes, group, instance, volume, address"
    );

    let plane = tenantry
        .api
        .with(&acme.create_api_key("plane").await.expect("a key"));
    let (first, second) = (event("e-1", 500), event("e-2", 250));
    let events = json!([first, second, first]);
    let answer = plane
        .post_usage("application/cloudevents-batch+json", events.to_string())
        .await
        .expect("answers");
    assert_eq!(
        (
            answer.body["accepted"].as_u64(),
            answer.body["duplicate"].as_u64()
        ),
        (Some(2), Some(1))
    );
    let again = json!([second]);
    plane
        .post_usage("application/cloudevents-batch+json", again.to_string())
        .await
        .expect("answers");
    let books = eventually(&operator, "/v1/usage/balance", |books| {
        books["total"]["received"] == 4
    })
    .await;
    assert_eq!(books["total"]["accepted"], 2);
    assert_eq!(books["total"]["difference"], 0);

    operator
        .post("/v1/exports", &json!({}))
        .await
        .expect("closes the window");
    let exports = eventually(&operator, "/v1/exports", |page| {
        page["items"]
            .as_array()
            .is_some_and(|batches| !batches.is_empty() && batches.iter().all(|b| b["balanced"] == true))
    })
    .await;
    assert_eq!(exports["items"][0]["meters"][0]["warehouse"]["rows"], 2);
    assert_eq!(
        exports["items"][0]["meters"][0]["source"],
        exports["items"][0]["meters"][0]["warehouse"]
    );

    let tenant = format!("/v1/tenants/{}", acme.tenant_id);
    operator.delete(&tenant).await.expect("offboards");
    acme.approve_deletion().await.expect("the only admin agrees");
    wait_for(&operator, &tenant, "state", &["deleted"])
        .await
        .expect("is deleted");
    assert_eq!(ours(&tenantry.world.control.inventory_of("222222222222")), 0);
    let journey = tenantry.journey();
    let signed_in = journey
        .sign_in("ada@acme.example", tenantry_tests::PASSWORD)
        .await;
    assert!(signed_in.is_err(), "a deleted tenant's people are out");
    assert!(
        plane.get("/v1/usage/balance").await.is_err(),
        "and so are its keys"
    );

    let audit = tenantry::audit::verify_all(&tenantry.composition.stores)
        .await
        .expect("readable");
    assert!(audit.entries > 5 && audit.broken.is_empty(), "{audit:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspended_tenant_keeps_its_address_and_its_instance_stops() {
    let tenantry = Installation::start_working().await;
    let operator = tenantry.operator().await;
    let acme = tenantry.customer("acme").await;
    let connection = tenantry
        .journey()
        .connect(&acme, "222222222222")
        .await
        .expect("connects");
    let (operation, _) = acme
        .approve_deployment(&connection, "eu-central-1")
        .await
        .expect("a plan");
    acme.await_operation(&operation).await.expect("succeeds");

    let tenant = format!("/v1/tenants/{}", acme.tenant_id);
    operator
        .post(&format!("{tenant}/suspend"), &json!({}))
        .await
        .expect("suspends");
    let stopped = |items: &Value| items["items"][0]["phase"] == "stopped";
    eventually(&operator, "/v1/deployments", stopped).await;
    let kinds = |kind: &str| {
        let inventory = tenantry.world.control.inventory_of("222222222222");
        inventory.iter().filter(|item| item.kind.ends_with(kind)).count()
    };
    assert_eq!((kinds("elastic-ip"), kinds(":instance")), (1, 1));

    operator
        .post(&format!("{tenant}/resume"), &json!({}))
        .await
        .expect("resumes");
    eventually(&operator, "/v1/deployments", |items| {
        items["items"][0]["phase"] == "ready"
    })
    .await;
}
