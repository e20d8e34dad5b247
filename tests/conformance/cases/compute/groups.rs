//! Security groups and their rules.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{IpPermission, IpRange, UserIdGroupPair};
use conformance::{aws, code, controlled};

use crate::support::{client, filter, group, launch, subnet, sweep, terminated, vpc};

fn port(port: i32, block: &str) -> IpPermission {
    let range = IpRange::builder().cidr_ip(block).build();
    tcp(port).ip_ranges(range).build()
}

fn tcp(port: i32) -> aws_sdk_ec2::types::builders::IpPermissionBuilder {
    IpPermission::builder()
        .ip_protocol("tcp")
        .from_port(port)
        .to_port(port)
}

fn from_group(port: i32, group_id: &str) -> IpPermission {
    let pair = UserIdGroupPair::builder().group_id(group_id).build();
    tcp(port).user_id_group_pairs(pair).build()
}

async fn open(ec2: &Client, group_id: &str, permission: IpPermission) {
    let open = ec2.authorize_security_group_ingress().group_id(group_id);
    open.ip_permissions(permission).send().await.expect("a rule");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html>
#[tokio::test]
async fn a_group_name_is_taken_once_in_a_network() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let (one, two) = (vpc(&ec2, "10.0.0.0/16").await, vpc(&ec2, "10.1.0.0/16").await);
    group(&ec2, &one, "web").await;

    let again = ec2
        .create_security_group()
        .vpc_id(&one)
        .group_name("web")
        .description("again");

    assert_eq!(code(again.send().await), "InvalidGroup.Duplicate");
    group(&ec2, &two, "web").await;
    sweep(&ec2, &one).await;
    sweep(&ec2, &two).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html>
#[tokio::test]
async fn group_names_begin_with_no_sg_and_are_of_known_characters() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let create = |name: &str, why: &str| {
        let create = ec2.create_security_group().vpc_id(&vpc_id);
        create.group_name(name).description(why).send()
    };

    assert_eq!(code(create("sg-web", "x").await), "InvalidParameterValue");
    assert_eq!(code(create("default", "x").await), "InvalidParameterValue");
    assert_eq!(code(create("web", "line\nbreak").await), "InvalidParameterValue");
    assert_eq!(code(create(&"x".repeat(256), "x").await), "InvalidParameterValue");
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html>
#[tokio::test]
async fn a_rule_is_opened_once_and_closed_once() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let group_id = group(&ec2, &vpc_id, "web").await;
    let open = || {
        let open = ec2.authorize_security_group_ingress().group_id(&group_id);
        open.ip_permissions(port(443, "10.0.0.0/16")).send()
    };
    let close = || {
        let close = ec2.revoke_security_group_ingress().group_id(&group_id);
        close.ip_permissions(port(443, "10.0.0.0/16")).send()
    };

    open().await.expect("a rule");
    assert_eq!(code(open().await), "InvalidPermission.Duplicate");
    close().await.expect("it is open");
    assert_eq!(code(close().await), "InvalidPermission.NotFound");
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html>
#[tokio::test]
async fn rules_with_wrong_blocks_protocols_or_ports_are_refused() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let group_id = group(&ec2, &vpc_id, "web").await;
    let range = || IpRange::builder().cidr_ip("0.0.0.0/0").build();
    let wrong = [
        port(443, "10.0.0.0/40"),
        port(70_000, "0.0.0.0/0"),
        IpPermission::builder()
            .ip_protocol("carrier-pigeon")
            .ip_ranges(range())
            .build(),
        IpPermission::builder()
            .ip_protocol("tcp")
            .from_port(443)
            .to_port(80)
            .ip_ranges(range())
            .build(),
    ];

    for permission in wrong {
        let open = ec2.authorize_security_group_ingress().group_id(&group_id);
        let refused = open.ip_permissions(permission.clone()).send().await;
        assert_eq!(code(refused), "InvalidParameterValue", "{permission:?}");
    }
    sweep(&ec2, &vpc_id).await;
}

/// A group that another names cannot go. <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html>
#[tokio::test]
async fn a_group_that_another_names_is_not_deleted() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let (front, back) = (
        group(&ec2, &vpc_id, "front").await,
        group(&ec2, &vpc_id, "back").await,
    );
    open(&ec2, &back, from_group(5432, &front)).await;
    let delete = |id: &str| ec2.delete_security_group().group_id(id).send();

    assert_eq!(code(delete(&front).await), "DependencyViolation");
    delete(&back).await.expect("nothing names it");
    delete(&front).await.expect("now nothing names it");
    sweep(&ec2, &vpc_id).await;
}

/// A group may name itself and still go. <https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html>
#[tokio::test]
async fn a_group_that_names_itself_is_deleted() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let own = group(&ec2, &vpc_id, "own").await;
    open(&ec2, &own, from_group(7000, &own)).await;

    ec2.delete_security_group()
        .group_id(&own)
        .send()
        .await
        .expect("nothing else names it");
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html>
#[tokio::test]
async fn a_group_that_an_instance_wears_is_not_deleted() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let subnet_id = subnet(&ec2, &vpc_id, "10.0.1.0/24").await;
    let worn = group(&ec2, &vpc_id, "worn").await;
    let made = launch(&ec2, &subnet_id)
        .await
        .security_group_ids(&worn)
        .send()
        .await
        .expect("an instance");

    let refused = ec2.delete_security_group().group_id(&worn).send().await;

    assert_eq!(code(refused), "DependencyViolation");
    terminated(&ec2, made.instances()[0].instance_id().expect("an id")).await;
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html>
#[tokio::test]
async fn the_default_group_is_not_deleted() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let groups = ec2
        .describe_security_groups()
        .filters(filter("vpc-id", &vpc_id))
        .send()
        .await
        .expect("groups");
    let id = groups.security_groups()[0].group_id().expect("an id");

    let refused = ec2.delete_security_group().group_id(id).send().await;

    assert_eq!(code(refused), "CannotDelete");
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroupRules.html>
#[tokio::test]
async fn every_rule_is_described_by_itself_and_revoked_by_its_id() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let group_id = group(&ec2, &vpc_id, "web").await;
    open(&ec2, &group_id, port(443, "10.0.0.0/16")).await;
    let rules = async || {
        let found = ec2
            .describe_security_group_rules()
            .filters(filter("group-id", &group_id));
        found
            .send()
            .await
            .expect("rules")
            .security_group_rules
            .expect("rules")
    };

    let found = rules().await;
    assert_eq!(
        found.len(),
        2,
        "the opened one, and the one that lets everything out"
    );
    let opened = found
        .iter()
        .find(|rule| rule.is_egress() == Some(false))
        .expect("the opened one");
    assert_eq!(
        (opened.from_port(), opened.cidr_ipv4()),
        (Some(443), Some("10.0.0.0/16"))
    );
    let id = opened.security_group_rule_id().expect("an id");
    let close = || {
        let close = ec2.revoke_security_group_ingress().group_id(&group_id);
        close.security_group_rule_ids(id).send()
    };
    close().await.expect("it is open");
    assert_eq!(code(close().await), "InvalidSecurityGroupRuleId.NotFound");
    assert_eq!(rules().await.len(), 1);
    sweep(&ec2, &vpc_id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroups.html>
#[tokio::test]
async fn groups_are_found_by_what_their_rules_say() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let (web, data) = (
        group(&ec2, &vpc_id, "web").await,
        group(&ec2, &vpc_id, "data").await,
    );
    open(&ec2, &web, port(443, "203.0.113.0/24")).await;
    open(&ec2, &data, from_group(5432, &web)).await;
    let by = async |name: &str, value: &str| {
        let find = ec2.describe_security_groups().filters(filter("vpc-id", &vpc_id));
        let found = find.filters(filter(name, value)).send().await.expect("groups");
        let ids = found
            .security_groups()
            .iter()
            .filter_map(|group| group.group_id.clone());
        ids.collect::<Vec<_>>()
    };

    assert_eq!(by("ip-permission.cidr", "203.0.113.0/24").await, [web.as_str()]);
    assert_eq!(by("ip-permission.group-id", &web).await, [data.as_str()]);
    assert_eq!(by("ip-permission.from-port", "5432").await, [data]);
    assert_eq!(by("ip-permission.to-port", "443").await, [web]);
    sweep(&ec2, &vpc_id).await;
}

/// Sixty rules in each direction. <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>
#[tokio::test]
async fn a_group_has_at_most_sixty_rules_in_a_direction() {
    let Some(aws) = controlled().await else { return };
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let group_id = group(&ec2, &vpc_id, "web").await;
    let sixty = (0..60).map(|number| port(1_000 + number, "0.0.0.0/0")).collect();
    let open = ec2.authorize_security_group_ingress().group_id(&group_id);
    open.set_ip_permissions(Some(sixty))
        .send()
        .await
        .expect("sixty rules");

    let more = ec2.authorize_security_group_ingress().group_id(&group_id);

    let refused = more.ip_permissions(port(443, "0.0.0.0/0")).send().await;
    assert_eq!(code(refused), "RulesPerSecurityGroupLimitExceeded");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
#[tokio::test]
async fn an_unknown_group_is_refused() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let unknown = "sg-00000000000000000";

    assert_eq!(
        code(ec2.delete_security_group().group_id(unknown).send().await),
        "InvalidGroup.NotFound"
    );
    let describe = ec2.describe_security_groups().group_ids(unknown).send().await;
    assert_eq!(code(describe), "InvalidGroup.NotFound");
    let open = ec2.authorize_security_group_ingress().group_id(unknown);
    let open = open.ip_permissions(port(443, "0.0.0.0/0")).send().await;
    assert_eq!(code(open), "InvalidGroup.NotFound");
}
