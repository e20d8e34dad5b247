//! GetObjectAttributes: facts of an object without its bytes. Source: API_GetObjectAttributes.

use s3s::dto::{
    self, ETag, GetObjectAttributesInput, GetObjectAttributesOutput, GetObjectAttributesParts, ObjectPart,
};
use s3s::{S3Request, S3Result};

use super::S3State;
use super::facts::PartSummary;
use super::gate::asking;
use super::reading::{shown_version, timestamp, wanted};
use super::refusal::invalid_argument;
use super::shelf::Object;

/// Most parts of one answer.
const PARTS_MAX: usize = 1_000;

impl S3State {
    pub(super) fn get_object_attributes(
        &self,
        request: &S3Request<GetObjectAttributesInput>,
    ) -> S3Result<GetObjectAttributesOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        let asked: Vec<&str> = input
            .object_attributes
            .iter()
            .map(dto::ObjectAttributes::as_str)
            .collect();
        check_names(&asked)?;
        // The attributes have an action of their own beside the one for the object.
        self.found(&asking, &wanted!(input), ("s3:GetObject", "s3:GetObjectVersion"))?;
        let actions = ("s3:GetObjectAttributes", "s3:GetObjectVersionAttributes");
        let (bucket, object) = self.found(&asking, &wanted!(input), actions)?;
        self.may_decrypt(&asking, &bucket.settings(), &object)?;
        let wants = |name| asked.contains(&name);
        Ok(GetObjectAttributesOutput {
            checksum: wants("Checksum").then(|| checksum(&object)),
            e_tag: wants("ETag").then(|| ETag::Strong(object.facts.etag.clone())),
            last_modified: Some(timestamp(object.facts.last_modified)),
            object_parts: parts(&object, input)?.filter(|_| wants("ObjectParts")),
            object_size: wants("ObjectSize")
                .then(|| i64::try_from(object.facts.size).ok())
                .flatten(),
            storage_class: wants("StorageClass").then(|| object.class().to_owned().into()),
            version_id: shown_version(&bucket, &object),
            ..GetObjectAttributesOutput::default()
        })
    }
}

fn check_names(asked: &[&str]) -> S3Result<()> {
    let known = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];
    if !asked.is_empty() && asked.iter().all(|name| known.contains(name)) {
        return Ok(());
    }
    Err(invalid_argument("Invalid attribute name specified."))
}

fn checksum(object: &Object) -> dto::Checksum {
    let kept = object.facts.checksums.clone();
    dto::Checksum {
        checksum_type: kept.kind(),
        checksum_crc32: kept.crc32,
        checksum_crc32c: kept.crc32c,
        checksum_crc64nvme: kept.crc64nvme,
        checksum_sha1: kept.sha1,
        checksum_sha256: kept.sha256,
    }
}

/// One page of parts; `None` for an object that was put whole.
fn parts(object: &Object, input: &GetObjectAttributesInput) -> S3Result<Option<GetObjectAttributesParts>> {
    let all = &object.facts.part_list;
    if all.is_empty() {
        return Ok(None);
    }
    let limit = input.max_parts.map_or(Ok(PARTS_MAX), usize::try_from);
    let limit = limit
        .map_err(|_| invalid_argument("max-parts must not be negative"))?
        .min(PARTS_MAX);
    let after = input.part_number_marker.unwrap_or(0);
    let rest: Vec<&PartSummary> = all.iter().filter(|part| part.number > after).collect();
    let page = &rest[..limit.min(rest.len())];
    Ok(Some(GetObjectAttributesParts {
        is_truncated: Some(page.len() < rest.len()),
        max_parts: i32::try_from(limit).ok(),
        next_part_number_marker: page.last().map(|part| part.number),
        part_number_marker: Some(after),
        // Parts are told apart only where they have checksums of their own.
        parts: object
            .facts
            .checksums
            .composite
            .then(|| page.iter().map(|part| part_view(part)).collect()),
        total_parts_count: i32::try_from(all.len()).ok(),
    }))
}

fn part_view(part: &PartSummary) -> ObjectPart {
    let kept = part.checksums.clone();
    ObjectPart {
        checksum_crc32: kept.crc32,
        checksum_crc32c: kept.crc32c,
        checksum_crc64nvme: kept.crc64nvme,
        checksum_sha1: kept.sha1,
        checksum_sha256: kept.sha256,
        part_number: Some(part.number),
        size: i64::try_from(part.size).ok(),
    }
}
