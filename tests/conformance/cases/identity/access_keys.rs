//! Users and their access keys.

use aws_sdk_iam::types::StatusType;
use conformance::{aws, code, eventually};

use crate::support::{ALLOW_ALL, User, allow, iam, policy};

/// A user's key signs, and the call is the user's.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html>
#[tokio::test]
async fn a_users_key_signs_as_the_user() {
    let aws = aws().await;
    let user = User::make(&aws, aws.customer(), &allow("ec2:DescribeVpcs")).await;
    let (sts, ec2) = (
        aws_sdk_sts::Client::new(&user.config),
        aws_sdk_ec2::Client::new(&user.config),
    );

    let identity = sts.get_caller_identity().send().await.expect("an identity");

    assert_eq!(identity.arn(), Some(user.arn.as_str()));
    assert!(user.key_id.starts_with("AKIA"));
    eventually("its policy counts", async || {
        ec2.describe_vpcs().send().await.is_ok()
    })
    .await;
    assert_eq!(code(ec2.describe_subnets().send().await), "UnauthorizedOperation");
    user.remove().await;
}

/// Two keys per user.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
#[tokio::test]
async fn a_third_key_is_refused() {
    let aws = aws().await;
    let user = User::make(&aws, aws.customer(), ALLOW_ALL).await;
    let create = || {
        iam(aws.customer())
            .create_access_key()
            .user_name(&user.name)
            .send()
    };
    let second = create().await.expect("a second key").access_key.expect("a key");

    assert_eq!(code(create().await), "LimitExceeded");
    let listed = iam(aws.customer())
        .list_access_keys()
        .user_name(&user.name)
        .send()
        .await
        .expect("a list");
    let mut ids: Vec<_> = listed
        .access_key_metadata
        .into_iter()
        .filter_map(|key| key.access_key_id)
        .collect();
    let mut made = vec![user.key_id.clone(), second.access_key_id];
    ids.sort();
    made.sort();
    assert_eq!(ids, made);
    user.remove().await;
}

/// An inactive key signs no more, until it is active again.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccessKey.html>
#[tokio::test]
async fn an_inactive_key_is_as_good_as_unknown() {
    let aws = aws().await;
    let user = User::make(&aws, aws.customer(), ALLOW_ALL).await;
    let sts = aws_sdk_sts::Client::new(&user.config);
    let set = |status| {
        let update = iam(aws.customer()).update_access_key().user_name(&user.name);
        update.access_key_id(&user.key_id).status(status).send()
    };

    set(StatusType::Inactive).await.expect("the key changes");
    eventually("the key is refused", async || {
        let outcome = sts.get_caller_identity().send().await;
        outcome.is_err() && code(outcome) == "InvalidClientTokenId"
    })
    .await;
    set(StatusType::Active).await.expect("the key changes");
    eventually("the key signs", async || {
        sts.get_caller_identity().send().await.is_ok()
    })
    .await;
    user.remove().await;
}

/// A deleted key is unknown.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccessKey.html>
#[tokio::test]
async fn a_deleted_key_is_unknown() {
    let aws = aws().await;
    let user = User::make(&aws, aws.customer(), ALLOW_ALL).await;
    let sts = aws_sdk_sts::Client::new(&user.config);
    let delete = || {
        let delete = iam(aws.customer()).delete_access_key().user_name(&user.name);
        delete.access_key_id(&user.key_id).send()
    };

    delete().await.expect("it goes");

    eventually("the key is refused", async || {
        sts.get_caller_identity().send().await.is_err()
    })
    .await;
    assert_eq!(
        code(sts.get_caller_identity().send().await),
        "InvalidClientTokenId"
    );
    assert_eq!(code(delete().await), "NoSuchEntity");
    user.remove().await;
}

/// A user's key is not the key of a session: a token beside it is refused.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_use-resources.html>
#[tokio::test]
async fn a_token_beside_a_users_key_is_refused() {
    let aws = aws().await;
    let user = User::make(&aws, aws.customer(), ALLOW_ALL).await;
    let key = iam(aws.customer())
        .create_access_key()
        .user_name(&user.name)
        .send()
        .await
        .expect("a key");
    let key = key.access_key.expect("a key");
    let config = aws
        .customer()
        .with_keys(&key.access_key_id, &key.secret_access_key, Some("a token"));

    let outcome = aws_sdk_sts::Client::new(&config)
        .get_caller_identity()
        .send()
        .await;

    assert_eq!(code(outcome), "InvalidClientTokenId");
    user.remove().await;
}

/// A user with keys or policies is not deleted.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html>
#[tokio::test]
async fn a_user_that_holds_something_is_not_deleted() {
    let aws = aws().await;
    let user = User::make(&aws, aws.customer(), ALLOW_ALL).await;
    let iam = iam(aws.customer());
    let delete = || iam.delete_user().user_name(&user.name).send();

    assert_eq!(code(delete().await), "DeleteConflict", "a key and a policy");
    let key = iam
        .delete_access_key()
        .user_name(&user.name)
        .access_key_id(&user.key_id);
    key.send().await.expect("the key goes");
    assert_eq!(code(delete().await), "DeleteConflict", "a policy");
    let put = iam.delete_user_policy().user_name(&user.name).policy_name("own");
    put.send().await.expect("the policy goes");
    let attach = iam
        .attach_user_policy()
        .user_name(&user.name)
        .policy_arn("arn:aws:iam::aws:policy/AWSDenyAll");
    attach.send().await.expect("it is attached");
    assert_eq!(code(delete().await), "DeleteConflict", "an attached policy");
    user.remove().await;
}

/// Names are given once, and what is not there is not found.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html>
#[tokio::test]
async fn user_names_are_checked() {
    let aws = aws().await;
    let user = User::make(&aws, aws.customer(), ALLOW_ALL).await;
    let iam = iam(aws.customer());
    let nobody = aws.name("nobody");

    assert_eq!(
        code(iam.create_user().user_name(&user.name).send().await),
        "EntityAlreadyExists"
    );
    assert_eq!(
        code(iam.create_user().user_name("with space").send().await),
        "ValidationError"
    );
    assert_eq!(
        code(iam.get_user().user_name(&nobody).send().await),
        "NoSuchEntity"
    );
    assert_eq!(
        code(iam.delete_user().user_name(&nobody).send().await),
        "NoSuchEntity"
    );
    assert_eq!(
        code(iam.create_access_key().user_name(&nobody).send().await),
        "NoSuchEntity"
    );
    user.remove().await;
}

/// Without a name a user asks about itself.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetUser.html>
#[tokio::test]
async fn a_user_asks_about_itself_without_a_name() {
    let aws = aws().await;
    let own = policy(
        r#"{"Effect":"Allow","Action":["iam:GetUser","iam:*AccessKey*"],"Resource":"arn:aws:iam::*:user/${aws:username}"}"#,
    );
    let user = User::make(&aws, aws.customer(), &own).await;
    let other = User::make(&aws, aws.customer(), &own).await;
    let iam = aws_sdk_iam::Client::new(&user.config);

    eventually("it reads itself", async || iam.get_user().send().await.is_ok()).await;
    let read = iam
        .get_user()
        .send()
        .await
        .expect("an answer")
        .user
        .expect("a user");
    assert_eq!(read.user_name, user.name);
    let keys = iam
        .list_access_keys()
        .send()
        .await
        .expect("its own keys")
        .access_key_metadata;
    assert_eq!(keys[0].access_key_id.as_deref(), Some(user.key_id.as_str()));
    let others = iam.list_access_keys().user_name(&other.name).send().await;
    assert_eq!(code(others), "AccessDenied");
    user.remove().await;
    other.remove().await;
}
