//! A deployment from its request to its end, in a customer's account on the local AWS. The judge is what
//! the endpoint holds, never our own tables.

mod support;

use std::time::Duration;

use local_aws::{Fault, FaultRule};
use support::{Customer, Installation, Moment};
use tenant_model::{
    ConnectionState, TenantState,
    connection::Cause,
    contract::Retention,
    deployment::Phase,
    operation::{OperationState, StepState},
};
use tenant_provisioning::{Pass, RequestError, deployments, operations, pass};
use tenant_store::{connections, tenants};

/// Makes a deployment and takes it down again, and looks at the account in between and at the end.
async fn journey(installation: &Installation, customer: &Customer, why: &str) {
    let operation = installation.approved(customer).await;
    installation.until(operation.deployment_id, Phase::Ready).await;
    installation.assert_whole(customer, why);
    installation.deleted(operation.deployment_id).await;
    installation.until(operation.deployment_id, Phase::Deleted).await;
    installation.assert_empty(customer, why);
}

#[tokio::test]
async fn a_deployment_is_made_as_planned_and_leaves_nothing() {
    let installation = Installation::start().await;
    let acme = installation.customer(1).await;
    let app = &installation.app;

    let planned = installation.requested(&acme).await;
    assert_eq!(planned.state, OperationState::AwaitingApproval);
    assert_eq!(pass(app, "w").await.expect("a pass"), Pass::Idle);
    let stale = operations::approve(app, "usr_test", planned.id, "0000").await;
    assert!(matches!(stale, Err(RequestError::PlanStale { .. })), "{stale:?}");
    operations::approve(app, "usr_test", planned.id, &planned.plan.hash)
        .await
        .expect("approved");

    installation.until(planned.deployment_id, Phase::Ready).await;
    installation.assert_whole(&acme, "ready");
    let done = installation.operation(planned.id).await;
    assert_eq!((done.state, done.percent()), (OperationState::Succeeded, 100));
    assert!(
        done.steps.iter().all(|step| step.state == StepState::Done),
        "{:?}",
        done.steps
    );
    let events = operations::events(app, &done, 0).await.expect("events");
    assert_eq!(events.last().map(|event| event.kind.as_str()), Some("done"));
    assert!(
        events
            .windows(2)
            .all(|pair| pair[1].sequence == pair[0].sequence + 1)
    );

    let (id, nothing) = (planned.deployment_id, Retention::default());
    let deletion = deployments::request_deletion(app, "usr_test", id, &nothing)
        .await
        .expect("a plan");
    let again = deployments::request_deletion(app, "usr_test", id, &nothing)
        .await
        .expect("the same");
    assert_eq!(deletion.id, again.id);
    installation.agreed(&deletion).await;
    installation.until(planned.deployment_id, Phase::Deleted).await;
    installation.assert_empty(&acme, "deleted");
    let proof = installation
        .deployment(planned.deployment_id)
        .await
        .deletion_proof
        .expect("a proof");
    assert_eq!(
        (proof["resources_left"].as_u64(), proof["ids_ever"].as_u64()),
        (Some(0), Some(8))
    );
}

#[tokio::test]
async fn interrupted_at_any_call_another_worker_continues_without_a_duplicate_or_a_leak() {
    let installation = Installation::start().await;
    let first = installation.customer(0).await;
    installation.interrupter.disarm();
    journey(&installation, &first, "uninterrupted").await;
    let calls = installation.interrupter.disarm();
    assert!(calls >= 22, "only {calls} calls change something");

    for call in 1..=calls {
        for moment in [Moment::Before, Moment::After] {
            let customer = installation
                .customer(call * 2 + usize::from(moment == Moment::After))
                .await;
            installation.interrupter.arm(call, moment);
            journey(
                &installation,
                &customer,
                &format!("{moment:?} change {call} of {calls}"),
            )
            .await;
            assert!(!installation.interrupter.is_armed(), "call {call} was never made");
            installation.interrupter.disarm();
        }
    }
}

#[tokio::test]
async fn a_lost_answer_makes_no_twin() {
    let installation = Installation::start().await;
    let operations = [
        "CreateVpc",
        "ModifyVpcAttribute",
        "CreateInternetGateway",
        "AttachInternetGateway",
        "CreateSubnet",
        "CreateRouteTable",
        "CreateRoute",
        "AssociateRouteTable",
        "CreateSecurityGroup",
        "AuthorizeSecurityGroupIngress",
        "RunInstances",
        "AllocateAddress",
        "AssociateAddress",
        "DisassociateAddress",
        "ReleaseAddress",
        "TerminateInstances",
        "DeleteSecurityGroup",
        "DisassociateRouteTable",
        "DeleteRouteTable",
        "DeleteSubnet",
        "DetachInternetGateway",
        "DeleteInternetGateway",
        "DeleteVpc",
    ];
    let faults = [
        Fault::EffectWithoutReply { hang_ms: 0 },
        Fault::Timeout { hang_ms: 0 },
        Fault::Throttle,
        Fault::ServerError,
    ];
    for (number, fault) in faults.into_iter().enumerate() {
        let customer = installation.customer(number).await;
        for operation in operations {
            let rule = FaultRule {
                times: Some(1),
                ..FaultRule::on(operation, fault.clone())
            };
            installation
                .world
                .control
                .add_fault(rule.in_account(&customer.account));
        }
        journey(
            &installation,
            &customer,
            &format!("{fault:?} once at every operation"),
        )
        .await;
    }
}

#[tokio::test]
async fn a_refusal_that_lasts_rolls_everything_back() {
    let installation = Installation::start().await;
    let steps = [
        "CreateVpc",
        "ModifyVpcAttribute",
        "CreateInternetGateway",
        "AttachInternetGateway",
        "CreateSubnet",
        "CreateRouteTable",
        "CreateRoute",
        "AssociateRouteTable",
        "CreateSecurityGroup",
        "AuthorizeSecurityGroupIngress",
        "RunInstances",
        "AllocateAddress",
        "AssociateAddress",
    ];
    for (number, step) in steps.into_iter().enumerate() {
        let customer = installation.customer(number).await;
        let refusal = Fault::Error {
            status: 400,
            code: "InvalidParameterValue".to_owned(),
            message: "not today".to_owned(),
        };
        let rule = FaultRule::on(step, refusal).in_account(&customer.account);
        installation.world.control.add_fault(rule);

        let operation = installation.approved(&customer).await;
        installation.until(operation.deployment_id, Phase::Deleted).await;

        let failed = installation.operation(operation.id).await;
        assert_eq!(failed.state, OperationState::Failed, "{step}");
        assert!(
            failed.problem.is_some_and(|problem| problem.contains(step)),
            "{step}"
        );
        installation.assert_empty(&customer, step);
    }
}

#[tokio::test]
async fn a_worker_that_was_overtaken_writes_nothing_and_its_late_call_is_cleaned_up() {
    let installation = Installation::start().await;
    let acme = installation.customer(1).await;
    let operation = installation.approved(&acme).await;
    let (app, interrupter) = (installation.app.clone(), installation.interrupter.clone());

    // The zombie sleeps with its first call in hand; another worker takes over and finishes.
    interrupter.arm(1, Moment::Before);
    let zombie = tokio::spawn(async move { pass(&app, "zombie").await });
    interrupter.reached.notified().await;
    installation.world.expire_leases().await;
    installation.until(operation.deployment_id, Phase::Ready).await;
    installation.assert_whole(&acme, "the other worker finished");
    let before = installation.deployment(operation.deployment_id).await;

    // It wakes up, makes its call, and may not write down what came of it.
    interrupter.released.notify_one();
    assert_eq!(
        zombie.await.expect("no panic").expect("no failure"),
        Pass::Overtaken
    );
    assert_eq!(installation.deployment(operation.deployment_id).await, before);
    let vpcs = installation.inventory(&acme)[&("vpc".to_owned(), "ec2:vpc".to_owned())];
    assert_eq!(vpcs, 2, "the late call made a twin");

    installation.world.advance(Duration::from_secs(120)).await;
    installation.work().await;
    installation.assert_whole(&acme, "the twin is gone after the next look");
}

#[tokio::test]
async fn a_suspended_tenants_instance_stops_and_starts_again() {
    let installation = Installation::start().await;
    let acme = installation.customer(1).await;
    let operation = installation.approved(&acme).await;
    installation.until(operation.deployment_id, Phase::Ready).await;

    set_tenant(&installation, &acme, TenantState::Suspended).await;
    installation.until(operation.deployment_id, Phase::Stopped).await;
    installation.assert_whole(&acme, "suspended");
    assert_eq!(calls_of(&installation, "StopInstances"), 1);

    set_tenant(&installation, &acme, TenantState::Active).await;
    installation.until(operation.deployment_id, Phase::Ready).await;
    installation.assert_whole(&acme, "resumed");
    assert_eq!(calls_of(&installation, "StartInstances"), 1);

    set_tenant(&installation, &acme, TenantState::Offboarding).await;
    installation.left(operation.deployment_id).await;
    installation.until(operation.deployment_id, Phase::Deleted).await;
    installation.assert_empty(&acme, "offboarded");
}

#[tokio::test]
async fn without_a_ready_connection_nothing_is_done_and_nothing_is_undone() {
    let installation = Installation::start().await;
    let acme = installation.customer(1).await;
    let operation = installation.approved(&acme).await;
    installation.until(operation.deployment_id, Phase::Ready).await;

    installation.deleted(operation.deployment_id).await;
    installation.until(operation.deployment_id, Phase::Deleting).await;
    let now = installation.app.kit.clock.now();
    let cause = Cause::AccessLost;
    set_connection(
        &installation,
        &acme,
        ConnectionState::Quarantined {
            cause,
            since: now,
            proven_at: Some(now),
        },
    )
    .await;
    installation.world.control.clear_calls();
    for _ in 0..5 {
        installation.work().await;
    }
    assert_eq!(installation.world.control.calls(), [], "no call while frozen");
    let frozen = installation.deployment(operation.deployment_id).await;
    assert_eq!(frozen.phase, Phase::Deleting);
    let blocked = frozen.blocked.expect("a reason");
    assert!(
        blocked.contains("cannot certify") && blocked.contains("8 resources unseen"),
        "{blocked}"
    );

    set_connection(&installation, &acme, ConnectionState::Ready { proven_at: now }).await;
    installation.until(operation.deployment_id, Phase::Deleted).await;
    installation.assert_empty(&acme, "after the connection came back");
}

#[tokio::test]
async fn work_freezes_before_the_next_call_and_goes_on_by_itself() {
    let installation = Installation::start().await;
    let acme = installation.customer(1).await;
    let operation = installation.approved(&acme).await;
    let (app, interrupter) = (installation.app.clone(), installation.interrupter.clone());

    // The answer to the first call is on its way when the connection is quarantined.
    interrupter.arm(1, Moment::After);
    let worker = tokio::spawn(async move { pass(&app, "a worker").await });
    interrupter.reached.notified().await;
    let now = installation.app.kit.clock.now();
    let frozen = ConnectionState::Quarantined {
        cause: Cause::RoleDeleted,
        since: now,
        proven_at: Some(now),
    };
    set_connection(&installation, &acme, frozen).await;
    installation.world.control.clear_calls();
    interrupter.released.notify_one();
    worker.await.expect("no panic").expect("no failure");
    for _ in 0..5 {
        installation.work().await;
    }
    let calls = installation.world.control.calls();
    let changing: Vec<_> = calls
        .iter()
        .filter(|call| support::changes(&call.operation))
        .collect();
    assert!(changing.is_empty(), "calls while frozen: {changing:?}");
    let deployment = installation.deployment(operation.deployment_id).await;
    let blocked = deployment.blocked.expect("a reason");
    assert!(
        blocked.contains("frozen") && blocked.contains("deleted"),
        "{blocked}"
    );

    set_connection(&installation, &acme, ConnectionState::Ready { proven_at: now }).await;
    installation.until(operation.deployment_id, Phase::Ready).await;
    installation.assert_whole(&acme, "after the connection came back");
}

#[tokio::test]
async fn a_cancelled_provision_is_taken_down_again() {
    let mut installation = Installation::start().await;
    installation.app.config.calls_per_pass_max = 2;
    let acme = installation.customer(1).await;
    let operation = installation.approved(&acme).await;
    installation.work().await;
    assert!(!installation.inventory(&acme).is_empty());

    let cancelled = operations::cancel(&installation.app, "usr_test", operation.id).await;
    assert_eq!(cancelled.expect("cancelled").state, OperationState::Cancelled);
    installation.until(operation.deployment_id, Phase::Deleted).await;
    installation.assert_empty(&acme, "cancelled");
}

fn calls_of(installation: &Installation, operation: &str) -> usize {
    let calls = installation.world.control.calls();
    calls
        .iter()
        .filter(|call| call.operation == operation && call.code == "OK")
        .count()
}

async fn set_tenant(installation: &Installation, customer: &Customer, state: TenantState) {
    let mut tx = installation.app.stores.begin_ops().await.expect("a transaction");
    let tenant = tenants::find(&mut tx, customer.tenant_id)
        .await
        .expect("a read")
        .expect("a tenant");
    let changed = tenant_model::Tenant { state, ..tenant };
    tenants::update(&mut tx, &changed).await.expect("an update");
    tx.commit().await.expect("a commit");
}

async fn set_connection(installation: &Installation, customer: &Customer, state: ConnectionState) {
    let mut tx = installation
        .app
        .stores
        .begin(customer.tenant_id)
        .await
        .expect("a transaction");
    let connection = connections::find(&mut tx, customer.connection_id)
        .await
        .expect("a read");
    let changed = tenant_model::Connection {
        state,
        ..connection.expect("a connection")
    };
    connections::update_state(&mut tx, &changed, None)
        .await
        .expect("an update");
    tx.commit().await.expect("a commit");
}
