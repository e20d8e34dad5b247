//! Internet gateways.

use conformance::{aws, code};

use crate::support::{client, filter, gateway, sweep, vpc};

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AttachInternetGateway.html>
#[tokio::test]
async fn a_gateway_serves_one_network_and_a_network_has_one() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let (one, two) = (vpc(&ec2, "10.0.0.0/16").await, vpc(&ec2, "10.1.0.0/16").await);
    let gateway_id = gateway(&ec2, &one).await;
    let attach = |id: &str, vpc_id: &str| {
        let attach = ec2.attach_internet_gateway().internet_gateway_id(id);
        attach.vpc_id(vpc_id).send()
    };

    assert_eq!(
        code(attach(&gateway_id, &two).await),
        "Resource.AlreadyAssociated"
    );
    let spare = ec2.create_internet_gateway().send().await.expect("a gateway");
    let spare = spare
        .internet_gateway
        .and_then(|made| made.internet_gateway_id)
        .expect("an id");
    assert_eq!(code(attach(&spare, &one).await), "InvalidParameterValue");

    ec2.delete_internet_gateway()
        .internet_gateway_id(&spare)
        .send()
        .await
        .expect("nothing uses it");
    sweep(&ec2, &one).await;
    sweep(&ec2, &two).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DetachInternetGateway.html>
#[tokio::test]
async fn a_gateway_is_detached_only_from_its_own_network() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let (one, two) = (vpc(&ec2, "10.0.0.0/16").await, vpc(&ec2, "10.1.0.0/16").await);
    let gateway_id = gateway(&ec2, &one).await;

    let detach = ec2
        .detach_internet_gateway()
        .internet_gateway_id(&gateway_id)
        .vpc_id(&two);

    assert_eq!(code(detach.send().await), "Gateway.NotAttached");
    sweep(&ec2, &one).await;
    sweep(&ec2, &two).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteInternetGateway.html>
#[tokio::test]
async fn an_attached_gateway_is_not_deleted_and_holds_its_network() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let gateway_id = gateway(&ec2, &vpc_id).await;

    let delete = ec2.delete_internet_gateway().internet_gateway_id(&gateway_id);
    assert_eq!(code(delete.send().await), "DependencyViolation");
    assert_eq!(
        code(ec2.delete_vpc().vpc_id(&vpc_id).send().await),
        "DependencyViolation"
    );
    sweep(&ec2, &vpc_id).await;
    let found = ec2
        .describe_internet_gateways()
        .filters(filter("internet-gateway-id", &gateway_id));
    assert!(
        found
            .send()
            .await
            .expect("an answer")
            .internet_gateways()
            .is_empty()
    );
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
#[tokio::test]
async fn an_unknown_gateway_is_refused() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let unknown = "igw-00000000000000000";

    let delete = ec2.delete_internet_gateway().internet_gateway_id(unknown);
    assert_eq!(code(delete.send().await), "InvalidInternetGatewayID.NotFound");
    let describe = ec2.describe_internet_gateways().internet_gateway_ids(unknown);
    assert_eq!(code(describe.send().await), "InvalidInternetGatewayID.NotFound");
}
