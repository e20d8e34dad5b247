//! GetObject and HeadObject: ranges, parts, headers, and what is not there.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use chrono::TimeDelta;
use conformance::{code, controlled, status};

use crate::support::{Bucket, on_bucket, text};

/// A range is answered with its place in the whole.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
#[tokio::test]
async fn a_range_is_a_part_of_the_whole() {
    on_bucket(async |_, bucket| {
        bucket.write("k", "0123456789").await;
        for (range, place, bytes) in [
            ("bytes=1-3", "bytes 1-3/10", "123"),
            ("bytes=7-", "bytes 7-9/10", "789"),
            ("bytes=-2", "bytes 8-9/10", "89"),
            ("bytes=8-100", "bytes 8-9/10", "89"),
        ] {
            let get = bucket.client.get_object().bucket(&bucket.name).key("k");
            let part = get.range(range).send().await.expect("read");
            assert_eq!(part.content_range(), Some(place));
            assert_eq!(text(part).await, bytes);
        }
    })
    .await;
}

/// A range behind the end is refused.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
#[tokio::test]
async fn a_range_behind_the_end_is_refused() {
    on_bucket(async |_, bucket| {
        bucket.write("k", "0123456789").await;
        let get = bucket.client.get_object().bucket(&bucket.name).key("k");
        assert_eq!(code(get.range("bytes=10-12").send().await), "InvalidRange");
    })
    .await;
}

/// A caller may override the headers of the answer.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
#[tokio::test]
async fn the_headers_of_an_answer_can_be_overridden() {
    on_bucket(async |_, bucket| {
        bucket.write("k", "x").await;
        let get = bucket.client.get_object().bucket(&bucket.name).key("k");
        let get = get
            .response_content_type("text/csv")
            .response_content_disposition("attachment");
        let read = get.send().await.expect("read");
        assert_eq!(read.content_type(), Some("text/csv"));
        assert_eq!(read.content_disposition(), Some("attachment"));
    })
    .await;
}

/// A key that is not there.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
#[tokio::test]
async fn a_missing_key_is_not_found() {
    on_bucket(async |_, bucket| {
        let get = bucket.client.get_object().bucket(&bucket.name).key("absent");
        assert_eq!(code(get.send().await), "NoSuchKey");
        let head = bucket.client.head_object().bucket(&bucket.name).key("absent");
        assert_eq!(status(head.send().await), 404);
    })
    .await;
}

/// An object that was put whole is its own first part.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
#[tokio::test]
async fn a_whole_object_has_one_part() {
    on_bucket(async |_, bucket| {
        bucket.write("k", "whole").await;
        let get = |number| {
            let get = bucket.client.get_object().bucket(&bucket.name).key("k");
            get.part_number(number).send()
        };
        assert_eq!(text(get(1).await.expect("read")).await, "whole");
        assert_eq!(code(get(2).await), "InvalidPartNumber");
        let both = bucket.client.get_object().bucket(&bucket.name).key("k");
        let both = both.part_number(1).range("bytes=0-1");
        assert_eq!(code(both.send().await), "InvalidArgument");
    })
    .await;
}

/// A presigned address lets in who has it, until it ends.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ShareObjectPreSignedURL.html
#[tokio::test]
async fn a_presigned_address_ends() {
    let Some(aws) = controlled().await else { return };
    let bucket = Bucket::create(&aws).await;
    bucket.write("k", "shared").await;
    let hour = PresigningConfig::expires_in(Duration::from_secs(3_600)).expect("valid");
    let get = bucket.client.get_object().bucket(&bucket.name).key("k");
    let address = get.presigned(hour).await.expect("signed").uri().to_owned();
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let read = || async { client.get(&address).send().await.expect("an answer") };
    assert_eq!(read().await.text().await.expect("whole"), "shared");
    aws.advance(TimeDelta::minutes(61));
    let late = read().await;
    assert_eq!(late.status(), 403);
    assert!(late.text().await.expect("whole").contains("Request has expired"));
}
