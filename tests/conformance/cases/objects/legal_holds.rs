//! Legal holds: a version stays until the hold is lifted, whatever the date.

use aws_sdk_s3::types::{
    ObjectLockConfiguration, ObjectLockEnabled, ObjectLockLegalHold, ObjectLockLegalHoldStatus,
};
use chrono::TimeDelta;
use conformance::code;

use crate::support::{Bucket, version_of, versioned_on_a_morning};

async fn hold(bucket: &Bucket, status: ObjectLockLegalHoldStatus) {
    let hold = ObjectLockLegalHold::builder().status(status).build();
    let put = bucket
        .client
        .put_object_legal_hold()
        .bucket(&bucket.name)
        .key("k");
    put.legal_hold(hold).send().await.expect("set");
}

async fn enable(bucket: &Bucket) {
    let lock = ObjectLockConfiguration::builder().object_lock_enabled(ObjectLockEnabled::Enabled);
    let put = bucket.client.put_object_lock_configuration().bucket(&bucket.name);
    put.object_lock_configuration(lock.build())
        .send()
        .await
        .expect("configured");
}

/// A hold keeps a version without an end, and lifting it frees the version.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
#[tokio::test]
async fn a_hold_keeps_a_version_until_it_is_lifted() {
    let Some((aws, bucket)) = versioned_on_a_morning().await else {
        return;
    };
    enable(&bucket).await;
    let put = bucket
        .put("k", "x")
        .object_lock_legal_hold_status(ObjectLockLegalHoldStatus::On);
    let version = version_of(&put.send().await.expect("written"));
    let head = bucket.head("k").await;
    assert_eq!(
        head.object_lock_legal_hold_status(),
        Some(&ObjectLockLegalHoldStatus::On)
    );
    aws.advance(TimeDelta::days(10_000));
    let delete = || {
        let delete = bucket.client.delete_object().bucket(&bucket.name).key("k");
        delete
            .version_id(&version)
            .bypass_governance_retention(true)
            .send()
    };
    assert_eq!(code(delete().await), "AccessDenied");
    hold(&bucket, ObjectLockLegalHoldStatus::Off).await;
    delete().await.expect("deleted");
}

/// A hold can be asked for, in a bucket that knows holds.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectLegalHold.html
#[tokio::test]
async fn a_hold_can_be_asked_for() {
    let Some((_aws, bucket)) = versioned_on_a_morning().await else {
        return;
    };
    bucket.write("k", "x").await;
    let get = || {
        bucket
            .client
            .get_object_legal_hold()
            .bucket(&bucket.name)
            .key("k")
            .send()
    };
    assert_eq!(code(get().await), "InvalidRequest");
    enable(&bucket).await;
    for status in [ObjectLockLegalHoldStatus::On, ObjectLockLegalHoldStatus::Off] {
        hold(&bucket, status.clone()).await;
        let kept = get().await.expect("read").legal_hold.expect("one");
        assert_eq!(kept.status(), Some(&status));
    }
}
