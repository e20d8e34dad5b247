//! What was acknowledged is there after an abrupt stop, with its versions, states and settings.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketVersioningStatus, CompletedMultipartUpload, CompletedPart, ObjectLockConfiguration,
    ObjectLockEnabled, ObjectLockLegalHold, ObjectLockLegalHoldStatus,
};
use conformance::{Aws, code, controlled_with};
use local_aws::Options;

use crate::support::{Bucket, client_of, tagging};

async fn start(directory: &tempfile::TempDir) -> Option<Aws> {
    controlled_with(Options {
        data_dir: Some(directory.path().to_owned()),
        ..Options::default()
    })
    .await
}

/// Starts again over what an endpoint left that was never stopped, as after kill -9.
async fn killed(aws: Aws, directory: &tempfile::TempDir, bucket: &Bucket) -> (Aws, Bucket) {
    aws.kill();
    let aws = start(directory).await.expect("it started before");
    let bucket = Bucket {
        client: client_of(&aws.vendor().config),
        name: bucket.name.clone(),
    };
    (aws, bucket)
}

/// Objects and uploads survive, and half a file is swept.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/DataDurability.html
#[tokio::test]
async fn objects_and_uploads_survive() {
    let directory = tempfile::tempdir().expect("a directory");
    let Some(aws) = start(&directory).await else {
        return;
    };
    let bucket = Bucket::create(&aws).await;
    bucket.write("k", "old").await;
    bucket.write("k", "new").await;
    let create = bucket
        .client
        .create_multipart_upload()
        .bucket(&bucket.name)
        .key("big");
    let upload = create.send().await.expect("created").upload_id.expect("an id");
    let send = bucket.client.upload_part().bucket(&bucket.name).key("big");
    let send = send.upload_id(&upload).part_number(1);
    let part = send
        .body(ByteStream::from_static(b"part"))
        .send()
        .await
        .expect("sent");
    let torn = directory
        .path()
        .join("s3")
        .join(&bucket.name)
        .join("objects/torn.obj");
    std::fs::write(&torn, b"half an object").expect("written");

    let (_aws, bucket) = killed(aws, &directory, &bucket).await;
    assert_eq!(bucket.read("k").await, "new");
    assert!(!torn.exists());
    let part = CompletedPart::builder()
        .part_number(1)
        .set_e_tag(part.e_tag)
        .build();
    let parts = CompletedMultipartUpload::builder().parts(part).build();
    let complete = bucket
        .client
        .complete_multipart_upload()
        .bucket(&bucket.name)
        .key("big");
    let complete = complete.upload_id(upload).multipart_upload(parts);
    complete.send().await.expect("completed");
    assert_eq!(bucket.read("big").await, "part");
}

/// Versions keep their order, markers stay, and what was deleted does not come back.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html
#[tokio::test]
async fn versions_survive_in_their_order() {
    let directory = tempfile::tempdir().expect("a directory");
    let Some(aws) = start(&directory).await else {
        return;
    };
    let bucket = Bucket::create(&aws).await;
    bucket.write("k", "null").await;
    bucket.set_versioning(BucketVersioningStatus::Enabled).await;
    for body in ["one", "two", "three"] {
        bucket.write("k", body).await;
    }
    bucket.remove("k").await;
    let before = bucket.versions().await;
    let doomed = before.versions()[1].version_id().expect("an id").to_owned();
    let delete = bucket.client.delete_object().bucket(&bucket.name).key("k");
    delete.version_id(&doomed).send().await.expect("deleted");
    let expected = bucket.versions().await;

    let (_aws, bucket) = killed(aws, &directory, &bucket).await;
    let after = bucket.versions().await;
    assert_eq!(after.versions(), expected.versions());
    assert_eq!(after.delete_markers(), expected.delete_markers());
    assert_eq!(after.versions().len(), 3);
    assert!(!bucket.has("k").await);
}

/// What changed about a version and about its bucket stays changed.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
#[tokio::test]
async fn tags_and_locks_survive() {
    let directory = tempfile::tempdir().expect("a directory");
    let Some(aws) = start(&directory).await else {
        return;
    };
    let bucket = Bucket::create_with(&aws, |create| create.object_lock_enabled_for_bucket(true)).await;
    let version = bucket.write("k", "x").await;
    let put = bucket.client.put_object_tagging().bucket(&bucket.name).key("k");
    put.tagging(tagging(&[("a", "b")])).send().await.expect("tagged");
    let hold = ObjectLockLegalHold::builder()
        .status(ObjectLockLegalHoldStatus::On)
        .build();
    let put = bucket
        .client
        .put_object_legal_hold()
        .bucket(&bucket.name)
        .key("k");
    put.legal_hold(hold).send().await.expect("held");

    let (_aws, bucket) = killed(aws, &directory, &bucket).await;
    let get = bucket.client.get_object_tagging().bucket(&bucket.name).key("k");
    assert_eq!(get.send().await.expect("read").tag_set()[0].value(), "b");
    let delete = bucket.client.delete_object().bucket(&bucket.name).key("k");
    assert_eq!(code(delete.version_id(version).send().await), "AccessDenied");
    let lock = bucket.client.get_object_lock_configuration().bucket(&bucket.name);
    let kept: ObjectLockConfiguration = lock
        .send()
        .await
        .expect("read")
        .object_lock_configuration
        .expect("one");
    assert_eq!(kept.object_lock_enabled(), Some(&ObjectLockEnabled::Enabled));
}
