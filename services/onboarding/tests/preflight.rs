//! Whether a wish fits into an account as it is: the checks on the local AWS, through HTTP.

mod support;

use std::time::Duration;

use aws_access::ec2::{Furnished, Mark, Scope};
use local_aws::{Fault, FaultRule};
use serde_json::{Value, json};
use support::{Ask, House, Person};
use tenant_model::{
    convergence::Call,
    given_network::GivenNetwork,
    ids::{DeploymentId, TenantId},
    preflight::CHECKS,
};
use uuid::Uuid;

const ACCOUNT: &str = "222222222222";
const REGION: &str = "eu-central-1";

struct Scene {
    house: House,
    ada: Person,
    path: String,
}

impl Scene {
    async fn open() -> Self {
        let house = House::open().await;
        let ada = house.tenant("ada@acme.example").await;
        let connection = house.connect(&ada, ACCOUNT).await;
        house.deploy(ACCOUNT, &connection).await;
        house.probe().await;
        let path = format!(
            "/v1/connections/{}/preflight",
            connection["id"].as_str().expect("an id")
        );
        Self { house, ada, path }
    }

    /// The customer makes a network of its own.
    async fn network_of_others(&self, cidr: &str) {
        let scope = Scope {
            install: "somebody else".to_owned(),
            tenant_id: TenantId::from_uuid(Uuid::from_u128(1)),
            deployment_id: DeploymentId::from_uuid(Uuid::from_u128(2)),
        };
        let mark = Mark {
            scope: &scope,
            name: "theirs",
            intent: Uuid::from_u128(3),
            token: "theirs",
        };
        let call = Call::CreateVpc {
            cidr: cidr.to_owned(),
        };
        let root = self.house.world.root_of(ACCOUNT).await;
        root.ec2().carry_out(&call, &mark).await.expect("a network");
    }

    async fn wish(&self, body: Value) -> Value {
        let ask = Ask::post(&self.path, body).by(&self.ada.token);
        self.house.ask(ask).await.expect(202);
        self.look().await
    }

    /// What provisioning reads.
    async fn network(&self) -> Option<GivenNetwork> {
        let id = self
            .path
            .split('/')
            .nth(3)
            .expect("an id")
            .parse()
            .expect("an id");
        let mut tx = self.house.app.stores.begin_ops().await.expect("a transaction");
        let found = tenant_store::preflights::find(&mut tx, id).await.expect("reads");
        found.expect("a wish").network
    }

    async fn look(&self) -> Value {
        while onboarding::preflight::check_next(&self.house.app)
            .await
            .expect("checks")
        {}
        self.house
            .ask(Ask::get(&self.path).by(&self.ada.token))
            .await
            .expect(200)
            .json()
    }
}

fn result<'a>(preflight: &'a Value, name: &str) -> &'a Value {
    let checks = preflight["checks"].as_array().expect("checks");
    let names: Vec<_> = checks
        .iter()
        .map(|check| check["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(names, CHECKS, "all run, none hides another");
    checks
        .iter()
        .find(|check| check["name"] == name)
        .expect("the check")
}

fn fix(preflight: &Value, name: &str) -> String {
    let check = result(preflight, name);
    assert_eq!(check["result"], "failed", "{check}");
    check["fix"].as_str().expect("a fix").to_owned()
}

#[tokio::test]
async fn a_proven_account_is_checked_by_itself_and_passes() {
    let scene = Scene::open().await;
    let first = scene.look().await;
    assert_eq!(first["state"], "passed", "{first}");
    for check in first["checks"].as_array().expect("checks") {
        assert!(check["why"].as_str().is_some_and(|why| why.len() > 20), "{check}");
    }
}

#[tokio::test]
async fn full_quotas_are_told_with_the_number_to_ask_for_and_pass_once_granted() {
    let scene = Scene::open().await;
    let control = &scene.house.world.control;
    for code in ["L-1216C47A", "L-0263D0A3", "L-F678F1CE"] {
        assert!(control.set_quota((ACCOUNT, REGION), code, 0));
    }
    let full = scene.wish(json!({ "instance_type": "m6i.large" })).await;
    assert_eq!(full["state"], "failed");
    assert!(fix(&full, "vcpus").contains("value 2 for L-1216C47A"));
    assert!(fix(&full, "addresses").contains("value 1 for L-0263D0A3"));
    assert!(fix(&full, "vpcs").contains("for L-F678F1CE"));
    assert_eq!(result(&full, "zones")["result"], "passed");

    for code in ["L-1216C47A", "L-0263D0A3", "L-F678F1CE"] {
        control.set_quota((ACCOUNT, REGION), code, 50);
    }
    scene.house.world.advance(Duration::from_secs(601)).await;
    let (token, _) = scene.house.sign_in("ada@acme.example").await;
    while onboarding::preflight::check_next(&scene.house.app)
        .await
        .expect("checks")
    {}
    let granted = scene
        .house
        .ask(Ask::get(&scene.path).by(&token))
        .await
        .expect(200)
        .json();
    assert_eq!(granted["state"], "passed", "{granted}");
    assert_eq!(granted["instance_type"], "m6i.large", "the wish was kept");
}

#[tokio::test]
async fn a_clash_with_another_network_proposes_the_next_free_block() {
    let scene = Scene::open().await;
    scene.network_of_others("172.31.0.0/16").await;
    let clash = scene.wish(json!({ "vpc_cidr": "172.31.0.0/16" })).await;
    assert!(
        fix(&clash, "network").contains("next free one is 10.0.0.0/16"),
        "{clash}"
    );
    let free = scene.wish(json!({ "vpc_cidr": "10.0.0.0/16" })).await;
    assert_eq!(result(&free, "network")["result"], "passed");
}

#[tokio::test]
async fn a_network_of_the_tenants_is_looked_for_by_its_tag() {
    let scene = Scene::open().await;
    let own = scene.wish(json!({ "existing_vpc": true })).await;
    assert!(fix(&own, "network").contains("tenantry:use"), "{own}");
    assert_eq!(
        (&own["existing_vpc"], &own["vpc_cidr"]),
        (&true.into(), &Value::Null)
    );
}

#[tokio::test]
async fn an_existing_network_with_all_it_needs_is_found_with_its_subnets() {
    let scene = Scene::open().await;
    let root = scene.house.world.root_of(ACCOUNT).await;
    let wanted = Furnished {
        tenant_id: scene.ada.tenant.parse().expect("an id"),
        prefix: "10.99",
        zones: &["eu-central-1b", "eu-central-1a"],
        private: true,
    };
    let vpc = root.ec2().furnish(&wanted).await.expect("a network");
    let found = scene.wish(json!({ "existing_vpc": true })).await;
    assert_eq!(result(&found, "network")["result"], "passed", "{found}");
    assert_eq!(found["network"]["vpc"], vpc);
    let given = scene.network().await.expect("remembered");
    let zones: Vec<_> = given.public.iter().map(|subnet| subnet.zone.as_str()).collect();
    assert_eq!(zones, ["eu-central-1a"], "one machine needs one zone, the first");
    let before = scene.house.world.control.inventory_of(ACCOUNT);

    root.ec2().withdraw_network(&vpc).await.expect("withdrawn");
    let gone = scene.wish(json!({ "existing_vpc": true })).await;
    assert!(fix(&gone, "network").contains("tag exactly one VPC"), "{gone}");
    assert_eq!((&gone["network"], scene.network().await), (&Value::Null, None));
    // Nothing of the customer's was touched by looking.
    let after = scene.house.world.control.inventory_of(ACCOUNT);
    assert_eq!(before.len(), after.len());
}

#[tokio::test]
async fn a_key_of_the_accounts_own_is_told_until_it_can_be_used() {
    let scene = Scene::open().await;
    let root = scene.house.world.root_of(ACCOUNT).await;
    let key = root.make_key().await.expect("a key");
    root.ec2().set_volume_key(&key).await.expect("set");
    let own = scene.wish(json!({})).await;
    assert!(fix(&own, "encryption_key").contains("kms:CreateGrant"), "{own}");
    root.disable_key(&key).await.expect("disabled");
    let disabled = scene.wish(json!({})).await;
    assert!(
        fix(&disabled, "encryption_key").contains("Enable the key"),
        "{disabled}"
    );
    root.ec2()
        .set_volume_key("alias/aws/ebs")
        .await
        .expect("set back");
    let managed = scene.wish(json!({})).await;
    assert_eq!(
        result(&managed, "encryption_key")["result"],
        "passed",
        "{managed}"
    );
}

#[tokio::test]
async fn a_refused_call_and_a_silent_one_are_told_apart() {
    let scene = Scene::open().await;
    let control = &scene.house.world.control;
    let scp = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},
        {"Effect":"Deny","Action":"ec2:AllocateAddress","Resource":"*"}]}"#;
    control.set_scp(ACCOUNT, Some(scp)).expect("a policy");
    control.add_fault(FaultRule::on("DescribeInstanceTypeOfferings", Fault::Throttle));
    let checked = scene.wish(json!({})).await;
    assert!(
        result(&checked, "permissions")["found"]
            .to_string()
            .contains("ec2:AllocateAddress")
    );
    assert_eq!(result(&checked, "zones")["result"], "unknown");
    assert_eq!(result(&checked, "vcpus")["result"], "passed");
}

#[tokio::test]
async fn what_is_typed_wrong_is_told_and_strangers_see_nothing() {
    let scene = Scene::open().await;
    let body = json!({ "instance_type": "z9.huge", "vpc_cidr": "10.0.0.0/8" });
    let ask = Ask::post(&scene.path, body).by(&scene.ada.token);
    let refused = scene.house.ask(ask).await.expect(422).json();
    let pointers: Vec<_> = refused["errors"]
        .as_array()
        .expect("fields")
        .iter()
        .map(|error| &error["pointer"])
        .collect();
    assert_eq!(pointers, ["/instance_type", "/vpc_cidr"]);
    let eve = scene.house.tenant("eve@evil.example").await;
    scene
        .house
        .ask(Ask::get(&scene.path).by(&eve.token))
        .await
        .expect(404);
    scene
        .house
        .ask(Ask::post(&scene.path, json!({})).by(&eve.token))
        .await
        .expect(404);
}

#[tokio::test]
async fn looking_makes_nothing() {
    let scene = Scene::open().await;
    let things = |scene: &Scene| scene.house.world.control.inventory_of(ACCOUNT).len();
    let before = things(&scene);
    scene.wish(json!({})).await;
    assert_eq!(things(&scene), before);
}
