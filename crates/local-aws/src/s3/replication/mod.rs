//! Replication of versions into other buckets, in this region or another, of this account or another.
//!
//! [`rules`] reads the configuration, [`queue`] holds what waits, [`run`] copies with the permissions of the
//! configuration's role. Sources: API_PutBucketReplication; S3 user guide, "Replicating objects within and across
//! Regions".

mod queue;
mod rules;
mod run;

use http::StatusCode;
use s3s::dto::{
    self, DeleteBucketReplicationInput, GetBucketReplicationInput, GetBucketReplicationOutput,
    PutBucketReplicationInput,
};
use s3s::{S3ErrorCode, S3Request, S3Result};

use super::facts::{Replication, Versioning};
use super::gate::asking;
use super::refusal::{access_denied, invalid_argument, invalid_request, refused, unlisted};
use super::{Ask, Asking, S3State};
pub(super) use queue::Queue;

/// The `x-amz-replication-status` header.
pub(super) fn header(replication: Replication) -> dto::ReplicationStatus {
    let name = match replication {
        Replication::Pending(_) => dto::ReplicationStatus::PENDING,
        Replication::Completed => dto::ReplicationStatus::COMPLETED,
        Replication::Failed => dto::ReplicationStatus::FAILED,
        Replication::Replica => dto::ReplicationStatus::REPLICA,
    };
    dto::ReplicationStatus::from_static(name)
}

impl S3State {
    pub(super) fn put_bucket_replication(
        &self,
        request: &S3Request<PutBucketReplicationInput>,
    ) -> S3Result<()> {
        let (asking, input) = (asking(request)?, &request.input);
        let ask = Ask::bucket(
            "s3:PutReplicationConfiguration",
            input.expected_bucket_owner.as_ref(),
        );
        let bucket = self.permitted(&asking, &input.bucket, ask)?;
        if bucket.settings().facts.config.versioning != Some(Versioning::Enabled) {
            return Err(invalid_request(
                "Versioning must be 'Enabled' on the bucket to apply a replication configuration",
            ));
        }
        let mut given = input.replication_configuration.clone();
        given.rules = rules::checked(&given.rules, || self.core.ids.uuid())?;
        for rule in &given.rules {
            self.check_destination(&input.bucket, &rule.destination)?;
        }
        self.may_pass(&asking, &given.role)?;
        bucket.configure(|settings| settings.facts.config.replication = Some(given))
    }

    fn check_destination(&self, source: &str, destination: &dto::Destination) -> S3Result<()> {
        let name = rules::bucket_of(destination).ok_or_else(|| invalid_argument("Invalid bucket ARN."))?;
        if name == source {
            return Err(invalid_request(
                "Destination bucket cannot be the same as the source bucket.",
            ));
        }
        let found = self
            .bucket(name)
            .map_err(|_| invalid_request("Destination bucket must exist."))?;
        if found.settings().facts.config.versioning != Some(Versioning::Enabled) {
            return Err(invalid_request(
                "Destination bucket must have versioning enabled.",
            ));
        }
        Ok(())
    }

    /// Whoever gives S3 a role must be allowed to.
    fn may_pass(&self, asking: &Asking, role: &str) -> S3Result<()> {
        let Some((account, ..)) = crate::iam::service_role::split_role_arn(role) else {
            return Err(invalid_argument("Invalid Role ARN"));
        };
        if account != asking.caller.account {
            return Err(access_denied("Cross-account pass role is not allowed."));
        }
        let context = asking.context.clone().with("iam:PassedToService", run::SERVICE);
        self.core
            .authorize(&asking.caller, "iam:PassRole", role, &context)
            .map_err(|denied| access_denied(denied.message().to_owned()))
    }

    pub(super) fn get_bucket_replication(
        &self,
        request: &S3Request<GetBucketReplicationInput>,
    ) -> S3Result<GetBucketReplicationOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        let ask = Ask::bucket(
            "s3:GetReplicationConfiguration",
            input.expected_bucket_owner.as_ref(),
        );
        let settings = self.permitted(&asking, &input.bucket, ask)?.settings();
        let kept = settings.facts.config.replication.clone().ok_or_else(|| {
            refused(
                S3ErrorCode::ReplicationConfigurationNotFoundError,
                "The replication configuration was not found",
            )
        })?;
        Ok(GetBucketReplicationOutput {
            replication_configuration: Some(kept),
        })
    }

    pub(super) fn delete_bucket_replication(
        &self,
        request: &S3Request<DeleteBucketReplicationInput>,
    ) -> S3Result<()> {
        let (asking, input) = (asking(request)?, &request.input);
        let ask = Ask::bucket(
            "s3:PutReplicationConfiguration",
            input.expected_bucket_owner.as_ref(),
        );
        let bucket = self.permitted(&asking, &input.bucket, ask)?;
        bucket.configure(|settings| settings.facts.config.replication = None)
    }
}

/// A duplicate among rules.
fn duplicate(message: &'static str) -> s3s::S3Error {
    unlisted(StatusCode::BAD_REQUEST, "InvalidRequest", message)
}
