//! Moving the primary of a global cluster: planned without loss, unplanned with the loss of what had not replicated,
//! and taking a cluster out of it.

use chrono::{DateTime, TimeDelta, Utc};

use super::cluster::LAG;
use super::course::{Course, Then};
use super::global::{one, permitted};
use super::instance::{Instance, Link, LinkState};
use super::request::{Request, clash, cluster_missing, cluster_state, global_state};
use super::state::{Cluster, Databases, Global, Move};
use super::{Rds, global};
use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::Xml;

/// How long AWS takes to move the primary, typically; Aurora documents minutes for both ways.
const MOVING: TimeDelta = TimeDelta::minutes(2);
const PROMOTING: TimeDelta = TimeDelta::minutes(1);

/// A planned change: both sides must be sound, and nothing is lost.
pub(super) fn switch_over(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let global = permitted(rds, request)?;
    begin(rds, request, &global, false)
}

/// An unplanned change when data loss is allowed; else it is a switchover, as AWS documents.
pub(super) fn fail_over(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let global = permitted(rds, request)?;
    let loses_data = request.flag("AllowDataLoss")?;
    if loses_data.is_some() && request.flag("Switchover")?.is_some() {
        return Err(clash("AllowDataLoss and Switchover can't be specified together"));
    }
    begin(rds, request, &global, loses_data.unwrap_or(false))
}

fn begin(rds: &Rds, request: &Request<'_>, global: &Global, loses_data: bool) -> Result<Xml, AwsError> {
    let target = request.required("TargetDbClusterIdentifier")?;
    let arn = request.named("cluster", target);
    rds.with(|state| {
        let from = check(state, request.core, (global, &arn), loses_data)?;
        let status = if loses_data {
            "failing-over"
        } else {
            "switching-over"
        };
        let course =
            |then| Course::through(request.call.now, &request.core.latency, &[(status, MOVING)], then);
        if loses_data {
            // The target takes what it has; nothing more reaches it from the old primary.
            if let Some(link) = state.clusters.get_mut(&arn).and_then(|it| it.link.as_mut()) {
                link.state = LinkState::Terminated;
            }
        }
        for cluster in [&from, &arn] {
            if let Some(cluster) = state.clusters.get_mut(cluster) {
                cluster.course = course(Then::Rest);
            }
        }
        let global = state
            .globals
            .get_mut(&global.meta.arn)
            .ok_or_else(|| gone(global))?;
        global.course = course(Then::FailOver);
        global.moving = Some(Move {
            from,
            to: arn.clone(),
            loses_data,
        });
        let global = global.clone();
        Ok(one(state, &global))
    })
}

fn gone(global: &Global) -> AwsError {
    super::request::global_missing(&global.meta.id)
}

/// The primary's ARN, once the target may take its place.
fn check(
    state: &Databases,
    core: &Core,
    (global, target): (&Global, &str),
    loses_data: bool,
) -> Result<String, AwsError> {
    if global.status() != "available" {
        let why = format!("Global cluster {} is {}", global.meta.id, global.status());
        return Err(global_state(why));
    }
    let cluster = state
        .clusters
        .get(target)
        .ok_or_else(|| cluster_missing(target))?;
    let from = global.writer.clone();
    let from = from.ok_or_else(|| global_state("The global cluster has no primary DB cluster"))?;
    if cluster.global.as_ref() != Some(&global.meta.arn) {
        return Err(cluster_missing(target));
    }
    if from == target {
        return Err(cluster_state("The target DB cluster is the primary already"));
    }
    require_sound(state, core, cluster)?;
    if state.members(target).next().is_none() {
        return Err(cluster_state("The target DB cluster has no DB instance"));
    }
    if !loses_data {
        let primary = state.clusters.get(&from).ok_or_else(|| cluster_missing(&from))?;
        require_sound(state, core, primary)?;
        let is_behind = cluster
            .link
            .as_ref()
            .is_none_or(|link| link.state != LinkState::Replicating);
        if is_behind {
            return Err(global_state(
                "The target DB cluster is not in sync with the primary",
            ));
        }
    }
    Ok(from)
}

fn require_sound(state: &Databases, core: &Core, cluster: &Cluster) -> Result<(), AwsError> {
    let is_lost = core.outages.region_lost(&cluster.meta.region);
    let mut members = state.members(&cluster.meta.arn).peekable();
    let has_none_left = members.peek().is_some() && !members.any(Instance::is_available);
    if is_lost || has_none_left || cluster.status() != "available" {
        return Err(cluster_state(format!(
            "DB cluster {} is not in available state.",
            cluster.meta.id
        )));
    }
    Ok(())
}

/// Ends the moves whose time has come.
pub(super) fn settle(state: &mut Databases, now: DateTime<Utc>) {
    let arns: Vec<String> = state.globals.keys().cloned().collect();
    for arn in arns {
        let Some(global) = state.globals.get_mut(&arn) else {
            continue;
        };
        let ended = global.course.settle(now) == Some(Then::FailOver);
        if let Some(moving) = global.moving.take_if(|_| ended) {
            global.writer = Some(moving.to.clone());
            finish(state, &arn, &moving, now);
        }
    }
}

fn finish(state: &mut Databases, global_arn: &str, moving: &Move, now: DateTime<Utc>) {
    if !moving.loses_data {
        state.synchronize(&moving.from, &moving.to);
    }
    state.take_the_pen(&moving.to);
    let others: Vec<String> = state
        .clusters_of(global_arn)
        .map(|cluster| cluster.meta.arn.clone())
        .filter(|arn| *arn != moving.to)
        .collect();
    for arn in others {
        if let Some(cluster) = state.clusters.get_mut(&arn) {
            let lag_ms = cluster.link.as_ref().and_then(|link| link.lag_ms);
            cluster.writer = None;
            cluster.link = Some(Link {
                lag_ms,
                state: LinkState::Interrupted,
                ..Link::new(&moving.to, LAG, now)
            });
        }
    }
}

/// Takes a cluster out; a secondary becomes a cluster of its own with what has reached it.
pub(super) fn remove(rds: &Rds, request: &Request<'_>) -> Result<Xml, AwsError> {
    let global = permitted(rds, request)?;
    let named = request.required("DbClusterIdentifier")?;
    let arn = request.named("cluster", named);
    rds.with(|state| {
        let cluster = state
            .clusters
            .get(&arn)
            .filter(|it| it.global.as_ref() == Some(&global.meta.arn));
        let cluster = cluster.ok_or_else(|| cluster_missing(named))?;
        if global.status() != "available" || !["available", "creating"].contains(&cluster.status()) {
            return Err(global_state(format!("Global cluster {} is busy", global.meta.id)));
        }
        let is_primary = global.writer.as_ref() == Some(&arn);
        if is_primary && state.clusters_of(&global.meta.arn).count() > 1 {
            return Err(global_state(
                "The primary DB cluster can't be removed while the global cluster has secondary DB clusters",
            ));
        }
        leave(state, request, &arn, is_primary);
        let global = global::refreshed(state, &global);
        Ok(one(state, &global))
    })
}

fn leave(state: &mut Databases, request: &Request<'_>, arn: &str, is_primary: bool) {
    let Some(cluster) = state.clusters.get_mut(arn) else {
        return;
    };
    let global = cluster.global.take();
    if is_primary {
        if let Some(global) = global.and_then(|arn| state.globals.get_mut(&arn)) {
            global.writer = None;
        }
        return;
    }
    let stages = [("promoting", PROMOTING)];
    cluster.course = Course::through(request.call.now, &request.core.latency, &stages, Then::Rest);
    state.take_the_pen(arn);
}
