//! Making and removing roles and managed policies: for IAM's own operations and for CloudFormation.

use std::collections::BTreeMap;

use crate::core::Core;
use crate::error::AwsError;
use crate::iam::policy::Document;
use crate::iam::state::{ManagedPolicy, Role};
use crate::iam::trust;
use crate::service::Call;

/// Non-white characters of all inline policies of a role together.
pub(super) const INLINE_CHARACTERS_MAX: usize = 10_240;
const MANAGED_CHARACTERS_MAX: usize = 6_144;

/// What a new role is made from.
pub(crate) struct NewRole {
    pub(crate) name: String,
    /// `/` or `/a/b/`.
    pub(crate) path: String,
    pub(crate) trust: String,
    pub(crate) description: Option<String>,
    pub(crate) max_session_seconds: i64,
    pub(crate) boundary: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
}

/// The refusal of a name that is not there.
pub(crate) fn no_such_role(name: &str) -> AwsError {
    AwsError::not_found(
        "NoSuchEntity",
        format!("The role with name {name} cannot be found."),
    )
}

/// Asks for `iam:<action>` on a role of the caller's account, with the role's tags when it exists.
pub(crate) fn authorize(core: &Core, call: &Call, action: &str, name: &str) -> Result<(), AwsError> {
    let role = core
        .iam
        .lock()
        .get(&call.caller.account)
        .and_then(|account| account.roles.get(name).cloned());
    let (arn, context) = match role {
        Some(role) => (role.arn, call.context().resource_tags(&role.tags)),
        None => (
            format!("arn:aws:iam::{}:role/{name}", call.caller.account),
            call.context(),
        ),
    };
    Ok(core.authorize(&call.caller, &format!("iam:{action}"), &arn, &context)?)
}

/// Makes a role.
pub(crate) fn create(core: &Core, call: &Call, new: NewRole) -> Result<Role, AwsError> {
    check_names(&new)?;
    let account_id = &call.caller.account;
    let arn = format!("arn:aws:iam::{account_id}:role{}{}", new.path, new.name);
    let mut context = call.context().request_tags(&new.tags);
    if let Some(boundary) = &new.boundary {
        context.set("iam:PermissionsBoundary", vec![boundary.clone()]);
    }
    core.authorize(&call.caller, "iam:CreateRole", &arn, &context)?;
    if !new.tags.is_empty() {
        core.authorize(&call.caller, "iam:TagRole", &arn, &context)?;
    }
    let mut accounts = core.iam.lock();
    let trust = trust::read(&accounts, &new.trust)?;
    let account = accounts.entry(account_id.clone()).or_default();
    if account.roles.contains_key(&new.name) {
        return Err(AwsError::conflict(
            "EntityAlreadyExists",
            format!("Role with name {} already exists.", new.name),
        ));
    }
    if let Some(boundary) = new.boundary.as_ref().filter(|arn| account.managed(arn).is_none()) {
        return Err(AwsError::not_found(
            "NoSuchEntity",
            format!("Scope ARN: {boundary} does not exist or is not attachable."),
        ));
    }
    let role = Role {
        name: new.name.clone(),
        path: new.path,
        arn,
        id: core.ids.unique("AROA"),
        created_at: call.now,
        trusted_at: call.now,
        created_by: call.caller.principal_arn.clone(),
        trust,
        inline: BTreeMap::new(),
        attached: Vec::new(),
        boundary: new.boundary,
        tags: new.tags,
        max_session_seconds: new.max_session_seconds,
        description: new.description,
    };
    account.roles.insert(new.name, role.clone());
    Ok(role)
}

fn check_names(new: &NewRole) -> Result<(), AwsError> {
    let word = |char: char| char.is_ascii_alphanumeric() || "_+=,.@-".contains(char);
    let invalid = |what: &str, value: &str| {
        Err(AwsError::bad(
            "ValidationError",
            format!("The specified value for {what} is invalid: {value}"),
        ))
    };
    if new.name.is_empty() || new.name.len() > 64 || !new.name.chars().all(word) {
        return invalid("roleName", &new.name);
    }
    let path_whole = new.path.starts_with('/') && new.path.ends_with('/') && new.path.len() <= 512;
    if !path_whole || !new.path.chars().all(|char| char.is_ascii_graphic()) {
        return invalid("path", &new.path);
    }
    if !(3_600..=43_200).contains(&new.max_session_seconds) {
        return invalid("maxSessionDuration", &new.max_session_seconds.to_string());
    }
    Ok(())
}

/// Deletes a role that has no policies left.
pub(crate) fn delete(core: &Core, call: &Call, name: &str) -> Result<(), AwsError> {
    authorize(core, call, "DeleteRole", name)?;
    let mut accounts = core.iam.lock();
    let account = accounts
        .get_mut(&call.caller.account)
        .ok_or_else(|| no_such_role(name))?;
    let role = account.roles.get(name).ok_or_else(|| no_such_role(name))?;
    if !role.inline.is_empty() {
        return Err(AwsError::conflict(
            "DeleteConflict",
            "Cannot delete entity, must delete policies first.",
        ));
    }
    if !role.attached.is_empty() {
        return Err(AwsError::conflict(
            "DeleteConflict",
            "Cannot delete entity, must detach all policies first.",
        ));
    }
    let (arn, id) = (role.arn.clone(), role.id.clone());
    account.roles.remove(name);
    trust::pin_deleted(&mut accounts, &arn, &id);
    Ok(())
}

/// Puts an inline policy.
pub(crate) fn put_policy(core: &Core, call: &Call, role: &str, policy: (&str, &str)) -> Result<(), AwsError> {
    authorize(core, call, "PutRolePolicy", role)?;
    let (name, text) = policy;
    let document = Document::identity(text).map_err(|why| AwsError::bad("MalformedPolicyDocument", why))?;
    with_role(core, call, role, |role| {
        let others = role.inline.iter().filter(|(other, _)| *other != name);
        let all: String = others
            .map(|(_, document)| &*document.text)
            .chain([text])
            .collect();
        trust::refuse_large(&all, INLINE_CHARACTERS_MAX)?;
        role.inline.insert(name.to_owned(), document);
        Ok(())
    })
}

/// Changes a role of the caller's account.
pub(crate) fn with_role<T>(
    core: &Core,
    call: &Call,
    name: &str,
    change: impl FnOnce(&mut Role) -> Result<T, AwsError>,
) -> Result<T, AwsError> {
    let mut accounts = core.iam.lock();
    let account = accounts
        .get_mut(&call.caller.account)
        .ok_or_else(|| no_such_role(name))?;
    change(account.roles.get_mut(name).ok_or_else(|| no_such_role(name))?)
}

/// Makes a managed policy under `path` and `name`.
pub(crate) fn create_managed(
    core: &Core,
    call: &Call,
    path_name: &str,
    text: &str,
) -> Result<String, AwsError> {
    let arn = format!("arn:aws:iam::{}:policy{path_name}", call.caller.account);
    core.authorize(&call.caller, "iam:CreatePolicy", &arn, &call.context())?;
    trust::refuse_large(text, MANAGED_CHARACTERS_MAX)?;
    let document = Document::identity(text).map_err(|why| AwsError::bad("MalformedPolicyDocument", why))?;
    let mut accounts = core.iam.lock();
    let policies = &mut accounts.entry(call.caller.account.clone()).or_default().policies;
    if policies.contains_key(&arn) {
        return Err(AwsError::conflict(
            "EntityAlreadyExists",
            format!("A policy called {path_name} already exists."),
        ));
    }
    let created_by = call.caller.principal_arn.clone();
    policies.insert(
        arn.clone(),
        ManagedPolicy {
            arn: arn.clone(),
            document,
            created_by,
        },
    );
    Ok(arn)
}

/// Deletes a managed policy that no role uses as policy or boundary.
pub(crate) fn delete_managed(core: &Core, call: &Call, arn: &str) -> Result<(), AwsError> {
    core.authorize(&call.caller, "iam:DeletePolicy", arn, &call.context())?;
    let mut accounts = core.iam.lock();
    let account = accounts.entry(call.caller.account.clone()).or_default();
    let used = account
        .roles
        .values()
        .any(|role| role.attached.iter().chain(&role.boundary).any(|used| used == arn));
    if used {
        return Err(AwsError::conflict(
            "DeleteConflict",
            "Cannot delete a policy attached to entities.",
        ));
    }
    account.policies.remove(arn);
    Ok(())
}

/// Attaches a managed policy to a role.
pub(crate) fn attach(core: &Core, call: &Call, role: &str, policy_arn: &str) -> Result<(), AwsError> {
    authorize(core, call, "AttachRolePolicy", role)?;
    let known = core
        .iam
        .lock()
        .entry(call.caller.account.clone())
        .or_default()
        .managed(policy_arn)
        .is_some();
    if !known {
        return Err(AwsError::not_found(
            "NoSuchEntity",
            format!("Policy {policy_arn} does not exist or is not attachable."),
        ));
    }
    with_role(core, call, role, |role| {
        if !role.attached.iter().any(|attached| attached == policy_arn) {
            role.attached.push(policy_arn.to_owned());
        }
        Ok(())
    })
}
