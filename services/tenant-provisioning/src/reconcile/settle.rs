//! Settling calls whose answer was lost, each by its idempotency class.
//!
//! Nothing else happens to a resource with an unsettled call. A settled call is either known to have
//! made something, or known to have made nothing; only then may the next one be made.

use tenant_model::{
    convergence::{Effect, Idempotency},
    resource::{Intent, Outcome, ResourceRecord, ResourceState},
};
use tenant_store::{
    intents::{self, Settlement, Unsettled},
    resources, work,
};

use super::{
    PassError,
    act::{self, Answer},
    case::Case,
};
use crate::App;

/// Looks that must find nothing before a creation counts as not having happened.
const EMPTY_LOOKS: i32 = 3;

/// Settles what can be settled now; resources with an unsettled call are held for this pass.
pub(super) async fn everything(app: &App, case: &mut Case) -> Result<(), PassError> {
    let mut tx = app.stores.begin(case.lease.tenant_id).await?;
    let unsettled = intents::list_unsettled(&mut tx, case.deployment.id).await?;
    tx.commit().await?;
    for one in unsettled {
        settle(app, case, &one).await?;
    }
    Ok(())
}

async fn settle(app: &App, case: &mut Case, unsettled: &Unsettled) -> Result<(), PassError> {
    let intent = &unsettled.intent;
    let made = case.found.iter().find(|found| found.intent == Some(intent.id));
    let made = made.map(|found| found.aws_id.clone());
    match (intent.call.effect(), intent.call.idempotency()) {
        (Effect::Create, _) if made.is_some() => {
            act::record(app, case, &[(intent, &Answer::Done(made))]).await
        }
        // The same token and parameters under the same intent: AWS gives the same resource.
        (Effect::Create, Idempotency::Token) => act::repeat(app, case, intent).await,
        (Effect::Create, Idempotency::Leaks) => look(app, case, unsettled).await,
        // Looking has settled it: whatever is still missing is asked for anew, and a repetition that
        // finds it done is a success.
        (
            Effect::Create | Effect::Update | Effect::Detach | Effect::Delete,
            Idempotency::Token | Idempotency::NaturalKey | Idempotency::Absolute | Idempotency::Leaks,
        ) => close(app, case, intent, false).await,
    }
}

async fn look(app: &App, case: &mut Case, unsettled: &Unsettled) -> Result<(), PassError> {
    let intent = &unsettled.intent;
    if unsettled.look_counts && intent.empty_looks + 1 >= EMPTY_LOOKS {
        return close(app, case, intent, true).await;
    }
    if unsettled.look_counts {
        let mut tx = app.stores.begin(case.lease.tenant_id).await?;
        work::hold(&mut tx, &case.lease).await?;
        let pause = app.config.settle_window / 2;
        intents::note_empty_look(&mut tx, intent.id, pause).await?;
        tx.commit().await?;
    }
    let why = format!(
        "an answer to {} was lost; looking for what it may have made",
        intent.call.action()
    );
    case.held.insert(intent.name.clone(), why);
    Ok(())
}

/// The call is over and has made nothing that is not seen. With `absent` its incarnation is over as well.
async fn close(app: &App, case: &mut Case, intent: &Intent, absent: bool) -> Result<(), PassError> {
    let mut tx = app.stores.begin(case.lease.tenant_id).await?;
    work::hold(&mut tx, &case.lease).await?;
    let error = Some("settled by looking");
    let settlement = Settlement {
        outcome: Outcome::Failed,
        aws_id: None,
        error,
    };
    intents::settle(&mut tx, intent.id, &settlement).await?;
    let record = case
        .records
        .get(&intent.name)
        .filter(|record| record.aws_id.is_none());
    if let Some(record) = record.filter(|record| absent && record.incarnation == intent.incarnation) {
        let record = ResourceRecord {
            incarnation: record.incarnation + 1,
            state: ResourceState::Absent,
            ..record.clone()
        };
        resources::update(&mut tx, case.deployment.id, &record).await?;
        case.records.insert(record.name.clone(), record);
    }
    case.books.answered(&mut tx, app, (intent, &settlement)).await?;
    tx.commit().await?;
    Ok(())
}
