//! Tags of services whose resources are found by name: what carries ours is ours.

use std::collections::BTreeMap;

use tenant_model::observation::{Found, Shape, TAG_INTENT, TAG_RESOURCE};

use crate::ec2::Scope;

/// What was found, if it carries every tag of `scope` and a logical name.
pub(crate) fn found<'a>(
    scope: &Scope,
    aws_id: String,
    shape: Shape,
    tags: impl Iterator<Item = (Option<&'a str>, &'a str)>,
) -> Option<Found> {
    let tags: BTreeMap<&str, &str> = tags.filter_map(|(key, value)| Some((key?, value))).collect();
    let ours = scope
        .tags()
        .iter()
        .all(|(key, value)| tags.get(key) == Some(&value.as_str()));
    if !ours {
        return None;
    }
    Some(Found {
        aws_id,
        name: (*tags.get(TAG_RESOURCE)?).to_owned(),
        intent: tags.get(TAG_INTENT).and_then(|text| text.parse().ok()),
        shape,
    })
}
