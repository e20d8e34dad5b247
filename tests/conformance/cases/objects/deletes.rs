//! DeleteObject and DeleteObjects.

use aws_sdk_s3::types::{BucketVersioningStatus, Delete, ObjectIdentifier};
use conformance::code;

use crate::support::on_bucket;

fn identifiers(keys: &[&str]) -> Vec<ObjectIdentifier> {
    let keys = keys.iter();
    keys.map(|key| ObjectIdentifier::builder().key(*key).build().expect("complete"))
        .collect()
}

fn delete_of(objects: Vec<ObjectIdentifier>) -> Delete {
    Delete::builder()
        .set_objects(Some(objects))
        .build()
        .expect("complete")
}

/// Deleting what is not there succeeds.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html
#[tokio::test]
async fn a_missing_key_is_deleted_all_the_same() {
    on_bucket(async |_, bucket| {
        assert_eq!(bucket.remove("never-was").await, None);
    })
    .await;
}

/// A batch says of each key what became of it.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
#[tokio::test]
async fn a_batch_deletes_each_of_its_keys() {
    on_bucket(async |_, bucket| {
        bucket.write("a", "x").await;
        bucket.write("b", "x").await;
        let delete = bucket.client.delete_objects().bucket(&bucket.name);
        let deleted = delete.delete(delete_of(identifiers(&["a", "b", "never-was"])));
        let deleted = deleted.send().await.expect("deleted");
        assert_eq!((deleted.deleted().len(), deleted.errors().len()), (3, 0));
        assert!(!bucket.has("a").await && !bucket.has("b").await);
    })
    .await;
}

/// A quiet batch names only what failed.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
#[tokio::test]
async fn a_quiet_batch_says_nothing_of_success() {
    on_bucket(async |_, bucket| {
        bucket.write("a", "x").await;
        let quiet = Delete::builder()
            .set_objects(Some(identifiers(&["a"])))
            .quiet(true)
            .build()
            .expect("complete");
        let delete = bucket.client.delete_objects().bucket(&bucket.name).delete(quiet);
        assert!(delete.send().await.expect("deleted").deleted().is_empty());
    })
    .await;
}

/// A batch has a thousand keys at most.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
#[tokio::test]
async fn a_batch_of_a_thousand_and_one_is_refused() {
    on_bucket(async |_, bucket| {
        let keys: Vec<String> = (0..1_001).map(|number| format!("k{number}")).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let delete = bucket.client.delete_objects().bucket(&bucket.name);
        let delete = delete.delete(delete_of(identifiers(&keys)));
        assert_eq!(code(delete.send().await), "MalformedXML");
    })
    .await;
}

/// Deleting in a bucket with versions puts a marker on the key, and the answer names it.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html
#[tokio::test]
async fn a_batch_in_a_bucket_with_versions_makes_markers() {
    on_bucket(async |_, bucket| {
        bucket.set_versioning(BucketVersioningStatus::Enabled).await;
        let version = bucket.write("a", "x").await;
        let delete = bucket.client.delete_objects().bucket(&bucket.name);
        let deleted = delete.delete(delete_of(identifiers(&["a"])));
        let deleted = deleted.send().await.expect("deleted");
        let marked = &deleted.deleted()[0];
        assert_eq!(marked.delete_marker(), Some(true));
        let marker = marked.delete_marker_version_id().expect("has one");
        assert_eq!(marked.version_id(), None);
        let both = [(&version, false), (&marker.to_owned(), true)].map(|(id, _)| {
            let one = ObjectIdentifier::builder().key("a").version_id(id);
            one.build().expect("complete")
        });
        let delete = bucket.client.delete_objects().bucket(&bucket.name);
        let deleted = delete
            .delete(delete_of(both.to_vec()))
            .send()
            .await
            .expect("deleted");
        let ids: Vec<_> = deleted.deleted().iter().map(|one| one.version_id()).collect();
        assert_eq!(ids, [Some(version.as_str()), Some(marker)]);
        assert_eq!(deleted.deleted()[0].delete_marker(), None);
        assert_eq!(deleted.deleted()[1].delete_marker(), Some(true));
        assert!(bucket.versions().await.versions().is_empty());
    })
    .await;
}
