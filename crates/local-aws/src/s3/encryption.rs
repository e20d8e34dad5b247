//! Encryption at rest: SSE-S3, SSE-KMS, and a bucket's default.
//!
//! The bytes are stored as they are; what is held to is who may use which key. Sources: S3 user guide, "Using
//! server-side encryption with AWS KMS keys (SSE-KMS)"; API_PutBucketEncryption.

use http::StatusCode;
use s3s::dto::{
    self, DeleteBucketEncryptionInput, GetBucketEncryptionInput, GetBucketEncryptionOutput,
    PutBucketEncryptionInput, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
    ServerSideEncryptionRule,
};
use s3s::{S3Error, S3Request, S3Result};

use super::bucket::Settings;
use super::facts::{DefaultEncryption, Encryption};
use super::gate::asking;
use super::refusal::{access_denied, invalid_argument, malformed_xml, not_implemented, unlisted};
use super::shelf::Object;
use super::writing::Spoken;
use super::{Ask, Asking, S3State};
use crate::error::AwsError;

const SSE_S3: &str = "AES256";
const SSE_KMS: &str = "aws:kms";
/// The key that S3 makes for an account that names none.
const MANAGED_KEY: &str = "alias/aws/s3";

impl S3State {
    /// The encryption of a new version: what the writer says, or else the bucket's default.
    pub(super) fn encryption_of(
        &self,
        asking: &Asking,
        settings: &Settings,
        spoken: &Spoken<'_>,
    ) -> S3Result<Encryption> {
        let default = settings.facts.config.encryption.as_ref();
        let default_kms = default.filter(|default| default.algorithm == SSE_KMS);
        let algorithm = spoken
            .encryption
            .unwrap_or_else(|| default.map_or(SSE_S3, |default| default.algorithm.as_str()));
        check_algorithm(algorithm)?;
        if spoken.kms_key.is_some() && spoken.encryption != Some(SSE_KMS) {
            return Err(invalid_argument(
                "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : \
                 aws:kms",
            ));
        }
        if algorithm == SSE_S3 {
            return Ok(Encryption::default());
        }
        let default_key = default_kms.and_then(|default| default.kms_key.as_deref());
        let key = spoken.kms_key.or(default_key).unwrap_or(MANAGED_KEY);
        Ok(Encryption {
            kms_key: Some(self.usable(asking, (settings, key), "GenerateDataKey")?),
            bucket_key: spoken
                .bucket_key
                .unwrap_or_else(|| default_kms.is_some_and(|default| default.bucket_key)),
        })
    }

    /// Whether the caller may read what a version's key encrypts.
    pub(super) fn may_decrypt(&self, asking: &Asking, settings: &Settings, object: &Object) -> S3Result<()> {
        match &object.state.encryption.kms_key {
            Some(key) => self.usable(asking, (settings, key), "Decrypt").map(|_| ()),
            None => Ok(()),
        }
    }

    pub(super) fn usable(
        &self,
        asking: &Asking,
        (settings, key): (&Settings, &str),
        operation: &str,
    ) -> S3Result<String> {
        let place = (settings.facts.region.as_str(), key);
        let kms = &self.core.peers.kms;
        kms.usable(&self.core, &asking.caller, place, ("s3", operation))
            .map_err(|error| of_kms(&error))
    }

    pub(super) fn put_bucket_encryption(
        &self,
        request: &S3Request<PutBucketEncryptionInput>,
    ) -> S3Result<()> {
        let (asking, input) = (asking(request)?, &request.input);
        let ask = Ask::bucket(
            "s3:PutEncryptionConfiguration",
            input.expected_bucket_owner.as_ref(),
        );
        let bucket = self.permitted(&asking, &input.bucket, ask)?;
        let default = read_default(&input.server_side_encryption_configuration)?;
        bucket.configure(|settings| settings.facts.config.encryption = Some(default))
    }

    pub(super) fn get_bucket_encryption(
        &self,
        request: &S3Request<GetBucketEncryptionInput>,
    ) -> S3Result<GetBucketEncryptionOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        let ask = Ask::bucket(
            "s3:GetEncryptionConfiguration",
            input.expected_bucket_owner.as_ref(),
        );
        let settings = self.permitted(&asking, &input.bucket, ask)?.settings();
        let default = settings.facts.config.encryption.clone();
        Ok(GetBucketEncryptionOutput {
            server_side_encryption_configuration: Some(view(default)),
        })
    }

    pub(super) fn delete_bucket_encryption(
        &self,
        request: &S3Request<DeleteBucketEncryptionInput>,
    ) -> S3Result<()> {
        let (asking, input) = (asking(request)?, &request.input);
        let ask = Ask::bucket(
            "s3:PutEncryptionConfiguration",
            input.expected_bucket_owner.as_ref(),
        );
        let bucket = self.permitted(&asking, &input.bucket, ask)?;
        bucket.configure(|settings| settings.facts.config.encryption = None)
    }
}

fn check_algorithm(algorithm: &str) -> S3Result<()> {
    match algorithm {
        SSE_S3 | SSE_KMS => Ok(()),
        "aws:kms:dsse" => Err(not_implemented("dual-layer encryption (aws:kms:dsse)")),
        _ => Err(unlisted(
            StatusCode::BAD_REQUEST,
            "InvalidEncryptionAlgorithmError",
            "The encryption request you specified is not valid. The valid value is AES256 or aws:kms.",
        )),
    }
}

fn read_default(given: &ServerSideEncryptionConfiguration) -> S3Result<DefaultEncryption> {
    let [rule] = given.rules.as_slice() else {
        return Err(malformed_xml());
    };
    let Some(default) = &rule.apply_server_side_encryption_by_default else {
        return Err(malformed_xml());
    };
    let algorithm = default.sse_algorithm.as_str();
    check_algorithm(algorithm)?;
    if algorithm == SSE_S3 && default.kms_master_key_id.is_some() {
        return Err(invalid_argument(
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
        ));
    }
    Ok(DefaultEncryption {
        algorithm: algorithm.to_owned(),
        kms_key: default.kms_master_key_id.clone(),
        bucket_key: rule.bucket_key_enabled.unwrap_or(false),
    })
}

fn view(default: Option<DefaultEncryption>) -> ServerSideEncryptionConfiguration {
    let default = default.unwrap_or_else(|| DefaultEncryption {
        algorithm: SSE_S3.to_owned(),
        kms_key: None,
        bucket_key: false,
    });
    ServerSideEncryptionConfiguration {
        rules: vec![ServerSideEncryptionRule {
            apply_server_side_encryption_by_default: Some(ServerSideEncryptionByDefault {
                kms_master_key_id: default.kms_key,
                sse_algorithm: dto::ServerSideEncryption::from(default.algorithm),
            }),
            bucket_key_enabled: Some(default.bucket_key),
        }],
    }
}

/// KMS's refusal as S3 passes it on: `KMS.` before its code, but for a denial.
fn of_kms(error: &AwsError) -> S3Error {
    if error.code == "AccessDeniedException" {
        return access_denied(error.message.clone());
    }
    let code = format!("KMS.{}", error.code);
    unlisted(StatusCode::BAD_REQUEST, &code, error.message.clone())
}

impl Encryption {
    /// The `x-amz-server-side-encryption` header.
    pub(super) fn algorithm(&self) -> dto::ServerSideEncryption {
        let name = if self.kms_key.is_some() { SSE_KMS } else { SSE_S3 };
        dto::ServerSideEncryption::from_static(name)
    }

    /// The header that says that a bucket key is used; absent when none is.
    pub(super) fn bucket_key_header(&self) -> Option<bool> {
        self.bucket_key.then_some(true)
    }
}
