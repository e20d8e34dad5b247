//! Sessions: how long, how tagged, how limited.

use aws_sdk_sts::types::Tag;
use chrono::TimeDelta;

use crate::support::{ACME, ALLOW_ALL, BROKER, ISV, World, keys, refusal, trust};

fn open() -> String {
    trust(&format!("arn:aws:iam::{ISV}:root"), "{}")
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().expect("a whole tag")
}

/// STS API reference, "AssumeRole", DurationSeconds: 900 to 43200, and not above the role's maximum.
#[tokio::test]
async fn a_duration_outside_the_documented_range_is_refused() {
    let world = World::start().await;
    let role = world.role(ACME, "tenantry", &open(), ALLOW_ALL).await;
    let sts = world.service(BROKER).sts();

    for seconds in [0, 899, 43_201] {
        let request = sts
            .assume_role()
            .role_arn(&role)
            .role_session_name("op")
            .duration_seconds(seconds);
        assert_eq!(refusal(request.send().await), "ValidationError", "{seconds}");
    }
    let above_role = sts
        .assume_role()
        .role_arn(&role)
        .role_session_name("op")
        .duration_seconds(3_601)
        .send()
        .await;
    assert_eq!(refusal(above_role), "ValidationError");
}

/// IAM user guide, "Roles terms and concepts", role chaining: at most one hour, whatever the role allows.
#[tokio::test]
async fn a_chained_session_lasts_one_hour_at_most() {
    let world = World::start().await;
    let iam = world.root(ACME).iam();
    let long = iam
        .create_role()
        .role_name("long")
        .assume_role_policy_document(open())
        .max_session_duration(43_200);
    long.send().await.expect("the role is made");
    let sts = world.service(BROKER).sts();
    let request = || {
        sts.assume_role()
            .role_arn("arn:aws:iam::222222222222:role/long")
            .role_session_name("op")
    };

    assert_eq!(
        refusal(request().duration_seconds(3_601).send().await),
        "ValidationError"
    );
    request()
        .duration_seconds(3_600)
        .send()
        .await
        .expect("one hour is fine");
}

/// IAM user guide, "Temporary security credentials": they stop working when they expire.
#[tokio::test]
async fn an_expired_session_is_refused_by_the_endpoints_clock() {
    let world = World::start().await;
    let role = world.role(ACME, "tenantry", &open(), ALLOW_ALL).await;
    let sts = world.service(BROKER).sts();
    let answer = sts
        .assume_role()
        .role_arn(role)
        .role_session_name("op")
        .duration_seconds(900)
        .send()
        .await;
    let session = world.clients(keys(&answer.expect("a session")), "eu-central-1");
    session
        .sts()
        .get_caller_identity()
        .send()
        .await
        .expect("fresh keys work");

    world.control().advance(TimeDelta::seconds(901));

    assert_eq!(
        refusal(session.sts().get_caller_identity().send().await),
        "ExpiredToken"
    );
    assert_eq!(
        refusal(session.ec2().describe_vpcs().send().await),
        "RequestExpired"
    );
    sts.get_caller_identity()
        .send()
        .await
        .expect("a task's keys do not expire");
}

/// STS API reference, "AssumeRole", Policy: at most 2,048 characters.
#[tokio::test]
async fn a_session_policy_limits_the_session_and_is_limited_itself() {
    let world = World::start().await;
    let role = world.role(ACME, "tenantry", &open(), ALLOW_ALL).await;
    let sts = world.service(BROKER).sts();
    let request = || sts.assume_role().role_arn(&role).role_session_name("op");
    let observe = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"}]}"#;

    let answer = request().policy(observe).send().await.expect("a session");
    let ec2 = world.clients(keys(&answer), "eu-central-1").ec2();
    ec2.describe_vpcs().send().await.expect("describing is allowed");
    let made = ec2.create_vpc().cidr_block("10.0.0.0/16").send().await;
    assert_eq!(refusal(made), "UnauthorizedOperation");
    assert!(
        answer
            .session_token_utilization()
            .is_some_and(|percent| percent > 0 && percent < 100)
    );

    let long = observe.replace("ec2:Describe*", &"x".repeat(2_048));
    assert_eq!(refusal(request().policy(long).send().await), "ValidationError");
    assert_eq!(
        refusal(request().policy("{}").send().await),
        "MalformedPolicyDocument"
    );
}

/// IAM user guide, "Passing session tags in AWS STS": the trust policy must allow sts:TagSession.
#[tokio::test]
async fn tags_and_source_identity_need_their_own_permission() {
    let world = World::start().await;
    let assume_only = open().replace(r#","sts:TagSession","sts:SetSourceIdentity""#, "");
    let plain = world.role(ACME, "plain", &assume_only, ALLOW_ALL).await;
    let sts = world.service(BROKER).sts();
    let request = || sts.assume_role().role_arn(&plain).role_session_name("op");

    request().send().await.expect("without both the role lets in");
    assert_eq!(
        refusal(request().tags(tag("tenant", "acme")).send().await),
        "AccessDenied"
    );
    assert_eq!(
        refusal(request().source_identity("alice").send().await),
        "AccessDenied"
    );
}

/// IAM user guide, "Chaining roles with session tags" and "Monitor and control actions taken with assumed roles".
#[tokio::test]
async fn transitive_tags_and_source_identity_go_down_the_chain() {
    let world = World::start().await;
    let first = world.role(ACME, "first", &open(), ALLOW_ALL).await;
    let second = world.role(ACME, "second", &trust(ACME, "{}"), ALLOW_ALL).await;
    let sts = world.service(BROKER).sts();
    let answer = sts
        .assume_role()
        .role_arn(first)
        .role_session_name("op")
        .tags(tag("tenant", "acme"))
        .tags(tag("step", "network"))
        .transitive_tag_keys("tenant")
        .source_identity("alice")
        .send()
        .await;
    let chained = world
        .clients(keys(&answer.expect("a session")), "eu-central-1")
        .sts();
    let request = || chained.assume_role().role_arn(&second).role_session_name("op-2");

    assert_eq!(
        refusal(request().source_identity("mallory").send().await),
        "AccessDenied"
    );
    assert_eq!(
        refusal(request().tags(tag("tenant", "bolt")).send().await),
        "InvalidParameterValue"
    );
    let last = world.clients(keys(&request().send().await.expect("a session")), "eu-central-1");
    last.ec2()
        .describe_vpcs()
        .send()
        .await
        .expect("describing is allowed");

    let call = world
        .control()
        .calls()
        .into_iter()
        .find(|call| call.operation == "DescribeVpcs")
        .expect("logged");
    assert_eq!(
        call.session_tags.into_iter().collect::<Vec<_>>(),
        [("tenant".to_owned(), "acme".to_owned())]
    );
    assert_eq!(call.source_identity.as_deref(), Some("alice"));
    assert_eq!(
        call.principal,
        "arn:aws:sts::222222222222:assumed-role/second/op-2"
    );
}

#[tokio::test]
async fn a_deleted_roles_sessions_can_do_nothing() {
    let world = World::start().await;
    let role = world.role(ACME, "tenantry", &open(), ALLOW_ALL).await;
    let sts = world.service(BROKER).sts();
    let answer = sts
        .assume_role()
        .role_arn(role)
        .role_session_name("op")
        .send()
        .await
        .expect("a session");
    let ec2 = world.clients(keys(&answer), "eu-central-1").ec2();
    ec2.describe_vpcs().send().await.expect("describing is allowed");

    let iam = world.root(ACME).iam();
    iam.delete_role_policy()
        .role_name("tenantry")
        .policy_name("own")
        .send()
        .await
        .expect("policy goes");
    iam.delete_role()
        .role_name("tenantry")
        .send()
        .await
        .expect("role goes");

    assert_eq!(refusal(ec2.describe_vpcs().send().await), "UnauthorizedOperation");
}
