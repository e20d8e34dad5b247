//! What rules ask of a request.
//!
//! Sources: user guide, "Condition types for listener rules"; API reference, "RuleCondition".

use super::request::invalid;
use super::state::{Condition, ConditionValue};
use crate::error::AwsError;
use crate::protocol::Params;

/// Values of all conditions of a rule.
const VALUES_MAX: usize = 5;
const VALUE_LENGTH_MAX: usize = 128;
const METHOD_LENGTH_MAX: usize = 40;

/// A field, the structure its values lie in, whether they may lie in `Values` too, and how many conditions of it a
/// rule may have.
struct Field {
    name: &'static str,
    config: &'static str,
    is_plain: bool,
    repeats: bool,
}

const fn field(name: &'static str, config: &'static str, (is_plain, repeats): (bool, bool)) -> Field {
    Field {
        name,
        config,
        is_plain,
        repeats,
    }
}

const FIELDS: [Field; 6] = [
    field("host-header", "HostHeaderConfig", (true, false)),
    field("path-pattern", "PathPatternConfig", (true, false)),
    field("http-header", "HttpHeaderConfig", (false, true)),
    field("query-string", "QueryStringConfig", (false, true)),
    field("http-request-method", "HttpRequestMethodConfig", (false, false)),
    field("source-ip", "SourceIpConfig", (false, false)),
];

/// The structure that a condition's values are shown in.
pub(super) fn config_of(condition: &Condition) -> &'static str {
    let found = FIELDS.iter().find(|field| field.name == condition.field);
    found.map_or("", |field| field.config)
}

/// Whether a condition's values are shown beside their structure too.
pub(super) fn is_plain(condition: &Condition) -> bool {
    let found = FIELDS.iter().find(|field| field.name == condition.field);
    found.is_some_and(|field| field.is_plain)
}

/// The conditions of a call.
pub(super) fn read(params: &Params) -> Result<Vec<Condition>, AwsError> {
    let mut conditions: Vec<Condition> = Vec::new();
    for given in params.list("Conditions") {
        let name = given
            .get("Field")
            .ok_or_else(|| invalid("A condition field must be specified"))?;
        let known = FIELDS.iter().find(|field| field.name == name);
        let known = known.ok_or_else(|| invalid(format!("The condition field '{name}' is not valid")))?;
        if !known.repeats && conditions.iter().any(|other| other.field == name) {
            return Err(invalid(format!("A rule can only have one '{name}' condition")));
        }
        conditions.push(read_one(known, &given)?);
    }
    if conditions.is_empty() {
        return Err(invalid("At least one condition must be specified"));
    }
    let count: usize = conditions.iter().map(|condition| condition.values.len()).sum();
    if count > VALUES_MAX {
        return Err(invalid(format!(
            "A rule can only have '{VALUES_MAX}' condition values"
        )));
    }
    Ok(conditions)
}

fn read_one(field: &Field, given: &Params) -> Result<Condition, AwsError> {
    let config = given.structure(field.config);
    let plain = given.strings("Values");
    let may_be_plain = field.is_plain && config.is_empty();
    if !(plain.is_empty() || may_be_plain) {
        return Err(invalid(format!(
            "The values of a '{}' condition must be in its {}",
            field.name, field.config
        )));
    }
    let values = match field.name {
        "query-string" => pairs(&config)?,
        _ => plain_values(config.strings("Values").into_iter().chain(plain)),
    };
    let header = match field.name {
        "http-header" => Some(config.required("HttpHeaderName")?.to_owned()),
        _ => None,
    };
    let condition = Condition {
        field: field.name.to_owned(),
        header,
        values,
    };
    check(&condition)?;
    Ok(condition)
}

fn plain_values(values: impl Iterator<Item = String>) -> Vec<ConditionValue> {
    values.map(|value| ConditionValue { key: None, value }).collect()
}

fn pairs(config: &Params) -> Result<Vec<ConditionValue>, AwsError> {
    let pairs = config.list("Values");
    let read = |pair: &Params| {
        Ok(ConditionValue {
            key: pair.get("Key").map(str::to_owned),
            value: pair.required("Value")?.to_owned(),
        })
    };
    pairs.iter().map(read).collect()
}

fn check(condition: &Condition) -> Result<(), AwsError> {
    let Condition { field, values, .. } = condition;
    if values.is_empty() {
        return Err(invalid(format!("A condition on '{field}' needs a value")));
    }
    let fits = |value: &str| match field.as_str() {
        "source-ip" => is_block(value),
        "http-request-method" => {
            let allowed = |byte: u8| byte.is_ascii_uppercase() || byte == b'-' || byte == b'_';
            (1..=METHOD_LENGTH_MAX).contains(&value.len()) && value.bytes().all(allowed)
        }
        _ => (1..=VALUE_LENGTH_MAX).contains(&value.len()),
    };
    match values.iter().find(|each| !fits(&each.value)) {
        None => Ok(()),
        Some(each) => Err(invalid(format!(
            "The value '{}' of a condition on '{field}' is not valid",
            each.value
        ))),
    }
}

/// An IPv4 block such as `192.0.2.0/24`.
fn is_block(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else {
        return false;
    };
    address.parse::<std::net::Ipv4Addr>().is_ok() && bits.parse::<u8>().is_ok_and(|bits| bits <= 32)
}
