//! Launch templates: made, found by id or name, given another default version, deleted.
//!
//! Sources: EC2 API reference, "CreateLaunchTemplate", "ModifyLaunchTemplate", "DeleteLaunchTemplate" and "Error
//! codes"; EC2 user guide, "Launch templates".

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::describe::{Filtered, select};
use super::kind::Kind;
use super::request::{Request, invalid_value, require, require_mut};
use super::state::{Meta, Region, resource};
use super::{tags, template_data, token};
use crate::error::AwsError;
use crate::protocol::Xml;

/// A launch template with all of its versions that were not deleted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LaunchTemplate {
    pub(super) meta: Meta,
    pub(super) name: String,
    pub(super) versions: BTreeMap<i64, Version>,
    pub(super) default_version: i64,
    /// The highest number given so far; numbers do not come again.
    pub(super) latest_version: i64,
}
resource!(LaunchTemplate, Kind::LaunchTemplate);

/// One version. It never changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) number: i64,
    pub(super) description: Option<String>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) created_by: String,
    /// Parameters under the names that RunInstances has for them.
    pub(super) data: BTreeMap<String, String>,
}

impl LaunchTemplate {
    /// The version that a number, `$Latest` or `$Default` names; the default one where nothing is said.
    pub(super) fn version(&self, named: Option<&str>) -> Result<&Version, AwsError> {
        let number = match named {
            None | Some("" | "$Default") => self.default_version,
            Some("$Latest") => self.latest_version,
            Some(text) => text.parse().map_err(|_| {
                invalid_value(format!(
                    "Value ({text}) for parameter version is invalid: a version is a number, $Latest or $Default."
                ))
            })?,
        };
        self.versions
            .get(&number)
            .ok_or_else(|| no_version(&self.meta.id, number))
    }
}

/// The refusal of a version that is not there.
pub(super) fn no_version(template_id: &str, number: i64) -> AwsError {
    AwsError::bad(
        "InvalidLaunchTemplateId.VersionNotFound",
        format!("Could not find the launch template version {number} of {template_id}."),
    )
}

impl Filtered for LaunchTemplate {
    const FILTERS: &[&str] = &["create-time", "launch-template-name"];

    fn field(&self, name: &str) -> Option<Vec<String>> {
        Some(vec![match name {
            "launch-template-name" => self.name.clone(),
            "create-time" => time(self.meta.created_at),
            _ => return None,
        }])
    }
}

/// How launch templates write a time.
pub(super) fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}

/// Takes a client token; a name is taken once.
pub(super) fn create(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let name = request.params.required("LaunchTemplateName")?.to_owned();
    let tags = request.tags_for(Kind::LaunchTemplate)?;
    request.authorize_creation(Kind::LaunchTemplate, &tags)?;
    request.end_dry_run()?;
    check_name(&name)?;
    let data = template_data::read(&request.params)?;
    let presented = token::presented(request)?;
    if let Some(ids) = token::earlier(region, presented.as_ref())?
        && let Some(template) = ids.first().and_then(|id| region.templates.get(id))
    {
        return Ok(answer(template));
    }
    if region.templates.values().any(|template| template.name == name) {
        return Err(AwsError::bad(
            "InvalidLaunchTemplateName.AlreadyExistsException",
            format!("Launch template name already in use: {name}"),
        ));
    }
    let meta = request.new_meta(Kind::LaunchTemplate, tags);
    let first = new_version(request, 1, data)?;
    let template = LaunchTemplate {
        meta,
        name,
        versions: BTreeMap::from([(1, first)]),
        default_version: 1,
        latest_version: 1,
    };
    let xml = answer(&template);
    token::remember(region, presented, vec![template.meta.id.clone()]);
    region.templates.insert(template.meta.id.clone(), template);
    Ok(xml)
}

/// A version as the call describes it.
pub(super) fn new_version(
    request: &Request<'_>,
    number: i64,
    data: BTreeMap<String, String>,
) -> Result<Version, AwsError> {
    let description = request.params.get("VersionDescription");
    if description.is_some_and(|text| text.chars().count() > 255) {
        return Err(invalid_value("VersionDescription must be at most 255 characters"));
    }
    Ok(Version {
        number,
        description: description.map(str::to_owned),
        created_at: request.call.now,
        created_by: request.call.caller.principal_arn.clone(),
        data,
    })
}

fn check_name(name: &str) -> Result<(), AwsError> {
    let allowed = |char: char| char.is_ascii_alphanumeric() || "().-/_".contains(char);
    if (3..=128).contains(&name.len()) && name.chars().all(allowed) {
        return Ok(());
    }
    Err(AwsError::bad(
        "InvalidLaunchTemplateName.MalformedException",
        "A launch template name must be between 3 and 128 characters, and may contain letters, numbers, and the \
         following characters: - ( ) . / _.",
    ))
}

fn answer(template: &LaunchTemplate) -> Xml {
    let mut xml = Xml::new();
    xml.node("launchTemplate", |xml| write(xml, template));
    xml
}

fn write(xml: &mut Xml, template: &LaunchTemplate) {
    xml.leaf("launchTemplateId", &template.meta.id)
        .leaf("launchTemplateName", &template.name)
        .leaf("createTime", time(template.meta.created_at))
        .leaf("createdBy", &template.meta.created_by)
        .leaf("defaultVersionNumber", template.default_version)
        .leaf("latestVersionNumber", template.latest_version);
    tags::write(xml, &template.meta.tags);
}

pub(super) fn describe(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let names = request.params.strings("LaunchTemplateName");
    for name in &names {
        request.authorize_all()?;
        by_name(region, name)?;
    }
    let page = select(request, &region.templates, "LaunchTemplateId")?;
    let shown = page
        .items
        .into_iter()
        .filter(|template| names.is_empty() || names.contains(&template.name));
    let mut xml = Xml::new();
    xml.items("launchTemplates", shown, write)
        .optional("nextToken", page.next_token);
    Ok(xml)
}

fn by_name(region: &Region, name: &str) -> Result<String, AwsError> {
    let found = region.templates.values().find(|template| template.name == name);
    found.map(|template| template.meta.id.clone()).ok_or_else(|| {
        AwsError::bad(
            "InvalidLaunchTemplateName.NotFoundException",
            format!("At least one of the launch templates specified in the request does not exist: {name}"),
        )
    })
}

/// The template that the parameters below `prefix` name by id or by name, with permission to use it.
pub(super) fn named(request: &Request<'_>, region: &Region, prefix: &str) -> Result<String, AwsError> {
    let id = request.params.get(&format!("{prefix}LaunchTemplateId"));
    let name = request.params.get(&format!("{prefix}LaunchTemplateName"));
    let id = match (id, name) {
        (Some(id), None) => id.to_owned(),
        (None, Some(name)) => {
            let found = by_name(region, name);
            if found.is_err() {
                request.authorize(
                    &request.arn(Kind::LaunchTemplate, "*"),
                    &request.call.context().resource_missing(),
                )?;
            }
            found?
        }
        (Some(_), Some(_)) => {
            let why = "Only one of the launch template's id and name may be specified.";
            return Err(AwsError::bad("InvalidParameterCombination", why));
        }
        (None, None) => {
            let why =
                "Either a launch template ID or a launch template name must be specified in the request.";
            return Err(AwsError::bad("MissingParameter", why));
        }
    };
    request.authorize_existing(&region.templates, &id)?;
    require(&region.templates, &id)?;
    Ok(id)
}

/// Names another default version.
pub(super) fn modify(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = named(request, region, "")?;
    request.end_dry_run()?;
    let wanted = request.params.required("SetDefaultVersion")?;
    let number = require(&region.templates, &id)?.version(Some(wanted))?.number;
    let template = require_mut(&mut region.templates, &id)?;
    template.default_version = number;
    Ok(answer(template))
}

pub(super) fn delete(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = named(request, region, "")?;
    request.end_dry_run()?;
    let xml = answer(require(&region.templates, &id)?);
    region.templates.remove(&id);
    Ok(xml)
}
