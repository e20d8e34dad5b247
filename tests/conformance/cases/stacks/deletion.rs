//! DeleteStack.

use aws_sdk_cloudformation::types::{Stack, StackStatus};
use conformance::{Aws, aws, code};

use crate::support::{
    client, create, delete, describe, events, made, outputs, reason, role_template, settled,
};

fn named_role() -> String {
    format!("{}\nOutputs: {{Role: {{Value: !Ref Role}}}}", role_template(""))
}

fn iam(aws: &Aws) -> aws_sdk_iam::Client {
    aws_sdk_iam::Client::new(&aws.customer().config)
}

async fn made_stack(aws: &Aws) -> (Stack, String) {
    let name = aws.name("stack");
    let stack = made(aws, &name, create(aws, &name, named_role())).await;
    let role = outputs(&stack)["Role"].clone();
    (stack, role)
}

/// A deleted stack takes its resources along, is found by its id alone, and lists no more.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html>
#[tokio::test]
async fn a_deleted_stack_is_found_by_its_id_alone() {
    let aws = aws().await;
    let (stack, role) = made_stack(&aws).await;
    let (id, name) = (
        stack.stack_id().expect("an id"),
        stack.stack_name().expect("a name"),
    );

    delete(&aws, id).await;

    assert!(describe(&aws, name).await.is_none());
    let gone = describe(&aws, id).await.expect("a deleted stack has its id");
    assert_eq!(gone.stack_status(), Some(&StackStatus::DeleteComplete));
    assert!(gone.deletion_time().is_some());
    assert_eq!(
        code(iam(&aws).get_role().role_name(role).send().await),
        "NoSuchEntity"
    );
    let listed = client(aws.customer())
        .describe_stacks()
        .send()
        .await
        .expect("a list")
        .stacks
        .unwrap_or_default();
    assert!(listed.iter().all(|stack| stack.stack_id() != Some(id)));
}

/// Deleting what is not there, or no more, succeeds.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html>
#[tokio::test]
async fn deleting_what_is_not_there_succeeds() {
    let aws = aws().await;
    let (stack, _) = made_stack(&aws).await;
    let id = stack.stack_id().expect("an id");
    delete(&aws, id).await;

    delete(&aws, id).await;
    let nobody = client(aws.customer())
        .delete_stack()
        .stack_name(aws.name("nobody"));
    nobody.send().await.expect("nothing to do");
}

/// A role that others attached a policy to is not deleted: the stack says so, and goes when they are done.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-console-delete-stack.html>
#[tokio::test]
async fn a_role_that_others_filled_fails_the_deletion() {
    let aws = aws().await;
    let (stack, role) = made_stack(&aws).await;
    let id = stack.stack_id().expect("an id");
    let (iam, arn) = (iam(&aws), "arn:aws:iam::aws:policy/AWSDenyAll");
    iam.attach_role_policy()
        .role_name(&role)
        .policy_arn(arn)
        .send()
        .await
        .expect("it is attached");
    client(aws.customer())
        .delete_stack()
        .stack_name(id)
        .send()
        .await
        .expect("the deletion begins");

    let failed = settled(&aws, id).await;

    assert_eq!(failed.stack_status(), Some(&StackStatus::DeleteFailed));
    let told = events(&aws, id).await;
    assert!(
        reason(&told, "Role", "DELETE_FAILED").contains("must detach all policies first"),
        "{told:?}"
    );
    iam.detach_role_policy()
        .role_name(&role)
        .policy_arn(arn)
        .send()
        .await
        .expect("it is detached");
    delete(&aws, id).await;
    assert_eq!(code(iam.get_role().role_name(&role).send().await), "NoSuchEntity");
}

/// A stack whose deletion failed lets go of what cannot be deleted.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html>
#[tokio::test]
async fn what_cannot_be_deleted_may_be_retained() {
    let aws = aws().await;
    let (stack, role) = made_stack(&aws).await;
    let id = stack.stack_id().expect("an id");
    let (iam, arn) = (iam(&aws), "arn:aws:iam::aws:policy/AWSDenyAll");
    let retain = || {
        client(aws.customer())
            .delete_stack()
            .stack_name(id)
            .retain_resources("Role")
            .send()
    };
    assert_eq!(
        code(retain().await),
        "ValidationError",
        "the deletion has not failed yet"
    );
    iam.attach_role_policy()
        .role_name(&role)
        .policy_arn(arn)
        .send()
        .await
        .expect("it is attached");
    client(aws.customer())
        .delete_stack()
        .stack_name(id)
        .send()
        .await
        .expect("the deletion begins");
    settled(&aws, id).await;

    retain().await.expect("the deletion begins");

    assert_eq!(
        settled(&aws, id).await.stack_status(),
        Some(&StackStatus::DeleteComplete)
    );
    iam.get_role()
        .role_name(&role)
        .send()
        .await
        .expect("it was let go");
    iam.detach_role_policy()
        .role_name(&role)
        .policy_arn(arn)
        .send()
        .await
        .expect("it is detached");
    iam.delete_role().role_name(&role).send().await.expect("it goes");
}

/// A role that others deleted already is as wanted.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-console-delete-stack.html>
#[tokio::test]
async fn a_role_that_is_gone_already_is_as_wanted() {
    let aws = aws().await;
    let (stack, role) = made_stack(&aws).await;
    iam(&aws)
        .delete_role()
        .role_name(&role)
        .send()
        .await
        .expect("nothing holds it");

    delete(&aws, stack.stack_id().expect("an id")).await;
}

/// A stack that is protected is not deleted.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-protect-stacks.html>
#[tokio::test]
async fn a_protected_stack_is_not_deleted() {
    // Taking the protection away is another operation, so a shared account would keep the stack.
    let Some(aws) = conformance::controlled().await else {
        return;
    };
    let request = create(&aws, "stack", role_template("")).enable_termination_protection(true);
    let stack = made(&aws, "stack", request).await;
    assert_eq!(stack.enable_termination_protection(), Some(true));

    let outcome = client(aws.customer())
        .delete_stack()
        .stack_name("stack")
        .send()
        .await;

    assert_eq!(code(outcome), "ValidationError");
    let still = describe(&aws, "stack").await.expect("the stack");
    assert_eq!(still.stack_status(), Some(&StackStatus::CreateComplete));
}

/// A resource that is to be retained stays when its stack goes.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html>
#[tokio::test]
async fn a_retained_resource_stays() {
    let aws = aws().await;
    let name = aws.name("stack");
    let template = format!(
        "{}\nOutputs: {{Role: {{Value: !Ref Role}}}}",
        role_template("    DeletionPolicy: Retain")
    );
    let stack = made(&aws, &name, create(&aws, &name, template)).await;
    let (role, id) = (outputs(&stack)["Role"].clone(), stack.stack_id().expect("an id"));

    delete(&aws, id).await;

    let told = events(&aws, id).await;
    let skipped = told.iter().any(|event| {
        event.logical_resource_id() == Some("Role")
            && event
                .resource_status()
                .is_some_and(|status| status.as_str() == "DELETE_SKIPPED")
    });
    assert!(skipped, "{told:?}");
    iam(&aws)
        .delete_role()
        .role_name(role)
        .send()
        .await
        .expect("it stayed");
}

/// An attribute that the type does not take is refused.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html>
#[tokio::test]
async fn a_role_has_no_snapshot() {
    let aws = aws().await;
    let request = create(
        &aws,
        &aws.name("stack"),
        role_template("    DeletionPolicy: Snapshot"),
    );

    assert_eq!(code(request.send().await), "ValidationError");
}
