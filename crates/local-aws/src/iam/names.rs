//! Names, paths, tags and pages of IAM's API.
//!
//! Source: IAM API reference, the parameters of each operation; IAM user guide, "IAM and AWS STS quotas".

use crate::error::AwsError;
use crate::protocol::{Params, Xml, page};
use crate::tags::Tags;

const TAGS_MAX: usize = 50;
const ITEMS_MAX: i64 = 1_000;
const ITEMS_DEFAULT: i64 = 100;

/// The refusal of a value that breaks a documented constraint.
pub(super) fn violation(name: &str, value: &str, constraint: &str) -> AwsError {
    AwsError::bad(
        "ValidationError",
        format!(
            "1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: {constraint}"
        ),
    )
}

pub(super) fn no_such_entity(why: impl std::fmt::Display) -> AwsError {
    AwsError::not_found("NoSuchEntity", why)
}

pub(super) fn exists_already(why: impl std::fmt::Display) -> AwsError {
    AwsError::conflict("EntityAlreadyExists", why)
}

pub(super) fn delete_conflict(why: impl std::fmt::Display) -> AwsError {
    AwsError::conflict("DeleteConflict", why)
}

pub(super) fn over_quota(quota: &str, most: usize) -> AwsError {
    AwsError::conflict(
        "LimitExceeded",
        format!("Cannot exceed quota for {quota}: {most}"),
    )
}

/// Checks the name of an entity or a policy.
pub(super) fn check_name(parameter: &str, name: &str, length_max: usize) -> Result<(), AwsError> {
    let word = |char: char| char.is_ascii_alphanumeric() || "_+=,.@-".contains(char);
    if name.is_empty() || name.len() > length_max {
        let constraint = format!("Member must have length between 1 and {length_max}");
        return Err(violation(parameter, name, &constraint));
    }
    if name.chars().all(word) {
        Ok(())
    } else {
        let constraint = "Member must satisfy regular expression pattern: [\\w+=,.@-]+";
        Err(violation(parameter, name, constraint))
    }
}

/// Checks a path: `/`, or `/a/b/`.
pub(super) fn check_path(path: &str) -> Result<(), AwsError> {
    let whole = path.starts_with('/') && path.ends_with('/') && path.len() <= 512;
    if whole && path.chars().all(|char| char.is_ascii_graphic()) {
        return Ok(());
    }
    Err(violation(
        "path",
        path,
        "Member must begin and end with / and hold printable characters",
    ))
}

/// The call's path, `/` when it has none.
pub(super) fn path(params: &Params) -> Result<String, AwsError> {
    let path = params.get("Path").unwrap_or("/");
    check_path(path).map(|()| path.to_owned())
}

/// The call's tags.
pub(super) fn tags(params: &Params) -> Result<Tags, AwsError> {
    let mut tags = Tags::new();
    for tag in params.list("Tags") {
        let (key, value) = (tag.required("Key")?, tag.get("Value").unwrap_or_default());
        check_tag(key, value)?;
        if tags.keys().any(|other: &String| other.eq_ignore_ascii_case(key)) {
            let why = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
            return Err(AwsError::bad("InvalidInput", why));
        }
        tags.insert(key.to_owned(), value.to_owned());
    }
    if tags.len() > TAGS_MAX {
        let constraint = "Member must have length less than or equal to 50";
        return Err(violation("tags", &tags.len().to_string(), constraint));
    }
    Ok(tags)
}

fn check_tag(key: &str, value: &str) -> Result<(), AwsError> {
    let letters = |text: &str| {
        text.chars()
            .all(|char| char.is_alphanumeric() || char.is_whitespace() || "_.:/=+-@".contains(char))
    };
    if key.to_ascii_lowercase().starts_with("aws:") {
        let why = "Tag keys that begin with aws: are reserved for system use.";
        return Err(AwsError::bad("InvalidInput", why));
    }
    if key.chars().count() > 128 || !letters(key) {
        return Err(violation(
            "tags.1.member.key",
            key,
            "Member must have length less than or equal to 128",
        ));
    }
    if value.chars().count() > 256 || !letters(value) {
        return Err(violation(
            "tags.1.member.value",
            value,
            "Member must have length less than or equal to 256",
        ));
    }
    Ok(())
}

/// Adds tags to those there; an entity holds fifty.
pub(super) fn add_tags(held: &mut Tags, new: Tags) -> Result<(), AwsError> {
    let mut all = held.clone();
    for (key, value) in new {
        // A key in another case is the same key; it keeps the case it came with last.
        all.retain(|other, _| !other.eq_ignore_ascii_case(&key));
        all.insert(key, value);
    }
    if all.len() > TAGS_MAX {
        return Err(over_quota("TagsPerResource", TAGS_MAX));
    }
    *held = all;
    Ok(())
}

/// Writes the list `name` of the page that the call asks for, with `IsTruncated` and `Marker`.
pub(super) fn list<T>(
    params: &Params,
    (name, items): (&str, Vec<T>),
    key: impl Fn(&T) -> &str,
    each: impl FnMut(&mut Xml, T),
) -> Result<Xml, AwsError> {
    let size = params.number("MaxItems")?.unwrap_or(ITEMS_DEFAULT);
    if !(1..=ITEMS_MAX).contains(&size) {
        let constraint = "Member must have value between 1 and 1000";
        return Err(violation("maxItems", &size.to_string(), constraint));
    }
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let shown = page(items, key, params.get("Marker"), size)
        .ok_or_else(|| AwsError::bad("ValidationError", "Invalid Marker."))?;
    let mut xml = Xml::new();
    xml.members(name, shown.items, each)
        .leaf("IsTruncated", shown.next.is_some())
        .optional("Marker", shown.next);
    Ok(xml)
}

/// Writes the tags of an entity.
pub(super) fn tags_xml(xml: &mut Xml, tags: &Tags) {
    xml.members("Tags", tags, |xml, (key, value)| {
        xml.leaf("Key", key).leaf("Value", value);
    });
}

/// The form of IAM's times.
pub(super) fn time(at: chrono::DateTime<chrono::Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
