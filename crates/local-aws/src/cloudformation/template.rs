//! A template's sections, checked for what can be checked before a stack exists.

use serde_json::{Map, Value};

use crate::cloudformation::{parameters, resources, yaml};
use crate::error::AwsError;

const SECTIONS: &[&str] = &[
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Conditions",
    "Resources",
    "Outputs",
];

/// Sections of AWS's that are not built here.
const SECTIONS_NOT_BUILT: &[&str] = &["Hooks", "Mappings", "Rules", "Transform"];

const RESOURCE_FIELDS: &[&str] = &[
    "Condition",
    "DeletionPolicy",
    "DependsOn",
    "Metadata",
    "Properties",
    "Type",
    "UpdateReplacePolicy",
];

/// CloudFormation user guide, "CloudFormation quotas".
const RESOURCES_MAX: usize = 500;
const PARAMETERS_MAX: usize = 200;
const OUTPUTS_MAX: usize = 200;
const DESCRIPTION_BYTES_MAX: usize = 1_024;

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
        if let Some(section) = root.keys().find(|key| SECTIONS_NOT_BUILT.contains(&key.as_str())) {
            return Err(AwsError::not_implemented(
                "cloudformation",
                &format!("template section {section}"),
            ));
        }
        check_version(&root)?;
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
        template.check_sizes()?;
        parameters::check_declarations(&template.parameters)?;
        for (name, resource) in &template.resources {
            check_resource(name, resource)?;
        }
        Ok(template)
    }

    fn check_sizes(&self) -> Result<(), AwsError> {
        if self.resources.is_empty() {
            let why = "Template format error: At least one Resources member must be defined.";
            return Err(invalid(why));
        }
        let many = [
            ("resources", self.resources.len(), RESOURCES_MAX),
            ("parameters", self.parameters.len(), PARAMETERS_MAX),
            ("outputs", self.outputs.len(), OUTPUTS_MAX),
        ];
        if let Some((what, _, most)) = many.into_iter().find(|(_, count, most)| count > most) {
            return Err(invalid(format!(
                "Template format error: Number of {what} is greater than maximum allowed, {most}"
            )));
        }
        let long = |text: &String| text.len() > DESCRIPTION_BYTES_MAX;
        if self.description.as_ref().is_some_and(long) {
            let why = "Template format error: 'Description' length is greater than 1024.";
            return Err(invalid(why));
        }
        Ok(())
    }

    /// The capability the resources need: a name of one's own needs the stronger one.
    pub(super) fn capability(&self) -> &'static str {
        let named = |resource: &Value| {
            let kind = resource
                .get("Type")
                .and_then(Value::as_str)
                .and_then(resources::find);
            let name = kind.and_then(|kind| kind.own_name);
            let properties = resource.get("Properties");
            name.is_some_and(|name| properties.is_some_and(|fields| fields.get(name).is_some()))
        };
        if self.resources.values().any(named) {
            "CAPABILITY_NAMED_IAM"
        } else {
            "CAPABILITY_IAM"
        }
    }
}

fn check_version(root: &Map<String, Value>) -> Result<(), AwsError> {
    match root.get("AWSTemplateFormatVersion") {
        None => Ok(()),
        Some(version) if version == "2010-09-09" => Ok(()),
        Some(other) => Err(invalid(format!(
            "Template format error: {other} is not a supported value for AWSTemplateFormatVersion."
        ))),
    }
}

fn check_resource(name: &str, resource: &Value) -> Result<(), AwsError> {
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(invalid(format!(
            "Template format error: Resource name {name} is non alphanumeric."
        )));
    }
    let Some(kind) = resource.get("Type").and_then(Value::as_str) else {
        return Err(invalid(format!(
            "Template format error: [/Resources/{name}] Every Resources object must contain a Type member."
        )));
    };
    let kind = resources::find(kind)
        .ok_or_else(|| AwsError::not_implemented("cloudformation", &format!("resource type {kind}")))?;
    let fields = resource.as_object();
    let unknown =
        fields.and_then(|fields| fields.keys().find(|key| !RESOURCE_FIELDS.contains(&key.as_str())));
    if let Some(key) = unknown {
        return Err(invalid(format!("Invalid template resource property '{key}'")));
    }
    match resource.get("DeletionPolicy").map(Value::as_str) {
        None | Some(Some("Delete" | "Retain" | "RetainExceptOnCreate")) => {}
        Some(_) => {
            let why = format!(
                "Template error: resource type {} does not support this deletion policy",
                kind.name
            );
            return Err(invalid(why));
        }
    }
    let properties = resource.get("Properties");
    match kind
        .not_built
        .iter()
        .find(|name| properties.is_some_and(|fields| fields.get(name).is_some()))
    {
        Some(name) => Err(AwsError::not_implemented(
            "cloudformation",
            &format!("{} with {name}", kind.name),
        )),
        None => Ok(()),
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
