//! IAM: reading our own role, and the little that a development world needs to be built.

use aws_config::SdkConfig;
use percent_encoding::percent_decode_str;

use crate::{Aws, AwsError, AwsErrorKind, settings::one_attempt};

/// The role's trust policy as JSON text. IAM returns it percent-encoded (API reference, `Role`).
pub(crate) async fn trust_policy(config: &SdkConfig, role_name: &str) -> Result<String, AwsError> {
    let reply = aws_sdk_iam::Client::new(config)
        .get_role()
        .role_name(role_name)
        .send()
        .await?;
    let document = reply
        .role
        .and_then(|role| role.assume_role_policy_document)
        .ok_or_else(|| AwsError::incomplete("trust policy"))?;
    let text = percent_decode_str(&document).decode_utf8_lossy();
    Ok(text.into_owned())
}

/// A role to make: its path, name and documents.
#[derive(Clone, Debug)]
pub struct NewRole<'a> {
    /// Path with both slashes, `/` or `/tenantry/`.
    pub path: &'a str,
    /// Name in the account.
    pub name: &'a str,
    /// Who may assume it, as JSON.
    pub trust_policy: &'a str,
    /// What it may do, as JSON.
    pub permissions: &'a str,
}

impl Aws {
    /// Makes a role in the account of these settings, or brings an existing one to these documents.
    /// Returns its ARN. For development worlds; real roles come from CloudFormation.
    ///
    /// # Errors
    /// Any failure of IAM other than "exists already".
    pub async fn ensure_role(&self, role: &NewRole<'_>) -> Result<String, AwsError> {
        let iam = aws_sdk_iam::Client::new(&one_attempt(&self.reads()));
        let created = iam
            .create_role()
            .path(role.path)
            .role_name(role.name)
            .assume_role_policy_document(role.trust_policy)
            .send()
            .await
            .map_err(AwsError::from);
        match created {
            Ok(_) => {}
            Err(error) if error.kind == AwsErrorKind::Exists => {
                iam.update_assume_role_policy()
                    .role_name(role.name)
                    .policy_document(role.trust_policy)
                    .send()
                    .await?;
            }
            Err(error) => return Err(error),
        }
        iam.put_role_policy()
            .role_name(role.name)
            .policy_name("tenantry")
            .policy_document(role.permissions)
            .send()
            .await?;
        let account = &self.settings().isv_account;
        Ok(format!("arn:aws:iam::{account}:role{}{}", role.path, role.name))
    }
}
