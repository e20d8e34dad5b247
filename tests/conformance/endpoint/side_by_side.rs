//! That endpoints in one process know nothing of each other.

use conformance::controlled;

#[tokio::test]
async fn twenty_endpoints_start_side_by_side_and_each_answers_for_itself() {
    let mut endpoints = Vec::new();
    for _ in 0..20 {
        let Some(aws) = controlled().await else { return };
        endpoints.push(aws);
    }
    for (number, aws) in endpoints.iter().enumerate() {
        let ec2 = aws_sdk_ec2::Client::new(&aws.vendor().config);
        for network in 0..number {
            let made = ec2
                .create_vpc()
                .cidr_block(format!("10.{network}.0.0/16"))
                .send()
                .await;
            // Five VPCs are the quota of a region.
            assert_eq!(made.is_ok(), network < 5);
        }
    }
    for (number, aws) in endpoints.iter().enumerate() {
        assert_eq!(
            aws.control().inventory().len(),
            number.min(5),
            "endpoint {number}"
        );
        assert_eq!(aws.control().calls().len(), number, "endpoint {number}");
    }
}
