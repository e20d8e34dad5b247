//! RunInstances: permission on everything it touches, then the instances with their interfaces and volumes.
//!
//! Sources: EC2 API reference, "RunInstances"; EC2 user guide, "Ensuring idempotency" and "Example policies to
//! control access: Launch instances (RunInstances)".

use std::net::Ipv4Addr;

use chrono::TimeDelta;

use super::instance::{Instance, State};
use super::instance_xml;
use super::interface::NetworkInterface;
use super::kind::Kind;
use super::launch_request::Launch;
use super::request::{Request, invalid_value, require};
use super::settle::give_public_ip;
use super::state::Region;
use super::volume::{Attachment, Volume};
use super::{capacity, profile, template_data, token};
use crate::error::AwsError;
use crate::protocol::Xml;

pub(super) fn run(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let (params, used) = template_data::expand(request, region)?;
    let mut launch = Launch::read(request, region, &params)?;
    authorize(request, region, &launch)?;
    launch.settings.profile = profile::wanted(request, &params)?;
    request.end_dry_run()?;
    if let Some(used) = used {
        launch.instance_tags.extend(used.tags());
    }
    let presented = token::presented(request)?;
    if let Some(ids) = token::earlier(region, presented.as_ref())? {
        return repeated(region, &ids);
    }
    let group_ids = check_network(region, &launch)?;
    let addresses = addresses(region, &launch)?;
    let zone = require(&region.subnets, &launch.subnet_id)?.zone.clone();
    capacity::check(request, region, (&launch.instance_type.name, &zone), launch.count)?;
    let reservation_id = request.core.ids.resource("r");
    let mut ids = Vec::new();
    for (index, address) in addresses.into_iter().enumerate() {
        let place = Place {
            reservation_id: &reservation_id,
            index,
            address,
            group_ids: &group_ids,
        };
        ids.push(start(request, region, &launch, &place)?);
    }
    token::remember(region, presented, ids.clone());
    Ok(instance_xml::reservation(region, &ids))
}

/// The answer to a token used before: the same instances, as they are now.
fn repeated(region: &Region, ids: &[String]) -> Result<Xml, AwsError> {
    let live = ids.iter().all(|id| {
        region
            .instances
            .get(id)
            .is_some_and(|instance| !instance.is_ending())
    });
    if live {
        return Ok(instance_xml::reservation(region, ids));
    }
    let why = "The request to launch an instance uses the same client token as a previous request for which the \
               instance has been terminated.";
    Err(AwsError::bad("IdempotentInstanceTerminated", why))
}

fn authorize(request: &Request<'_>, region: &Region, launch: &Launch) -> Result<(), AwsError> {
    request.authorize_creation(Kind::Instance, &launch.instance_tags)?;
    request.authorize_creation(Kind::NetworkInterface, &launch.interface_tags)?;
    request.authorize_creation(Kind::Volume, &launch.volume_tags)?;
    let image = request
        .call
        .context()
        .with(
            "ec2:Owner",
            if launch.image.own {
                &launch.image.owner
            } else {
                "amazon"
            },
        )
        .with("ec2:Public", (!launch.image.own).to_string());
    let image = match region.images.get(&launch.image.id) {
        Some(own) => image.resource_tags(&own.meta.tags),
        None => image,
    };
    request.authorize(&request.arn(Kind::Image, &launch.image.id), &image)?;
    request.authorize_existing(&region.subnets, &launch.subnet_id)?;
    for group in &launch.group_ids {
        request.authorize_existing(&region.groups, group)?;
    }
    require(&region.subnets, &launch.subnet_id)?;
    launch
        .group_ids
        .iter()
        .try_for_each(|group| require(&region.groups, group).map(|_| ()))
}

/// The groups to wear: those named, or the VPC's default one.
fn check_network(region: &Region, launch: &Launch) -> Result<Vec<String>, AwsError> {
    let subnet = require(&region.subnets, &launch.subnet_id)?;
    if !launch.instance_type.is_offered_in(&subnet.zone) {
        let why = format!(
            "Your requested instance type ({}) is not supported in your requested Availability Zone ({}).",
            launch.instance_type.name, subnet.zone
        );
        return Err(AwsError::bad("Unsupported", why));
    }
    if launch.zone.as_ref().is_some_and(|zone| *zone != subnet.zone) {
        return Err(invalid_value(format!(
            "The availability zone of the placement is not that of the subnet '{}' ({}).",
            launch.subnet_id, subnet.zone
        )));
    }
    if launch.group_ids.len() > GROUPS_MAX {
        let why = "The maximum number of security groups per interface has been reached.";
        return Err(AwsError::bad("SecurityGroupsPerInterfaceLimitExceeded", why));
    }
    for group in &launch.group_ids {
        if require(&region.groups, group)?.vpc_id != subnet.vpc_id {
            let why = format!(
                "Security group {group} and subnet {} belong to different networks.",
                launch.subnet_id
            );
            return Err(AwsError::bad("InvalidParameter", why));
        }
    }
    if !launch.group_ids.is_empty() {
        return Ok(launch.group_ids.clone());
    }
    let mut groups = region.groups.values();
    let default = groups.find(|group| group.vpc_id == subnet.vpc_id && group.is_default());
    Ok(default.map(|group| group.meta.id.clone()).into_iter().collect())
}

fn addresses(region: &Region, launch: &Launch) -> Result<Vec<Ipv4Addr>, AwsError> {
    let subnet = require(&region.subnets, &launch.subnet_id)?;
    let count = usize::try_from(launch.count).unwrap_or(1);
    if let Some(wanted) = launch.private_ip {
        return wanted_address(region, launch, wanted);
    }
    let free = subnet
        .block
        .usable()
        .filter(|address| !region.is_taken(&launch.subnet_id, *address));
    let free: Vec<Ipv4Addr> = free.take(count).collect();
    if free.len() < count {
        let why = format!(
            "There are not enough free addresses in subnet '{}' to satisfy the request.",
            launch.subnet_id
        );
        return Err(AwsError::bad("InsufficientFreeAddressesInSubnet", why));
    }
    Ok(free)
}

fn wanted_address(region: &Region, launch: &Launch, wanted: Ipv4Addr) -> Result<Vec<Ipv4Addr>, AwsError> {
    let subnet = require(&region.subnets, &launch.subnet_id)?;
    if launch.count > 1 {
        return Err(AwsError::bad(
            "InvalidParameterCombination",
            "One private address and many instances do not go together",
        ));
    }
    if !subnet.block.contains(wanted) || !subnet.block.usable().any(|address| address == wanted) {
        return Err(invalid_value(format!(
            "Address {wanted} does not fall within the subnet's address range"
        )));
    }
    if region.is_taken(&launch.subnet_id, wanted) {
        return Err(AwsError::bad(
            "InvalidIPAddress.InUse",
            format!("Address {wanted} is in use."),
        ));
    }
    Ok(vec![wanted])
}

struct Place<'a> {
    reservation_id: &'a str,
    index: usize,
    address: Ipv4Addr,
    group_ids: &'a [String],
}

fn start(
    request: &Request<'_>,
    region: &mut Region,
    launch: &Launch,
    place: &Place<'_>,
) -> Result<String, AwsError> {
    let subnet = require(&region.subnets, &launch.subnet_id)?.clone();
    let meta = request.new_meta(Kind::Instance, launch.instance_tags.clone());
    let id = meta.id.clone();
    let interface = NetworkInterface {
        meta: request.new_meta(Kind::NetworkInterface, launch.interface_tags.clone()),
        subnet_id: subnet.meta.id.clone(),
        vpc_id: subnet.vpc_id.clone(),
        zone: subnet.zone.clone(),
        private_ip: place.address,
        public_ip: None,
        groups: place.group_ids.to_vec(),
        instance_id: Some(id.clone()),
        attachment_id: request.core.ids.resource("eni-attach"),
        owner: request.call.caller.account.clone(),
        description: String::new(),
        service: None,
    };
    let interface_id = interface.meta.id.clone();
    region.interfaces.insert(interface_id.clone(), interface);
    make_volumes(request, region, launch, (&id, &subnet.zone));
    let wants_public = launch.settings.public_ip.unwrap_or(subnet.maps_public_ip);
    give_public_ip(region, request.core, &interface_id, wants_public);
    let instance = Instance {
        meta,
        reservation_id: place.reservation_id.to_owned(),
        launch_index: i64::try_from(place.index).unwrap_or_default(),
        image: launch.image.clone(),
        instance_type: launch.instance_type.name.clone(),
        vpc_id: subnet.vpc_id,
        subnet_id: subnet.meta.id,
        zone: subnet.zone,
        interface_id,
        groups: place.group_ids.to_vec(),
        state: State::Pending,
        settles_at: request.call.now + waits(request, STARTS),
        launched_at: request.call.now,
        checks_pass_at: request.call.now + waits(request, STARTS) + request.core.latency.of(CHECKS),
        reason: None,
        settings: launch.settings.clone(),
        owner: request.call.caller.account.clone(),
    };
    region.instances.insert(id.clone(), instance);
    Ok(id)
}

/// Until a started instance runs.
pub(super) const STARTS: TimeDelta = TimeDelta::seconds(20);
/// From there until its status checks pass.
pub(super) const CHECKS: TimeDelta = TimeDelta::minutes(2);
/// Groups on one interface (Amazon VPC user guide, "Amazon VPC quotas").
const GROUPS_MAX: usize = 5;

/// How long a state change takes on the endpoint's clock: what the lag setting says, else what the latency model
/// makes of the typical time.
pub(super) fn waits(request: &Request<'_>, typical: TimeDelta) -> TimeDelta {
    match request.core.lag.settings().instance_ms {
        0 => request.core.latency.of(typical),
        exactly => TimeDelta::milliseconds(exactly.into()),
    }
}

fn make_volumes(request: &Request<'_>, region: &mut Region, launch: &Launch, place: (&str, &str)) {
    let (instance_id, zone) = place;
    for disk in &launch.disks {
        let attachment = Attachment {
            instance_id: instance_id.to_owned(),
            device: disk.device.clone(),
            delete_on_termination: disk.delete_on_termination,
        };
        let volume = Volume {
            attachment: Some(attachment),
            ..Volume::of(request, disk, zone, launch.volume_tags.clone())
        };
        volume.check_key_later(request);
        region.volumes.insert(volume.meta.id.clone(), volume);
    }
}
