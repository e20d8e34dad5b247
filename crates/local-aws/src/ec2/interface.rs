//! Network interfaces. They come and go with their instance; making them apart is not offered here.

use std::net::Ipv4Addr;

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
    pub(super) instance_id: String,
    pub(super) attachment_id: String,
    pub(super) owner: String,
}
resource!(NetworkInterface, Kind::NetworkInterface);

impl Filtered for NetworkInterface {
    fn field(&self, name: &str) -> Option<Vec<String>> {
        Some(match name {
            "network-interface-id" => vec![self.meta.id.clone()],
            "subnet-id" => vec![self.subnet_id.clone()],
            "vpc-id" => vec![self.vpc_id.clone()],
            "availability-zone" => vec![self.zone.clone()],
            "private-ip-address" | "addresses.private-ip-address" => vec![self.private_ip.to_string()],
            "group-id" => self.groups.clone(),
            "attachment.instance-id" => vec![self.instance_id.clone()],
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
        .leaf("status", "in-use")
        .leaf("interfaceType", "interface")
        .leaf("privateIpAddress", interface.private_ip);
    write_groups(xml, region, &interface.groups);
    xml.node("attachment", |xml| {
        xml.leaf("attachmentId", &interface.attachment_id)
            .leaf("instanceId", &interface.instance_id)
            .leaf("deviceIndex", 0)
            .leaf("status", "attached")
            .leaf("deleteOnTermination", true);
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
