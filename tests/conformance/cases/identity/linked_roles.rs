//! Service-linked roles. AWS has no way to take one back at once, so these cases stay off shared accounts.

use aws_sdk_iam::types::Tag;
use conformance::{Aws, code, controlled};

use crate::support::{ALLOW_ALL, User, iam, policy, trust};

const AUTO_SCALING: &str = "autoscaling.amazonaws.com";
const NAME: &str = "AWSServiceRoleForAutoScaling";

async fn auto_scaling(aws: &Aws) {
    let create = iam(aws.customer()).create_service_linked_role();
    create
        .aws_service_name(AUTO_SCALING)
        .send()
        .await
        .expect("the role is made");
}

/// A service's role has the service's name, path, trust policy and permissions.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceLinkedRole.html>
#[tokio::test]
async fn a_service_linked_role_is_the_services() {
    let Some(aws) = controlled().await else { return };
    auto_scaling(&aws).await;
    let iam = iam(aws.customer());

    let role = iam
        .get_role()
        .role_name(NAME)
        .send()
        .await
        .expect("an answer")
        .role
        .expect("a role");

    assert_eq!(role.path, format!("/aws-service-role/{AUTO_SCALING}/"));
    assert!(
        role.assume_role_policy_document
            .is_some_and(|document| document.contains(AUTO_SCALING))
    );
    let attached = iam
        .list_attached_role_policies()
        .role_name(NAME)
        .send()
        .await
        .expect("a list");
    let attached = attached.attached_policies.unwrap_or_default();
    let policy = attached[0].policy_arn.as_deref().expect("an ARN");
    assert_eq!(
        policy,
        "arn:aws:iam::aws:policy/aws-service-role/AutoScalingServiceRolePolicy"
    );
}

/// A second role needs a suffix, where the service takes one.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceLinkedRole.html>
#[tokio::test]
async fn a_second_service_linked_role_needs_a_suffix() {
    let Some(aws) = controlled().await else { return };
    auto_scaling(&aws).await;
    let create = |service: &str| {
        iam(aws.customer())
            .create_service_linked_role()
            .aws_service_name(service)
    };

    assert_eq!(code(create(AUTO_SCALING).send().await), "InvalidInput");
    let second = create(AUTO_SCALING)
        .custom_suffix("blue")
        .send()
        .await
        .expect("another name");
    assert_eq!(second.role.expect("a role").role_name, format!("{NAME}_blue"));
    let other = create("elasticloadbalancing.amazonaws.com")
        .custom_suffix("blue")
        .send()
        .await;
    assert_eq!(code(other), "InvalidInput");
    assert_eq!(code(create("nobody.amazonaws.com").send().await), "InvalidInput");
}

/// Only the service changes its role.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html>
#[tokio::test]
async fn a_service_linked_role_is_not_changed_by_others() {
    let Some(aws) = controlled().await else { return };
    auto_scaling(&aws).await;
    let iam = iam(aws.customer());

    let put = iam
        .put_role_policy()
        .role_name(NAME)
        .policy_name("own")
        .policy_document(ALLOW_ALL)
        .send()
        .await;
    assert_eq!(code(put), "UnmodifiableEntity");
    let attach = iam
        .attach_role_policy()
        .role_name(NAME)
        .policy_arn("arn:aws:iam::aws:policy/AdministratorAccess");
    assert_eq!(code(attach.send().await), "UnmodifiableEntity");
    let update = iam.update_assume_role_policy().role_name(NAME);
    let update = update.policy_document(trust(&aws.vendor().id, "{}")).send().await;
    assert_eq!(code(update), "UnmodifiableEntity");
    assert_eq!(
        code(iam.delete_role().role_name(NAME).send().await),
        "UnmodifiableEntity"
    );
}

/// A policy may limit the services that a role is made for.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/create-service-linked-role.html>
#[tokio::test]
async fn a_policy_may_limit_the_services() {
    let Some(aws) = controlled().await else { return };
    let one = policy(
        r#"{"Effect":"Allow","Action":"iam:CreateServiceLinkedRole","Resource":"*",
        "Condition":{"StringLike":{"iam:AWSServiceName":"elasticloadbalancing.amazonaws.com"}}}"#,
    );
    let user = User::make(&aws, aws.customer(), &one).await;
    let create = |service: &str| {
        let create = aws_sdk_iam::Client::new(&user.config).create_service_linked_role();
        create.aws_service_name(service).send()
    };

    assert_eq!(code(create(AUTO_SCALING).await), "AccessDenied");
    create("elasticloadbalancing.amazonaws.com")
        .await
        .expect("as the policy says");
}

/// Nobody else makes a role under the path of services.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html>
#[tokio::test]
async fn the_path_of_services_is_reserved() {
    let Some(aws) = controlled().await else { return };
    let create = iam(aws.customer())
        .create_role()
        .role_name("false")
        .path("/aws-service-role/x/");
    let tag = Tag::builder()
        .key("team")
        .value("data")
        .build()
        .expect("a whole tag");

    let outcome = create
        .tags(tag)
        .assume_role_policy_document(trust(&aws.vendor().id, "{}"))
        .send()
        .await;

    assert_eq!(code(outcome), "InvalidInput");
}
