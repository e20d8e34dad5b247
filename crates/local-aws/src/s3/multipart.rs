//! Multipart uploads.
//!
//! Parts are invisible until Complete makes one object of them, whole or not at all, under the same conditions as a
//! put. Sources: API_CreateMultipartUpload, API_UploadPart, API_CompleteMultipartUpload, API_AbortMultipartUpload.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use md5::{Digest, Md5};
use s3s::dto::{
    AbortMultipartUploadInput, CompleteMultipartUploadInput, CompleteMultipartUploadOutput,
    CreateMultipartUploadInput, CreateMultipartUploadOutput, ETag, UploadPartInput, UploadPartOutput,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result};

use super::bucket::{Part, Upload, WriteCondition};
use super::checksum::{Checksums, Claim, composite, hasher};
use super::content::{Spooled, spool, sync_directory};
use super::facts::{Headers, ObjectFacts, PartFacts, UploadFacts};
use super::gate::asking;
use super::objects::{check_headers, encryption, tags};
use super::reading::empty;
use super::{Ask, Asking, Bucket, S3State};

const PARTS_MAX: i32 = 10_000;
/// Every part but the last.
const PART_BYTES_MIN: u64 = 5 << 20;

impl S3State {
    fn writable(
        &self,
        asking: &Asking,
        bucket: &str,
        (key, expected_owner): (&str, Option<&String>),
    ) -> S3Result<Arc<Bucket>> {
        self.permitted(
            asking,
            bucket,
            Ask {
                action: "s3:PutObject",
                key: Some(key),
                expected_owner,
            },
        )
    }

    pub(super) fn create_multipart_upload(
        &self,
        request: &S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<CreateMultipartUploadOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        let bucket = self.writable(
            &asking,
            &input.bucket,
            (&input.key, input.expected_bucket_owner.as_ref()),
        )?;
        let facts = UploadFacts {
            id: self.core.ids.uuid(),
            key: input.key.clone(),
            initiated_at: self.now(),
            initiator: asking.caller.principal_arn,
            headers: create_headers(input)?,
            algorithm: input
                .checksum_algorithm
                .as_ref()
                .map(|name| name.as_str().to_owned()),
            checksum_type: input.checksum_type.as_ref().map(|kind| kind.as_str().to_owned()),
        };
        if let Some(home) = bucket.upload_directory(&facts.id) {
            let text = serde_json::to_vec(&facts).map_err(S3Error::internal_error)?;
            std::fs::create_dir_all(&home).map_err(S3Error::internal_error)?;
            crate::kinesis::replace_file(&home.join("upload.json"), &text)
                .map_err(S3Error::internal_error)?;
        }
        let output = CreateMultipartUploadOutput {
            bucket: Some(input.bucket.clone()),
            key: Some(input.key.clone()),
            upload_id: Some(facts.id.clone()),
            checksum_algorithm: input.checksum_algorithm.clone(),
            checksum_type: input.checksum_type.clone(),
            server_side_encryption: encryption(&facts.headers),
            ssekms_key_id: facts.headers.kms_key_id.clone(),
            ..CreateMultipartUploadOutput::default()
        };
        bucket.uploads().insert(
            facts.id.clone(),
            Upload {
                facts,
                parts: std::collections::BTreeMap::new(),
            },
        );
        Ok(output)
    }

    pub(super) async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<UploadPartOutput> {
        let asking = asking(&request)?;
        let S3Request {
            mut input,
            headers,
            trailing_headers,
            ..
        } = request;
        let bucket = self.writable(
            &asking,
            &input.bucket,
            (&input.key, input.expected_bucket_owner.as_ref()),
        )?;
        if !(1..=PARTS_MAX).contains(&input.part_number) {
            return Err(S3Error::with_message(
                S3ErrorCode::InvalidArgument,
                "Part number must be an integer between 1 and 10000, inclusive",
            ));
        }
        let upload = upload_of(&bucket, &input.upload_id, &input.key)?;
        let claim = Claim {
            announced: Claim::announced(&headers, input.checksum_algorithm.as_ref())
                .or(upload.facts.algorithm),
            values: Checksums {
                crc32: input.checksum_crc32.take(),
                crc32c: input.checksum_crc32c.take(),
                crc64nvme: input.checksum_crc64nvme.take(),
                sha1: input.checksum_sha1.take(),
                sha256: input.checksum_sha256.take(),
                composite: false,
            },
            md5: input.content_md5.take(),
            trailers: trailing_headers,
        };
        let home = bucket.upload_directory(&input.upload_id);
        let spooled = spool(
            input.body.take().unwrap_or_else(empty),
            home.as_deref(),
            claim.hasher(),
        )
        .await?;
        claim.check(&spooled.checksums, &spooled.md5)?;
        let facts = PartFacts {
            number: input.part_number,
            size: spooled.size,
            etag: spooled.etag(),
            checksums: spooled.checksums.clone(),
            uploaded_at: self.now(),
        };
        let facts = keep_part(&bucket, &input.upload_id, spooled, facts).await?;
        Ok(UploadPartOutput {
            e_tag: Some(ETag::Strong(facts.etag)),
            checksum_crc32: facts.checksums.crc32,
            checksum_crc32c: facts.checksums.crc32c,
            checksum_crc64nvme: facts.checksums.crc64nvme,
            checksum_sha1: facts.checksums.sha1,
            checksum_sha256: facts.checksums.sha256,
            ..UploadPartOutput::default()
        })
    }

    pub(super) async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<CompleteMultipartUploadOutput> {
        let asking = asking(&request)?;
        let input = request.input;
        let bucket = self.writable(
            &asking,
            &input.bucket,
            (&input.key, input.expected_bucket_owner.as_ref()),
        )?;
        let upload = upload_of(&bucket, &input.upload_id, &input.key)?;
        let parts = chosen_parts(&upload, &input)?;
        let condition = WriteCondition {
            if_match: input.if_match.clone(),
            if_none_match: input.if_none_match.clone(),
        };
        // Asked once before the bytes are copied, and once more when the key is taken.
        condition.check(
            bucket
                .object(&input.key)
                .map(|object| object.facts.etag.clone())
                .as_deref(),
        )?;
        let (spooled, facts) = self.assemble(&bucket, &upload, &parts).await?;
        check_whole(&input, &facts)?;
        let facts = self.store(&bucket, spooled, facts, &condition).await?;
        forget(&bucket, &input.upload_id);
        Ok(CompleteMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(ETag::Strong(facts.etag)),
            checksum_type: facts.checksums.kind(),
            checksum_crc32: facts.checksums.crc32,
            checksum_crc32c: facts.checksums.crc32c,
            checksum_crc64nvme: facts.checksums.crc64nvme,
            checksum_sha1: facts.checksums.sha1,
            checksum_sha256: facts.checksums.sha256,
            server_side_encryption: encryption(&facts.headers),
            ssekms_key_id: facts.headers.kms_key_id,
            ..CompleteMultipartUploadOutput::default()
        })
    }

    async fn assemble(
        &self,
        bucket: &Bucket,
        upload: &Upload,
        parts: &[Part],
    ) -> S3Result<(Spooled, ObjectFacts)> {
        let algorithm = upload.facts.algorithm.as_deref().unwrap_or("CRC64NVME");
        let full = upload.facts.checksum_type.as_deref() == Some("FULL_OBJECT") || algorithm == "CRC64NVME";
        let contents: Vec<_> = parts
            .iter()
            .map(|part| (part.content.clone(), part.facts.size))
            .collect();
        let body =
            stream::iter(contents).then(|(content, size)| async move { content.stream(0..size).await });
        let body: stream::BoxStream<'_, std::io::Result<Bytes>> = body.try_flatten().boxed();
        let wanted: &[&str] = if full { &[algorithm] } else { &[] };
        let spooled = spool(body, bucket.objects_directory().as_deref(), hasher(wanted)).await?;
        let checksums = if full {
            spooled.checksums.clone()
        } else {
            let values: Option<Vec<_>> = parts
                .iter()
                .map(|part| part.facts.checksums.get(algorithm))
                .collect();
            values
                .and_then(|values| composite(algorithm, &values))
                .unwrap_or_default()
        };
        let facts = ObjectFacts {
            key: upload.facts.key.clone(),
            size: spooled.size,
            etag: etag_of(parts),
            checksums,
            last_modified: self.now(),
            headers: upload.facts.headers.clone(),
            parts: u32::try_from(parts.len()).ok(),
            commit: self.next_commit(),
        };
        Ok((spooled, facts))
    }

    pub(super) fn abort_multipart_upload(
        &self,
        request: &S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<()> {
        let (asking, input) = (asking(request)?, &request.input);
        let expected_owner = input.expected_bucket_owner.as_ref();
        let ask = Ask {
            action: "s3:AbortMultipartUpload",
            key: Some(&input.key),
            expected_owner,
        };
        let bucket = self.permitted(&asking, &input.bucket, ask)?;
        upload_of(&bucket, &input.upload_id, &input.key)?;
        forget(&bucket, &input.upload_id);
        Ok(())
    }
}

fn create_headers(input: &CreateMultipartUploadInput) -> S3Result<Headers> {
    check_headers(Headers {
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
    })
}

fn no_upload() -> S3Error {
    S3Error::with_message(
        S3ErrorCode::NoSuchUpload,
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
    )
}

pub(super) fn upload_of(bucket: &Bucket, id: &str, key: &str) -> S3Result<Upload> {
    bucket
        .uploads()
        .get(id)
        .filter(|upload| upload.facts.key == key)
        .cloned()
        .ok_or_else(no_upload)
}

async fn keep_part(bucket: &Bucket, upload: &str, spooled: Spooled, facts: PartFacts) -> S3Result<PartFacts> {
    let sealed = spooled.seal(&facts).await.map_err(S3Error::internal_error)?;
    let home = bucket.upload_directory(upload);
    let path = home
        .as_ref()
        .map(|home| home.join(format!("{:05}-{}.part", facts.number, uuid::Uuid::new_v4())));
    {
        let mut uploads = bucket.uploads();
        // Aborted while the body came in: the part must not come back to life.
        let upload = uploads.get_mut(upload).ok_or_else(no_upload)?;
        let content = sealed.publish(path).map_err(S3Error::internal_error)?;
        let replaced = upload.parts.insert(
            facts.number,
            Part {
                facts: facts.clone(),
                content,
            },
        );
        if let Some(replaced) = replaced {
            replaced.content.discard();
        }
    }
    if let Some(home) = home {
        sync_directory(home).await.map_err(S3Error::internal_error)?;
    }
    Ok(facts)
}

/// The parts that Complete names, checked against what was uploaded.
fn chosen_parts(upload: &Upload, input: &CompleteMultipartUploadInput) -> S3Result<Vec<Part>> {
    let named = input
        .multipart_upload
        .as_ref()
        .and_then(|named| named.parts.as_deref())
        .unwrap_or_default();
    if named.is_empty() {
        return Err(S3Error::with_message(
            S3ErrorCode::MalformedXML,
            "a complete upload names its parts",
        ));
    }
    if named
        .windows(2)
        .any(|pair| pair[0].part_number >= pair[1].part_number)
    {
        return Err(S3Error::new(S3ErrorCode::InvalidPartOrder));
    }
    let invalid = || {
        S3Error::with_message(
            S3ErrorCode::InvalidPart,
            "One or more of the specified parts could not be found.",
        )
    };
    let mut parts = Vec::with_capacity(named.len());
    for wanted in named {
        let part = wanted
            .part_number
            .and_then(|number| upload.parts.get(&number))
            .ok_or_else(invalid)?;
        let same_etag = wanted
            .e_tag
            .as_ref()
            .is_some_and(|etag| etag.value() == part.facts.etag);
        let same = |claimed: Option<&String>, kept: Option<&String>| claimed.is_none() || claimed == kept;
        let kept = &part.facts.checksums;
        let same_checksums = same(wanted.checksum_sha256.as_ref(), kept.sha256.as_ref())
            && same(wanted.checksum_sha1.as_ref(), kept.sha1.as_ref())
            && same(wanted.checksum_crc32.as_ref(), kept.crc32.as_ref())
            && same(wanted.checksum_crc32c.as_ref(), kept.crc32c.as_ref())
            && same(wanted.checksum_crc64nvme.as_ref(), kept.crc64nvme.as_ref());
        if !same_etag || !same_checksums {
            return Err(invalid());
        }
        parts.push(part.clone());
    }
    let too_small = parts
        .iter()
        .rev()
        .skip(1)
        .any(|part| part.facts.size < PART_BYTES_MIN);
    if too_small {
        Err(S3Error::new(S3ErrorCode::EntityTooSmall))
    } else {
        Ok(parts)
    }
}

/// The MD5 of the parts' MD5s, and their number.
fn etag_of(parts: &[Part]) -> String {
    let mut md5 = Md5::new();
    for part in parts {
        md5.update(hex::decode(&part.facts.etag).unwrap_or_default());
    }
    format!("{}-{}", hex::encode(md5.finalize()), parts.len())
}

/// Compares the whole object's checksum and size with what the caller expects.
fn check_whole(input: &CompleteMultipartUploadInput, facts: &ObjectFacts) -> S3Result<()> {
    let claims = [
        (&input.checksum_crc32, &facts.checksums.crc32),
        (&input.checksum_crc32c, &facts.checksums.crc32c),
        (&input.checksum_crc64nvme, &facts.checksums.crc64nvme),
        (&input.checksum_sha1, &facts.checksums.sha1),
        (&input.checksum_sha256, &facts.checksums.sha256),
    ];
    // A composite may be given with or without its number of parts.
    let same = |claimed: &str, kept: Option<&str>| {
        kept.is_some_and(|kept| {
            kept == claimed || kept.rsplit_once('-').is_some_and(|(value, _)| value == claimed)
        })
    };
    if claims.iter().any(|(claimed, kept)| {
        claimed
            .as_ref()
            .is_some_and(|claimed| !same(claimed, kept.as_deref()))
    }) {
        return Err(S3Error::with_message(
            S3ErrorCode::BadDigest,
            "The checksum you specified did not match the object.",
        ));
    }
    if input
        .mpu_object_size
        .is_some_and(|size| u64::try_from(size).ok() != Some(facts.size))
    {
        return Err(S3Error::with_message(
            S3ErrorCode::InvalidRequest,
            "the object's size is not the size given",
        ));
    }
    Ok(())
}

fn forget(bucket: &Bucket, id: &str) {
    bucket.uploads().remove(id);
    if let Some(home) = bucket.upload_directory(id) {
        // What stays is an upload that can be aborted again after a restart.
        let _ = std::fs::remove_dir_all(home);
    }
}
