//! Listing uploads under way and their parts. Sources: API_ListParts, API_ListMultipartUploads.

use s3s::dto::{
    self, ETag, ListMultipartUploadsInput, ListMultipartUploadsOutput, ListPartsInput, ListPartsOutput,
};
use s3s::{S3Request, S3Result};

use super::facts::{PartFacts, UploadFacts};
use super::gate::asking;
use super::multipart::upload_of;
use super::reading::timestamp;
use super::refusal::{invalid_argument, not_implemented};
use super::{Ask, S3State};

const LIST_MAX: usize = 1_000;

impl S3State {
    pub(super) fn list_parts(&self, request: &S3Request<ListPartsInput>) -> S3Result<ListPartsOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        let expected_owner = input.expected_bucket_owner.as_ref();
        let ask = Ask::key("s3:ListMultipartUploadParts", &input.key, expected_owner);
        let bucket = self.permitted(&asking, &input.bucket, ask)?;
        let upload = upload_of(&bucket, &input.upload_id, &input.key)?;
        let limit = limit("max-parts", input.max_parts)?;
        let after = input.part_number_marker.unwrap_or(0);
        let mut parts: Vec<_> = upload
            .parts
            .range(after.saturating_add(1)..)
            .map(|(_, part)| &part.facts)
            .collect();
        let more = parts.len() > limit;
        parts.truncate(limit);
        Ok(ListPartsOutput {
            bucket: Some(input.bucket.clone()),
            key: Some(input.key.clone()),
            upload_id: Some(input.upload_id.clone()),
            is_truncated: Some(more),
            max_parts: i32::try_from(limit).ok(),
            part_number_marker: input.part_number_marker,
            next_part_number_marker: parts.last().map(|part| part.number),
            parts: Some(parts.into_iter().map(part_view).collect()),
            checksum_algorithm: upload.facts.algorithm.clone().map(dto::ChecksumAlgorithm::from),
            storage_class: Some(class_of(&upload.facts)),
            ..ListPartsOutput::default()
        })
    }

    pub(super) fn list_multipart_uploads(
        &self,
        request: &S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<ListMultipartUploadsOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        let expected_owner = input.expected_bucket_owner.as_ref();
        let ask = Ask::bucket("s3:ListBucketMultipartUploads", expected_owner);
        let bucket = self.permitted(&asking, &input.bucket, ask)?;
        if input.delimiter.is_some() {
            return Err(not_implemented("uploads are not listed by delimiter"));
        }
        let prefix = input.prefix.as_deref().unwrap_or_default();
        let limit = limit("max-uploads", input.max_uploads)?;
        let after = (
            input.key_marker.clone().unwrap_or_default(),
            input.upload_id_marker.clone().unwrap_or_default(),
        );
        let mut uploads: Vec<_> = bucket
            .uploads()
            .values()
            .map(|upload| upload.facts.clone())
            .collect();
        uploads.sort_by(|one, other| (&one.key, &one.id).cmp(&(&other.key, &other.id)));
        uploads.retain(|upload| {
            upload.key.starts_with(prefix) && (&upload.key, &upload.id) > (&after.0, &after.1)
        });
        let more = uploads.len() > limit;
        uploads.truncate(limit);
        let last = uploads.last().filter(|_| more).cloned();
        Ok(ListMultipartUploadsOutput {
            bucket: Some(input.bucket.clone()),
            prefix: input.prefix.clone(),
            is_truncated: Some(more),
            max_uploads: i32::try_from(limit).ok(),
            next_key_marker: last.as_ref().map(|upload| upload.key.clone()),
            next_upload_id_marker: last.map(|upload| upload.id),
            uploads: Some(uploads.into_iter().map(upload_view).collect()),
            ..ListMultipartUploadsOutput::default()
        })
    }
}

/// The size of a page.
fn limit(name: &str, given: Option<i32>) -> S3Result<usize> {
    let Some(given) = given else { return Ok(LIST_MAX) };
    let limit = usize::try_from(given).map_err(|_| {
        invalid_argument(format!(
            "Argument {name} must be an integer between 0 and 2147483647"
        ))
    })?;
    Ok(limit.min(LIST_MAX))
}

fn class_of(upload: &UploadFacts) -> dto::StorageClass {
    let class = upload.state.storage_class.clone();
    dto::StorageClass::from(class.unwrap_or_else(|| "STANDARD".to_owned()))
}

fn part_view(part: &PartFacts) -> dto::Part {
    dto::Part {
        part_number: Some(part.number),
        size: i64::try_from(part.size).ok(),
        e_tag: Some(ETag::Strong(part.etag.clone())),
        last_modified: Some(timestamp(part.uploaded_at)),
        checksum_crc32: part.checksums.crc32.clone(),
        checksum_crc32c: part.checksums.crc32c.clone(),
        checksum_crc64nvme: part.checksums.crc64nvme.clone(),
        checksum_sha1: part.checksums.sha1.clone(),
        checksum_sha256: part.checksums.sha256.clone(),
    }
}

fn upload_view(upload: UploadFacts) -> dto::MultipartUpload {
    dto::MultipartUpload {
        storage_class: Some(class_of(&upload)),
        key: Some(upload.key),
        upload_id: Some(upload.id),
        initiated: Some(timestamp(upload.initiated_at)),
        initiator: Some(dto::Initiator {
            id: Some(upload.initiator),
            display_name: None,
        }),
        checksum_algorithm: upload.algorithm.map(dto::ChecksumAlgorithm::from),
        ..dto::MultipartUpload::default()
    }
}
