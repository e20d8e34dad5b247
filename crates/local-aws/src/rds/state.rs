//! Everything by ARN. An ARN begins with region and account, so that what is in one place lies together.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::course::Course;
use super::event::Event;
use super::instance::{Instance, Link, Marker, Settings};
use crate::control::InventoryItem;

pub(super) use crate::tags::Tags;

/// The state of all accounts.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Databases {
    pub(super) instances: BTreeMap<String, Instance>,
    pub(super) clusters: BTreeMap<String, Cluster>,
    pub(super) globals: BTreeMap<String, Global>,
    pub(super) snapshots: BTreeMap<String, Snapshot>,
    pub(super) subnet_groups: BTreeMap<String, SubnetGroup>,
    /// Backups that are kept beside their instance: replicated to another region, or retained after its deletion.
    pub(super) backups: BTreeMap<String, Backup>,
    pub(super) events: VecDeque<Event>,
}

/// What every resource has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Meta {
    pub(super) arn: String,
    /// The name the caller gave, in lower case.
    pub(super) id: String,
    pub(super) account: String,
    /// The region, or `global`.
    pub(super) region: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) created_by: String,
    pub(super) tags: Tags,
}

/// A DB subnet group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SubnetGroup {
    pub(super) meta: Meta,
    pub(super) description: String,
    pub(super) vpc_id: String,
    /// Subnets with their zones.
    pub(super) subnets: Vec<(String, String)>,
}

/// A manual snapshot of an instance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Snapshot {
    pub(super) meta: Meta,
    pub(super) instance_id: String,
    pub(super) resource_id: String,
    pub(super) instance_created_at: DateTime<Utc>,
    pub(super) zone: String,
    pub(super) settings: Settings,
    pub(super) markers: Vec<Marker>,
    pub(super) course: Course,
    /// The ARN of the snapshot it is a copy of.
    pub(super) source: Option<String>,
    pub(super) original_at: DateTime<Utc>,
}

/// An automated backup beside its instance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Backup {
    pub(super) meta: Meta,
    pub(super) instance_arn: String,
    pub(super) instance_id: String,
    pub(super) resource_id: String,
    pub(super) instance_created_at: DateTime<Utc>,
    pub(super) settings: Settings,
    pub(super) markers: Vec<Marker>,
    /// The replication into another region; none for a retained one.
    pub(super) link: Option<Link>,
    pub(super) course: Course,
    pub(super) earliest: DateTime<Utc>,
    /// No more is added after this time.
    pub(super) ended_at: Option<DateTime<Utc>>,
}

/// An Aurora cluster.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Cluster {
    pub(super) meta: Meta,
    pub(super) resource_id: String,
    /// What its members share; class and storage are the members' own.
    pub(super) settings: Settings,
    pub(super) zones: Vec<String>,
    pub(super) course: Course,
    /// The ARN of the member that writes; none while there is no member, or in a secondary cluster.
    pub(super) writer: Option<String>,
    /// The member that a failover was asked to make the writer.
    pub(super) heir: Option<String>,
    /// The ARN of its global cluster.
    pub(super) global: Option<String>,
    /// What a secondary cluster follows.
    pub(super) link: Option<Link>,
    pub(super) markers: Vec<Marker>,
}

/// An Aurora global cluster.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Global {
    pub(super) meta: Meta,
    pub(super) resource_id: String,
    pub(super) engine: String,
    pub(super) version: String,
    pub(super) db_name: Option<String>,
    pub(super) is_encrypted: bool,
    pub(super) deletion_protection: bool,
    /// The ARN of the primary cluster.
    pub(super) writer: Option<String>,
    pub(super) course: Course,
    pub(super) moving: Option<Move>,
}

/// A change of the primary cluster that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Move {
    pub(super) from: String,
    pub(super) to: String,
    /// An unplanned failover: what had not replicated is lost.
    pub(super) loses_data: bool,
}

/// The items of a map whose keys begin with `prefix`.
pub(super) fn below<'m, T>(
    map: &'m BTreeMap<String, T>,
    prefix: &str,
) -> impl Iterator<Item = &'m T> + use<'m, T> {
    let prefix = prefix.to_owned();
    map.range(prefix.clone()..)
        .take_while(move |(key, _)| key.starts_with(&prefix))
        .map(|(_, item)| item)
}

impl Databases {
    pub(super) fn is_empty(&self) -> bool {
        self.instances.is_empty()
            && self.clusters.is_empty()
            && self.globals.is_empty()
            && self.snapshots.is_empty()
            && self.backups.is_empty()
    }

    /// The members of a cluster, in order of their names.
    pub(super) fn members<'s>(&'s self, cluster_arn: &'s str) -> impl Iterator<Item = &'s Instance> {
        self.instances
            .values()
            .filter(move |instance| instance.cluster.as_deref() == Some(cluster_arn))
    }

    /// The read replicas of an instance.
    pub(super) fn replicas<'s>(&'s self, source: &'s str) -> impl Iterator<Item = &'s Instance> {
        self.instances.values().filter(move |instance| {
            let link = instance.link.as_ref();
            link.is_some_and(|link| link.source == source)
        })
    }

    /// The clusters of a global cluster, in order of their ARNs.
    pub(super) fn clusters_of<'s>(&'s self, global_arn: &'s str) -> impl Iterator<Item = &'s Cluster> {
        self.clusters
            .values()
            .filter(move |cluster| cluster.global.as_deref() == Some(global_arn))
    }

    pub(super) fn inventory(&self) -> Vec<InventoryItem> {
        let instances = self.instances.values().map(|it| ("db", &it.meta));
        let clusters = self.clusters.values().map(|it| ("cluster", &it.meta));
        let globals = self.globals.values().map(|it| ("global-cluster", &it.meta));
        let snapshots = self.snapshots.values().map(|it| ("snapshot", &it.meta));
        let groups = self.subnet_groups.values().map(|it| ("subgrp", &it.meta));
        let backups = self.backups.values().map(|it| ("auto-backup", &it.meta));
        let all = instances.chain(clusters).chain(globals).chain(snapshots);
        all.chain(groups)
            .chain(backups)
            .map(|(kind, meta)| InventoryItem {
                account: meta.account.clone(),
                region: meta.region.clone(),
                kind: format!("rds:{kind}"),
                id: meta.arn.clone(),
                tags: meta.tags.clone(),
                created_by: meta.created_by.clone(),
            })
            .collect()
    }
}
