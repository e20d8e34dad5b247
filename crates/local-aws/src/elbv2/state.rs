//! What one account has in one region.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::pulse::{Pulse, Thresholds};

pub(super) type Tags = BTreeMap<String, String>;

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
    /// The thresholds, through the latency model's `scale`.
    pub(super) fn thresholds(&self, scale: impl Fn(TimeDelta) -> TimeDelta) -> Thresholds {
        Thresholds {
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
    pub(super) pulse: Pulse,
    /// Deregistered; gone at this time.
    pub(super) draining_until: Option<DateTime<Utc>>,
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
    pub(super) values: Vec<String>,
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Action {
    /// To a target group.
    Forward(String),
    /// To another address: protocol, port, status code.
    Redirect {
        protocol: String,
        port: String,
        status: String,
    },
    /// An answer of the load balancer's own.
    Fixed { status: String, body: Option<String> },
}

impl Balancing {
    /// The load balancers that send to a target group.
    pub(super) fn balancers_of(&self, group_arn: &str) -> Vec<String> {
        let mut arns: Vec<String> = self
            .listeners
            .values()
            .filter(|listener| listener.forwards_to(group_arn))
            .map(|listener| listener.balancer_arn.clone())
            .collect();
        arns.dedup();
        arns
    }
}

impl Listener {
    pub(super) fn forwards_to(&self, group_arn: &str) -> bool {
        let rules = self.rules.values().flat_map(|rule| &rule.actions);
        let mut actions = self.actions.iter().chain(rules);
        actions.any(|action| matches!(action, Action::Forward(arn) if arn == group_arn))
    }
}
