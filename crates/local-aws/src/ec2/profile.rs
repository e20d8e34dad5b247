//! The instance profile of a launch: there, with a role, and allowed to be passed.
//!
//! Source: IAM user guide, "Grant a user permissions to pass a role to an AWS service".

use super::instance::Profile;
use super::request::Request;
use crate::error::AwsError;
use crate::protocol::Params;

/// The profile that the parameters name.
pub(super) fn wanted(_request: &Request<'_>, params: &Params) -> Result<Option<Profile>, AwsError> {
    if params.structure("IamInstanceProfile").is_empty() {
        return Ok(None);
    }
    Err(AwsError::not_implemented("ec2", "instance profiles"))
}
