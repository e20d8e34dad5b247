//! The services that other services ask: a load balancer asks EC2 for its targets, a record set asks both.
//!
//! A peer's own functions take what they need and lock their own state. To stay free of deadlocks a service never
//! calls a peer while it holds its own lock.

use std::sync::Arc;

/// The peers of one endpoint.
#[derive(Default)]
pub(crate) struct Peers {
    pub(crate) ec2: Arc<crate::ec2::Ec2>,
    pub(crate) elbv2: Arc<crate::elbv2::Elbv2>,
    pub(crate) autoscaling: Arc<crate::autoscaling::AutoScaling>,
    pub(crate) route53: Arc<crate::route53::Route53>,
    pub(crate) rds: Arc<crate::rds::Rds>,
    pub(crate) service_quotas: Arc<crate::service_quotas::ServiceQuotas>,
    pub(crate) kms: Arc<crate::kms::Kms>,
    pub(crate) acm: Arc<crate::acm::Acm>,
    pub(crate) tagging: Arc<crate::tagging::Tagging>,
    pub(crate) marketplace: Arc<crate::marketplace::Marketplace>,
    pub(crate) redshift_data: Arc<crate::redshift_data::RedshiftData>,
}
