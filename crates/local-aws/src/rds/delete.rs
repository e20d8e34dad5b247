//! DeleteDBInstance.

use chrono::TimeDelta;

use super::Rds;
use super::backup;
use super::course::{Course, Then};
use super::describe::{changed, permitted};
use super::event;
use super::instance::{Instance, LinkState};
use super::request::{Request, clash, instance_state};
use super::snapshot;
use super::state::{Databases, Snapshot};
use crate::error::AwsError;
use crate::protocol::Xml;

const DELETING: TimeDelta = TimeDelta::minutes(4);

pub(super) fn delete(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let instance = permitted(rds, request)?;
    let last = final_snapshot(request, &instance)?;
    if instance.settings.deletion_protection && instance.cluster.is_none() {
        return Err(clash(
            "Cannot delete protected DB Instance, please disable deletion protection and try again.",
        ));
    }
    if instance.status() == "deleting" {
        return Err(instance_state(format!(
            "Instance {} is already being deleted.",
            instance.meta.id
        )));
    }
    if last.is_some() && !instance.is_available() {
        return Err(instance_state(format!(
            "Cannot create a snapshot because the database instance {} is not currently in the available state.",
            instance.meta.id
        )));
    }
    let last = last
        .map(|named| snapshot::of(rds, request, &instance, named))
        .transpose()?;
    let keeps = request.flag("DeleteAutomatedBackups")? == Some(false);
    rds.with(|state| {
        let_go(state, &instance, last);
        if keeps && instance.settings.retention_days > 0 && instance.cluster.is_none() {
            backup::retain(state, request, &instance);
        }
        event::record(state, &instance.meta, request.call.now, event::DELETED);
        let stages = [("deleting", DELETING)];
        let course = Course::through(request.call.now, &request.core.latency, &stages, Then::Gone);
        changed(state, &instance.meta.arn, |instance| instance.course = course)
    })
}

/// The name of the last snapshot, when one is to be made.
fn final_snapshot<'r>(request: &'r Request<'_>, instance: &Instance) -> Result<Option<&'r str>, AwsError> {
    let skips = request.flag("SkipFinalSnapshot")?.unwrap_or(false);
    let named = request
        .params
        .get("FinalDBSnapshotIdentifier")
        .filter(|named| !named.is_empty());
    match (skips, named) {
        (true, Some(_)) => Err(clash(
            "FinalDBSnapshotIdentifier can't be specified when SkipFinalSnapshot is enabled.",
        )),
        // A cluster's volume outlives its members, so that they have no snapshot of their own.
        (_, None) if instance.cluster.is_some() => Ok(None),
        (_, Some(_)) if instance.cluster.is_some() => Err(clash(
            "FinalDBSnapshotIdentifier cannot be specified for a member of a DB cluster.",
        )),
        (_, Some(_)) if instance.link.is_some() => Err(clash(
            "FinalDBSnapshotIdentifier cannot be specified when deleting a read replica.",
        )),
        (true, None) => Ok(None),
        (false, None) if instance.link.is_some() => Ok(None),
        (false, None) => Err(clash(
            "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.",
        )),
        (false, Some(named)) => Ok(Some(named)),
    }
}

/// What others lose with an instance: replicas in its region stand alone from now on, those in others end.
fn let_go(state: &mut Databases, instance: &Instance, last: Option<Snapshot>) {
    if let Some(last) = last {
        state.snapshots.insert(last.meta.arn.clone(), last);
    }
    for replica in state.instances.values_mut() {
        let follows = replica
            .link
            .as_mut()
            .filter(|link| link.source == instance.meta.arn);
        if let Some(link) = follows {
            link.state = LinkState::Terminated;
            if replica.meta.region == instance.meta.region {
                replica.link = None;
            }
        }
    }
    let Some(cluster) = instance.cluster.as_ref().and_then(|arn| state.clusters.get(arn)) else {
        return;
    };
    if cluster.writer.as_ref() == Some(&instance.meta.arn) {
        let cluster_arn = cluster.meta.arn.clone();
        state.succeed(&cluster_arn, &instance.meta.arn);
    }
}
