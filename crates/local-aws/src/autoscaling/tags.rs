//! Tags of groups.

use super::AutoScaling;
use super::request::{Request, invalid, read_tag, refuse_many_tags};
use super::state::{Group, Tag};
use crate::error::AwsError;
use crate::protocol::{Params, Xml};
use crate::tags::Tags;

/// What tags can be found by (API reference, "Filter").
const FILTERS: [&str; 4] = ["auto-scaling-group", "key", "value", "propagate-at-launch"];

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
        let given = read_tag(&tag)?;
        scaling.change(request, &group.name, |group| {
            let mut changed = group.clone();
            change(&mut changed, given);
            refuse_many_tags(&changed.tags)?;
            group.tags = changed.tags;
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
    request.permit("*", &Tags::new())?;
    let filters = request.params.list("Filters");
    for filter in &filters {
        let name = filter.required("Name")?;
        if !FILTERS.contains(&name) {
            return Err(invalid(format!(
                "Filter type {name} is not correct. Allowed filters are: {FILTERS:?}"
            )));
        }
    }
    let groups = scaling.all(request);
    let all = groups
        .iter()
        .flat_map(|group| group.tags.iter().map(move |(key, tag)| (group, key, tag)));
    let wanted =
        all.filter(|(group, key, tag)| filters.iter().all(|filter| accepts(filter, (group, key, tag))));
    let named = wanted.map(|(group, key, tag)| (format!("{}\n{key}", group.name), (group, key, tag)));
    let found = request.page(named, |(name, _)| name, 100)?;
    let mut xml = Xml::new();
    xml.members("Tags", found.items, |xml, (_, (group, key, tag))| {
        super::view::tag(xml, group, (key, tag));
    });
    xml.optional("NextToken", found.next);
    Ok(xml)
}

fn accepts(filter: &Params, (group, key, tag): (&Group, &str, &Tag)) -> bool {
    let values = filter.strings("Values");
    let given = match filter.get("Name") {
        Some("auto-scaling-group") => &group.name,
        Some("key") => key,
        Some("value") => tag.value.as_str(),
        Some("propagate-at-launch") if tag.propagates => "true",
        Some("propagate-at-launch") => "false",
        _ => return false,
    };
    values.iter().any(|value| value == given)
}
