//! Making and removing roles: for IAM's own operations and for CloudFormation.

use crate::core::Core;
use crate::error::AwsError;
use crate::iam::attached::no_boundary;
use crate::iam::entity::{Kind, Named};
use crate::iam::held::{Held, Permissions};
use crate::iam::names::{check_name, check_path, delete_conflict, exists_already, violation};
use crate::iam::state::Role;
use crate::iam::{attached, inline, linked, trust};
use crate::service::Call;
use crate::tags::Tags;

const ROLE_NAME_MAX: usize = 64;

/// What a new role is made from.
pub(crate) struct NewRole {
    pub(crate) name: String,
    /// `/` or `/a/b/`.
    pub(crate) path: String,
    pub(crate) trust: String,
    pub(crate) description: Option<String>,
    pub(crate) max_session_seconds: i64,
    pub(crate) boundary: Option<String>,
    pub(crate) tags: Tags,
}

pub(super) fn named(name: &str) -> Named<'_> {
    Named {
        kind: Kind::Role,
        name,
    }
}

/// Makes a role.
pub(crate) fn create(core: &Core, call: &Call, new: NewRole) -> Result<Role, AwsError> {
    check(&new)?;
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
    // "You cannot create resources named both "MyResource" and "myresource"."
    if account
        .roles
        .keys()
        .any(|name| name.eq_ignore_ascii_case(&new.name))
    {
        return Err(exists_already(format!(
            "Role with name {} already exists.",
            new.name
        )));
    }
    if let Some(boundary) = new.boundary.as_ref().filter(|arn| account.managed(arn).is_none()) {
        return Err(no_boundary(boundary));
    }
    let held = Permissions {
        boundary: new.boundary,
        ..Permissions::default()
    };
    let role = Role {
        name: new.name.clone(),
        path: new.path,
        arn,
        id: core.ids.unique("AROA"),
        created_at: call.now,
        trusted_at: call.now,
        created_by: call.caller.principal_arn.clone(),
        trust,
        held: Held::new(held),
        tags: new.tags,
        max_session_seconds: new.max_session_seconds,
        description: new.description,
    };
    account.roles.insert(new.name, role.clone());
    Ok(role)
}

fn check(new: &NewRole) -> Result<(), AwsError> {
    check_name("roleName", &new.name, ROLE_NAME_MAX)?;
    check_path(&new.path)?;
    if new.path.starts_with(linked::PATH) {
        let why = format!(
            "Paths that begin with {} are reserved for service-linked roles.",
            linked::PATH
        );
        return Err(AwsError::bad("InvalidInput", why));
    }
    check_description(new.description.as_deref())?;
    check_session_seconds(new.max_session_seconds)
}

pub(super) fn check_description(description: Option<&str>) -> Result<(), AwsError> {
    match description {
        Some(text) if text.chars().count() > 1_000 => {
            let constraint = "Member must have length less than or equal to 1000";
            Err(violation("description", text, constraint))
        }
        _ => Ok(()),
    }
}

pub(super) fn check_session_seconds(seconds: i64) -> Result<(), AwsError> {
    if (3_600..=43_200).contains(&seconds) {
        return Ok(());
    }
    let constraint = "Member must have value between 3600 and 43200";
    Err(violation("maxSessionDuration", &seconds.to_string(), constraint))
}

/// Deletes a role that holds no policies and stands in no instance profile.
pub(crate) fn delete(core: &Core, call: &Call, name: &str) -> Result<(), AwsError> {
    named(name).authorize(core, call, "DeleteRole")?;
    named(name).refuse_protected(core, call)?;
    let mut accounts = core.iam.lock();
    let account = accounts.entry(call.caller.account.clone()).or_default();
    let role = account.roles.get(name).ok_or_else(|| named(name).missing())?;
    let in_profile = |profile: &crate::iam::InstanceProfile| profile.role.as_deref() == Some(name);
    if account.profiles.values().any(in_profile) {
        let why = "Cannot delete entity, must remove roles from instance profile first.";
        return Err(delete_conflict(why));
    }
    refuse_holding(role.held.now())?;
    let (arn, id) = (role.arn.clone(), role.id.clone());
    account.roles.remove(name);
    trust::pin_deleted(&mut accounts, &arn, &id);
    Ok(())
}

/// The refusal to delete what still has policies.
pub(super) fn refuse_holding(permissions: &Permissions) -> Result<(), AwsError> {
    if !permissions.inline.is_empty() {
        return Err(delete_conflict(
            "Cannot delete entity, must delete policies first.",
        ));
    }
    if !permissions.attached.is_empty() {
        return Err(delete_conflict(
            "Cannot delete entity, must detach all policies first.",
        ));
    }
    Ok(())
}

/// Puts an inline policy: its name and its text.
pub(crate) fn put_policy(core: &Core, call: &Call, role: &str, policy: (&str, &str)) -> Result<(), AwsError> {
    inline::put_on(core, call, named(role), policy)
}

/// Deletes an inline policy.
pub(crate) fn delete_policy(core: &Core, call: &Call, role: &str, name: &str) -> Result<(), AwsError> {
    inline::delete_on(core, call, named(role), name)
}

/// Attaches a managed policy.
pub(crate) fn attach(core: &Core, call: &Call, role: &str, policy_arn: &str) -> Result<(), AwsError> {
    attached::attach_to(core, call, named(role), policy_arn)
}

/// Detaches a managed policy.
pub(crate) fn detach(core: &Core, call: &Call, role: &str, policy_arn: &str) -> Result<(), AwsError> {
    attached::detach_from(core, call, named(role), policy_arn)
}
