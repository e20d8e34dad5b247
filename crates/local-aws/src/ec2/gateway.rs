//! Internet gateways.

use serde::{Deserialize, Serialize};

use super::describe::{Filtered, describe as describe_all};
use super::kind::Kind;
use super::request::{Request, dependency, done, invalid_value, require, require_mut};
use super::state::{Meta, Region, resource};
use super::tags;
use crate::error::AwsError;
use crate::protocol::Xml;

/// An internet gateway.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct InternetGateway {
    pub(super) meta: Meta,
    pub(super) vpc_id: Option<String>,
    owner: String,
}
resource!(InternetGateway, Kind::InternetGateway);

impl Filtered for InternetGateway {
    const FILTERS: &[&str] = &[
        "attachment.state",
        "attachment.vpc-id",
        "internet-gateway-id",
        "owner-id",
    ];

    fn field(&self, name: &str) -> Option<Vec<String>> {
        Some(match name {
            "internet-gateway-id" => vec![self.meta.id.clone()],
            "attachment.vpc-id" => self.vpc_id.iter().cloned().collect(),
            "attachment.state" => self.vpc_id.iter().map(|_| "available".to_owned()).collect(),
            "owner-id" => vec![self.owner.clone()],
            _ => return None,
        })
    }
}

/// No token and no dedupe.
pub(super) fn create(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let tags = request.tags_for(Kind::InternetGateway)?;
    request.authorize_creation(Kind::InternetGateway, &tags)?;
    request.end_dry_run()?;
    let owner = request.call.caller.account.clone();
    let gateway = InternetGateway {
        meta: request.new_meta(Kind::InternetGateway, tags),
        vpc_id: None,
        owner,
    };
    let mut xml = Xml::new();
    xml.node("internetGateway", |xml| write(xml, &gateway));
    region.gateways.insert(gateway.meta.id.clone(), gateway);
    Ok(xml)
}

pub(super) fn describe(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    describe_all(
        request,
        &region.gateways,
        ("InternetGatewayId", "internetGatewaySet"),
        write,
    )
}

fn write(xml: &mut Xml, gateway: &InternetGateway) {
    xml.leaf("internetGatewayId", &gateway.meta.id)
        .leaf("ownerId", &gateway.owner);
    xml.items("attachmentSet", &gateway.vpc_id, |xml, vpc_id| {
        xml.leaf("vpcId", vpc_id).leaf("state", "available");
    });
    tags::write(xml, &gateway.meta.tags);
}

fn named<'r>(request: &'r Request<'_>, region: &Region) -> Result<(&'r str, &'r str), AwsError> {
    let id = request.params.required("InternetGatewayId")?;
    let vpc_id = request.params.required("VpcId")?;
    request.authorize_existing(&region.gateways, id)?;
    request.authorize_existing(&region.vpcs, vpc_id)?;
    require(&region.gateways, id)?;
    require(&region.vpcs, vpc_id)?;
    request.end_dry_run()?;
    Ok((id, vpc_id))
}

pub(super) fn attach(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let (id, vpc_id) = named(request, region)?;
    if region
        .gateways
        .values()
        .any(|gateway| gateway.vpc_id.as_deref() == Some(vpc_id) && gateway.meta.id != id)
    {
        return Err(invalid_value(format!(
            "Network {vpc_id} already has an internet gateway attached"
        )));
    }
    let gateway = require_mut(&mut region.gateways, id)?;
    if let Some(other) = &gateway.vpc_id {
        let why = format!("resource {id} is already attached to network {other}");
        return Err(AwsError::bad("Resource.AlreadyAssociated", why));
    }
    gateway.vpc_id = Some(vpc_id.to_owned());
    Ok(done())
}

pub(super) fn detach(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let (id, vpc_id) = named(request, region)?;
    if require(&region.gateways, id)?.vpc_id.as_deref() != Some(vpc_id) {
        let why = format!("resource {id} is not attached to network {vpc_id}");
        return Err(AwsError::bad("Gateway.NotAttached", why));
    }
    if has_public_addresses(region, vpc_id) {
        return Err(dependency(format!(
            "Network {vpc_id} has some mapped public address(es). Please unmap those public address(es) before \
             detaching the gateway."
        )));
    }
    require_mut(&mut region.gateways, id)?.vpc_id = None;
    Ok(done())
}

fn has_public_addresses(region: &Region, vpc_id: &str) -> bool {
    let mut interfaces = region
        .interfaces
        .values()
        .filter(|interface| interface.vpc_id == vpc_id);
    interfaces.any(|interface| {
        let mut addresses = region.addresses.values();
        interface.public_ip.is_some()
            || addresses.any(|address| address.interface_id.as_ref() == Some(&interface.meta.id))
    })
}

pub(super) fn delete(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = request.params.required("InternetGatewayId")?;
    request.open(&region.gateways, id)?;
    if require(&region.gateways, id)?.vpc_id.is_some() {
        return Err(dependency(format!(
            "The internetGateway '{id}' has dependencies and cannot be deleted."
        )));
    }
    region.gateways.remove(id);
    Ok(done())
}
