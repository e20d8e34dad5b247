//! Checksums: what a writer claims is compared with the bytes.

use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, ChecksumType};
use conformance::{code, status};

use crate::support::on_bucket;

/// SHA-256 of "hello".
const OF_HELLO: &str = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";

/// A checksum is kept and shown to who asks for it.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
#[tokio::test]
async fn a_checksum_is_kept_and_shown() {
    on_bucket(async |_, bucket| {
        let put = bucket
            .put("k", "hello")
            .checksum_algorithm(ChecksumAlgorithm::Sha256);
        let put = put.send().await.expect("written");
        assert_eq!(put.checksum_sha256(), Some(OF_HELLO));
        let head = bucket.client.head_object().bucket(&bucket.name).key("k");
        let head = head
            .checksum_mode(ChecksumMode::Enabled)
            .send()
            .await
            .expect("there");
        assert_eq!(head.checksum_sha256(), Some(OF_HELLO));
        assert_eq!(head.checksum_type(), Some(&ChecksumType::FullObject));
        assert_eq!(bucket.head("k").await.checksum_sha256(), None);
    })
    .await;
}

/// Every algorithm is computed, and a wrong claim under it is refused.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
#[tokio::test]
async fn a_wrong_checksum_is_refused_under_every_algorithm() {
    on_bucket(async |_, bucket| {
        let put = || bucket.put("k", "tampered");
        assert_eq!(code(put().checksum_sha256(OF_HELLO).send().await), "BadDigest");
        assert_eq!(code(put().checksum_crc32("NhCmhg==").send().await), "BadDigest");
        assert_eq!(code(put().checksum_crc32_c("mnG7TA==").send().await), "BadDigest");
        assert_eq!(
            code(put().checksum_sha1("qvTGHdzF6KLavt4PO0gs2a6pQ00=").send().await),
            "BadDigest"
        );
        assert_eq!(
            code(put().checksum_crc64_nvme("M3eFcAZSQlc=").send().await),
            "BadDigest"
        );
        let head = bucket.client.head_object().bucket(&bucket.name).key("k");
        assert_eq!(status(head.send().await), 404, "nothing was stored");
    })
    .await;
}

/// Content-MD5 is compared too, and one that is none is told apart.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
#[tokio::test]
async fn a_wrong_md5_is_refused() {
    on_bucket(async |_, bucket| {
        let put = |md5: &str| bucket.put("k", "tampered").content_md5(md5).send();
        assert_eq!(code(put("XUFAKrxLKna5cZ2REBfFkg==").await), "BadDigest");
        assert_eq!(code(put("short").await), "InvalidDigest");
    })
    .await;
}

/// Without a claim S3 computes CRC-64/NVME.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
#[tokio::test]
async fn an_object_has_a_checksum_in_any_case() {
    on_bucket(async |_, bucket| {
        bucket.write("k", "hello").await;
        let listed = bucket.client.list_objects_v2().bucket(&bucket.name);
        let listed = listed.send().await.expect("listed");
        assert_eq!(
            listed.contents()[0].checksum_type(),
            Some(&ChecksumType::FullObject)
        );
        assert_eq!(listed.contents()[0].checksum_algorithm().len(), 1);
    })
    .await;
}

/// The checksum of a whole object is not shown beside a part of it.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
#[tokio::test]
async fn a_range_comes_without_the_checksum_of_the_whole() {
    on_bucket(async |_, bucket| {
        let put = bucket
            .put("k", "hello")
            .checksum_algorithm(ChecksumAlgorithm::Sha256);
        put.send().await.expect("written");
        let get = bucket.client.get_object().bucket(&bucket.name).key("k");
        let get = get.checksum_mode(ChecksumMode::Enabled).range("bytes=0-1");
        assert_eq!(get.send().await.expect("read").checksum_sha256(), None);
    })
    .await;
}
