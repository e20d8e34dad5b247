//! Seeing once what CloudFormation will want to know of a resource for an import, so that the exit kit needs no call.

use std::collections::BTreeMap;

use aws_access::StepClass;
use tenant_model::exit_kit::ImportFact;
use tenant_store::import_facts;

use super::{PassError, case::Case};
use crate::App;

/// Looks at those resources whose facts were not seen yet, or were seen of another id.
pub(super) async fn remember(app: &App, case: &Case) -> Result<(), PassError> {
    let mut tx = app.stores.begin(case.lease.tenant_id).await?;
    let seen = import_facts::list(&mut tx, case.deployment.id).await?;
    tx.commit().await?;
    let fresh = look(case, &seen).await?;
    if fresh.is_empty() {
        return Ok(());
    }
    let ids = (case.deployment.tenant_id, case.deployment.id);
    let mut tx = app.stores.begin(ids.0).await?;
    for (name, fact) in &fresh {
        import_facts::upsert(&mut tx, ids, (name, fact)).await?;
    }
    Ok(tx.commit().await?)
}

async fn look(
    case: &Case,
    seen: &BTreeMap<String, ImportFact>,
) -> Result<BTreeMap<String, ImportFact>, PassError> {
    let mut fresh = BTreeMap::new();
    for record in case.records.values() {
        let Some(aws_id) = record.aws_id.clone() else {
            continue;
        };
        let known = seen.get(&record.name).is_some_and(|fact| fact.aws_id == aws_id);
        if known {
            continue;
        }
        let session = case.session(StepClass::Observe).await?;
        let values = session.import_facts(record.kind, &aws_id).await?;
        fresh.insert(record.name.clone(), ImportFact { aws_id, values });
    }
    Ok(fresh)
}
