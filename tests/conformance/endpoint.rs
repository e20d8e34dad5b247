//! What is the endpoint's own and no behaviour of AWS: that every service's state survives a restart, and can be
//! taken back to a snapshot.

use std::path::Path;

use aws_sdk_elasticloadbalancingv2::types::ProtocolEnum;
use conformance::local_aws::{Control, InventoryItem, Options};
use conformance::{Aws, controlled, controlled_with};

fn over(directory: &Path) -> Options {
    Options {
        data_dir: Some(directory.to_owned()),
        ..Options::default()
    }
}

/// One thing of each service that keeps its state in the state file.
async fn furnish(aws: &Aws) {
    let config = &aws.vendor().config;
    let vpc = aws_sdk_ec2::Client::new(config)
        .create_vpc()
        .cidr_block("10.0.0.0/16")
        .send()
        .await;
    let vpc = vpc.expect("a VPC").vpc.and_then(|vpc| vpc.vpc_id).expect("an id");
    let elb = aws_sdk_elasticloadbalancingv2::Client::new(config);
    let group = elb
        .create_target_group()
        .name("app")
        .protocol(ProtocolEnum::Http)
        .port(80)
        .vpc_id(vpc);
    group.send().await.expect("a target group");
    let dns = aws_sdk_route53::Client::new(config);
    let zone = dns
        .create_hosted_zone()
        .name("kept.example")
        .caller_reference("r");
    zone.send().await.expect("a zone");
    aws_sdk_kms::Client::new(config)
        .create_key()
        .send()
        .await
        .expect("a key");
    let acm = aws_sdk_acm::Client::new(config);
    let certificate = acm.request_certificate().domain_name("kept.example");
    certificate.send().await.expect("a certificate");
    let iam = aws_sdk_iam::Client::new(config);
    iam.create_user().user_name("ada").send().await.expect("a user");
}

fn kinds(inventory: &[InventoryItem]) -> Vec<&str> {
    let mut kinds: Vec<&str> = inventory.iter().map(|item| item.kind.as_str()).collect();
    kinds.sort_unstable();
    kinds
}

/// A quota that was applied, beside what the inventory shows.
async fn quota(aws: &Aws) -> Option<f64> {
    let quotas = aws_sdk_servicequotas::Client::new(&aws.vendor().config);
    let asked = quotas
        .get_service_quota()
        .service_code("vpc")
        .quota_code("L-F678F1CE");
    asked
        .send()
        .await
        .expect("a quota")
        .quota
        .and_then(|quota| quota.value)
}

fn apply(control: &Control, aws: &Aws, value: u64) {
    assert!(control.set_quota((&aws.vendor().id, aws.region()), "L-F678F1CE", value));
}

#[tokio::test]
async fn the_state_of_every_service_survives_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let Some(aws) = controlled_with(over(directory.path())).await else {
        return;
    };
    furnish(&aws).await;
    apply(&aws.control(), &aws, 77);
    let before = aws.control().inventory();
    let expected = [
        "acm:certificate",
        "ec2:vpc",
        "elasticloadbalancing:targetgroup",
        "iam:user",
        "kms:key",
        "route53:hostedzone",
    ];
    assert_eq!(kinds(&before), expected);
    aws.stop().await;

    let aws = controlled_with(over(directory.path()))
        .await
        .expect("the same endpoint");

    assert_eq!(aws.control().inventory(), before);
    assert_eq!(quota(&aws).await, Some(77.0));
}

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
    assert!(aws.control().restore(serde_json::json!({ "keys": 7 })).is_err());
    assert_eq!(
        aws.control().inventory(),
        inventory,
        "what cannot be read changes nothing"
    );
}
