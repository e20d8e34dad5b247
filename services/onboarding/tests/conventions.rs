//! The rules of every route: whose object it is, which version was seen, which request it was.

mod support;

use std::time::Duration;

use onboarding::offboarding;
use serde_json::json;
use support::{Ask, House, Person};

#[tokio::test]
async fn every_route_hides_another_tenants_objects() {
    let house = House::open().await;
    let ada = house.tenant("ada@acme.example").await;
    let eve = house.tenant("eve@evil.example").await;
    let connection = house.connect(&ada, "222222222222").await;
    let key = create_key(&house, &ada, "k1").await;
    let missing = "01jd3v7q8wcy0tn5x2m4kz9e6f";
    let document = house.ask(Ask::get("/openapi.json")).await.expect(200).json();
    let mut tested = 0;
    for (path, operations) in document["paths"].as_object().expect("paths") {
        let (theirs, nobodys) = match path.split('/').nth(2) {
            Some("tenants") => (ada.tenant.clone(), format!("tnt_{missing}")),
            Some("connections") => (text(&connection["id"]), format!("con_{missing}")),
            Some("api-keys") => (text(&key["id"]), format!("key_{missing}")),
            _ => continue,
        };
        let Some((before, after)) = path.split_once('{') else {
            continue;
        };
        let after = after.split_once('}').map_or("", |(_, rest)| rest);
        for method in operations.as_object().expect("operations").keys() {
            let ask = |id: &str| {
                body_for(
                    (method, path),
                    Ask::new(&method.to_uppercase(), format!("{before}{id}{after}")),
                )
                .by(&eve.token)
                .with("if-match", "\"v1\"")
            };
            let foreign = house.ask(ask(&theirs)).await.expect(404);
            let nothing = house.ask(ask(&nobodys)).await.expect(404);
            assert_eq!(foreign.bytes, nothing.bytes, "{method} {path}");
            tested += 1;
        }
    }
    assert!(tested >= 11, "only {tested} operations have an id in their path");
    for list in ["/v1/users", "/v1/api-keys", "/v1/connections", "/v1/audit"] {
        let ask = Ask::get(format!("{list}?tenant={}", ada.tenant)).by(&eve.token);
        house.ask(ask).await.expect(404);
    }
    let own = house
        .ask(Ask::get("/v1/tenants").by(&eve.token))
        .await
        .expect(200)
        .json();
    assert_eq!(own["items"][0]["id"], eve.tenant.as_str());
    assert_eq!(own["items"].as_array().map(Vec::len), Some(1));
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().expect("text").to_owned()
}

/// A body that the route would accept, so that only the caller is wrong.
fn body_for((method, path): (&str, &str), ask: Ask) -> Ask {
    match path.rsplit('/').next() {
        Some("connections") => ask.body(json!({ "aws_account_id": "333333333333" })),
        Some("api-keys") => ask.body(json!({ "name": "k", "scopes": ["usage-write"] })),
        Some("invitations") => ask.body(json!({ "email": "x@y.example", "role": "member" })),
        Some("preflight") if method == "post" => ask.body(json!({})),
        Some("{id}") if method == "patch" => ask.body(json!({ "name": "Mine" })),
        _ => ask,
    }
}

async fn create_key(house: &House, person: &Person, key: &str) -> serde_json::Value {
    let path = format!("/v1/tenants/{}/api-keys", person.tenant);
    let body = json!({ "name": "data plane", "scopes": ["usage-write"] });
    let ask = Ask::post(path, body)
        .by(&person.token)
        .with("idempotency-key", key);
    house.ask(ask).await.expect(201).json()
}

#[tokio::test]
async fn nobody_reads_or_writes_without_a_credential() {
    let house = House::open().await;
    let ada = house.tenant("ada@acme.example").await;
    let path = format!("/v1/tenants/{}", ada.tenant);
    let bogus = [
        "",
        "Bearer",
        "Bearer x",
        "Basic YTpi",
        "Bearer tnk_live_x",
        "Bearer a.b.c",
    ];
    for value in bogus {
        let refused = house
            .ask(Ask::get(&path).with("authorization", value))
            .await
            .expect(401);
        assert_eq!(refused.code(), "not-signed-in", "{value}");
        assert_eq!(refused.headers["www-authenticate"], "Bearer");
    }
    house.ask(Ask::new("DELETE", &path)).await.expect(401);
}

#[tokio::test]
async fn a_member_sees_and_does_not_change() {
    let house = House::open().await;
    let ada = house.tenant("ada@acme.example").await;
    let path = format!("/v1/tenants/{}/invitations", ada.tenant);
    let invite = json!({ "email": "mia@acme.example", "role": "member" });
    house
        .ask(Ask::post(path, invite).by(&ada.token))
        .await
        .expect(201);
    let token = house.token_in_mail("mia@acme.example").await.expect("a link");
    let accept = || {
        Ask::post(
            "/v1/invitations/accept",
            json!({ "token": token, "password": support::PASSWORD }),
        )
    };
    house.ask(accept()).await.expect(201);
    assert_eq!(house.ask(accept()).await.expect(422).code(), "token-not-usable");
    let (mia, _) = house.sign_in("mia@acme.example").await;
    let users = house.ask(Ask::get("/v1/users").by(&mia)).await.expect(200).json();
    assert_eq!(users["items"].as_array().map(Vec::len), Some(2));
    let path = format!("/v1/tenants/{}/connections", ada.tenant);
    let refused = house
        .ask(Ask::post(path, json!({ "aws_account_id": "222222222222" })).by(&mia))
        .await;
    assert_eq!(refused.expect(403).code(), "not-allowed");
}

#[tokio::test]
async fn a_change_names_the_version_it_saw() {
    let house = House::open().await;
    let ada = house.tenant("ada@acme.example").await;
    let path = format!("/v1/tenants/{}", ada.tenant);
    let rename = |name: &str| {
        Ask::new("PATCH", &path)
            .body(json!({ "name": name }))
            .by(&ada.token)
    };
    let seen = house.ask(Ask::get(&path).by(&ada.token)).await.expect(200).etag();
    assert_eq!(
        house.ask(rename("B")).await.expect(428).code(),
        "if-match-missing"
    );
    house.ask(rename("B").with("if-match", "*")).await.expect(428);
    let changed = house.ask(rename("B").with("if-match", &seen)).await.expect(200);
    assert_eq!(changed.json()["name"], "B");
    let stale = house.ask(rename("C").with("if-match", &seen)).await.expect(412);
    assert_eq!(stale.code(), "stale-version");
    assert_eq!(stale.etag(), changed.etag());
    house
        .ask(
            Ask::get(&path)
                .by(&ada.token)
                .with("if-none-match", &changed.etag()),
        )
        .await
        .expect(304);
}

#[tokio::test]
async fn a_repeated_request_is_answered_and_not_carried_out_again() {
    let house = House::open().await;
    let ada = house.tenant("ada@acme.example").await;
    let path = format!("/v1/tenants/{}/connections", ada.tenant);
    let connect = |account: &str| {
        Ask::post(&path, json!({ "aws_account_id": account }))
            .by(&ada.token)
            .with("idempotency-key", "one")
    };
    let first = house.ask(connect("222222222222")).await.expect(201);
    let again = house.ask(connect("222222222222")).await.expect(201);
    assert_eq!(first.bytes, again.bytes);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.headers["location"], first.headers["location"]);
    let other = house.ask(connect("333333333333")).await.expect(422);
    assert_eq!(other.code(), "idempotency-key-reused");
    let all = house
        .ask(Ask::get("/v1/connections").by(&ada.token))
        .await
        .expect(200)
        .json();
    assert_eq!(all["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn an_api_key_is_shown_once_works_and_ends() {
    let house = House::open().await;
    let ada = house.tenant("ada@acme.example").await;
    let key = create_key(&house, &ada, "k1").await;
    let secret = text(&key["secret"]);
    let repeated = create_key(&house, &ada, "k1").await;
    assert_eq!(repeated["id"], key["id"]);
    assert!(repeated["secret"].is_null(), "a secret was stored");
    // The key is known, and may report usage only.
    let see = || house.ask(Ask::get(format!("/v1/tenants/{}", ada.tenant)).by(&secret));
    assert_eq!(see().await.expect(403).code(), "not-allowed");
    let end = Ask::new("DELETE", format!("/v1/api-keys/{}", text(&key["id"]))).by(&ada.token);
    house.ask(end).await.expect(204);
    see().await.expect(401);
    let list = house
        .ask(Ask::get("/v1/api-keys").by(&ada.token))
        .await
        .expect(200);
    assert!(!String::from_utf8_lossy(&list.bytes).contains(&secret));
}

#[tokio::test]
async fn an_operator_suspends_resumes_and_ends_a_tenant() {
    let house = House::open().await;
    let ada = house.tenant("ada@acme.example").await;
    let operator = house.operator().await;
    let key = create_key(&house, &ada, "k1").await;
    let connection = house.connect(&ada, "222222222222").await;
    let path = format!("/v1/tenants/{}", ada.tenant);
    let verb = |verb: &str, token: &str| house.ask(Ask::new("POST", format!("{path}/{verb}")).by(token));
    verb("suspend", &ada.token).await.expect(403);
    assert_eq!(
        verb("suspend", &operator).await.expect(200).json()["state"],
        "suspended"
    );
    let refused = Ask::post(
        format!("{path}/connections"),
        json!({ "aws_account_id": "333333333333" }),
    );
    assert_eq!(
        house.ask(refused.by(&ada.token)).await.expect(409).code(),
        "tenant-suspended"
    );
    let active = verb("resume", &operator).await.expect(200);

    let end = |etag: &str| Ask::new("DELETE", &path).by(&operator).with("if-match", etag);
    let leaving = house.ask(end(&active.etag())).await.expect(202);
    assert_eq!(leaving.json()["state"], "offboarding");
    assert_eq!(offboarding::finish_due(&house.app).await.expect("a pass"), 1);
    assert_eq!(offboarding::finish_due(&house.app).await.expect("a pass"), 0);

    let gone = house.ask(Ask::get(&path).by(&operator)).await.expect(200);
    assert_eq!(gone.json()["state"], "deleted");
    assert_eq!(
        verb("resume", &operator).await.expect(409).code(),
        "invalid-transition"
    );
    house
        .ask(Ask::get(&path).by(&text(&key["secret"])))
        .await
        .expect(401);
    house
        .ask(Ask::post(
            "/v1/sessions/refresh",
            json!({ "refresh_token": ada.refresh }),
        ))
        .await
        .expect(401);
    let body = json!({ "email": ada.email, "password": support::PASSWORD });
    house.ask(Ask::post("/v1/sessions", body)).await.expect(401);
    let ended = house
        .ask(Ask::get(format!("/v1/connections/{}", text(&connection["id"]))).by(&operator))
        .await;
    assert_eq!(ended.expect(200).json()["state"], "revoked");
    let report = onboarding::audit::verify_all(&house.app)
        .await
        .expect("the chains");
    assert!(report.broken.is_empty(), "{report:?}");
}

#[tokio::test]
async fn pages_of_the_fleet_show_each_tenant_once() {
    let house = House::open().await;
    let operator = house.operator().await;
    for number in 0..5 {
        house.tenant(&format!("person{number}@acme.example")).await;
    }
    let mut seen = Vec::new();
    let mut path = "/v1/tenants?limit=2".to_owned();
    loop {
        let page = house.ask(Ask::get(&path).by(&operator)).await.expect(200).json();
        seen.extend(
            page["items"]
                .as_array()
                .expect("items")
                .iter()
                .map(|item| text(&item["id"])),
        );
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/v1/tenants?limit=2&cursor={cursor}");
    }
    let mut distinct = seen.clone();
    distinct.dedup();
    assert_eq!((seen.len(), distinct.len()), (5, 5));
    let mixed = Ask::get(path.replace("limit=2", "state=active")).by(&operator);
    assert_eq!(house.ask(mixed).await.expect(400).code(), "cursor-mismatch");
}

#[tokio::test]
async fn a_browser_session_needs_our_own_pages_to_change_something() {
    let house = House::open().await;
    let ada = house.tenant("ada@acme.example").await;
    let password = secrecy::SecretString::from(support::PASSWORD);
    let session = onboarding::sign_in::sign_in_browser(&house.app, &ada.email, &password)
        .await
        .expect("signed in");
    let cookie = format!("session={}", secrecy::ExposeSecret::expose_secret(&session.token));
    let path = format!("/v1/tenants/{}/connections", ada.tenant);
    let connect = |site: &str| {
        let ask = Ask::post(&path, json!({ "aws_account_id": "222222222222" }));
        house.ask(ask.with("cookie", &cookie).with("sec-fetch-site", site))
    };
    assert_eq!(
        connect("cross-site").await.expect(403).code(),
        "cross-site-request"
    );
    connect("same-origin").await.expect(201);
    let out = Ask::new("DELETE", "/v1/sessions/current")
        .with("cookie", &cookie)
        .with("sec-fetch-site", "same-origin");
    house.ask(out).await.expect(204);
    connect("same-origin").await.expect(401);
}

#[tokio::test]
async fn a_sign_in_link_works_once_and_not_for_long() {
    let house = House::open().await;
    house.operator().await;
    let email = "olga@isv.example".parse().expect("an address");
    let olga = onboarding::sign_in::create_operator(&house.app, &email, None)
        .await
        .expect("the same operator");
    let link = || async {
        let link = onboarding::sign_in::create_sign_in_link(&house.app, &olga)
            .await
            .expect("a link");
        link.rsplit('/').next().expect("a token").to_owned()
    };
    let token = link().await;
    assert!(
        onboarding::sign_in::redeem_sign_in_link(&house.app, &token)
            .await
            .is_ok()
    );
    assert!(
        onboarding::sign_in::redeem_sign_in_link(&house.app, &token)
            .await
            .is_err()
    );
    let late = link().await;
    house.world.advance(Duration::from_secs(16 * 60)).await;
    assert!(
        onboarding::sign_in::redeem_sign_in_link(&house.app, &late)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn unknown_routes_methods_and_bodies_are_problems() {
    let house = House::open().await;
    let ada = house.tenant("ada@acme.example").await;
    assert_eq!(
        house.ask(Ask::get("/v1/nothing")).await.expect(404).code(),
        "not-found"
    );
    assert_eq!(
        house.ask(Ask::new("PUT", "/v1/tenants")).await.expect(405).code(),
        "method-not-allowed"
    );
    let keyless = Ask::post("/v1/signups", json!({})).with("idempotency-key", "");
    assert_eq!(
        house.ask(keyless).await.expect(400).code(),
        "idempotency-key-missing"
    );
    let query = Ask::get("/v1/tenants?limit=0").by(&ada.token);
    assert_eq!(house.ask(query).await.expect(400).code(), "bad-query");
    let health = house.ask(Ask::get("/healthz")).await.expect(200);
    assert!(health.headers.contains_key("x-request-id"));
    let keys = house
        .ask(Ask::get("/.well-known/jwks.json"))
        .await
        .expect(200)
        .json();
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(2));
}
