//! Instance profiles: what carries a role to an instance. One role each.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::core::Core;
use crate::error::AwsError;
use crate::iam::names::{
    self, check_name, delete_conflict, exists_already, no_such_entity, over_quota, tags_xml, time,
};
use crate::iam::operations::role_xml;
use crate::iam::state::IamAccount;
use crate::iam::{pass, roles};
use crate::protocol::Xml;
use crate::service::Call;
use crate::tags::Tags;

const PROFILE_NAME_MAX: usize = 128;

/// An instance profile.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct InstanceProfile {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) arn: String,
    pub(crate) id: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) created_by: String,
    pub(crate) tags: Tags,
    /// The name of the role inside.
    pub(crate) role: Option<String>,
}

/// What a new instance profile is made from.
pub(crate) struct NewProfile {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) tags: Tags,
}

fn missing(name: &str) -> AwsError {
    no_such_entity(format!("Instance Profile {name} cannot be found."))
}

fn authorize(core: &Core, call: &Call, action: &str, name: &str) -> Result<(), AwsError> {
    let found = core.iam.instance_profile(&call.caller.account, name);
    let arn = found.as_ref().map_or_else(
        || format!("arn:aws:iam::{}:instance-profile/{name}", call.caller.account),
        |profile| profile.arn.clone(),
    );
    let tags = found.map(|profile| profile.tags).unwrap_or_default();
    let context = call.context().resource_tags(&tags);
    Ok(core.authorize(&call.caller, &format!("iam:{action}"), &arn, &context)?)
}

/// Makes an instance profile without a role.
pub(crate) fn create(core: &Core, call: &Call, new: NewProfile) -> Result<InstanceProfile, AwsError> {
    check_name("instanceProfileName", &new.name, PROFILE_NAME_MAX)?;
    names::check_path(&new.path)?;
    let account_id = &call.caller.account;
    let arn = format!(
        "arn:aws:iam::{account_id}:instance-profile{}{}",
        new.path, new.name
    );
    let context = call.context().request_tags(&new.tags);
    core.authorize(&call.caller, "iam:CreateInstanceProfile", &arn, &context)?;
    if !new.tags.is_empty() {
        core.authorize(&call.caller, "iam:TagInstanceProfile", &arn, &context)?;
    }
    let mut accounts = core.iam.lock();
    let profiles = &mut accounts.entry(account_id.clone()).or_default().profiles;
    if profiles.keys().any(|name| name.eq_ignore_ascii_case(&new.name)) {
        return Err(exists_already(format!(
            "Instance Profile {} already exists.",
            new.name
        )));
    }
    let profile = InstanceProfile {
        name: new.name.clone(),
        path: new.path,
        arn,
        id: core.ids.unique("AIPA"),
        created_at: call.now,
        created_by: call.caller.principal_arn.clone(),
        tags: new.tags,
        role: None,
    };
    profiles.insert(new.name, profile.clone());
    Ok(profile)
}

pub(super) fn create_operation(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let profile = create(
        core,
        call,
        NewProfile {
            name: params.required("InstanceProfileName")?.to_owned(),
            path: names::path(&params)?,
            tags: names::tags(&params)?,
        },
    )?;
    let mut xml = Xml::new();
    xml.node("InstanceProfile", |xml| {
        profile_xml(xml, &IamAccount::default(), &profile);
    });
    Ok(xml)
}

pub(super) fn get(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let name = params.required("InstanceProfileName")?;
    authorize(core, call, "GetInstanceProfile", name)?;
    let mut accounts = core.iam.lock();
    let account = accounts.entry(call.caller.account.clone()).or_default();
    let profile = account.profiles.get(name).ok_or_else(|| missing(name))?;
    let mut xml = Xml::new();
    xml.node("InstanceProfile", |xml| {
        profile_xml(xml, account, profile);
    });
    Ok(xml)
}

pub(super) fn delete_operation(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    delete(core, call, call.params()?.required("InstanceProfileName")?)?;
    Ok(Xml::new())
}

/// Deletes an instance profile that holds no role.
pub(crate) fn delete(core: &Core, call: &Call, name: &str) -> Result<(), AwsError> {
    authorize(core, call, "DeleteInstanceProfile", name)?;
    let mut accounts = core.iam.lock();
    let account = accounts.entry(call.caller.account.clone()).or_default();
    let profile = account.profiles.get(name).ok_or_else(|| missing(name))?;
    if profile.role.is_some() {
        let why = "Cannot delete entity, must remove roles from instance profile first.";
        return Err(delete_conflict(why));
    }
    account.profiles.remove(name);
    Ok(())
}

pub(super) fn add_role_operation(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    add_role(
        core,
        call,
        params.required("InstanceProfileName")?,
        params.required("RoleName")?,
    )?;
    Ok(Xml::new())
}

/// Puts a role into an instance profile: that passes the role to EC2, which the caller must be allowed to.
pub(crate) fn add_role(core: &Core, call: &Call, name: &str, role: &str) -> Result<(), AwsError> {
    authorize(core, call, "AddRoleToInstanceProfile", name)?;
    roles::named(role).refuse_protected(core, call)?;
    let (role_arn, _) = roles::named(role).facts(core, call);
    pass::authorize(
        core,
        &call.caller,
        &role_arn,
        ("ec2.amazonaws.com", &call.context()),
    )?;
    let mut accounts = core.iam.lock();
    let account = accounts.entry(call.caller.account.clone()).or_default();
    let known = account.roles.contains_key(role);
    let profile = account.profiles.get_mut(name).ok_or_else(|| missing(name))?;
    if !known {
        return Err(roles::named(role).missing());
    }
    if profile.role.is_some() {
        return Err(over_quota("InstanceSessionsPerInstanceProfile", 1));
    }
    profile.role = Some(role.to_owned());
    Ok(())
}

pub(super) fn remove_role_operation(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    remove_role(
        core,
        call,
        params.required("InstanceProfileName")?,
        params.required("RoleName")?,
    )?;
    Ok(Xml::new())
}

/// Takes a role out of an instance profile.
pub(crate) fn remove_role(core: &Core, call: &Call, name: &str, role: &str) -> Result<(), AwsError> {
    authorize(core, call, "RemoveRoleFromInstanceProfile", name)?;
    let mut accounts = core.iam.lock();
    let account = accounts.entry(call.caller.account.clone()).or_default();
    let profile = account.profiles.get_mut(name).ok_or_else(|| missing(name))?;
    if profile.role.as_deref() != Some(role) {
        return Err(no_such_entity(format!(
            "The role with name {role} cannot be found in instance profile {name}."
        )));
    }
    profile.role = None;
    Ok(())
}

pub(super) fn list(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    core.authorize(&call.caller, "iam:ListInstanceProfiles", "*", &call.context())?;
    let prefix = params.get("PathPrefix").unwrap_or("/");
    let mut accounts = core.iam.lock();
    let account = &*accounts.entry(call.caller.account.clone()).or_default();
    let profiles = account.profiles.values();
    let profiles = profiles
        .filter(|profile| profile.path.starts_with(prefix))
        .collect();
    names::list(&params, ("InstanceProfiles", profiles), key, |xml, profile| {
        profile_xml(xml, account, profile);
    })
}

fn key<'p>(profile: &'p &InstanceProfile) -> &'p str {
    &profile.name
}

pub(super) fn list_for_role(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let role = params.required("RoleName")?;
    roles::named(role).authorize(core, call, "ListInstanceProfilesForRole")?;
    let mut accounts = core.iam.lock();
    let account = &*accounts.entry(call.caller.account.clone()).or_default();
    if !account.roles.contains_key(role) {
        return Err(roles::named(role).missing());
    }
    let profiles = account.profiles.values();
    let holding = profiles
        .filter(|profile| profile.role.as_deref() == Some(role))
        .collect();
    names::list(&params, ("InstanceProfiles", holding), key, |xml, profile| {
        profile_xml(xml, account, profile);
    })
}

fn profile_xml(xml: &mut Xml, account: &IamAccount, profile: &InstanceProfile) {
    xml.leaf("Path", &profile.path)
        .leaf("InstanceProfileName", &profile.name)
        .leaf("InstanceProfileId", &profile.id)
        .leaf("Arn", &profile.arn)
        .leaf("CreateDate", time(profile.created_at));
    let role = profile.role.as_ref().and_then(|role| account.roles.get(role));
    xml.members("Roles", role, role_xml);
    tags_xml(xml, &profile.tags);
}
