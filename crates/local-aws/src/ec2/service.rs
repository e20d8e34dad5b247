//! EC2's operations by name, and its state of all accounts and regions.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use super::request::Request;
use super::settle::settle;
use super::state::Region;
use super::{
    address, association, catalog, catalog_operations, gateway, group, instance_change, interface, launch,
    route, rule, subnet, tags, volume, vpc,
};
use crate::control::InventoryItem;
use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::{Protocol, Reply, Xml};
use crate::service::{Call, Service};

/// By `account/region`.
type Regions = BTreeMap<String, Region>;

/// The service.
#[derive(Default)]
pub(crate) struct Ec2 {
    regions: Mutex<Regions>,
}

type Operation = fn(&Request<'_>, &mut Region) -> Result<Xml, AwsError>;

#[async_trait::async_trait]
impl Service for Ec2 {
    fn signing_name(&self) -> &'static str {
        "ec2"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Ec2
    }

    async fn call(&self, core: &Arc<Core>, call: &Call) -> Result<Reply, AwsError> {
        let operation =
            operation(&call.operation).ok_or_else(|| AwsError::not_implemented("ec2", &call.operation))?;
        // A region that is not there, or not opted into, does not know the account's keys.
        if !catalog::is_enabled(&call.region) {
            let why = "AWS was not able to validate the provided access credentials";
            return Err(AwsError::new(http::StatusCode::UNAUTHORIZED, "AuthFailure", why));
        }
        let request = Request::new(core, call)?;
        let mut regions = self.lock();
        let region = regions
            .entry(format!("{}/{}", call.caller.account, call.region))
            .or_default();
        settle(region, core);
        operation(&request, region).map(Reply::from)
    }

    fn inventory(&self, core: &Core) -> Vec<InventoryItem> {
        let mut regions = self.lock();
        let mut items = Vec::new();
        for (place, region) in regions.iter_mut() {
            settle(region, core);
            let (account, name) = place.split_once('/').unwrap_or_default();
            items.extend(region.inventory(account, name));
        }
        items
    }

    fn snapshot(&self) -> serde_json::Value {
        serde_json::json!(*self.lock())
    }

    fn restore(&self, state: serde_json::Value) -> Result<(), serde_json::Error> {
        *self.lock() = serde_json::from_value(state)?;
        Ok(())
    }
}

impl Ec2 {
    fn lock(&self) -> MutexGuard<'_, Regions> {
        self.regions.lock().expect("no holder panics")
    }
}

fn operation(name: &str) -> Option<Operation> {
    network(name).or_else(|| compute(name)).or_else(|| offers(name))
}

fn network(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateVpc" => vpc::create,
        "DescribeVpcs" => vpc::describe,
        "DeleteVpc" => vpc::delete,
        "ModifyVpcAttribute" => vpc::modify_attribute,
        "DescribeVpcAttribute" => vpc::describe_attribute,
        "CreateSubnet" => subnet::create,
        "DescribeSubnets" => subnet::describe,
        "DeleteSubnet" => subnet::delete,
        "ModifySubnetAttribute" => subnet::modify_attribute,
        "CreateInternetGateway" => gateway::create,
        "DescribeInternetGateways" => gateway::describe,
        "AttachInternetGateway" => gateway::attach,
        "DetachInternetGateway" => gateway::detach,
        "DeleteInternetGateway" => gateway::delete,
        "CreateRouteTable" => route::create_table,
        "DescribeRouteTables" => route::describe,
        "DeleteRouteTable" => route::delete_table,
        "CreateRoute" => route::create_route,
        "DeleteRoute" => route::delete_route,
        "AssociateRouteTable" => association::associate,
        "DisassociateRouteTable" => association::disassociate,
        "CreateSecurityGroup" => group::create,
        "DescribeSecurityGroups" => group::describe,
        "DeleteSecurityGroup" => group::delete,
        "AuthorizeSecurityGroupIngress" => rule::authorize_ingress,
        "AuthorizeSecurityGroupEgress" => rule::authorize_egress,
        "RevokeSecurityGroupIngress" => rule::revoke_ingress,
        "RevokeSecurityGroupEgress" => rule::revoke_egress,
        "DescribeSecurityGroupRules" => rule::describe,
        "AllocateAddress" => address::allocate,
        "AssociateAddress" => address::associate,
        "DisassociateAddress" => address::disassociate,
        "ReleaseAddress" => address::release,
        "DescribeAddresses" => address::describe,
        "DescribeNetworkInterfaces" => interface::describe,
        _ => return None,
    })
}

fn compute(name: &str) -> Option<Operation> {
    Some(match name {
        "RunInstances" => launch::run,
        "DescribeInstances" => instance_change::describe,
        "DescribeInstanceStatus" => instance_change::describe_status,
        "StopInstances" => instance_change::stop,
        "StartInstances" => instance_change::start,
        "TerminateInstances" => instance_change::terminate,
        "ModifyInstanceAttribute" => instance_change::modify_attribute,
        "DescribeVolumes" => volume::describe,
        "DeleteVolume" => volume::delete,
        "CreateTags" => tags::create,
        "DeleteTags" => tags::delete,
        "DescribeTags" => tags::describe,
        _ => return None,
    })
}

fn offers(name: &str) -> Option<Operation> {
    Some(match name {
        "DescribeRegions" => catalog_operations::regions,
        "DescribeAvailabilityZones" => catalog_operations::zones,
        "DescribeImages" => catalog_operations::images,
        "DescribeInstanceTypes" => catalog_operations::instance_types,
        "DescribeInstanceTypeOfferings" => catalog_operations::offerings,
        _ => return None,
    })
}
