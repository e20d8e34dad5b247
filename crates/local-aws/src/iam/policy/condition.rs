//! The `Condition` element: clauses, their quantifiers and what an absent key means.

use serde_json::Value;

use super::context::Context;
use super::document::MalformedPolicy;
use super::operator::Operator;
use super::pattern;
use super::reader::malformed;
use super::variable::{self, expand, expand_pattern};

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
        let hit = self
            .values
            .iter()
            .any(|wanted| self.hits(wanted, given, (context, variables)));
        hit != self.operator.is_negated()
    }

    fn hits(&self, wanted: &str, given: &str, (context, variables): (&Context, bool)) -> bool {
        if let Operator::Like { .. } = self.operator {
            let pattern = expand_pattern(wanted, context, variables);
            return pattern.is_some_and(|pattern| pattern::matches(&pattern, given));
        }
        expand(wanted, context, variables).is_some_and(|wanted| self.operator.holds(&wanted, given))
    }

    /// The context keys the clause needs: its own, and those of variables in its values.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        let in_values = self.values.iter().flat_map(|value| variable::keys(value));
        std::iter::once(self.key.as_str()).chain(in_values)
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
