//! Looking through all regions for what carries the deployment's tags, and reading nothing that we remember.
//!
//! Two clean looks with a pause between them are the proof of a deletion. A living deployment is swept once a week: what
//! carries its tags and is not of it is an orphan, and somebody has to know.

use std::collections::{BTreeMap, BTreeSet};

use aws_access::{AwsError, StepClass, TenantSession};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use tenant_model::{
    blueprint::Kind,
    call_log::FindingKind,
    certificate::{Leftover, Looked, Standing, Sweep, standing},
};
use tenant_store::{sweeps, work};

use super::{
    PassError, backoff,
    case::Case,
    conclude::{Conclusion, Hindrance},
};
use crate::{App, findings};

/// Between two sweeps of a living deployment.
const LIVING_INTERVAL: TimeDelta = TimeDelta::days(7);
/// What hangs on a living instance and carries its tags: not an orphan as long as it hangs there.
const HANGING: [&str; 2] = ["volume", "network_interface"];

/// Goes on with the proof that nothing is left.
pub(super) async fn prove_gone(app: &App, case: &Case) -> Result<Conclusion, PassError> {
    let (mut newest, mut now) = list(app, case).await?;
    let apart = TimeDelta::from_std(app.config.sweep_interval).unwrap_or(TimeDelta::MAX);
    if standing(&newest, apart, now) == Standing::Look {
        let sweep = look(app, case, &newest).await?;
        now = sweep.completed_at.unwrap_or(now);
        newest.retain(|one| one.id != sweep.id);
        newest.insert(0, sweep);
    }
    match standing(&newest, apart, now) {
        Standing::Proven => {
            newest.truncate(2);
            Ok(Conclusion::Deleted { sweeps: newest })
        }
        Standing::Wait(at) => Ok(Conclusion::Later {
            pause: (at - now).to_std().unwrap_or_default(),
            attempt: 0,
            hindrance: None,
        }),
        Standing::Look => Ok(still_there(app, case, &newest)),
    }
}

fn still_there(app: &App, case: &Case, newest: &[Sweep]) -> Conclusion {
    let left = newest.iter().take(1).flat_map(Sweep::left);
    let names: Vec<String> = left
        .map(|(region, one)| format!("{} {} in {region}", one.kind, one.aws_id))
        .collect();
    Conclusion::Later {
        pause: backoff::pause(&app.kit.ids, app.config.wait_interval, case.lease.attempt),
        attempt: case.lease.attempt + 1,
        hindrance: Some(Hindrance::Aws(format!("still there: {}", names.join(", ")))),
    }
}

/// Sweeps a deployment that lives, if the last sweep is old, and says what it found that is not of it.
pub(super) async fn of_the_living(app: &App, case: &Case) -> Result<(), PassError> {
    let (newest, _) = list(app, case).await?;
    let last = newest
        .first()
        .map_or(case.deployment.created_at, |sweep| sweep.started_at);
    if app.kit.clock.now() - last < LIVING_INTERVAL {
        return Ok(());
    }
    let sweep = look(app, case, &newest).await?;
    let region = case.deployment.region.as_str();
    let session = case.session(StepClass::Sweep).await?;
    let loose = session.loose_volumes(&case.scope).await?;
    let loose: BTreeSet<&str> = loose.iter().map(String::as_str).collect();
    for (at, one) in sweep.left() {
        if at != region || is_orphan(case, one, &loose) {
            tell(app, case, (at, one)).await?;
        }
    }
    Ok(())
}

fn is_orphan(case: &Case, one: &Leftover, loose: &BTreeSet<&str>) -> bool {
    if HANGING.contains(&one.kind.as_str()) {
        return loose.contains(one.aws_id.as_str());
    }
    // The machines of a group carry its tags and come and go by themselves.
    if one.kind == Kind::Instance.name() && has_group(case) {
        return false;
    }
    let known = |id: &Option<String>| id.as_deref() == Some(one.aws_id.as_str());
    !case.records.values().any(|record| known(&record.aws_id))
}

fn has_group(case: &Case) -> bool {
    let mut resources = case.blueprint.all();
    resources.any(|resource| resource.spec.kind() == Kind::AutoScalingGroup)
}

async fn tell(app: &App, case: &Case, (region, one): (&str, &Leftover)) -> Result<(), PassError> {
    let finding = findings::New {
        kind: FindingKind::Orphan,
        subject: one.aws_id.clone(),
        detail: json!({
            "deployment": case.deployment.id,
            "kind": one.kind,
            "aws_id": one.aws_id,
            "region": region,
        }),
    };
    let mut tx = app.stores.begin(case.lease.tenant_id).await?;
    findings::write_down(&mut tx, app, case.lease.tenant_id, finding).await?;
    Ok(tx.commit().await?)
}

/// The newest sweeps, and the time by which they are spaced.
async fn list(app: &App, case: &Case) -> Result<(Vec<Sweep>, DateTime<Utc>), PassError> {
    let mut tx = app.stores.begin(case.lease.tenant_id).await?;
    let newest = sweeps::list_newest(&mut tx, case.deployment.id, 2).await?;
    Ok((newest, sweeps::now(&mut tx).await?))
}

/// One look through all regions; an unfinished one is gone on with.
async fn look(app: &App, case: &Case, newest: &[Sweep]) -> Result<Sweep, PassError> {
    let session = case.session(StepClass::Sweep).await?;
    let unfinished = newest.first().filter(|sweep| sweep.completed_at.is_none());
    let mut sweep = match unfinished {
        Some(sweep) => sweep.clone(),
        None => begin(app, case, &session).await?,
    };
    let seen = look_at_regions(app, case, (&session, &mut sweep)).await;
    // What was seen counts, also when one region gave no answer.
    let mut tx = app.stores.begin(case.lease.tenant_id).await?;
    work::hold(&mut tx, &case.lease).await?;
    if seen.is_ok() {
        sweep.completed_at = Some(sweeps::now(&mut tx).await?);
    }
    sweeps::update(&mut tx, &sweep).await?;
    tx.commit().await?;
    seen?;
    Ok(sweep)
}

async fn begin(app: &App, case: &Case, session: &TenantSession) -> Result<Sweep, PassError> {
    let regions = session.enabled_regions().await?;
    let ids = (case.deployment.tenant_id, case.deployment.id);
    let mut tx = app.stores.begin(case.lease.tenant_id).await?;
    work::hold(&mut tx, &case.lease).await?;
    let sweep = Sweep {
        id: app.kit.ids.uuid(),
        started_at: sweeps::now(&mut tx).await?,
        regions,
        looked: BTreeMap::new(),
        completed_at: None,
    };
    sweeps::insert(&mut tx, ids, &sweep).await?;
    tx.commit().await?;
    Ok(sweep)
}

async fn look_at_regions(
    app: &App,
    case: &Case,
    (session, sweep): (&TenantSession, &mut Sweep),
) -> Result<(), AwsError> {
    while let Some(region) = sweep.next_region().map(str::to_owned) {
        let home = region == case.deployment.region.as_str();
        let swept = session.at(&region).sweep(&case.scope, home).await?;
        let looked = Looked {
            at: app.kit.clock.now(),
            named_by_index: swept.named_by_index,
            left: swept.left,
        };
        sweep.looked.insert(region, looked);
    }
    Ok(())
}
