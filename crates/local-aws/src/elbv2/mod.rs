//! Elastic Load Balancing v2: load balancers, target groups, listeners and the health of targets.
//!
//! No traffic flows. A target is healthy when its instance runs and can be reached, for as long as the health check's
//! thresholds ask ([`health`]); a load balancer stands in its subnets with interfaces that outlive it by minutes, as AWS's do.
//! Sources: Elastic Load Balancing API reference (2015-12-01); user guide for Application Load Balancers.

mod action;
mod attributes;
mod balancer;
mod condition;
mod group;
mod health;
mod limits;
mod listener;
mod names;
mod parameters;
mod peer;
mod request;
mod rule;
mod standing;
mod state;
mod tags;
mod target;
mod view;

use std::sync::{Arc, Mutex};

use self::request::Request;
use self::state::Balancing;
use crate::control::InventoryItem;
use crate::core::Core;
use crate::ec2::Place;
use crate::error::AwsError;
use crate::lock;
use crate::places::Places;
use crate::protocol::{Protocol, Reply, Xml};
use crate::service::{Call, Service};

/// The service.
#[derive(Default)]
pub(crate) struct Elbv2 {
    places: Places<Balancing>,
    /// Held by a call that changes something, so that what it has looked at still holds when it acts: two calls at
    /// once do not both find a name free.
    turn: Mutex<()>,
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
        let request = Request::new(core, call)?;
        parameters::refuse_unknown(&request)?;
        let changes = !call.operation.starts_with("Describe");
        let _turn = changes.then(|| lock::held(&self.turn));
        operation(self, &request).map(Reply::from)
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
        "SetSubnets" => standing::set_subnets,
        "SetSecurityGroups" => standing::set_groups,
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
        "DescribeTargetHealth" => health::describe,
        "CreateListener" => listener::create,
        "DescribeListeners" => listener::describe,
        "ModifyListener" => listener::modify,
        "DeleteListener" => listener::delete,
        "CreateRule" => rule::create,
        "DescribeRules" => rule::describe,
        "ModifyRule" => rule::modify,
        "DeleteRule" => rule::delete,
        "SetRulePriorities" => rule::set_priorities,
        "AddTags" => tags::add,
        "RemoveTags" => tags::remove,
        "DescribeTags" => tags::describe,
        _ => return None,
    })
}
