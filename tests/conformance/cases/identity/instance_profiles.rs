//! Instance profiles.

use conformance::{Aws, aws, code};

use crate::support::{Role, User, iam, policy};

const EC2: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

async fn profile(aws: &Aws) -> String {
    let name = aws.name("profile");
    let create = iam(aws.customer())
        .create_instance_profile()
        .instance_profile_name(&name);
    create.send().await.expect("a profile");
    name
}

/// A profile carries one role, and tells of it.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddRoleToInstanceProfile.html>
#[tokio::test]
async fn a_profile_carries_one_role() {
    let aws = aws().await;
    let (first, second) = (
        Role::bare(&aws, aws.customer(), EC2).await,
        Role::bare(&aws, aws.customer(), EC2).await,
    );
    let (iam, name) = (first.iam.clone(), profile(&aws).await);
    let add = |role: &str| {
        let add = iam.add_role_to_instance_profile().instance_profile_name(&name);
        add.role_name(role).send()
    };
    add(&first.name).await.expect("an empty profile takes a role");

    assert_eq!(code(add(&second.name).await), "LimitExceeded");
    let read = iam
        .get_instance_profile()
        .instance_profile_name(&name)
        .send()
        .await
        .expect("an answer");
    let read = read.instance_profile.expect("a profile");
    assert!(read.instance_profile_id.starts_with("AIPA"));
    assert_eq!(
        read.roles.iter().map(|role| role.arn.clone()).collect::<Vec<_>>(),
        std::slice::from_ref(&first.arn)
    );
    let of_role = iam
        .list_instance_profiles_for_role()
        .role_name(&first.name)
        .send()
        .await
        .expect("a list");
    assert_eq!(of_role.instance_profiles.len(), 1);
    let remove = iam
        .remove_role_from_instance_profile()
        .instance_profile_name(&name);
    remove
        .role_name(&first.name)
        .send()
        .await
        .expect("the role goes out");
    iam.delete_instance_profile()
        .instance_profile_name(&name)
        .send()
        .await
        .expect("it is empty");
    first.remove().await;
    second.remove().await;
}

/// Neither a profile with a role nor a role in a profile is deleted.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteInstanceProfile.html>
#[tokio::test]
async fn a_profile_and_its_role_hold_each_other() {
    let aws = aws().await;
    let role = Role::bare(&aws, aws.customer(), EC2).await;
    let (iam, name) = (role.iam.clone(), profile(&aws).await);
    let add = iam.add_role_to_instance_profile().instance_profile_name(&name);
    add.role_name(&role.name).send().await.expect("the role goes in");

    let delete = iam
        .delete_instance_profile()
        .instance_profile_name(&name)
        .send()
        .await;
    assert_eq!(code(delete), "DeleteConflict");
    assert_eq!(
        code(iam.delete_role().role_name(&role.name).send().await),
        "DeleteConflict"
    );
    let remove = || {
        iam.remove_role_from_instance_profile()
            .instance_profile_name(&name)
            .role_name(&role.name)
            .send()
    };
    remove().await.expect("the role goes out");
    assert_eq!(code(remove().await), "NoSuchEntity");
    iam.delete_instance_profile()
        .instance_profile_name(&name)
        .send()
        .await
        .expect("it is empty");
    role.remove().await;
}

/// A name is given once, and what is not there is not found.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateInstanceProfile.html>
#[tokio::test]
async fn profile_names_are_checked() {
    let aws = aws().await;
    let (iam, name) = (iam(aws.customer()), profile(&aws).await);
    let create = |name: &str| iam.create_instance_profile().instance_profile_name(name).send();
    let nobody = aws.name("nobody");

    assert_eq!(code(create(&name).await), "EntityAlreadyExists");
    assert_eq!(code(create("with space").await), "ValidationError");
    let missing = iam
        .get_instance_profile()
        .instance_profile_name(&nobody)
        .send()
        .await;
    assert_eq!(code(missing), "NoSuchEntity");
    let missing = iam
        .delete_instance_profile()
        .instance_profile_name(&nobody)
        .send()
        .await;
    assert_eq!(code(missing), "NoSuchEntity");
    let add = iam
        .add_role_to_instance_profile()
        .instance_profile_name(&name)
        .role_name(&nobody);
    assert_eq!(code(add.send().await), "NoSuchEntity");
    iam.delete_instance_profile()
        .instance_profile_name(&name)
        .send()
        .await
        .expect("it is empty");
}

/// Profiles are listed by path in pages.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListInstanceProfiles.html>
#[tokio::test]
async fn profiles_are_listed_by_path_in_pages() {
    let aws = aws().await;
    let (iam, path) = (iam(aws.customer()), format!("/{}/", aws.name("path")));
    let names: Vec<String> = (0..2)
        .map(|number| aws.name(&format!("profile{number}")))
        .collect();
    for name in &names {
        let create = iam
            .create_instance_profile()
            .instance_profile_name(name)
            .path(&path);
        create.send().await.expect("a profile");
    }

    let first = iam
        .list_instance_profiles()
        .path_prefix(&path)
        .max_items(1)
        .send()
        .await
        .expect("a page");
    let second = iam
        .list_instance_profiles()
        .path_prefix(&path)
        .set_marker(first.marker.clone());
    let second = second.send().await.expect("a page");

    assert!(first.is_truncated && !second.is_truncated);
    let pages = first
        .instance_profiles
        .into_iter()
        .chain(second.instance_profiles);
    let mut seen: Vec<String> = pages.map(|profile| profile.instance_profile_name).collect();
    seen.sort();
    assert_eq!(seen, names);
    for name in names {
        iam.delete_instance_profile()
            .instance_profile_name(name)
            .send()
            .await
            .expect("it is empty");
    }
}

/// Putting a role into a profile passes it to EC2: the caller needs iam:PassRole for that role and that service.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html>
#[tokio::test]
async fn putting_a_role_into_a_profile_needs_pass_role() {
    let aws = aws().await;
    let role = Role::bare(&aws, aws.customer(), EC2).await;
    let name = profile(&aws).await;
    let may = |service: &str| {
        policy(&format!(
            r#"{{"Effect":"Allow","Action":"iam:AddRoleToInstanceProfile","Resource":"*"}},
            {{"Effect":"Allow","Action":"iam:PassRole","Resource":"{}",
            "Condition":{{"StringEquals":{{"iam:PassedToService":"{service}"}}}}}}"#,
            role.arn
        ))
    };
    let other = User::make(&aws, aws.customer(), &may("lambda.amazonaws.com")).await;
    let right = User::make(&aws, aws.customer(), &may("ec2.amazonaws.com")).await;
    let add = |user: &User| {
        let add = aws_sdk_iam::Client::new(&user.config).add_role_to_instance_profile();
        add.instance_profile_name(&name).role_name(&role.name).send()
    };

    assert_eq!(code(add(&other).await), "AccessDenied");
    conformance::eventually("the role is passed", async || add(&right).await.is_ok()).await;

    let remove = role
        .iam
        .remove_role_from_instance_profile()
        .instance_profile_name(&name);
    remove
        .role_name(&role.name)
        .send()
        .await
        .expect("the role goes out");
    role.iam
        .delete_instance_profile()
        .instance_profile_name(&name)
        .send()
        .await
        .expect("it is empty");
    role.remove().await;
    other.remove().await;
    right.remove().await;
}

/// Only the services that a role trusts take it: an instance's role is of no use to a user.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_switch-role-ec2.html>
#[tokio::test]
async fn a_role_for_instances_is_not_assumed_by_users() {
    let aws = aws().await;
    let role = Role::bare(&aws, aws.customer(), EC2).await;
    let user = User::make(
        &aws,
        aws.customer(),
        &policy(r#"{"Effect":"Allow","Action":"sts:*","Resource":"*"}"#),
    )
    .await;

    let outcome = crate::support::assume(&user.config, &role.arn).send().await;

    assert_eq!(code(outcome), "AccessDenied");
    role.remove().await;
    user.remove().await;
}

/// An image for x86, and a subnet of a network of its own.
async fn image_and_subnet(root: &aws_sdk_ec2::Client) -> (String, String) {
    let intel = aws_sdk_ec2::types::Filter::builder()
        .name("architecture")
        .values("x86_64")
        .build();
    let images = root
        .describe_images()
        .owners("amazon")
        .filters(intel)
        .send()
        .await
        .expect("images");
    let image = images.images()[0].image_id().expect("an id").to_owned();
    let vpc = root
        .create_vpc()
        .cidr_block("10.0.0.0/16")
        .send()
        .await
        .expect("a network");
    let vpc = vpc.vpc.and_then(|vpc| vpc.vpc_id).expect("an id");
    let subnet = root
        .create_subnet()
        .vpc_id(vpc)
        .cidr_block("10.0.1.0/24")
        .send()
        .await
        .expect("a subnet");
    let subnet = subnet.subnet.and_then(|subnet| subnet.subnet_id).expect("an id");
    (image, subnet)
}

/// An instance is launched under a profile that is there and holds a role, by a caller that may pass that role.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/iam-roles-for-amazon-ec2.html>
#[tokio::test]
async fn an_instance_is_launched_under_a_profile_that_may_be_passed() {
    let Some(aws) = conformance::controlled().await else {
        return;
    };
    let root = aws_sdk_ec2::Client::new(&aws.customer().config);
    let (image, subnet) = image_and_subnet(&root).await;
    let role = Role::bare(&aws, aws.customer(), EC2).await;
    let name = profile(&aws).await;
    let user = User::make(
        &aws,
        aws.customer(),
        &policy(r#"{"Effect":"Allow","Action":"ec2:*","Resource":"*"}"#),
    )
    .await;
    let launch = |client: &aws_sdk_ec2::Client, profile: &str| {
        let named = aws_sdk_ec2::types::IamInstanceProfileSpecification::builder()
            .name(profile)
            .build();
        let launch = client
            .run_instances()
            .image_id(&image)
            .subnet_id(&subnet)
            .min_count(1)
            .max_count(1);
        let launch = launch.instance_type(aws_sdk_ec2::types::InstanceType::T3Micro);
        launch.iam_instance_profile(named).send()
    };

    assert_eq!(
        code(launch(&root, &aws.name("nobody")).await),
        "InvalidParameterValue"
    );
    assert_eq!(
        code(launch(&root, &name).await),
        "InvalidParameterValue",
        "it holds no role"
    );
    let add = role
        .iam
        .add_role_to_instance_profile()
        .instance_profile_name(&name);
    add.role_name(&role.name).send().await.expect("the role goes in");
    let restricted = aws_sdk_ec2::Client::new(&user.config);
    assert_eq!(
        code(launch(&restricted, &name).await),
        "UnauthorizedOperation",
        "it may not pass the role"
    );
    let launched = launch(&root, &name).await.expect("root may");
    let carried = launched.instances()[0]
        .iam_instance_profile()
        .and_then(|profile| profile.arn());
    assert!(carried.is_some_and(|arn| arn.ends_with(&format!(":instance-profile/{name}"))));
}
