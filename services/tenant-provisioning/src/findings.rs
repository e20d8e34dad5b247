//! What comparisons and sweeps find: written down once, and announced when somebody has to look at it.

use serde_json::{Value, json};
use tenant_model::{
    call_log::FindingKind,
    ids::{EventId, TenantId},
};
use tenant_store::{
    Conn, StoreError,
    findings::{self, Finding},
    outbox,
};

use crate::App;

/// A finding before it has its place.
pub(crate) struct New {
    /// What it is.
    pub(crate) kind: FindingKind,
    /// The event's id in the log, or the resource's id.
    pub(crate) subject: String,
    /// Particulars.
    pub(crate) detail: Value,
}

/// Writes a finding down in the caller's transaction; one that is known is left as it is.
pub(crate) async fn write_down(
    conn: &mut Conn,
    app: &App,
    tenant_id: TenantId,
    new: New,
) -> Result<bool, StoreError> {
    let finding = Finding {
        id: app.kit.ids.uuid(),
        tenant_id,
        kind: new.kind.name().to_owned(),
        subject: new.subject,
        alarm: new.kind.is_alarm(),
        detail: new.detail,
        found_at: app.kit.clock.now(),
    };
    if !findings::insert(conn, &finding).await? {
        return Ok(false);
    }
    if finding.alarm {
        tracing::error!(finding.kind, finding.id = %finding.id, "a use of a customer's role is not ours, or something is left over");
        metrics::counter!("tenantry_provisioning_alarms_total", "kind" => new.kind.name()).increment(1);
        outbox::publish(conn, &announcement(app, &finding, new.kind)).await?;
    }
    Ok(true)
}

fn announcement(app: &App, finding: &Finding, kind: FindingKind) -> outbox::Event {
    outbox::Event {
        id: EventId::from_uuid(app.kit.ids.uuid()),
        tenant_id: Some(finding.tenant_id),
        kind: "ledger.alarm".to_owned(),
        data: json!({
            "finding": finding.id,
            "kind": finding.kind,
            "meaning": kind.words(),
            "detail": finding.detail,
        }),
        at: finding.found_at,
    }
}
