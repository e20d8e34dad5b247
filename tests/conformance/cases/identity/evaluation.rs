//! What a principal's own policies allow.

use conformance::{Aws, aws, code, eventually};

use crate::support::{Role, User, allow, iam, policy, trust};

/// An EC2 client of a user with this policy, with the user to remove.
async fn ec2_under(aws: &Aws, policy: &str) -> (aws_sdk_ec2::Client, User) {
    let user = User::make(aws, aws.customer(), policy).await;
    (aws_sdk_ec2::Client::new(&user.config), user)
}

/// What no statement allows is denied.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>
#[tokio::test]
async fn what_no_statement_allows_is_denied() {
    let aws = aws().await;
    let (ec2, user) = ec2_under(&aws, &allow("ec2:DescribeVpcs")).await;

    eventually("allowed by name", async || {
        ec2.describe_vpcs().send().await.is_ok()
    })
    .await;
    assert_eq!(code(ec2.describe_subnets().send().await), "UnauthorizedOperation");
    user.remove().await;
}

/// An explicit deny wins over every allow.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>
#[tokio::test]
async fn an_explicit_deny_wins_over_every_allow() {
    let aws = aws().await;
    let both = policy(
        r#"{"Effect":"Allow","Action":"*","Resource":"*"},
        {"Effect":"Deny","Action":"ec2:DescribeSubnets","Resource":"*"}"#,
    );
    let (ec2, user) = ec2_under(&aws, &both).await;

    eventually("the rest is allowed", async || {
        ec2.describe_vpcs().send().await.is_ok()
    })
    .await;
    assert_eq!(code(ec2.describe_subnets().send().await), "UnauthorizedOperation");
    user.remove().await;
}

/// NotAction allows all but what it names.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html>
#[tokio::test]
async fn not_action_allows_all_but_what_it_names() {
    let aws = aws().await;
    let but = policy(r#"{"Effect":"Allow","NotAction":["ec2:DescribeSubnets","iam:*"],"Resource":"*"}"#);
    let (ec2, user) = ec2_under(&aws, &but).await;

    eventually("not excluded", async || ec2.describe_vpcs().send().await.is_ok()).await;
    assert_eq!(code(ec2.describe_subnets().send().await), "UnauthorizedOperation");
    user.remove().await;
}

/// A deny by NotAction denies all but what it names.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html>
#[tokio::test]
async fn a_deny_by_not_action_spares_what_it_names() {
    let aws = aws().await;
    let but = policy(
        r#"{"Effect":"Allow","Action":"*","Resource":"*"},
        {"Effect":"Deny","NotAction":"ec2:DescribeVpcs","Resource":"*"}"#,
    );
    let (ec2, user) = ec2_under(&aws, &but).await;

    eventually("spared", async || ec2.describe_vpcs().send().await.is_ok()).await;
    assert_eq!(code(ec2.describe_subnets().send().await), "UnauthorizedOperation");
    user.remove().await;
}

/// NotResource allows all but the resources it names.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notresource.html>
#[tokio::test]
async fn not_resource_spares_what_it_names() {
    let aws = aws().await;
    let (one, other) = (
        Role::bare(&aws, aws.customer(), &trust(&aws.vendor().id, "{}")).await,
        Role::bare(&aws, aws.customer(), &trust(&aws.vendor().id, "{}")).await,
    );
    let but = policy(&format!(
        r#"{{"Effect":"Allow","Action":"iam:GetRole","NotResource":"{}"}}"#,
        one.arn
    ));
    let user = User::make(&aws, aws.customer(), &but).await;
    let iam = aws_sdk_iam::Client::new(&user.config);
    let read = |role: &Role| iam.get_role().role_name(&role.name).send();

    eventually("not excluded", async || read(&other).await.is_ok()).await;
    assert_eq!(code(read(&one).await), "AccessDenied");
    one.remove().await;
    other.remove().await;
    user.remove().await;
}

/// A policy may be limited to the region that is asked.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>
#[tokio::test]
async fn a_policy_may_be_limited_to_a_region() {
    let aws = aws().await;
    let here = policy(&format!(
        r#"{{"Effect":"Allow","Action":"ec2:DescribeVpcs","Resource":"*",
        "Condition":{{"StringEquals":{{"aws:RequestedRegion":"{}"}}}}}}"#,
        aws.region()
    ));
    let (ec2, user) = ec2_under(&aws, &here).await;
    let elsewhere = if aws.region() == "us-east-1" {
        "us-west-2"
    } else {
        "us-east-1"
    };
    let config = user
        .config
        .to_builder()
        .region(aws_config::Region::new(elsewhere))
        .build();

    eventually("here", async || ec2.describe_vpcs().send().await.is_ok()).await;
    let there = aws_sdk_ec2::Client::new(&config).describe_vpcs().send().await;
    assert_eq!(code(there), "UnauthorizedOperation");
    user.remove().await;
}

/// Policies on roles may ask for the role's tags.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_iam-tags.html>
#[tokio::test]
async fn a_policy_may_ask_for_the_tags_of_the_role_it_is_about() {
    let aws = aws().await;
    let (tagged, plain) = (
        Role::bare(&aws, aws.customer(), &trust(&aws.vendor().id, "{}")).await,
        Role::bare(&aws, aws.customer(), &trust(&aws.vendor().id, "{}")).await,
    );
    let tag = aws_sdk_iam::types::Tag::builder()
        .key("team")
        .value("data")
        .build()
        .expect("a whole tag");
    let put = tagged.iam.tag_role().role_name(&tagged.name).tags(tag);
    put.send().await.expect("a tag");
    let ask = policy(
        r#"{"Effect":"Allow","Action":"iam:GetRole","Resource":"*",
        "Condition":{"StringEquals":{"iam:ResourceTag/team":"data"}}}"#,
    );
    let user = User::make(&aws, aws.customer(), &ask).await;
    let iam = aws_sdk_iam::Client::new(&user.config);
    let read = |role: &Role| iam.get_role().role_name(&role.name).send();

    eventually("the tag is there", async || read(&tagged).await.is_ok()).await;
    assert_eq!(code(read(&plain).await), "AccessDenied");
    tagged.remove().await;
    plain.remove().await;
    user.remove().await;
}

/// Who makes a tagged role needs the permission to tag, under the same conditions.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_iam-tags.html>
#[tokio::test]
async fn making_a_tagged_role_needs_the_permission_to_tag() {
    let aws = aws().await;
    let user = User::make(&aws, aws.customer(), &allow("iam:CreateRole")).await;
    let iam_of_user = aws_sdk_iam::Client::new(&user.config);
    let name = aws.name("tagged");
    let tag = aws_sdk_iam::types::Tag::builder()
        .key("team")
        .value("data")
        .build()
        .expect("a whole tag");
    let create = || {
        let create = iam_of_user.create_role().role_name(&name);
        create.assume_role_policy_document(trust(&aws.vendor().id, "{}"))
    };

    assert_eq!(code(create().tags(tag).send().await), "AccessDenied");
    eventually("without tags it is made", async || create().send().await.is_ok()).await;
    iam(aws.customer())
        .delete_role()
        .role_name(&name)
        .send()
        .await
        .expect("it goes");
    user.remove().await;
}

/// A variable takes the tag of the principal.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>
#[tokio::test]
async fn a_variable_takes_the_principals_tag() {
    let aws = aws().await;
    let role = Role::bare(&aws, aws.customer(), &trust(&aws.vendor().id, "{}")).await;
    let by_tag = policy(
        r#"{"Effect":"Allow","Action":"iam:GetRole","Resource":"arn:aws:iam::*:role/${aws:PrincipalTag/role}"}"#,
    );
    let tag = |value: &str| {
        let tag = aws_sdk_iam::types::Tag::builder()
            .key("role")
            .value(value)
            .build();
        tag.expect("a whole tag")
    };
    let open = trust(&aws.vendor().root_arn(), "{}");
    let broker = User::make(&aws, aws.vendor(), &allow("sts:*")).await;
    let reader = Role::make(&aws, aws.customer(), &open, &by_tag).await;
    let tagging = reader
        .iam
        .tag_role()
        .role_name(&reader.name)
        .tags(tag(&role.name));
    tagging.send().await.expect("a tag");
    let iam = aws_sdk_iam::Client::new(&reader.session(&broker.config, aws.customer()).await);

    eventually("the role in the tag", async || {
        iam.get_role().role_name(&role.name).send().await.is_ok()
    })
    .await;
    assert_eq!(
        code(iam.get_role().role_name(&reader.name).send().await),
        "AccessDenied"
    );
    role.remove().await;
    reader.remove().await;
    broker.remove().await;
}

/// The refusal says who may not do what on which resource, and which kind of policy is the reason.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>
#[tokio::test]
async fn the_refusal_names_principal_action_and_reason() {
    let aws = aws().await;
    let user = User::make(&aws, aws.customer(), &allow("ec2:*")).await;
    let iam = aws_sdk_iam::Client::new(&user.config);

    let error = iam
        .get_role()
        .role_name("conformance-any")
        .send()
        .await
        .expect_err("refused");
    let message = aws_sdk_iam::error::ProvideErrorMetadata::message(&error)
        .unwrap_or_default()
        .to_owned();

    let who = format!(
        "User: {} is not authorized to perform: iam:GetRole on resource:",
        user.arn
    );
    assert!(message.starts_with(&who), "{message}");
    assert!(
        message.ends_with("because no identity-based policy allows the iam:GetRole action"),
        "{message}"
    );
    user.remove().await;
}
