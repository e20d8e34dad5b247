//! CreateStack, and what stacks tell of themselves.

use aws_sdk_cloudformation::types::{Capability, StackStatus, Tag};
use conformance::{aws, code, controlled};

use crate::support::{client, create, delete, describe, events, made, role_template, settled};

/// A stack is described with its id, status and time.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html>
#[tokio::test]
async fn a_stack_is_made_and_described() {
    let aws = aws().await;
    let name = aws.name("stack");
    let begun = create(&aws, &name, role_template(""))
        .send()
        .await
        .expect("the creation begins");
    let id = begun.stack_id.expect("an id");

    let stack = settled(&aws, &name).await;

    assert_eq!(stack.stack_id(), Some(id.as_str()));
    assert_eq!(stack.stack_status(), Some(&StackStatus::CreateComplete));
    let prefix = format!(
        "arn:aws:cloudformation:{}:{}:stack/{name}/",
        aws.region(),
        aws.customer().id
    );
    assert!(id.starts_with(&prefix), "{id}");
    assert!(stack.creation_time().is_some() && stack.deletion_time().is_none());
    delete(&aws, &id).await;
}

/// The events tell the story backwards, of the stack and of each resource.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackEvents.html>
#[tokio::test]
async fn the_events_tell_the_story_backwards() {
    let aws = aws().await;
    let name = aws.name("stack");
    let stack = made(&aws, &name, create(&aws, &name, role_template(""))).await;

    let events = events(&aws, &name).await;

    let story: Vec<(&str, &str)> = events
        .iter()
        .rev()
        .map(|event| {
            let status = event.resource_status().expect("a status").as_str();
            (event.logical_resource_id().expect("a resource"), status)
        })
        .collect();
    let own = |index: usize| (story[index].0 == name, story[index].1);
    assert_eq!(own(0), (true, "CREATE_IN_PROGRESS"));
    assert_eq!(own(story.len() - 1), (true, "CREATE_COMPLETE"));
    assert!(story.contains(&("Role", "CREATE_IN_PROGRESS")) && story.contains(&("Role", "CREATE_COMPLETE")));
    delete(&aws, stack.stack_id().expect("an id")).await;
}

/// A stack's resources are described by logical and by physical id.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResources.html>
#[tokio::test]
async fn the_resources_of_a_stack_are_described() {
    let aws = aws().await;
    let name = aws.name("stack");
    let stack = made(&aws, &name, create(&aws, &name, role_template(""))).await;
    let client = client(aws.customer());

    let by_stack = client
        .describe_stack_resources()
        .stack_name(&name)
        .send()
        .await
        .expect("resources");
    let resource = by_stack.stack_resources.unwrap_or_default().remove(0);
    assert_eq!(resource.resource_type(), Some("AWS::IAM::Role"));
    let physical = resource.physical_resource_id().expect("an id").to_owned();
    let by_id = client
        .describe_stack_resources()
        .physical_resource_id(&physical)
        .send()
        .await;
    let found = by_id
        .expect("the stack that made it")
        .stack_resources
        .unwrap_or_default();
    assert_eq!(found[0].stack_id(), stack.stack_id());
    let absent = client
        .describe_stack_resources()
        .stack_name(&name)
        .logical_resource_id("Nothing");
    assert_eq!(code(absent.send().await), "ValidationError");
    let nowhere = client
        .describe_stack_resources()
        .physical_resource_id(aws.name("nobody"))
        .send()
        .await;
    assert_eq!(code(nowhere), "ValidationError");
    delete(&aws, stack.stack_id().expect("an id")).await;
}

/// A name without one's own needs the weaker capability, and none is refused.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html>
#[tokio::test]
async fn iam_resources_need_a_capability() {
    let aws = aws().await;
    let name = aws.name("stack");
    let bare = || {
        client(aws.customer())
            .create_stack()
            .stack_name(&name)
            .template_body(role_template(""))
    };

    assert_eq!(code(bare().send().await), "InsufficientCapabilitiesException");
    let stack = made(&aws, &name, bare().capabilities(Capability::CapabilityIam)).await;
    assert_eq!(stack.capabilities(), [Capability::CapabilityIam]);
    delete(&aws, stack.stack_id().expect("an id")).await;
}

/// A name of one's own needs the stronger capability.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html>
#[tokio::test]
async fn a_named_iam_resource_needs_the_stronger_capability() {
    let aws = aws().await;
    let name = aws.name("stack");
    let named = role_template(&format!("      RoleName: {name}"));
    let bare = client(aws.customer())
        .create_stack()
        .stack_name(&name)
        .template_body(named);

    let outcome = bare.capabilities(Capability::CapabilityIam).send().await;

    assert_eq!(code(outcome), "InsufficientCapabilitiesException");
    assert!(describe(&aws, &name).await.is_none());
}

/// A name is taken until its stack is deleted.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html>
#[tokio::test]
async fn a_stack_name_is_taken_until_the_stack_is_deleted() {
    let aws = aws().await;
    let name = aws.name("stack");
    let first = made(&aws, &name, create(&aws, &name, role_template(""))).await;

    assert_eq!(
        code(create(&aws, &name, role_template("")).send().await),
        "AlreadyExistsException"
    );
    delete(&aws, first.stack_id().expect("an id")).await;
    let second = made(&aws, &name, create(&aws, &name, role_template(""))).await;

    assert_ne!(first.stack_id(), second.stack_id());
    delete(&aws, second.stack_id().expect("an id")).await;
}

/// A repeated call with the same token is the same call.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html>
#[tokio::test]
async fn a_call_repeated_with_its_token_is_the_same_call() {
    let Some(aws) = controlled().await else { return };
    let ask = |name: &str| create(&aws, name, role_template("")).client_request_token("token-1");
    let first = ask("stack").send().await.expect("the creation begins");
    let again = ask("stack").send().await.expect("the same stack");

    assert_eq!(first.stack_id, again.stack_id);
    assert_eq!(code(ask("other").send().await), "TokenAlreadyExistsException");
    let changed = ask("stack").disable_rollback(true).send().await;
    assert_eq!(code(changed), "TokenAlreadyExistsException");
    let told = events(&aws, "stack").await;
    assert!(
        told.iter()
            .all(|event| event.client_request_token() == Some("token-1"))
    );
}

/// A stack's tags are shown, and go on to the role.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html>
#[tokio::test]
async fn a_stacks_tags_go_on_to_its_role() {
    let aws = aws().await;
    let name = aws.name("stack");
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
    let template =
        role_template("      Tags: [{Key: own, Value: mine}]\nOutputs: {Name: {Value: !Ref Role}}");
    let stack = made(
        &aws,
        &name,
        create(&aws, &name, template).tags(tag("team", "data")),
    )
    .await;

    assert_eq!(stack.tags()[0].key(), Some("team"));
    let role = crate::support::outputs(&stack)["Name"].clone();
    let iam = aws_sdk_iam::Client::new(&aws.customer().config);
    let tags = iam
        .list_role_tags()
        .role_name(role)
        .send()
        .await
        .expect("tags")
        .tags;
    let mut keys: Vec<_> = tags
        .iter()
        .map(|tag| tag.key().to_owned())
        .filter(|key| !key.starts_with("aws:"))
        .collect();
    keys.sort();
    assert_eq!(keys, ["own", "team"]);
    let reserved = create(&aws, &aws.name("stack"), role_template("")).tags(tag("aws:team", "data"));
    assert_eq!(code(reserved.send().await), "ValidationError");
    delete(&aws, stack.stack_id().expect("an id")).await;
}

/// A stack's name begins with a letter and has letters, digits and hyphens.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html>
#[tokio::test]
async fn a_stack_name_outside_its_pattern_is_refused() {
    let aws = aws().await;
    for name in ["1stack", "under_score", "with space", &"x".repeat(129)] {
        assert_eq!(
            code(create(&aws, name, role_template("")).send().await),
            "ValidationError",
            "{name}"
        );
    }
}

/// A stack that is not there is a validation error, by name and by id.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html>
#[tokio::test]
async fn a_stack_that_is_not_there_is_a_validation_error() {
    let aws = aws().await;
    let client = client(aws.customer());
    let nobody = aws.name("nobody");

    assert_eq!(
        code(client.describe_stacks().stack_name(&nobody).send().await),
        "ValidationError"
    );
    assert_eq!(
        code(client.describe_stack_events().stack_name(&nobody).send().await),
        "ValidationError"
    );
    assert_eq!(
        code(client.describe_stack_resources().stack_name(&nobody).send().await),
        "ValidationError"
    );
}

/// Accounts and regions do not see each other's stacks.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacks.html>
#[tokio::test]
async fn accounts_and_regions_do_not_see_each_others_stacks() {
    let Some(aws) = controlled().await else { return };
    made(&aws, "stack", create(&aws, "stack", role_template(""))).await;

    let other = client(aws.vendor())
        .describe_stacks()
        .stack_name("stack")
        .send()
        .await;
    assert_eq!(code(other), "ValidationError");
    let elsewhere = aws_sdk_cloudformation::Client::new(&aws.customer().in_region("us-east-1"));
    assert_eq!(
        code(elsewhere.describe_stacks().stack_name("stack").send().await),
        "ValidationError"
    );
}

/// A stack is made with the permissions of its caller.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/control-access-with-iam.html>
#[tokio::test]
async fn a_stack_is_made_with_its_callers_permissions() {
    let Some(aws) = controlled().await else { return };
    let iam = aws_sdk_iam::Client::new(&aws.customer().config);
    let user = async |name: &str, actions: &str| {
        iam.create_user().user_name(name).send().await.expect("a user");
        let document = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":{actions},"Resource":"*"}}]}}"#
        );
        let put = iam
            .put_user_policy()
            .user_name(name)
            .policy_name("own")
            .policy_document(document);
        put.send().await.expect("its policy");
        let key = iam
            .create_access_key()
            .user_name(name)
            .send()
            .await
            .expect("a key")
            .access_key
            .expect("a key");
        let config = aws
            .customer()
            .with_keys(&key.access_key_id, &key.secret_access_key, None);
        aws_sdk_cloudformation::Client::new(&config)
    };
    let nobody = user("nobody", r#""iam:*""#).await;
    let half = user("half", r#""cloudformation:*""#).await;
    let create = |client: &aws_sdk_cloudformation::Client| {
        let create = client
            .create_stack()
            .stack_name("stack")
            .template_body(role_template(""));
        create.capabilities(Capability::CapabilityIam).send()
    };

    assert_eq!(code(create(&nobody).await), "AccessDenied");
    create(&half).await.expect("the creation begins");
    let stack = settled(&aws, "stack").await;
    assert_eq!(stack.stack_status(), Some(&StackStatus::RollbackComplete));
    let events = events(&aws, "stack").await;
    let reason = crate::support::reason(&events, "Role", "CREATE_FAILED");
    assert!(
        reason.contains("is not authorized to perform: iam:CreateRole"),
        "{reason}"
    );
}
