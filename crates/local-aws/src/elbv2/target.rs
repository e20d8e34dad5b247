//! Targets and their health.

use std::net::Ipv4Addr;

use chrono::{DateTime, TimeDelta, Utc};

use super::Elbv2;
use super::group::permitted;
use super::request::{Request, group_missing, invalid};
use super::state::{Balancing, Target, TargetGroup};
use crate::core::Core;
use crate::ec2::{InstanceView, Place};
use crate::error::AwsError;
use crate::protocol::Xml;
use crate::pulse::Pulse;

/// A target as a call names it.
struct Named {
    id: String,
    port: u16,
}

impl Named {
    fn key(&self) -> String {
        format!("{}:{}", self.id, self.port)
    }
}

fn named(request: &Request<'_>, group: &TargetGroup) -> Result<Vec<Named>, AwsError> {
    let targets = request.params.list("Targets").into_iter().map(|target| {
        let port = match target.number("Port")? {
            None => group.port,
            Some(number) => u16::try_from(number)
                .ok()
                .filter(|port| *port > 0)
                .ok_or_else(|| invalid("A target's port must be between 1 and 65535"))?,
        };
        Ok(Named {
            id: target.required("Id")?.to_owned(),
            port,
        })
    });
    targets.collect()
}

pub(super) fn register(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    let group = permitted(elb, request)?;
    let targets = named(request, &group)?;
    if targets.is_empty() {
        return Err(invalid("At least one target must be specified"));
    }
    for target in &targets {
        check(request, &group, target)?;
    }
    elb.with(request, |state| {
        let kept = state
            .groups
            .get_mut(&group.arn)
            .ok_or_else(|| group_missing(&group.arn))?;
        for target in targets {
            let registered = Target {
                pulse: Pulse::begin(request.call.now, false),
                draining_until: None,
                id: target.id.clone(),
                port: target.port,
            };
            let present = kept
                .targets
                .entry(target.key())
                .or_insert_with(|| registered.clone());
            if present.draining_until.is_some() {
                *present = registered;
            }
        }
        Ok(Xml::new())
    })
}

fn check(request: &Request<'_>, group: &TargetGroup, target: &Named) -> Result<(), AwsError> {
    let refused = |why: String| AwsError::bad("InvalidTarget", why);
    if group.target_type == "ip" {
        return match target.id.parse::<Ipv4Addr>() {
            Ok(address) if address.is_private() => Ok(()),
            _ => Err(invalid(format!(
                "The IP address '{}' is not a valid IPv4 address",
                target.id
            ))),
        };
    }
    let (ec2, place) = (&request.core.peers.ec2, request.place());
    let instance = ec2.instance(request.core, place, &target.id);
    let Some(instance) = instance else {
        return Err(refused(format!(
            "The following targets do not exist: '{}'",
            target.id
        )));
    };
    if instance.vpc_id != group.vpc_id {
        let why = format!(
            "The following targets are not in the target group VPC '{}': '{}'",
            group.vpc_id, target.id
        );
        return Err(refused(why));
    }
    if instance.state != "running" {
        return Err(refused(format!(
            "The following targets are not in a running state and cannot be registered: '{}'",
            target.id
        )));
    }
    Ok(())
}

/// Targets drain for the deregistration delay, when anything can still reach them.
pub(super) fn deregister(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    let group = permitted(elb, request)?;
    let targets = named(request, &group)?;
    elb.with(request, |state| {
        let in_use = !state.balancers_of(&group.arn).is_empty();
        let delay = drain_time(request.core, &group, in_use);
        let kept = state
            .groups
            .get_mut(&group.arn)
            .ok_or_else(|| group_missing(&group.arn))?;
        for target in targets {
            if let Some(target) = kept.targets.get_mut(&target.key()) {
                target.draining_until.get_or_insert(request.call.now + delay);
            }
        }
        Ok(Xml::new())
    })
}

pub(super) fn drain_time(core: &Core, group: &TargetGroup, in_use: bool) -> TimeDelta {
    let seconds = group.attributes.get("deregistration_delay.timeout_seconds");
    let seconds = seconds.and_then(|text| text.parse().ok()).unwrap_or(300);
    if in_use {
        core.latency.of(TimeDelta::seconds(seconds))
    } else {
        TimeDelta::zero()
    }
}

pub(super) fn health(elb: &Elbv2, request: &Request<'_>) -> Result<Xml, AwsError> {
    request.permit_describing()?;
    let arn = request.params.required("TargetGroupArn")?;
    let asked = request.params.list("Targets");
    elb.with(request, |state| {
        let group = state.groups.get(arn).ok_or_else(|| group_missing(arn))?;
        let wanted: Vec<Named> = named(request, group)?;
        let in_use = !state.balancers_of(arn).is_empty();
        let mut xml = Xml::new();
        let all = group
            .targets
            .values()
            .map(|target| (target.id.clone(), target.port));
        let listed: Vec<(String, u16)> = if asked.is_empty() {
            all.collect()
        } else {
            wanted.into_iter().map(|named| (named.id, named.port)).collect()
        };
        xml.members("TargetHealthDescriptions", listed, |xml, (id, port)| {
            let target = group.targets.get(&format!("{id}:{port}"));
            let verdict = verdict(target, in_use, group.check.enabled);
            xml.node("Target", |xml| {
                xml.leaf("Id", &id).leaf("Port", port);
            });
            xml.leaf("HealthCheckPort", port);
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

/// Source: API reference, "TargetHealth".
pub(super) fn verdict(target: Option<&Target>, in_use: bool, checked: bool) -> Verdict {
    let because = |state, reason, description| Verdict {
        state,
        reason: Some(reason),
        description: Some(description),
    };
    let Some(target) = target else {
        return because(
            "unused",
            "Target.NotRegistered",
            "Target is not registered to the target group",
        );
    };
    if target.draining_until.is_some() {
        return because(
            "draining",
            "Target.DeregistrationInProgress",
            "Target deregistration is in progress",
        );
    }
    if !in_use {
        return because(
            "unused",
            "Target.NotInUse",
            "Target group is not configured to receive traffic from the load balancer",
        );
    }
    if !checked {
        return because(
            "unavailable",
            "Target.HealthCheckDisabled",
            "Health checks are disabled",
        );
    }
    match target.pulse.verdict() {
        None => because(
            "initial",
            "Elb.RegistrationInProgress",
            "Target registration is in progress",
        ),
        Some(true) => Verdict {
            state: "healthy",
            reason: None,
            description: None,
        },
        Some(false) => because("unhealthy", "Target.FailedHealthChecks", "Health checks failed"),
    }
}

/// Looks at every target of a place once more, and lets go of those that have drained or ended.
pub(super) fn look(elb: &Elbv2, core: &Core, place: Place<'_>) {
    let now = core.clock.now();
    let groups: Vec<TargetGroup> = elb.at(place, |state| state.groups.values().cloned().collect());
    for group in groups.into_iter().filter(|group| !group.targets.is_empty()) {
        let seen: Vec<(String, Option<bool>)> = group
            .targets
            .iter()
            .map(|(key, target)| (key.clone(), answers(core, place, &group, target)))
            .collect();
        elb.at(place, |state| apply(state, core, (&group.arn, &seen), now));
    }
}

fn apply(
    state: &mut Balancing,
    core: &Core,
    (arn, seen): (&str, &[(String, Option<bool>)]),
    now: DateTime<Utc>,
) {
    let Some(group) = state.groups.get_mut(arn) else {
        return;
    };
    let thresholds = group.check.thresholds(|time| core.latency.of(time));
    for (key, answer) in seen {
        let Some(target) = group.targets.get_mut(key) else {
            continue;
        };
        match answer {
            // An instance that ended is deregistered by itself.
            None => {
                group.targets.remove(key);
            }
            Some(good) => {
                target.pulse.look(now, *good, thresholds);
            }
        }
    }
    group
        .targets
        .retain(|_, target| target.draining_until.is_none_or(|end| end > now));
}

/// Whether a target answers now; `None` when it has ended.
fn answers(core: &Core, place: Place<'_>, group: &TargetGroup, target: &Target) -> Option<bool> {
    let up = |instance: &InstanceView| instance.state == "running" && instance.is_reachable;
    if group.target_type == "ip" {
        let address = target.id.parse().ok();
        let instance = address.and_then(|ip| core.peers.ec2.instance_at(core, place, (&group.vpc_id, ip)));
        return Some(instance.is_some_and(|instance| up(&instance)));
    }
    let instance = core.peers.ec2.instance(core, place, &target.id)?;
    (instance.state != "terminated").then(|| up(&instance))
}
