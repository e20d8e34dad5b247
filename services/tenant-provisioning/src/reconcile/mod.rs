//! One pass over one deployment: claim, load, look, settle, act, record, release.
//!
//! Everything a pass knows it has read: from the database what is wanted and what was about to be done,
//! from the account what is there. So it does not matter who ran the pass before, or where it died.
//! Waiting is a due time in the database, never a sleeping task.

mod act;
mod apply;
mod backoff;
mod case;
mod certificate;
mod conclude;
mod heartbeat;
mod import_facts;
mod ledger;
mod observe;
mod repair;
mod report;
pub(crate) mod returning;
mod settle;
mod sweep;
mod turn;

use std::time::Duration;

use aws_access::{AssumeError, AwsError};
use tenant_store::{
    StoreError,
    work::{self, Lease},
};

use self::{
    case::Case,
    conclude::{Conclusion, Hindrance},
    heartbeat::Heartbeat,
};
use crate::{App, RequestError};

/// What a pass came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Nothing was due.
    Idle,
    /// A deployment was looked at, and released.
    Worked,
    /// Another worker has taken the deployment over; this one wrote nothing more.
    Overtaken,
}

/// Why a pass could not be finished. The deployment stays due.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// The database did not do it.
    #[error("the database did not answer")]
    Store(#[from] StoreError),
    /// AWS did not answer a question.
    #[error("AWS did not answer")]
    Aws(#[from] AwsError),
    /// The role was not assumed.
    #[error(transparent)]
    Assume(#[from] AssumeError),
    /// A rule of the model says that this cannot be.
    #[error("the deployment is in a state that its work does not allow")]
    Request(#[from] RequestError),
}

impl PassError {
    /// The same for the person who watches the deployment.
    fn hindrance(&self) -> Hindrance {
        match self {
            Self::Assume(AssumeError::Denied) => Hindrance::NoAccess("the role does not admit us".to_owned()),
            Self::Assume(AssumeError::Unavailable(error)) | Self::Aws(error) => {
                Hindrance::Aws(format!("AWS answered {}", error.code))
            }
            Self::Store(_) | Self::Request(_) => Hindrance::Aws(self.to_string()),
        }
    }

    /// True when another worker has taken over, or somebody changed the deployment under way.
    fn is_overtaken(&self) -> bool {
        matches!(
            self,
            Self::Store(StoreError::Stale) | Self::Request(RequestError::Store(StoreError::Stale))
        )
    }
}

/// Works until the process stops: passes while there is something due, then a pause.
pub(crate) async fn run(app: App, worker: String) {
    loop {
        let idle = match pass(&app, &worker).await {
            Ok(Pass::Idle) => true,
            Ok(Pass::Worked | Pass::Overtaken) => false,
            Err(error) => {
                tracing::warn!(error = %service_kit::Chain(&error), "a pass did not finish");
                true
            }
        };
        if app.kit.stopping.is_cancelled() {
            return;
        }
        if idle {
            measure(&app).await;
            tokio::select! {
                () = app.kit.stopping.cancelled() => return,
                () = tokio::time::sleep(app.config.poll_interval) => {}
            }
        }
    }
}

/// How far the workers are behind. Measured when one has nothing to do, so it costs nobody time.
async fn measure(app: &App) {
    let Ok(mut tx) = app.stores.begin_ops().await else {
        return;
    };
    if let Ok((seconds, due)) = work::lag(&mut tx).await {
        let number = |value: i64| f64::from(i32::try_from(value).unwrap_or(i32::MAX));
        metrics::gauge!("tenantry_provisioning_lag_seconds").set(number(seconds));
        metrics::gauge!("tenantry_provisioning_due_deployments").set(number(due));
    }
}

/// Claims what has been due for longest and works on it once.
///
/// # Errors
/// When the database does not answer. What AWS answers ends in the deployment's row instead.
pub async fn pass(app: &App, worker: &str) -> Result<Pass, PassError> {
    let Some(lease) = claim(app, worker).await? else {
        return Ok(Pass::Idle);
    };
    let _heartbeat = Heartbeat::start(app, lease);
    match work_on(app, &lease).await {
        Ok(()) => Ok(Pass::Worked),
        Err(error) if error.is_overtaken() => {
            // Either another worker has it, then this changes nothing, or a person changed the wish
            // under way, then it is looked at again at once.
            let_go(app, &lease).await
        }
        Err(PassError::Store(error)) => Err(error.into()),
        Err(error) => {
            tracing::info!(
                deployment.id = %lease.deployment_id,
                error = %service_kit::Chain(&error),
                "a pass ended early and is repeated"
            );
            let conclusion = Conclusion::Later {
                pause: backoff::pause(&app.kit.ids, app.config.wait_interval, lease.attempt),
                attempt: lease.attempt + 1,
                hindrance: Some(error.hindrance()),
            };
            match conclude::end(app, &lease, conclusion).await {
                Ok(()) => Ok(Pass::Worked),
                Err(error) if error.is_overtaken() => Ok(Pass::Overtaken),
                Err(error) => Err(error),
            }
        }
    }
}

/// Tenants that changed their state are looked for only when nothing else is due: that look meets every deployment.
async fn claim(app: &App, worker: &str) -> Result<Option<Lease>, PassError> {
    let mut tx = app.stores.begin_ops().await?;
    let mut lease = work::claim(&mut tx, worker).await?;
    if lease.is_none() && work::wake_changed_tenants(&mut tx).await? > 0 {
        lease = work::claim(&mut tx, worker).await?;
    }
    tx.commit().await?;
    Ok(lease)
}

async fn let_go(app: &App, lease: &Lease) -> Result<Pass, PassError> {
    let mut tx = app.stores.begin(lease.tenant_id).await?;
    match work::release(&mut tx, lease, Duration::ZERO, lease.attempt).await {
        Ok(()) => {
            tx.commit().await?;
            Ok(Pass::Worked)
        }
        Err(StoreError::Stale) => Ok(Pass::Overtaken),
        Err(error) => Err(error.into()),
    }
}

#[tracing::instrument(skip_all, fields(deployment.id = %lease.deployment_id, fence = lease.fence))]
async fn work_on(app: &App, lease: &Lease) -> Result<(), PassError> {
    let mut case = match Case::load(app, lease).await? {
        Ok(case) => case,
        Err(conclusion) => return conclude::end(app, lease, conclusion).await,
    };
    let concluded = Box::pin(work_through(app, &mut case)).await;
    ledger::close_case(app, &case).await?;
    conclude::end(app, lease, concluded?).await
}

async fn work_through(app: &App, case: &mut Case) -> Result<Conclusion, PassError> {
    // On the heap, each by itself: they hold the futures of many calls, and stand in each other.
    Box::pin(observe::everything(case)).await?;
    Box::pin(settle::everything(app, case)).await?;
    observe::remember(app, case).await?;
    Box::pin(act::everything(app, case)).await?;
    let conclusion = Box::pin(conclude::judge(app, case)).await?;
    apply::approved(app, case, conclusion).await
}
