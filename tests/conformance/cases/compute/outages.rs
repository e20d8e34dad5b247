//! A lost zone: nothing starts there, and what stands there is impaired.

use aws_sdk_ec2::error::SdkError;
use conformance::{code, controlled};
use local_aws::Outage;

use crate::support::{address, client, filter, gateway, launch, running, stopped, subnet_in, vpc, zone_name};

/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html>
#[tokio::test]
async fn nothing_is_launched_in_a_lost_zone() {
    let Some(aws) = controlled().await else { return };
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let lost = launch(&ec2, &subnet_in(&ec2, &vpc_id, "10.0.1.0/24", 0).await).await;
    let other = launch(&ec2, &subnet_in(&ec2, &vpc_id, "10.0.2.0/24", 1).await).await;
    let outage = Outage::Zone(zone_name(&ec2, 0).await);
    aws.control().begin_outage(outage.clone());

    assert_eq!(code(lost.clone().send().await), "InsufficientInstanceCapacity");
    other.send().await.expect("the other zone works");
    aws.control().end_outage(&outage);
    lost.send().await.expect("the zone is back");
}

/// A stopped instance that cannot start stays stopped and can be changed back.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html>
#[tokio::test]
async fn nothing_is_started_in_a_lost_zone() {
    let Some(aws) = controlled().await else { return };
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let id = running(&ec2, &subnet_in(&ec2, &vpc_id, "10.0.1.0/24", 0).await).await;
    stopped(&ec2, &id).await;
    aws.control().begin_outage(Outage::Zone(zone_name(&ec2, 0).await));

    let refused = ec2.start_instances().instance_ids(&id).send().await;

    assert_eq!(code(refused), "InsufficientInstanceCapacity");
    assert_eq!(crate::support::state(&ec2, &id).await.as_str(), "stopped");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-system-instance-status-check.html>
#[tokio::test]
async fn instances_in_a_lost_zone_are_impaired() {
    let Some(aws) = controlled().await else { return };
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let there = running(&ec2, &subnet_in(&ec2, &vpc_id, "10.0.1.0/24", 0).await).await;
    running(&ec2, &subnet_in(&ec2, &vpc_id, "10.0.2.0/24", 1).await).await;
    let outage = Outage::Zone(zone_name(&ec2, 0).await);
    aws.control().begin_outage(outage.clone());
    let impaired = async || {
        let by = filter("system-status.status", "impaired");
        let found = ec2
            .describe_instance_status()
            .filters(by)
            .send()
            .await
            .expect("statuses");
        let ids = found
            .instance_statuses()
            .iter()
            .filter_map(|status| status.instance_id.clone());
        ids.collect::<Vec<_>>()
    };

    assert_eq!(impaired().await, [there]);
    aws.control().end_outage(&outage);
    assert!(impaired().await.is_empty());
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AvailabilityZone.html>
#[tokio::test]
async fn a_lost_zone_is_described_as_unavailable() {
    let Some(aws) = controlled().await else { return };
    let ec2 = client(&aws);
    let lost = zone_name(&ec2, 0).await;
    aws.control().begin_outage(Outage::Zone(lost.clone()));

    let found = ec2
        .describe_availability_zones()
        .filters(filter("state", "unavailable"));
    let found = found.send().await.expect("zones");

    let names: Vec<_> = found
        .availability_zones()
        .iter()
        .filter_map(|zone| zone.zone_name())
        .collect();
    assert_eq!(names, [lost.as_str()]);
}

/// <https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html>
#[tokio::test]
async fn a_nat_gateway_in_a_lost_zone_fails() {
    let Some(aws) = controlled().await else { return };
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    gateway(&ec2, &vpc_id).await;
    let subnet_id = subnet_in(&ec2, &vpc_id, "10.0.1.0/24", 0).await;
    let allocation = address(&ec2).await;
    aws.control().begin_outage(Outage::Zone(zone_name(&ec2, 0).await));

    let create = ec2
        .create_nat_gateway()
        .subnet_id(subnet_id)
        .allocation_id(&allocation);
    create.send().await.expect("it is pending");

    let found = ec2.describe_nat_gateways().send().await.expect("gateways");
    let nat = &found.nat_gateways()[0];
    assert_eq!(
        (
            nat.state().map(aws_sdk_ec2::types::NatGatewayState::as_str),
            nat.failure_code()
        ),
        (Some("failed"), Some("InternalError"))
    );
    ec2.release_address()
        .allocation_id(allocation)
        .send()
        .await
        .expect("it was not taken");
}

/// A region is one independent from others. <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-regions-availability-zones.html>
#[tokio::test]
async fn a_lost_region_does_not_answer_and_others_do() {
    let Some(aws) = controlled().await else { return };
    let (here, there) = (
        client(&aws),
        aws_sdk_ec2::Client::new(&aws.vendor().in_region("eu-west-1")),
    );
    let outage = Outage::Region(aws.region().to_owned());
    vpc(&here, "10.0.0.0/16").await;
    aws.control().begin_outage(outage.clone());

    let silent = here.describe_vpcs().send().await;
    assert!(
        matches!(
            silent,
            Err(SdkError::DispatchFailure(_) | SdkError::ResponseError(_))
        ),
        "{silent:?}"
    );
    there
        .describe_vpcs()
        .send()
        .await
        .expect("another region answers");
    aws.control().end_outage(&outage);
    let back = here.describe_vpcs().send().await.expect("it is back");
    assert_eq!(back.vpcs().len(), 1, "an outage deletes nothing");
}
