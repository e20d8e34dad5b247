//! The operations on instance refreshes; what a refresh does by itself is in [`super::refresh`].

use chrono::{DateTime, Utc};

use super::AutoScaling;
use super::refresh::turn_back;
use super::request::{Request, invalid};
use super::state::{Group, Preferences, Refresh, RefreshStatus, Template};
use super::view;
use crate::error::AwsError;
use crate::protocol::Xml;

/// Refreshes a group remembers; AWS keeps six weeks of them.
const REFRESHES_MAX: usize = 50;

pub(super) fn start(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    let mut group = request.permitted(scaling)?;
    let preferences = preferences(request)?;
    let wanted = request
        .params
        .structure("DesiredConfiguration")
        .structure("LaunchTemplate");
    let wanted = match wanted.is_empty() {
        true => None,
        false => Some(request.template(&wanted)?),
    };
    if preferences.auto_rollback {
        check_reversible(&group, wanted.as_ref()).map_err(invalid)?;
    }
    if group.active_refresh().is_some() {
        let why =
            "An Instance Refresh is already in progress and blocks the execution of this Instance Refresh.";
        return Err(AwsError::bad("InstanceRefreshInProgress", why));
    }
    let refresh = begin(request, &group, (wanted, preferences))?;
    scaling.change(request, &group.name, |group| {
        let mut xml = Xml::new();
        xml.leaf("InstanceRefreshId", &refresh.id);
        if group.refreshes.len() == REFRESHES_MAX {
            group.refreshes.remove(0);
        }
        group.refreshes.push(refresh);
        Ok(xml)
    })
}

fn begin(
    request: &Request<'_>,
    group: &Group,
    (wanted, preferences): (Option<Template>, Preferences),
) -> Result<Refresh, AwsError> {
    let target = wanted.as_ref().unwrap_or(&group.template);
    let version = request.version_of(target)?;
    let original = group.living().map(|member| member.id.clone()).collect();
    let old = group.living().filter(|member| {
        let matches = member.template_id == target.id && member.version == version;
        let ignored = member.is_protected && preferences.protected == "Ignore";
        !(ignored || preferences.skip_matching && matches)
    });
    let old: std::collections::BTreeSet<String> = old.map(|member| member.id.clone()).collect();
    Ok(Refresh {
        id: request.core.ids.uuid(),
        status: RefreshStatus::InProgress,
        reason: None,
        started_at: request.call.now,
        ended_at: None,
        preferences,
        wanted,
        original,
        total: u32::try_from(old.len()).unwrap_or(u32::MAX),
        old,
        updated: 0,
        progress_at: request.call.now,
        rollback: None,
    })
}

fn preferences(request: &Request<'_>) -> Result<Preferences, AwsError> {
    let params = request.params.structure("Preferences");
    let given_min = params.number("MinHealthyPercentage")?;
    let (min_healthy, max_healthy) = (given_min.unwrap_or(90), params.number("MaxHealthyPercentage")?);
    if !(0..=100).contains(&min_healthy) {
        return Err(invalid("MinHealthyPercentage must be between 0 and 100"));
    }
    if let Some(max) = max_healthy {
        if given_min.is_none() {
            return Err(invalid(
                "MaxHealthyPercentage needs MinHealthyPercentage beside it",
            ));
        }
        if !(100..=200).contains(&max) || max - min_healthy > 100 {
            return Err(invalid(
                "MaxHealthyPercentage must be between 100 and 200, and at most 100 above MinHealthyPercentage",
            ));
        }
    }
    let choice = |name: &str, choices: [&str; 3]| match params.get(name).unwrap_or("Wait") {
        known if choices.contains(&known) => Ok(known.to_owned()),
        other => Err(invalid(format!("Invalid {name} {other}"))),
    };
    Ok(Preferences {
        min_healthy,
        max_healthy,
        warmup_seconds: request.seconds("Preferences.InstanceWarmup")?,
        skip_matching: params.flag("SkipMatching")?.unwrap_or(false),
        auto_rollback: params.flag("AutoRollback")?.unwrap_or(false),
        protected: choice("ScaleInProtectedInstances", ["Wait", "Ignore", "Refresh"])?,
        standby: choice("StandbyInstances", ["Wait", "Ignore", "Terminate"])?,
    })
}

/// Why a refresh could not be rolled back (API reference, "RollbackInstanceRefresh").
fn check_reversible(group: &Group, wanted: Option<&Template>) -> Result<(), &'static str> {
    let moves = |template: &Template| template.version.starts_with('$');
    match wanted {
        None => Err("A rollback needs a desired configuration."),
        Some(wanted) if moves(wanted) || moves(&group.template) => {
            Err("A rollback needs launch template versions that are numbers, not $Latest or $Default.")
        }
        Some(_) => Ok(()),
    }
}

/// Stops replacing; what has been replaced stays.
pub(super) fn cancel(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    let waits = request
        .params
        .flag("WaitForTransitioningInstances")?
        .unwrap_or(true);
    on_replacing(scaling, request, |group, now| {
        if let Some(refresh) = group.active_refresh() {
            refresh.reason = Some("Cancelled due to user request.".to_owned());
            refresh.status = RefreshStatus::Cancelling;
            if !waits {
                refresh.status = RefreshStatus::Cancelled;
                refresh.ended_at = Some(now);
            }
        }
        Ok(())
    })
}

pub(super) fn roll_back(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    on_replacing(scaling, request, |group, now| {
        let wanted = group.active_refresh().and_then(|refresh| refresh.wanted.clone());
        check_reversible(group, wanted.as_ref())
            .map_err(|why| AwsError::bad("IrreversibleInstanceRefresh", why))?;
        turn_back(group, now, "Rollback was requested by the user.");
        Ok(())
    })
}

fn on_replacing(
    scaling: &AutoScaling,
    request: &Request<'_>,
    work: impl FnOnce(&mut Group, DateTime<Utc>) -> Result<(), AwsError>,
) -> Result<Xml, AwsError> {
    let group = request.permitted(scaling)?;
    scaling.change(request, &group.name, |group| {
        let active = group.active_refresh();
        let Some(refresh) = active.filter(|refresh| refresh.status.is_replacing()) else {
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
    // The newest come first; the place from the beginning does not move when newer ones come.
    let newest = group.refreshes.iter().enumerate().rev();
    let wanted = newest.filter(|(_, refresh)| ids.is_empty() || ids.contains(&refresh.id));
    let keyed = wanted.map(|(at, refresh)| {
        (
            format!("{:020}", u64::MAX - u64::try_from(at).unwrap_or(0)),
            refresh,
        )
    });
    let found = request.page(keyed, |(key, _)| key, 100)?;
    let mut xml = Xml::new();
    xml.members("InstanceRefreshes", found.items, |xml, (_, refresh)| {
        view::refresh(xml, &group, refresh);
    });
    xml.optional("NextToken", found.next);
    Ok(xml)
}
