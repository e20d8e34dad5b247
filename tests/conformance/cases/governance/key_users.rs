//! Who may use a key within an account, under conditions, and from another account.

use aws_config::SdkConfig;
use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use conformance::{Account, Aws, aws, code, controlled};

use crate::keys::{kms, let_go};
use crate::support::{User, allow, policy};

/// A key's statement that lets a principal in.
fn lets_in(arn: &str, actions: &str, condition: &str) -> String {
    format!(
        r#"{{"Effect":"Allow","Principal":{{"AWS":"{arn}"}},"Action":{actions},"Resource":"*"{condition}}}"#
    )
}

/// The ARN of a key of the vendor whose policy lets the vendor's account do all, and more besides.
async fn key_that(aws: &Aws, more: &[String]) -> (Client, String) {
    let client = kms(aws.vendor());
    let mut statements = vec![lets_in(&aws.vendor().root_arn(), r#""kms:*""#, "")];
    statements.extend_from_slice(more);
    let made = client.create_key().policy(policy(&statements)).send().await;
    let arn = made.expect("a key").key_metadata.and_then(|key| key.arn);
    (client, arn.expect("a key has an ARN"))
}

async fn encrypts(config: &SdkConfig, arn: &str, tenant: Option<&str>) -> Result<(), String> {
    let encrypt = Client::new(config)
        .encrypt()
        .key_id(arn)
        .plaintext(Blob::new("x"));
    let encrypt = match tenant {
        Some(tenant) => encrypt.encryption_context("tenant", tenant),
        None => encrypt,
    };
    match encrypt.send().await {
        Ok(_) => Ok(()),
        refused => Err(code(refused)),
    }
}

fn denied() -> Result<(), String> {
    Err("AccessDeniedException".into())
}

/// A key that leaves it to IAM is used by those whom IAM allows it, and by nobody else of the account.
/// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
#[tokio::test]
async fn iam_decides_where_the_keys_policy_leaves_it_to_the_account() {
    let aws = aws().await;
    let (client, arn) = key_that(&aws, &[]).await;
    let nobody = User::that_may(&aws, aws.vendor(), &[]).await;
    let user = User::that_may(&aws, aws.vendor(), &[allow(r#""kms:Encrypt""#)]).await;
    assert_eq!(encrypts(&nobody.config, &arn, None).await, denied());
    assert_eq!(encrypts(&user.config, &arn, None).await, Ok(()));
    let more = Client::new(&user.config).disable_key().key_id(&arn).send().await;
    assert_eq!(code(more), "AccessDeniedException");
    nobody.remove().await;
    user.remove().await;
    let_go(&client, &arn).await;
}

/// A key's policy that names a user lets it in without IAM.
/// https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
#[tokio::test]
async fn a_policy_that_names_a_user_lets_it_in_without_iam() {
    let aws = aws().await;
    let user = User::that_may(&aws, aws.vendor(), &[]).await;
    let (client, arn) = key_that(&aws, &[lets_in(&user.arn, r#""kms:Encrypt""#, "")]).await;
    assert_eq!(encrypts(&user.config, &arn, None).await, Ok(()));
    let more = Client::new(&user.config).describe_key().key_id(&arn).send().await;
    assert_eq!(code(more), "AccessDeniedException");
    user.remove().await;
    let_go(&client, &arn).await;
}

/// IAM alone lets nobody in where the key's policy does not reach the account's principals.
/// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html
#[tokio::test]
async fn iam_alone_is_not_enough() {
    let Some(aws) = controlled().await else { return };
    let (owner, client) = (
        User::that_may(&aws, aws.vendor(), &[allow(r#""kms:*""#)]).await,
        kms(aws.vendor()),
    );
    let only = policy(&[lets_in(&owner.arn, r#""kms:*""#, "")]);
    let made = Client::new(&owner.config).create_key().policy(only).send().await;
    let arn = made
        .expect("a key")
        .key_metadata
        .and_then(|key| key.arn)
        .expect("an ARN");
    let other = User::that_may(&aws, aws.vendor(), &[allow(r#""kms:*""#)]).await;
    assert_eq!(encrypts(&other.config, &arn, None).await, denied());
    let root = client.describe_key().key_id(&arn).send().await;
    assert_eq!(code(root), "AccessDeniedException");
    assert_eq!(encrypts(&owner.config, &arn, None).await, Ok(()));
}

/// An explicit deny of the key's policy wins over what IAM allows.
/// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
#[tokio::test]
async fn a_deny_of_the_keys_policy_wins() {
    let aws = aws().await;
    let user = User::that_may(&aws, aws.vendor(), &[allow(r#""kms:*""#)]).await;
    let deny = lets_in(&user.arn, r#""kms:Encrypt""#, "").replace("Allow", "Deny");
    let (client, arn) = key_that(&aws, &[deny]).await;
    assert_eq!(encrypts(&user.config, &arn, None).await, denied());
    let rest = Client::new(&user.config).describe_key().key_id(&arn).send().await;
    rest.expect("the rest is allowed");
    user.remove().await;
    let_go(&client, &arn).await;
}

/// A policy may demand an encryption context.
/// https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
#[tokio::test]
async fn a_policy_may_demand_an_encryption_context() {
    let aws = aws().await;
    let user = User::that_may(&aws, aws.vendor(), &[]).await;
    let condition = r#","Condition":{"StringEquals":{"kms:EncryptionContext:tenant":"acme"}}"#;
    let (client, arn) = key_that(&aws, &[lets_in(&user.arn, r#""kms:Encrypt""#, condition)]).await;
    assert_eq!(encrypts(&user.config, &arn, Some("acme")).await, Ok(()));
    assert_eq!(encrypts(&user.config, &arn, Some("bolt")).await, denied());
    assert_eq!(encrypts(&user.config, &arn, None).await, denied());
    user.remove().await;
    let_go(&client, &arn).await;
}

/// From another account both sides must allow the use: the key's policy and the caller's own.
/// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html
#[tokio::test]
async fn both_accounts_must_allow_a_use_from_outside() {
    let aws = aws().await;
    let open = lets_in(
        &aws.customer().root_arn(),
        r#"["kms:Encrypt","kms:DescribeKey"]"#,
        "",
    );
    let (client, arn) = key_that(&aws, &[open]).await;
    let without = User::that_may(&aws, aws.customer(), &[]).await;
    let with = User::that_may(&aws, aws.customer(), &[allow(r#""kms:Encrypt""#)]).await;
    assert_eq!(encrypts(&without.config, &arn, None).await, denied());
    assert_eq!(encrypts(&with.config, &arn, None).await, Ok(()));
    let other = Client::new(&with.config).describe_key().key_id(&arn).send().await;
    assert_eq!(code(other), "AccessDeniedException");
    without.remove().await;
    with.remove().await;
    let_go(&client, &arn).await;
}

/// Another account administers no key, whatever the key's policy says.
/// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html
#[tokio::test]
async fn another_account_administers_no_key() {
    let aws = aws().await;
    let (own, arn) = key_that(&aws, &[lets_in(&aws.customer().root_arn(), r#""kms:*""#, "")]).await;
    let stranger = kms(aws.customer());
    let shown = stranger.describe_key().key_id(&arn).send().await;
    shown.expect("what may be used from outside is open");
    let disabled = stranger.disable_key().key_id(&arn).send().await;
    assert_eq!(code(disabled), "AccessDeniedException");
    let ended = stranger.schedule_key_deletion().key_id(&arn).send().await;
    assert_eq!(code(ended), "AccessDeniedException");
    let read = stranger.get_key_policy().key_id(&arn).send().await;
    assert_eq!(code(read), "AccessDeniedException");
    let tags = stranger.list_resource_tags().key_id(&arn).send().await;
    assert_eq!(code(tags), "AccessDeniedException");
    let_go(&own, &arn).await;
}

/// The key that AWS keeps for a service is used through that service, and changed by nobody.
/// https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html
#[tokio::test]
async fn the_key_of_a_service_is_not_its_accounts_to_use_or_change() {
    let Some(aws) = controlled().await else { return };
    let client = kms(aws.vendor());
    let shown = client
        .describe_key()
        .key_id("alias/aws/ebs")
        .send()
        .await
        .expect("it");
    let id = shown.key_metadata.expect("an answer has the key").key_id;
    let used = encrypts(&aws.vendor().config, &id, None).await;
    assert_eq!(used, denied());
    let disabled = client.disable_key().key_id(&id).send().await;
    assert_eq!(code(disabled), "AccessDeniedException");
    let ended = client.schedule_key_deletion().key_id(&id).send().await;
    assert_eq!(code(ended), "AccessDeniedException");
    let open = policy(&[lets_in(&aws.vendor().root_arn(), r#""kms:*""#, "")]);
    let put = client.put_key_policy().key_id(&id).policy(open).send().await;
    assert_eq!(code(put), "AccessDeniedException");
    let text = client
        .get_key_policy()
        .key_id(&id)
        .send()
        .await
        .expect("its policy");
    assert!(text.policy().is_some_and(|text| text.contains("kms:ViaService")));
}

/// A policy that lets a key be used through one service holds for that service's volumes, not for a direct call.
/// https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
#[tokio::test]
async fn a_policy_may_open_a_key_to_one_service() {
    let Some(aws) = controlled().await else { return };
    let root = aws.vendor().root_arn();
    let via = format!(
        r#","Condition":{{"StringEquals":{{"kms:ViaService":"ec2.{}.amazonaws.com"}}}}"#,
        aws.region()
    );
    let statements = [
        lets_in(&root, r#"["kms:PutKeyPolicy","kms:DescribeKey"]"#, ""),
        lets_in(&root, r#""kms:GenerateDataKey*""#, &via),
    ];
    let client = kms(aws.vendor());
    let made = client.create_key().policy(policy(&statements)).send().await;
    let arn = made
        .expect("a key")
        .key_metadata
        .and_then(|key| key.arn)
        .expect("an ARN");
    let direct = client
        .generate_data_key()
        .key_id(&arn)
        .number_of_bytes(32)
        .send()
        .await;
    assert_eq!(code(direct), "AccessDeniedException");
    assert_eq!(volume_state(aws.vendor(), aws.region(), &arn).await, "available");
}

/// What becomes of a volume that a key is to encrypt.
async fn volume_state(account: &Account, region: &str, key: &str) -> String {
    let ec2 = aws_sdk_ec2::Client::new(&account.config);
    let made = ec2
        .create_volume()
        .availability_zone(format!("{region}a"))
        .size(1)
        .encrypted(true)
        .kms_key_id(key)
        .send()
        .await
        .expect("a volume is made at first");
    let shown = ec2
        .describe_volumes()
        .set_volume_ids(made.volume_id.map(|id| vec![id]))
        .send()
        .await;
    let state = shown
        .ok()
        .and_then(|shown| shown.volumes().first()?.state().cloned());
    state.map_or("gone".into(), |state| state.as_str().to_owned())
}

/// Whoever waives the check may lock even the account out.
/// https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html
#[tokio::test]
async fn whoever_waives_the_check_may_lock_the_account_out() {
    let Some(aws) = controlled().await else { return };
    let (client, arn) = key_that(&aws, &[]).await;
    let locked = policy(&[lets_in(&aws.customer().root_arn(), r#""kms:Encrypt""#, "")]);
    let put = || client.put_key_policy().key_id(&arn).policy(&locked);
    assert_eq!(code(put().send().await), "MalformedPolicyDocumentException");
    put()
        .bypass_policy_lockout_safety_check(true)
        .send()
        .await
        .expect("waived");
    let shown = client.describe_key().key_id(&arn).send().await;
    assert_eq!(code(shown), "AccessDeniedException");
}

/// A key with tags needs the permission to tag as well.
/// https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html
#[tokio::test]
async fn a_key_with_tags_needs_the_permission_to_tag() {
    let aws = aws().await;
    let user = User::that_may(
        &aws,
        aws.vendor(),
        &[allow(r#"["kms:CreateKey","kms:PutKeyPolicy"]"#)],
    )
    .await;
    let tag = aws_sdk_kms::types::Tag::builder()
        .tag_key("team")
        .tag_value("data");
    let made = Client::new(&user.config)
        .create_key()
        .tags(tag.build().expect("a tag"))
        .send()
        .await;
    assert_eq!(code(made), "AccessDeniedException");
    user.remove().await;
}
