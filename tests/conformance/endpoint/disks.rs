//! Disks that fill while records and objects are written: what was acknowledged stays, of the rest nothing does.

use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::ShardIteratorType;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLocationConstraint, CompletedMultipartUpload, CompletedPart, CreateBucketConfiguration,
};
use conformance::local_aws::{Fault, FaultRule};
use conformance::{Aws, controlled_with, status};

use crate::over;

fn full_disk(service: &str) -> FaultRule {
    FaultRule {
        operation: None,
        service: Some(service.to_owned()),
        ..FaultRule::on("", Fault::DiskFull)
    }
}

async fn put(aws: &Aws, text: &str) -> Result<(), u16> {
    let kinesis = aws_sdk_kinesis::Client::new(&aws.vendor().config);
    let data = Blob::new(text);
    let put = kinesis
        .put_record()
        .stream_name("s")
        .partition_key("k")
        .data(data)
        .send()
        .await;
    match put {
        Ok(_) => Ok(()),
        refused => Err(status(refused)),
    }
}

async fn records(aws: &Aws) -> Vec<String> {
    let kinesis = aws_sdk_kinesis::Client::new(&aws.vendor().config);
    let from = kinesis
        .get_shard_iterator()
        .stream_name("s")
        .shard_id("shardId-000000000000")
        .shard_iterator_type(ShardIteratorType::TrimHorizon);
    let from = from.send().await.expect("an iterator").shard_iterator;
    let read = kinesis
        .get_records()
        .set_shard_iterator(from)
        .send()
        .await
        .expect("records");
    let texts = read
        .records
        .iter()
        .map(|record| String::from_utf8_lossy(record.data.as_ref()).into_owned());
    texts.collect()
}

#[tokio::test]
async fn a_stream_loses_nothing_on_a_full_disk_and_goes_on() {
    let directory = tempfile::tempdir().expect("a directory");
    let Some(aws) = controlled_with(over(directory.path())).await else {
        return;
    };
    let kinesis = aws_sdk_kinesis::Client::new(&aws.vendor().config);
    kinesis
        .create_stream()
        .stream_name("s")
        .shard_count(1)
        .send()
        .await
        .expect("a stream");
    put(&aws, "one").await.expect("put");
    aws.control().add_fault(full_disk("kinesis"));
    assert_eq!(put(&aws, "lost").await, Err(500));
    let another = kinesis
        .create_stream()
        .stream_name("t")
        .shard_count(1)
        .send()
        .await;
    assert_eq!(status(another), 500);
    assert_eq!(records(&aws).await, ["one"]);
    aws.control().clear_faults();
    put(&aws, "two").await.expect("there is room again");
    drop(aws);

    let aws = controlled_with(over(directory.path()))
        .await
        .expect("started again");
    assert_eq!(records(&aws).await, ["one", "two"]);
}

async fn object(aws: &Aws, key: &str) -> Option<String> {
    let s3 = aws_sdk_s3::Client::new(&aws.vendor().config);
    let got = s3.get_object().bucket("full").key(key).send().await.ok()?;
    let bytes = got.body.collect().await.expect("a whole body").into_bytes();
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[tokio::test]
async fn a_bucket_loses_nothing_on_a_full_disk_and_goes_on() {
    let directory = tempfile::tempdir().expect("a directory");
    let Some(aws) = controlled_with(over(directory.path())).await else {
        return;
    };
    let s3 = aws_sdk_s3::Client::new(&aws.vendor().config);
    let here = CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::EuCentral1);
    let made = s3
        .create_bucket()
        .bucket("full")
        .create_bucket_configuration(here.build());
    made.send().await.expect("a bucket");
    let write = |key: &str, text: &'static str| {
        let put = s3.put_object().bucket("full").key(key);
        put.body(ByteStream::from_static(text.as_bytes())).send()
    };
    write("kept", "before").await.expect("put");
    let upload = s3
        .create_multipart_upload()
        .bucket("full")
        .key("parts")
        .send()
        .await
        .expect("an upload");
    let id = upload.upload_id.expect("an id");
    let part = |text: &'static str| {
        let part = s3
            .upload_part()
            .bucket("full")
            .key("parts")
            .upload_id(&id)
            .part_number(1);
        part.body(ByteStream::from_static(text.as_bytes())).send()
    };
    aws.control().add_fault(full_disk("s3"));
    assert_eq!(status(write("kept", "after").await), 500);
    assert_eq!(status(write("new", "after").await), 500);
    assert_eq!(status(part("x").await), 500);
    assert_eq!(object(&aws, "kept").await.as_deref(), Some("before"));
    assert_eq!(object(&aws, "new").await, None);
    aws.control().clear_faults();

    let tag = part("x").await.expect("there is room again").e_tag;
    let parts = CompletedPart::builder().part_number(1).set_e_tag(tag).build();
    let whole = CompletedMultipartUpload::builder().parts(parts).build();
    let complete = || {
        let complete = s3
            .complete_multipart_upload()
            .bucket("full")
            .key("parts")
            .upload_id(&id);
        complete.multipart_upload(whole.clone()).send()
    };
    aws.control().add_fault(full_disk("s3"));
    assert_eq!(status(complete().await), 500);
    assert_eq!(object(&aws, "parts").await, None);
    aws.control().clear_faults();
    complete().await.expect("the upload is still there");
    write("new", "after").await.expect("put");
    drop(aws);

    let aws = controlled_with(over(directory.path()))
        .await
        .expect("started again");
    assert_eq!(object(&aws, "kept").await.as_deref(), Some("before"));
    assert_eq!(object(&aws, "new").await.as_deref(), Some("after"));
    assert_eq!(object(&aws, "parts").await.as_deref(), Some("x"));
    let left = std::fs::read_dir(directory.path().join("s3"))
        .expect("buckets")
        .count();
    assert_eq!(left, 1, "no half object lies about");
}
