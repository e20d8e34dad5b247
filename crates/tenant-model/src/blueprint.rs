//! What a profile compiles to: a list of resources with their dependencies.
//!
//! Compiling is a plain function, so that a plan shown to a person and the work done later come from
//! the same lines. References between resources are logical names; AWS ids are found at work.

use serde::{Deserialize, Serialize};

use crate::deployment::{Profile, Region};

/// Address block of a deployment's VPC.
pub const VPC_CIDR: &str = "10.42.0.0/16";
/// Address block of its one subnet.
pub const SUBNET_CIDR: &str = "10.42.0.0/24";
/// Size of the instance's root volume.
pub const ROOT_VOLUME_GIB: i32 = 30;

/// What a person chooses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Design {
    /// The sequence of resources.
    pub profile: Profile,
    /// Where.
    pub region: Region,
    /// Size of the instance, one of the price table's.
    pub instance_type: String,
    /// Name of the release's machine image; every region has its own id for it.
    pub image: String,
}

/// Kinds of resources we make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A network of its own.
    Vpc,
    /// The network's door to the internet.
    InternetGateway,
    /// A part of the network.
    Subnet,
    /// Where the subnet's packets go.
    RouteTable,
    /// Who may connect.
    SecurityGroup,
    /// The machine.
    Instance,
    /// The machine's fixed address.
    ElasticIp,
}

/// All kinds, in the order in which they depend on each other.
pub const KINDS: [Kind; 7] = [
    Kind::Vpc,
    Kind::InternetGateway,
    Kind::Subnet,
    Kind::RouteTable,
    Kind::SecurityGroup,
    Kind::Instance,
    Kind::ElasticIp,
];

impl Kind {
    /// Stable name in the database and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vpc => "vpc",
            Self::InternetGateway => "internet_gateway",
            Self::Subnet => "subnet",
            Self::RouteTable => "route_table",
            Self::SecurityGroup => "security_group",
            Self::Instance => "instance",
            Self::ElasticIp => "elastic_ip",
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
            Self::Subnet => "the part of the network in which the machine stands",
            Self::RouteTable => "sends the subnet's traffic through the gateway",
            Self::SecurityGroup => "admits HTTPS and nothing else",
            Self::Instance => "runs the data platform, with an encrypted disk",
            Self::ElasticIp => "an address that stays when the machine is replaced",
        }
    }
}

/// One resource as it should be. Fields that name another resource hold its logical name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Spec {
    /// DNS support and host names are always on.
    Vpc {
        /// Address block.
        cidr: String,
    },
    /// Attached to the VPC.
    InternetGateway {
        /// The VPC.
        vpc: String,
    },
    /// Public by its route, not by automatic addresses.
    Subnet {
        /// The VPC.
        vpc: String,
        /// Address block.
        cidr: String,
    },
    /// Default route through the gateway, associated with the subnet.
    RouteTable {
        /// The VPC.
        vpc: String,
        /// Where 0.0.0.0/0 goes.
        gateway: String,
        /// The subnet that uses it.
        subnet: String,
    },
    /// Admits one TCP port from anywhere.
    SecurityGroup {
        /// The VPC.
        vpc: String,
        /// Unique in the VPC.
        group_name: String,
        /// The open port.
        port: i32,
    },
    /// IMDSv2 required, root volume encrypted.
    Instance {
        /// Name of the machine image.
        image: String,
        /// Size.
        instance_type: String,
        /// Where it stands.
        subnet: String,
        /// Who may connect.
        security_group: String,
    },
    /// Associated with the instance, which needs a network with a way out.
    ElasticIp {
        /// The instance.
        instance: String,
        /// The network's gateway.
        gateway: String,
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
            Self::RouteTable { .. } => Kind::RouteTable,
            Self::SecurityGroup { .. } => Kind::SecurityGroup,
            Self::Instance { .. } => Kind::Instance,
            Self::ElasticIp { .. } => Kind::ElasticIp,
        }
    }

    /// Logical names of the resources that must be ready first.
    #[must_use]
    pub fn depends_on(&self) -> Vec<&str> {
        match self {
            Self::Vpc { .. } => vec![],
            Self::InternetGateway { vpc } | Self::Subnet { vpc, .. } | Self::SecurityGroup { vpc, .. } => {
                vec![vpc]
            }
            Self::RouteTable { vpc, gateway, subnet } => vec![vpc, gateway, subnet],
            Self::Instance {
                subnet,
                security_group,
                ..
            } => vec![subnet, security_group],
            Self::ElasticIp { instance, gateway } => vec![instance, gateway],
        }
    }

    /// The properties a person wants to see in a plan, as one line.
    #[must_use]
    pub fn summary(&self) -> String {
        match self {
            Self::Vpc { cidr } | Self::Subnet { cidr, .. } => cidr.clone(),
            Self::InternetGateway { vpc } => format!("attached to {vpc}"),
            Self::RouteTable { gateway, .. } => format!("0.0.0.0/0 through {gateway}"),
            Self::SecurityGroup { port, .. } => format!("TCP {port} from anywhere"),
            Self::Instance { instance_type, .. } => {
                format!("{instance_type}, {ROOT_VOLUME_GIB} GiB encrypted")
            }
            Self::ElasticIp { instance, .. } => format!("for {instance}"),
        }
    }
}

/// A resource with its logical name, unique in the deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Logical name.
    pub name: String,
    /// What it should be.
    pub spec: Spec,
}

/// What a design compiles to. Resources stand after everything they depend on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blueprint {
    /// What was chosen.
    pub design: Design,
    /// What is made of it.
    pub resources: Vec<Resource>,
}

impl Blueprint {
    /// Compiles a design.
    #[must_use]
    pub fn compile(design: Design) -> Self {
        let resources = match design.profile {
            Profile::Single => single(&design),
        };
        Self { design, resources }
    }

    /// The resource of that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.name == name)
    }

    /// Names of the resources that depend directly on `name`.
    pub fn dependents<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.resources
            .iter()
            .filter(move |resource| resource.spec.depends_on().contains(&name))
            .map(|resource| resource.name.as_str())
    }
}

fn single(design: &Design) -> Vec<Resource> {
    let vpc = || "vpc".to_owned();
    let resource = |name: &str, spec| Resource {
        name: name.to_owned(),
        spec,
    };
    vec![
        resource(
            "vpc",
            Spec::Vpc {
                cidr: VPC_CIDR.to_owned(),
            },
        ),
        resource("internet-gateway", Spec::InternetGateway { vpc: vpc() }),
        resource(
            "subnet",
            Spec::Subnet {
                vpc: vpc(),
                cidr: SUBNET_CIDR.to_owned(),
            },
        ),
        resource(
            "route-table",
            Spec::RouteTable {
                vpc: vpc(),
                gateway: "internet-gateway".to_owned(),
                subnet: "subnet".to_owned(),
            },
        ),
        resource(
            "security-group",
            Spec::SecurityGroup {
                vpc: vpc(),
                group_name: "tenantry-platform".to_owned(),
                port: 443,
            },
        ),
        resource(
            "instance",
            Spec::Instance {
                image: design.image.clone(),
                instance_type: design.instance_type.clone(),
                subnet: "subnet".to_owned(),
                security_group: "security-group".to_owned(),
            },
        ),
        resource(
            "elastic-ip",
            Spec::ElasticIp {
                instance: "instance".to_owned(),
                gateway: "internet-gateway".to_owned(),
            },
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blueprint() -> Blueprint {
        Blueprint::compile(Design {
            profile: Profile::Single,
            region: "eu-central-1".parse().expect("a region"),
            instance_type: "t3.medium".to_owned(),
            image: "al2023".to_owned(),
        })
    }

    #[test]
    fn every_resource_stands_after_what_it_depends_on() {
        let blueprint = blueprint();
        let mut seen: Vec<&str> = Vec::new();
        for resource in &blueprint.resources {
            for name in resource.spec.depends_on() {
                assert!(seen.contains(&name), "{} before {name}", resource.name);
            }
            assert!(!seen.contains(&resource.name.as_str()), "{} twice", resource.name);
            seen.push(&resource.name);
        }
        assert_eq!(
            blueprint
                .resources
                .iter()
                .map(|r| r.spec.kind())
                .collect::<Vec<_>>(),
            KINDS
        );
    }

    #[test]
    fn dependents_are_the_mirror_of_depends_on() {
        let blueprint = blueprint();
        let of = |name| blueprint.dependents(name).collect::<Vec<_>>();
        assert_eq!(of("subnet"), ["route-table", "instance"]);
        assert_eq!(of("elastic-ip"), Vec::<&str>::new());
    }

    #[test]
    fn a_blueprint_survives_its_stored_form() {
        let blueprint = blueprint();
        let stored = serde_json::to_value(&blueprint).expect("serializable");
        assert_eq!(
            serde_json::from_value::<Blueprint>(stored).expect("readable"),
            blueprint
        );
    }
}
