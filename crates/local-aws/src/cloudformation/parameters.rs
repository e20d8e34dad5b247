//! Template parameters: given values, defaults and their constraints.
//!
//! Source: CloudFormation user guide, "Parameters".

use std::collections::BTreeMap;

use regex::RegexBuilder;
use rust_decimal::Decimal;
use serde_json::{Map, Value};

use crate::cloudformation::stack::ParameterValue;
use crate::cloudformation::template::invalid;
use crate::error::AwsError;
use crate::protocol::Params;

const FIELDS: &[&str] = &[
    "AllowedPattern",
    "AllowedValues",
    "ConstraintDescription",
    "Default",
    "Description",
    "MaxLength",
    "MaxValue",
    "MinLength",
    "MinValue",
    "NoEcho",
    "Type",
];

/// Longest value of a parameter.
const VALUE_BYTES_MAX: usize = 4_096;
/// What the automaton of one pattern may hold, a bound on memory.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// The values that the call gives.
pub(super) fn given(params: &Params) -> Result<BTreeMap<String, String>, AwsError> {
    let mut given = BTreeMap::new();
    for entry in params.list("Parameters") {
        let key = entry.required("ParameterKey")?.to_owned();
        if entry.flag("UsePreviousValue")? == Some(true) {
            let why = format!(
                "Invalid input for parameter key {key}. Cannot specify usePreviousValue as true for a parameter key not in the previous template"
            );
            return Err(invalid(why));
        }
        let value = entry.get("ParameterValue").unwrap_or_default().to_owned();
        if given.insert(key.clone(), value).is_some() {
            return Err(invalid(format!("Parameter {key} is given twice")));
        }
    }
    Ok(given)
}

/// Refuses declarations outside the grammar.
pub(super) fn check_declarations(declared: &Map<String, Value>) -> Result<(), AwsError> {
    for (name, declaration) in declared {
        let fields = declaration.as_object();
        let unknown = fields.and_then(|fields| fields.keys().find(|key| !FIELDS.contains(&key.as_str())));
        if let Some(key) = unknown {
            return Err(invalid(format!("Invalid template parameter property '{key}'")));
        }
        match declaration.get("Type").and_then(Value::as_str) {
            Some("String" | "Number" | "CommaDelimitedList" | "List<Number>") => {}
            Some(aws) if aws.starts_with("AWS::") || aws.starts_with("List<AWS::") => {
                return Err(AwsError::not_implemented(
                    "cloudformation",
                    &format!("parameter type {aws}"),
                ));
            }
            Some(other) => {
                return Err(invalid(format!(
                    "Template format error: Unrecognized parameter type: {other}"
                )));
            }
            None => {
                let why = "Template format error: Every Parameters object must contain a Type member.";
                return Err(invalid(format!("{why} [{name}]")));
            }
        }
    }
    Ok(())
}

/// The value of every parameter of the template.
pub(super) fn resolve(
    declared: &Map<String, Value>,
    mut given: BTreeMap<String, String>,
) -> Result<BTreeMap<String, Value>, AwsError> {
    let mut values = BTreeMap::new();
    let mut missing = Vec::new();
    for (name, declaration) in declared {
        match given.remove(name).or_else(|| default(declaration)) {
            Some(value) => {
                check(name, declaration, &value)?;
                values.insert(name.clone(), typed(declaration, value));
            }
            None => missing.push(name.as_str()),
        }
    }
    if !missing.is_empty() {
        return Err(invalid(format!(
            "Parameters: [{}] must have values",
            missing.join(", ")
        )));
    }
    if given.is_empty() {
        return Ok(values);
    }
    let unknown: Vec<&str> = given.keys().map(String::as_str).collect();
    Err(invalid(format!(
        "Parameters: [{}] do not exist in the template",
        unknown.join(", ")
    )))
}

fn default(declaration: &Value) -> Option<String> {
    declaration.get("Default").map(text_of)
}

/// A list parameter is a list of texts.
fn typed(declaration: &Value, value: String) -> Value {
    if is_list(declaration) {
        value.split(',').map(str::trim).collect()
    } else {
        value.into()
    }
}

fn kind(declaration: &Value) -> &str {
    declaration
        .get("Type")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn is_list(declaration: &Value) -> bool {
    matches!(kind(declaration), "CommaDelimitedList" | "List<Number>")
}

/// What DescribeStacks shows of the values.
pub(super) fn shown(declared: &Map<String, Value>, values: &BTreeMap<String, Value>) -> Vec<ParameterValue> {
    let show = |(key, value): (&String, &Value)| {
        let declaration = declared.get(key);
        let hidden = declaration.and_then(|declaration| declaration.get("NoEcho"));
        let hidden = hidden.is_some_and(|hidden| hidden == true || hidden == "true");
        let text = match value {
            Value::Array(parts) => parts.iter().map(text_of).collect::<Vec<_>>().join(","),
            one => text_of(one),
        };
        ParameterValue {
            key: key.clone(),
            shown: if hidden { "****".into() } else { text },
        }
    };
    values.iter().map(show).collect()
}

fn check(name: &str, declaration: &Value, value: &str) -> Result<(), AwsError> {
    if value.len() > VALUE_BYTES_MAX {
        return Err(invalid(format!("Parameter '{name}' is longer than 4096 bytes")));
    }
    let values: Vec<&str> = if is_list(declaration) {
        value.split(',').map(str::trim).collect()
    } else {
        vec![value]
    };
    for value in values {
        if let Some(broken) = broken(declaration, value)? {
            return Err(violation(name, declaration, &broken));
        }
    }
    Ok(())
}

fn violation(name: &str, declaration: &Value, broken: &str) -> AwsError {
    match declaration.get("ConstraintDescription").and_then(Value::as_str) {
        Some(text) => invalid(format!("Parameter '{name}' failed to satisfy constraint: {text}")),
        None => invalid(format!("Parameter '{name}' {broken}")),
    }
}

/// The constraint that a value breaks.
fn broken(declaration: &Value, value: &str) -> Result<Option<String>, AwsError> {
    let listed = |values: &Vec<Value>| values.iter().any(|allowed| text_of(allowed) == value);
    let allowed = declaration.get("AllowedValues").and_then(Value::as_array);
    if !allowed.is_none_or(listed) {
        return Ok(Some("must be one of AllowedValues".into()));
    }
    if kind(declaration).contains("Number") {
        return Ok(broken_number(declaration, value));
    }
    let length = Decimal::from(value.chars().count());
    if let Some(least) = bound(declaration, "MinLength").filter(|least| length < *least) {
        return Ok(Some(format!("must contain at least {least} characters")));
    }
    if let Some(most) = bound(declaration, "MaxLength").filter(|most| length > *most) {
        return Ok(Some(format!("must contain at most {most} characters")));
    }
    let Some(pattern) = declaration.get("AllowedPattern").and_then(Value::as_str) else {
        return Ok(None);
    };
    let met = matches(pattern, value)?;
    Ok((!met).then(|| format!("must match pattern {pattern}")))
}

fn broken_number(declaration: &Value, value: &str) -> Option<String> {
    let Ok(number) = value.parse::<Decimal>() else {
        return Some("must be a number".into());
    };
    if let Some(least) = bound(declaration, "MinValue").filter(|least| number < *least) {
        return Some(format!("must be a number not less than {least}"));
    }
    let most = bound(declaration, "MaxValue").filter(|most| number > *most)?;
    Some(format!("must be a number not greater than {most}"))
}

fn bound(declaration: &Value, key: &str) -> Option<Decimal> {
    text_of(declaration.get(key)?).parse().ok()
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The whole value must match. Patterns are Java's; what ours cannot do (looking around) is refused by name.
fn matches(pattern: &str, value: &str) -> Result<bool, AwsError> {
    let whole = RegexBuilder::new(&format!("^(?:{pattern})$"))
        .size_limit(PATTERN_BYTES_MAX)
        .build();
    let whole = whole
        .map_err(|_| AwsError::not_implemented("cloudformation", &format!("AllowedPattern {pattern}")))?;
    Ok(whole.is_match(value))
}
