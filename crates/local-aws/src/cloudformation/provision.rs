//! Carries a template out, and takes back what a stack made, at the pace of the latency model.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::cloudformation::intrinsic::Scope;
use crate::cloudformation::references;
use crate::cloudformation::resources::{self, text};
use crate::cloudformation::stack::{Made, OnDelete, Output, Stack};
use crate::cloudformation::template::{Template, invalid};
use crate::core::Core;
use crate::error::AwsError;
use crate::service::Call;

/// What becomes of a stack whose creation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnFailure {
    /// What was made goes again.
    RollBack,
    /// What was made goes again, and the stack too.
    Delete,
    /// What was made stays.
    DoNothing,
}

/// A stack under construction.
pub(super) struct Builder<'a> {
    pub(super) core: &'a Core,
    pub(super) call: &'a Call,
    pub(super) template: &'a Template,
    pub(super) scope: Scope,
    pub(super) stack: &'a mut Stack,
    /// Names that other stacks export, with the stacks.
    pub(super) exports: BTreeMap<String, String>,
    /// When the next event happens.
    pub(super) at: DateTime<Utc>,
}

/// Why a creation failed.
struct Failure {
    /// The resource, or none for an output.
    resource: Option<Made>,
    error: AwsError,
}

impl Builder<'_> {
    /// Makes every resource, then the outputs.
    ///
    /// # Errors
    /// Only for a template that cannot be carried out at all; a resource's failure is told by the stack's events.
    pub(super) fn build(mut self, on_failure: OnFailure) -> Result<(), AwsError> {
        let order = references::order(self.template)?;
        if let Err(failure) = self.make_all(&order) {
            self.fail(&failure, on_failure);
            return Ok(());
        }
        self.at += self.core.latency.of(TimeDelta::seconds(2));
        self.stack.enter("CREATE_COMPLETE", None, self.at);
        Ok(())
    }

    fn make_all(&mut self, order: &[String]) -> Result<(), Box<Failure>> {
        for name in order {
            self.make(name)?;
        }
        let outputs = self.outputs().map_err(|error| {
            Box::new(Failure {
                resource: None,
                error,
            })
        })?;
        self.stack.outputs = outputs;
        Ok(())
    }

    fn make(&mut self, name: &str) -> Result<(), Box<Failure>> {
        let resource = &self.template.resources[name];
        let mut made = Made {
            logical_id: name.to_owned(),
            kind: text(resource, "Type").unwrap_or_default(),
            on_delete: on_delete(resource),
            ..Made::default()
        };
        match self.make_one(&mut made, resource) {
            Ok(false) => Ok(()),
            Ok(true) => {
                self.at += self.core.latency.of(resources::typical(&made.kind));
                self.stack.tell(&made, "CREATE_COMPLETE", None, self.at);
                self.stack.resources.push(made);
                Ok(())
            }
            Err(error) => Err(Box::new(Failure {
                resource: Some(made),
                error,
            })),
        }
    }

    /// Makes a resource; false for one whose condition is not met.
    fn make_one(&mut self, made: &mut Made, resource: &Value) -> Result<bool, AwsError> {
        if let Some(condition) = resource.get("Condition").and_then(Value::as_str)
            && !self.scope.is_met(condition)?
        {
            return Ok(false);
        }
        self.stack.tell(made, "CREATE_IN_PROGRESS", None, self.at);
        let properties = resource.get("Properties").cloned().unwrap_or(Value::Null);
        let properties = self.scope.resolve(&properties)?.unwrap_or(Value::Null);
        let maker = resources::Maker {
            core: self.core,
            call: self.call,
            stack_name: &self.stack.name,
            stack_tags: &self.stack.tags,
            properties: &properties,
        };
        let attributes = maker.make(made)?;
        let scope = &mut self.scope;
        for (attribute, value) in attributes {
            scope
                .attributes
                .insert(format!("{}.{attribute}", made.logical_id), value);
        }
        scope
            .values
            .insert(made.logical_id.clone(), made.physical_id.clone().into());
        Ok(true)
    }

    fn fail(&mut self, failure: &Failure, on_failure: OnFailure) {
        let error = &failure.error;
        let mut why = error.message.clone();
        if let Some(made) = &failure.resource {
            let reason = format!(
                "{} (Service: Iam, Status Code: {}, {})",
                error.message,
                error.status.as_u16(),
                error.code
            );
            self.stack.tell(made, "CREATE_FAILED", Some(reason), self.at);
            why = format!(
                "The following resource(s) failed to create: [{}].",
                made.logical_id
            );
        }
        match on_failure {
            OnFailure::DoNothing => self.stack.enter("CREATE_FAILED", Some(why), self.at),
            OnFailure::RollBack => {
                let why = format!("{why} Rollback requested by user.");
                self.stack.enter("ROLLBACK_IN_PROGRESS", Some(why), self.at);
                self.take_back(("ROLLBACK_COMPLETE", "ROLLBACK_FAILED"));
            }
            OnFailure::Delete => {
                let why = format!("{why} Delete requested by user.");
                self.stack.enter("DELETE_IN_PROGRESS", Some(why), self.at);
                self.take_back(("DELETE_COMPLETE", "DELETE_FAILED"));
            }
        }
    }

    fn take_back(&mut self, (done, failed): (&str, &str)) {
        let mut removal = Removal {
            core: self.core,
            call: self.call,
            at: self.at,
            rolling_back: true,
        };
        let left = remove_all(&mut removal, self.stack);
        let status = if left.is_empty() { done } else { failed };
        self.stack.enter(status, None, removal.at);
    }

    fn outputs(&self) -> Result<Vec<Output>, AwsError> {
        let mut outputs = Vec::new();
        for (key, output) in &self.template.outputs {
            if let Some(condition) = output.get("Condition").and_then(Value::as_str)
                && !self.scope.is_met(condition)?
            {
                continue;
            }
            outputs.push(Output {
                key: key.clone(),
                value: self.scope.text(output.get("Value").unwrap_or(&Value::Null))?,
                description: text(output, "Description"),
                export: self.export(output)?,
            });
        }
        Ok(outputs)
    }

    fn export(&self, output: &Value) -> Result<Option<String>, AwsError> {
        let Some(name) = output.get("Export").and_then(|export| export.get("Name")) else {
            return Ok(None);
        };
        let name = self.scope.text(name)?;
        match self.exports.get(&name) {
            Some(other) => Err(invalid(format!(
                "Export with name {name} is already exported by stack {other}."
            ))),
            None => Ok(Some(name)),
        }
    }
}

fn on_delete(resource: &Value) -> OnDelete {
    match resource.get("DeletionPolicy").and_then(Value::as_str) {
        Some("Retain") => OnDelete::Retain,
        Some("RetainExceptOnCreate") => OnDelete::RetainExceptOnCreate,
        _ => OnDelete::Delete,
    }
}

/// Resources on their way out.
pub(super) struct Removal<'a> {
    pub(super) core: &'a Core,
    pub(super) call: &'a Call,
    /// When the next event happens.
    pub(super) at: DateTime<Utc>,
    /// Whether a failed creation is taken back.
    pub(super) rolling_back: bool,
}

/// Removes what the stack made, last first. Returns what refused to go.
pub(super) fn remove_all(removal: &mut Removal<'_>, stack: &mut Stack) -> Vec<String> {
    let mut left = Vec::new();
    for made in std::mem::take(&mut stack.resources).into_iter().rev() {
        if stays(&made, removal.rolling_back) {
            stack.tell(&made, "DELETE_SKIPPED", None, removal.at);
            continue;
        }
        stack.tell(&made, "DELETE_IN_PROGRESS", None, removal.at);
        removal.at += removal.core.latency.of(TimeDelta::seconds(2));
        match resources::remove(removal.core, removal.call, &made) {
            Ok(()) => stack.tell(&made, "DELETE_COMPLETE", None, removal.at),
            Err(error) => {
                stack.tell(&made, "DELETE_FAILED", Some(error.message), removal.at);
                left.push(made);
            }
        }
    }
    left.reverse();
    stack.resources = left;
    stack
        .resources
        .iter()
        .map(|made| made.logical_id.clone())
        .collect()
}

fn stays(made: &Made, rolling_back: bool) -> bool {
    match made.on_delete {
        OnDelete::Delete => false,
        OnDelete::Retain => true,
        OnDelete::RetainExceptOnCreate => !rolling_back,
    }
}
