//! Bucket policies: another account gets in by the bucket's policy only.

use conformance::{code, status};

use crate::support::on_bucket;

/// What a bucket's policy gives another account, and nothing beside it.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-policy-language-overview.html
#[tokio::test]
async fn another_account_gets_in_by_the_policy_only() {
    on_bucket(async |aws, bucket| {
        bucket.write("shared/a", "for both").await;
        bucket.write("own/a", "for one").await;
        let stranger = bucket.seen_by(&aws.stranger().config);
        let read = |key: &str| stranger.client.get_object().bucket(&bucket.name).key(key).send();
        assert_eq!(code(read("shared/a").await), "AccessDenied");
        let shared = format!("{}/shared/*", bucket.arn());
        bucket
            .allow(&aws.stranger().root_arn(), r#""s3:GetObject""#, &shared)
            .await;
        assert_eq!(stranger.read("shared/a").await, "for both");
        assert_eq!(code(read("own/a").await), "AccessDenied");
        assert_eq!(code(stranger.put("shared/b", "x").send().await), "AccessDenied");
    })
    .await;
}

/// Who may not list cannot tell a missing key from a forbidden one.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
#[tokio::test]
async fn a_missing_key_looks_forbidden_to_who_may_not_list() {
    on_bucket(async |aws, bucket| {
        let stranger = bucket.seen_by(&aws.stranger().config);
        let all = format!("{}/*", bucket.arn());
        bucket
            .allow(&aws.stranger().root_arn(), r#""s3:GetObject""#, &all)
            .await;
        let get = stranger.client.get_object().bucket(&bucket.name).key("absent");
        assert_eq!(code(get.send().await), "AccessDenied");
        let head = stranger.client.head_object().bucket(&bucket.name).key("absent");
        assert_eq!(status(head.send().await), 403);
    })
    .await;
}

/// A deny outweighs the owner's own rights.
/// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
#[tokio::test]
async fn a_deny_holds_against_the_owner_too() {
    on_bucket(async |aws, bucket| {
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Principal":{{"AWS":"{}"}},
            "Action":"s3:PutObject","Resource":"{}/*",
            "Condition":{{"StringNotEquals":{{"s3:x-amz-server-side-encryption":"aws:kms"}}}}}}]}}"#,
            aws.vendor().root_arn(),
            bucket.arn()
        );
        let put = bucket.client.put_bucket_policy().bucket(&bucket.name);
        put.policy(policy).send().await.expect("set");
        assert_eq!(code(bucket.put("k", "x").send().await), "AccessDenied");
    })
    .await;
}

/// A policy may ask for the tags that an object has.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/tagging-and-policies.html
#[tokio::test]
async fn a_policy_may_ask_for_the_tags_of_an_object() {
    on_bucket(async |aws, bucket| {
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{}"}},
            "Action":"s3:GetObject","Resource":"{}/*",
            "Condition":{{"StringEquals":{{"s3:ExistingObjectTag/tenant":"one"}}}}}}]}}"#,
            aws.stranger().root_arn(),
            bucket.arn()
        );
        let put = bucket.client.put_bucket_policy().bucket(&bucket.name);
        put.policy(policy).send().await.expect("set");
        for (key, tags) in [("a", "tenant=one"), ("b", "tenant=two")] {
            let put = bucket.put(key, "x").tagging(tags);
            put.send().await.expect("written");
        }
        let stranger = bucket.seen_by(&aws.stranger().config);
        assert_eq!(stranger.read("a").await, "x");
        let get = stranger.client.get_object().bucket(&bucket.name).key("b");
        assert_eq!(code(get.send().await), "AccessDenied");
    })
    .await;
}

/// A policy is kept as it was written, and one that is none is refused.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
#[tokio::test]
async fn a_policy_is_read_before_it_is_kept() {
    on_bucket(async |aws, bucket| {
        let get = || bucket.client.get_bucket_policy().bucket(&bucket.name).send();
        let put = |policy: &str| {
            let put = bucket.client.put_bucket_policy().bucket(&bucket.name);
            put.policy(policy).send()
        };
        assert_eq!(code(get().await), "NoSuchBucketPolicy");
        assert_eq!(code(put("{").await), "MalformedPolicy");
        let elsewhere = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{}"}},
            "Action":"s3:GetObject","Resource":"arn:aws:s3:::another-bucket/*"}}]}}"#,
            aws.stranger().root_arn()
        );
        assert_eq!(code(put(&elsewhere).await), "MalformedPolicy");
        bucket
            .allow(&aws.stranger().root_arn(), r#""s3:ListBucket""#, &bucket.arn())
            .await;
        assert!(get().await.expect("read").policy().is_some());
        let delete = bucket.client.delete_bucket_policy().bucket(&bucket.name);
        delete.send().await.expect("deleted");
        assert_eq!(code(get().await), "NoSuchBucketPolicy");
    })
    .await;
}

/// No policy lets another account touch the policy itself.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
#[tokio::test]
async fn another_account_never_touches_the_policy() {
    on_bucket(async |aws, bucket| {
        let arn = bucket.arn();
        bucket.allow(&aws.stranger().root_arn(), r#""s3:*""#, &arn).await;
        let stranger = bucket.seen_by(&aws.stranger().config);
        let get = stranger.client.get_bucket_policy().bucket(&bucket.name);
        assert_eq!(status(get.send().await), 405);
    })
    .await;
}
