//! Describing, stopping, starting, ending and changing instances.

use super::catalog;
use super::describe::select;
use super::instance::{Instance, State};
use super::instance_xml::{write_reservation, write_state};
use super::launch::waits;
use super::request::{Request, done, invalid_value, require, require_mut};
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

/// Running instances only, unless all are asked for.
pub(super) fn describe_status(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let all = request.params.flag("IncludeAllInstances")?.unwrap_or(false);
    let page = select(request, &region.instances, "InstanceId")?;
    let shown = page
        .items
        .into_iter()
        .filter(|instance| all || instance.state == State::Running);
    let mut xml = Xml::new();
    xml.items("instanceStatusSet", shown, |xml, instance| {
        let status = if instance.state == State::Running {
            "ok"
        } else {
            "not-applicable"
        };
        xml.leaf("instanceId", &instance.meta.id)
            .leaf("availabilityZone", &instance.zone);
        write_state(xml, "instanceState", instance.state);
        for name in ["systemStatus", "instanceStatus"] {
            xml.node(name, |xml| {
                xml.leaf("status", status);
            });
        }
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

fn wrong_state(instance: &Instance) -> AwsError {
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
        instance.settles_at = request.call.now + waits(request);
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
    let (xml, moved) = change(request, region, next)?;
    for id in moved {
        let instance = require_mut(&mut region.instances, &id)?;
        instance.launched_at = request.call.now;
        let (interface_id, wanted) = (instance.interface_id.clone(), instance.settings.public_ip);
        let maps = region
            .subnets
            .get(&region.instances[&id].subnet_id)
            .is_some_and(|subnet| subnet.maps_public_ip);
        give_public_ip(region, request.core, &interface_id, wanted.unwrap_or(maps));
    }
    Ok(xml)
}

pub(super) fn terminate(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let next = |instance: &Instance| {
        if instance.is_ending() {
            return Ok(instance.state);
        }
        if instance.settings.termination_protected {
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

/// Changes one attribute.
pub(super) fn modify_attribute(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = request.params.required("InstanceId")?;
    request.open(&region.instances, id)?;
    let groups = request.params.strings("GroupId");
    if !groups.is_empty() {
        return set_groups(region, id, groups);
    }
    let instance = require_mut(&mut region.instances, id)?;
    if instance.is_ending() {
        return Err(wrong_state(instance));
    }
    if let Some(name) = request.params.get("InstanceType.Value") {
        set_type(instance, name)?;
    } else if let Some(protected) = request.params.flag("DisableApiTermination.Value")? {
        instance.settings.termination_protected = protected;
    } else if let Some(check) = request.params.flag("SourceDestCheck.Value")? {
        instance.settings.source_dest_check = check;
    } else if let Some(optimized) = request.params.flag("EbsOptimized.Value")? {
        refuse_unless_stopped(instance)?;
        instance.settings.ebs_optimized = optimized;
    } else if let Some(text) = request.params.get("UserData.Value") {
        refuse_unless_stopped(instance)?;
        instance.settings.user_data = Some(text.to_owned());
    } else {
        return Err(AwsError::not_implemented(
            "ec2",
            "ModifyInstanceAttribute of this attribute",
        ));
    }
    Ok(done())
}

fn refuse_unless_stopped(instance: &Instance) -> Result<(), AwsError> {
    if instance.state == State::Stopped {
        return Ok(());
    }
    let why = format!(
        "The instance '{}' is not in the 'stopped' state.",
        instance.meta.id
    );
    Err(AwsError::bad("IncorrectInstanceState", why))
}

fn set_type(instance: &mut Instance, name: &str) -> Result<(), AwsError> {
    let wanted = catalog::instance_type(name);
    let wanted = wanted.ok_or_else(|| invalid_value(format!("Invalid value '{name}' for InstanceType.")))?;
    refuse_unless_stopped(instance)?;
    if wanted.architecture != instance.image.architecture {
        return Err(invalid_value(format!(
            "The instance type '{name}' has another architecture than the instance's image."
        )));
    }
    instance.instance_type = wanted.name;
    Ok(())
}

fn set_groups(region: &mut Region, id: &str, groups: Vec<String>) -> Result<Xml, AwsError> {
    let vpc_id = require(&region.instances, id)?.vpc_id.clone();
    for group in &groups {
        if require(&region.groups, group)?.vpc_id != vpc_id {
            return Err(AwsError::bad(
                "InvalidGroup.NotFound",
                format!("The security group '{group}' does not exist in VPC '{vpc_id}'"),
            ));
        }
    }
    let instance = require_mut(&mut region.instances, id)?;
    instance.groups.clone_from(&groups);
    let interface_id = instance.interface_id.clone();
    require_mut(&mut region.interfaces, &interface_id)?.groups = groups;
    Ok(done())
}
