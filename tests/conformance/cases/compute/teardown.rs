//! A whole network goes in order and leaves nothing.

use aws_sdk_ec2::types::ConnectivityType;
use conformance::{code, controlled};

use crate::support::{
    address, client, gateway, group, running, subnet_in, sweep, table, template, volume, vpc,
};

/// <https://docs.aws.amazon.com/vpc/latest/userguide/delete-vpc.html>
#[tokio::test]
async fn a_full_teardown_leaves_nothing() {
    let Some(aws) = controlled().await else { return };
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let gateway_id = gateway(&ec2, &vpc_id).await;
    let (public, private) = (
        subnet_in(&ec2, &vpc_id, "10.0.1.0/24", 0).await,
        subnet_in(&ec2, &vpc_id, "10.0.2.0/24", 1).await,
    );
    let table_id = table(&ec2, &vpc_id).await;
    let route = ec2
        .create_route()
        .route_table_id(&table_id)
        .gateway_id(&gateway_id);
    route
        .destination_cidr_block("0.0.0.0/0")
        .send()
        .await
        .expect("a route");
    let associate = ec2
        .associate_route_table()
        .route_table_id(&table_id)
        .subnet_id(&public);
    associate.send().await.expect("associated");
    let allocation = address(&ec2).await;
    let nat = ec2
        .create_nat_gateway()
        .subnet_id(&public)
        .allocation_id(&allocation);
    nat.send().await.expect("a NAT gateway");
    let endpoint = ec2
        .create_vpc_endpoint()
        .vpc_id(&vpc_id)
        .route_table_ids(&table_id);
    let endpoint = endpoint.service_name(format!("com.amazonaws.{}.s3", aws.region()));
    endpoint.send().await.expect("an endpoint");
    group(&ec2, &vpc_id, "web").await;
    running(&ec2, &private).await;
    let (template_id, volume_id) = (template(&ec2, "template").await, volume(&ec2, 5).await);

    sweep(&ec2, &vpc_id).await;
    ec2.release_address()
        .allocation_id(allocation)
        .send()
        .await
        .expect("it is free");
    ec2.delete_launch_template()
        .launch_template_id(template_id)
        .send()
        .await
        .expect("it goes");
    ec2.delete_volume()
        .volume_id(volume_id)
        .send()
        .await
        .expect("it goes");

    let left = aws.control().inventory();
    assert!(left.is_empty(), "{left:?}");
}

/// <https://docs.aws.amazon.com/vpc/latest/userguide/delete-vpc.html>
#[tokio::test]
async fn each_thing_in_a_network_holds_it_until_it_is_gone() {
    let Some(aws) = controlled().await else { return };
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let subnet_id = subnet_in(&ec2, &vpc_id, "10.0.1.0/24", 0).await;
    let nat = ec2
        .create_nat_gateway()
        .subnet_id(&subnet_id)
        .connectivity_type(ConnectivityType::Private);
    let nat = nat
        .send()
        .await
        .expect("a NAT gateway")
        .nat_gateway
        .expect("a NAT gateway");
    let delete = || ec2.delete_vpc().vpc_id(&vpc_id).send();
    let delete_subnet = || ec2.delete_subnet().subnet_id(&subnet_id).send();

    assert_eq!(
        code(delete_subnet().await),
        "DependencyViolation",
        "the gateway's interface"
    );
    ec2.delete_nat_gateway()
        .set_nat_gateway_id(nat.nat_gateway_id)
        .send()
        .await
        .expect("it goes");
    assert_eq!(code(delete().await), "DependencyViolation", "the subnet");
    delete_subnet().await.expect("it is empty");
    delete().await.expect("it is empty");
    assert!(aws.control().inventory().is_empty());
}
