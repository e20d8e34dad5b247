//! Losing access: each cause is named at the next watch, an answer that says nothing changes nothing, and what is
//! mended heals by itself.

mod support;

use std::time::Duration;

use local_aws::{Fault, FaultRule};
use serde_json::Value;
use support::{Ask, House, Person};

const ACCOUNT: &str = "222222222222";
/// Longer than the watch, shorter than a minute.
const WATCH: Duration = Duration::from_secs(31);

struct Scene {
    house: House,
    ada: Person,
    connection: Value,
}

impl Scene {
    /// A tenant whose connection is ready.
    async fn open() -> Self {
        let house = House::open().await;
        let ada = house.tenant("ada@acme.example").await;
        let connection = house.connect(&ada, ACCOUNT).await;
        house.deploy(ACCOUNT, &connection).await;
        house.probe().await;
        let scene = Self {
            house,
            ada,
            connection,
        };
        assert_eq!(scene.look().await["state"], "ready");
        scene
    }

    fn role(&self) -> &str {
        self.connection["setup"]["stack_name"].as_str().expect("a name")
    }

    async fn look(&self) -> Value {
        self.house.connection(&self.ada, &self.connection["id"]).await
    }

    /// Lets the next watch pass, and looks.
    async fn watch(&self) -> Value {
        self.house.world.advance(WATCH).await;
        while onboarding::verifying::verify_next(&self.house.app)
            .await
            .expect("a round")
        {}
        self.look().await
    }

    async fn refused_for(&self, cause: &str, words: &str) {
        let found = self.watch().await;
        assert_eq!(
            (&found["state"], &found["cause"]),
            (&"quarantined".into(), &cause.into()),
            "{found}"
        );
        let problem = found["problem"].as_str().expect("words");
        assert!(problem.contains(words), "{problem}");
    }

    async fn heals(&self) {
        assert_eq!(self.watch().await["state"], "ready", "one clean round is enough");
    }
}

#[tokio::test]
async fn a_deleted_role_is_named_and_heals_when_it_is_made_again() {
    let scene = Scene::open().await;
    let root = scene.house.world.root_of(ACCOUNT).await;
    root.delete_stack(scene.role()).await.expect("deleted");
    scene.refused_for("role_deleted", "was deleted").await;
    scene.house.deploy(ACCOUNT, &scene.connection).await;
    scene.heals().await;
}

#[tokio::test]
async fn a_changed_trust_is_named_and_heals_when_it_is_restored() {
    let scene = Scene::open().await;
    let root = scene.house.world.root_of(ACCOUNT).await;
    let nobody = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
        "Principal":{"AWS":"333333333333"}}]}"#;
    root.change_trust(scene.role(), nobody).await.expect("changed");
    scene.refused_for("trust_changed", "trust policy").await;
    root.delete_stack(scene.role()).await.expect("deleted");
    scene.house.deploy(ACCOUNT, &scene.connection).await;
    scene.heals().await;
}

#[tokio::test]
async fn a_shrunk_boundary_is_named_with_the_action_and_heals() {
    let scene = Scene::open().await;
    let root = scene.house.world.root_of(ACCOUNT).await;
    let looking = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
        "Action":["ec2:Describe*","iam:*"],"Resource":"*"}]}"#;
    root.bound_role(scene.role(), looking).await.expect("bound");
    scene
        .refused_for("permission_missing", "permissions boundary")
        .await;
    let problem = scene.look().await["problem"].to_string();
    assert!(problem.contains("ec2:CreateVpc"), "{problem}");
    root.unbound_role(scene.role()).await.expect("unbound");
    scene.heals().await;
}

#[tokio::test]
async fn a_denying_organisation_is_named_and_heals() {
    let scene = Scene::open().await;
    let control = &scene.house.world.control;
    let scp = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},
        {"Effect":"Deny","Action":"ec2:CreateInternetGateway","Resource":"*"}]}"#;
    control.set_scp(ACCOUNT, Some(scp)).expect("a policy");
    scene
        .refused_for("permission_missing", "service control policy")
        .await;
    control.set_scp(ACCOUNT, None).expect("ended");
    scene.heals().await;
}

#[tokio::test]
async fn a_refusal_without_a_reason_is_explained_by_simulation() {
    let scene = Scene::open().await;
    let silent = Fault::Error {
        status: 403,
        code: "UnauthorizedOperation".to_owned(),
        message: "You are not authorized to perform this operation.".to_owned(),
    };
    // The role's own documents allow it, and EC2 refuses: that leaves the organisation.
    scene
        .house
        .world
        .control
        .add_fault(FaultRule::on("CreateVpc", silent));
    scene
        .refused_for("permission_missing", "service control policy")
        .await;
}

#[tokio::test]
async fn a_disabled_region_is_named() {
    let house = House::open().await;
    let ada = house.tenant("ada@acme.example").await;
    let path = format!("/v1/tenants/{}/connections", ada.tenant);
    let body = serde_json::json!({ "aws_account_id": ACCOUNT, "region": "eu-south-1" });
    let connection = house
        .ask(Ask::post(path, body).by(&ada.token))
        .await
        .expect(201)
        .json();
    house.deploy(ACCOUNT, &connection).await;
    house.probe().await;
    let found = house.connection(&ada, &connection["id"]).await;
    assert_eq!(
        (&found["state"], &found["cause"]),
        (&"quarantined".into(), &"region_disabled".into())
    );
    assert!(found["problem"].as_str().expect("words").contains("eu-south-1"));
}

#[tokio::test]
async fn throttling_an_outage_and_a_clock_change_no_state_and_are_named() {
    let error = |status, code: &str| Fault::Error {
        status,
        code: code.to_owned(),
        message: "no".to_owned(),
    };
    let table = [
        (Fault::Throttle, "throttled"),
        (error(403, "SignatureDoesNotMatch"), "clock"),
        (error(503, "ServiceUnavailable"), "no_answer"),
        (Fault::ServerError, "no_answer"),
    ];
    let scene = Scene::open().await;
    let control = &scene.house.world.control;
    for (fault, kind) in table {
        control.add_fault(FaultRule::on("AssumeRole", fault));
        let found = scene.watch().await;
        assert_eq!(found["state"], "ready", "{kind}");
        assert_eq!(found["doubt"]["kind"], kind);
        assert!(
            found["doubt"]["meaning"]
                .as_str()
                .expect("words")
                .contains("Nothing is wrong with your role")
        );
        control.clear_faults();
        let found = scene.watch().await;
        assert_eq!(
            (&found["state"], &found["doubt"]),
            (&"ready".into(), &Value::Null),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn both_sides_are_told_when_work_stops_and_when_it_goes_on() {
    let scene = Scene::open().await;
    scene.house.operator().await;
    let root = scene.house.world.root_of(ACCOUNT).await;
    root.delete_stack(scene.role()).await.expect("deleted");
    scene.refused_for("role_deleted", "was deleted").await;
    scene.house.deploy(ACCOUNT, &scene.connection).await;
    scene.heals().await;
    let mails = onboarding::mail::list_recent(&scene.house.app, 50)
        .await
        .expect("the outbox");
    for reader in ["ada@acme.example", "olga@isv.example"] {
        let subjects: Vec<_> = mails
            .iter()
            .filter(|mail| mail.recipient.as_str() == reader)
            .collect();
        let told = |words: &str| subjects.iter().any(|mail| mail.subject.contains(words));
        assert!(told("stands still") && told("goes on"), "{reader}");
    }
    let external_id = scene.connection["setup"]["parameters"]["ExternalId"]
        .as_str()
        .expect("an id");
    assert!(mails.iter().all(|mail| !mail.body.contains(external_id)));
}

#[tokio::test]
async fn a_silent_region_is_one_incident_and_no_connection_changes() {
    let scene = Scene::open().await;
    let mut all = vec![scene.connection.clone()];
    for account in ["333333333333", "444444444444", "555555555555"] {
        let connection = scene.house.connect(&scene.ada, account).await;
        scene.house.deploy(account, &connection).await;
        all.push(connection);
    }
    scene.house.probe().await;
    let operator = scene.house.operator().await;
    let incidents = || async {
        let ask = Ask::get("/v1/incidents").by(&operator);
        scene.house.ask(ask).await.expect(200).json()["items"]
            .as_array()
            .cloned()
            .expect("items")
    };
    assert!(incidents().await.is_empty());
    let control = &scene.house.world.control;
    control.add_fault(FaultRule::on("AssumeRole", Fault::ServerError));
    scene.watch().await;
    scene.watch().await;
    for connection in &all {
        let found = scene.house.connection(&scene.ada, &connection["id"]).await;
        assert_eq!(
            (&found["state"], &found["doubt"]["kind"]),
            (&"ready".into(), &"no_answer".into())
        );
    }
    let open = incidents().await;
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!(
        (&open[0]["region"], &open[0]["ended_at"]),
        (&"eu-central-1".into(), &Value::Null)
    );
    control.clear_faults();
    scene.watch().await;
    let ended = incidents().await;
    assert!(ended.len() == 1 && !ended[0]["ended_at"].is_null(), "{ended:?}");
}
