//! Reading objects: GetObject, HeadObject and GetObjectTagging.
//!
//! Sources: API_GetObject, API_HeadObject.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::SystemTime;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::Stream;
use futures_util::stream::BoxStream;
use s3s::dto::{
    self, ETag, GetObjectInput, GetObjectOutput, GetObjectTaggingInput, GetObjectTaggingOutput,
    HeadObjectInput, HeadObjectOutput, StreamingBlob, Timestamp,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result};

use super::bucket::{Object, matches};
use super::checksum::Checksums;
use super::gate::asking;
use super::objects::{encryption, refuse_version};
use super::{Ask, Asking, S3State};

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
            return Err(S3Error::new(S3ErrorCode::PreconditionFailed));
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
    /// The object of a key, if the caller may read it. Without permission to list, a missing key looks forbidden.
    pub(super) fn readable(
        &self,
        asking: &Asking,
        bucket: &str,
        (key, expected_owner): (&str, Option<&String>),
    ) -> S3Result<Arc<Object>> {
        let found = self.permitted(
            asking,
            bucket,
            Ask {
                action: "s3:GetObject",
                key: Some(key),
                expected_owner,
            },
        )?;
        if let Some(object) = found.object(key) {
            return Ok(object);
        }
        self.permitted(
            asking,
            bucket,
            Ask {
                action: "s3:ListBucket",
                key: None,
                expected_owner,
            },
        )?;
        Err(S3Error::with_message(
            S3ErrorCode::NoSuchKey,
            "The specified key does not exist.",
        ))
    }

    pub(super) async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<GetObjectOutput> {
        let (asking, input) = (asking(&request)?, &request.input);
        refuse_version(input.version_id.as_ref())?;
        refuse_part(input.part_number)?;
        let object = self.readable(
            &asking,
            &input.bucket,
            (&input.key, input.expected_bucket_owner.as_ref()),
        )?;
        let condition = ReadCondition {
            if_match: input.if_match.as_ref(),
            if_none_match: input.if_none_match.as_ref(),
            if_modified_since: input.if_modified_since.as_ref(),
            if_unmodified_since: input.if_unmodified_since.as_ref(),
        };
        condition.check(&object)?;
        let size = object.facts.size;
        let range = match &input.range {
            Some(range) => range
                .check(size)
                .map_err(|_| S3Error::new(S3ErrorCode::InvalidRange))?,
            None => 0..size,
        };
        let content_range = input
            .range
            .as_ref()
            .map(|_| format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1)));
        let length = range.end - range.start;
        let whole = length == size;
        let stream = object
            .content
            .stream(range)
            .await
            .map_err(S3Error::internal_error)?;
        // The checksum speaks of the whole object; a client would compare it with the range.
        let checksums = checksums_for(&object, input.checksum_mode.as_ref(), whole);
        Ok(GetObjectOutput {
            body: Some(StreamingBlob::wrap(Shared(Mutex::new(stream)))),
            content_length: i64::try_from(length).ok(),
            content_range,
            ..output(&object, checksums)
        })
    }

    pub(super) fn head_object(&self, request: &S3Request<HeadObjectInput>) -> S3Result<HeadObjectOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        refuse_version(input.version_id.as_ref())?;
        refuse_part(input.part_number)?;
        let object = self.readable(
            &asking,
            &input.bucket,
            (&input.key, input.expected_bucket_owner.as_ref()),
        )?;
        let condition = ReadCondition {
            if_match: input.if_match.as_ref(),
            if_none_match: input.if_none_match.as_ref(),
            if_modified_since: input.if_modified_since.as_ref(),
            if_unmodified_since: input.if_unmodified_since.as_ref(),
        };
        condition.check(&object)?;
        let shown = output(
            &object,
            checksums_for(&object, input.checksum_mode.as_ref(), true),
        );
        Ok(HeadObjectOutput {
            content_length: i64::try_from(object.facts.size).ok(),
            accept_ranges: shown.accept_ranges,
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
            last_modified: shown.last_modified,
            metadata: shown.metadata,
            server_side_encryption: shown.server_side_encryption,
            ssekms_key_id: shown.ssekms_key_id,
            storage_class: shown.storage_class,
            ..HeadObjectOutput::default()
        })
    }

    pub(super) fn get_object_tagging(
        &self,
        request: &S3Request<GetObjectTaggingInput>,
    ) -> S3Result<GetObjectTaggingOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        refuse_version(input.version_id.as_ref())?;
        let expected_owner = input.expected_bucket_owner.as_ref();
        let ask = Ask {
            action: "s3:GetObjectTagging",
            key: Some(&input.key),
            expected_owner,
        };
        let object = self.permitted(&asking, &input.bucket, ask)?.object(&input.key);
        let object = object.ok_or_else(|| S3Error::new(S3ErrorCode::NoSuchKey))?;
        let tags = object.facts.headers.tags.iter();
        let tag_set = tags.map(|(key, value)| dto::Tag {
            key: Some(key.clone()),
            value: Some(value.clone()),
        });
        Ok(GetObjectTaggingOutput {
            tag_set: tag_set.collect(),
            version_id: None,
        })
    }
}

fn refuse_part(number: Option<i32>) -> S3Result<()> {
    match number {
        Some(_) => Err(S3Error::with_message(
            S3ErrorCode::NotImplemented,
            "reading by part number is not implemented",
        )),
        None => Ok(()),
    }
}

fn checksums_for(object: &Object, mode: Option<&dto::ChecksumMode>, whole: bool) -> Option<Checksums> {
    let wanted = mode.is_some_and(|mode| mode.as_str() == dto::ChecksumMode::ENABLED);
    (wanted && whole).then(|| object.facts.checksums.clone())
}

fn output(object: &Object, checksums: Option<Checksums>) -> GetObjectOutput {
    let (facts, headers) = (&object.facts, &object.facts.headers);
    let checksum_type = checksums.as_ref().and_then(Checksums::kind);
    let checksums = checksums.unwrap_or_default();
    let class = headers.storage_class.clone().filter(|class| class != "STANDARD");
    GetObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
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
        content_type: Some(
            headers
                .content_type
                .clone()
                .unwrap_or_else(|| "binary/octet-stream".to_owned()),
        ),
        e_tag: Some(ETag::Strong(facts.etag.clone())),
        last_modified: Some(timestamp(facts.last_modified)),
        metadata: (!headers.metadata.is_empty()).then(|| headers.metadata.clone().into_iter().collect()),
        server_side_encryption: encryption(headers),
        ssekms_key_id: headers.kms_key_id.clone(),
        // The header is absent for STANDARD; API_HeadObject.
        storage_class: class.map(dto::StorageClass::from),
        tag_count: i32::try_from(headers.tags.len()).ok().filter(|count| *count > 0),
        ..GetObjectOutput::default()
    }
}
