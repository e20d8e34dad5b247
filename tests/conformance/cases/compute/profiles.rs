//! Instance profiles at launch.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{IamInstanceProfileSpecification, InstanceStateName};
use chrono::TimeDelta;
use conformance::{Aws, aws, code, controlled, eventually};
use local_aws::LagSettings;

use crate::support::{client, instance, launch, reaches, subnet, sweep, vpc};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

fn named(name: &str) -> IamInstanceProfileSpecification {
    IamInstanceProfileSpecification::builder().name(name).build()
}

/// A profile, with a role of the same name inside.
async fn profile(iam: &aws_sdk_iam::Client, name: &str) {
    let role = iam
        .create_role()
        .role_name(name)
        .assume_role_policy_document(TRUST);
    role.send().await.expect("a role");
    let create = iam.create_instance_profile().instance_profile_name(name);
    create.send().await.expect("a profile");
    let add = iam.add_role_to_instance_profile().instance_profile_name(name);
    add.role_name(name).send().await.expect("a role inside");
}

async fn end(iam: &aws_sdk_iam::Client, name: &str) {
    let take = iam
        .remove_role_from_instance_profile()
        .instance_profile_name(name);
    take.role_name(name).send().await.expect("taken out");
    iam.delete_instance_profile()
        .instance_profile_name(name)
        .send()
        .await
        .expect("it goes");
    iam.delete_role().role_name(name).send().await.expect("it goes");
}

async fn site(ec2: &Client) -> (String, String) {
    let vpc_id = vpc(ec2, "10.0.0.0/16").await;
    let subnet_id = subnet(ec2, &vpc_id, "10.0.1.0/24").await;
    (vpc_id, subnet_id)
}

fn iam(aws: &Aws) -> aws_sdk_iam::Client {
    aws_sdk_iam::Client::new(&aws.vendor().config)
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/iam-roles-for-amazon-ec2.html>
#[tokio::test]
async fn an_instance_carries_the_profile_it_was_launched_with() {
    let aws = aws().await;
    let (ec2, iam) = (client(&aws), iam(&aws));
    let (vpc_id, subnet_id) = site(&ec2).await;
    let name = aws.name("profile");
    profile(&iam, &name).await;
    let launch = launch(&ec2, &subnet_id)
        .await
        .client_token(&name)
        .iam_instance_profile(named(&name));

    eventually("EC2 knows the profile", async || {
        launch.clone().send().await.is_ok()
    })
    .await;
    let made = launch
        .send()
        .await
        .expect("the same token gives the same instance");

    let id = made.instances()[0].instance_id().expect("an id");
    reaches(&ec2, id, &InstanceStateName::Running).await;
    let own = instance(&ec2, id).await.iam_instance_profile.expect("a profile");
    let wanted = format!("arn:aws:iam::{}:instance-profile/{name}", aws.vendor().id);
    assert_eq!(own.arn(), Some(wanted.as_str()));
    sweep(&ec2, &vpc_id).await;
    end(&iam, &name).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IamInstanceProfileSpecification.html>
#[tokio::test]
async fn an_unknown_profile_and_one_without_role_are_refused() {
    let aws = aws().await;
    let (ec2, iam) = (client(&aws), iam(&aws));
    let (vpc_id, subnet_id) = site(&ec2).await;
    let name = aws.name("profile");
    let launch = launch(&ec2, &subnet_id).await;
    let with = |profile| launch.clone().iam_instance_profile(profile).send();

    assert_eq!(
        code(with(named("no-such-profile")).await),
        "InvalidParameterValue"
    );
    let create = iam.create_instance_profile().instance_profile_name(&name);
    let arn = create
        .send()
        .await
        .expect("a profile")
        .instance_profile
        .expect("a profile")
        .arn;
    assert_eq!(
        code(with(named(&name)).await),
        "InvalidParameterValue",
        "it has no role"
    );
    let both = IamInstanceProfileSpecification::builder()
        .name(&name)
        .arn(arn)
        .build();
    assert_eq!(code(with(both).await), "InvalidParameterCombination");
    iam.delete_instance_profile()
        .instance_profile_name(&name)
        .send()
        .await
        .expect("it goes");
    sweep(&ec2, &vpc_id).await;
}

/// A launch gives the role to EC2, and that needs a permission of its own.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html>
#[tokio::test]
async fn a_launch_with_a_profile_needs_permission_to_pass_its_role_to_ec2() {
    let Some(aws) = controlled().await else { return };
    let (ec2, iam) = (client(&aws), iam(&aws));
    let (_, subnet_id) = site(&ec2).await;
    profile(&iam, "worker").await;
    let run = async |statement: &str| {
        let all = r#"{"Effect":"Allow","Action":"ec2:*","Resource":"*"}"#;
        let caller = crate::permissions::under(&aws, &format!("{all}{statement}")).await;
        let launch = launch(&caller, &subnet_id).await;
        launch.iam_instance_profile(named("worker")).send().await
    };
    let pass = |service: &str| {
        format!(
            r#",{{"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::*:role/worker",
            "Condition":{{"StringEquals":{{"iam:PassedToService":"{service}"}}}}}}"#
        )
    };

    assert_eq!(code(run("").await), "UnauthorizedOperation");
    assert_eq!(
        code(run(&pass("lambda.amazonaws.com")).await),
        "UnauthorizedOperation"
    );
    run(&pass("ec2.amazonaws.com")).await.expect("an instance");
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html>
#[tokio::test]
async fn a_new_profile_is_not_known_to_ec2_at_once() {
    let Some(aws) = controlled().await else { return };
    let (ec2, iam) = (client(&aws), iam(&aws));
    let (_, subnet_id) = site(&ec2).await;
    aws.control().set_lag(LagSettings {
        role_ms_max: 3_600_000,
        ..LagSettings::default()
    });
    profile(&iam, "worker").await;
    let launch = launch(&ec2, &subnet_id)
        .await
        .iam_instance_profile(named("worker"));

    assert_eq!(code(launch.clone().send().await), "InvalidParameterValue");
    aws.advance(TimeDelta::hours(1));
    launch.send().await.expect("an hour later it is known");
}
