//! Auto Scaling: groups whose instances are real EC2 instances, in their zones and behind their load balancers.
//!
//! Groups act by themselves ([`work`]); a call only says what is wanted. Every change takes its turn, so that two
//! calls at once do not both make up for the same missing instance. Source: Amazon EC2 Auto Scaling API reference.

mod group;
mod member;
mod parameters;
mod policy;
mod refresh;
mod refresh_operations;
mod request;
mod state;
mod tags;
mod targets;
mod view;
mod work;

use std::sync::{Arc, Mutex, MutexGuard};

use self::request::{Request, invalid};
use self::state::{Activity, Group, Scaling};
use self::work::Worker;
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
pub(crate) struct AutoScaling {
    places: Places<Scaling>,
    /// Held by whatever changes groups, so that what it has looked at still holds when it acts.
    turn: Mutex<()>,
}

type Operation = fn(&AutoScaling, &Request<'_>) -> Result<Xml, AwsError>;

#[async_trait::async_trait]
impl Service for AutoScaling {
    fn signing_name(&self) -> &'static str {
        "autoscaling"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Query {
            namespace: "http://autoscaling.amazonaws.com/doc/2011-01-01/",
        }
    }

    async fn call(&self, core: &Arc<Core>, call: &Call) -> Result<Reply, AwsError> {
        let operation = operation(&call.operation)
            .ok_or_else(|| AwsError::not_implemented("autoscaling", &call.operation))?;
        let request = Request::new(core, call)?;
        parameters::refuse_unknown(&request)?;
        let answer = {
            let changes = !call.operation.starts_with("Describe");
            let _turn = changes.then(|| self.turn());
            operation(self, &request)?
        };
        // What was asked for begins at once.
        self.settle(core);
        Ok(answer.into())
    }

    fn inventory(&self, _core: &Core) -> Vec<InventoryItem> {
        let mut items = Vec::new();
        self.places.for_each(|account, region, state| {
            items.extend(state.groups.values().map(|group| InventoryItem {
                account: account.to_owned(),
                region: region.to_owned(),
                kind: "autoscaling:autoScalingGroup".to_owned(),
                id: group.arn.clone(),
                tags: group.plain_tags(),
                created_by: group.created_by.clone(),
            }));
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

impl AutoScaling {
    /// Lets every group work. Cheap where there are none.
    pub(crate) fn settle(&self, core: &Core) {
        let mut names = Vec::new();
        self.places.for_each(|account, region, state| {
            let here = state.groups.keys();
            names.extend(here.map(|name| (account.to_owned(), region.to_owned(), name.clone())));
        });
        if names.is_empty() {
            return;
        }
        let _turn = self.turn();
        for (account, region, name) in &names {
            self.work_on(core, Place { account, region }, name);
        }
    }

    /// Works on one group, a copy of it, because its work asks peers. The caller has the turn.
    fn work_on(&self, core: &Core, place: Place<'_>, name: &str) {
        let copy = self.places.with(place.account, place.region, |state| {
            state.groups.get(name).cloned()
        });
        let Some(mut group) = copy else { return };
        let mut worker = Worker {
            core,
            place,
            group: &mut group,
        };
        worker.work();
        self.places.with(place.account, place.region, |state| {
            if group.is_deleting && group.members.is_empty() {
                state.groups.remove(name);
            } else {
                state.groups.insert(name.to_owned(), group);
            }
        });
        core.mark_dirty();
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        lock::held(&self.turn)
    }

    /// The groups of the call's place, sorted by name.
    fn all(&self, request: &Request<'_>) -> Vec<Group> {
        let Place { account, region } = request.place();
        self.places
            .with(account, region, |state| state.groups.values().cloned().collect())
    }

    fn find(&self, request: &Request<'_>, name: &str) -> Result<Group, AwsError> {
        let Place { account, region } = request.place();
        let found = self
            .places
            .with(account, region, |state| state.groups.get(name).cloned());
        found.ok_or_else(|| missing(name))
    }

    fn insert(&self, request: &Request<'_>, group: Group) -> Result<(), AwsError> {
        let Place { account, region } = request.place();
        self.places.with(account, region, |state| {
            if state.groups.contains_key(&group.name) {
                let why = format!(
                    "AutoScalingGroup by this name already exists - A group with the name {} already exists",
                    group.name
                );
                return Err(AwsError::bad("AlreadyExists", why));
            }
            state.groups.insert(group.name.clone(), group);
            Ok(())
        })
    }

    /// Changes a group that is to stay. Like all calls that change something, this one has the turn.
    fn change<R>(
        &self,
        request: &Request<'_>,
        name: &str,
        work: impl FnOnce(&mut Group) -> Result<R, AwsError>,
    ) -> Result<R, AwsError> {
        let Place { account, region } = request.place();
        self.places.with(account, region, |state| {
            let group = state.groups.get_mut(name).ok_or_else(|| missing(name))?;
            if group.is_deleting {
                return Err(invalid(format!("AutoScalingGroup '{name}' is pending delete")));
            }
            work(group)
        })
    }

    /// Ends one instance of a group, whose place is taken again unless `lowers`.
    fn end_member(
        &self,
        request: &Request<'_>,
        name: &str,
        (id, lowers): (&str, bool),
    ) -> Result<Activity, AwsError> {
        let place = request.place();
        let copy = self.places.with(place.account, place.region, |state| {
            state.groups.get(name).cloned()
        });
        let mut group = copy.ok_or_else(|| missing(name))?;
        if lowers {
            group.desired = group.desired.saturating_sub(1);
        }
        let mut worker = Worker {
            core: request.core,
            place,
            group: &mut group,
        };
        worker.end(
            id,
            "an instance was taken out of service in response to a user request",
        );
        let last = group.activities.last().cloned();
        self.places.with(place.account, place.region, |state| {
            state.groups.insert(name.to_owned(), group);
        });
        last.ok_or_else(|| invalid("The instance could not be ended"))
    }
}

fn missing(name: &str) -> AwsError {
    invalid(format!(
        "AutoScalingGroup name not found - AutoScalingGroup '{name}' not found"
    ))
}

fn operation(name: &str) -> Option<Operation> {
    Some(match name {
        "CreateAutoScalingGroup" => group::create,
        "DescribeAutoScalingGroups" => group::describe,
        "UpdateAutoScalingGroup" => group::update,
        "SetDesiredCapacity" => group::set_desired,
        "DeleteAutoScalingGroup" => group::delete,
        "DescribeAutoScalingInstances" => member::describe,
        "TerminateInstanceInAutoScalingGroup" => member::terminate,
        "SetInstanceHealth" => member::set_health,
        "DescribeScalingActivities" => member::activities,
        "SuspendProcesses" => member::suspend,
        "ResumeProcesses" => member::resume,
        "AttachLoadBalancerTargetGroups" => targets::attach,
        "DetachLoadBalancerTargetGroups" => targets::detach,
        "DescribeLoadBalancerTargetGroups" => targets::describe,
        "PutScalingPolicy" => policy::put,
        "DescribePolicies" => policy::describe,
        "DeletePolicy" => policy::delete,
        "ExecutePolicy" => policy::execute,
        "StartInstanceRefresh" => refresh_operations::start,
        "DescribeInstanceRefreshes" => refresh_operations::describe,
        "CancelInstanceRefresh" => refresh_operations::cancel,
        "RollbackInstanceRefresh" => refresh_operations::roll_back,
        "CreateOrUpdateTags" => tags::put,
        "DeleteTags" => tags::delete,
        "DescribeTags" => tags::describe,
        _ => return None,
    })
}
