//! Reporting how far an operation is: its row, its events and the announcements.

use serde_json::{Value, json};
use tenant_model::{
    deployment::Deployment,
    ids::{EventId, TenantId},
    operation::{Operation, Step},
};
use tenant_store::{Conn, StoreError, Tx, operations, outbox};

use crate::{App, RequestError};

/// A transaction that sees a tenant's rows, or (operator) all.
pub(crate) async fn begin_as(app: &App, tenant_id: Option<TenantId>) -> Result<Tx, StoreError> {
    match tenant_id {
        Some(tenant_id) => app.stores.begin(tenant_id).await,
        None => app.stores.begin_ops().await,
    }
}

/// Writes the operation with the time of now.
pub(crate) async fn save(conn: &mut Conn, app: &App, operation: &mut Operation) -> Result<(), StoreError> {
    operation.updated_at = app.kit.clock.now();
    operation.version = operations::update(conn, operation).await?;
    Ok(())
}

/// Reports the operation's state, and that it is over if it is.
pub(crate) async fn announce(conn: &mut Conn, app: &App, operation: &Operation) -> Result<(), StoreError> {
    let state = json!({
        "state": operation.state,
        "percent": operation.percent(),
        "problem": operation.problem,
    });
    operations::append_event(conn, operation, "state", &state).await?;
    if operation.state.is_final() {
        operations::append_event(conn, operation, "done", &state).await?;
    }
    let kind = format!("operation.{}", operation.state.name());
    publish(conn, app, operation, (&kind, json!({"kind": operation.kind}))).await
}

/// Reports one step.
pub(crate) async fn announce_step(
    conn: &mut Conn,
    operation: &Operation,
    step: &Step,
) -> Result<(), StoreError> {
    let data = json!({"step": step, "percent": operation.percent()});
    operations::append_event(conn, operation, "step", &data).await
}

/// Publishes an announcement about the operation's deployment.
pub(crate) async fn publish(
    conn: &mut Conn,
    app: &App,
    operation: &Operation,
    (kind, detail): (&str, Value),
) -> Result<(), StoreError> {
    let event = outbox::Event {
        id: EventId::from_uuid(app.kit.ids.uuid()),
        tenant_id: Some(operation.tenant_id),
        kind: kind.to_owned(),
        data: json!({
            "operation": operation.id,
            "deployment": operation.deployment_id,
            "detail": detail,
        }),
        at: app.kit.clock.now(),
    };
    outbox::publish(conn, &event).await
}

/// Publishes an announcement about a deployment on which no operation runs.
pub(crate) async fn publish_about(
    conn: &mut Conn,
    app: &App,
    deployment: &Deployment,
    (kind, detail): (&str, Value),
) -> Result<(), StoreError> {
    let event = outbox::Event {
        id: EventId::from_uuid(app.kit.ids.uuid()),
        tenant_id: Some(deployment.tenant_id),
        kind: kind.to_owned(),
        data: json!({"deployment": deployment.id, "detail": detail}),
        at: app.kit.clock.now(),
    };
    outbox::publish(conn, &event).await
}

/// Withdraws a live operation.
pub(crate) async fn cancel(
    conn: &mut Conn,
    app: &App,
    mut operation: Operation,
) -> Result<Operation, RequestError> {
    operation.state = operation.state.cancel()?;
    save(conn, app, &mut operation).await?;
    announce(conn, app, &operation).await?;
    Ok(operation)
}
