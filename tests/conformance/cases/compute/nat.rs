//! NAT gateways.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{ConnectivityType, NatGateway, NatGatewayState};
use chrono::TimeDelta;
use conformance::{aws, code, controlled, eventually};
use local_aws::LatencyModel;

use crate::support::{address, client, filter, gateway, subnet, sweep, table, vpc};

async fn nat(ec2: &Client, subnet_id: &str, allocation: &str) -> String {
    let made = ec2
        .create_nat_gateway()
        .subnet_id(subnet_id)
        .allocation_id(allocation)
        .send()
        .await;
    let nat = made.expect("a NAT gateway").nat_gateway.expect("a NAT gateway");
    assert_eq!(nat.state(), Some(&NatGatewayState::Pending), "it takes a moment");
    nat.nat_gateway_id.expect("an id")
}

async fn described(ec2: &Client, id: &str) -> NatGateway {
    let found = ec2
        .describe_nat_gateways()
        .nat_gateway_ids(id)
        .send()
        .await
        .expect("a NAT gateway");
    found.nat_gateways()[0].clone()
}

async fn reaches(ec2: &Client, id: &str, wanted: NatGatewayState) {
    eventually("the gateway's state", async || {
        described(ec2, id).await.state == Some(wanted.clone())
    })
    .await;
}

async fn public_site(ec2: &Client) -> (String, String) {
    let vpc_id = vpc(ec2, "10.0.0.0/16").await;
    gateway(ec2, &vpc_id).await;
    let subnet_id = subnet(ec2, &vpc_id, "10.0.1.0/24").await;
    (vpc_id, subnet_id)
}

/// <https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-working-with.html>
#[tokio::test]
async fn a_public_gateway_has_its_address_and_an_interface_of_its_own() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let (vpc_id, subnet_id) = public_site(&ec2).await;
    let allocation = address(&ec2).await;

    let id = nat(&ec2, &subnet_id, &allocation).await;
    reaches(&ec2, &id, NatGatewayState::Available).await;

    let nat = described(&ec2, &id).await;
    let address = &nat.nat_gateway_addresses()[0];
    assert_eq!(address.allocation_id(), Some(allocation.as_str()));
    assert!(address.public_ip().is_some() && address.private_ip().is_some());
    let find = ec2.describe_network_interfaces();
    let found = find.network_interface_ids(address.network_interface_id().expect("an id"));
    let found = found.send().await.expect("its interface");
    let interface = &found.network_interfaces()[0];
    assert_eq!(interface.requester_managed(), Some(true));
    assert_eq!(
        interface
            .interface_type()
            .map(aws_sdk_ec2::types::NetworkInterfaceType::as_str),
        Some("nat_gateway")
    );
    assert_eq!(
        interface.description(),
        Some(format!("Interface for NAT Gateway {id}").as_str())
    );
    sweep(&ec2, &vpc_id).await;
    ec2.release_address()
        .allocation_id(allocation)
        .send()
        .await
        .expect("released");
}

/// The address is held until the gateway is gone, and then it is the account's again.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteNatGateway.html>
#[tokio::test]
async fn the_address_of_a_gateway_is_not_released() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let (vpc_id, subnet_id) = public_site(&ec2).await;
    let allocation = address(&ec2).await;
    let id = nat(&ec2, &subnet_id, &allocation).await;
    reaches(&ec2, &id, NatGatewayState::Available).await;
    let release = || ec2.release_address().allocation_id(&allocation).send();

    assert_eq!(code(release().await), "InvalidIPAddress.InUse");
    let found = ec2
        .describe_addresses()
        .allocation_ids(&allocation)
        .send()
        .await
        .expect("an address");
    let association = found.addresses()[0].association_id().expect("it is associated");
    let disassociate = ec2
        .disassociate_address()
        .association_id(association)
        .send()
        .await;
    assert_eq!(
        code(disassociate),
        "AuthFailure",
        "the gateway's association is AWS's own"
    );

    ec2.delete_nat_gateway()
        .nat_gateway_id(&id)
        .send()
        .await
        .expect("it goes");
    reaches(&ec2, &id, NatGatewayState::Deleted).await;
    release().await.expect("it is free");
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-working-with.html>
#[tokio::test]
async fn a_gateway_holds_its_subnet_until_it_is_gone() {
    let Some(aws) = controlled().await else { return };
    let ec2 = client(&aws);
    let (_, subnet_id) = public_site(&ec2).await;
    let allocation = address(&ec2).await;
    aws.control()
        .set_latency(LatencyModel::Realistic { per_mille: 1_000 });
    let id = nat(&ec2, &subnet_id, &allocation).await;
    let delete_subnet = || ec2.delete_subnet().subnet_id(&subnet_id).send();

    assert_eq!(described(&ec2, &id).await.state, Some(NatGatewayState::Pending));
    aws.advance(TimeDelta::minutes(3));
    assert_eq!(described(&ec2, &id).await.state, Some(NatGatewayState::Available));
    ec2.delete_nat_gateway()
        .nat_gateway_id(&id)
        .send()
        .await
        .expect("it goes");
    assert_eq!(described(&ec2, &id).await.state, Some(NatGatewayState::Deleting));
    assert_eq!(code(delete_subnet().await), "DependencyViolation");
    assert_eq!(
        code(ec2.release_address().allocation_id(&allocation).send().await),
        "InvalidIPAddress.InUse"
    );
    aws.advance(TimeDelta::minutes(2));
    assert_eq!(described(&ec2, &id).await.state, Some(NatGatewayState::Deleted));
    delete_subnet().await.expect("its interface is gone");
}

/// A deleted gateway is shown for about an hour.
/// <https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-working-with.html>
#[tokio::test]
async fn a_deleted_gateway_is_described_for_an_hour_and_is_no_live_resource() {
    let Some(aws) = controlled().await else { return };
    let ec2 = client(&aws);
    let (_, subnet_id) = public_site(&ec2).await;
    let id = nat(&ec2, &subnet_id, &address(&ec2).await).await;
    let delete = || ec2.delete_nat_gateway().nat_gateway_id(&id).send();
    delete().await.expect("it goes");

    let gone = described(&ec2, &id).await;
    assert_eq!(gone.state, Some(NatGatewayState::Deleted));
    assert!(gone.delete_time().is_some());
    delete().await.expect("deleting twice is fine");
    let live = aws.control().inventory_of(&aws.vendor().id);
    assert!(!live.iter().any(|item| item.kind == "ec2:natgateway"), "{live:?}");
    aws.advance(TimeDelta::minutes(61));
    let unknown = ec2.describe_nat_gateways().nat_gateway_ids(&id).send().await;
    assert_eq!(code(unknown), "NatGatewayNotFound");
}

/// <https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html>
#[tokio::test]
async fn a_gateway_in_a_network_without_internet_gateway_fails() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let subnet_id = subnet(&ec2, &vpc_id, "10.0.1.0/24").await;
    let allocation = address(&ec2).await;

    let id = nat(&ec2, &subnet_id, &allocation).await;
    reaches(&ec2, &id, NatGatewayState::Failed).await;

    assert_eq!(
        described(&ec2, &id).await.failure_code(),
        Some("Gateway.NotAttached")
    );
    ec2.release_address()
        .allocation_id(allocation)
        .send()
        .await
        .expect("it was not taken");
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html>
#[tokio::test]
async fn a_gateway_with_an_address_in_use_fails() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let (vpc_id, subnet_id) = public_site(&ec2).await;
    let allocation = address(&ec2).await;
    let first = nat(&ec2, &subnet_id, &allocation).await;
    reaches(&ec2, &first, NatGatewayState::Available).await;

    let second = nat(&ec2, &subnet_id, &allocation).await;
    reaches(&ec2, &second, NatGatewayState::Failed).await;

    assert_eq!(
        described(&ec2, &second).await.failure_code(),
        Some("Resource.AlreadyAssociated")
    );
    sweep(&ec2, &vpc_id).await;
    ec2.release_address()
        .allocation_id(allocation)
        .send()
        .await
        .expect("released");
}

/// A private gateway has no elastic address.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNatGateway.html>
#[tokio::test]
async fn a_private_gateway_takes_no_address_and_a_public_one_needs_it() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let (vpc_id, subnet_id) = public_site(&ec2).await;
    let allocation = address(&ec2).await;
    let create = || ec2.create_nat_gateway().subnet_id(&subnet_id);

    assert_eq!(code(create().send().await), "MissingParameter");
    let both = create()
        .connectivity_type(ConnectivityType::Private)
        .allocation_id(&allocation);
    assert_eq!(code(both.send().await), "InvalidParameterCombination");
    let private = create()
        .connectivity_type(ConnectivityType::Private)
        .send()
        .await
        .expect("a NAT gateway");
    let private = private.nat_gateway.expect("a NAT gateway");
    assert_eq!(private.connectivity_type(), Some(&ConnectivityType::Private));
    assert_eq!(private.nat_gateway_addresses()[0].public_ip(), None);
    sweep(&ec2, &vpc_id).await;
    ec2.release_address()
        .allocation_id(allocation)
        .send()
        .await
        .expect("released");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNatGateway.html>
#[tokio::test]
async fn the_same_token_gives_the_same_gateway() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let (vpc_id, subnet_id) = public_site(&ec2).await;
    let other_subnet = subnet(&ec2, &vpc_id, "10.0.2.0/24").await;
    let (allocation, token) = (address(&ec2).await, aws.name("nat"));
    let create = |subnet_id: &str| {
        let create = ec2.create_nat_gateway().subnet_id(subnet_id);
        create.allocation_id(&allocation).client_token(&token).send()
    };
    let id = |made: aws_sdk_ec2::operation::create_nat_gateway::CreateNatGatewayOutput| {
        made.nat_gateway
            .and_then(|nat| nat.nat_gateway_id)
            .expect("an id")
    };

    let first = id(create(&subnet_id).await.expect("a NAT gateway"));
    assert_eq!(id(create(&subnet_id).await.expect("the same one")), first);
    assert_eq!(code(create(&other_subnet).await), "IdempotentParameterMismatch");
    let found = ec2
        .describe_nat_gateways()
        .filter(filter("vpc-id", &vpc_id))
        .send()
        .await
        .expect("gateways");
    assert_eq!(found.nat_gateways().len(), 1);
    sweep(&ec2, &vpc_id).await;
    ec2.release_address()
        .allocation_id(allocation)
        .send()
        .await
        .expect("released");
}

/// Five in a zone. <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>
#[tokio::test]
async fn a_sixth_gateway_in_a_zone_is_above_the_quota() {
    let Some(aws) = controlled().await else { return };
    let ec2 = client(&aws);
    let (_, subnet_id) = public_site(&ec2).await;
    let create = || {
        let create = ec2.create_nat_gateway().subnet_id(&subnet_id);
        create.connectivity_type(ConnectivityType::Private).send()
    };
    for _ in 0..5 {
        create().await.expect("a NAT gateway");
    }

    assert_eq!(code(create().await), "NatGatewayLimitExceeded");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
#[tokio::test]
async fn unknown_gateways_subnets_and_addresses_are_refused() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let (vpc_id, subnet_id) = public_site(&ec2).await;
    let create = |subnet_id: &str| {
        let create = ec2.create_nat_gateway().subnet_id(subnet_id);
        create.allocation_id("eipalloc-00000000000000000").send()
    };

    let delete = ec2
        .delete_nat_gateway()
        .nat_gateway_id("nat-00000000000000000")
        .send()
        .await;
    assert_eq!(code(delete), "NatGatewayNotFound");
    let malformed = ec2.delete_nat_gateway().nat_gateway_id("nat").send().await;
    assert_eq!(code(malformed), "NatGatewayMalformed");
    assert_eq!(
        code(create("subnet-00000000000000000").await),
        "InvalidSubnetID.NotFound"
    );
    assert_eq!(code(create(&subnet_id).await), "InvalidAllocationID.NotFound");
    sweep(&ec2, &vpc_id).await;
}

/// A private subnet's way out. <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html>
#[tokio::test]
async fn a_route_leads_to_a_gateway_and_drops_traffic_when_it_is_gone() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let (vpc_id, subnet_id) = public_site(&ec2).await;
    let (allocation, table_id) = (address(&ec2).await, table(&ec2, &vpc_id).await);
    let id = nat(&ec2, &subnet_id, &allocation).await;
    reaches(&ec2, &id, NatGatewayState::Available).await;
    let route = |id: &str| {
        let create = ec2.create_route().route_table_id(&table_id).nat_gateway_id(id);
        create.destination_cidr_block("0.0.0.0/0").send()
    };
    let state = async || {
        let by = filter("route.nat-gateway-id", &id);
        let found = ec2
            .describe_route_tables()
            .filters(by)
            .send()
            .await
            .expect("tables");
        let routes = found.route_tables()[0].routes().to_vec();
        let route = routes
            .into_iter()
            .find(|route| route.nat_gateway_id() == Some(id.as_str()));
        route
            .and_then(|route| route.state)
            .expect("a state")
            .as_str()
            .to_owned()
    };

    route(&id).await.expect("a route");
    assert_eq!(state().await, "active");
    assert_eq!(code(route("nat-00000000000000000").await), "NatGatewayNotFound");
    ec2.delete_nat_gateway()
        .nat_gateway_id(&id)
        .send()
        .await
        .expect("it goes");
    reaches(&ec2, &id, NatGatewayState::Deleted).await;
    eventually("the route is a black hole", async || state().await == "blackhole").await;
    sweep(&ec2, &vpc_id).await;
    ec2.release_address()
        .allocation_id(allocation)
        .send()
        .await
        .expect("released");
}
