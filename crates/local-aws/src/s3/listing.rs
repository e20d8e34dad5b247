//! ListObjectsV2 (and ListObjects, which says the same in older words).
//!
//! Keys come in the order of their UTF-8 bytes. Keys that share a prefix up to the delimiter count as one entry.
//! Source: API_ListObjectsV2.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::{
    self, CommonPrefix, ETag, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input, ListObjectsV2Output,
};
use s3s::{S3Request, S3Result};

use super::gate::asking;
use super::reading::timestamp;
use super::refusal::invalid_argument;
use super::shelf::{Object, Versions};
use super::{Ask, S3State};

const KEYS_MAX: usize = 1_000;
/// What encoding-type `url` leaves as it is.
const URL: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/')
    .remove(b'*');

/// What to list.
#[derive(Default)]
struct Wanted<'a> {
    prefix: &'a str,
    delimiter: &'a str,
    /// Entries at or before this one were listed already.
    after: &'a str,
    limit: usize,
}

/// One page.
#[derive(Default)]
struct Listed {
    objects: Vec<Arc<Object>>,
    prefixes: Vec<String>,
    /// The last entry, when more follow.
    next: Option<String>,
}

impl S3State {
    pub(super) fn list_objects_v2(
        &self,
        request: &S3Request<ListObjectsV2Input>,
    ) -> S3Result<ListObjectsV2Output> {
        let (mut asking, input) = (asking(request)?, &request.input);
        asking
            .context
            .set("s3:prefix", vec![input.prefix.clone().unwrap_or_default()]);
        asking
            .context
            .set("s3:delimiter", vec![input.delimiter.clone().unwrap_or_default()]);
        let ask = Ask::bucket("s3:ListBucket", input.expected_bucket_owner.as_ref());
        let bucket = self.permitted(&asking, &input.bucket, ask)?;
        let token = input.continuation_token.as_deref().map(decode).transpose()?;
        let wanted = Wanted {
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref().unwrap_or_default(),
            after: token
                .as_deref()
                .or(input.start_after.as_deref())
                .unwrap_or_default(),
            limit: limit(input.max_keys)?,
        };
        let listed = list(&bucket.shelf().keys, &wanted);
        let url = input
            .encoding_type
            .as_ref()
            .is_some_and(|kind| kind.as_str() == dto::EncodingType::URL);
        let owner = input
            .fetch_owner
            .unwrap_or_default()
            .then(|| bucket.settings().facts.owner.clone());
        let count = listed.objects.len() + listed.prefixes.len();
        Ok(ListObjectsV2Output {
            name: Some(input.bucket.clone()),
            prefix: input.prefix.as_deref().map(|prefix| text(prefix, url)),
            delimiter: input.delimiter.as_deref().map(|delimiter| text(delimiter, url)),
            start_after: input.start_after.as_deref().map(|after| text(after, url)),
            encoding_type: input.encoding_type.clone(),
            continuation_token: input.continuation_token.clone(),
            max_keys: i32::try_from(wanted.limit).ok(),
            key_count: i32::try_from(count).ok(),
            is_truncated: Some(listed.next.is_some()),
            next_continuation_token: listed
                .next
                .as_deref()
                .map(|next| data_encoding::BASE64.encode(next.as_bytes())),
            contents: Some(
                listed
                    .objects
                    .iter()
                    .map(|object| entry(object, url, owner.as_ref()))
                    .collect(),
            ),
            common_prefixes: Some(common(&listed.prefixes, url)),
            request_charged: None,
        })
    }

    pub(super) fn list_objects(&self, request: &S3Request<ListObjectsInput>) -> S3Result<ListObjectsOutput> {
        let (mut asking, input) = (asking(request)?, &request.input);
        asking
            .context
            .set("s3:prefix", vec![input.prefix.clone().unwrap_or_default()]);
        let ask = Ask::bucket("s3:ListBucket", input.expected_bucket_owner.as_ref());
        let bucket = self.permitted(&asking, &input.bucket, ask)?;
        let wanted = Wanted {
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref().unwrap_or_default(),
            after: input.marker.as_deref().unwrap_or_default(),
            limit: limit(input.max_keys)?,
        };
        let listed = list(&bucket.shelf().keys, &wanted);
        let url = input
            .encoding_type
            .as_ref()
            .is_some_and(|kind| kind.as_str() == dto::EncodingType::URL);
        let owner = bucket.settings().facts.owner.clone();
        Ok(ListObjectsOutput {
            name: Some(input.bucket.clone()),
            prefix: input.prefix.as_deref().map(|prefix| text(prefix, url)),
            delimiter: input.delimiter.as_deref().map(|delimiter| text(delimiter, url)),
            encoding_type: input.encoding_type.clone(),
            marker: input.marker.clone(),
            max_keys: i32::try_from(wanted.limit).ok(),
            is_truncated: Some(listed.next.is_some()),
            next_marker: listed.next.as_deref().map(|next| text(next, url)),
            contents: Some(
                listed
                    .objects
                    .iter()
                    .map(|object| entry(object, url, Some(&owner)))
                    .collect(),
            ),
            common_prefixes: Some(common(&listed.prefixes, url)),
            ..ListObjectsOutput::default()
        })
    }
}

/// The size of a page.
pub(super) fn limit(max_keys: Option<i32>) -> S3Result<usize> {
    let limit = max_keys.map_or(Ok(KEYS_MAX), usize::try_from);
    let limit = limit
        .map_err(|_| invalid_argument("Argument maxKeys must be an integer between 0 and 2147483647"))?;
    Ok(limit.min(KEYS_MAX))
}

fn decode(token: &str) -> S3Result<String> {
    let bytes = data_encoding::BASE64.decode(token.as_bytes()).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| invalid_argument("The continuation token provided is incorrect"))
}

fn list(keys: &BTreeMap<String, Versions>, wanted: &Wanted<'_>) -> Listed {
    let mut listed = Listed::default();
    let mut last = String::new();
    let start = if wanted.after >= wanted.prefix {
        Bound::Excluded(wanted.after)
    } else {
        Bound::Included(wanted.prefix)
    };
    let keys = keys.range::<str, _>((start, Bound::Unbounded));
    let keys = keys.take_while(|(key, _)| key.starts_with(wanted.prefix));
    // A key under a delete marker has no object.
    for (key, object) in keys.filter_map(|(key, versions)| Some((key, versions.current()?))) {
        let group = group(key, (wanted.prefix, wanted.delimiter));
        // A group that was listed, on this page or as the token of the last one, counts once.
        let seen = group.is_some_and(|group| last == group || wanted.after == group);
        if seen {
            continue;
        }
        if listed.objects.len() + listed.prefixes.len() == wanted.limit {
            listed.next = (wanted.limit > 0).then_some(last);
            return listed;
        }
        match group {
            Some(group) => {
                listed.prefixes.push(group.to_owned());
                group.clone_into(&mut last);
            }
            None => {
                listed.objects.push(Arc::clone(object));
                key.clone_into(&mut last);
            }
        }
    }
    listed
}

/// The common prefix that a key falls into.
pub(super) fn group<'a>(key: &'a str, (prefix, delimiter): (&str, &str)) -> Option<&'a str> {
    if delimiter.is_empty() {
        return None;
    }
    let rest = &key[prefix.len()..];
    let found = rest.find(delimiter)?;
    Some(&key[..prefix.len() + found + delimiter.len()])
}

fn entry(object: &Object, url: bool, owner: Option<&String>) -> dto::Object {
    let facts = &object.facts;
    let class = object.class().to_owned();
    dto::Object {
        key: Some(text(&facts.key, url)),
        size: i64::try_from(facts.size).ok(),
        e_tag: Some(ETag::Strong(facts.etag.clone())),
        last_modified: Some(timestamp(facts.last_modified)),
        storage_class: Some(dto::ObjectStorageClass::from(class)),
        checksum_algorithm: facts
            .checksums
            .algorithm()
            .map(|name| vec![dto::ChecksumAlgorithm::from_static(name)]),
        checksum_type: facts.checksums.kind(),
        owner: owner.map(|id| dto::Owner {
            id: Some(id.clone()),
            display_name: None,
        }),
        restore_status: None,
    }
}

/// Groups of keys as they are shown.
pub(super) fn common(prefixes: &[String], url: bool) -> Vec<CommonPrefix> {
    prefixes
        .iter()
        .map(|prefix| CommonPrefix {
            prefix: Some(text(prefix, url)),
        })
        .collect()
}

/// A key as the caller wants keys written.
pub(super) fn text(value: &str, url: bool) -> String {
    if url {
        utf8_percent_encode(value, URL).to_string()
    } else {
        value.to_owned()
    }
}
