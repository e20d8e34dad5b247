//! What one account has in one region.

use crate::tags::Tags;
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
    /// The zones of the subnets.
    pub(super) zones: BTreeSet<String>,
    pub(super) target_group_arns: Vec<String>,
    /// Those of the target groups that were attached after the group was made.
    pub(super) late_target_groups: BTreeSet<String>,
    /// `EC2` or `ELB`.
    pub(super) health_check_type: String,
    pub(super) grace_seconds: i64,
    pub(super) cooldown_seconds: i64,
    /// Until then a call that honours the cooldown is refused.
    pub(super) cools_until: Option<DateTime<Utc>>,
    pub(super) warmup_seconds: Option<i64>,
    pub(super) protects_new: bool,
    pub(super) tags: BTreeMap<String, Tag>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) created_by: String,
    pub(super) suspended: BTreeSet<String>,
    pub(super) members: BTreeMap<String, Member>,
    pub(super) activities: Vec<Activity>,
    /// How many activities there ever were.
    pub(super) activity_count: u64,
    pub(super) policies: BTreeMap<String, Policy>,
    pub(super) refreshes: Vec<Refresh>,
    /// After a launch that failed, the next one waits.
    pub(super) retry_at: Option<DateTime<Utc>>,
    /// One instance more than is desired has been launched, to move one out of a zone that has too many.
    pub(super) is_rebalancing: bool,
    /// The group goes when its last instance has gone.
    pub(super) is_deleting: bool,
}

/// An instance of a group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Member {
    pub(super) id: String,
    pub(super) zone: String,
    pub(super) instance_type: String,
    /// The template it was launched from.
    pub(super) template_id: String,
    pub(super) template_name: String,
    /// The template's version as a number.
    pub(super) version: i64,
    pub(super) launched_at: DateTime<Utc>,
    /// Since when it is in service.
    pub(super) in_service_at: Option<DateTime<Utc>>,
    /// Leaving: when its connections have drained, and EC2 ends it.
    pub(super) ends_at: Option<DateTime<Utc>>,
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
    /// Later ones have greater numbers.
    pub(super) number: u64,
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
    pub(super) is_enabled: bool,
    pub(super) rule: PolicyRule,
}

/// What a policy does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum PolicyRule {
    /// Changes the capacity when it is executed.
    Simple {
        adjustment_type: String,
        adjustment: i64,
        least: Option<i64>,
        cooldown_seconds: Option<i64>,
    },
    /// Keeps a metric at a value.
    Tracking {
        metric: String,
        label: Option<String>,
        target_value: String,
        only_out: bool,
        warmup_seconds: Option<i64>,
    },
}

/// The replacement of a group's instances.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Refresh {
    pub(super) id: String,
    pub(super) status: RefreshStatus,
    pub(super) reason: Option<String>,
    pub(super) started_at: DateTime<Utc>,
    pub(super) ended_at: Option<DateTime<Utc>>,
    pub(super) preferences: Preferences,
    /// What the group is to be launched from; its own template follows when the refresh has succeeded.
    pub(super) wanted: Option<Template>,
    /// The instances there were at the start.
    pub(super) original: BTreeSet<String>,
    /// Those that are to be replaced and have not gone yet.
    pub(super) old: BTreeSet<String>,
    /// How many there were to replace.
    pub(super) total: u32,
    /// How many have come to replace others, and serve.
    pub(super) updated: u32,
    /// When the last one was replaced.
    pub(super) progress_at: DateTime<Utc>,
    pub(super) rollback: Option<Rollback>,
}

/// How a refresh goes about it (API reference, "RefreshPreferences").
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Preferences {
    pub(super) min_healthy: i64,
    pub(super) max_healthy: Option<i64>,
    pub(super) warmup_seconds: Option<i64>,
    pub(super) skip_matching: bool,
    pub(super) auto_rollback: bool,
    /// `Wait`, `Ignore` or `Refresh`.
    pub(super) protected: String,
    /// The same for instances on standby, of which there are none here.
    pub(super) standby: String,
}

/// The way back, and where the refresh stood when it began.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Rollback {
    pub(super) reason: String,
    pub(super) started_at: DateTime<Utc>,
    pub(super) percent: u32,
    pub(super) left: u32,
    /// How many there are to replace on the way back.
    pub(super) total: u32,
}

/// Source: API reference, "InstanceRefresh".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum RefreshStatus {
    InProgress,
    Successful,
    Failed,
    Cancelling,
    Cancelled,
    RollbackInProgress,
    RollbackSuccessful,
    RollbackFailed,
}

impl RefreshStatus {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::InProgress => "InProgress",
            Self::Successful => "Successful",
            Self::Failed => "Failed",
            Self::Cancelling => "Cancelling",
            Self::Cancelled => "Cancelled",
            Self::RollbackInProgress => "RollbackInProgress",
            Self::RollbackSuccessful => "RollbackSuccessful",
            Self::RollbackFailed => "RollbackFailed",
        }
    }

    pub(super) fn is_active(self) -> bool {
        self.is_replacing() || self == Self::Cancelling
    }

    /// Whether instances are being replaced, on the way there or back.
    pub(super) fn is_replacing(self) -> bool {
        matches!(self, Self::InProgress | Self::RollbackInProgress)
    }
}

impl Group {
    pub(super) fn note(&mut self, activity: Activity) {
        self.activity_count += 1;
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

    /// What instances are launched from: what a refresh in progress wants, else the group's own template.
    pub(super) fn template_now(&self) -> &Template {
        let mut refreshes = self.refreshes.iter();
        let running = refreshes.find(|refresh| refresh.status == RefreshStatus::InProgress);
        let wanted = running.and_then(|refresh| refresh.wanted.as_ref());
        wanted.unwrap_or(&self.template)
    }

    /// How long a new instance takes before it counts as serving.
    pub(super) fn warmup_seconds(&self) -> i64 {
        self.warmup_seconds.unwrap_or(self.grace_seconds)
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

    pub(super) fn plain_tags(&self) -> Tags {
        self.tags
            .iter()
            .map(|(key, tag)| (key.clone(), tag.value.clone()))
            .collect()
    }
}
