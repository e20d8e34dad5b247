//! How identity policies, boundaries and session policies meet.
//!
//! Source: IAM user guide, "Policy evaluation logic", "Permissions boundaries for IAM entities".

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::ResourceType;

use crate::support::{ACME, ALLOW_ALL, ISV, World, refusal, tags, trust};

async fn ec2_under(world: &World, policy: &str) -> Client {
    let role = world.role(ACME, "worker", &trust(ISV, "{}"), policy).await;
    world.service(&role).ec2()
}

fn policy(statements: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)
}

#[tokio::test]
async fn what_no_statement_allows_is_denied() {
    let world = World::start().await;
    let ec2 = ec2_under(
        &world,
        &policy(r#"{"Effect":"Allow","Action":"ec2:DescribeVpcs","Resource":"*"}"#),
    )
    .await;

    ec2.describe_vpcs().send().await.expect("allowed by name");
    assert_eq!(
        refusal(ec2.describe_subnets().send().await),
        "UnauthorizedOperation"
    );
}

#[tokio::test]
async fn an_explicit_deny_wins_over_every_allow() {
    let world = World::start().await;
    let both = policy(
        r#"{"Effect":"Allow","Action":"*","Resource":"*"},
        {"Effect":"Deny","Action":"ec2:*","Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":"eu-west-1"}}}"#,
    );
    let ec2 = ec2_under(&world, &both).await;

    assert_eq!(refusal(ec2.describe_vpcs().send().await), "UnauthorizedOperation");
}

#[tokio::test]
async fn not_action_and_not_resource_exclude() {
    let world = World::start().await;
    let all_but =
        policy(r#"{"Effect":"Allow","NotAction":"ec2:DescribeSubnets","NotResource":"arn:aws:s3:::*"}"#);
    let ec2 = ec2_under(&world, &all_but).await;

    ec2.describe_vpcs().send().await.expect("not excluded");
    assert_eq!(
        refusal(ec2.describe_subnets().send().await),
        "UnauthorizedOperation"
    );
}

/// A boundary limits and grants nothing; it is made here by a stack, the only maker of managed policies.
#[tokio::test]
async fn a_boundary_cuts_what_the_role_allows() {
    let world = World::start().await;
    let root = world.root(ACME);
    let template = r#"
Resources:
  Boundary:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      ManagedPolicyName: boundary
      PolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Action: "ec2:Describe*", Resource: "*"}]
"#;
    let stack = root
        .cloudformation()
        .create_stack()
        .stack_name("boundary")
        .template_body(template);
    stack
        .capabilities("CAPABILITY_NAMED_IAM".into())
        .send()
        .await
        .expect("the stack is made");
    let role = world.role(ACME, "worker", &trust(ISV, "{}"), ALLOW_ALL).await;
    let ec2 = world.service(&role).ec2();
    ec2.create_vpc()
        .cidr_block("10.0.0.0/16")
        .send()
        .await
        .expect("no boundary yet");

    let bounded = root.iam().put_role_permissions_boundary().role_name("worker");
    bounded
        .permissions_boundary("arn:aws:iam::222222222222:policy/boundary")
        .send()
        .await
        .expect("it is put");

    ec2.describe_vpcs().send().await.expect("inside the boundary");
    assert_eq!(
        refusal(ec2.create_vpc().cidr_block("10.1.0.0/16").send().await),
        "UnauthorizedOperation"
    );
}

/// IAM user guide, "IAM policy elements: Variables and tags".
#[tokio::test]
async fn a_policy_variable_takes_the_principals_tag() {
    let world = World::start().await;
    let own_only = policy(
        r#"{"Effect":"Allow","Action":["ec2:CreateVpc","ec2:CreateTags"],"Resource":"*",
        "Condition":{"StringEquals":{"aws:RequestTag/team":"${aws:PrincipalTag/team}"}}}"#,
    );
    let iam = world.root(ACME).iam();
    let tag = aws_sdk_iam::types::Tag::builder()
        .key("team")
        .value("data")
        .build()
        .expect("a whole tag");
    let role = iam
        .create_role()
        .role_name("worker")
        .tags(tag)
        .assume_role_policy_document(trust(ISV, "{}"));
    role.send().await.expect("the role is made");
    let put = iam
        .put_role_policy()
        .role_name("worker")
        .policy_name("own")
        .policy_document(own_only);
    put.send().await.expect("the policy is put");
    let ec2 = world.service("arn:aws:iam::222222222222:role/worker").ec2();
    let create = |team: &str| {
        let tags = tags(ResourceType::Vpc, &[("team", team)]);
        ec2.create_vpc()
            .cidr_block("10.0.0.0/16")
            .tag_specifications(tags)
            .send()
    };

    create("data").await.expect("its own team");
    assert_eq!(refusal(create("web").await), "UnauthorizedOperation");
}
