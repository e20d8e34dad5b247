//! A plan is a contract: what is approved is what is carried out, or nothing is. The judge of what was done is the
//! local AWS's inventory and call log.

mod support;

use std::sync::Arc;

use aws_access::ec2::Mark;
use service_kit::Problem;
use support::{Customer, Installation};
use tenant_model::{
    EmailAddress, Membership, TenantRole, TenantState, User, UserId,
    contract::Retention,
    convergence::Call,
    deployment::{Deployment, DriftPolicy, Phase, Profile},
    ids::DeploymentId,
    operation::{OnFailure, Operation, OperationKind, OperationState, StepState},
    plan::{Change, Plan, Terms},
    resource::ResourceState,
};
use tenant_provisioning::{
    App, RequestError,
    deployments::{self, DesignChange},
    operations,
    steering::{Steering, steer},
};
use tenant_store::{deployments as stored, tenants, users};

const NOTHING: Retention = Retention {
    database_snapshot_days: None,
};

/// The same service as a later version would run it.
fn later(app: &App, change: impl Fn(&mut Terms)) -> App {
    let mut terms = Terms::current();
    change(&mut terms);
    let mut later = app.clone();
    later.config.terms = Arc::new(terms);
    later
}

/// Approves, and gives what the refusal carries.
async fn refused(app: &App, planned: &Operation) -> (Plan, Vec<String>, Problem) {
    let hash = &planned.plan.hash;
    match operations::approve(app, "usr_test", planned.id, hash).await {
        Err(RequestError::PlanStale { plan, moved }) => {
            let error = RequestError::PlanStale {
                plan: plan.clone(),
                moved: moved.clone(),
            };
            (*plan, moved, error.into())
        }
        other => panic!("approved an older plan: {other:?}"),
    }
}

/// An older plan is refused with the present one attached, which is what can be approved from then on.
async fn assert_replaced(installation: &Installation, app: &App, planned: &Operation, part: &str) {
    let (plan, moved, problem) = refused(app, planned).await;
    assert_eq!(moved, [part]);
    assert_ne!(plan.hash, planned.plan.hash, "{part}");
    let body = problem.body();
    assert_eq!((body.code.as_str(), body.status), ("plan-stale", 409));
    let attached = body.plan.as_ref().expect("the new plan");
    assert_eq!(attached["hash"], plan.hash.as_str(), "{part}");

    let shown = installation.operation(planned.id).await;
    assert_eq!(
        (shown.state, &shown.plan),
        (OperationState::AwaitingApproval, &plan),
        "{part}"
    );
    let older = shown.contract.superseded.expect("what was there before");
    assert_eq!(
        (older.plan_hash, older.moved),
        (planned.plan.hash.clone(), moved),
        "{part}"
    );
    operations::approve(app, "usr_test", planned.id, &plan.hash)
        .await
        .expect("the present plan can be approved");
}

async fn ready(installation: &Installation, customer: &Customer) -> DeploymentId {
    let operation = installation.approved(customer).await;
    installation.until(operation.deployment_id, Phase::Ready).await;
    operation.deployment_id
}

async fn deletion(installation: &Installation, id: DeploymentId) -> Operation {
    deployments::request_deletion(&installation.app, "usr_test", id, &NOTHING)
        .await
        .expect("a plan")
}

#[tokio::test]
async fn an_approval_binds_to_prices_and_policies() {
    let installation = Installation::start().await;
    let acme = installation.customer(1).await;

    let planned = installation.requested(&acme).await;
    let dearer = later(&installation.app, |terms| {
        terms.prices.as_of = "2027-01-01".to_owned();
    });
    assert_replaced(&installation, &dearer, &planned, "prices").await;
    let shown = installation.operation(planned.id).await;
    assert_eq!(shown.plan.cost.prices_as_of, "2027-01-01");

    let planned = installation.requested(&acme).await;
    let stricter = later(&installation.app, |terms| terms.policies = "another".to_owned());
    assert_replaced(&installation, &stricter, &planned, "policies").await;
}

#[tokio::test]
async fn an_approval_binds_to_what_was_observed_and_to_what_was_asked_for() {
    let installation = Installation::start().await;
    let acme = installation.customer(1).await;
    let id = ready(&installation, &acme).await;

    let planned = deletion(&installation, id).await;
    stop_the_machine(&installation, &acme, id).await;
    until_drifted(&installation, id).await;
    assert_replaced(&installation, &installation.app, &planned, "observed").await;
    operations::cancel(&installation.app, "usr_test", planned.id)
        .await
        .expect("withdrawn");

    let planned = deletion(&installation, id).await;
    let deployment = installation.deployment(id).await;
    let mut tx = installation
        .app
        .stores
        .begin(acme.tenant_id)
        .await
        .expect("a transaction");
    let changed = Deployment {
        generation: deployment.generation + 1,
        ..deployment
    };
    stored::update(&mut tx, &changed).await.expect("an update");
    tx.commit().await.expect("a commit");
    assert_replaced(&installation, &installation.app, &planned, "specification").await;
}

#[tokio::test]
async fn a_worker_sends_back_an_approved_plan_that_the_account_has_overtaken() {
    let installation = Installation::start().await;
    let acme = installation.customer(1).await;
    let id = ready(&installation, &acme).await;
    let planned = deletion(&installation, id).await;
    installation.agreed(&planned).await;

    stop_the_machine(&installation, &acme, id).await;
    installation.world.control.clear_calls();
    let shown = until(&installation, &planned, OperationState::AwaitingApproval).await;
    let older = shown.contract.superseded.as_ref().expect("what was there before");
    assert_eq!(older.moved, ["observed"]);
    assert!(
        shown.contract.approvers(&shown.plan.hash).is_empty(),
        "nobody has agreed to this one"
    );
    assert_nothing_changed(&installation);
    assert_eq!(installation.deployment(id).await.phase, Phase::Ready);
    installation.assert_whole(&acme, "sent back");

    installation.agreed(&shown).await;
    installation.until(id, Phase::Deleted).await;
    installation.assert_empty(&acme, "approved as it is now");
}

#[tokio::test]
async fn a_deletion_takes_two_people_and_does_nothing_before() {
    let installation = Installation::start().await;
    let acme = installation.customer(1).await;
    let id = ready(&installation, &acme).await;
    let planned = deletion(&installation, id).await;
    assert!(
        planned
            .plan
            .lines
            .iter()
            .all(|line| line.change == Change::Delete)
    );
    assert_eq!(planned.plan.lines.len(), 8);
    assert_eq!(planned.plan.cost.monthly_usd, "0.00");

    installation.world.control.clear_calls();
    for _ in 0..2 {
        let once = operations::approve(&installation.app, "usr_ada", planned.id, &planned.plan.hash).await;
        assert_eq!(once.expect("noted").state, OperationState::AwaitingApproval);
        installation.work().await;
    }
    assert_nothing_changed(&installation);
    let twice = operations::approve(&installation.app, "usr_bob", planned.id, &planned.plan.hash).await;
    assert_eq!(twice.expect("enough").state, OperationState::Queued);
    installation.until(id, Phase::Deleted).await;
    installation.assert_empty(&acme, "two people agreed");
}

#[tokio::test]
async fn a_tenants_only_admin_may_delete_alone_and_an_operator_may_not() {
    let installation = Installation::start().await;
    let acme = installation.customer(1).await;
    let id = ready(&installation, &acme).await;
    let ada = admin(&installation, &acme, "ada@acme.example").await;
    let planned = deletion(&installation, id).await;
    assert_eq!(planned.contract.quorum.alone, Some(ada.to_string()));

    let hash = &planned.plan.hash;
    let operator = operations::approve(&installation.app, "usr_operator", planned.id, hash).await;
    assert_eq!(operator.expect("noted").state, OperationState::AwaitingApproval);
    let enough = operations::approve(&installation.app, &ada.to_string(), planned.id, hash).await;
    assert_eq!(enough.expect("noted").state, OperationState::Queued);

    let globex = installation.customer(2).await;
    let id = ready(&installation, &globex).await;
    let ada = admin(&installation, &globex, "ada@globex.example").await;
    admin(&installation, &globex, "bob@globex.example").await;
    let planned = deletion(&installation, id).await;
    let (ada, hash) = (ada.to_string(), &planned.plan.hash);
    let one = operations::approve(&installation.app, &ada, planned.id, hash).await;
    assert_eq!(one.expect("noted").state, OperationState::AwaitingApproval);
}

#[tokio::test]
async fn an_offboarding_deletes_nothing_before_its_plan_is_approved() {
    let installation = Installation::start().await;
    let acme = installation.customer(1).await;
    let id = ready(&installation, &acme).await;
    installation.world.control.clear_calls();
    offboard(&installation, &acme).await;
    for _ in 0..10 {
        installation.work().await;
    }
    assert_nothing_changed(&installation);
    installation.assert_whole(&acme, "the plan waits");
    let asked = operations::of_deployment(&installation.app, acme.tenant_id, id)
        .await
        .expect("operations");
    let waiting: Vec<_> = asked
        .iter()
        .filter(|operation| operation.kind == OperationKind::Delete)
        .collect();
    assert_eq!(waiting.len(), 1, "one plan, whatever the number of looks");
    assert_eq!(waiting[0].state, OperationState::AwaitingApproval);

    installation.left(id).await;
    installation.until(id, Phase::Deleted).await;
    installation.assert_empty(&acme, "offboarded");
}

#[tokio::test]
async fn a_plan_gives_way_to_a_newer_one_and_work_does_not() {
    let installation = Installation::start().await;
    let acme = installation.customer(1).await;
    let operation = installation.approved(&acme).await;
    let app = &installation.app;
    let early = deployments::request_deletion(app, "usr_test", operation.deployment_id, &NOTHING).await;
    assert!(matches!(early, Err(RequestError::Busy)), "{early:?}");

    installation.until(operation.deployment_id, Phase::Ready).await;
    let kept = Retention {
        database_snapshot_days: Some(30),
    };
    let nothing_to_keep =
        deployments::request_deletion(app, "usr_test", operation.deployment_id, &kept).await;
    match nothing_to_keep {
        Err(RequestError::Invalid { pointer, .. }) => assert_eq!(pointer, "/database_snapshot_days"),
        other => panic!("kept a snapshot of what is not there: {other:?}"),
    }
}

async fn change(installation: &Installation, id: DeploymentId, change: &DesignChange) -> Operation {
    deployments::request_change(&installation.app, "usr_test", id, change)
        .await
        .expect("a plan")
}

async fn approved(installation: &Installation, planned: &Operation) {
    let hash = &planned.plan.hash;
    operations::approve(&installation.app, "usr_test", planned.id, hash)
        .await
        .expect("the plan is fresh");
}

fn sized(instance_type: &str) -> DesignChange {
    DesignChange {
        instance_type: Some(instance_type.to_owned()),
        ..DesignChange::default()
    }
}

fn called(installation: &Installation, operation: &str) -> usize {
    let calls = installation.world.control.calls();
    let done = |call: &&local_aws::CallRecord| call.operation == operation && call.code == "OK";
    calls.iter().filter(done).count()
}

#[tokio::test]
async fn a_size_is_changed_as_planned_and_the_address_stays() {
    let installation = Installation::start().await;
    let acme = installation.customer(1).await;
    let id = ready(&installation, &acme).await;
    let same = deployments::request_change(&installation.app, "usr_test", id, &sized("t3.medium")).await;
    assert!(matches!(same, Err(RequestError::Invalid { .. })), "{same:?}");

    let planned = change(&installation, id, &sized("m6i.large")).await;
    let lines: Vec<_> = planned
        .plan
        .lines
        .iter()
        .map(|line| (line.change, line.resource.as_str()))
        .collect();
    assert_eq!(lines, [(Change::Update, "instance")]);
    assert_eq!(planned.plan.cost.delta_monthly_usd, "39.71");
    assert_eq!(planned.plan.timing.downtime_seconds, Some(180));

    installation.world.control.clear_calls();
    approved(&installation, &planned).await;
    until(&installation, &planned, OperationState::Succeeded).await;
    let once = ["StopInstances", "ModifyInstanceAttribute", "StartInstances"];
    assert_eq!(once.map(|operation| called(&installation, operation)), [1, 1, 1]);
    let never = ["RunInstances", "ReleaseAddress", "AllocateAddress"];
    assert_eq!(never.map(|operation| called(&installation, operation)), [0, 0, 0]);
    installation.assert_whole(&acme, "the size has changed");
    let deployment = installation.deployment(id).await;
    assert_eq!(
        (deployment.instance_type.as_str(), deployment.generation),
        ("m6i.large", 2)
    );
}

#[tokio::test]
async fn one_machine_becomes_two_zones_as_planned() {
    let mut installation = Installation::start().await;
    let acme = installation.customer(1).await;
    let id = ready(&installation, &acme).await;
    let wish = DesignChange {
        profile: Some(Profile::HighlyAvailable),
        database: Some(true),
        ..DesignChange::default()
    };
    let planned = change(&installation, id, &wish).await;
    // The machine runs beside its successors for a while: four vCPUs more than the two of a new account's five.
    let vcpus = planned
        .plan
        .needs
        .quotas
        .iter()
        .find(|need| need.check == "vcpus");
    assert_eq!(vcpus.map(|need| need.more), Some(4));
    let place = (acme.account.as_str(), "eu-central-1");
    assert!(installation.world.control.set_quota(place, "L-1216C47A", 6));
    approved(&installation, &planned).await;
    until(&installation, &planned, OperationState::Succeeded).await;
    installation.profile = Profile::HighlyAvailable;
    installation.assert_whole(&acme, "two zones, and nothing of the machine is left");
    let back = DesignChange {
        profile: Some(Profile::Single),
        ..DesignChange::default()
    };
    let refused = deployments::request_change(&installation.app, "usr_test", id, &back).await;
    assert!(
        matches!(refused, Err(RequestError::Invalid { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn what_drifted_is_mended_by_a_plan() {
    let installation = Installation::start().await;
    let acme = installation.customer(1).await;
    let id = ready(&installation, &acme).await;
    stop_the_machine(&installation, &acme, id).await;
    until_drifted(&installation, id).await;
    let same = DesignChange::default();
    let planned = change(&installation, id, &same).await;
    assert_eq!(
        planned.plan.lines[0].reason,
        "it is not as it was planned any more"
    );
    installation.world.control.clear_calls();
    approved(&installation, &planned).await;
    until(&installation, &planned, OperationState::Succeeded).await;
    assert_eq!(called(&installation, "StartInstances"), 1);
    let nothing = deployments::request_change(&installation.app, "usr_test", id, &same).await;
    assert!(matches!(nothing, Err(RequestError::Invalid { .. })));
}

/// A change of which the machine has just been stopped.
async fn half_changed(installation: &mut Installation) -> (Customer, Operation) {
    let acme = installation.customer(1).await;
    let id = ready(installation, &acme).await;
    installation.app.config.calls_per_pass_max = 1;
    let planned = change(installation, id, &sized("m6i.large")).await;
    installation.world.control.clear_calls();
    approved(installation, &planned).await;
    for _ in 0..50 {
        if called(installation, "StopInstances") == 1 {
            return (acme, planned);
        }
        installation.work().await;
    }
    panic!("the machine was never stopped");
}

#[tokio::test]
async fn a_withdrawn_change_is_turned_back() {
    let mut installation = Installation::start().await;
    let (acme, planned) = half_changed(&mut installation).await;
    operations::cancel_and(&installation.app, "usr_test", planned.id, OnFailure::Rollback)
        .await
        .expect("withdrawn");
    let id = planned.deployment_id;
    installation.until(id, Phase::Ready).await;
    let deployment = installation.deployment(id).await;
    assert_eq!(
        (deployment.instance_type.as_str(), deployment.generation),
        ("t3.medium", 3)
    );
    installation.assert_whole(&acme, "as it was before");
    assert_eq!(called(&installation, "StartInstances"), 1);
}

#[tokio::test]
async fn a_withdrawn_change_is_kept_as_it_is() {
    let mut installation = Installation::start().await;
    let (acme, planned) = half_changed(&mut installation).await;
    operations::cancel_and(&installation.app, "usr_test", planned.id, OnFailure::Keep)
        .await
        .expect("withdrawn");
    installation.world.control.clear_calls();
    for _ in 0..20 {
        installation.work().await;
    }
    assert_nothing_changed(&installation);
    // Whoever kept it goes on with another plan.
    let again = change(&installation, planned.deployment_id, &sized("m6i.xlarge")).await;
    approved(&installation, &again).await;
    until(&installation, &again, OperationState::Succeeded).await;
    installation.assert_whole(&acme, "changed after all");
}

#[tokio::test]
async fn a_paused_deployment_rests_and_goes_on() {
    let mut installation = Installation::start().await;
    installation.app.config.calls_per_pass_max = 1;
    let acme = installation.customer(1).await;
    let operation = installation.approved(&acme).await;
    let id = operation.deployment_id;
    for _ in 0..3 {
        installation.work().await;
    }
    let paused = steer(&installation.app, "usr_test", id, Steering::Pause).await;
    assert!(paused.expect("paused").paused);
    installation.world.control.clear_calls();
    for _ in 0..10 {
        installation.work().await;
    }
    assert_nothing_changed(&installation);
    steer(&installation.app, "usr_test", id, Steering::Resume)
        .await
        .expect("resumed");
    installation.until(id, Phase::Ready).await;
    installation.assert_whole(&acme, "resumed");
    let repair = Steering::Drift(DriftPolicy::Repair);
    let set = steer(&installation.app, "usr_test", id, repair)
        .await
        .expect("set");
    assert_eq!(set.drift_policy, DriftPolicy::Repair);
}

fn assert_nothing_changed(installation: &Installation) {
    let calls = installation.world.control.calls();
    let changing: Vec<_> = calls
        .iter()
        .filter(|call| support::changes(&call.operation))
        .collect();
    assert!(changing.is_empty(), "{changing:?}");
}

async fn until(installation: &Installation, operation: &Operation, state: OperationState) -> Operation {
    for _ in 0..400 {
        let seen = installation.operation(operation.id).await;
        if seen.state == state {
            return seen;
        }
        installation.work().await;
    }
    let seen = installation.operation(operation.id).await;
    let blocked = installation.deployment(operation.deployment_id).await.blocked;
    let open: Vec<_> = seen
        .steps
        .iter()
        .filter(|step| step.state != StepState::Done)
        .collect();
    panic!("never {state:?} but {:?}: {blocked:?} {open:?}", seen.state);
}

/// Somebody in the account stops the machine.
async fn stop_the_machine(installation: &Installation, customer: &Customer, id: DeploymentId) {
    let app = &installation.app;
    let deployment = installation.deployment(id).await;
    let (records, _) = deployments::resources(app, &deployment).await.expect("resources");
    let machine = records.iter().find(|record| record.name == "instance");
    let instance = machine
        .and_then(|record| record.aws_id.clone())
        .expect("a machine");
    let scope = aws_access::ec2::Scope {
        install: "another".to_owned(),
        tenant_id: customer.tenant_id,
        deployment_id: id,
    };
    let mark = Mark {
        scope: &scope,
        name: "instance",
        intent: uuid::Uuid::nil(),
        token: "",
    };
    let root = installation.world.root_of(&customer.account).await;
    root.ec2()
        .carry_out(&Call::StopInstances { instance }, &mark)
        .await
        .expect("stopped");
}

async fn until_drifted(installation: &Installation, id: DeploymentId) {
    for _ in 0..200 {
        let deployment = installation.deployment(id).await;
        let (records, _) = deployments::resources(&installation.app, &deployment)
            .await
            .expect("resources");
        if records
            .iter()
            .any(|record| record.state == ResourceState::Drifted)
        {
            return;
        }
        installation.work().await;
    }
    panic!("nobody noticed");
}

async fn admin(installation: &Installation, customer: &Customer, email: &str) -> UserId {
    let now = installation.app.kit.clock.now();
    let user = User {
        id: UserId::from_uuid(installation.app.kit.ids.uuid()),
        email: email.parse::<EmailAddress>().expect("an address"),
        membership: Membership::Tenant {
            tenant_id: customer.tenant_id,
            role: TenantRole::Admin,
        },
        active: true,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    let mut tx = installation.app.stores.begin_ops().await.expect("a transaction");
    users::insert(&mut tx, &user, None).await.expect("a user");
    tx.commit().await.expect("a commit");
    user.id
}

async fn offboard(installation: &Installation, customer: &Customer) {
    let mut tx = installation.app.stores.begin_ops().await.expect("a transaction");
    let tenant = tenants::find(&mut tx, customer.tenant_id)
        .await
        .expect("a read")
        .expect("a tenant");
    let leaving = tenant_model::Tenant {
        state: TenantState::Offboarding,
        ..tenant
    };
    tenants::update(&mut tx, &leaving).await.expect("an update");
    tx.commit().await.expect("a commit");
}
