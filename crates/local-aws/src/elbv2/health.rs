//! The health of targets.
//!
//! Sources: API reference, "TargetHealth"; user guides, "Health checks for your target groups".

use chrono::{DateTime, Utc};

use super::Elbv2;
use super::request::{Request, group_missing};
use super::state::{Balancing, Target, TargetGroup};
use super::target::named;
use crate::core::Core;
use crate::ec2::{InstanceView, Place};
use crate::error::AwsError;
use crate::protocol::Xml;

pub(super) fn describe(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    request.permit_describing()?;
    let arn = request.params.required("TargetGroupArn")?;
    elb.with(request, |state| {
        let group = state.groups.get(arn).ok_or_else(|| group_missing(arn))?;
        let asked = named(request, group)?;
        let registered = group.targets.values();
        let listed: Vec<(String, u16)> = if asked.is_empty() {
            registered
                .map(|target| (target.id.clone(), target.port))
                .collect()
        } else {
            asked.into_iter().map(|named| (named.id, named.port)).collect()
        };
        let mut xml = Xml::new();
        xml.members("TargetHealthDescriptions", listed, |xml, (id, port)| {
            let target = group.targets.get(&format!("{id}:{port}"));
            let verdict = verdict(state, group, target);
            xml.node("Target", |xml| {
                xml.leaf("Id", &id).leaf("Port", port);
            });
            match group.check.port.as_str() {
                "traffic-port" => xml.leaf("HealthCheckPort", port),
                other => xml.leaf("HealthCheckPort", other),
            };
            xml.node("TargetHealth", |xml| {
                xml.leaf("State", verdict.state)
                    .optional("Reason", verdict.reason)
                    .optional("Description", verdict.description);
            });
        });
        Ok(xml)
    })
}

/// The state of a target, and why it is not healthy.
pub(super) struct Verdict {
    pub(super) state: &'static str,
    reason: Option<&'static str>,
    description: Option<&'static str>,
}

fn because(state: &'static str, reason: &'static str, description: &'static str) -> Verdict {
    Verdict {
        state,
        reason: Some(reason),
        description: Some(description),
    }
}

/// What a group says of one of its targets, or of one that is none.
pub(super) fn verdict(state: &Balancing, group: &TargetGroup, target: Option<&Target>) -> Verdict {
    let Some(target) = target else {
        let why = "Target is not registered to the target group";
        return because("unused", "Target.NotRegistered", why);
    };
    if target.draining_until.is_some() {
        let why = "Target deregistration is in progress";
        return because("draining", "Target.DeregistrationInProgress", why);
    }
    let Some(zones) = state.zones_of(&group.arn) else {
        let why = "Target group is not configured to receive traffic from the load balancer";
        return because("unused", "Target.NotInUse", why);
    };
    if target.zone.as_ref().is_some_and(|zone| !zones.contains(zone)) {
        let why = "Target is in an Availability Zone that is not enabled for the load balancer";
        return because("unused", "Target.NotInUse", why);
    }
    if target.is_stopped {
        return because("unused", "Target.InvalidState", "Target is in the stopped state");
    }
    checked(group, target)
}

/// What the health checks say.
fn checked(group: &TargetGroup, target: &Target) -> Verdict {
    match target.pulse.verdict() {
        None if target.pulse.is_good() => because(
            "initial",
            "Elb.RegistrationInProgress",
            "Target registration is in progress",
        ),
        None => because(
            "initial",
            "Elb.InitialHealthChecking",
            "Initial health checks in progress",
        ),
        Some(true) => Verdict {
            state: "healthy",
            reason: None,
            description: None,
        },
        Some(false) if group.protocol == "TCP" => {
            because("unhealthy", "Target.FailedHealthChecks", "Health checks failed")
        }
        // Nothing here answers wrongly: what fails does not answer at all.
        Some(false) => because("unhealthy", "Target.Timeout", "Request timed out"),
    }
}

/// What a look at a target shows.
struct Sight {
    zone: Option<String>,
    is_stopped: bool,
    answers: bool,
}

/// Looks at every target of a place once more, and lets go of those that have drained or ended.
pub(super) fn look(elb: &Elbv2, core: &Core, place: Place<'_>) {
    let now = core.clock.now();
    let groups: Vec<TargetGroup> = elb.at(place, |state| state.groups.values().cloned().collect());
    for group in groups.into_iter().filter(|group| !group.targets.is_empty()) {
        let seen: Vec<(String, Option<Sight>)> = group
            .targets
            .iter()
            .map(|(key, target)| (key.clone(), see(core, place, (&group, target))))
            .collect();
        elb.at(place, |state| {
            if let Some(kept) = state.groups.get_mut(&group.arn) {
                apply(kept, core, seen, now);
            }
        });
    }
}

fn apply(group: &mut TargetGroup, core: &Core, seen: Vec<(String, Option<Sight>)>, now: DateTime<Utc>) {
    let thresholds = group.check.thresholds(|time| core.latency.of(time));
    for (key, sight) in seen {
        let Some(target) = group.targets.get_mut(&key) else {
            continue;
        };
        let Some(sight) = sight else {
            // An instance that ended is deregistered by itself.
            group.targets.remove(&key);
            continue;
        };
        if target.is_stopped && !sight.is_stopped {
            // It is asked as a new one again.
            target.pulse = crate::pulse::Pulse::begin(now, false);
        }
        target.zone = sight.zone;
        target.is_stopped = sight.is_stopped;
        if !target.is_stopped {
            target.pulse.look(now, sight.answers, thresholds);
        }
    }
    group
        .targets
        .retain(|_, target| target.draining_until.is_none_or(|end| end > now));
}

/// A look at a target; `None` when it has ended.
fn see(core: &Core, place: Place<'_>, (group, target): (&TargetGroup, &Target)) -> Option<Sight> {
    if group.target_type == "ip" {
        let address = target.id.parse().ok();
        let found = address.and_then(|ip| core.peers.ec2.instance_at(core, place, (&group.vpc_id, ip)));
        return Some(Sight {
            zone: found.as_ref().map(|instance| instance.zone.clone()),
            is_stopped: false,
            answers: found.is_some_and(|instance| is_up(&instance)),
        });
    }
    let instance = core.peers.ec2.instance(core, place, &target.id)?;
    (instance.state != "terminated").then(|| Sight {
        is_stopped: !["pending", "running"].contains(&instance.state),
        answers: is_up(&instance),
        zone: Some(instance.zone),
    })
}

fn is_up(instance: &InstanceView) -> bool {
    instance.state == "running" && instance.is_reachable
}
