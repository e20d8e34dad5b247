//! Buckets: creating, listing, deleting, and their policies.
//!
//! Names are global: one that another account holds is taken. Sources: API_CreateBucket, API_HeadBucket,
//! API_ListBuckets, API_DeleteBucket, API_PutBucketPolicy.

use std::sync::Arc;

use s3s::dto::{
    self, CreateBucketInput, CreateBucketOutput, DeleteBucketInput, GetBucketLocationInput,
    GetBucketLocationOutput, GetBucketPolicyInput, GetBucketPolicyOutput, HeadBucketInput, HeadBucketOutput,
    ListBucketsInput, ListBucketsOutput, PutBucketPolicyInput,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result};

use super::facts::BucketFacts;
use super::gate::asking;
use super::reading::timestamp;
use super::{Ask, Bucket, S3State};
use crate::iam::policy::{Document, Question};

/// Most bytes of a bucket's policy.
const POLICY_BYTES_MAX: usize = 20 << 10;
/// Most buckets of an account; the quota before an increase.
const BUCKETS_PER_ACCOUNT_MAX: usize = 10_000;

impl S3State {
    pub(super) fn create_bucket(
        &self,
        request: &S3Request<CreateBucketInput>,
    ) -> S3Result<CreateBucketOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        let resource = format!("arn:aws:s3:::{}", input.bucket);
        let question = Question {
            action: "s3:CreateBucket",
            resource: &resource,
            context: &asking.context,
        };
        let permitted = self.core.authorize_on(&asking.caller, &question, None);
        permitted.map_err(|denied| {
            S3Error::with_message(S3ErrorCode::AccessDenied, denied.message().to_owned())
        })?;
        let region = region(input, &asking.region)?;
        let mut buckets = self.buckets_mut();
        let location = Some(format!("/{}", input.bucket));
        if let Some(existing) = buckets.get(&input.bucket) {
            return if existing.facts().owner == asking.caller.account {
                Err(S3Error::new(S3ErrorCode::BucketAlreadyOwnedByYou))
            } else {
                Err(S3Error::new(S3ErrorCode::BucketAlreadyExists))
            };
        }
        let own = buckets
            .values()
            .filter(|bucket| bucket.facts().owner == asking.caller.account)
            .count();
        if own >= BUCKETS_PER_ACCOUNT_MAX {
            return Err(S3Error::new(S3ErrorCode::TooManyBuckets));
        }
        let facts = BucketFacts {
            name: input.bucket.clone(),
            owner: asking.caller.account.clone(),
            region,
            created_at: self.now(),
            created_by: asking.caller.principal_arn,
            policy: None,
        };
        let directory = self.directory.as_ref().map(|root| root.join(&input.bucket));
        let bucket = Bucket::create(facts, directory).map_err(S3Error::internal_error)?;
        buckets.insert(input.bucket.clone(), Arc::new(bucket));
        Ok(CreateBucketOutput { location })
    }

    pub(super) fn head_bucket(&self, request: &S3Request<HeadBucketInput>) -> S3Result<HeadBucketOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        let expected_owner = input.expected_bucket_owner.as_ref();
        let ask = Ask {
            action: "s3:ListBucket",
            key: None,
            expected_owner,
        };
        let bucket = self.permitted(&asking, &input.bucket, ask)?;
        Ok(HeadBucketOutput {
            bucket_region: Some(bucket.facts().region),
            ..HeadBucketOutput::default()
        })
    }

    pub(super) fn get_bucket_location(
        &self,
        request: &S3Request<GetBucketLocationInput>,
    ) -> S3Result<GetBucketLocationOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        let expected_owner = input.expected_bucket_owner.as_ref();
        let ask = Ask {
            action: "s3:GetBucketLocation",
            key: None,
            expected_owner,
        };
        let region = self.permitted(&asking, &input.bucket, ask)?.facts().region;
        // "Buckets in Region us-east-1 have a LocationConstraint of null."
        let constraint = (region != "us-east-1").then(|| dto::BucketLocationConstraint::from(region));
        Ok(GetBucketLocationOutput {
            location_constraint: constraint,
        })
    }

    pub(super) fn list_buckets(&self, request: &S3Request<ListBucketsInput>) -> S3Result<ListBucketsOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        let question = Question {
            action: "s3:ListAllMyBuckets",
            resource: "*",
            context: &asking.context,
        };
        let permitted = self.core.authorize_on(&asking.caller, &question, None);
        permitted.map_err(|denied| {
            S3Error::with_message(S3ErrorCode::AccessDenied, denied.message().to_owned())
        })?;
        let (prefix, after) = (
            input.prefix.as_deref().unwrap_or_default(),
            input.continuation_token.as_deref(),
        );
        let limit = input
            .max_buckets
            .and_then(|limit| usize::try_from(limit).ok())
            .unwrap_or(BUCKETS_PER_ACCOUNT_MAX);
        let mut own: Vec<_> = self.buckets().values().map(|bucket| bucket.facts()).collect();
        own.retain(|facts| {
            facts.owner == asking.caller.account
                && facts.name.starts_with(prefix)
                && after.is_none_or(|after| facts.name.as_str() > after)
        });
        let more = own.len() > limit;
        own.truncate(limit);
        let continuation_token = own.last().filter(|_| more).map(|facts| facts.name.clone());
        let buckets = own.into_iter().map(|facts| dto::Bucket {
            name: Some(facts.name),
            creation_date: Some(timestamp(facts.created_at)),
            bucket_region: Some(facts.region),
        });
        Ok(ListBucketsOutput {
            buckets: Some(buckets.collect()),
            continuation_token,
            owner: Some(dto::Owner {
                id: Some(asking.caller.account),
                display_name: None,
            }),
            prefix: input.prefix.clone(),
        })
    }

    pub(super) fn delete_bucket(&self, request: &S3Request<DeleteBucketInput>) -> S3Result<()> {
        let (asking, input) = (asking(request)?, &request.input);
        let expected_owner = input.expected_bucket_owner.as_ref();
        self.permitted(
            &asking,
            &input.bucket,
            Ask {
                action: "s3:DeleteBucket",
                key: None,
                expected_owner,
            },
        )?;
        let mut buckets = self.buckets_mut();
        let bucket = buckets
            .get(&input.bucket)
            .ok_or_else(|| S3Error::new(S3ErrorCode::NoSuchBucket))?;
        if !bucket.objects().is_empty() {
            return Err(S3Error::new(S3ErrorCode::BucketNotEmpty));
        }
        if let Some(home) = self.directory.as_ref().map(|root| root.join(&input.bucket)) {
            // Its facts go first: a directory without them is swept at the next start.
            std::fs::remove_file(home.join("bucket.json")).map_err(S3Error::internal_error)?;
            std::fs::remove_dir_all(home).map_err(S3Error::internal_error)?;
        }
        buckets.remove(&input.bucket);
        Ok(())
    }

    pub(super) fn put_bucket_policy(&self, request: &S3Request<PutBucketPolicyInput>) -> S3Result<()> {
        let (asking, input) = (asking(request)?, &request.input);
        let bucket = self.policy_of(
            &asking,
            "s3:PutBucketPolicy",
            (&input.bucket, input.expected_bucket_owner.as_ref()),
        )?;
        if input.policy.len() > POLICY_BYTES_MAX {
            return Err(S3Error::with_message(
                S3ErrorCode::MalformedPolicy,
                "the policy is larger than 20 KB",
            ));
        }
        let document = Document::resource(&input.policy)
            .map_err(|why| S3Error::with_message(S3ErrorCode::MalformedPolicy, why.to_string()))?;
        bucket.set_policy(Some(document)).map_err(S3Error::internal_error)
    }

    pub(super) fn get_bucket_policy(
        &self,
        request: &S3Request<GetBucketPolicyInput>,
    ) -> S3Result<GetBucketPolicyOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        let bucket = self.policy_of(
            &asking,
            "s3:GetBucketPolicy",
            (&input.bucket, input.expected_bucket_owner.as_ref()),
        )?;
        let policy = bucket
            .facts()
            .policy
            .ok_or_else(|| S3Error::new(S3ErrorCode::NoSuchBucketPolicy))?;
        Ok(GetBucketPolicyOutput { policy: Some(policy) })
    }

    pub(super) fn delete_bucket_policy(
        &self,
        request: &S3Request<dto::DeleteBucketPolicyInput>,
    ) -> S3Result<()> {
        let (asking, input) = (asking(request)?, &request.input);
        let expected_owner = input.expected_bucket_owner.as_ref();
        let bucket = self.policy_of(&asking, "s3:DeleteBucketPolicy", (&input.bucket, expected_owner))?;
        bucket.set_policy(None).map_err(S3Error::internal_error)
    }

    /// A bucket whose policy the caller may touch: only ever its owner's account, or a mistake could lock it out.
    fn policy_of(
        &self,
        asking: &super::Asking,
        action: &str,
        (bucket, expected_owner): (&str, Option<&String>),
    ) -> S3Result<Arc<Bucket>> {
        let found = self.permitted(
            asking,
            bucket,
            Ask {
                action,
                key: None,
                expected_owner,
            },
        )?;
        if found.facts().owner != asking.caller.account {
            return Err(S3Error::new(S3ErrorCode::MethodNotAllowed));
        }
        Ok(found)
    }
}

/// The region of a new bucket: the constraint, which must agree with the region called, or that region itself.
fn region(input: &CreateBucketInput, called: &str) -> S3Result<String> {
    let constraint = input
        .create_bucket_configuration
        .as_ref()
        .and_then(|given| given.location_constraint.as_ref());
    let constraint = constraint.map(dto::BucketLocationConstraint::as_str);
    let illegal = |message: &'static str| {
        S3Error::with_message(S3ErrorCode::IllegalLocationConstraintException, message)
    };
    match constraint {
        None if called == "us-east-1" || called.is_empty() => Ok("us-east-1".to_owned()),
        None => Err(illegal(
            "The unspecified location constraint is incompatible for the region specific endpoint",
        )),
        Some(wanted) if called == "us-east-1" || wanted == called => Ok(wanted.to_owned()),
        Some(_) => Err(illegal(
            "The location constraint is incompatible for the region specific endpoint",
        )),
    }
}
