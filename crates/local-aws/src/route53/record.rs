//! Record sets: what one name answers, and the rules a set has to keep.
//!
//! Source: Route 53 developer guide, "Supported DNS record types" and "Values that you specify when you create records".

use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

/// The types that are built.
pub(super) const TYPES: [&str; 10] = [
    "A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT",
];
const TTL_MAX: i64 = 2_147_483_647;
const VALUES_MAX: usize = 400;

/// A record set as it is kept and as it comes over the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct RecordSet {
    pub(super) name: String,
    #[serde(rename = "Type")]
    pub(super) kind: String,
    pub(super) set_identifier: Option<String>,
    pub(super) weight: Option<i64>,
    pub(super) region: Option<String>,
    pub(super) failover: Option<String>,
    pub(super) multi_value_answer: Option<bool>,
    #[serde(rename = "TTL")]
    pub(super) ttl: Option<i64>,
    pub(super) resource_records: Option<Values>,
    pub(super) alias_target: Option<Alias>,
    pub(super) health_check_id: Option<String>,
}

/// The values of a set that is no alias.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Values {
    pub(super) resource_record: Vec<OneValue>,
}

/// One value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct OneValue {
    pub(super) value: String,
}

/// Where an alias leads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Alias {
    #[serde(rename = "HostedZoneId", default)]
    pub(super) hosted_zone_id: String,
    #[serde(rename = "DNSName", default)]
    pub(super) dns_name: String,
    #[serde(rename = "EvaluateTargetHealth", default)]
    pub(super) evaluate_target_health: bool,
}

/// What makes a set one of its name: name, type and identifier.
pub(super) type Key = (String, String, String);

impl RecordSet {
    pub(super) fn key(&self) -> Key {
        let identifier = self.set_identifier.clone().unwrap_or_default();
        (sorted_name(&self.name), self.kind.clone(), identifier)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &str> {
        let values = self
            .resource_records
            .iter()
            .flat_map(|records| &records.resource_record);
        values.map(|one| one.value.as_str())
    }

    /// The routing policy's name; two sets of one name and type must have the same.
    pub(super) fn policy(&self) -> &'static str {
        match self {
            Self { weight: Some(_), .. } => "weighted",
            Self { region: Some(_), .. } => "latency",
            Self {
                failover: Some(_), ..
            } => "failover",
            Self {
                multi_value_answer: Some(true),
                ..
            } => "multivalue",
            _ => "simple",
        }
    }

    /// Brings name and alias to their full form: lower case, with the dot at the end.
    pub(super) fn normalized(mut self) -> Self {
        self.name = full_name(&self.name);
        if let Some(alias) = &mut self.alias_target {
            alias.dns_name = full_name(&alias.dns_name);
        }
        self
    }

    /// The rules that concern this set alone; what is wrong, in Route 53's words.
    pub(super) fn check(&self) -> Result<(), String> {
        if !TYPES.contains(&self.kind.as_str()) {
            return Err(format!("Invalid RRset type {}", self.kind));
        }
        check_name(&self.name)?;
        match (&self.alias_target, self.ttl) {
            (Some(_), Some(_)) => {
                return Err("Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but found more than one".into());
            }
            (None, None) => {
                return Err("Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but found none".into());
            }
            (None, Some(ttl)) => self.check_values(ttl)?,
            (Some(_), None) => {}
        }
        self.check_policy()
    }

    fn check_values(&self, ttl: i64) -> Result<(), String> {
        if !(0..=TTL_MAX).contains(&ttl) {
            return Err(format!("Invalid TTL {ttl}"));
        }
        let count = self.values().count();
        if count == 0 || count > VALUES_MAX || (self.kind == "CNAME" && count > 1) {
            return Err(format!(
                "Invalid Resource Record: {} has {count} values",
                self.kind
            ));
        }
        let mut values: Vec<&str> = self.values().collect();
        values.sort_unstable();
        values.dedup();
        if values.len() < count {
            return Err("Duplicate Resource Record".to_owned());
        }
        match self.values().find(|value| !fits(&self.kind, value)) {
            None => Ok(()),
            Some(value) => Err(format!(
                "Invalid Resource Record: 'FATAL problem: {} encountered with '{value}''",
                fatal(&self.kind)
            )),
        }
    }

    fn check_policy(&self) -> Result<(), String> {
        let policies = [
            self.weight.is_some(),
            self.region.is_some(),
            self.failover.is_some(),
            self.multi_value_answer == Some(true),
        ];
        let count = policies.into_iter().filter(|has| *has).count();
        match (count, &self.set_identifier) {
            (0, None) | (1, Some(_)) => {}
            (0, Some(_)) => return Err("Invalid request: a SetIdentifier needs a routing policy".to_owned()),
            (1, None) => return Err("Invalid request: Missing field 'SetIdentifier' in Change".to_owned()),
            _ => {
                return Err(
                    "Invalid request: Expected exactly one of [Weight, Region, Failover, MultiValueAnswer]"
                        .to_owned(),
                );
            }
        }
        if self.weight.is_some_and(|weight| !(0..=255).contains(&weight)) {
            return Err("Invalid request: Weight must be between 0 and 255".to_owned());
        }
        let failover = self.failover.as_deref();
        if failover.is_some_and(|role| !["PRIMARY", "SECONDARY"].contains(&role)) {
            return Err("Invalid request: Failover is PRIMARY or SECONDARY".to_owned());
        }
        let evaluated = self
            .alias_target
            .as_ref()
            .is_some_and(|alias| alias.evaluate_target_health);
        if failover == Some("PRIMARY") && self.health_check_id.is_none() && !evaluated {
            return Err("Invalid request: a primary failover record needs a health check".to_owned());
        }
        Ok(())
    }
}

/// The reason Route 53 gives for a value.
fn fatal(kind: &str) -> &'static str {
    match kind {
        "A" => "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)",
        "AAAA" => "AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)",
        "TXT" => "InvalidCharacterString (Value should be enclosed in quotation marks)",
        _ => "DomainLabelEmpty (Domain label is empty)",
    }
}

fn fits(kind: &str, value: &str) -> bool {
    match kind {
        "A" => value.parse::<Ipv4Addr>().is_ok(),
        "AAAA" => value.parse::<Ipv6Addr>().is_ok(),
        "TXT" => value.len() >= 2 && value.starts_with('"') && value.ends_with('"') && value.len() <= 4_000,
        "CNAME" | "NS" | "PTR" => check_name(&full_name(value)).is_ok(),
        _ => !value.trim().is_empty(),
    }
}

/// Lower case, with the dot at the end.
pub(super) fn full_name(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    if name.ends_with('.') {
        name
    } else {
        format!("{name}.")
    }
}

pub(super) fn check_name(name: &str) -> Result<(), String> {
    let labels = name.strip_suffix('.').unwrap_or(name).split('.');
    let legal = |byte: u8| byte.is_ascii_graphic() && !b"\"\\ ".contains(&byte);
    let fine = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(legal);
    if name.len() > 255 || !labels.clone().all(fine) {
        return Err(format!(
            "FATAL problem: InvalidDomainName encountered with '{name}'"
        ));
    }
    Ok(())
}

/// A name as Route 53 sorts it: its labels from the right.
pub(super) fn sorted_name(name: &str) -> String {
    let labels: Vec<&str> = name.trim_end_matches('.').rsplit('.').collect();
    labels.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a(value: &str) -> RecordSet {
        RecordSet {
            name: "www.example.com.".to_owned(),
            kind: "A".to_owned(),
            ttl: Some(60),
            resource_records: Some(Values {
                resource_record: vec![OneValue {
                    value: value.to_owned(),
                }],
            }),
            ..RecordSet::default()
        }
    }

    #[test]
    fn a_set_has_values_or_an_alias_and_a_policy_has_an_identifier() {
        assert_eq!(a("192.0.2.1").check(), Ok(()));
        assert!(a("192.0.2.256").check().is_err());
        let both = RecordSet {
            alias_target: Some(Alias::default()),
            ..a("192.0.2.1")
        };
        assert!(both.check().is_err());
        let nameless = RecordSet {
            weight: Some(1),
            ..a("192.0.2.1")
        };
        assert!(nameless.check().is_err());
        let unchecked = RecordSet {
            failover: Some("PRIMARY".to_owned()),
            set_identifier: Some("one".to_owned()),
            ..a("192.0.2.1")
        };
        assert!(unchecked.check().is_err());
    }

    #[test]
    fn names_sort_by_their_labels_from_the_right() {
        assert_eq!(sorted_name("www.example.com."), "com.example.www");
    }
}
