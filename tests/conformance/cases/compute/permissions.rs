//! Permissions: tag conditions, dry runs, and what one account sees of another.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{LaunchTemplateSpecification, ResourceType};
use conformance::{Aws, aws, code, controlled};

use crate::support::{
    client, gateway, launch, subnet, sweep, tag, tags, template, template_data, vpc, zone_name,
};

const TEAM: &str = "team";

/// Creates with the team's tag, changes what carries it, tags during creation only.
const BUILDER: &str = r#"
  {"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"},
  {"Effect":"Allow","Action":["ec2:CreateVpc","ec2:CreateSnapshot"],"Resource":"*",
   "Condition":{"StringEquals":{"aws:RequestTag/team":"data"},"ForAllValues:StringLike":{"aws:TagKeys":"team*"}}},
  {"Effect":"Allow","Action":"ec2:CreateSubnet","Resource":"arn:aws:ec2:*:*:subnet/*",
   "Condition":{"StringEquals":{"aws:RequestTag/team":"data"}}},
  {"Effect":"Allow","Action":["ec2:CreateSubnet","ec2:DeleteVpc","ec2:DeleteSubnet"],"Resource":"*",
   "Condition":{"StringEquals":{"aws:ResourceTag/team":"data"}}},
  {"Effect":"Allow","Action":"ec2:CreateTags","Resource":"*",
   "Condition":{"StringEquals":{"ec2:CreateAction":["CreateVpc","CreateSubnet","CreateSnapshot"]}}}"#;

/// A client under a role of the vendor with these statements.
pub(crate) async fn under(aws: &Aws, statements: &str) -> Client {
    let iam = aws_sdk_iam::Client::new(&aws.vendor().config);
    let name = aws.name("role");
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{}"}},"Action":"sts:AssumeRole"}}]}}"#,
        aws.vendor().root_arn()
    );
    let create = iam
        .create_role()
        .role_name(&name)
        .assume_role_policy_document(trust);
    let role = create.send().await.expect("a role").role.expect("a role");
    let put = iam.put_role_policy().role_name(&name).policy_name("own");
    let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    put.policy_document(policy).send().await.expect("its policy");
    let keys = aws
        .control()
        .service_credentials(role.arn())
        .expect("a role's keys");
    let token = Some(keys.session_token.as_str());
    Client::new(
        &aws.vendor()
            .with_keys(&keys.access_key_id, &keys.secret_access_key, token),
    )
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html>
#[tokio::test]
async fn creation_needs_the_tag_and_only_tags_it_may_give() {
    let Some(aws) = controlled().await else { return };
    let ec2 = under(&aws, BUILDER).await;
    let create = |pairs: &[(&str, &str)]| {
        let tags = (!pairs.is_empty()).then(|| vec![tags(ResourceType::Vpc, pairs)]);
        let create = ec2.create_vpc().cidr_block("10.0.0.0/16");
        create.set_tag_specifications(tags).send()
    };

    for wrong in [&[][..], &[(TEAM, "web")], &[(TEAM, "data"), ("other", "x")]] {
        assert_eq!(code(create(wrong).await), "UnauthorizedOperation", "{wrong:?}");
    }
    create(&[(TEAM, "data")]).await.expect("as the policy says");
    let made = aws.control().inventory_of(&aws.vendor().id);
    assert_eq!(made.iter().filter(|item| item.kind == "ec2:vpc").count(), 1);
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/control-access-with-tags.html>
#[tokio::test]
async fn what_carries_another_tag_is_neither_changed_nor_built_upon() {
    let Some(aws) = controlled().await else { return };
    let (root, ec2) = (client(&aws), under(&aws, BUILDER).await);
    let own = vpc(&root, "10.0.0.0/16").await;
    let delete = || ec2.delete_vpc().vpc_id(&own).send();

    assert_eq!(code(delete().await), "UnauthorizedOperation");
    let subnet = ec2.create_subnet().vpc_id(&own).cidr_block("10.0.1.0/24");
    let subnet = subnet.tag_specifications(tags(ResourceType::Subnet, &[(TEAM, "data")]));
    assert_eq!(code(subnet.send().await), "UnauthorizedOperation");
    let retag = ec2
        .create_tags()
        .resources(&own)
        .tags(tag(TEAM, "data"))
        .send()
        .await;
    assert_eq!(
        code(retag),
        "UnauthorizedOperation",
        "tags come with creation only"
    );
    root.create_tags()
        .resources(&own)
        .tags(tag(TEAM, "data"))
        .send()
        .await
        .expect("root may");
    delete().await.expect("now it is the team's");
    // Not verified on AWS: an absent resource is "not found" for those who could delete it with the right tag.
    assert_eq!(code(delete().await), "InvalidVpcID.NotFound");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSnapshot.html>
#[tokio::test]
async fn a_snapshot_needs_permission_on_itself_and_on_its_volume() {
    let Some(aws) = controlled().await else { return };
    let root = client(&aws);
    let volume_id = crate::support::volume(&root, 5).await;
    let only_snapshots = r#"{"Effect":"Allow","Action":["ec2:CreateSnapshot","ec2:CreateTags"],"Resource":"arn:aws:ec2:*::snapshot/*"}"#;
    let take = async |statements: &str| {
        let ec2 = under(&aws, statements).await;
        ec2.create_snapshot().volume_id(&volume_id).send().await
    };

    assert_eq!(
        code(take(only_snapshots).await),
        "UnauthorizedOperation",
        "not on the volume"
    );
    let volumes =
        r#",{"Effect":"Allow","Action":"ec2:CreateSnapshot","Resource":"arn:aws:ec2:*:*:volume/*"}"#;
    take(&format!("{only_snapshots}{volumes}"))
        .await
        .expect("both are allowed");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/use-launch-template-to-control-launching.html>
#[tokio::test]
async fn a_launch_needs_permission_on_its_template() {
    let Some(aws) = controlled().await else { return };
    let root = client(&aws);
    let subnet_id = subnet(&root, &vpc(&root, "10.0.0.0/16").await, "10.0.1.0/24").await;
    let template_id = template(&root, "template").await;
    let run = async |statements: &str| {
        let ec2 = under(&aws, statements).await;
        let of = LaunchTemplateSpecification::builder()
            .launch_template_id(&template_id)
            .build();
        let run = ec2.run_instances().launch_template(of).subnet_id(&subnet_id);
        run.min_count(1).max_count(1).send().await
    };
    let all = r#"{"Effect":"Allow","Action":"ec2:RunInstances","Resource":"*"}"#;
    let none =
        r#",{"Effect":"Deny","Action":"ec2:RunInstances","Resource":"arn:aws:ec2:*:*:launch-template/*"}"#;

    assert_eq!(code(run(&format!("{all}{none}")).await), "UnauthorizedOperation");
    run(all).await.expect("an instance");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ExamplePolicies_EC2.html>
#[tokio::test]
async fn a_launch_needs_permission_on_all_it_touches() {
    let Some(aws) = controlled().await else { return };
    let root = client(&aws);
    let subnet_id = subnet(&root, &vpc(&root, "10.0.0.0/16").await, "10.0.1.0/24").await;
    let all = r#"{"Effect":"Allow","Action":["ec2:RunInstances","ec2:DescribeImages"],"Resource":"*"}"#;

    for kind in ["instance", "volume", "network-interface", "subnet", "image"] {
        let account = if kind == "image" { "" } else { "*" };
        let none = format!(
            r#"{all},{{"Effect":"Deny","Action":"ec2:RunInstances","Resource":"arn:aws:ec2:*:{account}:{kind}/*"}}"#
        );
        let refused = launch(&under(&aws, &none).await, &subnet_id).await.send().await;
        assert_eq!(code(refused), "UnauthorizedOperation", "{kind}");
    }
    launch(&under(&aws, all).await, &subnet_id)
        .await
        .send()
        .await
        .expect("an instance");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html>
#[tokio::test]
async fn a_dry_run_answers_and_never_acts() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    gateway(&ec2, &vpc_id).await;
    let subnet_id = subnet(&ec2, &vpc_id, "10.0.1.0/24").await;
    let data = template_data(&ec2, "t3.micro").await;
    let zone = zone_name(&ec2, 0).await;
    let name = aws.name("template");

    let run = launch(&ec2, &subnet_id).await.dry_run(true).send().await;
    assert_eq!(code(run), "DryRunOperation");
    assert_eq!(
        code(ec2.describe_vpcs().dry_run(true).send().await),
        "DryRunOperation"
    );
    assert_eq!(
        code(ec2.delete_vpc().vpc_id(&vpc_id).dry_run(true).send().await),
        "DryRunOperation"
    );
    assert_eq!(
        code(ec2.allocate_address().dry_run(true).send().await),
        "DryRunOperation"
    );
    let volume = ec2
        .create_volume()
        .availability_zone(zone)
        .size(5)
        .dry_run(true)
        .send()
        .await;
    assert_eq!(code(volume), "DryRunOperation");
    let template = ec2
        .create_launch_template()
        .launch_template_name(&name)
        .launch_template_data(data);
    assert_eq!(code(template.dry_run(true).send().await), "DryRunOperation");
    let nat = ec2
        .create_nat_gateway()
        .subnet_id(&subnet_id)
        .connectivity_type("private".into());
    assert_eq!(code(nat.dry_run(true).send().await), "DryRunOperation");

    let named = ec2
        .describe_launch_templates()
        .launch_template_names(name)
        .send()
        .await;
    assert_eq!(code(named), "InvalidLaunchTemplateName.NotFoundException");
    let found = ec2
        .describe_nat_gateways()
        .filter(crate::support::filter("vpc-id", &vpc_id))
        .send()
        .await;
    assert!(found.expect("an answer").nat_gateways().is_empty());
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
#[tokio::test]
async fn a_dry_run_without_permission_is_refused() {
    let Some(aws) = controlled().await else { return };
    let ec2 = under(&aws, BUILDER).await;
    let right = || ec2.create_vpc().cidr_block("10.0.0.0/16").dry_run(true);

    let allowed = right()
        .tag_specifications(tags(ResourceType::Vpc, &[(TEAM, "data")]))
        .send()
        .await;
    assert_eq!(code(allowed), "DryRunOperation");
    assert_eq!(code(right().send().await), "UnauthorizedOperation");
    assert_eq!(
        code(ec2.allocate_address().dry_run(true).send().await),
        "UnauthorizedOperation"
    );
    let delete = ec2
        .delete_nat_gateway()
        .nat_gateway_id("nat-00000000000000000")
        .dry_run(true);
    assert_eq!(code(delete.send().await), "UnauthorizedOperation");
    let made = aws.control().inventory_of(&aws.vendor().id);
    assert!(made.iter().all(|item| item.kind.starts_with("iam:")), "{made:?}");
}

/// Whoever may not describe learns nothing. <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
#[tokio::test]
async fn a_caller_without_permission_does_not_learn_what_exists() {
    let Some(aws) = controlled().await else { return };
    let ec2 = under(
        &aws,
        r#"{"Effect":"Allow","Action":"ec2:DescribeRegions","Resource":"*"}"#,
    )
    .await;
    let id = vpc(&client(&aws), "10.0.0.0/16").await;

    for id in [id.as_str(), "vpc-00000000000000000"] {
        let refused = ec2.delete_vpc().vpc_id(id).send().await;
        assert_eq!(code(refused), "UnauthorizedOperation", "{id}");
    }
    assert_eq!(
        code(ec2.describe_snapshots().send().await),
        "UnauthorizedOperation"
    );
    assert_eq!(
        code(ec2.describe_launch_templates().send().await),
        "UnauthorizedOperation"
    );
    assert_eq!(
        code(ec2.get_ebs_default_kms_key_id().send().await),
        "UnauthorizedOperation"
    );
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-iam.html>
#[tokio::test]
async fn accounts_and_regions_do_not_see_each_other() {
    let aws = aws().await;
    let (ours, theirs) = (client(&aws), Client::new(&aws.customer().config));
    let elsewhere = Client::new(&aws.vendor().in_region("eu-west-1"));
    let id = vpc(&ours, "10.0.0.0/16").await;

    for ec2 in [&theirs, &elsewhere] {
        assert_eq!(
            code(ec2.describe_vpcs().vpc_ids(&id).send().await),
            "InvalidVpcID.NotFound"
        );
        assert_eq!(
            code(ec2.delete_vpc().vpc_id(&id).send().await),
            "InvalidVpcID.NotFound"
        );
    }
    sweep(&ours, &id).await;
}
