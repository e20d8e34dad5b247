//! Block Public Access.

use aws_sdk_s3::operation::put_bucket_policy::builders::PutBucketPolicyFluentBuilder;
use aws_sdk_s3::types::PublicAccessBlockConfiguration;
use conformance::code;

use crate::support::{Bucket, on_bucket};

fn policy(bucket: &Bucket, condition: &str) -> PutBucketPolicyFluentBuilder {
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":"*",
        "Action":"s3:GetObject","Resource":"{}/*"{condition}}}]}}"#,
        bucket.arn()
    );
    let put = bucket.client.put_bucket_policy().bucket(&bucket.name);
    put.policy(policy)
}

async fn block(bucket: &Bucket, restrict: bool) {
    let block = PublicAccessBlockConfiguration::builder()
        .block_public_policy(false)
        .restrict_public_buckets(restrict)
        .build();
    let put = bucket.client.put_public_access_block().bucket(&bucket.name);
    put.public_access_block_configuration(block)
        .send()
        .await
        .expect("set");
}

/// A new bucket blocks everything.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/create-bucket-faq.html
#[tokio::test]
async fn a_new_bucket_blocks_everything() {
    on_bucket(async |_, bucket| {
        let get = || {
            bucket
                .client
                .get_public_access_block()
                .bucket(&bucket.name)
                .send()
        };
        let kept = get().await.expect("read").public_access_block_configuration;
        let kept = kept.expect("one");
        let all = [
            kept.block_public_acls(),
            kept.block_public_policy(),
            kept.ignore_public_acls(),
            kept.restrict_public_buckets(),
        ];
        assert_eq!(all, [Some(true); 4]);
        let delete = bucket.client.delete_public_access_block().bucket(&bucket.name);
        delete.send().await.expect("deleted");
        assert_eq!(code(get().await), "NoSuchPublicAccessBlockConfiguration");
    })
    .await;
}

/// A policy for everybody is refused; one that holds everybody to something known is not public.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
#[tokio::test]
async fn a_public_policy_is_refused() {
    on_bucket(async |aws, bucket| {
        assert_eq!(code(policy(bucket, "").send().await), "AccessDenied");
        let anywhere = r#","Condition":{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}"#;
        assert_eq!(code(policy(bucket, anywhere).send().await), "AccessDenied");
        let known = format!(
            r#","Condition":{{"StringEquals":{{"aws:PrincipalAccount":"{}"}}}}"#,
            aws.stranger().id
        );
        policy(bucket, &known).send().await.expect("not public");
        let status = bucket.client.get_bucket_policy_status().bucket(&bucket.name);
        let status = status.send().await.expect("read").policy_status;
        assert_eq!(status.and_then(|status| status.is_public), Some(false));
    })
    .await;
}

/// A public policy that is there is good for the bucket's own account only, once the bucket is restricted.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
#[tokio::test]
async fn a_restricted_bucket_is_for_its_own_account() {
    on_bucket(async |aws, bucket| {
        block(bucket, false).await;
        policy(bucket, "").send().await.expect("public");
        let status = bucket.client.get_bucket_policy_status().bucket(&bucket.name);
        let status = status.send().await.expect("read").policy_status;
        assert_eq!(status.and_then(|status| status.is_public), Some(true));
        bucket.write("k", "x").await;
        let stranger = bucket.seen_by(&aws.stranger().config);
        assert_eq!(stranger.read("k").await, "x");
        block(bucket, true).await;
        let get = stranger.client.get_object().bucket(&bucket.name).key("k");
        assert_eq!(code(get.send().await), "AccessDenied");
        assert_eq!(bucket.read("k").await, "x");
    })
    .await;
}
