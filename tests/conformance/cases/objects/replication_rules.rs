//! Replication configurations: what they may say.

use aws_sdk_s3::operation::put_bucket_replication::builders::PutBucketReplicationFluentBuilder;
use aws_sdk_s3::types::{
    BucketVersioningStatus, DeleteMarkerReplication, DeleteMarkerReplicationStatus, Destination,
    ReplicationConfiguration, ReplicationRule, ReplicationRuleFilter, ReplicationRuleStatus,
};
use conformance::{Aws, code};

use crate::support::{Bucket, on_bucket, tag};

/// Replicates everything below a prefix, but no markers.
pub(crate) fn rule(to: &Bucket, prefix: &str) -> ReplicationRule {
    let markers = DeleteMarkerReplication::builder().status(DeleteMarkerReplicationStatus::Disabled);
    ReplicationRule::builder()
        .id("rule")
        .priority(1)
        .status(ReplicationRuleStatus::Enabled)
        .filter(ReplicationRuleFilter::builder().prefix(prefix).build())
        .delete_marker_replication(markers.build())
        .destination(destination(to))
        .build()
        .expect("a rule")
}

pub(crate) fn destination(to: &Bucket) -> Destination {
    Destination::builder()
        .bucket(to.arn())
        .build()
        .expect("a destination")
}

pub(crate) fn configure(
    from: &Bucket,
    role: &str,
    rules: Vec<ReplicationRule>,
) -> PutBucketReplicationFluentBuilder {
    let configuration = ReplicationConfiguration::builder()
        .role(role)
        .set_rules(Some(rules));
    let put = from.client.put_bucket_replication().bucket(&from.name);
    put.replication_configuration(configuration.build().expect("a configuration"))
}

fn some_role(aws: &Aws) -> String {
    format!("arn:aws:iam::{}:role/replicate", aws.vendor().id)
}

async fn on_pair(case: impl AsyncFnOnce(&Aws, &Bucket, &Bucket)) {
    on_bucket(async |aws, from| {
        let to = Bucket::create(aws).await;
        for bucket in [from, &to] {
            bucket.set_versioning(BucketVersioningStatus::Enabled).await;
        }
        case(aws, from, &to).await;
        to.delete().await;
    })
    .await;
}

/// Both buckets keep versions, and the destination is there and another one.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-requirements.html
#[tokio::test]
async fn both_buckets_keep_versions() {
    on_bucket(async |aws, from| {
        let (role, to) = (some_role(aws), Bucket::create(aws).await);
        let put = |to: &Bucket| configure(from, &role, vec![rule(to, "")]).send();
        assert_eq!(
            code(put(&to).await),
            "InvalidRequest",
            "no versions at the source"
        );
        from.set_versioning(BucketVersioningStatus::Enabled).await;
        assert_eq!(code(put(&to).await), "InvalidRequest", "none at the destination");
        assert_eq!(code(put(from).await), "InvalidRequest", "the source itself");
        let absent = Bucket {
            client: from.client.clone(),
            name: aws.name("absent"),
        };
        assert_eq!(code(put(&absent).await), "InvalidRequest", "not there");
        to.delete().await;
    })
    .await;
}

/// A configuration is kept until it is deleted, and versions stay on as long as it is there.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketReplication.html
#[tokio::test]
async fn a_configuration_holds_versioning_on() {
    on_pair(async |aws, from, to| {
        let get = || from.client.get_bucket_replication().bucket(&from.name).send();
        assert_eq!(code(get().await), "ReplicationConfigurationNotFoundError");
        let role = some_role(aws);
        configure(from, &role, vec![rule(to, "a/")])
            .send()
            .await
            .expect("configured");
        let kept = get().await.expect("read").replication_configuration.expect("one");
        assert_eq!(kept.role(), role);
        assert_eq!(kept.rules(), [rule(to, "a/")]);
        let suspended = aws_sdk_s3::types::VersioningConfiguration::builder()
            .status(BucketVersioningStatus::Suspended)
            .build();
        let suspend = || {
            let put = from.client.put_bucket_versioning().bucket(&from.name);
            put.versioning_configuration(suspended.clone()).send()
        };
        assert_eq!(code(suspend().await), "InvalidBucketState");
        let delete = from.client.delete_bucket_replication().bucket(&from.name);
        delete.send().await.expect("deleted");
        assert_eq!(code(get().await), "ReplicationConfigurationNotFoundError");
        suspend().await.expect("suspended");
    })
    .await;
}

/// A rule with a filter says its priority and what becomes of markers; markers know no tags.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-add-config.html
#[tokio::test]
async fn a_rule_with_a_filter_says_all_of_it() {
    on_pair(async |aws, from, to| {
        let role = some_role(aws);
        let put = |change: &dyn Fn(&mut ReplicationRule)| {
            let mut rule = rule(to, "");
            change(&mut rule);
            configure(from, &role, vec![rule]).send()
        };
        assert_eq!(code(put(&|rule| rule.priority = None).await), "InvalidRequest");
        assert_eq!(
            code(put(&|rule| rule.delete_marker_replication = None).await),
            "InvalidRequest"
        );
        let tagged = put(&|rule| {
            let markers = DeleteMarkerReplication::builder().status(DeleteMarkerReplicationStatus::Enabled);
            rule.delete_marker_replication = Some(markers.build());
            rule.filter = Some(ReplicationRuleFilter::builder().tag(tag("a", "b")).build());
        });
        assert_eq!(code(tagged.await), "InvalidRequest");
    })
    .await;
}

/// Priorities and ids come once.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ReplicationRule.html
#[tokio::test]
async fn priorities_and_ids_come_once() {
    on_pair(async |aws, from, to| {
        let role = some_role(aws);
        let mut same_priority = rule(to, "b/");
        same_priority.id = Some("other".to_owned());
        let put = configure(from, &role, vec![rule(to, "a/"), same_priority]);
        assert_eq!(code(put.send().await), "InvalidRequest");
        let mut same_id = rule(to, "b/");
        same_id.priority = Some(2);
        let put = configure(from, &role, vec![rule(to, "a/"), same_id]);
        assert_eq!(code(put.send().await), "InvalidRequest");
    })
    .await;
}

/// The role is one, and whoever gives it away may.
/// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
#[tokio::test]
async fn the_role_must_be_the_callers_to_pass() {
    on_pair(async |aws, from, to| {
        let put = configure(from, "not-an-arn", vec![rule(to, "")]);
        assert_eq!(code(put.send().await), "InvalidArgument");
        let stranger = from.seen_by(&aws.stranger().config);
        from.allow(
            &aws.stranger().root_arn(),
            r#""s3:PutReplicationConfiguration""#,
            &from.arn(),
        )
        .await;
        let put = configure(&stranger, &some_role(aws), vec![rule(to, "")]);
        assert_eq!(code(put.send().await), "AccessDenied");
    })
    .await;
}
