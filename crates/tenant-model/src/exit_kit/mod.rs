//! The exit kit: what a customer needs to go on without us, for exactly what exists.
//!
//! A CloudFormation template in which nothing is ever deleted, the list of resources to import into a new stack, and
//! the commands. Generated, never written by hand; a resource type's identifiers for an import are the primary
//! identifier of its schema (CloudFormation user guide, "Importing AWS resources into a CloudFormation stack").

mod network;
mod readme;
mod services;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{
    blueprint::{Blueprint, Resource, Spec},
    deployment::Deployment,
    resource::ResourceRecord,
};

/// What was seen of a resource that its id does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportFact {
    /// The id that it was seen of; an older one's facts are none.
    pub aws_id: String,
    /// By name, such as `PublicIp`.
    pub values: BTreeMap<String, String>,
}

/// What a kit is made of.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Whose.
    pub deployment: &'a Deployment,
    /// As it should be.
    pub blueprint: &'a Blueprint,
    /// As it is remembered to be.
    pub records: &'a [ResourceRecord],
    /// What was seen besides.
    pub seen: &'a BTreeMap<String, ImportFact>,
}

/// A kit.
#[derive(Clone, Debug, PartialEq)]
pub struct ExitKit {
    /// The template.
    pub template: Value,
    /// What `create-change-set --resources-to-import` takes.
    pub resources_to_import: Vec<Value>,
    /// Resources that exist and cannot be imported yet, with the reason.
    pub left_out: Vec<(String, String)>,
    /// The commands, as Markdown.
    pub readme: String,
}

/// A resource of the template, with what identifies it.
struct Part {
    logical_id: String,
    kind: &'static str,
    properties: Value,
    identifier: Value,
}

/// Makes the kit.
#[must_use]
pub fn exit_kit(facts: &Facts<'_>) -> ExitKit {
    let maker = Maker {
        ids: ids(facts.records),
        facts,
    };
    let mut parts = Vec::new();
    let mut left_out = Vec::new();
    for resource in facts.blueprint.all() {
        if !maker.ids.contains_key(resource.name.as_str()) {
            continue;
        }
        match maker.parts(resource) {
            Ok(made) => parts.extend(made),
            Err(why) => left_out.push((resource.name.clone(), why)),
        }
    }
    while let Some((place, lacks)) = dangling(&parts) {
        let part = parts.remove(place);
        left_out.push((
            part.logical_id,
            format!("{lacks}, which it needs, is not in the kit"),
        ));
    }
    let readme = readme::readme(facts.deployment, parts.len(), &left_out);
    ExitKit {
        template: template(facts, &parts),
        resources_to_import: parts.iter().map(to_import).collect(),
        left_out,
        readme,
    }
}

/// A part that refers to something that is not in the kit, and what that is.
fn dangling(parts: &[Part]) -> Option<(usize, String)> {
    let known = |name: &str| parts.iter().any(|part| part.logical_id == name);
    let lacks = |part: &Part| references(&part.properties).into_iter().find(|name| !known(name));
    let mut found = parts.iter().enumerate();
    found.find_map(|(place, part)| lacks(part).map(|name| (place, name)))
}

fn references(properties: &Value) -> Vec<String> {
    let mut names = Vec::new();
    gather(properties, &mut names);
    names
}

fn gather(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            names.extend(value["Ref"].as_str().map(str::to_owned));
            names.extend(value["Fn::GetAtt"][0].as_str().map(str::to_owned));
            fields.values().for_each(|field| gather(field, names));
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn ids(records: &[ResourceRecord]) -> BTreeMap<&str, &str> {
    let mut ids = BTreeMap::new();
    for record in records {
        if let Some(id) = record.aws_id.as_deref() {
            ids.insert(record.name.as_str(), id);
        }
    }
    ids
}

type Parts = Result<Vec<Part>, String>;

struct Maker<'a> {
    ids: BTreeMap<&'a str, &'a str>,
    facts: &'a Facts<'a>,
}

impl Maker<'_> {
    fn id(&self, name: &str) -> Result<&str, String> {
        let id = self.ids.get(name).copied();
        id.ok_or_else(|| format!("{name}, which it needs, is not there"))
    }

    /// What was seen of a resource as it is now.
    fn fact(&self, name: &str, value: &str) -> Result<&str, String> {
        let seen = self.facts.seen.get(name);
        let seen = seen.filter(|fact| self.ids.get(name) == Some(&fact.aws_id.as_str()));
        let text = seen.and_then(|fact| fact.values.get(value));
        text.map(String::as_str)
            .ok_or_else(|| format!("its {value} was not seen yet; ask again in a few minutes"))
    }

    /// A reference inside the template, or the id of what is not ours.
    fn refer(&self, name: &str) -> Value {
        match self.facts.blueprint.given.get(name) {
            Some(id) => json!(id),
            None => json!({ "Ref": logical_id(name) }),
        }
    }

    fn refer_all(&self, names: &[String]) -> Value {
        names.iter().map(|name| self.refer(name)).collect()
    }

    /// An attribute of another resource of the template.
    fn attribute(&self, name: &str, attribute: &str) -> Value {
        json!({ "Fn::GetAtt": [logical_id(name), attribute] })
    }

    /// An id as AWS has it, also of what is not ours.
    fn given_or_id(&self, name: &str) -> Result<&str, String> {
        let given = self.facts.blueprint.given.get(name);
        given.map_or_else(|| self.id(name), |id| Ok(id.as_str()))
    }

    fn parts(&self, resource: &Resource) -> Parts {
        let name = resource.name.as_str();
        match &resource.spec {
            Spec::Vpc { .. }
            | Spec::InternetGateway { .. }
            | Spec::Subnet { .. }
            | Spec::ElasticIp { .. }
            | Spec::NatGateway { .. }
            | Spec::RouteTable { .. }
            | Spec::VpcEndpoint { .. }
            | Spec::SecurityGroup { .. } => self.network(name, &resource.spec),
            Spec::Instance { .. } | Spec::LaunchTemplate { .. } | Spec::AutoScalingGroup { .. } => {
                self.machines(name, &resource.spec)
            }
            Spec::TargetGroup { .. } | Spec::Certificate { .. } | Spec::LoadBalancer { .. } => {
                self.front(name, &resource.spec)
            }
            Spec::DbSubnetGroup { .. } | Spec::Database { .. } => self.database(name, &resource.spec),
            // In the vendor's zone, not in the customer's account.
            Spec::DnsRecord { .. } => Ok(Vec::new()),
        }
    }
}

fn part(name: &str, kind: &'static str, properties: Value, identifier: Value) -> Part {
    Part {
        logical_id: logical_id(name),
        kind,
        properties,
        identifier,
    }
}

/// CloudFormation takes letters and digits only.
fn logical_id(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    words.collect()
}

fn template(facts: &Facts<'_>, parts: &[Part]) -> Value {
    let mut resources = Map::new();
    for part in parts {
        resources.insert(
            part.logical_id.clone(),
            json!({
                "Type": part.kind,
                "DeletionPolicy": "Retain",
                "UpdateReplacePolicy": "Retain",
                "Properties": part.properties,
            }),
        );
    }
    json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": format!("The data platform of deployment {}, as it is", facts.deployment.id),
        "Resources": resources,
    })
}

fn to_import(part: &Part) -> Value {
    json!({
        "ResourceType": part.kind,
        "LogicalResourceId": part.logical_id,
        "ResourceIdentifier": part.identifier,
    })
}

#[cfg(test)]
mod tests;
