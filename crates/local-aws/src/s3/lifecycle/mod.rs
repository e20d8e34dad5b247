//! Lifecycle: rules that move versions between storage classes and let them expire, day by day.
//!
//! [`rules`] reads what a rule says and refuses what S3 refuses, [`due`] knows when a rule's day comes, [`run`] does
//! what is due. Sources: API_PutBucketLifecycleConfiguration; S3 user guide, "Managing the lifecycle of objects".

mod due;
mod plan;
mod rules;
mod run;

use s3s::dto::{
    self, DeleteBucketLifecycleInput, GetBucketLifecycleConfigurationInput,
    GetBucketLifecycleConfigurationOutput, PutBucketLifecycleConfigurationInput,
    PutBucketLifecycleConfigurationOutput,
};
use s3s::{S3ErrorCode, S3Request, S3Result};

use super::gate::asking;
use super::refusal::{malformed_xml, refused};
use super::{Ask, S3State};
pub(super) use due::{abort_due, expiration_header};

/// What small objects do by default since September 2024.
const MINIMUM: &str = "all_storage_classes_128K";

impl S3State {
    pub(super) fn put_bucket_lifecycle_configuration(
        &self,
        request: &S3Request<PutBucketLifecycleConfigurationInput>,
    ) -> S3Result<PutBucketLifecycleConfigurationOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        let ask = Ask::bucket(
            "s3:PutLifecycleConfiguration",
            input.expected_bucket_owner.as_ref(),
        );
        let bucket = self.permitted(&asking, &input.bucket, ask)?;
        let given = input.lifecycle_configuration.as_ref().ok_or_else(malformed_xml)?;
        let rules = rules::checked(&given.rules, || self.core.ids.uuid())?;
        let minimum = read_minimum(input.transition_default_minimum_object_size.as_ref())?;
        bucket.configure(|settings| {
            settings.facts.config.lifecycle = Some(rules);
            settings.facts.config.transition_minimum = Some(minimum.clone());
        })?;
        Ok(PutBucketLifecycleConfigurationOutput {
            transition_default_minimum_object_size: Some(minimum.into()),
        })
    }

    pub(super) fn get_bucket_lifecycle_configuration(
        &self,
        request: &S3Request<GetBucketLifecycleConfigurationInput>,
    ) -> S3Result<GetBucketLifecycleConfigurationOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        let ask = Ask::bucket(
            "s3:GetLifecycleConfiguration",
            input.expected_bucket_owner.as_ref(),
        );
        let settings = self.permitted(&asking, &input.bucket, ask)?.settings();
        let config = &settings.facts.config;
        let rules = config.lifecycle.clone().ok_or_else(|| {
            refused(
                S3ErrorCode::NoSuchLifecycleConfiguration,
                "The lifecycle configuration does not exist",
            )
        })?;
        let minimum = config.transition_minimum.clone();
        Ok(GetBucketLifecycleConfigurationOutput {
            rules: Some(rules),
            transition_default_minimum_object_size: minimum.map(Into::into),
        })
    }

    pub(super) fn delete_bucket_lifecycle(
        &self,
        request: &S3Request<DeleteBucketLifecycleInput>,
    ) -> S3Result<()> {
        let (asking, input) = (asking(request)?, &request.input);
        let ask = Ask::bucket(
            "s3:PutLifecycleConfiguration",
            input.expected_bucket_owner.as_ref(),
        );
        let bucket = self.permitted(&asking, &input.bucket, ask)?;
        bucket.configure(|settings| {
            settings.facts.config.lifecycle = None;
            settings.facts.config.transition_minimum = None;
        })
    }
}

fn read_minimum(given: Option<&dto::TransitionDefaultMinimumObjectSize>) -> S3Result<String> {
    let given = given.map_or(MINIMUM, dto::TransitionDefaultMinimumObjectSize::as_str);
    if [MINIMUM, "varies_by_storage_class"].contains(&given) {
        return Ok(given.to_owned());
    }
    Err(super::refusal::invalid_argument(
        "TransitionDefaultMinimumObjectSize must be all_storage_classes_128K or varies_by_storage_class",
    ))
}
