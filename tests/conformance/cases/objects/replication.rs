//! Replication at work: versions arrive elsewhere, as the role's permissions allow.

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{
    BucketVersioningStatus, DeleteMarkerReplication, DeleteMarkerReplicationStatus, ReplicationRule,
    ReplicationRuleFilter, ReplicationStatus, StorageClass,
};
use chrono::TimeDelta;
use conformance::{Account, Aws, controlled};
use local_aws::{LatencyModel, Outage};

use crate::replication_rules::{configure, destination, rule};
use crate::support::{Bucket, client_of, in_region, tag, tagging};

const ELSEWHERE: &str = "eu-west-1";
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
    "Principal":{"Service":"s3.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

/// What the user guide gives the role.
fn permissions(from: &Bucket, to: &Bucket) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[
        {{"Effect":"Allow","Action":["s3:GetReplicationConfiguration","s3:ListBucket"],"Resource":"{0}"}},
        {{"Effect":"Allow","Action":["s3:GetObjectVersionForReplication","s3:GetObjectVersionTagging"],"Resource":"{0}/*"}},
        {{"Effect":"Allow","Action":["s3:ReplicateObject","s3:ReplicateDelete","s3:ReplicateTags"],"Resource":"{1}/*"}}]}}"#,
        from.arn(),
        to.arn()
    )
}

async fn role_with(account: &Account, policy: &str) -> String {
    let iam = aws_sdk_iam::Client::new(&account.config);
    let create = iam
        .create_role()
        .role_name("replicate")
        .assume_role_policy_document(TRUST);
    let role = create.send().await.expect("created").role.expect("a role");
    let put = iam
        .put_role_policy()
        .role_name("replicate")
        .policy_name("replicate");
    put.policy_document(policy).send().await.expect("allowed");
    role.arn
}

/// A bucket elsewhere, of any account.
async fn bucket_elsewhere(aws: &Aws, account: &Account) -> Bucket {
    let client = client_of(&account.in_region(ELSEWHERE));
    let bucket = Bucket {
        client,
        name: aws.name("replica"),
    };
    let create = bucket.client.create_bucket().bucket(&bucket.name);
    let create = create.create_bucket_configuration(in_region(ELSEWHERE));
    create.send().await.expect("created");
    bucket.set_versioning(BucketVersioningStatus::Enabled).await;
    bucket
}

/// Two buckets in two regions, and a rule from the one to the other.
async fn pair(change: impl FnOnce(&mut ReplicationRule)) -> Option<(Aws, Bucket, Bucket)> {
    let aws = controlled().await?;
    let from = Bucket::create(&aws).await;
    from.set_versioning(BucketVersioningStatus::Enabled).await;
    let to = bucket_elsewhere(&aws, aws.vendor()).await;
    let role = role_with(aws.vendor(), &permissions(&from, &to)).await;
    let mut rule = rule(&to, "");
    change(&mut rule);
    configure(&from, &role, vec![rule])
        .send()
        .await
        .expect("configured");
    Some((aws, from, to))
}

async fn status(bucket: &Bucket, key: &str) -> Option<ReplicationStatus> {
    bucket.head(key).await.replication_status
}

/// A version arrives with its id, its time, its metadata and its tags.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-what-is-isnot-replicated.html
#[tokio::test]
async fn a_version_arrives_as_it_was_written() {
    let Some((_aws, from, to)) = pair(|_| ()).await else {
        return;
    };
    let put = from.put("k", "copied").metadata("a", "1").tagging("kind=raw");
    let put = put.send().await.expect("written");
    assert_eq!(to.read("k").await, "copied");
    let (source, replica) = (from.head("k").await, to.head("k").await);
    assert_eq!(replica.version_id(), put.version_id());
    assert_eq!(replica.last_modified(), source.last_modified());
    assert_eq!(replica.metadata(), source.metadata());
    assert_eq!(source.replication_status(), Some(&ReplicationStatus::Completed));
    assert_eq!(replica.replication_status(), Some(&ReplicationStatus::Replica));
    let tags = to.client.get_object_tagging().bucket(&to.name).key("k");
    assert_eq!(tags.send().await.expect("read").tag_set().len(), 1);
}

/// Until it has arrived a version is pending, and what was there before the rule stays behind.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-status.html
#[tokio::test]
async fn a_version_is_pending_until_it_arrives() {
    let Some(aws) = controlled().await else { return };
    let from = Bucket::create(&aws).await;
    from.set_versioning(BucketVersioningStatus::Enabled).await;
    from.write("before", "x").await;
    let to = bucket_elsewhere(&aws, aws.vendor()).await;
    let role = role_with(aws.vendor(), &permissions(&from, &to)).await;
    configure(&from, &role, vec![rule(&to, "")])
        .send()
        .await
        .expect("configured");
    aws.control()
        .set_latency(LatencyModel::Realistic { per_mille: 1_000 });
    from.write("after", "x").await;
    assert_eq!(status(&from, "after").await, Some(ReplicationStatus::Pending));
    assert!(!to.has("after").await);
    aws.advance(TimeDelta::minutes(16));
    assert!(to.has("after").await);
    assert_eq!(status(&from, "after").await, Some(ReplicationStatus::Completed));
    assert!(!to.has("before").await);
    assert_eq!(status(&from, "before").await, None);
}

/// A filter chooses by prefix and tags.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-add-config.html
#[tokio::test]
async fn a_filter_chooses_what_is_copied() {
    let chosen = |rule: &mut ReplicationRule| {
        let and = aws_sdk_s3::types::ReplicationRuleAndOperator::builder()
            .prefix("out/")
            .tags(tag("copy", "yes"));
        rule.filter = Some(ReplicationRuleFilter::builder().and(and.build()).build());
    };
    let Some((_aws, from, to)) = pair(chosen).await else {
        return;
    };
    for (key, tags) in [("out/a", "copy=yes"), ("out/b", "copy=no"), ("in/a", "copy=yes")] {
        from.put(key, "x").tagging(tags).send().await.expect("written");
    }
    assert!(to.has("out/a").await);
    assert!(!to.has("out/b").await && !to.has("in/a").await);
    assert_eq!(status(&from, "in/a").await, None);
}

/// The copy may lie in another class.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Destination.html
#[tokio::test]
async fn a_copy_may_lie_in_another_class() {
    let Some(aws) = controlled().await else { return };
    let from = Bucket::create(&aws).await;
    from.set_versioning(BucketVersioningStatus::Enabled).await;
    let to = bucket_elsewhere(&aws, aws.vendor()).await;
    let role = role_with(aws.vendor(), &permissions(&from, &to)).await;
    let mut rule = rule(&to, "");
    let mut there = destination(&to);
    there.storage_class = Some(StorageClass::StandardIa);
    rule.destination = Some(there);
    configure(&from, &role, vec![rule])
        .send()
        .await
        .expect("configured");
    from.write("k", "x").await;
    assert_eq!(to.class("k").await, "STANDARD_IA");
    assert_eq!(from.class("k").await, "STANDARD");
}

/// Markers are copied when the rule says so, deletions of versions never.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/delete-marker-replication.html
#[tokio::test]
async fn markers_are_copied_on_request_and_deletions_never() {
    for (copied, there) in [
        (DeleteMarkerReplicationStatus::Enabled, false),
        (DeleteMarkerReplicationStatus::Disabled, true),
    ] {
        let markers = |rule: &mut ReplicationRule| {
            let markers = DeleteMarkerReplication::builder().status(copied);
            rule.delete_marker_replication = Some(markers.build());
        };
        let Some((_aws, from, to)) = pair(markers).await else {
            return;
        };
        let version = from.write("k", "x").await;
        from.remove("k").await;
        assert_eq!(to.has("k").await, there);
        let delete = from.client.delete_object().bucket(&from.name).key("k");
        delete.version_id(&version).send().await.expect("deleted");
        assert_eq!(to.read_version("k", &version).await, "x");
    }
}

/// Tags that change later change on the copy too.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-what-is-isnot-replicated.html
#[tokio::test]
async fn changed_tags_are_copied_too() {
    let Some((_aws, from, to)) = pair(|_| ()).await else {
        return;
    };
    from.write("k", "x").await;
    let put = from.client.put_object_tagging().bucket(&from.name).key("k");
    put.tagging(tagging(&[("class", "archive")]))
        .send()
        .await
        .expect("tagged");
    let tags = to.client.get_object_tagging().bucket(&to.name).key("k");
    let tags = tags.send().await.expect("read");
    assert_eq!(tags.tag_set()[0].value(), "archive");
    assert_eq!(to.versions().await.versions().len(), 1);
}

/// A role that may not write there fails the version, and nothing arrives.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html
#[tokio::test]
async fn a_role_without_permission_fails_the_version() {
    let Some(aws) = controlled().await else { return };
    let from = Bucket::create(&aws).await;
    from.set_versioning(BucketVersioningStatus::Enabled).await;
    let to = bucket_elsewhere(&aws, aws.vendor()).await;
    let read_only = permissions(&from, &to).replace("s3:ReplicateObject", "s3:ListBucket");
    let role = role_with(aws.vendor(), &read_only).await;
    configure(&from, &role, vec![rule(&to, "")])
        .send()
        .await
        .expect("configured");
    from.write("k", "x").await;
    assert_eq!(status(&from, "k").await, Some(ReplicationStatus::Failed));
    assert!(!to.has("k").await);
}

/// A role that S3 may not take fails the version.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html
#[tokio::test]
async fn a_role_that_is_not_there_fails_the_version() {
    let Some((aws, from, to)) = pair(|_| ()).await else {
        return;
    };
    let iam = aws_sdk_iam::Client::new(&aws.vendor().config);
    let policy = iam
        .delete_role_policy()
        .role_name("replicate")
        .policy_name("replicate");
    policy.send().await.expect("deleted");
    iam.delete_role()
        .role_name("replicate")
        .send()
        .await
        .expect("deleted");
    from.write("k", "x").await;
    assert_eq!(status(&from, "k").await, Some(ReplicationStatus::Failed));
    assert!(!to.has("k").await);
}

/// Another account's bucket takes copies when its policy lets the role in.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-walkthrough-2.html
#[tokio::test]
async fn another_accounts_bucket_takes_copies_by_its_policy() {
    let Some(aws) = controlled().await else { return };
    let from = Bucket::create(&aws).await;
    from.set_versioning(BucketVersioningStatus::Enabled).await;
    let to = bucket_elsewhere(&aws, aws.customer()).await;
    let role = role_with(aws.vendor(), &permissions(&from, &to)).await;
    configure(&from, &role, vec![rule(&to, "")])
        .send()
        .await
        .expect("configured");
    from.write("early", "x").await;
    assert_eq!(status(&from, "early").await, Some(ReplicationStatus::Failed));
    let all = format!("{}/*", to.arn());
    to.allow(&role, r#"["s3:ReplicateObject","s3:ReplicateDelete"]"#, &all)
        .await;
    from.write("k", "x").await;
    assert_eq!(status(&from, "k").await, Some(ReplicationStatus::Completed));
    assert_eq!(to.read("k").await, "x");
}

/// A copy is not copied on.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-what-is-isnot-replicated.html
#[tokio::test]
async fn a_copy_is_not_copied_on() {
    let Some((aws, from, to)) = pair(|_| ()).await else {
        return;
    };
    let third = bucket_elsewhere(&aws, aws.vendor()).await;
    let iam = aws_sdk_iam::Client::new(&aws.vendor().config);
    let put = iam.put_role_policy().role_name("replicate").policy_name("onward");
    put.policy_document(permissions(&to, &third))
        .send()
        .await
        .expect("allowed");
    let role = format!("arn:aws:iam::{}:role/replicate", aws.vendor().id);
    configure(&to, &role, vec![rule(&third, "")])
        .send()
        .await
        .expect("configured");
    from.write("k", "x").await;
    assert!(to.has("k").await && !third.has("k").await);
}

/// While the other region is lost a version waits, and arrives when the region is back.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-status.html
#[tokio::test]
async fn a_version_waits_for_a_lost_region() {
    let Some((aws, from, to)) = pair(|_| ()).await else {
        return;
    };
    let outage = Outage::Region(ELSEWHERE.to_owned());
    aws.control().begin_outage(outage.clone());
    from.write("k", "x").await;
    assert_eq!(status(&from, "k").await, Some(ReplicationStatus::Pending));
    aws.control().end_outage(&outage);
    assert_eq!(status(&from, "k").await, Some(ReplicationStatus::Completed));
    assert_eq!(to.read("k").await, "x");
}

/// Every version of many writers arrives, once and in order.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication.html
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_version_of_many_writers_arrives() {
    let Some((_aws, from, to)) = pair(|_| ()).await else {
        return;
    };
    let write = |client: Client, bucket: String, number: u32| async move {
        let put = client.put_object().bucket(bucket).key("k");
        let body = aws_sdk_s3::primitives::ByteStream::from(number.to_string().into_bytes());
        put.body(body).send().await.expect("written");
    };
    let writers: Vec<_> = (0..32)
        .map(|number| tokio::spawn(write(from.client.clone(), from.name.clone(), number)))
        .collect();
    for writer in writers {
        writer.await.expect("no writer panics");
    }
    let ids = async |bucket: &Bucket| {
        let versions = bucket.versions().await.versions.expect("some");
        let mut ids: Vec<_> = versions.into_iter().filter_map(|one| one.version_id).collect();
        ids.sort();
        ids
    };
    let there = ids(&to).await;
    assert_eq!(there.len(), 32);
    assert_eq!(there, ids(&from).await);
}
