//! Stacks take their time when the endpoint is told to.

use aws_sdk_cloudformation::types::StackStatus;
use chrono::TimeDelta;
use conformance::local_aws::{LatencyModel, Options};
use conformance::{Aws, code, controlled};

use crate::support::{client, create, describe, events, outputs, role_template};

async fn status(aws: &Aws, name: &str) -> StackStatus {
    let stack = describe(aws, name).await.expect("the stack");
    stack.stack_status.expect("a status")
}

fn slowly(aws: &Aws) {
    aws.control()
        .set_latency(LatencyModel::Realistic { per_mille: 1_000 });
}

fn template() -> String {
    format!("{}\nOutputs: {{Role: {{Value: !Ref Role}}}}", role_template(""))
}

/// A creation is in progress until its resources are made, and says its outputs then.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html>
#[tokio::test]
async fn a_creation_is_in_progress_until_it_is_complete() {
    let Some(aws) = controlled().await else { return };
    slowly(&aws);
    create(&aws, "stack", template())
        .send()
        .await
        .expect("the creation begins");

    assert_eq!(status(&aws, "stack").await, StackStatus::CreateInProgress);
    assert!(outputs(&describe(&aws, "stack").await.expect("the stack")).is_empty());
    let before = events(&aws, "stack").await.len();
    aws.advance(TimeDelta::minutes(5));

    assert_eq!(status(&aws, "stack").await, StackStatus::CreateComplete);
    assert!(outputs(&describe(&aws, "stack").await.expect("the stack")).contains_key("Role"));
    assert!(events(&aws, "stack").await.len() > before);
}

/// A deletion is in progress, holds the name, and is complete later.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html>
#[tokio::test]
async fn a_deletion_holds_the_name_until_it_is_complete() {
    let Some(aws) = controlled().await else { return };
    let begun = create(&aws, "stack", template())
        .send()
        .await
        .expect("the creation begins");
    let id = begun.stack_id.expect("an id");
    slowly(&aws);
    let delete = || client(aws.customer()).delete_stack().stack_name("stack").send();
    delete().await.expect("the deletion begins");

    assert_eq!(status(&aws, "stack").await, StackStatus::DeleteInProgress);
    assert_eq!(
        code(create(&aws, "stack", template()).send().await),
        "AlreadyExistsException"
    );
    delete().await.expect("it is on its way already");
    aws.advance(TimeDelta::minutes(5));

    assert_eq!(status(&aws, &id).await, StackStatus::DeleteComplete);
    create(&aws, "stack", template())
        .send()
        .await
        .expect("the name is free");
}

/// A stack may be deleted while it is made.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-console-delete-stack.html>
#[tokio::test]
async fn a_stack_is_deleted_while_it_is_made() {
    let Some(aws) = controlled().await else { return };
    slowly(&aws);
    let begun = create(&aws, "stack", template())
        .send()
        .await
        .expect("the creation begins");
    let id = begun.stack_id.expect("an id");
    client(aws.customer())
        .delete_stack()
        .stack_name("stack")
        .send()
        .await
        .expect("the deletion begins");
    aws.advance(TimeDelta::minutes(5));

    assert_eq!(status(&aws, &id).await, StackStatus::DeleteComplete);
    let told = events(&aws, &id).await;
    let complete = |status: &str| {
        let of = |event: &&aws_sdk_cloudformation::types::StackEvent| {
            event
                .resource_status()
                .is_some_and(|told| told.as_str() == status)
        };
        told.iter().filter(of).count()
    };
    assert_eq!(complete("CREATE_COMPLETE"), 0, "the creation was cut short");
    assert!(aws.control().inventory_of(&aws.customer().id).is_empty());
}

/// A roll-back takes its time, too.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html>
#[tokio::test]
async fn a_roll_back_takes_its_time() {
    let Some(aws) = controlled().await else { return };
    slowly(&aws);
    let failing = format!(
        "{}
  Broken:
    Type: AWS::IAM::ManagedPolicy
    DependsOn: Role
    Properties: {{PolicyDocument: {{Version: \"2012-10-17\"}}}}",
        role_template("")
    );
    create(&aws, "stack", failing)
        .send()
        .await
        .expect("the creation begins");

    assert_eq!(status(&aws, "stack").await, StackStatus::CreateInProgress);
    aws.advance(TimeDelta::seconds(19));
    assert_eq!(status(&aws, "stack").await, StackStatus::RollbackInProgress);
    aws.advance(TimeDelta::minutes(5));
    assert_eq!(status(&aws, "stack").await, StackStatus::RollbackComplete);
}

/// Stacks survive a restart, with their events and what they made.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacks.html>
#[tokio::test]
async fn a_stack_survives_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = || over(directory.path());
    let Some(aws) = conformance::controlled_with(options()).await else {
        return;
    };
    create(&aws, "stack", template())
        .send()
        .await
        .expect("the creation begins");
    let before = events(&aws, "stack").await.len();
    aws.stop().await;

    let aws = conformance::controlled_with(options())
        .await
        .expect("the same settings");

    assert_eq!(status(&aws, "stack").await, StackStatus::CreateComplete);
    assert_eq!(events(&aws, "stack").await.len(), before);
    client(aws.customer())
        .delete_stack()
        .stack_name("stack")
        .send()
        .await
        .expect("the deletion begins");
    assert!(aws.control().inventory_of(&aws.customer().id).is_empty());
}

fn over(directory: &std::path::Path) -> Options {
    Options {
        data_dir: Some(directory.to_owned()),
        ..Options::default()
    }
}
