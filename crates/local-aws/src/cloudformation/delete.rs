//! DeleteStack.
//!
//! Source: CloudFormation API reference, "DeleteStack".

use crate::cloudformation::provision::{Removal, remove_all};
use crate::cloudformation::service::CloudFormation;
use crate::cloudformation::stack::Stack;
use crate::cloudformation::template::invalid;
use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::{Params, Xml};
use crate::service::Call;

/// Deletes a stack. What is not there is a success.
pub(super) fn delete(service: &CloudFormation, core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let wanted = params.required("StackName")?;
    if params.get("RoleARN").is_some() {
        return Err(AwsError::not_implemented(
            "cloudformation",
            "DeleteStack with RoleARN",
        ));
    }
    service.here(call, |stacks| {
        let live = stacks
            .iter_mut()
            .find(|stack| stack.is_live(call.now) && (stack.name == wanted || stack.id == wanted));
        let Some(stack) = live else {
            authorize_absent(core, call, wanted)?;
            return Ok(Xml::new());
        };
        let context = call.context().resource_tags(&stack.tags);
        core.authorize(&call.caller, "cloudformation:DeleteStack", &stack.id, &context)?;
        refuse_protected(stack)?;
        retain(stack, &params, call)?;
        if stack.status(call.now) != "DELETE_IN_PROGRESS" {
            remove(core, call, stack, params.get("ClientRequestToken"));
        }
        Ok(Xml::new())
    })
}

fn authorize_absent(core: &Core, call: &Call, wanted: &str) -> Result<(), AwsError> {
    let arn = super::describe::arn(call, wanted);
    Ok(core.authorize(&call.caller, "cloudformation:DeleteStack", &arn, &call.context())?)
}

fn refuse_protected(stack: &Stack) -> Result<(), AwsError> {
    if !stack.protected {
        return Ok(());
    }
    Err(invalid(format!(
        "Stack [{}] cannot be deleted while TerminationProtection is enabled",
        stack.name
    )))
}

/// Lets go of resources that could not be deleted before.
fn retain(stack: &mut Stack, params: &Params, call: &Call) -> Result<(), AwsError> {
    let retained = params.strings("RetainResources");
    if retained.is_empty() {
        return Ok(());
    }
    if stack.status(call.now) != "DELETE_FAILED" {
        return Err(invalid(format!(
            "Invalid operation on stack [{}]. RetainResources can be specified only for a stack in DELETE_FAILED.",
            stack.id
        )));
    }
    let held = |name: &String| stack.resources.iter().any(|made| made.logical_id == *name);
    if let Some(unknown) = retained.iter().find(|name| !held(name)) {
        return Err(invalid(format!(
            "Resource [{unknown}] does not exist for stack [{}]",
            stack.name
        )));
    }
    stack
        .resources
        .retain(|made| !retained.contains(&made.logical_id));
    Ok(())
}

fn remove(core: &Core, call: &Call, stack: &mut Stack, token: Option<&str>) {
    stack.interrupt(call.now);
    stack.current_token = token.map(str::to_owned);
    stack.enter("DELETE_IN_PROGRESS", Some("User Initiated".into()), call.now);
    let mut removal = Removal {
        core,
        call,
        at: call.now,
        rolling_back: false,
    };
    let left = remove_all(&mut removal, stack);
    if left.is_empty() {
        stack.enter("DELETE_COMPLETE", None, removal.at);
        return;
    }
    let why = format!(
        "The following resource(s) failed to delete: [{}]. ",
        left.join(", ")
    );
    stack.enter("DELETE_FAILED", Some(why), removal.at);
}
