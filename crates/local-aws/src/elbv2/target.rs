//! Targets: who is registered. How they fare is in [`super::health`].

use std::net::Ipv4Addr;

use chrono::TimeDelta;

use super::group::permitted;
use super::request::{Request, group_missing, invalid};
use super::state::{Target, TargetGroup};
use super::{Elbv2, limits};
use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::Xml;

/// A target as a call names it.
pub(super) struct Named {
    pub(super) id: String,
    pub(super) port: u16,
}

impl Named {
    fn key(&self) -> String {
        format!("{}:{}", self.id, self.port)
    }
}

/// The targets of a call.
pub(super) fn named(request: &Request<'_>, group: &TargetGroup) -> Result<Vec<Named>, AwsError> {
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
    let targets_max = limits::targets_max(request);
    elb.with(request, |state| {
        let present = |target: &&Named| group.targets.contains_key(&target.key());
        let new = targets.len() - targets.iter().filter(present).count();
        limits::refuse_many_targets(state, (&group.arn, new), targets_max)?;
        let kept = state.groups.get_mut(&group.arn);
        let kept = kept.ok_or_else(|| group_missing(&group.arn))?;
        for Named { id, port } in targets {
            let key = format!("{id}:{port}");
            let registered = Target::register(id, port, request.call.now);
            let present = kept.targets.entry(key).or_insert_with(|| registered.clone());
            if present.draining_until.is_some() {
                *present = registered;
            }
        }
        Ok(Xml::new())
    })
}

/// Addresses that may be targets (API reference, "TargetDescription").
fn is_target_address(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    // 100.64.0.0/10 is shared by carriers.
    address.is_private() || (first == 100 && (64..128).contains(&second))
}

fn check(request: &Request<'_>, group: &TargetGroup, target: &Named) -> Result<(), AwsError> {
    let refused = |why: String| AwsError::bad("InvalidTarget", why);
    if group.target_type == "ip" {
        return match target.id.parse::<Ipv4Addr>() {
            Ok(address) if is_target_address(address) => Ok(()),
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
    if targets.is_empty() {
        return Err(invalid("At least one target must be specified"));
    }
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
