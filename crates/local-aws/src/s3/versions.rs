//! ListObjectVersions: every version of every key, the newest of a key first.
//!
//! Source: API_ListObjectVersions.

use std::ops::Bound;
use std::sync::Arc;

use s3s::dto::{
    self, DeleteMarkerEntry, ETag, ListObjectVersionsInput, ListObjectVersionsOutput, ObjectVersion,
};
use s3s::{S3Request, S3Result};

use super::gate::asking;
use super::listing::{common, group, limit, text};
use super::reading::timestamp;
use super::refusal::invalid_argument;
use super::shelf::{Object, Shelf, Versions};
use super::{Ask, S3State, archive};

/// What to list.
struct Wanted<'a> {
    prefix: &'a str,
    delimiter: &'a str,
    /// Keys up to this one were listed already; with a version, only that key's versions up to it were.
    after: Option<(&'a str, Option<&'a str>)>,
    limit: usize,
}

/// One entry of a page.
enum Entry {
    Version(Arc<Object>, IsLatest),
    Group(String),
}

type IsLatest = bool;

impl S3State {
    pub(super) fn list_object_versions(
        &self,
        request: &S3Request<ListObjectVersionsInput>,
    ) -> S3Result<ListObjectVersionsOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        let ask = Ask::bucket("s3:ListBucketVersions", input.expected_bucket_owner.as_ref());
        let bucket = self.permitted(&asking, &input.bucket, ask)?;
        let wanted = Wanted {
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref().unwrap_or_default(),
            after: after(input)?,
            limit: limit(input.max_keys)?,
        };
        let (entries, more) = list(&bucket.shelf(), &wanted);
        let encoding = input.encoding_type.as_ref();
        let url = encoding.is_some_and(|kind| kind.as_str() == dto::EncodingType::URL);
        let next = entries.last().filter(|_| more);
        let shown = |given: &Option<String>| given.as_deref().map(|given| text(given, url));
        Ok(ListObjectVersionsOutput {
            name: Some(input.bucket.clone()),
            prefix: Some(text(wanted.prefix, url)),
            delimiter: shown(&input.delimiter),
            encoding_type: input.encoding_type.clone(),
            key_marker: Some(shown(&input.key_marker).unwrap_or_default()),
            version_id_marker: Some(input.version_id_marker.clone().unwrap_or_default()),
            max_keys: i32::try_from(wanted.limit).ok(),
            is_truncated: Some(more),
            next_key_marker: next.map(|entry| text(entry.key(), url)),
            next_version_id_marker: next.and_then(Entry::version_id),
            ..self.views(&entries, (&bucket.settings().facts.owner, url))
        })
    }

    fn views(&self, entries: &[Entry], (owner, url): (&str, bool)) -> ListObjectVersionsOutput {
        let owner = || {
            Some(dto::Owner {
                id: Some(owner.to_owned()),
                display_name: None,
            })
        };
        let (mut versions, mut markers, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        for entry in entries {
            match entry {
                Entry::Group(group) => groups.push(group.clone()),
                Entry::Version(object, is_latest) if object.facts.delete_marker => {
                    markers.push(DeleteMarkerEntry {
                        is_latest: Some(*is_latest),
                        key: Some(text(&object.facts.key, url)),
                        last_modified: Some(timestamp(object.facts.last_modified)),
                        owner: owner(),
                        version_id: Some(object.version_id().to_owned()),
                    });
                }
                Entry::Version(object, is_latest) => versions.push(ObjectVersion {
                    is_latest: Some(*is_latest),
                    key: Some(text(&object.facts.key, url)),
                    owner: owner(),
                    restore_status: archive::restore_status(&object.state, self.now()),
                    ..version_view(object)
                }),
            }
        }
        ListObjectVersionsOutput {
            versions: Some(versions),
            delete_markers: Some(markers),
            common_prefixes: Some(common(&groups, url)),
            ..ListObjectVersionsOutput::default()
        }
    }
}

fn after(input: &ListObjectVersionsInput) -> S3Result<Option<(&str, Option<&str>)>> {
    let version = input.version_id_marker.as_deref().filter(|id| !id.is_empty());
    match input.key_marker.as_deref().filter(|key| !key.is_empty()) {
        Some(key) => Ok(Some((key, version))),
        None if version.is_some() => Err(invalid_argument(
            "A version-id marker cannot be specified without a key marker.",
        )),
        None => Ok(None),
    }
}

impl Entry {
    fn key(&self) -> &str {
        match self {
            Self::Version(object, _) => &object.facts.key,
            Self::Group(group) => group,
        }
    }

    fn version_id(&self) -> Option<String> {
        match self {
            Self::Version(object, _) => Some(object.version_id().to_owned()),
            Self::Group(_) => None,
        }
    }
}

/// One page, and whether more follows.
fn list(shelf: &Shelf, wanted: &Wanted<'_>) -> (Vec<Entry>, bool) {
    let mut entries: Vec<Entry> = Vec::new();
    let start = wanted
        .after
        .map_or(wanted.prefix, |(key, _)| key)
        .max(wanted.prefix);
    let keys = shelf
        .keys
        .range::<str, _>((Bound::Included(start), Bound::Unbounded));
    for (key, versions) in keys.take_while(|(key, _)| key.starts_with(wanted.prefix)) {
        if let Some(group) = group(key, (wanted.prefix, wanted.delimiter)) {
            let listed = wanted.after.is_some_and(|(after, _)| after >= group);
            let seen = matches!(entries.last(), Some(Entry::Group(last)) if last == group);
            if listed || seen {
                continue;
            }
            if entries.len() == wanted.limit {
                return (entries, wanted.limit > 0);
            }
            entries.push(Entry::Group(group.to_owned()));
            continue;
        }
        for entry in unlisted(key, versions, wanted) {
            if entries.len() == wanted.limit {
                return (entries, wanted.limit > 0);
            }
            entries.push(entry);
        }
    }
    (entries, false)
}

/// The versions of a key that earlier pages did not list, the newest first.
fn unlisted<'a>(
    key: &str,
    versions: &'a Versions,
    wanted: &Wanted<'_>,
) -> impl Iterator<Item = Entry> + use<'a> {
    let last = versions.iter().len() - 1;
    let skip = match wanted.after {
        Some((after, None)) if after == key => versions.iter().len(),
        Some((after, Some(id))) if after == key => {
            let found = versions.iter().rev().position(|object| object.version_id() == id);
            found.map_or(0, |at| at + 1)
        }
        _ => 0,
    };
    let newest_first = versions.iter().enumerate().rev().skip(skip);
    newest_first.map(move |(at, object)| Entry::Version(Arc::clone(object), at == last))
}

fn version_view(object: &Object) -> ObjectVersion {
    let facts = &object.facts;
    let algorithm = facts.checksums.algorithm();
    ObjectVersion {
        checksum_algorithm: algorithm.map(|name| vec![dto::ChecksumAlgorithm::from_static(name)]),
        checksum_type: facts.checksums.kind(),
        e_tag: Some(ETag::Strong(facts.etag.clone())),
        last_modified: Some(timestamp(facts.last_modified)),
        size: i64::try_from(facts.size).ok(),
        storage_class: Some(dto::ObjectVersionStorageClass::from(object.class().to_owned())),
        version_id: Some(object.version_id().to_owned()),
        ..ObjectVersion::default()
    }
}
