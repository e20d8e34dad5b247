//! NAT gateways: pending, then available or failed; deleting, then deleted and shown for an hour.
//!
//! Sources: EC2 API reference, "CreateNatGateway", "DeleteNatGateway", "NatGateway"; Amazon VPC user guide, "Work with
//! NAT gateways" and "Troubleshoot NAT gateways" (the reasons a new gateway fails for).

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::describe::{Filtered, describe as describe_all};
use super::interface::{self, ServiceInterface};
use super::kind::Kind;
use super::limits::refuse_above;
use super::request::{Request, invalid_value, require, require_mut};
use super::state::{Meta, Region, Tags, resource};
use super::{tags, token};
use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::Xml;

/// Until a new gateway carries traffic.
const STARTS: TimeDelta = TimeDelta::minutes(2);
/// Until a deleted gateway's interface is gone.
const ENDS: TimeDelta = TimeDelta::minutes(1);
/// How long a deleted or failed gateway is still described.
const SHOWN_AFTER_END: TimeDelta = TimeDelta::hours(1);

/// A NAT gateway.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct NatGateway {
    pub(super) meta: Meta,
    pub(super) subnet_id: String,
    pub(super) vpc_id: String,
    zone: String,
    public: bool,
    allocation_id: Option<String>,
    interface_id: Option<String>,
    private_ip: Option<String>,
    public_ip: Option<String>,
    pub(super) state: State,
    settles_at: DateTime<Utc>,
    deleted_at: Option<DateTime<Utc>>,
}
resource!(NatGateway, Kind::NatGateway);

/// Where a gateway is in its life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum State {
    /// Being made.
    Pending,
    /// It could not be made.
    Failed {
        /// One of the codes of the troubleshooting page.
        code: String,
        /// The sentence beside it.
        message: String,
    },
    /// Carrying traffic.
    Available,
    /// Being removed.
    Deleting,
    /// Gone, and still described.
    Deleted,
}

impl State {
    fn name(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Failed { .. } => "failed",
            Self::Available => "available",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
        }
    }
}

impl NatGateway {
    /// Whether the gateway still holds anything.
    pub(super) fn is_live(&self) -> bool {
        match self.state {
            State::Pending | State::Available | State::Deleting => true,
            State::Failed { .. } | State::Deleted => false,
        }
    }

    fn connectivity(&self) -> &'static str {
        if self.public { "public" } else { "private" }
    }
}

impl Filtered for NatGateway {
    const FILTERS: &[&str] = &[
        "connectivity-type",
        "nat-gateway-id",
        "state",
        "subnet-id",
        "vpc-id",
    ];

    fn field(&self, name: &str) -> Option<Vec<String>> {
        Some(vec![match name {
            "nat-gateway-id" => self.meta.id.clone(),
            "state" => self.state.name().into(),
            "subnet-id" => self.subnet_id.clone(),
            "vpc-id" => self.vpc_id.clone(),
            "connectivity-type" => self.connectivity().into(),
            _ => return None,
        }])
    }
}

/// Takes a client token.
pub(super) fn create(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let subnet_id = request.params.required("SubnetId")?;
    let tags = request.tags_for(Kind::NatGateway)?;
    request.authorize_creation(Kind::NatGateway, &tags)?;
    request.authorize_existing(&region.subnets, subnet_id)?;
    let allocation = request.params.get("AllocationId");
    if let Some(id) = allocation {
        request.authorize_existing(&region.addresses, id)?;
    }
    let public = connectivity(request)?;
    let subnet = require(&region.subnets, subnet_id)?.clone();
    if let Some(id) = allocation {
        require(&region.addresses, id)?;
    }
    request.end_dry_run()?;
    let presented = token::presented(request)?;
    if let Some(ids) = token::earlier(region, presented.as_ref())?
        && let Some(nat) = ids.first().and_then(|id| region.nat_gateways.get(id))
    {
        return Ok(answer(request, nat));
    }
    let mut in_zone = region.nat_gateways.values().collect::<Vec<_>>();
    in_zone.retain(|nat| nat.zone == subnet.zone && nat.is_live());
    let what = "NAT gateways in the Availability Zone";
    refuse_above(
        in_zone.len(),
        request.limits.nat_gateways,
        "NatGatewayLimitExceeded",
        what,
    )?;
    let mut nat = NatGateway {
        meta: request.new_meta(Kind::NatGateway, tags),
        subnet_id: subnet_id.to_owned(),
        vpc_id: subnet.vpc_id,
        zone: subnet.zone,
        public,
        allocation_id: allocation.map(str::to_owned),
        interface_id: None,
        private_ip: None,
        public_ip: None,
        state: State::Pending,
        settles_at: request.call.now + request.core.latency.of(STARTS),
        deleted_at: None,
    };
    if let Err(refused) = equip(request, region, &mut nat) {
        nat.state = State::Failed {
            code: refused.code.into_owned(),
            message: refused.message,
        };
        nat.deleted_at = Some(request.call.now);
    }
    token::remember(region, presented, vec![nat.meta.id.clone()]);
    // A failure is found out later: the answer always says pending.
    let shown = NatGateway {
        state: State::Pending,
        deleted_at: None,
        ..nat.clone()
    };
    region.nat_gateways.insert(nat.meta.id.clone(), nat);
    Ok(answer(request, &shown))
}

fn connectivity(request: &Request<'_>) -> Result<bool, AwsError> {
    let secondary = [
        "SecondaryAllocationId.1",
        "SecondaryPrivateIpAddress.1",
        "SecondaryPrivateIpAddressCount",
    ];
    let other = ["AvailabilityMode", "VpcId", "PrivateIpAddress"];
    let mut unsupported = secondary.into_iter().chain(other);
    if let Some(name) = unsupported.find(|name| request.params.get(name).is_some()) {
        return Err(AwsError::not_implemented(
            "ec2",
            &format!("CreateNatGateway with {name}"),
        ));
    }
    let allocation = request.params.get("AllocationId");
    match (
        request.params.get("ConnectivityType").unwrap_or("public"),
        allocation,
    ) {
        ("public", Some(_)) => Ok(true),
        ("public", None) => Err(request.params.missing("AllocationId")),
        ("private", None) => Ok(false),
        ("private", Some(_)) => {
            let why = "AllocationId cannot be given for a NAT gateway with private connectivity.";
            Err(AwsError::bad("InvalidParameterCombination", why))
        }
        (other, _) => Err(request.params.invalid("connectivityType", other)),
    }
}

/// Gives a new gateway its interface and address; what is refused here makes it fail.
fn equip(request: &Request<'_>, region: &mut Region, nat: &mut NatGateway) -> Result<(), AwsError> {
    if nat.public {
        let mut gateways = region.gateways.values();
        if !gateways.any(|gateway| gateway.vpc_id.as_ref() == Some(&nat.vpc_id)) {
            let why = format!("Network {} has no Internet gateway attached", nat.vpc_id);
            return Err(AwsError::bad("Gateway.NotAttached", why));
        }
    }
    if let Some(id) = &nat.allocation_id
        && require(&region.addresses, id)?.association_id.is_some()
    {
        let why = format!("Elastic IP address {id} is already associated");
        return Err(AwsError::bad("Resource.AlreadyAssociated", why));
    }
    if request.core.outages.zone_lost(&nat.zone) {
        let why =
            "The network interface created and used internally by this NAT gateway is in an invalid state.";
        return Err(AwsError::bad("InternalError", why));
    }
    let wanted = ServiceInterface {
        subnet_id: &nat.subnet_id,
        group_ids: &[],
        description: &format!("Interface for NAT Gateway {}", nat.meta.id),
        requester: "amazon-vpc",
        interface_type: "nat_gateway",
    };
    let meta = request.new_meta(Kind::NetworkInterface, Tags::new());
    let attachment_id = request.core.ids.resource("ela-attach");
    let owner = &request.call.caller.account;
    let id = interface::make_for_service(region, &wanted, meta, attachment_id, owner)?;
    nat.private_ip = region
        .interfaces
        .get(&id)
        .map(|interface| interface.private_ip.to_string());
    if let Some(allocation_id) = &nat.allocation_id {
        let address = require_mut(&mut region.addresses, allocation_id)?;
        address.association_id = Some(request.core.ids.resource("eipassoc"));
        address.interface_id = Some(id.clone());
        nat.public_ip = Some(address.public_ip.to_string());
    }
    nat.interface_id = Some(id);
    Ok(())
}

fn answer(request: &Request<'_>, nat: &NatGateway) -> Xml {
    let mut xml = Xml::new();
    xml.optional("clientToken", request.params.get("ClientToken"))
        .node("natGateway", |xml| write(xml, nat));
    xml
}

fn write(xml: &mut Xml, nat: &NatGateway) {
    let time = |at: DateTime<Utc>| at.format("%Y-%m-%dT%H:%M:%S.000Z").to_string();
    xml.leaf("natGatewayId", &nat.meta.id)
        .leaf("subnetId", &nat.subnet_id)
        .leaf("vpcId", &nat.vpc_id)
        .leaf("state", nat.state.name())
        .leaf("connectivityType", nat.connectivity())
        .leaf("createTime", time(nat.meta.created_at))
        .optional("deleteTime", nat.deleted_at.map(time));
    if let State::Failed { code, message } = &nat.state {
        xml.leaf("failureCode", code).leaf("failureMessage", message);
    }
    xml.items("natGatewayAddressSet", [nat], |xml, nat| {
        xml.optional("allocationId", nat.allocation_id.as_ref())
            .optional("networkInterfaceId", nat.interface_id.as_ref())
            .optional("privateIp", nat.private_ip.as_ref())
            .optional("publicIp", nat.public_ip.as_ref())
            .leaf("isPrimary", true);
    });
    tags::write(xml, &nat.meta.tags);
}

pub(super) fn describe(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    describe_all(
        request,
        &region.nat_gateways,
        ("NatGatewayId", "natGatewaySet"),
        write,
    )
}

/// Deleting twice is fine; the address stays with the account.
pub(super) fn delete(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = request.params.required("NatGatewayId")?;
    request.open(&region.nat_gateways, id)?;
    let nat = require_mut(&mut region.nat_gateways, id)?;
    match nat.state {
        State::Pending | State::Available | State::Failed { .. } => {
            nat.state = State::Deleting;
            nat.settles_at = request.call.now + request.core.latency.of(ENDS);
            nat.deleted_at = Some(request.call.now);
        }
        State::Deleting | State::Deleted => {}
    }
    let mut xml = Xml::new();
    xml.leaf("natGatewayId", id);
    Ok(xml)
}

/// Moves every gateway to the present.
pub(super) fn settle(region: &mut Region, core: &Core) {
    let now = core.clock.now();
    let mut gone = Vec::new();
    for nat in region.nat_gateways.values_mut() {
        match nat.state {
            State::Pending if nat.settles_at <= now => nat.state = State::Available,
            State::Deleting if nat.settles_at <= now => {
                nat.state = State::Deleted;
                gone.extend(nat.interface_id.take());
            }
            State::Pending | State::Deleting | State::Available | State::Failed { .. } | State::Deleted => {}
        }
    }
    region
        .nat_gateways
        .retain(|_, nat| nat.is_live() || nat.deleted_at.is_none_or(|at| at + SHOWN_AFTER_END > now));
    for id in gone {
        interface::remove(region, &id);
    }
}

/// A gateway that routes may lead to.
pub(super) fn target<'r>(region: &'r Region, id: &str) -> Result<&'r NatGateway, AwsError> {
    let nat = require(&region.nat_gateways, id)?;
    if nat.is_live() && nat.state != State::Deleting {
        return Ok(nat);
    }
    Err(invalid_value(format!(
        "The nat gateway '{id}' is {} and cannot be the target of a route",
        nat.state.name()
    )))
}
