//! VPCs, with the default group and main route table each one brings.

use serde::{Deserialize, Serialize};

use super::cidr::Block;
use super::describe::{Filtered, describe as describe_all};
use super::group::SecurityGroup;
use super::kind::Kind;
use super::launch_request::one_of;
use super::limits::refuse_above;
use super::request::{Request, dependency, done, invalid_value, require, require_mut};
use super::route::RouteTable;
use super::state::{Meta, Region, resource};
use super::tags;
use crate::error::AwsError;
use crate::protocol::Xml;

/// A VPC.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Vpc {
    pub(super) meta: Meta,
    pub(super) block: Block,
    dns_support: bool,
    dns_hostnames: bool,
    tenancy: String,
    owner: String,
}
resource!(Vpc, Kind::Vpc);

impl Filtered for Vpc {
    const FILTERS: &[&str] = &[
        "cidr",
        "cidr-block-association.cidr-block",
        "cidr-block-association.state",
        "dhcp-options-id",
        "is-default",
        "owner-id",
        "state",
        "vpc-id",
    ];

    fn field(&self, name: &str) -> Option<Vec<String>> {
        Some(vec![match name {
            "vpc-id" => self.meta.id.clone(),
            "cidr" | "cidr-block-association.cidr-block" => self.block.to_string(),
            "state" => "available".into(),
            "is-default" => "false".into(),
            "dhcp-options-id" => "default".into(),
            "cidr-block-association.state" => "associated".into(),
            "owner-id" => self.owner.clone(),
            _ => return None,
        }])
    }
}

/// No token and no dedupe: a repeated call is a second VPC, as on AWS.
pub(super) fn create(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let text = request.params.required("CidrBlock")?;
    let tags = request.tags_for(Kind::Vpc)?;
    request.authorize_creation(Kind::Vpc, &tags)?;
    request.end_dry_run()?;
    let block: Block = text.parse().map_err(|_| {
        invalid_value(format!(
            "Value ({text}) for parameter cidrBlock is invalid. This is not a valid CIDR block."
        ))
    })?;
    if !(16..=28).contains(&block.bits()) {
        return Err(AwsError::bad(
            "InvalidVpc.Range",
            format!("The CIDR '{text}' is invalid."),
        ));
    }
    refuse_above(region.vpcs.len(), request.limits.vpcs, "VpcLimitExceeded", "VPCs")?;
    let tenancy = one_of(&request.params, "InstanceTenancy", &["default", "dedicated"])?;
    let vpc = Vpc {
        meta: request.new_meta(Kind::Vpc, tags),
        block,
        dns_support: true,
        dns_hostnames: false,
        tenancy,
        owner: request.call.caller.account.clone(),
    };
    let id = vpc.meta.id.clone();
    let group = SecurityGroup::default_of(request, &id);
    region.groups.insert(group.meta.id.clone(), group);
    let table = RouteTable::main_of(request, &id, block);
    region.route_tables.insert(table.meta.id.clone(), table);
    let mut xml = Xml::new();
    xml.node("vpc", |xml| write(xml, &vpc));
    region.vpcs.insert(id, vpc);
    Ok(xml)
}

pub(super) fn describe(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    describe_all(request, &region.vpcs, ("VpcId", "vpcSet"), write)
}

fn write(xml: &mut Xml, vpc: &Vpc) {
    xml.leaf("vpcId", &vpc.meta.id)
        .leaf("ownerId", &vpc.owner)
        .leaf("state", "available")
        .leaf("cidrBlock", vpc.block)
        .leaf("dhcpOptionsId", "default")
        .leaf("instanceTenancy", &vpc.tenancy)
        .leaf("isDefault", false);
    xml.items("cidrBlockAssociationSet", [&vpc.block], |xml, block| {
        xml.leaf("cidrBlock", block)
            .leaf("associationId", vpc.meta.id.replace("vpc-", "vpc-cidr-assoc-"));
        xml.node("cidrBlockState", |xml| {
            xml.leaf("state", "associated");
        });
    });
    tags::write(xml, &vpc.meta.tags);
}

pub(super) fn delete(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = request.params.required("VpcId")?;
    request.open(&region.vpcs, id)?;
    if is_used(region, id) {
        return Err(dependency(format!(
            "The vpc '{id}' has dependencies and cannot be deleted."
        )));
    }
    region.groups.retain(|_, group| group.vpc_id != id);
    region.route_tables.retain(|_, table| table.vpc_id != id);
    region.vpcs.remove(id);
    Ok(done())
}

fn is_used(region: &Region, id: &str) -> bool {
    region.subnets.values().any(|subnet| subnet.vpc_id == id)
        || region
            .gateways
            .values()
            .any(|gateway| gateway.vpc_id.as_deref() == Some(id))
        || region
            .groups
            .values()
            .any(|group| group.vpc_id == id && !group.is_default())
        || region
            .route_tables
            .values()
            .any(|table| table.vpc_id == id && !table.is_main())
        || region.endpoints.values().any(|endpoint| endpoint.vpc_id == id)
}

pub(super) fn modify_attribute(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = request.params.required("VpcId")?;
    request.open(&region.vpcs, id)?;
    let support = request.params.flag("EnableDnsSupport.Value")?;
    let hostnames = request.params.flag("EnableDnsHostnames.Value")?;
    let vpc = require_mut(&mut region.vpcs, id)?;
    match (support, hostnames) {
        (Some(support), None) => vpc.dns_support = support,
        (None, Some(hostnames)) => vpc.dns_hostnames = hostnames,
        (None, None) => return Err(request.params.missing("EnableDnsSupport")),
        (Some(_), Some(_)) => {
            let why = "Fields for multiple attribute types specified";
            return Err(AwsError::bad("InvalidParameterCombination", why));
        }
    }
    Ok(done())
}

pub(super) fn describe_attribute(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = request.params.required("VpcId")?;
    request.open(&region.vpcs, id)?;
    let vpc = require(&region.vpcs, id)?;
    let (name, value) = match request.params.required("Attribute")? {
        "enableDnsSupport" => ("enableDnsSupport", vpc.dns_support),
        "enableDnsHostnames" => ("enableDnsHostnames", vpc.dns_hostnames),
        "enableNetworkAddressUsageMetrics" => ("enableNetworkAddressUsageMetrics", false),
        other => return Err(request.params.invalid("attribute", other)),
    };
    let mut xml = Xml::new();
    xml.leaf("vpcId", id).node(name, |xml| {
        xml.leaf("value", value);
    });
    Ok(xml)
}
