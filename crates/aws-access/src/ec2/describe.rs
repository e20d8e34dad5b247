//! Looking: everything of one kind that carries a deployment's tags, in bulk.
//!
//! Sources: EC2 API reference, the `Describe` actions. Describe calls are eventually consistent: a new
//! resource may be missing for a while, and the caller has to allow for it.

use aws_sdk_ec2::types::{AttributeBooleanValue, Filter, Reservation, VpcAttributeName};
use tenant_model::{
    blueprint::{KINDS, Kind},
    observation::{Found, Shape},
};

use super::{Ec2, Scope, shapes};
use crate::AwsError;

/// Most resources read of one kind. A deployment has a handful; beyond this something is badly wrong,
/// and the sweep that follows a deletion would still see the rest.
const FOUND_MAX: usize = 1000;

/// Reads a paginated list to its end, at most [`FOUND_MAX`] items.
macro_rules! all {
    ($request:expr) => {{
        let mut pages = $request.into_paginator().items().send();
        let mut items = Vec::new();
        while let Some(item) = pages.next().await {
            items.push(item?);
            if items.len() == FOUND_MAX {
                break;
            }
        }
        items
    }};
}

/// Something that carries a deployment's tags though nothing should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// What it is, in EC2's words.
    pub kind: &'static str,
    /// AWS's id.
    pub aws_id: String,
}

impl Ec2 {
    /// Everything of one kind that carries the tags of `scope` and a logical name.
    ///
    /// # Errors
    /// Any failure of the `Describe` call.
    pub async fn find(&self, kind: Kind, scope: &Scope) -> Result<Vec<Found>, AwsError> {
        match kind {
            Kind::Vpc => self.find_vpcs(scope).await,
            Kind::InternetGateway => {
                let request = self.reads.describe_internet_gateways();
                let items = all!(request.set_filters(scope.filters()));
                Ok(items.iter().filter_map(shapes::internet_gateway).collect())
            }
            Kind::Subnet => {
                let items = all!(self.reads.describe_subnets().set_filters(scope.filters()));
                Ok(items.iter().filter_map(shapes::subnet).collect())
            }
            Kind::RouteTable => {
                let items = all!(self.reads.describe_route_tables().set_filters(scope.filters()));
                Ok(items.iter().filter_map(shapes::route_table).collect())
            }
            Kind::SecurityGroup => self.find_security_groups(scope).await,
            Kind::Instance => {
                let items = all!(self.reads.describe_instances().set_filters(scope.filters()));
                let instances = items.iter().flat_map(Reservation::instances);
                Ok(instances.filter_map(shapes::instance).collect())
            }
            Kind::NatGateway => {
                let request = self.reads.describe_nat_gateways();
                let items = all!(request.set_filter(scope.filters()));
                Ok(items.iter().filter_map(shapes::nat_gateway).collect())
            }
            Kind::VpcEndpoint => {
                let items = all!(self.reads.describe_vpc_endpoints().set_filters(scope.filters()));
                Ok(items.iter().filter_map(shapes::vpc_endpoint).collect())
            }
            Kind::LaunchTemplate => self.find_templates(scope).await,
            // Addresses come in one page.
            Kind::ElasticIp => {
                let request = self.reads.describe_addresses().set_filters(scope.filters());
                let reply = request.send().await?;
                Ok(reply.addresses().iter().filter_map(shapes::address).collect())
            }
            Kind::TargetGroup
            | Kind::Certificate
            | Kind::DnsRecord
            | Kind::LoadBalancer
            | Kind::DbSubnetGroup
            | Kind::Database
            | Kind::AutoScalingGroup => Ok(Vec::new()),
        }
    }

    /// Rules have ids of their own, by which a foreign one can be taken away.
    async fn find_security_groups(&self, scope: &Scope) -> Result<Vec<Found>, AwsError> {
        let request = self.reads.describe_security_groups();
        let groups = all!(request.set_filters(scope.filters()));
        let ids: Vec<String> = groups
            .iter()
            .filter_map(|group| group.group_id().map(str::to_owned))
            .collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let of_groups = Filter::builder().name("group-id").set_values(Some(ids)).build();
        let rules = all!(self.reads.describe_security_group_rules().filters(of_groups));
        let found = groups
            .iter()
            .filter_map(|group| shapes::security_group(group, &rules));
        Ok(found.collect())
    }

    async fn find_templates(&self, scope: &Scope) -> Result<Vec<Found>, AwsError> {
        let mut all = Vec::new();
        for template in all!(
            self.reads
                .describe_launch_templates()
                .set_filters(scope.filters())
        ) {
            let Some(id) = template.launch_template_id() else {
                continue;
            };
            let request = self.reads.describe_launch_template_versions();
            let reply = request.launch_template_id(id).versions("$Latest").send().await?;
            let newest = reply.launch_template_versions().first();
            all.extend(newest.and_then(|newest| shapes::launch_template(&template, newest)));
        }
        Ok(all)
    }

    async fn find_vpcs(&self, scope: &Scope) -> Result<Vec<Found>, AwsError> {
        let mut all = Vec::new();
        for vpc in all!(self.reads.describe_vpcs().set_filters(scope.filters())) {
            let Some(id) = vpc.vpc_id() else { continue };
            let shape = Shape::Vpc {
                dns_support: self.vpc_attribute(id, VpcAttributeName::EnableDnsSupport).await?,
                dns_hostnames: self
                    .vpc_attribute(id, VpcAttributeName::EnableDnsHostnames)
                    .await?,
            };
            all.extend(shapes::found(Some(id), vpc.tags(), shape));
        }
        Ok(all)
    }

    pub(super) async fn vpc_attribute(&self, vpc: &str, name: VpcAttributeName) -> Result<bool, AwsError> {
        let request = self.reads.describe_vpc_attribute().vpc_id(vpc).attribute(name);
        let reply = request.send().await?;
        let value = reply
            .enable_dns_support()
            .or_else(|| reply.enable_dns_hostnames());
        Ok(value.and_then(AttributeBooleanValue::value).unwrap_or(false))
    }

    /// The id of Amazon's machine image of that name in this region; none if the region lacks it.
    ///
    /// # Errors
    /// Any failure of `DescribeImages`.
    pub async fn image_id(&self, name: &str) -> Result<Option<String>, AwsError> {
        let by_name = Filter::builder().name("name").values(name).build();
        // The owner is named, or anybody could publish an image under Amazon's name.
        let request = self.reads.describe_images().owners("amazon").filters(by_name);
        let reply = request.send().await?;
        Ok(reply
            .images()
            .first()
            .and_then(|image| image.image_id())
            .map(str::to_owned))
    }

    /// Everything in the region that carries the tags of `scope`, named or not, of every kind that a
    /// deployment makes or that AWS makes for it. Terminated instances are gone and not listed.
    ///
    /// # Errors
    /// Any failure of a `Describe` call: what was not seen is not certified.
    pub async fn sweep(&self, scope: &Scope) -> Result<Vec<Leftover>, AwsError> {
        let mut leftovers = Vec::new();
        for kind in KINDS {
            for found in self.find(kind, scope).await? {
                leftovers.push(Leftover {
                    kind: kind.name(),
                    aws_id: found.aws_id,
                });
            }
        }
        for volume in all!(self.reads.describe_volumes().set_filters(scope.filters())) {
            let aws_id = volume.volume_id().unwrap_or_default().to_owned();
            leftovers.push(Leftover {
                kind: "volume",
                aws_id,
            });
        }
        Ok(leftovers)
    }
}
