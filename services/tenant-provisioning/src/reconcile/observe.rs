//! Looking into the account, and remembering what was seen.

use aws_access::StepClass;
use chrono::{DateTime, TimeDelta, Utc};
use tenant_model::{
    blueprint::{KINDS, Kind},
    deployment::Wanted,
    resource::{ResourceRecord, ResourceState},
};
use tenant_store::{
    resources::{self, NewCreation},
    work,
};

use super::{PassError, case::Case};
use crate::App;

/// Looks for everything that carries the deployment's tags, kind by kind.
pub(super) async fn everything(_app: &App, case: &mut Case) -> Result<(), PassError> {
    let ec2 = case.ec2(StepClass::Observe).await?;
    case.found.clear();
    for kind in KINDS {
        let found = ec2.find(kind, &case.scope).await?;
        case.found.extend(found);
    }
    if case.wanted != Wanted::Absent && case.operation.is_some() {
        case.image_id = ec2.image_id(&case.blueprint.design.image).await?;
    }
    Ok(())
}

/// Looks at one kind again, after a call that concerned it.
pub(super) async fn again(case: &mut Case, kind: Kind) -> Result<(), PassError> {
    let ec2 = case.ec2(StepClass::Observe).await?;
    let found = ec2.find(kind, &case.scope).await?;
    case.found.retain(|one| one.shape.kind() != kind);
    case.found.extend(found);
    Ok(())
}

/// What seeing, or not seeing, a resource changes in what is remembered of it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Sight {
    /// Nothing new.
    Same,
    /// Something of ours that we did not know: adopt it.
    Adopted(String),
    /// What we knew is gone.
    Gone(String),
}

/// Writes down what was adopted and what is gone.
pub(super) async fn remember(app: &App, case: &mut Case) -> Result<(), PassError> {
    let now = app.kit.clock.now();
    let grace = TimeDelta::from_std(app.config.missing_grace).unwrap_or(TimeDelta::MAX);
    let mut changed = Vec::new();
    for (name, record) in &case.records {
        let seen = case.claimed(name).kept.map(|found| found.aws_id.as_str());
        match sight(record, seen, now - grace) {
            Sight::Same => {}
            sight => changed.push((record.clone(), sight)),
        }
    }
    if changed.is_empty() {
        return Ok(());
    }
    let mut tx = app.stores.begin(case.lease.tenant_id).await?;
    work::hold(&mut tx, &case.lease).await?;
    for (record, sight) in changed {
        let record = apply(&mut tx, case, (record, sight), now).await?;
        case.records.insert(record.name.clone(), record);
    }
    tx.commit().await?;
    Ok(())
}

/// A resource whose end we asked for is gone as soon as it is not seen. Otherwise Describe may lag
/// behind its creation, and it counts as gone only if it was made before `trusted_before`.
fn sight(record: &ResourceRecord, seen: Option<&str>, trusted_before: DateTime<Utc>) -> Sight {
    match (&record.aws_id, seen) {
        (Some(known), Some(seen)) if known == seen => Sight::Same,
        (_, Some(seen)) => Sight::Adopted(seen.to_owned()),
        (None, None) => Sight::Same,
        (Some(known), None) => {
            let ended = record.state == ResourceState::Deleting;
            let old = record.created_at.is_none_or(|made| made <= trusted_before);
            if ended || old {
                Sight::Gone(known.clone())
            } else {
                Sight::Same
            }
        }
    }
}

async fn apply(
    conn: &mut tenant_store::Conn,
    case: &Case,
    (mut record, sight): (ResourceRecord, Sight),
    now: DateTime<Utc>,
) -> Result<ResourceRecord, PassError> {
    let (tenant_id, id) = (case.deployment.tenant_id, case.deployment.id);
    match sight {
        Sight::Same => {}
        Sight::Adopted(aws_id) => {
            let region = &case.deployment.region;
            let name = record.name.clone();
            let new = NewCreation {
                aws_id: &aws_id,
                kind: record.kind,
                name: &name,
                region,
            };
            resources::remember_created(conn, tenant_id, id, &new).await?;
            record.aws_id = Some(aws_id.clone());
            record.created_at = Some(now);
            record.state = ResourceState::Creating;
        }
        Sight::Gone(aws_id) => {
            resources::remember_gone(conn, id, &aws_id).await?;
            record.aws_id = None;
            record.created_at = None;
            record.incarnation += 1;
            record.state = match case.wanted {
                Wanted::Absent => ResourceState::Deleted,
                Wanted::Present | Wanted::Stopped => ResourceState::Absent,
            };
        }
    }
    resources::update(conn, id, &record).await?;
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_gone_only_if_we_ended_it_or_it_is_old() {
        let at = |second| DateTime::from_timestamp(second, 0).expect("in range");
        let record = |state, made: Option<i64>| ResourceRecord {
            state,
            aws_id: Some("vpc-1".to_owned()),
            created_at: made.map(at),
            ..ResourceRecord::absent("vpc", Kind::Vpc)
        };
        let gone = Sight::Gone("vpc-1".to_owned());
        let rows = [
            (record(ResourceState::Creating, Some(90)), None, Sight::Same),
            (record(ResourceState::Creating, Some(10)), None, gone.clone()),
            (record(ResourceState::Deleting, Some(90)), None, gone),
            (record(ResourceState::Ready, Some(90)), Some("vpc-1"), Sight::Same),
            (
                record(ResourceState::Ready, Some(90)),
                Some("vpc-2"),
                Sight::Adopted("vpc-2".to_owned()),
            ),
            (ResourceRecord::absent("vpc", Kind::Vpc), None, Sight::Same),
            (
                ResourceRecord::absent("vpc", Kind::Vpc),
                Some("vpc-3"),
                Sight::Adopted("vpc-3".to_owned()),
            ),
        ];
        for (record, seen, expected) in rows {
            assert_eq!(sight(&record, seen, at(50)), expected, "{record:?} {seen:?}");
        }
    }
}
