//! The `Condition` element: clauses, their quantifiers and what an absent key means.

use std::borrow::Cow;

use serde_json::Value;

use super::context::Context;
use super::document::MalformedPolicy;
use super::operator::Operator;
use super::reader::malformed;

/// One operator, key and list of values.
#[derive(Clone, Debug)]
pub(crate) struct Clause {
    pub(crate) quantifier: Option<Quantifier>,
    pub(crate) operator: Operator,
    /// `…IfExists`: met when the key is absent.
    pub(crate) if_exists: bool,
    pub(crate) key: String,
    pub(crate) values: Vec<String>,
}

/// How a clause reads a key with many values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantifier {
    /// Every value in the request must match; met when there is none.
    ForAllValues,
    /// At least one value in the request must match.
    ForAnyValue,
}

impl Clause {
    pub(super) fn read_all(value: &Value) -> Result<Vec<Self>, MalformedPolicy> {
        let Value::Object(operators) = value else {
            return malformed("Syntax errors in policy: Condition");
        };
        let mut clauses = Vec::new();
        for (operator, keys) in operators {
            let Value::Object(keys) = keys else {
                return malformed("Syntax errors in policy: Condition");
            };
            for (key, values) in keys {
                clauses.push(Self::read(operator, key, values)?);
            }
        }
        Ok(clauses)
    }

    fn read(operator: &str, key: &str, values: &Value) -> Result<Self, MalformedPolicy> {
        let (quantifier, name) = match operator.split_once(':') {
            Some(("ForAllValues", name)) => (Some(Quantifier::ForAllValues), name),
            Some(("ForAnyValue", name)) => (Some(Quantifier::ForAnyValue), name),
            Some(_) => return malformed(format!("Invalid Condition type : {operator}")),
            None => (None, operator),
        };
        let (name, if_exists) = name
            .strip_suffix("IfExists")
            .map_or((name, false), |name| (name, true));
        let Some(operator) = Operator::named(name).filter(|known| !(if_exists && *known == Operator::Null))
        else {
            return malformed(format!("Invalid Condition type : {operator}"));
        };
        if !key.contains(':') {
            return malformed(format!("Actions/Conditions must be prefaced by a vendor: {key}"));
        }
        let clause = Self {
            quantifier,
            operator,
            if_exists,
            key: key.to_owned(),
            values: scalars(values)?,
        };
        match clause
            .values
            .iter()
            .find(|value| !value.contains("${") && !operator.accepts(value))
        {
            Some(bad) => malformed(format!("Invalid value {bad} in condition {name}")),
            None => Ok(clause),
        }
    }

    /// True when the request meets the clause.
    pub(super) fn is_met(&self, context: &Context, variables: bool) -> bool {
        let given = context.get(&self.key);
        if self.operator == Operator::Null {
            let wants_absent = |value: &String| value.eq_ignore_ascii_case("true");
            return self
                .values
                .iter()
                .any(|value| wants_absent(value) == given.is_none());
        }
        let Some(given) = given else {
            return self.is_met_by_absence();
        };
        let matches = |value: &String| self.matches(value, context, variables);
        match self.quantifier {
            Some(Quantifier::ForAllValues) => given.iter().all(matches),
            Some(Quantifier::ForAnyValue) => given.iter().any(matches),
            // Without a quantifier a negated operator must hold for every value, the others for one.
            None if self.operator.is_negated() => given.iter().all(matches),
            None => given.iter().any(matches),
        }
    }

    fn is_met_by_absence(&self) -> bool {
        match self.quantifier {
            Some(Quantifier::ForAllValues) => true,
            Some(Quantifier::ForAnyValue) => self.if_exists,
            None => self.if_exists || self.operator.is_negated(),
        }
    }

    /// One value of the request against all values of the clause: any may match, or none for a negated operator.
    fn matches(&self, given: &str, context: &Context, variables: bool) -> bool {
        let mut hits = self
            .values
            .iter()
            .filter_map(|wanted| expand(wanted, context, variables));
        let hit = hits.any(|wanted| self.operator.holds(&wanted, given));
        hit != self.operator.is_negated()
    }
}

fn scalars(value: &Value) -> Result<Vec<String>, MalformedPolicy> {
    let one = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    let texts = match value {
        Value::Array(many) => many.iter().map(one).collect(),
        single => one(single).map(|text| vec![text]),
    };
    texts.map_or_else(|| malformed("Syntax errors in policy: a condition value"), Ok)
}

/// Replaces `${key}` and `${key, 'default'}`. `None` when a variable has no value: then nothing matches.
///
/// `${*}`, `${?}` and `${$}` stand for the bare characters; a glob pattern would still read the first two as
/// wildcards, which errs on the side of a match only where the policy's author wrote the escape.
pub(super) fn expand<'a>(text: &'a str, context: &Context, variables: bool) -> Option<Cow<'a, str>> {
    if !variables || !text.contains("${") {
        return Some(Cow::Borrowed(text));
    }
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, tail) = after.split_once('}')?;
        expanded.push_str(before);
        expanded.push_str(&variable(name, context)?);
        rest = tail;
    }
    expanded.push_str(rest);
    Some(Cow::Owned(expanded))
}

fn variable(name: &str, context: &Context) -> Option<String> {
    if matches!(name, "*" | "?" | "$") {
        return Some(name.to_owned());
    }
    let (key, default) = match name.split_once(',') {
        Some((key, default)) => (key.trim(), Some(default.trim().trim_matches('\''))),
        None => (name.trim(), None),
    };
    match context.get(key) {
        Some([value]) => Some(value.clone()),
        // A key with many values cannot stand in a variable.
        Some(_) | None => default.map(str::to_owned),
    }
}
