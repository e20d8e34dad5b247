//! Stacks that the cases are made of.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::operation::create_stack::builders::CreateStackFluentBuilder;
use aws_sdk_cloudformation::types::{Capability, Parameter, Stack, StackEvent, StackStatus};
use conformance::{Account, Aws, eventually};

/// The client of an account's administrator.
pub(crate) fn client(account: &Account) -> Client {
    Client::new(&account.config)
}

/// A template of one role that trusts its own account, with these lines below its properties.
pub(crate) fn role_template(more: &str) -> String {
    format!(
        r#"
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{{Effect: Allow, Principal: {{AWS: !Ref "AWS::AccountId"}}, Action: sts:AssumeRole}}]
{more}"#
    )
}

/// The trust policy of templates that make more than one role, as YAML in one line.
pub(crate) const TRUST: &str = r#"{Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: !Ref "AWS::AccountId"}, Action: sts:AssumeRole}]}"#;

/// A policy document that allows one thing, as YAML in one line.
pub(crate) const OBSERVE: &str =
    r#"{Version: "2012-10-17", Statement: [{Effect: Allow, Action: "ec2:Describe*", Resource: "*"}]}"#;

/// CreateStack with both capabilities for IAM.
pub(crate) fn create(aws: &Aws, name: &str, template: impl Into<String>) -> CreateStackFluentBuilder {
    let create = client(aws.customer()).create_stack().stack_name(name);
    create
        .template_body(template)
        .capabilities(Capability::CapabilityNamedIam)
}

pub(crate) fn parameter(key: &str, value: &str) -> Parameter {
    Parameter::builder()
        .parameter_key(key)
        .parameter_value(value)
        .build()
}

/// The stack, by name or id.
pub(crate) async fn describe(aws: &Aws, name: &str) -> Option<Stack> {
    let described = client(aws.customer())
        .describe_stacks()
        .stack_name(name)
        .send()
        .await
        .ok()?;
    described.stacks?.into_iter().next()
}

/// Waits until the stack has come to rest, and returns it.
pub(crate) async fn settled(aws: &Aws, name: &str) -> Stack {
    let mut last = None;
    eventually("the stack comes to rest", async || {
        last = describe(aws, name).await;
        let status = last
            .as_ref()
            .and_then(Stack::stack_status)
            .map(StackStatus::as_str);
        status.is_some_and(|status| !status.ends_with("_IN_PROGRESS"))
    })
    .await;
    last.expect("the last look found it")
}

/// Makes a stack and expects it to succeed.
pub(crate) async fn made(aws: &Aws, name: &str, request: CreateStackFluentBuilder) -> Stack {
    request.send().await.expect("the creation begins");
    let stack = settled(aws, name).await;
    assert_eq!(
        stack.stack_status(),
        Some(&StackStatus::CreateComplete),
        "{stack:?}"
    );
    stack
}

/// The outputs by name.
pub(crate) fn outputs(stack: &Stack) -> BTreeMap<String, String> {
    let outputs = stack.outputs().iter();
    let pairs = outputs
        .filter_map(|output| Some((output.output_key()?.to_owned(), output.output_value()?.to_owned())));
    pairs.collect()
}

/// The events, the last first.
pub(crate) async fn events(aws: &Aws, name: &str) -> Vec<StackEvent> {
    let events = client(aws.customer())
        .describe_stack_events()
        .stack_name(name)
        .send()
        .await;
    events.expect("events").stack_events.unwrap_or_default()
}

/// The reason that an event of this resource and status gives.
pub(crate) fn reason<'e>(events: &'e [StackEvent], resource: &str, status: &str) -> &'e str {
    let of = |event: &&StackEvent| {
        let told = event
            .resource_status()
            .map(aws_sdk_cloudformation::types::ResourceStatus::as_str);
        event.logical_resource_id() == Some(resource) && told == Some(status)
    };
    let event = events.iter().find(of);
    event
        .and_then(StackEvent::resource_status_reason)
        .unwrap_or_default()
}

/// Deletes a stack and waits until it is gone.
pub(crate) async fn delete(aws: &Aws, id: &str) {
    let delete = client(aws.customer()).delete_stack().stack_name(id);
    delete.send().await.expect("the deletion begins");
    eventually("the stack is gone", async || {
        let status = describe(aws, id).await.and_then(|stack| stack.stack_status);
        status.is_none_or(|status| status == StackStatus::DeleteComplete)
    })
    .await;
}
