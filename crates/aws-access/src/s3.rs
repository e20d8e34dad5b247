//! Objects in one bucket of the ISV: written once, never replaced, checked on the way in and out.
//!
//! Every write is conditional (`If-None-Match: *`) and carries its SHA-256, so that a repeated write, a
//! zombie's write and a damaged one are all refused by S3 itself. A lost answer is settled by
//! [`Bucket::head`], never by writing again blindly
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>).

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLocationConstraint, ChecksumAlgorithm, ChecksumMode, CreateBucketConfiguration,
    ServerSideEncryption,
};
use aws_smithy_types::base64;
use bytes::{Bytes, BytesMut};
use tenant_model::export::{BucketName, Sha256Hex};

use crate::{Aws, AwsError, AwsErrorKind};

/// Most keys of one page of a listing; S3 gives no more.
const PAGE_KEYS: i32 = 1_000;

/// Which bucket, and what every request to it states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketSettings {
    /// The bucket.
    pub name: BucketName,
    /// Account that must own it; S3 refuses a bucket of the same name that somebody else made.
    pub expected_owner: Option<String>,
    /// Key for SSE-KMS; without one the bucket's own default holds.
    pub kms_key_id: Option<String>,
}

/// A bucket as the ISV's own account sees it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Bucket {
    reads: Client,
    writes: Client,
    region: String,
    settings: BucketSettings,
}

/// What became of a conditional write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// The object is ours and new.
    Created,
    /// There is an object of that key already.
    Exists,
}

/// What S3 knows of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Exact size.
    pub bytes: i64,
    /// Hash of the whole object, if it was written with one in a single part.
    pub sha256: Option<Sha256Hex>,
}

/// One page of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyPage {
    /// In the order of their bytes.
    pub keys: Vec<String>,
    /// Where the next page begins; none after the last.
    pub next: Option<String>,
}

impl Bucket {
    /// Builds the clients; makes no call.
    #[must_use]
    pub fn open(aws: &Aws, settings: BucketSettings) -> Self {
        let client =
            |config| Client::from_conf(Builder::from(&config).force_path_style(aws.path_style()).build());
        Self {
            reads: client(aws.reads()),
            writes: client(aws.writes()),
            region: aws.settings().region.clone(),
            settings,
        }
    }

    /// The bucket's name.
    #[must_use]
    pub fn name(&self) -> &BucketName {
        &self.settings.name
    }

    /// Writes an object that must not exist yet (PutObject with `If-None-Match: *`).
    ///
    /// # Errors
    /// [`AwsErrorKind::Unknown`] when the object may or may not be there now: ask [`Bucket::head`].
    pub async fn put_if_absent(
        &self,
        key: &str,
        content: Bytes,
        sha256: &Sha256Hex,
    ) -> Result<Put, AwsError> {
        let encryption = self
            .settings
            .kms_key_id
            .as_ref()
            .map(|_| ServerSideEncryption::AwsKms);
        let sent = self
            .writes
            .put_object()
            .bucket(self.settings.name.as_str())
            .key(key)
            .if_none_match("*")
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .checksum_sha256(base64::encode(sha256.as_bytes()))
            .set_expected_bucket_owner(self.settings.expected_owner.clone())
            .set_server_side_encryption(encryption)
            .set_ssekms_key_id(self.settings.kms_key_id.clone())
            .body(ByteStream::from(content))
            .send()
            .await;
        match sent.map_err(AwsError::from) {
            Ok(_) => Ok(Put::Created),
            Err(error) if error.code == "PreconditionFailed" => Ok(Put::Exists),
            // Another writer of the same key is at work this moment; who won is seen by looking.
            Err(error) if error.code == "ConditionalRequestConflict" => Err(AwsError {
                kind: AwsErrorKind::Unknown,
                ..error
            }),
            Err(error) => Err(error),
        }
    }

    /// Size and hash of an object; `None` if there is none (HeadObject).
    ///
    /// # Errors
    /// When S3 does not answer or refuses.
    pub async fn head(&self, key: &str) -> Result<Option<Head>, AwsError> {
        let sent = self
            .reads
            .head_object()
            .bucket(self.settings.name.as_str())
            .key(key)
            .checksum_mode(ChecksumMode::Enabled)
            .set_expected_bucket_owner(self.settings.expected_owner.clone())
            .send()
            .await;
        match sent {
            Ok(found) => {
                let sha256 = found.checksum_sha256().and_then(decoded_hash);
                Ok(Some(Head {
                    bytes: found.content_length().unwrap_or_default(),
                    sha256,
                }))
            }
            // A HEAD has no body, so the code is not in it.
            Err(SdkError::ServiceError(context)) if context.err().is_not_found() => Ok(None),
            Err(error) => Err(AwsError::from(error)),
        }
    }

    /// An object of at most `bytes_max` bytes; `None` if there is none (GetObject).
    ///
    /// # Errors
    /// When S3 does not answer or refuses, or the object is larger.
    pub async fn get(&self, key: &str, bytes_max: usize) -> Result<Option<Bytes>, AwsError> {
        let sent = self
            .reads
            .get_object()
            .bucket(self.settings.name.as_str())
            .key(key)
            .set_expected_bucket_owner(self.settings.expected_owner.clone())
            .send()
            .await;
        match sent {
            Ok(found) => Ok(Some(bounded(found.body, bytes_max).await?)),
            Err(SdkError::ServiceError(context)) if context.err().is_no_such_key() => Ok(None),
            Err(error) => Err(AwsError::from(error)),
        }
    }

    /// Keys under `prefix` that sort after `after`, at most a thousand (ListObjectsV2).
    ///
    /// # Errors
    /// When S3 does not answer or refuses.
    pub async fn list_after(&self, prefix: &str, after: Option<&str>) -> Result<KeyPage, AwsError> {
        let page = self
            .reads
            .list_objects_v2()
            .bucket(self.settings.name.as_str())
            .prefix(prefix)
            .set_start_after(after.map(str::to_owned))
            .max_keys(PAGE_KEYS)
            .set_expected_bucket_owner(self.settings.expected_owner.clone())
            .send()
            .await?;
        let keys: Vec<String> = page
            .contents()
            .iter()
            .filter_map(|object| object.key().map(str::to_owned))
            .collect();
        let next = page
            .is_truncated()
            .unwrap_or(false)
            .then(|| keys.last().cloned())
            .flatten();
        Ok(KeyPage { keys, next })
    }

    /// Makes the bucket unless it is ours already (CreateBucket). The control plane's template does it on AWS;
    /// the embedded default calls this.
    ///
    /// # Errors
    /// When S3 does not answer or the name belongs to somebody else.
    pub async fn create(&self) -> Result<(), AwsError> {
        // Outside us-east-1 the region has to be said again, and inside it must not be (CreateBucket).
        let elsewhere = (self.region != "us-east-1").then(|| {
            CreateBucketConfiguration::builder()
                .location_constraint(BucketLocationConstraint::from(self.region.as_str()))
                .build()
        });
        let sent = self
            .writes
            .create_bucket()
            .bucket(self.settings.name.as_str())
            .set_create_bucket_configuration(elsewhere)
            .send()
            .await;
        match sent.map_err(AwsError::from) {
            Ok(_) => Ok(()),
            Err(error) if error.code == "BucketAlreadyOwnedByYou" => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn decoded_hash(text: &str) -> Option<Sha256Hex> {
    // A multipart object's checksum is a hash of hashes with the number of parts behind it; it does not decode.
    let bytes = base64::decode(text).ok()?;
    Some(Sha256Hex::from_bytes(bytes.try_into().ok()?))
}

async fn bounded(mut body: ByteStream, bytes_max: usize) -> Result<Bytes, AwsError> {
    let mut whole = BytesMut::new();
    loop {
        let chunk = body
            .try_next()
            .await
            .map_err(|error| unreadable(&error.to_string()))?;
        let Some(chunk) = chunk else {
            return Ok(whole.freeze());
        };
        if whole.len() + chunk.len() > bytes_max {
            return Err(AwsError {
                kind: AwsErrorKind::Permanent,
                code: "ObjectTooLarge".to_owned(),
                message: format!("the object has more than {bytes_max} bytes"),
            });
        }
        whole.extend_from_slice(&chunk);
    }
}

fn unreadable(why: &str) -> AwsError {
    AwsError {
        kind: AwsErrorKind::Unknown,
        code: "UnreadableReply".to_owned(),
        message: why.to_owned(),
    }
}
