//! Whose usage a caller may ask for.

use service_kit::{Caller, Problem};
use tenant_model::{Action, TenantId};
use tenant_store::{StoreError, Stores, Tx};

/// The tenant a read is about: a tenant's principal sees itself; an operator whom it names, or the fleet.
/// Another tenant's usage does not exist for a tenant.
pub(crate) fn readable(caller: &Caller, asked: Option<TenantId>) -> Result<Option<TenantId>, Problem> {
    let subject = asked.or(caller.0.tenant_id());
    caller.may(Action::ReadUsage, subject)?;
    Ok(subject)
}

/// A transaction that can see that much and no more.
pub(crate) async fn begin(stores: &Stores, subject: Option<TenantId>) -> Result<Tx, StoreError> {
    match subject {
        Some(tenant_id) => stores.begin(tenant_id).await,
        None => stores.begin_ops().await,
    }
}

/// What a reader is told when the database fails.
pub(crate) fn store_problem(error: &StoreError) -> Problem {
    match error {
        StoreError::Database(_) => Problem::unavailable(error),
        StoreError::Constraint { .. } | StoreError::Unreadable(_) | StoreError::Stale => {
            Problem::internal(error)
        }
    }
}
