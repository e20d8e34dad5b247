//! The two loops, and one step of both for whoever wants to see them move.

use std::future::Future;
use std::time::Duration;

use service_kit::Chain;

use crate::{App, PassError, commit, deliver};

/// What a pass did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Another worker holds the lease.
    Busy,
    /// There was nothing to do.
    Idle,
    /// Something moved; there may be more.
    Advanced,
}

/// A failed pass is repeated after so many idle pauses.
const PAUSES_AFTER_FAILURE: u32 = 5;

/// Starts both workers on the kit's tasks. They end when the process stops, after the step in hand.
pub fn start(app: &App) {
    let worker = format!("export-{}", app.kit.ids.uuid().simple());
    let (committer, name) = (app.clone(), worker.clone());
    app.kit.spawn("export-commit", async move {
        run(&committer, || commit::pass(&committer, &name)).await;
    });
    let loader = app.clone();
    app.kit.spawn("export-deliver", async move {
        run(&loader, || deliver::pass(&loader, &worker)).await;
    });
}

/// One step of the commit and, if there was none to take, one of the delivery.
///
/// # Errors
/// Whatever stopped it; the next pass, of any worker, goes on from the ledger.
pub async fn pass(app: &App, worker: &str) -> Result<Step, PassError> {
    match commit::pass(app, worker).await? {
        Step::Advanced => Ok(Step::Advanced),
        Step::Idle => deliver::pass(app, worker).await,
        Step::Busy => match deliver::pass(app, worker).await? {
            Step::Advanced => Ok(Step::Advanced),
            Step::Busy | Step::Idle => Ok(Step::Busy),
        },
    }
}

async fn run<Pass>(app: &App, step: impl Fn() -> Pass)
where
    Pass: Future<Output = Result<Step, PassError>>,
{
    let mut pause = Duration::ZERO;
    loop {
        tokio::select! {
            () = app.kit.stopping.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = match step().await {
            Ok(Step::Advanced) => Duration::ZERO,
            Ok(Step::Idle | Step::Busy) => app.config.idle,
            Err(error) => {
                report(&error);
                app.config.idle * PAUSES_AFTER_FAILURE
            }
        };
    }
}

fn report(error: &PassError) {
    if error.is_taken_over() {
        tracing::info!("another worker took over the export");
    } else if error.needs_operator() {
        tracing::error!(error = %Chain(error), "the export stands still until an operator looks");
    } else {
        tracing::warn!(error = %Chain(error), "a step of the export failed and will be repeated");
    }
}
