//! Versions of launch templates.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{InstanceType, LaunchTemplateVersion, RequestLaunchTemplateData};
use conformance::{aws, code};

use crate::support::{client, image, template, template_data};

async fn add(ec2: &Client, id: &str, kind: &str) -> i64 {
    let create = ec2.create_launch_template_version().launch_template_id(id);
    let made = create
        .launch_template_data(template_data(ec2, kind).await)
        .send()
        .await
        .expect("a version");
    made.launch_template_version
        .and_then(|made| made.version_number)
        .expect("a number")
}

async fn read(ec2: &Client, id: &str, version: &str) -> LaunchTemplateVersion {
    let describe = ec2
        .describe_launch_template_versions()
        .launch_template_id(id)
        .versions(version);
    let found = describe.send().await.expect("a version");
    found.launch_template_versions()[0].clone()
}

async fn end(ec2: &Client, id: String) {
    ec2.delete_launch_template()
        .launch_template_id(id)
        .send()
        .await
        .expect("it goes");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/manage-launch-template-versions.html>
#[tokio::test]
async fn a_new_version_is_the_latest_and_not_the_default() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let id = template(&ec2, &aws.name("template")).await;

    assert_eq!(add(&ec2, &id, "t3.small").await, 2);

    let (latest, default) = (
        read(&ec2, &id, "$Latest").await,
        read(&ec2, &id, "$Default").await,
    );
    assert_eq!(
        (latest.version_number(), latest.default_version()),
        (Some(2), Some(false))
    );
    assert_eq!(
        (default.version_number(), default.default_version()),
        (Some(1), Some(true))
    );
    let kind = latest
        .launch_template_data()
        .and_then(|data| data.instance_type());
    assert_eq!(kind, Some(&InstanceType::T3Small));
    end(&ec2, id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyLaunchTemplate.html>
#[tokio::test]
async fn another_version_becomes_the_default() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let id = template(&ec2, &aws.name("template")).await;
    add(&ec2, &id, "t3.small").await;
    let set = |version: &str| {
        ec2.modify_launch_template()
            .launch_template_id(&id)
            .default_version(version)
            .send()
    };

    let changed = set("2")
        .await
        .expect("changed")
        .launch_template
        .expect("a template");

    assert_eq!(
        (changed.default_version_number(), changed.latest_version_number()),
        (Some(2), Some(2))
    );
    assert_eq!(read(&ec2, &id, "$Default").await.version_number(), Some(2));
    assert_eq!(code(set("9").await), "InvalidLaunchTemplateId.VersionNotFound");
    end(&ec2, id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplateVersion.html>
#[tokio::test]
async fn a_version_over_a_source_takes_what_it_does_not_say() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let id = template(&ec2, &aws.name("template")).await;
    let only_type = RequestLaunchTemplateData::builder()
        .instance_type(InstanceType::T3Large)
        .build();
    let create = |source: &str| {
        let create = ec2
            .create_launch_template_version()
            .launch_template_id(&id)
            .source_version(source);
        create.launch_template_data(only_type.clone()).send()
    };

    create("1").await.expect("a version");

    let data = read(&ec2, &id, "2").await.launch_template_data.expect("data");
    assert_eq!(data.instance_type(), Some(&InstanceType::T3Large));
    assert_eq!(data.image_id(), Some(image(&ec2, "x86_64").await.as_str()));
    assert_eq!(code(create("9").await), "InvalidLaunchTemplateId.VersionNotFound");
    end(&ec2, id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteLaunchTemplateVersions.html>
#[tokio::test]
async fn the_default_version_is_not_deleted_and_numbers_do_not_come_again() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let id = template(&ec2, &aws.name("template")).await;
    add(&ec2, &id, "t3.small").await;

    let delete = ec2.delete_launch_template_versions().launch_template_id(&id);
    let answer = delete
        .versions("1")
        .versions("2")
        .versions("7")
        .send()
        .await
        .expect("an answer");

    let gone = answer.successfully_deleted_launch_template_versions();
    assert_eq!(
        gone.iter()
            .filter_map(aws_sdk_ec2::types::DeleteLaunchTemplateVersionsResponseSuccessItem::version_number)
            .collect::<Vec<_>>(),
        [2]
    );
    let kept = answer.unsuccessfully_deleted_launch_template_versions();
    assert_eq!(
        kept.iter()
            .filter_map(aws_sdk_ec2::types::DeleteLaunchTemplateVersionsResponseErrorItem::version_number)
            .collect::<Vec<_>>(),
        [1, 7]
    );
    let why = kept[1]
        .response_error()
        .and_then(|error| error.code())
        .expect("a code");
    assert_eq!(why.as_str(), "launchTemplateVersionDoesNotExist");
    assert_eq!(add(&ec2, &id, "t3.small").await, 3);
    end(&ec2, id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeLaunchTemplateVersions.html>
#[tokio::test]
async fn versions_are_described_by_range_and_in_pages() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let id = template(&ec2, &aws.name("template")).await;
    for _ in 0..4 {
        add(&ec2, &id, "t3.small").await;
    }
    let describe = || ec2.describe_launch_template_versions().launch_template_id(&id);
    let numbers = |found: Vec<LaunchTemplateVersion>| {
        let mut numbers: Vec<_> = found
            .iter()
            .filter_map(LaunchTemplateVersion::version_number)
            .collect();
        numbers.sort_unstable();
        numbers
    };

    let some = describe()
        .min_version("2")
        .max_version("4")
        .send()
        .await
        .expect("versions");
    assert_eq!(
        numbers(some.launch_template_versions.expect("versions")),
        [2, 3, 4]
    );
    let pages = describe().into_paginator().page_size(2).items().send();
    let all = pages.collect::<Result<Vec<_>, _>>().await.expect("pages");
    assert_eq!(numbers(all), [1, 2, 3, 4, 5]);
    assert_eq!(
        code(describe().versions("9").send().await),
        "InvalidLaunchTemplateId.VersionNotFound"
    );
    end(&ec2, id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplateVersion.html>
#[tokio::test]
async fn the_same_token_gives_the_same_version() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let id = template(&ec2, &aws.name("template")).await;
    let (token, data) = (aws.name("token"), template_data(&ec2, "t3.small").await);
    let create = || {
        let create = ec2.create_launch_template_version().launch_template_id(&id);
        create.launch_template_data(data.clone()).client_token(&token)
    };

    for _ in 0..2 {
        let made = create()
            .send()
            .await
            .expect("a version")
            .launch_template_version
            .expect("a version");
        assert_eq!(made.version_number(), Some(2));
    }
    let other = create().version_description("another").send().await;
    assert_eq!(code(other), "IdempotentParameterMismatch");
    end(&ec2, id).await;
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
#[tokio::test]
async fn versions_of_an_unknown_template_are_refused() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let data = template_data(&ec2, "t3.small").await;

    let create = ec2
        .create_launch_template_version()
        .launch_template_id("lt-00000000000000000");
    assert_eq!(
        code(create.launch_template_data(data).send().await),
        "InvalidLaunchTemplateId.NotFound"
    );
    let describe = ec2
        .describe_launch_template_versions()
        .launch_template_name("no-such-template");
    assert_eq!(
        code(describe.send().await),
        "InvalidLaunchTemplateName.NotFoundException"
    );
}
