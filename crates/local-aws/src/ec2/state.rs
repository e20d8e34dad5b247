//! What one account has in one region.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::address::Address;
use super::gateway::InternetGateway;
use super::group::SecurityGroup;
use super::instance::Instance;
use super::interface::NetworkInterface;
use super::kind::Kind;
use super::route::RouteTable;
use super::subnet::Subnet;
use super::token::Token;
use super::volume::Volume;
use super::vpc::Vpc;
use crate::control::InventoryItem;

pub(super) type Tags = BTreeMap<String, String>;

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
            Kind::Image => return None,
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
            .chain(rules)
            .collect()
    }

    /// The live resources somebody made: not the default group and main route table of a VPC, not rules, which are
    /// parts of their group, and not instances that ended.
    pub(super) fn inventory(&self, account: &str, region: &str) -> Vec<InventoryItem> {
        let made = self.metas().into_iter().filter(|(kind, meta)| match kind {
            Kind::SecurityGroupRule => false,
            Kind::SecurityGroup => !self.groups.get(&meta.id).is_some_and(SecurityGroup::is_default),
            Kind::RouteTable => !self.route_tables.get(&meta.id).is_some_and(RouteTable::is_main),
            Kind::Instance => self.instances.get(&meta.id).is_some_and(Instance::is_live),
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
