//! GetObjectAttributes.

use aws_sdk_s3::types::{BucketVersioningStatus, ChecksumAlgorithm, ObjectAttributes, StorageClass};
use conformance::code;

use crate::support::on_bucket;

/// What is asked for is answered, and nothing else.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html
#[tokio::test]
async fn the_attributes_that_are_asked_for() {
    on_bucket(async |_, bucket| {
        let put = bucket
            .put("k", "hello")
            .checksum_algorithm(ChecksumAlgorithm::Sha256);
        put.send().await.expect("written");
        let get = || {
            bucket
                .client
                .get_object_attributes()
                .bucket(&bucket.name)
                .key("k")
        };
        let some = get()
            .object_attributes(ObjectAttributes::Etag)
            .object_attributes(ObjectAttributes::ObjectSize);
        let some = some.send().await.expect("read");
        assert_eq!(some.object_size(), Some(5));
        let etag = some.e_tag().map(|etag| etag.trim_matches('"'));
        assert_eq!(etag, Some("5d41402abc4b2a76b9719d911017c592"));
        assert!(some.checksum().is_none() && some.storage_class().is_none());
        let others = get()
            .object_attributes(ObjectAttributes::Checksum)
            .object_attributes(ObjectAttributes::StorageClass);
        let others = others.send().await.expect("read");
        assert_eq!(others.storage_class(), Some(&StorageClass::Standard));
        assert!(
            others
                .checksum()
                .is_some_and(|sums| sums.checksum_sha256().is_some())
        );
        assert!(others.object_size().is_none());
        let unknown = get().object_attributes(ObjectAttributes::from("Colour"));
        assert_eq!(code(unknown.send().await), "InvalidArgument");
    })
    .await;
}

/// A version's attributes are asked for by its id.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html
#[tokio::test]
async fn each_version_has_its_own_attributes() {
    on_bucket(async |_, bucket| {
        bucket.set_versioning(BucketVersioningStatus::Enabled).await;
        let old = bucket.write("k", "old").await;
        bucket.write("k", "newer").await;
        let get = bucket
            .client
            .get_object_attributes()
            .bucket(&bucket.name)
            .key("k");
        let get = get
            .version_id(&old)
            .object_attributes(ObjectAttributes::ObjectSize);
        let read = get.send().await.expect("read");
        assert_eq!(
            (read.object_size(), read.version_id()),
            (Some(3), Some(old.as_str()))
        );
    })
    .await;
}
