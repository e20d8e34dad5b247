//! The OpenAPI document is checked in: a change of the API is a change somebody sees.

use std::path::Path;

#[test]
fn the_document_is_the_one_checked_in() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/openapi.json");
    let now = tenantry::api::document()
        .to_pretty_json()
        .expect("a document of text and numbers");
    if std::env::var_os("RENEW_GUIDE").is_some() {
        std::fs::write(&path, format!("{now}\n")).expect("the snapshot can be written");
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        now.trim() == stored.trim(),
        "the API changed; look at it, then: target/debug/tenantry openapi > tests/snapshots/openapi.json, or RENEW_GUIDE=1"
    );
}

#[test]
fn no_request_can_carry_an_external_id() {
    let document = serde_json::to_value(tenantry::api::document()).expect("JSON");
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    for (path, item) in document["paths"].as_object().expect("paths") {
        for operation in item.as_object().expect("operations").values() {
            let body = operation["requestBody"].to_string().to_lowercase();
            let named = schemas
                .iter()
                .filter(|(name, _)| body.contains(&format!("schemas/{}\"", name.to_lowercase())));
            let text: String = named
                .map(|(_, schema)| schema.to_string().to_lowercase())
                .collect();
            let writable = text.contains("external_id") || text.contains("externalid");
            assert!(!writable, "{path} takes an external id");
        }
    }
}

#[test]
fn every_operation_has_an_id_a_summary_and_its_refusals() {
    let document = serde_json::to_value(tenantry::api::document()).expect("JSON");
    let open = [
        "session_create",
        "session_refresh",
        "signup_create",
        "signup_verify",
        "invitation_accept",
    ];
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let id = operation["operationId"].as_str().unwrap_or_default();
            assert!(!id.is_empty(), "{method} {path} has no operation id");
            assert!(operation["summary"].is_string(), "{id} says nothing about itself");
            assert!(
                open.contains(&id) || operation["responses"]["401"].is_object(),
                "{id} does not document 401"
            );
        }
    }
}

#[test]
fn the_guide_names_every_route() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/api.md");
    let guide = std::fs::read_to_string(guide).expect("the guide is there");
    let document = serde_json::to_value(tenantry::api::document()).expect("JSON");
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("operations").keys() {
            let row = format!("| `{} {path}` |", method.to_uppercase());
            assert!(guide.contains(&row), "docs/api.md lacks {row}");
        }
    }
}
