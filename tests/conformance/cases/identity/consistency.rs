//! What is changed does not count everywhere at once.

use chrono::TimeDelta;
use conformance::local_aws::LagSettings;
use conformance::{Aws, code, controlled};

use crate::support::{ALLOW_ALL, Role, User, allow, assume, keys_of, trust};

const HOUR_MS: u32 = 3_600_000;

async fn broker(aws: &Aws) -> User {
    User::make(aws, aws.vendor(), &allow("sts:*")).await
}

/// A role that was just made is not assumable for a while.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html>
#[tokio::test]
async fn a_new_role_is_not_assumable_at_once() {
    let Some(aws) = controlled().await else { return };
    let user = broker(&aws).await;
    aws.control().set_lag(LagSettings {
        role_ms_max: HOUR_MS,
        ..LagSettings::default()
    });
    let role = Role::bare(&aws, aws.customer(), &trust(&aws.vendor().root_arn(), "{}")).await;

    assert_eq!(code(assume(&user.config, &role.arn).send().await), "AccessDenied");
    aws.advance(TimeDelta::hours(1));
    assume(&user.config, &role.arn)
        .send()
        .await
        .expect("the role has arrived");
}

/// A trust policy that was just changed does not count for a while.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html>
#[tokio::test]
async fn a_new_trust_policy_does_not_count_at_once() {
    let Some(aws) = controlled().await else { return };
    let user = broker(&aws).await;
    let role = Role::bare(&aws, aws.customer(), &trust(&aws.customer().id, "{}")).await;
    aws.control().set_lag(LagSettings {
        role_ms_max: HOUR_MS,
        ..LagSettings::default()
    });

    role.trusts(&trust(&aws.vendor().root_arn(), "{}")).await;

    assert_eq!(code(assume(&user.config, &role.arn).send().await), "AccessDenied");
    aws.advance(TimeDelta::hours(1));
    assume(&user.config, &role.arn)
        .send()
        .await
        .expect("the policy has arrived");
}

/// A permission that was just given or taken does not count for a while; IAM itself shows it at once.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html>
#[tokio::test]
async fn a_new_permission_does_not_count_at_once() {
    let Some(aws) = controlled().await else { return };
    let user = broker(&aws).await;
    let role = Role::bare(&aws, aws.customer(), &trust(&aws.vendor().root_arn(), "{}")).await;
    let answer = assume(&user.config, &role.arn).send().await.expect("a session");
    let ec2 = aws_sdk_ec2::Client::new(&keys_of(aws.customer(), &answer));
    aws.control().set_lag(LagSettings {
        policy_ms_max: HOUR_MS,
        ..LagSettings::default()
    });

    role.put("own", ALLOW_ALL).await;
    assert_eq!(code(ec2.describe_vpcs().send().await), "UnauthorizedOperation");
    let shown = role
        .iam
        .list_role_policies()
        .role_name(&role.name)
        .send()
        .await
        .expect("a list");
    assert_eq!(shown.policy_names, ["own"]);
    let answer = {
        aws.advance(TimeDelta::hours(1));
        assume(&user.config, &role.arn).send().await.expect("a session")
    };
    let ec2 = aws_sdk_ec2::Client::new(&keys_of(aws.customer(), &answer));
    ec2.describe_vpcs()
        .send()
        .await
        .expect("the permission has arrived");

    let delete = role
        .iam
        .delete_role_policy()
        .role_name(&role.name)
        .policy_name("own");
    delete.send().await.expect("it is taken");
    ec2.describe_vpcs()
        .send()
        .await
        .expect("the loss has not arrived");
}
