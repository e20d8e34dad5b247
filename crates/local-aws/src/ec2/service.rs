//! EC2's operations by name, and its state of all accounts and regions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use super::request::Request;
use super::settle::settle;
use super::state::Region;
use super::{
    account, address, association, catalog_operations, copy, endpoint, gateway, group, image,
    instance_attribute, instance_change, instance_status, interface, keys, launch, nat, route, routes, rule,
    snapshot, subnet, tags, template, template_version, volume, vpc,
};
use crate::control::InventoryItem;
use crate::core::Core;
use crate::error::AwsError;
use crate::lock;
use crate::protocol::{Protocol, Reply, Xml};
use crate::service::{Call, Service};

/// By `account/region`.
pub(super) type Regions = BTreeMap<String, Region>;

/// The service.
#[derive(Default)]
pub(crate) struct Ec2 {
    regions: Mutex<Regions>,
    /// Those that somebody worked on since the changes were asked for.
    touched: Mutex<BTreeSet<String>>,
}

/// How an operation is carried out.
enum Operation {
    /// On what the account has in the region of the call.
    Here(fn(&Request<'_>, &mut Region) -> Result<Xml, AwsError>),
    /// On other regions of the account as well.
    Across(fn(&Request<'_>, &mut Regions) -> Result<Xml, AwsError>),
}
use Operation::{Across, Here};

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
        let request = Request::new(core, call)?;
        self.carry_out(&request, &operation).map(Reply::from)
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

    fn changes(&self) -> Vec<(String, serde_json::Value)> {
        let regions = self.lock();
        let touched = std::mem::take(&mut *lock::held(&self.touched)).into_iter();
        touched
            .filter_map(|place| {
                regions
                    .get(&place)
                    .map(|region| (place, serde_json::json!(region)))
            })
            .collect()
    }

    fn restore(&self, state: serde_json::Value) -> Result<(), serde_json::Error> {
        *self.lock() = serde_json::from_value(state)?;
        Ok(())
    }
}

impl Ec2 {
    fn carry_out(&self, request: &Request<'_>, operation: &Operation) -> Result<Xml, AwsError> {
        let (account, region) = (&request.call.caller.account, &request.call.region);
        let outcome = match operation {
            Here(work) => self.with(request.core, (account, region), |region| work(request, region)),
            Across(work) => {
                let mut regions = self.lock();
                regions
                    .values_mut()
                    .for_each(|region| settle(region, request.core));
                let outcome = work(request, &mut regions);
                lock::held(&self.touched).extend(regions.keys().cloned());
                outcome
            }
        };
        self.check_keys(request);
        outcome
    }

    /// Works on what an account has in a region, as it is now.
    pub(super) fn with<R>(
        &self,
        core: &Core,
        (account, name): (&str, &str),
        work: impl FnOnce(&mut Region) -> R,
    ) -> R {
        let mut regions = self.lock();
        let place = format!("{account}/{name}");
        lock::held(&self.touched).insert(place.clone());
        let region = regions.entry(place).or_default();
        settle(region, core);
        work(region)
    }

    /// Whether anything of any account in any region meets `asked`, as it is now.
    pub(super) fn any_region(&self, core: &Core, asked: impl Fn(&Region) -> bool) -> bool {
        let mut regions = self.lock();
        regions.values_mut().any(|region| {
            settle(region, core);
            asked(region)
        })
    }

    /// Names the keys of new volumes and snapshots, and fails those whose key cannot be used.
    pub(super) fn check_keys(&self, request: &Request<'_>) {
        let place = (request.call.caller.account.as_str(), request.call.region.as_str());
        for unchecked in request.take_unchecked_keys() {
            let (core, id) = (request.core, &unchecked.resource_id);
            match keys::resolve(core, place, &unchecked.key_id) {
                Some(arn) => self.with(core, place, |region| keys::settle(region, id, &arn)),
                None => self.with(core, place, |region| keys::fail(region, id)),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Regions> {
        lock::held(&self.regions)
    }
}

fn operation(name: &str) -> Option<Operation> {
    network(name)
        .or_else(|| access(name))
        .or_else(|| compute(name))
        .or_else(|| storage(name))
        .or_else(|| offers(name))
}

fn network(name: &str) -> Option<Operation> {
    Some(Here(match name {
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
        "CreateNatGateway" => nat::create,
        "DescribeNatGateways" => nat::describe,
        "DeleteNatGateway" => nat::delete,
        "CreateVpcEndpoint" => endpoint::create,
        "DescribeVpcEndpoints" => endpoint::describe,
        "ModifyVpcEndpoint" => endpoint::modify,
        "DeleteVpcEndpoints" => endpoint::delete,
        "CreateRouteTable" => route::create_table,
        "DescribeRouteTables" => route::describe,
        "DeleteRouteTable" => route::delete_table,
        "CreateRoute" => routes::create,
        "ReplaceRoute" => routes::replace,
        "DeleteRoute" => routes::delete,
        "AssociateRouteTable" => association::associate,
        "DisassociateRouteTable" => association::disassociate,
        "ReplaceRouteTableAssociation" => association::replace,
        "DescribeVpcPeeringConnections" => account::describe_peerings,
        _ => return None,
    }))
}

/// Who reaches what: groups, addresses, interfaces.
fn access(name: &str) -> Option<Operation> {
    Some(Here(match name {
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
    }))
}

fn compute(name: &str) -> Option<Operation> {
    Some(Here(match name {
        "RunInstances" => launch::run,
        "DescribeInstances" => instance_change::describe,
        "DescribeInstanceStatus" => instance_status::describe,
        "StopInstances" => instance_change::stop,
        "StartInstances" => instance_change::start,
        "TerminateInstances" => instance_change::terminate,
        "ModifyInstanceAttribute" => instance_attribute::modify,
        "DescribeInstanceAttribute" => instance_attribute::describe,
        "ModifyInstanceMetadataOptions" => instance_attribute::modify_metadata_options,
        "CreateLaunchTemplate" => template::create,
        "DescribeLaunchTemplates" => template::describe,
        "ModifyLaunchTemplate" => template::modify,
        "DeleteLaunchTemplate" => template::delete,
        "CreateLaunchTemplateVersion" => template_version::create,
        "DescribeLaunchTemplateVersions" => template_version::describe,
        "DeleteLaunchTemplateVersions" => template_version::delete,
        "CreateTags" => tags::create,
        "DeleteTags" => tags::delete,
        "DescribeTags" => tags::describe,
        _ => return None,
    }))
}

fn storage(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateVolume" => Here(volume::create),
        "DescribeVolumes" => Here(volume::describe),
        "AttachVolume" => Here(volume::attach),
        "DetachVolume" => Here(volume::detach),
        "DeleteVolume" => Here(volume::delete),
        "CreateSnapshot" => Here(snapshot::create),
        "CreateSnapshots" => Here(snapshot::create_many),
        "CopySnapshot" => Across(copy::snapshot),
        "DescribeSnapshots" => Here(snapshot::describe),
        "DeleteSnapshot" => Here(snapshot::delete),
        "CreateImage" => Here(image::create),
        "CopyImage" => Across(copy::image),
        "DescribeImages" => Here(image::describe),
        "DeregisterImage" => Here(image::deregister),
        "GetEbsDefaultKmsKeyId" => Here(account::get_default_key),
        "ModifyEbsDefaultKmsKeyId" => Here(account::modify_default_key),
        "ResetEbsDefaultKmsKeyId" => Here(account::reset_default_key),
        "GetEbsEncryptionByDefault" => Here(account::get_encryption),
        "EnableEbsEncryptionByDefault" => Here(account::enable_encryption),
        "DisableEbsEncryptionByDefault" => Here(account::disable_encryption),
        _ => return None,
    })
}

fn offers(name: &str) -> Option<Operation> {
    Some(Here(match name {
        "DescribeRegions" => catalog_operations::regions,
        "DescribeAvailabilityZones" => catalog_operations::zones,
        "DescribeInstanceTypes" => catalog_operations::instance_types,
        "DescribeInstanceTypeOfferings" => catalog_operations::offerings,
        "DescribeAccountAttributes" => account::describe_attributes,
        _ => return None,
    }))
}
