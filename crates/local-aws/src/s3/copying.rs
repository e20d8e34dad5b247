//! CopyObject and UploadPartCopy.
//!
//! Sources: API_CopyObject, API_UploadPartCopy.

use s3s::dto::{
    self, CopyObjectInput, CopyObjectOutput, CopySource, ETag, UploadPartCopyInput, UploadPartCopyOutput,
};
use s3s::{S3Request, S3Result};

use super::bucket::{WriteCondition, matches, precondition_failed};
use super::checksum::hasher;
use super::content::spool;
use super::facts::Headers;
use super::gate::asking;
use super::multipart::{keep_part, part_of};
use super::reading::{Wanted, moment, shown_version, timestamp};
use super::refusal::{invalid_argument, invalid_request, not_implemented, refused};
use super::shelf::Object;
use super::writing::{Spoken, check_headers, said, spoken};
use super::{Ask, S3State};

/// Largest object that is copied at once.
const COPY_BYTES_MAX: u64 = 5 << 30;

/// What a copy asks of its source.
struct Conditions<'a> {
    if_match: Option<&'a dto::ETagCondition>,
    if_none_match: Option<&'a dto::ETagCondition>,
    if_modified_since: Option<&'a dto::Timestamp>,
    if_unmodified_since: Option<&'a dto::Timestamp>,
}

macro_rules! conditions {
    ($input:expr) => {
        Conditions {
            if_match: $input.copy_source_if_match.as_ref(),
            if_none_match: $input.copy_source_if_none_match.as_ref(),
            if_modified_since: $input.copy_source_if_modified_since.as_ref(),
            if_unmodified_since: $input.copy_source_if_unmodified_since.as_ref(),
        }
    };
}

impl Conditions<'_> {
    /// An ETag condition that is given outweighs the date beside it.
    fn check(&self, object: &Object) -> S3Result<()> {
        let etag = object.facts.etag.as_str();
        let changed_at = object.facts.last_modified.timestamp();
        let unchanged = |since: &dto::Timestamp| changed_at <= moment(since).timestamp();
        let wanted = match (self.if_match, self.if_unmodified_since) {
            (Some(condition), _) => matches(condition, etag),
            (None, Some(since)) => unchanged(since),
            (None, None) => true,
        };
        let unwanted = match (self.if_none_match, self.if_modified_since) {
            (Some(condition), _) => matches(condition, etag),
            (None, Some(since)) => unchanged(since),
            (None, None) => false,
        };
        if !wanted || unwanted {
            return Err(precondition_failed());
        }
        Ok(())
    }
}

fn wanted_of<'a>(source: &'a CopySource, expected_owner: Option<&'a String>) -> S3Result<Wanted<'a>> {
    match source {
        CopySource::Bucket {
            bucket,
            key,
            version_id,
        } => Ok(Wanted {
            bucket,
            key,
            version: version_id.as_deref(),
            expected_owner,
        }),
        _ => Err(not_implemented("copies from access points")),
    }
}

impl S3State {
    pub(super) async fn copy_object(
        &self,
        request: S3Request<CopyObjectInput>,
    ) -> S3Result<CopyObjectOutput> {
        let asking = asking(&request)?;
        let input = request.input;
        let wanted = wanted_of(&input.copy_source, input.expected_source_bucket_owner.as_ref())?;
        let conditions = conditions!(input);
        let choose = |object: &Object| {
            conditions.check(object)?;
            may_copy(&input, &wanted, object)?;
            Ok(0..object.facts.size)
        };
        let source = self.opened(&asking, &wanted, choose).await?;
        let ask = Ask::key("s3:PutObject", &input.key, input.expected_bucket_owner.as_ref());
        let bucket = self.permitted(&asking, &input.bucket, ask)?;
        let mut spoken = spoken!(input);
        let replaces_tags = replaces(
            input
                .tagging_directive
                .as_ref()
                .map(dto::TaggingDirective::as_str),
        );
        if !replaces_tags {
            spoken.tagging = None;
        }
        let mut state = self.beginning(&asking, (&bucket, &input.key), &spoken)?;
        if !replaces_tags {
            state.tags.clone_from(&source.object.state.tags);
        }
        let headers = copied_headers(&input, &source.object.facts.headers)?;
        let hasher = hasher(&[algorithm(&input, &source.object)]);
        let spooled = spool(source.bytes, bucket.objects_directory().as_deref(), hasher).await?;
        let facts = self.facts_of(&bucket, &input.key, (headers, state), &spooled);
        let object = self
            .store(&bucket, spooled, facts, &WriteCondition::default())
            .await?;
        Ok(CopyObjectOutput {
            copy_source_version_id: shown_version(&source.bucket, &source.object),
            version_id: shown_version(&bucket, &object),
            expiration: super::lifecycle::expiration_header(&bucket.settings(), &object),
            ..copy_output(&object)
        })
    }

    pub(super) async fn upload_part_copy(
        &self,
        request: S3Request<UploadPartCopyInput>,
    ) -> S3Result<UploadPartCopyOutput> {
        let asking = asking(&request)?;
        let input = request.input;
        let wanted = wanted_of(&input.copy_source, input.expected_source_bucket_owner.as_ref())?;
        let conditions = conditions!(input);
        let choose = |object: &Object| {
            conditions.check(object)?;
            copied_range(input.copy_source_range.as_deref(), object.facts.size)
        };
        let source = self.opened(&asking, &wanted, choose).await?;
        let ask = Ask::key("s3:PutObject", &input.key, input.expected_bucket_owner.as_ref());
        let bucket = self.permitted(&asking, &input.bucket, ask)?;
        let upload = part_of(&bucket, (&input.upload_id, &input.key), input.part_number)?;
        let algorithm = upload.facts.algorithm.as_deref().unwrap_or("CRC64NVME");
        let home = bucket.upload_directory(&input.upload_id);
        let spooled = spool(source.bytes, home.as_deref(), hasher(&[algorithm])).await?;
        let facts = super::facts::PartFacts {
            number: input.part_number,
            size: spooled.size,
            etag: spooled.etag(),
            checksums: spooled.checksums.clone(),
            uploaded_at: self.now(),
        };
        let facts = keep_part(&bucket, &input.upload_id, spooled, facts).await?;
        Ok(UploadPartCopyOutput {
            copy_part_result: Some(dto::CopyPartResult {
                e_tag: Some(ETag::Strong(facts.etag)),
                last_modified: Some(timestamp(facts.uploaded_at)),
                checksum_crc32: facts.checksums.crc32,
                checksum_crc32c: facts.checksums.crc32c,
                checksum_crc64nvme: facts.checksums.crc64nvme,
                checksum_sha1: facts.checksums.sha1,
                checksum_sha256: facts.checksums.sha256,
            }),
            copy_source_version_id: shown_version(&source.bucket, &source.object),
            server_side_encryption: Some(upload.facts.state.encryption.algorithm()),
            ssekms_key_id: upload.facts.state.encryption.kms_key.clone(),
            ..UploadPartCopyOutput::default()
        })
    }
}

fn replaces(directive: Option<&str>) -> bool {
    directive == Some("REPLACE")
}

/// An object is not copied onto itself unless something about it changes, and not in one piece when it is too large.
fn may_copy(input: &CopyObjectInput, wanted: &Wanted<'_>, object: &Object) -> S3Result<()> {
    let Spoken {
        storage_class,
        encryption,
        redirect,
        ..
    } = spoken!(input);
    let changes = storage_class.is_some()
        || encryption.is_some()
        || redirect
        || replaces(
            input
                .metadata_directive
                .as_ref()
                .map(dto::MetadataDirective::as_str),
        )
        || replaces(
            input
                .tagging_directive
                .as_ref()
                .map(dto::TaggingDirective::as_str),
        );
    let itself = *wanted.bucket == *input.bucket && *wanted.key == *input.key && wanted.version.is_none();
    if itself && !changes {
        return Err(invalid_request(
            "This copy request is illegal because it is trying to copy an object to itself without changing the \
             object's metadata, storage class, website redirect location or encryption attributes.",
        ));
    }
    if object.facts.size > COPY_BYTES_MAX {
        return Err(invalid_request(
            "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120",
        ));
    }
    Ok(())
}

fn algorithm<'a>(input: &'a CopyObjectInput, source: &'a Object) -> &'a str {
    let kept = source.facts.checksums.algorithm();
    let kept = kept.filter(|_| !source.facts.checksums.composite);
    let named = input
        .checksum_algorithm
        .as_ref()
        .map(dto::ChecksumAlgorithm::as_str);
    named.or(kept).unwrap_or("CRC64NVME")
}

/// `bytes=first-last`, both inside the source.
fn copied_range(range: Option<&str>, size: u64) -> S3Result<std::ops::Range<u64>> {
    let Some(text) = range else { return Ok(0..size) };
    let bounds = text
        .strip_prefix("bytes=")
        .and_then(|bounds| bounds.split_once('-'));
    let bounds = bounds.and_then(|(first, last)| Some((first.parse().ok()?, last.parse::<u64>().ok()?)));
    match bounds {
        Some((first, last)) if first <= last && last < size => Ok(first..last + 1),
        Some((first, last)) if first <= last => Err(refused(
            s3s::S3ErrorCode::InvalidRange,
            format!("Range specified is not valid for source object of size: {size}"),
        )),
        _ => Err(invalid_argument(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the \
             zero-based offsets of the first and last bytes to copy",
        )),
    }
}

fn copied_headers(input: &CopyObjectInput, source: &Headers) -> S3Result<Headers> {
    let directive = input
        .metadata_directive
        .as_ref()
        .map(dto::MetadataDirective::as_str);
    if replaces(directive) {
        return check_headers(said!(input));
    }
    Ok(source.clone())
}

fn copy_output(object: &Object) -> CopyObjectOutput {
    let (facts, encryption) = (&object.facts, &object.state.encryption);
    let checksums = facts.checksums.clone();
    CopyObjectOutput {
        bucket_key_enabled: encryption.bucket_key_header(),
        copy_object_result: Some(dto::CopyObjectResult {
            e_tag: Some(ETag::Strong(facts.etag.clone())),
            last_modified: Some(timestamp(facts.last_modified)),
            checksum_type: checksums.kind(),
            checksum_crc32: checksums.crc32,
            checksum_crc32c: checksums.crc32c,
            checksum_crc64nvme: checksums.crc64nvme,
            checksum_sha1: checksums.sha1,
            checksum_sha256: checksums.sha256,
        }),
        server_side_encryption: Some(encryption.algorithm()),
        ssekms_key_id: encryption.kms_key.clone(),
        ..CopyObjectOutput::default()
    }
}
