//! Writing objects: PutObject, CopyObject, DeleteObject and DeleteObjects.
//!
//! Sources: API_PutObject, API_CopyObject, API_DeleteObject, API_DeleteObjects; S3 user guide, "Conditional writes".

use std::collections::BTreeMap;
use std::str::FromStr;

use s3s::dto::{
    self, CopyObjectInput, CopyObjectOutput, CopySource, DeleteObjectInput, DeleteObjectsInput,
    DeleteObjectsOutput, ETag, PutObjectInput, PutObjectOutput,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result};

use super::bucket::{WriteCondition, matches};
use super::checksum::{Checksums, Claim};
use super::content::{Spooled, spool, sync_directory};
use super::facts::{Headers, ObjectFacts};
use super::gate::asking;
use super::reading::{empty, timestamp};
use super::{Ask, Asking, Bucket, S3State};

/// Most keys of one DeleteObjects call.
const DELETE_KEYS_MAX: usize = 1_000;
/// Most bytes of user metadata; S3 user guide, "User-defined object metadata".
const METADATA_BYTES_MAX: usize = 2 << 10;
/// Most tags of an object.
const TAGS_MAX: usize = 10;
const STORAGE_CLASSES: [&str; 5] = [
    "STANDARD",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "REDUCED_REDUNDANCY",
];

impl S3State {
    pub(super) async fn put_object(&self, request: S3Request<PutObjectInput>) -> S3Result<PutObjectOutput> {
        let asking = asking(&request)?;
        let S3Request {
            mut input,
            headers,
            trailing_headers,
            ..
        } = request;
        let ask = Ask {
            action: "s3:PutObject",
            key: Some(&input.key),
            expected_owner: input.expected_bucket_owner.as_ref(),
        };
        let bucket = self.permitted(&asking, &input.bucket, ask)?;
        let body = input.body.take().unwrap_or_else(empty);
        let claim = Claim {
            announced: Claim::announced(&headers, input.checksum_algorithm.as_ref()),
            values: claimed(&input),
            md5: input.content_md5.take(),
            trailers: trailing_headers,
        };
        let condition = WriteCondition {
            if_match: input.if_match.take(),
            if_none_match: input.if_none_match.take(),
        };
        let kept = put_headers(&input)?;
        let spooled = spool(body, bucket.objects_directory().as_deref(), claim.hasher()).await?;
        claim.check(&spooled.checksums, &spooled.md5)?;
        let facts = self.object_facts(&input.key, kept, &spooled);
        let facts = self.store(&bucket, spooled, facts, &condition).await?;
        Ok(PutObjectOutput {
            e_tag: Some(ETag::Strong(facts.etag)),
            checksum_type: facts.checksums.kind(),
            checksum_crc32: facts.checksums.crc32,
            checksum_crc32c: facts.checksums.crc32c,
            checksum_crc64nvme: facts.checksums.crc64nvme,
            checksum_sha1: facts.checksums.sha1,
            checksum_sha256: facts.checksums.sha256,
            server_side_encryption: encryption(&facts.headers),
            ssekms_key_id: facts.headers.kms_key_id,
            ..PutObjectOutput::default()
        })
    }

    fn object_facts(&self, key: &str, headers: Headers, spooled: &Spooled) -> ObjectFacts {
        ObjectFacts {
            key: key.to_owned(),
            size: spooled.size,
            etag: spooled.etag(),
            checksums: spooled.checksums.clone(),
            last_modified: self.now(),
            headers,
            parts: None,
            commit: self.next_commit(),
        }
    }

    /// Seals a body, takes the key and makes the name durable before anybody hears of it.
    pub(super) async fn store(
        &self,
        bucket: &Bucket,
        spooled: Spooled,
        facts: ObjectFacts,
        condition: &WriteCondition,
    ) -> S3Result<ObjectFacts> {
        let sealed = spooled.seal(&facts).await.map_err(S3Error::internal_error)?;
        let object = bucket.commit(sealed, facts, condition)?;
        if let Some(directory) = bucket.objects_directory() {
            sync_directory(directory).await.map_err(S3Error::internal_error)?;
        }
        Ok(object.facts.clone())
    }

    pub(super) async fn copy_object(
        &self,
        request: S3Request<CopyObjectInput>,
    ) -> S3Result<CopyObjectOutput> {
        let asking = asking(&request)?;
        let input = request.input;
        let CopySource::Bucket {
            bucket: from,
            key: from_key,
            version_id: None,
        } = &input.copy_source
        else {
            return Err(S3Error::with_message(
                S3ErrorCode::NotImplemented,
                "only keys of buckets can be copied from",
            ));
        };
        let source = self.readable(
            &asking,
            from,
            (from_key, input.expected_source_bucket_owner.as_ref()),
        )?;
        check_source(&input, &source.facts.etag)?;
        let ask = Ask {
            action: "s3:PutObject",
            key: Some(&input.key),
            expected_owner: input.expected_bucket_owner.as_ref(),
        };
        let bucket = self.permitted(&asking, &input.bucket, ask)?;
        let headers = copied_headers(&input, &source.facts.headers)?;
        let algorithm = source
            .facts
            .checksums
            .algorithm()
            .filter(|_| !source.facts.checksums.composite);
        let algorithm = input
            .checksum_algorithm
            .as_ref()
            .map(dto::ChecksumAlgorithm::as_str)
            .or(algorithm);
        let hasher = super::checksum::hasher(&[algorithm.unwrap_or("CRC64NVME")]);
        let body = source
            .content
            .stream(0..source.facts.size)
            .await
            .map_err(S3Error::internal_error)?;
        let spooled = spool(body, bucket.objects_directory().as_deref(), hasher).await?;
        let facts = self.object_facts(&input.key, headers, &spooled);
        let facts = self
            .store(&bucket, spooled, facts, &WriteCondition::default())
            .await?;
        Ok(CopyObjectOutput {
            copy_object_result: Some(dto::CopyObjectResult {
                e_tag: Some(ETag::Strong(facts.etag)),
                last_modified: Some(timestamp(facts.last_modified)),
                checksum_type: facts.checksums.kind(),
                checksum_crc32: facts.checksums.crc32,
                checksum_crc32c: facts.checksums.crc32c,
                checksum_crc64nvme: facts.checksums.crc64nvme,
                checksum_sha1: facts.checksums.sha1,
                checksum_sha256: facts.checksums.sha256,
            }),
            ..CopyObjectOutput::default()
        })
    }

    pub(super) fn delete_object(&self, request: &S3Request<DeleteObjectInput>) -> S3Result<()> {
        let (asking, input) = (asking(request)?, &request.input);
        refuse_version(input.version_id.as_ref())?;
        let bucket = self.deletable(
            &asking,
            &input.bucket,
            (&input.key, input.expected_bucket_owner.as_ref()),
        )?;
        bucket.remove(&input.key, input.if_match.as_ref())
    }

    fn deletable(
        &self,
        asking: &Asking,
        bucket: &str,
        (key, expected_owner): (&str, Option<&String>),
    ) -> S3Result<std::sync::Arc<Bucket>> {
        self.permitted(
            asking,
            bucket,
            Ask {
                action: "s3:DeleteObject",
                key: Some(key),
                expected_owner,
            },
        )
    }

    pub(super) fn delete_objects(
        &self,
        request: &S3Request<DeleteObjectsInput>,
    ) -> S3Result<DeleteObjectsOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        if input.delete.objects.len() > DELETE_KEYS_MAX {
            return Err(S3Error::with_message(
                S3ErrorCode::MalformedXML,
                "at most 1000 keys",
            ));
        }
        self.bucket(&input.bucket)?;
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        for wanted in &input.delete.objects {
            let outcome = refuse_version(wanted.version_id.as_ref())
                .and_then(|()| {
                    self.deletable(
                        &asking,
                        &input.bucket,
                        (&wanted.key, input.expected_bucket_owner.as_ref()),
                    )
                })
                .and_then(|bucket| {
                    let condition = wanted.e_tag.clone().map(dto::ETagCondition::ETag);
                    bucket.remove(&wanted.key, condition.as_ref())
                });
            match outcome {
                Ok(()) => deleted.push(dto::DeletedObject {
                    key: Some(wanted.key.clone()),
                    ..Default::default()
                }),
                Err(error) => errors.push(dto::Error {
                    key: Some(wanted.key.clone()),
                    code: Some(error.code().as_str().to_owned()),
                    message: error.message().map(str::to_owned),
                    version_id: None,
                }),
            }
        }
        let quiet = input.delete.quiet.unwrap_or_default();
        Ok(DeleteObjectsOutput {
            deleted: (!quiet).then_some(deleted),
            errors: (!errors.is_empty()).then_some(errors),
            request_charged: None,
        })
    }
}

/// Versions are not built: a caller that names one must not believe it was honoured.
pub(super) fn refuse_version(version: Option<&String>) -> S3Result<()> {
    match version {
        Some(version) if version != "null" => Err(S3Error::with_message(
            S3ErrorCode::NotImplemented,
            "the local endpoint keeps no versions",
        )),
        _ => Ok(()),
    }
}

fn claimed(input: &PutObjectInput) -> Checksums {
    Checksums {
        crc32: input.checksum_crc32.clone(),
        crc32c: input.checksum_crc32c.clone(),
        crc64nvme: input.checksum_crc64nvme.clone(),
        sha1: input.checksum_sha1.clone(),
        sha256: input.checksum_sha256.clone(),
        composite: false,
    }
}

fn put_headers(input: &PutObjectInput) -> S3Result<Headers> {
    let headers = Headers {
        content_type: input.content_type.clone(),
        cache_control: input.cache_control.clone(),
        content_encoding: input.content_encoding.clone(),
        content_disposition: input.content_disposition.clone(),
        content_language: input.content_language.clone(),
        storage_class: input
            .storage_class
            .as_ref()
            .map(|class| class.as_str().to_owned()),
        server_side_encryption: input
            .server_side_encryption
            .as_ref()
            .map(|kind| kind.as_str().to_owned()),
        kms_key_id: input.ssekms_key_id.clone(),
        metadata: input.metadata.clone().unwrap_or_default().into_iter().collect(),
        tags: tags(input.tagging.as_deref())?,
    };
    check_headers(headers)
}

/// Checks what all writers may say.
pub(super) fn check_headers(headers: Headers) -> S3Result<Headers> {
    let metadata_bytes: usize = headers
        .metadata
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    if metadata_bytes > METADATA_BYTES_MAX {
        return Err(S3Error::new(S3ErrorCode::MetadataTooLarge));
    }
    match headers.storage_class.as_deref() {
        None => Ok(headers),
        Some(class) if STORAGE_CLASSES.contains(&class) => Ok(headers),
        Some("GLACIER" | "DEEP_ARCHIVE" | "GLACIER_IR") => Err(S3Error::with_message(
            S3ErrorCode::NotImplemented,
            "the local endpoint has no archive storage classes",
        )),
        Some(_) => Err(S3Error::new(S3ErrorCode::InvalidStorageClass)),
    }
}

/// Tags as the `x-amz-tagging` header writes them: `a=1&b=2`.
pub(super) fn tags(header: Option<&str>) -> S3Result<BTreeMap<String, String>> {
    let pairs = form_urlencoded::parse(header.unwrap_or_default().as_bytes());
    let mut tags = BTreeMap::new();
    for (key, value) in pairs {
        let fits = (1..=128).contains(&key.chars().count()) && value.chars().count() <= 256;
        if !fits || tags.insert(key.into_owned(), value.into_owned()).is_some() {
            return Err(invalid_tag("a tag is given twice, is empty or is too long"));
        }
    }
    if tags.len() > TAGS_MAX {
        return Err(invalid_tag("Object tags cannot be greater than 10"));
    }
    Ok(tags)
}

fn invalid_tag(message: &'static str) -> S3Error {
    let code = S3ErrorCode::from_str("InvalidTag").unwrap_or(S3ErrorCode::InvalidArgument);
    let mut refusal = S3Error::with_message(code, message);
    refusal.set_status_code(http::StatusCode::BAD_REQUEST);
    refusal
}

/// The encryption an object was written with. Every object has one: S3 encrypts with its own keys by default.
pub(super) fn encryption(headers: &Headers) -> Option<dto::ServerSideEncryption> {
    let kind = headers
        .server_side_encryption
        .clone()
        .unwrap_or_else(|| "AES256".to_owned());
    Some(dto::ServerSideEncryption::from(kind))
}

fn check_source(input: &CopyObjectInput, etag: &str) -> S3Result<()> {
    let wanted = input
        .copy_source_if_match
        .as_ref()
        .is_none_or(|condition| matches(condition, etag));
    let unwanted = input
        .copy_source_if_none_match
        .as_ref()
        .is_some_and(|condition| matches(condition, etag));
    if !wanted || unwanted {
        return Err(S3Error::new(S3ErrorCode::PreconditionFailed));
    }
    Ok(())
}

fn copied_headers(input: &CopyObjectInput, source: &Headers) -> S3Result<Headers> {
    let replaces = |directive: Option<&str>| directive == Some("REPLACE");
    let mut headers = source.clone();
    if replaces(
        input
            .metadata_directive
            .as_ref()
            .map(dto::MetadataDirective::as_str),
    ) {
        headers.content_type.clone_from(&input.content_type);
        headers.cache_control.clone_from(&input.cache_control);
        headers.content_encoding.clone_from(&input.content_encoding);
        headers.content_disposition.clone_from(&input.content_disposition);
        headers.content_language.clone_from(&input.content_language);
        headers.metadata = input.metadata.clone().unwrap_or_default().into_iter().collect();
    }
    if replaces(
        input
            .tagging_directive
            .as_ref()
            .map(dto::TaggingDirective::as_str),
    ) {
        headers.tags = tags(input.tagging.as_deref())?;
    }
    // Class and encryption are never copied; API_CopyObject.
    headers.storage_class = input
        .storage_class
        .as_ref()
        .map(|class| class.as_str().to_owned());
    headers.server_side_encryption = input
        .server_side_encryption
        .as_ref()
        .map(|kind| kind.as_str().to_owned());
    headers.kms_key_id.clone_from(&input.ssekms_key_id);
    check_headers(headers)
}
