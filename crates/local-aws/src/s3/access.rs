//! Block Public Access, and what S3 calls public.
//!
//! Sources: API_PutPublicAccessBlock; S3 user guide, "Blocking public access to your Amazon S3 storage".

use http::StatusCode;
use s3s::dto::{
    self, DeletePublicAccessBlockInput, GetPublicAccessBlockInput, GetPublicAccessBlockOutput,
    PublicAccessBlockConfiguration, PutPublicAccessBlockInput,
};
use s3s::{S3Request, S3Result};

use super::bucket::Settings;
use super::gate::asking;
use super::refusal::{refused, unlisted};
use super::{Ask, S3State};
use crate::iam::policy::{Document, Element};

/// Conditions that hold a policy to somebody known; user guide, "The meaning of public".
const NARROWING_KEYS: [&str; 12] = [
    "aws:sourceip",
    "aws:sourcearn",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourceowner",
    "aws:sourceaccount",
    "aws:userid",
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principalorgid",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
];

/// What a new bucket has: everything blocked.
pub(super) fn all_blocked() -> PublicAccessBlockConfiguration {
    PublicAccessBlockConfiguration {
        block_public_acls: Some(true),
        block_public_policy: Some(true),
        ignore_public_acls: Some(true),
        restrict_public_buckets: Some(true),
    }
}

/// Whether the bucket refuses a policy that is public.
pub(super) fn blocks_public_policy(settings: &Settings) -> bool {
    let block = settings.facts.config.public_access.as_ref();
    block.is_some_and(|block| block.block_public_policy == Some(true))
}

/// Whether the bucket's policy is public and therefore only good for the bucket's own account.
pub(super) fn restricts_public(settings: &Settings) -> bool {
    let block = settings.facts.config.public_access.as_ref();
    block.is_some_and(|block| block.restrict_public_buckets == Some(true))
        && settings.policy.as_ref().is_some_and(is_public)
}

/// Whether a policy lets anybody in: it allows everybody and holds them to nothing fixed.
pub(super) fn is_public(policy: &Document) -> bool {
    policy.statements.iter().any(|statement| {
        let everybody = match &statement.principals {
            Some(Element::Is(named)) => named.aws.iter().any(|arn| arn == "*"),
            Some(Element::Not(_)) => true,
            None => false,
        };
        let narrowed = statement.conditions.iter().any(|clause| {
            let known = NARROWING_KEYS.contains(&clause.key.to_ascii_lowercase().as_str());
            known && clause.values.iter().all(|value| is_fixed(value))
        });
        statement.allow && everybody && !narrowed
    })
}

/// A value without a wildcard or a variable, and not the whole internet.
fn is_fixed(value: &str) -> bool {
    !value.starts_with('*') && !value.contains("${") && value != "0.0.0.0/0" && value != "::/0"
}

impl S3State {
    pub(super) fn put_public_access_block(
        &self,
        request: &S3Request<PutPublicAccessBlockInput>,
    ) -> S3Result<()> {
        let (asking, input) = (asking(request)?, &request.input);
        let ask = Ask::bucket(
            "s3:PutBucketPublicAccessBlock",
            input.expected_bucket_owner.as_ref(),
        );
        let bucket = self.permitted(&asking, &input.bucket, ask)?;
        let given = input.public_access_block_configuration.clone();
        let said = |setting: Option<bool>| Some(setting.unwrap_or(false));
        let block = PublicAccessBlockConfiguration {
            block_public_acls: said(given.block_public_acls),
            block_public_policy: said(given.block_public_policy),
            ignore_public_acls: said(given.ignore_public_acls),
            restrict_public_buckets: said(given.restrict_public_buckets),
        };
        bucket.configure(|settings| settings.facts.config.public_access = Some(block))
    }

    pub(super) fn get_public_access_block(
        &self,
        request: &S3Request<GetPublicAccessBlockInput>,
    ) -> S3Result<GetPublicAccessBlockOutput> {
        let (asking, input) = (asking(request)?, &request.input);
        let ask = Ask::bucket(
            "s3:GetBucketPublicAccessBlock",
            input.expected_bucket_owner.as_ref(),
        );
        let settings = self.permitted(&asking, &input.bucket, ask)?.settings();
        let block = settings.facts.config.public_access.clone().ok_or_else(|| {
            unlisted(
                StatusCode::NOT_FOUND,
                "NoSuchPublicAccessBlockConfiguration",
                "The public access block configuration was not found",
            )
        })?;
        Ok(GetPublicAccessBlockOutput {
            public_access_block_configuration: Some(block),
        })
    }

    pub(super) fn delete_public_access_block(
        &self,
        request: &S3Request<DeletePublicAccessBlockInput>,
    ) -> S3Result<()> {
        let (asking, input) = (asking(request)?, &request.input);
        let ask = Ask::bucket(
            "s3:PutBucketPublicAccessBlock",
            input.expected_bucket_owner.as_ref(),
        );
        let bucket = self.permitted(&asking, &input.bucket, ask)?;
        bucket.configure(|settings| settings.facts.config.public_access = None)
    }
}

/// Refuses an access list: a bucket whose owner owns everything in it has none.
pub(super) fn refuse_acl(
    canned: Option<&dto::ObjectCannedACL>,
    grants: [&Option<String>; 4],
) -> S3Result<()> {
    let fits = canned.is_none_or(|acl| acl.as_str() == dto::ObjectCannedACL::BUCKET_OWNER_FULL_CONTROL);
    if fits && grants.into_iter().all(Option::is_none) {
        return Ok(());
    }
    Err(refused(
        s3s::S3ErrorCode::AccessControlListNotSupported,
        "The bucket does not allow ACLs",
    ))
}
