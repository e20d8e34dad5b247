//! Every route of the document is asked by everybody who must be refused. A route added tomorrow is asked too.

use reqwest::Method;
use serde_json::Value;
use tenantry::Client;
use tenantry_tests::Installation;

/// Routes for people who are nobody yet, and the one that ends the caller's own session.
const OPEN: [&str; 6] = [
    "session_create",
    "session_refresh",
    "session_delete",
    "signup_create",
    "signup_verify",
    "invitation_accept",
];

struct Route {
    method: Method,
    path: String,
    id: String,
}

fn routes() -> Vec<Route> {
    let document = serde_json::to_value(tenantry::api::document()).expect("JSON");
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let id = operation["operationId"]
                .as_str()
                .expect("an operation id")
                .to_owned();
            let method = method.to_uppercase().parse().expect("a method");
            routes.push(Route {
                method,
                path: path.clone(),
                id,
            });
        }
    }
    assert!(routes.len() >= 40, "the document names the routes");
    routes
}

/// Somebody's things.
struct Target {
    tenant: String,
    connection: String,
    deployment: String,
    operation: String,
    api_key: String,
    export: String,
}

impl Target {
    /// Well-formed ids of nothing.
    fn missing() -> Self {
        let id = |prefix: &str| format!("{prefix}_00000000000000000000000001");
        Self {
            tenant: id("tnt"),
            connection: id("con"),
            deployment: id("dep"),
            operation: id("op"),
            api_key: id("key"),
            export: id("exp"),
        }
    }
}

/// The path with the target's ids in it.
fn aimed(path: &str, target: &Target) -> String {
    let id = match path.split('/').nth(2) {
        Some("connections") => &target.connection,
        Some("api-keys") => &target.api_key,
        Some("exports") => &target.export,
        _ => &target.tenant,
    };
    path.replace("{tenant_id}", &target.tenant)
        .replace("{deployment_id}", &target.deployment)
        .replace("{operation_id}", &target.operation)
        .replace("{id}", id)
}

async fn ask(client: &Client, route: &Route, path: &str) -> (u16, Value) {
    let body = (route.method != Method::GET).then(|| serde_json::json!({}));
    let headers = [("if-match", "\"v1\"")];
    let answer = client
        .send(route.method.clone(), path, body.as_ref(), &headers)
        .await
        .expect("answers");
    (answer.status.as_u16(), answer.body)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gets_in_without_a_credential_or_with_a_bad_one() {
    let tenantry = Installation::start().await;
    let bogus = [
        "x",
        "tnk_live_aaaaaaaa_short",
        "eyJhbGciOiJub25lIn0.e30.",
        "tnk_live_",
        "Bearer",
    ];
    for route in routes().iter().filter(|route| !OPEN.contains(&route.id.as_str())) {
        let path = aimed(&route.path, &Target::missing());
        assert_eq!(
            ask(&tenantry.api, route, &path).await.0,
            401,
            "{} without a credential",
            route.id
        );
        for credential in bogus {
            let status = ask(&tenantry.api.with(credential), route, &path).await.0;
            assert_eq!(status, 401, "{} with {credential:?}", route.id);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_refuses_another_tenant_as_if_there_were_nothing() {
    let tenantry = Installation::start_working().await;
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
    acme.await_operation(&operation).await.expect("succeeds");
    let mallory = tenantry.customer("mallory").await;
    acme.create_api_key("plane").await.expect("a key");
    let keys = acme.api.get("/v1/api-keys").await.expect("its keys");
    let api_key = keys["items"][0]["id"].as_str().expect("an id").to_owned();
    let export = Target::missing().export;
    let victim = Target {
        tenant: acme.tenant_id.clone(),
        connection,
        deployment,
        operation,
        api_key,
        export,
    };

    let aimed_at_one = routes()
        .into_iter()
        .filter(|route| route.path.contains('{') && !OPEN.contains(&route.id.as_str()));
    for route in aimed_at_one {
        let foreign = aimed(&route.path, &victim);
        let absent = aimed(&route.path, &Target::missing());
        let (status, body) = ask(&mallory.api, &route, &foreign).await;
        let (absent_status, absent_body) = ask(&mallory.api, &route, &absent).await;
        assert!(
            (400..500).contains(&status),
            "{} let another tenant in: {status}",
            route.id
        );
        assert_eq!(
            (status, &body),
            (absent_status, &absent_body),
            "{} tells a foreign object from a missing one",
            route.id
        );
        assert!(
            !body.to_string().contains(&acme.tenant_id),
            "{} names the victim",
            route.id
        );
    }

    for path in [
        "/v1/deployments",
        "/v1/connections",
        "/v1/operations",
        "/v1/users",
        "/v1/api-keys",
        "/v1/audit",
    ] {
        let listed = mallory.api.get(path).await.expect("its own list");
        assert!(
            !listed.to_string().contains(&acme.tenant_id),
            "{path} shows another tenant's rows"
        );
        let asked = mallory
            .api
            .get(&format!("{path}?tenant={}", acme.tenant_id))
            .await;
        let leaked = asked
            .map(|page| page.to_string().contains(&victim.connection))
            .unwrap_or(false);
        assert!(!leaked, "{path} can be asked for another tenant");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_operators_may_do_is_refused_to_a_tenants_admin() {
    let tenantry = Installation::start().await;
    let acme = tenantry.customer("acme").await;
    for id in [
        "tenant_suspend",
        "tenant_resume",
        "tenant_delete",
        "meter_create",
        "export_list",
        "export_close_window",
    ] {
        let route = routes().into_iter().find(|route| route.id == id).expect(id);
        let path = aimed(
            &route.path,
            &Target {
                tenant: acme.tenant_id.clone(),
                ..Target::missing()
            },
        );
        let status = ask(&acme.api, &route, &path).await.0;
        assert!([403, 404, 422].contains(&status), "{id} answered {status}");
        assert_ne!(status / 100, 2, "{id} was done");
    }
}
