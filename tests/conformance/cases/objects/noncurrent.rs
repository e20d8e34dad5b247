//! Lifecycle in a bucket with versions: markers, noncurrent versions, and locks.

use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{
    LifecycleExpiration, LifecycleRule, NoncurrentVersionExpiration, NoncurrentVersionTransition,
    ObjectLockConfiguration, ObjectLockEnabled, ObjectLockMode, TransitionStorageClass,
};
use chrono::TimeDelta;

use crate::lifecycle_runs::{configure, expire_after, rule};
use crate::support::{Bucket, after_morning, version_of, versioned_on_a_morning};

async fn set(bucket: &Bucket, rule: LifecycleRule) {
    configure(bucket, vec![rule]).send().await.expect("configured");
}

fn gone_after(days: i32, newer: Option<i32>) -> LifecycleRule {
    let mut rule = rule("");
    let end = NoncurrentVersionExpiration::builder()
        .noncurrent_days(days)
        .set_newer_noncurrent_versions(newer);
    rule.noncurrent_version_expiration = Some(end.build());
    rule
}

/// Expiry covers a key with a marker and keeps the version.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
#[tokio::test]
async fn expiry_covers_a_key_with_a_marker() {
    let Some((aws, bucket)) = versioned_on_a_morning().await else {
        return;
    };
    set(&bucket, expire_after(rule(""), 1)).await;
    let version = bucket.write("k", "x").await;
    aws.advance(TimeDelta::days(2));
    assert!(!bucket.has("k").await);
    assert_eq!(bucket.read_version("k", &version).await, "x");
    let markers = bucket.versions().await.delete_markers.expect("some");
    let midnight = markers[0].last_modified().map(DateTime::secs);
    assert_eq!(midnight, Some(1_772_496_000), "at the midnight it was due");
}

/// A version is kept for so many days after a newer one came.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
#[tokio::test]
async fn a_noncurrent_version_goes_after_its_days() {
    let Some((aws, bucket)) = versioned_on_a_morning().await else {
        return;
    };
    set(&bucket, gone_after(1, None)).await;
    bucket.write("k", "old").await;
    aws.advance(TimeDelta::days(5));
    bucket.write("k", "new").await;
    aws.advance(TimeDelta::hours(37));
    assert_eq!(bucket.versions().await.versions().len(), 2);
    aws.advance(TimeDelta::hours(1));
    let left = bucket.versions().await;
    assert_eq!(left.versions().len(), 1);
    assert_eq!(bucket.read("k").await, "new");
}

/// So many noncurrent versions are kept whatever their age.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_NoncurrentVersionExpiration.html
#[tokio::test]
async fn the_newest_noncurrent_versions_are_kept() {
    let Some((aws, bucket)) = versioned_on_a_morning().await else {
        return;
    };
    set(&bucket, gone_after(1, Some(2))).await;
    for body in ["1", "2", "3", "4", "5"] {
        bucket.write("k", body).await;
    }
    aws.advance(TimeDelta::days(30));
    let left = bucket.versions().await.versions.expect("some");
    assert_eq!(left.len(), 3, "the current one and two more");
    let oldest = left[2].version_id().expect("an id");
    assert_eq!(bucket.read_version("k", oldest).await, "3");
}

/// A noncurrent version moves by its own rule.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_NoncurrentVersionTransition.html
#[tokio::test]
async fn a_noncurrent_version_moves_by_its_own_rule() {
    let Some((aws, bucket)) = versioned_on_a_morning().await else {
        return;
    };
    let mut moved = rule("");
    let step = NoncurrentVersionTransition::builder()
        .noncurrent_days(1)
        .storage_class(TransitionStorageClass::Glacier);
    moved.noncurrent_version_transitions = Some(vec![step.build()]);
    set(&bucket, moved).await;
    bucket.write_large("k").await;
    bucket.write_large("k").await;
    aws.advance(TimeDelta::days(2));
    let versions = bucket.versions().await.versions.expect("some");
    let classes: Vec<_> = versions
        .iter()
        .map(|one| one.storage_class().map(ToString::to_string).unwrap_or_default())
        .collect();
    assert_eq!(classes, ["STANDARD", "GLACIER"]);
}

/// A marker that covers nothing any more goes when a rule says so.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-configuration-examples.html
#[tokio::test]
async fn a_marker_that_covers_nothing_goes() {
    let Some((aws, bucket)) = versioned_on_a_morning().await else {
        return;
    };
    let mut both = gone_after(1, None);
    let marker = LifecycleExpiration::builder().expired_object_delete_marker(true);
    both.expiration = Some(marker.build());
    set(&bucket, both).await;
    bucket.write("k", "x").await;
    bucket.remove("k").await;
    aws.advance(TimeDelta::days(1));
    assert_eq!(
        bucket.versions().await.delete_markers().len(),
        1,
        "it covers the version"
    );
    aws.advance(TimeDelta::days(1));
    let left = bucket.versions().await;
    assert!(left.versions().is_empty() && left.delete_markers().is_empty());
}

/// Long after, everything has happened in its order: expiry, noncurrent days, the marker's end.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html
#[tokio::test]
async fn a_long_absence_changes_nothing_of_the_order() {
    let Some((aws, bucket)) = versioned_on_a_morning().await else {
        return;
    };
    let rules = expire_after(gone_after(10, None), 5);
    set(&bucket, rules).await;
    bucket.write("k", "x").await;
    aws.advance(TimeDelta::days(15));
    assert_eq!(bucket.versions().await.versions().len(), 1);
    aws.advance(TimeDelta::days(300));
    let left = bucket.versions().await;
    assert!(left.versions().is_empty() && left.delete_markers().is_empty());
}

/// A locked version outlives every rule until its lock ends.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html
#[tokio::test]
async fn a_locked_version_outlives_the_rules() {
    let Some((aws, bucket)) = versioned_on_a_morning().await else {
        return;
    };
    let lock = ObjectLockConfiguration::builder().object_lock_enabled(ObjectLockEnabled::Enabled);
    let put = bucket.client.put_object_lock_configuration().bucket(&bucket.name);
    put.object_lock_configuration(lock.build())
        .send()
        .await
        .expect("configured");
    set(&bucket, gone_after(1, None)).await;
    let put = bucket
        .put("k", "kept")
        .object_lock_mode(ObjectLockMode::Compliance)
        .object_lock_retain_until_date(after_morning(TimeDelta::days(10)));
    let version = version_of(&put.send().await.expect("written"));
    bucket.write("k", "new").await;
    aws.advance(TimeDelta::days(9));
    assert_eq!(bucket.read_version("k", &version).await, "kept");
    aws.advance(TimeDelta::days(2));
    assert_eq!(bucket.versions().await.versions().len(), 1);
}
