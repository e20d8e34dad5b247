//! Versions of managed policies.

use aws_sdk_iam::Client;
use conformance::{Aws, aws, code, eventually};

use crate::support::{Role, User, allow, iam, trust};

async fn make(aws: &Aws, iam: &Client, action: &str) -> String {
    let create = iam.create_policy().policy_name(aws.name("policy"));
    let made = create
        .policy_document(allow(action))
        .send()
        .await
        .expect("a policy");
    made.policy.and_then(|policy| policy.arn).expect("an ARN")
}

async fn add(iam: &Client, arn: &str, action: &str, as_default: bool) -> String {
    let create = iam
        .create_policy_version()
        .policy_arn(arn)
        .policy_document(allow(action));
    let made = create.set_as_default(as_default).send().await.expect("a version");
    made.policy_version
        .and_then(|version| version.version_id)
        .expect("an id")
}

/// A new version counts only once it is the default.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SetDefaultPolicyVersion.html>
#[tokio::test]
async fn the_default_version_is_the_one_that_counts() {
    let aws = aws().await;
    let user = User::make(&aws, aws.vendor(), &allow("sts:*")).await;
    let role = Role::bare(&aws, aws.customer(), &trust(&aws.vendor().root_arn(), "{}")).await;
    let iam = role.iam.clone();
    let arn = make(&aws, &iam, "ec2:DescribeVpcs").await;
    iam.attach_role_policy()
        .role_name(&role.name)
        .policy_arn(&arn)
        .send()
        .await
        .expect("it is attached");
    let ec2 = aws_sdk_ec2::Client::new(&role.session(&user.config, aws.customer()).await);
    eventually("version 1 counts", async || {
        ec2.describe_vpcs().send().await.is_ok()
    })
    .await;

    let second = add(&iam, &arn, "ec2:DescribeSubnets", false).await;
    assert_eq!(code(ec2.describe_subnets().send().await), "UnauthorizedOperation");
    let set = iam
        .set_default_policy_version()
        .policy_arn(&arn)
        .version_id(&second);
    set.send().await.expect("it is the default");

    eventually("version 2 counts", async || {
        ec2.describe_subnets().send().await.is_ok()
    })
    .await;
    eventually("version 1 counts no more", async || {
        ec2.describe_vpcs().send().await.is_err()
    })
    .await;
    role.remove().await;
    iam.delete_policy_version()
        .policy_arn(&arn)
        .version_id("v1")
        .send()
        .await
        .expect("it is not the default");
    iam.delete_policy()
        .policy_arn(&arn)
        .send()
        .await
        .expect("it goes");
    user.remove().await;
}

/// Versions are numbered, read and listed; a number does not come again.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-versioning.html>
#[tokio::test]
async fn versions_are_numbered_and_numbers_do_not_come_again() {
    let aws = aws().await;
    let iam = iam(aws.customer());
    let arn = make(&aws, &iam, "ec2:*").await;
    assert_eq!(add(&iam, &arn, "s3:*", true).await, "v2");
    iam.delete_policy_version()
        .policy_arn(&arn)
        .version_id("v1")
        .send()
        .await
        .expect("it goes");
    assert_eq!(add(&iam, &arn, "sts:*", false).await, "v3");

    let listed = iam
        .list_policy_versions()
        .policy_arn(&arn)
        .send()
        .await
        .expect("a list");
    let mut versions: Vec<_> = listed
        .versions
        .unwrap_or_default()
        .into_iter()
        .map(|version| (version.version_id.expect("an id"), version.is_default_version))
        .collect();
    versions.sort();
    assert_eq!(versions, [("v2".to_owned(), true), ("v3".to_owned(), false)]);
    let read = |id: &str| iam.get_policy_version().policy_arn(&arn).version_id(id).send();
    let document = read("v3")
        .await
        .expect("a version")
        .policy_version
        .and_then(|version| version.document);
    assert!(document.is_some_and(|document| document.contains("sts%3A%2A")));
    assert_eq!(code(read("v1").await), "NoSuchEntity");
    iam.delete_policy_version()
        .policy_arn(&arn)
        .version_id("v3")
        .send()
        .await
        .expect("it goes");
    iam.delete_policy()
        .policy_arn(&arn)
        .send()
        .await
        .expect("it goes");
}

/// A policy holds five versions.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicyVersion.html>
#[tokio::test]
async fn a_sixth_version_is_refused() {
    let aws = aws().await;
    let iam = iam(aws.customer());
    let arn = make(&aws, &iam, "ec2:*").await;
    for _ in 0..4 {
        add(&iam, &arn, "s3:*", false).await;
    }

    let sixth = iam
        .create_policy_version()
        .policy_arn(&arn)
        .policy_document(allow("sts:*"))
        .send()
        .await;

    assert_eq!(code(sixth), "LimitExceeded");
    for version in ["v2", "v3", "v4", "v5"] {
        let delete = iam.delete_policy_version().policy_arn(&arn).version_id(version);
        delete.send().await.expect("it goes");
    }
    iam.delete_policy()
        .policy_arn(&arn)
        .send()
        .await
        .expect("it goes");
}

/// The default version goes with its policy only.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicyVersion.html>
#[tokio::test]
async fn the_default_version_is_not_deleted() {
    let aws = aws().await;
    let iam = iam(aws.customer());
    let arn = make(&aws, &iam, "ec2:*").await;

    let outcome = iam
        .delete_policy_version()
        .policy_arn(&arn)
        .version_id("v1")
        .send()
        .await;

    assert_eq!(code(outcome), "DeleteConflict");
    iam.delete_policy()
        .policy_arn(&arn)
        .send()
        .await
        .expect("it goes");
}

/// A policy with several versions is not deleted.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html>
#[tokio::test]
async fn a_policy_with_several_versions_is_not_deleted() {
    let aws = aws().await;
    let iam = iam(aws.customer());
    let arn = make(&aws, &iam, "ec2:*").await;
    add(&iam, &arn, "s3:*", false).await;

    assert_eq!(
        code(iam.delete_policy().policy_arn(&arn).send().await),
        "DeleteConflict"
    );

    iam.delete_policy_version()
        .policy_arn(&arn)
        .version_id("v2")
        .send()
        .await
        .expect("it goes");
    iam.delete_policy()
        .policy_arn(&arn)
        .send()
        .await
        .expect("it goes");
}

/// A version that is not there cannot be the default, and an id has a form.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SetDefaultPolicyVersion.html>
#[tokio::test]
async fn a_version_that_is_not_there_cannot_be_the_default() {
    let aws = aws().await;
    let iam = iam(aws.customer());
    let arn = make(&aws, &iam, "ec2:*").await;
    let set = |id: &str| {
        iam.set_default_policy_version()
            .policy_arn(&arn)
            .version_id(id)
            .send()
    };

    assert_eq!(code(set("v7").await), "NoSuchEntity");
    assert_eq!(code(set("seven").await), "ValidationError");
    iam.delete_policy()
        .policy_arn(&arn)
        .send()
        .await
        .expect("it goes");
}
