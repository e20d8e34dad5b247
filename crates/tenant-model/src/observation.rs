//! What was found in an account: resources that carry our tags, as AWS describes them.
//!
//! The tag is the truth and a remembered id is a hint. But tags can be copied, so a found resource is
//! ours only if it carries the id of an intent that we recorded for that very name.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{blueprint::Kind, convergence::Machine};

/// Tag: which installation of Tenantry made it. Staging and production never sweep each other.
pub const TAG_INSTALL: &str = "tenantry:install";
/// Tag: whose it is.
pub const TAG_TENANT: &str = "tenantry:tenant";
/// Tag: of which deployment it is a part.
pub const TAG_DEPLOYMENT: &str = "tenantry:deployment";
/// Tag: its logical name there.
pub const TAG_RESOURCE: &str = "tenantry:resource";
/// Tag: the intent that made it.
pub const TAG_INTENT: &str = "tenantry:intent";

/// State of an instance, without the terminated ones: those are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceState {
    /// Starting.
    Pending,
    /// Up.
    Running,
    /// On its way to stopped.
    Stopping,
    /// Stopped.
    Stopped,
    /// On its way to gone.
    ShuttingDown,
}

/// How far AWS is with something that takes a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Being made or changed.
    UnderWay,
    /// Done.
    Ready,
    /// Being taken away.
    Ending,
    /// AWS gave up on it.
    Failed,
}

/// State of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseState {
    /// Answers.
    Available,
    /// Stopped.
    Stopped,
    /// Being deleted.
    Ending,
    /// Anything that passes by itself.
    UnderWay,
}

/// From whom a rule of a security group admits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Peer {
    /// An address block.
    Block(String),
    /// The members of a security group, by AWS's id.
    Group(String),
}

/// An ingress rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// AWS's id of the rule.
    pub id: String,
    /// `tcp`, `udp`, `-1` for all, ...
    pub protocol: String,
    /// First and last port.
    pub ports: Option<(i32, i32)>,
    /// From whom; none for something we do not use, such as a prefix list.
    pub from: Option<Peer>,
}

impl Rule {
    /// True when the rule admits exactly this TCP port from exactly this peer.
    #[must_use]
    pub fn admits(&self, port: i32, from: &Peer) -> bool {
        self.protocol == "tcp" && self.ports == Some((port, port)) && self.from.as_ref() == Some(from)
    }
}

/// Content of a DNS record.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// An address.
    A(String),
    /// An address that Route 53 takes from a load balancer, and only while a target is healthy.
    Alias {
        /// The load balancer's name.
        dns_name: String,
        /// Its hosted zone.
        zone_id: String,
    },
    /// Another name.
    Cname(String),
}

/// Machines that an Auto Scaling group holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fleet {
    /// Being deleted or refreshed, or at rest.
    pub progress: Progress,
    /// Fewest machines.
    pub min: i32,
    /// Most machines.
    pub max: i32,
    /// Version of the launch template that new machines are started from.
    pub version: i64,
    /// Whether our scaling policy is there.
    pub has_policy: bool,
    /// Machines it has, in whatever state.
    pub machines: usize,
    /// Machines that the load balancer finds healthy.
    pub healthy: usize,
    /// Why Auto Scaling could not do what it last tried.
    pub trouble: Option<String>,
    /// The version that the last refresh did not bring about, and why.
    pub refresh_failed: Option<(i64, String)>,
}

/// What is known of a resource beyond its id, as far as it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A VPC and its DNS attributes.
    Vpc {
        /// Names are resolved inside.
        dns_support: bool,
        /// Instances get names.
        dns_hostnames: bool,
    },
    /// An internet gateway and the VPC it is attached to.
    InternetGateway {
        /// The VPC's id.
        attached: Option<String>,
    },
    /// A subnet.
    Subnet {
        /// The zone it is in.
        zone: String,
    },
    /// An Elastic IP and what it is associated with.
    ElasticIp {
        /// The address.
        public_ip: String,
        /// Association id and instance id.
        association: Option<(String, Option<String>)>,
    },
    /// A NAT gateway.
    NatGateway {
        /// How far it is.
        progress: Progress,
    },
    /// A route table.
    RouteTable {
        /// Target of 0.0.0.0/0.
        default_route: Option<String>,
        /// Association id and subnet id, without the main association.
        associations: Vec<(String, String)>,
    },
    /// A gateway endpoint.
    VpcEndpoint {
        /// How far it is.
        progress: Progress,
        /// Ids of its route tables.
        tables: Vec<String>,
    },
    /// A security group.
    SecurityGroup {
        /// Its ingress rules.
        rules: Vec<Rule>,
    },
    /// An instance.
    Instance {
        /// Its state.
        state: InstanceState,
        /// Its size.
        instance_type: String,
    },
    /// A launch template.
    LaunchTemplate {
        /// Number of its newest version.
        version: i64,
        /// What that starts.
        machine: Machine,
    },
    /// A target group.
    TargetGroup,
    /// A certificate.
    Certificate {
        /// Ready when it is issued.
        progress: Progress,
        /// Name and value of the CNAME record that proves it.
        proof: Option<(String, String)>,
    },
    /// A record in the ISV's zone.
    DnsRecord {
        /// Its name.
        domain: String,
        /// Its content.
        record: Record,
    },
    /// A load balancer.
    LoadBalancer {
        /// How far it is.
        progress: Progress,
        /// Its name in DNS.
        dns_name: String,
        /// The hosted zone of that name.
        zone_id: String,
        /// ARN of the listener on 443.
        listener: Option<String>,
    },
    /// A group of subnets for databases.
    DbSubnetGroup,
    /// A database.
    Database {
        /// Its state.
        state: DatabaseState,
    },
    /// An Auto Scaling group.
    AutoScalingGroup(Fleet),
}

impl Shape {
    /// Kind of the resource.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Vpc { .. } => Kind::Vpc,
            Self::InternetGateway { .. } => Kind::InternetGateway,
            Self::Subnet { .. } => Kind::Subnet,
            Self::ElasticIp { .. } => Kind::ElasticIp,
            Self::NatGateway { .. } => Kind::NatGateway,
            Self::RouteTable { .. } => Kind::RouteTable,
            Self::VpcEndpoint { .. } => Kind::VpcEndpoint,
            Self::SecurityGroup { .. } => Kind::SecurityGroup,
            Self::Instance { .. } => Kind::Instance,
            Self::LaunchTemplate { .. } => Kind::LaunchTemplate,
            Self::TargetGroup => Kind::TargetGroup,
            Self::Certificate { .. } => Kind::Certificate,
            Self::DnsRecord { .. } => Kind::DnsRecord,
            Self::LoadBalancer { .. } => Kind::LoadBalancer,
            Self::DbSubnetGroup => Kind::DbSubnetGroup,
            Self::Database { .. } => Kind::Database,
            Self::AutoScalingGroup(_) => Kind::AutoScalingGroup,
        }
    }
}

/// One resource that carries the tag of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// AWS's id, for an Elastic IP the allocation id.
    pub aws_id: String,
    /// Its logical name, by tag.
    pub name: String,
    /// The intent that made it, by tag; none when the tag is missing or no UUID.
    pub intent: Option<Uuid>,
    /// What it looks like.
    pub shape: Shape,
}

/// What to do with the resources found under one logical name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claimed<'a> {
    /// The one that counts.
    pub kept: Option<&'a Found>,
    /// Ours as well, by a lost answer: to be deleted.
    pub twins: Vec<&'a Found>,
    /// Under our tags, but not made by us: never touched.
    pub foreign: Vec<&'a Found>,
}

/// Sorts what was found under one name. The recorded id wins; without one the smallest id does, so
/// that two workers choose alike.
#[must_use]
pub fn claim<'a>(
    recorded: Option<&str>,
    intents: &BTreeSet<Uuid>,
    found: impl IntoIterator<Item = &'a Found>,
) -> Claimed<'a> {
    let is_ours = |one: &Found| {
        recorded == Some(one.aws_id.as_str()) || one.intent.is_some_and(|id| intents.contains(&id))
    };
    let (mut ours, foreign): (Vec<_>, Vec<_>) = found.into_iter().partition(|one| is_ours(one));
    ours.sort_by_key(|one| (recorded != Some(one.aws_id.as_str()), one.aws_id.as_str()));
    let mut ours = ours.into_iter();
    Claimed {
        kept: ours.next(),
        twins: ours.collect(),
        foreign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(aws_id: &str, intent: Option<u128>) -> Found {
        Found {
            aws_id: aws_id.to_owned(),
            name: "subnet".to_owned(),
            intent: intent.map(Uuid::from_u128),
            shape: Shape::TargetGroup,
        }
    }

    fn ids(found: &[&Found]) -> Vec<String> {
        found.iter().map(|one| one.aws_id.clone()).collect()
    }

    #[test]
    fn only_what_carries_an_intent_of_ours_is_claimed() {
        let intents = BTreeSet::from([Uuid::from_u128(1), Uuid::from_u128(2)]);
        let all = [
            found("b", Some(1)),
            found("a", Some(2)),
            found("c", Some(9)),
            found("d", None),
        ];
        type Row<'a> = (Option<&'a str>, Option<&'a str>, &'a [&'a str], &'a [&'a str]);
        let rows: [Row<'_>; 3] = [
            (None, Some("a"), &["b"], &["c", "d"]),
            (Some("b"), Some("b"), &["a"], &["c", "d"]),
            // Recorded once by its answer, though its tag was taken away since.
            (Some("d"), Some("d"), &["a", "b"], &["c"]),
        ];
        for (recorded, kept, twins, foreign) in rows {
            let claimed = claim(recorded, &intents, &all);
            assert_eq!(claimed.kept.map(|one| one.aws_id.as_str()), kept, "{recorded:?}");
            assert_eq!(ids(&claimed.twins), twins, "{recorded:?}");
            assert_eq!(ids(&claimed.foreign), foreign, "{recorded:?}");
        }
        assert_eq!(claim(Some("x"), &intents, []), Claimed::default());
    }
}
