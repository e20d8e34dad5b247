//! What a pass writes into the ledger: that it begins, each call that changes something, and what it did in all.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use aws_access::{Broker, StepClass};
use tenant_model::{
    deployment::Deployment,
    ledger::{CallAnswer, Mandate, Purpose, Round},
    operation::Operation,
    resource::Intent,
};
use tenant_store::{Conn, StoreError, intents::Settlement, ledger};
use uuid::Uuid;

use super::{PassError, case::Case};
use crate::App;

/// The round of one pass.
pub(super) struct Books {
    round: Round,
    /// AWS's ids of requests, by intent, between the answer and its record.
    requests: Mutex<BTreeMap<Uuid, String>>,
}

impl Books {
    /// Opens the round in the caller's transaction, before there is a session.
    pub(super) async fn open(
        conn: &mut Conn,
        app: &App,
        (deployment, operation): (&Deployment, Option<&Operation>),
    ) -> Result<Self, StoreError> {
        let round = Round {
            id: app.kit.ids.uuid(),
            tenant_id: deployment.tenant_id,
            connection_id: deployment.connection_id,
            purpose: Purpose::Reconcile,
            session_name: operation
                .map_or_else(|| deployment.id.to_string(), |operation| operation.id.to_string()),
            source_identity: operation.map_or_else(|| "reconciler".to_owned(), acting),
            subject: deployment.id.to_string(),
            operation: operation.map(mandate),
        };
        let now = app.kit.clock.now();
        ledger::append(conn, round.tenant_id, round.opened(), now).await?;
        Ok(Self {
            round,
            requests: Mutex::default(),
        })
    }

    /// Name of the pass's sessions.
    pub(super) fn session_name(&self) -> &str {
        &self.round.session_name
    }

    /// Who acts.
    pub(super) fn source_identity(&self) -> &str {
        &self.round.source_identity
    }

    /// Keeps AWS's id of a request until its answer is recorded.
    pub(super) fn note_request(&self, intent: Uuid, id: Option<String>) {
        if let Some(id) = id {
            let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
            requests.insert(intent, id);
        }
    }

    /// Goes into the transaction that commits the intents.
    pub(super) async fn intended(
        &self,
        conn: &mut Conn,
        app: &App,
        intents: &[Intent],
    ) -> Result<(), StoreError> {
        for intent in intents.iter().filter(|intent| is_with_the_role(intent)) {
            let line = self.round.intended(intent);
            ledger::append(conn, self.round.tenant_id, line, app.kit.clock.now()).await?;
        }
        Ok(())
    }

    /// Goes into the transaction that commits the outcome.
    pub(super) async fn answered(
        &self,
        conn: &mut Conn,
        app: &App,
        (intent, settlement): (&Intent, &Settlement<'_>),
    ) -> Result<(), StoreError> {
        if !is_with_the_role(intent) {
            return Ok(());
        }
        let request = self
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&intent.id);
        let answer = CallAnswer {
            outcome: settlement.outcome,
            made: settlement.aws_id,
            error: settlement.error,
            request_id: request.as_deref(),
        };
        let line = self.round.answered(intent, &answer);
        ledger::append(conn, self.round.tenant_id, line, app.kit.clock.now()).await
    }
}

/// Records of the ISV's own zone are made with the ISV's own credentials.
fn is_with_the_role(intent: &Intent) -> bool {
    intent.call.facts().class != StepClass::Dns
}

/// Who approved it, or else asked for it.
fn acting(operation: &Operation) -> String {
    let approved = operation.approved_by.clone();
    approved.unwrap_or_else(|| operation.requested_by.clone())
}

fn mandate(operation: &Operation) -> Mandate {
    Mandate {
        operation_id: operation.id,
        plan_hash: operation.plan.hash.clone(),
        requested_by: operation.requested_by.clone(),
        approved_by: operation.approved_by.clone(),
    }
}

/// Closes the round with what was done through its broker. Not part of the pass's own end: also a pass that was
/// overtaken, or that AWS did not let finish, has done what it has done.
pub(super) async fn close(app: &App, books: &Books, broker: &Broker) -> Result<(), PassError> {
    let line = books.round.closed(&broker.used());
    let mut tx = app.stores.begin(books.round.tenant_id).await?;
    ledger::append(&mut tx, books.round.tenant_id, line, app.kit.clock.now()).await?;
    Ok(tx.commit().await?)
}

/// [`close`] for a case.
pub(super) async fn close_case(app: &App, case: &Case) -> Result<(), PassError> {
    close(app, &case.books, case.broker()).await
}
