//! Subnets.

use serde::{Deserialize, Serialize};

use super::catalog;
use super::cidr::Block;
use super::describe::{Filtered, describe as describe_all};
use super::kind::Kind;
use super::request::{Request, dependency, done, invalid_value, require, require_mut};
use super::state::{Meta, Region, resource};
use super::tags;
use crate::error::AwsError;
use crate::protocol::Xml;

/// A subnet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Subnet {
    pub(super) meta: Meta,
    pub(super) vpc_id: String,
    pub(super) block: Block,
    pub(super) zone: String,
    pub(super) maps_public_ip: bool,
    owner: String,
}
resource!(Subnet, Kind::Subnet);

impl Filtered for Subnet {
    const FILTERS: &[&str] = &[
        "availability-zone",
        "availabilityZone",
        "cidr",
        "cidr-block",
        "cidrBlock",
        "default-for-az",
        "map-public-ip-on-launch",
        "owner-id",
        "state",
        "subnet-id",
        "vpc-id",
    ];

    fn field(&self, name: &str) -> Option<Vec<String>> {
        Some(vec![match name {
            "subnet-id" => self.meta.id.clone(),
            "vpc-id" => self.vpc_id.clone(),
            "cidr-block" | "cidrBlock" | "cidr" => self.block.to_string(),
            "availability-zone" | "availabilityZone" => self.zone.clone(),
            "map-public-ip-on-launch" => self.maps_public_ip.to_string(),
            "state" => "available".into(),
            "default-for-az" => "false".into(),
            "owner-id" => self.owner.clone(),
            _ => return None,
        }])
    }
}

/// No token and no dedupe; a repeated call is refused only because its block is taken.
pub(super) fn create(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let vpc_id = request.params.required("VpcId")?;
    let text = request.params.required("CidrBlock")?;
    let tags = request.tags_for(Kind::Subnet)?;
    request.authorize_creation(Kind::Subnet, &tags)?;
    request.open(&region.vpcs, vpc_id)?;
    let block = read_block(text)?;
    if !require(&region.vpcs, vpc_id)?.block.covers(block) {
        return Err(AwsError::bad(
            "InvalidSubnet.Range",
            format!("The CIDR '{text}' is invalid."),
        ));
    }
    let mut neighbours = region.subnets.values().filter(|subnet| subnet.vpc_id == vpc_id);
    if neighbours.any(|subnet| subnet.block.overlaps(block)) {
        let why = format!("The CIDR '{text}' conflicts with another subnet");
        return Err(AwsError::bad("InvalidSubnet.Conflict", why));
    }
    let subnet = Subnet {
        zone: zone(request)?,
        meta: request.new_meta(Kind::Subnet, tags),
        vpc_id: vpc_id.to_owned(),
        block,
        maps_public_ip: false,
        owner: request.call.caller.account.clone(),
    };
    let mut xml = Xml::new();
    xml.node("subnet", |xml| write(xml, region, &subnet));
    region.subnets.insert(subnet.meta.id.clone(), subnet);
    Ok(xml)
}

fn read_block(text: &str) -> Result<Block, AwsError> {
    let block: Block = text.parse().map_err(|_| {
        invalid_value(format!(
            "Value ({text}) for parameter cidrBlock is invalid. This is not a valid CIDR block."
        ))
    })?;
    let in_range = (16..=28).contains(&block.bits());
    if in_range {
        Ok(block)
    } else {
        Err(AwsError::bad(
            "InvalidSubnet.Range",
            format!("The CIDR '{text}' is invalid."),
        ))
    }
}

fn zone(request: &Request<'_>) -> Result<String, AwsError> {
    let zones = catalog::zones(&request.call.region);
    let by_id = request.params.get("AvailabilityZoneId");
    let Some(wanted) = request.params.get("AvailabilityZone").or(by_id) else {
        return Ok(zones.first().map(|zone| zone.name.clone()).unwrap_or_default());
    };
    let found = zones
        .into_iter()
        .find(|zone| zone.name == wanted || zone.id == wanted);
    found
        .map(|zone| zone.name)
        .ok_or_else(|| request.params.invalid("availabilityZone", wanted))
}

pub(super) fn describe(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    describe_all(
        request,
        &region.subnets,
        ("SubnetId", "subnetSet"),
        |xml, subnet| write(xml, region, subnet),
    )
}

fn write(xml: &mut Xml, region: &Region, subnet: &Subnet) {
    xml.leaf("subnetId", &subnet.meta.id)
        .leaf("state", "available")
        .leaf("ownerId", &subnet.owner)
        .leaf("vpcId", &subnet.vpc_id)
        .leaf("cidrBlock", subnet.block)
        .leaf("availableIpAddressCount", region.free_addresses(subnet))
        .leaf("availabilityZone", &subnet.zone)
        .leaf("availabilityZoneId", catalog::zone_id(&subnet.zone))
        .leaf("defaultForAz", false)
        .leaf("mapPublicIpOnLaunch", subnet.maps_public_ip);
    tags::write(xml, &subnet.meta.tags);
}

pub(super) fn delete(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = request.params.required("SubnetId")?;
    request.open(&region.subnets, id)?;
    if region
        .interfaces
        .values()
        .any(|interface| interface.subnet_id == id)
    {
        return Err(dependency(format!(
            "The subnet '{id}' has dependencies and cannot be deleted."
        )));
    }
    // A route table's association goes with its subnet.
    for table in region.route_tables.values_mut() {
        table
            .associations
            .retain(|association| association.subnet_id.as_deref() != Some(id));
    }
    region.subnets.remove(id);
    Ok(done())
}

pub(super) fn modify_attribute(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = request.params.required("SubnetId")?;
    request.open(&region.subnets, id)?;
    let Some(maps) = request.params.flag("MapPublicIpOnLaunch.Value")? else {
        return Err(AwsError::not_implemented(
            "ec2",
            "ModifySubnetAttribute of another attribute than MapPublicIpOnLaunch",
        ));
    };
    require_mut(&mut region.subnets, id)?.maps_public_ip = maps;
    Ok(done())
}
