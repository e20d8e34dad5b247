//! Object Lock on buckets: being enabled, and the retention of new versions.

use aws_sdk_s3::operation::put_object_lock_configuration::builders::PutObjectLockConfigurationFluentBuilder;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{
    BucketVersioningStatus, DefaultRetention, ObjectLockConfiguration, ObjectLockEnabled, ObjectLockMode,
    ObjectLockRetentionMode, ObjectLockRule,
};
use chrono::TimeDelta;
use conformance::{aws, code};

use crate::support::{Bucket, after_morning, on_a_morning, on_bucket};

fn configure(bucket: &Bucket, default: Option<DefaultRetention>) -> PutObjectLockConfigurationFluentBuilder {
    let rule = default.map(|default| ObjectLockRule::builder().default_retention(default).build());
    let lock = ObjectLockConfiguration::builder()
        .object_lock_enabled(ObjectLockEnabled::Enabled)
        .set_rule(rule)
        .build();
    let put = bucket.client.put_object_lock_configuration();
    put.bucket(&bucket.name).object_lock_configuration(lock)
}

fn retention(days: Option<i32>, years: Option<i32>) -> DefaultRetention {
    DefaultRetention::builder()
        .mode(ObjectLockRetentionMode::Governance)
        .set_days(days)
        .set_years(years)
        .build()
}

/// A bucket made with Object Lock keeps versions.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-configure.html
#[tokio::test]
async fn a_bucket_with_object_lock_keeps_versions() {
    let aws = aws().await;
    let bucket = Bucket::create_with(&aws, |create| create.object_lock_enabled_for_bucket(true)).await;
    let versioning = bucket.client.get_bucket_versioning().bucket(&bucket.name);
    let versioning = versioning.send().await.expect("read");
    assert_eq!(versioning.status(), Some(&BucketVersioningStatus::Enabled));
    let lock = bucket.client.get_object_lock_configuration().bucket(&bucket.name);
    let lock = lock
        .send()
        .await
        .expect("read")
        .object_lock_configuration
        .expect("one");
    assert_eq!(lock.object_lock_enabled(), Some(&ObjectLockEnabled::Enabled));
    assert!(lock.rule().is_none());
    bucket.delete().await;
}

/// A bucket that keeps versions may be locked later, another may not; a locked one keeps versions for ever.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLockConfiguration.html
#[tokio::test]
async fn object_lock_needs_versions() {
    on_bucket(async |_, bucket| {
        let get = bucket.client.get_object_lock_configuration().bucket(&bucket.name);
        assert_eq!(code(get.send().await), "ObjectLockConfigurationNotFoundError");
        assert_eq!(code(configure(bucket, None).send().await), "InvalidBucketState");
        bucket.set_versioning(BucketVersioningStatus::Enabled).await;
        configure(bucket, None).send().await.expect("configured");
        let suspend = bucket.client.put_bucket_versioning().bucket(&bucket.name);
        let suspended = aws_sdk_s3::types::VersioningConfiguration::builder()
            .status(BucketVersioningStatus::Suspended)
            .build();
        let suspend = suspend.versioning_configuration(suspended);
        assert_eq!(code(suspend.send().await), "InvalidBucketState");
    })
    .await;
}

/// A default retention has days or years, not both, and not none.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DefaultRetention.html
#[tokio::test]
async fn a_default_retention_has_days_or_years() {
    on_bucket(async |_, bucket| {
        bucket.set_versioning(BucketVersioningStatus::Enabled).await;
        for (days, years, expected) in [
            (None, None, "MalformedXML"),
            (Some(1), Some(1), "MalformedXML"),
            (Some(0), None, "InvalidArgument"),
            (Some(-1), None, "InvalidArgument"),
            (None, Some(101), "InvalidArgument"),
        ] {
            let put = configure(bucket, Some(retention(days, years)));
            assert_eq!(code(put.send().await), expected, "{days:?} {years:?}");
        }
    })
    .await;
}

/// New versions get the bucket's retention, counted from when they were written.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html
#[tokio::test]
async fn a_new_version_gets_the_default_retention() {
    let Some((aws, bucket)) = on_a_morning().await else {
        return;
    };
    bucket.set_versioning(BucketVersioningStatus::Enabled).await;
    configure(&bucket, Some(retention(Some(10), None)))
        .send()
        .await
        .expect("configured");
    aws.advance(TimeDelta::days(1));
    bucket.write("k", "x").await;
    let head = bucket.head("k").await;
    assert_eq!(head.object_lock_mode(), Some(&ObjectLockMode::Governance));
    let until = head.object_lock_retain_until_date().map(DateTime::secs);
    assert_eq!(until, Some(after_morning(TimeDelta::days(11)).secs()));
}

/// A lock on an object needs a bucket with Object Lock.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
#[tokio::test]
async fn a_lock_needs_a_bucket_with_object_lock() {
    let Some((_aws, bucket)) = on_a_morning().await else {
        return;
    };
    let put = bucket
        .put("k", "x")
        .object_lock_mode(ObjectLockMode::Governance)
        .object_lock_retain_until_date(after_morning(TimeDelta::days(1)));
    assert_eq!(code(put.send().await), "InvalidRequest");
}
