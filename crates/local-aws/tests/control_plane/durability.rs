//! What survives a restart over the same directory.

use local_aws::Options;

use crate::support::{ACME, ALLOW_ALL, BROKER, ISV, World, keys, trust};

#[tokio::test]
async fn accounts_sessions_and_stacks_survive_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = || Options {
        data_dir: Some(directory.path().to_owned()),
        ..Options::default()
    };
    let world = World::with(options()).await;
    let role = world.role(ACME, "tenantry", &trust(ISV, "{}"), ALLOW_ALL).await;
    let sts = world.service(BROKER).sts();
    let answer = sts
        .assume_role()
        .role_arn(role)
        .role_session_name("op")
        .send()
        .await
        .expect("a session");
    let ec2 = world.root(ACME).ec2();
    let first = ec2
        .create_vpc()
        .cidr_block("10.0.0.0/16")
        .send()
        .await
        .expect("a network");
    let before = world.control().inventory();
    world.aws.stop().await.expect("the state is written");

    let world = World::with(options()).await;

    assert_eq!(world.control().inventory(), before);
    let session = world.clients(keys(&answer), "eu-central-1").ec2();
    let again = session
        .create_vpc()
        .cidr_block("10.0.0.0/16")
        .send()
        .await
        .expect("the session still works");
    let id = |vpc: Option<aws_sdk_ec2::types::Vpc>| vpc.and_then(|vpc| vpc.vpc_id);
    assert_ne!(id(first.vpc), id(again.vpc), "ids do not come again");
}

#[tokio::test]
async fn a_broken_state_file_is_an_error_and_not_an_empty_account() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("state.json"), "{").expect("a file");

    let options = Options {
        data_dir: Some(directory.path().to_owned()),
        ..Options::default()
    };

    assert!(local_aws::LocalAws::start(options).await.is_err());
}
