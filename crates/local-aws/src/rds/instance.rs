//! One instance: what it is, where it stands, and the state it is in.

use std::net::Ipv4Addr;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::course::Course;
use super::state::Meta;

/// An instance, alone or in a cluster.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Instance {
    pub(super) meta: Meta,
    /// `db-…`; it stays when the instance is renamed.
    pub(super) resource_id: String,
    pub(super) settings: Settings,
    pub(super) foot: Foot,
    /// Where the standby of a Multi-AZ instance stands.
    pub(super) standby: Option<Foot>,
    pub(super) course: Course,
    pub(super) stopped_at: Option<DateTime<Utc>>,
    pub(super) pending: Option<Pending>,
    /// What a read replica follows.
    pub(super) link: Option<Link>,
    /// The ARN of the cluster it is a member of.
    pub(super) cluster: Option<String>,
    /// What has been written to it; a cluster's members keep none of their own.
    pub(super) markers: Vec<Marker>,
    /// Whether it stood in a lost zone, with nothing to fail over to, at the last look.
    pub(super) is_cut_off: bool,
}

/// What snapshots and backups keep of an instance, and restores bring back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Settings {
    pub(super) engine: String,
    pub(super) version: String,
    pub(super) class: String,
    pub(super) storage_gib: i64,
    pub(super) storage_type: String,
    pub(super) iops: Option<i64>,
    pub(super) master_username: String,
    pub(super) db_name: Option<String>,
    pub(super) port: u16,
    pub(super) subnet_group: String,
    pub(super) vpc_id: String,
    pub(super) group_ids: Vec<String>,
    /// The ARN of the key it is encrypted with.
    pub(super) kms_key: Option<String>,
    /// The secret that RDS manages the master password in.
    pub(super) secret: Option<Secret>,
    pub(super) multi_az: bool,
    pub(super) deletion_protection: bool,
    pub(super) is_public: bool,
    pub(super) copies_tags: bool,
    pub(super) retention_days: i64,
    pub(super) backup_window: String,
    pub(super) maintenance_window: String,
    pub(super) auto_minor: bool,
    pub(super) iam_auth: bool,
    pub(super) promotion_tier: i64,
}

/// A secret of Secrets Manager, which is not built: only its name is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Secret {
    pub(super) arn: String,
    pub(super) kms_key: String,
}

/// A zone an instance stands in, with its interface there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Foot {
    pub(super) zone: String,
    pub(super) subnet_id: String,
    pub(super) interface_id: String,
    pub(super) address: Ipv4Addr,
    pub(super) public_address: Option<Ipv4Addr>,
}

/// Changes that wait for the maintenance window, or are being made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) class: Option<String>,
    pub(super) storage_gib: Option<i64>,
    pub(super) storage_type: Option<String>,
    pub(super) iops: Option<i64>,
    pub(super) multi_az: Option<bool>,
    pub(super) version: Option<String>,
    pub(super) password: bool,
    /// When they begin: now, or at the start of the window.
    pub(super) from: DateTime<Utc>,
}

/// A number that a drill wrote, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Marker {
    pub(super) number: u64,
    pub(super) at: DateTime<Utc>,
}

/// Asynchronous replication from a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Link {
    /// The source's ARN.
    pub(super) source: String,
    /// A lag set by hand; else the typical one, scaled by the latency model.
    pub(super) lag_ms: Option<i64>,
    pub(super) typical_lag_ms: i64,
    /// Everything the source had at this time is here.
    pub(super) applied: DateTime<Utc>,
    pub(super) state: LinkState,
}

/// How replication goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum LinkState {
    Replicating,
    /// One of both sides cannot be reached; it goes on afterwards.
    Interrupted,
    /// The source is gone.
    Terminated,
}

impl Link {
    pub(super) fn new(source: &str, typical_lag: TimeDelta, now: DateTime<Utc>) -> Self {
        Self {
            source: source.to_owned(),
            lag_ms: None,
            typical_lag_ms: typical_lag.num_milliseconds(),
            applied: now,
            state: LinkState::Replicating,
        }
    }
}

impl Instance {
    /// The status as RDS names it.
    pub(super) fn status(&self) -> &str {
        match self.course.status() {
            Some(status) => status,
            None if self.stopped_at.is_some() => "stopped",
            // AWS documents no status for a lost zone. This one's advice, to restore elsewhere, is the right one.
            None if self.is_cut_off => "failed",
            None => "available",
        }
    }

    pub(super) fn is_available(&self) -> bool {
        self.status() == "available"
    }

    /// Whether clients can connect.
    pub(super) fn is_reachable(&self) -> bool {
        let open = [
            "available",
            "backing-up",
            "modifying",
            "storage-optimization",
            "resetting-master-credentials",
        ];
        open.contains(&self.status()) && !self.is_cut_off
    }

    /// The host name that clients connect to.
    pub(super) fn host(&self) -> String {
        host(&self.meta.id, &self.meta.account, &self.meta.region)
    }

    /// The interfaces it holds.
    pub(super) fn interfaces(&self) -> Vec<String> {
        let feet = std::iter::once(&self.foot).chain(&self.standby);
        feet.map(|foot| foot.interface_id.clone()).collect()
    }
}

/// The host name of an instance, or of a cluster's endpoint: the middle part is one for each account and region.
pub(super) fn host(id: &str, account: &str, region: &str) -> String {
    let hash = crate::ids::stable_hash(0, &format!("rds {account} {region}"));
    let middle = data_encoding::BASE32_NOPAD.encode(&hash.to_be_bytes());
    format!(
        "{id}.c{}.{region}.rds.amazonaws.com",
        &middle[..11].to_lowercase()
    )
}
