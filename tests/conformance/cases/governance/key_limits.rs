//! KMS: sizes, counts and kinds.

use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{DataKeySpec, Tag};
use conformance::{aws, code, controlled};

use crate::keys::{key, kms, let_go};

/// Encrypt takes four kibibytes at most.
/// https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html
#[tokio::test]
async fn a_plaintext_has_four_kibibytes_at_most() {
    let aws = aws().await;
    let client = kms(aws.vendor());
    let id = key(&client).await;
    let encrypt = |bytes: usize| {
        let plaintext = Blob::new(vec![7; bytes]);
        client.encrypt().key_id(&id).plaintext(plaintext).send()
    };
    encrypt(4_096).await.expect("the largest");
    assert_eq!(code(encrypt(4_097).await), "ValidationException");
    assert_eq!(code(encrypt(0).await), "ValidationException");
    let_go(&client, &id).await;
}

/// A data key has 1 to 1,024 bytes, or a spec; not both, and not neither.
/// https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html
#[tokio::test]
async fn a_data_key_has_a_spec_or_a_length() {
    let aws = aws().await;
    let client = kms(aws.vendor());
    let id = key(&client).await;
    let make = || client.generate_data_key().key_id(&id);
    for bytes in [0, 1_025] {
        let refused = make().number_of_bytes(bytes).send().await;
        assert_eq!(code(refused), "ValidationException", "{bytes}");
    }
    let both = make()
        .key_spec(DataKeySpec::Aes128)
        .number_of_bytes(16)
        .send()
        .await;
    assert_eq!(code(both), "ValidationException");
    let longest = make().number_of_bytes(1_024).send().await.expect("a data key");
    assert_eq!(longest.plaintext.map(|key| key.into_inner().len()), Some(1_024));
    let_go(&client, &id).await;
}

/// A data key without its plaintext opens with Decrypt.
/// https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyWithoutPlaintext.html
#[tokio::test]
async fn a_data_key_without_plaintext_opens_later() {
    let aws = aws().await;
    let client = kms(aws.vendor());
    let id = key(&client).await;
    let made = client
        .generate_data_key_without_plaintext()
        .key_id(&id)
        .key_spec(DataKeySpec::Aes128)
        .encryption_context("for", "volume")
        .send()
        .await
        .expect("a sealed data key");
    let opened = client
        .decrypt()
        .ciphertext_blob(made.ciphertext_blob.expect("sealed"))
        .encryption_context("for", "volume")
        .send()
        .await
        .expect("it opens");
    assert_eq!(opened.plaintext.map(|key| key.into_inner().len()), Some(16));
    let_go(&client, &id).await;
}

/// The name of a key has 1 to 2,048 characters.
/// https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html
#[tokio::test]
async fn the_name_of_a_key_has_a_length() {
    let aws = aws().await;
    let long = kms(aws.vendor())
        .describe_key()
        .key_id("k".repeat(2_049))
        .send()
        .await;
    assert_eq!(code(long), "ValidationException");
}

/// No more keys are made than the quota allows; AWS's own do not count.
/// https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html
#[tokio::test]
async fn no_more_keys_are_made_than_the_quota_allows() {
    let Some(aws) = controlled().await else { return };
    let client = kms(aws.vendor());
    let place = (aws.vendor().id.as_str(), aws.region());
    assert!(aws.control().set_quota(place, "L-C2F1777E", 2));
    client
        .describe_key()
        .key_id("alias/aws/s3")
        .send()
        .await
        .expect("AWS's own");
    key(&client).await;
    key(&client).await;
    assert_eq!(code(client.create_key().send().await), "LimitExceededException");
    let elsewhere = aws_sdk_kms::Client::new(&aws.vendor().in_region("us-east-1"));
    key(&elsewhere).await;
}

/// A key has fifty tags at most, each key once, and they are listed in pages.
/// https://docs.aws.amazon.com/kms/latest/APIReference/API_ListResourceTags.html
#[tokio::test]
async fn a_key_has_fifty_tags_at_most() {
    let aws = aws().await;
    let client = kms(aws.vendor());
    let id = key(&client).await;
    let tag = |number: u32| {
        let tag = Tag::builder().tag_key(format!("k{number:02}")).tag_value("v");
        tag.build().expect("a tag")
    };
    let fifty: Vec<Tag> = (0..50).map(tag).collect();
    let put = client.tag_resource().key_id(&id).set_tags(Some(fifty));
    put.send().await.expect("fifty fit");
    let one_more = client.tag_resource().key_id(&id).tags(tag(50)).send().await;
    assert_eq!(code(one_more), "LimitExceededException");
    let again = client.tag_resource().key_id(&id).tags(tag(7)).send().await;
    again.expect("one that is there changes");
    let twice = client
        .tag_resource()
        .key_id(&id)
        .tags(tag(1))
        .tags(tag(1))
        .send()
        .await;
    assert_eq!(code(twice), "TagException");
    let first = client
        .list_resource_tags()
        .key_id(&id)
        .limit(30)
        .send()
        .await
        .expect("a page");
    assert_eq!((first.tags().len(), first.truncated), (30, true));
    let second = client
        .list_resource_tags()
        .key_id(&id)
        .limit(30)
        .set_marker(first.next_marker.clone())
        .send()
        .await
        .expect("a page");
    assert_eq!((second.tags().len(), second.truncated), (20, false));
    let_go(&client, &id).await;
}

/// The id of a key for many regions begins with `mrk-`.
/// https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html
#[tokio::test]
async fn the_id_of_a_multi_region_key_says_so() {
    let aws = aws().await;
    let client = kms(aws.vendor());
    let made = client
        .create_key()
        .multi_region(true)
        .send()
        .await
        .expect("a key");
    let key = made.key_metadata.expect("an answer has the key");
    assert_eq!((key.multi_region, &key.key_id[..4]), (Some(true), "mrk-"));
    let sealed = client
        .encrypt()
        .key_id(&key.key_id)
        .plaintext(Blob::new("x"))
        .send()
        .await
        .expect("a ciphertext");
    let opened = client
        .decrypt()
        .ciphertext_blob(sealed.ciphertext_blob.expect("sealed"))
        .send()
        .await
        .expect("it opens");
    assert_eq!(opened.key_id, key.arn);
    let_go(&client, &key.key_id).await;
}

/// Rotation is off at first and can be switched; not while the key is disabled.
/// https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html
#[tokio::test]
async fn rotation_is_switched_on_an_enabled_key() {
    let aws = aws().await;
    let client = kms(aws.vendor());
    let id = key(&client).await;
    let rotates = async || {
        let status = client.get_key_rotation_status().key_id(&id).send().await;
        status.expect("a status").key_rotation_enabled
    };
    assert!(!rotates().await);
    client.enable_key_rotation().key_id(&id).send().await.expect("on");
    assert!(rotates().await);
    client.disable_key().key_id(&id).send().await.expect("disabled");
    let refused = client.disable_key_rotation().key_id(&id).send().await;
    assert_eq!(code(refused), "DisabledException");
    let_go(&client, &id).await;
}
