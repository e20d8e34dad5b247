//! S3 as its API reference describes it, driven by the real SDK client.

mod data_support;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, CompletedMultipartUpload, CompletedPart, Delete, MetadataDirective,
    ObjectIdentifier, StorageClass,
};
use data_support::{OWN, STRANGER, config, start, start_over};
use local_aws::{Fault, FaultRule, LocalAws};

const BUCKET: &str = "tenantry-export";

fn client(endpoint: &LocalAws, account: &str) -> Client {
    let config = aws_sdk_s3::config::Builder::from(&config(endpoint, account)).force_path_style(true);
    Client::from_conf(config.build())
}

async fn bucket(endpoint: &LocalAws) -> Client {
    let client = client(endpoint, OWN);
    client
        .create_bucket()
        .bucket(BUCKET)
        .send()
        .await
        .expect("created");
    client
}

fn put(client: &Client, key: &str, body: &str) -> PutObjectFluentBuilder {
    client
        .put_object()
        .bucket(BUCKET)
        .key(key)
        .body(ByteStream::from(body.as_bytes().to_vec()))
}

async fn get(client: &Client, key: &str) -> String {
    let object = client
        .get_object()
        .bucket(BUCKET)
        .key(key)
        .send()
        .await
        .expect("read");
    let bytes = object.body.collect().await.expect("whole").into_bytes();
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// The code a failed call answers. Answers to HEAD have no body, so the status must do there.
fn code<T, E: ProvideErrorMetadata + std::fmt::Debug>(
    outcome: Result<T, aws_sdk_s3::error::SdkError<E>>,
) -> (u16, String) {
    let error = outcome.err().expect("is refused");
    let status = error
        .raw_response()
        .map_or(0, |response| response.status().as_u16());
    (status, error.code().unwrap_or_default().to_owned())
}

/// API_PutObject and API_GetObject: what was written is read, with its metadata, tags, class and checksum.
#[tokio::test]
async fn an_object_comes_back_as_it_was_written() {
    let endpoint = start().await;
    let client = bucket(&endpoint).await;
    let written = put(&client, "a/b", "hello")
        .content_type("text/plain")
        .metadata("rows", "5")
        .tagging("kind=export")
        .storage_class(StorageClass::StandardIa)
        .checksum_algorithm(ChecksumAlgorithm::Sha256)
        .send()
        .await
        .expect("written");
    assert_eq!(written.e_tag(), Some("\"5d41402abc4b2a76b9719d911017c592\""));
    assert_eq!(
        written.checksum_sha256(),
        Some("LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=")
    );
    let head = client
        .head_object()
        .bucket(BUCKET)
        .key("a/b")
        .checksum_mode(ChecksumMode::Enabled);
    let head = head.send().await.expect("is there");
    assert_eq!(
        (head.content_length(), head.content_type()),
        (Some(5), Some("text/plain"))
    );
    assert_eq!(head.checksum_sha256(), written.checksum_sha256());
    assert_eq!(head.storage_class(), Some(&StorageClass::StandardIa));
    assert_eq!(
        head.metadata()
            .and_then(|metadata| metadata.get("rows"))
            .map(String::as_str),
        Some("5")
    );
    assert_eq!(get(&client, "a/b").await, "hello");
    let range = client
        .get_object()
        .bucket(BUCKET)
        .key("a/b")
        .range("bytes=1-3")
        .send()
        .await
        .expect("read");
    assert_eq!(range.content_range(), Some("bytes 1-3/5"));
    assert_eq!(
        range.body.collect().await.expect("whole").into_bytes(),
        "ell".as_bytes()
    );
    let tags = client
        .get_object_tagging()
        .bucket(BUCKET)
        .key("a/b")
        .send()
        .await
        .expect("read");
    assert_eq!(
        (tags.tag_set()[0].key(), tags.tag_set()[0].value()),
        ("kind", "export")
    );
}

/// User guide, "Conditional writes": If-None-Match `*` answers 412 when the key exists, If-Match when the ETag differs.
#[tokio::test]
async fn a_conditional_put_changes_nothing_when_its_condition_fails() {
    let endpoint = start().await;
    let client = bucket(&endpoint).await;
    let first = put(&client, "manifest", "one")
        .if_none_match("*")
        .send()
        .await
        .expect("written");
    let second = put(&client, "manifest", "two").if_none_match("*").send().await;
    assert_eq!(code(second), (412, "PreconditionFailed".to_owned()));
    let wrong = put(&client, "manifest", "two")
        .if_match("\"00000000000000000000000000000000\"")
        .send()
        .await;
    assert_eq!(code(wrong), (412, "PreconditionFailed".to_owned()));
    let absent = put(&client, "nothing", "two")
        .if_match(first.e_tag().expect("has one"))
        .send()
        .await;
    assert_eq!(code(absent), (404, "NoSuchKey".to_owned()));
    assert_eq!(get(&client, "manifest").await, "one");
    put(&client, "manifest", "two")
        .if_match(first.e_tag().expect("has one"))
        .send()
        .await
        .expect("written");
    assert_eq!(get(&client, "manifest").await, "two");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_conditional_writers_exactly_one_wins() {
    let endpoint = start().await;
    let client = bucket(&endpoint).await;
    let writers: Vec<_> = (0..16)
        .map(|writer| {
            let put = put(&client, "leader", &writer.to_string()).if_none_match("*");
            tokio::spawn(async move { put.send().await.is_ok() })
        })
        .collect();
    let mut winners = 0;
    for writer in writers {
        winners += u32::from(writer.await.expect("no writer panics"));
    }
    assert_eq!(winners, 1);
}

/// API_PutObject: a claimed checksum that does not match is refused with BadDigest, and nothing is stored.
#[tokio::test]
async fn a_wrong_checksum_is_refused() {
    let endpoint = start().await;
    let client = bucket(&endpoint).await;
    let of_other = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    let refused = put(&client, "k", "tampered")
        .checksum_sha256(of_other)
        .send()
        .await;
    assert_eq!(code(refused), (400, "BadDigest".to_owned()));
    let refused = put(&client, "k", "tampered")
        .content_md5("XUFAKrxLKna5cZ2REBfFkg==")
        .send()
        .await;
    assert_eq!(code(refused), (400, "BadDigest".to_owned()));
    let head = client.head_object().bucket(BUCKET).key("k").send().await;
    assert_eq!(code(head).0, 404);
}

/// User guide, "Bucket owner condition"; "Access policy language": another account gets in by the bucket's policy only.
#[tokio::test]
async fn another_account_is_refused_until_the_bucket_policy_lets_it_in() {
    let endpoint = start().await;
    let client = bucket(&endpoint).await;
    put(&client, "shared/a", "for both")
        .send()
        .await
        .expect("written");
    put(&client, "own/a", "for one").send().await.expect("written");
    let stranger = self::client(&endpoint, STRANGER);
    let read = |key: &str| stranger.get_object().bucket(BUCKET).key(key).send();
    assert_eq!(code(read("shared/a").await), (403, "AccessDenied".to_owned()));
    assert_eq!(code(read("missing").await), (403, "AccessDenied".to_owned()));
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
        "Principal":{"AWS":"arn:aws:iam::222222222222:root"},"Action":"s3:GetObject",
        "Resource":"arn:aws:s3:::tenantry-export/shared/*"}]}"#;
    client
        .put_bucket_policy()
        .bucket(BUCKET)
        .policy(policy)
        .send()
        .await
        .expect("set");
    assert_eq!(get(&stranger, "shared/a").await, "for both");
    assert_eq!(code(read("own/a").await), (403, "AccessDenied".to_owned()));
    assert_eq!(
        code(put(&stranger, "shared/b", "x").send().await),
        (403, "AccessDenied".to_owned())
    );
    let wrong_owner = put(&client, "k", "x")
        .expected_bucket_owner(STRANGER)
        .send()
        .await;
    assert_eq!(code(wrong_owner), (403, "AccessDenied".to_owned()));
    let kept = client
        .get_bucket_policy()
        .bucket(BUCKET)
        .send()
        .await
        .expect("read");
    assert_eq!(kept.policy(), Some(policy));
}

/// API_CreateBucket: names are global.
#[tokio::test]
async fn a_bucket_name_is_taken_for_all_accounts() {
    let endpoint = start().await;
    let client = bucket(&endpoint).await;
    let again = client.create_bucket().bucket(BUCKET).send().await;
    assert_eq!(code(again), (409, "BucketAlreadyOwnedByYou".to_owned()));
    let stranger = self::client(&endpoint, STRANGER);
    let taken = stranger.create_bucket().bucket(BUCKET).send().await;
    assert_eq!(code(taken), (409, "BucketAlreadyExists".to_owned()));
    assert!(
        stranger
            .list_buckets()
            .send()
            .await
            .expect("listed")
            .buckets()
            .is_empty()
    );
    assert_eq!(
        client
            .list_buckets()
            .send()
            .await
            .expect("listed")
            .buckets()
            .len(),
        1
    );
}

/// API_ListObjectsV2: order, prefix, delimiter, max-keys and the continuation token.
#[tokio::test]
async fn keys_are_listed_in_pages_and_groups() {
    let endpoint = start().await;
    let client = bucket(&endpoint).await;
    for key in ["a/1", "a/2", "b", "c/1", "c/2", "d"] {
        put(&client, key, "x").send().await.expect("written");
    }
    let (mut seen, mut token) = (Vec::new(), None);
    loop {
        let page = client
            .list_objects_v2()
            .bucket(BUCKET)
            .delimiter("/")
            .max_keys(1)
            .set_continuation_token(token);
        let page = page.send().await.expect("listed");
        assert!(page.contents().len() + page.common_prefixes().len() <= 1);
        seen.extend(
            page.contents()
                .iter()
                .filter_map(|object| object.key())
                .map(str::to_owned),
        );
        seen.extend(
            page.common_prefixes()
                .iter()
                .filter_map(|group| group.prefix())
                .map(str::to_owned),
        );
        token = page.next_continuation_token().map(str::to_owned);
        if page.is_truncated() != Some(true) {
            break;
        }
    }
    assert_eq!(seen, ["a/", "b", "c/", "d"]);
    let under = client
        .list_objects_v2()
        .bucket(BUCKET)
        .prefix("c/")
        .send()
        .await
        .expect("listed");
    let keys: Vec<_> = under
        .contents()
        .iter()
        .filter_map(|object| object.key())
        .collect();
    assert_eq!(keys, ["c/1", "c/2"]);
}

/// API_CompleteMultipartUpload: the ETag is of the parts' MD5s, the checksum of the parts' checksums; If-None-Match.
#[tokio::test]
async fn a_multipart_object_appears_whole_when_it_is_completed() {
    let endpoint = start().await;
    let client = bucket(&endpoint).await;
    let (first, last) = (vec![1_u8; 5 << 20], vec![2_u8; 1000]);
    let upload = multipart(&client, "big", &[&first, &last]).await;
    let head = client.head_object().bucket(BUCKET).key("big").send().await;
    assert_eq!(code(head).0, 404, "not before it is completed");
    let completed = upload
        .complete(&client)
        .if_none_match("*")
        .send()
        .await
        .expect("completed");
    assert!(completed.e_tag().is_some_and(|etag| etag.ends_with("-2\"")));
    assert!(completed.checksum_sha256().is_some_and(|sum| sum.ends_with("-2")));
    let object = client
        .get_object()
        .bucket(BUCKET)
        .key("big")
        .send()
        .await
        .expect("read");
    assert_eq!(
        object.body.collect().await.expect("whole").into_bytes(),
        [first.as_slice(), &last].concat()
    );
    assert_eq!(
        code(upload.complete(&client).send().await),
        (404, "NoSuchUpload".to_owned())
    );

    let second = multipart(&client, "big", &[&last]).await;
    let refused = second.complete(&client).if_none_match("*").send().await;
    assert_eq!(code(refused), (412, "PreconditionFailed".to_owned()));
    let abort = client
        .abort_multipart_upload()
        .bucket(BUCKET)
        .key("big")
        .upload_id(&second.id);
    abort.send().await.expect("aborted");
    let open = client
        .list_multipart_uploads()
        .bucket(BUCKET)
        .send()
        .await
        .expect("listed");
    assert!(open.uploads().is_empty());
}

struct Multipart {
    key: String,
    id: String,
    parts: CompletedMultipartUpload,
}

impl Multipart {
    fn complete(
        &self,
        client: &Client,
    ) -> aws_sdk_s3::operation::complete_multipart_upload::builders::CompleteMultipartUploadFluentBuilder
    {
        let complete = client
            .complete_multipart_upload()
            .bucket(BUCKET)
            .key(&self.key)
            .upload_id(&self.id);
        complete.multipart_upload(self.parts.clone())
    }
}

async fn multipart(client: &Client, key: &str, parts: &[&[u8]]) -> Multipart {
    let created = client.create_multipart_upload().bucket(BUCKET).key(key);
    let created = created
        .checksum_algorithm(ChecksumAlgorithm::Sha256)
        .send()
        .await
        .expect("created");
    let id = created.upload_id().expect("has an id").to_owned();
    let mut named = CompletedMultipartUpload::builder();
    for (number, part) in (1..).zip(parts) {
        let sent = client
            .upload_part()
            .bucket(BUCKET)
            .key(key)
            .upload_id(&id)
            .part_number(number);
        let sent = sent
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .body(ByteStream::from(part.to_vec()));
        let sent = sent.send().await.expect("sent");
        let part = CompletedPart::builder()
            .part_number(number)
            .set_e_tag(sent.e_tag)
            .set_checksum_sha256(sent.checksum_sha256);
        named = named.parts(part.build());
    }
    Multipart {
        key: key.to_owned(),
        id,
        parts: named.build(),
    }
}

/// User guide, "Multipart upload limits": parts of 5 MiB at least, except the last.
#[tokio::test]
async fn parts_are_checked_when_an_upload_is_completed() {
    let endpoint = start().await;
    let client = bucket(&endpoint).await;
    let small = multipart(&client, "k", &[b"too", b"small"]).await;
    assert_eq!(
        code(small.complete(&client).send().await),
        (400, "EntityTooSmall".to_owned())
    );
    let wrong = CompletedPart::builder()
        .part_number(1)
        .e_tag("\"00000000000000000000000000000000\"")
        .build();
    let complete = client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key("k")
        .upload_id(&small.id);
    let complete = complete.multipart_upload(CompletedMultipartUpload::builder().parts(wrong).build());
    assert_eq!(code(complete.send().await), (400, "InvalidPart".to_owned()));
}

/// API_CopyObject and API_DeleteObjects.
#[tokio::test]
async fn objects_are_copied_and_deleted() {
    let endpoint = start().await;
    let client = bucket(&endpoint).await;
    put(&client, "from", "content")
        .metadata("a", "1")
        .send()
        .await
        .expect("written");
    let copy = client
        .copy_object()
        .bucket(BUCKET)
        .key("to")
        .copy_source(format!("{BUCKET}/from"));
    copy.metadata_directive(MetadataDirective::Copy)
        .send()
        .await
        .expect("copied");
    assert_eq!(get(&client, "to").await, "content");
    let keys = ["from", "to", "never-was"]
        .map(|key| ObjectIdentifier::builder().key(key).build().expect("complete"));
    let delete = Delete::builder()
        .set_objects(Some(keys.to_vec()))
        .build()
        .expect("complete");
    let deleted = client
        .delete_objects()
        .bucket(BUCKET)
        .delete(delete)
        .send()
        .await
        .expect("deleted");
    assert_eq!((deleted.deleted().len(), deleted.errors().len()), (3, 0));
    client
        .delete_bucket()
        .bucket(BUCKET)
        .send()
        .await
        .expect("an empty bucket goes");
}

#[tokio::test]
async fn objects_uploads_and_policies_are_there_after_an_abrupt_stop() {
    let directory = tempfile::tempdir().expect("a directory");
    let endpoint = start_over(directory.path()).await;
    let s3 = bucket(&endpoint).await;
    put(&s3, "k", "old").send().await.expect("written");
    put(&s3, "k", "new").send().await.expect("written");
    let upload = multipart(&s3, "big", &[b"part"]).await;
    // As after kill -9: nothing is stopped or flushed.
    drop(endpoint);
    let torn = directory
        .path()
        .join("s3")
        .join(BUCKET)
        .join("objects")
        .join("torn.obj");
    std::fs::write(&torn, b"half an object").expect("written");

    let endpoint = start_over(directory.path()).await;
    let s3 = client(&endpoint, OWN);
    assert_eq!(get(&s3, "k").await, "new");
    assert!(!torn.exists());
    upload.complete(&s3).send().await.expect("completed");
    assert_eq!(get(&s3, "big").await, "part");
}

/// Not built: a caller must not believe that a version or an archive class was honoured.
#[tokio::test]
async fn what_is_not_built_says_so() {
    let endpoint = start().await;
    let client = bucket(&endpoint).await;
    let archived = put(&client, "k", "x")
        .storage_class(StorageClass::Glacier)
        .send()
        .await;
    assert_eq!(code(archived), (501, "NotImplemented".to_owned()));
    let versions = client.list_object_versions().bucket(BUCKET).send().await;
    assert_eq!(code(versions), (501, "NotImplemented".to_owned()));
}

#[tokio::test]
async fn faults_and_wrong_keys_are_answered_in_the_words_of_s3() {
    let endpoint = start().await;
    let client = bucket(&endpoint).await;
    endpoint
        .control()
        .add_fault(FaultRule::on("PutObject", Fault::Throttle).times(1));
    assert_eq!(
        code(put(&client, "k", "x").send().await),
        (503, "SlowDown".to_owned())
    );
    let lost = Fault::EffectWithoutReply { hang_ms: 0 };
    endpoint
        .control()
        .add_fault(FaultRule::on("PutObject", lost).times(1));
    put(&client, "k", "written all the same")
        .send()
        .await
        .expect_err("no answer");
    assert_eq!(get(&client, "k").await, "written all the same");
    let unknown = data_support::config_for(
        &endpoint,
        aws_credential_types::Credentials::from_keys("AKIAUNKNOWN", "x", None),
    );
    let unknown = aws_sdk_s3::config::Builder::from(&unknown)
        .force_path_style(true)
        .build();
    let refused = Client::from_conf(unknown).list_buckets().send().await;
    assert_eq!(code(refused), (403, "InvalidAccessKeyId".to_owned()));
}
