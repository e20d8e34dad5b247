//! What time and outages do to databases: called before every call to the endpoint and around every move of the clock.

use chrono::{DateTime, TimeDelta, Utc};

use super::course::{Course, Then};
use super::instance::{Foot, Instance};
use super::lifecycle::{FAILING_OVER, STARTING};
use super::state::{Databases, Meta};
use super::{Rds, event, global_move, modify, replication};
use crate::core::Core;
use crate::ec2::Place;

/// AWS starts a stopped instance again after this time, so that it misses no maintenance.
const STOPPED_MAX: TimeDelta = TimeDelta::days(7);
/// An Aurora cluster with a reader fails over within half a minute, typically.
pub(super) const CLUSTER_FAILING_OVER: TimeDelta = TimeDelta::seconds(30);

/// An interface that nobody stands on any more.
struct Left {
    account: String,
    region: String,
    interface_id: String,
}

pub(super) fn look(rds: &Rds, core: &Core) {
    let left = rds.with(|state| {
        if state.is_empty() {
            return Vec::new();
        }
        let now = core.clock.now();
        let left = instances(state, core, now);
        begin(state, core, now);
        clusters(state, core, now);
        global_move::settle(state, now);
        others(state, now);
        replication::follow(state, core);
        left
    });
    for interface in &left {
        let place = Place {
            account: &interface.account,
            region: &interface.region,
        };
        let ec2 = &core.peers.ec2;
        ec2.release_interface(core, place, &interface.interface_id, TimeDelta::zero());
    }
}

/// Ends the stages of instances whose time has come.
fn instances(state: &mut Databases, core: &Core, now: DateTime<Utc>) -> Vec<Left> {
    let ended: Vec<(String, Then)> = state
        .instances
        .iter_mut()
        .filter_map(|(arn, instance)| Some((arn.clone(), instance.course.settle(now)?)))
        .collect();
    let mut left = Vec::new();
    for (arn, then) in ended {
        core.mark_dirty();
        left.extend(end(state, &arn, then, now));
    }
    left
}

fn end(state: &mut Databases, arn: &str, then: Then, now: DateTime<Utc>) -> Vec<Left> {
    let mut left = Vec::new();
    let mut said = None;
    if then == Then::Gone {
        let gone = state.instances.remove(arn);
        return gone.map(|gone| all_left(&gone)).unwrap_or_default();
    }
    let Some(instance) = state.instances.get_mut(arn) else {
        return left;
    };
    match then {
        Then::Change => {
            let foot = instance.apply_pending();
            left.extend(foot.map(|foot| one_left(&instance.meta, &foot)));
            said = Some(event::CHANGED);
        }
        Then::FailOver => {
            if let Some(standby) = &mut instance.standby {
                std::mem::swap(&mut instance.foot, standby);
            }
            said = Some(event::FAILOVER_DONE);
        }
        Then::Stop => instance.stopped_at = Some(now),
        Then::Rest | Then::Gone => {}
    }
    let meta = instance.meta.clone();
    if let Some(said) = said {
        event::record(state, &meta, now, said);
    }
    left
}

fn one_left(meta: &Meta, foot: &Foot) -> Left {
    Left {
        account: meta.account.clone(),
        region: meta.region.clone(),
        interface_id: foot.interface_id.clone(),
    }
}

fn all_left(instance: &Instance) -> Vec<Left> {
    let feet = std::iter::once(&instance.foot).chain(&instance.standby);
    feet.map(|foot| one_left(&instance.meta, foot)).collect()
}

/// Begins what begins by itself: waiting changes, starts after seven days, failovers from lost zones.
fn begin(state: &mut Databases, core: &Core, now: DateTime<Utc>) {
    let mut said = Vec::new();
    for instance in state.instances.values_mut() {
        outage(instance, core, now, &mut said);
        if instance.course.status().is_some() {
            continue;
        }
        if instance.stopped_at.is_some_and(|at| at + STOPPED_MAX <= now) {
            instance.stopped_at = None;
            let stages = [("starting", STARTING)];
            instance.course = Course::through(now, &core.latency, &stages, Then::Rest);
            said.push((instance.meta.clone(), event::STARTED));
        } else if let Some(pending) = instance.pending.as_ref().filter(|it| it.from <= now) {
            instance.course = modify::course(pending, now, &core.latency);
        }
    }
    for (meta, what) in said {
        core.mark_dirty();
        event::record(state, &meta, now, what);
    }
}

type Said = Vec<(Meta, (&'static str, &'static str))>;

/// A Multi-AZ instance leaves a lost zone for its standby's; any other is cut off until the zone is back.
fn outage(instance: &mut Instance, core: &Core, now: DateTime<Utc>, said: &mut Said) {
    let is_lost = core.outages.zone_lost(&instance.foot.zone);
    let standby = instance.standby.as_ref().filter(|_| instance.settings.multi_az);
    let can_move = standby.is_some_and(|foot| !core.outages.zone_lost(&foot.zone));
    instance.is_cut_off = is_lost && !can_move;
    let at_rest = instance.course.status().is_none() && instance.stopped_at.is_none();
    if is_lost && can_move && at_rest {
        let stages = [("rebooting", FAILING_OVER)];
        instance.course = Course::through(now, &core.latency, &stages, Then::FailOver);
        said.push((instance.meta.clone(), event::FAILOVER_STARTED));
    }
}

/// Ends the stages of clusters, and lets one whose writer's zone is lost fail over to a reader.
fn clusters(state: &mut Databases, core: &Core, now: DateTime<Utc>) {
    let arns: Vec<String> = state.clusters.keys().cloned().collect();
    for arn in arns {
        let then = state
            .clusters
            .get_mut(&arn)
            .and_then(|cluster| cluster.course.settle(now));
        match then {
            Some(Then::Gone) => {
                state.clusters.remove(&arn);
            }
            Some(Then::FailOver) => crown(state, (&arn, core), now),
            Some(Then::Rest | Then::Change | Then::Stop) | None => {}
        }
        flee(state, (&arn, core), now);
    }
}

fn crown(state: &mut Databases, (arn, core): (&str, &Core), now: DateTime<Utc>) {
    let Some(cluster) = state.clusters.get(arn) else {
        return;
    };
    let leaving = cluster.writer.clone().unwrap_or_default();
    let asked = cluster
        .heir
        .clone()
        .filter(|heir| state.instances.contains_key(heir));
    let heir = asked.or_else(|| state.heir(arn, &leaving, Some(core)));
    if let Some(cluster) = state.clusters.get_mut(arn) {
        cluster.heir = None;
        cluster.writer = heir.or(cluster.writer.take());
        let meta = cluster.meta.clone();
        event::record(state, &meta, now, event::CLUSTER_FAILOVER);
    }
}

fn flee(state: &mut Databases, (arn, core): (&str, &Core), now: DateTime<Utc>) {
    let Some(cluster) = state.clusters.get(arn) else {
        return;
    };
    let writer = cluster
        .writer
        .as_ref()
        .and_then(|writer| state.instances.get(writer));
    let lost = writer.filter(|writer| core.outages.zone_lost(&writer.foot.zone));
    let heir = lost.and_then(|writer| state.heir(arn, &writer.meta.arn, Some(core)));
    let at_rest = cluster.course.status().is_none();
    if let (Some(heir), true, Some(cluster)) = (heir, at_rest, state.clusters.get_mut(arn)) {
        let stages = [("failing-over", CLUSTER_FAILING_OVER)];
        cluster.heir = Some(heir);
        cluster.course = Course::through(now, &core.latency, &stages, Then::FailOver);
    }
}

fn others(state: &mut Databases, now: DateTime<Utc>) {
    for snapshot in state.snapshots.values_mut() {
        snapshot.course.settle(now);
    }
    for backup in state.backups.values_mut() {
        backup.course.settle(now);
    }
}
