//! Session tags and source identity: who may set them, and how they go down a chain.

use aws_sdk_sts::types::Tag;
use conformance::{Aws, aws, code, controlled};

use crate::support::{ALLOW_ALL, Role, User, allow, assume, keys_of, policy, session, trust};

fn tag(key: &str, value: &str) -> Tag {
    let tag = Tag::builder().key(key).value(value);
    tag.build().expect("a whole tag")
}

async fn broker_and_role(aws: &Aws) -> (User, Role) {
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

/// The trust policy must allow sts:TagSession and sts:SetSourceIdentity beside sts:AssumeRole.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>
#[tokio::test]
async fn tags_and_source_identity_need_their_own_permission_in_the_trust_policy() {
    let aws = aws().await;
    let user = User::make(&aws, aws.vendor(), &allow("sts:*")).await;
    let assume_only =
        trust(&aws.vendor().root_arn(), "{}").replace(r#","sts:TagSession","sts:SetSourceIdentity""#, "");
    let role = Role::bare(&aws, aws.customer(), &assume_only).await;
    role.session(&user.config, aws.customer()).await;

    let tagged = assume(&user.config, &role.arn).tags(tag("tenant", "acme"));
    assert_eq!(code(tagged.send().await), "AccessDenied");
    let named = assume(&user.config, &role.arn).source_identity("alice");
    assert_eq!(code(named.send().await), "AccessDenied");
    role.remove().await;
    user.remove().await;
}

/// The caller's own policies must allow them too.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html>
#[tokio::test]
async fn tags_and_source_identity_need_their_own_permission_at_the_caller() {
    let aws = aws().await;
    let user = User::make(&aws, aws.vendor(), &allow("sts:AssumeRole")).await;
    let role = Role::bare(&aws, aws.customer(), &trust(&aws.vendor().root_arn(), "{}")).await;
    role.session(&user.config, aws.customer()).await;

    let tagged = assume(&user.config, &role.arn).tags(tag("tenant", "acme"));
    assert_eq!(code(tagged.send().await), "AccessDenied");
    let named = assume(&user.config, &role.arn).source_identity("alice");
    assert_eq!(code(named.send().await), "AccessDenied");
    role.remove().await;
    user.remove().await;
}

/// A trust policy may limit which tags come with the session.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>
#[tokio::test]
async fn a_trust_policy_may_ask_for_a_tag() {
    let aws = aws().await;
    let user = User::make(&aws, aws.vendor(), &allow("sts:*")).await;
    let condition = r#"{"StringEquals":{"aws:RequestTag/tenant":["acme","bolt"]}}"#;
    let role = Role::bare(&aws, aws.customer(), &trust(&aws.vendor().root_arn(), condition)).await;
    let ask = |value: &str| assume(&user.config, &role.arn).tags(tag("tenant", value));
    session(aws.customer(), || ask("acme")).await;

    assert_eq!(code(ask("other").send().await), "AccessDenied");
    role.remove().await;
    user.remove().await;
}

/// Session tags are the principal's tags in policies.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>
#[tokio::test]
async fn a_session_tag_counts_as_the_principals_tag() {
    let aws = aws().await;
    let user = User::make(&aws, aws.vendor(), &allow("sts:*")).await;
    let tagged_only = policy(
        r#"{"Effect":"Allow","Action":"ec2:DescribeVpcs","Resource":"*",
        "Condition":{"StringEquals":{"aws:PrincipalTag/tenant":"acme"}}}"#,
    );
    let role = Role::make(
        &aws,
        aws.customer(),
        &trust(&aws.vendor().root_arn(), "{}"),
        &tagged_only,
    )
    .await;
    let ask = |value: &'static str| {
        let request = assume(&user.config, &role.arn);
        move || request.clone().tags(tag("tenant", value))
    };
    let right = aws_sdk_ec2::Client::new(&session(aws.customer(), ask("acme")).await);
    let wrong = aws_sdk_ec2::Client::new(&session(aws.customer(), ask("bolt")).await);

    right.describe_vpcs().send().await.expect("the tag is right");
    assert_eq!(code(wrong.describe_vpcs().send().await), "UnauthorizedOperation");
    role.remove().await;
    user.remove().await;
}

/// A session tag overrides the role's tag of the same key.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>
#[tokio::test]
async fn a_session_tag_overrides_the_roles_tag() {
    let aws = aws().await;
    let user = User::make(&aws, aws.vendor(), &allow("sts:*")).await;
    let own_only = policy(
        r#"{"Effect":"Allow","Action":"ec2:DescribeVpcs","Resource":"*",
        "Condition":{"StringEquals":{"aws:PrincipalTag/tenant":"acme"}}}"#,
    );
    let role = Role::make(
        &aws,
        aws.customer(),
        &trust(&aws.vendor().root_arn(), "{}"),
        &own_only,
    )
    .await;
    let own = aws_sdk_iam::types::Tag::builder()
        .key("tenant")
        .value("acme")
        .build();
    let tagging = role
        .iam
        .tag_role()
        .role_name(&role.name)
        .tags(own.expect("a whole tag"));
    tagging.send().await.expect("the role is tagged");
    let plain = aws_sdk_ec2::Client::new(&role.session(&user.config, aws.customer()).await);
    let request = assume(&user.config, &role.arn).tags(tag("tenant", "bolt"));
    let other = keys_of(aws.customer(), &request.send().await.expect("a session"));

    plain
        .describe_vpcs()
        .send()
        .await
        .expect("the role's own tag counts");
    let other = aws_sdk_ec2::Client::new(&other);
    assert_eq!(code(other.describe_vpcs().send().await), "UnauthorizedOperation");
    role.remove().await;
    user.remove().await;
}

/// Keys differ by more than case, and transitive keys are among the tags passed.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
#[tokio::test]
async fn tags_outside_the_rules_are_refused() {
    let aws = aws().await;
    let (user, role) = broker_and_role(&aws).await;
    let ask = || assume(&user.config, &role.arn).tags(tag("tenant", "acme"));

    let twice = ask().tags(tag("Tenant", "bolt"));
    assert_eq!(code(twice.send().await), "InvalidParameterValue");
    let absent = ask().transitive_tag_keys("step");
    assert_eq!(code(absent.send().await), "InvalidParameterValue");
    let many = (0..51).map(|number| tag(&number.to_string(), "x")).collect();
    let many = assume(&user.config, &role.arn).set_tags(Some(many));
    assert_eq!(code(many.send().await), "ValidationError");
    role.remove().await;
    user.remove().await;
}

/// A transitive tag goes on to the next role, another tag does not.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>
#[tokio::test]
async fn transitive_tags_go_down_the_chain_and_others_do_not() {
    let aws = aws().await;
    let (user, first) = broker_and_role(&aws).await;
    let condition = r#"{"StringEquals":{"aws:PrincipalTag/tenant":"acme"}}"#;
    let asks = trust(&aws.customer().root_arn(), condition);
    let second = Role::bare(&aws, aws.customer(), &asks).await;
    let third = Role::bare(&aws, aws.customer(), &asks).await;
    let chain = async |transitive: bool| {
        let request = assume(&user.config, &first.arn).tags(tag("tenant", "acme"));
        let keys = transitive.then(|| vec!["tenant".to_owned()]);
        let answer = request
            .set_transitive_tag_keys(keys)
            .send()
            .await
            .expect("a session");
        let one = keys_of(aws.customer(), &answer);
        second.put("own", ALLOW_ALL).await;
        let two = session(aws.customer(), || assume(&one, &second.arn)).await;
        assume(&two, &third.arn).send().await
    };

    conformance::eventually("the tag is there at the third role", async || {
        chain(true).await.is_ok()
    })
    .await;
    assert_eq!(code(chain(false).await), "AccessDenied");
    for role in [first, second, third] {
        role.remove().await;
    }
    user.remove().await;
}

/// A tag that came down the chain cannot be set again.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>
#[tokio::test]
async fn a_transitive_tag_cannot_be_set_again() {
    let aws = aws().await;
    let (user, first) = broker_and_role(&aws).await;
    let second = Role::bare(&aws, aws.customer(), &trust(&aws.customer().root_arn(), "{}")).await;
    let request = assume(&user.config, &first.arn)
        .tags(tag("tenant", "acme"))
        .transitive_tag_keys("tenant");
    let one = keys_of(aws.customer(), &request.send().await.expect("a session"));
    session(aws.customer(), || assume(&one, &second.arn)).await;

    let again = assume(&one, &second.arn).tags(tag("tenant", "bolt"));

    assert_eq!(code(again.send().await), "InvalidParameterValue");
    second.remove().await;
    first.remove().await;
    user.remove().await;
}

/// A source identity stays with the session and with every session made from it; nobody can change it.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html>
#[tokio::test]
async fn a_source_identity_cannot_be_changed_down_the_chain() {
    let aws = aws().await;
    let (user, first) = broker_and_role(&aws).await;
    let second = Role::bare(&aws, aws.customer(), &trust(&aws.customer().root_arn(), "{}")).await;
    let request = assume(&user.config, &first.arn).source_identity("alice");
    let one = keys_of(aws.customer(), &request.send().await.expect("a session"));
    session(aws.customer(), || assume(&one, &second.arn)).await;

    let other = assume(&one, &second.arn).source_identity("mallory").send().await;
    assert_eq!(code(other), "AccessDenied");
    let same = assume(&one, &second.arn).source_identity("alice").send().await;
    assert_eq!(same.expect("the same is fine").source_identity(), Some("alice"));
    let kept = assume(&one, &second.arn).send().await.expect("a session");
    assert_eq!(kept.source_identity(), Some("alice"));
    second.remove().await;
    first.remove().await;
    user.remove().await;
}

/// A trust policy further down may ask for the source identity.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html>
#[tokio::test]
async fn a_trust_policy_may_ask_for_the_source_identity() {
    let aws = aws().await;
    let user = User::make(&aws, aws.vendor(), &allow("sts:*")).await;
    let condition = r#"{"StringLike":{"sts:SourceIdentity":"reconciler-*"}}"#;
    let role = Role::bare(&aws, aws.customer(), &trust(&aws.vendor().root_arn(), condition)).await;
    let ask = || assume(&user.config, &role.arn);
    session(aws.customer(), || ask().source_identity("reconciler-7")).await;

    assert_eq!(
        code(ask().source_identity("mallory").send().await),
        "AccessDenied"
    );
    assert_eq!(code(ask().send().await), "AccessDenied");
    role.remove().await;
    user.remove().await;
}

/// The log of calls says who acted, under which tags and for whom.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html>
#[tokio::test]
async fn the_log_of_calls_holds_session_tags_and_source_identity() {
    let Some(aws) = controlled().await else { return };
    let (user, role) = broker_and_role(&aws).await;
    let request = assume(&user.config, &role.arn)
        .tags(tag("tenant", "acme"))
        .source_identity("alice");
    let session = keys_of(aws.customer(), &request.send().await.expect("a session"));
    let ec2 = aws_sdk_ec2::Client::new(&session);
    ec2.describe_vpcs().send().await.expect("allowed");

    let calls = aws.control().calls();
    let call = calls
        .iter()
        .find(|call| call.operation == "DescribeVpcs")
        .expect("it is in the log");

    assert_eq!(call.session_tags.get("tenant").map(String::as_str), Some("acme"));
    assert_eq!(call.source_identity.as_deref(), Some("alice"));
    assert!(call.principal.ends_with("/probe"), "{}", call.principal);
}

/// What a deleted role's sessions may do ends with the role.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_manage_delete.html>
#[tokio::test]
async fn a_deleted_roles_sessions_can_do_nothing() {
    let aws = aws().await;
    let (user, role) = broker_and_role(&aws).await;
    let session = role.session(&user.config, aws.customer()).await;
    let ec2 = aws_sdk_ec2::Client::new(&session);
    conformance::eventually("the session works", async || {
        ec2.describe_vpcs().send().await.is_ok()
    })
    .await;

    role.remove().await;

    conformance::eventually("the session is dead", async || {
        ec2.describe_vpcs().send().await.is_err()
    })
    .await;
    user.remove().await;
}
