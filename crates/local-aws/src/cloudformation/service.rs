//! CloudFormation's operations by name, and its stacks of all accounts and regions.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::cloudformation::stack::Stack;
use crate::cloudformation::template::invalid;
use crate::cloudformation::{create, delete, describe, fetch};
use crate::control::InventoryItem;
use crate::core::Core;
use crate::error::AwsError;
use crate::places::Places;
use crate::protocol::{Protocol, Reply};
use crate::service::{Call, Service};

/// The service: the stacks of each place in the order they were made.
#[derive(Default)]
pub(crate) struct CloudFormation {
    pub(super) stacks: Places<Vec<Stack>>,
}

#[async_trait::async_trait]
impl Service for CloudFormation {
    fn signing_name(&self) -> &'static str {
        "cloudformation"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Query {
            namespace: "http://cloudformation.amazonaws.com/doc/2010-05-15/",
        }
    }

    async fn call(&self, core: &Arc<Core>, call: &Call) -> Result<Reply, AwsError> {
        let params = call.params()?;
        let xml = match call.operation.as_str() {
            "CreateStack" => {
                let text = fetch::template_text(core, call, &params).await?;
                create::create(self, core, call, &text)?
            }
            "DescribeStacks" => describe::stacks(self, core, call)?,
            "DescribeStackEvents" => describe::events(self, core, call)?,
            "DescribeStackResources" => describe::resources(self, core, call)?,
            "DeleteStack" => delete::delete(self, core, call)?,
            other => return Err(AwsError::not_implemented("cloudformation", other)),
        };
        Ok(xml.into())
    }

    fn inventory(&self, core: &Core) -> Vec<InventoryItem> {
        let now = core.clock.now();
        let mut items = Vec::new();
        self.stacks.for_each(|account, region, stacks| {
            let live = stacks.iter().filter(|stack| stack.is_live(now));
            items.extend(live.map(|stack| InventoryItem {
                account: account.to_owned(),
                region: region.to_owned(),
                kind: "cloudformation:stack".into(),
                id: stack.id.clone(),
                tags: stack.tags.clone(),
                created_by: stack.created_by.clone(),
            }));
        });
        items
    }

    fn snapshot(&self) -> serde_json::Value {
        self.stacks.snapshot()
    }

    fn changes(&self) -> Vec<(String, serde_json::Value)> {
        self.stacks.changes()
    }

    fn restore(&self, state: serde_json::Value) -> Result<(), serde_json::Error> {
        self.stacks.restore(state)
    }
}

impl CloudFormation {
    /// Works on the stacks of the call's place.
    pub(super) fn here<T>(&self, call: &Call, work: impl FnOnce(&mut Vec<Stack>) -> T) -> T {
        self.stacks.with(&call.caller.account, &call.region, work)
    }
}

/// The stack of that name that is not deleted, or the one of that id whether deleted or not.
pub(super) fn find<'s>(stacks: &'s [Stack], wanted: &str, now: DateTime<Utc>) -> Result<&'s Stack, AwsError> {
    let found = stacks
        .iter()
        .find(|stack| stack.id == wanted || stack.is_live(now) && stack.name == wanted);
    found.ok_or_else(|| invalid(format!("Stack with id {wanted} does not exist")))
}
