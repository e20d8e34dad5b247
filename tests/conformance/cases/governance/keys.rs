//! KMS: keys and their use.

use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{DataKeySpec, KeySpec, KeyState, Tag};
use chrono::TimeDelta;
use conformance::{Account, aws, code, controlled};

pub(crate) fn kms(account: &Account) -> Client {
    Client::new(&account.config)
}

pub(crate) async fn key(client: &Client) -> String {
    let made = client.create_key().send().await.expect("a key");
    made.key_metadata.expect("an answer has the key").key_id
}

/// Lets a key of a case go as soon as AWS lets keys go.
pub(crate) async fn let_go(client: &Client, id: &str) {
    let scheduled = client
        .schedule_key_deletion()
        .key_id(id)
        .pending_window_in_days(7)
        .send()
        .await;
    scheduled.expect("the deletion is scheduled");
}

/// A new key is symmetric, enabled, and decided by IAM.
/// https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html
#[tokio::test]
async fn a_new_key_is_symmetric_and_enabled() {
    let aws = aws().await;
    let client = kms(aws.vendor());
    let made = client
        .create_key()
        .description("conformance")
        .send()
        .await
        .expect("a key");
    let key = made.key_metadata.expect("an answer has the key");
    assert_eq!(
        (key.enabled, key.key_state.clone()),
        (true, Some(KeyState::Enabled))
    );
    assert_eq!(key.key_spec, Some(KeySpec::SymmetricDefault));
    assert_eq!(key.aws_account_id.as_deref(), Some(aws.vendor().id.as_str()));
    let policy = client
        .get_key_policy()
        .key_id(&key.key_id)
        .send()
        .await
        .expect("a policy");
    assert!(
        policy
            .policy()
            .is_some_and(|text| text.contains(&aws.vendor().root_arn()))
    );
    let_go(&client, &key.key_id).await;
}

/// What is encrypted under a key and a context opens under the same context only.
/// https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html
#[tokio::test]
async fn a_ciphertext_opens_under_its_context_only() {
    let aws = aws().await;
    let client = kms(aws.vendor());
    let id = key(&client).await;
    let sealed = client
        .encrypt()
        .key_id(&id)
        .plaintext(Blob::new("secret"))
        .encryption_context("tenant", "acme")
        .send()
        .await
        .expect("a ciphertext");
    let sealed = sealed.ciphertext_blob.expect("an answer has the ciphertext");
    let opened = client
        .decrypt()
        .ciphertext_blob(sealed.clone())
        .encryption_context("tenant", "acme")
        .send()
        .await
        .expect("the plaintext");
    assert_eq!(
        opened.plaintext.map(Blob::into_inner).as_deref(),
        Some(b"secret".as_slice())
    );
    let other = client
        .decrypt()
        .ciphertext_blob(sealed.clone())
        .encryption_context("tenant", "bolt")
        .send()
        .await;
    assert_eq!(code(other), "InvalidCiphertextException");
    let none = client.decrypt().ciphertext_blob(sealed).send().await;
    assert_eq!(code(none), "InvalidCiphertextException");
    let_go(&client, &id).await;
}

/// Decrypt with another key's id is refused, and so are bytes that KMS never made.
/// https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html
#[tokio::test]
async fn another_key_does_not_open_a_ciphertext() {
    let aws = aws().await;
    let client = kms(aws.vendor());
    let (one, other) = (key(&client).await, key(&client).await);
    let sealed = client
        .encrypt()
        .key_id(&one)
        .plaintext(Blob::new("x"))
        .send()
        .await
        .expect("a ciphertext");
    let sealed = sealed.ciphertext_blob.expect("an answer has the ciphertext");
    let wrong = client
        .decrypt()
        .key_id(&other)
        .ciphertext_blob(sealed)
        .send()
        .await;
    assert_eq!(code(wrong), "IncorrectKeyException");
    let noise = client.decrypt().ciphertext_blob(Blob::new("noise")).send().await;
    assert_eq!(code(noise), "InvalidCiphertextException");
    let_go(&client, &one).await;
    let_go(&client, &other).await;
}

/// A data key comes open and sealed, and the sealed one opens to the same bytes.
/// https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html
#[tokio::test]
async fn a_data_key_comes_open_and_sealed() {
    let aws = aws().await;
    let client = kms(aws.vendor());
    let id = key(&client).await;
    let made = client
        .generate_data_key()
        .key_id(&id)
        .key_spec(DataKeySpec::Aes256)
        .send()
        .await
        .expect("a data key");
    let open = made.plaintext.expect("open").into_inner();
    assert_eq!(open.len(), 32);
    let sealed = made.ciphertext_blob.expect("sealed");
    let again = client
        .decrypt()
        .ciphertext_blob(sealed)
        .send()
        .await
        .expect("it opens");
    assert_eq!(again.plaintext.map(Blob::into_inner), Some(open));
    let unclear = client.generate_data_key().key_id(&id).send().await;
    assert_eq!(code(unclear), "ValidationException");
    let_go(&client, &id).await;
}

/// A disabled key encrypts nothing until it is enabled.
/// https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
#[tokio::test]
async fn a_disabled_key_may_not_be_used() {
    let aws = aws().await;
    let client = kms(aws.vendor());
    let id = key(&client).await;
    client
        .disable_key()
        .key_id(&id)
        .send()
        .await
        .expect("it is disabled");
    let refused = client
        .encrypt()
        .key_id(&id)
        .plaintext(Blob::new("x"))
        .send()
        .await;
    assert_eq!(code(refused), "DisabledException");
    client
        .enable_key()
        .key_id(&id)
        .send()
        .await
        .expect("it is enabled");
    let worked = client
        .encrypt()
        .key_id(&id)
        .plaintext(Blob::new("x"))
        .send()
        .await;
    worked.expect("it may be used again");
    let_go(&client, &id).await;
}

/// A key that waits for its deletion is not used, not enabled and not scheduled again.
/// https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
#[tokio::test]
async fn a_key_pending_deletion_may_not_be_used() {
    let aws = aws().await;
    let client = kms(aws.vendor());
    let id = key(&client).await;
    let_go(&client, &id).await;
    let used = client
        .encrypt()
        .key_id(&id)
        .plaintext(Blob::new("x"))
        .send()
        .await;
    assert_eq!(code(used), "KMSInvalidStateException");
    let enabled = client.enable_key().key_id(&id).send().await;
    assert_eq!(code(enabled), "KMSInvalidStateException");
    let again = client.schedule_key_deletion().key_id(&id).send().await;
    assert_eq!(code(again), "KMSInvalidStateException");
}

/// The waiting period has seven to thirty days.
/// https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html
#[tokio::test]
async fn a_waiting_period_has_seven_to_thirty_days() {
    let aws = aws().await;
    let client = kms(aws.vendor());
    let id = key(&client).await;
    for days in [6, 31] {
        let refused = client
            .schedule_key_deletion()
            .key_id(&id)
            .pending_window_in_days(days)
            .send()
            .await;
        assert_eq!(code(refused), "ValidationException", "{days}");
    }
    let_go(&client, &id).await;
}

/// A deletion that is cancelled leaves the key disabled.
/// https://docs.aws.amazon.com/kms/latest/APIReference/API_CancelKeyDeletion.html
#[tokio::test]
async fn a_cancelled_deletion_leaves_the_key_disabled() {
    let aws = aws().await;
    let client = kms(aws.vendor());
    let id = key(&client).await;
    let early = client.cancel_key_deletion().key_id(&id).send().await;
    assert_eq!(code(early), "KMSInvalidStateException");
    let_go(&client, &id).await;
    client
        .cancel_key_deletion()
        .key_id(&id)
        .send()
        .await
        .expect("it is kept");
    let shown = client.describe_key().key_id(&id).send().await.expect("the key");
    let state = shown.key_metadata.and_then(|key| key.key_state);
    assert_eq!(state, Some(KeyState::Disabled));
    let_go(&client, &id).await;
}

/// When the waiting period is over the key is gone, and nothing opens what it sealed.
/// https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html
#[tokio::test]
async fn a_key_is_gone_after_its_waiting_period() {
    let Some(aws) = controlled().await else { return };
    let client = kms(aws.vendor());
    let id = key(&client).await;
    let sealed = client
        .encrypt()
        .key_id(&id)
        .plaintext(Blob::new("x"))
        .send()
        .await
        .expect("a ciphertext");
    let_go(&client, &id).await;
    aws.advance(TimeDelta::days(6));
    client.describe_key().key_id(&id).send().await.expect("it waits");
    aws.advance(TimeDelta::days(2));
    let gone = client.describe_key().key_id(&id).send().await;
    assert_eq!(code(gone), "NotFoundException");
    let sealed = sealed.ciphertext_blob.expect("an answer has the ciphertext");
    let lost = client.decrypt().ciphertext_blob(sealed).send().await;
    assert_eq!(code(lost), "InvalidCiphertextException");
}

/// An alias names one key of its account, once, and never with AWS's prefix.
/// https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html
#[tokio::test]
async fn an_alias_names_one_key() {
    let aws = aws().await;
    let client = kms(aws.vendor());
    let (id, alias) = (key(&client).await, format!("alias/{}", aws.name("key")));
    client
        .create_alias()
        .alias_name(&alias)
        .target_key_id(&id)
        .send()
        .await
        .expect("an alias");
    let by_name = client
        .describe_key()
        .key_id(&alias)
        .send()
        .await
        .expect("the key by its alias");
    assert_eq!(by_name.key_metadata.map(|key| key.key_id), Some(id.clone()));
    let again = client
        .create_alias()
        .alias_name(&alias)
        .target_key_id(&id)
        .send()
        .await;
    assert_eq!(code(again), "AlreadyExistsException");
    let reserved = client
        .create_alias()
        .alias_name("alias/aws/mine")
        .target_key_id(&id)
        .send()
        .await;
    assert_eq!(code(reserved), "NotAuthorizedException");
    let unnamed = client
        .create_alias()
        .alias_name("mine")
        .target_key_id(&id)
        .send()
        .await;
    assert_eq!(code(unnamed), "InvalidAliasNameException");
    client
        .delete_alias()
        .alias_name(&alias)
        .send()
        .await
        .expect("it goes");
    let missing = client.describe_key().key_id(&alias).send().await;
    assert_eq!(code(missing), "NotFoundException");
    let_go(&client, &id).await;
}

/// Tags of a key are listed, changed and taken away; a key twice or AWS's own prefix is refused.
/// https://docs.aws.amazon.com/kms/latest/APIReference/API_TagResource.html
#[tokio::test]
async fn tags_of_a_key_are_kept() {
    let aws = aws().await;
    let client = kms(aws.vendor());
    let id = key(&client).await;
    let tag = |key: &str, value: &str| {
        Tag::builder()
            .tag_key(key)
            .tag_value(value)
            .build()
            .expect("a tag")
    };
    client
        .tag_resource()
        .key_id(&id)
        .tags(tag("team", "data"))
        .send()
        .await
        .expect("tagged");
    let listed = client
        .list_resource_tags()
        .key_id(&id)
        .send()
        .await
        .expect("tags");
    assert_eq!(listed.tags()[0].tag_value(), "data");
    client
        .untag_resource()
        .key_id(&id)
        .tag_keys("team")
        .send()
        .await
        .expect("untagged");
    let listed = client
        .list_resource_tags()
        .key_id(&id)
        .send()
        .await
        .expect("tags");
    assert!(listed.tags().is_empty());
    let reserved = client
        .tag_resource()
        .key_id(&id)
        .tags(tag("aws:x", "y"))
        .send()
        .await;
    assert_eq!(code(reserved), "TagException");
    let_go(&client, &id).await;
}

/// Keys that AWS keeps for its services are there as soon as they are named.
/// https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html
#[tokio::test]
async fn the_key_of_a_service_is_there_when_it_is_named() {
    let Some(aws) = controlled().await else { return };
    let client = kms(aws.vendor());
    let shown = client
        .describe_key()
        .key_id("alias/aws/ebs")
        .send()
        .await
        .expect("AWS's own key");
    let manager = shown.key_metadata.and_then(|key| key.key_manager);
    assert_eq!(
        manager.map(|manager| manager.as_str().to_owned()).as_deref(),
        Some("AWS")
    );
}
