//! Buckets: creating, listing and deleting.
//!
//! Names are global: one that another account holds is taken. Sources: API_CreateBucket, API_HeadBucket,
//! API_ListBuckets, API_DeleteBucket; S3 user guide, "General purpose bucket naming rules".

use std::sync::Arc;

use s3s::dto::{
    self, CreateBucketInput, CreateBucketOutput, DeleteBucketInput, GetBucketLocationInput,
    GetBucketLocationOutput, HeadBucketInput, HeadBucketOutput, ListBucketsInput, ListBucketsOutput,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result};

use super::access::all_blocked;
use super::bucket::{Bucket, no_bucket};
use super::facts::{BucketConfig, BucketFacts, ObjectLock, Versioning};
use super::gate::asking;
use super::reading::timestamp;
use super::refusal::{access_denied, internal, invalid_argument, refused, unlisted};
use super::{Ask, Asking, S3State};
use crate::iam::policy::Question;

/// Most buckets of an account; the quota before an increase.
const BUCKETS_PER_ACCOUNT_MAX: usize = 10_000;

impl S3State {
    pub(super) fn create_bucket(
        &self,
        request: &S3Request<CreateBucketInput>,
    ) -> S3Result<CreateBucketOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        let resource = format!("arn:aws:s3:::{}", input.bucket);
        self.permit_account(&asking, "s3:CreateBucket", &resource)?;
        let facts = self.new_bucket(&asking, input)?;
        let location = Some(format!("/{}", input.bucket));
        let mut buckets = self.buckets_mut();
        if let Some(existing) = buckets.get(&input.bucket) {
            return taken(existing, &facts).map(|()| CreateBucketOutput { location });
        }
        let of_account = |bucket: &&Arc<Bucket>| bucket.settings().facts.owner == facts.owner;
        if buckets.values().filter(of_account).count() >= BUCKETS_PER_ACCOUNT_MAX {
            return Err(refused(
                S3ErrorCode::TooManyBuckets,
                "You have attempted to create more buckets than allowed",
            ));
        }
        let directory = self.directory.as_ref().map(|root| root.join(&input.bucket));
        let bucket = Bucket::create(facts, directory).map_err(internal)?;
        buckets.insert(input.bucket.clone(), Arc::new(bucket));
        Ok(CreateBucketOutput { location })
    }

    fn new_bucket(&self, asking: &Asking, input: &CreateBucketInput) -> S3Result<BucketFacts> {
        check_name(&input.bucket)?;
        refuse_acls(input)?;
        let locks = input.object_lock_enabled_for_bucket.unwrap_or_default();
        Ok(BucketFacts {
            name: input.bucket.clone(),
            owner: asking.caller.account.clone(),
            region: region(input, &asking.region)?,
            created_at: self.now(),
            created_by: asking.caller.principal_arn.clone(),
            policy: None,
            config: BucketConfig {
                // Object Lock brings versioning with it.
                versioning: locks.then_some(Versioning::Enabled),
                object_lock: locks.then_some(ObjectLock { default: None }),
                public_access: Some(all_blocked()),
                ..BucketConfig::default()
            },
        })
    }

    /// Asks for what is done to the account rather than to a bucket that is there.
    fn permit_account(&self, asking: &Asking, action: &str, resource: &str) -> S3Result<()> {
        let question = Question {
            action,
            resource,
            context: &asking.context,
        };
        self.core
            .authorize_on(&asking.caller, &question, None)
            .map_err(|denied| access_denied(denied.message().to_owned()))
    }

    pub(super) fn head_bucket(&self, request: &S3Request<HeadBucketInput>) -> S3Result<HeadBucketOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        let ask = Ask::bucket("s3:ListBucket", input.expected_bucket_owner.as_ref());
        let settings = self.permitted(&asking, &input.bucket, ask)?.settings();
        Ok(HeadBucketOutput {
            bucket_region: Some(settings.facts.region.clone()),
            ..HeadBucketOutput::default()
        })
    }

    pub(super) fn get_bucket_location(
        &self,
        request: &S3Request<GetBucketLocationInput>,
    ) -> S3Result<GetBucketLocationOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        let ask = Ask::bucket("s3:GetBucketLocation", input.expected_bucket_owner.as_ref());
        let settings = self.permitted(&asking, &input.bucket, ask)?.settings();
        let region = settings.facts.region.clone();
        // "Buckets in Region us-east-1 have a LocationConstraint of null."
        let constraint = (region != "us-east-1").then(|| dto::BucketLocationConstraint::from(region));
        Ok(GetBucketLocationOutput {
            location_constraint: constraint,
        })
    }

    pub(super) fn list_buckets(&self, request: &S3Request<ListBucketsInput>) -> S3Result<ListBucketsOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        self.permit_account(&asking, "s3:ListAllMyBuckets", "*")?;
        let (prefix, after) = (
            input.prefix.as_deref().unwrap_or_default(),
            input.continuation_token.as_deref(),
        );
        let limit = page_size(input.max_buckets)?;
        let region = input.bucket_region.as_deref();
        let all = self.buckets();
        let mut own: Vec<_> = all.values().map(|bucket| bucket.settings()).collect();
        own.retain(|settings| {
            let facts = &settings.facts;
            facts.owner == asking.caller.account
                && facts.name.starts_with(prefix)
                && region.is_none_or(|region| facts.region == region)
                && after.is_none_or(|after| facts.name.as_str() > after)
        });
        let more = own.len() > limit;
        own.truncate(limit);
        let last = own.last().filter(|_| more);
        let continuation_token = last.map(|settings| settings.facts.name.clone());
        let buckets = own.iter().map(|settings| dto::Bucket {
            name: Some(settings.facts.name.clone()),
            creation_date: Some(timestamp(settings.facts.created_at)),
            bucket_region: Some(settings.facts.region.clone()),
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
        let ask = Ask::bucket("s3:DeleteBucket", input.expected_bucket_owner.as_ref());
        self.permitted(&asking, &input.bucket, ask)?;
        let mut buckets = self.buckets_mut();
        let bucket = buckets.get(&input.bucket).ok_or_else(no_bucket)?;
        if !bucket.close() {
            let holds_versions = bucket.settings().facts.config.versioning.is_some();
            let message = if holds_versions {
                "The bucket you tried to delete is not empty. You must delete all versions in the bucket."
            } else {
                "The bucket you tried to delete is not empty"
            };
            return Err(refused(S3ErrorCode::BucketNotEmpty, message));
        }
        if let Some(home) = self.directory.as_ref().map(|root| root.join(&input.bucket)) {
            // Its facts go first: a directory without them is swept at the next start.
            std::fs::remove_file(home.join("bucket.json")).map_err(internal)?;
            std::fs::remove_dir_all(home).map_err(internal)?;
        }
        buckets.remove(&input.bucket);
        Ok(())
    }
}

/// A name that is taken: in us-east-1 its owner may create it again to no effect.
fn taken(existing: &Bucket, wanted: &BucketFacts) -> S3Result<()> {
    let settings = existing.settings();
    if settings.facts.owner != wanted.owner {
        return Err(refused(
            S3ErrorCode::BucketAlreadyExists,
            "The requested bucket name is not available. The bucket namespace is shared by all users of the system. \
             Select a different name and try again.",
        ));
    }
    if settings.facts.region == "us-east-1" && wanted.region == "us-east-1" {
        return Ok(());
    }
    Err(refused(
        S3ErrorCode::BucketAlreadyOwnedByYou,
        "Your previous request to create the named bucket succeeded and you already own it.",
    ))
}

fn page_size(given: Option<i32>) -> S3Result<usize> {
    let Some(given) = given else {
        return Ok(BUCKETS_PER_ACCOUNT_MAX);
    };
    let size = usize::try_from(given)
        .ok()
        .filter(|size| (1..=BUCKETS_PER_ACCOUNT_MAX).contains(size));
    size.ok_or_else(|| invalid_argument("Argument max-buckets must be an integer between 1 and 10000"))
}

/// The naming rules that the protocol crate does not hold already.
fn check_name(name: &str) -> S3Result<()> {
    let reserved = ["xn--", "sthree-", "amzn-s3-demo-"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
        || ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"]
            .iter()
            .any(|suffix| name.ends_with(suffix));
    let formed = (3..=63).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte))
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.ends_with(|last: char| last.is_ascii_alphanumeric())
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err();
    if formed && !reserved {
        return Ok(());
    }
    Err(refused(
        S3ErrorCode::InvalidBucketName,
        "The specified bucket is not valid.",
    ))
}

/// A bucket without access lists can only be made private.
fn refuse_acls(input: &CreateBucketInput) -> S3Result<()> {
    let grants = [
        &input.grant_full_control,
        &input.grant_read,
        &input.grant_read_acp,
        &input.grant_write,
        &input.grant_write_acp,
    ];
    let canned = input.acl.as_ref().map(dto::BucketCannedACL::as_str);
    let ownership = input.object_ownership.as_ref().map(dto::ObjectOwnership::as_str);
    let enforced = ownership.is_none_or(|kind| kind == dto::ObjectOwnership::BUCKET_OWNER_ENFORCED);
    if !enforced {
        return Err(super::refusal::not_implemented(
            "buckets with access lists (ACLs)",
        ));
    }
    if canned.is_none_or(|acl| acl == dto::BucketCannedACL::PRIVATE)
        && grants.into_iter().all(Option::is_none)
    {
        return Ok(());
    }
    Err(unlisted(
        http::StatusCode::BAD_REQUEST,
        "InvalidBucketAclWithObjectOwnership",
        "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
    ))
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
