//! Inline policies of roles.

use conformance::{aws, code};

use crate::support::{ALLOW_ALL, Role, allow, iam, trust};

/// An inline policy is put, replaced, read, listed and deleted.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html>
#[tokio::test]
async fn inline_policies_are_put_read_listed_and_deleted() {
    let aws = aws().await;
    let role = Role::make(&aws, aws.customer(), &trust(&aws.vendor().id, "{}"), ALLOW_ALL).await;
    role.put("own", &allow("ec2:*")).await;
    role.put("second", ALLOW_ALL).await;

    let listed = role
        .iam
        .list_role_policies()
        .role_name(&role.name)
        .send()
        .await
        .expect("names");
    assert_eq!(listed.policy_names, ["own", "second"]);
    let read = || {
        role.iam
            .get_role_policy()
            .role_name(&role.name)
            .policy_name("own")
            .send()
    };
    let document = read().await.expect("a policy").policy_document;
    assert!(
        document.contains("ec2%3A%2A"),
        "percent-encoded, and the new one: {document}"
    );
    let delete = || {
        role.iam
            .delete_role_policy()
            .role_name(&role.name)
            .policy_name("own")
            .send()
    };
    delete().await.expect("it goes");
    assert_eq!(code(read().await), "NoSuchEntity");
    assert_eq!(code(delete().await), "NoSuchEntity");
    role.remove().await;
}

/// All inline policies of a role hold 10,240 characters together, white space aside.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
#[tokio::test]
async fn inline_policies_have_a_size_together() {
    let aws = aws().await;
    let role = Role::bare(&aws, aws.customer(), &trust(&aws.vendor().id, "{}")).await;
    let sized = |characters: usize| allow(&format!("ec2:{}", "x".repeat(characters)));
    let put = |name: &str, text: String| {
        let put = role.iam.put_role_policy().role_name(&role.name);
        put.policy_name(name).policy_document(text).send()
    };

    assert_eq!(code(put("large", sized(10_240)).await), "LimitExceeded");
    put("half", sized(5_000)).await.expect("it fits");
    put("half", sized(6_000))
        .await
        .expect("it takes the place of the first");
    assert_eq!(code(put("other", sized(5_000)).await), "LimitExceeded");
    put("white", format!("{}{}", allow("ec2:*"), " ".repeat(4_500)))
        .await
        .expect("white space is free");
    role.remove().await;
}

/// A policy's name has letters, digits and a few signs, 128 at most.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html>
#[tokio::test]
async fn a_policy_name_outside_its_pattern_is_refused() {
    let aws = aws().await;
    let role = Role::bare(&aws, aws.customer(), &trust(&aws.vendor().id, "{}")).await;
    for name in ["with space", "a/b", &"x".repeat(129)] {
        let put = role.iam.put_role_policy().role_name(&role.name).policy_name(name);
        assert_eq!(
            code(put.policy_document(ALLOW_ALL).send().await),
            "ValidationError",
            "{name}"
        );
    }
    role.remove().await;
}

/// A policy needs a role.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html>
#[tokio::test]
async fn a_policy_on_a_role_that_is_not_there_is_refused() {
    let aws = aws().await;
    let put = iam(aws.customer())
        .put_role_policy()
        .role_name(aws.name("nobody"));

    let outcome = put.policy_name("own").policy_document(ALLOW_ALL).send().await;

    assert_eq!(code(outcome), "NoSuchEntity");
}
