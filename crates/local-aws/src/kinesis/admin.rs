//! Making, deleting and setting streams: retention and tags.
//!
//! Sources: API_CreateStream, API_DeleteStream, API_IncreaseStreamRetentionPeriod, API_AddTagsToStream.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::hash;
use super::stream::{ShardFacts, Stream, StreamFacts};
use super::wire::{Refusal, StreamName, answer, parse};
use super::{Kinesis, SHARDS_MAX, Scope};

const RETENTION_HOURS_MIN: u32 = 24;
const RETENTION_HOURS_MAX: u32 = 8_760;
/// Shards of a new on-demand stream.
const ON_DEMAND_SHARDS: u32 = 4;
const TAGS_MAX: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateStream {
    stream_name: String,
    shard_count: Option<u32>,
    stream_mode_details: Option<StreamModeDetails>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StreamModeDetails {
    stream_mode: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Retention {
    #[serde(flatten)]
    stream: StreamName,
    retention_period_hours: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tags {
    #[serde(flatten)]
    stream: StreamName,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    tag_keys: Vec<String>,
}

impl Kinesis {
    pub(super) fn create_stream(&self, scope: Scope<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let request: CreateStream = parse(body)?;
        let facts = self.new_facts(scope, request)?;
        scope.permit_stream(&facts.name)?;
        let key = scope.key(&facts.name);
        let mut streams = self.streams_mut();
        if streams.contains_key(&key) {
            let (name, account) = (&facts.name, scope.account);
            return Err(Refusal::in_use(format!(
                "Stream {name} under account {account} already exists."
            )));
        }
        let directory = self.directory_of(&key);
        let stream = Stream::create(facts, directory).map_err(Refusal::internal)?;
        streams.insert(key, Arc::new(stream));
        Ok(Vec::new())
    }

    fn new_facts(&self, scope: Scope<'_>, request: CreateStream) -> Result<StreamFacts, Refusal> {
        check_name(&request.stream_name)?;
        if request.tags.len() > TAGS_MAX {
            return Err(Refusal::invalid("a stream has at most 50 tags"));
        }
        let on_demand = match request
            .stream_mode_details
            .as_ref()
            .map(|details| details.stream_mode.as_str())
        {
            None | Some("PROVISIONED") => false,
            Some("ON_DEMAND") => true,
            Some(other) => return Err(Refusal::validation(format!("unknown StreamMode '{other}'"))),
        };
        let count = if on_demand {
            Some(ON_DEMAND_SHARDS)
        } else {
            request.shard_count
        };
        let count = count
            .filter(|count| *count > 0)
            .ok_or_else(|| Refusal::validation("ShardCount must be at least 1"))?;
        if count > SHARDS_MAX {
            return Err(Refusal::new(
                "LimitExceededException",
                "the account's limit of shards would be exceeded",
            ));
        }
        let now = self.now();
        let shards = hash::even_ranges(count).into_iter().zip(0..);
        Ok(StreamFacts {
            account: scope.account.to_owned(),
            region: scope.region.to_owned(),
            name: request.stream_name,
            created_at: now,
            retention_hours: RETENTION_HOURS_MIN,
            on_demand,
            tags: request.tags,
            created_by: scope.principal.to_owned(),
            shards: shards
                .map(|((start, end), number)| ShardFacts {
                    number,
                    start,
                    end,
                    parents: Vec::new(),
                    opened_at: now,
                    closed: None,
                })
                .collect(),
        })
    }

    pub(super) fn delete_stream(&self, scope: Scope<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let name: StreamName = parse(body)?;
        let key = scope.key(name.resolve(scope)?);
        scope.permit_stream(&key.name)?;
        let mut streams = self.streams_mut();
        if !streams.contains_key(&key) {
            return Err(super::no_stream(scope, &key.name));
        }
        if let Some(directory) = self.directory_of(&key) {
            // Without its facts a directory is no stream, so that comes first: a crash in between leaves no half stream.
            std::fs::remove_file(directory.join("stream.json")).map_err(Refusal::internal)?;
            std::fs::remove_dir_all(&directory).map_err(Refusal::internal)?;
        }
        streams.remove(&key);
        Ok(Vec::new())
    }

    pub(super) fn increase_retention(&self, scope: Scope<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        self.set_retention(scope, body, |from, to| to >= from)
    }

    pub(super) fn decrease_retention(&self, scope: Scope<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        self.set_retention(scope, body, |from, to| to <= from)
    }

    fn set_retention(
        &self,
        scope: Scope<'_>,
        body: &[u8],
        allowed: fn(u32, u32) -> bool,
    ) -> Result<Vec<u8>, Refusal> {
        let request: Retention = parse(body)?;
        let hours = request.retention_period_hours;
        self.change_facts(scope, &request.stream, |facts| {
            let in_range = (RETENTION_HOURS_MIN..=RETENTION_HOURS_MAX).contains(&hours);
            if !in_range || !allowed(facts.retention_hours, hours) {
                return Err(Refusal::invalid(format!(
                    "the retention period cannot go from {} to {hours} hours by this call",
                    facts.retention_hours
                )));
            }
            facts.retention_hours = hours;
            Ok(())
        })
    }

    pub(super) fn add_tags(&self, scope: Scope<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let request: Tags = parse(body)?;
        self.change_facts(scope, &request.stream, |facts| {
            facts.tags.extend(request.tags);
            if facts.tags.len() > TAGS_MAX {
                return Err(Refusal::invalid("a stream has at most 50 tags"));
            }
            Ok(())
        })
    }

    pub(super) fn remove_tags(&self, scope: Scope<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let request: Tags = parse(body)?;
        self.change_facts(scope, &request.stream, |facts| {
            facts.tags.retain(|key, _| !request.tag_keys.contains(key));
            Ok(())
        })
    }

    pub(super) fn list_tags(&self, scope: Scope<'_>, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let request: Tags = parse(body)?;
        let stream = self.find(scope, &request.stream)?;
        let topology = stream.read();
        let tags = topology
            .facts
            .tags
            .iter()
            .map(|(key, value)| serde_json::json!({ "Key": key, "Value": value }));
        answer(&serde_json::json!({ "Tags": tags.collect::<Vec<_>>(), "HasMoreTags": false }))
    }

    fn change_facts(
        &self,
        scope: Scope<'_>,
        name: &StreamName,
        change: impl FnOnce(&mut StreamFacts) -> Result<(), Refusal>,
    ) -> Result<Vec<u8>, Refusal> {
        let stream = self.find(scope, name)?;
        let mut topology = stream.write();
        let mut facts = topology.facts.clone();
        change(&mut facts)?;
        stream.replace_facts(&mut topology, facts)?;
        Ok(Vec::new())
    }
}

/// Names are also directory names here, so the pattern guards the data directory too.
fn check_name(name: &str) -> Result<(), Refusal> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    let dots_only = name.bytes().all(|byte| byte == b'.');
    if name.is_empty() || name.len() > 128 || !name.bytes().all(allowed) || dots_only {
        return Err(Refusal::validation("StreamName must match [a-zA-Z0-9_.-]{1,128}"));
    }
    Ok(())
}
