//! ListObjectsV2 and ListObjects: order, pages and groups.

use aws_sdk_s3::types::{BucketVersioningStatus, EncodingType};
use conformance::code;

use crate::support::{Bucket, on_bucket};

async fn write_all(bucket: &Bucket, keys: &[&str]) {
    for key in keys {
        bucket.write(key, "x").await;
    }
}

/// Keys come in the order of their bytes, in pages, and keys that share a prefix count as one.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
#[tokio::test]
async fn keys_are_listed_in_pages_and_groups() {
    on_bucket(async |_, bucket| {
        write_all(bucket, &["a/1", "a/2", "b", "c/1", "c/2", "d"]).await;
        let (mut seen, mut token) = (Vec::new(), None);
        loop {
            let page = bucket
                .client
                .list_objects_v2()
                .bucket(&bucket.name)
                .delimiter("/");
            let page = page.max_keys(1).set_continuation_token(token);
            let page = page.send().await.expect("listed");
            assert_eq!(page.key_count(), Some(1));
            seen.extend(page.contents().iter().filter_map(|one| one.key.clone()));
            seen.extend(page.common_prefixes().iter().filter_map(|one| one.prefix.clone()));
            token = page.next_continuation_token().map(str::to_owned);
            if page.is_truncated() != Some(true) {
                break;
            }
        }
        assert_eq!(seen, ["a/", "b", "c/", "d"]);
    })
    .await;
}

/// A prefix chooses, start-after skips, and groups begin behind the prefix.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
#[tokio::test]
async fn a_prefix_chooses_and_start_after_skips() {
    on_bucket(async |_, bucket| {
        write_all(bucket, &["c/1", "c/2", "c/d/3", "e"]).await;
        let list = || bucket.client.list_objects_v2().bucket(&bucket.name);
        let under = list()
            .prefix("c/")
            .start_after("c/1")
            .send()
            .await
            .expect("listed");
        let keys: Vec<_> = under.contents().iter().filter_map(|one| one.key()).collect();
        assert_eq!(keys, ["c/2", "c/d/3"]);
        let grouped = list().prefix("c/").delimiter("/").send().await.expect("listed");
        assert_eq!(grouped.contents().len(), 2);
        assert_eq!(grouped.common_prefixes()[0].prefix(), Some("c/d/"));
    })
    .await;
}

/// A key under a delete marker is not listed.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html
#[tokio::test]
async fn a_key_under_a_delete_marker_is_not_listed() {
    on_bucket(async |_, bucket| {
        bucket.set_versioning(BucketVersioningStatus::Enabled).await;
        write_all(bucket, &["a", "b"]).await;
        bucket.remove("a").await;
        let listed = bucket.client.list_objects_v2().bucket(&bucket.name);
        let listed = listed.send().await.expect("listed");
        let keys: Vec<_> = listed.contents().iter().filter_map(|one| one.key()).collect();
        assert_eq!(keys, ["b"]);
    })
    .await;
}

/// A page of none is a page, and a negative one is refused; a token that S3 did not give is refused.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
#[tokio::test]
async fn what_cannot_be_a_page_is_refused() {
    on_bucket(async |_, bucket| {
        write_all(bucket, &["a"]).await;
        let list = || bucket.client.list_objects_v2().bucket(&bucket.name);
        let none = list().max_keys(0).send().await.expect("listed");
        assert!(none.contents().is_empty() && none.is_truncated() == Some(false));
        assert_eq!(code(list().max_keys(-1).send().await), "InvalidArgument");
        let forged = list().continuation_token("not a token").send().await;
        assert_eq!(code(forged), "InvalidArgument");
    })
    .await;
}

/// Keys that XML cannot hold are asked for encoded.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
#[tokio::test]
async fn keys_can_be_listed_encoded() {
    on_bucket(async |_, bucket| {
        write_all(bucket, &["a b/ü+c"]).await;
        let list = bucket.client.list_objects_v2().bucket(&bucket.name);
        let listed = list
            .encoding_type(EncodingType::Url)
            .send()
            .await
            .expect("listed");
        assert_eq!(listed.contents()[0].key(), Some("a%20b/%C3%BC%2Bc"));
    })
    .await;
}

/// The older list goes on from a marker.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html
#[tokio::test]
async fn the_older_list_goes_on_from_a_marker() {
    on_bucket(async |aws, bucket| {
        write_all(bucket, &["a", "b", "c"]).await;
        let list = || bucket.client.list_objects().bucket(&bucket.name);
        let first = list().max_keys(2).delimiter("/").send().await.expect("listed");
        assert_eq!(
            (first.is_truncated(), first.next_marker()),
            (Some(true), Some("b"))
        );
        let rest = list().marker("b").send().await.expect("listed");
        assert_eq!(rest.contents()[0].key(), Some("c"));
        if aws.endpoint().is_some() {
            let owner = rest.contents()[0].owner().and_then(|owner| owner.id());
            assert_eq!(owner, Some(aws.vendor().id.as_str()));
        }
    })
    .await;
}
