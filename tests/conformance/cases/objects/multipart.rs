//! Multipart uploads: parts are nothing until they are one object.

use aws_sdk_s3::operation::complete_multipart_upload::builders::CompleteMultipartUploadFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketVersioningStatus, ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart, StorageClass,
};
use conformance::{code, status};

use crate::support::{Bucket, on_bucket};

const MIN_PART: usize = 5 << 20;

/// An upload under way, with the parts that were sent.
struct Upload<'a> {
    bucket: &'a Bucket,
    key: String,
    id: String,
    parts: Vec<CompletedPart>,
}

impl<'a> Upload<'a> {
    async fn begin(bucket: &'a Bucket, key: &str) -> Self {
        let create = bucket
            .client
            .create_multipart_upload()
            .bucket(&bucket.name)
            .key(key);
        let create = create
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .storage_class(StorageClass::StandardIa)
            .tagging("kind=export")
            .metadata("rows", "5");
        let created = create.send().await.expect("created");
        Self {
            bucket,
            key: key.to_owned(),
            id: created.upload_id().expect("has an id").to_owned(),
            parts: Vec::new(),
        }
    }

    async fn send(&mut self, number: i32, part: &[u8]) {
        let send = self
            .bucket
            .client
            .upload_part()
            .bucket(&self.bucket.name)
            .key(&self.key);
        let send = send
            .upload_id(&self.id)
            .part_number(number)
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .body(ByteStream::from(part.to_vec()));
        let sent = send.send().await.expect("sent");
        let part = CompletedPart::builder()
            .part_number(number)
            .set_e_tag(sent.e_tag)
            .set_checksum_sha256(sent.checksum_sha256);
        self.parts.push(part.build());
    }

    fn complete(&self) -> CompleteMultipartUploadFluentBuilder {
        self.complete_with(self.parts.clone())
    }

    fn complete_with(&self, parts: Vec<CompletedPart>) -> CompleteMultipartUploadFluentBuilder {
        let named = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let complete = self.bucket.client.complete_multipart_upload();
        complete
            .bucket(&self.bucket.name)
            .key(&self.key)
            .upload_id(&self.id)
            .multipart_upload(named)
    }

    async fn abort(&self) {
        let abort = self.bucket.client.abort_multipart_upload();
        let abort = abort.bucket(&self.bucket.name).key(&self.key).upload_id(&self.id);
        abort.send().await.expect("aborted");
    }
}

/// The object appears when the upload is completed, with the headers the upload began with.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
#[tokio::test]
async fn an_object_appears_whole_when_its_upload_is_completed() {
    on_bucket(async |_, bucket| {
        let (first, last) = (vec![1_u8; MIN_PART], vec![2_u8; 1_000]);
        let mut upload = Upload::begin(bucket, "big").await;
        upload.send(1, &first).await;
        upload.send(2, &last).await;
        let head = bucket.client.head_object().bucket(&bucket.name).key("big");
        assert_eq!(status(head.send().await), 404, "not before it is completed");
        let completed = upload
            .complete()
            .if_none_match("*")
            .send()
            .await
            .expect("completed");
        assert!(completed.e_tag().is_some_and(|etag| etag.ends_with("-2\"")));
        assert!(completed.checksum_sha256().is_some_and(|sum| sum.ends_with("-2")));
        let get = bucket.client.get_object().bucket(&bucket.name).key("big");
        let object = get.send().await.expect("read");
        assert_eq!(object.tag_count(), Some(1));
        let bytes = object.body.collect().await.expect("whole").into_bytes();
        assert_eq!(bytes, [first.as_slice(), &last].concat());
        let head = bucket.head("big").await;
        assert_eq!(head.storage_class(), Some(&StorageClass::StandardIa));
        assert!(head.metadata().is_some_and(|all| all.contains_key("rows")));
    })
    .await;
}

/// A completed upload is no more.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
#[tokio::test]
async fn an_upload_that_ended_is_not_there() {
    on_bucket(async |_, bucket| {
        let mut upload = Upload::begin(bucket, "k").await;
        upload.send(1, b"x").await;
        upload.abort().await;
        assert_eq!(code(upload.complete().send().await), "NoSuchUpload");
        let list = bucket.client.list_parts().bucket(&bucket.name).key("k");
        assert_eq!(code(list.upload_id(&upload.id).send().await), "NoSuchUpload");
    })
    .await;
}

/// Completing holds to the conditions of a put, and a refused one leaves the upload.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
#[tokio::test]
async fn completing_is_a_conditional_write() {
    on_bucket(async |_, bucket| {
        bucket.write("k", "first").await;
        let mut upload = Upload::begin(bucket, "k").await;
        upload.send(1, b"second").await;
        let refused = upload.complete().if_none_match("*").send().await;
        assert_eq!(code(refused), "PreconditionFailed");
        assert_eq!(bucket.read("k").await, "first");
        upload.complete().send().await.expect("completed");
        assert_eq!(bucket.read("k").await, "second");
    })
    .await;
}

/// Every part but the last has five mebibytes.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
#[tokio::test]
async fn a_small_part_can_only_be_the_last() {
    on_bucket(async |_, bucket| {
        let mut upload = Upload::begin(bucket, "k").await;
        upload.send(1, b"too").await;
        upload.send(2, b"small").await;
        assert_eq!(code(upload.complete().send().await), "EntityTooSmall");
        upload.abort().await;
    })
    .await;
}

/// The parts that are named must be there, be the ones that were sent, and come in order.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
#[tokio::test]
async fn the_parts_that_are_named_are_checked() {
    on_bucket(async |_, bucket| {
        let mut upload = Upload::begin(bucket, "k").await;
        upload.send(1, b"x").await;
        let named = |number, etag: &str| CompletedPart::builder().part_number(number).e_tag(etag).build();
        let other = named(1, "\"00000000000000000000000000000000\"");
        assert_eq!(
            code(upload.complete_with(vec![other]).send().await),
            "InvalidPart"
        );
        let absent = named(2, "\"00000000000000000000000000000000\"");
        assert_eq!(
            code(upload.complete_with(vec![absent]).send().await),
            "InvalidPart"
        );
        let twice = vec![upload.parts[0].clone(), upload.parts[0].clone()];
        assert_eq!(code(upload.complete_with(twice).send().await), "InvalidPartOrder");
        assert_eq!(
            code(upload.complete_with(Vec::new()).send().await),
            "MalformedXML"
        );
        upload.abort().await;
    })
    .await;
}

/// A part sent again takes the earlier one's place.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html
#[tokio::test]
async fn a_part_can_be_sent_again() {
    on_bucket(async |_, bucket| {
        let mut upload = Upload::begin(bucket, "k").await;
        upload.send(1, b"first").await;
        upload.send(1, b"again").await;
        let stale = vec![upload.parts[0].clone()];
        assert_eq!(code(upload.complete_with(stale).send().await), "InvalidPart");
        let current = vec![upload.parts[1].clone()];
        upload.complete_with(current).send().await.expect("completed");
        assert_eq!(bucket.read("k").await, "again");
    })
    .await;
}

/// Parts are numbered from 1 to 10,000.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
#[tokio::test]
async fn a_part_has_a_number_from_one_to_ten_thousand() {
    on_bucket(async |_, bucket| {
        let upload = Upload::begin(bucket, "k").await;
        for number in [0, 10_001] {
            let send = bucket.client.upload_part().bucket(&bucket.name).key("k");
            let send = send.upload_id(&upload.id).part_number(number);
            assert_eq!(
                code(send.body(ByteStream::from_static(b"x")).send().await),
                "InvalidArgument"
            );
        }
        upload.abort().await;
    })
    .await;
}

/// Parts and uploads are listed in pages.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html
#[tokio::test]
async fn parts_and_uploads_are_listed() {
    on_bucket(async |_, bucket| {
        let mut one = Upload::begin(bucket, "one").await;
        let two = Upload::begin(bucket, "two").await;
        for number in 1..=3 {
            one.send(number, b"x").await;
        }
        let list = || {
            let list = bucket.client.list_parts().bucket(&bucket.name).key("one");
            list.upload_id(&one.id)
        };
        let first = list().max_parts(2).send().await.expect("listed");
        assert_eq!((first.parts().len(), first.is_truncated()), (2, Some(true)));
        let marker = first.next_part_number_marker().expect("more follow");
        let rest = list().part_number_marker(marker).send().await.expect("listed");
        assert_eq!(rest.parts()[0].part_number(), Some(3));
        assert_eq!(code(list().max_parts(-1).send().await), "InvalidArgument");
        let uploads = bucket.client.list_multipart_uploads().bucket(&bucket.name);
        let uploads = uploads.prefix("t").send().await.expect("listed");
        assert_eq!(uploads.uploads().len(), 1);
        assert_eq!(uploads.uploads()[0].upload_id(), Some(two.id.as_str()));
        one.abort().await;
        two.abort().await;
    })
    .await;
}

/// A part of a finished object can be read by its number.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
#[tokio::test]
async fn a_part_is_read_by_its_number() {
    on_bucket(async |_, bucket| {
        let mut upload = Upload::begin(bucket, "k").await;
        upload.send(1, &vec![1_u8; MIN_PART]).await;
        upload.send(5, b"last").await;
        upload.complete().send().await.expect("completed");
        let get = bucket.client.get_object().bucket(&bucket.name).key("k");
        let part = get.part_number(2).send().await.expect("read");
        assert_eq!(part.parts_count(), Some(2));
        assert_eq!(part.content_length(), Some(4));
        let head = bucket.client.head_object().bucket(&bucket.name).key("k");
        let head = head.part_number(1).send().await.expect("there");
        assert_eq!(head.content_length(), i64::try_from(MIN_PART).ok());
        assert_eq!(head.parts_count(), Some(2));
    })
    .await;
}

/// In a bucket with versions a completed upload is a version.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
#[tokio::test]
async fn a_completed_upload_is_a_version() {
    on_bucket(async |_, bucket| {
        bucket.set_versioning(BucketVersioningStatus::Enabled).await;
        let old = bucket.write("k", "old").await;
        let mut upload = Upload::begin(bucket, "k").await;
        upload.send(1, b"new").await;
        let completed = upload.complete().send().await.expect("completed");
        let new = completed.version_id().expect("has one");
        assert_eq!(bucket.read_version("k", new).await, "new");
        assert_eq!(bucket.read_version("k", &old).await, "old");
    })
    .await;
}

/// A part can be copied out of another object.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html
#[tokio::test]
async fn a_part_can_be_copied() {
    on_bucket(async |_, bucket| {
        bucket.write("from", "0123456789").await;
        let mut upload = Upload::begin(bucket, "to").await;
        let copy = |range: &str| {
            let copy = bucket.client.upload_part_copy().bucket(&bucket.name).key("to");
            copy.upload_id(&upload.id)
                .part_number(1)
                .copy_source(format!("{}/from", bucket.name))
                .copy_source_range(range)
                .send()
        };
        assert_eq!(code(copy("bytes=5-10").await), "InvalidRange");
        assert_eq!(code(copy("5-9").await), "InvalidArgument");
        let copied = copy("bytes=2-4").await.expect("copied");
        let result = copied.copy_part_result.expect("a result");
        let part = CompletedPart::builder().part_number(1).set_e_tag(result.e_tag);
        upload
            .parts
            .push(part.set_checksum_sha256(result.checksum_sha256).build());
        upload.complete().send().await.expect("completed");
        assert_eq!(bucket.read("to").await, "234");
    })
    .await;
}

/// A size that the caller expects is compared.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
#[tokio::test]
async fn an_expected_size_is_compared() {
    on_bucket(async |_, bucket| {
        let mut upload = Upload::begin(bucket, "k").await;
        upload.send(1, b"four").await;
        let wrong = upload.complete().mpu_object_size(5).send().await;
        assert_eq!(code(wrong), "InvalidRequest");
        let right = upload.complete().mpu_object_size(4).send().await;
        right.expect("completed");
    })
    .await;
}
