//! Multipart uploads.
//!
//! Parts are invisible until Complete makes one object of them, whole or not at all, under the same conditions as a
//! put. Sources: API_CreateMultipartUpload, API_UploadPart, API_CompleteMultipartUpload, API_AbortMultipartUpload.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use md5::{Digest, Md5};
use s3s::dto::{
    AbortMultipartUploadInput, CompleteMultipartUploadInput, CompleteMultipartUploadOutput,
    CreateMultipartUploadInput, CreateMultipartUploadOutput, ETag, UploadPartInput, UploadPartOutput,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result};

use super::bucket::{Bucket, Part, Upload, WriteCondition};
use super::checksum::{Checksums, Claim, composite, hasher};
use super::content::{Spooled, spool, sync_directory};
use super::facts::{ObjectFacts, PartFacts, PartSummary, UploadFacts};
use super::gate::asking;
use super::reading::{empty, shown_version, timestamp};
use super::refusal::{internal, invalid_argument, invalid_request, refused};
use super::shelf::Object;
use super::writing::{check_headers, said, spoken};
use super::{Ask, Asking, S3State, lifecycle};

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
        self.permitted(asking, bucket, Ask::key("s3:PutObject", key, expected_owner))
    }

    pub(super) fn create_multipart_upload(
        &self,
        request: &S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<CreateMultipartUploadOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        let named = (input.key.as_str(), input.expected_bucket_owner.as_ref());
        let bucket = self.writable(&asking, &input.bucket, named)?;
        let facts = UploadFacts {
            id: self.core.ids.uuid(),
            key: input.key.clone(),
            initiated_at: self.now(),
            state: self.beginning(&asking, (&bucket, &input.key), &spoken!(input))?,
            initiator: asking.caller.principal_arn,
            headers: check_headers(said!(input))?,
            algorithm: input
                .checksum_algorithm
                .as_ref()
                .map(|name| name.as_str().to_owned()),
            checksum_type: input.checksum_type.as_ref().map(|kind| kind.as_str().to_owned()),
        };
        keep_upload(&bucket, facts.clone())?;
        let abort = lifecycle::abort_due(&bucket.settings(), &facts.key, facts.initiated_at);
        let encryption = &facts.state.encryption;
        Ok(CreateMultipartUploadOutput {
            abort_date: abort.as_ref().map(|(at, _)| timestamp(*at)),
            abort_rule_id: abort.map(|(_, rule)| rule),
            bucket: Some(input.bucket.clone()),
            bucket_key_enabled: encryption.bucket_key_header(),
            key: Some(input.key.clone()),
            upload_id: Some(facts.id.clone()),
            checksum_algorithm: input.checksum_algorithm.clone(),
            checksum_type: input.checksum_type.clone(),
            server_side_encryption: Some(encryption.algorithm()),
            ssekms_key_id: encryption.kms_key.clone(),
            ..CreateMultipartUploadOutput::default()
        })
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
        let named = (input.key.as_str(), input.expected_bucket_owner.as_ref());
        let bucket = self.writable(&asking, &input.bucket, named)?;
        let upload = part_of(&bucket, (&input.upload_id, &input.key), input.part_number)?;
        let encryption = upload.facts.state.encryption;
        let claim = Claim {
            announced: Claim::announced(&headers, input.checksum_algorithm.as_ref())
                .or(upload.facts.algorithm),
            values: claimed(&mut input),
            md5: input.content_md5.take(),
            trailers: trailing_headers,
        };
        let home = bucket.upload_directory(&input.upload_id);
        let body = input.body.take().unwrap_or_else(empty);
        let spooled = spool(body, home.as_deref(), claim.hasher()).await?;
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
            bucket_key_enabled: encryption.bucket_key_header(),
            e_tag: Some(ETag::Strong(facts.etag)),
            checksum_crc32: facts.checksums.crc32,
            checksum_crc32c: facts.checksums.crc32c,
            checksum_crc64nvme: facts.checksums.crc64nvme,
            checksum_sha1: facts.checksums.sha1,
            checksum_sha256: facts.checksums.sha256,
            server_side_encryption: Some(encryption.algorithm()),
            ssekms_key_id: encryption.kms_key,
            ..UploadPartOutput::default()
        })
    }

    pub(super) async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<CompleteMultipartUploadOutput> {
        let asking = asking(&request)?;
        let input = request.input;
        let named = (input.key.as_str(), input.expected_bucket_owner.as_ref());
        let bucket = self.writable(&asking, &input.bucket, named)?;
        let upload = upload_of(&bucket, &input.upload_id, &input.key)?;
        let parts = chosen_parts(&upload, &input)?;
        let condition = WriteCondition {
            if_match: input.if_match.clone(),
            if_none_match: input.if_none_match.clone(),
        };
        // Asked once before the bytes are copied, and once more when the key is taken.
        let existing = bucket.object(&input.key);
        condition.check(existing.as_ref().map(|object| object.facts.etag.as_str()))?;
        let (spooled, facts) = self.assemble(&bucket, &upload, &parts).await?;
        check_whole(&input, &facts)?;
        let object = self.store(&bucket, spooled, facts, &condition).await?;
        forget(&bucket, &input.upload_id);
        Ok(CompleteMultipartUploadOutput {
            expiration: lifecycle::expiration_header(&bucket.settings(), &object),
            version_id: shown_version(&bucket, &object),
            location: Some(format!("https://{}.s3.amazonaws.com/{}", input.bucket, input.key)),
            bucket: Some(input.bucket),
            key: Some(input.key),
            ..complete_output(&object)
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
            size: spooled.size,
            etag: etag_of(parts),
            checksums,
            headers: upload.facts.headers.clone(),
            part_list: parts.iter().map(summary).collect(),
            state: upload.facts.state.clone(),
            ..self.new_facts(bucket, &upload.facts.key)
        };
        Ok((spooled, facts))
    }

    pub(super) fn abort_multipart_upload(
        &self,
        request: &S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<()> {
        let (asking, input) = (asking(request)?, &request.input);
        let expected_owner = input.expected_bucket_owner.as_ref();
        let ask = Ask::key("s3:AbortMultipartUpload", &input.key, expected_owner);
        let bucket = self.permitted(&asking, &input.bucket, ask)?;
        upload_of(&bucket, &input.upload_id, &input.key)?;
        forget(&bucket, &input.upload_id);
        Ok(())
    }
}

fn claimed(input: &mut UploadPartInput) -> Checksums {
    Checksums {
        crc32: input.checksum_crc32.take(),
        crc32c: input.checksum_crc32c.take(),
        crc64nvme: input.checksum_crc64nvme.take(),
        sha1: input.checksum_sha1.take(),
        sha256: input.checksum_sha256.take(),
        composite: false,
    }
}

fn complete_output(object: &Object) -> CompleteMultipartUploadOutput {
    let (facts, encryption) = (&object.facts, &object.state.encryption);
    let checksums = facts.checksums.clone();
    CompleteMultipartUploadOutput {
        bucket_key_enabled: encryption.bucket_key_header(),
        e_tag: Some(ETag::Strong(facts.etag.clone())),
        checksum_type: checksums.kind(),
        checksum_crc32: checksums.crc32,
        checksum_crc32c: checksums.crc32c,
        checksum_crc64nvme: checksums.crc64nvme,
        checksum_sha1: checksums.sha1,
        checksum_sha256: checksums.sha256,
        server_side_encryption: Some(encryption.algorithm()),
        ssekms_key_id: encryption.kms_key.clone(),
        ..CompleteMultipartUploadOutput::default()
    }
}

fn summary(part: &Part) -> PartSummary {
    PartSummary {
        number: part.facts.number,
        size: part.facts.size,
        checksums: part.facts.checksums.clone(),
    }
}

/// Makes an upload, durable before anybody hears of it.
fn keep_upload(bucket: &Bucket, facts: UploadFacts) -> S3Result<()> {
    if let Some(home) = bucket.upload_directory(&facts.id) {
        let text = serde_json::to_vec(&facts).map_err(S3Error::internal_error)?;
        std::fs::create_dir_all(&home).map_err(internal)?;
        crate::kinesis::replace_file(&home.join("upload.json"), &text).map_err(internal)?;
    }
    let parts = BTreeMap::new();
    bucket.uploads().insert(facts.id.clone(), Upload { facts, parts });
    Ok(())
}

/// The upload that a part of this number may come into.
pub(super) fn part_of(bucket: &Bucket, (id, key): (&str, &str), number: i32) -> S3Result<Upload> {
    if !(1..=PARTS_MAX).contains(&number) {
        return Err(invalid_argument(
            "Part number must be an integer between 1 and 10000, inclusive",
        ));
    }
    upload_of(bucket, id, key)
}

fn no_upload() -> S3Error {
    refused(
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

/// Takes a part into its upload, in the place of an earlier one of its number.
pub(super) async fn keep_part(
    bucket: &Bucket,
    upload: &str,
    spooled: Spooled,
    facts: PartFacts,
) -> S3Result<PartFacts> {
    let sealed = spooled.seal(&facts).await.map_err(internal)?;
    let home = bucket.upload_directory(upload);
    let replaced = {
        let mut uploads = bucket.uploads();
        // Aborted while the body came in: the part must not come back to life.
        let upload = uploads.get_mut(upload).ok_or_else(no_upload)?;
        // Numbered under the lock, so that a restart knows which of two parts came last.
        let path = home.as_deref().map(|home| bucket.next_part_file(home));
        let content = sealed.publish(path).map_err(internal)?;
        let part = Part {
            facts: facts.clone(),
            content,
        };
        upload.parts.insert(facts.number, part)
    };
    if let Some(home) = home {
        sync_directory(home).await.map_err(internal)?;
    }
    if let Some(replaced) = replaced {
        replaced.content.discard();
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
        return Err(refused(
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
        refused(
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
        return Err(refused(
            S3ErrorCode::BadDigest,
            "The checksum you specified did not match the object.",
        ));
    }
    if input
        .mpu_object_size
        .is_some_and(|size| u64::try_from(size).ok() != Some(facts.size))
    {
        return Err(invalid_request("the object's size is not the size given"));
    }
    Ok(())
}

/// Ends an upload and lets its parts go.
pub(super) fn forget(bucket: &Bucket, id: &str) {
    bucket.uploads().remove(id);
    if let Some(home) = bucket.upload_directory(id) {
        // What stays is an upload that can be aborted again after a restart.
        let _ = std::fs::remove_dir_all(home);
    }
}
