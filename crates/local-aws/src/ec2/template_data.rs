//! What a version of a launch template says: read, and merged with a launch. `template_xml.rs` writes it.
//!
//! It is kept under the names that RunInstances has for the same parameters, so that a launch from a template is a
//! launch with more parameters (EC2 user guide, "Launch instances from a launch template").

use std::collections::BTreeMap;

use super::launch_request::unsupported;
use super::request::Request;
use super::state::{Region, Tags};
use super::template;
use crate::error::AwsError;
use crate::protocol::{Params, Protocol};

/// Reads `LaunchTemplateData`; at least one parameter.
pub(super) fn read(params: &Params) -> Result<BTreeMap<String, String>, AwsError> {
    let data = params.structure("LaunchTemplateData");
    if data.is_empty() {
        return Err(params.missing("LaunchTemplateData"));
    }
    if let Some(name) = unsupported(&data) {
        return Err(AwsError::not_implemented(
            "ec2",
            &format!("launch templates with {name}"),
        ));
    }
    Ok(data
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect())
}

/// What `over` says, and from `under` what it does not. Tags of both count, and disks by their device.
pub(super) fn merge(
    under: &BTreeMap<String, String>,
    over: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut merged: BTreeMap<String, String> = under
        .iter()
        .filter(|(name, _)| is_list(top(name)) || !over.keys().any(|said| top(said) == top(name)))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    for (name, value) in over {
        merged.insert(behind(under, name), value.clone());
    }
    merged
}

fn top(name: &str) -> &str {
    name.split('.').next().unwrap_or_default()
}

fn is_list(top: &str) -> bool {
    matches!(top, "TagSpecification" | "BlockDeviceMapping")
}

/// Moves an item of a list that adds up behind those of `under`.
fn behind(under: &BTreeMap<String, String>, name: &str) -> String {
    let mut parts = name.splitn(3, '.');
    let (Some(list), Some(number), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return name.to_owned();
    };
    match number.parse::<u32>() {
        Ok(number) if is_list(list) => format!("{list}.{}.{rest}", number.saturating_add(last(under, list))),
        _ => name.to_owned(),
    }
}

fn last(under: &BTreeMap<String, String>, list: &str) -> u32 {
    let numbers = under.keys().filter(|name| top(name) == list);
    let numbers = numbers.filter_map(|name| name.split('.').nth(1)?.parse().ok());
    numbers.max().unwrap_or_default()
}

/// The tags of an instance that say which template it is from.
pub(super) const ID_TAG: &str = "aws:ec2launchtemplate:id";
pub(super) const VERSION_TAG: &str = "aws:ec2launchtemplate:version";

/// The template a launch names.
pub(super) struct Used {
    pub(super) template_id: String,
    pub(super) version: i64,
}

impl Used {
    /// The tags that AWS gives to what is launched from a template.
    pub(super) fn tags(&self) -> Tags {
        Tags::from([
            (ID_TAG.to_owned(), self.template_id.clone()),
            (VERSION_TAG.to_owned(), self.version.to_string()),
        ])
    }
}

/// The parameters of a launch with those of the template it names.
pub(super) fn expand(request: &Request<'_>, region: &Region) -> Result<(Params, Option<Used>), AwsError> {
    if request.params.structure("LaunchTemplate").is_empty() {
        return Ok((request.params.clone(), None));
    }
    let id = template::named(request, region, "LaunchTemplate.")?;
    let version = region.templates[&id].version(request.params.get("LaunchTemplate.Version"))?;
    let own = request
        .params
        .iter()
        .filter(|(name, _)| top(name) != "LaunchTemplate")
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let used = Used {
        template_id: id,
        version: version.number,
    };
    Ok((Params::of(merge(&version.data, &own), Protocol::Ec2), Some(used)))
}
