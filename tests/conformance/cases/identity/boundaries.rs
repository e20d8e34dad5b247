//! Permissions boundaries: they limit and give nothing.

use aws_sdk_iam::Client;
use conformance::{Aws, aws, code, eventually};

use crate::support::{ALLOW_ALL, Role, User, allow, iam, policy, trust};

async fn boundary(aws: &Aws, iam: &Client, document: &str) -> String {
    let create = iam.create_policy().policy_name(aws.name("boundary"));
    let made = create.policy_document(document).send().await.expect("a policy");
    made.policy.and_then(|policy| policy.arn).expect("an ARN")
}

async fn put(role: &Role, boundary: &str) {
    let put = role.iam.put_role_permissions_boundary().role_name(&role.name);
    put.permissions_boundary(boundary)
        .send()
        .await
        .expect("it is put");
}

/// What the role's policies allow counts within the boundary only.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html>
#[tokio::test]
async fn a_boundary_cuts_what_the_role_allows() {
    let aws = aws().await;
    let user = User::make(&aws, aws.vendor(), &allow("sts:*")).await;
    let role = Role::make(
        &aws,
        aws.customer(),
        &trust(&aws.vendor().root_arn(), "{}"),
        ALLOW_ALL,
    )
    .await;
    let iam = role.iam.clone();
    let arn = boundary(&aws, &iam, &allow("ec2:DescribeVpcs")).await;
    let ec2 = aws_sdk_ec2::Client::new(&role.session(&user.config, aws.customer()).await);
    ec2.describe_subnets().send().await.expect("no boundary yet");

    put(&role, &arn).await;

    eventually("the boundary counts", async || {
        ec2.describe_subnets().send().await.is_err()
    })
    .await;
    assert_eq!(code(ec2.describe_subnets().send().await), "UnauthorizedOperation");
    ec2.describe_vpcs().send().await.expect("inside the boundary");
    role.remove().await;
    iam.delete_policy().policy_arn(arn).send().await.expect("it goes");
    user.remove().await;
}

/// A boundary alone allows nothing.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html>
#[tokio::test]
async fn a_boundary_gives_nothing() {
    let aws = aws().await;
    let user = User::make(&aws, aws.vendor(), &allow("sts:*")).await;
    let role = Role::bare(&aws, aws.customer(), &trust(&aws.vendor().root_arn(), "{}")).await;
    put(&role, "arn:aws:iam::aws:policy/AdministratorAccess").await;

    let ec2 = aws_sdk_ec2::Client::new(&role.session(&user.config, aws.customer()).await);

    assert_eq!(code(ec2.describe_vpcs().send().await), "UnauthorizedOperation");
    role.remove().await;
    user.remove().await;
}

/// A deny in the boundary wins.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>
#[tokio::test]
async fn a_deny_in_the_boundary_wins() {
    let aws = aws().await;
    let user = User::make(&aws, aws.vendor(), &allow("sts:*")).await;
    let role = Role::make(
        &aws,
        aws.customer(),
        &trust(&aws.vendor().root_arn(), "{}"),
        ALLOW_ALL,
    )
    .await;
    let iam = role.iam.clone();
    let but = policy(
        r#"{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"ec2:DescribeSubnets","Resource":"*"}"#,
    );
    let arn = boundary(&aws, &iam, &but).await;
    put(&role, &arn).await;

    let ec2 = aws_sdk_ec2::Client::new(&role.session(&user.config, aws.customer()).await);

    eventually("the role's policy counts", async || {
        ec2.describe_vpcs().send().await.is_ok()
    })
    .await;
    assert_eq!(code(ec2.describe_subnets().send().await), "UnauthorizedOperation");
    role.remove().await;
    iam.delete_policy().policy_arn(arn).send().await.expect("it goes");
    user.remove().await;
}

/// Taking the boundary away restores what the policies allow; there must be one to take.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRolePermissionsBoundary.html>
#[tokio::test]
async fn a_boundary_is_taken_away_once() {
    let aws = aws().await;
    let user = User::make(&aws, aws.vendor(), &allow("sts:*")).await;
    let role = Role::make(
        &aws,
        aws.customer(),
        &trust(&aws.vendor().root_arn(), "{}"),
        ALLOW_ALL,
    )
    .await;
    put(&role, "arn:aws:iam::aws:policy/AWSDenyAll").await;
    let ec2 = aws_sdk_ec2::Client::new(&role.session(&user.config, aws.customer()).await);
    eventually("the boundary counts", async || {
        ec2.describe_vpcs().send().await.is_err()
    })
    .await;
    let delete = || {
        role.iam
            .delete_role_permissions_boundary()
            .role_name(&role.name)
            .send()
    };

    delete().await.expect("it is taken away");

    eventually("the policies count", async || {
        ec2.describe_vpcs().send().await.is_ok()
    })
    .await;
    assert_eq!(code(delete().await), "NoSuchEntity");
    role.remove().await;
    user.remove().await;
}

/// A boundary must exist, at creation and later.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePermissionsBoundary.html>
#[tokio::test]
async fn a_boundary_that_is_not_there_is_refused() {
    let aws = aws().await;
    let role = Role::bare(&aws, aws.customer(), &trust(&aws.vendor().id, "{}")).await;
    let nothing = format!("arn:aws:iam::{}:policy/conformance-nothing", aws.customer().id);

    let put = role.iam.put_role_permissions_boundary().role_name(&role.name);
    assert_eq!(
        code(put.permissions_boundary(&nothing).send().await),
        "NoSuchEntity"
    );
    let create = role
        .iam
        .create_role()
        .role_name(aws.name("bound"))
        .permissions_boundary(&nothing);
    let create = create
        .assume_role_policy_document(trust(&aws.vendor().id, "{}"))
        .send()
        .await;
    assert_eq!(code(create), "NoSuchEntity");
    role.remove().await;
}

/// Who may make roles only under a boundary makes none without it.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html>
#[tokio::test]
async fn a_creator_may_be_held_to_a_boundary() {
    let aws = aws().await;
    let limit = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
    let held = policy(&format!(
        r#"{{"Effect":"Allow","Action":["iam:CreateRole","iam:PutRolePolicy"],"Resource":"*",
        "Condition":{{"StringEquals":{{"iam:PermissionsBoundary":"{limit}"}}}}}}"#
    ));
    let user = User::make(&aws, aws.customer(), &held).await;
    let iam_of_user = Client::new(&user.config);
    let name = aws.name("bound");
    let create = || {
        let create = iam_of_user.create_role().role_name(&name);
        create.assume_role_policy_document(trust(&aws.vendor().id, "{}"))
    };

    assert_eq!(code(create().send().await), "AccessDenied");
    let other = create().permissions_boundary("arn:aws:iam::aws:policy/AdministratorAccess");
    assert_eq!(code(other.send().await), "AccessDenied");
    eventually("it makes a bounded role", async || {
        create().permissions_boundary(limit).send().await.is_ok()
    })
    .await;
    let put = iam_of_user.put_role_policy().role_name(&name).policy_name("own");
    put.policy_document(ALLOW_ALL)
        .send()
        .await
        .expect("the role is bounded");
    let iam = iam(aws.customer());
    iam.delete_role_policy()
        .role_name(&name)
        .policy_name("own")
        .send()
        .await
        .expect("it goes");
    iam.delete_role().role_name(&name).send().await.expect("it goes");
    user.remove().await;
}
