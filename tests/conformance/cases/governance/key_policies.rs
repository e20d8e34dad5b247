//! Who may use a key.

use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use conformance::{Aws, aws, code};

use crate::keys::{key, kms, let_go};

fn policy(statements: &[String]) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{}]}}"#,
        statements.join(",")
    )
}

fn allow(arn: &str, actions: &str) -> String {
    format!(r#"{{"Effect":"Allow","Principal":{{"AWS":"{arn}"}},"Action":{actions},"Resource":"*"}}"#)
}

async fn key_with(aws: &Aws, statements: &[String]) -> (Client, String) {
    let client = kms(aws.vendor());
    let made = client
        .create_key()
        .policy(policy(statements))
        .send()
        .await
        .expect("a key");
    let arn = made.key_metadata.and_then(|key| key.arn);
    (client, arn.expect("a key has an ARN"))
}

/// A key of another account is refused unless its policy lets that account in.
/// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html
#[tokio::test]
async fn a_foreign_account_needs_the_keys_policy() {
    let aws = aws().await;
    let (own, arn) = key_with(&aws, &[allow(&aws.vendor().root_arn(), "\"kms:*\"")]).await;
    let stranger = kms(aws.customer());
    let refused = stranger
        .encrypt()
        .key_id(&arn)
        .plaintext(Blob::new("x"))
        .send()
        .await;
    assert_eq!(code(refused), "AccessDeniedException");
    let open = policy(&[
        allow(&aws.vendor().root_arn(), "\"kms:*\""),
        allow(&aws.customer().root_arn(), "\"kms:Encrypt\""),
    ]);
    own.put_key_policy()
        .key_id(&arn)
        .policy_name("default")
        .policy(open)
        .send()
        .await
        .expect("changed");
    stranger
        .encrypt()
        .key_id(&arn)
        .plaintext(Blob::new("x"))
        .send()
        .await
        .expect("let in");
    let more = stranger.describe_key().key_id(&arn).send().await;
    assert_eq!(code(more), "AccessDeniedException");
    let_go(&own, &arn).await;
}

/// A policy that would lock its author out is refused, unless the author waives the check.
/// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html
#[tokio::test]
async fn a_policy_that_locks_its_author_out_is_refused() {
    let aws = aws().await;
    let client = kms(aws.vendor());
    let locked = policy(&[allow(&aws.customer().root_arn(), "\"kms:*\"")]);
    let refused = client.create_key().policy(&locked).send().await;
    assert_eq!(code(refused), "MalformedPolicyDocumentException");
}

/// A policy that cannot be read is refused.
/// https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html
#[tokio::test]
async fn a_policy_that_cannot_be_read_is_refused() {
    let aws = aws().await;
    let client = kms(aws.vendor());
    let id = key(&client).await;
    for text in [
        "no policy",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Perhaps"}]}"#,
    ] {
        let refused = client
            .put_key_policy()
            .key_id(&id)
            .policy_name("default")
            .policy(text)
            .send()
            .await;
        assert_eq!(code(refused), "MalformedPolicyDocumentException", "{text}");
    }
    let named = client
        .get_key_policy()
        .key_id(&id)
        .policy_name("other")
        .send()
        .await;
    assert_eq!(code(named), "NotFoundException");
    let_go(&client, &id).await;
}

/// A key that is not there, an ARN of another service and an ARN of another region are told apart.
/// https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html
#[tokio::test]
async fn a_key_that_is_not_there_is_not_found() {
    let aws = aws().await;
    let client = kms(aws.vendor());
    let missing = client
        .describe_key()
        .key_id("11111111-2222-3333-4444-555555555555")
        .send()
        .await;
    assert_eq!(code(missing), "NotFoundException");
    let foreign = client.describe_key().key_id("arn:aws:s3:::bucket").send().await;
    assert_eq!(code(foreign), "InvalidArnException");
    let elsewhere = format!("arn:aws:kms:sa-east-1:{}:key/x", aws.vendor().id);
    let elsewhere = client.describe_key().key_id(elsewhere).send().await;
    assert_eq!(code(elsewhere), "NotFoundException");
}

/// Asymmetric keys are another kind; here they are refused by name and never made as something else.
/// https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html
#[tokio::test]
async fn a_spec_that_is_not_built_is_refused_by_name() {
    let Some(aws) = conformance::controlled().await else {
        return;
    };
    let made = kms(aws.vendor())
        .create_key()
        .key_spec(aws_sdk_kms::types::KeySpec::Rsa2048)
        .send()
        .await;
    assert_eq!(code(made), "UnsupportedOperationException");
}
