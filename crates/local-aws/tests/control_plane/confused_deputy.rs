//! Who may become a role, and who may not.
//!
//! Source: IAM user guide, "The confused deputy problem", "How to use an external ID when granting access to your
//! AWS resources to a third party"; STS API reference, "AssumeRole".

use aws_sdk_sts::error::ProvideErrorMetadata;

use crate::support::{ACME, ALLOW_ALL, BOLT, BROKER, ISV, World, keys, refusal, trust};

fn customer_trust(external_id: &str) -> String {
    let condition = format!(
        r#"{{"StringEquals":{{"sts:ExternalId":"{external_id}"}},"ArnEquals":{{"aws:PrincipalArn":"{BROKER}"}}}}"#
    );
    trust(&format!("arn:aws:iam::{ISV}:root"), &condition)
}

#[tokio::test]
async fn a_session_acts_in_the_customers_account() {
    let world = World::start().await;
    let role = world
        .role(ACME, "tenantry", &customer_trust("acme-id"), ALLOW_ALL)
        .await;
    let sts = world.service(BROKER).sts();

    let answer = sts
        .assume_role()
        .role_arn(&role)
        .role_session_name("op-1")
        .external_id("acme-id")
        .send()
        .await;
    let session = world.clients(keys(&answer.expect("the role lets the broker in")), "eu-west-1");
    let identity = session
        .sts()
        .get_caller_identity()
        .send()
        .await
        .expect("an identity");

    assert_eq!(identity.account(), Some(ACME));
    assert_eq!(
        identity.arn(),
        Some("arn:aws:sts::222222222222:assumed-role/tenantry/op-1")
    );
}

#[tokio::test]
async fn one_customers_id_does_not_open_another_customers_role() {
    let world = World::start().await;
    world
        .role(ACME, "tenantry", &customer_trust("acme-id"), ALLOW_ALL)
        .await;
    let bolts_role = world
        .role(BOLT, "tenantry", &customer_trust("bolt-id"), ALLOW_ALL)
        .await;
    let sts = world.service(BROKER).sts();

    let outcome = sts
        .assume_role()
        .role_arn(bolts_role)
        .role_session_name("op")
        .external_id("acme-id")
        .send()
        .await;

    assert_eq!(refusal(outcome), "AccessDenied");
}

#[tokio::test]
async fn another_role_of_the_operator_is_refused() {
    let world = World::start().await;
    let role = world
        .role(ACME, "tenantry", &customer_trust("acme-id"), ALLOW_ALL)
        .await;
    let sts = world.service("arn:aws:iam::111111111111:role/other").sts();

    let outcome = sts
        .assume_role()
        .role_arn(role)
        .role_session_name("op")
        .external_id("acme-id")
        .send()
        .await;

    assert_eq!(refusal(outcome), "AccessDenied");
}

#[tokio::test]
async fn a_third_account_is_refused_even_with_the_right_id() {
    let world = World::start().await;
    let role = world
        .role(ACME, "tenantry", &customer_trust("acme-id"), ALLOW_ALL)
        .await;
    let sts = world
        .service("arn:aws:iam::333333333333:role/tenantry-broker")
        .sts();

    let outcome = sts
        .assume_role()
        .role_arn(role)
        .role_session_name("op")
        .external_id("acme-id")
        .send()
        .await;

    assert_eq!(refusal(outcome), "AccessDenied");
}

/// "AssumeRole … You cannot call AssumeRole by using AWS account root user credentials; access is denied."
#[tokio::test]
async fn a_root_user_assumes_no_role() {
    let world = World::start().await;
    let role = world.role(ACME, "open", &trust("*", "{}"), ALLOW_ALL).await;

    for account in [ISV, ACME] {
        let sts = world.root(account).sts();
        let outcome = sts
            .assume_role()
            .role_arn(&role)
            .role_session_name("op")
            .send()
            .await;
        assert_eq!(refusal(outcome), "AccessDenied");
    }
}

#[tokio::test]
async fn a_missing_role_and_a_refusing_role_sound_the_same() {
    let world = World::start().await;
    let refusing = world
        .role(ACME, "refusing", &customer_trust("acme-id"), ALLOW_ALL)
        .await;
    let sts = world.service(BROKER).sts();
    let missing = refusing.replace("refusing", "absentee");

    let message = async |role: &str| {
        let outcome = sts
            .assume_role()
            .role_arn(role)
            .role_session_name("op")
            .send()
            .await;
        let error = outcome.expect_err("refused").into_service_error();
        (
            error.code().map(str::to_owned),
            error
                .message()
                .unwrap_or_default()
                .replace("absentee", "refusing"),
        )
    };

    assert_eq!(message(&refusing).await, message(&missing).await);
}

/// IAM user guide, "Cross-account policy evaluation logic": both sides must allow.
#[tokio::test]
async fn the_callers_own_policies_must_allow_it_too() {
    let world = World::start().await;
    let role = world.role(ACME, "tenantry", &trust(ISV, "{}"), ALLOW_ALL).await;
    let assumed =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*"}]}"#;
    let worker = world
        .role(ISV, "worker", &trust(BROKER_TRUST, "{}"), assumed)
        .await;

    let outcome = world
        .service(&worker)
        .sts()
        .assume_role()
        .role_arn(role)
        .role_session_name("op")
        .send()
        .await;

    assert_eq!(refusal(outcome), "AccessDenied");
}

const BROKER_TRUST: &str = "111111111111";

/// IAM user guide, "AWS JSON policy elements: Principal": a deleted principal's id does not match a new one.
#[tokio::test]
async fn a_role_made_again_is_not_the_role_that_was_trusted() {
    let world = World::start().await;
    let broker = world.service(BROKER);
    let role = world
        .role(ACME, "tenantry", &trust(BROKER, "{}"), ALLOW_ALL)
        .await;
    let assume = |sts: aws_sdk_sts::Client| sts.assume_role().role_arn(&role).role_session_name("op").send();
    assume(broker.sts()).await.expect("the broker is trusted");

    let iam = world.root(ISV).iam();
    let attached = iam.delete_role().role_name("tenantry-broker").send().await;
    assert_eq!(
        refusal(attached),
        "DeleteConflict",
        "a managed policy is attached"
    );
    world.role(ISV, "short-lived", &trust(ISV, "{}"), ALLOW_ALL).await;
    let short_lived = "arn:aws:iam::111111111111:role/short-lived";
    let trusting = world
        .role(BOLT, "trusting", &trust(short_lived, "{}"), ALLOW_ALL)
        .await;
    iam.delete_role_policy()
        .role_name("short-lived")
        .policy_name("own")
        .send()
        .await
        .expect("policy goes");
    iam.delete_role()
        .role_name("short-lived")
        .send()
        .await
        .expect("role goes");
    world.role(ISV, "short-lived", &trust(ISV, "{}"), ALLOW_ALL).await;

    let again = world.service(short_lived).sts();
    let outcome = again
        .assume_role()
        .role_arn(trusting)
        .role_session_name("op")
        .send()
        .await;
    assert_eq!(refusal(outcome), "AccessDenied");
}
