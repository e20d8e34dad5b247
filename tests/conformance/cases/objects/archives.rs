//! Archived objects: their bytes are there only while a copy is.

use aws_sdk_s3::operation::restore_object::builders::RestoreObjectFluentBuilder;
use aws_sdk_s3::types::{GlacierJobParameters, RestoreRequest, StorageClass, Tier};
use chrono::TimeDelta;
use conformance::code;
use local_aws::LatencyModel;

use crate::support::{Bucket, on_a_morning};

async fn archive(bucket: &Bucket, class: StorageClass) {
    let put = bucket.put("k", "cold").storage_class(class);
    put.send().await.expect("written");
}

fn restore(bucket: &Bucket, days: i32, tier: Tier) -> RestoreObjectFluentBuilder {
    let job = GlacierJobParameters::builder().tier(tier).build().expect("a job");
    let request = RestoreRequest::builder().days(days).glacier_job_parameters(job);
    let restore = bucket.client.restore_object().bucket(&bucket.name).key("k");
    restore.restore_request(request.build())
}

async fn read_code(bucket: &Bucket) -> String {
    let get = bucket.client.get_object().bucket(&bucket.name).key("k");
    code(get.send().await)
}

/// An archived object is looked at, listed and not read.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/archived-objects.html
#[tokio::test]
async fn an_archived_object_is_not_read() {
    let Some((_aws, bucket)) = on_a_morning().await else {
        return;
    };
    for class in [StorageClass::Glacier, StorageClass::DeepArchive] {
        archive(&bucket, class).await;
        assert_eq!(read_code(&bucket).await, "InvalidObjectState");
        assert_eq!(bucket.head("k").await.restore(), None);
    }
}

/// An archived object is no source of a copy.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
#[tokio::test]
async fn an_archived_object_is_not_copied() {
    let Some((_aws, bucket)) = on_a_morning().await else {
        return;
    };
    archive(&bucket, StorageClass::Glacier).await;
    let copy = bucket.client.copy_object().bucket(&bucket.name).key("to");
    let copy = copy.copy_source(format!("{}/k", bucket.name));
    assert_eq!(code(copy.send().await), "InvalidObjectState");
}

/// What is retrieved at once is read like any other object.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html
#[tokio::test]
async fn instant_retrieval_needs_no_copy() {
    let Some((_aws, bucket)) = on_a_morning().await else {
        return;
    };
    archive(&bucket, StorageClass::GlacierIr).await;
    assert_eq!(bucket.read("k").await, "cold");
    let refused = restore(&bucket, 1, Tier::Standard).send().await;
    assert_eq!(code(refused), "InvalidObjectState");
}

/// A restore takes as long as its class and tier say, and its copy ends at a midnight.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects-retrieval-options.html
#[tokio::test]
async fn a_copy_comes_when_the_tier_says_and_ends_at_midnight() {
    for (class, tier, wait) in [
        (StorageClass::Glacier, Tier::Expedited, TimeDelta::minutes(5)),
        (StorageClass::Glacier, Tier::Standard, TimeDelta::hours(5)),
        (StorageClass::Glacier, Tier::Bulk, TimeDelta::hours(12)),
        (StorageClass::DeepArchive, Tier::Standard, TimeDelta::hours(12)),
        (StorageClass::DeepArchive, Tier::Bulk, TimeDelta::hours(48)),
    ] {
        let Some((aws, bucket)) = on_a_morning().await else {
            return;
        };
        aws.control()
            .set_latency(LatencyModel::Realistic { per_mille: 1_000 });
        archive(&bucket, class).await;
        restore(&bucket, 2, tier).send().await.expect("accepted");
        aws.advance(wait - TimeDelta::seconds(1));
        assert_eq!(read_code(&bucket).await, "InvalidObjectState");
        assert_eq!(
            bucket.head("k").await.restore(),
            Some(r#"ongoing-request="true""#)
        );
        aws.advance(TimeDelta::seconds(1));
        assert_eq!(bucket.read("k").await, "cold");
        let said = bucket.head("k").await.restore.expect("said");
        assert!(
            said.starts_with(r#"ongoing-request="false", expiry-date=""#),
            "{said}"
        );
        assert!(said.ends_with(r#"00:00:00 GMT""#), "{said}");
        aws.advance(TimeDelta::days(3));
        assert_eq!(read_code(&bucket).await, "InvalidObjectState");
    }
}

/// The copy's end: the days are counted from when it is there, to the next midnight.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html
#[tokio::test]
async fn the_days_of_a_copy_end_at_the_next_midnight() {
    let Some((aws, bucket)) = on_a_morning().await else {
        return;
    };
    archive(&bucket, StorageClass::Glacier).await;
    restore(&bucket, 1, Tier::Standard)
        .send()
        .await
        .expect("accepted");
    let said = bucket.head("k").await.restore.expect("said");
    assert_eq!(
        said,
        r#"ongoing-request="false", expiry-date="Tue, 03 Mar 2026 00:00:00 GMT""#
    );
    aws.advance(TimeDelta::hours(37));
    assert_eq!(bucket.read("k").await, "cold");
    aws.advance(TimeDelta::hours(1));
    assert_eq!(read_code(&bucket).await, "InvalidObjectState");
}

/// A second restore waits for the first; a faster tier may overtake it.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects-upgrade-speed.html
#[tokio::test]
async fn a_restore_under_way_may_only_be_made_faster() {
    let Some((aws, bucket)) = on_a_morning().await else {
        return;
    };
    aws.control()
        .set_latency(LatencyModel::Realistic { per_mille: 1_000 });
    archive(&bucket, StorageClass::Glacier).await;
    restore(&bucket, 1, Tier::Bulk).send().await.expect("accepted");
    let again = restore(&bucket, 1, Tier::Bulk).send().await;
    assert_eq!(code(again), "RestoreAlreadyInProgress");
    restore(&bucket, 1, Tier::Expedited)
        .send()
        .await
        .expect("made faster");
    aws.advance(TimeDelta::minutes(5));
    assert_eq!(bucket.read("k").await, "cold");
}

/// A copy that is there is kept for longer.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_RestoreObject.html
#[tokio::test]
async fn a_copy_is_kept_for_longer() {
    let Some((aws, bucket)) = on_a_morning().await else {
        return;
    };
    archive(&bucket, StorageClass::Glacier).await;
    restore(&bucket, 1, Tier::Standard)
        .send()
        .await
        .expect("accepted");
    restore(&bucket, 5, Tier::Standard)
        .send()
        .await
        .expect("extended");
    aws.advance(TimeDelta::days(4));
    assert_eq!(bucket.read("k").await, "cold");
}

/// Expedited retrieval is not for the deep archive, and a copy lasts a day at least.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_RestoreObject.html
#[tokio::test]
async fn what_cannot_be_restored_so_is_refused() {
    let Some((_aws, bucket)) = on_a_morning().await else {
        return;
    };
    archive(&bucket, StorageClass::DeepArchive).await;
    let expedited = restore(&bucket, 1, Tier::Expedited).send().await;
    assert_eq!(code(expedited), "InvalidArgument");
    let none = restore(&bucket, 0, Tier::Standard).send().await;
    assert_eq!(code(none), "InvalidArgument");
}

/// A restored object can be copied into an active class: that brings it back for good.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html
#[tokio::test]
async fn a_restored_object_is_copied_back_for_good() {
    let Some((aws, bucket)) = on_a_morning().await else {
        return;
    };
    archive(&bucket, StorageClass::Glacier).await;
    restore(&bucket, 1, Tier::Standard)
        .send()
        .await
        .expect("accepted");
    let copy = bucket.client.copy_object().bucket(&bucket.name).key("k");
    let copy = copy
        .copy_source(format!("{}/k", bucket.name))
        .storage_class(StorageClass::StandardIa);
    copy.send().await.expect("copied");
    aws.advance(TimeDelta::days(30));
    assert_eq!(bucket.read("k").await, "cold");
}
