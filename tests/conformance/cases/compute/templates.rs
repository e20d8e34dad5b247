//! Launch templates and launches from them.

use aws_sdk_ec2::types::{
    InstanceType, LaunchTemplateSpecification, LaunchTemplateTagSpecificationRequest,
    RequestLaunchTemplateData, ResourceType,
};
use conformance::{aws, code};

use crate::support::{client, image, instance, subnet, sweep, tag, template, template_data, vpc};

fn of(id: &str) -> LaunchTemplateSpecification {
    LaunchTemplateSpecification::builder()
        .launch_template_id(id)
        .build()
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html>
#[tokio::test]
async fn a_template_name_is_taken_once() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let name = aws.name("template");
    let id = template(&ec2, &name).await;

    let again = ec2.create_launch_template().launch_template_name(&name);
    let again = again
        .launch_template_data(template_data(&ec2, "t3.micro").await)
        .send()
        .await;

    assert_eq!(code(again), "InvalidLaunchTemplateName.AlreadyExistsException");
    ec2.delete_launch_template()
        .launch_template_id(id)
        .send()
        .await
        .expect("it goes");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html>
#[tokio::test]
async fn template_names_are_of_three_characters_or_more() {
    let aws = aws().await;
    let ec2 = client(&aws);

    for name in ["no spaces", "ab", "ä-template", &"x".repeat(129)] {
        let create = ec2.create_launch_template().launch_template_name(name);
        let refused = create
            .launch_template_data(template_data(&ec2, "t3.micro").await)
            .send()
            .await;
        assert_eq!(
            code(refused),
            "InvalidLaunchTemplateName.MalformedException",
            "{name}"
        );
    }
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html>
#[tokio::test]
async fn a_template_says_something() {
    let aws = aws().await;
    let ec2 = client(&aws);

    let empty = ec2
        .create_launch_template()
        .launch_template_name(aws.name("template"));

    let refused = empty
        .launch_template_data(RequestLaunchTemplateData::builder().build())
        .send()
        .await;
    assert_eq!(code(refused), "MissingParameter");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html>
#[tokio::test]
async fn the_same_token_gives_the_same_template() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let (name, token) = (aws.name("template"), aws.name("token"));
    let data = template_data(&ec2, "t3.micro").await;
    let create = || {
        let create = ec2.create_launch_template().launch_template_name(&name);
        create.launch_template_data(data.clone()).client_token(&token)
    };
    let id = |made: aws_sdk_ec2::operation::create_launch_template::CreateLaunchTemplateOutput| {
        made.launch_template
            .and_then(|made| made.launch_template_id)
            .expect("an id")
    };

    let first = id(create().send().await.expect("a template"));
    assert_eq!(id(create().send().await.expect("the same one")), first);
    let other = create().version_description("another").send().await;
    assert_eq!(code(other), "IdempotentParameterMismatch");
    ec2.delete_launch_template()
        .launch_template_id(first)
        .send()
        .await
        .expect("it goes");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeLaunchTemplates.html>
#[tokio::test]
async fn templates_are_found_by_id_and_by_name() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let name = aws.name("template");
    let id = template(&ec2, &name).await;

    let by_name = ec2
        .describe_launch_templates()
        .launch_template_names(&name)
        .send()
        .await
        .expect("a template");
    assert_eq!(by_name.launch_templates().len(), 1);
    assert_eq!(
        by_name.launch_templates()[0].launch_template_id(),
        Some(id.as_str())
    );
    let unknown = ec2
        .describe_launch_templates()
        .launch_template_names("no-such-template")
        .send()
        .await;
    assert_eq!(code(unknown), "InvalidLaunchTemplateName.NotFoundException");
    let unknown = ec2
        .describe_launch_templates()
        .launch_template_ids("lt-00000000000000000")
        .send()
        .await;
    assert_eq!(code(unknown), "InvalidLaunchTemplateId.NotFound");
    let malformed = ec2
        .describe_launch_templates()
        .launch_template_ids("template")
        .send()
        .await;
    assert_eq!(code(malformed), "InvalidLaunchTemplateId.Malformed");
    ec2.delete_launch_template()
        .launch_template_name(name)
        .send()
        .await
        .expect("it goes");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteLaunchTemplate.html>
#[tokio::test]
async fn a_deleted_template_is_unknown() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let id = template(&ec2, &aws.name("template")).await;
    let delete = || ec2.delete_launch_template().launch_template_id(&id).send();

    delete().await.expect("it goes");
    assert_eq!(code(delete().await), "InvalidLaunchTemplateId.NotFound");
    assert_eq!(
        code(ec2.delete_launch_template().send().await),
        "MissingParameter"
    );
}

/// A launch needs nothing that its template says.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/launch-instances-from-launch-template.html>
#[tokio::test]
async fn a_launch_takes_what_its_template_says() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let subnet_id = subnet(&ec2, &vpc_id, "10.0.1.0/24").await;
    let id = template(&ec2, &aws.name("template")).await;
    let launch = ec2.run_instances().launch_template(of(&id)).subnet_id(&subnet_id);

    let made = launch
        .min_count(1)
        .max_count(1)
        .send()
        .await
        .expect("an instance");

    let instance = &made.instances()[0];
    assert_eq!(instance.instance_type(), Some(&InstanceType::T3Micro));
    assert_eq!(instance.image_id(), Some(image(&ec2, "x86_64").await.as_str()));
    let value = |key: &str| {
        let tag = instance.tags().iter().find(|tag| tag.key() == Some(key));
        tag.and_then(|tag| tag.value()).map(str::to_owned)
    };
    assert_eq!(value("aws:ec2launchtemplate:id"), Some(id.clone()));
    assert_eq!(value("aws:ec2launchtemplate:version"), Some("1".into()));
    sweep(&ec2, &vpc_id).await;
    ec2.delete_launch_template()
        .launch_template_id(id)
        .send()
        .await
        .expect("it goes");
}

/// What the call says overrides the template.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html>
#[tokio::test]
async fn a_launch_overrides_its_template() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let subnet_id = subnet(&ec2, &vpc_id, "10.0.1.0/24").await;
    let id = template(&ec2, &aws.name("template")).await;
    let launch = ec2.run_instances().launch_template(of(&id)).subnet_id(&subnet_id);

    let made = launch
        .instance_type(InstanceType::T3Small)
        .min_count(1)
        .max_count(1)
        .send()
        .await;

    let made = made.expect("an instance");
    assert_eq!(made.instances()[0].instance_type(), Some(&InstanceType::T3Small));
    sweep(&ec2, &vpc_id).await;
    ec2.delete_launch_template()
        .launch_template_id(id)
        .send()
        .await
        .expect("it goes");
}

/// The tags of the template and of the call add up, and the call wins.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/create-launch-template.html>
#[tokio::test]
async fn tags_of_a_launch_and_of_its_template_add_up() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let vpc_id = vpc(&ec2, "10.0.0.0/16").await;
    let subnet_id = subnet(&ec2, &vpc_id, "10.0.1.0/24").await;
    let own = LaunchTemplateTagSpecificationRequest::builder()
        .resource_type(ResourceType::Instance)
        .tags(tag("from", "template"))
        .tags(tag("team", "data"));
    let data = RequestLaunchTemplateData::builder()
        .image_id(image(&ec2, "x86_64").await)
        .instance_type(InstanceType::T3Micro)
        .tag_specifications(own.build());
    let create = ec2
        .create_launch_template()
        .launch_template_name(aws.name("template"));
    let made = create
        .launch_template_data(data.build())
        .send()
        .await
        .expect("a template");
    let id = made
        .launch_template
        .and_then(|made| made.launch_template_id)
        .expect("an id");
    let launch = ec2.run_instances().launch_template(of(&id)).subnet_id(&subnet_id);
    let tags = crate::support::tags(ResourceType::Instance, &[("from", "call")]);

    let made = launch
        .tag_specifications(tags)
        .min_count(1)
        .max_count(1)
        .send()
        .await
        .expect("an instance");

    let found = instance(&ec2, made.instances()[0].instance_id().expect("an id")).await;
    let mut pairs: Vec<_> = found
        .tags()
        .iter()
        .filter_map(|tag| Some((tag.key()?, tag.value()?)))
        .collect();
    pairs.retain(|(key, _)| !key.starts_with("aws:"));
    pairs.sort_unstable();
    assert_eq!(pairs, [("from", "call"), ("team", "data")]);
    sweep(&ec2, &vpc_id).await;
    ec2.delete_launch_template()
        .launch_template_id(id)
        .send()
        .await
        .expect("it goes");
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
#[tokio::test]
async fn launches_from_unknown_templates_and_versions_are_refused() {
    let aws = aws().await;
    let ec2 = client(&aws);
    let id = template(&ec2, &aws.name("template")).await;
    let run = |template: LaunchTemplateSpecification| {
        let launch = ec2
            .run_instances()
            .launch_template(template)
            .subnet_id("subnet-00000000000000000");
        launch.min_count(1).max_count(1).send()
    };
    let version = |version: &str| {
        LaunchTemplateSpecification::builder()
            .launch_template_id(&id)
            .version(version)
            .build()
    };

    assert_eq!(
        code(run(of("lt-00000000000000000")).await),
        "InvalidLaunchTemplateId.NotFound"
    );
    let named = LaunchTemplateSpecification::builder()
        .launch_template_name("no-such-template")
        .build();
    assert_eq!(
        code(run(named).await),
        "InvalidLaunchTemplateName.NotFoundException"
    );
    assert_eq!(
        code(run(version("7")).await),
        "InvalidLaunchTemplateId.VersionNotFound"
    );
    assert_eq!(code(run(version("seven")).await), "InvalidParameterValue");
    assert_eq!(
        code(run(version("$Latest")).await),
        "InvalidSubnetID.NotFound",
        "the version is there"
    );
    ec2.delete_launch_template()
        .launch_template_id(id)
        .send()
        .await
        .expect("it goes");
}
