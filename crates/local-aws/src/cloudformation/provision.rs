//! Makes and removes what a template describes, with the caller's own permissions.

use serde_json::Value;

use crate::cloudformation::intrinsic::Scope;
use crate::cloudformation::stack::{Made, Output, Stack};
use crate::cloudformation::template::{Template, invalid};
use crate::core::Core;
use crate::error::AwsError;
use crate::iam::roles::{self, NewRole};
use crate::service::Call;

/// A stack under construction.
pub(super) struct Builder<'a> {
    pub(super) core: &'a Core,
    pub(super) call: &'a Call,
    pub(super) template: &'a Template,
    pub(super) scope: Scope,
    pub(super) stack: &'a mut Stack,
}

impl Builder<'_> {
    /// Makes every resource, then the outputs; after a failure everything is removed again.
    pub(super) fn build(mut self) -> Result<(), AwsError> {
        let order = order(self.template)?;
        for name in order {
            if let Err(error) = self.make(&name) {
                let why = format!("The following resource(s) failed to create: [{name}].");
                self.roll_back(&name, &error, why);
                return Ok(());
            }
        }
        match self.outputs() {
            Ok(outputs) => {
                self.stack.outputs = outputs;
                self.stack.enter("CREATE_COMPLETE", None, self.call.now);
                Ok(())
            }
            // A template whose outputs cannot be said is refused whole, and leaves nothing behind.
            Err(error) => {
                remove_all(self.core, self.call, self.stack);
                Err(error)
            }
        }
    }

    fn roll_back(&mut self, failed: &str, error: &AwsError, why: String) {
        let kind = self.template.resources[failed]
            .get("Type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let made = Made {
            logical_id: failed.to_owned(),
            physical_id: String::new(),
            kind: kind.to_owned(),
        };
        let reason = format!(
            "{} (Service: Iam, Status Code: {}, {})",
            error.message,
            error.status.as_u16(),
            error.code
        );
        self.stack
            .tell(&made, "CREATE_FAILED", Some(reason), self.call.now);
        self.stack.enter("ROLLBACK_IN_PROGRESS", Some(why), self.call.now);
        let status = if remove_all(self.core, self.call, self.stack) {
            "ROLLBACK_COMPLETE"
        } else {
            "ROLLBACK_FAILED"
        };
        self.stack.enter(status, None, self.call.now);
    }

    fn make(&mut self, name: &str) -> Result<(), AwsError> {
        let resource = &self.template.resources[name];
        if let Some(condition) = resource.get("Condition").and_then(Value::as_str)
            && !self.scope.is_met(condition)?
        {
            return Ok(());
        }
        let kind = resource
            .get("Type")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let properties = resource.get("Properties").cloned().unwrap_or(Value::Null);
        let properties = self.scope.resolve(&properties)?.unwrap_or(Value::Null);
        let physical_id = if kind == "AWS::IAM::Role" {
            self.make_role(name, &properties)?
        } else {
            self.make_managed_policy(name, &properties)?
        };
        let made = Made {
            logical_id: name.to_owned(),
            physical_id: physical_id.clone(),
            kind,
        };
        self.stack.tell(&made, "CREATE_COMPLETE", None, self.call.now);
        self.stack.resources.push(made);
        self.scope.references.insert(name.to_owned(), physical_id);
        Ok(())
    }

    fn make_role(&mut self, name: &str, properties: &Value) -> Result<String, AwsError> {
        refuse_unknown(properties, ROLE_PROPERTIES)?;
        let trust = properties.get("AssumeRolePolicyDocument");
        let trust = trust.ok_or_else(|| {
            invalid("Properties validation failed: required key [AssumeRolePolicyDocument] not found")
        })?;
        let new = NewRole {
            name: text(properties, "RoleName").unwrap_or_else(|| self.generated(name)),
            path: text(properties, "Path").unwrap_or_else(|| "/".into()),
            trust: trust.to_string(),
            description: text(properties, "Description"),
            max_session_seconds: seconds(properties)?,
            boundary: text(properties, "PermissionsBoundary"),
            tags: self.tags(properties),
        };
        let role = roles::create(self.core, self.call, new)?;
        // From here on a failure must take the role away again, so it is noted before its policies are put.
        let attributes = &mut self.scope.attributes;
        attributes.insert(format!("{name}.Arn"), role.arn);
        attributes.insert(format!("{name}.RoleId"), role.id);
        if let Err(error) = self.fill_role(&role.name, properties) {
            remove_role(self.core, self.call, &role.name)?;
            return Err(error);
        }
        Ok(role.name)
    }

    fn fill_role(&self, role: &str, properties: &Value) -> Result<(), AwsError> {
        for policy in list(properties, "Policies") {
            let name =
                text(policy, "PolicyName").ok_or_else(|| invalid("required key [PolicyName] not found"))?;
            let document = policy
                .get("PolicyDocument")
                .cloned()
                .unwrap_or(Value::Null)
                .to_string();
            roles::put_policy(self.core, self.call, role, (&name, &document))?;
        }
        for arn in list(properties, "ManagedPolicyArns")
            .iter()
            .filter_map(Value::as_str)
        {
            roles::attach(self.core, self.call, role, arn)?;
        }
        Ok(())
    }

    fn make_managed_policy(&mut self, name: &str, properties: &Value) -> Result<String, AwsError> {
        refuse_unknown(properties, POLICY_PROPERTIES)?;
        let path = text(properties, "Path").unwrap_or_else(|| "/".into());
        let own_name = text(properties, "ManagedPolicyName").unwrap_or_else(|| self.generated(name));
        let document = properties
            .get("PolicyDocument")
            .cloned()
            .unwrap_or(Value::Null)
            .to_string();
        let arn = roles::create_managed(self.core, self.call, &format!("{path}{own_name}"), &document)?;
        self.scope
            .attributes
            .insert(format!("{name}.PolicyArn"), arn.clone());
        for role in list(properties, "Roles").iter().filter_map(Value::as_str) {
            if let Err(error) = roles::attach(self.core, self.call, role, &arn) {
                remove_policy(self.core, self.call, &arn)?;
                return Err(error);
            }
        }
        Ok(arn)
    }

    fn generated(&self, name: &str) -> String {
        let suffix = &self.core.ids.unique("")[..12];
        let stem: String = format!("{}-{name}", self.stack.name).chars().take(50).collect();
        format!("{stem}-{suffix}")
    }

    fn tags(&self, properties: &Value) -> std::collections::BTreeMap<String, String> {
        let own = list(properties, "Tags").iter();
        let own = own.filter_map(|tag| Some((text(tag, "Key")?, text(tag, "Value").unwrap_or_default())));
        self.stack.tags.clone().into_iter().chain(own).collect()
    }

    fn outputs(&self) -> Result<Vec<Output>, AwsError> {
        let mut outputs = Vec::new();
        for (key, output) in &self.template.outputs {
            if let Some(condition) = output.get("Condition").and_then(Value::as_str)
                && !self.scope.is_met(condition)?
            {
                continue;
            }
            let value = self.scope.text(output.get("Value").unwrap_or(&Value::Null))?;
            outputs.push(Output {
                key: key.clone(),
                value,
                description: text(output, "Description"),
            });
        }
        Ok(outputs)
    }
}

const ROLE_PROPERTIES: &[&str] = &[
    "RoleName",
    "Path",
    "AssumeRolePolicyDocument",
    "Description",
    "MaxSessionDuration",
    "PermissionsBoundary",
    "Policies",
    "ManagedPolicyArns",
    "Tags",
];
const POLICY_PROPERTIES: &[&str] = &[
    "ManagedPolicyName",
    "Path",
    "PolicyDocument",
    "Description",
    "Roles",
];

fn refuse_unknown(properties: &Value, known: &[&str]) -> Result<(), AwsError> {
    let unknown = properties
        .as_object()
        .and_then(|fields| fields.keys().find(|key| !known.contains(&key.as_str())));
    unknown.map_or(Ok(()), |key| {
        Err(invalid(format!("Encountered unsupported property {key}")))
    })
}

fn text(value: &Value, name: &str) -> Option<String> {
    match value.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}

fn seconds(properties: &Value) -> Result<i64, AwsError> {
    let given = text(properties, "MaxSessionDuration");
    given.map_or(Ok(3_600), |text| {
        text.parse()
            .map_err(|_| invalid("MaxSessionDuration must be a number"))
    })
}

fn list<'v>(properties: &'v Value, name: &str) -> &'v [Value] {
    properties
        .get(name)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// Removes what the stack made, last first. False when something refused to go.
pub(super) fn remove_all(core: &Core, call: &Call, stack: &mut Stack) -> bool {
    let mut left = Vec::new();
    for made in std::mem::take(&mut stack.resources).into_iter().rev() {
        let removed = if made.kind == "AWS::IAM::Role" {
            remove_role(core, call, &made.physical_id)
        } else {
            remove_policy(core, call, &made.physical_id)
        };
        match removed {
            Ok(()) => stack.tell(&made, "DELETE_COMPLETE", None, call.now),
            Err(error) => {
                stack.tell(&made, "DELETE_FAILED", Some(error.message), call.now);
                left.push(made);
            }
        }
    }
    left.reverse();
    stack.resources = left;
    stack.resources.is_empty()
}

fn remove_role(core: &Core, call: &Call, name: &str) -> Result<(), AwsError> {
    roles::authorize(core, call, "DeleteRole", name)?;
    let emptied = roles::with_role(core, call, name, |role| {
        role.inline.clear();
        role.attached.clear();
        Ok(())
    });
    match emptied {
        Ok(()) => roles::delete(core, call, name),
        // Gone already, by other hands: what is wanted is so.
        Err(error) if error.code == "NoSuchEntity" => Ok(()),
        Err(error) => Err(error),
    }
}

fn remove_policy(core: &Core, call: &Call, arn: &str) -> Result<(), AwsError> {
    if let Some(account) = core.iam.lock().get_mut(&call.caller.account) {
        for role in account.roles.values_mut() {
            role.attached.retain(|attached| attached != arn);
        }
    }
    roles::delete_managed(core, call, arn)
}

/// The resources in an order in which each comes after what it names.
fn order(template: &Template) -> Result<Vec<String>, AwsError> {
    let mut waiting: Vec<&String> = template.resources.keys().collect();
    let mut order: Vec<String> = Vec::new();
    while !waiting.is_empty() {
        let ready = |name: &&String| {
            let text = template.resources[*name].to_string();
            waiting.iter().all(|other| other == name || !names(&text, other))
        };
        let Some(next) = waiting.iter().copied().find(ready) else {
            let names: Vec<&str> = waiting.iter().map(|name| name.as_str()).collect();
            return Err(invalid(format!(
                "Circular dependency between resources: [{}]",
                names.join(", ")
            )));
        };
        order.push(next.clone());
        waiting.retain(|name| *name != next);
    }
    Ok(order)
}

/// Whether a resource's text refers to another: by `Ref`, `GetAtt`, `DependsOn` or inside a `Sub`.
fn names(text: &str, other: &str) -> bool {
    [
        format!("\"{other}\""),
        format!("${{{other}}}"),
        format!("${{{other}."),
    ]
    .iter()
    .any(|form| text.contains(form.as_str()))
}
