//! Network interfaces. An instance's comes and goes with it; a service's own (a NAT gateway, a load balancer, a
//! database) is made and removed by that service and holds its subnet until then. Making one apart is not offered.

use std::net::Ipv4Addr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::describe::{Filtered, describe as describe_all};
use super::kind::Kind;
use super::request::Request;
use super::state::{Meta, Region, resource};
use crate::error::AwsError;
use crate::protocol::Xml;

/// A network interface.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct NetworkInterface {
    pub(super) meta: Meta,
    pub(super) subnet_id: String,
    pub(super) vpc_id: String,
    pub(super) zone: String,
    pub(super) private_ip: Ipv4Addr,
    /// An address of Amazon's pool, given while the instance runs. An elastic one is in `addresses`.
    pub(super) public_ip: Option<Ipv4Addr>,
    pub(super) groups: Vec<String>,
    /// `None` for a service's interface.
    pub(super) instance_id: Option<String>,
    pub(super) attachment_id: String,
    pub(super) owner: String,
    #[serde(default)]
    pub(super) description: String,
    #[serde(default)]
    pub(super) service: Option<OwningService>,
}
resource!(NetworkInterface, Kind::NetworkInterface);

/// The service an interface belongs to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct OwningService {
    /// Such as `amazon-elb`.
    pub(super) requester: String,
    /// Such as `nat_gateway`.
    pub(super) interface_type: String,
    /// When the interface goes, once the service let go of it.
    pub(super) gone_at: Option<DateTime<Utc>>,
}

impl NetworkInterface {
    pub(super) fn is_requester_managed(&self) -> bool {
        self.service.is_some()
    }

    fn interface_type(&self) -> &str {
        self.service
            .as_ref()
            .map_or("interface", |service| &service.interface_type)
    }
}

impl Filtered for NetworkInterface {
    const FILTERS: &[&str] = &[
        "addresses.private-ip-address",
        "attachment.attachment-id",
        "attachment.instance-id",
        "attachment.status",
        "availability-zone",
        "description",
        "group-id",
        "interface-type",
        "network-interface-id",
        "owner-id",
        "private-ip-address",
        "requester-id",
        "requester-managed",
        "status",
        "subnet-id",
        "vpc-id",
    ];

    fn field(&self, name: &str) -> Option<Vec<String>> {
        let service = self.service.as_ref();
        Some(match name {
            "network-interface-id" => vec![self.meta.id.clone()],
            "subnet-id" => vec![self.subnet_id.clone()],
            "vpc-id" => vec![self.vpc_id.clone()],
            "availability-zone" => vec![self.zone.clone()],
            "private-ip-address" | "addresses.private-ip-address" => vec![self.private_ip.to_string()],
            "group-id" => self.groups.clone(),
            "description" => vec![self.description.clone()],
            "interface-type" => vec![self.interface_type().to_owned()],
            "requester-managed" => vec![service.is_some().to_string()],
            "requester-id" => service
                .map(|service| service.requester.clone())
                .into_iter()
                .collect(),
            "attachment.attachment-id" => vec![self.attachment_id.clone()],
            "attachment.instance-id" => self.instance_id.iter().cloned().collect(),
            "attachment.status" => vec!["attached".into()],
            "status" => vec!["in-use".into()],
            "owner-id" => vec![self.owner.clone()],
            _ => return None,
        })
    }
}

pub(super) fn describe(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    describe_all(
        request,
        &region.interfaces,
        ("NetworkInterfaceId", "networkInterfaceSet"),
        |xml, interface| {
            write(xml, region, interface);
        },
    )
}

/// The public address of an interface: its elastic one, else the one of Amazon's pool.
pub(super) fn public_ip(region: &Region, interface: &NetworkInterface) -> Option<Ipv4Addr> {
    let mut addresses = region.addresses.values();
    let elastic = addresses.find(|address| address.interface_id.as_ref() == Some(&interface.meta.id));
    elastic.map(|address| address.public_ip).or(interface.public_ip)
}

fn write(xml: &mut Xml, region: &Region, interface: &NetworkInterface) {
    xml.leaf("networkInterfaceId", &interface.meta.id)
        .leaf("subnetId", &interface.subnet_id)
        .leaf("vpcId", &interface.vpc_id)
        .leaf("availabilityZone", &interface.zone)
        .leaf("ownerId", &interface.owner)
        .leaf("description", &interface.description)
        .leaf("status", "in-use")
        .leaf("interfaceType", interface.interface_type())
        .leaf("requesterManaged", interface.is_requester_managed())
        .optional(
            "requesterId",
            interface.service.as_ref().map(|service| &service.requester),
        )
        .leaf("privateIpAddress", interface.private_ip);
    write_groups(xml, region, &interface.groups);
    let own = interface.instance_id.is_some();
    xml.node("attachment", |xml| {
        xml.leaf("attachmentId", &interface.attachment_id)
            .optional("instanceId", interface.instance_id.as_ref())
            .leaf("deviceIndex", i32::from(!own))
            .leaf("status", "attached")
            .leaf("deleteOnTermination", own);
    });
    if let Some(public_ip) = public_ip(region, interface) {
        xml.node("association", |xml| {
            xml.leaf("publicIp", public_ip);
        });
    }
    super::tags::write(xml, &interface.meta.tags);
}

/// The groups of an interface or instance.
pub(super) fn write_groups(xml: &mut Xml, region: &Region, groups: &[String]) {
    xml.items("groupSet", groups, |xml, id| {
        let name = region
            .groups
            .get(id)
            .map(|group| group.name.as_str())
            .unwrap_or_default();
        xml.leaf("groupId", id).leaf("groupName", name);
    });
}

/// What a service asks for when it needs an interface in a subnet.
pub(crate) struct ServiceInterface<'a> {
    pub(crate) subnet_id: &'a str,
    pub(crate) group_ids: &'a [String],
    /// Such as `ELB app/web/50dc6c495c0c9188`; people find the interface by it.
    pub(crate) description: &'a str,
    /// Such as `amazon-elb`.
    pub(crate) requester: &'a str,
    /// `interface`, `network_load_balancer`, `nat_gateway`, ….
    pub(crate) interface_type: &'a str,
}

/// Makes a service's interface with the next free address of its subnet.
///
/// # Errors
/// `InvalidSubnetID.NotFound`, `InvalidGroup.NotFound`, `InsufficientFreeAddressesInSubnet`.
pub(super) fn make_for_service(
    region: &mut Region,
    wanted: &ServiceInterface<'_>,
    meta: Meta,
    attachment_id: String,
    owner: &str,
) -> Result<String, AwsError> {
    let subnet = super::request::require(&region.subnets, wanted.subnet_id)?;
    for group in wanted.group_ids {
        super::request::require(&region.groups, group)?;
    }
    let private_ip = region.free_address(subnet)?;
    let interface = NetworkInterface {
        subnet_id: subnet.meta.id.clone(),
        vpc_id: subnet.vpc_id.clone(),
        zone: subnet.zone.clone(),
        private_ip,
        public_ip: None,
        groups: wanted.group_ids.to_vec(),
        instance_id: None,
        attachment_id,
        owner: owner.to_owned(),
        description: wanted.description.to_owned(),
        service: Some(OwningService {
            requester: wanted.requester.to_owned(),
            interface_type: wanted.interface_type.to_owned(),
            gone_at: None,
        }),
        meta,
    };
    let id = interface.meta.id.clone();
    region.interfaces.insert(id.clone(), interface);
    Ok(id)
}

/// Removes an interface; an elastic address on it goes free.
pub(super) fn remove(region: &mut Region, id: &str) {
    region.interfaces.remove(id);
    for address in region.addresses.values_mut() {
        if address.interface_id.as_deref() == Some(id) {
            address.release_interface();
        }
    }
}
