//! Checks every audit chain of an installation, from its first entry.

use tenant_model::TenantId;
use tenant_model::audit::BrokenChain;
use tenant_model::audit::{Entry, GENESIS, Hash, verify_from};
use tenant_store::{StoreError, Stores, audit};

/// Entries read at once.
const PAGE: i64 = 1_000;

/// What a whole check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditReport {
    /// Chains looked at.
    pub chains: u64,
    /// Entries in all of them.
    pub entries: u64,
    /// The first bad entry of each broken chain; no tenant is the operator's own chain.
    pub broken: Vec<(Option<TenantId>, BrokenChain)>,
}

/// Reads and verifies all chains, a page at a time.
///
/// # Errors
/// When the database does not answer.
pub async fn verify_all(stores: &Stores) -> Result<AuditReport, StoreError> {
    let mut report = AuditReport::default();
    let mut tx = stores.begin_snapshot().await?;
    for chain in audit::list_chains(&mut tx).await? {
        report.chains += 1;
        let mut end = (0i64, GENESIS);
        loop {
            let page = audit::list(&mut tx, chain, end.0, PAGE).await?;
            report.entries += page.len() as u64;
            match verify_page(end, &page) {
                Ok(next) => end = next,
                Err(broken) => {
                    report.broken.push((chain, broken));
                    break;
                }
            }
            if page.len() < PAGE as usize {
                break;
            }
        }
    }
    tx.commit().await?;
    Ok(report)
}

fn verify_page((sequence, head): (i64, Hash), page: &[Entry]) -> Result<(i64, Hash), BrokenChain> {
    let head = verify_from(sequence, head, page)?;
    Ok((sequence + page.len() as i64, head))
}
