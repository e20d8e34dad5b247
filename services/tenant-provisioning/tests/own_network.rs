//! A deployment in a network of the tenant's: everything of ours stands in it, and nothing of it is touched.

mod support;

use std::collections::BTreeSet;

use aws_access::ec2::Furnished;
use local_aws::InventoryItem;
use support::{Customer, Installation};
use tenant_model::{
    blueprint::NetworkChoice,
    deployment::{Phase, Profile},
};

const ZONES: [&str; 2] = ["eu-central-1a", "eu-central-1b"];

fn items(installation: &Installation, customer: &Customer) -> Vec<InventoryItem> {
    installation.world.control.inventory_of(&customer.account)
}

fn subnets(items: &[InventoryItem], purpose: &str) -> Vec<String> {
    let of_purpose = |item: &&InventoryItem| {
        item.kind == "ec2:subnet" && item.tags.get("tenantry:subnet").is_some_and(|tag| tag == purpose)
    };
    items
        .iter()
        .filter(of_purpose)
        .map(|item| item.id.clone())
        .collect()
}

/// What is not ours, as it is. Load balancers and databases add a few things of AWS's own.
fn theirs(items: &[InventoryItem]) -> BTreeSet<(String, String, String)> {
    let ours = |item: &&InventoryItem| item.tags.contains_key("tenantry:deployment");
    let theirs = items.iter().filter(|item| !ours(item));
    theirs
        .map(|item| (item.kind.clone(), item.id.clone(), format!("{:?}", item.tags)))
        .collect()
}

async fn lives_in_an_own_network(profile: Profile) {
    let mut installation = Installation::start().await;
    installation.profile = profile;
    let acme = installation.customer(1).await;
    let root = installation.world.root_of(&acme.account).await;
    let furnished = Furnished {
        tenant_id: acme.tenant_id,
        prefix: "10.99",
        zones: &ZONES,
        private: true,
    };
    let vpc = root.ec2().furnish(&furnished).await.expect("a network");
    let before = items(&installation, &acme);
    installation.network = NetworkChoice::Existing {
        vpc,
        public_subnets: subnets(&before, "public"),
        private_subnets: subnets(&before, "private"),
    };
    let operation = installation.approved(&acme).await;
    installation.until(operation.deployment_id, Phase::Ready).await;
    let standing = items(&installation, &acme);
    assert!(
        theirs(&before).is_subset(&theirs(&standing)),
        "nothing of theirs is changed or tagged"
    );
    let network = [
        "ec2:vpc",
        "ec2:subnet",
        "ec2:route-table",
        "ec2:natgateway",
        "ec2:vpc-endpoint",
    ];
    let ours = standing
        .iter()
        .filter(|item| item.tags.contains_key("tenantry:deployment"));
    let of_network: Vec<_> = ours
        .filter(|item| network.contains(&item.kind.as_str()))
        .collect();
    assert_eq!(of_network, Vec::<&InventoryItem>::new());

    installation.deleted(operation.deployment_id).await;
    installation.until(operation.deployment_id, Phase::Deleted).await;
    let after = theirs(&items(&installation, &acme));
    assert!(theirs(&before).is_subset(&after), "nor taken away");
    installation.assert_empty(&acme, "deleted");
}

#[tokio::test]
async fn a_single_machine_stands_in_a_network_of_the_tenants_and_leaves_it_as_it_was() {
    lives_in_an_own_network(Profile::Single).await;
}

#[tokio::test]
async fn two_zones_of_the_tenants_network_are_used_and_left_as_they_were() {
    lives_in_an_own_network(Profile::HighlyAvailable).await;
}
