//! Elastic addresses.

use conformance::{aws, code, controlled};

use crate::support::{address, client, filter, gateway, instance, running, subnet, sweep, terminated, vpc};

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AllocateAddress.html>
#[tokio::test]
async fn two_allocations_are_two_addresses() {
    let aws = aws().await;
    let ec2 = client(&aws);

    let (one, two) = (address(&ec2).await, address(&ec2).await);

    assert_ne!(one, two, "AllocateAddress has no token");
    for id in [one, two] {
        ec2.release_address()
            .allocation_id(id)
            .send()
            .await
            .expect("released");
    }
}

/// Five in a region. <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/elastic-ip-addresses-eip.html>
#[tokio::test]
async fn a_sixth_address_is_above_the_quota() {
    let Some(aws) = controlled().await else { return };
    let ec2 = client(&aws);
    for _ in 0..5 {
        address(&ec2).await;
    }

    assert_eq!(code(ec2.allocate_address().send().await), "AddressLimitExceeded");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateAddress.html>
#[tokio::test]
async fn an_address_needs_a_gateway_in_its_network() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let subnet_id = subnet(&ec2, &vpc_id, "10.0.1.0/24").await;
    let instance_id = running(&ec2, &subnet_id).await;
    let allocation = address(&ec2).await;

    let associate = ec2
        .associate_address()
        .allocation_id(&allocation)
        .instance_id(&instance_id);

    assert_eq!(code(associate.send().await), "Gateway.NotAttached");
    ec2.release_address()
        .allocation_id(allocation)
        .send()
        .await
        .expect("released");
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReleaseAddress.html>
#[tokio::test]
async fn an_associated_address_is_not_released_and_holds_the_gateway() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let subnet_id = subnet(&ec2, &vpc_id, "10.0.1.0/24").await;
    let gateway_id = gateway(&ec2, &vpc_id).await;
    let instance_id = running(&ec2, &subnet_id).await;
    let allocation = address(&ec2).await;
    let associate = || {
        ec2.associate_address()
            .allocation_id(&allocation)
            .instance_id(&instance_id)
            .send()
    };

    let association = associate()
        .await
        .expect("associated")
        .association_id
        .expect("an id");
    assert_eq!(
        associate().await.expect("once more").association_id,
        Some(association.clone())
    );
    assert_eq!(
        code(ec2.release_address().allocation_id(&allocation).send().await),
        "InvalidIPAddress.InUse"
    );
    let detach = ec2
        .detach_internet_gateway()
        .internet_gateway_id(&gateway_id)
        .vpc_id(&vpc_id);
    assert_eq!(code(detach.send().await), "DependencyViolation");
    let disassociate = || ec2.disassociate_address().association_id(&association).send();
    disassociate().await.expect("let go");
    assert_eq!(code(disassociate().await), "InvalidAssociationID.NotFound");
    ec2.release_address()
        .allocation_id(&allocation)
        .send()
        .await
        .expect("released");
    sweep(&ec2, &vpc_id).await;
}

/// An elastic address stays with a stopped instance.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/elastic-ip-addresses-eip.html>
#[tokio::test]
async fn an_address_outlives_a_stop_and_goes_free_at_the_end() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let subnet_id = subnet(&ec2, &vpc_id, "10.0.1.0/24").await;
    gateway(&ec2, &vpc_id).await;
    let instance_id = running(&ec2, &subnet_id).await;
    let made = ec2.allocate_address().send().await.expect("an address");
    let allocation = made.allocation_id.expect("an id");
    let associate = ec2
        .associate_address()
        .allocation_id(&allocation)
        .instance_id(&instance_id);
    associate.send().await.expect("associated");

    crate::support::stopped(&ec2, &instance_id).await;
    let kept = instance(&ec2, &instance_id).await;
    assert_eq!(kept.public_ip_address(), made.public_ip.as_deref());
    terminated(&ec2, &instance_id).await;
    let found = ec2
        .describe_addresses()
        .allocation_ids(&allocation)
        .send()
        .await
        .expect("an address");
    assert_eq!(found.addresses()[0].association_id(), None);
    ec2.release_address()
        .allocation_id(&allocation)
        .send()
        .await
        .expect("released");
    sweep(&ec2, &vpc_id).await;
}

/// Without AllowReassociation an address moves by default; with `false` it does not.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateAddress.html>
#[tokio::test]
async fn an_address_is_not_taken_away_where_that_is_forbidden() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let subnet_id = subnet(&ec2, &vpc_id, "10.0.1.0/24").await;
    gateway(&ec2, &vpc_id).await;
    let (one, two) = (running(&ec2, &subnet_id).await, running(&ec2, &subnet_id).await);
    let allocation = address(&ec2).await;
    let to = |id: &str, may: bool| {
        let associate = ec2.associate_address().allocation_id(&allocation).instance_id(id);
        associate.allow_reassociation(may).send()
    };
    to(&one, false).await.expect("associated");

    assert_eq!(code(to(&two, false).await), "Resource.AlreadyAssociated");
    to(&two, true).await.expect("moved");
    let found = ec2
        .describe_addresses()
        .filters(filter("instance-id", &two))
        .send()
        .await
        .expect("addresses");
    assert_eq!(found.addresses()[0].allocation_id(), Some(allocation.as_str()));
    terminated(&ec2, &two).await;
    ec2.release_address()
        .allocation_id(&allocation)
        .send()
        .await
        .expect("released");
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
#[tokio::test]
async fn an_unknown_address_is_refused() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let unknown = "eipalloc-00000000000000000";

    assert_eq!(
        code(ec2.release_address().allocation_id(unknown).send().await),
        "InvalidAllocationID.NotFound"
    );
    let describe = ec2.describe_addresses().allocation_ids(unknown).send().await;
    assert_eq!(code(describe), "InvalidAllocationID.NotFound");
}
