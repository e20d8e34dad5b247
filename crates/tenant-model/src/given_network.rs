//! A network of the tenant's own that it offers us by tag: what a profile needs of it, and which subnets are used.
//!
//! Nothing in it is ever tagged, changed or deleted by us. Tags: the VPC `tenantry:use` = the tenant's id, its subnets
//! `tenantry:subnet` = `public` or `private`.

use serde::{Deserialize, Serialize};

use crate::blueprint::NetworkChoice;
use crate::deployment::Profile;
use crate::preflight::{Network, Purpose, Subnet, WayOut};

/// Free addresses of a public subnet: a load balancer needs as many (Elastic Load Balancing user guide, "Application
/// Load Balancers", subnets), and a machine and its successor fewer.
pub const PUBLIC_FREE_MIN: u32 = 8;
/// Free addresses of a private subnet: its machines and their successors during a replacement, and a database.
pub const PRIVATE_FREE_MIN: u32 = 16;

/// In how many zones a profile needs subnets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubnetNeeds {
    /// Zones with a public subnet.
    pub public_zones: usize,
    /// Zones with a private subnet beside it.
    pub private_zones: usize,
}

impl SubnetNeeds {
    /// What a profile needs.
    #[must_use]
    pub const fn of(profile: Profile) -> Self {
        match profile {
            Profile::Single => Self {
                public_zones: 1,
                private_zones: 0,
            },
            Profile::HighlyAvailable => Self {
                public_zones: 2,
                private_zones: 2,
            },
        }
    }

    /// The needs as a sentence for whoever prepares the network.
    #[must_use]
    pub fn words(self) -> String {
        let public = format!(
            "tenantry:subnet = public, a default route to an internet gateway and {PUBLIC_FREE_MIN} free addresses"
        );
        let base = "DNS support and DNS hostnames on";
        if self.private_zones == 0 {
            return format!("{base}; one subnet tagged {public}.");
        }
        format!(
            "{base}; in each of {} zones one subnet tagged {public}, and one tagged tenantry:subnet = private, a default \
             route to a NAT gateway of its own zone and {PRIVATE_FREE_MIN} free addresses.",
            self.public_zones
        )
    }
}

/// A subnet that will be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenSubnet {
    /// AWS's id.
    pub id: String,
    /// The availability zone.
    pub zone: String,
}

/// A network that has what a profile needs, with the subnets that will be used, by zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenNetwork {
    /// AWS's id of the VPC.
    pub vpc: String,
    /// One for each zone.
    pub public: Vec<GivenSubnet>,
    /// One for each of the same zones, where the profile needs any.
    pub private: Vec<GivenSubnet>,
}

impl From<GivenNetwork> for NetworkChoice {
    fn from(given: GivenNetwork) -> Self {
        let ids = |subnets: Vec<GivenSubnet>| subnets.into_iter().map(|subnet| subnet.id).collect();
        Self::Existing {
            vpc: given.vpc,
            public_subnets: ids(given.public),
            private_subnets: ids(given.private),
        }
    }
}

/// Why no network can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lacking {
    /// What was seen.
    pub found: String,
    /// What to do about it.
    pub fix: String,
}

fn lacking(found: String, fix: String) -> Lacking {
    Lacking { found, fix }
}

/// Finds the network that is offered and the subnets to use. `zones` are those that offer the machine.
///
/// # Errors
/// [`Lacking`] with everything that is missing at once.
pub fn choose(networks: &[Network], profile: Profile, zones: &[String]) -> Result<GivenNetwork, Lacking> {
    let needs = SubnetNeeds::of(profile);
    let network = offered(networks, needs)?;
    let whole: Vec<&String> = zones
        .iter()
        .filter(|zone| usable(network, zone, Purpose::Public).is_some())
        .filter(|zone| needs.private_zones == 0 || usable(network, zone, Purpose::Private).is_some())
        .take(needs.public_zones)
        .collect();
    if network.dns && whole.len() == needs.public_zones {
        return Ok(GivenNetwork {
            vpc: network.id.clone(),
            public: given(network, &whole, Purpose::Public),
            private: given(network, &whole[..needs.private_zones], Purpose::Private),
        });
    }
    let fixes = missing(network, needs, zones);
    Err(lacking(
        format!("{} lacks something", network.id),
        fixes.join(" "),
    ))
}

/// Exactly one network carries the tag.
fn offered(networks: &[Network], needs: SubnetNeeds) -> Result<&Network, Lacking> {
    let tag = "tag exactly one VPC with tenantry:use = your tenant id";
    let mut offered = networks.iter().filter(|network| network.offered);
    let Some(network) = offered.next() else {
        let fix = format!("To use a VPC of yours, {tag}. It needs: {}", needs.words());
        return Err(lacking("no VPC is tagged for us".to_owned(), fix));
    };
    match offered.next() {
        None => Ok(network),
        Some(second) => Err(lacking(
            format!("both {} and {} are tagged", network.id, second.id),
            format!("Remove one tag: {tag}."),
        )),
    }
}

fn given(network: &Network, zones: &[&String], purpose: Purpose) -> Vec<GivenSubnet> {
    let subnets = zones.iter().filter_map(|zone| usable(network, zone, purpose));
    subnets
        .map(|subnet| GivenSubnet {
            id: subnet.id.clone(),
            zone: subnet.zone.clone(),
        })
        .collect()
}

/// The roomiest subnet of a zone that has all it needs; of equals the first by id.
fn usable<'a>(network: &'a Network, zone: &str, purpose: Purpose) -> Option<&'a Subnet> {
    let whole = |subnet: &&Subnet| faults(subnet, purpose).is_empty();
    let candidates = tagged(network, purpose)
        .filter(|subnet| subnet.zone == zone)
        .filter(whole);
    candidates.min_by_key(|subnet| (u32::MAX - subnet.free_addresses, &subnet.id))
}

fn tagged(network: &Network, purpose: Purpose) -> impl Iterator<Item = &Subnet> {
    network
        .subnets
        .iter()
        .filter(move |subnet| subnet.purpose == Some(purpose))
}

/// What one subnet lacks, each with its fix.
fn faults(subnet: &Subnet, purpose: Purpose) -> Vec<String> {
    let (id, free) = (&subnet.id, subnet.free_addresses);
    let mut faults = Vec::new();
    match (purpose, &subnet.way_out) {
        (Purpose::Public, WayOut::Gateway) => {}
        (Purpose::Public, _) => faults.push(format!(
            "Subnet {id} has no default route to an internet gateway; add 0.0.0.0/0."
        )),
        (Purpose::Private, WayOut::Nat { zone }) if zone.as_ref() == Some(&subnet.zone) => {}
        (Purpose::Private, _) => faults.push(format!(
            "Subnet {id} has no default route to a NAT gateway of its own zone {}; add 0.0.0.0/0.",
            subnet.zone
        )),
    }
    let wanted = match purpose {
        Purpose::Public => PUBLIC_FREE_MIN,
        Purpose::Private => PRIVATE_FREE_MIN,
    };
    if free < wanted {
        faults.push(format!(
            "Subnet {id} has {free} free addresses; {wanted} are needed."
        ));
    }
    faults
}

/// Everything that an existing network lacks, each with its fix.
fn missing(network: &Network, needs: SubnetNeeds, zones: &[String]) -> Vec<String> {
    let mut missing = Vec::new();
    if !network.dns {
        missing.push("Switch on DNS support and DNS hostnames of the VPC.".to_owned());
    }
    let wanted = [
        (Purpose::Public, needs.public_zones),
        (Purpose::Private, needs.private_zones),
    ];
    for (purpose, count) in wanted.into_iter().filter(|(_, count)| *count > 0) {
        let mut found: Vec<_> = tagged(network, purpose).map(|subnet| &subnet.zone).collect();
        found.retain(|zone| zones.contains(zone));
        found.sort_unstable();
        found.dedup();
        if found.len() < count {
            missing.push(format!(
                "Tag subnets in {count} of the zones {} with tenantry:subnet = {}; {} are tagged.",
                zones.join(", "),
                purpose.name(),
                found.len()
            ));
        }
        missing.extend(tagged(network, purpose).flat_map(|subnet| faults(subnet, purpose)));
    }
    missing
}

#[cfg(test)]
#[path = "given_network_tests.rs"]
mod tests;
