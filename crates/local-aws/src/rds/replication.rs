//! Asynchronous replication: what of a source's markers has reached a replica, a backup or a secondary cluster.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::instance::{Instance, Link, LinkState, Marker};
use super::state::{Cluster, Databases};
use crate::core::Core;

/// What a source can give at one moment.
struct Source {
    markers: Vec<Marker>,
    is_open: bool,
}

/// Lets every follower catch up to where its lag lets it be.
pub(super) fn follow(state: &mut Databases, core: &Core) {
    let sources = sources(state, core);
    let now = core.clock.now();
    let open: Vec<String> = state
        .clusters
        .values()
        .filter(|cluster| !core.outages.region_lost(&cluster.meta.region))
        .map(|cluster| cluster.meta.arn.clone())
        .collect();
    for instance in state.instances.values_mut() {
        let is_open = is_open(core, instance);
        if let Some(link) = &mut instance.link {
            advance(link, &mut instance.markers, (&sources, is_open), (core, now));
        }
    }
    for cluster in state.clusters.values_mut() {
        let is_open = open.contains(&cluster.meta.arn);
        if let Some(link) = &mut cluster.link {
            advance(link, &mut cluster.markers, (&sources, is_open), (core, now));
        }
    }
    for backup in state
        .backups
        .values_mut()
        .filter(|backup| backup.ended_at.is_none())
    {
        let is_open = !core.outages.region_lost(&backup.meta.region);
        if let Some(link) = &mut backup.link {
            advance(link, &mut backup.markers, (&sources, is_open), (core, now));
        }
    }
}

/// Everything that something follows, by ARN.
fn sources(state: &Databases, core: &Core) -> BTreeMap<String, Source> {
    let followed = |arn: &str| {
        let links = state.instances.values().filter_map(|it| it.link.as_ref());
        let links = links.chain(state.clusters.values().filter_map(|it| it.link.as_ref()));
        let mut links = links.chain(state.backups.values().filter_map(|it| it.link.as_ref()));
        links.any(|link| link.source == arn)
    };
    let instances = state.instances.values().filter(|it| followed(&it.meta.arn));
    let instances = instances.map(|instance| {
        let source = Source {
            markers: instance.markers.clone(),
            is_open: is_open(core, instance),
        };
        (instance.meta.arn.clone(), source)
    });
    let clusters = state.clusters.values().filter(|it| followed(&it.meta.arn));
    let clusters = clusters.map(|cluster| {
        let source = Source {
            markers: cluster.markers.clone(),
            is_open: !core.outages.region_lost(&cluster.meta.region),
        };
        (cluster.meta.arn.clone(), source)
    });
    instances.chain(clusters).collect()
}

/// Whether an instance can send or receive now.
fn is_open(core: &Core, instance: &Instance) -> bool {
    let at_work = instance.is_reachable() || instance.status() == "creating";
    at_work && !core.outages.zone_lost(&instance.foot.zone)
}

fn advance(
    link: &mut Link,
    markers: &mut Vec<Marker>,
    (sources, is_open): (&BTreeMap<String, Source>, bool),
    (core, now): (&Core, DateTime<Utc>),
) {
    let Some(source) = sources.get(&link.source) else {
        link.state = LinkState::Terminated;
        return;
    };
    if link.state == LinkState::Terminated {
        return;
    }
    if !source.is_open || !is_open {
        link.state = LinkState::Interrupted;
        return;
    }
    link.state = LinkState::Replicating;
    link.applied = link
        .applied
        .max(now - TimeDelta::milliseconds(link.lag_now_ms(core)));
    *markers = source
        .markers
        .iter()
        .filter(|marker| marker.at <= link.applied)
        .copied()
        .collect();
}

impl Link {
    /// How far behind it runs while both sides stand.
    pub(super) fn lag_now_ms(&self, core: &Core) -> i64 {
        let typical = || core.latency.of(TimeDelta::milliseconds(self.typical_lag_ms));
        self.lag_ms.unwrap_or_else(|| typical().num_milliseconds())
    }
}

impl Databases {
    /// Lets a secondary cluster have all that its primary has: a planned switchover waits for that.
    pub(super) fn synchronize(&mut self, from: &str, to: &str) {
        let markers = self.clusters.get(from).map(|cluster| cluster.markers.clone());
        if let (Some(markers), Some(target)) = (markers, self.clusters.get_mut(to)) {
            target.markers = markers;
        }
    }

    /// The member of a cluster that should write instead of `leaving`: the lowest tier, then the first name.
    pub(super) fn heir(&self, cluster_arn: &str, leaving: &str, core: Option<&Core>) -> Option<String> {
        let mut members: Vec<&Instance> = self
            .members(cluster_arn)
            .filter(|member| member.meta.arn != leaving && member.is_available())
            .filter(|member| core.is_none_or(|core| !core.outages.zone_lost(&member.foot.zone)))
            .collect();
        members.sort_by_key(|member| (member.settings.promotion_tier, &member.meta.id));
        members.first().map(|member| member.meta.arn.clone())
    }

    /// Makes another member of a cluster its writer.
    pub(super) fn succeed(&mut self, cluster_arn: &str, leaving: &str) {
        let heir = self.heir(cluster_arn, leaving, None);
        if let Some(cluster) = self.clusters.get_mut(cluster_arn) {
            cluster.writer = heir;
        }
    }

    /// Gives a cluster that is no secondary any more its first member as writer.
    pub(super) fn take_the_pen(&mut self, cluster_arn: &str) {
        let heir = self.heir(cluster_arn, "", None);
        if let Some(cluster) = self.clusters.get_mut(cluster_arn) {
            cluster.link = None;
            cluster.writer = heir;
        }
    }
}

impl Cluster {
    pub(super) fn status(&self) -> &str {
        self.course.status().unwrap_or("available")
    }
}
