//! One resource as it should be. Fields that name another resource hold its logical name.

use serde::{Deserialize, Serialize};

use super::{Kind, ROOT_VOLUME_GIB};

/// From where a security group admits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// From these address blocks.
    Blocks(Vec<String>),
    /// From members of another security group, by its logical name.
    Group(String),
}

/// Where a name leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leads {
    /// To an Elastic IP.
    Address(String),
    /// To a load balancer, and only while it has a healthy target.
    Balancer(String),
    /// Nowhere: it proves to ACM that the name is ours.
    Proof(String),
}

/// One resource as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(
    missing_docs,
    reason = "fields are the words of the AWS API reference, or logical names"
)]
pub enum Spec {
    /// DNS support and host names are always on.
    Vpc {
        cidr: String,
    },
    /// Attached to the VPC.
    InternetGateway {
        vpc: String,
    },
    /// `zone` counts the zones that are used, from 0. Public by its route, not by automatic addresses.
    Subnet {
        vpc: String,
        cidr: String,
        zone: usize,
    },
    /// With an instance it is associated with it; without one a NAT gateway takes it.
    ElasticIp {
        gateway: Option<String>,
        instance: Option<String>,
    },
    NatGateway {
        subnet: String,
        address: String,
        gateway: String,
    },
    /// Default route to `target`, a gateway; associated with the subnets.
    RouteTable {
        vpc: String,
        target: String,
        subnets: Vec<String>,
    },
    /// Gateway endpoint for S3 in the route tables.
    VpcEndpoint {
        vpc: String,
        route_tables: Vec<String>,
    },
    /// Admits one TCP port from one kind of source. `group_name` is unique in the VPC.
    SecurityGroup {
        vpc: String,
        group_name: String,
        port: i32,
        from: Source,
    },
    /// `IMDSv2` required, root volume encrypted. `egress` are the route tables by which it reaches out: it asks for
    /// its software while it starts.
    Instance {
        image: String,
        instance_type: String,
        subnet: String,
        security_group: String,
        egress: Vec<String>,
    },
    /// The same for the machines of a group.
    LaunchTemplate {
        template_name: String,
        image: String,
        instance_type: String,
        security_group: String,
    },
    /// Asked for their health every 10 s; two good answers bring a machine in, two bad ones take it out.
    TargetGroup {
        group_name: String,
        vpc: String,
        port: i32,
    },
    /// Proven through DNS.
    Certificate {
        domain: String,
    },
    DnsRecord {
        domain: String,
        leads: Leads,
    },
    /// Faces the internet and listens for HTTPS on 443.
    LoadBalancer {
        balancer_name: String,
        subnets: Vec<String>,
        security_group: String,
        target_group: String,
        certificate: String,
    },
    DbSubnetGroup {
        group_name: String,
        subnets: Vec<String>,
    },
    /// PostgreSQL, Multi-AZ, encrypted; its password is kept and turned by AWS Secrets Manager.
    Database {
        identifier: String,
        class: String,
        subnet_group: String,
        security_group: String,
    },
    /// Scales on CPU between `min` and `max`; replaces what the load balancer finds sick.
    AutoScalingGroup {
        group_name: String,
        launch_template: String,
        subnets: Vec<String>,
        target_group: String,
        egress: Vec<String>,
        min: i32,
        max: i32,
    },
}

impl Spec {
    /// The resource's kind.
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
            Self::TargetGroup { .. } => Kind::TargetGroup,
            Self::Certificate { .. } => Kind::Certificate,
            Self::DnsRecord { .. } => Kind::DnsRecord,
            Self::LoadBalancer { .. } => Kind::LoadBalancer,
            Self::DbSubnetGroup { .. } => Kind::DbSubnetGroup,
            Self::Database { .. } => Kind::Database,
            Self::AutoScalingGroup { .. } => Kind::AutoScalingGroup,
        }
    }

    /// Logical names of the resources that must be ready first.
    #[must_use]
    #[allow(clippy::too_many_lines, reason = "one arm for each kind")]
    pub fn depends_on(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        match self {
            Self::Vpc { .. } | Self::Certificate { .. } => {}
            Self::InternetGateway { vpc } | Self::Subnet { vpc, .. } | Self::TargetGroup { vpc, .. } => {
                names.push(vpc);
            }
            Self::ElasticIp { gateway, instance } => {
                names.extend(gateway.as_deref());
                names.extend(instance.as_deref());
            }
            Self::NatGateway {
                subnet,
                address,
                gateway,
            } => names.extend([subnet.as_str(), address, gateway]),
            Self::RouteTable { vpc, target, subnets } => {
                names.extend([vpc.as_str(), target]);
                names.extend(subnets.iter().map(String::as_str));
            }
            Self::VpcEndpoint { vpc, route_tables } => {
                names.push(vpc);
                names.extend(route_tables.iter().map(String::as_str));
            }
            Self::SecurityGroup { vpc, from, .. } => {
                names.push(vpc);
                if let Source::Group(group) = from {
                    names.push(group);
                }
            }
            Self::Instance {
                subnet,
                security_group,
                egress,
                ..
            } => {
                names.extend([subnet.as_str(), security_group]);
                names.extend(egress.iter().map(String::as_str));
            }
            Self::LaunchTemplate { security_group, .. } => names.push(security_group),
            Self::DnsRecord { leads, .. } => match leads {
                Leads::Address(name) | Leads::Balancer(name) => names.push(name),
                // A certificate is ready only once this record proves it: it must exist, not be ready.
                Leads::Proof(_) => {}
            },
            Self::LoadBalancer {
                subnets,
                security_group,
                target_group,
                certificate,
                ..
            } => {
                names.extend(subnets.iter().map(String::as_str));
                names.extend([security_group.as_str(), target_group, certificate]);
            }
            Self::DbSubnetGroup { subnets, .. } => names.extend(subnets.iter().map(String::as_str)),
            Self::Database {
                subnet_group,
                security_group,
                ..
            } => names.extend([subnet_group.as_str(), security_group]),
            Self::AutoScalingGroup {
                launch_template,
                subnets,
                target_group,
                egress,
                ..
            } => {
                names.extend([launch_template.as_str(), target_group]);
                names.extend(subnets.iter().chain(egress).map(String::as_str));
            }
        }
        names
    }

    /// The properties a person wants to see in a plan, as one line.
    #[must_use]
    pub fn summary(&self) -> String {
        match self {
            Self::Vpc { cidr } => cidr.clone(),
            Self::Subnet { cidr, zone, .. } => format!("{cidr}, zone {}", zone + 1),
            Self::InternetGateway { vpc } => format!("attached to {vpc}"),
            Self::ElasticIp {
                instance: Some(instance),
                ..
            } => format!("for {instance}"),
            Self::ElasticIp { instance: None, .. } => "for a NAT gateway".to_owned(),
            Self::NatGateway { subnet, .. } => format!("in {subnet}"),
            Self::RouteTable { target, .. } => format!("0.0.0.0/0 through {target}"),
            Self::VpcEndpoint { .. } => "S3, in every route table".to_owned(),
            Self::SecurityGroup { port, from, .. } => format!("TCP {port} from {}", from.summary()),
            Self::Instance { instance_type, .. } => {
                format!("{instance_type}, {ROOT_VOLUME_GIB} GiB encrypted")
            }
            Self::LaunchTemplate { instance_type, .. } => {
                format!("{instance_type}, {ROOT_VOLUME_GIB} GiB encrypted")
            }
            Self::TargetGroup { port, .. } => format!("HTTPS {port}, health every 10 s"),
            Self::Certificate { domain } => domain.clone(),
            Self::DnsRecord { domain, leads } => format!("{domain} {}", leads.summary()),
            Self::LoadBalancer { subnets, .. } => {
                format!("HTTPS 443 to the internet, in {} zones", subnets.len())
            }
            Self::DbSubnetGroup { subnets, .. } => subnets.join(", "),
            Self::Database { class, .. } => format!("PostgreSQL, {class}, Multi-AZ, encrypted"),
            Self::AutoScalingGroup {
                min, max, subnets, ..
            } => {
                format!("{min} to {max} machines in {} zones", subnets.len())
            }
        }
    }
}

impl Source {
    fn summary(&self) -> String {
        match self {
            Self::Blocks(blocks) if blocks.iter().any(|block| block == "0.0.0.0/0") => "anywhere".to_owned(),
            Self::Blocks(blocks) => blocks.join(", "),
            Self::Group(group) => group.clone(),
        }
    }
}

impl Leads {
    fn summary(&self) -> String {
        match self {
            Self::Address(name) | Self::Balancer(name) => format!("to {name}"),
            Self::Proof(name) => format!("proves {name}"),
        }
    }
}
