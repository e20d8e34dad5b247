//! How a pass ends: what it came to, and when the deployment is due again.

use std::time::Duration;

use serde_json::{Value, json};
use tenant_model::{
    certificate::Sweep,
    convergence::Next,
    deployment::{Deployment, Wanted},
    operation::{OnFailure, Operation, OperationKind},
    resource::{ResourceRecord, ResourceState},
};
use tenant_store::{
    Conn, deployments, operations, resources,
    work::{self, Lease},
};

use super::{PassError, backoff, case::Case, certificate, import_facts, returning, sweep};
use crate::{App, RequestError, deployments as asking, progress};

/// Refusals that repeating does not cure, after which a provision is given up.
const REFUSALS_MAX: i32 = 3;

/// Why a deployment does not go on by itself, in words for people.
#[derive(Clone, Debug)]
pub(super) enum Hindrance {
    /// Something AWS answered, or did not.
    Aws(String),
    /// We cannot get into the account, so what is there cannot be certified either.
    NoAccess(String),
    /// Somebody wants it to rest.
    Paused,
}

/// What a pass came to.
#[derive(Clone, Debug)]
pub(super) enum Conclusion {
    /// There is nothing more to do, ever.
    Retire,
    /// Not done yet.
    Later {
        /// Until the next look.
        pause: Duration,
        /// Failures in a row, for the back-off.
        attempt: i32,
        /// Why it does not go on.
        hindrance: Option<Hindrance>,
    },
    /// The account is as wanted.
    Converged { records: Vec<ResourceRecord> },
    /// Nothing of the deployment is left, and two sweeps of all regions have shown it.
    Deleted { sweeps: Vec<Sweep> },
    /// AWS refuses for good; what was made is taken down again.
    GiveUp { problem: String },
}

/// Says what the pass came to.
pub(super) async fn judge(app: &App, case: &mut Case) -> Result<Conclusion, PassError> {
    let Some(operation) = &case.operation else {
        return drift(app, case).await;
    };
    if let Some(problem) = hopeless(case, operation) {
        return Ok(Conclusion::GiveUp { problem });
    }
    let names = case.order();
    match case.wanted {
        Wanted::Present | Wanted::Stopped if names.iter().all(|name| case.is_done(name)) => {
            Box::pin(import_facts::remember(app, case)).await?;
            Ok(Conclusion::Converged {
                records: case
                    .records
                    .values()
                    .map(|record| settled(case, record))
                    .collect(),
            })
        }
        Wanted::Absent if names.iter().all(|name| case.is_gone(name)) => {
            Box::pin(sweep::prove_gone(app, case)).await
        }
        Wanted::Present | Wanted::Stopped | Wanted::Absent => Ok(unfinished(app, case)),
    }
}

fn settled(case: &Case, record: &ResourceRecord) -> ResourceRecord {
    let state = match case.wish(&record.name) {
        Wanted::Present | Wanted::Stopped => ResourceState::Ready,
        Wanted::Absent => ResourceState::Deleted,
    };
    ResourceRecord {
        state,
        last_error: None,
        ..record.clone()
    }
}

/// Why an operation that can be given up cannot be carried out: AWS refuses for good, has given up itself, or has no
/// machine of the size that a deployment is to be changed to.
fn hopeless(case: &Case, operation: &Operation) -> Option<String> {
    match operation.kind {
        OperationKind::Provision | OperationKind::Change => {}
        OperationKind::Suspend | OperationKind::Resume | OperationKind::Delete => return None,
    }
    if operation.permanent_errors >= REFUSALS_MAX {
        return Some(refusal(case));
    }
    let returns = operation.kind == OperationKind::Change && operation.on_failure == OnFailure::Rollback;
    if let Some(why) = case.no_capacity.as_ref().filter(|_| returns) {
        return Some(why.clone());
    }
    case.order().iter().find_map(|name| match case.next(name) {
        Next::Stuck(why) => Some(format!("{name}: {why}")),
        Next::Settled | Next::Wait | Next::Call(_) => None,
    })
}

/// What AWS said when it refused for good.
fn refusal(case: &Case) -> String {
    let refused = case
        .records
        .values()
        .find(|record| record.state == ResourceState::Failed);
    let said = refused.and_then(|record| record.last_error.clone());
    said.unwrap_or_else(|| "AWS refuses a part of it".to_owned())
}

fn unfinished(app: &App, case: &Case) -> Conclusion {
    if case.calls >= app.config.calls_per_pass_max {
        return Conclusion::Later {
            pause: Duration::ZERO,
            attempt: 0,
            hindrance: None,
        };
    }
    // A pass that got something done starts the back-off anew.
    let failures = u32::try_from(case.held.len()).unwrap_or(u32::MAX);
    let attempt = if case.calls > failures {
        0
    } else {
        case.lease.attempt
    };
    match case.held.values().next() {
        None => Conclusion::Later {
            pause: app.config.wait_interval,
            attempt: 0,
            hindrance: case.trouble().map(Hindrance::Aws),
        },
        Some(why) => Conclusion::Later {
            pause: backoff::pause(&app.kit.ids, app.config.wait_interval, attempt),
            attempt: attempt + 1,
            hindrance: Some(Hindrance::Aws(why.clone())),
        },
    }
}

/// Without an operation only what the tenant's policy repairs was changed. What is not as it was is marked and
/// announced once.
async fn drift(app: &App, case: &mut Case) -> Result<Conclusion, PassError> {
    let changed: Vec<ResourceRecord> = case
        .records
        .values()
        .filter_map(|record| drifted(case, record))
        .collect();
    if !changed.is_empty() {
        let mut tx = app.stores.begin(case.lease.tenant_id).await?;
        work::hold(&mut tx, &case.lease).await?;
        for record in &changed {
            resources::update(&mut tx, case.deployment.id, record).await?;
        }
        announce_drift(&mut tx, app, case, &changed).await?;
        tx.commit().await?;
    }
    Box::pin(import_facts::remember(app, case)).await?;
    Box::pin(sweep::of_the_living(app, case)).await?;
    let busy = case.calls > 0;
    Ok(Conclusion::Later {
        pause: if busy {
            app.config.wait_interval
        } else {
            backoff::spread(&app.kit.ids, app.config.drift_interval)
        },
        attempt: 0,
        hindrance: None,
    })
}

/// The record as it has to be, if it is not so already.
fn drifted(case: &Case, record: &ResourceRecord) -> Option<ResourceRecord> {
    if case.blueprint.find(&record.name).is_none() || case.blueprint.is_retired(&record.name) {
        return None;
    }
    let strangers = case.claimed(&record.name).foreign.len();
    let (state, why) = match case.next(&record.name) {
        Next::Call(call) => (
            ResourceState::Drifted,
            Some(format!("{} would put it right", call.action())),
        ),
        Next::Stuck(why) => (ResourceState::Drifted, Some(why)),
        Next::Settled => match case.excess(&record.name) {
            Some(_) => (
                ResourceState::Drifted,
                Some("it admits somebody it should not".to_owned()),
            ),
            None if strangers > 0 => (
                ResourceState::Drifted,
                Some(format!(
                    "{strangers} more carry its tags, though we did not make them"
                )),
            ),
            None => (ResourceState::Ready, None),
        },
        Next::Wait => return None,
    };
    let differs = state != record.state || (state == ResourceState::Drifted && record.last_error != why);
    differs.then(|| ResourceRecord {
        state,
        last_error: why,
        ..record.clone()
    })
}

async fn announce_drift(
    conn: &mut Conn,
    app: &App,
    case: &Case,
    changed: &[ResourceRecord],
) -> Result<(), PassError> {
    for (state, event) in [
        (ResourceState::Drifted, "deployment.drifted"),
        (ResourceState::Ready, "deployment.as_wanted"),
    ] {
        let concerned: Vec<Value> = changed
            .iter()
            .filter(|record| record.state == state)
            .map(|record| json!({"resource": record.name, "aws_id": record.aws_id, "why": record.last_error}))
            .collect();
        if !concerned.is_empty() {
            let policy = case.deployment.drift_policy.name();
            let detail = json!({"resources": concerned, "policy": policy});
            progress::publish_about(conn, app, &case.deployment, (event, detail)).await?;
        }
    }
    Ok(())
}

/// Writes down what the pass came to and gives the lease back, in one transaction.
pub(super) async fn end(app: &App, lease: &Lease, conclusion: Conclusion) -> Result<(), PassError> {
    let mut tx = app.stores.begin(lease.tenant_id).await?;
    work::hold(&mut tx, lease).await?;
    let operation = operations::find_live_for_update(&mut tx, lease.deployment_id)
        .await?
        .filter(Operation::is_at_work);
    let deployment = deployments::find_for_update(&mut tx, lease.deployment_id)
        .await?
        .ok_or(RequestError::NotFound)?;
    let standing = (deployment, operation);
    match conclusion {
        Conclusion::Retire => work::retire(&mut tx, lease).await?,
        Conclusion::Later {
            pause,
            attempt,
            hindrance,
        } => {
            hold_up(&mut tx, app, standing, hindrance).await?;
            work::release(&mut tx, lease, pause, attempt).await?;
        }
        Conclusion::Converged { records } => {
            for record in &records {
                resources::update(&mut tx, lease.deployment_id, record).await?;
            }
            converge(&mut tx, app, standing).await?;
            let pause = backoff::spread(&app.kit.ids, app.config.drift_interval);
            work::release(&mut tx, lease, pause, 0).await?;
        }
        Conclusion::Deleted { sweeps } => {
            certify(&mut tx, app, standing, &sweeps).await?;
            work::retire(&mut tx, lease).await?;
        }
        Conclusion::GiveUp { problem } => {
            returning::give_up(&mut tx, app, standing, problem).await?;
            work::release(&mut tx, lease, Duration::ZERO, 0).await?;
        }
    }
    Ok(tx.commit().await?)
}

type Standing = (Deployment, Option<Operation>);

async fn hold_up(
    conn: &mut Conn,
    app: &App,
    (mut deployment, operation): Standing,
    hindrance: Option<Hindrance>,
) -> Result<(), PassError> {
    let held_up = matches!(hindrance, Some(Hindrance::NoAccess(_) | Hindrance::Paused));
    let blocked = match hindrance {
        None => None,
        Some(Hindrance::NoAccess(why)) if deployment.wanted == Wanted::Absent => {
            let unseen = unseen(conn, &deployment).await?;
            Some(format!(
                "cannot certify the deletion, {unseen} resources unseen: {why}"
            ))
        }
        Some(Hindrance::Aws(why) | Hindrance::NoAccess(why)) => Some(why),
        Some(Hindrance::Paused) => Some("paused; its work goes on when it is resumed".to_owned()),
    };
    if deployment.blocked != blocked {
        deployment.blocked = blocked;
        deployment.updated_at = app.kit.clock.now();
        deployments::update(conn, &deployment).await?;
    }
    let Some(mut operation) = operation else {
        return Ok(());
    };
    raise_alarm(conn, app, &mut operation).await?;
    let state = operation.state.progress(held_up).map_err(RequestError::from)?;
    if state != operation.state {
        operation.state = state;
        progress::save(conn, app, &mut operation).await?;
        progress::announce(conn, app, &operation).await?;
    }
    Ok(())
}

/// Tells once that an operation is not done by the time it should be. Time alone never ends one.
async fn raise_alarm(conn: &mut Conn, app: &App, operation: &mut Operation) -> Result<(), PassError> {
    let now = app.kit.clock.now();
    let late = operation.deadline_at.is_some_and(|deadline| deadline < now);
    if !late || operation.overdue_since.is_some() {
        return Ok(());
    }
    operation.overdue_since = Some(now);
    progress::save(conn, app, operation).await?;
    tracing::error!(operation.id = %operation.id, "an operation is not done by its deadline");
    let detail = json!({"kind": operation.kind, "deadline_at": operation.deadline_at});
    Ok(progress::publish(conn, app, operation, ("operation.overdue", detail)).await?)
}

async fn unseen(conn: &mut Conn, deployment: &Deployment) -> Result<usize, PassError> {
    let ever = resources::list_created_ever(conn, deployment.id).await?;
    Ok(ever.iter().filter(|one| one.gone_at.is_none()).count())
}

async fn converge(conn: &mut Conn, app: &App, standing: Standing) -> Result<(), PassError> {
    let (mut deployment, operation) = standing;
    let wanted = deployment.wanted.under(deployment.tenant_state_seen);
    let phase = deployment.phase.converge(wanted).map_err(RequestError::from)?;
    let now = app.kit.clock.now();
    if phase != deployment.phase {
        deployment.phase_since = now;
    }
    deployment.phase = phase;
    deployment.observed_generation = deployment.generation;
    deployment.blocked = None;
    deployment.updated_at = now;
    deployments::update(conn, &deployment).await?;
    let kind = format!("deployment.{}", phase.name());
    finish(conn, app, operation, (true, &kind, None)).await
}

/// A deployment is deleted only with its certificate.
async fn certify(
    conn: &mut Conn,
    app: &App,
    (mut deployment, operation): Standing,
    sweeps: &[Sweep],
) -> Result<(), PassError> {
    let certificate = certificate::issue(conn, app, (&deployment, operation.as_ref()), sweeps).await?;
    let now = app.kit.clock.now();
    deployment.deletion_proof = Some(certificate.document);
    deployment.phase = deployment
        .phase
        .converge(Wanted::Absent)
        .map_err(RequestError::from)?;
    deployment.phase_since = now;
    deployment.observed_generation = deployment.generation;
    deployment.blocked = None;
    deployment.updated_at = now;
    deployments::update(conn, &deployment).await?;
    finish(conn, app, operation, (true, "deployment.deleted", None)).await
}

pub(super) async fn finish(
    conn: &mut Conn,
    app: &App,
    operation: Option<Operation>,
    (succeeded, event, problem): (bool, &str, Option<String>),
) -> Result<(), PassError> {
    let Some(mut operation) = operation else {
        return Ok(());
    };
    operation.state = operation.state.finish(succeeded).map_err(RequestError::from)?;
    operation.problem = problem;
    progress::save(conn, app, &mut operation).await?;
    progress::announce(conn, app, &operation).await?;
    progress::publish(conn, app, &operation, (event, Value::Null)).await?;
    asking::record(conn, app, &operation, ("reconciler", "operation.ended")).await?;
    Ok(())
}
