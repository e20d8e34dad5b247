//! What an account looks like: the facts that preflight judges.

use crate::cidr::Cidr;
use crate::proof::{Denier, Trial};

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
    /// What the tenant has tagged it for.
    pub purpose: Option<Purpose>,
    /// Where its default route leads.
    pub way_out: WayOut,
}

/// What a subnet of the tenant's network is for: its tag `tenantry:subnet`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// What faces the internet.
    Public,
    /// What only reaches it.
    Private,
}

impl Purpose {
    /// The value of the tag.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
        }
    }
}

/// Where a default route leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WayOut {
    /// There is none.
    None,
    /// To an internet gateway.
    Gateway,
    /// To a NAT gateway.
    Nat {
        /// The gateway's zone; none when it is being deleted.
        zone: Option<String>,
    },
    /// To something else.
    Other,
}

/// A network that one of the account's is joined to, in whatever account and region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// AWS's id of the peering.
    pub id: String,
    /// Blocks of both sides, as far as they are shown.
    pub blocks: Vec<Cidr>,
}

/// The state of an encryption key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It works.
    Enabled {
        /// Its ARN.
        arn: String,
    },
    /// It is disabled, about to be deleted, or the like.
    Unusable {
        /// AWS's word for it.
        state: String,
    },
    /// There is no such key.
    Missing,
}

/// What new volumes are encrypted with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VolumeKey {
    /// The key that AWS manages, which everybody in the account may use through EC2.
    Managed,
    /// One of the account's own.
    Own {
        /// As the account's setting names it.
        key: String,
        /// Its state.
        state: KeyState,
        /// Who keeps the role from using it, if somebody does.
        denied_by: Option<Denier>,
    },
}

/// A role that a service of AWS's needs in the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceRole {
    /// Such as `AWSServiceRoleForAutoScaling`.
    pub name: String,
    /// It is there.
    pub exists: bool,
    /// Our role may let AWS make it; only looked up where it is not there.
    pub may_create: bool,
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
    /// NAT gateways of the zone that has most of them.
    pub nat_gateways: Seen<Usage>,
    /// Application load balancers.
    pub load_balancers: Seen<Usage>,
    /// The account's networks in the region.
    pub networks: Seen<Vec<Network>>,
    /// What those are joined to.
    pub peers: Seen<Vec<Peer>>,
    /// What new volumes are encrypted with.
    pub volume_key: Seen<VolumeKey>,
    /// Roles of AWS's services.
    pub service_roles: Seen<Vec<ServiceRole>>,
    /// Dry runs of the calls that the work begins with.
    pub permissions: Seen<Vec<Trial>>,
    /// Every other call, by IAM's simulator.
    pub simulated: Seen<Vec<Trial>>,
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
            load_balancers: Err(reason()),
            networks: Err(reason()),
            peers: Err(reason()),
            volume_key: Err(reason()),
            service_roles: Err(reason()),
            permissions: Err(reason()),
            simulated: Err(reason()),
        }
    }
}
