//! Versions of launch templates: added, described, deleted.
//!
//! Sources: EC2 API reference, "CreateLaunchTemplateVersion", "DescribeLaunchTemplateVersions",
//! "DeleteLaunchTemplateVersions".

use std::collections::BTreeMap;

use super::request::{Request, invalid_value, require, require_mut};
use super::state::Region;
use super::template::{LaunchTemplate, Version, named, new_version, no_version, time};
use super::{template_data, template_xml, token};
use crate::error::AwsError;
use crate::protocol::{Xml, page};

/// Most versions one call deletes.
const DELETED_MAX: usize = 200;

/// Takes a client token. With a source version, what is not said comes from there.
pub(super) fn create(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = named(request, region, "")?;
    request.end_dry_run()?;
    let presented = token::presented(request)?;
    if let Some(made) = token::earlier(region, presented.as_ref())? {
        let template = require(&region.templates, &id)?;
        let number = made.first().and_then(|number| number.parse::<i64>().ok());
        if let Some(version) = number.and_then(|number| template.versions.get(&number)) {
            return Ok(answer(template, version));
        }
    }
    let said = template_data::read(&request.params)?;
    let template = require(&region.templates, &id)?;
    let data = match request.params.get("SourceVersion") {
        Some(source) => template_data::merge(&template.version(Some(source))?.data, &said),
        None => said,
    };
    let number = template.latest_version + 1;
    let version = new_version(request, number, data)?;
    let template = require_mut(&mut region.templates, &id)?;
    template.latest_version = number;
    template.versions.insert(number, version.clone());
    let xml = answer(template, &version);
    token::remember(region, presented, vec![number.to_string()]);
    Ok(xml)
}

fn answer(template: &LaunchTemplate, version: &Version) -> Xml {
    let mut xml = Xml::new();
    xml.node("launchTemplateVersion", |xml| write(xml, template, version));
    xml
}

fn write(xml: &mut Xml, template: &LaunchTemplate, version: &Version) {
    xml.leaf("launchTemplateId", &template.meta.id)
        .leaf("launchTemplateName", &template.name)
        .leaf("versionNumber", version.number)
        .optional("versionDescription", version.description.as_ref())
        .leaf("createTime", time(version.created_at))
        .leaf("createdBy", &version.created_by)
        .leaf("defaultVersion", version.number == template.default_version);
    xml.node("launchTemplateData", |xml| {
        template_xml::write(xml, &version.data);
    });
}

/// One template's versions, or with `$Latest` and `$Default` alone those of every template.
pub(super) fn describe(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    request.authorize_all()?;
    let wanted = request.params.strings("LaunchTemplateVersion");
    let everywhere = request.params.get("LaunchTemplateId").is_none()
        && request.params.get("LaunchTemplateName").is_none()
        && !wanted.is_empty();
    let templates: Vec<&LaunchTemplate> = if everywhere {
        if wanted.iter().any(|name| !name.starts_with('$')) {
            let why = "A launch template must be named with version numbers.";
            return Err(AwsError::bad("MissingParameter", why));
        }
        region.templates.values().collect()
    } else {
        vec![require(&region.templates, &named(request, region, "")?)?]
    };
    request.end_dry_run()?;
    let mut found = Vec::new();
    for template in templates {
        let versions = wanted_of(request, template, &wanted)?;
        found.extend(versions.into_iter().map(|version| {
            let key = format!("{}/{:020}", template.meta.id, version.number);
            (key, template, version)
        }));
    }
    found.sort_by(|one, two| one.0.cmp(&two.0));
    let token = request.params.get("NextToken");
    let page = page(found, |(key, _, _)| key, token, size(request)?)
        .ok_or_else(|| AwsError::bad("InvalidNextToken", "The token in the request is invalid"))?;
    let mut xml = Xml::new();
    xml.items(
        "launchTemplateVersionSet",
        page.items,
        |xml, (_, template, version)| {
            write(xml, template, version);
        },
    )
    .optional("nextToken", page.next);
    Ok(xml)
}

fn size(request: &Request<'_>) -> Result<usize, AwsError> {
    let size = request.params.number("MaxResults")?.unwrap_or(200);
    let size = usize::try_from(size).ok().filter(|size| (1..=200).contains(size));
    size.ok_or_else(|| invalid_value("MaxResults must be between 1 and 200"))
}

fn wanted_of<'t>(
    request: &Request<'_>,
    template: &'t LaunchTemplate,
    wanted: &[String],
) -> Result<Vec<&'t Version>, AwsError> {
    if !wanted.is_empty() {
        return wanted.iter().map(|name| template.version(Some(name))).collect();
    }
    let least = request.params.number("MinVersion")?.unwrap_or(1);
    let most = request.params.number("MaxVersion")?.unwrap_or(i64::MAX);
    if least > most {
        return Err(invalid_value("MinVersion must not be above MaxVersion"));
    }
    Ok(template
        .versions
        .range(least..=most)
        .map(|(_, version)| version)
        .collect())
}

/// Says of each version whether it went; the default one stays.
pub(super) fn delete(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let id = named(request, region, "")?;
    request.end_dry_run()?;
    let wanted = request.params.strings("LaunchTemplateVersion");
    if wanted.is_empty() {
        return Err(request.params.missing("LaunchTemplateVersion"));
    }
    if wanted.len() > DELETED_MAX {
        return Err(invalid_value("At most 200 versions can be deleted at once"));
    }
    let template = require_mut(&mut region.templates, &id)?;
    let mut refused: BTreeMap<i64, (&str, String)> = BTreeMap::new();
    let mut gone = Vec::new();
    for name in &wanted {
        let number: i64 = name
            .parse()
            .map_err(|_| invalid_value(format!("Value ({name}) for parameter version is invalid.")))?;
        if number == template.default_version {
            let why =
                "Cannot delete default version of launch template. Please set another version as default.";
            refused.insert(number, ("unexpectedError", why.to_owned()));
        } else if template.versions.remove(&number).is_some() {
            gone.push(number);
        } else {
            let why = no_version(&id, number).message;
            refused.insert(number, ("launchTemplateVersionDoesNotExist", why));
        }
    }
    Ok(deleted(template, &gone, &refused))
}

fn deleted(template: &LaunchTemplate, gone: &[i64], refused: &BTreeMap<i64, (&str, String)>) -> Xml {
    let mut xml = Xml::new();
    xml.items(
        "successfullyDeletedLaunchTemplateVersionSet",
        gone,
        |xml, number| {
            write_number(xml, template, *number);
        },
    );
    xml.items(
        "unsuccessfullyDeletedLaunchTemplateVersionSet",
        refused,
        |xml, (number, (code, why))| {
            write_number(xml, template, *number);
            xml.node("responseError", |xml| {
                xml.leaf("code", code).leaf("message", why);
            });
        },
    );
    xml
}

fn write_number(xml: &mut Xml, template: &LaunchTemplate, number: i64) {
    xml.leaf("launchTemplateId", &template.meta.id)
        .leaf("launchTemplateName", &template.name)
        .leaf("versionNumber", number);
}
