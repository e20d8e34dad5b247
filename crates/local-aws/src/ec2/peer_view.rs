//! What other services see of EC2. A view is whole, whichever of its facts they read today.

#![allow(
    dead_code,
    reason = "a view is whole, whichever of its facts other services read today"
)]

use std::net::Ipv4Addr;

use chrono::{DateTime, Utc};

use super::instance::{Check, Instance, State};
use super::interface::public_ip;
use super::state::Region;
use super::{catalog, template_data};
use crate::core::Core;
use crate::tags::Tags;

/// An instance as another service sees it.
#[derive(Clone, Debug)]
pub(crate) struct InstanceView {
    pub(crate) id: String,
    /// `pending`, `running`, `shutting-down`, `terminated`, `stopping` or `stopped`.
    pub(crate) state: &'static str,
    pub(crate) instance_type: String,
    pub(crate) image_id: String,
    pub(crate) zone: String,
    pub(crate) subnet_id: String,
    pub(crate) vpc_id: String,
    /// None once the instance ended.
    pub(crate) private_ip: Option<Ipv4Addr>,
    pub(crate) public_ip: Option<Ipv4Addr>,
    pub(crate) interface_id: String,
    pub(crate) group_ids: Vec<String>,
    /// The launch template and version it was launched from.
    pub(crate) template: Option<(String, String)>,
    pub(crate) tags: Tags,
    pub(crate) launched_at: DateTime<Utc>,
    /// `ok`, `initializing`, `impaired` or `not-applicable`.
    pub(crate) check: &'static str,
    /// It runs and its zone is there: what a health probe needs.
    pub(crate) is_reachable: bool,
}

/// A subnet as another service sees it.
#[derive(Clone, Debug)]
pub(crate) struct SubnetView {
    pub(crate) id: String,
    pub(crate) vpc_id: String,
    pub(crate) zone: String,
    pub(crate) zone_id: String,
    pub(crate) cidr: String,
    pub(crate) free_addresses: usize,
    /// Whether its route table leads to an internet gateway.
    pub(crate) is_public: bool,
    pub(crate) tags: Tags,
}

/// A security group as another service sees it.
#[derive(Clone, Debug)]
pub(crate) struct GroupView {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) vpc_id: String,
}

/// A launch template's version as another service sees it.
#[derive(Clone, Debug)]
pub(crate) struct TemplateView {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The number that was meant.
    pub(crate) version: i64,
    pub(crate) image_id: Option<String>,
    pub(crate) instance_type: Option<String>,
    pub(crate) profile: Option<String>,
}

/// A service's interface as it sees it.
#[derive(Clone, Debug)]
pub(crate) struct InterfaceView {
    pub(crate) id: String,
    pub(crate) subnet_id: String,
    pub(crate) vpc_id: String,
    pub(crate) zone: String,
    pub(crate) private_ip: Ipv4Addr,
    pub(crate) public_ip: Option<Ipv4Addr>,
}

/// A zone.
#[derive(Clone, Debug)]
pub(crate) struct ZoneView {
    pub(crate) name: String,
    pub(crate) id: String,
}

/// The zones of a region.
pub(crate) fn zones(region: &str) -> Vec<ZoneView> {
    let view = |zone: catalog::Zone| ZoneView {
        name: zone.name,
        id: zone.id,
    };
    catalog::zones(region).into_iter().map(view).collect()
}

/// Whether there is a region of that name, whoever may use it.
pub(crate) fn is_region(name: &str) -> bool {
    catalog::REGIONS.iter().any(|offer| offer.name == name)
}

/// Whether accounts can use a region: it exists and needs no opting in.
pub(crate) fn is_region_enabled(region: &str) -> bool {
    catalog::is_enabled(region)
}

/// An instance as it is now.
pub(super) fn view(core: &Core, region: &Region, instance: &Instance) -> InstanceView {
    let own = region.interfaces.get(&instance.interface_id);
    let check = instance.check(core);
    let tags = &instance.meta.tags;
    let template = tags
        .get(template_data::ID_TAG)
        .zip(tags.get(template_data::VERSION_TAG));
    InstanceView {
        id: instance.meta.id.clone(),
        state: instance.state.name(),
        instance_type: instance.instance_type.clone(),
        image_id: instance.image.id.clone(),
        zone: instance.zone.clone(),
        subnet_id: instance.subnet_id.clone(),
        vpc_id: instance.vpc_id.clone(),
        private_ip: own.map(|own| own.private_ip),
        public_ip: own.and_then(|own| public_ip(region, own)),
        interface_id: instance.interface_id.clone(),
        group_ids: instance.groups.clone(),
        template: template.map(|(id, version)| (id.clone(), version.clone())),
        tags: tags.clone(),
        launched_at: instance.launched_at,
        check: check.name(),
        is_reachable: instance.state == State::Running && check != Check::Impaired,
    }
}
