//! That an endpoint is taken back to a snapshot, to the whole of it or not at all.

use conformance::controlled;
use serde_json::{Value, json};

use crate::restarts::{apply, command, commanded, furnish, quota};

#[tokio::test]
async fn an_endpoint_is_taken_back_to_a_snapshot() {
    let Some(aws) = controlled().await else { return };
    furnish(&aws).await;
    apply(&aws.control(), &aws, 77);
    let (inventory, snapshot) = (aws.control().inventory(), aws.control().snapshot());
    let dns = aws_sdk_route53::Client::new(&aws.vendor().config);
    let more = dns
        .create_hosted_zone()
        .name("more.example")
        .caller_reference("more");
    more.send().await.expect("another zone");
    apply(&aws.control(), &aws, 5);
    assert_ne!(aws.control().inventory(), inventory);

    aws.control().restore(snapshot).expect("our own snapshot");

    assert_eq!(aws.control().inventory(), inventory);
    assert_eq!(quota(&aws).await, Some(77.0));
}

#[tokio::test]
async fn what_was_commanded_is_in_a_snapshot() {
    let Some(aws) = controlled().await else { return };
    command(&aws);
    let ec2 = aws_sdk_ec2::Client::new(&aws.vendor().config);
    ec2.describe_vpcs().send().await.expect("the second one fails");
    let snapshot = aws.control().snapshot();
    let other = controlled().await.expect("another endpoint");

    other.control().restore(snapshot).expect("a snapshot");

    commanded(&other).await;
}

#[tokio::test]
async fn a_snapshot_that_cannot_be_read_changes_nothing_and_says_why() {
    let Some(aws) = controlled().await else { return };
    furnish(&aws).await;
    let (inventory, whole) = (aws.control().inventory(), aws.control().snapshot());
    let other = controlled()
        .await
        .expect("an empty endpoint")
        .control()
        .snapshot();
    let wrong = |change: &dyn Fn(&mut Value)| {
        // Of an empty endpoint, so that every part of it that were taken would show.
        let mut snapshot = other.clone();
        change(&mut snapshot);
        let refused = aws.control().restore(snapshot).expect_err("it is refused");
        assert_eq!(aws.control().inventory(), inventory, "{refused}");
        refused
    };

    let broken = wrong(&|snapshot| snapshot["services"]["rds"] = json!(7));
    assert!(broken.contains("the state of rds cannot be read"), "{broken}");
    let unknown = wrong(&|snapshot| snapshot["services"]["sqs"] = json!({}));
    assert!(unknown.contains("there is no service sqs"), "{unknown}");
    let missing = wrong(&|snapshot| {
        snapshot["services"]
            .as_object_mut()
            .expect("services")
            .remove("ec2");
    });
    assert!(missing.contains("the state of ec2 is missing"), "{missing}");
    let policy = wrong(&|snapshot| snapshot["commands"]["scps"] = json!({ "111111111111": "no policy" }));
    assert!(policy.contains("111111111111"), "{policy}");
    let keys = wrong(&|snapshot| snapshot["keys"] = json!(7));
    assert!(keys.contains("this is no snapshot"), "{keys}");

    aws.control().restore(whole).expect("the endpoint's own");
    assert_eq!(aws.control().inventory(), inventory);
}
