//! How long a session lasts, and what policies limit it.

use aws_sdk_sts::types::PolicyDescriptorType;
use chrono::TimeDelta;
use conformance::{Aws, aws, code, controlled};

use crate::support::{ALLOW_ALL, Role, User, allow, assume, iam, keys_of, policy, session, trust};

async fn open_role(aws: &Aws) -> (User, Role) {
    let user = User::make(aws, aws.vendor(), &allow("sts:*")).await;
    let role = Role::make(
        aws,
        aws.customer(),
        &trust(&aws.vendor().root_arn(), "{}"),
        ALLOW_ALL,
    )
    .await;
    role.session(&user.config, aws.customer()).await;
    (user, role)
}

/// DurationSeconds goes from 900 to 43,200.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
#[tokio::test]
async fn a_duration_outside_the_documented_range_is_refused() {
    let aws = aws().await;
    let (user, role) = open_role(&aws).await;

    for seconds in [0, 899, 43_201] {
        let request = assume(&user.config, &role.arn).duration_seconds(seconds);
        assert_eq!(code(request.send().await), "ValidationError", "{seconds}");
    }
    for seconds in [900, 43_200] {
        let request = assume(&user.config, &role.arn).duration_seconds(seconds);
        request.send().await.expect("both ends are inside");
    }
    role.remove().await;
    user.remove().await;
}

/// A duration above the role's own maximum fails.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
#[tokio::test]
async fn a_duration_above_the_roles_maximum_is_refused() {
    let aws = aws().await;
    let (user, role) = open_role(&aws).await;
    let update = role
        .iam
        .update_role()
        .role_name(&role.name)
        .max_session_duration(3_600);
    update.send().await.expect("the role changes");

    conformance::eventually("the new maximum counts", async || {
        let request = assume(&user.config, &role.arn).duration_seconds(3_601);
        let outcome = request.send().await;
        outcome.is_err() && code(outcome) == "ValidationError"
    })
    .await;
    role.remove().await;
    user.remove().await;
}

/// Role chaining limits a session to one hour, whatever the role allows.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html>
#[tokio::test]
async fn a_chained_session_lasts_one_hour_at_most() {
    let aws = aws().await;
    let (user, first) = open_role(&aws).await;
    let own = trust(&aws.customer().root_arn(), "{}");
    let second = Role::bare(&aws, aws.customer(), &own).await;
    let chained = first.session(&user.config, aws.customer()).await;
    let ask = |seconds| assume(&chained, &second.arn).duration_seconds(seconds);
    session(aws.customer(), || ask(3_600)).await;

    assert_eq!(code(ask(3_601).send().await), "ValidationError");

    second.remove().await;
    first.remove().await;
    user.remove().await;
}

/// Temporary credentials stop working when they expire.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp.html>
#[tokio::test]
async fn an_expired_session_is_refused() {
    let Some(aws) = controlled().await else { return };
    let (user, role) = open_role(&aws).await;
    let answer = assume(&user.config, &role.arn).duration_seconds(900).send().await;
    let session = keys_of(aws.customer(), &answer.expect("a session"));
    let (sts, ec2) = (
        aws_sdk_sts::Client::new(&session),
        aws_sdk_ec2::Client::new(&session),
    );
    aws.advance(TimeDelta::seconds(899));
    sts.get_caller_identity()
        .send()
        .await
        .expect("the keys still work");

    aws.advance(TimeDelta::seconds(2));

    assert_eq!(code(sts.get_caller_identity().send().await), "ExpiredToken");
    assert_eq!(code(ec2.describe_vpcs().send().await), "RequestExpired");
    let user = aws_sdk_sts::Client::new(&user.config);
    user.get_caller_identity()
        .send()
        .await
        .expect("a user's key does not expire");
}

/// A session may do what both the role and the session policy allow.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html>
#[tokio::test]
async fn a_session_policy_limits_the_session() {
    let aws = aws().await;
    let (user, role) = open_role(&aws).await;
    let request = assume(&user.config, &role.arn).policy(allow("ec2:DescribeVpcs"));
    let answer = request.send().await.expect("a session");

    let ec2 = aws_sdk_ec2::Client::new(&keys_of(aws.customer(), &answer));
    ec2.describe_vpcs().send().await.expect("both allow it");
    assert_eq!(code(ec2.describe_subnets().send().await), "UnauthorizedOperation");
    assert!(
        answer
            .session_token_utilization()
            .is_some_and(|percent| (1..100).contains(&percent))
    );
    role.remove().await;
    user.remove().await;
}

/// A session policy gives nothing that the role does not have.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html>
#[tokio::test]
async fn a_session_policy_gives_nothing() {
    let aws = aws().await;
    let user = User::make(&aws, aws.vendor(), &allow("sts:*")).await;
    let open = trust(&aws.vendor().root_arn(), "{}");
    let role = Role::make(&aws, aws.customer(), &open, &allow("ec2:DescribeVpcs")).await;
    let session = session(aws.customer(), || {
        assume(&user.config, &role.arn).policy(ALLOW_ALL)
    })
    .await;

    let ec2 = aws_sdk_ec2::Client::new(&session);
    ec2.describe_vpcs()
        .send()
        .await
        .expect("the role's own permission");
    assert_eq!(code(ec2.describe_subnets().send().await), "UnauthorizedOperation");
    role.remove().await;
    user.remove().await;
}

/// A deny in a session policy wins over the role's allow.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>
#[tokio::test]
async fn a_deny_in_a_session_policy_wins() {
    let aws = aws().await;
    let (user, role) = open_role(&aws).await;
    let but = policy(
        r#"{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"ec2:DescribeSubnets","Resource":"*"}"#,
    );
    let answer = assume(&user.config, &role.arn)
        .policy(but)
        .send()
        .await
        .expect("a session");

    let ec2 = aws_sdk_ec2::Client::new(&keys_of(aws.customer(), &answer));
    ec2.describe_vpcs().send().await.expect("allowed by both");
    assert_eq!(code(ec2.describe_subnets().send().await), "UnauthorizedOperation");
    role.remove().await;
    user.remove().await;
}

/// Managed session policies limit the session as an inline one does; several of them add up.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
#[tokio::test]
async fn managed_session_policies_limit_the_session() {
    let aws = aws().await;
    let (user, role) = open_role(&aws).await;
    let iam = iam(aws.customer());
    let create = iam.create_policy().policy_name(aws.name("limit"));
    let made = create
        .policy_document(allow("ec2:DescribeVpcs"))
        .send()
        .await
        .expect("a policy");
    let arn = made.policy.and_then(|policy| policy.arn).expect("an ARN");
    let described = PolicyDescriptorType::builder().arn(&arn).build();
    let request = || {
        let request = assume(&user.config, &role.arn).policy(allow("ec2:DescribeSubnets"));
        request.policy_arns(described.clone())
    };
    let session = session(aws.customer(), request).await;

    let ec2 = aws_sdk_ec2::Client::new(&session);
    ec2.describe_vpcs().send().await.expect("by the managed policy");
    ec2.describe_subnets().send().await.expect("by the inline policy");
    assert_eq!(
        code(ec2.describe_instances().send().await),
        "UnauthorizedOperation"
    );
    iam.delete_policy()
        .policy_arn(arn)
        .send()
        .await
        .expect("it is attached to nothing");
    role.remove().await;
    user.remove().await;
}

/// "You can provide up to 10 managed policy ARNs."
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
#[tokio::test]
async fn eleven_managed_session_policies_are_refused() {
    let aws = aws().await;
    let (user, role) = open_role(&aws).await;
    let arn = "arn:aws:iam::aws:policy/AWSDenyAll";
    let described = PolicyDescriptorType::builder().arn(arn).build();
    let request = assume(&user.config, &role.arn).set_policy_arns(Some(vec![described; 11]));

    assert_eq!(code(request.send().await), "ValidationError");

    role.remove().await;
    user.remove().await;
}

/// The plain text of session policies can't exceed 2,048 characters.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
#[tokio::test]
async fn a_session_policy_that_is_too_long_is_refused() {
    let aws = aws().await;
    let (user, role) = open_role(&aws).await;
    let long = allow(&format!("ec2:{}", "x".repeat(2_048)));

    let outcome = assume(&user.config, &role.arn).policy(long).send().await;

    assert_eq!(code(outcome), "ValidationError");
    role.remove().await;
    user.remove().await;
}

/// A session policy outside the grammar is malformed.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
#[tokio::test]
async fn a_malformed_session_policy_is_refused() {
    let aws = aws().await;
    let (user, role) = open_role(&aws).await;

    for text in ["{}", "not json", &trust("*", "{}")] {
        let outcome = assume(&user.config, &role.arn).policy(text).send().await;
        assert_eq!(code(outcome), "MalformedPolicyDocument", "{text}");
    }
    role.remove().await;
    user.remove().await;
}

/// Policies and tags together must fit into the packed size.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
#[tokio::test]
async fn tags_that_fill_the_packed_size_are_refused() {
    let aws = aws().await;
    let (user, role) = open_role(&aws).await;
    let tag = |number: usize| {
        let key = format!("{number:03}-{}", aws.name("key"));
        let value = (0..5).map(|part| aws.name(&part.to_string())).collect::<String>();
        let tag = aws_sdk_sts::types::Tag::builder().key(key).value(value).build();
        tag.expect("a whole tag")
    };
    let tags = (0..50).map(tag).collect();

    let outcome = assume(&user.config, &role.arn).set_tags(Some(tags)).send().await;

    assert_eq!(code(outcome), "PackedPolicyTooLarge");
    role.remove().await;
    user.remove().await;
}
