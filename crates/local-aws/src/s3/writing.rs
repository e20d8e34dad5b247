//! What a writer may say of an object beside its bytes: PutObject, CopyObject and CreateMultipartUpload say the same.

use s3s::S3Result;
use s3s::dto;

use super::archive::check_class;
use super::bucket::Bucket;
use super::facts::{Headers, ObjectFacts, ObjectState};
use super::refusal::not_implemented;
use super::tagging::read_header;
use super::{Ask, Asking, S3State, access};

/// Most bytes of user metadata; S3 user guide, "User-defined object metadata".
const METADATA_BYTES_MAX: usize = 2 << 10;

/// The fields that every write has.
pub(super) struct Spoken<'a> {
    pub(super) acl: Option<&'a dto::ObjectCannedACL>,
    pub(super) grants: [&'a Option<String>; 4],
    pub(super) tagging: Option<&'a str>,
    pub(super) storage_class: Option<&'a str>,
    pub(super) encryption: Option<&'a str>,
    pub(super) kms_key: Option<&'a str>,
    pub(super) bucket_key: Option<bool>,
    pub(super) customer_key: bool,
    pub(super) redirect: bool,
    pub(super) lock_mode: Option<&'a str>,
    pub(super) retain_until: Option<&'a dto::Timestamp>,
    pub(super) legal_hold: Option<&'a str>,
}

/// Gathers [`Spoken`] from an input; the three inputs have no type in common.
macro_rules! spoken {
    ($input:expr) => {
        $crate::s3::writing::Spoken {
            acl: $input.acl.as_ref(),
            grants: [
                &$input.grant_full_control,
                &$input.grant_read,
                &$input.grant_read_acp,
                &$input.grant_write_acp,
            ],
            tagging: $input.tagging.as_deref(),
            storage_class: $input.storage_class.as_ref().map(|class| class.as_str()),
            encryption: $input.server_side_encryption.as_ref().map(|kind| kind.as_str()),
            kms_key: $input.ssekms_key_id.as_deref(),
            bucket_key: $input.bucket_key_enabled,
            customer_key: $input.sse_customer_algorithm.is_some() || $input.sse_customer_key.is_some(),
            redirect: $input.website_redirect_location.is_some(),
            lock_mode: $input.object_lock_mode.as_ref().map(|mode| mode.as_str()),
            retain_until: $input.object_lock_retain_until_date.as_ref(),
            legal_hold: $input
                .object_lock_legal_hold_status
                .as_ref()
                .map(|status| status.as_str()),
        }
    };
}

/// Gathers the headers that are kept as they were said.
macro_rules! said {
    ($input:expr) => {
        $crate::s3::facts::Headers {
            content_type: $input.content_type.clone(),
            cache_control: $input.cache_control.clone(),
            content_encoding: $input.content_encoding.clone(),
            content_disposition: $input.content_disposition.clone(),
            content_language: $input.content_language.clone(),
            expires: $input.expires.clone(),
            metadata: $input.metadata.clone().unwrap_or_default().into_iter().collect(),
        }
    };
}

pub(super) use {said, spoken};

impl S3State {
    /// What a new version begins with, once the caller may ask for all of it.
    pub(super) fn beginning(
        &self,
        asking: &Asking,
        (bucket, key): (&Bucket, &str),
        spoken: &Spoken<'_>,
    ) -> S3Result<ObjectState> {
        access::refuse_acl(spoken.acl, spoken.grants)?;
        if spoken.customer_key {
            return Err(not_implemented(
                "encryption with keys that customers send (SSE-C)",
            ));
        }
        if spoken.redirect {
            return Err(not_implemented("redirects of websites"));
        }
        let tags = read_header(spoken.tagging)?;
        if !tags.is_empty() {
            self.permit(asking, bucket, Ask::key("s3:PutObjectTagging", key, None))?;
        }
        let settings = bucket.settings();
        Ok(ObjectState {
            tags,
            storage_class: check_class(spoken.storage_class)?,
            encryption: self.encryption_of(asking, &settings, spoken)?,
            retention: self.first_retention(asking, (bucket, key), spoken)?,
            legal_hold: self.first_hold(asking, (bucket, key), spoken)?,
            ..ObjectState::default()
        })
    }

    /// An id for a new version, if the bucket makes any.
    pub(super) fn next_version(&self, bucket: &Bucket) -> Option<String> {
        let versioning = bucket.settings().facts.config.versioning;
        (versioning == Some(super::facts::Versioning::Enabled))
            .then(|| data_encoding::BASE64URL.encode(&self.core.ids.bytes::<24>()))
    }

    /// Facts that are the same for every kind of version.
    pub(super) fn new_facts(&self, bucket: &Bucket, key: &str) -> ObjectFacts {
        ObjectFacts {
            key: key.to_owned(),
            version: self.next_version(bucket),
            delete_marker: false,
            size: 0,
            etag: String::new(),
            checksums: super::checksum::Checksums::default(),
            last_modified: self.now(),
            headers: Headers::default(),
            part_list: Vec::new(),
            state: ObjectState::default(),
        }
    }
}

/// Checks the metadata that a writer gives.
pub(super) fn check_headers(headers: Headers) -> S3Result<Headers> {
    let pairs = headers.metadata.iter();
    let bytes: usize = pairs.map(|(key, value)| key.len() + value.len()).sum();
    if bytes > METADATA_BYTES_MAX {
        return Err(s3s::S3Error::with_message(
            s3s::S3ErrorCode::MetadataTooLarge,
            "Your metadata headers exceed the maximum allowed metadata size",
        ));
    }
    Ok(headers)
}
