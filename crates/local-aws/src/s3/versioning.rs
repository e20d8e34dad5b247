//! Whether a bucket keeps versions. Sources: API_PutBucketVersioning, API_GetBucketVersioning.

use s3s::dto::{
    self, GetBucketVersioningInput, GetBucketVersioningOutput, PutBucketVersioningInput,
    VersioningConfiguration,
};
use s3s::{S3ErrorCode, S3Request, S3Result};

use super::facts::{BucketConfig, Versioning};
use super::gate::asking;
use super::refusal::{malformed_xml, not_implemented, refused};
use super::{Ask, S3State};

impl S3State {
    pub(super) fn put_bucket_versioning(
        &self,
        request: &S3Request<PutBucketVersioningInput>,
    ) -> S3Result<()> {
        let (asking, input) = (asking(request)?, &request.input);
        let ask = Ask::bucket("s3:PutBucketVersioning", input.expected_bucket_owner.as_ref());
        let bucket = self.permitted(&asking, &input.bucket, ask)?;
        let versioning = read(&input.versioning_configuration)?;
        if versioning == Versioning::Suspended {
            may_suspend(&bucket.settings().facts.config)?;
        }
        bucket.configure(|settings| settings.facts.config.versioning = Some(versioning))
    }

    pub(super) fn get_bucket_versioning(
        &self,
        request: &S3Request<GetBucketVersioningInput>,
    ) -> S3Result<GetBucketVersioningOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        let ask = Ask::bucket("s3:GetBucketVersioning", input.expected_bucket_owner.as_ref());
        let settings = self.permitted(&asking, &input.bucket, ask)?.settings();
        // A bucket that never versioned says nothing.
        let status = settings
            .facts
            .config
            .versioning
            .map(|versioning| match versioning {
                Versioning::Enabled => dto::BucketVersioningStatus::ENABLED,
                Versioning::Suspended => dto::BucketVersioningStatus::SUSPENDED,
            });
        Ok(GetBucketVersioningOutput {
            mfa_delete: None,
            status: status.map(dto::BucketVersioningStatus::from_static),
        })
    }
}

fn read(given: &VersioningConfiguration) -> S3Result<Versioning> {
    let mfa = given.mfa_delete.as_ref().map(dto::MFADelete::as_str);
    if mfa == Some(dto::MFADelete::ENABLED) {
        return Err(not_implemented(
            "deletion with multi-factor authentication (MFA delete)",
        ));
    }
    match given.status.as_ref().map(dto::BucketVersioningStatus::as_str) {
        Some(dto::BucketVersioningStatus::ENABLED) => Ok(Versioning::Enabled),
        Some(dto::BucketVersioningStatus::SUSPENDED) => Ok(Versioning::Suspended),
        _ => Err(malformed_xml()),
    }
}

/// Object Lock and replication need versions.
fn may_suspend(config: &BucketConfig) -> S3Result<()> {
    let message = if config.object_lock.is_some() {
        "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."
    } else if config.replication.is_some() {
        "A replication configuration is present on this bucket, so the versioning state cannot be changed."
    } else {
        return Ok(());
    };
    Err(refused(S3ErrorCode::InvalidBucketState, message))
}
