//! Instance refresh: every instance is replaced, within the bounds its preferences set, and back again on failure.
//!
//! Sources: Amazon EC2 Auto Scaling API reference, "StartInstanceRefresh" and "RefreshPreferences"; user guide, "How
//! an instance refresh works" and "Undo changes with a rollback". Where a maximum healthy percentage is given and
//! leaves room, or the bounds leave none at all, a new instance is launched before an old one ends; else an old one
//! ends and its replacement is launched at the same time.

use chrono::{DateTime, TimeDelta, Utc};

use super::state::{Group, Lifecycle, Member, Refresh, RefreshStatus, Rollback};
use super::work::Worker;

/// A refresh that replaces nothing for so long has failed.
const PATIENCE: TimeDelta = TimeDelta::hours(1);
const CAUSE: &str = "an instance was taken out of service in response to an instance refresh";

/// Where a refresh stands.
#[derive(Default)]
struct Standing {
    desired: usize,
    total: usize,
    /// Those that take requests; new ones when they are warm.
    serving: usize,
    /// Those that are not to be replaced.
    newcomers: usize,
    /// Those of them that do not serve yet.
    warming: usize,
    /// Those of them that have come to replace others, and serve.
    updated: usize,
    /// Those to be replaced that may be ended, first the one of the zone with most instances.
    replaceable: Vec<String>,
    old: usize,
}

/// One step of the group's refresh. True when something was done.
pub(super) fn step(worker: &mut Worker<'_>) -> bool {
    if worker.group.is_suspended("InstanceRefresh") || worker.group.is_deleting {
        return false;
    }
    let Some(status) = worker.group.active_refresh().map(|refresh| refresh.status) else {
        return false;
    };
    if status == RefreshStatus::Cancelling {
        return end_cancelling(worker);
    }
    let standing = stand(worker);
    let now = worker.core.clock.now();
    let patience = PATIENCE.max(warmup(worker) + PATIENCE);
    if let Some(refresh) = worker.group.active_refresh() {
        let updated = count(standing.updated);
        if updated > refresh.updated {
            refresh.progress_at = now;
        }
        refresh.updated = updated;
        let is_done = standing.old == 0 && standing.warming == 0;
        if refresh.progress_at + patience <= now && !is_done {
            return give_up(worker.group, now);
        }
    }
    if standing.old == 0 {
        return standing.warming == 0 && standing.total >= standing.desired && succeed(worker.group, now);
    }
    replace(worker, &standing)
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn stand(worker: &mut Worker<'_>) -> Standing {
    let living: Vec<Member> = worker.group.living().cloned().collect();
    let desired = usize::try_from(worker.group.desired).unwrap_or_default();
    let Some(refresh) = worker.group.active_refresh() else {
        return Standing::default();
    };
    let protected = refresh.preferences.protected.clone();
    refresh.old.retain(|id| {
        let member = living.iter().find(|member| member.id == *id);
        member.is_some_and(|member| !(member.is_protected && protected == "Ignore"))
    });
    let (old, original) = (refresh.old.clone(), refresh.original.clone());
    let (leaving, new): (Vec<&Member>, Vec<&Member>) =
        living.iter().partition(|member| old.contains(&member.id));
    let is_warm = |member: &&&Member| serves(worker, member, true);
    let warm: Vec<&&Member> = new.iter().filter(is_warm).collect();
    let still_serving = leaving.iter().filter(|member| serves(worker, member, false));
    Standing {
        desired,
        total: living.len(),
        serving: warm.len() + still_serving.count(),
        newcomers: new.len(),
        warming: new.len() - warm.len(),
        updated: warm
            .iter()
            .filter(|member| !original.contains(&member.id))
            .count(),
        replaceable: replaceable(&living, &leaving, protected == "Refresh"),
        old: old.len(),
    }
}

/// Who may be ended, first those of the zone with most instances.
fn replaceable(living: &[Member], leaving: &[&Member], may_end_protected: bool) -> Vec<String> {
    let crowd = |zone: &str| living.iter().filter(|other| other.zone == zone).count();
    let mut free: Vec<&Member> = leaving
        .iter()
        .filter(|member| may_end_protected || !member.is_protected)
        .copied()
        .collect();
    free.sort_by_key(|member| {
        let crowd = usize::MAX - crowd(&member.zone);
        (crowd, member.launched_at, member.id.clone())
    });
    free.into_iter().map(|member| member.id.clone()).collect()
}

/// In service, healthy where it is a target, and warm where that is asked.
fn serves(worker: &Worker<'_>, member: &Member, must_be_warm: bool) -> bool {
    let health = |arn: &String| worker.core.peers.elbv2.health_of(worker.place, (arn, &member.id));
    let healthy = |arn: &String| matches!(health(arn), "healthy" | "unused");
    let is_warm = || {
        let since = member.in_service_at;
        since.is_some_and(|at| at + warmup(worker) <= worker.core.clock.now())
    };
    member.state == Lifecycle::InService
        && member.is_healthy
        && worker.group.target_group_arns.iter().all(healthy)
        && (!must_be_warm || is_warm())
}

fn warmup(worker: &Worker<'_>) -> TimeDelta {
    let mut refreshes = worker.group.refreshes.iter();
    let active = refreshes.find(|refresh| refresh.status.is_active());
    let own = active.and_then(|refresh| refresh.preferences.warmup_seconds);
    let seconds = own.unwrap_or_else(|| worker.group.warmup_seconds());
    worker.core.latency.of(TimeDelta::seconds(seconds))
}

/// How many instances there must be healthy, and how many there may be at all.
struct Bounds {
    least: usize,
    most: usize,
    launches_first: bool,
}

fn bounds(refresh: &Refresh, desired: usize) -> Bounds {
    let percent = |of: i64| desired * usize::try_from(of).unwrap_or(100);
    let least = percent(refresh.preferences.min_healthy).div_ceil(100);
    match refresh.preferences.max_healthy {
        None => Bounds {
            least,
            most: desired,
            launches_first: false,
        },
        Some(max) => {
            let most = percent(max) / 100;
            let impossible = least >= desired && most <= desired;
            Bounds {
                least,
                most: if impossible { desired + 1 } else { most },
                launches_first: impossible || most > desired,
            }
        }
    }
}

/// How many instances a group may have while it is refreshed.
pub(super) fn most(group: &Group) -> Option<u32> {
    let desired = usize::try_from(group.desired).unwrap_or_default();
    let mut refreshes = group.refreshes.iter();
    let active = refreshes.find(|refresh| refresh.status.is_active())?;
    Some(count(bounds(active, desired).most))
}

fn replace(worker: &mut Worker<'_>, standing: &Standing) -> bool {
    let Some(refresh) = worker.group.active_refresh() else {
        return false;
    };
    let bounds = bounds(refresh, standing.desired);
    let may_end = if bounds.launches_first {
        if standing.total < bounds.most && standing.newcomers < standing.desired && worker.launch() {
            return true;
        }
        standing.serving > bounds.least && standing.total >= standing.desired
    } else {
        if standing.total < standing.desired && worker.launch() {
            return true;
        }
        let at_once = standing.desired.saturating_sub(bounds.least).max(1);
        standing.desired.saturating_sub(standing.serving) < at_once
    };
    match standing.replaceable.first() {
        Some(id) if may_end => worker.end(id, CAUSE),
        _ => false,
    }
}

/// The group takes over what was wanted once all of it is there.
fn succeed(group: &mut Group, now: DateTime<Utc>) -> bool {
    let Some(refresh) = group.active_refresh() else {
        return false;
    };
    refresh.ended_at = Some(now);
    refresh.updated = refresh.rollback.as_ref().map_or(refresh.total, |back| back.total);
    if refresh.status == RefreshStatus::RollbackInProgress {
        refresh.status = RefreshStatus::RollbackSuccessful;
        return true;
    }
    refresh.status = RefreshStatus::Successful;
    if let Some(wanted) = refresh.wanted.clone() {
        group.template = wanted;
    }
    true
}

/// Nothing is replaced any more: back to where it began, if that is wished.
fn give_up(group: &mut Group, now: DateTime<Utc>) -> bool {
    let Some(refresh) = group.active_refresh() else {
        return false;
    };
    let reason = "Instances did not become healthy, or could not be replaced, for an hour.";
    if refresh.status == RefreshStatus::InProgress && refresh.preferences.auto_rollback {
        turn_back(group, now, reason);
        return true;
    }
    refresh.status = match refresh.status {
        RefreshStatus::RollbackInProgress => RefreshStatus::RollbackFailed,
        _ => RefreshStatus::Failed,
    };
    refresh.reason = Some(reason.to_owned());
    refresh.ended_at = Some(now);
    true
}

/// Begins to replace what the refresh has launched by what the group's own template says.
pub(super) fn turn_back(group: &mut Group, now: DateTime<Utc>, reason: &str) {
    let living: Vec<String> = group.living().map(|member| member.id.clone()).collect();
    let Some(refresh) = group.active_refresh() else {
        return;
    };
    let new: std::collections::BTreeSet<String> = living
        .into_iter()
        .filter(|id| !refresh.original.contains(id))
        .collect();
    refresh.rollback = Some(Rollback {
        reason: reason.to_owned(),
        started_at: now,
        percent: percent_complete(refresh),
        left: left(refresh),
        total: count(new.len()),
    });
    refresh.status = RefreshStatus::RollbackInProgress;
    refresh.old = new;
    refresh.updated = 0;
    refresh.progress_at = now;
}

/// With nothing on its way any more, a refresh that is being cancelled is so.
fn end_cancelling(worker: &mut Worker<'_>) -> bool {
    let mut members = worker.group.members.values();
    if members.any(|member| member.state != Lifecycle::InService) {
        return false;
    }
    let now = worker.core.clock.now();
    if let Some(refresh) = worker.group.active_refresh() {
        refresh.status = RefreshStatus::Cancelled;
        refresh.ended_at = Some(now);
    }
    true
}

/// How many instances are still to be replaced; on the way back, how many were when it began.
pub(super) fn left(refresh: &Refresh) -> u32 {
    match &refresh.rollback {
        Some(rollback) => rollback.left,
        None => refresh.total.saturating_sub(refresh.updated),
    }
}

/// How much is done; on the way back it falls to zero.
pub(super) fn percent_complete(refresh: &Refresh) -> u32 {
    match &refresh.rollback {
        Some(rollback) => {
            let remaining = rollback.total.saturating_sub(refresh.updated);
            (rollback.percent * remaining)
                .checked_div(rollback.total)
                .unwrap_or(0)
        }
        None => (refresh.updated.min(refresh.total) * 100)
            .checked_div(refresh.total)
            .unwrap_or(100),
    }
}
