//! A template's sections, checked for what can be checked before a stack exists.

use serde_json::{Map, Value};

use crate::cloudformation::yaml;
use crate::error::AwsError;

const SECTIONS: &[&str] = &[
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Conditions",
    "Rules",
    "Resources",
    "Outputs",
];

/// CloudFormation user guide, "CloudFormation quotas".
const RESOURCES_MAX: usize = 500;

/// The sections that make a stack.
#[derive(Clone, Debug)]
pub(super) struct Template {
    pub(super) description: Option<String>,
    pub(super) parameters: Map<String, Value>,
    pub(super) conditions: Map<String, Value>,
    pub(super) resources: Map<String, Value>,
    pub(super) outputs: Map<String, Value>,
}

/// The refusal of a template or of what was given with it.
pub(super) fn invalid(why: impl std::fmt::Display) -> AwsError {
    AwsError::bad("ValidationError", why)
}

impl Template {
    /// Reads a template in YAML or JSON.
    pub(super) fn read(text: &str) -> Result<Self, AwsError> {
        let root = if text.trim_start().starts_with('{') {
            serde_json::from_str(text)
                .map_err(|error| invalid(format!("Template format error: JSON not well-formed. {error}")))?
        } else {
            yaml::read(text)
                .map_err(|error| invalid(format!("Template format error: YAML not well-formed. {error}")))?
        };
        let Value::Object(mut root) = root else {
            return Err(invalid("Template format error: unsupported structure."));
        };
        if let Some(other) = root.keys().find(|key| !SECTIONS.contains(&key.as_str())) {
            return Err(invalid(format!(
                "Invalid template property or properties [{other}]"
            )));
        }
        let template = Self {
            description: root.get("Description").and_then(Value::as_str).map(str::to_owned),
            parameters: section(&mut root, "Parameters")?,
            conditions: section(&mut root, "Conditions")?,
            resources: section(&mut root, "Resources")?,
            outputs: section(&mut root, "Outputs")?,
        };
        template.check_resources()?;
        Ok(template)
    }

    fn check_resources(&self) -> Result<(), AwsError> {
        if self.resources.is_empty() {
            return Err(invalid(
                "Template format error: At least one Resources member must be defined.",
            ));
        }
        if self.resources.len() > RESOURCES_MAX {
            return Err(invalid(
                "Template format error: Number of resources is greater than maximum allowed, 500",
            ));
        }
        for (name, resource) in &self.resources {
            match resource.get("Type").and_then(Value::as_str) {
                Some("AWS::IAM::Role" | "AWS::IAM::ManagedPolicy") => {}
                Some(other) => {
                    return Err(AwsError::not_implemented(
                        "cloudformation",
                        &format!("resource type {other}"),
                    ));
                }
                None => {
                    let why = format!(
                        "Template format error: [/Resources/{name}] Every Resources object must contain a Type member."
                    );
                    return Err(invalid(why));
                }
            }
        }
        Ok(())
    }

    /// The capability the resources need: a name of one's own needs the stronger one.
    pub(super) fn capability(&self) -> &'static str {
        let named = |resource: &Value| {
            let properties = resource.get("Properties");
            ["RoleName", "ManagedPolicyName"]
                .iter()
                .any(|name| properties.is_some_and(|fields| fields.get(name).is_some()))
        };
        if self.resources.values().any(named) {
            "CAPABILITY_NAMED_IAM"
        } else {
            "CAPABILITY_IAM"
        }
    }
}

fn section(root: &mut Map<String, Value>, name: &str) -> Result<Map<String, Value>, AwsError> {
    match root.remove(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(fields)) => Ok(fields),
        Some(_) => Err(invalid(format!(
            "Template format error: {name} must be an object."
        ))),
    }
}
