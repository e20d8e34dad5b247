//! Versions of a key, and delete markers.

use aws_sdk_s3::types::BucketVersioningStatus::{Enabled, Suspended};
use conformance::{code, status};

use crate::support::{Bucket, on_bucket};

async fn delete_version(bucket: &Bucket, key: &str, id: &str) -> Option<bool> {
    let delete = bucket.client.delete_object().bucket(&bucket.name).key(key);
    let deleted = delete.version_id(id).send().await.expect("deleted");
    assert_eq!(deleted.version_id(), Some(id));
    deleted.delete_marker()
}

/// A bucket that never versioned says nothing of it; once enabled, versioning is only suspended.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html
#[tokio::test]
async fn versioning_is_enabled_or_suspended() {
    on_bucket(async |_, bucket| {
        let get = async || {
            let get = bucket.client.get_bucket_versioning().bucket(&bucket.name);
            get.send().await.expect("read").status
        };
        assert_eq!(get().await, None);
        bucket.set_versioning(Enabled).await;
        assert_eq!(get().await, Some(Enabled));
        bucket.set_versioning(Suspended).await;
        assert_eq!(get().await, Some(Suspended));
    })
    .await;
}

/// Each put is a version of its own and stays readable by its id.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/AddingObjectstoVersioningEnabledBuckets.html
#[tokio::test]
async fn each_put_is_a_version() {
    on_bucket(async |_, bucket| {
        bucket.set_versioning(Enabled).await;
        let (one, two) = (bucket.write("k", "one").await, bucket.write("k", "two").await);
        assert_ne!(one, two);
        assert_eq!(bucket.read("k").await, "two");
        assert_eq!(bucket.read_version("k", &one).await, "one");
        assert_eq!(bucket.head("k").await.version_id(), Some(two.as_str()));
    })
    .await;
}

/// What was there before versioning is the null version.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html
#[tokio::test]
async fn what_was_there_before_is_the_null_version() {
    on_bucket(async |_, bucket| {
        bucket.write("k", "before").await;
        assert_eq!(bucket.head("k").await.version_id(), None);
        bucket.set_versioning(Enabled).await;
        assert_eq!(bucket.head("k").await.version_id(), Some("null"));
        bucket.write("k", "after").await;
        assert_eq!(bucket.read_version("k", "null").await, "before");
    })
    .await;
}

/// While versioning is suspended a put takes the null version's place and leaves the others.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/AddingObjectstoVersionSuspendedBuckets.html
#[tokio::test]
async fn a_put_while_suspended_replaces_the_null_version() {
    on_bucket(async |_, bucket| {
        bucket.set_versioning(Enabled).await;
        let kept = bucket.write("k", "kept").await;
        bucket.set_versioning(Suspended).await;
        bucket.write("k", "null one").await;
        bucket.write("k", "null two").await;
        assert_eq!(bucket.versions().await.versions().len(), 2);
        assert_eq!(bucket.read("k").await, "null two");
        assert_eq!(bucket.read_version("k", &kept).await, "kept");
    })
    .await;
}

/// A delete puts a marker on the key: the key is gone, its versions are not.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html
#[tokio::test]
async fn a_delete_marker_hides_a_key() {
    on_bucket(async |_, bucket| {
        bucket.set_versioning(Enabled).await;
        let version = bucket.write("k", "x").await;
        let delete = bucket.client.delete_object().bucket(&bucket.name).key("k");
        let deleted = delete.send().await.expect("deleted");
        assert_eq!(deleted.delete_marker(), Some(true));
        let marker = deleted.version_id().expect("has one");
        let get = || bucket.client.get_object().bucket(&bucket.name).key("k");
        let refused = get().send().await;
        let header = refused
            .as_ref()
            .expect_err("gone")
            .raw_response()
            .and_then(|response| {
                let header = response.headers().get("x-amz-delete-marker");
                header.map(str::to_owned)
            });
        assert_eq!(header.as_deref(), Some("true"));
        assert_eq!(code(refused), "NoSuchKey");
        assert_eq!(status(get().version_id(marker).send().await), 405);
        assert_eq!(bucket.read_version("k", &version).await, "x");
    })
    .await;
}

/// Without its marker the key is there again.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/RemDelMarker.html
#[tokio::test]
async fn a_key_comes_back_when_its_marker_goes() {
    on_bucket(async |_, bucket| {
        bucket.set_versioning(Enabled).await;
        bucket.write("k", "x").await;
        let marker = bucket.remove("k").await.expect("a marker");
        assert_eq!(delete_version(bucket, "k", &marker).await, Some(true));
        assert_eq!(bucket.read("k").await, "x");
    })
    .await;
}

/// A delete while versioning is suspended takes the null version and leaves a null marker.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectsfromVersioningSuspendedBuckets.html
#[tokio::test]
async fn a_delete_while_suspended_leaves_a_null_marker() {
    on_bucket(async |_, bucket| {
        bucket.write("k", "null").await;
        bucket.set_versioning(Suspended).await;
        assert_eq!(bucket.remove("k").await.as_deref(), Some("null"));
        let versions = bucket.versions().await;
        assert!(versions.versions().is_empty());
        assert_eq!(versions.delete_markers()[0].version_id(), Some("null"));
    })
    .await;
}

/// Deleting a version is for good, and the one before it becomes the current one.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectVersions.html
#[tokio::test]
async fn a_version_is_deleted_for_good() {
    on_bucket(async |_, bucket| {
        bucket.set_versioning(Enabled).await;
        let one = bucket.write("k", "one").await;
        let two = bucket.write("k", "two").await;
        assert_eq!(delete_version(bucket, "k", &two).await, None);
        assert_eq!(bucket.read("k").await, "one");
        assert_eq!(bucket.head("k").await.version_id(), Some(one.as_str()));
        let get = bucket.client.get_object().bucket(&bucket.name).key("k");
        assert_eq!(code(get.version_id(two).send().await), "NoSuchVersion");
    })
    .await;
}

/// An id that no version can have is told apart from one that is not there.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
#[tokio::test]
async fn an_id_that_is_none_is_refused() {
    on_bucket(async |_, bucket| {
        bucket.set_versioning(Enabled).await;
        bucket.write("k", "x").await;
        let get = bucket.client.get_object().bucket(&bucket.name).key("k");
        assert_eq!(code(get.version_id("no such id").send().await), "InvalidArgument");
    })
    .await;
}

/// Old versions have an action of their own.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
#[tokio::test]
async fn an_old_version_needs_a_permission_of_its_own() {
    on_bucket(async |aws, bucket| {
        bucket.set_versioning(Enabled).await;
        let version = bucket.write("k", "x").await;
        let stranger = bucket.seen_by(&aws.stranger().config);
        let all = format!("{}/*", bucket.arn());
        bucket
            .allow(&aws.stranger().root_arn(), r#""s3:GetObject""#, &all)
            .await;
        assert_eq!(stranger.read("k").await, "x");
        let get = stranger.client.get_object().bucket(&bucket.name).key("k");
        assert_eq!(code(get.version_id(&version).send().await), "AccessDenied");
        bucket
            .allow(&aws.stranger().root_arn(), r#""s3:GetObjectVersion""#, &all)
            .await;
        assert_eq!(stranger.read_version("k", &version).await, "x");
    })
    .await;
}
