//! What a proof asks beside the trust: what the role may do, and what it must not; and the evidence of it.

mod support;

use local_aws::{Fault, FaultRule};
use onboarding::evidence::EVIDENCE_TYPE;
use serde_json::Value;
use service_kit::auth::verify_document;
use support::{Ask, House, Person};

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
}
