//! Rebooting, stopping and starting an instance.

use chrono::TimeDelta;

use super::Rds;
use super::course::{Course, Then};
use super::describe::{changed, permitted};
use super::event;
use super::instance::Instance;
use super::request::{Request, clash, cluster_state, instance_state};
use super::snapshot;
use crate::error::AwsError;
use crate::protocol::Xml;

const REBOOTING: TimeDelta = TimeDelta::minutes(1);
const STOPPING: TimeDelta = TimeDelta::minutes(3);
pub(super) const STARTING: TimeDelta = TimeDelta::minutes(4);
/// AWS: a failover completes within one to two minutes. Source: user guide, "Failing over a Multi-AZ DB instance".
pub(super) const FAILING_OVER: TimeDelta = TimeDelta::seconds(90);

pub(super) fn reboot(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let instance = permitted(rds, request)?;
    let forces = request.flag("ForceFailover")?.unwrap_or(false);
    if forces && !instance.settings.multi_az {
        return Err(clash(
            "Cannot reboot with failover: ForceFailover cannot be specified since the instance is not configured for MultiAZ.",
        ));
    }
    require(&instance, "available")?;
    if forces && no_standby(request, &instance) {
        return Err(instance_state("The standby of the instance is not available"));
    }
    let (stage, then) = match forces {
        true => (("rebooting", FAILING_OVER), Then::FailOver),
        false => (("rebooting", REBOOTING), Then::Rest),
    };
    let said = if forces {
        event::FAILOVER_STARTED
    } else {
        event::RESTARTED
    };
    send(rds, request, &instance, (stage, then, said))
}

fn no_standby(request: &Request<'_>, instance: &Instance) -> bool {
    let standby = instance.standby.as_ref();
    standby.is_none_or(|foot| request.core.outages.zone_lost(&foot.zone))
}

type Way<'a> = ((&'a str, TimeDelta), Then, (&'static str, &'static str));

fn send(
    rds: &Rds,
    request: &Request<'_>,
    instance: &Instance,
    (stage, then, said): Way<'_>,
) -> Result<Xml, AwsError> {
    let course = Course::through(request.call.now, &request.core.latency, &[stage], then);
    rds.with(|state| {
        event::record(state, &instance.meta, request.call.now, said);
        changed(state, &instance.meta.arn, |instance| {
            instance.course = course;
            if said == event::STARTED {
                instance.stopped_at = None;
            }
        })
    })
}

/// Refuses an instance that is in another state.
pub(super) fn require(instance: &Instance, wanted: &str) -> Result<(), AwsError> {
    if instance.status() != wanted {
        return Err(instance_state(format!(
            "Instance {} is not in {wanted} state: it is {}.",
            instance.meta.id,
            instance.status()
        )));
    }
    Ok(())
}

/// Stops an instance; AWS starts it again by itself after seven days.
pub(super) fn stop(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let instance = permitted(rds, request)?;
    refuse_member(&instance, "stop")?;
    require(&instance, "available")?;
    let has_replica = rds.with(|state| state.replicas(&instance.meta.arn).next().is_some());
    if instance.link.is_some() || has_replica {
        return Err(instance_state(
            "Cannot stop or start a database instance that is a read replica or has read replicas",
        ));
    }
    if let Some(named) = request.params.get("DBSnapshotIdentifier") {
        let taken = snapshot::of(rds, request, &instance, named)?;
        rds.with(|state| state.snapshots.insert(taken.meta.arn.clone(), taken));
    }
    let way = (("stopping", STOPPING), Then::Stop, event::STOPPED);
    send(rds, request, &instance, way)
}

pub(super) fn start(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let instance = permitted(rds, request)?;
    refuse_member(&instance, "start")?;
    require(&instance, "stopped")?;
    if request.core.outages.zone_lost(&instance.foot.zone) {
        return Err(AwsError::bad(
            "InsufficientDBInstanceCapacity",
            "The specified DB instance class isn't available in the specified Availability Zone.",
        ));
    }
    let way = (("starting", STARTING), Then::Rest, event::STARTED);
    send(rds, request, &instance, way)
}

fn refuse_member(instance: &Instance, verb: &str) -> Result<(), AwsError> {
    if instance.cluster.is_some() {
        let why = format!("Cannot {verb} a DB instance that is a member of a DB cluster");
        return Err(cluster_state(why));
    }
    Ok(())
}
