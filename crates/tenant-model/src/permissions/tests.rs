use std::collections::BTreeSet;

use super::*;
use crate::ids::TenantId;

const TEMPLATE: &str = include_str!("../../../../infra/customer-account/role.yaml");
/// Behind such a line, and before the next resource, the template is compiled.
const MARK: &str = "          # Compiled from crates/tenant-model/src/permissions; a test holds it.\n";
/// STS API reference, "AssumeRole", parameter `Policy`; a fifth is left for the tags that share the packed size.
const SESSION_CHARS_MAX: usize = 2_048 * 8 / 10;
/// IAM user guide, "IAM and AWS STS quotas": a managed policy, white space not counted.
const MANAGED_CHARS_MAX: usize = 6_144;

fn scope() -> SessionScope<'static> {
    SessionScope {
        tenant_id: TenantId::from_uuid(uuid::Uuid::from_u128(u128::MAX)),
        account: "222222222222",
        region: "ap-southeast-1",
    }
}

#[test]
fn needs_are_sorted_each_once_and_each_in_a_class() {
    let actions: Vec<_> = NEEDS.iter().map(|need| need.action).collect();
    assert!(actions.is_sorted_by(|one, next| one < next), "{actions:?}");
    assert!(
        NEEDS
            .iter()
            .all(|need| !need.classes.is_empty() && !need.on.is_empty())
    );
    for class in STEP_CLASSES {
        assert!(!class.actions().is_empty(), "{class:?}");
    }
}

#[test]
fn what_changes_something_is_bound_to_the_tenants_tag() {
    for need in NEEDS {
        assert!(!need.action.contains('*'), "{}", need.action);
        for (target, when) in need.on {
            let bound = *when != When::Always || *target == Target::Image;
            assert!(
                bound || need.is_look(),
                "{} on {target:?} under no condition",
                need.action
            );
        }
    }
}

#[test]
fn no_action_gets_a_resource_or_a_condition_that_it_does_not_need() {
    let asked: BTreeSet<_> = NEEDS
        .iter()
        .flat_map(|need| need.on.iter().map(|(target, when)| (need.action, *target, *when)))
        .collect();
    let mut given = BTreeSet::new();
    for grant in grants(NEEDS) {
        for action in &grant.actions {
            given.extend(grant.targets.iter().map(|target| (*action, *target, grant.when)));
        }
    }
    assert_eq!(given, asked);
}

#[test]
fn removing_any_one_action_changes_the_template_and_a_session() {
    let whole = PARTS.map(|part| template_statements(part, "")).concat();
    for left_out in NEEDS {
        let rest: Vec<_> = NEEDS.iter().filter(|need| *need != left_out).collect();
        let granted: BTreeSet<_> = grants(rest).into_iter().flat_map(|grant| grant.actions).collect();
        assert!(!granted.contains(left_out.action));
        assert!(
            whole.contains(&format!("- {}\n", left_out.action)),
            "{}",
            left_out.action
        );
        let in_session = STEP_CLASSES.iter().any(|class| {
            session_document(*class, &scope())
                .to_string()
                .contains(left_out.action)
        });
        assert!(in_session, "{}", left_out.action);
    }
}

#[test]
fn every_session_policy_fits_with_room_for_tags() {
    for class in STEP_CLASSES {
        let document = session_document(class, &scope()).to_string();
        assert!(
            document.len() <= SESSION_CHARS_MAX,
            "{class:?}: {} {document}",
            document.len()
        );
    }
}

#[test]
fn a_session_is_bound_to_tenant_account_and_region() {
    for class in STEP_CLASSES {
        let document = session_document(class, &scope());
        for statement in document["Statement"].as_array().expect("statements") {
            let text = statement.to_string();
            let looks =
                class.only_looks() || text.contains("image/*") || text.contains("\"kms:DescribeKey\"");
            // What services do as us is bound to the service instead of the tag.
            let as_us = [
                "iam:AWSServiceName",
                "aws:ViaAWSService",
                "kms:ViaService",
                "tenantry:subnet",
            ];
            let looks = looks || as_us.iter().any(|key| text.contains(key));
            let tagged = text.contains(&scope().tenant_id.to_string());
            assert!(looks || tagged, "{class:?}: {text}");
            assert!(
                class.is_everywhere()
                    || text.contains("iam:AWSServiceName")
                    || text.contains("ap-southeast-1"),
                "{class:?}: {text}"
            );
            assert!(!text.contains("\"Action\":[\"*\"]"), "{text}");
        }
    }
}

/// `RENEW_GUIDE=1 cargo test -p tenant-model` writes the compiled parts of the template anew.
#[test]
fn the_customers_template_is_the_compiled_one() {
    if std::env::var_os("RENEW_GUIDE").is_some() {
        return renew_template();
    }
    let written: Vec<&str> = TEMPLATE.split(MARK).skip(1).collect();
    assert_eq!(written.len(), PARTS.len(), "each part stands behind a mark");
    for (part, written) in PARTS.into_iter().zip(written) {
        let compiled = template_statements(part, "          ");
        assert!(
            written.starts_with(&compiled),
            "{part:?} is not what the steps need; behind its mark the template has to say:\n{compiled}"
        );
        let behind = &written[compiled.len()..];
        assert!(
            !behind.starts_with("          "),
            "something stands behind {part:?}"
        );
        assert!(
            dense(&compiled) <= MANAGED_CHARS_MAX * 19 / 20,
            "{part:?}: {}",
            dense(&compiled)
        );
    }
}

/// A compiled part ends where the indentation does.
fn renew_template() {
    let mut pieces = TEMPLATE.split(MARK);
    let mut renewed = pieces.next().expect("a beginning").to_owned();
    for (part, written) in PARTS.into_iter().zip(pieces) {
        let behind = written
            .split_inclusive('\n')
            .skip_while(|line| line.starts_with("          "));
        renewed += MARK;
        renewed += &template_statements(part, "          ");
        renewed.extend(behind);
    }
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../infra/customer-account/role.yaml"
    );
    std::fs::write(path, renewed).expect("the template can be written");
}

/// Length of a policy as IAM counts it, near enough: YAML's tags and dashes stand for JSON's quotes and brackets.
fn dense(compiled: &str) -> usize {
    compiled.chars().filter(|sign| !sign.is_whitespace()).count()
}

#[test]
fn the_role_has_these_policies_and_this_boundary_and_nothing_else() {
    assert!(TEMPLATE.contains("ManagedPolicyArns:\n        - !Ref ReadPermissions\n        - !Ref Permissions\n        - !Ref ServicePermissions\n"));
    assert!(TEMPLATE.contains("PermissionsBoundary: !Ref Boundary\n"));
    assert!(!TEMPLATE.contains("      Policies:\n"));
}

#[test]
fn the_boundary_knows_every_action_and_every_condition() {
    let boundary = Part::Boundary.grants();
    for need in NEEDS {
        for (_, when) in need.on {
            let held = boundary
                .iter()
                .any(|grant| grant.when == *when && grant.actions.contains(&need.action));
            assert!(held, "{} {when:?}", need.action);
        }
    }
}

/// Ways to get from a role's permissions to more of them, as published by Rhino Security Labs ("AWS IAM Privilege
/// Escalation Methods"), and the changes of a boundary.
#[test]
fn none_of_the_known_escalations_is_granted() {
    let known = [
        "iam:AddUserToGroup",
        "iam:AttachGroupPolicy",
        "iam:AttachRolePolicy",
        "iam:AttachUserPolicy",
        "iam:CreateAccessKey",
        "iam:CreateLoginProfile",
        "iam:CreatePolicyVersion",
        "iam:CreateRole",
        "iam:CreateUser",
        "iam:DeleteRolePermissionsBoundary",
        "iam:PassRole",
        "iam:PutGroupPolicy",
        "iam:PutRolePermissionsBoundary",
        "iam:PutRolePolicy",
        "iam:PutUserPolicy",
        "iam:SetDefaultPolicyVersion",
        "iam:UpdateAssumeRolePolicy",
        "iam:UpdateLoginProfile",
        "sts:AssumeRole",
        "lambda:CreateFunction",
        "lambda:UpdateFunctionCode",
        "lambda:CreateEventSourceMapping",
        "glue:CreateDevEndpoint",
        "glue:UpdateDevEndpoint",
        "cloudformation:CreateStack",
        "datapipeline:CreatePipeline",
        "codestar:CreateProject",
        "sagemaker:CreateNotebookInstance",
        "ssm:SendCommand",
        "ec2:AssociateIamInstanceProfile",
        "ec2:ReplaceIamInstanceProfileAssociation",
    ];
    for escalation in known {
        assert!(NEEDS.iter().all(|need| need.action != escalation), "{escalation}");
    }
}
