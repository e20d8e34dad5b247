//! What one account has in one region.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Most activities a group remembers; AWS keeps six weeks of them.
const ACTIVITIES_MAX: usize = 200;

/// Everything by name.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Scaling {
    pub(super) groups: BTreeMap<String, Group>,
}

/// A launch template as a group names it: the version may be `$Latest` or `$Default`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Template {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) version: String,
}

/// A tag of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tag {
    pub(super) value: String,
    pub(super) propagates: bool,
}

/// A group of instances.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) min: u32,
    pub(super) max: u32,
    pub(super) desired: u32,
    pub(super) template: Template,
    pub(super) subnet_ids: Vec<String>,
    pub(super) target_group_arns: Vec<String>,
    /// `EC2` or `ELB`.
    pub(super) health_check_type: String,
    pub(super) grace_seconds: i64,
    pub(super) cooldown_seconds: i64,
    pub(super) protects_new: bool,
    pub(super) tags: BTreeMap<String, Tag>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) created_by: String,
    pub(super) suspended: BTreeSet<String>,
    pub(super) members: BTreeMap<String, Member>,
    pub(super) activities: Vec<Activity>,
    pub(super) policies: BTreeMap<String, Policy>,
    pub(super) refreshes: Vec<Refresh>,
    /// After a launch that failed, the next one waits.
    pub(super) retry_at: Option<DateTime<Utc>>,
    /// The group goes when its last instance has gone.
    pub(super) is_deleting: bool,
}

/// An instance of a group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Member {
    pub(super) id: String,
    pub(super) zone: String,
    pub(super) instance_type: String,
    /// The template's version as a number.
    pub(super) version: i64,
    pub(super) launched_at: DateTime<Utc>,
    pub(super) state: Lifecycle,
    pub(super) is_healthy: bool,
    pub(super) is_protected: bool,
}

/// Where an instance of a group stands (user guide, "Amazon EC2 Auto Scaling instance lifecycle").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Lifecycle {
    Pending,
    InService,
    Terminating,
}

impl Lifecycle {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::InService => "InService",
            Self::Terminating => "Terminating",
        }
    }
}

/// Something the group did, or failed to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Activity {
    pub(super) id: String,
    pub(super) description: String,
    pub(super) cause: String,
    pub(super) started_at: DateTime<Utc>,
    /// `Successful` or `Failed`.
    pub(super) status: String,
    pub(super) message: Option<String>,
}

/// A scaling policy; kept and shown, and carried out by ExecutePolicy where it is a simple one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Policy {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) kind: String,
    pub(super) adjustment_type: Option<String>,
    pub(super) adjustment: Option<i64>,
    pub(super) metric: Option<String>,
    pub(super) target_value: Option<String>,
}

/// The replacement of a group's instances, one after the other.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Refresh {
    pub(super) id: String,
    pub(super) status: RefreshStatus,
    pub(super) reason: Option<String>,
    pub(super) started_at: DateTime<Utc>,
    pub(super) ended_at: Option<DateTime<Utc>>,
    pub(super) min_healthy: i64,
    pub(super) auto_rollback: bool,
    /// The template from before, to go back to.
    pub(super) before: Template,
    /// The instances there were at the start, and have not gone yet.
    pub(super) old: BTreeSet<String>,
    pub(super) total: u32,
}

/// Source: API reference, "InstanceRefresh".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum RefreshStatus {
    InProgress,
    Successful,
    Failed,
    Cancelled,
    RollbackInProgress,
    RollbackSuccessful,
}

impl RefreshStatus {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::InProgress => "InProgress",
            Self::Successful => "Successful",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
            Self::RollbackInProgress => "RollbackInProgress",
            Self::RollbackSuccessful => "RollbackSuccessful",
        }
    }

    pub(super) fn is_active(self) -> bool {
        matches!(self, Self::InProgress | Self::RollbackInProgress)
    }
}

impl Group {
    pub(super) fn note(&mut self, activity: Activity) {
        if self.activities.len() == ACTIVITIES_MAX {
            self.activities.remove(0);
        }
        self.activities.push(activity);
    }

    pub(super) fn active_refresh(&mut self) -> Option<&mut Refresh> {
        self.refreshes
            .iter_mut()
            .find(|refresh| refresh.status.is_active())
    }

    pub(super) fn is_suspended(&self, process: &str) -> bool {
        self.suspended.contains(process)
    }

    /// The members that count towards the capacity.
    pub(super) fn living(&self) -> impl Iterator<Item = &Member> {
        self.members
            .values()
            .filter(|member| member.state != Lifecycle::Terminating)
    }

    pub(super) fn living_count(&self) -> u32 {
        u32::try_from(self.living().count()).unwrap_or(u32::MAX)
    }

    pub(super) fn plain_tags(&self) -> BTreeMap<String, String> {
        self.tags
            .iter()
            .map(|(key, tag)| (key.clone(), tag.value.clone()))
            .collect()
    }
}
