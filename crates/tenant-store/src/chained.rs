//! A row of a hash chain as the database keeps it: the audit's and the ledger's are alike.

use chrono::{DateTime, Utc};
use serde_json::Value;
use tenant_model::TenantId;
use tenant_model::audit::{Content, Entry, Hash};
use uuid::Uuid;

use crate::StoreError;

pub(crate) struct EntryRow {
    pub(crate) tenant_id: Option<Uuid>,
    pub(crate) sequence: i64,
    pub(crate) at: DateTime<Utc>,
    pub(crate) actor: String,
    pub(crate) action: String,
    pub(crate) subject: String,
    pub(crate) detail: Value,
    pub(crate) hash: Vec<u8>,
}

impl TryFrom<EntryRow> for Entry {
    type Error = StoreError;

    fn try_from(row: EntryRow) -> Result<Self, Self::Error> {
        let content = Content {
            tenant_id: row.tenant_id.map(TenantId::from_uuid),
            sequence: row.sequence,
            at: row.at,
            actor: row.actor,
            action: row.action,
            subject: row.subject,
            detail: row.detail,
        };
        Ok(Self {
            content,
            hash: sized(row.hash)?,
        })
    }
}

/// The hash of the last entry, or of one that is read.
pub(crate) fn sized(bytes: Vec<u8>) -> Result<Hash, StoreError> {
    bytes
        .try_into()
        .map_err(|_| StoreError::unreadable("a hash of a chain is not 32 bytes"))
}

/// What the database keeps of a time; the hash is made over exactly that.
pub(crate) fn whole_micros(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap_or(at)
}
