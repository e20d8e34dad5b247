//! Which calls a rule meets.

use conformance::controlled;
use conformance::local_aws::{Fault, FaultRule};

#[tokio::test]
async fn every_third_call_fails_and_only_so_often() {
    let Some(aws) = controlled().await else { return };
    let ec2 = aws_sdk_ec2::Client::new(&aws.vendor().config);
    let rule = FaultRule::on("DescribeVpcs", Fault::Throttle).every(3).times(2);
    assert!(aws.control().add_fault(rule));
    let mut failed = Vec::new();
    for call in 1..=12 {
        if ec2.describe_vpcs().send().await.is_err() {
            failed.push(call);
        }
    }
    assert_eq!(failed, [3, 6]);
}

#[tokio::test]
async fn a_full_disk_stops_who_writes_and_nobody_else() {
    let Some(aws) = controlled().await else { return };
    let ec2 = aws_sdk_ec2::Client::new(&aws.vendor().config);
    let full = FaultRule {
        operation: None,
        ..FaultRule::on("", Fault::DiskFull)
    };
    assert!(aws.control().add_fault(full.clone()));
    let refused = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await;
    assert_eq!(conformance::status(refused), 500);
    ec2.describe_vpcs().send().await.expect("reading goes on");
    assert!(aws.control().inventory().is_empty());
    assert!(aws.control().remove_fault(&full));
    ec2.create_vpc()
        .cidr_block("10.0.0.0/16")
        .send()
        .await
        .expect("there is room");
}
