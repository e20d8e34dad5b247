//! Buckets: names, regions, and what keeps one from going.

use aws_sdk_s3::types::{BucketCannedAcl, BucketVersioningStatus};
use conformance::{aws, code, controlled, status};

use crate::support::{Bucket, client_of, in_region, on_bucket};

/// Names are global: another account's is taken, one's own is owned already.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
#[tokio::test]
async fn a_bucket_name_is_taken_for_all_accounts() {
    on_bucket(async |aws, bucket| {
        let create = |client: &aws_sdk_s3::Client| {
            let create = client.create_bucket().bucket(&bucket.name);
            create.create_bucket_configuration(in_region(aws.region())).send()
        };
        assert_eq!(code(create(&bucket.client).await), "BucketAlreadyOwnedByYou");
        let stranger = client_of(&aws.stranger().config);
        assert_eq!(code(create(&stranger).await), "BucketAlreadyExists");
    })
    .await;
}

/// In us-east-1 an owner may create a bucket again, to no effect.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
#[tokio::test]
async fn a_bucket_in_the_first_region_can_be_made_again() {
    let aws = aws().await;
    let client = client_of(&aws.vendor().in_region("us-east-1"));
    let name = aws.name("objects");
    for _ in 0..2 {
        client
            .create_bucket()
            .bucket(&name)
            .send()
            .await
            .expect("created");
    }
    client
        .delete_bucket()
        .bucket(&name)
        .send()
        .await
        .expect("deleted");
}

/// The constraint and the region that is called must agree.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
#[tokio::test]
async fn a_bucket_is_made_in_the_region_that_is_called() {
    let aws = aws().await;
    let client = client_of(&aws.vendor().in_region("eu-west-1"));
    let create = |region: Option<&str>| {
        let create = client.create_bucket().bucket(aws.name("objects"));
        create
            .set_create_bucket_configuration(region.map(in_region))
            .send()
    };
    assert_eq!(code(create(None).await), "IllegalLocationConstraintException");
    assert_eq!(
        code(create(Some("ap-south-1")).await),
        "IllegalLocationConstraintException"
    );
}

/// A bucket's region can be asked for.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
#[tokio::test]
async fn a_bucket_says_its_region() {
    on_bucket(async |aws, bucket| {
        let head = bucket.client.head_bucket().bucket(&bucket.name);
        let head = head.send().await.expect("there");
        assert_eq!(head.bucket_region(), Some(aws.region()));
        let location = bucket.client.get_bucket_location().bucket(&bucket.name);
        let location = location.send().await.expect("read").location_constraint;
        assert_eq!(location.map(|one| one.to_string()).as_deref(), Some(aws.region()));
    })
    .await;
}

/// A name has 3 to 63 lower-case letters, digits, dots and hyphens, and is no address.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
#[tokio::test]
async fn a_name_that_breaks_the_rules_is_refused() {
    let Some(aws) = controlled().await else { return };
    let client = client_of(&aws.vendor().config);
    for name in [
        "ab",
        "Upper-case",
        "under_score",
        "-hyphen",
        "hyphen-",
        "two..dots",
        "192.168.5.4",
        "xn--punycode",
        "sthree-name",
        "name-s3alias",
        "name--ol-s3",
    ] {
        let create = client.create_bucket().bucket(name);
        let create = create.create_bucket_configuration(in_region(aws.region()));
        assert_eq!(code(create.send().await), "InvalidBucketName", "{name}");
    }
}

/// A bucket that holds anything stays: an object, an old version or a marker.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html
#[tokio::test]
async fn a_bucket_that_holds_anything_stays() {
    on_bucket(async |_, bucket| {
        let delete = || bucket.client.delete_bucket().bucket(&bucket.name).send();
        bucket.set_versioning(BucketVersioningStatus::Enabled).await;
        let version = bucket.write("k", "x").await;
        assert_eq!(code(delete().await), "BucketNotEmpty");
        bucket.remove("k").await;
        assert_eq!(code(delete().await), "BucketNotEmpty");
        let old = bucket.client.delete_object().bucket(&bucket.name);
        old.key("k").version_id(version).send().await.expect("deleted");
        assert_eq!(code(delete().await), "BucketNotEmpty", "the marker is left");
    })
    .await;
}

/// What is not there cannot be asked about.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
#[tokio::test]
async fn a_missing_bucket_is_not_found() {
    let aws = aws().await;
    let (client, name) = (client_of(&aws.vendor().config), aws.name("absent"));
    assert_eq!(status(client.head_bucket().bucket(&name).send().await), 404);
    assert_eq!(
        code(client.list_objects_v2().bucket(&name).send().await),
        "NoSuchBucket"
    );
    assert_eq!(
        code(client.delete_bucket().bucket(&name).send().await),
        "NoSuchBucket"
    );
}

/// An account lists its own buckets, in pages and by prefix.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
#[tokio::test]
async fn an_account_lists_its_own_buckets() {
    let Some(aws) = controlled().await else { return };
    let mut names = Vec::new();
    for _ in 0..3 {
        names.push(Bucket::create(&aws).await.name);
    }
    names.sort();
    let client = client_of(&aws.vendor().config);
    let first = client.list_buckets().max_buckets(2).send().await.expect("listed");
    let token = first.continuation_token().expect("more follow");
    let second = client.list_buckets().continuation_token(token);
    let second = second.send().await.expect("listed");
    let seen = first.buckets().iter().chain(second.buckets());
    let seen: Vec<_> = seen.filter_map(|bucket| bucket.name()).collect();
    assert_eq!(seen, names);
    let one = client
        .list_buckets()
        .prefix(&names[1])
        .send()
        .await
        .expect("listed");
    assert_eq!(one.buckets().len(), 1);
    let none = client.list_buckets().bucket_region("ap-south-1").send().await;
    assert!(none.expect("listed").buckets().is_empty());
    let stranger = client_of(&aws.stranger().config);
    let theirs = stranger.list_buckets().send().await.expect("listed");
    assert!(theirs.buckets().is_empty());
}

/// A bucket without access lists is made private or not at all.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
#[tokio::test]
async fn a_bucket_is_not_made_public() {
    let aws = aws().await;
    let client = client_of(&aws.vendor().config);
    let create = client.create_bucket().bucket(aws.name("objects"));
    let create = create
        .create_bucket_configuration(in_region(aws.region()))
        .acl(BucketCannedAcl::PublicRead);
    assert_eq!(code(create.send().await), "InvalidBucketAclWithObjectOwnership");
}
