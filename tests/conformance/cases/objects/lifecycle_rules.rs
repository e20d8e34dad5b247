//! Lifecycle rules: what a configuration may say.

use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, ExpirationStatus, LifecycleExpiration, LifecycleRule,
    LifecycleRuleAndOperator, LifecycleRuleFilter, NoncurrentVersionExpiration, NoncurrentVersionTransition,
    Transition, TransitionStorageClass,
};
use conformance::code;

use crate::support::{Bucket, on_bucket, tag};

use crate::lifecycle_runs::{configure, expire_after, move_after, rule};

async fn refusal(bucket: &Bucket, rules: Vec<LifecycleRule>) -> String {
    code(configure(bucket, rules).send().await)
}

fn with(change: impl FnOnce(&mut LifecycleRule)) -> LifecycleRule {
    let mut rule = rule("");
    change(&mut rule);
    rule
}

/// A configuration is kept as it was given, and gone when it is deleted.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLifecycleConfiguration.html
#[tokio::test]
async fn a_configuration_is_kept_until_it_is_deleted() {
    on_bucket(async |_, bucket| {
        let get = || {
            let get = bucket.client.get_bucket_lifecycle_configuration();
            get.bucket(&bucket.name).send()
        };
        assert_eq!(code(get().await), "NoSuchLifecycleConfiguration");
        let given = expire_after(rule("logs/"), 30);
        configure(bucket, vec![given.clone()])
            .send()
            .await
            .expect("configured");
        let kept = get().await.expect("read");
        assert_eq!(kept.rules(), [given]);
        let minimum = kept
            .transition_default_minimum_object_size()
            .map(ToString::to_string);
        assert_eq!(minimum.as_deref(), Some("all_storage_classes_128K"));
        let delete = bucket.client.delete_bucket_lifecycle().bucket(&bucket.name);
        delete.send().await.expect("deleted");
        assert_eq!(code(get().await), "NoSuchLifecycleConfiguration");
    })
    .await;
}

/// A rule without an id gets one, and no id comes twice.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleRule.html
#[tokio::test]
async fn each_rule_has_an_id_of_its_own() {
    on_bucket(async |_, bucket| {
        let unnamed = |prefix: &str| {
            let mut rule = expire_after(rule(prefix), 1);
            rule.id = None;
            rule
        };
        let two = vec![unnamed("a"), unnamed("b")];
        configure(bucket, two).send().await.expect("configured");
        let get = bucket
            .client
            .get_bucket_lifecycle_configuration()
            .bucket(&bucket.name);
        let kept = get.send().await.expect("read").rules.expect("some");
        assert!(kept.iter().all(|rule| rule.id().is_some_and(|id| !id.is_empty())));
        let twice = vec![expire_after(rule("a"), 1), expire_after(rule("b"), 1)];
        assert_eq!(refusal(bucket, twice).await, "InvalidArgument");
        let long = with(|rule| {
            rule.id = Some("i".repeat(256));
            rule.expiration = Some(LifecycleExpiration::builder().days(1).build());
        });
        assert_eq!(refusal(bucket, vec![long]).await, "InvalidArgument");
    })
    .await;
}

/// A configuration has between one and a thousand rules.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html
#[tokio::test]
async fn a_configuration_has_a_thousand_rules_at_most() {
    on_bucket(async |_, bucket| {
        assert_eq!(refusal(bucket, Vec::new()).await, "MalformedXML");
        let many = (0..1_001).map(|number| {
            let mut rule = expire_after(rule(""), 1);
            rule.id = Some(format!("rule-{number}"));
            rule
        });
        assert_eq!(refusal(bucket, many.collect()).await, "MalformedXML");
    })
    .await;
}

/// A rule does something.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
#[tokio::test]
async fn a_rule_does_something() {
    on_bucket(async |_, bucket| {
        assert_eq!(refusal(bucket, vec![rule("")]).await, "InvalidRequest");
    })
    .await;
}

/// Expiry has days, a date or the marker, and no two of them; days are positive and dates are midnights.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleExpiration.html
#[tokio::test]
async fn an_expiry_has_days_or_a_midnight() {
    on_bucket(async |_, bucket| {
        let midnight = DateTime::from_secs(1_900_022_400);
        let expiration = LifecycleExpiration::builder;
        for (given, expected) in [
            (expiration().build(), "MalformedXML"),
            (expiration().days(0).build(), "InvalidArgument"),
            (expiration().days(-1).build(), "InvalidArgument"),
            (expiration().days(1).date(midnight).build(), "MalformedXML"),
            (
                expiration().days(1).expired_object_delete_marker(true).build(),
                "MalformedXML",
            ),
            (
                expiration().date(DateTime::from_secs(1_900_022_401)).build(),
                "InvalidArgument",
            ),
        ] {
            let rule = with(|rule| rule.expiration = Some(given.clone()));
            assert_eq!(refusal(bucket, vec![rule]).await, expected, "{given:?}");
        }
        let rule = with(|rule| rule.expiration = Some(expiration().date(midnight).build()));
        configure(bucket, vec![rule]).send().await.expect("configured");
    })
    .await;
}

/// Nothing moves to an infrequent-access class before its thirtieth day.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
#[tokio::test]
async fn infrequent_access_waits_thirty_days() {
    on_bucket(async |_, bucket| {
        for class in [
            TransitionStorageClass::StandardIa,
            TransitionStorageClass::OnezoneIa,
        ] {
            let soon = move_after(rule(""), 29, class.clone());
            assert_eq!(refusal(bucket, vec![soon]).await, "InvalidArgument");
            let later = move_after(rule(""), 30, class);
            configure(bucket, vec![later]).send().await.expect("configured");
        }
    })
    .await;
}

/// What moved to infrequent access stays there for thirty days.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
#[tokio::test]
async fn the_next_move_waits_thirty_days_more() {
    on_bucket(async |_, bucket| {
        let steps = |then: i32| {
            let first = move_after(rule(""), 30, TransitionStorageClass::StandardIa);
            move_after(first, then, TransitionStorageClass::Glacier)
        };
        assert_eq!(refusal(bucket, vec![steps(59)]).await, "InvalidArgument");
        configure(bucket, vec![steps(60)])
            .send()
            .await
            .expect("configured");
    })
    .await;
}

/// An object moves before it expires.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-configuration-examples.html
#[tokio::test]
async fn expiry_comes_after_the_last_move() {
    on_bucket(async |_, bucket| {
        let moves = move_after(rule(""), 30, TransitionStorageClass::Glacier);
        let early = expire_after(moves.clone(), 30);
        assert_eq!(refusal(bucket, vec![early]).await, "InvalidArgument");
        configure(bucket, vec![expire_after(moves, 31)])
            .send()
            .await
            .expect("configured");
    })
    .await;
}

/// Days and dates are not mixed in a rule, and a class comes once.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html
#[tokio::test]
async fn days_and_dates_are_not_mixed() {
    on_bucket(async |_, bucket| {
        let date = DateTime::from_secs(1_900_022_400);
        let dated = with(|rule| {
            let step = Transition::builder().date(date);
            let step = step.storage_class(TransitionStorageClass::Glacier).build();
            rule.transitions = Some(vec![step]);
        });
        let mixed = expire_after(dated.clone(), 30);
        assert_eq!(refusal(bucket, vec![mixed]).await, "InvalidRequest");
        let steps = move_after(dated, 60, TransitionStorageClass::DeepArchive);
        assert_eq!(refusal(bucket, vec![steps]).await, "InvalidRequest");
        let twice = move_after(rule(""), 30, TransitionStorageClass::Glacier);
        let twice = move_after(twice, 60, TransitionStorageClass::Glacier);
        assert_eq!(refusal(bucket, vec![twice]).await, "InvalidArgument");
    })
    .await;
}

/// A move has days or a date, and days are not negative.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Transition.html
#[tokio::test]
async fn a_move_has_days_or_a_date() {
    on_bucket(async |_, bucket| {
        let negative = move_after(rule(""), -1, TransitionStorageClass::Glacier);
        assert_eq!(refusal(bucket, vec![negative]).await, "InvalidArgument");
        let neither = with(|rule| {
            let step = Transition::builder().storage_class(TransitionStorageClass::Glacier);
            rule.transitions = Some(vec![step.build()]);
        });
        assert_eq!(refusal(bucket, vec![neither]).await, "MalformedXML");
        let unknown = move_after(rule(""), 1, TransitionStorageClass::from("STANDARD"));
        assert_eq!(refusal(bucket, vec![unknown]).await, "MalformedXML");
    })
    .await;
}

/// Uploads and markers know neither tags nor sizes.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
#[tokio::test]
async fn some_actions_know_no_tags() {
    on_bucket(async |_, bucket| {
        let tagged = |change: fn(&mut LifecycleRule)| {
            let mut rule = with(change);
            rule.filter = Some(LifecycleRuleFilter::builder().tag(tag("a", "b")).build());
            rule
        };
        let uploads = tagged(|rule| {
            let abort = AbortIncompleteMultipartUpload::builder().days_after_initiation(1);
            rule.abort_incomplete_multipart_upload = Some(abort.build());
        });
        assert_eq!(refusal(bucket, vec![uploads]).await, "InvalidRequest");
        let markers = tagged(|rule| {
            let marker = LifecycleExpiration::builder().expired_object_delete_marker(true);
            rule.expiration = Some(marker.build());
        });
        assert_eq!(refusal(bucket, vec![markers]).await, "InvalidRequest");
    })
    .await;
}

/// The bounds of a filter are in order.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-filters.html
#[tokio::test]
async fn the_sizes_of_a_filter_are_in_order() {
    on_bucket(async |_, bucket| {
        let mut rule = expire_after(rule(""), 1);
        let and = LifecycleRuleAndOperator::builder()
            .object_size_greater_than(500)
            .object_size_less_than(500);
        rule.filter = Some(LifecycleRuleFilter::builder().and(and.build()).build());
        assert_eq!(refusal(bucket, vec![rule]).await, "InvalidRequest");
    })
    .await;
}

/// Rules for noncurrent versions hold to the same order.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_NoncurrentVersionExpiration.html
#[tokio::test]
async fn noncurrent_versions_have_the_same_order() {
    on_bucket(async |_, bucket| {
        let noncurrent = |moved: i32, gone: i32, newer: i32| {
            with(|rule| {
                let step = NoncurrentVersionTransition::builder()
                    .noncurrent_days(moved)
                    .storage_class(TransitionStorageClass::Glacier);
                rule.noncurrent_version_transitions = Some(vec![step.build()]);
                let end = NoncurrentVersionExpiration::builder()
                    .noncurrent_days(gone)
                    .newer_noncurrent_versions(newer);
                rule.noncurrent_version_expiration = Some(end.build());
            })
        };
        assert_eq!(
            refusal(bucket, vec![noncurrent(10, 10, 1)]).await,
            "InvalidArgument"
        );
        assert_eq!(
            refusal(bucket, vec![noncurrent(1, 0, 1)]).await,
            "InvalidArgument"
        );
        assert_eq!(
            refusal(bucket, vec![noncurrent(1, 2, 101)]).await,
            "InvalidArgument"
        );
        let right = vec![noncurrent(1, 2, 100)];
        configure(bucket, right).send().await.expect("configured");
    })
    .await;
}

/// A rule has a status that S3 knows.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleRule.html
#[tokio::test]
async fn a_rule_is_enabled_or_disabled() {
    on_bucket(async |_, bucket| {
        let mut odd = expire_after(rule(""), 1);
        odd.status = ExpirationStatus::from("Perhaps");
        assert_eq!(refusal(bucket, vec![odd]).await, "MalformedXML");
    })
    .await;
}
