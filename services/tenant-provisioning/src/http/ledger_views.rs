//! What goes over the wire of the ledger.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tenant_model::{audit::Entry, ids::TenantId};
use tenant_store::findings::Finding;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::ledger;

/// Whose ledger, and which part of it.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LedgerQuery {
    /// Whose; an operator has to say it.
    pub(crate) tenant: Option<String>,
    /// Only entries about one deployment.
    pub(crate) deployment: Option<String>,
    /// Most items of the reply, 1 to 500, default 50.
    pub(crate) limit: Option<u32>,
    /// `next_cursor` of the previous reply.
    pub(crate) cursor: Option<String>,
}

/// Where a part begins.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PartQuery {
    /// Whose; an operator has to say it.
    pub(crate) tenant: Option<String>,
    /// Behind which entry; 0, the beginning, when left out.
    pub(crate) after: Option<i64>,
}

/// One entry of a tenant's ledger.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LedgerEntry)]
pub(crate) struct LedgerEntryView {
    #[schema(value_type = Option<String>)]
    tenant_id: Option<TenantId>,
    /// Its place in the chain, from 1 without gaps.
    sequence: i64,
    at: DateTime<Utc>,
    /// Who acts: a user, a key, or `reconciler`.
    actor: String,
    /// `round.opened`, `call.intended`, `call.answered`, `round.closed`.
    action: String,
    /// The deployment or the connection.
    subject: String,
    /// Why, by which operation and plan, who approved it, with which parameters, and what came of it.
    #[schema(value_type = Object)]
    detail: serde_json::Value,
    /// SHA-256 over this entry and the hash of the one before, in hexadecimal.
    hash: String,
}

/// A difference between the account's log and the ledger, or something left over.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LedgerFinding)]
pub(crate) struct FindingView {
    id: Uuid,
    #[schema(value_type = String)]
    tenant_id: TenantId,
    /// `foreign_session`, `foreign_call`, `missing_in_log`, `orphan`.
    kind: String,
    /// Whether somebody has to look at it.
    alarm: bool,
    /// The event in the log, or the resource.
    subject: String,
    #[schema(value_type = Object)]
    detail: serde_json::Value,
    found_at: DateTime<Utc>,
}

/// A part of a ledger to take away.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LedgerPart)]
pub(crate) struct PartView {
    /// Where the part begins and ends; what is signed.
    #[schema(value_type = Object)]
    pub(super) document: serde_json::Value,
    /// The document as a compact JWS of the keys in `/.well-known/jwks.json`.
    pub(super) jws: String,
    pub(super) entries: Vec<LedgerEntryView>,
}

impl From<Entry> for LedgerEntryView {
    fn from(entry: Entry) -> Self {
        let content = entry.content;
        Self {
            tenant_id: content.tenant_id,
            sequence: content.sequence,
            at: content.at,
            actor: content.actor,
            action: content.action,
            subject: content.subject,
            detail: content.detail,
            hash: ledger::hex(&entry.hash),
        }
    }
}

impl From<Finding> for FindingView {
    fn from(finding: Finding) -> Self {
        Self {
            id: finding.id,
            tenant_id: finding.tenant_id,
            kind: finding.kind,
            alarm: finding.alarm,
            subject: finding.subject,
            detail: finding.detail,
            found_at: finding.found_at,
        }
    }
}
