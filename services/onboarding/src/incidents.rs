//! Incidents of AWS itself, told from connections in trouble: silence about several accounts of a region at once.
//!
//! No connection changes its state for it. An incident is announced once to the operators, when it begins and when
//! the region answers again.

use serde_json::json;
use tenant_model::connection::{Doubt, Verdict};
use tenant_model::{Action, Principal, authorize};
pub use tenant_store::connections::Troubled;
use tenant_store::connections::{self, Evidence};
use tenant_store::incidents::{self, Incident};

use crate::change::{Fact, record};
use crate::{App, OnboardingError};

/// Fewer accounts without an answer are those accounts' own matter.
const ACCOUNTS_MIN: i64 = 3;
const SHOWN_MAX: i64 = 50;

/// The newest incidents first.
///
/// # Errors
/// [`OnboardingError::NotFound`] and the like for anybody but an operator.
pub async fn list(app: &App, caller: &Principal) -> Result<Vec<Incident>, OnboardingError> {
    authorize(caller, Action::OperateFleet, None)?;
    let mut tx = app.begin_as(None).await?;
    Ok(incidents::list(&mut tx, SHOWN_MAX).await?)
}

/// Connections that are frozen or about which AWS gives no clear answer, the longest untouched first.
///
/// # Errors
/// As for [`list`].
pub async fn list_troubled(app: &App, caller: &Principal) -> Result<Vec<Troubled>, OnboardingError> {
    authorize(caller, Action::OperateFleet, None)?;
    let mut tx = app.begin_as(None).await?;
    Ok(connections::list_troubled(&mut tx, SHOWN_MAX).await?)
}

/// The incident under way in a region, for whoever has a connection there.
///
/// # Errors
/// When the store does not answer.
pub async fn find_open(app: &App, region: &str) -> Result<Option<Incident>, OnboardingError> {
    let mut tx = app.begin_as(None).await?;
    Ok(incidents::find_open(&mut tx, region).await?)
}

/// Takes note of what one round says about its region.
pub(crate) async fn take_note(app: &App, region: &str, evidence: &Evidence) -> Result<(), OnboardingError> {
    let silent = matches!(
        evidence.verdict,
        Verdict::Unknown {
            doubt: Doubt::NoAnswer
        }
    );
    let mut tx = app.stores.begin_ops().await?;
    let accounts = connections::count_unanswered(&mut tx, region).await?;
    let change = if silent && accounts >= ACCOUNTS_MIN {
        let accounts = i32::try_from(accounts).unwrap_or(i32::MAX);
        let began = incidents::open_or_grow(&mut tx, region, accounts, evidence.at).await?;
        began.then_some(("incident.begin", "aws_incident.began"))
    } else if !silent && accounts < ACCOUNTS_MIN {
        let ended = incidents::end(&mut tx, region, evidence.at).await?;
        ended.then_some(("incident.end", "aws_incident.ended"))
    } else {
        None
    };
    if let Some((action, event)) = change {
        let fact = Fact {
            tenant_id: None,
            actor: "reconciler".to_owned(),
            action,
            event,
            subject: region.to_owned(),
            data: json!({ "region": region, "accounts": accounts }),
        };
        record(app, &mut tx, fact).await?;
        tracing::error!(aws.region = region, accounts, event, "AWS's own trouble");
    }
    Ok(tx.commit().await?)
}
