//! What load balancing does for other services of the endpoint.

use std::net::Ipv4Addr;

use chrono::{DateTime, Utc};

use super::Elbv2;
use super::health::{look, verdict};
use super::names::hosted_zone;
use super::state::{Balancer, Balancing, Target};
use super::target::drain_time;
use crate::core::Core;
use crate::ec2::Place;

/// A load balancer as Route 53 sees it.
#[derive(Clone, Debug)]
pub(crate) struct BalancerView {
    /// Where its name leads: the addresses of its interfaces in zones that stand.
    pub(crate) addresses: Vec<Ipv4Addr>,
    /// Whether any target of it is healthy, in a zone that stands.
    pub(crate) has_healthy_target: bool,
    /// The hosted zone of its name.
    pub(crate) hosted_zone_id: String,
}

impl Elbv2 {
    /// Looks at all targets everywhere once more. Called before every call and before time moves.
    pub(crate) fn look(&self, core: &Core) {
        let mut places = Vec::new();
        self.places.for_each(|account, region, state| {
            if !state.groups.is_empty() {
                places.push((account.to_owned(), region.to_owned()));
            }
        });
        for (account, region) in &places {
            look(self, core, Place { account, region });
        }
    }

    /// The load balancer of a DNS name.
    pub(crate) fn by_dns_name(&self, core: &Core, dns_name: &str) -> Option<BalancerView> {
        let name = dns_name.trim_end_matches('.').trim_start_matches("dualstack.");
        let mut found = None;
        self.places.for_each(|_, region, state| {
            let named = |balancer: &&Balancer| balancer.dns_name.eq_ignore_ascii_case(name);
            if let Some(balancer) = state.balancers.values().find(named) {
                found = Some(view(core, region, (state, balancer)));
            }
        });
        found
    }

    /// The load balancers whose listeners present a certificate.
    pub(crate) fn listeners_with_certificate(&self, arn: &str) -> Vec<String> {
        let mut users = Vec::new();
        self.places.for_each(|_, _, state| {
            let using = state
                .listeners
                .values()
                .filter(|listener| listener.certificate_arn.as_deref() == Some(arn));
            users.extend(using.map(|listener| listener.balancer_arn.clone()));
        });
        users.sort();
        users.dedup();
        users
    }

    /// Whether target groups are there.
    pub(crate) fn has_group(&self, place: Place<'_>, arn: &str) -> bool {
        self.at(place, |state| state.groups.contains_key(arn))
    }

    /// Registers an instance for a group of instances, as Auto Scaling does.
    pub(crate) fn join(&self, core: &Core, place: Place<'_>, (arn, instance_id): (&str, &str)) {
        self.at(place, |state| {
            let Some(group) = state.groups.get_mut(arn) else {
                return;
            };
            let key = format!("{instance_id}:{}", group.port);
            let target = Target::register(instance_id.to_owned(), group.port, core.clock.now());
            group.targets.entry(key).or_insert(target);
        });
    }

    /// Takes an instance out of a group. Answers when its connections have drained, if it was in there.
    pub(crate) fn leave(
        &self,
        core: &Core,
        place: Place<'_>,
        (arn, instance_id): (&str, &str),
    ) -> Option<DateTime<Utc>> {
        self.at(place, |state| {
            let in_use = !state.balancers_of(arn).is_empty();
            let group = state.groups.get_mut(arn)?;
            let end = core.clock.now() + drain_time(core, group, in_use);
            let own = group.targets.values_mut();
            let own = own.filter(|target| target.id == instance_id);
            own.map(|target| *target.draining_until.get_or_insert(end)).max()
        })
    }

    /// What the group says of an instance: `healthy`, `unhealthy`, `initial`, `unused`, `draining`.
    pub(crate) fn health_of(&self, place: Place<'_>, (arn, instance_id): (&str, &str)) -> &'static str {
        self.at(place, |state| {
            let Some(group) = state.groups.get(arn) else {
                return "unused";
            };
            let target = group.targets.values().find(|target| target.id == instance_id);
            verdict(state, group, target).state
        })
    }
}

fn view(core: &Core, region: &str, (state, balancer): (&Balancing, &Balancer)) -> BalancerView {
    let standing = balancer
        .subnets
        .iter()
        .filter(|foot| !core.outages.zone_lost(&foot.zone));
    let addresses: Vec<Ipv4Addr> = standing
        .map(|foot| foot.public_ip.unwrap_or(foot.private_ip))
        .collect();
    let groups = state.groups_of(&balancer.arn).into_iter();
    let groups = groups.filter_map(|arn| state.groups.get(arn));
    let mut states = groups.flat_map(|group| {
        let targets = group.targets.values();
        targets.map(move |target| verdict(state, group, Some(target)).state)
    });
    let has_healthy_target = states.any(|state| state == "healthy");
    BalancerView {
        hosted_zone_id: hosted_zone(region, &balancer.kind).to_owned(),
        has_healthy_target: has_healthy_target && !addresses.is_empty(),
        addresses,
    }
}
