//! Tags of groups.

use std::collections::BTreeMap;

use super::AutoScaling;
use super::request::{Request, invalid};
use super::state::{Group, Tag};
use crate::error::AwsError;
use crate::protocol::{Params, Xml};

pub(super) fn put(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    each(scaling, request, |group, (key, tag)| {
        group.tags.insert(key, tag);
    })
}

pub(super) fn delete(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    each(scaling, request, |group, (key, _)| {
        group.tags.remove(&key);
    })
}

fn each(
    scaling: &AutoScaling,
    request: &Request<'_>,
    change: impl Fn(&mut Group, (String, Tag)),
) -> Result<Xml, AwsError> {
    let given = request.params.list("Tags");
    if given.is_empty() {
        return Err(invalid("At least one tag must be given"));
    }
    for tag in given {
        let group = scaling.find(request, resource(&tag)?)?;
        request.permit(&group.arn, &group.plain_tags())?;
        let key = tag.required("Key")?.to_owned();
        let value = Tag {
            value: tag.get("Value").unwrap_or_default().to_owned(),
            propagates: tag.flag("PropagateAtLaunch")?.unwrap_or(false),
        };
        scaling.change(request, &group.name, |group| {
            change(group, (key, value));
            Ok(())
        })?;
    }
    Ok(Xml::new())
}

fn resource(tag: &Params) -> Result<&str, AwsError> {
    match tag.get("ResourceType") {
        None | Some("auto-scaling-group") => tag.required("ResourceId"),
        Some(other) => Err(invalid(format!("Invalid resource type {other}"))),
    }
}

pub(super) fn describe(scaling: &AutoScaling, request: &Request<'_>) -> Result<Xml, AwsError> {
    request.permit("*", &BTreeMap::new())?;
    let filters = request.params.list("Filters");
    let groups = scaling.all(request);
    let all = groups
        .iter()
        .flat_map(|group| group.tags.iter().map(move |(key, tag)| (group, key, tag)));
    let accepts = |filter: &Params, (group, key, tag): (&Group, &str, &Tag)| {
        let values = filter.strings("Values");
        let given = match filter.get("Name") {
            Some("auto-scaling-group") => &group.name,
            Some("key") => key,
            Some("value") => tag.value.as_str(),
            _ => return false,
        };
        values.iter().any(|value| value == given)
    };
    let shown =
        all.filter(|(group, key, tag)| filters.iter().all(|filter| accepts(filter, (group, key, tag))));
    let mut xml = Xml::new();
    xml.members("Tags", shown, |xml, (group, key, tag)| {
        super::view::tag(xml, group, (key, tag));
    });
    Ok(xml)
}
