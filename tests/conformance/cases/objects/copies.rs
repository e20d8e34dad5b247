//! CopyObject.

use aws_sdk_s3::operation::copy_object::builders::CopyObjectFluentBuilder;
use aws_sdk_s3::types::{BucketVersioningStatus, MetadataDirective, StorageClass, TaggingDirective};
use conformance::code;

use crate::support::{Bucket, on_bucket};

fn copy(bucket: &Bucket, from: &str, to: &str) -> CopyObjectFluentBuilder {
    let copy = bucket.client.copy_object().bucket(&bucket.name).key(to);
    copy.copy_source(format!("{}/{from}", bucket.name))
}

/// A copy takes bytes, headers, metadata and tags over, but not the class.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
#[tokio::test]
async fn a_copy_is_like_its_source_but_for_the_class() {
    on_bucket(async |_, bucket| {
        let put = bucket
            .put("from", "content")
            .content_type("text/csv")
            .metadata("a", "1");
        let put = put.tagging("kind=raw").storage_class(StorageClass::StandardIa);
        put.send().await.expect("written");
        let copied = copy(bucket, "from", "to").send().await.expect("copied");
        let etag = copied.copy_object_result.and_then(|result| result.e_tag);
        let head = bucket.head("to").await;
        assert_eq!(head.e_tag, etag);
        assert_eq!(head.content_type(), Some("text/csv"));
        assert_eq!(head.metadata().map(std::collections::HashMap::len), Some(1));
        assert_eq!(head.storage_class(), None);
        let get = bucket.client.get_object().bucket(&bucket.name).key("to");
        assert_eq!(get.send().await.expect("read").tag_count(), Some(1));
        assert_eq!(bucket.read("to").await, "content");
    })
    .await;
}

/// With REPLACE the request's own metadata and tags count.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
#[tokio::test]
async fn a_copy_may_replace_metadata_and_tags() {
    on_bucket(async |_, bucket| {
        let put = bucket
            .put("from", "content")
            .metadata("a", "1")
            .tagging("kind=raw&x=y");
        put.send().await.expect("written");
        let copy = copy(bucket, "from", "to")
            .metadata_directive(MetadataDirective::Replace)
            .metadata("b", "2")
            .tagging_directive(TaggingDirective::Replace)
            .tagging("kind=copy");
        copy.send().await.expect("copied");
        let head = bucket.head("to").await;
        let metadata = head.metadata().expect("has some");
        assert!(metadata.contains_key("b") && !metadata.contains_key("a"));
        let get = bucket.client.get_object_tagging().bucket(&bucket.name).key("to");
        let tags = get.send().await.expect("read");
        assert_eq!((tags.tag_set().len(), tags.tag_set()[0].value()), (1, "copy"));
    })
    .await;
}

/// An object is not copied onto itself unless something changes: that is how its class is changed.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
#[tokio::test]
async fn a_copy_onto_itself_must_change_something() {
    on_bucket(async |_, bucket| {
        bucket.write("k", "x").await;
        let same = copy(bucket, "k", "k").send().await;
        assert_eq!(code(same), "InvalidRequest");
        let moved = copy(bucket, "k", "k").storage_class(StorageClass::GlacierIr);
        moved.send().await.expect("copied");
        assert_eq!(bucket.class("k").await, "GLACIER_IR");
    })
    .await;
}

/// Conditions speak of the source.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
#[tokio::test]
async fn a_copy_asks_for_an_etag() {
    on_bucket(async |_, bucket| {
        let put = bucket.put("from", "x").send().await.expect("written");
        let etag = put.e_tag().expect("has one");
        let wrong = copy(bucket, "from", "to").copy_source_if_match("\"0\"");
        assert_eq!(code(wrong.send().await), "PreconditionFailed");
        let seen = copy(bucket, "from", "to").copy_source_if_none_match(etag);
        assert_eq!(code(seen.send().await), "PreconditionFailed");
        let right = copy(bucket, "from", "to").copy_source_if_match(etag);
        right.send().await.expect("copied");
    })
    .await;
}

/// An old version is brought back by copying it onto its key.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/RestoringPreviousVersions.html
#[tokio::test]
async fn an_old_version_can_be_copied_back() {
    on_bucket(async |_, bucket| {
        bucket.set_versioning(BucketVersioningStatus::Enabled).await;
        let old = bucket.write("k", "old").await;
        bucket.write("k", "new").await;
        let source = format!("k?versionId={old}");
        let copied = copy(bucket, &source, "k").send().await.expect("copied");
        assert_eq!(copied.copy_source_version_id(), Some(old.as_str()));
        assert_ne!(copied.version_id(), Some(old.as_str()));
        assert_eq!(bucket.read("k").await, "old");
    })
    .await;
}

/// A source that is not there, or that the caller may not read.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
#[tokio::test]
async fn a_copy_needs_a_source_it_may_read() {
    on_bucket(async |aws, bucket| {
        let absent = copy(bucket, "absent", "to").send().await;
        assert_eq!(code(absent), "NoSuchKey");
        bucket.write("from", "x").await;
        let theirs = bucket.seen_by(&aws.stranger().config);
        assert_eq!(code(copy(&theirs, "from", "to").send().await), "AccessDenied");
    })
    .await;
}
