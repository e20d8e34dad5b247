//! Tag conditions and dry runs, the lock on everything provisioning may do.
//!
//! Sources: EC2 user guide, "Grant permission to tag Amazon EC2 resources during creation", "Control access to EC2
//! resources using resource tags"; EC2 API reference, "Error codes" (DryRunOperation, UnauthorizedOperation).

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{ResourceType, Tag};

use crate::support::{ACME, ISV, World, refusal, tags, trust};

const TENANT: &str = "tenantry:tenant";

/// Creates with the tenant's tag, changes what carries it, tags during creation only.
const PROVISIONER: &str = r#"{"Version":"2012-10-17","Statement":[
  {"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"},
  {"Effect":"Allow","Action":"ec2:CreateVpc","Resource":"*",
   "Condition":{"StringEquals":{"aws:RequestTag/tenantry:tenant":"acme"},
                "ForAllValues:StringLike":{"aws:TagKeys":"tenantry:*"}}},
  {"Effect":"Allow","Action":"ec2:CreateSubnet","Resource":"arn:aws:ec2:*:*:subnet/*",
   "Condition":{"StringEquals":{"aws:RequestTag/tenantry:tenant":"acme"}}},
  {"Effect":"Allow","Action":["ec2:CreateSubnet","ec2:DeleteVpc","ec2:DeleteSubnet"],"Resource":"*",
   "Condition":{"StringEquals":{"aws:ResourceTag/tenantry:tenant":"acme"}}},
  {"Effect":"Allow","Action":"ec2:CreateTags","Resource":"*",
   "Condition":{"StringEquals":{"ec2:CreateAction":["CreateVpc","CreateSubnet"]}}}]}"#;

async fn provisioner(world: &World) -> Client {
    let role = world
        .role(ACME, "provisioner", &trust(ISV, "{}"), PROVISIONER)
        .await;
    world.service(&role).ec2()
}

#[tokio::test]
async fn creation_needs_the_tag_and_only_tags_it_may_give() {
    let world = World::start().await;
    let ec2 = provisioner(&world).await;
    let create = |pairs: &[(&str, &str)]| {
        let request = ec2.create_vpc().cidr_block("10.0.0.0/16");
        let tags = (!pairs.is_empty()).then(|| vec![tags(ResourceType::Vpc, pairs)]);
        request.set_tag_specifications(tags).send()
    };

    assert_eq!(refusal(create(&[]).await), "UnauthorizedOperation");
    assert_eq!(
        refusal(create(&[(TENANT, "bolt")]).await),
        "UnauthorizedOperation"
    );
    assert_eq!(
        refusal(create(&[(TENANT, "acme"), ("other", "x")]).await),
        "UnauthorizedOperation"
    );
    create(&[(TENANT, "acme")]).await.expect("as the policy says");
    assert_eq!(
        world
            .control()
            .inventory_of(ACME)
            .iter()
            .filter(|item| item.kind == "ec2:vpc")
            .count(),
        1
    );
}

#[tokio::test]
async fn what_carries_another_tag_cannot_be_changed_or_built_upon() {
    let world = World::start().await;
    let ec2 = provisioner(&world).await;
    let root = world.root(ACME).ec2();
    let own = root
        .create_vpc()
        .cidr_block("10.0.0.0/16")
        .send()
        .await
        .expect("made by the customer");
    let own_id = own.vpc.and_then(|vpc| vpc.vpc_id).expect("an id");

    assert_eq!(
        refusal(ec2.delete_vpc().vpc_id(&own_id).send().await),
        "UnauthorizedOperation"
    );
    let subnet = ec2.create_subnet().vpc_id(&own_id).cidr_block("10.0.1.0/24");
    let subnet = subnet.tag_specifications(tags(ResourceType::Subnet, &[(TENANT, "acme")]));
    assert_eq!(refusal(subnet.send().await), "UnauthorizedOperation");
    let retag = ec2
        .create_tags()
        .resources(&own_id)
        .tags(Tag::builder().key(TENANT).value("acme").build());
    assert_eq!(
        refusal(retag.send().await),
        "UnauthorizedOperation",
        "tags come with creation only"
    );

    root.create_tags()
        .resources(&own_id)
        .tags(Tag::builder().key(TENANT).value("acme").build())
        .send()
        .await
        .expect("root may");
    ec2.delete_vpc()
        .vpc_id(&own_id)
        .send()
        .await
        .expect("now it is ours");
    // Not verified on AWS: an absent resource is "not found" for those who could delete it with the right tag.
    assert_eq!(
        refusal(ec2.delete_vpc().vpc_id(&own_id).send().await),
        "InvalidVpcID.NotFound"
    );
}

#[tokio::test]
async fn a_dry_run_answers_and_never_acts() {
    let world = World::start().await;
    let ec2 = provisioner(&world).await;
    let right = || ec2.create_vpc().cidr_block("10.0.0.0/16").dry_run(true);

    let allowed = right()
        .tag_specifications(tags(ResourceType::Vpc, &[(TENANT, "acme")]))
        .send()
        .await;
    assert_eq!(refusal(allowed), "DryRunOperation");
    assert_eq!(refusal(right().send().await), "UnauthorizedOperation");
    assert_eq!(
        refusal(ec2.allocate_address().dry_run(true).send().await),
        "UnauthorizedOperation"
    );
    assert_eq!(
        refusal(ec2.describe_vpcs().dry_run(true).send().await),
        "DryRunOperation"
    );

    let made: Vec<_> = world
        .control()
        .inventory_of(ACME)
        .into_iter()
        .filter(|item| item.kind != "iam:role")
        .collect();
    assert!(made.is_empty(), "{made:?}");
}

#[tokio::test]
async fn accounts_and_regions_do_not_see_each_other() {
    let world = World::start().await;
    let made = world
        .root(ACME)
        .ec2()
        .create_vpc()
        .cidr_block("10.0.0.0/16")
        .send()
        .await
        .expect("a network");
    let id = made.vpc.and_then(|vpc| vpc.vpc_id).expect("an id");
    let bolt = world.root(crate::support::BOLT).ec2();
    let keys = aws_sdk_ec2::config::Credentials::new(ACME, "test", None, None, "test");
    let elsewhere = world.clients(keys.clone(), "us-east-1").ec2();
    let closed = world.clients(keys, "af-south-1").ec2();

    assert_eq!(
        refusal(bolt.describe_vpcs().vpc_ids(&id).send().await),
        "InvalidVpcID.NotFound"
    );
    assert_eq!(
        refusal(bolt.delete_vpc().vpc_id(&id).send().await),
        "InvalidVpcID.NotFound"
    );
    assert_eq!(
        refusal(elsewhere.describe_vpcs().vpc_ids(&id).send().await),
        "InvalidVpcID.NotFound"
    );
    assert_eq!(refusal(closed.describe_vpcs().send().await), "AuthFailure");
}
