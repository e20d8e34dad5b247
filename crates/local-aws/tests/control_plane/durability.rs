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

/// Everything EC2 keeps comes back as it was: what a deployment is made of, and what still waits.
#[tokio::test]
async fn networks_images_and_templates_survive_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = || Options {
        data_dir: Some(directory.path().to_owned()),
        ..Options::default()
    };
    let world = World::with(options()).await;
    let ec2 = world.root(ACME).ec2();
    let vpc = ec2
        .create_vpc()
        .cidr_block("10.0.0.0/16")
        .send()
        .await
        .expect("a network");
    let vpc_id = vpc.vpc.and_then(|vpc| vpc.vpc_id).expect("an id");
    let subnet = ec2.create_subnet().vpc_id(&vpc_id).cidr_block("10.0.1.0/24");
    let subnet = subnet.send().await.expect("a subnet").subnet.expect("a subnet");
    let subnet_id = subnet.subnet_id.expect("an id");
    let nat = ec2.create_nat_gateway().subnet_id(&subnet_id);
    let nat = nat.connectivity_type("private".into()).client_token("token");
    nat.clone().send().await.expect("a NAT gateway");
    let endpoint = ec2.create_vpc_endpoint().vpc_id(&vpc_id);
    let endpoint = endpoint.service_name("com.amazonaws.eu-central-1.s3");
    endpoint.send().await.expect("an endpoint");
    template_and_image(&ec2, &subnet_id).await;
    let before = world.control().inventory();
    world.aws.stop().await.expect("the state is written");

    let world = World::with(options()).await;

    assert_eq!(world.control().inventory(), before);
    let kinds: std::collections::BTreeSet<_> = before.iter().map(|item| item.kind.as_str()).collect();
    for kind in [
        "image",
        "instance",
        "launch-template",
        "natgateway",
        "network-interface",
        "snapshot",
        "volume",
        "vpc-endpoint",
    ] {
        assert!(
            kinds.contains(format!("ec2:{kind}").as_str()),
            "{kind}: {kinds:?}"
        );
    }
    let again = world.root(ACME).ec2().create_nat_gateway().subnet_id(&subnet_id);
    let again = again.connectivity_type("private".into()).client_token("token");
    again.send().await.expect("the token is remembered");
    assert_eq!(world.control().inventory(), before, "so nothing new was made");
}

/// An instance from a template, and an image of it.
async fn template_and_image(ec2: &aws_sdk_ec2::Client, subnet_id: &str) {
    let images = ec2
        .describe_images()
        .owners("amazon")
        .send()
        .await
        .expect("images");
    let image_id = images.images()[0].image_id().expect("an id");
    let data = aws_sdk_ec2::types::RequestLaunchTemplateData::builder()
        .image_id(image_id)
        .instance_type("t3.micro".into())
        .build();
    let template = ec2.create_launch_template().launch_template_name("template");
    template
        .launch_template_data(data)
        .send()
        .await
        .expect("a template");
    let of = aws_sdk_ec2::types::LaunchTemplateSpecification::builder().launch_template_name("template");
    let run = ec2
        .run_instances()
        .launch_template(of.build())
        .subnet_id(subnet_id);
    let made = run.min_count(1).max_count(1).send().await.expect("an instance");
    let instance_id = made.instances()[0].instance_id().expect("an id");
    ec2.describe_instances().send().await.expect("it runs");
    let image = ec2.create_image().instance_id(instance_id).name("golden");
    image.send().await.expect("an image");
}
