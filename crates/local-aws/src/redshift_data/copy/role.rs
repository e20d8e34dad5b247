//! The role that COPY reads S3 with.
//!
//! It must exist and let Redshift assume it; what it may read is then asked of its policies, as for any caller.
//! Source: management guide, "Authorizing Amazon Redshift to access AWS services on your behalf".

use super::load::CopyError;
use crate::auth::{Caller, RoleSession};
use crate::core::Core;
use crate::iam::policy::Document;

const SERVICES: [&str; 2] = ["redshift.amazonaws.com", "redshift-serverless.amazonaws.com"];

/// The caller that a COPY of this account becomes.
pub(super) fn assume(core: &Core, account: &str, role_arn: &str) -> Result<Caller, CopyError> {
    let refused = || CopyError::new(format!("Not authorized to get credentials of role {role_arn}"));
    let role = core.assumable_role(role_arn).ok_or_else(refused)?;
    let own = role_arn.split(':').nth(4) == Some(account);
    if !own || !trusts_redshift(&role.trust) {
        return Err(refused());
    }
    let now = core.clock.now();
    let session = RoleSession::plain(&role.arn, &role.id, "RedshiftIamRoleSession", now);
    Ok(Caller::in_session(account, session))
}

fn trusts_redshift(trust: &Document) -> bool {
    let text: serde_json::Value = serde_json::from_str(&trust.text).unwrap_or_default();
    let statements = match &text["Statement"] {
        serde_json::Value::Array(statements) => statements.clone(),
        statement => vec![statement.clone()],
    };
    statements.iter().any(|statement| {
        let named = &statement["Principal"]["Service"];
        let names = |service: &str| {
            named == service
                || named
                    .as_array()
                    .is_some_and(|list| list.iter().any(|one| one == service))
        };
        statement["Effect"] == "Allow" && SERVICES.into_iter().any(names)
    })
}
