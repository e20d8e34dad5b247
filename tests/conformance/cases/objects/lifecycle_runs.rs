//! Lifecycle rules at work: what a clock that moves does to objects.

use aws_sdk_s3::operation::put_bucket_lifecycle_configuration::builders::PutBucketLifecycleConfigurationFluentBuilder;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, ExpirationStatus, LifecycleExpiration,
    LifecycleRule, LifecycleRuleAndOperator, LifecycleRuleFilter, StorageClass, Transition,
    TransitionDefaultMinimumObjectSize, TransitionStorageClass,
};
use chrono::TimeDelta;

use crate::support::{Bucket, on_a_morning, tag, tagging};

/// A rule that does nothing yet.
pub(crate) fn rule(prefix: &str) -> LifecycleRule {
    LifecycleRule::builder()
        .id("rule")
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix(prefix).build())
        .build()
        .expect("a rule")
}

pub(crate) fn expire_after(mut rule: LifecycleRule, days: i32) -> LifecycleRule {
    rule.expiration = Some(LifecycleExpiration::builder().days(days).build());
    rule
}

pub(crate) fn move_after(mut rule: LifecycleRule, days: i32, class: TransitionStorageClass) -> LifecycleRule {
    let step = Transition::builder().days(days).storage_class(class).build();
    rule.transitions.get_or_insert_default().push(step);
    rule
}

pub(crate) fn configure(
    bucket: &Bucket,
    rules: Vec<LifecycleRule>,
) -> PutBucketLifecycleConfigurationFluentBuilder {
    let rules = BucketLifecycleConfiguration::builder()
        .set_rules(Some(rules))
        .build();
    let put = bucket.client.put_bucket_lifecycle_configuration();
    put.bucket(&bucket.name)
        .lifecycle_configuration(rules.expect("rules"))
}

async fn set(bucket: &Bucket, rule: LifecycleRule) {
    configure(bucket, vec![rule]).send().await.expect("configured");
}

/// Days are added to the moment of the write and rounded up to a midnight.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
#[tokio::test]
async fn an_object_expires_at_the_midnight_after_its_days() {
    let Some((aws, bucket)) = on_a_morning().await else {
        return;
    };
    set(&bucket, expire_after(rule("logs/"), 1)).await;
    bucket.write("logs/a", "x").await;
    bucket.write("kept/a", "x").await;
    aws.advance(TimeDelta::hours(37));
    assert!(bucket.has("logs/a").await, "at eleven at night of the next day");
    aws.advance(TimeDelta::hours(1));
    assert!(!bucket.has("logs/a").await);
    assert!(bucket.has("kept/a").await);
}

/// An object says when it will expire, and by which rule.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
#[tokio::test]
async fn an_object_says_when_it_will_expire() {
    let Some((_aws, bucket)) = on_a_morning().await else {
        return;
    };
    set(&bucket, expire_after(rule("logs/"), 3)).await;
    let said = r#"expiry-date="Thu, 05 Mar 2026 00:00:00 GMT", rule-id="rule""#;
    let put = bucket.put("logs/a", "x").send().await.expect("written");
    assert_eq!(put.expiration(), Some(said));
    assert_eq!(bucket.head("logs/a").await.expiration(), Some(said));
    bucket.write("kept/a", "x").await;
    assert_eq!(bucket.head("kept/a").await.expiration(), None);
}

/// An object moves down from class to class, each on its day.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
#[tokio::test]
async fn an_object_moves_from_class_to_class() {
    let Some((aws, bucket)) = on_a_morning().await else {
        return;
    };
    let steps = move_after(rule(""), 30, TransitionStorageClass::StandardIa);
    let steps = move_after(steps, 60, TransitionStorageClass::Glacier);
    let steps = move_after(steps, 150, TransitionStorageClass::DeepArchive);
    set(&bucket, steps).await;
    bucket.write_large("k").await;
    for (days, class) in [
        (30, "STANDARD"),
        (31, "STANDARD_IA"),
        (60, "STANDARD_IA"),
        (61, "GLACIER"),
        (151, "DEEP_ARCHIVE"),
    ] {
        let passed = TimeDelta::seconds(aws.control().now().timestamp())
            - TimeDelta::seconds(crate::support::after_morning(TimeDelta::zero()).secs());
        aws.advance(TimeDelta::days(days) - passed);
        assert_eq!(bucket.class("k").await, class, "after {days} days");
    }
}

/// What was moved into an archive is not read without a restore.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/archived-objects.html
#[tokio::test]
async fn what_moved_into_an_archive_is_not_read() {
    let Some((aws, bucket)) = on_a_morning().await else {
        return;
    };
    set(&bucket, move_after(rule(""), 0, TransitionStorageClass::Glacier)).await;
    bucket.write_large("k").await;
    assert_eq!(bucket.read("k").await.len(), 128 << 10);
    aws.advance(TimeDelta::days(1));
    let get = bucket.client.get_object().bucket(&bucket.name).key("k");
    assert_eq!(conformance::code(get.send().await), "InvalidObjectState");
}

/// The rules are for what was there before them too.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html
#[tokio::test]
async fn a_new_rule_is_for_old_objects_too() {
    let Some((aws, bucket)) = on_a_morning().await else {
        return;
    };
    bucket.write("k", "x").await;
    aws.advance(TimeDelta::days(10));
    assert!(bucket.has("k").await);
    set(&bucket, expire_after(rule(""), 5)).await;
    assert!(!bucket.has("k").await);
}

/// A rule that is disabled does nothing.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
#[tokio::test]
async fn a_disabled_rule_does_nothing() {
    let Some((aws, bucket)) = on_a_morning().await else {
        return;
    };
    let mut disabled = expire_after(rule(""), 1);
    disabled.status = ExpirationStatus::Disabled;
    set(&bucket, disabled).await;
    bucket.write("k", "x").await;
    aws.advance(TimeDelta::days(10));
    assert!(bucket.has("k").await);
    assert_eq!(bucket.head("k").await.expiration(), None);
}

/// A date is for what was there and for what comes after it.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
#[tokio::test]
async fn a_date_is_for_what_comes_after_it_too() {
    let Some((aws, bucket)) = on_a_morning().await else {
        return;
    };
    let mut dated = rule("");
    let third_of_march = DateTime::from_secs(1_772_496_000);
    dated.expiration = Some(LifecycleExpiration::builder().date(third_of_march).build());
    set(&bucket, dated).await;
    bucket.write("before", "x").await;
    aws.advance(TimeDelta::hours(37));
    assert!(bucket.has("before").await);
    aws.advance(TimeDelta::hours(1));
    assert!(!bucket.has("before").await);
    bucket.write("after", "x").await;
    assert!(bucket.has("after").await);
    aws.advance(TimeDelta::days(1));
    assert!(!bucket.has("after").await);
}

/// A filter chooses by tags and size together.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-filters.html
#[tokio::test]
async fn a_filter_chooses_by_tags_and_size() {
    let Some((aws, bucket)) = on_a_morning().await else {
        return;
    };
    let mut chosen = expire_after(rule(""), 1);
    let and = LifecycleRuleAndOperator::builder()
        .prefix("data/")
        .tags(tag("class", "archive"))
        .object_size_greater_than(3)
        .object_size_less_than(10);
    chosen.filter = Some(LifecycleRuleFilter::builder().and(and.build()).build());
    set(&bucket, chosen).await;
    for (key, body, tags) in [
        ("data/hit", "12345", "class=archive"),
        ("data/untagged", "12345", "class=hot"),
        ("data/small", "123", "class=archive"),
        ("data/large", "0123456789", "class=archive"),
        ("else/hit", "12345", "class=archive"),
    ] {
        bucket.put(key, body).tagging(tags).send().await.expect("written");
    }
    aws.advance(TimeDelta::days(2));
    assert!(!bucket.has("data/hit").await);
    for kept in ["data/untagged", "data/small", "data/large", "else/hit"] {
        assert!(bucket.has(kept).await, "{kept}");
    }
}

/// Tags that are given later bring an object under a rule.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-filters.html
#[tokio::test]
async fn a_tag_brings_an_object_under_a_rule() {
    let Some((aws, bucket)) = on_a_morning().await else {
        return;
    };
    let mut archived = move_after(rule(""), 0, TransitionStorageClass::DeepArchive);
    archived.filter = Some(
        LifecycleRuleFilter::builder()
            .tag(tag("class", "archive"))
            .build(),
    );
    set(&bucket, archived).await;
    bucket.write_large("k").await;
    aws.advance(TimeDelta::days(2));
    assert_eq!(bucket.class("k").await, "STANDARD");
    let put = bucket.client.put_object_tagging().bucket(&bucket.name).key("k");
    put.tagging(tagging(&[("class", "archive")]))
        .send()
        .await
        .expect("tagged");
    aws.advance(TimeDelta::days(1));
    assert_eq!(bucket.class("k").await, "DEEP_ARCHIVE");
}

/// Small objects do not move, unless the bucket or the rule says so.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
#[tokio::test]
async fn small_objects_do_not_move_by_themselves() {
    let Some((aws, bucket)) = on_a_morning().await else {
        return;
    };
    let archive = move_after(rule(""), 0, TransitionStorageClass::Glacier);
    set(&bucket, archive.clone()).await;
    bucket.write("k", "small").await;
    aws.advance(TimeDelta::days(2));
    assert_eq!(bucket.class("k").await, "STANDARD");
    let varies = configure(&bucket, vec![archive])
        .transition_default_minimum_object_size(TransitionDefaultMinimumObjectSize::VariesByStorageClass);
    varies.send().await.expect("configured");
    assert_eq!(bucket.class("k").await, "GLACIER");
}

/// A rule that names sizes moves small objects too.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
#[tokio::test]
async fn a_rule_that_names_sizes_moves_small_objects() {
    let Some((aws, bucket)) = on_a_morning().await else {
        return;
    };
    let mut sized = move_after(rule(""), 0, TransitionStorageClass::GlacierIr);
    sized.filter = Some(LifecycleRuleFilter::builder().object_size_greater_than(1).build());
    set(&bucket, sized).await;
    bucket.write("k", "small").await;
    aws.advance(TimeDelta::days(1));
    assert_eq!(bucket.class("k").await, "GLACIER_IR");
}

/// Nothing moves back up.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
#[tokio::test]
async fn nothing_moves_back_up() {
    let Some((aws, bucket)) = on_a_morning().await else {
        return;
    };
    set(
        &bucket,
        move_after(rule(""), 30, TransitionStorageClass::StandardIa),
    )
    .await;
    let put = bucket
        .put("k", &"x".repeat(128 << 10))
        .storage_class(StorageClass::GlacierIr);
    put.send().await.expect("written");
    aws.advance(TimeDelta::days(40));
    assert_eq!(bucket.class("k").await, "GLACIER_IR");
}

/// Of two rules for one day the cheaper class wins, and expiry wins over both.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-configuration-examples.html
#[tokio::test]
async fn of_two_rules_the_cheaper_wins_and_expiry_over_both() {
    let Some((aws, bucket)) = on_a_morning().await else {
        return;
    };
    let named = |id: &str, mut rule: LifecycleRule| {
        rule.id = Some(id.to_owned());
        rule
    };
    let rules = vec![
        named(
            "warm",
            move_after(rule("k"), 1, TransitionStorageClass::GlacierIr),
        ),
        named("cold", move_after(rule("k"), 1, TransitionStorageClass::Glacier)),
        named(
            "move",
            move_after(rule("gone"), 1, TransitionStorageClass::Glacier),
        ),
        named("end", expire_after(rule("gone"), 1)),
    ];
    configure(&bucket, rules).send().await.expect("configured");
    bucket.write_large("k").await;
    bucket.write_large("gone").await;
    aws.advance(TimeDelta::days(2));
    assert_eq!(bucket.class("k").await, "GLACIER");
    assert!(!bucket.has("gone").await);
}

/// An upload that nobody completes is aborted.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpu-abort-incomplete-mpu-lifecycle-config.html
#[tokio::test]
async fn an_upload_that_nobody_completes_is_aborted() {
    let Some((aws, bucket)) = on_a_morning().await else {
        return;
    };
    let mut rule = rule("");
    let abort = AbortIncompleteMultipartUpload::builder().days_after_initiation(1);
    rule.abort_incomplete_multipart_upload = Some(abort.build());
    set(&bucket, rule).await;
    let create = bucket
        .client
        .create_multipart_upload()
        .bucket(&bucket.name)
        .key("k");
    let created = create.send().await.expect("created");
    assert_eq!(created.abort_rule_id(), Some("rule"));
    assert_eq!(created.abort_date().map(DateTime::secs), Some(1_772_496_000));
    let open = async || {
        let list = bucket.client.list_multipart_uploads().bucket(&bucket.name);
        list.send().await.expect("listed").uploads().len()
    };
    aws.advance(TimeDelta::hours(37));
    assert_eq!(open().await, 1);
    aws.advance(TimeDelta::hours(1));
    assert_eq!(open().await, 0);
}
