//! Looking for what is left, without anything that we remember: by tag in every enabled region, and by the
//! dependencies of a network of ours.
//!
//! The tagging index names what carries the tags, of whatever kind; it is late both ways, so each kind of ours is
//! described as well, and what it names of those kinds counts only when describing shows it. Sources: Resource Groups
//! Tagging API reference, "GetResources"; EC2 API reference, the `Describe` actions.

use aws_sdk_ec2::types::Filter;
use aws_sdk_resourcegroupstagging::types::TagFilter;
use tenant_model::certificate::Leftover;

use crate::{AwsError, TenantSession, ec2::Scope};

/// Most things read by one question; a deployment has a few dozen.
const READ_MAX: usize = 2_000;
/// Regions that can be used: those that need no opting in, and those that were opted into.
const ENABLED: [&str; 2] = ["opt-in-not-required", "opted-in"];

/// What a region holds of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swept {
    /// How many resources the tagging index names.
    pub named_by_index: u32,
    /// What is there.
    pub left: Vec<Leftover>,
}

impl TenantSession {
    /// The regions that the account can use, sorted.
    ///
    /// # Errors
    /// Any failure of `DescribeRegions`.
    pub async fn enabled_regions(&self) -> Result<Vec<String>, AwsError> {
        let reply = aws_sdk_ec2::Client::new(self.config())
            .describe_regions()
            .send()
            .await?;
        let usable = |status: Option<&str>| status.is_none_or(|status| ENABLED.contains(&status));
        let mut regions: Vec<String> = reply
            .regions()
            .iter()
            .filter(|region| usable(region.opt_in_status()))
            .filter_map(|region| region.region_name().map(str::to_owned))
            .collect();
        regions.sort_unstable();
        Ok(regions)
    }

    /// Everything of a deployment in the session's region. Where nothing should be (`home` is false), each kind is
    /// described only if the index or a network says that there is something.
    ///
    /// # Errors
    /// Any failure of a call: what was not seen is not certified.
    pub async fn sweep(&self, scope: &Scope, home: bool) -> Result<Swept, AwsError> {
        let named = Box::pin(self.named_by_index(scope)).await?;
        let networks = Box::pin(self.networks(scope)).await?;
        let mut left = Vec::new();
        if home || !named.is_empty() || !networks.is_empty() {
            let described = Box::pin(self.ec2().sweep(scope)).await?;
            left.extend(described.into_iter().map(|one| Leftover {
                kind: one.kind.to_owned(),
                aws_id: one.aws_id,
            }));
        }
        for network in &networks {
            left.extend(Box::pin(self.hanging_in(network)).await?);
        }
        for arn in named.iter().filter(|arn| !is_described(arn)) {
            if Box::pin(self.is_there(arn)).await? {
                left.push(Leftover {
                    kind: service_and_kind(arn),
                    aws_id: arn.clone(),
                });
            }
        }
        left.extend(Box::pin(self.groups_of_machines(scope)).await?);
        left.sort_by(|one, other| (&one.kind, &one.aws_id).cmp(&(&other.kind, &other.aws_id)));
        left.dedup();
        Ok(Swept {
            named_by_index: u32::try_from(named.len()).unwrap_or(u32::MAX),
            left,
        })
    }

    async fn named_by_index(&self, scope: &Scope) -> Result<Vec<String>, AwsError> {
        let filters = scope
            .tags()
            .map(|(key, value)| TagFilter::builder().key(key).values(value).build());
        let mut pages = aws_sdk_resourcegroupstagging::Client::new(self.config())
            .get_resources()
            .set_tag_filters(Some(filters.to_vec()))
            .into_paginator()
            .items()
            .send();
        let mut arns = Vec::new();
        while let Some(mapping) = pages.next().await {
            arns.extend(mapping?.resource_arn().map(str::to_owned));
            if arns.len() > READ_MAX {
                return Err(AwsError::too_much("tagged resources"));
            }
        }
        Ok(arns)
    }

    async fn networks(&self, scope: &Scope) -> Result<Vec<String>, AwsError> {
        let request = aws_sdk_ec2::Client::new(self.config()).describe_vpcs();
        let reply = request.set_filters(scope.filters()).send().await?;
        let ids = reply.vpcs().iter().filter_map(|vpc| vpc.vpc_id());
        Ok(ids.map(str::to_owned).collect())
    }

    /// What would keep a network from being deleted, tagged or not: its interfaces, which whatever stands in it has.
    async fn hanging_in(&self, vpc: &str) -> Result<Vec<Leftover>, AwsError> {
        let inside = Filter::builder().name("vpc-id").values(vpc).build();
        let mut pages = aws_sdk_ec2::Client::new(self.config())
            .describe_network_interfaces()
            .filters(inside)
            .into_paginator()
            .items()
            .send();
        let mut found = Vec::new();
        while let Some(interface) = pages.next().await {
            let interface = interface?;
            found.push(Leftover {
                kind: "network_interface".to_owned(),
                aws_id: interface.network_interface_id().unwrap_or_default().to_owned(),
            });
            if found.len() > READ_MAX {
                return Err(AwsError::too_much("network interfaces"));
            }
        }
        Ok(found)
    }
}

impl TenantSession {
    /// Whether something that the index names and that is not EC2's is there. What we cannot ask about is.
    async fn is_there(&self, arn: &str) -> Result<bool, AwsError> {
        let name = arn.rsplit([':', '/']).next().unwrap_or_default();
        let asked = match service_and_kind(arn).as_str() {
            "elasticloadbalancing:loadbalancer" => {
                let client = aws_sdk_elasticloadbalancingv2::Client::new(self.config());
                let request = client.describe_load_balancers().load_balancer_arns(arn);
                Box::pin(request.send()).await.map(drop).map_err(AwsError::from)
            }
            "elasticloadbalancing:targetgroup" => {
                let client = aws_sdk_elasticloadbalancingv2::Client::new(self.config());
                let request = client.describe_target_groups().target_group_arns(arn);
                Box::pin(request.send()).await.map(drop).map_err(AwsError::from)
            }
            "acm:certificate" => {
                let request = aws_sdk_acm::Client::new(self.config()).describe_certificate();
                request
                    .certificate_arn(arn)
                    .send()
                    .await
                    .map(drop)
                    .map_err(AwsError::from)
            }
            "rds:db" => {
                let request = aws_sdk_rds::Client::new(self.config()).describe_db_instances();
                let request = request.db_instance_identifier(name);
                Box::pin(request.send()).await.map(drop).map_err(AwsError::from)
            }
            "rds:subgrp" => {
                let request = aws_sdk_rds::Client::new(self.config()).describe_db_subnet_groups();
                let request = request.db_subnet_group_name(name);
                Box::pin(request.send()).await.map(drop).map_err(AwsError::from)
            }
            _ => Ok(()),
        };
        match asked {
            Ok(()) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Groups of Auto Scaling, which the tagging index never names.
    async fn groups_of_machines(&self, scope: &Scope) -> Result<Vec<Leftover>, AwsError> {
        let filters = scope.tags().map(|(key, value)| {
            let filter = aws_sdk_autoscaling::types::Filter::builder();
            filter.name(format!("tag:{key}")).values(value).build()
        });
        let request = aws_sdk_autoscaling::Client::new(self.config()).describe_auto_scaling_groups();
        let reply = request.set_filters(Some(filters.to_vec())).send().await?;
        let names = reply.auto_scaling_groups().iter();
        let names = names.filter_map(|group| group.auto_scaling_group_name());
        Ok(names
            .map(|name| Leftover {
                kind: "auto_scaling_group".to_owned(),
                aws_id: name.to_owned(),
            })
            .collect())
    }
}

/// Kinds of EC2 whose description by tag decides, as ARNs name them.
const DESCRIBED: [&str; 12] = [
    "ec2:elastic-ip",
    "ec2:instance",
    "ec2:internet-gateway",
    "ec2:launch-template",
    "ec2:natgateway",
    "ec2:network-interface",
    "ec2:route-table",
    "ec2:security-group",
    "ec2:subnet",
    "ec2:volume",
    "ec2:vpc",
    "ec2:vpc-endpoint",
];

fn is_described(arn: &str) -> bool {
    DESCRIBED.contains(&service_and_kind(arn).as_str())
}

/// `ec2:vpc` of `arn:aws:ec2:eu-central-1:222222222222:vpc/vpc-1`.
fn service_and_kind(arn: &str) -> String {
    let mut parts = arn.splitn(6, ':').skip(2);
    let service = parts.next().unwrap_or_default();
    let kind = parts.nth(2).and_then(|rest| rest.split(['/', ':']).next());
    format!("{service}:{}", kind.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_kinds_that_are_described_may_be_told_by_describing() {
        assert!(is_described("arn:aws:ec2:eu-central-1:222222222222:vpc/vpc-1"));
        assert!(!is_described(
            "arn:aws:ec2:eu-central-1:222222222222:snapshot/snap-1"
        ));
        assert!(!is_described("arn:aws:s3:::a-bucket"));
        assert!(!is_described("arn:aws:rds:eu-central-1:222222222222:db:a"));
    }
}
