//! Zones, health checks and changes of all accounts. Route 53 is global: there is one state.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::record::{OneValue, RecordSet, Values};
use crate::pulse::{Pulse, Thresholds};

pub(super) use crate::tags::Tags;

/// How long AWS takes to bring a change to all its name servers, typically.
pub(super) const IN_SYNC_AFTER: TimeDelta = TimeDelta::seconds(60);

/// Everything by id.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Dns {
    pub(super) zones: BTreeMap<String, Zone>,
    pub(super) checks: BTreeMap<String, Check>,
    pub(super) changes: BTreeMap<String, Change>,
    /// Accounts and caller references of deleted health checks, which are never taken again.
    #[serde(default)]
    pub(super) spent_references: BTreeSet<(String, String)>,
}

/// A hosted zone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Zone {
    pub(super) id: String,
    pub(super) account: String,
    pub(super) name: String,
    pub(super) caller_reference: String,
    pub(super) comment: Option<String>,
    /// The VPC of a private zone, with its region.
    pub(super) vpc: Option<(String, String)>,
    /// By the sets' keys, written as text because JSON's keys are.
    pub(super) records: BTreeMap<String, RecordSet>,
    pub(super) name_servers: Vec<String>,
    pub(super) tags: Tags,
    pub(super) created_by: String,
}

/// A batch that was applied.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Change {
    pub(super) account: String,
    pub(super) submitted_at: DateTime<Utc>,
    pub(super) in_sync_at: DateTime<Utc>,
}

/// A health check.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Check {
    pub(super) id: String,
    pub(super) account: String,
    pub(super) caller_reference: String,
    pub(super) version: i64,
    pub(super) config: CheckConfig,
    pub(super) pulse: Pulse,
    pub(super) tags: Tags,
    pub(super) created_by: String,
}

/// A health check's settings as they come over the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct CheckConfig {
    #[serde(rename = "IPAddress")]
    pub(super) ip_address: Option<String>,
    #[serde(rename = "Port")]
    pub(super) port: Option<u16>,
    #[serde(rename = "Type")]
    pub(super) kind: String,
    #[serde(rename = "ResourcePath")]
    pub(super) resource_path: Option<String>,
    #[serde(rename = "FullyQualifiedDomainName")]
    pub(super) domain_name: Option<String>,
    #[serde(rename = "RequestInterval")]
    pub(super) request_interval: Option<i64>,
    #[serde(rename = "FailureThreshold")]
    pub(super) failure_threshold: Option<i64>,
    #[serde(rename = "Inverted")]
    pub(super) inverted: Option<bool>,
    #[serde(rename = "Disabled")]
    pub(super) disabled: Option<bool>,
    #[serde(rename = "MeasureLatency")]
    pub(super) measure_latency: Option<bool>,
    #[serde(rename = "EnableSNI")]
    pub(super) enable_sni: Option<bool>,
    #[serde(rename = "SearchString")]
    pub(super) search_string: Option<String>,
    #[serde(rename = "HealthThreshold")]
    pub(super) health_threshold: Option<i64>,
    #[serde(rename = "ChildHealthChecks")]
    pub(super) children: Option<Children>,
}

/// The checks a calculated one counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Children {
    #[serde(rename = "ChildHealthCheck")]
    pub(super) ids: Vec<String>,
}

impl CheckConfig {
    /// The port that is looked at.
    pub(super) fn target_port(&self) -> u16 {
        self.port.unwrap_or(if self.kind == "HTTPS" { 443 } else { 80 })
    }

    /// The children of a calculated check.
    pub(super) fn child_ids(&self) -> &[String] {
        self.children.as_ref().map_or(&[], |children| &children.ids)
    }

    /// The thresholds, through the latency model's `scale`.
    pub(super) fn thresholds(&self, scale: impl Fn(TimeDelta) -> TimeDelta) -> Thresholds {
        let seconds = self.request_interval.unwrap_or(30) * self.failure_threshold.unwrap_or(3);
        let wait = scale(TimeDelta::seconds(seconds));
        Thresholds {
            first: wait,
            rise: wait,
            fall: wait,
        }
    }
}

impl Dns {
    /// What a health check says to record sets that ask it: a disabled one, one that has not counted to its threshold
    /// yet, and one that does not exist count as healthy; an inverted one says the opposite of all that.
    pub(super) fn is_healthy(&self, id: &str) -> bool {
        let Some(check) = self.checks.get(id) else {
            return true;
        };
        let is_disabled = check.config.disabled == Some(true);
        let good = is_disabled || check.pulse.verdict().unwrap_or(true);
        good != check.config.inverted.unwrap_or(false)
    }
}

impl Zone {
    /// The SOA and NS sets that every zone is born with.
    pub(super) fn furnish(&mut self) {
        let set = |kind: &str, ttl, values: Vec<String>| RecordSet {
            name: self.name.clone(),
            kind: kind.to_owned(),
            ttl: Some(ttl),
            resource_records: Some(Values {
                resource_record: values.into_iter().map(|value| OneValue { value }).collect(),
            }),
            ..RecordSet::default()
        };
        let servers: Vec<String> = self.name_servers.iter().map(|name| format!("{name}.")).collect();
        let soa = format!(
            "{} awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400",
            servers[0]
        );
        for record in [set("NS", 172_800, servers), set("SOA", 900, vec![soa])] {
            self.records.insert(key_text(&record), record);
        }
    }

    /// True for the sets that a zone is born with and cannot lose.
    pub(super) fn is_own(&self, record: &RecordSet) -> bool {
        record.name == self.name && ["NS", "SOA"].contains(&record.kind.as_str())
    }
}

/// A set's key as text that sorts as Route 53 sorts.
pub(super) fn key_text(record: &RecordSet) -> String {
    let (name, kind, identifier) = record.key();
    format!("{name}\u{1}{kind}\u{1}{identifier}")
}
