//! What the control surface shows of databases, the markers of drills, and the addresses behind their names.
//!
//! A marker stands for a row that a drill commits: it is taken by a primary that can be reached, and is then on every
//! replica, snapshot and backup that the row would be on. After a failover the last marker found tells the RPO.

use std::net::Ipv4Addr;

use chrono::TimeDelta;
use serde::Serialize;

use super::Rds;
use super::instance::{Instance, Link, LinkState, Marker, host};
use super::state::{Cluster, Databases};
use crate::core::Core;

/// A year: no lag is longer, and the clock stays far from the calendar's beginning.
const LAG_MS_MAX: i64 = 365 * 24 * 3_600_000;

/// An instance or a cluster as its clients see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DatabaseView {
    /// The ARN.
    pub arn: String,
    /// The status that RDS tells.
    pub status: String,
    /// The zone of the instance, or of the cluster's writer.
    pub zone: Option<String>,
    /// Whether clients can connect.
    pub is_reachable: bool,
    /// Whether it takes writes.
    pub is_writable: bool,
    /// How far a replica is behind its source; grows while replication is interrupted.
    pub lag_ms: Option<i64>,
    /// The markers it holds, in the order of their writing.
    pub markers: Vec<u64>,
}

/// Why a marker was not taken: no commit, no row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MarkerRefused {
    /// No instance or cluster has the ARN.
    #[error("there is no such database")]
    Missing,
    /// It does not run, or its zone or region is lost.
    #[error("the database cannot be reached")]
    Unreachable,
    /// It is a replica, a secondary, or a primary that is being switched over.
    #[error("the database is read-only")]
    ReadOnly,
}

impl Rds {
    /// A database as its clients see it.
    pub(crate) fn view(&self, core: &Core, arn: &str) -> Option<DatabaseView> {
        self.with(|state| {
            let instance = state.instances.get(arn).map(|it| of_instance(state, core, it));
            instance.or_else(|| state.clusters.get(arn).map(|it| of_cluster(state, core, it)))
        })
    }

    /// Commits a numbered row.
    pub(crate) fn write_marker(&self, core: &Core, arn: &str, number: u64) -> Result<(), MarkerRefused> {
        let view = self.view(core, arn).ok_or(MarkerRefused::Missing)?;
        if !view.is_reachable {
            return Err(MarkerRefused::Unreachable);
        }
        if !view.is_writable {
            return Err(MarkerRefused::ReadOnly);
        }
        let marker = Marker {
            number,
            at: core.clock.now(),
        };
        self.with(|state| {
            let cluster = state.instances.get(arn).and_then(|it| it.cluster.clone());
            if let Some(cluster) = state.clusters.get_mut(cluster.as_deref().unwrap_or(arn)) {
                cluster.markers.push(marker);
            } else if let Some(instance) = state.instances.get_mut(arn) {
                instance.markers.push(marker);
            }
        });
        core.mark_dirty();
        Ok(())
    }

    /// Sets how far a replica or a secondary cluster is behind; false when it follows nothing.
    pub(crate) fn set_lag(&self, arn: &str, lag: TimeDelta) -> bool {
        self.with(|state| {
            let instance = state.instances.get_mut(arn).and_then(|it| it.link.as_mut());
            let cluster = state.clusters.get_mut(arn).and_then(|it| it.link.as_mut());
            let link = instance.or(cluster);
            link.is_some_and(|link| {
                link.lag_ms = Some(lag.num_milliseconds().clamp(0, LAG_MS_MAX));
                true
            })
        })
    }

    /// Where the host name of an instance or a cluster leads; inside AWS these are private addresses.
    pub(crate) fn addresses(&self, name: &str) -> Option<Vec<Ipv4Addr>> {
        let name = name.trim_end_matches('.');
        if !name.ends_with(".rds.amazonaws.com") {
            return None;
        }
        self.with(|state| {
            let mut instances = state.instances.values();
            let named = instances.find(|instance| instance.host() == name);
            let of = |instance: &Instance| instance.foot.public_address.unwrap_or(instance.foot.address);
            match named {
                Some(instance) => Some(vec![of(instance)]),
                None => {
                    let members = behind(state, name)?;
                    Some(members.into_iter().map(of).collect())
                }
            }
        })
    }
}

/// The members behind a cluster's endpoint (its writer) or its reader endpoint.
fn behind<'s>(state: &'s Databases, name: &str) -> Option<Vec<&'s Instance>> {
    let named = |cluster: &Cluster, prefix: &str| {
        let meta = &cluster.meta;
        host(&format!("{prefix}{}", meta.id), &meta.account, &meta.region) == name
    };
    let mut clusters = state.clusters.values();
    let cluster = clusters.find(|it| named(it, "cluster-") || named(it, "cluster-ro-"))?;
    let writes = |member: &&Instance| cluster.writer.as_ref() == Some(&member.meta.arn);
    let members: Vec<&Instance> = state.members(&cluster.meta.arn).collect();
    let is_reader = named(cluster, "cluster-ro-") && members.len() > 1;
    let wanted = |member: &&Instance| writes(member) != is_reader;
    Some(members.into_iter().filter(wanted).collect())
}

fn of_instance(state: &Databases, core: &Core, instance: &Instance) -> DatabaseView {
    let is_reachable = instance.is_reachable() && !core.outages.zone_lost(&instance.foot.zone);
    let cluster = instance.cluster.as_ref().and_then(|arn| state.clusters.get(arn));
    let is_writable = match cluster {
        Some(cluster) => cluster.writer.as_ref() == Some(&instance.meta.arn) && takes_writes(state, cluster),
        None => instance.link.is_none(),
    };
    let markers = cluster.map_or(&instance.markers, |cluster| &cluster.markers);
    DatabaseView {
        arn: instance.meta.arn.clone(),
        status: instance.status().to_owned(),
        zone: Some(instance.foot.zone.clone()),
        is_reachable,
        is_writable: is_reachable && is_writable,
        lag_ms: instance.link.as_ref().map(|link| behind_ms(core, link)),
        markers: numbers(markers),
    }
}

fn of_cluster(state: &Databases, core: &Core, cluster: &Cluster) -> DatabaseView {
    let stands = |member: &&Instance| member.is_reachable() && !core.outages.zone_lost(&member.foot.zone);
    let writer = cluster.writer.as_ref().and_then(|arn| state.instances.get(arn));
    let is_reachable = match writer {
        Some(writer) => stands(&writer),
        None => state.members(&cluster.meta.arn).any(|member| stands(&member)),
    };
    DatabaseView {
        arn: cluster.meta.arn.clone(),
        status: cluster.status().to_owned(),
        zone: writer.map(|writer| writer.foot.zone.clone()),
        is_reachable,
        is_writable: is_reachable && writer.is_some() && takes_writes(state, cluster),
        lag_ms: cluster.link.as_ref().map(|link| behind_ms(core, link)),
        markers: numbers(&cluster.markers),
    }
}

/// A secondary takes no writes, and neither side does while the primary moves.
fn takes_writes(state: &Databases, cluster: &Cluster) -> bool {
    let global = cluster.global.as_ref().and_then(|arn| state.globals.get(arn));
    cluster.link.is_none() && global.is_none_or(|global| global.moving.is_none())
}

fn behind_ms(core: &Core, link: &Link) -> i64 {
    match link.state {
        LinkState::Replicating => link.lag_now_ms(core),
        LinkState::Interrupted | LinkState::Terminated => {
            (core.clock.now() - link.applied).num_milliseconds()
        }
    }
}

fn numbers(markers: &[Marker]) -> Vec<u64> {
    markers.iter().map(|marker| marker.number).collect()
}
