//! Retention of versions: who may delete what, and when.

use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::delete_object::{DeleteObjectError, DeleteObjectOutput};
use aws_sdk_s3::operation::put_object_retention::builders::PutObjectRetentionFluentBuilder;
use aws_sdk_s3::types::{
    BucketVersioningStatus, ObjectLockConfiguration, ObjectLockEnabled, ObjectLockMode, ObjectLockRetention,
    ObjectLockRetentionMode,
};
use chrono::TimeDelta;
use conformance::{Aws, code};

use crate::support::{Bucket, after_morning, on_a_morning, version_of};

async fn locked() -> Option<(Aws, Bucket)> {
    let (aws, bucket) = on_a_morning().await?;
    bucket.set_versioning(BucketVersioningStatus::Enabled).await;
    let lock = ObjectLockConfiguration::builder().object_lock_enabled(ObjectLockEnabled::Enabled);
    let put = bucket.client.put_object_lock_configuration().bucket(&bucket.name);
    let put = put.object_lock_configuration(lock.build());
    put.send().await.expect("configured");
    Some((aws, bucket))
}

async fn write(bucket: &Bucket, mode: ObjectLockMode, days: i64) -> String {
    let put = bucket
        .put("k", "x")
        .object_lock_mode(mode)
        .object_lock_retain_until_date(after_morning(TimeDelta::days(days)));
    version_of(&put.send().await.expect("written"))
}

async fn delete(
    bucket: &Bucket,
    id: &str,
    bypass: bool,
) -> Result<DeleteObjectOutput, SdkError<DeleteObjectError>> {
    let delete = bucket.client.delete_object().bucket(&bucket.name).key("k");
    let delete = delete.version_id(id);
    let delete = if bypass {
        delete.bypass_governance_retention(true)
    } else {
        delete
    };
    delete.send().await
}

fn retain(bucket: &Bucket, mode: ObjectLockRetentionMode, days: i64) -> PutObjectRetentionFluentBuilder {
    let retention = ObjectLockRetention::builder()
        .mode(mode)
        .retain_until_date(after_morning(TimeDelta::days(days)));
    let put = bucket.client.put_object_retention().bucket(&bucket.name).key("k");
    put.retention(retention.build())
}

/// A version under retention is not deleted until its day comes; its key can be covered with a marker.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
#[tokio::test]
async fn a_version_stays_until_its_day_comes() {
    let Some((aws, bucket)) = locked().await else {
        return;
    };
    let version = write(&bucket, ObjectLockMode::Compliance, 10).await;
    assert_eq!(code(delete(&bucket, &version, false).await), "AccessDenied");
    bucket.remove("k").await.expect("a marker");
    assert_eq!(bucket.read_version("k", &version).await, "x");
    aws.advance(TimeDelta::days(10));
    delete(&bucket, &version, false).await.expect("deleted");
}

/// Nobody shortens or lifts compliance, not even by a bypass.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
#[tokio::test]
async fn compliance_is_only_made_longer() {
    let Some((_aws, bucket)) = locked().await else {
        return;
    };
    let version = write(&bucket, ObjectLockMode::Compliance, 10).await;
    assert_eq!(code(delete(&bucket, &version, true).await), "AccessDenied");
    let shorter = retain(&bucket, ObjectLockRetentionMode::Compliance, 5);
    assert_eq!(code(shorter.send().await), "AccessDenied");
    let looser = retain(&bucket, ObjectLockRetentionMode::Governance, 20);
    let looser = looser.bypass_governance_retention(true);
    assert_eq!(code(looser.send().await), "AccessDenied");
    let longer = retain(&bucket, ObjectLockRetentionMode::Compliance, 20);
    longer.send().await.expect("extended");
}

/// Governance is bypassed by who may and says so.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html
#[tokio::test]
async fn governance_is_bypassed_on_request() {
    let Some((_aws, bucket)) = locked().await else {
        return;
    };
    let version = write(&bucket, ObjectLockMode::Governance, 10).await;
    assert_eq!(code(delete(&bucket, &version, false).await), "AccessDenied");
    let shorter = || retain(&bucket, ObjectLockRetentionMode::Governance, 5);
    assert_eq!(code(shorter().send().await), "AccessDenied");
    shorter()
        .bypass_governance_retention(true)
        .send()
        .await
        .expect("shortened");
    delete(&bucket, &version, true).await.expect("deleted");
}

/// The bypass is a permission.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html
#[tokio::test]
async fn a_bypass_needs_a_permission() {
    let Some((aws, bucket)) = locked().await else {
        return;
    };
    let version = write(&bucket, ObjectLockMode::Governance, 10).await;
    let all = format!("{}/*", bucket.arn());
    bucket
        .allow(&aws.stranger().root_arn(), r#""s3:DeleteObjectVersion""#, &all)
        .await;
    let stranger = bucket.seen_by(&aws.stranger().config);
    assert_eq!(code(delete(&stranger, &version, true).await), "AccessDenied");
}

/// Governance becomes compliance, which is stricter, without a bypass.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html
#[tokio::test]
async fn governance_becomes_compliance() {
    let Some((_aws, bucket)) = locked().await else {
        return;
    };
    write(&bucket, ObjectLockMode::Governance, 10).await;
    let stricter = retain(&bucket, ObjectLockRetentionMode::Compliance, 10);
    stricter.send().await.expect("changed");
    let get = bucket.client.get_object_retention().bucket(&bucket.name).key("k");
    let kept = get.send().await.expect("read").retention.expect("one");
    assert_eq!(kept.mode(), Some(&ObjectLockRetentionMode::Compliance));
}

/// A retention lies in the future, and its mode and date come together.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
#[tokio::test]
async fn a_retention_is_whole_and_in_the_future() {
    let Some((_aws, bucket)) = locked().await else {
        return;
    };
    bucket.write("k", "x").await;
    let past = retain(&bucket, ObjectLockRetentionMode::Governance, -1);
    assert_eq!(code(past.send().await), "InvalidArgument");
    let half = bucket.put("k", "x").object_lock_mode(ObjectLockMode::Governance);
    assert_eq!(code(half.send().await), "InvalidArgument");
    let past = bucket
        .put("k", "x")
        .object_lock_mode(ObjectLockMode::Governance)
        .object_lock_retain_until_date(after_morning(-TimeDelta::days(1)));
    assert_eq!(code(past.send().await), "InvalidArgument");
}

/// A version without retention says so.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectRetention.html
#[tokio::test]
async fn a_version_without_retention_says_so() {
    let Some((_aws, bucket)) = locked().await else {
        return;
    };
    bucket.write("k", "x").await;
    let get = bucket.client.get_object_retention().bucket(&bucket.name).key("k");
    assert_eq!(code(get.send().await), "NoSuchObjectLockConfiguration");
}
