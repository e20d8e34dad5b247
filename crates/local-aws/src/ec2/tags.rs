//! Tags: with creation, afterwards, and described.

use super::describe::read_filters;
use super::kind::Kind;
use super::request::{Request, done, invalid_value};
use super::state::{Region, Tags};
use crate::error::AwsError;
use crate::protocol::{Params, Xml};

const TAGS_MAX: usize = 50;

/// The tags a call's `TagSpecification` gives to new resources of a kind.
pub(super) fn of_specification(params: &Params, kind: Kind, by_service: bool) -> Result<Tags, AwsError> {
    let mut tags = Tags::new();
    for specification in params.list("TagSpecification") {
        let name = specification.required("ResourceType")?;
        let Some(named) = Kind::named(name) else {
            return Err(invalid_value(format!(
                "'{name}' is not a valid taggable resource type"
            )));
        };
        if named == kind {
            tags.extend(read(&specification, by_service)?);
        }
    }
    if tags.len() > TAGS_MAX {
        return Err(too_many());
    }
    Ok(tags)
}

/// `Tag.n.Key` and `Tag.n.Value`.
fn read(params: &Params, by_service: bool) -> Result<Tags, AwsError> {
    let mut tags = Tags::new();
    for tag in params.list("Tag") {
        let key = tag.required("Key")?.to_owned();
        let value = tag.get("Value").unwrap_or_default().to_owned();
        if key.chars().count() > 127 || value.chars().count() > 255 {
            return Err(invalid_value(format!("Tag key or value is too long: {key}")));
        }
        if key.starts_with("aws:") && !by_service {
            return Err(invalid_value(
                "Tag keys starting with 'aws:' are reserved for internal use",
            ));
        }
        if tags.insert(key.clone(), value).is_some() {
            return Err(invalid_value(format!("Duplicate tag key '{key}' specified.")));
        }
    }
    Ok(tags)
}

pub(super) fn create(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let ids = resource_ids(request)?;
    let tags = read(&request.params, false)?;
    if tags.is_empty() {
        return Err(request.params.missing("Tag"));
    }
    authorize(request, region, &ids, &tags)?;
    for id in &ids {
        let own = region.tags_mut(id).ok_or_else(|| unknown(id))?;
        let total = own
            .keys()
            .chain(tags.keys())
            .collect::<std::collections::BTreeSet<_>>()
            .len();
        if total > TAGS_MAX {
            return Err(too_many());
        }
    }
    for id in &ids {
        region
            .tags_mut(id)
            .ok_or_else(|| unknown(id))?
            .extend(tags.clone());
    }
    Ok(done())
}

fn too_many() -> AwsError {
    AwsError::bad("TagLimitExceeded", "You have reached the limit of 50 tags")
}

/// Without a key all tags go; with a key and a value only that pair.
pub(super) fn delete(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    let ids = resource_ids(request)?;
    let pairs = request.params.list("Tag");
    let keys = pairs
        .iter()
        .filter_map(|pair| Some((pair.get("Key")?.to_owned(), String::new())))
        .collect();
    authorize(request, region, &ids, &keys)?;
    for id in &ids {
        let own = region.tags_mut(id).ok_or_else(|| unknown(id))?;
        if pairs.is_empty() {
            // What a service of AWS set stays.
            own.retain(|key, _| key.starts_with("aws:"));
        }
        for pair in &pairs {
            let key = pair.required("Key")?;
            if key.starts_with("aws:") {
                return Err(invalid_value(
                    "Tag keys starting with 'aws:' are reserved for internal use",
                ));
            }
            if pair
                .get("Value")
                .is_none_or(|value| own.get(key).is_some_and(|own| own == value))
            {
                own.remove(key);
            }
        }
    }
    Ok(done())
}

fn resource_ids(request: &Request<'_>) -> Result<Vec<String>, AwsError> {
    let ids = request.params.strings("ResourceId");
    if ids.is_empty() {
        Err(request.params.missing("ResourceId"))
    } else {
        Ok(ids)
    }
}

fn authorize(
    request: &Request<'_>,
    region: &mut Region,
    ids: &[String],
    tags: &Tags,
) -> Result<(), AwsError> {
    for id in ids {
        let kind = Kind::of(id).ok_or_else(|| unknown(id))?;
        let context = match region.tags_mut(id) {
            Some(own) => request.call.context().resource_tags(own),
            None => request.call.context().resource_missing(),
        };
        request.authorize(&request.arn(kind, id), &context.request_tags(tags))?;
    }
    request.end_dry_run()
}

fn unknown(id: &str) -> AwsError {
    Kind::of(id).map_or_else(
        || AwsError::bad("InvalidID", format!("The ID '{id}' is not valid")),
        |kind| kind.not_found(id),
    )
}

pub(super) fn describe(request: &Request<'_>, region: &mut Region) -> Result<Xml, AwsError> {
    request.authorize_all()?;
    request.end_dry_run()?;
    let filters = read_filters(&request.params)?;
    let mut lines = Vec::new();
    for (kind, meta) in region.metas().into_iter().filter(|(_, meta)| request.sees(meta)) {
        for (key, value) in &meta.tags {
            let field = |name: &str| match name {
                "resource-id" => Some(vec![meta.id.clone()]),
                "resource-type" => Some(vec![kind.name().to_owned()]),
                "key" | "tag-key" => Some(vec![key.clone()]),
                "value" | "tag-value" => Some(vec![value.clone()]),
                other => (other.strip_prefix("tag:")? == key)
                    .then(|| vec![value.clone()])
                    .or(Some(Vec::new())),
            };
            let hits = filters.iter().map(|filter| filter.hits(field(&filter.name)));
            if hits.collect::<Result<Vec<bool>, _>>()?.into_iter().all(|hit| hit) {
                lines.push((kind, meta.id.clone(), key.clone(), value.clone()));
            }
        }
    }
    let mut xml = Xml::new();
    xml.items("tagSet", lines, |xml, (kind, id, key, value)| {
        xml.leaf("resourceId", id)
            .leaf("resourceType", kind.name())
            .leaf("key", key)
            .leaf("value", value);
    });
    Ok(xml)
}

/// The tags of a resource, as every description carries them.
pub(super) fn write(xml: &mut Xml, tags: &Tags) {
    xml.items("tagSet", tags, |xml, (key, value)| {
        xml.leaf("key", key).leaf("value", value);
    });
}
