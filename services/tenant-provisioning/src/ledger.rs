//! Reading the action ledger: a page to look at, and a part to take away and check without us.

use serde_json::{Value, json};
use tenant_model::{
    audit::{Entry, Hash},
    ids::TenantId,
};
use tenant_store::{ledger, ledger_watch};

use crate::{App, RequestError};

/// The `typ` of the signature on a part's end.
pub const LEDGER_TYPE: &str = "tenantry-ledger+jws";
/// Most entries in one part: some ten megabytes.
const PART_ENTRIES_MAX: i64 = 20_000;

/// A part of a ledger with its end, signed.
#[derive(Clone, Debug)]
pub struct Part {
    /// What is signed: where the part begins and ends.
    pub document: Value,
    /// The document as a compact JWS.
    pub jws: String,
    /// The entries, oldest first.
    pub entries: Vec<Entry>,
}

/// The entries of a tenant's ledger after `after`, oldest first, at most `limit`; only those about `subject`, if named.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    app: &App,
    tenant_id: TenantId,
    (after, subject): (i64, Option<&str>),
    limit: u32,
) -> Result<Vec<Entry>, RequestError> {
    let mut tx = app.stores.begin(tenant_id).await?;
    Ok(ledger::list(&mut tx, tenant_id, (after, subject), i64::from(limit)).await?)
}

/// The newest entries, newest first, and how the comparisons with the account's log stand.
///
/// # Errors
/// When the database does not answer.
pub async fn overview(
    app: &App,
    tenant_id: TenantId,
    limit: u32,
) -> Result<(Vec<Entry>, Vec<ledger_watch::Standing>), RequestError> {
    let mut tx = app.stores.begin(tenant_id).await?;
    let entries = ledger::list_newest(&mut tx, tenant_id, i64::from(limit)).await?;
    Ok((entries, ledger_watch::list(&mut tx, tenant_id).await?))
}

/// A part of the ledger behind entry `after`, with its end signed now.
///
/// # Errors
/// [`RequestError::NotFound`] when the ledger has no entry `after`.
pub async fn part(app: &App, tenant_id: TenantId, after: i64) -> Result<Part, RequestError> {
    let mut tx = app.stores.begin(tenant_id).await?;
    let before = ledger::hash_at(&mut tx, tenant_id, after).await?;
    let before = before.ok_or(RequestError::NotFound)?;
    let entries = ledger::list(&mut tx, tenant_id, (after, None), PART_ENTRIES_MAX).await?;
    let end = entries
        .last()
        .map_or((after, before), |last| (last.content.sequence, last.hash));
    let document = json!({
        "kind": "ledger-part",
        "issued_at": app.kit.clock.now(),
        "issued_by": app.config.install,
        "tenant": tenant_id,
        "after": { "sequence": after, "head": hex(&before) },
        "end": { "sequence": end.0, "head": hex(&end.1) },
    });
    Ok(Part {
        jws: app.kit.authority.sign_document(LEDGER_TYPE, &document),
        document,
        entries,
    })
}

/// A hash in hexadecimal.
#[must_use]
pub fn hex(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
