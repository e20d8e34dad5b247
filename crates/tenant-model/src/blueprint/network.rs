//! The network of a deployment: a new one, or one of the tenant's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Resource, Spec, resource};
use crate::cidr::Cidr;

/// In which network a deployment stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkChoice {
    /// One that we make.
    New {
        /// Its address block, /16 to [`PREFIX_MAX`].
        cidr: Cidr,
    },
    /// One of the tenant's, tagged for us. We change nothing in it that we did not make.
    Existing {
        /// The VPC's id.
        vpc: String,
        /// Ids of its public subnets, one for each zone.
        public_subnets: Vec<String>,
        /// Ids of its private subnets, in the same zones.
        private_subnets: Vec<String>,
    },
}

/// The smallest network that holds four subnets in which a load balancer may stand.
pub const PREFIX_MAX: u8 = 22;
/// The block of a network for which none was chosen.
pub const DEFAULT_CIDR: &str = "10.42.0.0/16";

impl Default for NetworkChoice {
    fn default() -> Self {
        Self::New {
            cidr: DEFAULT_CIDR.parse().expect("the default is a block"),
        }
    }
}

/// Logical names of the public subnets, zone by zone.
pub(super) const PUBLIC: [&str; 2] = ["subnet", "subnet-b"];
/// Logical names of the private subnets, zone by zone.
pub(super) const PRIVATE: [&str; 2] = ["private-subnet-a", "private-subnet-b"];
/// Logical name of the public subnets' route table.
pub(super) const PUBLIC_ROUTES: &str = "route-table";
/// Logical names of the private subnets' route tables, zone by zone.
pub(super) const PRIVATE_ROUTES: [&str; 2] = ["private-route-table-a", "private-route-table-b"];
/// Logical name of the internet gateway.
pub(super) const GATEWAY: &str = "internet-gateway";

/// The public part: the VPC, its gateway, a public subnet in each of `zones` zones, and their route.
pub(super) fn public(cidr: &Cidr, zones: usize) -> Vec<Resource> {
    let vpc = || "vpc".to_owned();
    let mut resources = vec![
        resource(
            "vpc",
            Spec::Vpc {
                cidr: cidr.to_string(),
            },
        ),
        resource(GATEWAY, Spec::InternetGateway { vpc: vpc() }),
    ];
    for (zone, name) in PUBLIC.into_iter().enumerate().take(zones) {
        resources.push(subnet(name, cidr, (zone, zone)));
    }
    resources.push(resource(
        PUBLIC_ROUTES,
        Spec::RouteTable {
            vpc: vpc(),
            target: GATEWAY.to_owned(),
            subnets: PUBLIC.into_iter().take(zones).map(str::to_owned).collect(),
        },
    ));
    resources
}

/// The private part of two zones: subnets, and in each zone its own way out.
pub(super) fn private(cidr: &Cidr) -> Vec<Resource> {
    let mut resources = Vec::new();
    for (zone, letter) in ["a", "b"].into_iter().enumerate() {
        let (address, nat) = (format!("nat-address-{letter}"), format!("nat-gateway-{letter}"));
        resources.push(subnet(PRIVATE[zone], cidr, (zone, zone + 2)));
        resources.push(resource(
            &address,
            Spec::ElasticIp {
                gateway: Some(GATEWAY.to_owned()),
                instance: None,
            },
        ));
        resources.push(resource(
            &nat,
            Spec::NatGateway {
                subnet: PUBLIC[zone].to_owned(),
                address,
                gateway: GATEWAY.to_owned(),
            },
        ));
        resources.push(resource(
            PRIVATE_ROUTES[zone],
            Spec::RouteTable {
                vpc: "vpc".to_owned(),
                target: nat,
                subnets: vec![PRIVATE[zone].to_owned()],
            },
        ));
    }
    resources.push(s3_endpoint());
    resources
}

fn s3_endpoint() -> Resource {
    let tables = [PUBLIC_ROUTES, PRIVATE_ROUTES[0], PRIVATE_ROUTES[1]];
    resource(
        "s3-endpoint",
        Spec::VpcEndpoint {
            vpc: "vpc".to_owned(),
            route_tables: tables.map(str::to_owned).to_vec(),
        },
    )
}

fn subnet(name: &str, cidr: &Cidr, (zone, part): (usize, usize)) -> Resource {
    resource(
        name,
        Spec::Subnet {
            vpc: "vpc".to_owned(),
            cidr: cidr.part(part).to_string(),
            zone,
        },
    )
}

/// Names with the AWS ids that an existing network gives them.
pub(super) fn given(network: &NetworkChoice) -> BTreeMap<String, String> {
    let NetworkChoice::Existing {
        vpc,
        public_subnets,
        private_subnets,
    } = network
    else {
        return BTreeMap::new();
    };
    let named = PUBLIC
        .into_iter()
        .zip(public_subnets)
        .chain(PRIVATE.into_iter().zip(private_subnets));
    named
        .chain([("vpc", vpc)])
        .map(|(name, id)| (name.to_owned(), id.clone()))
        .collect()
}
