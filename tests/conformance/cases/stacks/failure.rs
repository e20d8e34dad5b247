//! Stacks whose creation fails.

use aws_sdk_cloudformation::types::{OnFailure, StackStatus};
use conformance::{Aws, aws, code};

use crate::support::{OBSERVE, create, delete, describe, events, made, reason, role_template, settled};

/// A role and then a policy that cannot be made, because its document is malformed.
fn failing() -> String {
    format!(
        r#"{}
  Broken:
    Type: AWS::IAM::ManagedPolicy
    DependsOn: Role
    Properties:
      PolicyDocument: {{Version: "2012-10-17", Statement: [{{Effect: Maybe, Action: "ec2:*", Resource: "*"}}]}}
"#,
        role_template("")
    )
}

/// How many roles of the account carry the stack's name.
async fn roles_left(aws: &Aws, stack: &str) -> usize {
    let iam = aws_sdk_iam::Client::new(&aws.customer().config);
    let mut roles = iam.list_roles().into_paginator().items().send();
    let mut left = 0;
    while let Some(role) = roles.next().await {
        left += usize::from(role.expect("a page").role_name.starts_with(stack));
    }
    left
}

/// What was made before the failure goes again, and the stack stays to tell why.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html>
#[tokio::test]
async fn a_failed_resource_rolls_the_stack_back() {
    let aws = aws().await;
    let name = aws.name("stack");
    let id = create(&aws, &name, failing())
        .send()
        .await
        .expect("the creation begins")
        .stack_id
        .expect("an id");

    let stack = settled(&aws, &name).await;

    assert_eq!(stack.stack_status(), Some(&StackStatus::RollbackComplete));
    let events = events(&aws, &name).await;
    assert!(
        reason(&events, "Broken", "CREATE_FAILED").contains("MalformedPolicyDocument"),
        "{events:?}"
    );
    assert!(reason(&events, &name, "ROLLBACK_IN_PROGRESS").contains("[Broken]"));
    assert_eq!(roles_left(&aws, &name).await, 0);
    assert!(stack.outputs().is_empty());
    delete(&aws, &id).await;
}

/// A stack that rolled back keeps its name until it is deleted.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html>
#[tokio::test]
async fn a_stack_that_rolled_back_keeps_its_name() {
    let aws = aws().await;
    let name = aws.name("stack");
    let id = create(&aws, &name, failing())
        .send()
        .await
        .expect("the creation begins")
        .stack_id
        .expect("an id");
    settled(&aws, &name).await;

    let again = create(&aws, &name, role_template("")).send().await;

    assert_eq!(code(again), "AlreadyExistsException");
    delete(&aws, &id).await;
}

/// A stack without rollback keeps what was made.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html>
#[tokio::test]
async fn a_stack_without_rollback_keeps_what_was_made() {
    let aws = aws().await;
    let name = aws.name("stack");
    let request = create(&aws, &name, failing()).disable_rollback(true);
    let id = request
        .send()
        .await
        .expect("the creation begins")
        .stack_id
        .expect("an id");

    let stack = settled(&aws, &name).await;

    assert_eq!(stack.stack_status(), Some(&StackStatus::CreateFailed));
    assert_eq!(stack.disable_rollback(), Some(true));
    assert_eq!(roles_left(&aws, &name).await, 1);
    delete(&aws, &id).await;
    assert_eq!(roles_left(&aws, &name).await, 0);
}

/// `DO_NOTHING` is the same in other words.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html>
#[tokio::test]
async fn on_failure_do_nothing_keeps_what_was_made() {
    let aws = aws().await;
    let name = aws.name("stack");
    let request = create(&aws, &name, failing()).on_failure(OnFailure::DoNothing);
    let id = request
        .send()
        .await
        .expect("the creation begins")
        .stack_id
        .expect("an id");

    let stack = settled(&aws, &name).await;

    assert_eq!(stack.stack_status(), Some(&StackStatus::CreateFailed));
    assert_eq!(roles_left(&aws, &name).await, 1);
    delete(&aws, &id).await;
}

/// `DELETE` takes the stack away with what was made.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html>
#[tokio::test]
async fn on_failure_delete_takes_the_stack_away() {
    let aws = aws().await;
    let name = aws.name("stack");
    let request = create(&aws, &name, failing()).on_failure(OnFailure::Delete);
    let id = request
        .send()
        .await
        .expect("the creation begins")
        .stack_id
        .expect("an id");

    let stack = settled(&aws, &id).await;

    assert_eq!(stack.stack_status(), Some(&StackStatus::DeleteComplete));
    assert!(describe(&aws, &name).await.is_none(), "the name is free");
    assert_eq!(roles_left(&aws, &name).await, 0);
}

/// Both settings at once are refused.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html>
#[tokio::test]
async fn on_failure_beside_disable_rollback_is_refused() {
    let aws = aws().await;
    let request = create(&aws, &aws.name("stack"), role_template("")).on_failure(OnFailure::Delete);

    assert_eq!(
        code(request.disable_rollback(true).send().await),
        "ValidationError"
    );
}

/// A role whose name is taken fails the stack, and the other role stays.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-iam-role.html>
#[tokio::test]
async fn a_role_name_that_is_taken_fails_the_stack() {
    let aws = aws().await;
    let (name, role) = (aws.name("stack"), aws.name("role"));
    let iam = aws_sdk_iam::Client::new(&aws.customer().config);
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{}"}},"Action":"sts:AssumeRole"}}]}}"#,
        aws.customer().id
    );
    let taken = iam
        .create_role()
        .role_name(&role)
        .assume_role_policy_document(trust);
    taken.send().await.expect("a role of that name");
    let request = create(&aws, &name, role_template(&format!("      RoleName: {role}")));
    let id = request
        .send()
        .await
        .expect("the creation begins")
        .stack_id
        .expect("an id");

    let stack = settled(&aws, &name).await;

    assert_eq!(stack.stack_status(), Some(&StackStatus::RollbackComplete));
    let events = events(&aws, &name).await;
    assert!(reason(&events, "Role", "CREATE_FAILED").contains("already exists"));
    iam.get_role()
        .role_name(&role)
        .send()
        .await
        .expect("it is not the stack's");
    delete(&aws, &id).await;
    iam.delete_role().role_name(&role).send().await.expect("it goes");
}

/// A property that the type does not have fails the stack.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-iam-role.html>
#[tokio::test]
async fn an_unknown_property_fails_the_stack() {
    let aws = aws().await;
    let name = aws.name("stack");
    let request = create(&aws, &name, role_template("      Colour: red"));
    let id = request
        .send()
        .await
        .expect("the creation begins")
        .stack_id
        .expect("an id");

    let stack = settled(&aws, &name).await;

    assert_eq!(stack.stack_status(), Some(&StackStatus::RollbackComplete));
    let events = events(&aws, &name).await;
    assert!(reason(&events, "Role", "CREATE_FAILED").contains("Colour"));
    delete(&aws, &id).await;
}

/// A role whose inline policy is malformed is taken back with what it held.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-iam-role.html>
#[tokio::test]
async fn a_role_with_a_malformed_policy_leaves_nothing() {
    let aws = aws().await;
    let name = aws.name("stack");
    let policies = format!(
        "      Policies: [{{PolicyName: good, PolicyDocument: {OBSERVE}}}, {{PolicyName: bad, PolicyDocument: {{Version: \"2012-10-17\"}}}}]"
    );
    let request = create(&aws, &name, role_template(&policies));
    let id = request
        .send()
        .await
        .expect("the creation begins")
        .stack_id
        .expect("an id");

    let stack = settled(&aws, &name).await;

    assert_eq!(stack.stack_status(), Some(&StackStatus::RollbackComplete));
    assert_eq!(roles_left(&aws, &name).await, 0);
    delete(&aws, &id).await;
}

/// An export's name is given once in an account and region.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html>
#[tokio::test]
async fn an_export_that_is_taken_fails_the_stack() {
    let aws = aws().await;
    let (first, second) = (aws.name("first"), aws.name("second"));
    let export = format!(
        "{}\nOutputs: {{Arn: {{Value: !Ref Role, Export: {{Name: {first}-arn}}}}}}",
        role_template("")
    );
    let made = made(&aws, &first, create(&aws, &first, export.clone())).await;
    let id = create(&aws, &second, export)
        .send()
        .await
        .expect("the creation begins")
        .stack_id
        .expect("an id");

    let stack = settled(&aws, &second).await;

    assert_eq!(stack.stack_status(), Some(&StackStatus::RollbackComplete));
    assert_eq!(roles_left(&aws, &second).await, 0);
    delete(&aws, &id).await;
    delete(&aws, made.stack_id().expect("an id")).await;
}
