//! What an account has in a region, and what the region offers: the facts that preflight judges.
//!
//! Sources: EC2 API reference, the `Describe` actions named in each function.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{
    Filter, InstanceStateName, InstanceType, LocationType, NatGateway, RouteTable, Subnet as Ec2Subnet,
    VCpuInfo, Vpc, VpcAttributeName, VpcPeeringConnection,
};
use tenant_model::ids::TenantId;
use tenant_model::observation::TAG_TENANT;
use tenant_model::preflight::{Network, Peer, Purpose, Subnet, WayOut};

use super::{Ec2, tag};
use crate::AwsError;

/// A tenant's word that a VPC of its own may be used.
const TAG_USE: &str = "tenantry:use";
/// What a subnet of such a VPC is for.
const TAG_SUBNET: &str = "tenantry:subnet";
/// The alias of the key that AWS manages for volumes.
const MANAGED_KEY: &str = "alias/aws/ebs";
/// Most things read of one kind; an account with more is answered by what was read.
const READ_MAX: usize = 5_000;

/// Reads a paginated list to its end, at most [`READ_MAX`] items.
macro_rules! all {
    ($request:expr) => {{
        let mut pages = $request.into_paginator().items().send();
        let mut items = Vec::new();
        while let Some(item) = pages.next().await {
            items.push(item?);
            if items.len() == READ_MAX {
                break;
            }
        }
        items
    }};
}

impl Ec2 {
    /// Zones of the region that offer an instance type, sorted.
    ///
    /// # Errors
    /// Any failure of `DescribeInstanceTypeOfferings`.
    pub async fn zones_offering(&self, instance_type: &str) -> Result<Vec<String>, AwsError> {
        let by_type = Filter::builder()
            .name("instance-type")
            .values(instance_type)
            .build();
        let request = self.reads.describe_instance_type_offerings();
        let offers = all!(
            request
                .location_type(LocationType::AvailabilityZone)
                .filters(by_type)
        );
        let mut zones: Vec<_> = offers.into_iter().filter_map(|offer| offer.location).collect();
        zones.sort_unstable();
        Ok(zones)
    }

    /// vCPUs of one instance of a type.
    ///
    /// # Errors
    /// Any failure of `DescribeInstanceTypes`, an unknown type among them.
    pub async fn vcpus_of(&self, instance_type: &str) -> Result<u64, AwsError> {
        let request = self.reads.describe_instance_types();
        let reply = request
            .instance_types(InstanceType::from(instance_type))
            .send()
            .await?;
        reply
            .instance_types()
            .first()
            .and_then(|found| found.v_cpu_info())
            .and_then(VCpuInfo::default_v_cpus)
            .and_then(|vcpus| u64::try_from(vcpus).ok())
            .ok_or_else(|| AwsError::incomplete("vCPUs"))
    }

    /// vCPUs of the standard instances that run or are about to (EC2 user guide, "On-Demand Instance quotas").
    ///
    /// # Errors
    /// Any failure of `DescribeInstances` or `DescribeInstanceTypes`.
    pub async fn vcpus_running(&self) -> Result<u64, AwsError> {
        let mut running: BTreeMap<String, u64> = BTreeMap::new();
        for reservation in all!(self.reads.describe_instances()) {
            for instance in reservation.instances() {
                let state = instance.state().and_then(|state| state.name());
                let counts = matches!(
                    state,
                    Some(InstanceStateName::Running | InstanceStateName::Pending)
                );
                let name = instance.instance_type().map_or("", InstanceType::as_str);
                if counts && is_standard(name) {
                    *running.entry(name.to_owned()).or_default() += 1;
                }
            }
        }
        let mut vcpus = 0;
        for (name, count) in running {
            vcpus += count * self.vcpus_of(&name).await?;
        }
        Ok(vcpus)
    }

    /// Elastic IP addresses that the account holds.
    ///
    /// # Errors
    /// Any failure of `DescribeAddresses`.
    pub async fn count_addresses(&self) -> Result<u64, AwsError> {
        let reply = self.reads.describe_addresses().send().await?;
        Ok(count(reply.addresses().len()))
    }

    /// NAT gateways that exist or are being made.
    ///
    /// # Errors
    /// Any failure of `DescribeNatGateways`.
    pub async fn count_nat_gateways(&self) -> Result<u64, AwsError> {
        Ok(count(self.live_nat_gateways().await?.len()))
    }

    async fn live_nat_gateways(&self) -> Result<Vec<NatGateway>, AwsError> {
        let live = Filter::builder()
            .name("state")
            .values("pending")
            .values("available")
            .build();
        Ok(all!(self.reads.describe_nat_gateways().filter(live)))
    }

    /// The account's networks with their subnets.
    ///
    /// # Errors
    /// Any failure of `DescribeVpcs`, `DescribeSubnets`, `DescribeRouteTables`, `DescribeNatGateways` or
    /// `DescribeVpcAttribute`.
    pub async fn networks(&self, tenant_id: TenantId) -> Result<Vec<Network>, AwsError> {
        let subnets = all!(self.reads.describe_subnets());
        let ways = Ways {
            zones: zones_of(&subnets),
            tables: all!(self.reads.describe_route_tables()),
            nats: self.live_nat_gateways().await?,
        };
        let mut networks = Vec::new();
        for vpc in all!(self.reads.describe_vpcs()) {
            let mut network = network(&vpc, tenant_id);
            if network.offered {
                let (support, hostnames) = (
                    VpcAttributeName::EnableDnsSupport,
                    VpcAttributeName::EnableDnsHostnames,
                );
                network.dns = self.vpc_attribute(&network.id, support).await?
                    && self.vpc_attribute(&network.id, hostnames).await?;
            }
            let own = subnets
                .iter()
                .filter(|subnet| subnet.vpc_id() == Some(&network.id));
            network.subnets = own.map(|found| subnet(found, &ways)).collect();
            networks.push(network);
        }
        Ok(networks)
    }

    /// Networks that the account's own are joined to, in whatever account and region.
    ///
    /// # Errors
    /// Any failure of `DescribeVpcPeeringConnections`.
    pub async fn peers(&self) -> Result<Vec<Peer>, AwsError> {
        let live = Filter::builder()
            .name("status-code")
            .values("active")
            .values("provisioning")
            .values("pending-acceptance")
            .build();
        let found = all!(self.reads.describe_vpc_peering_connections().filters(live));
        Ok(found.iter().map(peer).collect())
    }

    /// The key that new volumes are encrypted with; none for the one that AWS manages.
    ///
    /// # Errors
    /// Any failure of `GetEbsDefaultKmsKeyId`.
    pub async fn own_volume_key(&self) -> Result<Option<String>, AwsError> {
        let reply = self.reads.get_ebs_default_kms_key_id().send().await?;
        let key = reply.kms_key_id.ok_or_else(|| AwsError::incomplete("key"))?;
        Ok((!key.ends_with(MANAGED_KEY)).then_some(key))
    }
}

fn count(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}

/// The families that share the quota of standard instances: A, C, D, H, I, M, R, T, Z.
fn is_standard(instance_type: &str) -> bool {
    let family = instance_type.split('.').next().unwrap_or_default();
    let special = ["dl", "inf", "hpc", "trn", "mac"]
        .iter()
        .any(|other| family.starts_with(other));
    let standard = family.starts_with(['a', 'c', 'd', 'h', 'i', 'm', 'r', 't', 'z']);
    standard && !special
}

fn network(vpc: &Vpc, tenant_id: TenantId) -> Network {
    let tenant = tenant_id.to_string();
    let associated = vpc.cidr_block_association_set().iter();
    let blocks = associated
        .filter_map(|one| one.cidr_block())
        .chain(vpc.cidr_block());
    let mut blocks: Vec<_> = blocks.filter_map(|text| text.parse().ok()).collect();
    blocks.dedup();
    Network {
        id: vpc.vpc_id().unwrap_or_default().to_owned(),
        blocks,
        ours: tag(vpc.tags(), TAG_TENANT) == Some(&tenant),
        offered: tag(vpc.tags(), TAG_USE) == Some(&tenant),
        dns: false,
        subnets: Vec::new(),
    }
}

fn zones_of(subnets: &[Ec2Subnet]) -> BTreeMap<String, String> {
    let zone = |subnet: &Ec2Subnet| {
        let zone = subnet.availability_zone()?.to_owned();
        Some((subnet.subnet_id()?.to_owned(), zone))
    };
    subnets.iter().filter_map(zone).collect()
}

/// What a subnet's traffic can take.
struct Ways {
    /// Zones of subnets.
    zones: BTreeMap<String, String>,
    tables: Vec<RouteTable>,
    nats: Vec<NatGateway>,
}

fn subnet(found: &Ec2Subnet, ways: &Ways) -> Subnet {
    let free = found.available_ip_address_count().unwrap_or(0);
    let purpose = match tag(found.tags(), TAG_SUBNET) {
        Some("public") => Some(Purpose::Public),
        Some("private") => Some(Purpose::Private),
        _ => None,
    };
    Subnet {
        id: found.subnet_id().unwrap_or_default().to_owned(),
        zone: found.availability_zone().unwrap_or_default().to_owned(),
        free_addresses: u32::try_from(free).unwrap_or(0),
        purpose,
        way_out: table_of(found, &ways.tables).map_or(WayOut::None, |table| way_out(table, ways)),
    }
}

/// The other side of a peering: a side that the account does not see names no blocks.
fn peer(found: &VpcPeeringConnection) -> Peer {
    let sides = [found.accepter_vpc_info(), found.requester_vpc_info()];
    let blocks = sides.into_iter().flatten().flat_map(|side| {
        let set = side.cidr_block_set().iter().filter_map(|one| one.cidr_block());
        set.chain(side.cidr_block())
    });
    let mut blocks: Vec<_> = blocks.filter_map(|text| text.parse().ok()).collect();
    blocks.dedup();
    Peer {
        id: found.vpc_peering_connection_id().unwrap_or_default().to_owned(),
        blocks,
    }
}

/// The subnet's own table, else the VPC's main one (VPC user guide, "Subnet route tables").
fn table_of<'a>(subnet: &Ec2Subnet, tables: &'a [RouteTable]) -> Option<&'a RouteTable> {
    let own = |table: &&RouteTable| {
        let mut associations = table.associations().iter();
        associations.any(|one| one.subnet_id().is_some() && one.subnet_id() == subnet.subnet_id())
    };
    let main = |table: &&RouteTable| {
        let mut associations = table.associations().iter();
        table.vpc_id() == subnet.vpc_id() && associations.any(|one| one.main() == Some(true))
    };
    tables.iter().find(own).or_else(|| tables.iter().find(main))
}

/// Where the default route leads.
fn way_out(table: &RouteTable, ways: &Ways) -> WayOut {
    let mut routes = table.routes().iter();
    let Some(route) = routes.find(|route| route.destination_cidr_block() == Some("0.0.0.0/0")) else {
        return WayOut::None;
    };
    if route
        .gateway_id()
        .is_some_and(|gateway| gateway.starts_with("igw-"))
    {
        return WayOut::Gateway;
    }
    let Some(nat) = route.nat_gateway_id() else {
        return WayOut::Other;
    };
    let mut nats = ways.nats.iter();
    let found = nats.find(|one| one.nat_gateway_id() == Some(nat));
    let zone = found
        .and_then(|one| one.subnet_id())
        .and_then(|subnet| ways.zones.get(subnet));
    WayOut::Nat { zone: zone.cloned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_quota_counts_its_own_families_only() {
        for standard in [
            "t3.medium",
            "m6i.large",
            "r6i.large",
            "c7g.xlarge",
            "i4i.large",
            "z1d.large",
        ] {
            assert!(is_standard(standard), "{standard}");
        }
        for other in [
            "p4d.24xlarge",
            "g5.xlarge",
            "inf1.xlarge",
            "x2idn.16xlarge",
            "trn1.2xlarge",
            "dl1.24xlarge",
            "hpc7g.4xlarge",
            "mac1.metal",
            "u-6tb1.56xlarge",
            "f1.2xlarge",
            "",
        ] {
            assert!(!is_standard(other), "{other}");
        }
    }
}
