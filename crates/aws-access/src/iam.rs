//! IAM: reading our own role, and the little that a development world needs to be built.

use aws_config::SdkConfig;
use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum, EvaluationResult, PolicyEvaluationDecisionType};
use percent_encoding::percent_decode_str;

use tenant_model::{
    proof::{Denier, Trial, TrialOutcome},
    simulation::Question,
};

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

/// What the role's own policy and its boundary say to each action of a question, by the policy simulator: allowed only
/// where it is on every resource. The simulator does not know the organisation's policies.
pub(crate) async fn simulate(
    config: &SdkConfig,
    role_arn: &str,
    question: &Question,
) -> Result<Vec<Trial>, AwsError> {
    let entries = question.context.iter().map(|(key, value)| {
        ContextEntry::builder()
            .context_key_name(key)
            .context_key_type(ContextKeyTypeEnum::String)
            .context_key_values(value)
            .build()
    });
    let actions = question.actions.iter().map(|action| (*action).to_owned());
    let mut pages = aws_sdk_iam::Client::new(config)
        .simulate_principal_policy()
        .policy_source_arn(role_arn)
        .set_action_names(Some(actions.collect()))
        .set_resource_arns(Some(question.resources.clone()))
        .set_context_entries(Some(entries.collect()))
        .into_paginator()
        .items()
        .send();
    let mut results = Vec::new();
    while let Some(result) = pages.next().await {
        results.push(result?);
        if results.len() > RESULTS_MAX {
            return Err(AwsError::incomplete("end of the simulation"));
        }
    }
    let actions = question.actions.iter();
    actions.map(|action| simulated(action, &results)).collect()
}

/// More answers than any question of ours can have.
const RESULTS_MAX: usize = 2_000;

/// One answer out of those for each resource. AWS tells them as results of their own or below one result (API
/// reference, `EvaluationResult`, `ResourceSpecificResults`).
fn simulated(action: &str, results: &[EvaluationResult]) -> Result<Trial, AwsError> {
    let own = || results.iter().filter(|result| result.eval_action_name == action);
    if own().next().is_none() {
        return Err(AwsError::incomplete("evaluation result"));
    }
    let denier = own().find_map(denier);
    Ok(Trial {
        action: action.to_owned(),
        outcome: denier.map_or(TrialOutcome::Allowed, |by| TrialOutcome::Refused { by }),
    })
}

fn denier(result: &EvaluationResult) -> Option<Denier> {
    let below = result.resource_specific_results();
    let allowed = result.eval_decision == PolicyEvaluationDecisionType::Allowed
        && below
            .iter()
            .all(|one| one.eval_resource_decision == PolicyEvaluationDecisionType::Allowed);
    if allowed {
        return None;
    }
    let details = below
        .iter()
        .map(|one| one.permissions_boundary_decision_detail())
        .chain([result.permissions_boundary_decision_detail()]);
    let bounded = details
        .flatten()
        .any(|detail| !detail.allowed_by_permissions_boundary());
    Some(if bounded { Denier::Boundary } else { Denier::Role })
}

/// Whether a role is there. One below `/aws-service-role/` is the role of a service of AWS's.
pub(crate) async fn has_role(config: &SdkConfig, name: &str) -> Result<bool, AwsError> {
    let request = aws_sdk_iam::Client::new(config).get_role().role_name(name);
    match request.send().await.map_err(AwsError::from) {
        Ok(_) => Ok(true),
        Err(error) if error.kind == AwsErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
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

    /// A managed policy's document in force as JSON text, as an administrator of the account of these settings.
    ///
    /// # Errors
    /// Any failure of IAM.
    pub async fn policy_document(&self, policy_arn: &str) -> Result<String, AwsError> {
        let iam = aws_sdk_iam::Client::new(&self.reads());
        let found = iam.get_policy().policy_arn(policy_arn).send().await?;
        let version = found.policy.and_then(|policy| policy.default_version_id);
        let version = version.ok_or_else(|| AwsError::incomplete("default version"))?;
        let request = iam
            .get_policy_version()
            .policy_arn(policy_arn)
            .version_id(version);
        let document = request
            .send()
            .await?
            .policy_version
            .and_then(|version| version.document);
        let document = document.ok_or_else(|| AwsError::incomplete("document"))?;
        Ok(percent_decode_str(&document).decode_utf8_lossy().into_owned())
    }

    /// Asks the policy simulator about a role, as an administrator of the account of these settings.
    ///
    /// # Errors
    /// Any failure of IAM.
    pub async fn simulate_role(&self, role_arn: &str, question: &Question) -> Result<Vec<Trial>, AwsError> {
        simulate(&self.reads(), role_arn, question).await
    }

    /// Makes a key for encryption, as an administrator of the account of these settings, and returns its ARN.
    ///
    /// # Errors
    /// Any failure of KMS.
    pub async fn make_key(&self) -> Result<String, AwsError> {
        crate::keys::make(&one_attempt(&self.reads())).await
    }

    /// Disables a key, as an administrator of the account of these settings.
    ///
    /// # Errors
    /// Any failure of KMS.
    pub async fn disable_key(&self, key: &str) -> Result<(), AwsError> {
        crate::keys::disable(&one_attempt(&self.reads()), key).await
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
