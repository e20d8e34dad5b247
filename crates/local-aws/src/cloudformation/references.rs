//! What a template's parts refer to: checked before anything is made, and the order of making.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::cloudformation::resources;
use crate::cloudformation::template::{Template, invalid};
use crate::error::AwsError;

/// Pseudo parameters (CloudFormation user guide, "Pseudo parameters reference"), without those of notifications.
const PSEUDO: &[&str] = &[
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
];

/// One use of a name.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Use {
    /// A parameter, a pseudo parameter or a resource.
    Name(String),
    /// An attribute of a resource.
    Attribute(String, String),
    /// A condition.
    Condition(String),
}

fn uses(value: &Value) -> BTreeSet<Use> {
    let mut found = BTreeSet::new();
    collect(value, &mut found);
    found
}

fn collect(value: &Value, found: &mut BTreeSet<Use>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(fields) if fields.len() == 1 => {
            for (name, argument) in fields {
                function(name, argument, found);
            }
        }
        Value::Object(fields) => fields.values().for_each(|field| collect(field, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn function(name: &str, argument: &Value, found: &mut BTreeSet<Use>) {
    match (name, argument) {
        ("Ref", Value::String(name)) => {
            found.insert(Use::Name(name.clone()));
        }
        ("Fn::GetAtt", argument) => {
            found.extend(attribute(argument));
        }
        ("Fn::Sub", Value::String(text)) => substitutions(text, &Map::new(), found),
        ("Fn::Sub", Value::Array(parts)) => {
            if let [Value::String(text), Value::Object(own)] = &parts[..] {
                substitutions(text, own, found);
                own.values().for_each(|value| collect(value, found));
            }
        }
        ("Fn::If", Value::Array(parts)) => {
            let condition = parts.first().and_then(Value::as_str);
            found.extend(condition.map(|name| Use::Condition(name.to_owned())));
            parts.iter().skip(1).for_each(|part| collect(part, found));
        }
        (_, argument) => collect(argument, found),
    }
}

fn attribute(argument: &Value) -> Option<Use> {
    let (resource, attribute) = match argument {
        Value::Array(parts) => (parts.first()?.as_str()?, parts.get(1)?.as_str()?),
        Value::String(path) => path.split_once('.')?,
        _ => return None,
    };
    Some(Use::Attribute(resource.to_owned(), attribute.to_owned()))
}

fn substitutions(text: &str, own: &Map<String, Value>, found: &mut BTreeSet<Use>) {
    let opened = text.split("${").skip(1);
    let names = opened.filter_map(|rest| rest.split_once('}').map(|(name, _)| name));
    for name in names.filter(|name| !name.starts_with('!') && !own.contains_key(*name)) {
        found.insert(match name.split_once('.') {
            Some((resource, attribute)) => Use::Attribute(resource.to_owned(), attribute.to_owned()),
            None => Use::Name(name.to_owned()),
        });
    }
}

/// Refuses names that are nowhere, attributes that a type does not have, and circles.
pub(super) fn check(template: &Template) -> Result<(), AwsError> {
    for (section, parts) in [("Resources", &template.resources), ("Outputs", &template.outputs)] {
        for part in parts.values() {
            check_part(template, section, part)?;
        }
    }
    order(template).map(drop)
}

fn check_part(template: &Template, section: &str, part: &Value) -> Result<(), AwsError> {
    if let Some(condition) = part.get("Condition").and_then(Value::as_str) {
        check_condition(template, section, condition)?;
    }
    for name in depends_on(part) {
        if !template.resources.contains_key(name) {
            return Err(unresolved(section, name));
        }
    }
    for used in uses(part) {
        match &used {
            Use::Name(name) => {
                let known = PSEUDO.contains(&name.as_str())
                    || template.parameters.contains_key(name)
                    || template.resources.contains_key(name);
                if !known {
                    return Err(unresolved(section, name));
                }
            }
            Use::Attribute(resource, attribute) => check_attribute(template, section, (resource, attribute))?,
            Use::Condition(name) => check_condition(template, section, name)?,
        }
    }
    Ok(())
}

fn unresolved(section: &str, name: &str) -> AwsError {
    invalid(format!(
        "Template format error: Unresolved resource dependencies [{name}] in the {section} block of the template"
    ))
}

fn check_condition(template: &Template, section: &str, name: &str) -> Result<(), AwsError> {
    if template.conditions.contains_key(name) {
        return Ok(());
    }
    Err(invalid(format!(
        "Template format error: Unresolved condition dependency {name} in the {section} block of the template"
    )))
}

fn check_attribute(
    template: &Template,
    section: &str,
    (resource, attribute): (&str, &str),
) -> Result<(), AwsError> {
    let declared = template.resources.get(resource);
    let declared = declared.ok_or_else(|| unresolved(section, resource))?;
    let kind = declared
        .get("Type")
        .and_then(Value::as_str)
        .and_then(resources::find);
    if kind.is_some_and(|kind| kind.attributes.contains(&attribute)) {
        return Ok(());
    }
    Err(invalid(format!(
        "Template error: resource {resource} does not support attribute type {attribute} in Fn::GetAtt"
    )))
}

fn depends_on(resource: &Value) -> Vec<&str> {
    match resource.get("DependsOn") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// The resources that one resource needs.
fn needs(template: &Template, resource: &Value) -> BTreeSet<String> {
    let used = uses(resource).into_iter().filter_map(|used| match used {
        Use::Name(name) | Use::Attribute(name, _) => Some(name),
        Use::Condition(_) => None,
    });
    let named = depends_on(resource).into_iter().map(str::to_owned);
    used.chain(named)
        .filter(|name| template.resources.contains_key(name))
        .collect()
}

/// The resources in an order in which each comes after what it needs.
pub(super) fn order(template: &Template) -> Result<Vec<String>, AwsError> {
    let needs = |name: &String| needs(template, &template.resources[name]);
    let mut waiting: Vec<(&String, BTreeSet<String>)> = template
        .resources
        .keys()
        .map(|name| (name, needs(name)))
        .collect();
    let mut order: Vec<String> = Vec::new();
    while !waiting.is_empty() {
        let ready = waiting
            .iter()
            .position(|(_, needs)| needs.iter().all(|need| order.contains(need)));
        let Some(ready) = ready else {
            let names: Vec<&str> = waiting.iter().map(|(name, _)| name.as_str()).collect();
            return Err(invalid(format!(
                "Circular dependency between resources: [{}]",
                names.join(", ")
            )));
        };
        order.push(waiting.remove(ready).0.clone());
    }
    Ok(order)
}
