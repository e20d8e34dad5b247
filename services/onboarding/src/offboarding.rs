//! The end of a tenant. Deleting a tenant sets its state; provisioning sees that and removes what it made; this
//! worker waits until nothing is left and then ends every access in one transaction.

use serde_json::json;
use tenant_model::connection::Ender;
use tenant_model::{Tenant, TenantId, TenantState};
use tenant_store::{Conn, api_keys, connections, deployments, sessions, tenants, users};

use crate::change::{Fact, record};
use crate::{App, OnboardingError};

const ACTOR: &str = "system";
/// Tenants looked at in one pass, and connections ended in one transaction.
const BATCH: i64 = 200;
const INTERVAL: std::time::Duration = std::time::Duration::from_secs(1);

/// Runs until the process stops.
pub(crate) async fn run(app: App) {
    loop {
        if let Err(error) = finish_due(&app).await {
            tracing::warn!(error = %service_kit::Chain(&error), "offboarding could not be finished");
        }
        tokio::select! {
            () = app.kit.stopping.cancelled() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
}

/// Ends every offboarding tenant of whom nothing is left, and tells how many.
///
/// # Errors
/// When the store does not answer.
pub async fn finish_due(app: &App) -> Result<usize, OnboardingError> {
    let mut ended = 0;
    let mut after = None;
    loop {
        let mut tx = app.stores.begin_ops().await?;
        let leaving = tenants::list(&mut tx, after, Some(TenantState::Offboarding), BATCH).await?;
        drop(tx);
        let Some(last) = leaving.last() else {
            return Ok(ended);
        };
        after = Some(last.id);
        for tenant in leaving {
            ended += usize::from(finish(app, tenant.id).await?);
        }
    }
}

async fn finish(app: &App, id: TenantId) -> Result<bool, OnboardingError> {
    let mut tx = app.stores.begin_ops().await?;
    let Some(tenant) = tenants::find_for_update(&mut tx, id).await? else {
        return Ok(false);
    };
    if tenant.state != TenantState::Offboarding || deployments::count_present(&mut tx, id).await? > 0 {
        return Ok(false);
    }
    end_access(app, &mut tx, id).await?;
    end(app, &mut tx, tenant).await?;
    tx.commit().await?;
    tracing::info!(tenant.id = %id, "a tenant is gone");
    Ok(true)
}

async fn end_access(app: &App, conn: &mut Conn, id: TenantId) -> Result<(), OnboardingError> {
    let now = app.kit.clock.now();
    sessions::revoke_tenant(conn, id, now).await?;
    users::disable_all(conn, id, now).await?;
    api_keys::revoke_all(conn, id, now).await?;
    for connection in connections::list(conn, Some(id), None, BATCH).await? {
        crate::connections::end(app, conn, (ACTOR, Ender::Offboarding), connection).await?;
    }
    Ok(())
}

async fn end(app: &App, conn: &mut Conn, mut tenant: Tenant) -> Result<(), OnboardingError> {
    tenant.state = tenant.state.delete()?;
    tenant.updated_at = app.kit.clock.now();
    let tenant = tenants::update(conn, &tenant).await?;
    let fact = Fact {
        tenant_id: Some(tenant.id),
        actor: ACTOR.to_owned(),
        action: "tenant.delete",
        event: "tenant.deleted",
        subject: tenant.id.to_string(),
        data: json!({ "state": tenant.state.name(), "previous": { "state": "offboarding" } }),
    };
    record(app, conn, fact).await
}
