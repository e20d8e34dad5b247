//! PutObject: what is written is read again as it was written.

use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{ChecksumAlgorithm, ObjectCannedAcl, StorageClass};
use conformance::{code, status};

use crate::support::on_bucket;

/// An object keeps its headers, metadata, class and the MD5 of its bytes as its ETag.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
#[tokio::test]
async fn an_object_comes_back_as_it_was_written() {
    on_bucket(async |_, bucket| {
        let put = bucket.put("a/b", "hello").content_type("text/plain");
        let put = put
            .cache_control("max-age=60")
            .content_language("en")
            .content_disposition("attachment");
        let put = put
            .metadata("rows", "5")
            .storage_class(StorageClass::StandardIa)
            .expires(DateTime::from_secs(1_900_000_000));
        let written = put.send().await.expect("written");
        assert_eq!(written.e_tag(), Some("\"5d41402abc4b2a76b9719d911017c592\""));
        let head = bucket.head("a/b").await;
        assert_eq!(head.content_length(), Some(5));
        assert_eq!(head.content_type(), Some("text/plain"));
        assert_eq!(head.cache_control(), Some("max-age=60"));
        assert_eq!(head.content_language(), Some("en"));
        assert_eq!(head.content_disposition(), Some("attachment"));
        assert_eq!(head.expires_string(), Some("Sun, 17 Mar 2030 17:46:40 GMT"));
        assert_eq!(head.storage_class(), Some(&StorageClass::StandardIa));
        let rows = head.metadata().and_then(|metadata| metadata.get("rows"));
        assert_eq!(rows.map(String::as_str), Some("5"));
        assert_eq!(bucket.read("a/b").await, "hello");
    })
    .await;
}

/// The class header is not sent for STANDARD.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
#[tokio::test]
async fn the_standard_class_is_not_said() {
    on_bucket(async |_, bucket| {
        bucket.write("k", "x").await;
        assert_eq!(bucket.head("k").await.storage_class(), None);
    })
    .await;
}

/// Each storage class is kept and shown.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html
#[tokio::test]
async fn an_object_can_be_put_into_every_class() {
    on_bucket(async |_, bucket| {
        for class in [
            StorageClass::ReducedRedundancy,
            StorageClass::StandardIa,
            StorageClass::OnezoneIa,
            StorageClass::IntelligentTiering,
            StorageClass::GlacierIr,
            StorageClass::Glacier,
            StorageClass::DeepArchive,
        ] {
            let put = bucket.put("k", "x").storage_class(class.clone());
            put.send().await.expect("written");
            assert_eq!(bucket.head("k").await.storage_class(), Some(&class));
        }
    })
    .await;
}

/// A class that S3 does not know is refused.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
#[tokio::test]
async fn an_unknown_class_is_refused() {
    on_bucket(async |_, bucket| {
        let put = bucket.put("k", "x").storage_class(StorageClass::from("COLD"));
        assert_eq!(code(put.send().await), "InvalidStorageClass");
    })
    .await;
}

/// User metadata has two kilobytes at most.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
#[tokio::test]
async fn metadata_beyond_two_kilobytes_is_refused() {
    on_bucket(async |_, bucket| {
        let put = |bytes: usize| bucket.put("k", "x").metadata("note", "n".repeat(bytes)).send();
        assert_eq!(code(put(2_045).await), "MetadataTooLarge");
        put(2_044).await.expect("fits");
    })
    .await;
}

/// A bucket without access lists takes no object that brings one, but the owner's own.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
#[tokio::test]
async fn an_access_list_is_refused() {
    on_bucket(async |_, bucket| {
        let public = bucket.put("k", "x").acl(ObjectCannedAcl::PublicRead);
        assert_eq!(code(public.send().await), "AccessControlListNotSupported");
        let granted = bucket.put("k", "x").grant_read("id=123");
        assert_eq!(code(granted.send().await), "AccessControlListNotSupported");
        let own = bucket.put("k", "x").acl(ObjectCannedAcl::BucketOwnerFullControl);
        own.send().await.expect("written");
    })
    .await;
}

/// A put into a bucket that is not there.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
#[tokio::test]
async fn a_missing_bucket_takes_nothing() {
    on_bucket(async |aws, bucket| {
        let put = bucket.put("k", "x").bucket(aws.name("absent"));
        assert_eq!(code(put.send().await), "NoSuchBucket");
    })
    .await;
}

/// A second put of a key takes the first one's place.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
#[tokio::test]
async fn the_last_writer_of_a_key_wins() {
    on_bucket(async |_, bucket| {
        bucket.write("k", "one").await;
        bucket.write("k", "two").await;
        assert_eq!(bucket.read("k").await, "two");
        let versions = bucket.versions().await;
        assert_eq!(versions.versions().len(), 1);
        assert_eq!(versions.versions()[0].version_id(), Some("null"));
    })
    .await;
}

/// A caller that names the wrong owner of the bucket writes nothing.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
#[tokio::test]
async fn another_owner_than_expected_is_refused() {
    on_bucket(async |aws, bucket| {
        let put = bucket.put("k", "x").expected_bucket_owner("999999999999");
        assert_eq!(code(put.send().await), "AccessDenied");
        let put = bucket.put("k", "x").expected_bucket_owner(&aws.vendor().id);
        put.send().await.expect("written");
    })
    .await;
}

/// An empty object is an object.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
#[tokio::test]
async fn an_object_may_be_empty() {
    on_bucket(async |_, bucket| {
        let put = bucket.put("k", "").checksum_algorithm(ChecksumAlgorithm::Sha256);
        let written = put.send().await.expect("written");
        assert_eq!(written.e_tag(), Some("\"d41d8cd98f00b204e9800998ecf8427e\""));
        assert_eq!(bucket.read("k").await, "");
        let get = bucket.client.get_object().bucket(&bucket.name).key("k");
        assert_eq!(status(get.range("bytes=0-0").send().await), 416);
    })
    .await;
}

/// Keys are any text of up to 1,024 bytes.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
#[tokio::test]
async fn a_key_is_any_text_of_a_kilobyte() {
    on_bucket(async |_, bucket| {
        for key in ["ünï/cödé ☂", "a+b c&d=e?f#g%20", "trailing/", "UPPER.lower"] {
            bucket.write(key, key).await;
            assert_eq!(bucket.read(key).await, key);
        }
        let longest = "k".repeat(1_024);
        bucket.write(&longest, "x").await;
        assert_eq!(bucket.read(&longest).await, "x");
        let put = bucket.put(&"k".repeat(1_025), "x").send().await;
        assert_eq!(code(put), "KeyTooLongError");
    })
    .await;
}

/// Encryption with the caller's own keys is not built here, and no caller must believe it was done.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html
#[tokio::test]
async fn a_key_of_the_customer_is_never_ignored() {
    let Some(aws) = conformance::controlled().await else {
        return;
    };
    let bucket = crate::support::Bucket::create(&aws).await;
    let put = bucket.put("k", "x").sse_customer_algorithm("AES256");
    let put = put
        .sse_customer_key("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
        .sse_customer_key_md5("GZBSJpuO0sqqPA4q0uOaFw==");
    assert_eq!(code(put.send().await), "NotImplemented");
}
