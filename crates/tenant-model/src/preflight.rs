//! Whether a design fits into an account as it is: named checks, each with why it matters, what was found and how
//! to fix it.
//!
//! All checks run and none hides another. What could not be seen is unknown: it neither passes nor fails.

mod facts;

pub use facts::{
    Facts, KeyState, Network, Peer, Purpose, Seen, ServiceRole, Subnet, Usage, VolumeKey, WayOut,
};

use serde::{Deserialize, Serialize};

use crate::cidr::{Cidr, next_free};
use crate::deployment::Profile;
use crate::given_network;
use crate::proof::{Denier, Trial, TrialOutcome};

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

/// One check with its result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Stable name, one of [`CHECKS`].
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

/// Every check, in the order shown.
pub const CHECKS: [&str; 13] = [
    "region",
    "zones",
    "vcpus",
    "addresses",
    "vpcs",
    "nat_gateways",
    "load_balancers",
    "network",
    "peerings",
    "encryption_key",
    "service_roles",
    "permissions",
    "simulated_permissions",
];

/// How much of each thing a profile takes.
#[derive(Clone, Copy, Debug)]
struct Needs {
    zones: usize,
    instances: u64,
    /// Addresses of machines.
    addresses: u64,
    /// In each zone of a new network, each with an address.
    nat_gateways: u64,
    load_balancers: u64,
    /// Roles of AWS's services.
    service_roles: bool,
}

impl Needs {
    const fn of(wish: &Wish) -> Self {
        let needs = match wish.profile {
            Profile::Single => Self {
                zones: 1,
                instances: 1,
                addresses: 1,
                nat_gateways: 0,
                load_balancers: 0,
                service_roles: false,
            },
            Profile::HighlyAvailable => Self {
                zones: 2,
                instances: 2,
                addresses: 0,
                nat_gateways: 1,
                load_balancers: 1,
                service_roles: true,
            },
        };
        match wish.network {
            NetworkWish::New { .. } => needs,
            // The tenant's own gateways are used.
            NetworkWish::Existing => Self {
                nat_gateways: 0,
                ..needs
            },
        }
    }

    const fn addresses(self) -> u64 {
        self.addresses + self.nat_gateways * self.zones as u64
    }
}

/// Makes every check.
#[must_use]
pub fn check(wish: &Wish, facts: &Facts) -> Vec<Check> {
    let needs = Needs::of(wish);
    let new_network = u64::from(wish.network != NetworkWish::Existing);
    vec![
        region(facts),
        zones(wish, facts, needs),
        vcpus(facts, needs),
        quota(&ADDRESSES, &facts.addresses, needs.addresses()),
        quota(&NETWORKS, &facts.networks_quota, new_network),
        quota(&NAT_GATEWAYS, &facts.nat_gateways, needs.nat_gateways),
        quota(&LOAD_BALANCERS, &facts.load_balancers, needs.load_balancers),
        network(wish, facts),
        peerings(wish, facts),
        encryption_key(facts),
        service_roles(facts, needs),
        permissions(facts),
        simulated(facts),
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
    things: "NAT gateways of one zone",
    service: "vpc",
    code: "L-FE5A380F",
    why: "Machines in private subnets reach the internet through one.",
};
const LOAD_BALANCERS: Named = Named {
    name: "load_balancers",
    things: "application load balancers",
    service: "elasticloadbalancing",
    code: "L-53DA6B97",
    why: "A load balancer leads requests to the machines that are well.",
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

fn network(wish: &Wish, facts: &Facts) -> Check {
    match &wish.network {
        NetworkWish::New { cidr } => {
            let why = "A block that overlaps with another network can never be connected with it.";
            named("network", why, &facts.networks, |networks| fits(cidr, networks))
        }
        NetworkWish::Existing => {
            let why = "A network of yours is used as it is: we change nothing in it that we did not make.";
            let both = facts.networks.as_ref().map_err(Clone::clone);
            let both = both.and_then(|networks| Ok((networks, facts.zones.as_ref().map_err(Clone::clone)?)));
            named("network", why, &both, |(networks, zones)| {
                offered(wish, networks, zones)
            })
        }
    }
}

fn offered(wish: &Wish, networks: &[Network], zones: &[String]) -> CheckResult {
    match given_network::choose(networks, wish.profile, zones) {
        Ok(given) => {
            let chosen = given.public.iter().chain(&given.private);
            let ids: Vec<_> = chosen.map(|subnet| subnet.id.as_str()).collect();
            passed(format!(
                "{} has what the profile needs: {}",
                given.vpc,
                ids.join(", ")
            ))
        }
        Err(lacking) => failed(lacking.found, lacking.fix),
    }
}

/// A new network may have to be joined to those that the account's networks are joined to.
fn peerings(wish: &Wish, facts: &Facts) -> Check {
    let why =
        "Networks that yours are joined to would not be reached from a block that overlaps with theirs.";
    named("peerings", why, &facts.peers, |peers| match &wish.network {
        NetworkWish::Existing => passed("a network of yours is joined as you joined it".to_owned()),
        NetworkWish::New { cidr } => {
            let overlap = |peer: &&Peer| peer.blocks.iter().any(|block| block.overlaps(cidr));
            let Some(clash) = peers.iter().find(overlap) else {
                return passed(format!(
                    "{cidr} overlaps with none of {} joined networks",
                    peers.len()
                ));
            };
            let taken: Vec<Cidr> = peers.iter().flat_map(|peer| peer.blocks.clone()).collect();
            failed(
                format!("{cidr} overlaps with the peering {}", clash.id),
                another_block(cidr, &taken),
            )
        }
    })
}

fn another_block(cidr: &Cidr, taken: &[Cidr]) -> String {
    next_free(cidr, taken).map_or_else(
        || "No block of this size is free in 10.0.0.0/8; choose a smaller one.".to_owned(),
        |free| format!("Choose another block; the next free one is {free}."),
    )
}

/// A machine whose disk cannot be encrypted ends as soon as it starts.
fn encryption_key(facts: &Facts) -> Check {
    let why = "Disks are encrypted with the key that your account has set for new volumes.";
    named("encryption_key", why, &facts.volume_key, |key| match key {
        VolumeKey::Managed => passed("the key that AWS manages, alias/aws/ebs".to_owned()),
        VolumeKey::Own {
            key,
            state,
            denied_by,
        } => own_key(key, state, *denied_by),
    })
}

fn own_key(key: &str, state: &KeyState, denied_by: Option<Denier>) -> CheckResult {
    let default = "or set the default key of EBS encryption in the region to alias/aws/ebs.";
    match (state, denied_by) {
        (KeyState::Missing, _) => failed(
            format!("the key {key} is not there"),
            format!("Choose a key that is there, {default}"),
        ),
        (KeyState::Unusable { state }, _) => failed(
            format!("the key {key} is {state}"),
            format!("Enable the key {key}, {default}"),
        ),
        (KeyState::Enabled { .. }, Some(by)) => failed(
            format!("{} the use of the key {key}", by.words()),
            format!(
                "Let the role use the key through EC2 (kms:CreateGrant and kms:GenerateDataKeyWithoutPlaintext), {default}"
            ),
        ),
        (KeyState::Enabled { .. }, None) => passed(format!("the key {key} is enabled and usable")),
    }
}

fn service_roles(facts: &Facts, needs: Needs) -> Check {
    let why = "Auto Scaling and load balancing act in your account through roles of their own.";
    named("service_roles", why, &facts.service_roles, |roles| {
        if !needs.service_roles {
            return passed("the profile uses neither".to_owned());
        }
        let mut missing = roles.iter().filter(|role| !role.exists);
        if let Some(role) = missing.clone().find(|role| !role.may_create) {
            let fix = format!(
                "Update the role's stack with our template, or make {} yourself: aws iam create-service-linked-role.",
                role.name
            );
            return failed(
                format!("{} is not there and may not be made by us", role.name),
                fix,
            );
        }
        match missing.next() {
            None => passed("they are there".to_owned()),
            Some(role) => passed(format!("{} is not there yet; we let AWS make it", role.name)),
        }
    })
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
    failed(
        format!("{cidr} overlaps with {}", clash.id),
        another_block(cidr, &taken),
    )
}

fn permissions(facts: &Facts) -> Check {
    let why = "Each call is asked by dry run under the session policy it is made with.";
    named("permissions", why, &facts.permissions, |trials| {
        allowed(trials, "dry runs allowed")
    })
}

fn simulated(facts: &Facts) -> Check {
    let why = "Calls on things that are not there yet are asked of IAM's simulator, which does not know the policies of \
               your organisation.";
    named("simulated_permissions", why, &facts.simulated, |trials| {
        allowed(trials, "actions allowed by simulation")
    })
}

/// Names everything that is refused. Silence about one hides no refusal of another.
fn allowed(trials: &[Trial], words: &str) -> CheckResult {
    let refused = trials.iter().filter_map(|trial| match &trial.outcome {
        TrialOutcome::Refused { by } => Some(format!("{} {}", by.words(), trial.action)),
        TrialOutcome::Allowed | TrialOutcome::Unknown { .. } => None,
    });
    let refused: Vec<_> = refused.collect();
    if !refused.is_empty() {
        let fix = "Update the role's stack with our template, or ask your organisation for an exception.";
        return failed(refused.join("; "), fix.to_owned());
    }
    let unknown = trials.iter().find_map(|trial| match &trial.outcome {
        TrialOutcome::Unknown { reason } => Some(reason.clone()),
        TrialOutcome::Allowed | TrialOutcome::Refused { .. } => None,
    });
    match unknown {
        Some(reason) => CheckResult::Unknown { reason },
        None => passed(format!("{} {words}", trials.len())),
    }
}

#[cfg(test)]
#[path = "preflight_tests.rs"]
mod tests;
