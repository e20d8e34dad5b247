//! Intrinsic functions and conditions.
//!
//! Source: CloudFormation user guide, "Intrinsic function reference", "Pseudo parameters reference".

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::cloudformation::template::invalid;
use crate::error::AwsError;

/// What functions can refer to.
pub(super) struct Scope {
    /// What `Ref` gives: parameters, pseudo parameters, and the resources made so far, by name.
    pub(super) values: BTreeMap<String, Value>,
    pub(super) conditions: Map<String, Value>,
    /// What `Fn::GetAtt` gives, by `Resource.Attribute`.
    pub(super) attributes: BTreeMap<String, String>,
}

/// Conditions may name conditions; deeper than this they name each other in a circle.
const CONDITION_DEPTH_MAX: usize = 32;

type Resolved = Result<Option<Value>, AwsError>;

impl Scope {
    /// The value with all functions carried out; `None` for `AWS::NoValue`.
    pub(super) fn resolve(&self, value: &Value) -> Resolved {
        match value {
            Value::Array(items) => {
                let items = items.iter().filter_map(|item| self.resolve(item).transpose());
                Ok(Some(Value::Array(items.collect::<Result<_, _>>()?)))
            }
            Value::Object(fields) => match single(fields) {
                Some((name, argument)) if name == "Ref" || name.starts_with("Fn::") => {
                    self.function(name, argument)
                }
                _ => {
                    let fields = fields.iter().filter_map(|(key, field)| {
                        self.resolve(field)
                            .transpose()
                            .map(|field| field.map(|field| (key.clone(), field)))
                    });
                    Ok(Some(Value::Object(fields.collect::<Result<_, AwsError>>()?)))
                }
            },
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(Some(value.clone())),
        }
    }

    /// The value as text.
    pub(super) fn text(&self, value: &Value) -> Result<String, AwsError> {
        match self.resolve(value)? {
            Some(Value::String(text)) => Ok(text),
            Some(plain @ (Value::Bool(_) | Value::Number(_))) => Ok(plain.to_string()),
            _ => Err(invalid("Template error: a value must be text")),
        }
    }

    fn function(&self, name: &str, argument: &Value) -> Resolved {
        match name {
            "Ref" if argument == "AWS::NoValue" => Ok(None),
            "Ref" => self.reference(argument.as_str().unwrap_or_default()).map(Some),
            "Fn::Sub" => self.substitute(argument).map(|text| Some(text.into())),
            "Fn::GetAtt" => self.attribute(argument).map(|text| Some(text.into())),
            "Fn::Join" => self.join(argument).map(|text| Some(text.into())),
            "Fn::Split" => self.split(argument).map(Some),
            "Fn::Select" => self.select(argument).map(Some),
            "Fn::If" => self.choose(argument),
            "Fn::Equals" | "Fn::Not" | "Fn::And" | "Fn::Or" => {
                let why = format!("Template error: {name} can be used in Conditions only");
                Err(invalid(why))
            }
            other => Err(AwsError::not_implemented("cloudformation", other)),
        }
    }

    fn reference(&self, name: &str) -> Result<Value, AwsError> {
        self.values.get(name).cloned().ok_or_else(|| {
            invalid(format!(
                "Template format error: Unresolved resource dependencies [{name}] in the Resources block of the template"
            ))
        })
    }

    fn attribute(&self, argument: &Value) -> Result<String, AwsError> {
        let path = match argument {
            Value::Array(parts) => parts
                .iter()
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join("."),
            other => other.as_str().unwrap_or_default().to_owned(),
        };
        let found = self.attributes.get(&path).cloned();
        found.ok_or_else(|| invalid(format!("Template error: there is no attribute {path}")))
    }

    fn substitute(&self, argument: &Value) -> Result<String, AwsError> {
        let (text, own) = match argument {
            Value::String(text) => (text.as_str(), None),
            Value::Array(parts) => match &parts[..] {
                [Value::String(text), Value::Object(own)] => (text.as_str(), Some(own)),
                _ => return Err(invalid("Template error: Fn::Sub takes text, or text and a map")),
            },
            _ => return Err(invalid("Template error: Fn::Sub takes text, or text and a map")),
        };
        let mut result = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, tail) = after
                .split_once('}')
                .ok_or_else(|| invalid("Template error: Fn::Sub has an open ${"))?;
            result.push_str(before);
            result.push_str(&self.substitution(name, own)?);
            rest = tail;
        }
        result.push_str(rest);
        Ok(result)
    }

    fn substitution(&self, name: &str, own: Option<&Map<String, Value>>) -> Result<String, AwsError> {
        if let Some(literal) = name.strip_prefix('!') {
            return Ok(format!("${{{literal}}}"));
        }
        if let Some(value) = own.and_then(|own| own.get(name)) {
            return self.text(value);
        }
        if name.contains('.') {
            self.attribute(&name.into())
        } else {
            self.text(&serde_json::json!({ "Ref": name }))
        }
    }

    fn join(&self, argument: &Value) -> Result<String, AwsError> {
        let wrong = || invalid("Template error: Fn::Join takes a delimiter and a list");
        let Some([Value::String(delimiter), parts]) = argument.as_array().map(Vec::as_slice) else {
            return Err(wrong());
        };
        let texts = self.texts(parts)?.ok_or_else(wrong)?;
        Ok(texts.join(delimiter))
    }

    /// A list of texts; `None` for what is no list.
    fn texts(&self, value: &Value) -> Result<Option<Vec<String>>, AwsError> {
        let Some(Value::Array(parts)) = self.resolve(value)? else {
            return Ok(None);
        };
        let texts: Result<Vec<String>, AwsError> = parts.iter().map(|part| self.text(part)).collect();
        texts.map(Some)
    }

    fn split(&self, argument: &Value) -> Result<Value, AwsError> {
        let Some([Value::String(delimiter), text]) = argument.as_array().map(Vec::as_slice) else {
            return Err(invalid("Template error: Fn::Split takes a delimiter and a text"));
        };
        Ok(self.text(text)?.split(delimiter.as_str()).collect())
    }

    fn select(&self, argument: &Value) -> Result<Value, AwsError> {
        let wrong = || invalid("Template error: Fn::Select takes an index within a list");
        let Some([index, list]) = argument.as_array().map(Vec::as_slice) else {
            return Err(wrong());
        };
        let index: usize = self.text(index)?.parse().map_err(|_| wrong())?;
        let texts = self.texts(list)?.ok_or_else(wrong)?;
        texts
            .get(index)
            .map(|text| text.as_str().into())
            .ok_or_else(wrong)
    }

    fn choose(&self, argument: &Value) -> Resolved {
        let Some([Value::String(condition), met, unmet]) = argument.as_array().map(Vec::as_slice) else {
            return Err(invalid(
                "Template error: Fn::If takes a condition's name and two values",
            ));
        };
        self.resolve(if self.is_met(condition)? { met } else { unmet })
    }

    /// Whether a named condition holds.
    pub(super) fn is_met(&self, condition: &str) -> Result<bool, AwsError> {
        self.named(condition, 0)
    }

    fn named(&self, condition: &str, depth: usize) -> Result<bool, AwsError> {
        let rule = self.conditions.get(condition);
        let rule = rule.ok_or_else(|| {
            invalid(format!(
                "Template error: unresolved condition dependency {condition}"
            ))
        })?;
        self.holds(rule, depth + 1)
    }

    fn holds(&self, rule: &Value, depth: usize) -> Result<bool, AwsError> {
        if depth > CONDITION_DEPTH_MAX {
            return Err(invalid("Template error: Circular dependency between conditions"));
        }
        let Some((name, argument)) = rule.as_object().and_then(single) else {
            return Err(invalid("Template error: a condition is one function"));
        };
        let arguments = argument.as_array().map(Vec::as_slice).unwrap_or_default();
        let mut each = arguments.iter().map(|argument| self.holds(argument, depth + 1));
        match (name, arguments) {
            ("Condition", _) => self.named(argument.as_str().unwrap_or_default(), depth),
            ("Fn::Equals", [left, right]) => Ok(self.text(left)? == self.text(right)?),
            ("Fn::Not", [_]) => each.next().transpose().map(|met| met != Some(true)),
            ("Fn::And", [_, _, ..]) => each.try_fold(true, |all, met| Ok(all && met?)),
            ("Fn::Or", [_, _, ..]) => each.try_fold(false, |any, met| Ok(any || met?)),
            _ => Err(invalid(format!("Template error: {name} is no condition"))),
        }
    }
}

fn single(fields: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut entries = fields.iter();
    match (entries.next(), entries.next()) {
        (Some((name, argument)), None) => Some((name, argument)),
        _ => None,
    }
}
