//! The role that COPY reads S3 with.
//!
//! It must exist and let Redshift assume it; what it may read is then asked of its policies, as for any caller.
//! Source: management guide, "Authorizing Amazon Redshift to access AWS services on your behalf".

use super::load::CopyError;
use crate::auth::Caller;
use crate::core::Core;
use crate::iam::service_role::assumed_by;

const SERVICES: [&str; 2] = ["redshift.amazonaws.com", "redshift-serverless.amazonaws.com"];

/// The caller that a COPY of this account becomes.
pub(super) fn assume(core: &Core, account: &str, role_arn: &str) -> Result<Caller, CopyError> {
    assumed_by(core, (account, role_arn), (&SERVICES, "RedshiftIamRoleSession"))
        .ok_or_else(|| CopyError::new(format!("Not authorized to get credentials of role {role_arn}")))
}
