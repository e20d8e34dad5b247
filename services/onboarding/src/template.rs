//! The customer's template under the hash of its content: what somebody has reviewed is what runs.
//!
//! The address in a quick-create link ends in the hash, so an address never changes its content, and a new template
//! has a new address. `tenantry publish-template` puts it there before a release is rolled out.

use aws_access::AwsError;
use aws_access::s3::{Bucket, Put};
use bytes::Bytes;
use tenant_model::export::Sha256Hex;

/// What a customer's administrator reads and creates; the same file is linted and deployed in tests.
pub const ROLE_TEMPLATE: &str = include_str!("../../../infra/customer-account/role.yaml");

/// SHA-256 of the template.
#[must_use]
pub fn template_hash() -> Sha256Hex {
    Sha256Hex::of(ROLE_TEMPLATE.as_bytes())
}

/// Where the template lies below a base address, and its key in a bucket.
#[must_use]
pub fn template_key() -> String {
    format!("customer-account/{}/role.yaml", template_hash())
}

/// Writes the template under its hash, unless it is there.
///
/// # Errors
/// Any failure of S3 other than that the object is there: then its content is the same.
pub async fn publish(bucket: &Bucket) -> Result<Put, AwsError> {
    let content = Bytes::from_static(ROLE_TEMPLATE.as_bytes());
    bucket
        .put_if_absent(&template_key(), content, &template_hash())
        .await
}
