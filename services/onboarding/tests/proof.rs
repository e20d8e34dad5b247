//! What a proof asks beside the trust: what the role may do, and what it must not; and the evidence of it.

mod support;

use local_aws::{Fault, FaultRule};
use onboarding::evidence::{EVIDENCE_TYPE, PROOF_TYPE};
use onboarding::{connections, verifying};
use serde_json::Value;
use service_kit::auth::verify_document;
use support::{Ask, House, Person};
use tenant_model::permissions::NEEDS;
use tenant_model::simulation::ESCALATIONS;

const TEMPLATE: &str = include_str!("../../../infra/customer-account/role.yaml");
const ACCOUNT: &str = "222222222222";

/// A connection whose role was made from our template with one text replaced by another.
async fn connected_with(house: &House, from: &str, to: &str) -> (Person, Value) {
    assert!(TEMPLATE.contains(from), "the template reads otherwise");
    let ada = house.tenant("ada@acme.example").await;
    let connection = house.connect(&ada, ACCOUNT).await;
    let template = TEMPLATE.replacen(from, to, 1);
    house.deploy_template(ACCOUNT, &connection, &template).await;
    house.probe().await;
    let connection = house.connection(&ada, &connection["id"]).await;
    (ada, connection)
}

async fn refused_for(from: &str, to: &str) -> Value {
    let house = House::open().await;
    let (_, connection) = connected_with(&house, from, to).await;
    assert_eq!(connection["state"], "quarantined", "{connection}");
    connection["evidence"][0]["verdict"]["cause"].clone()
}

#[tokio::test]
async fn a_role_without_a_permission_that_we_need_is_refused_and_the_permission_named() {
    let cause = refused_for(
        "              - ec2:AllocateAddress\n",
        "              - ec2:ReleaseAddress\n",
    )
    .await;
    assert_eq!(cause["kind"], "permission_missing");
    assert_eq!(
        (&cause["action"], &cause["by"]),
        (&"ec2:AllocateAddress".into(), &"role".into())
    );
}

#[tokio::test]
async fn a_role_that_cannot_show_its_trust_is_refused() {
    let cause = refused_for("              - iam:GetRole\n", "").await;
    assert_eq!(
        (&cause["kind"], &cause["action"]),
        (&"permission_missing".into(), &"iam:GetRole".into())
    );
}

#[tokio::test]
async fn a_role_that_refuses_to_know_who_acts_is_refused() {
    let tags = "              - sts:TagSession\n              - sts:SetSourceIdentity\n";
    let cause = refused_for(tags, "              - sts:SetSourceIdentity\n").await;
    assert_eq!(
        (&cause["kind"], &cause["action"]),
        (&"permission_missing".into(), &"sts:TagSession".into())
    );
}

#[tokio::test]
async fn a_role_that_may_do_what_nobody_needs_is_refused() {
    // The whole of EC2 on every resource, in the statement that is about the role itself.
    let own_role = "              - iam:SimulatePrincipalPolicy\n            Resource:\n              - !Sub \"arn:aws:iam::${AWS::AccountId}:role/tenantry/${RoleName}\"\n";
    let everything = "              - iam:SimulatePrincipalPolicy\n              - ec2:*\n            Resource:\n              - \"*\"\n";
    let wide = TEMPLATE.replacen(own_role, everything, 1).replacen(
        "      PermissionsBoundary: !Ref Boundary\n",
        "",
        1,
    );
    assert_ne!(wide, TEMPLATE);
    let house = House::open().await;
    let ada = house.tenant("ada@acme.example").await;
    let connection = house.connect(&ada, ACCOUNT).await;
    house.deploy_template(ACCOUNT, &connection, &wide).await;
    house.probe().await;
    let refused = house.connection(&ada, &connection["id"]).await;
    let cause = &refused["evidence"][0]["verdict"]["cause"];
    assert_eq!(
        (&cause["kind"], &cause["action"]),
        (&"role_too_wide".into(), &"ec2:CreateVpc".into())
    );
}

#[tokio::test]
async fn what_else_is_attached_to_the_role_adds_nothing() {
    let attached = "        - !Ref Permissions\n        - arn:aws:iam::aws:policy/AdministratorAccess\n";
    let house = House::open().await;
    let (_, connection) = connected_with(&house, "        - !Ref Permissions\n", attached).await;
    assert_eq!(connection["state"], "ready", "the boundary holds: {connection}");
}

#[tokio::test]
async fn dry_runs_change_nothing() {
    let house = House::open().await;
    let networks = |house: &House| {
        let all = house.world.control.inventory_of(ACCOUNT);
        all.into_iter()
            .filter(|item| item.kind.starts_with("ec2:"))
            .count()
    };
    let before = networks(&house);
    let (_, connection) = connected_with(&house, "", "").await;
    assert_eq!(connection["state"], "ready");
    assert_eq!(networks(&house), before);
}

#[tokio::test]
async fn a_throttled_probe_is_unknown_and_never_safe() {
    let house = House::open().await;
    let rule = FaultRule::on("AssumeRole", Fault::Throttle).nth(2);
    for operation in ["AssumeRole", "GetRole", "CreateVpc"] {
        house.world.control.add_fault(FaultRule {
            operation: Some(operation.to_owned()),
            ..rule.clone()
        });
    }
    // The SDK asks a read thrice; each of those is refused too.
    house
        .world
        .control
        .add_fault(FaultRule::on("AllocateAddress", Fault::Throttle));
    let (ada, connection) = connected_with(&house, "", "").await;
    assert_ne!(connection["state"], "ready");
    assert_ne!(connection["state"], "quarantined");
    house.world.control.clear_faults();
    house.probe().await;
    assert_eq!(house.connection(&ada, &connection["id"]).await["state"], "ready");
}

#[tokio::test]
async fn the_evidence_can_be_checked_without_us_and_tells_no_external_id() {
    let house = House::open().await;
    let (ada, connection) = connected_with(&house, "", "").await;
    let id = connection["id"].as_str().expect("an id");
    let ask = Ask::get(format!("/v1/connections/{id}/evidence")).by(&ada.token);
    let answer = house.ask(ask).await.expect(200);
    let name = answer.headers["content-disposition"].to_str().expect("ASCII");
    assert!(name.contains(&format!("evidence-{id}.json")), "{name}");
    let text = String::from_utf8(answer.bytes.clone()).expect("UTF-8");
    let external_id = connection["setup"]["parameters"]["ExternalId"]
        .as_str()
        .expect("an id");
    assert!(!text.contains(external_id));

    let keys = house
        .ask(Ask::get("/.well-known/jwks.json"))
        .await
        .expect(200)
        .json();
    let file = answer.json();
    let jws = file["jws"].as_str().expect("a signature");
    let signed = verify_document(&keys, EVIDENCE_TYPE, jws).expect("a good signature");
    assert_eq!(signed, file["document"]);
    assert_eq!(signed["state"], "ready");
    let rounds = signed["rounds"].as_array().expect("rounds");
    assert!(
        rounds
            .iter()
            .filter(|round| round["verdict"]["verdict"] == "clean")
            .count()
            >= 3
    );
    assert_eq!(rounds[0]["answers"]["needed"].as_array().map(Vec::len), Some(6));
    assert_eq!(
        rounds[0]["answers"]["forbidden"].as_array().map(Vec::len),
        Some(6)
    );
    assert_eq!(rounds[0]["answers"]["trust"]["reading"], "sound");
    let simulated = |name: &str| rounds[0]["answers"][name].as_array().map_or(0, Vec::len);
    assert_eq!(
        simulated("simulated_needed"),
        NEEDS.len() - 6,
        "all but the dry runs"
    );
    assert_eq!(simulated("simulated_forbidden"), ESCALATIONS.len());
}

#[tokio::test]
async fn each_round_is_kept_as_it_was_signed() {
    let house = House::open().await;
    let (ada, connection) = connected_with(&house, "", "").await;
    let id = connection["id"].as_str().expect("an id");
    let path = format!("/v1/connections/{id}/proofs");
    let list = |query: &str| house.ask(Ask::get(format!("{path}{query}")).by(&ada.token));
    let all = list("").await.expect(200).json();
    let items = all["items"].as_array().expect("items");
    let clean = items.iter().filter(|item| item["verdict"] == "clean");
    assert_eq!(clean.count(), 3, "{all}");
    assert!(
        items
            .iter()
            .all(|item| item["whole"] == true && item["needed_dry_runs"] == 6)
    );

    let first = list("?limit=1").await.expect(200).json();
    assert_eq!(first["items"][0]["round"], items[0]["round"], "the newest first");
    let cursor = first["next_cursor"].as_str().expect("more");
    let second = list(&format!("?limit=1&cursor={cursor}"))
        .await
        .expect(200)
        .json();
    assert_eq!(second["items"][0]["round"], items[1]["round"]);

    let keys = house
        .ask(Ask::get("/.well-known/jwks.json"))
        .await
        .expect(200)
        .json();
    let external_id = connection["setup"]["parameters"]["ExternalId"]
        .as_str()
        .expect("an id");
    for item in items {
        let at = item["document"].as_str().expect("an address");
        let answer = house.ask(Ask::get(at).by(&ada.token)).await.expect(200);
        assert!(!String::from_utf8_lossy(&answer.bytes).contains(external_id));
        let file = answer.json();
        let signed = verify_document(&keys, PROOF_TYPE, file["jws"].as_str().expect("signed"));
        assert_eq!(signed.expect("a good signature"), file["document"]);
        assert_eq!(file["document"]["round"]["at"], item["at"]);
    }
    let stranger = house.tenant("eve@evil.example").await;
    let at = items[0]["document"].as_str().expect("an address");
    for path in [path.as_str(), at] {
        house.ask(Ask::get(path).by(&stranger.token)).await.expect(404);
    }
    for path in [format!("{path}/x"), format!("{path}/999999")] {
        house.ask(Ask::get(path).by(&ada.token)).await.expect(404);
    }
}

#[tokio::test]
async fn the_rounds_of_a_proof_are_half_a_minute_apart_and_a_new_one_is_due_each_day() {
    let house = House::open().await;
    let ada = house.tenant("ada@acme.example").await;
    let connection = house.connect(&ada, ACCOUNT).await;
    house.deploy(ACCOUNT, &connection).await;
    let rounds = |house: &House| {
        let calls = house.world.control.calls();
        calls.iter().filter(|call| call.operation == "GetRole").count()
    };
    let step = |seconds| house.world.advance(std::time::Duration::from_secs(seconds));
    for (wait, expected) in [(0, 1), (29, 1), (2, 2), (29, 2), (2, 3)] {
        step(wait).await;
        while verifying::verify_next(&house.app).await.expect("a round") {}
        assert_eq!(rounds(&house), expected, "after {wait} s more");
    }
    assert_eq!(house.connection(&ada, &connection["id"]).await["state"], "ready");
    let reproof = u64::try_from(house.app.config.reproof_seconds).expect("positive");
    let watch = u64::try_from(house.app.config.watch_seconds).expect("positive");
    let mut waited = 0;
    while waited <= reproof + watch {
        step(watch).await;
        waited += watch;
        while verifying::verify_next(&house.app).await.expect("a round") {}
    }
    assert_eq!(rounds(&house), 4, "one whole proof more, and watches in between");
}

#[tokio::test]
async fn an_end_says_by_whom_and_until_when_a_session_may_last() {
    let house = House::open().await;
    let open = "                sts:ExternalId: !Ref ExternalId\n";
    let (ada, connection) = connected_with(
        &house,
        open,
        "                aws:PrincipalAccount: !Ref VendorAccountId\n",
    )
    .await;
    assert_eq!(
        (&connection["state"], &connection["cause"]),
        (&"quarantined".into(), &"lock_open".into())
    );
    let path = format!("/v1/connections/{}", connection["id"].as_str().expect("an id"));
    let seen = house.ask(Ask::get(&path).by(&ada.token)).await.expect(200).etag();
    let end = Ask::new("DELETE", &path).with("if-match", &seen).by(&ada.token);
    let ended = house.ask(end).await.expect(200).json();
    assert_eq!(
        (&ended["state"], &ended["ended"]["by"]),
        (&"revoked".into(), &"tenant".into())
    );
    let time = |name: &str| {
        ended["ended"][name]
            .as_str()
            .expect("a time")
            .parse::<chrono::DateTime<chrono::Utc>>()
    };
    let residual = time("residual_until").expect("a time") - time("at").expect("a time");
    assert_eq!(residual.num_minutes(), 15);
    let calls = house.world.control.calls().len();
    house.probe().await;
    assert_eq!(house.world.control.calls().len(), calls, "nobody looks any more");
}

#[tokio::test]
async fn an_open_wizard_is_looked_after_and_a_closed_one_more_rarely() {
    let house = House::open().await;
    let ada = house.tenant("ada@acme.example").await;
    let connection = house.connect(&ada, ACCOUNT).await;
    let id = connection["id"].as_str().expect("an id").parse().expect("an id");
    let looks = |house: &House| {
        let calls = house.world.control.calls();
        calls.iter().filter(|call| call.operation == "AssumeRole").count()
    };
    let second = || house.world.advance(std::time::Duration::from_secs(1));
    for _ in 0..70 {
        while verifying::verify_next(&house.app).await.expect("a look") {}
        second().await;
    }
    let closed = looks(&house);
    for _ in 0..20 {
        while verifying::verify_next(&house.app).await.expect("a look") {}
        second().await;
    }
    assert!(
        looks(&house) <= closed + 2,
        "rarer with nobody there: {closed} then {}",
        looks(&house)
    );
    let mut tx = house.app.stores.begin_ops().await.expect("a transaction");
    let found = tenant_store::connections::find(&mut tx, id)
        .await
        .expect("reads")
        .expect("is there");
    drop(tx);
    let before = looks(&house);
    for _ in 0..20 {
        connections::note_watched(&house.app, &found)
            .await
            .expect("noted");
        while verifying::verify_next(&house.app).await.expect("a look") {}
        second().await;
    }
    assert!(
        looks(&house) >= before + 15,
        "every second with the page open: {before} then {}",
        looks(&house)
    );
}
