//! Elastic Load Balancing v2: load balancers, target groups, listeners and the health of targets.
//!
//! No traffic flows. A target is healthy when its instance runs and can be reached, for as long as the health check's
//! thresholds ask; a load balancer stands in its subnets with interfaces that outlive it by minutes, as AWS's do.
//! Sources: Elastic Load Balancing API reference (2015-12-01); user guide for Application Load Balancers.

mod attributes;
mod balancer;
mod group;
mod listener;
mod peer;
mod request;
mod rule;
mod state;
mod tags;
mod target;
mod view;

use std::sync::Arc;

use self::request::Request;
use self::state::Balancing;
use crate::control::InventoryItem;
use crate::core::Core;
use crate::ec2::Place;
use crate::error::AwsError;
use crate::places::Places;
use crate::protocol::{Protocol, Reply, Xml};
use crate::service::{Call, Service};

/// The service.
#[derive(Default)]
pub(crate) struct Elbv2 {
    places: Places<Balancing>,
}

type Operation = fn(&Elbv2, &Request<'_>) -> Result<Xml, AwsError>;

#[async_trait::async_trait]
impl Service for Elbv2 {
    fn signing_name(&self) -> &'static str {
        "elasticloadbalancing"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Query {
            namespace: "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
        }
    }

    async fn call(&self, core: &Arc<Core>, call: &Call) -> Result<Reply, AwsError> {
        let operation = operation(&call.operation)
            .ok_or_else(|| AwsError::not_implemented("elasticloadbalancing", &call.operation))?;
        operation(self, &Request::new(core, call)?).map(Reply::from)
    }

    fn inventory(&self, _core: &Core) -> Vec<InventoryItem> {
        let mut items = Vec::new();
        self.places.for_each(|account, region, state| {
            let item = |kind: &str, id: &str, tags: &state::Tags, created_by: &str| InventoryItem {
                account: account.to_owned(),
                region: region.to_owned(),
                kind: format!("elasticloadbalancing:{kind}"),
                id: id.to_owned(),
                tags: tags.clone(),
                created_by: created_by.to_owned(),
            };
            for balancer in state.balancers.values() {
                items.push(item(
                    "loadbalancer",
                    &balancer.arn,
                    &balancer.tags,
                    &balancer.created_by,
                ));
            }
            for group in state.groups.values() {
                items.push(item("targetgroup", &group.arn, &group.tags, &group.created_by));
            }
            for listener in state.listeners.values() {
                // It comes and goes with its load balancer.
                let on = state.balancers.get(&listener.balancer_arn);
                let created_by = on
                    .map(|balancer| balancer.created_by.as_str())
                    .unwrap_or_default();
                items.push(item("listener", &listener.arn, &listener.tags, created_by));
            }
        });
        items
    }

    fn snapshot(&self) -> serde_json::Value {
        self.places.snapshot()
    }

    fn changes(&self) -> Vec<(String, serde_json::Value)> {
        self.places.changes()
    }

    fn restore(&self, state: serde_json::Value) -> Result<(), serde_json::Error> {
        self.places.restore(state)
    }
}

impl Elbv2 {
    /// Works on the state of the call's place. `work` must not ask a peer.
    fn with<R>(&self, request: &Request<'_>, work: impl FnOnce(&mut Balancing) -> R) -> R {
        self.at(request.place(), work)
    }

    fn at<R>(&self, place: Place<'_>, work: impl FnOnce(&mut Balancing) -> R) -> R {
        self.places.with(place.account, place.region, work)
    }
}

fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateLoadBalancer" => balancer::create,
        "DescribeLoadBalancers" => balancer::describe,
        "DeleteLoadBalancer" => balancer::delete,
        "SetSecurityGroups" => balancer::set_groups,
        "DescribeLoadBalancerAttributes" => attributes::describe_balancer,
        "ModifyLoadBalancerAttributes" => attributes::modify_balancer,
        "CreateTargetGroup" => group::create,
        "DescribeTargetGroups" => group::describe,
        "ModifyTargetGroup" => group::modify,
        "DeleteTargetGroup" => group::delete,
        "DescribeTargetGroupAttributes" => attributes::describe_group,
        "ModifyTargetGroupAttributes" => attributes::modify_group,
        "RegisterTargets" => target::register,
        "DeregisterTargets" => target::deregister,
        "DescribeTargetHealth" => target::health,
        "CreateListener" => listener::create,
        "DescribeListeners" => listener::describe,
        "ModifyListener" => listener::modify,
        "DeleteListener" => listener::delete,
        "CreateRule" => rule::create,
        "DescribeRules" => rule::describe,
        "ModifyRule" => rule::modify,
        "DeleteRule" => rule::delete,
        "AddTags" => tags::add,
        "RemoveTags" => tags::remove,
        "DescribeTags" => tags::describe,
        _ => return None,
    })
}
