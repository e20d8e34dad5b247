//! Telling the person who watches: one step per resource, reported when it moves.

use tenant_model::{
    convergence::Next,
    deployment::Wanted,
    operation::{Operation, StepState},
    resource::ResourceState,
};
use tenant_store::{operations, work};

use super::{PassError, case::Case};
use crate::{App, progress};

/// Brings the operation's steps up to date and reports those that moved.
pub(super) async fn steps(app: &App, case: &mut Case) -> Result<(), PassError> {
    let Some(known) = case.operation.clone() else {
        return Ok(());
    };
    let mut probe = known.clone();
    if moved(app, case, &mut probe).is_empty() {
        return Ok(());
    }
    let mut tx = app.stores.begin(case.lease.tenant_id).await?;
    work::hold(&mut tx, &case.lease).await?;
    let live = operations::find_live_for_update(&mut tx, case.deployment.id).await?;
    // Withdrawn meanwhile: the next call finds out.
    let Some(mut live) = live.filter(|live| live.id == known.id) else {
        return Ok(());
    };
    let moved = moved(app, case, &mut live);
    live.state = live.state.progress(false).map_err(crate::RequestError::from)?;
    let began = live.state != known.state;
    progress::save(&mut tx, app, &mut live).await?;
    if began {
        progress::announce(&mut tx, app, &live).await?;
    }
    for index in moved {
        progress::announce_step(&mut tx, &live, &live.steps[index]).await?;
    }
    tx.commit().await?;
    case.operation = Some(live);
    Ok(())
}

fn moved(app: &App, case: &Case, operation: &mut Operation) -> Vec<usize> {
    let now = app.kit.clock.now();
    let mut moved = Vec::new();
    for (index, step) in operation.steps.iter_mut().enumerate() {
        let (state, detail) = standing(case, &step.name);
        if step.reach(state, detail, now) {
            moved.push(index);
        }
    }
    moved
}

fn standing(case: &Case, name: &str) -> (StepState, Option<String>) {
    let record = case.records.get(name);
    let aws_id = record.and_then(|record| record.aws_id.clone());
    if let Some(why) = case.held.get(name) {
        let failed = record.is_some_and(|record| record.state == ResourceState::Failed);
        let state = if failed {
            StepState::Failed
        } else {
            StepState::Running
        };
        return (state, Some(why.clone()));
    }
    match case.wish(name) {
        Wanted::Present | Wanted::Stopped if case.is_settled(name) => (StepState::Done, aws_id),
        Wanted::Absent if case.is_gone(name) => (StepState::Done, Some("gone".to_owned())),
        Wanted::Present | Wanted::Stopped | Wanted::Absent => {
            let begun = record.is_some_and(|record| match record.state {
                ResourceState::Absent | ResourceState::Deleted => false,
                ResourceState::Ready => case.next(name) != Next::Wait,
                ResourceState::Creating
                | ResourceState::Drifted
                | ResourceState::Updating
                | ResourceState::Deleting
                | ResourceState::Failed
                | ResourceState::Unknown => true,
            });
            (
                if begun {
                    StepState::Running
                } else {
                    StepState::Pending
                },
                None,
            )
        }
    }
}
