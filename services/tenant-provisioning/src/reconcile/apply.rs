//! The first pass after an approval: only a plan that is still true becomes what is wanted.

use std::time::Duration;

use tenant_store::work;

use super::{PassError, case::Case, conclude::Conclusion};
use crate::{App, operations};

/// Compares an approved plan with what this pass has found, and applies it or sends it back. Without one the pass came
/// to what it came to.
pub(super) async fn approved(
    app: &App,
    case: &Case,
    conclusion: Conclusion,
) -> Result<Conclusion, PassError> {
    let Some(operation) = &case.approved else {
        return Ok(conclusion);
    };
    let again = |pause| Conclusion::Later {
        pause,
        attempt: 0,
        hindrance: None,
    };
    if !case.held.is_empty() {
        // What is not settled is not observed.
        return Ok(again(app.config.wait_interval));
    }
    let mut tx = app.stores.begin(case.lease.tenant_id).await?;
    work::hold(&mut tx, &case.lease).await?;
    operations::apply(&mut tx, app, operation.id).await?;
    tx.commit().await?;
    Ok(again(Duration::ZERO))
}
