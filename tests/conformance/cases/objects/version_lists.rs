//! ListObjectVersions.

use aws_sdk_s3::types::BucketVersioningStatus;
use conformance::code;

use crate::support::{Bucket, on_bucket};

async fn two_versions_each(bucket: &Bucket, keys: &[&str]) {
    bucket.set_versioning(BucketVersioningStatus::Enabled).await;
    for key in keys {
        bucket.write(key, "one").await;
        bucket.write(key, "two").await;
    }
}

/// Versions come by key, the newest first, and the newest says that it is.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
#[tokio::test]
async fn versions_are_listed_newest_first() {
    on_bucket(async |_, bucket| {
        two_versions_each(bucket, &["a"]).await;
        bucket.remove("a").await;
        bucket.write("b", "x").await;
        let listed = bucket.versions().await;
        let versions: Vec<_> = listed
            .versions()
            .iter()
            .map(|one| (one.key().unwrap_or_default(), one.is_latest(), one.size()))
            .collect();
        assert_eq!(
            versions,
            [
                ("a", Some(false), Some(3)),
                ("a", Some(false), Some(3)),
                ("b", Some(true), Some(1))
            ]
        );
        let markers = listed.delete_markers();
        assert_eq!((markers.len(), markers[0].is_latest()), (1, Some(true)));
        let newest = bucket.versions().await.versions()[0]
            .version_id()
            .expect("an id")
            .to_owned();
        assert_eq!(bucket.read_version("a", &newest).await, "two");
    })
    .await;
}

/// A page ends anywhere, even between the versions of a key, and the next one goes on from there.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
#[tokio::test]
async fn versions_are_listed_in_pages() {
    on_bucket(async |_, bucket| {
        two_versions_each(bucket, &["a", "b", "c"]).await;
        let (mut seen, mut key, mut id) = (Vec::new(), None, None);
        loop {
            let page = bucket
                .client
                .list_object_versions()
                .bucket(&bucket.name)
                .max_keys(1);
            let page = page.set_key_marker(key).set_version_id_marker(id);
            let page = page.send().await.expect("listed");
            let ids = page.versions().iter().filter_map(|one| one.version_id.clone());
            seen.extend(ids);
            if page.is_truncated() != Some(true) {
                break;
            }
            (key, id) = (page.next_key_marker, page.next_version_id_marker);
        }
        let whole = bucket.versions().await;
        let whole: Vec<_> = whole
            .versions()
            .iter()
            .filter_map(|one| one.version_id.clone())
            .collect();
        assert_eq!((seen.len(), seen), (6, whole));
    })
    .await;
}

/// Keys that share a prefix count as one.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
#[tokio::test]
async fn versions_are_listed_in_groups() {
    on_bucket(async |_, bucket| {
        two_versions_each(bucket, &["a/1", "a/2", "b"]).await;
        let list = || {
            bucket
                .client
                .list_object_versions()
                .bucket(&bucket.name)
                .delimiter("/")
        };
        let first = list().max_keys(1).send().await.expect("listed");
        assert_eq!(first.common_prefixes()[0].prefix(), Some("a/"));
        let rest = list().key_marker(first.next_key_marker().expect("more follow"));
        let rest = rest.send().await.expect("listed");
        assert!(rest.common_prefixes().is_empty());
        assert_eq!(rest.versions().len(), 2);
        let under = bucket
            .client
            .list_object_versions()
            .bucket(&bucket.name)
            .prefix("a/2");
        assert_eq!(under.send().await.expect("listed").versions().len(), 2);
    })
    .await;
}

/// A version marker needs the key it belongs to.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
#[tokio::test]
async fn a_version_marker_needs_a_key() {
    on_bucket(async |_, bucket| {
        let list = bucket.client.list_object_versions().bucket(&bucket.name);
        assert_eq!(
            code(list.version_id_marker("null").send().await),
            "InvalidArgument"
        );
    })
    .await;
}
