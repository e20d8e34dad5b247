//! A deployment is deleted only with a certificate, and the certificate says nothing that the account does not show.

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use aws_access::{
    SessionIdentity, StepClass, TenantRole,
    ec2::{Mark, Scope},
};
use local_aws::LagSettings;
use serde_json::{Value, json};
use service_kit::auth::verify_file;
use support::{Customer, Installation, Moment};
use tenant_model::{certificate::CERTIFICATE_TYPE, convergence::Call, deployment::Phase, ids::DeploymentId};
use tenant_provisioning::{call_log, documents};
use tenant_store::{certificates::Certificate, connections};
use uuid::Uuid;

async fn ready(installation: &Installation, customer: &Customer) -> DeploymentId {
    let id = installation.approved(customer).await.deployment_id;
    installation.until(id, Phase::Ready).await;
    id
}

async fn delete(installation: &Installation, id: DeploymentId) {
    installation.deleted(id).await;
}

async fn certificate(installation: &Installation, id: DeploymentId) -> Certificate {
    documents::certificate(&installation.app, None, id)
        .await
        .expect("a certificate")
}

fn ids(certificate: &Certificate) -> BTreeSet<String> {
    let ids = certificate.document["ids"].as_array().expect("ids");
    for one in ids {
        assert!(
            one["created_at"].is_string() && one["gone_at"].is_string(),
            "{one}"
        );
    }
    let text = |one: &Value| one["aws_id"].as_str().expect("an id").to_owned();
    // Names in our own zone are certified as well; they are not in the account.
    let in_account = ids.iter().filter(|one| one["kind"] != "dns_record");
    in_account.map(text).collect()
}

/// What the endpoint has under the deployment's tags, without what hangs on the instance and has no row of its own.
fn in_account(installation: &Installation, customer: &Customer) -> BTreeSet<String> {
    let items = installation.world.control.inventory_of(&customer.account);
    let ours = items.into_iter().filter(|item| {
        let hangs = ["ec2:volume", "ec2:network-interface"].contains(&item.kind.as_str());
        item.tags.contains_key("tenantry:deployment") && !hangs
    });
    ours.map(|item| item.id).collect()
}

#[tokio::test]
async fn a_certificate_accounts_for_everything_that_ever_was_and_shows_any_change() {
    let installation = Installation::start().await;
    let acme = installation.customer(1).await;
    let id = ready(&installation, &acme).await;
    let there = in_account(&installation, &acme);
    assert_eq!(there.len(), 7);
    delete(&installation, id).await;
    installation.until(id, Phase::Deleted).await;

    let certificate = certificate(&installation, id).await;
    assert_eq!(ids(&certificate), there);
    let document = &certificate.document;
    assert_eq!(document["aws_account_id"], acme.account);
    assert_eq!(document["retained"], json!([]));
    let sweeps = document["sweeps"].as_array().expect("sweeps");
    assert_eq!(sweeps.len(), 2);
    for sweep in sweeps {
        let regions = sweep["regions"].as_object().expect("regions");
        assert!(
            regions.len() >= 2 && regions.contains_key("eu-central-1"),
            "{regions:?}"
        );
        assert!(regions.values().all(|looked| looked["left"] == json!([])));
    }
    assert!(document["ledger"]["sequence"].as_i64() > Some(50));

    let keys = installation.app.kit.authority.jwks();
    let file = json!({"document": document, "jws": certificate.jws})
        .to_string()
        .into_bytes();
    verify_file(&keys, CERTIFICATE_TYPE, &file).expect("good");
    for place in 0..file.len() {
        let mut other = file.clone();
        other[place] ^= 1 << (place % 7);
        assert!(
            verify_file(&keys, CERTIFICATE_TYPE, &other).is_err(),
            "byte {place}"
        );
    }
}

#[tokio::test]
async fn two_sweeps_lie_a_quarter_of_an_hour_apart() {
    let mut installation = Installation::start().await;
    installation.app.config.sweep_interval = Duration::from_secs(900);
    let acme = installation.customer(1).await;
    let id = ready(&installation, &acme).await;
    delete(&installation, id).await;
    for _ in 0..60 {
        installation.work().await;
    }
    installation.assert_empty(&acme, "nothing is left");
    assert_eq!(
        installation.deployment(id).await.phase,
        Phase::Deleting,
        "after one look"
    );
    installation.world.advance(Duration::from_secs(900)).await;
    installation.until(id, Phase::Deleted).await;
    let certificate = certificate(&installation, id).await;
    let time = |sweep: usize, name: &str| {
        let text = certificate.document["sweeps"][sweep][name]
            .as_str()
            .expect("a time");
        text.parse::<chrono::DateTime<chrono::Utc>>().expect("a time")
    };
    let apart = time(1, "started_at") - time(0, "completed_at");
    assert!(apart.num_seconds() >= 900, "{apart}");
}

#[tokio::test]
async fn killed_at_any_call_of_a_deletion_it_is_still_certified() {
    let installation = Installation::start().await;
    let first = installation.customer(0).await;
    let id = ready(&installation, &first).await;
    installation.interrupter.disarm();
    delete(&installation, id).await;
    installation.until(id, Phase::Deleted).await;
    let calls = installation.interrupter.disarm();
    assert!(calls >= 10, "only {calls} calls take something down");
    for call in 1..=calls {
        for moment in [Moment::Before, Moment::After] {
            let number = call * 2 + usize::from(moment == Moment::After);
            let customer = installation.customer(number).await;
            let id = ready(&installation, &customer).await;
            let there = in_account(&installation, &customer);
            installation.interrupter.arm(call, moment);
            delete(&installation, id).await;
            installation.until(id, Phase::Deleted).await;
            assert!(!installation.interrupter.is_armed(), "call {call} was never made");
            installation.interrupter.disarm();
            assert_eq!(
                ids(&certificate(&installation, id).await),
                there,
                "{moment:?} {call}"
            );
            installation.assert_empty(&customer, &format!("{moment:?} {call}"));
        }
    }
}

#[tokio::test]
async fn what_is_left_in_another_region_keeps_a_deployment_from_being_deleted() {
    let installation = Installation::start().await;
    let acme = installation.customer(1).await;
    let id = ready(&installation, &acme).await;
    let vpc = leave_behind(&installation, &acme, id).await;
    delete(&installation, id).await;
    for _ in 0..60 {
        installation.work().await;
    }
    let deployment = installation.deployment(id).await;
    assert_eq!(deployment.phase, Phase::Deleting);
    let why = deployment.blocked.expect("a reason");
    assert!(why.contains(&vpc) && why.contains("us-east-1"), "{why}");
    assert!(documents::certificate(&installation.app, None, id).await.is_err());

    take_away(&installation, &acme, &vpc).await;
    installation.until(id, Phase::Deleted).await;
    certificate(&installation, id).await;
}

#[tokio::test]
async fn what_lies_about_beside_a_living_deployment_is_found_within_a_week() {
    let installation = Installation::start().await;
    let acme = installation.customer(1).await;
    let id = ready(&installation, &acme).await;
    let vpc = leave_behind(&installation, &acme, id).await;
    installation.world.advance(Duration::from_secs(8 * 86_400)).await;
    for _ in 0..4 {
        installation.work().await;
    }
    let found = call_log::list_findings(&installation.app, Some(acme.tenant_id), None, 100).await;
    let found = found.expect("findings");
    let orphans: Vec<_> = found
        .iter()
        .map(|one| (one.kind.as_str(), one.subject.as_str()))
        .collect();
    assert_eq!(orphans, [("orphan", vpc.as_str())]);
    assert_eq!(found[0].detail["region"], "us-east-1");
}

#[tokio::test]
async fn a_tagging_index_that_is_late_delays_nothing() {
    let installation = Installation::start().await;
    let acme = installation.customer(1).await;
    let id = ready(&installation, &acme).await;
    installation.world.control.set_lag(LagSettings {
        tags_ms_max: 3_600_000,
        ..LagSettings::default()
    });
    delete(&installation, id).await;
    installation.until(id, Phase::Deleted).await;
    installation.assert_empty(&acme, "deleted");
}

#[tokio::test]
async fn what_cannot_be_seen_is_not_certified() {
    let installation = Installation::start().await;
    let acme = installation.customer(1).await;
    let id = ready(&installation, &acme).await;
    let blind = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":"*","Resource":"*"},
        {"Effect":"Deny","Action":"tag:GetResources","Resource":"*"}]}"#;
    let control = &installation.world.control;
    control.set_scp(&acme.account, Some(blind)).expect("a policy");
    delete(&installation, id).await;
    for _ in 0..60 {
        installation.work().await;
    }
    installation.assert_empty(&acme, "nothing is left, and we cannot see it");
    let deployment = installation.deployment(id).await;
    assert_eq!(deployment.phase, Phase::Deleting);
    let why = deployment.blocked.expect("a reason");
    assert!(why.contains("AccessDenied"), "{why}");
    assert!(documents::certificate(&installation.app, None, id).await.is_err());

    control.set_scp(&acme.account, None).expect("no policy");
    installation.until(id, Phase::Deleted).await;
    certificate(&installation, id).await;
}

async fn session(installation: &Installation, customer: &Customer, class: StepClass) -> aws_access::ec2::Ec2 {
    let mut tx = installation.app.stores.begin_ops().await.expect("a transaction");
    let found = connections::find(&mut tx, customer.connection_id).await;
    let connection = found.expect("an answer").expect("the connection");
    let role = TenantRole {
        tenant_id: customer.tenant_id,
        account: customer.account.clone(),
        role_arn: connection.role_arn,
        external_id: connection.external_id.expose().into(),
    };
    let identity = SessionIdentity {
        operation: "a-test".to_owned(),
        source_identity: "a-test".to_owned(),
    };
    let broker = installation.world.aws.broker();
    let session = broker.assume(&role, class, "us-east-1", &identity).await;
    session.expect("the lock opens").ec2()
}

/// A network in another region that carries the deployment's tags.
async fn leave_behind(installation: &Installation, customer: &Customer, id: DeploymentId) -> String {
    let scope = Scope {
        install: "local".to_owned(),
        tenant_id: customer.tenant_id,
        deployment_id: id,
    };
    let mark = Mark {
        scope: &scope,
        name: "vpc",
        intent: Uuid::from_u128(8),
        token: "",
    };
    let call = Call::CreateVpc {
        cidr: "10.99.0.0/16".to_owned(),
    };
    let ec2 = session(installation, customer, StepClass::Network).await;
    let made = ec2.carry_out(&call, &mark).await.expect("a network");
    made.expect("its id")
}

async fn take_away(installation: &Installation, customer: &Customer, vpc: &str) {
    let scope = Scope {
        install: "local".to_owned(),
        tenant_id: customer.tenant_id,
        deployment_id: DeploymentId::from_uuid(Uuid::from_u128(7)),
    };
    let mark = Mark {
        scope: &scope,
        name: "vpc",
        intent: Uuid::from_u128(9),
        token: "",
    };
    let call = Call::DeleteVpc { vpc: vpc.to_owned() };
    let ec2 = session(installation, customer, StepClass::TakeDown).await;
    ec2.carry_out(&call, &mark).await.expect("gone");
}
