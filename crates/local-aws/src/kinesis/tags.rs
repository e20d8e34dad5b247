//! Tags of streams.
//!
//! Sources: API_AddTagsToStream, API_RemoveTagsFromStream, API_ListTagsForStream, "Tag restrictions" of the developer
//! guide.

use serde::Deserialize;

use super::Kinesis;
use super::scope::Scope;
use super::wire::{Refusal, StreamName, answer, bounded, parse};
use crate::tags::Tags;

/// Tags of one stream.
const TAGS_MAX: usize = 50;
const KEY_CHARACTERS_MAX: usize = 128;
const VALUE_CHARACTERS_MAX: usize = 256;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AddTags {
    #[serde(flatten)]
    stream: StreamName,
    tags: Tags,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RemoveTags {
    #[serde(flatten)]
    stream: StreamName,
    tag_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListTags {
    #[serde(flatten)]
    stream: StreamName,
    exclusive_start_tag_key: Option<String>,
    limit: Option<i64>,
}

impl Kinesis {
    pub(super) fn add_tags(&self, scope: Scope<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let request: AddTags = parse(body)?;
        let context = scope.context().request_tags(&request.tags);
        let stream = self.find_for(scope, &request.stream, context)?;
        if request.tags.is_empty() {
            return Err(Refusal::validation(
                "1 validation error detected: at least one tag is needed",
            ));
        }
        check(&request.tags)?;
        self.change_facts(&stream, |facts| {
            facts.tags.extend(request.tags);
            if facts.tags.len() > TAGS_MAX {
                return Err(Refusal::invalid(format!(
                    "Failed to add tags to stream {} under account {} because a given stream cannot have more than {TAGS_MAX} tags associated with it.",
                    facts.name, facts.account
                )));
            }
            Ok(())
        })
    }

    pub(super) fn remove_tags(&self, scope: Scope<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let request: RemoveTags = parse(body)?;
        let context = scope.context().with_all("aws:TagKeys", request.tag_keys.clone());
        let stream = self.find_for(scope, &request.stream, context)?;
        if !(1..=TAGS_MAX).contains(&request.tag_keys.len()) {
            return Err(Refusal::validation(
                "1 validation error detected: between 1 and 50 tag keys are needed",
            ));
        }
        self.change_facts(&stream, |facts| {
            facts.tags.retain(|key, _| !request.tag_keys.contains(key));
            Ok(())
        })
    }

    pub(super) fn list_tags(&self, scope: Scope<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let request: ListTags = parse(body)?;
        let stream = self.find(scope, &request.stream)?;
        let limit = bounded("limit", request.limit, 1..=TAGS_MAX, TAGS_MAX)?;
        let after = request.exclusive_start_tag_key.unwrap_or_default();
        let topology = stream.read();
        let behind: Vec<_> = topology
            .facts
            .tags
            .iter()
            .filter(|(key, _)| **key > after)
            .collect();
        let more = behind.len() > limit;
        let tags: Vec<_> = behind
            .into_iter()
            .take(limit)
            .map(|(key, value)| serde_json::json!({ "Key": key, "Value": value }))
            .collect();
        answer(&serde_json::json!({ "Tags": tags, "HasMoreTags": more }))
    }
}

/// Number, lengths and characters of tags.
pub(super) fn check(tags: &Tags) -> Result<(), Refusal> {
    if tags.len() > TAGS_MAX {
        return Err(Refusal::invalid(format!(
            "a stream cannot have more than {TAGS_MAX} tags"
        )));
    }
    for (key, value) in tags {
        let (keys, values) = (key.chars().count(), value.chars().count());
        if !(1..=KEY_CHARACTERS_MAX).contains(&keys) || values > VALUE_CHARACTERS_MAX {
            return Err(Refusal::validation(format!(
                "1 validation error detected: a tag key has 1 to {KEY_CHARACTERS_MAX} characters, a value {VALUE_CHARACTERS_MAX} at most"
            )));
        }
        let allowed = |text: &str| text.chars().all(is_tag_character);
        if key.to_ascii_lowercase().starts_with("aws:") || !allowed(key) || !allowed(value) {
            return Err(Refusal::invalid(format!(
                "The tag {key} is not valid: letters, digits, spaces and _ . / = + - % @ are, and aws: is AWS's own prefix"
            )));
        }
    }
    Ok(())
}

fn is_tag_character(character: char) -> bool {
    character.is_alphanumeric() || character == ' ' || "_.:/=+-%@".contains(character)
}
