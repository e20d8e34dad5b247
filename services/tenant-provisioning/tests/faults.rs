//! Every call of a deployment's life meets every way to go wrong, one at a time. Which calls there are, the endpoint's
//! log of an undisturbed life says; what stands or is left, its inventory.

mod support;

use std::collections::BTreeMap;

use local_aws::{CallRecord, Fault, FaultRule, LagSettings};
use support::{Customer, Installation, changes};
use tenant_model::{deployment::Phase, operation::OperationState};

/// The n-th call of an operation in a life.
#[derive(Clone, Debug)]
struct Step {
    operation: String,
    nth: u64,
}

/// What an undisturbed life calls and makes.
struct Model {
    provision: Vec<Step>,
    deletion: Vec<Step>,
    made: BTreeMap<(String, String), usize>,
}

impl Model {
    async fn of(installation: &Installation) -> Self {
        let customer = installation.customer(0).await;
        let id = up(installation, &customer).await;
        let provision = calls_of(installation, &customer);
        let made = installation.inventory(&customer);
        installation.deleted(id).await;
        installation.until(id, Phase::Deleted).await;
        let whole = calls_of(installation, &customer);
        assert!(made.len() >= 9, "{made:?}");
        Self {
            deletion: steps(&whole).split_off(provision.len()),
            provision: steps(&provision),
            made,
        }
    }

    fn life(&self) -> impl Iterator<Item = &Step> {
        self.provision.iter().chain(&self.deletion)
    }
}

async fn up(installation: &Installation, customer: &Customer) -> tenant_model::ids::DeploymentId {
    let operation = installation.approved(customer).await;
    installation.until(operation.deployment_id, Phase::Ready).await;
    operation.deployment_id
}

/// The calls that change something, as the endpoint saw them.
fn calls_of(installation: &Installation, customer: &Customer) -> Vec<CallRecord> {
    let mut calls = installation.world.control.calls();
    calls.retain(|call| call.account == customer.account && changes(&call.operation));
    // The customer's own administrator deploys the role's stack.
    calls.retain(|call| call.service == "ec2");
    calls
}

fn steps(calls: &[CallRecord]) -> Vec<Step> {
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    let counted = calls.iter().map(|call| {
        let nth = seen.entry(&call.operation).or_default();
        *nth += 1;
        Step {
            operation: call.operation.clone(),
            nth: *nth,
        }
    });
    counted.collect()
}

fn rule(customer: &Customer, step: &Step, fault: Fault) -> FaultRule {
    FaultRule::on(&step.operation, fault)
        .in_account(&customer.account)
        .nth(step.nth)
}

/// A whole life with one fault in it; what stands in between is what an undisturbed life makes.
async fn disturbed(
    installation: &Installation,
    (number, model): (usize, &Model),
    (step, fault): (&Step, Fault),
) {
    let customer = installation.customer(number).await;
    let why = format!("{fault:?} at {step:?}");
    let added = installation.world.control.add_fault(rule(&customer, step, fault));
    assert!(added, "{why}");
    let id = up(installation, &customer).await;
    // A second arrival may be seen late, and is looked for when everything stands.
    installation.look_again().await;
    assert_eq!(installation.inventory(&customer), model.made, "{why}");
    installation.deleted(id).await;
    installation.until(id, Phase::Deleted).await;
    installation.assert_empty(&customer, &why);
    let met = calls_of(installation, &customer)
        .iter()
        .filter(|call| call.operation == step.operation)
        .count();
    assert!(met as u64 >= step.nth, "{why} was never met");
    installation.world.control.clear_faults();
}

#[tokio::test]
async fn a_lost_answer_of_any_call_makes_no_twin_while_describe_lags() {
    let installation = Installation::start().await;
    let model = Model::of(&installation).await;
    installation.world.control.set_lag(LagSettings {
        describe_ms_max: 1_500,
        ..LagSettings::default()
    });
    for (number, step) in model.life().enumerate() {
        let lost = Fault::EffectWithoutReply { hang_ms: 0 };
        disturbed(&installation, (number + 1, &model), (step, lost)).await;
    }
}

#[tokio::test]
async fn any_call_may_arrive_twice() {
    let installation = Installation::start().await;
    let model = Model::of(&installation).await;
    for (number, step) in model.life().enumerate() {
        disturbed(&installation, (number + 1, &model), (step, Fault::DeliveredTwice)).await;
    }
}

#[tokio::test]
async fn a_refusal_that_lasts_at_any_call_leaves_nothing() {
    let installation = Installation::start().await;
    let model = Model::of(&installation).await;
    for (number, step) in model.provision.iter().enumerate() {
        let customer = installation.customer(number + 1).await;
        // It is asked for three times; the calls of its kind before it are answered.
        for nth in step.nth..step.nth + 4 {
            let refusal = Fault::Error {
                status: 400,
                code: "InvalidParameterValue".to_owned(),
                message: "not today".to_owned(),
            };
            let step = Step { nth, ..step.clone() };
            installation
                .world
                .control
                .add_fault(rule(&customer, &step, refusal));
        }
        let operation = installation.approved(&customer).await;
        installation.until(operation.deployment_id, Phase::Deleted).await;
        let failed = installation.operation(operation.id).await;
        assert_eq!(failed.state, OperationState::Failed, "{step:?}");
        let problem = failed.problem.unwrap_or_default();
        assert!(problem.contains(&step.operation), "{step:?}: {problem}");
        installation.assert_empty(&customer, &format!("refused at {step:?}"));
        installation.world.control.clear_faults();
    }
}
