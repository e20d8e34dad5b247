//! Faults in the words of S3, and what a lost answer leaves behind.

use conformance::{Aws, code, controlled};
use local_aws::{Fault, FaultRule};

use crate::support::{Bucket, client_of};

async fn with_fault(fault: Fault) -> Option<(Aws, Bucket)> {
    let aws = controlled().await?;
    let bucket = Bucket::create(&aws).await;
    aws.control()
        .add_fault(FaultRule::on("PutObject", fault).times(1));
    Some((aws, bucket))
}

/// A throttled call answers SlowDown and has no effect.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
#[tokio::test]
async fn a_throttled_call_is_told_to_slow_down() {
    let Some((_aws, bucket)) = with_fault(Fault::Throttle).await else {
        return;
    };
    assert_eq!(code(bucket.put("k", "x").send().await), "SlowDown");
    assert!(!bucket.has("k").await);
}

/// A lost answer is not a lost object; a retry finds the key taken.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
#[tokio::test]
async fn a_lost_answer_is_not_a_lost_object() {
    let lost = Fault::EffectWithoutReply { hang_ms: 0 };
    let Some((_aws, bucket)) = with_fault(lost).await else {
        return;
    };
    let write = || bucket.put("k", "written all the same").if_none_match("*").send();
    write().await.expect_err("no answer");
    assert_eq!(bucket.read("k").await, "written all the same");
    assert_eq!(code(write().await), "PreconditionFailed");
}

/// A call that timed out before its effect has none.
/// https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance-guidelines.html
#[tokio::test]
async fn a_time_out_before_the_effect_has_none() {
    let Some((_aws, bucket)) = with_fault(Fault::Timeout { hang_ms: 0 }).await else {
        return;
    };
    bucket.put("k", "x").send().await.expect_err("no answer");
    assert!(!bucket.has("k").await);
}

/// A key that nobody gave out is refused, and so is a wrong secret.
/// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
#[tokio::test]
async fn wrong_keys_are_refused() {
    let Some(aws) = controlled().await else { return };
    let of_nobody = client_of(&aws.vendor().with_keys("AKIAUNKNOWN", "x", None));
    assert_eq!(code(of_nobody.list_buckets().send().await), "InvalidAccessKeyId");
    let wrong = client_of(&aws.vendor().with_keys(&aws.vendor().id, "wrong", None));
    assert_eq!(code(wrong.list_buckets().send().await), "SignatureDoesNotMatch");
}
