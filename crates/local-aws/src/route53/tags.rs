//! Tags of hosted zones and health checks.

use super::Route53;
use super::request::{ChangeTags, OfResources, Request, Tag, invalid};
use super::state::{Dns, Tags};
use super::{health, view, zone};
use crate::error::AwsError;
use crate::protocol::{Reply, Xml};

const TAGS_MAX: usize = 10;

pub(super) fn change(dns: &Route53, request: &Request<'_>) -> Result<Reply, AwsError> {
    let wanted: ChangeTags = request.body()?;
    let (kind, id) = (request.part(1).to_owned(), request.part(2).to_owned());
    let has = read(dns, request, (&kind, &id))?;
    request.permit(&format!("{kind}/{id}"), &has)?;
    let going = wanted.remove_tag_keys.map(|keys| keys.key).unwrap_or_default();
    let coming = wanted.add_tags.map(|tags| tags.tag).unwrap_or_default();
    if going.is_empty() && coming.is_empty() {
        return Err(invalid("Tags must be added or removed"));
    }
    let fits = |tag: &Tag| (1..=128).contains(&tag.key.len()) && tag.value.len() <= 256;
    if going.len() > TAGS_MAX || coming.len() > TAGS_MAX || !coming.iter().all(fits) {
        return Err(invalid(
            "A call changes at most 10 tags, with keys of 1 to 128 characters and values of at most 256",
        ));
    }
    dns.with(|state| {
        let own = tags_of(state, request, (&kind, &id))?;
        let mut tags = own.clone();
        tags.retain(|key, _| !going.contains(key));
        tags.extend(coming.into_iter().map(|tag| (tag.key, tag.value)));
        if tags.len() > TAGS_MAX {
            return Err(invalid("A resource has 10 tags at most"));
        }
        *own = tags;
        Ok(view::document("ChangeTagsForResourceResponse", |_| {}))
    })
}

pub(super) fn list(dns: &Route53, request: &Request<'_>) -> Result<Reply, AwsError> {
    let (kind, id) = (request.part(1), request.part(2));
    let has = read(dns, request, (kind, id))?;
    request.permit(&format!("{kind}/{id}"), &has)?;
    Ok(view::document("ListTagsForResourceResponse", |xml| {
        set(xml, (kind, id), &has);
    }))
}

pub(super) fn list_many(dns: &Route53, request: &Request<'_>) -> Result<Reply, AwsError> {
    let wanted: OfResources = request.body()?;
    request.permit("*", &Tags::new())?;
    let kind = request.part(1);
    let ids = wanted.resource_ids.resource_id;
    if ids.is_empty() || ids.len() > 10 {
        return Err(invalid("Between 1 and 10 resources must be named"));
    }
    let mut sets = Vec::new();
    for id in ids {
        let has = read(dns, request, (kind, &id))?;
        sets.push((id, has));
    }
    Ok(view::document("ListTagsForResourcesResponse", |xml| {
        xml.node("ResourceTagSets", |xml| {
            for (id, has) in &sets {
                set(xml, (kind, id), has);
            }
        });
    }))
}

fn set(xml: &mut Xml, (kind, id): (&str, &str), has: &Tags) {
    xml.node("ResourceTagSet", |xml| {
        xml.leaf("ResourceType", kind).leaf("ResourceId", id);
        xml.node("Tags", |xml| {
            for (key, value) in has {
                xml.node("Tag", |xml| {
                    xml.leaf("Key", key).leaf("Value", value);
                });
            }
        });
    });
}

fn read(dns: &Route53, request: &Request<'_>, named: (&str, &str)) -> Result<Tags, AwsError> {
    dns.with(|state| tags_of(state, request, named).map(|tags| tags.clone()))
}

fn tags_of<'s>(
    state: &'s mut Dns,
    request: &Request<'_>,
    (kind, id): (&str, &str),
) -> Result<&'s mut Tags, AwsError> {
    let account = &request.call.caller.account;
    match kind {
        "hostedzone" => {
            let zone = state.zones.get_mut(id).filter(|zone| zone.account == *account);
            Ok(&mut zone.ok_or_else(|| zone::missing(id))?.tags)
        }
        "healthcheck" => {
            let check = state.checks.get_mut(id).filter(|check| check.account == *account);
            Ok(&mut check.ok_or_else(|| health::missing(id))?.tags)
        }
        other => Err(invalid(format!(
            "{other} is not a type of resource that has tags"
        ))),
    }
}
