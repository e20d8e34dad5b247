//! The principal behind a verified key.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::iam::policy::Document;
use crate::tags::Tags;

/// Who makes a call. Built by the key ring only.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The twelve digits of the account the call acts in.
    pub(crate) account: String,
    /// The caller's own ARN: the account's root, `arn:aws:iam::…:user/name`, or
    /// `arn:aws:sts::…:assumed-role/role/session`.
    pub(crate) principal_arn: String,
    /// The role session, absent for root and users.
    pub(crate) session: Option<RoleSession>,
    /// The IAM user whose access key signed, absent for root and sessions.
    pub(crate) user: Option<UserIdentity>,
}

/// The IAM user behind an access key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UserIdentity {
    pub(crate) arn: String,
    /// The unique id, `AIDA…`: a user made again under the same name is another one.
    pub(crate) id: String,
    pub(crate) name: String,
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
    pub(crate) tags: Tags,
    /// Keys that go on to sessions made from this one.
    pub(crate) transitive_tag_keys: Vec<String>,
    pub(crate) source_identity: Option<String>,
    /// Limits the session beside the role's own policies.
    pub(crate) policy: Option<Document>,
    /// Managed policies that limit it too, in the role's account.
    #[serde(default)]
    pub(crate) policy_arns: Vec<String>,
    pub(crate) issued_at: DateTime<Utc>,
}

impl RoleSession {
    /// A session of a role without tags, policies or source identity: what a service makes for itself.
    pub(crate) fn plain(role_arn: &str, role_id: &str, session_name: &str, issued_at: DateTime<Utc>) -> Self {
        Self {
            role_arn: role_arn.to_owned(),
            role_id: role_id.to_owned(),
            session_name: session_name.to_owned(),
            tags: Tags::new(),
            transitive_tag_keys: Vec::new(),
            source_identity: None,
            policy: None,
            policy_arns: Vec::new(),
            issued_at,
        }
    }
}

impl Caller {
    pub(crate) fn root(account: &str) -> Self {
        Self {
            account: account.to_owned(),
            principal_arn: format!("arn:aws:iam::{account}:root"),
            session: None,
            user: None,
        }
    }

    /// The holder of a role session in the role's account.
    pub(crate) fn in_session(account: &str, session: RoleSession) -> Self {
        let role_name = session.role_arn.rsplit('/').next().unwrap_or_default();
        Self {
            account: account.to_owned(),
            principal_arn: format!(
                "arn:aws:sts::{account}:assumed-role/{role_name}/{}",
                session.session_name
            ),
            session: Some(session),
            user: None,
        }
    }

    /// An IAM user.
    pub(crate) fn of_user(account: &str, user: UserIdentity) -> Self {
        Self {
            account: account.to_owned(),
            principal_arn: user.arn.clone(),
            session: None,
            user: Some(user),
        }
    }

    /// True for the account's root user, whom no policy of the account limits.
    pub(crate) fn is_root(&self) -> bool {
        self.session.is_none() && self.user.is_none()
    }

    /// The value of `aws:PrincipalArn`: the role's ARN for a session, else the principal's own.
    pub(crate) fn policy_arn(&self) -> &str {
        self.session
            .as_ref()
            .map_or(&self.principal_arn, |session| &session.role_arn)
    }

    /// Session tags, empty for root.
    pub(crate) fn session_tags(&self) -> Tags {
        self.session
            .as_ref()
            .map(|session| session.tags.clone())
            .unwrap_or_default()
    }

    /// The source identity set when the session was made.
    pub(crate) fn source_identity(&self) -> Option<&str> {
        self.session.as_ref()?.source_identity.as_deref()
    }

    /// `aws:userid` and GetCallerIdentity's UserId: `roleid:session`, a user's id, or the account id for root.
    pub(crate) fn user_id(&self) -> String {
        match (&self.session, &self.user) {
            (Some(session), _) => format!("{}:{}", session.role_id, session.session_name),
            (None, Some(user)) => user.id.clone(),
            (None, None) => self.account.clone(),
        }
    }
}
