//! Tags of objects and of buckets.
//!
//! Sources: API_PutObjectTagging, API_PutBucketTagging; S3 user guide, "Categorizing your storage using tags".

use s3s::dto::{
    self, DeleteBucketTaggingInput, DeleteObjectTaggingInput, DeleteObjectTaggingOutput,
    GetBucketTaggingInput, GetBucketTaggingOutput, GetObjectTaggingInput, GetObjectTaggingOutput,
    PutBucketTaggingInput, PutObjectTaggingInput, PutObjectTaggingOutput,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result};

use super::gate::asking;
use super::reading::{Wanted, wanted};
use super::refusal::{refused, unlisted};
use super::{Ask, Asking, S3State};
use crate::tags::Tags;

/// Most tags of an object.
const OBJECT_TAGS_MAX: usize = 10;
/// Most tags of a bucket.
const BUCKET_TAGS_MAX: usize = 50;
const KEY_CHARS_MAX: usize = 128;
const VALUE_CHARS_MAX: usize = 256;

impl S3State {
    pub(super) fn put_object_tagging(
        &self,
        request: &S3Request<PutObjectTaggingInput>,
    ) -> S3Result<PutObjectTaggingOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        let tags = read_set(&input.tagging.tag_set, OBJECT_TAGS_MAX)?;
        let version_id = self.retag(
            &asking,
            &wanted!(input),
            ("s3:PutObjectTagging", "s3:PutObjectVersionTagging"),
            tags,
        )?;
        Ok(PutObjectTaggingOutput { version_id })
    }

    pub(super) fn delete_object_tagging(
        &self,
        request: &S3Request<DeleteObjectTaggingInput>,
    ) -> S3Result<DeleteObjectTaggingOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        let version_id = self.retag(
            &asking,
            &wanted!(input),
            ("s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging"),
            Tags::new(),
        )?;
        Ok(DeleteObjectTaggingOutput { version_id })
    }

    fn retag(
        &self,
        asking: &Asking,
        wanted: &Wanted<'_>,
        actions: (&str, &str),
        tags: Tags,
    ) -> S3Result<Option<String>> {
        let (bucket, object) = self.found(asking, wanted, actions)?;
        let id = object.version_id().to_owned();
        bucket.change(wanted.key, &id, |_, state| {
            state.tags = tags;
            Ok(())
        })?;
        self.replicate_change(&bucket, wanted.key, &id)?;
        Ok(object.facts.version.clone())
    }

    pub(super) fn get_object_tagging(
        &self,
        request: &S3Request<GetObjectTaggingInput>,
    ) -> S3Result<GetObjectTaggingOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        let actions = ("s3:GetObjectTagging", "s3:GetObjectVersionTagging");
        let (_, object) = self.found(&asking, &wanted!(input), actions)?;
        Ok(GetObjectTaggingOutput {
            tag_set: write_set(&object.state.tags),
            version_id: object.facts.version.clone(),
        })
    }

    pub(super) fn put_bucket_tagging(&self, request: &S3Request<PutBucketTaggingInput>) -> S3Result<()> {
        let (asking, input) = (asking(request)?, &request.input);
        let ask = Ask::bucket("s3:PutBucketTagging", input.expected_bucket_owner.as_ref());
        let bucket = self.permitted(&asking, &input.bucket, ask)?;
        let tags = read_set(&input.tagging.tag_set, BUCKET_TAGS_MAX)?;
        bucket.configure(|settings| settings.facts.config.tags = tags)
    }

    pub(super) fn get_bucket_tagging(
        &self,
        request: &S3Request<GetBucketTaggingInput>,
    ) -> S3Result<GetBucketTaggingOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        let ask = Ask::bucket("s3:GetBucketTagging", input.expected_bucket_owner.as_ref());
        let settings = self.permitted(&asking, &input.bucket, ask)?.settings();
        let tags = &settings.facts.config.tags;
        if tags.is_empty() {
            return Err(refused(S3ErrorCode::NoSuchTagSet, "The TagSet does not exist"));
        }
        Ok(GetBucketTaggingOutput {
            tag_set: write_set(tags),
        })
    }

    pub(super) fn delete_bucket_tagging(
        &self,
        request: &S3Request<DeleteBucketTaggingInput>,
    ) -> S3Result<()> {
        let (asking, input) = (asking(request)?, &request.input);
        let ask = Ask::bucket("s3:PutBucketTagging", input.expected_bucket_owner.as_ref());
        let bucket = self.permitted(&asking, &input.bucket, ask)?;
        bucket.configure(|settings| settings.facts.config.tags.clear())
    }
}

/// Tags as the `x-amz-tagging` header writes them: `a=1&b=2`.
pub(super) fn read_header(header: Option<&str>) -> S3Result<Tags> {
    let pairs = form_urlencoded::parse(header.unwrap_or_default().as_bytes());
    checked(
        pairs.map(|(key, value)| (key.into_owned(), value.into_owned())),
        OBJECT_TAGS_MAX,
    )
}

fn read_set(set: &[dto::Tag], most: usize) -> S3Result<Tags> {
    let pairs = set.iter().map(|tag| {
        (
            tag.key.clone().unwrap_or_default(),
            tag.value.clone().unwrap_or_default(),
        )
    });
    checked(pairs, most)
}

fn checked(pairs: impl Iterator<Item = (String, String)>, most: usize) -> S3Result<Tags> {
    let mut tags = Tags::new();
    for (key, value) in pairs {
        if !(1..=KEY_CHARS_MAX).contains(&key.chars().count()) || !is_written_well(&key) {
            return Err(invalid_tag("The TagKey you have provided is invalid"));
        }
        if value.chars().count() > VALUE_CHARS_MAX || !is_written_well(&value) {
            return Err(invalid_tag("The TagValue you have provided is invalid"));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid_tag("System tags cannot be added/updated by requester"));
        }
        if tags.insert(key, value).is_some() {
            return Err(invalid_tag("Cannot provide multiple Tags with the same key"));
        }
        if tags.len() > most {
            return Err(too_many(most));
        }
    }
    Ok(tags)
}

/// Letters, digits, spaces and `+ - = . _ : / @`, in any script.
fn is_written_well(text: &str) -> bool {
    text.chars()
        .all(|char| char.is_alphanumeric() || char.is_whitespace() || "+-=._:/@".contains(char))
}

fn too_many(most: usize) -> S3Error {
    let what = if most == OBJECT_TAGS_MAX {
        "Object tags"
    } else {
        "Bucket tag count"
    };
    unlisted(
        http::StatusCode::BAD_REQUEST,
        "BadRequest",
        format!("{what} cannot be greater than {most}"),
    )
}

fn invalid_tag(message: &'static str) -> S3Error {
    refused(S3ErrorCode::InvalidTag, message)
}

fn write_set(tags: &Tags) -> Vec<dto::Tag> {
    let pairs = tags.iter();
    pairs
        .map(|(key, value)| dto::Tag {
            key: Some(key.clone()),
            value: Some(value.clone()),
        })
        .collect()
}
