//! Elastic IP addresses.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::describe::{Filtered, describe as describe_all};
use super::instance::State;
use super::interface::NetworkInterface;
use super::kind::Kind;
use super::limits::refuse_above;
use super::request::{Request, done, require, require_mut};
use super::state::{Meta, Region, resource};
use super::tags;
use crate::error::AwsError;
use crate::ids::Ids;
use crate::protocol::Xml;

/// An elastic address.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Address {
    pub(super) meta: Meta,
    pub(super) public_ip: Ipv4Addr,
    pub(super) association_id: Option<String>,
    pub(super) interface_id: Option<String>,
    pub(super) instance_id: Option<String>,
}
resource!(Address, Kind::Address);

impl Address {
    pub(super) fn release_interface(&mut self) {
        self.association_id = None;
        self.interface_id = None;
        self.instance_id = None;
    }
}

impl Filtered for Address {
    const FILTERS: &[&str] = &[
        "allocation-id",
        "association-id",
        "domain",
        "instance-id",
        "network-interface-id",
        "public-ip",
    ];

    fn field(&self, name: &str) -> Option<Vec<String>> {
        Some(match name {
            "allocation-id" => vec![self.meta.id.clone()],
            "public-ip" => vec![self.public_ip.to_string()],
            "domain" => vec!["vpc".into()],
            "association-id" => self.association_id.iter().cloned().collect(),
            "instance-id" => self.instance_id.iter().cloned().collect(),
            "public-ipv4-pool" => vec!["amazon".into()],
            "network-interface-id" => self.interface_id.iter().cloned().collect(),
            _ => return None,
        })
    }
}

/// A public address that nothing here has. They are of the block for benchmarks (RFC 2544), so that a program
/// that connects to one reaches nobody.
pub(super) fn free_public_ip(ids: &Ids, region: &Region) -> Ipv4Addr {
    loop {
        let offset = u32::try_from(ids.below(1 << 17)).unwrap_or_default();
        let candidate = Ipv4Addr::from_bits(Ipv4Addr::new(198, 18, 0, 0).to_bits() | offset);
        let elastic = region
            .addresses
            .values()
            .any(|address| address.public_ip == candidate);
        if !elastic
            && !region
                .interfaces
                .values()
                .any(|interface| interface.public_ip == Some(candidate))
        {
            return candidate;
        }
    }
}

/// No token and no dedupe.
pub(super) fn allocate(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let tags = request.tags_for(Kind::Address)?;
    request.authorize_creation(Kind::Address, &tags)?;
    request.end_dry_run()?;
    let limit = request.limits.addresses;
    refuse_above(region.addresses.len(), limit, "AddressLimitExceeded", "addresses")?;
    let address = Address {
        meta: request.new_meta(Kind::Address, tags),
        public_ip: free_public_ip(&request.core.ids, region),
        association_id: None,
        interface_id: None,
        instance_id: None,
    };
    let mut xml = Xml::new();
    xml.leaf("publicIp", address.public_ip)
        .leaf("allocationId", &address.meta.id)
        .leaf("domain", "vpc")
        .leaf("publicIpv4Pool", "amazon")
        .leaf("networkBorderGroup", &request.call.region);
    region.addresses.insert(address.meta.id.clone(), address);
    Ok(xml)
}

pub(super) fn describe(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    describe_all(
        request,
        &region.addresses,
        ("AllocationId", "addressesSet"),
        |xml, address| {
            let interface = address
                .interface_id
                .as_ref()
                .and_then(|id| region.interfaces.get(id));
            xml.leaf("publicIp", address.public_ip)
                .leaf("allocationId", &address.meta.id)
                .leaf("domain", "vpc")
                .optional("instanceId", address.instance_id.as_ref())
                .optional("associationId", address.association_id.as_ref())
                .optional("networkInterfaceId", address.interface_id.as_ref())
                .leaf("publicIpv4Pool", "amazon")
                .optional(
                    "privateIpAddress",
                    interface.map(|interface| interface.private_ip),
                );
            tags::write(xml, &address.meta.tags);
        },
    )
}

pub(super) fn associate(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = request.params.required("AllocationId")?;
    request.authorize_existing(&region.addresses, id)?;
    let interface_id = target(request, region)?;
    let address = require(&region.addresses, id)?;
    request.end_dry_run()?;
    refuse_service_held(region, address)?;
    if address.interface_id.as_ref() == Some(&interface_id) {
        return Ok(associated(address.association_id.as_deref().unwrap_or_default()));
    }
    if address.interface_id.is_some() && request.params.flag("AllowReassociation")? == Some(false) {
        let why = format!(
            "resource {id} is already associated with associate-id {:?}",
            address.association_id
        );
        return Err(AwsError::bad("Resource.AlreadyAssociated", why));
    }
    check_network(region, &interface_id)?;
    // One elastic address per interface: the one before it goes free.
    for other in region
        .addresses
        .values_mut()
        .filter(|other| other.interface_id.as_ref() == Some(&interface_id))
    {
        other.release_interface();
    }
    let interface = require_mut(&mut region.interfaces, &interface_id)?;
    interface.public_ip = None;
    let instance_id = interface.instance_id.clone();
    let address = require_mut(&mut region.addresses, id)?;
    let association_id = request.core.ids.resource("eipassoc");
    address.association_id = Some(association_id.clone());
    address.interface_id = Some(interface_id);
    address.instance_id = instance_id;
    Ok(associated(&association_id))
}

/// The address of a NAT gateway stays with it until the gateway is gone.
fn refuse_service_held(region: &Region, address: &Address) -> Result<(), AwsError> {
    let interface = address
        .interface_id
        .as_ref()
        .and_then(|id| region.interfaces.get(id));
    if interface.is_some_and(NetworkInterface::is_requester_managed) {
        let why = "You do not have permission to access the specified resource.";
        return Err(AwsError::forbidden("AuthFailure", why));
    }
    Ok(())
}

fn associated(id: &str) -> Xml {
    let mut xml = done();
    xml.leaf("associationId", id);
    xml
}

/// The interface to associate with: named itself or by its instance.
fn target(request: &Request<'_>, region: &Region) -> Result<String, AwsError> {
    if let Some(id) = request.params.get("NetworkInterfaceId") {
        request.authorize_existing(&region.interfaces, id)?;
        let interface = require(&region.interfaces, id)?;
        if interface.is_requester_managed() {
            let why = "You do not have permission to access the specified resource.";
            return Err(AwsError::forbidden("AuthFailure", why));
        }
        return Ok(interface.meta.id.clone());
    }
    let id = request.params.required("InstanceId")?;
    request.authorize_existing(&region.instances, id)?;
    let instance = require(&region.instances, id)?;
    if !matches!(instance.state, State::Running | State::Stopped) {
        let why = format!(
            "The {} instance '{id}' is not in a valid state for this operation.",
            instance.state.name()
        );
        return Err(AwsError::bad("InvalidInstanceID", why));
    }
    Ok(instance.interface_id.clone())
}

fn check_network(region: &Region, interface_id: &str) -> Result<(), AwsError> {
    let vpc_id = &require(&region.interfaces, interface_id)?.vpc_id;
    if region
        .gateways
        .values()
        .any(|gateway| gateway.vpc_id.as_ref() == Some(vpc_id))
    {
        return Ok(());
    }
    let why = format!("Network {vpc_id} is not attached to any internet gateway");
    Err(AwsError::bad("Gateway.NotAttached", why))
}

pub(super) fn disassociate(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = request.params.required("AssociationId")?;
    let holder = region
        .addresses
        .values()
        .find(|address| address.association_id.as_deref() == Some(id));
    let allocation = holder.map(|address| address.meta.id.clone()).unwrap_or_default();
    request.authorize_existing(&region.addresses, &allocation)?;
    let address = region.addresses.get(&allocation).ok_or_else(|| {
        AwsError::bad(
            "InvalidAssociationID.NotFound",
            format!("The association ID '{id}' does not exist"),
        )
    })?;
    request.end_dry_run()?;
    refuse_service_held(region, address)?;
    require_mut(&mut region.addresses, &allocation)?.release_interface();
    Ok(done())
}

pub(super) fn release(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = request.params.required("AllocationId")?;
    request.open(&region.addresses, id)?;
    let address = require(&region.addresses, id)?;
    if address.association_id.is_some() {
        let why = format!("Address {} is in use.", address.public_ip);
        return Err(AwsError::bad("InvalidIPAddress.InUse", why));
    }
    region.addresses.remove(id);
    Ok(done())
}
