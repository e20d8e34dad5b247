//! What onboarding writes into the ledger: that a round of proof or a survey begins, and what it did in all.
//!
//! Nothing here changes anything in an account, so a round has no entries besides these two.

use aws_access::Broker;
use tenant_model::Connection;
use tenant_model::ledger::{Purpose, Round};
use tenant_store::{StoreError, ledger};

use crate::{App, proving};

/// Opens a round, before there is a session.
///
/// # Errors
/// When the store does not answer; then nothing may be asked.
pub(crate) async fn open(app: &App, connection: &Connection, purpose: Purpose) -> Result<Round, StoreError> {
    let identity = proving::identity(connection);
    let round = Round {
        id: app.kit.ids.uuid(),
        tenant_id: connection.tenant_id,
        connection_id: connection.id,
        purpose,
        session_name: identity.operation,
        source_identity: identity.source_identity,
        subject: connection.id.to_string(),
        operation: None,
    };
    let mut tx = app.stores.begin(round.tenant_id).await?;
    ledger::append(&mut tx, round.tenant_id, round.opened(), app.kit.clock.now()).await?;
    tx.commit().await?;
    Ok(round)
}

/// Closes a round with what was done through its broker.
///
/// # Errors
/// When the store does not answer; the round stays open.
pub(crate) async fn close(app: &App, round: &Round, broker: &Broker) -> Result<(), StoreError> {
    let mut tx = app.stores.begin(round.tenant_id).await?;
    let line = round.closed(&broker.used());
    ledger::append(&mut tx, round.tenant_id, line, app.kit.clock.now()).await?;
    tx.commit().await
}
