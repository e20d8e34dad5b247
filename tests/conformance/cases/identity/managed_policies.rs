//! Managed policies: made, attached, listed, deleted.

use aws_sdk_iam::Client;
use aws_sdk_iam::types::{EntityType, PolicyScopeType, PolicyUsageType};
use conformance::{Aws, aws, code};

use crate::support::{ALLOW_ALL, Role, allow, iam, trust};

async fn make(aws: &Aws, iam: &Client) -> String {
    let create = iam.create_policy().policy_name(aws.name("policy"));
    let made = create.policy_document(ALLOW_ALL).send().await.expect("a policy");
    made.policy.and_then(|policy| policy.arn).expect("an ARN")
}

async fn remove(iam: &Client, arn: &str) {
    iam.delete_policy()
        .policy_arn(arn)
        .send()
        .await
        .expect("it is attached to nothing");
}

async fn a_role(aws: &Aws) -> Role {
    Role::bare(aws, aws.customer(), &trust(&aws.vendor().id, "{}")).await
}

/// A policy is read back as it was made.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicy.html>
#[tokio::test]
async fn a_policy_is_read_back_as_it_was_made() {
    let aws = aws().await;
    let (iam, name) = (iam(aws.customer()), aws.name("policy"));
    let create = iam
        .create_policy()
        .policy_name(&name)
        .path("/conformance/")
        .description("for a case");
    let made = create
        .policy_document(ALLOW_ALL)
        .send()
        .await
        .expect("a policy")
        .policy
        .expect("a policy");

    let arn = format!("arn:aws:iam::{}:policy/conformance/{name}", aws.customer().id);
    assert_eq!(made.arn.as_deref(), Some(arn.as_str()));
    let read = iam
        .get_policy()
        .policy_arn(&arn)
        .send()
        .await
        .expect("an answer")
        .policy
        .expect("a policy");
    assert_eq!(read.policy_id, made.policy_id);
    assert_eq!(read.default_version_id.as_deref(), Some("v1"));
    assert_eq!((read.attachment_count, read.is_attachable), (Some(0), true));
    assert_eq!(read.description.as_deref(), Some("for a case"));
    remove(&iam, &arn).await;
    assert_eq!(
        code(iam.get_policy().policy_arn(&arn).send().await),
        "NoSuchEntity"
    );
}

/// A policy's name is given once in an account.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html>
#[tokio::test]
async fn a_policy_name_is_given_once() {
    let aws = aws().await;
    let iam = iam(aws.customer());
    let arn = make(&aws, &iam).await;
    let name = arn.rsplit('/').next().expect("a name");

    let again = iam
        .create_policy()
        .policy_name(name)
        .policy_document(ALLOW_ALL)
        .send()
        .await;

    assert_eq!(code(again), "EntityAlreadyExists");
    remove(&iam, &arn).await;
}

/// A managed policy holds 6,144 characters.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
#[tokio::test]
async fn a_managed_policy_that_is_too_long_is_refused() {
    let aws = aws().await;
    let create = iam(aws.customer()).create_policy().policy_name(aws.name("long"));

    let outcome = create
        .policy_document(allow(&format!("ec2:{}", "x".repeat(6_144))))
        .send()
        .await;

    assert_eq!(code(outcome), "LimitExceeded");
}

/// An attached policy is counted and listed; attaching it again changes nothing.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachRolePolicy.html>
#[tokio::test]
async fn a_policy_is_attached_once_and_detached() {
    let aws = aws().await;
    let role = a_role(&aws).await;
    let arn = make(&aws, &role.iam).await;
    let attach = || {
        role.iam
            .attach_role_policy()
            .role_name(&role.name)
            .policy_arn(&arn)
            .send()
    };
    attach().await.expect("it is attached");
    attach().await.expect("it is attached already");

    let listed = role
        .iam
        .list_attached_role_policies()
        .role_name(&role.name)
        .send()
        .await
        .expect("a list");
    let listed = listed.attached_policies.unwrap_or_default();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].policy_arn.as_deref(), Some(arn.as_str()));
    let read = role
        .iam
        .get_policy()
        .policy_arn(&arn)
        .send()
        .await
        .expect("an answer");
    assert_eq!(read.policy.and_then(|policy| policy.attachment_count), Some(1));
    let detach = || {
        role.iam
            .detach_role_policy()
            .role_name(&role.name)
            .policy_arn(&arn)
            .send()
    };
    detach().await.expect("it is detached");
    assert_eq!(code(detach().await), "NoSuchEntity");
    remove(&role.iam, &arn).await;
    role.remove().await;
}

/// A policy in use is not deleted.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html>
#[tokio::test]
async fn a_policy_in_use_is_not_deleted() {
    let aws = aws().await;
    let role = a_role(&aws).await;
    let arn = make(&aws, &role.iam).await;
    let attach = role
        .iam
        .attach_role_policy()
        .role_name(&role.name)
        .policy_arn(&arn);
    attach.send().await.expect("it is attached");

    let outcome = role.iam.delete_policy().policy_arn(&arn).send().await;

    assert_eq!(code(outcome), "DeleteConflict");
    let arn_of_role = role.iam.clone();
    role.remove().await;
    remove(&arn_of_role, &arn).await;
}

/// A policy that is there as a boundary is in use, too.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html>
#[tokio::test]
async fn a_policy_that_bounds_a_role_is_not_deleted() {
    let aws = aws().await;
    let role = a_role(&aws).await;
    let arn = make(&aws, &role.iam).await;
    let put = role.iam.put_role_permissions_boundary().role_name(&role.name);
    put.permissions_boundary(&arn)
        .send()
        .await
        .expect("it bounds the role");

    assert_eq!(
        code(role.iam.delete_policy().policy_arn(&arn).send().await),
        "DeleteConflict"
    );
    let read = role
        .iam
        .get_policy()
        .policy_arn(&arn)
        .send()
        .await
        .expect("an answer");
    let usage = read
        .policy
        .and_then(|policy| policy.permissions_boundary_usage_count);
    assert_eq!(usage, Some(1));
    let iam = role.iam.clone();
    role.remove().await;
    remove(&iam, &arn).await;
}

/// What is attached must exist.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachRolePolicy.html>
#[tokio::test]
async fn a_policy_that_is_not_there_is_not_attached() {
    let aws = aws().await;
    let role = a_role(&aws).await;
    let attach = |arn: String| {
        role.iam
            .attach_role_policy()
            .role_name(&role.name)
            .policy_arn(arn)
            .send()
    };
    let own = format!("arn:aws:iam::{}:policy/conformance-nothing", aws.customer().id);

    assert_eq!(code(attach(own).await), "NoSuchEntity");
    assert_eq!(
        code(attach("arn:aws:iam::aws:policy/ConformanceNothing".into()).await),
        "NoSuchEntity"
    );
    role.remove().await;
}

/// Ten managed policies per role.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
#[tokio::test]
async fn an_eleventh_policy_is_not_attached() {
    let aws = aws().await;
    let role = a_role(&aws).await;
    let mut arns = Vec::new();
    for _ in 0..11 {
        arns.push(make(&aws, &role.iam).await);
    }
    let attach = |arn: &str| {
        role.iam
            .attach_role_policy()
            .role_name(&role.name)
            .policy_arn(arn)
            .send()
    };
    for arn in &arns[..10] {
        attach(arn).await.expect("ten fit");
    }

    assert_eq!(code(attach(&arns[10]).await), "LimitExceeded");
    let iam = role.iam.clone();
    role.remove().await;
    for arn in arns {
        remove(&iam, &arn).await;
    }
}

/// Who uses a policy is listed by kind and by usage.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListEntitiesForPolicy.html>
#[tokio::test]
async fn the_entities_of_a_policy_are_listed() {
    let aws = aws().await;
    let (attached, bounded) = (a_role(&aws).await, a_role(&aws).await);
    let iam = attached.iam.clone();
    let arn = make(&aws, &iam).await;
    let attach = iam
        .attach_role_policy()
        .role_name(&attached.name)
        .policy_arn(&arn);
    attach.send().await.expect("it is attached");
    let put = iam.put_role_permissions_boundary().role_name(&bounded.name);
    put.permissions_boundary(&arn).send().await.expect("it bounds");

    let ask = |kind: Option<EntityType>, usage: Option<PolicyUsageType>| {
        let list = iam.list_entities_for_policy().policy_arn(&arn);
        list.set_entity_filter(kind).set_policy_usage_filter(usage).send()
    };
    let roles = async |kind, usage| {
        let roles = ask(kind, usage)
            .await
            .expect("a list")
            .policy_roles
            .unwrap_or_default();
        roles
            .into_iter()
            .filter_map(|role| role.role_name)
            .collect::<Vec<_>>()
    };
    assert_eq!(roles(None, None).await.len(), 2);
    assert_eq!(
        roles(None, Some(PolicyUsageType::PermissionsPolicy)).await,
        std::slice::from_ref(&attached.name)
    );
    assert_eq!(
        roles(None, Some(PolicyUsageType::PermissionsBoundary)).await,
        std::slice::from_ref(&bounded.name)
    );
    assert!(roles(Some(EntityType::User), None).await.is_empty());
    attached.remove().await;
    bounded.remove().await;
    remove(&iam, &arn).await;
}

/// Policies are listed by scope: the account's own, or AWS's.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPolicies.html>
#[tokio::test]
async fn policies_are_listed_by_scope() {
    let aws = aws().await;
    let iam = iam(aws.customer());
    let arn = make(&aws, &iam).await;
    let all_of = async |scope: PolicyScopeType| {
        let mut pages = iam
            .list_policies()
            .scope(scope)
            .max_items(1_000)
            .into_paginator()
            .items()
            .send();
        let mut arns = Vec::new();
        while let Some(policy) = pages.next().await {
            arns.extend(policy.expect("a page").arn);
        }
        arns
    };

    let (own, aws_own) = (
        all_of(PolicyScopeType::Local).await,
        all_of(PolicyScopeType::Aws).await,
    );
    assert!(own.contains(&arn) && own.iter().all(|arn| !arn.contains(":aws:policy")));
    assert!(aws_own.contains(&"arn:aws:iam::aws:policy/AdministratorAccess".to_owned()));
    assert!(!aws_own.contains(&arn));
    remove(&iam, &arn).await;
}

/// AWS's own policies are changed and deleted by nobody.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html>
#[tokio::test]
async fn an_aws_managed_policy_cannot_be_changed() {
    let aws = aws().await;
    let iam = iam(aws.customer());
    let arn = "arn:aws:iam::aws:policy/AdministratorAccess";

    let delete = iam.delete_policy().policy_arn(arn).send().await;
    assert_eq!(code(delete), "AccessDenied");
    let version = iam
        .create_policy_version()
        .policy_arn(arn)
        .policy_document(ALLOW_ALL)
        .send()
        .await;
    assert_eq!(code(version), "AccessDenied");
}

/// An ARN of another kind is no policy's.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicy.html>
#[tokio::test]
async fn an_arn_that_is_no_policys_is_refused() {
    let aws = aws().await;
    let iam = iam(aws.customer());

    let outcome = iam
        .get_policy()
        .policy_arn("arn:aws:s3:::a-bucket-of-nobody")
        .send()
        .await;

    assert_eq!(code(outcome), "ValidationError");
}
