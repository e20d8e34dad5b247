//! What IAM's policy simulator is asked about a tenant's role.
//!
//! A dry run is the better proof, but most calls name things that are not there yet. For those the simulator answers
//! what the role's policy and its boundary say: every action of [`crate::permissions::NEEDS`] on what it works on must
//! be allowed, and every known way from a role to more than it was given must not. The simulator does not know the
//! organisation's policies, so its "allowed" is shown as simulated and never counts as a dry run.

use crate::permissions::{Grant, NEEDS, STEP_CLASSES, SessionScope, Target, When, condition, grants};

/// Things of the account that never were ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Foreign {
    /// The role itself, which is not ours to change.
    OwnRole,
    /// The role's policies and its boundary.
    OwnPolicy,
    /// A role with more permissions, and the instance profile that hands it to a machine.
    AdminRole,
    /// A person's user and a group of people.
    People,
    /// A machine, its disk and its address that do not carry the tenant's tag.
    Machine,
    /// A network without the tenant's tag.
    Network,
    /// Whatever else the account holds.
    Elsewhere,
}

/// A way from a role's permissions to more of them, or to what was never ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Escalation {
    /// In the words of a policy.
    pub action: &'static str,
    /// On what.
    pub on: Foreign,
    /// What it would give.
    pub gives: &'static str,
}

const fn way(action: &'static str, on: Foreign, gives: &'static str) -> Escalation {
    Escalation { action, on, gives }
}

/// Must all be denied. Sources: Rhino Security Labs, "AWS IAM Privilege Escalation Methods"; IAM user guide,
/// "Permissions boundaries"; and what a role that deploys machines could do to those of others.
pub const ESCALATIONS: &[Escalation] = &[
    way(
        "iam:AttachRolePolicy",
        Foreign::OwnRole,
        "gives itself another policy",
    ),
    way(
        "iam:DeleteRolePermissionsBoundary",
        Foreign::OwnRole,
        "takes off its boundary",
    ),
    way(
        "iam:DetachRolePolicy",
        Foreign::OwnRole,
        "takes off a policy that denies",
    ),
    way(
        "iam:PutRolePermissionsBoundary",
        Foreign::OwnRole,
        "puts on a wider boundary",
    ),
    way("iam:PutRolePolicy", Foreign::OwnRole, "writes itself a policy"),
    way(
        "iam:UpdateAssumeRolePolicy",
        Foreign::OwnRole,
        "lets somebody else in",
    ),
    way("iam:UpdateRole", Foreign::OwnRole, "lengthens its own sessions"),
    way(
        "iam:CreatePolicyVersion",
        Foreign::OwnPolicy,
        "rewrites its own policy",
    ),
    way(
        "iam:DeletePolicyVersion",
        Foreign::OwnPolicy,
        "removes a version that denies",
    ),
    way(
        "iam:SetDefaultPolicyVersion",
        Foreign::OwnPolicy,
        "goes back to a wider version",
    ),
    way(
        "iam:AddRoleToInstanceProfile",
        Foreign::AdminRole,
        "hands another role to a machine",
    ),
    way(
        "iam:CreateRole",
        Foreign::AdminRole,
        "makes a role without a boundary",
    ),
    way(
        "iam:PassRole",
        Foreign::AdminRole,
        "starts a machine with an administrator's role",
    ),
    way("sts:AssumeRole", Foreign::AdminRole, "becomes another role"),
    way(
        "iam:AddUserToGroup",
        Foreign::People,
        "joins a group of administrators",
    ),
    way("iam:AttachGroupPolicy", Foreign::People, "widens a group"),
    way("iam:AttachUserPolicy", Foreign::People, "widens a user"),
    way("iam:CreateAccessKey", Foreign::People, "takes keys of a user"),
    way(
        "iam:CreateLoginProfile",
        Foreign::People,
        "sets a password for a user",
    ),
    way("iam:CreateUser", Foreign::People, "makes a user that stays"),
    way(
        "iam:PutGroupPolicy",
        Foreign::People,
        "writes a policy for a group",
    ),
    way("iam:PutUserPolicy", Foreign::People, "writes a policy for a user"),
    way(
        "iam:UpdateLoginProfile",
        Foreign::People,
        "changes a user's password",
    ),
    way(
        "ec2:AssociateIamInstanceProfile",
        Foreign::Machine,
        "gives a machine another role",
    ),
    way("ec2:CreateSnapshot", Foreign::Machine, "copies a disk of yours"),
    way(
        "ec2:CreateTags",
        Foreign::Machine,
        "tags what is yours as ours, and then changes it",
    ),
    way(
        "ec2:GetPasswordData",
        Foreign::Machine,
        "reads a machine's password",
    ),
    way(
        "ec2:ModifyInstanceAttribute",
        Foreign::Machine,
        "runs its own program on a machine of yours",
    ),
    way(
        "ec2:ModifySnapshotAttribute",
        Foreign::Machine,
        "shares a disk with another account",
    ),
    way(
        "ec2:ReleaseAddress",
        Foreign::Machine,
        "gives away an address of yours",
    ),
    way(
        "ec2:ReplaceIamInstanceProfileAssociation",
        Foreign::Machine,
        "swaps a machine's role",
    ),
    way("ec2:StopInstances", Foreign::Machine, "stops a machine of yours"),
    way(
        "ec2:TerminateInstances",
        Foreign::Machine,
        "ends a machine of yours",
    ),
    way(
        "ssm:SendCommand",
        Foreign::Machine,
        "runs commands on a machine of yours",
    ),
    way(
        "ssm:StartSession",
        Foreign::Machine,
        "opens a shell on a machine of yours",
    ),
    way(
        "ec2:AuthorizeSecurityGroupIngress",
        Foreign::Network,
        "opens a network of yours",
    ),
    way(
        "ec2:CreateRoute",
        Foreign::Network,
        "leads your traffic elsewhere",
    ),
    way(
        "ec2:CreateVpcPeeringConnection",
        Foreign::Network,
        "joins your network to another",
    ),
    way("ec2:DeleteVpc", Foreign::Network, "takes down a network of yours"),
    way(
        "cloudformation:CreateStack",
        Foreign::Elsewhere,
        "lets CloudFormation do it",
    ),
    way(
        "cloudtrail:StopLogging",
        Foreign::Elsewhere,
        "switches off your log",
    ),
    way(
        "glue:CreateDevEndpoint",
        Foreign::Elsewhere,
        "takes a role through Glue",
    ),
    way("kms:Decrypt", Foreign::Elsewhere, "reads what your keys protect"),
    way(
        "lambda:CreateFunction",
        Foreign::Elsewhere,
        "takes a role through Lambda",
    ),
    way(
        "lambda:UpdateFunctionCode",
        Foreign::Elsewhere,
        "changes a function of yours",
    ),
    way("s3:GetObject", Foreign::Elsewhere, "reads your objects"),
    way(
        "sagemaker:CreateNotebookInstance",
        Foreign::Elsewhere,
        "takes a role through SageMaker",
    ),
    way(
        "secretsmanager:GetSecretValue",
        Foreign::Elsewhere,
        "reads your secrets",
    ),
];

/// Every kind, in the order asked.
const FOREIGN: [Foreign; 7] = [
    Foreign::OwnRole,
    Foreign::OwnPolicy,
    Foreign::AdminRole,
    Foreign::People,
    Foreign::Machine,
    Foreign::Network,
    Foreign::Elsewhere,
];

/// One call of the simulator: each action on each resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// In the words of a policy.
    pub actions: Vec<&'static str>,
    /// ARNs, or `*`.
    pub resources: Vec<String>,
    /// Keys of conditions with their values.
    pub context: Vec<(String, String)>,
}

/// Whose role is asked about, and where it would work.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Tenant, account and region.
    pub scope: SessionScope<'a>,
    /// The role.
    pub role_arn: &'a str,
}

/// What must be allowed, but for the actions that were `tried_out` by dry run.
#[must_use]
pub fn needed(asked: &Asked<'_>, tried_out: &[&str]) -> Vec<Question> {
    let questions = grants(NEEDS).into_iter().map(|grant| Question {
        context: context(grant.when, asked),
        resources: examples(&grant, asked),
        actions: without(grant.actions, tried_out),
    });
    questions
        .filter(|question| !question.actions.is_empty())
        .collect()
}

fn without(mut actions: Vec<&'static str>, tried_out: &[&str]) -> Vec<&'static str> {
    actions.retain(|action| !tried_out.contains(action));
    actions
}

fn examples(grant: &Grant, asked: &Asked<'_>) -> Vec<String> {
    grant
        .targets
        .iter()
        .map(|target| example(*target, asked))
        .collect()
}

/// A thing of the kind, as a policy's resource is matched with.
fn example(target: Target, asked: &Asked<'_>) -> String {
    let SessionScope { account, region, .. } = asked.scope;
    match target {
        Target::Any => "*".to_owned(),
        // Every kind is meant; one stands for all, because the policy names none.
        Target::Ec2("*") => format!("arn:aws:ec2:{region}:{account}:vpc/*"),
        Target::Ec2(kind) => format!("arn:aws:ec2:{region}:{account}:{kind}/*"),
        Target::Of(service, end) => format!("arn:aws:{service}:{region}:{account}:{}", end.replace('*', "x")),
        Target::Image => format!("arn:aws:ec2:{region}::image/*"),
        Target::OwnRole => asked.role_arn.to_owned(),
        Target::LinkedRoles | Target::ServiceRoles => format!(
            "arn:aws:iam::{account}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
        ),
    }
}

/// What makes the condition hold: of several values the first, of a pattern what it is a pattern of.
fn context(when: When, asked: &Asked<'_>) -> Vec<(String, String)> {
    let tenant = asked.scope.tenant_id.to_string();
    let holds = condition(when, &tenant, &STEP_CLASSES);
    let keys = holds.as_object().into_iter().flatten();
    keys.filter_map(|(key, value)| {
        let first = value.as_array().and_then(|values| values.first());
        let value = first.unwrap_or(value).as_str()?;
        Some((key.clone(), value.replace('*', asked.scope.region)))
    })
    .collect()
}

/// What must be denied. One resource for each question: an action that is allowed on any of them is allowed.
#[must_use]
pub fn forbidden(asked: &Asked<'_>) -> Vec<Question> {
    FOREIGN
        .into_iter()
        .flat_map(|on| questions_about(on, asked))
        .collect()
}

fn questions_about(on: Foreign, asked: &Asked<'_>) -> Vec<Question> {
    let ways = ESCALATIONS.iter().filter(|way| way.on == on);
    let actions: Vec<_> = ways.map(|way| way.action).collect();
    let resources = foreign(on, asked).into_iter();
    resources
        .map(|resource| Question {
            actions: actions.clone(),
            resources: vec![resource],
            context: foreign_context(on, asked),
        })
        .collect()
}

fn foreign(on: Foreign, asked: &Asked<'_>) -> Vec<String> {
    let SessionScope { account, region, .. } = asked.scope;
    let iam = |name: &str| format!("arn:aws:iam::{account}:{name}");
    let ec2 = |name: &str| format!("arn:aws:ec2:{region}:{account}:{name}");
    match on {
        Foreign::OwnRole => vec![asked.role_arn.to_owned()],
        Foreign::OwnPolicy => POLICIES.map(|end| policy_arn(asked, end)).into(),
        Foreign::AdminRole => vec![iam("role/Administrator"), iam("instance-profile/Administrator")],
        Foreign::People => vec![iam("user/administrator"), iam("group/administrators")],
        Foreign::Machine => vec![
            ec2("instance/i-0aaaaaaaaaaaaaaaa"),
            ec2("volume/vol-0aaaaaaaaaaaaaaaa"),
        ],
        Foreign::Network => vec![
            ec2("vpc/vpc-0aaaaaaaaaaaaaaaa"),
            ec2("security-group/sg-0aaaaaaaaaaaaaaaa"),
        ],
        Foreign::Elsewhere => vec!["*".to_owned()],
    }
}

/// Ends of the names of the template's policies, which are named after the role.
pub const POLICIES: [&str; 4] = ["reading", "permissions", "services", "boundary"];

fn policy_arn(asked: &Asked<'_>, end: &str) -> String {
    let name = asked.role_arn.rsplit('/').next().unwrap_or_default();
    format!(
        "arn:aws:iam::{}:policy/tenantry/{name}-{end}",
        asked.scope.account
    )
}

/// What makes a call look as harmless as it can.
fn foreign_context(on: Foreign, asked: &Asked<'_>) -> Vec<(String, String)> {
    let entry = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    match on {
        Foreign::AdminRole => vec![entry("iam:PassedToService", "ec2.amazonaws.com")],
        Foreign::Machine | Foreign::Network => {
            let tenant = asked.scope.tenant_id.to_string();
            vec![entry("aws:RequestTag/tenantry:tenant", &tenant)]
        }
        Foreign::OwnRole | Foreign::OwnPolicy | Foreign::People | Foreign::Elsewhere => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::ids::TenantId;

    const ROLE: &str = "arn:aws:iam::222222222222:role/tenantry/tenantry-x";

    fn asked() -> Asked<'static> {
        Asked {
            scope: SessionScope {
                tenant_id: TenantId::from_uuid(uuid::Uuid::from_u128(7)),
                account: "222222222222",
                region: "eu-central-1",
            },
            role_arn: ROLE,
        }
    }

    fn actions(questions: &[Question]) -> BTreeSet<&'static str> {
        questions
            .iter()
            .flat_map(|question| question.actions.clone())
            .collect()
    }

    #[test]
    fn every_action_of_ours_is_asked_about_unless_a_dry_run_said_it_already() {
        let all: BTreeSet<_> = NEEDS.iter().map(|need| need.action).collect();
        assert_eq!(actions(&needed(&asked(), &[])), all);
        let rest = actions(&needed(&asked(), &["ec2:CreateVpc"]));
        assert!(!rest.contains("ec2:CreateVpc"));
        assert_eq!(rest.len(), all.len() - 1);
    }

    #[test]
    fn an_action_is_asked_about_on_everything_that_it_touches() {
        let run = needed(&asked(), &[]).into_iter();
        let run: Vec<_> = run
            .filter(|question| question.actions.contains(&"ec2:RunInstances"))
            .collect();
        let touched: usize = run.iter().map(|question| question.resources.len()).sum();
        let declared = NEEDS
            .iter()
            .find(|need| need.action == "ec2:RunInstances")
            .map(|need| need.on.len());
        assert_eq!(Some(touched), declared);
    }

    #[test]
    fn every_known_way_is_asked_about_by_one_resource_at_a_time() {
        let questions = forbidden(&asked());
        assert_eq!(actions(&questions).len(), ESCALATIONS.len(), "each stands once");
        assert!(ESCALATIONS.len() >= 25);
        assert!(questions.iter().all(|question| question.resources.len() == 1));
    }
}
