//! Whether a design fits into an account as it is: named checks, each with why it matters, what was found and how
//! to fix it.
//!
//! All checks run and none hides another. What could not be seen is unknown: it neither passes nor fails.

use serde::{Deserialize, Serialize};

use crate::cidr::{Cidr, next_free};
use crate::deployment::Profile;
use crate::proof::{Trial, TrialOutcome};

/// Addresses that a subnet of an existing network must have left: the machine's, and room to replace it.
pub const FREE_ADDRESSES_MIN: u32 = 8;

/// What somebody wants to put into the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// The sequence of resources.
    pub profile: Profile,
    /// Size of the machine.
    pub instance_type: String,
    /// Where it shall stand.
    pub network: NetworkWish,
}

/// A network of ours, or one of the tenant's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "network", rename_all = "snake_case")]
pub enum NetworkWish {
    /// A new one with this block.
    New {
        /// The address block.
        cidr: Cidr,
    },
    /// The one that the tenant has tagged for us.
    Existing,
}

/// What was seen, or the code for which it was not.
pub type Seen<T> = Result<T, String>;

/// A quota and how much of it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// What the account may have.
    pub quota: u64,
    /// What it has.
    pub used: u64,
}

/// A network of the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// AWS's id.
    pub id: String,
    /// Its address blocks.
    pub blocks: Vec<Cidr>,
    /// Made by us for this tenant.
    pub ours: bool,
    /// Tagged `tenantry:use` with the tenant's id.
    pub offered: bool,
    /// Names are resolved inside, and instances get names. Only looked up where `offered`.
    pub dns: bool,
    /// Its subnets.
    pub subnets: Vec<Subnet>,
}

/// A subnet of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// AWS's id.
    pub id: String,
    /// The availability zone.
    pub zone: String,
    /// Addresses left.
    pub free_addresses: u32,
    /// Tagged `tenantry:subnet` with `public`.
    pub tagged_public: bool,
    /// Its default route leads to an internet gateway.
    pub reaches_internet: bool,
}

/// What the account looks like.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The region that was asked about.
    pub region: String,
    /// Whether the account uses the region.
    pub region_enabled: Seen<bool>,
    /// Zones that offer the instance type.
    pub zones: Seen<Vec<String>>,
    /// vCPUs of one instance of the type.
    pub type_vcpus: Seen<u64>,
    /// vCPUs of running standard instances.
    pub vcpus: Seen<Usage>,
    /// Elastic IP addresses.
    pub addresses: Seen<Usage>,
    /// VPCs.
    pub networks_quota: Seen<Usage>,
    /// NAT gateways.
    pub nat_gateways: Seen<Usage>,
    /// The account's networks in the region.
    pub networks: Seen<Vec<Network>>,
    /// Dry runs of the calls that the work begins with.
    pub permissions: Seen<Vec<Trial>>,
}

impl Facts {
    /// An account into which we could not look, but for whether it uses the region.
    #[must_use]
    pub fn unseen(region: &str, region_enabled: Seen<bool>, reason: &str) -> Self {
        let reason = || reason.to_owned();
        Self {
            region: region.to_owned(),
            region_enabled,
            zones: Err(reason()),
            type_vcpus: Err(reason()),
            vcpus: Err(reason()),
            addresses: Err(reason()),
            networks_quota: Err(reason()),
            nat_gateways: Err(reason()),
            networks: Err(reason()),
            permissions: Err(reason()),
        }
    }
}

/// One check with its result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Stable name: `region`, `zones`, `vcpus`, `addresses`, `vpcs`, `nat_gateways`, `network`, `permissions`.
    pub name: String,
    /// Why it matters.
    pub why: String,
    /// What was found.
    #[serde(flatten)]
    pub result: CheckResult,
}

/// What a check came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum CheckResult {
    /// It fits.
    Passed {
        /// What was seen.
        found: String,
    },
    /// It does not.
    Failed {
        /// What was seen.
        found: String,
        /// What to do about it.
        fix: String,
    },
    /// It could not be seen.
    Unknown {
        /// AWS's code, or ours.
        reason: String,
    },
}

/// How much of each thing a profile takes.
#[derive(Clone, Copy, Debug)]
struct Needs {
    zones: usize,
    instances: u64,
    addresses: u64,
    nat_gateways: u64,
}

impl Needs {
    const fn of(profile: Profile) -> Self {
        match profile {
            Profile::Single => Self {
                zones: 1,
                instances: 1,
                addresses: 1,
                nat_gateways: 0,
            },
            Profile::HighlyAvailable => Self {
                zones: 2,
                instances: 2,
                addresses: 2,
                nat_gateways: 2,
            },
        }
    }
}

/// Makes every check.
#[must_use]
pub fn check(wish: &Wish, facts: &Facts) -> Vec<Check> {
    let needs = Needs::of(wish.profile);
    let new_network = u64::from(wish.network != NetworkWish::Existing);
    vec![
        region(facts),
        zones(wish, facts, needs),
        vcpus(facts, needs),
        quota(&ADDRESSES, &facts.addresses, needs.addresses),
        quota(&NETWORKS, &facts.networks_quota, new_network),
        quota(&NAT_GATEWAYS, &facts.nat_gateways, needs.nat_gateways),
        network(wish, facts, needs),
        permissions(facts),
    ]
}

fn named<T>(name: &str, why: &str, seen: &Seen<T>, judge: impl FnOnce(&T) -> CheckResult) -> Check {
    let result = match seen {
        Ok(seen) => judge(seen),
        Err(reason) => CheckResult::Unknown {
            reason: reason.clone(),
        },
    };
    Check {
        name: name.to_owned(),
        why: why.to_owned(),
        result,
    }
}

const fn passed(found: String) -> CheckResult {
    CheckResult::Passed { found }
}

const fn failed(found: String, fix: String) -> CheckResult {
    CheckResult::Failed { found, fix }
}

fn region(facts: &Facts) -> Check {
    let region = &facts.region;
    let why = "An account uses only the regions that are enabled in it.";
    named("region", why, &facts.region_enabled, |enabled| {
        if *enabled {
            return passed(format!("{region} is enabled"));
        }
        failed(
            format!("{region} is not enabled"),
            format!(
                "Enable {region} in the AWS console under Account, AWS Regions, or choose another region."
            ),
        )
    })
}

fn zones(wish: &Wish, facts: &Facts, needs: Needs) -> Check {
    let (name, region) = (&wish.instance_type, &facts.region);
    let why = "Not every availability zone has machines of every type.";
    named("zones", why, &facts.zones, |zones| {
        let list = if zones.is_empty() {
            "none".to_owned()
        } else {
            zones.join(", ")
        };
        let found = format!("{name} is offered in {} zones of {region}: {list}", zones.len());
        if zones.len() >= needs.zones {
            return passed(found);
        }
        let fix = format!(
            "The profile needs {} zones. Choose another instance type, such as t3.large, or another region.",
            needs.zones
        );
        failed(found, fix)
    })
}

/// A quota with what it is called and where it is raised.
struct Named {
    name: &'static str,
    things: &'static str,
    service: &'static str,
    code: &'static str,
    why: &'static str,
}

const ADDRESSES: Named = Named {
    name: "addresses",
    things: "Elastic IP addresses",
    service: "ec2",
    code: "L-0263D0A3",
    why: "The platform keeps one public address when its machine is replaced.",
};
const NETWORKS: Named = Named {
    name: "vpcs",
    things: "VPCs",
    service: "vpc",
    code: "L-F678F1CE",
    why: "The platform stands in a network of its own.",
};
const NAT_GATEWAYS: Named = Named {
    name: "nat_gateways",
    things: "NAT gateways",
    service: "vpc",
    code: "L-FE5A380F",
    why: "Machines in private subnets reach the internet through one.",
};
const VCPUS: Named = Named {
    name: "vcpus",
    things: "vCPUs of standard instances",
    service: "ec2",
    code: "L-1216C47A",
    why: "AWS limits how many vCPUs of standard instances run at once.",
};

fn vcpus(facts: &Facts, needs: Needs) -> Check {
    match &facts.type_vcpus {
        Ok(vcpus) => quota(&VCPUS, &facts.vcpus, vcpus * needs.instances),
        Err(reason) => quota(&VCPUS, &Err(reason.clone()), 0),
    }
}

fn quota(about: &Named, usage: &Seen<Usage>, needed: u64) -> Check {
    named(about.name, about.why, usage, |usage| {
        let (things, wanted) = (about.things, usage.used + needed);
        let found = format!(
            "{} of {} {things} in use, {needed} needed",
            usage.used, usage.quota
        );
        if wanted <= usage.quota {
            return passed(found);
        }
        let missing = wanted - usage.quota;
        let fix = format!(
            "{missing} more {things} are needed. Request the value {wanted} for {} in Service Quotas \
             (https://console.aws.amazon.com/servicequotas/home/services/{}/quotas/{}); we go on by ourselves once it \
             is granted.",
            about.code, about.service, about.code
        );
        failed(found, fix)
    })
}

fn network(wish: &Wish, facts: &Facts, needs: Needs) -> Check {
    match &wish.network {
        NetworkWish::New { cidr } => {
            let why = "A block that overlaps with another network can never be connected with it.";
            named("network", why, &facts.networks, |networks| fits(cidr, networks))
        }
        NetworkWish::Existing => {
            let why = "A network of yours is used as it is: we change nothing in it that we did not make.";
            named("network", why, &facts.networks, |networks| {
                offered(networks, needs)
            })
        }
    }
}

fn fits(cidr: &Cidr, networks: &[Network]) -> CheckResult {
    let others = networks.iter().filter(|network| !network.ours);
    let clash = others
        .clone()
        .find(|network| network.blocks.iter().any(|block| block.overlaps(cidr)));
    let Some(clash) = clash else {
        return passed(format!("{cidr} overlaps with no other network"));
    };
    let taken: Vec<Cidr> = others.flat_map(|network| network.blocks.clone()).collect();
    let fix = next_free(cidr, &taken).map_or_else(
        || "No block of this size is free in 10.0.0.0/8; choose a smaller one.".to_owned(),
        |free| format!("Choose another block; the next free one is {free}."),
    );
    failed(format!("{cidr} overlaps with {}", clash.id), fix)
}

fn offered(networks: &[Network], needs: Needs) -> CheckResult {
    let mut offered = networks.iter().filter(|network| network.offered);
    let tag = "tag exactly one VPC with tenantry:use = your tenant id";
    let Some(network) = offered.next() else {
        return failed(
            "no VPC is tagged for us".to_owned(),
            format!("To use a VPC of yours, {tag}."),
        );
    };
    if let Some(second) = offered.next() {
        let found = format!("both {} and {} are tagged", network.id, second.id);
        return failed(found, format!("Remove one tag: {tag}."));
    }
    let missing = missing_in(network, needs);
    if missing.is_empty() {
        return passed(format!("{} has what the profile needs", network.id));
    }
    failed(format!("{} lacks something", network.id), missing.join(" "))
}

/// Everything that an existing network lacks, each with its fix.
fn missing_in(network: &Network, needs: Needs) -> Vec<String> {
    let mut missing = Vec::new();
    if !network.dns {
        missing.push("Switch on DNS support and DNS hostnames of the VPC.".to_owned());
    }
    let public: Vec<_> = network
        .subnets
        .iter()
        .filter(|subnet| subnet.tagged_public)
        .collect();
    let mut zones: Vec<_> = public.iter().map(|subnet| &subnet.zone).collect();
    zones.sort_unstable();
    zones.dedup();
    if zones.len() < needs.zones {
        missing.push(format!(
            "Tag subnets in {} zones with tenantry:subnet = public; {} are tagged.",
            needs.zones,
            zones.len()
        ));
    }
    for subnet in public {
        let id = &subnet.id;
        if !subnet.reaches_internet {
            missing.push(format!(
                "Subnet {id} has no default route to an internet gateway; add 0.0.0.0/0."
            ));
        }
        if subnet.free_addresses < FREE_ADDRESSES_MIN {
            let free = subnet.free_addresses;
            missing.push(format!(
                "Subnet {id} has {free} free addresses; {FREE_ADDRESSES_MIN} are needed."
            ));
        }
    }
    missing
}

fn permissions(facts: &Facts) -> Check {
    let why = "Each call is asked by dry run under the session policy it is made with.";
    named("permissions", why, &facts.permissions, |trials| {
        for trial in trials {
            match &trial.outcome {
                TrialOutcome::Allowed => {}
                TrialOutcome::Refused { by } => {
                    let found = format!("{} {}", by.words(), trial.action);
                    let fix = "Update the role's stack with our template, or ask your organisation for an exception.";
                    return failed(found, fix.to_owned());
                }
                TrialOutcome::Unknown { reason } => {
                    return CheckResult::Unknown {
                        reason: reason.clone(),
                    };
                }
            }
        }
        passed(format!("{} dry runs allowed", trials.len()))
    })
}

#[cfg(test)]
#[path = "preflight_tests.rs"]
mod tests;
