//! What one account has in one region.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::pulse::{Pulse, Thresholds};

pub(super) use crate::tags::Tags;

/// Everything by ARN.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Balancing {
    pub(super) balancers: BTreeMap<String, Balancer>,
    pub(super) groups: BTreeMap<String, TargetGroup>,
    pub(super) listeners: BTreeMap<String, Listener>,
}

/// A load balancer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Balancer {
    pub(super) arn: String,
    pub(super) name: String,
    /// `application` or `network`.
    pub(super) kind: String,
    /// `internet-facing` or `internal`.
    pub(super) scheme: String,
    pub(super) vpc_id: String,
    pub(super) subnets: Vec<Foot>,
    pub(super) group_ids: Vec<String>,
    pub(super) dns_name: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) active_at: DateTime<Utc>,
    pub(super) created_by: String,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) tags: Tags,
}

/// A load balancer's place in one subnet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Foot {
    pub(super) subnet_id: String,
    pub(super) zone: String,
    pub(super) interface_id: String,
    pub(super) private_ip: Ipv4Addr,
    pub(super) public_ip: Option<Ipv4Addr>,
}

/// A target group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct TargetGroup {
    pub(super) arn: String,
    pub(super) name: String,
    pub(super) protocol: String,
    pub(super) port: u16,
    pub(super) vpc_id: String,
    /// `instance` or `ip`.
    pub(super) target_type: String,
    pub(super) check: HealthCheck,
    pub(super) targets: BTreeMap<TargetKey, Target>,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) tags: Tags,
    pub(super) created_by: String,
}

/// How targets are asked for their health. Times in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct HealthCheck {
    pub(super) enabled: bool,
    pub(super) protocol: String,
    /// A number, or `traffic-port`.
    pub(super) port: String,
    pub(super) path: Option<String>,
    pub(super) interval: i64,
    pub(super) timeout: i64,
    pub(super) healthy: i64,
    pub(super) unhealthy: i64,
    /// The HTTP codes that count as healthy.
    pub(super) matcher: Option<String>,
}

impl HealthCheck {
    /// The thresholds, through the latency model's `scale`. One passed check makes a new target healthy; the healthy
    /// threshold is for those that were unhealthy (user guide, "Health checks for your target groups").
    pub(super) fn thresholds(&self, scale: impl Fn(TimeDelta) -> TimeDelta) -> Thresholds {
        Thresholds {
            first: scale(TimeDelta::seconds(self.interval)),
            rise: scale(TimeDelta::seconds(self.interval * self.healthy)),
            fall: scale(TimeDelta::seconds(self.interval * self.unhealthy)),
        }
    }
}

/// A target by id and port, as text keys of JSON want it: `i-…:80`.
pub(super) type TargetKey = String;

/// A registered target.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Target {
    /// An instance id or an address.
    pub(super) id: String,
    pub(super) port: u16,
    /// Where it stands; `None` for an address that nothing has.
    pub(super) zone: Option<String>,
    /// It neither runs nor starts, so that nobody asks it.
    pub(super) is_stopped: bool,
    pub(super) pulse: Pulse,
    /// Deregistered; gone at this time.
    pub(super) draining_until: Option<DateTime<Utc>>,
}

impl Target {
    /// A target that is registered now.
    pub(super) fn register(id: String, port: u16, now: DateTime<Utc>) -> Self {
        Self {
            id,
            port,
            zone: None,
            is_stopped: false,
            pulse: Pulse::begin(now, false),
            draining_until: None,
        }
    }
}

/// A listener.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Listener {
    pub(super) arn: String,
    pub(super) balancer_arn: String,
    pub(super) protocol: String,
    pub(super) port: u16,
    pub(super) certificate_arn: Option<String>,
    pub(super) ssl_policy: Option<String>,
    pub(super) actions: Vec<Action>,
    /// The rule that the listener's own actions are shown as.
    pub(super) default_rule_arn: String,
    pub(super) rules: BTreeMap<String, Rule>,
    pub(super) tags: Tags,
}

/// A rule of a listener.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Rule {
    pub(super) arn: String,
    pub(super) priority: u32,
    pub(super) conditions: Vec<Condition>,
    pub(super) actions: Vec<Action>,
    pub(super) tags: Tags,
}

/// What a rule asks of a request: a field and its values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Condition {
    pub(super) field: String,
    /// Which header, for `http-header`.
    pub(super) header: Option<String>,
    pub(super) values: Vec<ConditionValue>,
}

/// A value of a condition; a query string's may have a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ConditionValue {
    pub(super) key: Option<String>,
    pub(super) value: String,
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Action {
    /// To target groups.
    Forward(Forward),
    /// To another address.
    Redirect(Redirect),
    /// An answer of the load balancer's own.
    Fixed {
        status: String,
        content_type: Option<String>,
        body: Option<String>,
    },
}

/// Target groups with the share of requests each gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Forward {
    /// ARN and weight.
    pub(super) groups: Vec<(String, u32)>,
    /// For how many seconds a client stays with one group.
    pub(super) sticky_seconds: Option<u32>,
}

/// A new address, in which `#{host}` and the like stand for the old one's parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Redirect {
    pub(super) protocol: String,
    pub(super) host: String,
    pub(super) port: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) status: String,
}

impl Balancing {
    /// The load balancers that send to a target group.
    pub(super) fn balancers_of(&self, group_arn: &str) -> Vec<String> {
        let forwarding = self
            .listeners
            .values()
            .filter(|listener| listener.forwards_to(group_arn));
        let arns: BTreeSet<String> = forwarding.map(|listener| listener.balancer_arn.clone()).collect();
        arns.into_iter().collect()
    }

    /// The zones from which load balancers send to a target group; `None` where no load balancer does.
    pub(super) fn zones_of(&self, group_arn: &str) -> Option<BTreeSet<String>> {
        let arns = self.balancers_of(group_arn);
        if arns.is_empty() {
            return None;
        }
        let balancers = arns.iter().filter_map(|arn| self.balancers.get(arn));
        let feet = balancers.flat_map(|balancer| &balancer.subnets);
        Some(feet.map(|foot| foot.zone.clone()).collect())
    }

    /// The target groups that a load balancer's listeners send to.
    pub(super) fn groups_of(&self, balancer_arn: &str) -> BTreeSet<&str> {
        let listeners = self.listeners.values();
        let own = listeners.filter(|listener| listener.balancer_arn == balancer_arn);
        own.flat_map(Listener::group_arns).collect()
    }

    /// The listener that has a rule, its default one included.
    pub(super) fn listener_of_rule(&self, rule_arn: &str) -> Option<&Listener> {
        let mut all = self.listeners.values();
        all.find(|listener| listener.default_rule_arn == rule_arn || listener.rules.contains_key(rule_arn))
    }
}

impl Listener {
    /// The target groups that it and its rules send to.
    pub(super) fn group_arns(&self) -> impl Iterator<Item = &str> {
        let rules = self.rules.values().flat_map(|rule| &rule.actions);
        let all = self.actions.iter().chain(rules);
        all.flat_map(Action::group_arns)
    }

    pub(super) fn forwards_to(&self, group_arn: &str) -> bool {
        self.group_arns().any(|arn| arn == group_arn)
    }
}

impl Action {
    /// The target groups that it sends to.
    pub(super) fn group_arns(&self) -> impl Iterator<Item = &str> {
        let groups = match self {
            Self::Forward(forward) => forward.groups.as_slice(),
            Self::Redirect(_) | Self::Fixed { .. } => &[],
        };
        groups.iter().map(|(arn, _)| arn.as_str())
    }
}
