//! A bucket's policy, and whether it is public.
//!
//! Sources: API_PutBucketPolicy; S3 user guide, "The meaning of public".

use std::sync::Arc;

use s3s::dto::{
    self, GetBucketPolicyInput, GetBucketPolicyOutput, GetBucketPolicyStatusInput,
    GetBucketPolicyStatusOutput, PutBucketPolicyInput,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result};

use super::access;
use super::gate::asking;
use super::refusal::{access_denied, refused};
use super::{Ask, Asking, Bucket, S3State};
use crate::iam::policy::pattern::glob;
use crate::iam::policy::{Document, Element};

/// Most bytes of a bucket's policy.
const POLICY_BYTES_MAX: usize = 20 << 10;

impl S3State {
    pub(super) fn put_bucket_policy(&self, request: &S3Request<PutBucketPolicyInput>) -> S3Result<()> {
        let (asking, input) = (asking(request)?, &request.input);
        let named = (input.bucket.as_str(), input.expected_bucket_owner.as_ref());
        let bucket = self.policy_of(&asking, "s3:PutBucketPolicy", named)?;
        if input.policy.len() > POLICY_BYTES_MAX {
            return Err(refused(
                S3ErrorCode::MalformedPolicy,
                "the policy is larger than 20 KB",
            ));
        }
        let document = Document::resource(&input.policy)
            .map_err(|why| refused(S3ErrorCode::MalformedPolicy, why.to_string()))?;
        check_resources(&document, &input.bucket)?;
        if access::blocks_public_policy(&bucket.settings()) && access::is_public(&document) {
            return Err(access_denied(format!(
                "User: {} is not authorized to perform: s3:PutBucketPolicy on resource: \"arn:aws:s3:::{}\" because \
                 public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.",
                asking.caller.principal_arn, input.bucket
            )));
        }
        bucket.configure(|settings| {
            settings.facts.policy = Some(document.text.to_string());
            settings.policy = Some(document);
        })
    }

    pub(super) fn get_bucket_policy(
        &self,
        request: &S3Request<GetBucketPolicyInput>,
    ) -> S3Result<GetBucketPolicyOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        let named = (input.bucket.as_str(), input.expected_bucket_owner.as_ref());
        let bucket = self.policy_of(&asking, "s3:GetBucketPolicy", named)?;
        let policy = bucket.settings().facts.policy.clone().ok_or_else(no_policy)?;
        Ok(GetBucketPolicyOutput { policy: Some(policy) })
    }

    pub(super) fn delete_bucket_policy(
        &self,
        request: &S3Request<dto::DeleteBucketPolicyInput>,
    ) -> S3Result<()> {
        let (asking, input) = (asking(request)?, &request.input);
        let named = (input.bucket.as_str(), input.expected_bucket_owner.as_ref());
        let bucket = self.policy_of(&asking, "s3:DeleteBucketPolicy", named)?;
        bucket.configure(|settings| {
            settings.facts.policy = None;
            settings.policy = None;
        })
    }

    pub(super) fn get_bucket_policy_status(
        &self,
        request: &S3Request<GetBucketPolicyStatusInput>,
    ) -> S3Result<GetBucketPolicyStatusOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        let named = (input.bucket.as_str(), input.expected_bucket_owner.as_ref());
        let bucket = self.policy_of(&asking, "s3:GetBucketPolicyStatus", named)?;
        let settings = bucket.settings();
        let policy = settings.policy.as_ref().ok_or_else(no_policy)?;
        Ok(GetBucketPolicyStatusOutput {
            policy_status: Some(dto::PolicyStatus {
                is_public: Some(access::is_public(policy)),
            }),
        })
    }

    /// A bucket whose policy the caller may touch: only ever its owner's account, or a mistake could lock it out.
    fn policy_of(
        &self,
        asking: &Asking,
        action: &str,
        (bucket, expected_owner): (&str, Option<&String>),
    ) -> S3Result<Arc<Bucket>> {
        let found = self.permitted(asking, bucket, Ask::bucket(action, expected_owner))?;
        if found.settings().facts.owner != asking.caller.account {
            return Err(S3Error::new(S3ErrorCode::MethodNotAllowed));
        }
        Ok(found)
    }
}

/// A bucket's policy speaks of that bucket, by its name or a pattern of it.
fn check_resources(document: &Document, bucket: &str) -> S3Result<()> {
    let fits = |arn: &String| {
        let named = arn.strip_prefix("arn:aws:s3:::").unwrap_or(arn);
        let named = named.split('/').next().unwrap_or_default();
        named.contains("${") || glob(named, bucket)
    };
    let arns = document
        .statements
        .iter()
        .flat_map(|statement| match &statement.resources {
            Some(Element::Is(arns) | Element::Not(arns)) => arns.as_slice(),
            None => &[],
        });
    if arns.into_iter().all(fits) {
        return Ok(());
    }
    Err(refused(
        S3ErrorCode::MalformedPolicy,
        "Policy has invalid resource",
    ))
}

fn no_policy() -> S3Error {
    refused(
        S3ErrorCode::NoSuchBucketPolicy,
        "The bucket policy does not exist",
    )
}
