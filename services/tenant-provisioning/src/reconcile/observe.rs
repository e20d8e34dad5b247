//! Looking into the account, and remembering what was seen.

use std::collections::{BTreeMap, BTreeSet};

use aws_access::{Account, StepClass};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};
use tenant_model::{
    blueprint::{Kind, Leads, Spec},
    deployment::Wanted,
    observation::{Found, Shape},
    resource::{ResourceRecord, ResourceState},
};
use tenant_store::{
    resources::{self, NewCreation},
    work,
};

use super::{PassError, case::Case};
use crate::App;

/// Looks for everything that carries the deployment's tags, all kinds at the same time.
pub(super) async fn everything(case: &mut Case) -> Result<(), PassError> {
    let account = case.account(StepClass::Observe).await?;
    let kinds: BTreeSet<Kind> = case.blueprint.all().map(|one| one.spec.kind()).collect();
    case.found = look(case, &account, &kinds).await?;
    if case.wanted != Wanted::Absent {
        case.image_id = account.ec2.image_id(&case.blueprint.design.image).await?;
    }
    find_zones(case, &account).await
}

/// Looks at some kinds again, after calls that concerned them.
pub(super) async fn again(case: &mut Case, kinds: &BTreeSet<Kind>) -> Result<(), PassError> {
    let account = case.account(StepClass::Observe).await?;
    let found = look(case, &account, kinds).await?;
    case.found.retain(|one| !kinds.contains(&one.shape.kind()));
    case.found.extend(found);
    Ok(())
}

async fn look(case: &Case, account: &Account, kinds: &BTreeSet<Kind>) -> Result<Vec<Found>, PassError> {
    let of_kind = |kind: Kind| {
        let specs = case.blueprint.all().map(|one| &one.spec);
        specs.filter(|spec| spec.kind() == kind).collect::<Vec<_>>()
    };
    let look = |kind: &Kind| -> BoxFuture<'_, _> {
        let (kind, specs) = (*kind, of_kind(*kind));
        async move { account.find(kind, &case.scope, &specs).await }.boxed()
    };
    let looks: Vec<_> = kinds.iter().map(look).collect();
    // In order, several at the same time: a rehearsal allows one, so that a seed repeats it to the last call.
    let looked: Vec<Vec<Found>> = stream::iter(looks)
        .buffered(case.looks_at_once)
        .try_collect()
        .await?;
    let mut found: Vec<Found> = looked.into_iter().flatten().collect();
    if kinds.contains(&Kind::DnsRecord) && case.operation.is_some() {
        found.extend(records(case, &found).await?);
    }
    Ok(found)
}

/// Records have no tags: they are looked for under the names that we gave them, or would give them now.
async fn records(case: &Case, seen: &[Found]) -> Result<Vec<Found>, PassError> {
    let mut found = Vec::new();
    for resource in case.blueprint.all() {
        let Spec::DnsRecord { domain, leads } = &resource.spec else {
            continue;
        };
        let known = case
            .records
            .get(&resource.name)
            .and_then(|record| record.aws_id.clone());
        let Some(name) = known.or_else(|| record_name(domain, leads, (case, seen))) else {
            continue;
        };
        for record in case.dns.find(&name).await? {
            found.push(Found {
                aws_id: name.clone(),
                name: resource.name.clone(),
                intent: case.any_intent(&resource.name),
                shape: Shape::DnsRecord {
                    domain: name.clone(),
                    record,
                },
            });
        }
    }
    Ok(found)
}

/// The name of a record; that of a proof is ACM's to say.
fn record_name(domain: &str, leads: &Leads, (case, seen): (&Case, &[Found])) -> Option<String> {
    let Leads::Proof(certificate) = leads else {
        return Some(domain.to_owned());
    };
    let before = case.found.iter();
    let certificate = seen
        .iter()
        .chain(before)
        .find(|found| found.name == *certificate)?;
    match &certificate.shape {
        Shape::Certificate { proof, .. } => proof.as_ref().map(|(name, _)| name.clone()),
        _ => None,
    }
}

/// Chooses the zones: where subnets are already, and otherwise the first that offer the size that is wanted.
async fn find_zones(case: &mut Case, account: &Account) -> Result<(), PassError> {
    let wanted: BTreeMap<usize, Option<String>> = case
        .blueprint
        .resources
        .iter()
        .filter_map(|one| match &one.spec {
            Spec::Subnet { zone, .. } => Some((*zone, zone_of(case, &one.name))),
            _ => None,
        })
        .fold(BTreeMap::new(), |mut zones, (number, zone)| {
            let known = zones.entry(number).or_default();
            *known = zone.or(known.take());
            zones
        });
    let is_complete = wanted.values().all(Option::is_some);
    if is_complete || case.operation.is_none() || case.wanted == Wanted::Absent {
        case.zones = wanted.into_values().flatten().collect();
        return Ok(());
    }
    let size = &case.blueprint.design.instance_type;
    let offered = account.ec2.zones_offering(size).await?;
    let taken: Vec<&String> = wanted.values().flatten().collect();
    let mut free = offered.iter().filter(|zone| !taken.contains(zone));
    case.zones = wanted
        .values()
        .map_while(|zone| zone.clone().or_else(|| free.next().cloned()))
        .collect();
    Ok(())
}

fn zone_of(case: &Case, name: &str) -> Option<String> {
    match &case.claimed(name).kept?.shape {
        Shape::Subnet { zone } => Some(zone.clone()),
        _ => None,
    }
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
        if record.kind.is_ours() && case.operation.is_none() {
            // Not looked at, so not missed.
            continue;
        }
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
            record.state = match case.wish(&record.name) {
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
