//! Record sets: what one name answers, and the rules a set has to keep.
//!
//! Source: Route 53 developer guide, "Supported DNS record types" and "Values that you specify when you create records".

use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use crate::ec2::is_region;

/// The types of records.
const TYPES: [&str; 17] = [
    "A", "AAAA", "CAA", "CNAME", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SPF", "SRV", "SSHFP",
    "SVCB", "TLSA", "TXT",
];
/// How Route 53 writes the asterisk of a wildcard.
const ASTERISK: &str = "\\052";
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
    pub(super) fn check(&self) -> Result<(), Wrong> {
        self.check_form()?;
        check_name(&self.name).map_err(Wrong::Change)?;
        if self.alias_target.is_none() {
            self.check_values().map_err(Wrong::Change)?;
        }
        self.check_failover().map_err(Wrong::Change)
    }

    /// What Route 53 refuses before it looks at any record: fields that are out of range, or that go ill together.
    fn check_form(&self) -> Result<(), Wrong> {
        if !TYPES.contains(&self.kind.as_str()) {
            return Err(Wrong::Form(format!(
                "Value '{}' at 'type' is no type of record",
                self.kind
            )));
        }
        let has_values = self.values().next().is_some();
        let found = match (&self.alias_target, self.ttl, has_values) {
            (Some(_), None, false) | (None, Some(_), true) => None,
            (Some(_), _, _) => Some("more than one"),
            (None, _, _) => Some("none"),
        };
        if let Some(found) = found {
            return Err(self.ill_formed(&format!(
                "Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but \
                 found {found}"
            )));
        }
        if self.ttl.is_some_and(|ttl| !(0..=TTL_MAX).contains(&ttl)) {
            return Err(self.ill_formed("TTL must be between 0 and 2147483647"));
        }
        self.check_policy()
    }

    fn ill_formed(&self, why: &str) -> Wrong {
        let identifier = self.set_identifier.as_deref().unwrap_or("null");
        Wrong::Form(format!(
            "Invalid request: {why} in Change with [Name={}, Type={}, SetIdentifier={identifier}]",
            self.name, self.kind
        ))
    }

    fn check_policy(&self) -> Result<(), Wrong> {
        let policies = [
            self.weight.is_some(),
            self.region.is_some(),
            self.failover.is_some(),
            self.multi_value_answer == Some(true),
        ];
        let count = policies.into_iter().filter(|has| *has).count();
        match (count, &self.set_identifier) {
            (0, None) => {}
            (1, Some(identifier)) if (1..=128).contains(&identifier.len()) => {}
            (0, Some(_)) => return Err(self.ill_formed("Missing field 'Weight', 'Region' or 'Failover'")),
            (1, _) => return Err(self.ill_formed("Missing field 'SetIdentifier'")),
            _ => {
                return Err(self.ill_formed(
                    "Expected exactly one of [Weight, Region, Failover, MultiValueAnswer], but found more than one",
                ));
            }
        }
        if self.weight.is_some_and(|weight| !(0..=255).contains(&weight)) {
            return Err(self.ill_formed("Weight must be between 0 and 255"));
        }
        let failover = self.failover.as_deref();
        if failover.is_some_and(|role| !["PRIMARY", "SECONDARY"].contains(&role)) {
            return Err(self.ill_formed("Failover must be PRIMARY or SECONDARY"));
        }
        let region = self.region.as_deref();
        if region.is_some_and(|region| !is_region(region)) {
            return Err(self.ill_formed("Region must be an AWS Region"));
        }
        if self.multi_value_answer == Some(true) && (self.alias_target.is_some() || self.kind == "CNAME") {
            return Err(self.ill_formed("MultiValueAnswer is for records that are neither alias nor CNAME"));
        }
        Ok(())
    }

    fn check_values(&self) -> Result<(), String> {
        let count = self.values().count();
        if count > VALUES_MAX || (["CNAME", "SOA"].contains(&self.kind.as_str()) && count > 1) {
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

    /// Route 53 could not tell when to leave a primary that nothing checks.
    fn check_failover(&self) -> Result<(), String> {
        let evaluated = self
            .alias_target
            .as_ref()
            .is_some_and(|alias| alias.evaluate_target_health);
        if self.failover.as_deref() == Some("PRIMARY") && self.health_check_id.is_none() && !evaluated {
            return Err(format!(
                "A primary failover record set needs a health check [name='{}', type='{}']",
                self.name, self.kind
            ));
        }
        Ok(())
    }
}

/// Why a set is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// Its form: `InvalidInput`.
    Form(String),
    /// What it would do to the zone: `InvalidChangeBatch`.
    Change(String),
}

/// The reason Route 53 gives for a value.
fn fatal(kind: &str) -> &'static str {
    match kind {
        "A" => "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address)",
        "AAAA" => "AAAARRDATAIllegalIPv6Address (Value is not a valid IPv6 address)",
        "TXT" | "SPF" => "InvalidCharacterString (Value should be enclosed in quotation marks)",
        "MX" => "MXRRDATANotTwoFields (MX record doesn't have 2 fields)",
        "SRV" => "SRVRRDATANotFourFields (SRV record doesn't have 4 fields)",
        "CAA" => "CAARRDATANotThreeFields (CAA record doesn't have 3 fields)",
        _ => "DomainLabelEmpty (Domain label is empty)",
    }
}

fn fits(kind: &str, value: &str) -> bool {
    let fields: Vec<&str> = value.split_whitespace().collect();
    let is_name = |text: &str| check_name(&full_name(text)).is_ok();
    let number = |text: &str| text.parse::<u16>().is_ok();
    match (kind, &fields[..]) {
        ("A", _) => value.parse::<Ipv4Addr>().is_ok(),
        ("AAAA", _) => value.parse::<Ipv6Addr>().is_ok(),
        ("TXT" | "SPF", _) => is_text(value),
        ("CNAME" | "NS" | "PTR", _) => is_name(value),
        ("MX", [preference, name]) => number(preference) && is_name(name),
        ("SRV", [priority, weight, port, name]) => {
            number(priority) && number(weight) && number(port) && is_name(name)
        }
        ("CAA", [flags, tag, rest @ ..]) if !rest.is_empty() => {
            flags.parse::<u8>().is_ok()
                && tag.bytes().all(|byte| byte.is_ascii_alphanumeric())
                && rest[0].starts_with('"')
        }
        ("MX" | "SRV" | "CAA", _) => false,
        (_, fields) => !fields.is_empty(),
    }
}

/// Strings in quotation marks, each of at most 255 characters, with spaces between them.
fn is_text(value: &str) -> bool {
    let (mut inside, mut escaped, mut length, mut count) = (false, false, 0_usize, 0_usize);
    for char in value.chars() {
        match (inside, char) {
            (true, _) if escaped => escaped = false,
            (true, '\\') => escaped = true,
            (true, '"') => inside = false,
            (true, _) => length += 1,
            (false, '"') => (inside, length, count) = (true, 0, count + 1),
            (false, ' ' | '\t') => {}
            (false, _) => return false,
        }
        if length > 255 {
            return false;
        }
    }
    !inside && count > 0 && value.len() <= 4_000
}

/// Lower case, with the dot at the end. Clients may write the asterisk of a wildcard as its octal code.
pub(super) fn full_name(name: &str) -> String {
    let name = name.to_ascii_lowercase().replace(ASTERISK, "*");
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

/// A name as Route 53 answers it.
pub(super) fn shown_name(name: &str) -> String {
    name.replace('*', ASTERISK)
}

/// A name as Route 53 sorts it: its labels from the right, with the dot at the end, which comes behind a hyphen.
pub(super) fn sorted_name(name: &str) -> String {
    let labels: Vec<&str> = name.trim_end_matches('.').rsplit('.').collect();
    labels.join(".") + "."
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
        assert_eq!(sorted_name("www.example.com."), "com.example.www.");
        assert!(sorted_name("a-b.example.com.") < sorted_name("a.example.com."));
    }

    #[test]
    fn text_is_strings_in_quotation_marks() {
        assert!(is_text("\"one\" \"two \\\" three\""));
        assert!(!is_text("one") && !is_text("\"one") && !is_text("\"one\" two"));
        assert!(!is_text(&format!("\"{}\"", "x".repeat(256))));
    }
}
