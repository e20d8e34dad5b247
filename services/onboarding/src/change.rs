//! A change: idempotent, audited and announced in one transaction.

use serde_json::Value;
use service_kit::{MutationRequest, Reply};
use tenant_model::{EventId, TenantId};
use tenant_store::audit::NewAuditEntry;
use tenant_store::outbox::Event;
use tenant_store::{Conn, Tx, audit, idempotency, outbox};

use crate::{App, OnboardingError};

/// A transaction for one request, which will hold its effect and its reply, or neither.
pub(crate) struct Change {
    pub(crate) tx: Tx,
    key: MutationRequest,
}

/// What the request's key stands for.
pub(crate) enum Opened {
    /// Do the work, then [`Change::finish`].
    New(Change),
    /// It was done before: send this again.
    Replay(Reply),
}

impl Change {
    /// Begins the transaction of `request`, bound to `tenant_id` or over all tenants.
    pub(crate) async fn open(
        app: &App,
        tenant_id: Option<TenantId>,
        request: &MutationRequest,
    ) -> Result<Opened, OnboardingError> {
        let mut tx = app.begin_as(tenant_id).await?;
        // Row-level security lets the transaction write only rows of its own tenant.
        let key = MutationRequest {
            tenant_id,
            ..request.clone()
        };
        let known = Reply::settle(idempotency::claim(&mut tx, &key).await?)?;
        Ok(known.map_or_else(|| Opened::New(Self { tx, key }), Opened::Replay))
    }

    /// Stores `reply` beside the effect and commits both.
    pub(crate) async fn finish(self, reply: Reply) -> Result<Reply, OnboardingError> {
        self.finish_storing(&reply).await?;
        Ok(reply)
    }

    /// As [`Change::finish`], for a reply with a secret: `stored`, without it, is what a retry gets.
    pub(crate) async fn finish_storing(mut self, stored: &Reply) -> Result<(), OnboardingError> {
        idempotency::insert(&mut self.tx, &self.key, &stored.stored()).await?;
        self.tx.commit().await?;
        Ok(())
    }
}

/// What a change says of itself: to the audit chain as `action`, to the outbox as `event`.
pub(crate) struct Fact {
    pub(crate) tenant_id: Option<TenantId>,
    pub(crate) actor: String,
    pub(crate) action: &'static str,
    pub(crate) event: &'static str,
    pub(crate) subject: String,
    /// Strings and integers, no secrets.
    pub(crate) data: Value,
}

/// Records a fact in the transaction of the change. Entries of one chain wait for each other until commit, so
/// this comes last.
pub(crate) async fn record(app: &App, conn: &mut Conn, fact: Fact) -> Result<(), OnboardingError> {
    let at = app.kit.clock.now();
    let event = Event {
        id: EventId::from_uuid(app.kit.ids.uuid()),
        tenant_id: fact.tenant_id,
        kind: fact.event.to_owned(),
        data: fact.data.clone(),
        at,
    };
    let entry = NewAuditEntry {
        tenant_id: fact.tenant_id,
        actor: fact.actor,
        action: fact.action,
        subject: fact.subject,
        detail: fact.data,
        at,
    };
    outbox::publish(conn, &event).await?;
    audit::append(conn, entry).await?;
    Ok(())
}
