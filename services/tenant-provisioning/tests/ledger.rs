//! Everything that is done with a customer's role is in the ledger, and whoever else uses the role is found out. The
//! judge is the endpoint's log of calls, never our own tables.

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_access::{
    SessionIdentity, StepClass, TenantRole,
    ec2::{Mark, Scope},
};
use local_aws::{CallRecord, Fault, FaultRule};
use support::{Customer, Installation, Moment};
use tenant_model::{
    audit::{Entry, verify},
    convergence::Call,
    deployment::Phase,
    ids::DeploymentId,
    ledger::{CALL_ANSWERED, CALL_INTENDED, ROUND_CLOSED, ROUND_OPENED, accounts},
    ledger_file::verify_part,
};
use tenant_provisioning::{call_log, ledger};
use tenant_store::{findings::Finding, outbox};
use uuid::Uuid;

const ALL: u32 = 100_000;

async fn entries(installation: &Installation, customer: &Customer) -> Vec<Entry> {
    let listed = ledger::list(&installation.app, customer.tenant_id, (0, None), ALL).await;
    listed.expect("the ledger")
}

async fn findings(installation: &Installation, customer: &Customer) -> Vec<Finding> {
    let listed = call_log::list_findings(&installation.app, Some(customer.tenant_id), None, ALL).await;
    listed.expect("findings")
}

async fn alarms(installation: &Installation, customer: &Customer) -> Vec<(String, String)> {
    let found = findings(installation, customer).await;
    let alarms = found.into_iter().filter(|finding| finding.alarm);
    alarms
        .map(|finding| {
            (
                finding.kind,
                finding.detail["call"].as_str().unwrap_or_default().to_owned(),
            )
        })
        .collect()
}

/// Compares every account's log that is due.
async fn compare(installation: &Installation) {
    installation.world.advance(Duration::from_secs(60)).await;
    while call_log::compare_next(&installation.app)
        .await
        .expect("a comparison")
    {}
}

/// A deployment from its request to its end.
async fn life(installation: &Installation, customer: &Customer) -> DeploymentId {
    let operation = installation.approved(customer).await;
    installation.until(operation.deployment_id, Phase::Ready).await;
    installation.deleted(operation.deployment_id).await;
    installation.until(operation.deployment_id, Phase::Deleted).await;
    operation.deployment_id
}

/// Calls made as a session of the customer's role, by the endpoint's own log.
fn made_as_role(installation: &Installation, customer: &Customer) -> Vec<CallRecord> {
    let role = format!(":{}:assumed-role/tenantry-", customer.account);
    let mut calls = installation.world.control.calls();
    calls.retain(|call| call.principal.contains(&role));
    calls
}

fn count(names: impl Iterator<Item = String>) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn everything_done_with_the_role_is_in_the_ledger_with_its_reason() {
    let installation = Installation::start().await;
    let acme = installation.customer(1).await;
    let operation = installation.approved(&acme).await;
    installation.until(operation.deployment_id, Phase::Ready).await;

    let entries = entries(&installation, &acme).await;
    verify(&entries).expect("a whole chain");
    let made = made_as_role(&installation, &acme);
    let accounts = accounts(&entries);
    let mut counted = BTreeMap::new();
    for account in &accounts {
        let used = account.used.as_ref().expect("every round was closed");
        for (name, count) in &used.calls {
            *counted.entry(name.clone()).or_default() += count;
        }
    }
    assert_eq!(counted, count(made.iter().map(|call| call.operation.clone())));

    let changes = made.iter().filter(|call| support::changes(&call.operation));
    let intended = entries
        .iter()
        .filter(|entry| entry.content.action == CALL_INTENDED);
    assert_eq!(
        count(
            intended
                .clone()
                .map(|entry| entry.content.detail["call"].as_str().expect("a call").to_owned())
        ),
        count(changes.clone().map(|call| call.operation.clone()))
    );
    for entry in intended {
        let (content, detail) = (&entry.content, &entry.content.detail);
        assert_eq!(content.actor, "usr_test");
        assert_eq!(content.subject, operation.deployment_id.to_string());
        assert_eq!(detail["operation"], operation.id.to_string());
        assert_eq!(detail["plan"], operation.plan.hash);
    }
    let answered: Vec<_> = entries
        .iter()
        .filter(|entry| entry.content.action == CALL_ANSWERED)
        .collect();
    for call in changes {
        let found = answered
            .iter()
            .any(|entry| entry.content.detail["request"] == call.request_id);
        assert!(found, "{} {} is not answered", call.operation, call.request_id);
    }
}

#[tokio::test]
async fn whoever_else_uses_the_role_is_found_by_the_next_comparison() {
    let installation = Installation::start().await;
    let acme = installation.customer(1).await;
    let deployment = installation.approved(&acme).await.deployment_id;
    installation.until(deployment, Phase::Ready).await;
    compare(&installation).await;
    assert_eq!(alarms(&installation, &acme).await, []);

    behind_our_back(&installation, &acme, "op_of_somebody").await;
    compare(&installation).await;
    let told = |kind: &str, call: &str| (kind.to_owned(), call.to_owned());
    let foreign = vec![
        told("foreign_session", "AssumeRole"),
        told("foreign_call", "CreateVpc"),
    ];
    assert_eq!(alarms(&installation, &acme).await, foreign);

    // Under a name that the ledger knows: what changes something is told at once, the session as soon as the round
    // that could have been its own is closed.
    let known = acme.connection_id.to_string();
    behind_our_back(&installation, &acme, &known).await;
    compare(&installation).await;
    let found = alarms(&installation, &acme).await;
    assert!(
        found[2..].contains(&told("foreign_call", "CreateVpc")),
        "{found:?}"
    );
    compare(&installation).await;
    let found = alarms(&installation, &acme).await;
    assert!(
        found[2..].contains(&told("foreign_session", "AssumeRole")),
        "{found:?}"
    );

    compare(&installation).await;
    assert_eq!(alarms(&installation, &acme).await.len(), found.len(), "each once");
    let mut tx = installation
        .app
        .stores
        .begin(acme.tenant_id)
        .await
        .expect("a transaction");
    let announced = outbox::list_recent(&mut tx, Some(acme.tenant_id), 100)
        .await
        .expect("events");
    let alarms = announced
        .iter()
        .filter(|event| event.kind == "ledger.alarm")
        .count();
    assert_eq!(alarms, found.len());
}

/// Somebody who has the broker's credentials and the external id makes a network, without the product.
async fn behind_our_back(installation: &Installation, customer: &Customer, name: &str) {
    let mut tx = installation.app.stores.begin_ops().await.expect("a transaction");
    let found = tenant_store::connections::find(&mut tx, customer.connection_id).await;
    let connection = found.expect("an answer").expect("the connection");
    let role = TenantRole {
        tenant_id: customer.tenant_id,
        account: customer.account.clone(),
        role_arn: connection.role_arn,
        external_id: connection.external_id.expose().into(),
    };
    let identity = SessionIdentity {
        operation: name.to_owned(),
        source_identity: "somebody".to_owned(),
    };
    let broker = installation.world.aws.broker();
    let session = broker.assume(&role, StepClass::Network, "eu-central-1", &identity);
    let scope = Scope {
        install: "local".to_owned(),
        tenant_id: customer.tenant_id,
        deployment_id: DeploymentId::from_uuid(Uuid::from_u128(7)),
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
    let ec2 = session.await.expect("the lock opens").ec2();
    ec2.carry_out(&call, &mark).await.expect("a network");
}

#[tokio::test]
async fn no_life_of_a_deployment_is_an_alarm_however_it_is_interrupted() {
    let installation = Installation::start().await;
    let first = installation.customer(0).await;
    installation.interrupter.disarm();
    life(&installation, &first).await;
    let calls = installation.interrupter.disarm();
    for call in (1..=calls).step_by(4) {
        for moment in [Moment::Before, Moment::After] {
            let customer = installation
                .customer(call * 2 + usize::from(moment == Moment::After))
                .await;
            installation.interrupter.arm(call, moment);
            life(&installation, &customer).await;
            installation.interrupter.disarm();
            compare(&installation).await;
            assert_eq!(
                alarms(&installation, &customer).await,
                [],
                "{moment:?} change {call}"
            );
            whole(&installation, &customer).await;
        }
    }
    assert_eq!(alarms(&installation, &first).await, []);
}

/// The chain holds, and every call is in it that the endpoint says was made.
async fn whole(installation: &Installation, customer: &Customer) {
    let entries = entries(installation, customer).await;
    verify(&entries).expect("a whole chain");
    let intended = entries
        .iter()
        .filter(|entry| entry.content.action == CALL_INTENDED);
    let intended =
        count(intended.map(|entry| entry.content.detail["call"].as_str().expect("a call").to_owned()));
    let made = made_as_role(installation, customer);
    let changes = made.iter().filter(|call| support::changes(&call.operation));
    for (name, made) in count(changes.map(|call| call.operation.clone())) {
        assert!(
            intended.get(&name) >= Some(&made),
            "{name}: {made} made, {intended:?}"
        );
    }
}

#[tokio::test]
async fn lost_answers_and_refusals_are_no_alarms() {
    let installation = Installation::start().await;
    let faults = [
        Fault::EffectWithoutReply { hang_ms: 0 },
        Fault::Timeout { hang_ms: 0 },
        Fault::Throttle,
        Fault::ServerError,
    ];
    for (number, fault) in faults.into_iter().enumerate() {
        let customer = installation.customer(number).await;
        for operation in [
            "CreateVpc",
            "RunInstances",
            "AssumeRole",
            "DescribeVpcs",
            "DeleteSubnet",
            "LookupEvents",
        ] {
            let rule = FaultRule {
                times: Some(1),
                ..FaultRule::on(operation, fault.clone())
            };
            installation.world.control.add_fault(rule);
        }
        life(&installation, &customer).await;
        for _ in 0..4 {
            compare(&installation).await;
        }
        installation.world.control.clear_faults();
        assert_eq!(alarms(&installation, &customer).await, [], "{number}");
        whole(&installation, &customer).await;
    }
}

#[tokio::test]
async fn a_call_that_the_log_has_lost_is_told_and_is_no_alarm() {
    let installation = Installation::start().await;
    let acme = installation.customer(1).await;
    let deployment = installation.approved(&acme).await.deployment_id;
    installation.until(deployment, Phase::Ready).await;
    installation.world.control.clear_calls();
    installation.world.advance(Duration::from_secs(20 * 60)).await;
    compare(&installation).await;
    let found = findings(&installation, &acme).await;
    assert!(found.len() >= 10, "{found:?}");
    assert!(
        found
            .iter()
            .all(|finding| finding.kind == "missing_in_log" && !finding.alarm)
    );
}

#[tokio::test]
async fn an_idle_deployments_pass_adds_two_entries() {
    let installation = Installation::start().await;
    let acme = installation.customer(1).await;
    let deployment = installation.approved(&acme).await.deployment_id;
    installation.until(deployment, Phase::Ready).await;
    // The first idle pass sees what the exit kit needs.
    installation.world.advance(Duration::from_secs(120)).await;
    installation.work().await;
    let before = entries(&installation, &acme).await.len();
    installation.world.advance(Duration::from_secs(120)).await;
    installation.work().await;
    let entries = entries(&installation, &acme).await;
    let added: Vec<_> = entries[before..]
        .iter()
        .map(|entry| entry.content.action.as_str())
        .collect();
    assert_eq!(added, [ROUND_OPENED, ROUND_CLOSED]);
    let bytes: usize = entries[before..]
        .iter()
        .map(|entry| entry.content.detail.to_string().len())
        .sum();
    println!("an idle pass adds two entries with {bytes} bytes of particulars");
    assert!(bytes <= 1_200, "{bytes}");
}

#[tokio::test]
async fn a_part_that_was_taken_away_shows_what_was_changed() {
    let installation = Installation::start().await;
    let acme = installation.customer(1).await;
    let deployment = installation.approved(&acme).await.deployment_id;
    installation.until(deployment, Phase::Ready).await;
    let part = ledger::part(&installation.app, acme.tenant_id, 3)
        .await
        .expect("a part");
    let entries: Vec<_> = part
        .entries
        .iter()
        .map(|entry| {
            let content = &entry.content;
            serde_json::json!({
                "tenant_id": content.tenant_id, "sequence": content.sequence, "at": content.at,
                "actor": content.actor, "action": content.action, "subject": content.subject,
                "detail": content.detail, "hash": ledger::hex(&entry.hash),
            })
        })
        .collect();
    let mut file = serde_json::json!({"document": part.document, "jws": part.jws, "entries": entries});
    let whole = verify_part(&file).expect("whole");
    assert_eq!(whole.after.0, 3);
    let keys = installation.app.kit.authority.jwks();
    let signed = service_kit::auth::verify_document(&keys, ledger::LEDGER_TYPE, &part.jws);
    assert_eq!(signed.expect("signed"), part.document);
    file["entries"][2]["detail"]["call"] = "CreateNothing".into();
    verify_part(&file).expect_err("changed");
}
