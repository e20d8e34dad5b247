//! Template parameters: given values, defaults and their constraints.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::cloudformation::template::invalid;
use crate::error::AwsError;

/// The value of every parameter of the template.
pub(super) fn resolve(
    declared: &Map<String, Value>,
    mut given: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, AwsError> {
    let mut values = BTreeMap::new();
    let mut missing = Vec::new();
    for (name, declaration) in declared {
        match given.remove(name).or_else(|| default(declaration)) {
            Some(value) => {
                check(name, declaration, &value)?;
                values.insert(name.clone(), value);
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
    match declaration.get("Default")? {
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn check(name: &str, declaration: &Value, value: &str) -> Result<(), AwsError> {
    let length = i64::try_from(value.chars().count()).unwrap_or(i64::MAX);
    let bound = |key: &str| {
        let bound = declaration.get(key)?;
        bound.as_i64().or_else(|| bound.as_str()?.parse().ok())
    };
    let allowed = declaration.get("AllowedValues").and_then(Value::as_array);
    let listed = allowed.is_none_or(|values| values.iter().any(|allowed| text_of(allowed) == value));
    let number = declaration.get("Type").and_then(Value::as_str) == Some("Number");
    let pattern = declaration.get("AllowedPattern").and_then(Value::as_str);
    let whole = listed
        && bound("MinLength").is_none_or(|least| length >= least)
        && bound("MaxLength").is_none_or(|most| length <= most)
        && (!number || value.parse::<rust_decimal::Decimal>().is_ok())
        && pattern.is_none_or(|pattern| matches_simple(pattern, value));
    if whole {
        return Ok(());
    }
    let described = declaration.get("ConstraintDescription").and_then(Value::as_str);
    let why = described.map_or_else(
        || format!("Parameter {name} failed to satisfy constraint"),
        |text| format!("Parameter {name} failed to satisfy constraint: {text}"),
    );
    Err(invalid(why))
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The patterns role templates use: a sequence of literals and character classes with counts, such as
/// `^tnt-[a-z0-9]{20,40}$`. A pattern with anything more is taken as met, since refusing it would be wrong as often.
fn matches_simple(pattern: &str, value: &str) -> bool {
    let pattern = pattern.trim_start_matches('^').trim_end_matches('$');
    let Some(parts) = Part::read_all(pattern) else {
        return true;
    };
    let chars: Vec<char> = value.chars().collect();
    matches_parts(&parts, &chars)
}

struct Part {
    /// Ranges of characters, ends included.
    ranges: Vec<(char, char)>,
    least: usize,
    most: usize,
}

impl Part {
    fn read_all(pattern: &str) -> Option<Vec<Self>> {
        let mut rest = pattern;
        let mut parts = Vec::new();
        while let Some(first) = rest.chars().next() {
            let ranges = if first == '[' {
                let (class, tail) = rest[1..].split_once(']')?;
                rest = tail;
                ranges(class)?
            } else if let Some(tail) = rest.strip_prefix("\\d") {
                rest = tail;
                vec![('0', '9')]
            } else if "(|)\\.^$*+?{".contains(first) {
                return None;
            } else {
                rest = &rest[first.len_utf8()..];
                vec![(first, first)]
            };
            let (least, most, tail) = count(rest)?;
            rest = tail;
            parts.push(Self { ranges, least, most });
        }
        Some(parts)
    }

    fn takes(&self, char: char) -> bool {
        self.ranges
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&char))
    }
}

fn ranges(class: &str) -> Option<Vec<(char, char)>> {
    let chars: Vec<char> = class.chars().collect();
    if chars.first() == Some(&'^') || chars.contains(&'\\') {
        return None;
    }
    let mut ranges = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let range = chars.get(at + 1) == Some(&'-') && at + 2 < chars.len();
        ranges.push((chars[at], if range { chars[at + 2] } else { chars[at] }));
        at += if range { 3 } else { 1 };
    }
    Some(ranges)
}

fn count(rest: &str) -> Option<(usize, usize, &str)> {
    if let Some(tail) = rest.strip_prefix('+') {
        return Some((1, usize::MAX, tail));
    }
    if let Some(tail) = rest.strip_prefix('*') {
        return Some((0, usize::MAX, tail));
    }
    if let Some(tail) = rest.strip_prefix('?') {
        return Some((0, 1, tail));
    }
    let Some(tail) = rest.strip_prefix('{') else {
        return Some((1, 1, rest));
    };
    let (bounds, tail) = tail.split_once('}')?;
    let (least, most) = bounds.split_once(',').unwrap_or((bounds, bounds));
    Some((
        least.parse().ok()?,
        if most.is_empty() {
            usize::MAX
        } else {
            most.parse().ok()?
        },
        tail,
    ))
}

/// Set of reachable positions after each part: linear in the text for every part, whatever the pattern.
fn matches_parts(parts: &[Part], chars: &[char]) -> bool {
    let mut reachable = vec![false; chars.len() + 1];
    reachable[0] = true;
    for part in parts {
        let mut next = vec![false; chars.len() + 1];
        for start in (0..=chars.len()).filter(|start| reachable[*start]) {
            let run = chars[start..]
                .iter()
                .take_while(|char| part.takes(**char))
                .count();
            for taken in part.least..=run.min(part.most) {
                next[start + taken] = true;
            }
        }
        reachable = next;
    }
    reachable[chars.len()]
}
