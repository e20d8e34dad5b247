//! Tags of objects and buckets.

use aws_sdk_s3::types::{BucketVersioningStatus, Tagging};
use conformance::{code, controlled};

use crate::support::{Bucket, on_bucket, tag, tagging};

async fn put(bucket: &Bucket, tags: Tagging) -> Result<(), String> {
    let put = bucket.client.put_object_tagging().bucket(&bucket.name).key("k");
    match put.tagging(tags).send().await {
        Ok(_) => Ok(()),
        refused => Err(code(refused)),
    }
}

async fn tags_of(bucket: &Bucket, key: &str) -> Vec<(String, String)> {
    let get = bucket.client.get_object_tagging().bucket(&bucket.name).key(key);
    let tags = get.send().await.expect("read").tag_set;
    let pairs = tags.into_iter().map(|tag| (tag.key, tag.value));
    pairs.collect()
}

/// Tags come with a put, are replaced whole, and go.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html
#[tokio::test]
async fn tags_are_replaced_whole() {
    on_bucket(async |_, bucket| {
        let write = bucket.put("k", "x").tagging("kind=export&tenant=a%20b");
        write.send().await.expect("written");
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(
            tags_of(bucket, "k").await,
            [pair("kind", "export"), pair("tenant", "a b")]
        );
        put(bucket, tagging(&[("class", "archive")]))
            .await
            .expect("replaced");
        assert_eq!(tags_of(bucket, "k").await, [pair("class", "archive")]);
        let delete = bucket
            .client
            .delete_object_tagging()
            .bucket(&bucket.name)
            .key("k");
        delete.send().await.expect("deleted");
        assert!(tags_of(bucket, "k").await.is_empty());
    })
    .await;
}

/// An object has ten tags at most.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
#[tokio::test]
async fn an_eleventh_tag_is_refused() {
    on_bucket(async |_, bucket| {
        bucket.write("k", "x").await;
        let many = |count: usize| {
            let tags = (0..count).map(|number| tag(&format!("k{number}"), "v"));
            Tagging::builder()
                .set_tag_set(Some(tags.collect()))
                .build()
                .expect("tags")
        };
        put(bucket, many(10)).await.expect("fits");
        assert_eq!(put(bucket, many(11)).await, Err("BadRequest".to_owned()));
    })
    .await;
}

/// Keys and values have their lengths and letters, and each key comes once.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html
#[tokio::test]
async fn a_tag_that_is_none_is_refused() {
    on_bucket(async |_, bucket| {
        bucket.write("k", "x").await;
        let long_key = "k".repeat(129);
        let long_value = "v".repeat(257);
        for pairs in [
            [("", "v")].as_slice(),
            &[(long_key.as_str(), "v")],
            &[("k", long_value.as_str())],
            &[("k", "1"), ("k", "2")],
            &[("aws:k", "v")],
            &[("k", "semi;colon")],
        ] {
            assert_eq!(put(bucket, tagging(pairs)).await, Err("InvalidTag".to_owned()));
        }
    })
    .await;
}

/// Tags belong to a version.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html
#[tokio::test]
async fn each_version_has_its_own_tags() {
    on_bucket(async |_, bucket| {
        bucket.set_versioning(BucketVersioningStatus::Enabled).await;
        let old = bucket.write("k", "old").await;
        bucket.write("k", "new").await;
        let put = bucket.client.put_object_tagging().bucket(&bucket.name).key("k");
        let put = put.version_id(&old).tagging(tagging(&[("age", "old")]));
        assert_eq!(put.send().await.expect("tagged").version_id(), Some(old.as_str()));
        assert!(tags_of(bucket, "k").await.is_empty());
        let get = bucket.client.get_object_tagging().bucket(&bucket.name).key("k");
        let tags = get.version_id(&old).send().await.expect("read");
        assert_eq!(tags.tag_set().len(), 1);
    })
    .await;
}

/// Writing tags with an object needs the permission to tag.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
#[tokio::test]
async fn tags_on_a_put_need_a_permission_of_their_own() {
    on_bucket(async |aws, bucket| {
        let stranger = bucket.seen_by(&aws.stranger().config);
        let all = format!("{}/*", bucket.arn());
        bucket
            .allow(&aws.stranger().root_arn(), r#""s3:PutObject""#, &all)
            .await;
        let tagged = || stranger.put("k", "x").tagging("a=b").send();
        assert_eq!(code(tagged().await), "AccessDenied");
        let both = r#"["s3:PutObject","s3:PutObjectTagging"]"#;
        bucket.allow(&aws.stranger().root_arn(), both, &all).await;
        tagged().await.expect("written");
    })
    .await;
}

/// A bucket's tags, which may be fifty.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketTagging.html
#[tokio::test]
async fn a_bucket_has_tags() {
    on_bucket(async |_, bucket| {
        let get = || bucket.client.get_bucket_tagging().bucket(&bucket.name).send();
        assert_eq!(code(get().await), "NoSuchTagSet");
        let put = |tags: Tagging| {
            let put = bucket.client.put_bucket_tagging().bucket(&bucket.name);
            put.tagging(tags).send()
        };
        put(tagging(&[("owner", "tenantry")])).await.expect("tagged");
        assert_eq!(get().await.expect("read").tag_set()[0].value(), "tenantry");
        let many = (0..51).map(|number| tag(&format!("k{number}"), "v")).collect();
        let many = Tagging::builder().set_tag_set(Some(many)).build().expect("tags");
        assert_eq!(code(put(many).await), "BadRequest");
        let delete = bucket.client.delete_bucket_tagging().bucket(&bucket.name);
        delete.send().await.expect("deleted");
        assert_eq!(code(get().await), "NoSuchTagSet");
    })
    .await;
}

/// The endpoint's inventory shows a bucket's tags.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/CostAllocTagging.html
#[tokio::test]
async fn the_inventory_shows_a_buckets_tags() {
    let Some(aws) = controlled().await else { return };
    let bucket = Bucket::create(&aws).await;
    let put = bucket.client.put_bucket_tagging().bucket(&bucket.name);
    put.tagging(tagging(&[("owner", "tenantry")]))
        .send()
        .await
        .expect("tagged");
    let items = aws.control().inventory();
    let item = items.iter().find(|item| item.id == bucket.name).expect("listed");
    assert_eq!(item.tags.get("owner").map(String::as_str), Some("tenantry"));
}
