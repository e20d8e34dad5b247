//! IAM: reading our own role, and the little that a development world needs to be built.

use aws_config::SdkConfig;
use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum, PolicyEvaluationDecisionType};
use percent_encoding::percent_decode_str;

use tenant_model::{observation::TAG_TENANT, proof::Denier};

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

/// What the simulator is asked about.
pub(crate) struct Simulation<'a> {
    pub(crate) role_arn: &'a str,
    pub(crate) action: &'a str,
    pub(crate) resource: &'a str,
    /// Value of the tenant's tag, in the request and on the resource.
    pub(crate) tenant: &'a str,
}

/// Whose word stands against an action of a role, by the policy simulator.
pub(crate) async fn denier(config: &SdkConfig, asked: &Simulation<'_>) -> Result<Denier, AwsError> {
    let tagged = |key: &str| {
        ContextEntry::builder()
            .context_key_name(format!("{key}/{TAG_TENANT}"))
            .context_key_type(ContextKeyTypeEnum::String)
            .context_key_values(asked.tenant)
            .build()
    };
    let reply = aws_sdk_iam::Client::new(config)
        .simulate_principal_policy()
        .policy_source_arn(asked.role_arn)
        .action_names(asked.action)
        .resource_arns(asked.resource)
        .context_entries(tagged("aws:RequestTag"))
        .context_entries(tagged("aws:ResourceTag"))
        .send()
        .await?;
    let result = reply
        .evaluation_results()
        .first()
        .ok_or_else(|| AwsError::incomplete("evaluation result"))?;
    let bounded = result
        .permissions_boundary_decision_detail()
        .is_some_and(|detail| !detail.allowed_by_permissions_boundary());
    Ok(if bounded {
        Denier::Boundary
    } else if result.eval_decision == PolicyEvaluationDecisionType::Allowed {
        Denier::Organisation
    } else {
        Denier::Role
    })
}

/// The role of ours whose trust policy asks IAM whether another role exists.
const WITNESS_ROLE: &str = "tenantry-witness";

impl Aws {
    /// Whether a role exists in another account; none when that could not be told.
    ///
    /// STS answers a role that is gone and one that trusts somebody else alike. IAM does not store a policy that
    /// names a principal which does not exist (IAM user guide, "AWS JSON policy elements: Principal"), so we name the
    /// role in a statement of ours that denies. It grants nothing to anybody and needs no credentials of the tenant.
    pub async fn role_exists(&self, role_arn: &str) -> Option<bool> {
        let policy = serde_json::json!({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Deny", "Principal": {"AWS": role_arn}, "Action": "sts:AssumeRole"}],
        });
        let reply = aws_sdk_iam::Client::new(&self.as_broker())
            .update_assume_role_policy()
            .role_name(WITNESS_ROLE)
            .policy_document(policy.to_string())
            .send()
            .await
            .map_err(AwsError::from);
        match reply {
            Ok(_) => Some(true),
            Err(error) if error.code == "MalformedPolicyDocument" && error.message.contains("principal") => {
                Some(false)
            }
            Err(_) => None,
        }
    }
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

    /// Gives a role another trust policy, as an administrator of the account of these settings.
    ///
    /// # Errors
    /// Any failure of IAM, `MalformedPolicyDocument` among them.
    pub async fn change_trust(&self, role_name: &str, trust_policy: &str) -> Result<(), AwsError> {
        aws_sdk_iam::Client::new(&one_attempt(&self.reads()))
            .update_assume_role_policy()
            .role_name(role_name)
            .policy_document(trust_policy)
            .send()
            .await?;
        Ok(())
    }

    /// Puts a permissions boundary of its own on a role, as an administrator of the account of these settings.
    ///
    /// # Errors
    /// Any failure of IAM.
    pub async fn bound_role(&self, role_name: &str, boundary: &str) -> Result<(), AwsError> {
        let iam = aws_sdk_iam::Client::new(&one_attempt(&self.reads()));
        let made = iam
            .create_policy()
            .policy_name(format!("{role_name}-narrower"))
            .policy_document(boundary)
            .send()
            .await?;
        let arn = made.policy.and_then(|policy| policy.arn);
        iam.put_role_permissions_boundary()
            .role_name(role_name)
            .permissions_boundary(arn.ok_or_else(|| AwsError::incomplete("policy ARN"))?)
            .send()
            .await?;
        Ok(())
    }

    /// Takes a role's permissions boundary away, as an administrator of the account of these settings.
    ///
    /// # Errors
    /// Any failure of IAM.
    pub async fn unbound_role(&self, role_name: &str) -> Result<(), AwsError> {
        aws_sdk_iam::Client::new(&one_attempt(&self.reads()))
            .delete_role_permissions_boundary()
            .role_name(role_name)
            .send()
            .await?;
        Ok(())
    }
}
