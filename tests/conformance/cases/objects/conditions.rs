//! Conditional writes, reads and deletes.

use aws_sdk_s3::primitives::DateTime;
use conformance::{code, controlled, status};

use crate::support::{Bucket, on_bucket};

/// If-None-Match `*` writes only a key that is not there.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
#[tokio::test]
async fn if_none_match_writes_a_key_once() {
    on_bucket(async |_, bucket| {
        let write = |body: &str| bucket.put("manifest", body).if_none_match("*").send();
        write("one").await.expect("written");
        let second = write("two").await;
        assert_eq!(code(second), "PreconditionFailed");
        assert_eq!(bucket.read("manifest").await, "one");
    })
    .await;
}

/// If-Match writes only over the object it names.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
#[tokio::test]
async fn if_match_writes_over_what_it_names() {
    on_bucket(async |_, bucket| {
        let first = bucket.put("k", "one").send().await.expect("written");
        let etag = first.e_tag().expect("has one");
        let wrong = bucket
            .put("k", "two")
            .if_match("\"00000000000000000000000000000000\"");
        assert_eq!(code(wrong.send().await), "PreconditionFailed");
        let absent = bucket.put("nothing", "two").if_match(etag);
        assert_eq!(code(absent.send().await), "NoSuchKey");
        assert_eq!(bucket.read("k").await, "one");
        let right = bucket.put("k", "two").if_match(etag);
        right.send().await.expect("written");
        assert_eq!(bucket.read("k").await, "two");
    })
    .await;
}

/// Of many who write a key for the first time exactly one wins.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_conditional_writers_exactly_one_wins() {
    let Some(aws) = controlled().await else { return };
    let bucket = Bucket::create(&aws).await;
    let writers: Vec<_> = (0..16)
        .map(|writer| {
            let put = bucket.put("leader", &writer.to_string()).if_none_match("*");
            tokio::spawn(async move { put.send().await.is_ok() })
        })
        .collect();
    let mut winners = 0;
    for writer in writers {
        winners += u32::from(writer.await.expect("no writer panics"));
    }
    assert_eq!(winners, 1);
}

/// A delete marker is no object: If-None-Match `*` writes over it.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
#[tokio::test]
async fn a_deleted_key_can_be_written_for_the_first_time() {
    on_bucket(async |_, bucket| {
        bucket
            .set_versioning(aws_sdk_s3::types::BucketVersioningStatus::Enabled)
            .await;
        bucket.write("k", "one").await;
        bucket.remove("k").await;
        let again = bucket.put("k", "two").if_none_match("*").send().await;
        again.expect("written");
        assert_eq!(bucket.read("k").await, "two");
    })
    .await;
}

/// A read with If-None-Match of what the caller has answers 304, with If-Match of something else 412.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
#[tokio::test]
async fn a_read_asks_for_an_etag() {
    on_bucket(async |_, bucket| {
        let put = bucket.put("k", "x").send().await.expect("written");
        let etag = put.e_tag().expect("has one");
        let get = || bucket.client.get_object().bucket(&bucket.name).key("k");
        assert_eq!(status(get().if_none_match(etag).send().await), 304);
        assert_eq!(status(get().if_match("\"0\"").send().await), 412);
        get().if_match(etag).send().await.expect("read");
        get().if_none_match("\"0\"").send().await.expect("read");
    })
    .await;
}

/// Dates are compared in whole seconds, and an ETag outweighs the date beside it.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
#[tokio::test]
async fn a_read_asks_for_a_date() {
    on_bucket(async |_, bucket| {
        let put = bucket.put("k", "x").send().await.expect("written");
        let etag = put.e_tag().expect("has one");
        let written = bucket.head("k").await.last_modified.expect("has one");
        let (before, after) = (
            DateTime::from_secs(written.secs() - 10),
            DateTime::from_secs(written.secs() + 10),
        );
        let get = || bucket.client.get_object().bucket(&bucket.name).key("k");
        assert_eq!(status(get().if_modified_since(after).send().await), 304);
        get().if_modified_since(before).send().await.expect("read");
        assert_eq!(status(get().if_unmodified_since(before).send().await), 412);
        get().if_unmodified_since(after).send().await.expect("read");
        let both = get().if_match(etag).if_unmodified_since(before);
        both.send().await.expect("the ETag counts");
        let both = get().if_none_match(etag).if_modified_since(before);
        assert_eq!(status(both.send().await), 304);
    })
    .await;
}

/// A delete with If-Match deletes what it names.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
#[tokio::test]
async fn a_delete_asks_for_an_etag() {
    on_bucket(async |_, bucket| {
        let put = bucket.put("k", "x").send().await.expect("written");
        let delete = || bucket.client.delete_object().bucket(&bucket.name).key("k");
        let wrong = delete().if_match("\"00000000000000000000000000000000\"");
        assert_eq!(code(wrong.send().await), "PreconditionFailed");
        assert!(bucket.has("k").await);
        let right = delete().if_match(put.e_tag().expect("has one"));
        right.send().await.expect("deleted");
        assert!(!bucket.has("k").await);
    })
    .await;
}
