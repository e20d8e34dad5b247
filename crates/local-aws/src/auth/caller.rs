//! The principal behind a verified key.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::iam::policy::Document;

/// Who makes a call. Built by the key ring only.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The twelve digits of the account the call acts in.
    pub(crate) account: String,
    /// The caller's own ARN: the account's root, or `arn:aws:sts::…:assumed-role/role/session`.
    pub(crate) principal_arn: String,
    /// The role session, absent for an account's root user.
    pub(crate) session: Option<RoleSession>,
}

/// What a role session carries from its AssumeRole on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RoleSession {
    /// The role with its path, the value of `aws:PrincipalArn`.
    pub(crate) role_arn: String,
    /// The role's unique id; a role made again under the same name is another one.
    pub(crate) role_id: String,
    pub(crate) session_name: String,
    /// Session tags, inherited transitive tags included.
    pub(crate) tags: BTreeMap<String, String>,
    /// Keys that go on to sessions made from this one.
    pub(crate) transitive_tag_keys: Vec<String>,
    pub(crate) source_identity: Option<String>,
    /// Limits the session beside the role's own policies.
    pub(crate) policy: Option<Document>,
    pub(crate) issued_at: DateTime<Utc>,
}

impl Caller {
    pub(crate) fn root(account: &str) -> Self {
        Self {
            account: account.to_owned(),
            principal_arn: format!("arn:aws:iam::{account}:root"),
            session: None,
        }
    }

    /// True for the account's root user, whom no policy of the account limits.
    pub(crate) fn is_root(&self) -> bool {
        self.session.is_none()
    }

    /// The value of `aws:PrincipalArn`: the role's ARN for a session, else the principal's own.
    pub(crate) fn policy_arn(&self) -> &str {
        self.session
            .as_ref()
            .map_or(&self.principal_arn, |session| &session.role_arn)
    }

    /// Session tags, empty for root.
    pub(crate) fn session_tags(&self) -> BTreeMap<String, String> {
        self.session
            .as_ref()
            .map(|session| session.tags.clone())
            .unwrap_or_default()
    }

    /// The source identity set when the session was made.
    pub(crate) fn source_identity(&self) -> Option<&str> {
        self.session.as_ref()?.source_identity.as_deref()
    }

    /// `aws:userid` and GetCallerIdentity's UserId: the account id for root, else `roleid:session`.
    pub(crate) fn user_id(&self) -> String {
        let session = self.session.as_ref();
        session.map_or_else(
            || self.account.clone(),
            |session| format!("{}:{}", session.role_id, session.session_name),
        )
    }
}
