//! What one account has in one region.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::account::EbsDefaults;
use super::address::Address;
use super::endpoint::VpcEndpoint;
use super::gateway::InternetGateway;
use super::group::SecurityGroup;
use super::image::OwnImage;
use super::instance::Instance;
use super::interface::NetworkInterface;
use super::kind::Kind;
use super::nat::NatGateway;
use super::route::RouteTable;
use super::snapshot::Snapshot;
use super::subnet::Subnet;
use super::template::LaunchTemplate;
use super::token::Token;
use super::volume::Volume;
use super::vpc::Vpc;
use crate::control::InventoryItem;
use crate::error::AwsError;

pub(super) use crate::tags::Tags;

/// What every resource has.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Meta {
    pub(super) id: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) created_by: String,
    pub(super) tags: Tags,
}

/// A resource with an id, tags and a kind.
pub(super) trait Resource {
    const KIND: Kind;

    fn meta(&self) -> &Meta;
}

/// Implements [`Resource`] for a struct with a field `meta`.
macro_rules! resource {
    ($type:ty, $kind:expr) => {
        impl $crate::ec2::state::Resource for $type {
            const KIND: $crate::ec2::kind::Kind = $kind;

            fn meta(&self) -> &$crate::ec2::state::Meta {
                &self.meta
            }
        }
    };
}
pub(super) use resource;

/// One account's resources in one region.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Region {
    pub(super) vpcs: BTreeMap<String, Vpc>,
    pub(super) subnets: BTreeMap<String, Subnet>,
    pub(super) gateways: BTreeMap<String, InternetGateway>,
    pub(super) route_tables: BTreeMap<String, RouteTable>,
    pub(super) groups: BTreeMap<String, SecurityGroup>,
    pub(super) instances: BTreeMap<String, Instance>,
    pub(super) volumes: BTreeMap<String, Volume>,
    pub(super) interfaces: BTreeMap<String, NetworkInterface>,
    pub(super) addresses: BTreeMap<String, Address>,
    #[serde(default)]
    pub(super) snapshots: BTreeMap<String, Snapshot>,
    #[serde(default)]
    pub(super) images: BTreeMap<String, OwnImage>,
    #[serde(default)]
    pub(super) templates: BTreeMap<String, LaunchTemplate>,
    #[serde(default)]
    pub(super) nat_gateways: BTreeMap<String, NatGateway>,
    #[serde(default)]
    pub(super) endpoints: BTreeMap<String, VpcEndpoint>,
    #[serde(default)]
    pub(super) ebs: EbsDefaults,
    /// Client tokens by `operation/token`.
    pub(super) tokens: BTreeMap<String, Token>,
}

impl Region {
    /// The tags of any resource here, found by its id.
    pub(super) fn tags_mut(&mut self, id: &str) -> Option<&mut Tags> {
        let meta = match Kind::of(id)? {
            Kind::Vpc => &mut self.vpcs.get_mut(id)?.meta,
            Kind::Subnet => &mut self.subnets.get_mut(id)?.meta,
            Kind::InternetGateway => &mut self.gateways.get_mut(id)?.meta,
            Kind::RouteTable => &mut self.route_tables.get_mut(id)?.meta,
            Kind::SecurityGroup => &mut self.groups.get_mut(id)?.meta,
            Kind::SecurityGroupRule => {
                let mut rules = self.groups.values_mut().flat_map(|group| &mut group.rules);
                &mut rules.find(|rule| rule.meta.id == id)?.meta
            }
            Kind::Instance => &mut self.instances.get_mut(id)?.meta,
            Kind::Volume => &mut self.volumes.get_mut(id)?.meta,
            Kind::NetworkInterface => &mut self.interfaces.get_mut(id)?.meta,
            Kind::Address => &mut self.addresses.get_mut(id)?.meta,
            Kind::Image => &mut self.images.get_mut(id).filter(|image| image.is_live())?.meta,
            Kind::Snapshot => &mut self.snapshots.get_mut(id)?.meta,
            Kind::LaunchTemplate => &mut self.templates.get_mut(id)?.meta,
            Kind::NatGateway => &mut self.nat_gateways.get_mut(id)?.meta,
            Kind::VpcEndpoint => &mut self.endpoints.get_mut(id)?.meta,
        };
        Some(&mut meta.tags)
    }

    /// Every resource's kind and description, the ones a VPC brings with it included.
    pub(super) fn metas(&self) -> Vec<(Kind, &Meta)> {
        fn of<T: Resource>(map: &BTreeMap<String, T>) -> impl Iterator<Item = (Kind, &Meta)> {
            map.values().map(|resource| (T::KIND, resource.meta()))
        }
        let rules = self.groups.values().flat_map(|group| &group.rules);
        let rules = rules.map(|rule| (Kind::SecurityGroupRule, &rule.meta));
        of(&self.vpcs)
            .chain(of(&self.subnets))
            .chain(of(&self.gateways))
            .chain(of(&self.route_tables))
            .chain(of(&self.groups))
            .chain(of(&self.instances))
            .chain(of(&self.volumes))
            .chain(of(&self.interfaces))
            .chain(of(&self.addresses))
            .chain(of(&self.images))
            .chain(of(&self.snapshots))
            .chain(of(&self.templates))
            .chain(of(&self.nat_gateways))
            .chain(of(&self.endpoints))
            .chain(rules)
            .collect()
    }

    /// The live resources somebody made: not the default group and main route table of a VPC, not rules, which are
    /// parts of their group, and nothing that ended and is only still described.
    pub(super) fn inventory(&self, account: &str, region: &str) -> Vec<InventoryItem> {
        let made = self.metas().into_iter().filter(|(kind, meta)| match kind {
            Kind::SecurityGroupRule => false,
            Kind::SecurityGroup => !self.groups.get(&meta.id).is_some_and(SecurityGroup::is_default),
            Kind::RouteTable => !self.route_tables.get(&meta.id).is_some_and(RouteTable::is_main),
            Kind::Instance => self.instances.get(&meta.id).is_some_and(Instance::is_live),
            Kind::Image => self.images.get(&meta.id).is_some_and(OwnImage::is_live),
            Kind::NatGateway => self.nat_gateways.get(&meta.id).is_some_and(NatGateway::is_live),
            _ => true,
        });
        let item = |(kind, meta): (Kind, &Meta)| InventoryItem {
            account: account.to_owned(),
            region: region.to_owned(),
            kind: format!("ec2:{}", kind.name()),
            id: meta.id.clone(),
            tags: meta.tags.clone(),
            created_by: meta.created_by.clone(),
        };
        made.map(item).collect()
    }

    /// Whether a private address is taken in a subnet.
    pub(super) fn is_taken(&self, subnet_id: &str, address: Ipv4Addr) -> bool {
        let mut interfaces = self.interfaces.values();
        interfaces.any(|interface| interface.subnet_id == subnet_id && interface.private_ip == address)
    }

    /// The next free address of a subnet.
    ///
    /// # Errors
    /// `InsufficientFreeAddressesInSubnet`.
    pub(super) fn free_address(&self, subnet: &Subnet) -> Result<Ipv4Addr, AwsError> {
        let mut usable = subnet.block.usable();
        usable
            .find(|address| !self.is_taken(&subnet.meta.id, *address))
            .ok_or_else(|| {
                AwsError::bad(
                    "InsufficientFreeAddressesInSubnet",
                    format!("Subnet '{}' has no free address.", subnet.meta.id),
                )
            })
    }

    /// The volumes attached to an instance, each with its device.
    pub(super) fn attached_to(&self, instance_id: &str) -> impl Iterator<Item = (&Volume, &str)> {
        self.volumes.values().filter_map(move |volume| {
            let attachment = volume.attachment.as_ref()?;
            (attachment.instance_id == instance_id).then_some((volume, attachment.device.as_str()))
        })
    }

    /// How many addresses a subnet still has.
    pub(super) fn free_addresses(&self, subnet: &Subnet) -> usize {
        let taken = self
            .interfaces
            .values()
            .filter(|interface| interface.subnet_id == subnet.meta.id)
            .count();
        // Five of every subnet are AWS's own.
        (1_usize << (32 - subnet.block.bits())).saturating_sub(5 + taken)
    }
}
