//! What a group does by itself: it looks at its instances, ends the bad ones, launches what is missing.
//!
//! There is no background task. The endpoint lets groups work before every call and around every move of the clock,
//! which is when anything can have changed. One group is worked on at a time; see [`super::AutoScaling::turn`].

use std::collections::BTreeMap;

use chrono::TimeDelta;

use super::refresh;
use super::state::{Activity, Group, Lifecycle, Member};
use crate::core::Core;
use crate::ec2::{LaunchOrder, Place, SubnetView};
use crate::error::AwsError;

/// How the group names itself to EC2.
const PRINCIPAL: &str = "autoscaling.amazonaws.com";
/// The pause after a launch that failed (user guide, "Troubleshoot": launches are retried after a while).
const RETRY_AFTER: TimeDelta = TimeDelta::minutes(1);
/// No group needs more rounds than it has instances to make and to end.
const ROUNDS_MAX: u32 = 2_000;

/// A group with what it works on.
pub(super) struct Worker<'a> {
    pub(super) core: &'a Core,
    pub(super) place: Place<'a>,
    pub(super) group: &'a mut Group,
}

impl Worker<'_> {
    /// Works until there is nothing to do at the present time.
    pub(super) fn work(&mut self) {
        for _ in 0..ROUNDS_MAX {
            self.look();
            let acted = self.replace_the_unhealthy() || refresh::step(self) || self.balance();
            if !acted {
                return;
            }
        }
    }

    /// What EC2 and the load balancers say of the members.
    fn look(&mut self) {
        let ec2 = &self.core.peers.ec2;
        let mut gone = Vec::new();
        let mut arrived = Vec::new();
        for member in self.group.members.values_mut() {
            match ec2.instance(self.core, self.place, &member.id) {
                None => gone.push(member.id.clone()),
                Some(view) if view.state == "terminated" => gone.push(member.id.clone()),
                Some(view) if member.state == Lifecycle::Pending && view.state == "running" => {
                    member.state = Lifecycle::InService;
                    arrived.push(member.id.clone());
                }
                // What is only starting cannot be reached yet, and is not unhealthy for that.
                Some(view) if view.state == "pending" => {}
                Some(view) => member.is_healthy &= view.state == "running" && view.is_reachable,
            }
        }
        for id in arrived {
            for arn in &self.group.target_group_arns {
                self.core.peers.elbv2.join(self.core, self.place, (arn, &id));
            }
        }
        for id in gone {
            self.forget(&id);
        }
        self.ask_load_balancers();
    }

    /// With ELB health checks a target that fails them is unhealthy, once its grace is over.
    fn ask_load_balancers(&mut self) {
        if self.group.health_check_type != "ELB" {
            return;
        }
        let grace = self.core.latency.of(TimeDelta::seconds(self.group.grace_seconds));
        let now = self.core.clock.now();
        let arns = &self.group.target_group_arns;
        for member in self.group.members.values_mut() {
            let fails =
                |arn: &String| self.core.peers.elbv2.health_of(self.place, (arn, &member.id)) == "unhealthy";
            if member.state == Lifecycle::InService
                && member.launched_at + grace <= now
                && arns.iter().any(fails)
            {
                member.is_healthy = false;
            }
        }
    }

    /// An instance that ended without the group is missed, and counts as unhealthy in its history.
    fn forget(&mut self, id: &str) {
        let Some(member) = self.group.members.remove(id) else {
            return;
        };
        for arn in &self.group.target_group_arns {
            self.core.peers.elbv2.leave(self.core, self.place, (arn, id));
        }
        if member.state != Lifecycle::Terminating {
            let cause = "an instance was taken out of service in response to an EC2 health check";
            self.note(format!("Terminating EC2 instance: {id}"), cause, None);
        }
    }

    fn replace_the_unhealthy(&mut self) -> bool {
        if self.group.is_suspended("HealthCheck") || self.group.is_suspended("ReplaceUnhealthy") {
            return false;
        }
        let bad = self
            .group
            .living()
            .find(|member| !member.is_healthy)
            .map(|member| member.id.clone());
        let Some(id) = bad else { return false };
        self.end(
            &id,
            "an instance was taken out of service in response to a failed health check",
        )
    }

    /// Launches or ends one instance towards the desired capacity.
    fn balance(&mut self) -> bool {
        let (count, wanted) = (self.group.living_count(), self.wanted());
        if count < wanted && !self.group.is_suspended("Launch") {
            return self.launch();
        }
        // A refresh has one instance more than is desired while it replaces one.
        let surge = u32::from(self.group.active_refresh().is_some());
        if count > wanted + surge && !self.group.is_suspended("Terminate") {
            let cause = "the desired capacity was lowered";
            return self.surplus().is_some_and(|id| self.end(&id, cause));
        }
        false
    }

    fn wanted(&self) -> u32 {
        if self.group.is_deleting {
            0
        } else {
            self.group.desired
        }
    }

    /// Launches one instance where the group has fewest. False when nothing could be done now.
    pub(super) fn launch(&mut self) -> bool {
        let now = self.core.clock.now();
        if self.group.retry_at.is_some_and(|at| at > now) {
            return false;
        }
        let Some(subnet) = self.emptiest() else {
            self.failed("there is no subnet in a zone that stands");
            return false;
        };
        match self.launch_in(&subnet) {
            Ok(member) => {
                let what = format!("Launching a new EC2 instance: {}", member.id);
                self.group.retry_at = None;
                self.group.members.insert(member.id.clone(), member);
                self.note(
                    what,
                    "an instance was started in response to a difference between desired and actual capacity",
                    None,
                );
                true
            }
            Err(error) => {
                self.failed(&format!("{} - {}", error.code, error.message));
                false
            }
        }
    }

    fn launch_in(&self, subnet: &SubnetView) -> Result<Member, AwsError> {
        let ec2 = &self.core.peers.ec2;
        let template = &self.group.template;
        let version = ec2.template(self.core, self.place, (&template.id, Some(&template.version)))?;
        let mut tags: BTreeMap<String, String> = self
            .group
            .tags
            .iter()
            .filter(|(_, tag)| tag.propagates)
            .map(|(key, tag)| (key.clone(), tag.value.clone()))
            .collect();
        tags.insert("aws:autoscaling:groupName".to_owned(), self.group.name.clone());
        let order = LaunchOrder {
            service: PRINCIPAL,
            template_id: &template.id,
            template_version: &version.version.to_string(),
            subnet_id: &subnet.id,
            instance_type: None,
            count: 1,
            tags: &tags,
        };
        let id = ec2.launch(self.core, self.place, &order)?.pop();
        Ok(Member {
            id: id.unwrap_or_default(),
            zone: subnet.zone.clone(),
            instance_type: version.instance_type.unwrap_or_default(),
            version: version.version,
            launched_at: self.core.clock.now(),
            state: Lifecycle::Pending,
            is_healthy: true,
            is_protected: self.group.protects_new,
        })
    }

    /// The group's subnet whose zone stands and has fewest of its instances.
    fn emptiest(&self) -> Option<SubnetView> {
        let ec2 = &self.core.peers.ec2;
        let subnets = self.group.subnet_ids.iter();
        let views = subnets.filter_map(|id| ec2.subnet(self.core, self.place, id));
        let standing = views.filter(|subnet| !self.core.outages.zone_lost(&subnet.zone));
        let in_zone = |zone: &str| self.group.living().filter(|member| member.zone == zone).count();
        standing.min_by_key(|subnet| (in_zone(&subnet.zone), subnet.zone.clone()))
    }

    /// Whom to end first: of the zone with most instances, the oldest version, then the oldest instance
    /// (user guide, "Default termination policy").
    fn surplus(&self) -> Option<String> {
        let in_zone = |zone: &str| self.group.living().filter(|member| member.zone == zone).count();
        let free = self
            .group
            .living()
            .filter(|member| !member.is_protected || self.group.is_deleting);
        let first = free.min_by_key(|member| {
            let crowd = usize::MAX - in_zone(&member.zone);
            (crowd, member.version, member.launched_at, member.id.clone())
        });
        first.map(|member| member.id.clone())
    }

    /// Ends one member. False when EC2 refused.
    pub(super) fn end(&mut self, id: &str, cause: &str) -> bool {
        for arn in &self.group.target_group_arns {
            self.core.peers.elbv2.leave(self.core, self.place, (arn, id));
        }
        let ended = self
            .core
            .peers
            .ec2
            .terminate(self.core, self.place, PRINCIPAL, &[id.to_owned()]);
        let refused = ended
            .err()
            .map(|error| format!("{} - {}", error.code, error.message));
        let worked = refused.is_none();
        if let Some(member) = self.group.members.get_mut(id).filter(|_| worked) {
            member.state = Lifecycle::Terminating;
        }
        self.note(format!("Terminating EC2 instance: {id}"), cause, refused);
        worked
    }

    fn failed(&mut self, why: &str) {
        self.group.retry_at = Some(self.core.clock.now() + self.core.latency.of(RETRY_AFTER));
        let cause = "an instance was started in response to a difference between desired and actual capacity";
        self.note(
            "Launching a new EC2 instance".to_owned(),
            cause,
            Some(why.to_owned()),
        );
    }

    fn note(&mut self, description: String, cause: &str, refused: Option<String>) {
        let status = if refused.is_some() { "Failed" } else { "Successful" };
        // A group that cannot launch says so once, not at every look.
        let last = self.group.activities.last();
        if last.is_some_and(|last| {
            refused.is_some() && last.message == refused && last.description == description
        }) {
            return;
        }
        let activity = Activity {
            id: self.core.ids.uuid(),
            description,
            cause: format!(
                "At {} {cause}.",
                self.core.clock.now().format("%Y-%m-%dT%H:%M:%SZ")
            ),
            started_at: self.core.clock.now(),
            status: status.to_owned(),
            message: refused,
        };
        self.group.note(activity);
    }
}
