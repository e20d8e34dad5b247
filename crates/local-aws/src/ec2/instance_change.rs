//! Describing, stopping, starting and ending instances. Their attributes are in `instance_attribute.rs`.

use chrono::{DateTime, TimeDelta, Utc};

use super::capacity;
use super::describe::select;
use super::instance::{Instance, State};
use super::instance_xml::{write_reservation, write_state};
use super::launch::{CHECKS, STARTS, waits};
use super::request::{Request, require, require_mut};
use super::settle::give_public_ip;
use super::state::Region;
use crate::error::AwsError;
use crate::protocol::Xml;

pub(super) fn describe(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let page = select(request, &region.instances, "InstanceId")?;
    let mut reservations: Vec<Vec<&Instance>> = Vec::new();
    for instance in page.items {
        match reservations
            .iter_mut()
            .find(|known| known[0].reservation_id == instance.reservation_id)
        {
            Some(known) => known.push(instance),
            None => reservations.push(vec![instance]),
        }
    }
    let mut xml = Xml::new();
    xml.items("reservationSet", reservations, |xml, instances| {
        write_reservation(xml, region, &instances);
    });
    xml.optional("nextToken", page.next_token);
    Ok(xml)
}

/// The named instances, each permitted and there.
fn named(request: &Request<'_>, region: &Region) -> Result<Vec<String>, AwsError> {
    let ids = request.params.strings("InstanceId");
    if ids.is_empty() {
        return Err(request.params.missing("InstanceId"));
    }
    for id in &ids {
        request.authorize_existing(&region.instances, id)?;
    }
    for id in &ids {
        require(&region.instances, id)?;
    }
    request.end_dry_run()?;
    Ok(ids)
}

pub(super) fn wrong_state(instance: &Instance) -> AwsError {
    let why = format!(
        "The instance '{}' is not in a state from which it can do this: {}.",
        instance.meta.id,
        instance.state.name()
    );
    AwsError::bad("IncorrectInstanceState", why)
}

/// Moves all named instances, or none when one refuses.
fn change(
    request: &Request<'_>,
    region: &mut Region,
    next: impl Fn(&Instance) -> Result<State, AwsError>,
) -> Result<(Xml, Vec<String>), AwsError> {
    let ids = named(request, region)?;
    let mut changes = Vec::new();
    for id in ids {
        let instance = require(&region.instances, &id)?;
        changes.push((instance.state, next(instance)?, id));
    }
    let mut moved = Vec::new();
    for (from, to, id) in changes.iter().filter(|(from, to, _)| from != to) {
        let instance = require_mut(&mut region.instances, id)?;
        tracing::debug!(
            instance.id = id,
            from = from.name(),
            to = to.name(),
            "a local instance changes state"
        );
        instance.state = *to;
        instance.settles_at = request.call.now + waits(request, takes(*to));
        instance.reason = reason(*to, request.call.now);
        moved.push(id.clone());
    }
    let mut xml = Xml::new();
    xml.items("instancesSet", &changes, |xml, (from, to, id)| {
        xml.leaf("instanceId", id);
        write_state(xml, "currentState", *to);
        write_state(xml, "previousState", *from);
    });
    Ok((xml, moved))
}

/// What a change takes on AWS.
fn takes(to: State) -> TimeDelta {
    match to {
        State::Stopping => TimeDelta::seconds(40),
        State::ShuttingDown => TimeDelta::seconds(60),
        State::Pending | State::Running | State::Stopped | State::Terminated => STARTS,
    }
}

fn reason(to: State, now: DateTime<Utc>) -> Option<(String, String)> {
    match to {
        State::Stopping | State::ShuttingDown => Some((
            "Client.UserInitiatedShutdown".into(),
            format!("User initiated ({})", now.format("%Y-%m-%d %H:%M:%S GMT")),
        )),
        State::Pending | State::Running | State::Stopped | State::Terminated => None,
    }
}

pub(super) fn stop(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let next = |instance: &Instance| match instance.state {
        State::Running | State::Pending => Ok(State::Stopping),
        State::Stopping | State::Stopped => Ok(instance.state),
        State::ShuttingDown | State::Terminated => Err(wrong_state(instance)),
    };
    change(request, region, next).map(|(xml, _)| xml)
}

pub(super) fn start(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let next = |instance: &Instance| match instance.state {
        State::Stopped => Ok(State::Pending),
        State::Running | State::Pending => Ok(instance.state),
        State::Stopping | State::ShuttingDown | State::Terminated => Err(wrong_state(instance)),
    };
    check_capacity(request, region)?;
    let (xml, moved) = change(request, region, next)?;
    for id in moved {
        let instance = require_mut(&mut region.instances, &id)?;
        instance.launched_at = request.call.now;
        instance.checks_pass_at = instance.settles_at + request.core.latency.of(CHECKS);
        let (interface_id, wanted) = (instance.interface_id.clone(), instance.settings.public_ip);
        let maps = region
            .subnets
            .get(&region.instances[&id].subnet_id)
            .is_some_and(|subnet| subnet.maps_public_ip);
        give_public_ip(region, request.core, &interface_id, wanted.unwrap_or(maps));
    }
    Ok(xml)
}

/// Room for those that would start. Asked after permission, like everything that can be refused.
fn check_capacity(request: &Request<'_>, region: &Region) -> Result<(), AwsError> {
    for id in named(request, region)? {
        let instance = require(&region.instances, &id)?;
        if instance.state == State::Stopped {
            let place = (instance.instance_type.as_str(), instance.zone.as_str());
            capacity::check(request, region, place, 1)?;
        }
    }
    Ok(())
}

pub(super) fn terminate(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let next = |instance: &Instance| {
        if instance.is_ending() {
            return Ok(instance.state);
        }
        // Protection is against callers; Auto Scaling ends its instances all the same (EC2 user guide, "Change
        // instance termination protection").
        if instance.settings.termination_protected && !request.is_by_service() {
            let why = format!(
                "The instance '{}' may not be terminated. Modify its 'disableApiTermination' instance attribute and \
                 try again.",
                instance.meta.id
            );
            return Err(AwsError::bad("OperationNotPermitted", why));
        }
        Ok(State::ShuttingDown)
    };
    change(request, region, next).map(|(xml, _)| xml)
}
