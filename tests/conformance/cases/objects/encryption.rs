//! Encryption at rest: SSE-S3, SSE-KMS, and a bucket's default.

use aws_sdk_kms::Client as Kms;
use aws_sdk_s3::operation::put_bucket_encryption::builders::PutBucketEncryptionFluentBuilder;
use aws_sdk_s3::types::{
    ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
    ServerSideEncryptionRule,
};
use conformance::{Aws, code, controlled};

use crate::support::{Bucket, client_of, on_bucket};

async fn key(aws: &Aws) -> (Kms, String) {
    let kms = Kms::new(&aws.vendor().config);
    let created = kms.create_key().send().await.expect("created");
    let arn = created.key_metadata.and_then(|key| key.arn).expect("an ARN");
    (kms, arn)
}

fn default_of(
    bucket: &Bucket,
    algorithm: ServerSideEncryption,
    key: Option<&str>,
) -> PutBucketEncryptionFluentBuilder {
    let default = ServerSideEncryptionByDefault::builder()
        .sse_algorithm(algorithm)
        .set_kms_master_key_id(key.map(str::to_owned))
        .build()
        .expect("a default");
    let rule = ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(default)
        .bucket_key_enabled(key.is_some())
        .build();
    let rules = ServerSideEncryptionConfiguration::builder().rules(rule).build();
    let put = bucket.client.put_bucket_encryption().bucket(&bucket.name);
    put.server_side_encryption_configuration(rules.expect("a configuration"))
}

/// Every object is encrypted, with S3's own keys when nobody names others.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html
#[tokio::test]
async fn every_object_is_encrypted() {
    on_bucket(async |_, bucket| {
        let put = bucket.put("k", "x").send().await.expect("written");
        assert_eq!(put.server_side_encryption(), Some(&ServerSideEncryption::Aes256));
        let head = bucket.head("k").await;
        assert_eq!(head.server_side_encryption(), Some(&ServerSideEncryption::Aes256));
        let get = bucket.client.get_bucket_encryption().bucket(&bucket.name);
        let kept = get
            .send()
            .await
            .expect("read")
            .server_side_encryption_configuration;
        let rules = kept.expect("one").rules;
        let default = rules[0].apply_server_side_encryption_by_default().expect("one");
        assert_eq!(default.sse_algorithm(), &ServerSideEncryption::Aes256);
    })
    .await;
}

/// An object under a key says which, and its ETag is not its MD5.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
#[tokio::test]
async fn an_object_under_a_key_says_which() {
    let Some(aws) = controlled().await else { return };
    let bucket = Bucket::create(&aws).await;
    let (_, key) = key(&aws).await;
    let id = key.rsplit('/').next().expect("an id");
    let put = bucket
        .put("k", "hello")
        .server_side_encryption(ServerSideEncryption::AwsKms)
        .ssekms_key_id(id);
    let put = put.send().await.expect("written");
    assert_eq!(put.ssekms_key_id(), Some(key.as_str()));
    assert_ne!(put.e_tag(), Some("\"5d41402abc4b2a76b9719d911017c592\""));
    assert_eq!(bucket.read("k").await, "hello");
    assert_eq!(bucket.head("k").await.ssekms_key_id(), Some(key.as_str()));
}

/// Who names no key gets the one that S3 makes for the account.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
#[tokio::test]
async fn the_accounts_own_key_is_there_for_who_names_none() {
    let Some(aws) = controlled().await else { return };
    let bucket = Bucket::create(&aws).await;
    let put = bucket
        .put("k", "x")
        .server_side_encryption(ServerSideEncryption::AwsKms);
    let put = put.send().await.expect("written");
    let arn = put.ssekms_key_id().expect("an ARN");
    assert!(arn.starts_with(&format!("arn:aws:kms:{}:{}:key/", aws.region(), aws.vendor().id)));
}

/// A bucket's default is for writes that name nothing.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html
#[tokio::test]
async fn a_default_is_for_writes_that_name_nothing() {
    let Some(aws) = controlled().await else { return };
    let bucket = Bucket::create(&aws).await;
    let (_, key) = key(&aws).await;
    let put = default_of(&bucket, ServerSideEncryption::AwsKms, Some(&key));
    put.send().await.expect("configured");
    let written = bucket.put("k", "x").send().await.expect("written");
    assert_eq!(written.ssekms_key_id(), Some(key.as_str()));
    assert_eq!(written.bucket_key_enabled(), Some(true));
    let plain = bucket
        .put("k", "x")
        .server_side_encryption(ServerSideEncryption::Aes256);
    assert_eq!(plain.send().await.expect("written").ssekms_key_id(), None);
    let delete = bucket.client.delete_bucket_encryption().bucket(&bucket.name);
    delete.send().await.expect("deleted");
    let written = bucket.put("k", "x").send().await.expect("written");
    assert_eq!(
        written.server_side_encryption(),
        Some(&ServerSideEncryption::Aes256)
    );
}

/// A key that is disabled, or not there, neither writes nor reads.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
#[tokio::test]
async fn a_disabled_key_neither_writes_nor_reads() {
    let Some(aws) = controlled().await else { return };
    let bucket = Bucket::create(&aws).await;
    let (kms, key) = key(&aws).await;
    let write = |key: &str| {
        let put = bucket
            .put("k", "x")
            .server_side_encryption(ServerSideEncryption::AwsKms);
        put.ssekms_key_id(key).send()
    };
    write(&key).await.expect("written");
    kms.disable_key().key_id(&key).send().await.expect("disabled");
    assert_eq!(code(write(&key).await), "KMS.DisabledException");
    let get = bucket.client.get_object().bucket(&bucket.name).key("k");
    assert_eq!(code(get.send().await), "KMS.DisabledException");
    let unknown = "11111111-2222-3333-4444-555555555555";
    assert_eq!(code(write(unknown).await), "KMS.NotFoundException");
    kms.schedule_key_deletion()
        .key_id(&key)
        .send()
        .await
        .expect("scheduled");
    assert_eq!(code(write(&key).await), "KMS.KMSInvalidStateException");
}

/// Who may read the bucket but not use the key reads nothing.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
#[tokio::test]
async fn a_reader_must_be_able_to_use_the_key() {
    let Some(aws) = controlled().await else { return };
    let bucket = Bucket::create(&aws).await;
    let (_, key) = key(&aws).await;
    let put = bucket
        .put("k", "x")
        .server_side_encryption(ServerSideEncryption::AwsKms)
        .ssekms_key_id(&key);
    put.send().await.expect("written");
    let all = format!("{}/*", bucket.arn());
    bucket
        .allow(&aws.stranger().root_arn(), r#""s3:GetObject""#, &all)
        .await;
    let stranger = client_of(&aws.stranger().config);
    let get = stranger.get_object().bucket(&bucket.name).key("k");
    assert_eq!(code(get.send().await), "AccessDenied");
}

/// A key goes with KMS only, and an algorithm that S3 does not know is refused.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
#[tokio::test]
async fn a_key_goes_with_kms_only() {
    on_bucket(async |_, bucket| {
        let put = bucket.put("k", "x").ssekms_key_id("alias/aws/s3");
        assert_eq!(code(put.send().await), "InvalidArgument");
        let put = bucket
            .put("k", "x")
            .server_side_encryption(ServerSideEncryption::from("ROT13"));
        assert_eq!(code(put.send().await), "InvalidEncryptionAlgorithmError");
        let default = default_of(bucket, ServerSideEncryption::Aes256, Some("alias/aws/s3"));
        assert_eq!(code(default.send().await), "InvalidArgument");
    })
    .await;
}
