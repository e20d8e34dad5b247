//! Proposing what shall become of an existing deployment. Nothing changes by it: the plan waits for approval, and what
//! was proposed is written down as wanted only by the worker that finds the plan still true.

use tenant_model::{
    InvalidTransition,
    blueprint::{Blueprint, Design},
    contract::{Contract, KEPT_DAYS_MAX, Proposal, Retention},
    deployment::{Deployment, Phase, Profile, Wanted},
    ids::DeploymentId,
    operation::{Operation, OperationKind, OperationState},
};
use tenant_store::{Conn, deployments, operations, work};

use crate::{
    App, RequestError,
    deployments::{self as asking, record},
    operations as operations_of,
    planning::{self, Draft},
    progress,
};

/// Asks for the end of a deployment: a plan to approve, which says what goes and what stays.
///
/// # Errors
/// When there is nothing to delete, or another operation is at work.
pub async fn request_deletion(
    app: &App,
    actor: &str,
    id: DeploymentId,
    retention: &Retention,
) -> Result<Operation, RequestError> {
    let found = asking::find(app, None, id).await?;
    let mut tx = app.stores.begin(found.tenant_id).await?;
    let operation = request_deletion_in(&mut tx, app, (actor, retention), (id, None)).await?;
    tx.commit().await?;
    Ok(operation)
}

/// [`request_deletion`] in the caller's transaction; with a version, only if it is still the present one.
pub(crate) async fn request_deletion_in(
    conn: &mut Conn,
    app: &App,
    (actor, retention): (&str, &Retention),
    (id, version): (DeploymentId, Option<i64>),
) -> Result<Operation, RequestError> {
    let (deployment, live) = lock(conn, id, version).await?;
    deployment.phase.delete()?;
    let again =
        |live: &Operation| live.kind == OperationKind::Delete && live.contract.retention == *retention;
    if let Some(live) = live {
        if again(&live) {
            return Ok(live);
        }
        make_way(conn, app, live).await?;
    }
    propose_deletion(conn, app, &deployment, (actor, retention)).await
}

/// What shall be different. What is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DesignChange {
    /// Size of the machines.
    pub instance_type: Option<String>,
    /// Another profile.
    pub profile: Option<Profile>,
    /// Whether a Multi-AZ database belongs to it.
    pub database: Option<bool>,
}

/// Asks for another design of a deployment, or, with nothing different, for what drifted to be put right: a plan to
/// approve.
///
/// # Errors
/// When the deployment cannot become that, nothing would change, or another operation is at work.
pub async fn request_change(
    app: &App,
    actor: &str,
    id: DeploymentId,
    change: &DesignChange,
) -> Result<Operation, RequestError> {
    let found = asking::find(app, None, id).await?;
    let mut tx = app.stores.begin(found.tenant_id).await?;
    let operation = request_change_in(&mut tx, app, (actor, change), (id, None)).await?;
    tx.commit().await?;
    Ok(operation)
}

/// [`request_change`] in the caller's transaction; with a version, only if it is still the present one.
pub(crate) async fn request_change_in(
    conn: &mut Conn,
    app: &App,
    (actor, change): (&str, &DesignChange),
    (id, version): (DeploymentId, Option<i64>),
) -> Result<Operation, RequestError> {
    let (deployment, live) = lock(conn, id, version).await?;
    may_change(conn, &deployment).await?;
    if let Some(live) = live {
        make_way(conn, app, live).await?;
    }
    let stored = planning::blueprint(conn, &deployment).await?;
    let design = changed(&stored.design, change)?;
    let blueprint = if design == stored.design {
        stored
    } else {
        Blueprint::compile(deployment.id, design).succeeding(&stored)
    };
    let proposal = Proposal {
        blueprint,
        wanted: deployment.wanted,
    };
    let contract = Contract::proposing(proposal, Retention::default());
    let asked = (OperationKind::Change, contract);
    propose(conn, app, &deployment, (actor, asked)).await
}

async fn may_change(conn: &mut Conn, deployment: &Deployment) -> Result<(), RequestError> {
    operations_of::may_begin(conn, deployment, OperationKind::Change).await?;
    match deployment.phase {
        Phase::Ready | Phase::Provisioning => Ok(()),
        Phase::Planned | Phase::Stopped | Phase::Deleting | Phase::Deleted | Phase::Cancelled => {
            let (from, verb) = (deployment.phase.name(), "change");
            Err(InvalidTransition { from, verb }.into())
        }
    }
}

/// The design as it shall be.
fn changed(design: &Design, change: &DesignChange) -> Result<Design, RequestError> {
    let profile = change.profile.unwrap_or(design.profile);
    if (design.profile, profile) == (Profile::HighlyAvailable, Profile::Single) {
        return Err(RequestError::Invalid {
            pointer: "/profile",
            detail: "A highly available deployment does not become a single machine again.".to_owned(),
        });
    }
    let database = change.database.unwrap_or(design.database);
    if design.database && !database {
        return Err(RequestError::Invalid {
            pointer: "/database",
            detail: "A database is not taken away from a deployment that stays.".to_owned(),
        });
    }
    asking::check_database(profile, database)?;
    asking::check_network(profile, &design.network)?;
    let instance_type = match change.instance_type.as_deref() {
        Some(chosen) => asking::choose_instance_type(Some(chosen))?,
        None => design.instance_type.clone(),
    };
    Ok(Design {
        profile,
        database,
        instance_type,
        ..design.clone()
    })
}

/// The work row first: a worker locks in the same order.
pub(crate) async fn lock(
    conn: &mut Conn,
    id: DeploymentId,
    version: Option<i64>,
) -> Result<(Deployment, Option<Operation>), RequestError> {
    work::wake(conn, id).await?;
    let live = operations::find_live_for_update(conn, id).await?;
    let deployment = deployments::find_for_update(conn, id)
        .await?
        .ok_or(RequestError::NotFound)?;
    if version.is_some_and(|seen| seen != deployment.version) {
        let current = deployment.version;
        return Err(RequestError::Version { current });
    }
    Ok((deployment, live))
}

/// A plan that nobody has approved yet gives way to a newer one; work under way does not.
pub(crate) async fn make_way(conn: &mut Conn, app: &App, live: Operation) -> Result<(), RequestError> {
    if live.state != OperationState::AwaitingApproval {
        return Err(RequestError::Busy);
    }
    progress::cancel(conn, app, live).await?;
    Ok(())
}

/// Writes the plan of a deletion down. The caller has seen that nothing else is under way.
pub(crate) async fn propose_deletion(
    conn: &mut Conn,
    app: &App,
    deployment: &Deployment,
    (actor, retention): (&str, &Retention),
) -> Result<Operation, RequestError> {
    check_retention(retention)?;
    let proposal = Proposal {
        blueprint: planning::blueprint(conn, deployment).await?,
        wanted: Wanted::Absent,
    };
    let contract = Contract::proposing(proposal, retention.clone());
    let asked = (OperationKind::Delete, contract);
    propose(conn, app, deployment, (actor, asked)).await
}

/// What can be kept is told by what is there.
fn check_retention(retention: &Retention) -> Result<(), RequestError> {
    let Some(days) = retention.database_snapshot_days else {
        return Ok(());
    };
    let refused = |detail: &str| {
        Err(RequestError::Invalid {
            pointer: "/database_snapshot_days",
            detail: detail.to_owned(),
        })
    };
    if !(1..=KEPT_DAYS_MAX).contains(&days) {
        return refused("Choose 1 to 3650 days.");
    }
    refused("Nothing can be kept in the account: what this deployment holds goes with it.")
}

async fn propose(
    conn: &mut Conn,
    app: &App,
    deployment: &Deployment,
    (actor, (kind, mut contract)): (&str, (OperationKind, Contract)),
) -> Result<Operation, RequestError> {
    contract.quorum = planning::quorum(conn, deployment, kind).await?;
    let plan = planning::proposed(conn, app, deployment, &contract).await?;
    if kind == OperationKind::Change && plan.lines.is_empty() {
        return Err(RequestError::Invalid {
            pointer: "",
            detail: "Nothing would change: the deployment is as you ask for.".to_owned(),
        });
    }
    let draft = Draft {
        kind,
        state: OperationState::AwaitingApproval,
        plan,
        contract,
        requested_by: actor,
    };
    let operation = planning::draft(app, deployment, draft);
    operations::insert(conn, &operation).await?;
    progress::announce(conn, app, &operation).await?;
    let action = match kind {
        OperationKind::Delete => "deployment.delete_requested",
        OperationKind::Provision | OperationKind::Change | OperationKind::Suspend | OperationKind::Resume => {
            "deployment.change_requested"
        }
    };
    record(conn, app, &operation, (actor, action)).await?;
    Ok(operation)
}
