//! From signup to a proven account, through HTTP; and what is refused on the way.

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::{Ask, House, PASSWORD};

#[tokio::test]
async fn a_stranger_becomes_a_tenant_with_a_proven_account() {
    let house = House::open().await;
    let ada = house.tenant("ada@acme.example").await;
    let connection = house.connect(&ada, "222222222222").await;
    assert_eq!(connection["state"], "awaiting_role");
    let link = connection["setup"]["quick_create_url"].as_str().expect("a link");
    assert!(
        link.contains("#/stacks/quickcreate?templateURL=http%3A%2F%2F"),
        "{link}"
    );

    house.probe().await;
    let waiting = house.connection(&ada, &connection["id"]).await;
    assert_eq!(waiting["state"], "awaiting_role");

    house.deploy("222222222222", &connection).await;
    house.probe().await;
    let proven = house.connection(&ada, &connection["id"]).await;
    assert_eq!(proven["state"], "ready", "{proven}");
    let rounds = proven["evidence"].as_array().expect("rounds");
    let clean = rounds
        .iter()
        .filter(|round| round["verdict"]["verdict"] == "clean")
        .count();
    assert_eq!(clean, 3);
    for probe in ["none", "random", "other_tenants"] {
        assert_eq!(rounds[0]["answers"][probe]["answer"], "access_denied", "{probe}");
    }

    let report = onboarding::audit::verify_all(&house.app)
        .await
        .expect("the chains");
    assert!(report.broken.is_empty() && report.entries > 0, "{report:?}");
}

#[tokio::test]
async fn signing_up_twice_gives_the_same_answer_and_one_tenant() {
    let house = House::open().await;
    let first = house.sign_up("ada@acme.example").await.expect(202);
    let one = house.token_in_mail("ada@acme.example").await.expect("a link");
    let second = house.sign_up(" Ada@ACME.example").await.expect(202);
    let two = house
        .token_in_mail("ada@acme.example")
        .await
        .expect("another link");
    let verify = |token: &str| Ask::post("/v1/signups/verify", json!({ "token": token }));
    house.ask(verify(&one)).await.expect(201);
    for token in [&one, &two, "no such token"] {
        let refused = house.ask(verify(token)).await.expect(422);
        assert_eq!(refused.code(), "token-not-usable");
    }
    let third = house.sign_up("ada@acme.example").await.expect(202);
    assert_eq!(first.bytes, second.bytes);
    assert_eq!(first.bytes, third.bytes);
    assert!(
        house.token_in_mail("ada@acme.example").await.is_none(),
        "a known address got a link"
    );

    let operator = house.operator().await;
    let fleet = house
        .ask(Ask::get("/v1/tenants").by(&operator))
        .await
        .expect(200)
        .json();
    assert_eq!(fleet["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_signups_mistakes_are_told_together() {
    let house = House::open().await;
    let body = json!({ "organisation": " ", "email": "ada", "password": "short" });
    let refused = house.ask(Ask::post("/v1/signups", body)).await.expect(422).json();
    let pointers: Vec<_> = refused["errors"]
        .as_array()
        .expect("fields")
        .iter()
        .map(|error| &error["pointer"])
        .collect();
    assert_eq!(pointers, ["/organisation", "/email", "/password"]);
    let unknown = json!({ "organisation": "A", "email": "a@b.example", "password": PASSWORD, "tenant": "x" });
    assert_eq!(
        house
            .ask(Ask::post("/v1/signups", unknown))
            .await
            .expect(422)
            .code(),
        "unknown-field"
    );
}

#[tokio::test]
async fn an_old_link_is_worth_nothing() {
    let house = House::open().await;
    house.sign_up("ada@acme.example").await.expect(202);
    let token = house.token_in_mail("ada@acme.example").await.expect("a link");
    house.world.advance(Duration::from_secs(72 * 3600 + 1)).await;
    let refused = house
        .ask(Ask::post("/v1/signups/verify", json!({ "token": token })))
        .await
        .expect(422);
    assert_eq!(refused.code(), "token-not-usable");
}

#[tokio::test]
async fn wrong_password_and_unknown_address_look_the_same() {
    let house = House::open().await;
    house.tenant("ada@acme.example").await;
    let try_it = |email: &str, password: &str| {
        house.ask(Ask::post(
            "/v1/sessions",
            json!({ "email": email, "password": password }),
        ))
    };
    let wrong = try_it("ada@acme.example", "not the password at all")
        .await
        .expect(401);
    let unknown = try_it("bob@acme.example", PASSWORD).await.expect(401);
    assert_eq!(wrong.bytes, unknown.bytes);
    assert_eq!(wrong.code(), "wrong-credentials");
}

#[tokio::test]
async fn a_refresh_token_works_once_and_its_reuse_ends_the_sign_in() {
    let house = House::open().await;
    let ada = house.tenant("ada@acme.example").await;
    let refresh = |token: &str| {
        house.ask(Ask::post(
            "/v1/sessions/refresh",
            json!({ "refresh_token": token }),
        ))
    };
    let next = refresh(&ada.refresh).await.expect(201).json();
    let next = next["refresh_token"].as_str().expect("a token");
    refresh(&ada.refresh).await.expect(401);
    refresh(next).await.expect(401);
}

#[tokio::test]
async fn an_expired_access_token_says_so() {
    let house = House::open().await;
    let ada = house.tenant("ada@acme.example").await;
    let see = || house.ask(Ask::get(format!("/v1/tenants/{}", ada.tenant)).by(&ada.token));
    see().await.expect(200);
    house.world.advance(Duration::from_secs(11 * 60)).await;
    assert_eq!(see().await.expect(401).code(), "credential-expired");
}

#[tokio::test]
async fn a_role_in_another_account_than_declared_is_never_trusted() {
    let house = House::open().await;
    let ada = house.tenant("ada@acme.example").await;
    let connection = house.connect(&ada, "222222222222").await;
    house.deploy("333333333333", &connection).await;
    house.probe().await;
    assert_eq!(
        house.connection(&ada, &connection["id"]).await["state"],
        "awaiting_role"
    );
}

const TEMPLATE: &str = include_str!("../../../infra/customer-account/role.yaml");
const CONDITION: &str = "              StringEquals:\n                sts:ExternalId: !Ref ExternalId\n";

/// A role whose lock is open is refused, and the reply names the statement.
async fn refused_with(condition: &str, probe: &str, words: &str) {
    assert!(TEMPLATE.contains(CONDITION), "the template reads otherwise");
    let house = House::open().await;
    let ada = house.tenant("ada@acme.example").await;
    let connection = house.connect(&ada, "222222222222").await;
    house
        .deploy_template(
            "222222222222",
            &connection,
            &TEMPLATE.replacen(CONDITION, condition, 1),
        )
        .await;
    house.probe().await;
    let refused = house.connection(&ada, &connection["id"]).await;
    assert_eq!(refused["state"], "quarantined", "{refused}");
    let round = &refused["evidence"][0];
    assert_eq!(round["verdict"]["cause"]["probe"], probe);
    let fault = round["fault"].as_str().unwrap_or_default();
    assert!(
        fault.contains("AssumeWithExternalId") && fault.contains(words),
        "{fault}"
    );
}

#[tokio::test]
async fn a_role_that_asks_for_no_external_id_is_refused() {
    refused_with("", "no_id", "does not name").await;
}

#[tokio::test]
async fn a_role_that_accepts_any_external_id_of_ours_is_refused() {
    let like = "              StringLike:\n                sts:ExternalId: \"tenantry-*\"\n";
    refused_with(like, "random_id", "StringLike").await;
}

#[tokio::test]
async fn a_role_that_forgives_a_missing_external_id_is_refused() {
    let if_exists = CONDITION.replace("StringEquals", "StringEqualsIfExists");
    refused_with(&if_exists, "no_id", "StringEqualsIfExists").await;
}

#[tokio::test]
async fn a_mended_role_heals_by_itself() {
    let house = House::open().await;
    let ada = house.tenant("ada@acme.example").await;
    let connection = house.connect(&ada, "222222222222").await;
    let open = TEMPLATE.replacen(CONDITION, "", 1);
    house.deploy_template("222222222222", &connection, &open).await;
    house.probe().await;
    let root = house.world.root_of("222222222222").await;
    let stack = connection["setup"]["stack_name"].as_str().expect("a name");
    root.delete_stack(stack).await.expect("deleted");
    house.deploy("222222222222", &connection).await;
    house.world.advance(Duration::from_secs(61)).await;
    house.probe().await;
    assert_eq!(house.connection(&ada, &connection["id"]).await["state"], "ready");
}

#[tokio::test]
async fn bad_account_ids_are_explained() {
    let house = House::open().await;
    let ada = house.tenant("ada@acme.example").await;
    let path = format!("/v1/tenants/{}/connections", ada.tenant);
    for bad in ["", "12345", "22222222222x", "2222222222222"] {
        let ask = Ask::post(&path, json!({ "aws_account_id": bad })).by(&ada.token);
        let refused = house.ask(ask).await.expect(422).json();
        assert_eq!(refused["errors"][0]["pointer"], "/aws_account_id", "{bad}");
    }
    house.connect(&ada, "222222222222").await;
    let again = Ask::post(&path, json!({ "aws_account_id": "222222222222" })).by(&ada.token);
    assert_eq!(house.ask(again).await.expect(409).code(), "already-exists");
    let sneaky = json!({ "aws_account_id": "333333333333", "external_id": "mine" });
    assert_eq!(
        house
            .ask(Ask::post(&path, sneaky).by(&ada.token))
            .await
            .expect(422)
            .code(),
        "unknown-field"
    );
}

#[tokio::test]
async fn a_connections_stream_ends_when_it_is_ready() {
    let house = House::open().await;
    let ada = house.tenant("ada@acme.example").await;
    let connection = house.connect(&ada, "222222222222").await;
    house.deploy("222222222222", &connection).await;
    house.probe().await;
    let path = format!(
        "/v1/connections/{}/events",
        connection["id"].as_str().expect("an id")
    );
    let stream = house.ask(Ask::get(path).by(&ada.token)).await.expect(200);
    let text = String::from_utf8(stream.bytes).expect("UTF-8");
    let data = text
        .lines()
        .find_map(|line| line.strip_prefix("data: "))
        .expect("an event");
    assert!(text.contains("event: done"), "{text}");
    let view: Value = serde_json::from_str(data).expect("JSON on one line");
    assert_eq!(view["state"], "ready");
}
