//! What a session may do, by class of step.
//!
//! A session policy can only take away: the role's own policy, with its tag conditions, still
//! decides. So the lists here are the calls of one class of step and nothing more, and together they
//! are what `infra/customer-account/role.yaml` grants; a test compares the two.

use serde_json::json;
use sha2::{Digest, Sha256};

/// Longest session policy in plain text (STS API, `AssumeRole`, parameter `Policy`).
const POLICY_CHARS_MAX: usize = 2048;

/// A group of calls that are made under one session policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StepClass {
    /// Looking.
    Observe,
    /// Making and wiring the network.
    Network,
    /// Making, starting and stopping instances and their address.
    Compute,
    /// Taking down.
    Delete,
    /// Reading our own role.
    Identity,
}

/// Every class, for tests and listings.
pub const STEP_CLASSES: [StepClass; 5] = [
    StepClass::Observe,
    StepClass::Network,
    StepClass::Compute,
    StepClass::Delete,
    StepClass::Identity,
];

impl StepClass {
    /// Stable name, used as a session tag.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Network => "network",
            Self::Compute => "compute",
            Self::Delete => "delete",
            Self::Identity => "identity",
        }
    }

    /// The actions of the class.
    #[must_use]
    pub fn actions(self) -> &'static [&'static str] {
        match self {
            Self::Observe => OBSERVE,
            Self::Network => NETWORK,
            Self::Compute => COMPUTE,
            Self::Delete => DELETE,
            Self::Identity => &["iam:GetRole", "iam:SimulatePrincipalPolicy"],
        }
    }
}

const OBSERVE: &[&str] = &[
    "ec2:DescribeAddresses",
    "ec2:DescribeImages",
    "ec2:DescribeInstances",
    "ec2:DescribeInternetGateways",
    "ec2:DescribeRegions",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVolumes",
    "ec2:DescribeVpcAttribute",
    "ec2:DescribeVpcs",
];

const NETWORK: &[&str] = &[
    "ec2:AssociateRouteTable",
    "ec2:AttachInternetGateway",
    "ec2:AuthorizeSecurityGroupIngress",
    "ec2:CreateInternetGateway",
    "ec2:CreateRoute",
    "ec2:CreateRouteTable",
    "ec2:CreateSecurityGroup",
    "ec2:CreateSubnet",
    "ec2:CreateTags",
    "ec2:CreateVpc",
    "ec2:ModifyVpcAttribute",
];

const COMPUTE: &[&str] = &[
    "ec2:AllocateAddress",
    "ec2:AssociateAddress",
    "ec2:CreateTags",
    "ec2:RunInstances",
    "ec2:StartInstances",
    "ec2:StopInstances",
];

const DELETE: &[&str] = &[
    "ec2:DeleteInternetGateway",
    "ec2:DeleteRouteTable",
    "ec2:DeleteSecurityGroup",
    "ec2:DeleteSubnet",
    "ec2:DeleteVpc",
    "ec2:DetachInternetGateway",
    "ec2:DisassociateAddress",
    "ec2:DisassociateRouteTable",
    "ec2:ReleaseAddress",
    "ec2:TerminateInstances",
];

/// A policy document sent with `AssumeRole`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionPolicy {
    json: String,
}

impl SessionPolicy {
    /// The calls of one class, in one region.
    #[must_use]
    pub fn for_class(class: StepClass, region: &str) -> Self {
        let mut statement = json!({
            "Effect": "Allow",
            "Action": class.actions(),
            "Resource": "*",
        });
        match class {
            // IAM is not regional: its calls are signed for one fixed region.
            StepClass::Identity => {}
            StepClass::Observe | StepClass::Network | StepClass::Compute | StepClass::Delete => {
                statement["Condition"] = json!({"StringEquals": {"aws:RequestedRegion": region}});
            }
        }
        Self::new(&json!({"Version": "2012-10-17", "Statement": [statement]}))
    }

    /// Exactly these actions, anywhere: for asking about calls that the role itself has to refuse.
    #[must_use]
    pub fn for_actions(actions: &[&str]) -> Self {
        let statement = json!({"Effect": "Allow", "Action": actions, "Resource": "*"});
        Self::new(&json!({"Version": "2012-10-17", "Statement": [statement]}))
    }

    /// Nothing at all: a probe that is let in by mistake holds powerless credentials.
    #[must_use]
    pub fn deny_all() -> Self {
        let statement = json!({"Effect": "Deny", "Action": "*", "Resource": "*"});
        Self::new(&json!({"Version": "2012-10-17", "Statement": [statement]}))
    }

    fn new(document: &serde_json::Value) -> Self {
        let json = document.to_string();
        debug_assert!(json.len() <= POLICY_CHARS_MAX, "session policy too long");
        Self { json }
    }

    /// The document.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }

    /// SHA-256 of the document: part of the key under which a session is kept.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.json.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_fits_the_limit_of_a_session_policy() {
        for class in STEP_CLASSES {
            let policy = SessionPolicy::for_class(class, "ap-southeast-1");
            assert!(policy.json().len() <= POLICY_CHARS_MAX * 8 / 10, "{class:?}");
        }
    }

    #[test]
    fn the_customers_template_grants_exactly_the_actions_of_the_classes() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../infra/customer-account/role.yaml"
        );
        let template = std::fs::read_to_string(path).expect("the template is in the repository");
        let mut granted: Vec<&str> = template
            .lines()
            .map(|line| line.trim().trim_start_matches("- "))
            .filter(|word| word.starts_with("ec2:") || word.starts_with("iam:"))
            .filter(|word| !word.contains(' ') && !word.ends_with(':'))
            .collect();
        let mut needed: Vec<&str> = STEP_CLASSES
            .iter()
            .flat_map(|class| class.actions())
            .copied()
            .collect();
        for list in [&mut granted, &mut needed] {
            list.sort_unstable();
            list.dedup();
        }
        assert_eq!(granted, needed);
    }
}
