//! Whom the `Principal` of a trust policy lets in.

use conformance::{aws, code, controlled, eventually};

use crate::support::{Names, Role, User, allow, assume, iam, policy, trust, trust_shapes};

/// A statement with this principal element and no condition.
fn principal(element: impl Fn(&Names) -> String) -> impl Fn(&Names) -> String {
    move |names| {
        let element = element(names);
        policy(&format!(
            r#"{{"Effect":"Allow","Principal":{element},"Action":"sts:AssumeRole"}}"#
        ))
    }
}

trust_shapes! {
    /// The account's root ARN delegates to the account: its own policies decide who.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
    #[tokio::test]
    the_accounts_root_arn_lets_its_users_in(
        principal(|names| format!(r#"{{"AWS":"arn:aws:iam::{}:root"}}"#, names.operator)), None) => In;

    /// The account id is short for its root ARN.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
    #[tokio::test]
    the_account_id_lets_its_users_in(
        principal(|names| format!(r#"{{"AWS":"{}"}}"#, names.operator)), None) => In;

    /// A user's ARN names the user.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
    #[tokio::test]
    the_users_arn_lets_it_in(
        principal(|names| format!(r#"{{"AWS":"{}"}}"#, names.broker)), None) => In;

    /// A bare star is everybody of every account.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
    #[tokio::test]
    a_bare_star_lets_everybody_in(principal(|_| "\"*\"".into()), None) => In;

    /// A star among AWS principals is the same.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
    #[tokio::test]
    a_star_among_aws_principals_lets_everybody_in(principal(|_| r#"{"AWS":"*"}"#.into()), None) => In;

    /// Principals of a list are alternatives.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
    #[tokio::test]
    one_of_several_principals_lets_in(
        principal(|names| format!(r#"{{"AWS":["{}","{}"]}}"#, names.stranger, names.operator)), None) => In;

    /// Another account's root ARN is for that account only.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
    #[tokio::test]
    another_accounts_root_arn_refuses(
        principal(|names| format!(r#"{{"AWS":"arn:aws:iam::{}:root"}}"#, names.stranger)), None) => Out;

    /// Another account's id is for that account only.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
    #[tokio::test]
    another_accounts_id_refuses(
        principal(|names| format!(r#"{{"AWS":"{}"}}"#, names.stranger)), None) => Out;

    /// A service's principal lets no user in.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
    #[tokio::test]
    a_service_alone_refuses_users(
        principal(|_| r#"{"Service":"ec2.amazonaws.com"}"#.into()), None) => Out;

    /// Kinds of principals stand beside each other.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
    #[tokio::test]
    a_service_beside_an_account_lets_the_account_in(
        principal(|names| format!(r#"{{"Service":"ec2.amazonaws.com","AWS":"{}"}}"#, names.operator)),
        None) => In;

    /// Everybody, but of one account: the condition decides.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>
    #[tokio::test]
    a_star_with_the_right_principal_account_lets_in(
        |names: &Names| trust("*", &format!(r#"{{"StringEquals":{{"aws:PrincipalAccount":"{}"}}}}"#, names.operator)),
        None) => In;

    /// Everybody, but of another account.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>
    #[tokio::test]
    a_star_with_another_principal_account_refuses(
        |names: &Names| trust("*", &format!(r#"{{"StringEquals":{{"aws:PrincipalAccount":"{}"}}}}"#, names.stranger)),
        None) => Out;
}

/// A user's ARN names that user and no other of the account.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
#[tokio::test]
async fn another_user_of_the_account_is_refused() {
    let aws = aws().await;
    let trusted = User::make(&aws, aws.vendor(), &allow("sts:*")).await;
    let other = User::make(&aws, aws.vendor(), &allow("sts:*")).await;
    let role = Role::bare(&aws, aws.customer(), &trust(&trusted.arn, "{}")).await;
    eventually("the trusted user gets in", async || {
        assume(&trusted.config, &role.arn).send().await.is_ok()
    })
    .await;

    assert_eq!(
        code(assume(&other.config, &role.arn).send().await),
        "AccessDenied"
    );

    role.remove().await;
    trusted.remove().await;
    other.remove().await;
}

/// A principal that is deleted and made again is another one: the trust policy holds the unique id.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
#[tokio::test]
async fn a_user_made_again_is_not_the_one_that_was_trusted() {
    let Some(aws) = controlled().await else { return };
    let iam = iam(aws.vendor());
    let first = User::make(&aws, aws.vendor(), &allow("sts:*")).await;
    let role = Role::bare(&aws, aws.customer(), &trust(&first.arn, "{}")).await;
    let (name, arn) = (first.name.clone(), first.arn.clone());
    assume(&first.config, &role.arn)
        .send()
        .await
        .expect("it is trusted");
    first.remove().await;
    iam.create_user()
        .user_name(&name)
        .send()
        .await
        .expect("the name is free");
    let put = iam.put_user_policy().user_name(&name).policy_name("own");
    put.policy_document(allow("sts:*"))
        .send()
        .await
        .expect("its policy");
    let key = iam
        .create_access_key()
        .user_name(&name)
        .send()
        .await
        .expect("a key");
    let key = key.access_key.expect("an answer has a key");
    let again = aws
        .vendor()
        .with_keys(&key.access_key_id, &key.secret_access_key, None);

    assert_eq!(code(assume(&again, &role.arn).send().await), "AccessDenied");
    let shown = role
        .iam
        .get_role()
        .role_name(&role.name)
        .send()
        .await
        .expect("the role");
    let shown = shown
        .role
        .and_then(|role| role.assume_role_policy_document)
        .expect("a policy");
    assert!(
        shown.contains("AIDA") && !shown.contains(&name),
        "{arn} became its id: {shown}"
    );
}

/// A condition on the ARN lets in whoever has the ARN, made again or not.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>
#[tokio::test]
async fn a_condition_on_the_arn_lets_in_the_one_made_again() {
    let Some(aws) = controlled().await else { return };
    let own = trust(&aws.vendor().root_arn(), "{}");
    let broker = "arn:aws:iam::111111111111:role/broker";
    let make = async || {
        let iam = iam(aws.vendor());
        let create = iam
            .create_role()
            .role_name("broker")
            .assume_role_policy_document(&own);
        create.send().await.expect("the name is free");
        let put = iam.put_role_policy().role_name("broker").policy_name("own");
        put.policy_document(allow("sts:*"))
            .send()
            .await
            .expect("its policy");
        iam
    };
    let first = make().await;
    let condition = format!(r#"{{"ArnEquals":{{"aws:PrincipalArn":"{broker}"}}}}"#);
    let role = Role::bare(&aws, aws.customer(), &trust(&aws.vendor().root_arn(), &condition)).await;
    let delete = first.delete_role_policy().role_name("broker").policy_name("own");
    delete.send().await.expect("the policy goes");
    first
        .delete_role()
        .role_name("broker")
        .send()
        .await
        .expect("the role goes");
    make().await;

    let user = User::make(&aws, aws.vendor(), &allow("sts:*")).await;
    let session = assume(&user.config, broker).send().await.expect("the new broker");
    let session = crate::support::keys_of(aws.vendor(), &session);
    assume(&session, &role.arn)
        .send()
        .await
        .expect("the ARN is the same");
}
