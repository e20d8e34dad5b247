//! Reading the audit log, and proving that nobody changed it.

use service_kit::Page;
use tenant_model::audit::{Entry, verify};
use tenant_model::{Action, Principal, TenantId, authorize};
use tenant_store::audit;

use crate::{App, OnboardingError};

/// Entries read at once while a chain is verified.
const BATCH: i64 = 1_000;

/// The entries of one chain, oldest first. No tenant: the operator's own acts.
///
/// # Errors
/// [`OnboardingError::NotFound`] for a stranger.
pub async fn list(
    app: &App,
    caller: &Principal,
    tenant_id: Option<TenantId>,
    after: i64,
    limit: u32,
) -> Result<Page<Entry>, OnboardingError> {
    match tenant_id {
        Some(tenant_id) => authorize(caller, Action::ReadTenant, Some(tenant_id))?,
        None => authorize(caller, Action::OperateFleet, None)?,
    }
    let mut tx = app.begin_for(caller).await?;
    let rows = audit::list(&mut tx, tenant_id, after, i64::from(limit) + 1).await?;
    let filter = tenant_id.map_or_else(|| "operator".to_owned(), |id| id.to_string());
    Ok(Page::cut(rows, limit, &filter, |entry| entry.content.sequence))
}

/// What the check of all chains found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainReport {
    /// Entries read.
    pub entries: u64,
    /// The chains that do not hold, with the first bad entry.
    pub broken: Vec<(Option<TenantId>, i64)>,
}

/// Reads every chain from its beginning and checks every hash.
///
/// # Errors
/// When the store does not answer.
pub async fn verify_all(app: &App) -> Result<ChainReport, OnboardingError> {
    let mut report = ChainReport {
        entries: 0,
        broken: Vec::new(),
    };
    let mut tx = app.stores.begin_snapshot().await?;
    for tenant_id in audit::list_chains(&mut tx).await? {
        let mut chain = Vec::new();
        loop {
            let after = chain.last().map_or(0, |entry: &Entry| entry.content.sequence);
            let batch = audit::list(&mut tx, tenant_id, after, BATCH).await?;
            if batch.is_empty() {
                break;
            }
            chain.extend(batch);
        }
        report.entries += chain.len() as u64;
        if let Err(broken) = verify(&chain) {
            report.broken.push((tenant_id, broken.sequence));
        }
    }
    Ok(report)
}
