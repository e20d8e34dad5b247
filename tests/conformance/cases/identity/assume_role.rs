//! AssumeRole: both sides must agree, and what it answers.

use aws_sdk_sts::error::ProvideErrorMetadata;
use conformance::{aws, code, eventually};

use crate::support::{Role, User, allow, assume, policy, trust};

/// A session acts in the role's account under the role's name.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
#[tokio::test]
async fn a_session_acts_in_the_roles_account() {
    let aws = aws().await;
    let user = User::make(&aws, aws.vendor(), &allow("sts:*")).await;
    let role = Role::bare(&aws, aws.customer(), &trust(&aws.vendor().root_arn(), "{}")).await;

    let session = role.session(&user.config, aws.customer()).await;

    let sts = aws_sdk_sts::Client::new(&session);
    let identity = sts.get_caller_identity().send().await.expect("an identity");
    let (account, name) = (&aws.customer().id, &role.name);
    assert_eq!(identity.account(), Some(account.as_str()));
    let arn = format!("arn:aws:sts::{account}:assumed-role/{name}/probe");
    assert_eq!(identity.arn(), Some(arn.as_str()));
    role.remove().await;
    user.remove().await;
}

/// The answer names the session and when its keys end.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
#[tokio::test]
async fn the_answer_names_the_session_and_its_end() {
    let aws = aws().await;
    let user = User::make(&aws, aws.vendor(), &allow("sts:*")).await;
    let role = Role::bare(&aws, aws.customer(), &trust(&aws.vendor().root_arn(), "{}")).await;
    role.session(&user.config, aws.customer()).await;

    let answer = assume(&user.config, &role.arn).send().await.expect("a session");

    let shown = role
        .iam
        .get_role()
        .role_name(&role.name)
        .send()
        .await
        .expect("the role");
    let id = shown.role.expect("an answer has a role").role_id;
    let session = answer.assumed_role_user().expect("an answer names the session");
    assert_eq!(session.assumed_role_id(), format!("{id}:probe"));
    assert!(
        session
            .arn()
            .ends_with(&format!(":assumed-role/{}/probe", role.name))
    );
    let keys = answer.credentials().expect("an answer has keys");
    assert!(keys.access_key_id().starts_with("ASIA"));
    assert!(keys.expiration().secs() > 0);
    role.remove().await;
    user.remove().await;
}

/// "You cannot call AssumeRole by using AWS account root user credentials; access is denied."
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
#[tokio::test]
async fn a_root_user_assumes_no_role() {
    let Some(aws) = conformance::controlled().await else {
        return;
    };
    let role = Role::bare(&aws, aws.customer(), &trust("*", "{}")).await;

    for account in [aws.vendor(), aws.customer()] {
        let outcome = assume(&account.config, &role.arn).send().await;
        assert_eq!(code(outcome), "AccessDenied");
    }
}

/// Who asks for a role must not learn whether it exists.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_roles.html>
#[tokio::test]
async fn a_missing_role_and_a_refusing_role_sound_the_same() {
    let aws = aws().await;
    let user = User::make(&aws, aws.vendor(), &allow("sts:*")).await;
    let role = Role::bare(&aws, aws.customer(), &trust(&aws.customer().root_arn(), "{}")).await;
    let missing = format!("{}-not", role.arn);

    let ask = async |arn: &str| {
        let error = assume(&user.config, arn).send().await.expect_err("refused");
        let message = error.message().unwrap_or_default().replace(arn, "the role");
        (error.code().map(str::to_owned), message)
    };

    assert_eq!(ask(&role.arn).await, ask(&missing).await);
    assert_eq!(ask(&missing).await.0.as_deref(), Some("AccessDenied"));
    role.remove().await;
    user.remove().await;
}

/// Across accounts the trust policy is not enough: the caller's own policies must allow it too.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html>
#[tokio::test]
async fn across_accounts_the_callers_own_policies_must_allow_it_too() {
    let aws = aws().await;
    let user = User::make(&aws, aws.vendor(), &allow("ec2:*")).await;
    let role = Role::bare(&aws, aws.customer(), &trust(&user.arn, "{}")).await;

    assert_eq!(code(assume(&user.config, &role.arn).send().await), "AccessDenied");

    role.remove().await;
    user.remove().await;
}

/// Within one account a trust policy that names the user is enough by itself.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-single-account.html>
#[tokio::test]
async fn within_one_account_a_trust_policy_that_names_the_user_is_enough() {
    let aws = aws().await;
    let user = User::make(&aws, aws.vendor(), &allow("ec2:*")).await;
    let role = Role::bare(&aws, aws.vendor(), &trust(&user.arn, "{}")).await;

    role.session(&user.config, aws.vendor()).await;

    role.remove().await;
    user.remove().await;
}

/// Within one account a trust policy that names the account leaves it to the caller's policies.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
#[tokio::test]
async fn within_one_account_naming_the_account_is_not_enough() {
    let aws = aws().await;
    let user = User::make(&aws, aws.vendor(), &allow("ec2:*")).await;
    let role = Role::bare(&aws, aws.vendor(), &trust(&aws.vendor().root_arn(), "{}")).await;

    assert_eq!(code(assume(&user.config, &role.arn).send().await), "AccessDenied");

    role.remove().await;
    user.remove().await;
}

/// The caller's own deny wins over a trust policy that names it.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>
#[tokio::test]
async fn the_callers_own_deny_wins_over_the_trust_policy() {
    let aws = aws().await;
    let deny = policy(r#"{"Effect":"Deny","Action":"sts:AssumeRole","Resource":"*"}"#);
    let user = User::make(&aws, aws.vendor(), &deny).await;
    let role = Role::bare(&aws, aws.vendor(), &trust(&user.arn, "{}")).await;

    assert_eq!(code(assume(&user.config, &role.arn).send().await), "AccessDenied");

    role.remove().await;
    user.remove().await;
}

/// The caller's policy may be limited to one role.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_permissions-to-switch.html>
#[tokio::test]
async fn a_caller_that_may_assume_one_role_assumes_no_other() {
    let aws = aws().await;
    let open = trust(&aws.vendor().root_arn(), "{}");
    let (one, other) = (
        Role::bare(&aws, aws.customer(), &open).await,
        Role::bare(&aws, aws.customer(), &open).await,
    );
    let only = policy(&format!(
        r#"{{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"{}"}}"#,
        one.arn
    ));
    let user = User::make(&aws, aws.vendor(), &only).await;

    one.session(&user.config, aws.customer()).await;
    assert_eq!(
        code(assume(&user.config, &other.arn).send().await),
        "AccessDenied"
    );

    one.remove().await;
    other.remove().await;
    user.remove().await;
}

/// A trust policy that changes counts from then on.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAssumeRolePolicy.html>
#[tokio::test]
async fn a_changed_trust_policy_counts_from_then_on() {
    let aws = aws().await;
    let user = User::make(&aws, aws.vendor(), &allow("sts:*")).await;
    let role = Role::bare(&aws, aws.customer(), &trust(&aws.vendor().root_arn(), "{}")).await;
    role.session(&user.config, aws.customer()).await;

    role.trusts(&trust(&aws.stranger().root_arn(), "{}")).await;

    eventually("the role refuses", async || {
        assume(&user.config, &role.arn).send().await.is_err()
    })
    .await;
    role.remove().await;
    user.remove().await;
}

/// GetCallerIdentity needs no permission, not even with an explicit deny.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>
#[tokio::test]
async fn get_caller_identity_needs_no_permission() {
    let aws = aws().await;
    let deny = policy(r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#);
    let user = User::make(&aws, aws.vendor(), &deny).await;

    let sts = aws_sdk_sts::Client::new(&user.config);
    let identity = sts.get_caller_identity().send().await.expect("always allowed");

    assert_eq!(identity.arn(), Some(user.arn.as_str()));
    assert!(identity.user_id().is_some_and(|id| id.starts_with("AIDA")));
    user.remove().await;
}

/// The role's ARN, the session's name and the external id have patterns and lengths.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
#[tokio::test]
async fn parameters_outside_their_patterns_are_refused() {
    let aws = aws().await;
    let user = User::make(&aws, aws.vendor(), &allow("sts:*")).await;
    let role = format!("arn:aws:iam::{}:role/conformance-any", aws.customer().id);
    let ask = |arn: &str| assume(&user.config, arn);

    let name = |name: &str| ask(&role).role_session_name(name).send();
    assert_eq!(code(name("with space").await), "ValidationError");
    assert_eq!(code(name("x").await), "ValidationError");
    assert_eq!(code(name(&"x".repeat(65)).await), "ValidationError");
    assert_eq!(code(ask(&role).external_id("x").send().await), "ValidationError");
    assert_eq!(
        code(ask(&role).external_id("a b").send().await),
        "ValidationError"
    );
    assert_eq!(
        code(ask(&role).source_identity("a b").send().await),
        "ValidationError"
    );
    let not_a_role = format!("arn:aws:iam::{}:user/conformance-any", aws.customer().id);
    assert_eq!(code(ask(&not_a_role).send().await), "ValidationError");
    user.remove().await;
}
