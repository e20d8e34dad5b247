//! Instance refresh: a new instance first, an old one ends when the new one serves.
//!
//! Source: Amazon EC2 Auto Scaling user guide, "Use an instance refresh to update instances". With a minimum healthy
//! percentage of 100 AWS launches before it terminates; below it, it may terminate first, which is not built: a group
//! is never below its desired capacity here.

use chrono::{DateTime, Utc};

use super::AutoScaling;
use super::request::{Request, invalid};
use super::state::{Group, Lifecycle, Member, Refresh, RefreshStatus};
use super::work::Worker;
use crate::error::AwsError;
use crate::protocol::Xml;

/// One step of the group's refresh. True when something was done.
pub(super) fn step(worker: &mut Worker<'_>) -> bool {
    let now = worker.core.clock.now();
    let living: Vec<Member> = worker.group.living().cloned().collect();
    let desired = worker.group.desired;
    let Some(refresh) = worker.group.active_refresh() else {
        return false;
    };
    refresh
        .old
        .retain(|id| living.iter().any(|member| member.id == *id));
    let old = refresh.old.iter().next().cloned();
    let newcomers: Vec<&Member> = living
        .iter()
        .filter(|member| !refresh.old.contains(&member.id))
        .collect();
    let Some(old) = old else {
        return end(refresh, now);
    };
    let serving = newcomers.iter().all(|member| serves(worker, member));
    let count = u32::try_from(living.len()).unwrap_or(u32::MAX);
    if failing(worker, &newcomers) {
        return turn_back(worker, now);
    }
    if count <= desired {
        return worker.launch();
    }
    serving && worker.end(&old, "an instance was replaced by an instance refresh")
}

/// In service and, where it is a target, healthy there.
fn serves(worker: &Worker<'_>, member: &Member) -> bool {
    let healthy = |arn: &String| {
        let health = worker.core.peers.elbv2.health_of(worker.place, (arn, &member.id));
        matches!(health, "healthy" | "unused")
    };
    member.state == Lifecycle::InService && worker.group.target_group_arns.iter().all(healthy)
}

fn failing(worker: &Worker<'_>, newcomers: &[&Member]) -> bool {
    let fails =
        |arn: &String, id: &str| worker.core.peers.elbv2.health_of(worker.place, (arn, id)) == "unhealthy";
    let by_balancer = worker.group.health_check_type == "ELB";
    let arns = &worker.group.target_group_arns;
    newcomers
        .iter()
        .any(|member| by_balancer && arns.iter().any(|arn| fails(arn, &member.id)))
}

fn end(refresh: &mut Refresh, now: DateTime<Utc>) -> bool {
    refresh.status = match refresh.status {
        RefreshStatus::RollbackInProgress => RefreshStatus::RollbackSuccessful,
        _ => RefreshStatus::Successful,
    };
    refresh.ended_at = Some(now);
    true
}

/// The new instances fail: back to the old template if that is wished, else the refresh ends.
fn turn_back(worker: &mut Worker<'_>, now: DateTime<Utc>) -> bool {
    let members: Vec<String> = worker.group.living().map(|member| member.id.clone()).collect();
    let Some(refresh) = worker.group.active_refresh() else {
        return false;
    };
    if !refresh.auto_rollback || refresh.status == RefreshStatus::RollbackInProgress {
        refresh.status = RefreshStatus::Failed;
        refresh.reason = Some("Instances failed their health checks".to_owned());
        refresh.ended_at = Some(now);
        return true;
    }
    let (before, kept) = (refresh.before.clone(), refresh.old.clone());
    refresh.status = RefreshStatus::RollbackInProgress;
    refresh.old = members.into_iter().filter(|id| !kept.contains(id)).collect();
    worker.group.template = before;
    true
}

pub(super) fn start(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    let group = request.permitted(scaling)?;
    let params = &request.params;
    let min_healthy = params.number("Preferences.MinHealthyPercentage")?.unwrap_or(90);
    if !(0..=100).contains(&min_healthy) {
        return Err(invalid("MinHealthyPercentage must be between 0 and 100"));
    }
    let auto_rollback = params.flag("Preferences.AutoRollback")?.unwrap_or(false);
    let skip_matching = params.flag("Preferences.SkipMatching")?.unwrap_or(false);
    let wanted = params
        .structure("DesiredConfiguration")
        .structure("LaunchTemplate");
    let template = if wanted.is_empty() {
        group.template.clone()
    } else {
        request.template(&wanted)?
    };
    if auto_rollback && (wanted.is_empty() || template.version.starts_with('$')) {
        return Err(invalid(
            "AutoRollback needs a desired configuration with a numbered launch template version",
        ));
    }
    let version = request.version_of(&template)?;
    scaling.change(request, &group.name, |group| {
        if group.active_refresh().is_some() {
            let why = "An Instance Refresh is already in progress and blocks the execution of this Instance Refresh.";
            return Err(AwsError::bad("InstanceRefreshInProgress", why));
        }
        let old = group.living().filter(|member| !(skip_matching && member.version == version));
        let refresh = Refresh {
            id: request.core.ids.uuid(),
            status: RefreshStatus::InProgress,
            reason: None,
            started_at: request.call.now,
            ended_at: None,
            min_healthy,
            auto_rollback,
            before: group.template.clone(),
            old: old.map(|member| member.id.clone()).collect(),
            total: group.living_count(),
        };
        let mut xml = Xml::new();
        xml.leaf("InstanceRefreshId", &refresh.id);
        group.template = template;
        group.refreshes.push(refresh);
        Ok(xml)
    })
}

pub(super) fn cancel(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    on_active(scaling, request, |group, now| {
        if let Some(refresh) = group.active_refresh() {
            refresh.status = RefreshStatus::Cancelled;
            refresh.ended_at = Some(now);
        }
        Ok(())
    })
}

pub(super) fn roll_back(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    on_active(scaling, request, |group, _| {
        let living: Vec<String> = group.living().map(|member| member.id.clone()).collect();
        let Some(refresh) = group.active_refresh() else {
            return Ok(());
        };
        if refresh.before.version.starts_with('$') {
            let why = "The instance refresh cannot be rolled back: its launch template version before was not a number";
            return Err(AwsError::bad("IrreversibleInstanceRefresh", why));
        }
        let (before, kept) = (refresh.before.clone(), refresh.old.clone());
        refresh.status = RefreshStatus::RollbackInProgress;
        refresh.old = living.into_iter().filter(|id| !kept.contains(id)).collect();
        group.template = before;
        Ok(())
    })
}

fn on_active(
    scaling: &AutoScaling,
    request: &Request<'_>,
    work: impl FnOnce(&mut Group, DateTime<Utc>) -> Result<(), AwsError>,
) -> Result<Xml, AwsError> {
    let group = request.permitted(scaling)?;
    scaling.change(request, &group.name, |group| {
        let Some(refresh) = group.active_refresh() else {
            let why = "No in progress or pending Instance Refresh found for Auto Scaling group";
            return Err(AwsError::bad(
                "ActiveInstanceRefreshNotFound",
                format!("{why} {}", group.name),
            ));
        };
        let mut xml = Xml::new();
        xml.leaf("InstanceRefreshId", &refresh.id);
        work(group, request.call.now)?;
        Ok(xml)
    })
}

pub(super) fn describe(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    request.permit("*", &Default::default())?;
    let name = request.params.required("AutoScalingGroupName")?;
    let ids = request.params.strings("InstanceRefreshIds");
    let group = scaling.find(request, name)?;
    let mut xml = Xml::new();
    let shown = group
        .refreshes
        .iter()
        .rev()
        .filter(|refresh| ids.is_empty() || ids.contains(&refresh.id));
    xml.members("InstanceRefreshes", shown, |xml, refresh| {
        let left = u32::try_from(refresh.old.len()).unwrap_or(u32::MAX);
        let done = refresh.total.saturating_sub(left) * 100;
        let format = "%Y-%m-%dT%H:%M:%SZ";
        xml.leaf("InstanceRefreshId", &refresh.id)
            .leaf("AutoScalingGroupName", &group.name)
            .leaf("Status", refresh.status.name())
            .optional("StatusReason", refresh.reason.as_ref())
            .leaf("StartTime", refresh.started_at.format(format))
            .optional("EndTime", refresh.ended_at.map(|at| at.format(format)))
            .leaf(
                "PercentageComplete",
                done.checked_div(refresh.total).unwrap_or(100),
            )
            .leaf("InstancesToUpdate", left);
        xml.node("Preferences", |xml| {
            xml.leaf("MinHealthyPercentage", refresh.min_healthy)
                .leaf("AutoRollback", refresh.auto_rollback);
        });
    });
    Ok(xml)
}
