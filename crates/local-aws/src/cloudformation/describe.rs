//! What stacks tell of themselves.

use chrono::{DateTime, Utc};

use crate::cloudformation::service::{CloudFormation, find};
use crate::cloudformation::stack::{Event, Stack};
use crate::cloudformation::template::invalid;
use crate::core::Core;
use crate::error::AwsError;
use crate::protocol::{Params, Xml, page};
use crate::service::Call;

/// Stacks and events on one page; AWS fills a page up to a megabyte.
const PAGE: usize = 100;

/// The ARN that a name or an id stands for in policies.
pub(super) fn arn(call: &Call, wanted: &str) -> String {
    if wanted.starts_with("arn:") || wanted == "*" {
        return wanted.to_owned();
    }
    format!(
        "arn:aws:cloudformation:{}:{}:stack/{wanted}/*",
        call.region, call.caller.account
    )
}

fn authorize(core: &Core, call: &Call, wanted: &str) -> Result<(), AwsError> {
    let action = format!("cloudformation:{}", call.operation);
    Ok(core.authorize(&call.caller, &action, &arn(call, wanted), &call.context())?)
}

pub(super) fn stacks(service: &CloudFormation, core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let wanted = params.get("StackName");
    authorize(core, call, wanted.unwrap_or("*"))?;
    service.here(call, |stacks| {
        let mut found: Vec<&Stack> = match wanted {
            Some(wanted) => vec![find(stacks, wanted, call.now)?],
            None => stacks.iter().filter(|stack| stack.is_live(call.now)).collect(),
        };
        found.sort_by(|one, other| one.id.cmp(&other.id));
        list(
            &params,
            ("Stacks", found),
            |stack| &stack.id,
            |xml, stack| {
                stack_xml(xml, stack, call.now);
            },
        )
    })
}

fn list<T>(
    params: &Params,
    (name, items): (&str, Vec<T>),
    key: impl Fn(&T) -> &str,
    each: impl FnMut(&mut Xml, T),
) -> Result<Xml, AwsError> {
    let shown = page(items, key, params.get("NextToken"), PAGE)
        .ok_or_else(|| invalid("The specified NextToken is not valid"))?;
    let mut xml = Xml::new();
    xml.members(name, shown.items, each)
        .optional("NextToken", shown.next);
    Ok(xml)
}

/// "Returns all stack related events for a specified stack in reverse chronological order."
pub(super) fn events(service: &CloudFormation, core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let wanted = params.required("StackName")?;
    authorize(core, call, wanted)?;
    service.here(call, |stacks| {
        let stack = find(stacks, wanted, call.now)?;
        let latest_first = stack.told(call.now).rev().enumerate();
        let events: Vec<(String, &Event)> = latest_first
            .map(|(number, event)| (format!("{number:08}"), event))
            .collect();
        list(
            &params,
            ("StackEvents", events),
            |(key, _)| key,
            |xml, (_, event)| {
                event_xml(xml, stack, event);
            },
        )
    })
}

pub(super) fn resources(service: &CloudFormation, core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let wanted = match (params.get("StackName"), params.get("PhysicalResourceId")) {
        (Some(name), None) => name,
        (None, Some(_)) => "*",
        _ => {
            return Err(invalid(
                "Specify either StackName or PhysicalResourceId, but not both.",
            ));
        }
    };
    authorize(core, call, wanted)?;
    let physical = params.get("PhysicalResourceId");
    service.here(call, |stacks| {
        let stack = match physical {
            None => find(stacks, wanted, call.now)?,
            Some(physical) => holder(stacks, physical, call.now)?,
        };
        let mut states = stack.resource_states(call.now);
        if let Some(logical) = params.get("LogicalResourceId") {
            states.retain(|id, _| *id == logical);
            if states.is_empty() {
                let why = format!("Resource {logical} does not exist for stack {}", stack.name);
                return Err(invalid(why));
            }
        }
        let mut xml = Xml::new();
        xml.members("StackResources", states.values(), |xml, event| {
            resource_xml(xml, stack, event);
        });
        Ok(xml)
    })
}

/// The stack that made a resource.
fn holder<'s>(stacks: &'s [Stack], physical_id: &str, now: DateTime<Utc>) -> Result<&'s Stack, AwsError> {
    let holds = |stack: &&Stack| {
        let made = stack.resources.iter();
        stack.is_live(now) && made.into_iter().any(|made| made.physical_id == physical_id)
    };
    let found = stacks.iter().find(holds);
    found.ok_or_else(|| invalid(format!("Stack for {physical_id} does not exist")))
}

fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

fn stack_xml(xml: &mut Xml, stack: &Stack, now: DateTime<Utc>) {
    let reason = stack.state(now).and_then(|event| event.reason.as_ref());
    xml.leaf("StackId", &stack.id)
        .leaf("StackName", &stack.name)
        .optional("Description", stack.description.as_ref())
        .leaf("CreationTime", time(stack.created_at))
        .optional("DeletionTime", stack.deleted_at(now).map(time))
        .leaf("StackStatus", stack.status(now))
        .optional("StackStatusReason", reason)
        .leaf("DisableRollback", stack.rollback_disabled)
        .leaf("EnableTerminationProtection", stack.protected);
    xml.members("Capabilities", &stack.capabilities, |xml, capability| {
        xml.text(capability);
    });
    xml.members("Parameters", &stack.parameters, |xml, parameter| {
        xml.leaf("ParameterKey", &parameter.key)
            .leaf("ParameterValue", &parameter.shown);
    });
    // Outputs are said when the creation is complete.
    let complete = stack
        .told(now)
        .any(|event| event.logical_id == stack.name && event.status == "CREATE_COMPLETE");
    let outputs = stack.outputs.iter().filter(|_| complete);
    xml.members("Outputs", outputs, |xml, output| {
        xml.leaf("OutputKey", &output.key)
            .leaf("OutputValue", &output.value)
            .optional("Description", output.description.as_ref())
            .optional("ExportName", output.export.as_ref());
    });
    xml.members("Tags", &stack.tags, |xml, (key, value)| {
        xml.leaf("Key", key).leaf("Value", value);
    });
}

fn event_xml(xml: &mut Xml, stack: &Stack, event: &Event) {
    xml.leaf("EventId", &event.id)
        .optional("ClientRequestToken", event.token.as_ref());
    resource_xml(xml, stack, event);
}

fn resource_xml(xml: &mut Xml, stack: &Stack, event: &Event) {
    xml.leaf("StackId", &stack.id)
        .leaf("StackName", &stack.name)
        .leaf("Timestamp", time(event.at))
        .leaf("LogicalResourceId", &event.logical_id)
        .leaf("PhysicalResourceId", &event.physical_id)
        .leaf("ResourceType", &event.kind)
        .leaf("ResourceStatus", &event.status)
        .optional("ResourceStatusReason", event.reason.as_ref());
}
