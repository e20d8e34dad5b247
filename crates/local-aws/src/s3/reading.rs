//! Reading objects: GetObject and HeadObject, of the newest version or of a named one.
//!
//! Sources: API_GetObject, API_HeadObject; S3 user guide, "Working with delete markers".

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::SystemTime;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::Stream;
use futures_util::stream::BoxStream;
use s3s::dto::{
    self, ETag, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, StreamingBlob, Timestamp,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result};

use super::bucket::{Bucket, matches, precondition_failed};
use super::checksum::Checksums;
use super::gate::asking;
use super::refusal::{internal, invalid_argument, not_implemented, refused, unlisted, with_header};
use super::shelf::{NULL, Object};
use super::{Ask, Asking, S3State, archive, lifecycle};

/// How often a read looks again for a version whose file went while it was being opened.
const OPENING_TRIES: usize = 8;
/// The form of version ids.
const VERSION_ID_CHARS: usize = 32;

/// The version that a call is about.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) bucket: &'a str,
    pub(super) key: &'a str,
    /// None is the newest.
    pub(super) version: Option<&'a str>,
    pub(super) expected_owner: Option<&'a String>,
}

/// Gathers [`Wanted`] from an input; the inputs have no type in common.
macro_rules! wanted {
    ($input:expr) => {
        $crate::s3::reading::Wanted {
            bucket: &$input.bucket,
            key: &$input.key,
            version: $input.version_id.as_deref(),
            expected_owner: $input.expected_bucket_owner.as_ref(),
        }
    };
}

pub(super) use wanted;

/// A stream that s3s may share between threads; only one ever polls it.
struct Shared(Mutex<BoxStream<'static, std::io::Result<Bytes>>>);

impl Stream for Shared {
    type Item = std::io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let stream = self.0.get_mut().expect("nobody locks it");
        stream.as_mut().poll_next(cx)
    }
}

/// An S3 timestamp.
pub(super) fn timestamp(at: DateTime<Utc>) -> Timestamp {
    Timestamp::from(SystemTime::from(at))
}

/// The moment an S3 timestamp names; to the millisecond, as S3 keeps them.
pub(super) fn moment(at: &Timestamp) -> DateTime<Utc> {
    let mut text = Vec::new();
    let written = at.format(dto::TimestampFormat::DateTime, &mut text);
    let read = written.ok().and_then(|()| {
        let text = std::str::from_utf8(&text).ok()?;
        DateTime::parse_from_rfc3339(text).ok()
    });
    read.map_or(DateTime::<Utc>::MAX_UTC, |at| at.with_timezone(&Utc))
}

/// A body of no bytes.
pub(super) fn empty() -> StreamingBlob {
    StreamingBlob::wrap(futures_util::stream::empty::<std::io::Result<Bytes>>())
}

/// Conditions of a read.
struct ReadCondition<'a> {
    if_match: Option<&'a dto::ETagCondition>,
    if_none_match: Option<&'a dto::ETagCondition>,
    if_modified_since: Option<&'a Timestamp>,
    if_unmodified_since: Option<&'a Timestamp>,
}

impl ReadCondition<'_> {
    /// API_GetObject: an ETag condition outweighs the date beside it. Dates have whole seconds.
    fn check(&self, object: &Object) -> S3Result<()> {
        let etag = object.facts.etag.as_str();
        let seconds = DateTime::from_timestamp(object.facts.last_modified.timestamp(), 0).unwrap_or_default();
        let modified = timestamp(seconds);
        let holds = match (self.if_match, self.if_unmodified_since) {
            (Some(condition), _) => matches(condition, etag),
            (None, Some(since)) => modified <= *since,
            (None, None) => true,
        };
        if !holds {
            return Err(precondition_failed());
        }
        let unchanged = match (self.if_none_match, self.if_modified_since) {
            (Some(condition), _) => matches(condition, etag),
            (None, Some(since)) => modified <= *since,
            (None, None) => false,
        };
        if unchanged {
            Err(S3Error::new(S3ErrorCode::NotModified))
        } else {
            Ok(())
        }
    }
}

impl S3State {
    /// The version of a key, if the caller may do to it what the action says, or what the second one says to a named
    /// version. Without permission to list, a missing key looks forbidden.
    pub(super) fn found(
        &self,
        asking: &Asking,
        wanted: &Wanted<'_>,
        (action, version_action): (&str, &str),
    ) -> S3Result<(Arc<Bucket>, Arc<Object>)> {
        check_version_id(wanted.version)?;
        let ask =
            Ask::key(action, wanted.key, wanted.expected_owner).version((wanted.version, version_action));
        let bucket = self.permitted(asking, wanted.bucket, ask)?;
        if let Some(object) = bucket.version(wanted.key, wanted.version) {
            return match (object.facts.delete_marker, wanted.version) {
                (false, _) => Ok((bucket, object)),
                (true, None) => Err(with_header(no_key(), "x-amz-delete-marker", "true")),
                (true, Some(_)) => Err(with_header(not_for_markers(), "x-amz-delete-marker", "true")),
            };
        }
        self.permit(
            asking,
            &bucket,
            Ask::bucket("s3:ListBucket", wanted.expected_owner),
        )?;
        Err(wanted.version.map_or_else(no_key, |_| no_version()))
    }

    /// The same for a caller who wants the bytes: they must not be archived, and the caller may decrypt them.
    pub(super) fn readable(
        &self,
        asking: &Asking,
        wanted: &Wanted<'_>,
    ) -> S3Result<(Arc<Bucket>, Arc<Object>)> {
        let (bucket, object) = self.found(asking, wanted, ("s3:GetObject", "s3:GetObjectVersion"))?;
        archive::require_active(&object, self.now())?;
        self.may_decrypt(asking, &bucket.settings(), &object)?;
        Ok((bucket, object))
    }

    /// All bytes of an object.
    pub(super) async fn read_whole(&self, asking: &Asking, wanted: Wanted<'_>) -> S3Result<Bytes> {
        let mut last = None;
        for _ in 0..OPENING_TRIES {
            let (_, object) = self.readable(asking, &wanted)?;
            match object.content.read(object.facts.size).await {
                Ok(bytes) => return Ok(bytes),
                Err(error) => last = Some(error),
            }
        }
        Err(internal(last.unwrap_or_else(no_file)))
    }

    /// An object and a part of its bytes, opened. A version may go between being found and being opened: then what is
    /// there now is read instead.
    pub(super) async fn opened(
        &self,
        asking: &Asking,
        wanted: &Wanted<'_>,
        choose: impl Fn(&Object) -> S3Result<std::ops::Range<u64>> + Send,
    ) -> S3Result<Opened> {
        for _ in 0..OPENING_TRIES {
            let (bucket, object) = self.readable(asking, wanted)?;
            let range = choose(&object)?;
            match object.content.stream(range.clone()).await {
                Ok(bytes) => {
                    return Ok(Opened {
                        bucket,
                        object,
                        range,
                        bytes,
                    });
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(internal(error)),
            }
        }
        Err(internal(no_file()))
    }

    pub(super) async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<GetObjectOutput> {
        let (asking, input) = (asking(&request)?, &request.input);
        refuse_customer_key(input.sse_customer_algorithm.is_some())?;
        let choose = |object: &Object| {
            let condition = ReadCondition {
                if_match: input.if_match.as_ref(),
                if_none_match: input.if_none_match.as_ref(),
                if_modified_since: input.if_modified_since.as_ref(),
                if_unmodified_since: input.if_unmodified_since.as_ref(),
            };
            condition.check(object)?;
            choose_bytes(object, (input.range.as_ref(), input.part_number))
        };
        let opened = self.opened(&asking, &wanted!(input), choose).await?;
        let size = opened.object.facts.size;
        let length = opened.range.end - opened.range.start;
        let is_part = input.range.is_some() || input.part_number.is_some();
        // The checksum speaks of the whole object; a client would compare it with the range.
        let checksums = checksums_for(&opened.object, input.checksum_mode.as_ref(), length == size);
        let shown = self.output(&opened.bucket, &opened.object, checksums);
        let said = |given: &Option<String>, kept: Option<String>| given.clone().or(kept);
        Ok(GetObjectOutput {
            content_length: i64::try_from(length).ok(),
            content_range: is_part.then(|| content_range(&opened.range, size)),
            parts_count: input.part_number.and_then(|_| parts_count(&opened.object)),
            body: Some(StreamingBlob::wrap(Shared(Mutex::new(opened.bytes)))),
            cache_control: said(&input.response_cache_control, shown.cache_control),
            content_disposition: said(&input.response_content_disposition, shown.content_disposition),
            content_encoding: said(&input.response_content_encoding, shown.content_encoding),
            content_language: said(&input.response_content_language, shown.content_language),
            content_type: said(&input.response_content_type, shown.content_type),
            ..shown
        })
    }

    pub(super) fn head_object(&self, request: &S3Request<HeadObjectInput>) -> S3Result<HeadObjectOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        refuse_customer_key(input.sse_customer_algorithm.is_some())?;
        // An archived object may be looked at.
        let actions = ("s3:GetObject", "s3:GetObjectVersion");
        let (bucket, object) = self.found(&asking, &wanted!(input), actions)?;
        self.may_decrypt(&asking, &bucket.settings(), &object)?;
        let condition = ReadCondition {
            if_match: input.if_match.as_ref(),
            if_none_match: input.if_none_match.as_ref(),
            if_modified_since: input.if_modified_since.as_ref(),
            if_unmodified_since: input.if_unmodified_since.as_ref(),
        };
        condition.check(&object)?;
        let (size, asked) = (object.facts.size, (input.range.as_ref(), input.part_number));
        let range = choose_bytes(&object, asked)?;
        let is_part = input.range.is_some() || input.part_number.is_some();
        let whole = range == (0..size);
        let shown = self.output(
            &bucket,
            &object,
            checksums_for(&object, input.checksum_mode.as_ref(), whole),
        );
        Ok(HeadObjectOutput {
            content_length: i64::try_from(range.end - range.start).ok(),
            content_range: is_part.then(|| content_range(&range, size)),
            parts_count: input.part_number.and_then(|_| parts_count(&object)),
            ..head_of(shown)
        })
    }

    fn output(&self, bucket: &Bucket, object: &Object, checksums: Option<Checksums>) -> GetObjectOutput {
        let (facts, headers, state) = (&object.facts, &object.facts.headers, &object.state);
        let checksum_type = checksums.as_ref().and_then(Checksums::kind);
        let checksums = checksums.unwrap_or_default();
        let class = state.storage_class.clone().filter(|class| class != "STANDARD");
        let content_type = headers.content_type.clone();
        GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            bucket_key_enabled: state.encryption.bucket_key_header(),
            cache_control: headers.cache_control.clone(),
            checksum_crc32: checksums.crc32,
            checksum_crc32c: checksums.crc32c,
            checksum_crc64nvme: checksums.crc64nvme,
            checksum_sha1: checksums.sha1,
            checksum_sha256: checksums.sha256,
            checksum_type,
            content_disposition: headers.content_disposition.clone(),
            content_encoding: headers.content_encoding.clone(),
            content_language: headers.content_language.clone(),
            content_type: Some(content_type.unwrap_or_else(|| "binary/octet-stream".to_owned())),
            e_tag: Some(ETag::Strong(facts.etag.clone())),
            expiration: lifecycle::expiration_header(&bucket.settings(), object),
            expires: headers.expires.clone(),
            last_modified: Some(timestamp(facts.last_modified)),
            metadata: (!headers.metadata.is_empty()).then(|| headers.metadata.clone().into_iter().collect()),
            object_lock_legal_hold_status: state.legal_hold.then(super::lock::on),
            object_lock_mode: state.retention.map(|retention| retention.mode.header()),
            object_lock_retain_until_date: state.retention.map(|retention| timestamp(retention.until)),
            replication_status: state.replication.map(super::replication::header),
            restore: archive::restore_header(state, self.now()),
            server_side_encryption: Some(state.encryption.algorithm()),
            ssekms_key_id: state.encryption.kms_key.clone(),
            // The header is absent for STANDARD; API_HeadObject.
            storage_class: class.map(dto::StorageClass::from),
            tag_count: i32::try_from(state.tags.len()).ok().filter(|count| *count > 0),
            version_id: shown_version(bucket, object),
            ..GetObjectOutput::default()
        }
    }
}

/// An object whose bytes can be read, whatever becomes of it.
pub(super) struct Opened {
    pub(super) bucket: Arc<Bucket>,
    pub(super) object: Arc<Object>,
    pub(super) range: std::ops::Range<u64>,
    pub(super) bytes: BoxStream<'static, std::io::Result<Bytes>>,
}

/// The version header: absent from a bucket that never versioned.
pub(super) fn shown_version(bucket: &Bucket, object: &Object) -> Option<String> {
    let versions = bucket.settings().facts.config.versioning.is_some();
    versions.then(|| object.version_id().to_owned())
}

/// Refuses an id that no version can have.
pub(super) fn check_version_id(id: Option<&str>) -> S3Result<()> {
    let formed = |id: &str| {
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"._-=".contains(&byte);
        id == NULL || (id.len() == VERSION_ID_CHARS && id.bytes().all(safe))
    };
    if id.is_none_or(formed) {
        return Ok(());
    }
    Err(invalid_argument("Invalid version id specified"))
}

/// 404 `NoSuchKey`.
pub(super) fn no_key() -> S3Error {
    refused(S3ErrorCode::NoSuchKey, "The specified key does not exist.")
}

/// 404 `NoSuchVersion`.
pub(super) fn no_version() -> S3Error {
    refused(
        S3ErrorCode::NoSuchVersion,
        "The specified version does not exist.",
    )
}

fn not_for_markers() -> S3Error {
    refused(
        S3ErrorCode::MethodNotAllowed,
        "The specified method is not allowed against this resource.",
    )
}

fn no_file() -> std::io::Error {
    std::io::Error::other("the object changed each time it was opened")
}

fn refuse_customer_key(given: bool) -> S3Result<()> {
    if given {
        return Err(not_implemented(
            "encryption with keys that customers send (SSE-C)",
        ));
    }
    Ok(())
}

/// The bytes that a range or a part number asks for.
fn choose_bytes(
    object: &Object,
    (range, part): (Option<&dto::Range>, Option<i32>),
) -> S3Result<std::ops::Range<u64>> {
    let size = object.facts.size;
    let unsatisfiable = || {
        refused(
            S3ErrorCode::InvalidRange,
            "The requested range is not satisfiable",
        )
    };
    match (range, part) {
        (Some(_), Some(_)) => Err(invalid_argument(
            "Cannot specify both Range header and partNumber query parameter",
        )),
        (Some(range), None) => range.check(size).map_err(|_| unsatisfiable()),
        (None, Some(number)) => part_bytes(object, number),
        (None, None) => Ok(0..size),
    }
}

/// The bytes of one part; an object that was put whole is its own first part.
fn part_bytes(object: &Object, number: i32) -> S3Result<std::ops::Range<u64>> {
    let parts = &object.facts.part_list;
    if parts.is_empty() && number == 1 {
        return Ok(0..object.facts.size);
    }
    let index = usize::try_from(number)
        .ok()
        .and_then(|number| number.checked_sub(1));
    let part = index.and_then(|index| parts.get(index)).ok_or_else(|| {
        unlisted(
            http::StatusCode::RANGE_NOT_SATISFIABLE,
            "InvalidPartNumber",
            "The requested partnumber is not satisfiable",
        )
    })?;
    let before = parts.iter().take_while(|other| other.number < part.number);
    let start: u64 = before.map(|other| other.size).sum();
    Ok(start..start + part.size)
}

fn content_range(range: &std::ops::Range<u64>, size: u64) -> String {
    format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1))
}

fn parts_count(object: &Object) -> Option<i32> {
    let count = object.facts.part_list.len();
    i32::try_from(count).ok().filter(|count| *count > 0)
}

fn checksums_for(object: &Object, mode: Option<&dto::ChecksumMode>, whole: bool) -> Option<Checksums> {
    let wanted = mode.is_some_and(|mode| mode.as_str() == dto::ChecksumMode::ENABLED);
    (wanted && whole).then(|| object.facts.checksums.clone())
}

/// HEAD answers the headers of GET.
fn head_of(shown: GetObjectOutput) -> HeadObjectOutput {
    HeadObjectOutput {
        accept_ranges: shown.accept_ranges,
        bucket_key_enabled: shown.bucket_key_enabled,
        cache_control: shown.cache_control,
        checksum_crc32: shown.checksum_crc32,
        checksum_crc32c: shown.checksum_crc32c,
        checksum_crc64nvme: shown.checksum_crc64nvme,
        checksum_sha1: shown.checksum_sha1,
        checksum_sha256: shown.checksum_sha256,
        checksum_type: shown.checksum_type,
        content_disposition: shown.content_disposition,
        content_encoding: shown.content_encoding,
        content_language: shown.content_language,
        content_type: shown.content_type,
        e_tag: shown.e_tag,
        expiration: shown.expiration,
        expires: shown.expires,
        last_modified: shown.last_modified,
        metadata: shown.metadata,
        object_lock_legal_hold_status: shown.object_lock_legal_hold_status,
        object_lock_mode: shown.object_lock_mode,
        object_lock_retain_until_date: shown.object_lock_retain_until_date,
        replication_status: shown.replication_status,
        restore: shown.restore,
        server_side_encryption: shown.server_side_encryption,
        ssekms_key_id: shown.ssekms_key_id,
        storage_class: shown.storage_class,
        version_id: shown.version_id,
        ..HeadObjectOutput::default()
    }
}
