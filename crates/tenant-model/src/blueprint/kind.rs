//! Kinds of resources that we make in a tenant's account.

use serde::{Deserialize, Serialize};

/// Kinds of resources we make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A network of its own.
    Vpc,
    /// The network's door to the internet.
    InternetGateway,
    /// A part of the network, in one zone.
    Subnet,
    /// A fixed public address.
    ElasticIp,
    /// The way out of the private subnets of a zone.
    NatGateway,
    /// Where a subnet's packets go.
    RouteTable,
    /// The way to S3 that does not leave AWS.
    VpcEndpoint,
    /// Who may connect.
    SecurityGroup,
    /// The machine.
    Instance,
    /// What a machine of a group is started from.
    LaunchTemplate,
    /// The machines that a load balancer sends to.
    TargetGroup,
    /// Proof of the endpoint's name.
    Certificate,
    /// A name in the ISV's zone.
    DnsRecord,
    /// Spreads requests over zones.
    LoadBalancer,
    /// Where a database may stand.
    DbSubnetGroup,
    /// The database, with a standby in another zone.
    Database,
    /// Keeps the machines at their number.
    AutoScalingGroup,
}

/// All kinds, in an order in which they depend on each other.
pub const KINDS: [Kind; 17] = [
    Kind::Vpc,
    Kind::InternetGateway,
    Kind::Subnet,
    Kind::ElasticIp,
    Kind::NatGateway,
    Kind::RouteTable,
    Kind::VpcEndpoint,
    Kind::SecurityGroup,
    Kind::Instance,
    Kind::LaunchTemplate,
    Kind::TargetGroup,
    Kind::Certificate,
    Kind::DnsRecord,
    Kind::LoadBalancer,
    Kind::DbSubnetGroup,
    Kind::Database,
    Kind::AutoScalingGroup,
];

impl Kind {
    /// Stable name in the database and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vpc => "vpc",
            Self::InternetGateway => "internet_gateway",
            Self::Subnet => "subnet",
            Self::ElasticIp => "elastic_ip",
            Self::NatGateway => "nat_gateway",
            Self::RouteTable => "route_table",
            Self::VpcEndpoint => "vpc_endpoint",
            Self::SecurityGroup => "security_group",
            Self::Instance => "instance",
            Self::LaunchTemplate => "launch_template",
            Self::TargetGroup => "target_group",
            Self::Certificate => "certificate",
            Self::DnsRecord => "dns_record",
            Self::LoadBalancer => "load_balancer",
            Self::DbSubnetGroup => "db_subnet_group",
            Self::Database => "database",
            Self::AutoScalingGroup => "auto_scaling_group",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        KINDS.into_iter().find(|kind| kind.name() == name)
    }

    /// Why it is there, for the person who reads the plan.
    #[must_use]
    pub const fn why(self) -> &'static str {
        match self {
            Self::Vpc => "a network of its own, apart from everything else in your account",
            Self::InternetGateway => "lets the network reach the internet",
            Self::Subnet => "a part of the network, in one zone",
            Self::ElasticIp => "an address that stays when what has it is replaced",
            Self::NatGateway => "lets the machines of a zone reach out, and nobody in",
            Self::RouteTable => "sends a subnet's traffic on its way",
            Self::VpcEndpoint => "traffic with S3 stays inside AWS and costs nothing",
            Self::SecurityGroup => "admits one port from where it must, and nothing else",
            Self::Instance => "runs the data platform, with an encrypted disk",
            Self::LaunchTemplate => "what each machine is started from",
            Self::TargetGroup => "the machines that are asked for their health",
            Self::Certificate => "proves the endpoint's name to whoever connects",
            Self::DnsRecord => "a name in our zone that leads to your platform",
            Self::LoadBalancer => "sends requests to healthy machines in either zone",
            Self::DbSubnetGroup => "the private subnets in which the database may stand",
            Self::Database => "the platform's catalogue, with a standby in the other zone",
            Self::AutoScalingGroup => "keeps machines running in both zones and replaces sick ones",
        }
    }

    /// True when it holds data: it is never replaced without a plan that says so.
    #[must_use]
    pub const fn is_stateful(self) -> bool {
        matches!(self, Self::Instance | Self::Database)
    }

    /// True when it stands in the ISV's own account instead of the tenant's.
    #[must_use]
    pub const fn is_ours(self) -> bool {
        matches!(self, Self::DnsRecord)
    }
}
