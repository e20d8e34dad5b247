//! The parameters of a call as an event shows them: nested, named as CloudTrail names them, without secrets.
//!
//! Sources: CloudTrail user guide, "CloudTrail record contents" (`requestParameters`, and what stands there when it is
//! too long); the CloudTrail page of each service's guide for what it leaves out.

use serde_json::{Map, Value, json};

use super::is_data_event;
use crate::protocol::Protocol;
use crate::service::Call;

/// Longest text of parameters that the log keeps; CloudTrail keeps 100 KB.
const PARAMETERS_BYTES_MAX: usize = 4_096;
/// A longer body is not even read: nothing of it would be kept.
const BODY_BYTES_MAX: usize = 16 * 1_024;
const DOTS_MAX: usize = 12;
const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";
const OMITTED: &str = r#"{"omitted":true}"#;

/// Parameters whose values nobody may read in a log, in lower case.
const SECRETS: &[&str] = &[
    "ciphertextblob",
    "masteruserpassword",
    "parametervalue",
    "parameters",
    "plaintext",
    "privatekey",
    "publickeymaterial",
    "sql",
    "sqls",
    "templatebody",
    "token",
    "userdata",
];

/// The parameters of a management event as text; none for a call that moves data, or whose form has none.
pub(crate) fn shown(call: &Call) -> Option<Box<str>> {
    if is_data_event("kinesis", &call.operation) || call.body.is_empty() {
        return None;
    }
    if call.body.len() > BODY_BYTES_MAX {
        return Some(OMITTED.into());
    }
    let given = match call.protocol {
        Protocol::RestXml { .. } => return None,
        Protocol::Json { .. } => serde_json::from_slice(&call.body).ok()?,
        Protocol::Query { .. } | Protocol::Ec2 => nested(call)?,
    };
    let text = told(given).to_string();
    match text.len() {
        0..=2 => None,
        3..=PARAMETERS_BYTES_MAX => Some(text.into()),
        _ => Some(OMITTED.into()),
    }
}

/// The names of a form, which have dots and numbers, as objects in objects.
fn nested(call: &Call) -> Option<Value> {
    let params = call.params().ok()?;
    let mut root = Map::new();
    for (name, value) in params.iter() {
        if matches!(name, "Action" | "Version") {
            continue;
        }
        // Structures are never that deep; a name of many dots is taken as it is.
        match name.matches('.').count() {
            0..=DOTS_MAX => put(&mut root, name, value),
            _ => drop(root.insert(name.to_owned(), json!(value))),
        }
    }
    Some(Value::Object(root))
}

fn put(at: &mut Map<String, Value>, name: &str, value: &str) {
    let Some((first, rest)) = name.split_once('.') else {
        at.insert(name.to_owned(), json!(value));
        return;
    };
    let inner = at.entry(first).or_insert_with(|| json!({}));
    match inner {
        Value::Object(inner) => put(inner, rest, value),
        // A name that is both a value and a structure; the services refuse it.
        other => *other = json!(HIDDEN),
    }
}

/// Names begin in lower case, lists of a form become lists, and secrets are hidden.
fn told(value: Value) -> Value {
    match value {
        Value::Object(fields) if is_list(&fields) => {
            let mut items: Vec<(u32, Value)> = fields
                .into_iter()
                .map(|(number, item)| (number.parse().unwrap_or(0), told(item)))
                .collect();
            items.sort_unstable_by_key(|(number, _)| *number);
            items.into_iter().map(|(_, item)| item).collect()
        }
        Value::Object(mut fields) if fields.len() == 1 && fields.contains_key("member") => {
            told(fields.remove("member").unwrap_or_default())
        }
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| {
                let value = if is_secret(&name) {
                    json!(HIDDEN)
                } else {
                    told(value)
                };
                (lower_camel(&name), value)
            });
            Value::Object(fields.collect())
        }
        Value::Array(items) => items.into_iter().map(told).collect(),
        Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => value,
    }
}

fn is_list(fields: &Map<String, Value>) -> bool {
    let numbered = |name: &String| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    !fields.is_empty() && fields.keys().all(numbered)
}

fn is_secret(name: &str) -> bool {
    SECRETS.contains(&name.to_ascii_lowercase().as_str())
}

fn lower_camel(name: &str) -> String {
    let mut characters = name.chars();
    let first = characters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(characters).collect()
}
