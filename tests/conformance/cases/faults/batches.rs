//! Batches of which a part fails.

use std::collections::BTreeSet;

use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, Delete, ObjectIdentifier};
use conformance::local_aws::{Fault, FaultRule};
use conformance::{Account, controlled};

/// Puts sixty records three times and says which fail.
async fn failing(account: &Account) -> Vec<BTreeSet<usize>> {
    let kinesis = aws_sdk_kinesis::Client::new(&account.config);
    let made = kinesis
        .create_stream()
        .stream_name("s")
        .shard_count(1)
        .send()
        .await;
    made.expect("a stream");
    let mut failed = Vec::new();
    for _ in 0..3 {
        let records = (0..60).map(|number| {
            let entry = PutRecordsRequestEntry::builder().partition_key(number.to_string());
            entry.data(Blob::new("x")).build().expect("an entry")
        });
        let put = kinesis
            .put_records()
            .stream_name("s")
            .set_records(Some(records.collect()));
        let put = put.send().await.expect("an answer");
        let hit = put
            .records()
            .iter()
            .enumerate()
            .filter(|(_, record)| record.error_code().is_some());
        failed.push(hit.map(|(index, _)| index).collect());
    }
    failed
}

/// Which records fail depends on the stream and on how often it was called, not on what others do meanwhile; a
/// record that is sent again has another chance.
/// https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
#[tokio::test]
async fn what_fails_does_not_depend_on_other_accounts() {
    let mut runs = Vec::new();
    for with_others in [false, true] {
        let Some(aws) = controlled().await else { return };
        let partial = Fault::Partial { per_million: 300_000 };
        assert!(aws.control().add_fault(FaultRule::on("PutRecords", partial)));
        if with_others {
            failing(aws.customer()).await;
        }
        runs.push(failing(aws.vendor()).await);
    }
    assert_eq!(runs[0], runs[1]);
    assert!(
        runs[0].iter().all(|failed| (5..40).contains(&failed.len())),
        "{runs:?}"
    );
    assert_ne!(runs[0][0], runs[0][1], "each call is drawn for itself");
}

/// A key of many may fail to be deleted, and is still there; the others are gone.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
#[tokio::test]
async fn some_keys_of_many_may_fail_to_be_deleted() {
    let Some(aws) = controlled().await else { return };
    let s3 = aws_sdk_s3::Client::new(&aws.vendor().config);
    let bucket = aws.name("bucket");
    let here = CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::EuCentral1);
    let made = s3
        .create_bucket()
        .bucket(&bucket)
        .create_bucket_configuration(here.build());
    made.send().await.expect("a bucket");
    let keys: BTreeSet<String> = (0..40).map(|number| format!("key-{number}")).collect();
    for key in &keys {
        s3.put_object()
            .bucket(&bucket)
            .key(key)
            .send()
            .await
            .expect("put");
    }
    let partial = Fault::Partial { per_million: 300_000 };
    assert!(aws.control().add_fault(FaultRule::on("DeleteObjects", partial)));
    let wanted = keys
        .iter()
        .map(|key| ObjectIdentifier::builder().key(key).build().expect("a key"));
    let wanted = Delete::builder().set_objects(Some(wanted.collect())).build();

    let answer = s3
        .delete_objects()
        .bucket(&bucket)
        .delete(wanted.expect("keys"))
        .send()
        .await
        .expect("an answer");

    let failed: BTreeSet<String> = answer
        .errors()
        .iter()
        .map(|error| error.key().unwrap_or_default().to_owned())
        .collect();
    let codes: BTreeSet<_> = answer.errors().iter().map(|error| error.code()).collect();
    assert_eq!(codes, BTreeSet::from([Some("InternalError")]));
    assert!((3..30).contains(&failed.len()), "{failed:?}");
    assert_eq!(answer.deleted().len(), keys.len() - failed.len());
    let left = s3.list_objects_v2().bucket(&bucket).send().await.expect("keys");
    let left: BTreeSet<String> = left
        .contents()
        .iter()
        .filter_map(|object| object.key.clone())
        .collect();
    assert_eq!(left, failed);
}
