//! What a group does by itself: it looks at its instances, ends the bad ones, launches what is missing, and keeps its
//! zones even.
//!
//! There is no background task. The endpoint lets groups work before every call and around every move of the clock,
//! which is when anything can have changed. One group is worked on at a time; see [`super::AutoScaling::turn`].

use chrono::{DateTime, TimeDelta, Utc};

use super::refresh;
use super::state::{Activity, Group, Lifecycle, Member};
use crate::core::Core;
use crate::ec2::{LaunchOrder, Place, SubnetView};
use crate::error::AwsError;
use crate::tags::Tags;

/// How the group names itself to EC2.
const PRINCIPAL: &str = "autoscaling.amazonaws.com";
/// The pause after a launch that failed (user guide, "Troubleshoot": launches are retried after a while).
const RETRY_AFTER: TimeDelta = TimeDelta::minutes(1);
/// No group needs more rounds than it has instances to make and to end.
const ROUNDS_MAX: u32 = 2_000;
/// Refusals that another zone or subnet may not give (API reference, "AvailabilityZoneDistribution").
const OF_A_ZONE: [&str; 4] = [
    "InsufficientInstanceCapacity",
    "InsufficientFreeAddressesInSubnet",
    "InvalidSubnetID.NotFound",
    "Unsupported",
];
const MISSING: &str = "an instance was started in response to a difference between desired and actual capacity, increasing the capacity";
const UNEVEN: &str = "an instance was launched to aid in balancing the group's zones";
const MOVED: &str = "an instance was taken out of service to aid in balancing the group's zones";

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
            self.end_the_drained();
            let acted = self.replace_the_unhealthy() || refresh::step(self) || self.balance();
            if !acted {
                return;
            }
        }
    }

    fn scaled(&self, seconds: i64) -> TimeDelta {
        self.core.latency.of(TimeDelta::seconds(seconds))
    }

    /// What EC2 and the load balancers say of the members.
    fn look(&mut self) {
        let (ec2, now) = (&self.core.peers.ec2, self.core.clock.now());
        let grace = self.scaled(self.group.grace_seconds);
        let checks = !self.group.is_suspended("HealthCheck");
        let (mut gone, mut arrived) = (Vec::new(), Vec::new());
        for member in self.group.members.values_mut() {
            match ec2.instance(self.core, self.place, &member.id) {
                None => gone.push(member.id.clone()),
                Some(view) if view.state == "terminated" => gone.push(member.id.clone()),
                Some(view) if member.state == Lifecycle::Pending && view.state == "running" => {
                    member.state = Lifecycle::InService;
                    member.in_service_at = Some(now);
                    arrived.push(member.id.clone());
                }
                // What is only starting cannot be reached yet, and is not unhealthy for that.
                Some(view) if view.state == "pending" || !checks => {}
                Some(view) => {
                    let in_grace = member.in_service_at.is_none_or(|at| at + grace > now);
                    member.is_healthy &= view.state == "running" && (view.is_reachable || in_grace);
                }
            }
        }
        if !self.group.is_suspended("AddToLoadBalancer") {
            for (id, arn) in pairs(&arrived, &self.group.target_group_arns) {
                self.core.peers.elbv2.join(self.core, self.place, (arn, id));
            }
        }
        for id in gone {
            self.forget(&id);
        }
        if checks {
            self.ask_load_balancers(grace, now);
        }
    }

    /// With ELB health checks a target that fails them is unhealthy, once its grace is over.
    fn ask_load_balancers(&mut self, grace: TimeDelta, now: DateTime<Utc>) {
        if self.group.health_check_type != "ELB" {
            return;
        }
        let arns = &self.group.target_group_arns;
        for member in self.group.members.values_mut() {
            let fails =
                |arn: &String| self.core.peers.elbv2.health_of(self.place, (arn, &member.id)) == "unhealthy";
            let is_checked = member.in_service_at.is_some_and(|at| at + grace <= now);
            if member.state == Lifecycle::InService && is_checked && arns.iter().any(fails) {
                member.is_healthy = false;
            }
        }
    }

    /// An instance that ended without the group is missed, and counts as unhealthy in its history.
    fn forget(&mut self, id: &str) {
        let Some(member) = self.group.members.remove(id) else {
            return;
        };
        self.leave_load_balancers(id);
        if member.state != Lifecycle::Terminating {
            let cause = "an instance was taken out of service in response to an EC2 health check";
            self.note(format!("Terminating EC2 instance: {id}"), cause, None);
        }
    }

    /// When the connections of an instance have drained.
    fn leave_load_balancers(&self, id: &str) -> Option<DateTime<Utc>> {
        let arns = self.group.target_group_arns.iter();
        let ends = arns.filter_map(|arn| self.core.peers.elbv2.leave(self.core, self.place, (arn, id)));
        ends.max()
    }

    fn replace_the_unhealthy(&mut self) -> bool {
        if self.group.is_suspended("ReplaceUnhealthy") || self.group.is_suspended("Terminate") {
            return false;
        }
        let bad = self.group.living().find(|member| !member.is_healthy);
        let Some(id) = bad.map(|member| member.id.clone()) else {
            return false;
        };
        self.end(
            &id,
            "an instance was taken out of service in response to a failed health check",
        )
    }

    /// Launches or ends one instance towards the desired capacity, and evens the zones when that is reached.
    fn balance(&mut self) -> bool {
        let (count, wanted) = (self.group.living_count(), self.wanted());
        if count <= wanted {
            self.group.is_rebalancing = false;
        }
        if count < wanted {
            return !self.group.is_suspended("Launch") && self.launch();
        }
        let most = refresh::most(self.group).unwrap_or(wanted).max(wanted);
        if count > most && !self.group.is_suspended("Terminate") {
            return self.shrink();
        }
        count == wanted && self.rebalance()
    }

    fn shrink(&mut self) -> bool {
        let moves = self.group.is_rebalancing;
        // What is to take over must serve first.
        let is_pending = |member: &Member| member.state == Lifecycle::Pending;
        if moves && self.group.living().any(is_pending) {
            return false;
        }
        let cause = if moves {
            MOVED
        } else {
            "the desired capacity was lowered, and an instance was selected for termination"
        };
        self.surplus().is_some_and(|id| self.end(&id, cause))
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
        let subnets = self.standing();
        self.launch_among(subnets, MISSING)
    }

    /// Tries one subnet after the other, as long as the refusals are their zones' own.
    fn launch_among(&mut self, subnets: Vec<SubnetView>, cause: &str) -> bool {
        let now = self.core.clock.now();
        if self.group.retry_at.is_some_and(|at| at > now) {
            return false;
        }
        if subnets.is_empty() {
            self.failed("there is no subnet in a zone that stands", cause);
        }
        for subnet in subnets {
            match self.launch_in(&subnet) {
                Ok(member) => {
                    let what = format!("Launching a new EC2 instance: {}", member.id);
                    self.group.retry_at = None;
                    self.group.members.insert(member.id.clone(), member);
                    self.note(what, cause, None);
                    return true;
                }
                Err(error) => {
                    let why = format!(
                        "{} Launching EC2 instance failed. ({})",
                        error.message, error.code
                    );
                    self.failed(&why, cause);
                    if !OF_A_ZONE.contains(&error.code.as_ref()) {
                        return false;
                    }
                }
            }
        }
        false
    }

    fn launch_in(&self, subnet: &SubnetView) -> Result<Member, AwsError> {
        let ec2 = &self.core.peers.ec2;
        let template = self.group.template_now();
        let version = ec2.template(self.core, self.place, (&template.id, Some(&template.version)))?;
        let propagated = self.group.tags.iter().filter(|(_, tag)| tag.propagates);
        let mut tags: Tags = propagated
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
            template_id: template.id.clone(),
            template_name: template.name.clone(),
            version: version.version,
            launched_at: self.core.clock.now(),
            in_service_at: None,
            ends_at: None,
            state: Lifecycle::Pending,
            is_healthy: true,
            is_protected: self.group.protects_new,
        })
    }

    fn crowd(&self, zone: &str) -> usize {
        self.group.living().filter(|member| member.zone == zone).count()
    }

    /// The group's subnets whose zones stand, first the one of the zone with fewest of its instances.
    fn standing(&self) -> Vec<SubnetView> {
        let ec2 = &self.core.peers.ec2;
        let subnets = self.group.subnet_ids.iter();
        let views = subnets.filter_map(|id| ec2.subnet(self.core, self.place, id));
        let mut standing: Vec<SubnetView> = views
            .filter(|subnet| !self.core.outages.zone_lost(&subnet.zone))
            .collect();
        standing.sort_by_key(|subnet| (self.crowd(&subnet.zone), subnet.zone.clone()));
        standing
    }

    /// Launches one instance in the zone with fewest when another has two more, or holds some and is not the group's
    /// any longer; one of those ends when the new one serves (user guide, "Availability Zone rebalancing").
    fn rebalance(&mut self) -> bool {
        let idle = ["AZRebalance", "Launch", "Terminate"];
        let is_busy = self
            .group
            .members
            .values()
            .any(|member| member.state != Lifecycle::InService);
        if is_busy
            || self.group.is_deleting
            || self.group.active_refresh().is_some()
            || idle.iter().any(|process| self.group.is_suspended(process))
        {
            return false;
        }
        let mut subnets = self.standing();
        let Some(emptiest) = subnets.first().map(|subnet| subnet.zone.clone()) else {
            return false;
        };
        if !self.is_uneven(&emptiest) {
            return false;
        }
        subnets.retain(|subnet| subnet.zone == emptiest);
        self.group.is_rebalancing = self.launch_among(subnets, UNEVEN);
        self.group.is_rebalancing
    }

    /// Whether an instance that may be ended should move to a zone.
    fn is_uneven(&self, emptiest: &str) -> bool {
        let least = self.crowd(emptiest);
        let mut free = self.group.living().filter(|member| !member.is_protected);
        free.any(|member| {
            let is_away = !self.group.zones.contains(&member.zone);
            is_away || self.crowd(&member.zone) > least + 1
        })
    }

    /// Whom to end first: of a zone that is not the group's any longer, then of the zone with most instances; the
    /// oldest version, then the oldest instance (user guide, "Default termination policy").
    fn surplus(&self) -> Option<String> {
        let free = self
            .group
            .living()
            .filter(|member| !member.is_protected || self.group.is_deleting);
        let first = free.min_by_key(|member| {
            let stays = self.group.zones.contains(&member.zone);
            let crowd = usize::MAX - self.crowd(&member.zone);
            (
                stays,
                crowd,
                member.version,
                member.launched_at,
                member.id.clone(),
            )
        });
        first.map(|member| member.id.clone())
    }

    /// Takes one member out: it leaves its load balancers, and ends when its connections have drained.
    /// False when EC2 refused.
    pub(super) fn end(&mut self, id: &str, cause: &str) -> bool {
        let now = self.core.clock.now();
        let drained = self.leave_load_balancers(id).filter(|_| !self.group.is_deleting);
        let waits = drained.is_some_and(|at| at > now);
        let refused = if waits { None } else { self.terminate(id) };
        let worked = refused.is_none();
        if let Some(member) = self.group.members.get_mut(id).filter(|_| worked) {
            member.state = Lifecycle::Terminating;
            member.ends_at = drained.filter(|_| waits);
        }
        self.note(format!("Terminating EC2 instance: {id}"), cause, refused);
        worked
    }

    /// Why EC2 refused, if it did.
    fn terminate(&self, id: &str) -> Option<String> {
        let ec2 = &self.core.peers.ec2;
        let ended = ec2.terminate(self.core, self.place, PRINCIPAL, &[id.to_owned()]);
        ended
            .err()
            .map(|error| format!("{} - {}", error.code, error.message))
    }

    /// Ends the instances that waited for their connections.
    fn end_the_drained(&mut self) {
        let now = self.core.clock.now();
        let waiting = self.group.members.values();
        let due: Vec<String> = waiting
            .filter(|member| {
                member
                    .ends_at
                    .is_some_and(|at| at <= now || self.group.is_deleting)
            })
            .map(|member| member.id.clone())
            .collect();
        for id in due {
            // What EC2 refuses now is tried again at the next look.
            if self.terminate(&id).is_none()
                && let Some(member) = self.group.members.get_mut(&id)
            {
                member.ends_at = None;
            }
        }
    }

    fn failed(&mut self, why: &str, cause: &str) {
        self.group.retry_at = Some(self.core.clock.now() + self.core.latency.of(RETRY_AFTER));
        let what = "Launching a new EC2 instance";
        self.note(what.to_owned(), cause, Some(why.to_owned()));
    }

    fn note(&mut self, description: String, cause: &str, refused: Option<String>) {
        let status = if refused.is_some() { "Failed" } else { "Successful" };
        // A group that cannot launch says so once, not at every look.
        let failures = self.group.activities.iter().rev();
        let mut failures = failures.take_while(|last| last.status == "Failed");
        if refused.is_some()
            && failures.any(|last| last.message == refused && last.description == description)
        {
            return;
        }
        let activity = Activity {
            id: self.core.ids.uuid(),
            number: self.group.activity_count,
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

/// Every instance with every target group.
fn pairs<'p>(ids: &'p [String], arns: &'p [String]) -> impl Iterator<Item = (&'p String, &'p String)> {
    ids.iter()
        .flat_map(move |id| arns.iter().map(move |arn| (id, arn)))
}
