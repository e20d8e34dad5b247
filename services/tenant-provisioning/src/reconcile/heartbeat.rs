//! Keeps a lease alive while its pass waits for AWS.

use std::time::Duration;

use tenant_store::work::{self, Lease};
use tokio::task::AbortHandle;

use crate::App;

/// A quarter of the lease: three may be lost.
const INTERVAL: Duration = Duration::from_secs(5);

/// Renews the lease every five seconds on a connection of its own, until it is dropped.
pub(super) struct Heartbeat(AbortHandle);

impl Heartbeat {
    pub(super) fn start(app: &App, lease: Lease) -> Self {
        let app = app.clone();
        let task = app.kit.tasks.clone().spawn(async move {
            loop {
                tokio::time::sleep(INTERVAL).await;
                if let Err(error) = beat(&app, &lease).await {
                    // The pass finds out by itself at its next write.
                    tracing::debug!(%error, "the lease was not renewed");
                    return;
                }
            }
        });
        Self(task.abort_handle())
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn beat(app: &App, lease: &Lease) -> Result<(), tenant_store::StoreError> {
    let mut tx = app.stores.begin(lease.tenant_id).await?;
    work::hold(&mut tx, lease).await?;
    tx.commit().await
}
