//! The routes: what an operator sees, and that nobody else sees anything.

use crate::support::Plant;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tenant_model::{Principal, TenantId, TenantRole, UserId};
use tower::ServiceExt;
use uuid::Uuid;

struct Door<'a> {
    plant: &'a Plant,
    router: Router,
}

impl<'a> Door<'a> {
    fn of(plant: &'a Plant) -> Self {
        let (router, _document) = analytics_export::router(plant.app.clone()).split_for_parts();
        Self { plant, router }
    }

    async fn ask(
        &self,
        who: Option<&Principal>,
        method: &str,
        path: &str,
        key: Option<&str>,
    ) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(who) = who {
            request = request.header("authorization", format!("Bearer {}", self.token(who)));
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let request = request.body(Body::empty()).expect("a request");
        let reply = self.router.clone().oneshot(request).await.expect("answers");
        let status = reply.status();
        let body = reply.into_body().collect().await.expect("a body").to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    fn token(&self, who: &Principal) -> String {
        let kit = &self.plant.world.kit;
        kit.authority
            .issue(who, None, kit.clock.now(), &kit.ids)
            .expect("a person's token")
            .token
    }
}

fn operator() -> Principal {
    Principal::Operator {
        user_id: UserId::from_uuid(Uuid::from_u128(1)),
    }
}

fn strangers() -> [Principal; 2] {
    let tenant_id = TenantId::from_uuid(Uuid::from_u128(2));
    let user_id = UserId::from_uuid(Uuid::from_u128(3));
    [
        Principal::Tenant {
            tenant_id,
            user_id,
            role: TenantRole::Admin,
        },
        Principal::Tenant {
            tenant_id,
            user_id,
            role: TenantRole::Member,
        },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_closes_a_window_and_sees_it_balance() {
    let plant = Plant::start().await;
    plant.book(1, 60).await;
    let door = Door::of(&plant);
    let (status, body) = door
        .ask(Some(&operator()), "POST", "/v1/exports", Some("close-1"))
        .await;
    assert_eq!(
        (status, &body["closing"]),
        (StatusCode::ACCEPTED, &Value::Bool(true))
    );
    plant.settle().await;
    let (status, list) = door.ask(Some(&operator()), "GET", "/v1/exports", None).await;
    assert_eq!(status, StatusCode::OK);
    let item = &list["items"][0];
    assert_eq!(
        (&item["state"], &item["balanced"], &item["rows"]),
        (&"committed".into(), &true.into(), &60.into())
    );
    let meter = &item["meters"][0];
    assert_eq!(meter["source"], meter["warehouse"]);
    assert_eq!(meter["source"], meter["s3"]);
    assert!(
        meter["source"]["quantity"].is_string(),
        "a quantity is never a float: {meter}"
    );
    let path = format!("/v1/exports/{}", item["id"].as_str().expect("an id"));
    let (status, detail) = door.ask(Some(&operator()), "GET", &path, None).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(detail["deliveries"][0]["state"], "verified");
    assert!(detail["files"].as_array().is_some_and(|files| !files.is_empty()));
    assert!(
        detail["manifest_key"]
            .as_str()
            .is_some_and(|key| key.starts_with("isv/v1/events/_manifests/"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_has_one_effect_and_the_same_answer() {
    let plant = Plant::start().await;
    let door = Door::of(&plant);
    let first = door
        .ask(Some(&operator()), "POST", "/v1/exports", Some("same"))
        .await;
    let again = door
        .ask(Some(&operator()), "POST", "/v1/exports", Some("same"))
        .await;
    assert_eq!(first, again);
    let (status, problem) = door.ask(Some(&operator()), "POST", "/v1/exports", None).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::BAD_REQUEST, &"idempotency-key-missing".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other_without_a_gap() {
    let plant = Plant::start().await;
    for batch in 0..3 {
        plant.book(batch, 5).await;
        plant.settle().await;
    }
    let door = Door::of(&plant);
    let (_, first) = door
        .ask(Some(&operator()), "GET", "/v1/exports?limit=2", None)
        .await;
    let cursor = first["next_cursor"].as_str().expect("more follows").to_owned();
    let (_, second) = door
        .ask(
            Some(&operator()),
            "GET",
            &format!("/v1/exports?limit=2&cursor={cursor}"),
            None,
        )
        .await;
    assert_eq!(second["next_cursor"], Value::Null);
    let ids = |page: &Value| -> Vec<String> {
        page["items"]
            .as_array()
            .expect("items")
            .iter()
            .map(|item| item["id"].to_string())
            .collect()
    };
    let mut all = [ids(&first), ids(&second)].concat();
    all.dedup();
    assert_eq!(all.len(), 3);
    let (status, problem) = door
        .ask(Some(&operator()), "GET", "/v1/exports?cursor=nonsense", None)
        .await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::BAD_REQUEST, &"bad-cursor".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_an_operator_sees_or_starts_an_export() {
    let plant = Plant::start().await;
    plant.book(1, 5).await;
    plant.settle().await;
    let door = Door::of(&plant);
    let id = analytics_export::exports::list(&plant.app, None, 1)
        .await
        .expect("reads")[0]
        .batch
        .id;
    let routes = [
        ("GET", "/v1/exports".to_owned()),
        ("GET", format!("/v1/exports/{id}")),
        ("GET", "/v1/exports/exp_00000000000000000000000000".to_owned()),
        ("POST", "/v1/exports".to_owned()),
    ];
    for (method, path) in &routes {
        let (status, _) = door.ask(None, method, path, Some("k")).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {path}");
        for stranger in strangers() {
            let (status, problem) = door.ask(Some(&stranger), method, path, Some("k")).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path} {problem}");
        }
    }
    let (status, _) = door
        .ask(
            Some(&operator()),
            "GET",
            "/v1/exports/exp_00000000000000000000000000",
            None,
        )
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (status, _) = door
        .ask(Some(&operator()), "GET", "/v1/exports/nonsense", None)
        .await;
    assert_eq!(
        status,
        StatusCode::NOT_FOUND,
        "an id that does not parse is a missing one"
    );
}
