//! Managed policies and their versions: for IAM's own operations and for CloudFormation.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::core::Core;
use crate::error::AwsError;
use crate::iam::names::{check_name, check_path, delete_conflict, exists_already, no_such_entity};
use crate::iam::policy::Document;
use crate::iam::state::IamAccount;
use crate::iam::trust;
use crate::service::Call;
use crate::tags::Tags;

const CHARACTERS_MAX: usize = 6_144;
const POLICY_NAME_MAX: usize = 128;
/// Versions of one policy.
const VERSIONS_MAX: usize = 5;

/// A managed policy, a customer's or AWS's own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ManagedPolicy {
    pub(crate) arn: String,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) description: Option<String>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    /// Empty for AWS's own.
    pub(crate) created_by: String,
    pub(crate) tags: Tags,
    /// By number: `v1` is 1. The default version is always among them.
    pub(crate) versions: BTreeMap<u32, Version>,
    pub(crate) default: u32,
    /// The highest number given so far; numbers do not come again.
    pub(crate) last: u32,
}

/// One version of a managed policy.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Version {
    pub(crate) document: Document,
    pub(crate) created_at: DateTime<Utc>,
}

impl ManagedPolicy {
    /// The document that counts.
    pub(crate) fn document(&self) -> Document {
        self.versions[&self.default].document.clone()
    }

    /// A service's own policy is attached by that service only.
    pub(crate) fn is_attachable(&self) -> bool {
        !self.path.starts_with(crate::iam::linked::PATH)
    }
}

/// What a new managed policy is made from.
pub(crate) struct NewPolicy {
    pub(crate) name: String,
    /// `/` or `/a/b/`.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) description: Option<String>,
    pub(crate) tags: Tags,
}

/// Makes a managed policy with its first version.
pub(crate) fn create(core: &Core, call: &Call, new: NewPolicy) -> Result<ManagedPolicy, AwsError> {
    check_name("policyName", &new.name, POLICY_NAME_MAX)?;
    check_path(&new.path)?;
    let arn = format!(
        "arn:aws:iam::{}:policy{}{}",
        call.caller.account, new.path, new.name
    );
    let context = call.context().request_tags(&new.tags);
    core.authorize(&call.caller, "iam:CreatePolicy", &arn, &context)?;
    if !new.tags.is_empty() {
        core.authorize(&call.caller, "iam:TagPolicy", &arn, &context)?;
    }
    let document = document(&new.text)?;
    let mut accounts = core.iam.lock();
    let policies = &mut accounts.entry(call.caller.account.clone()).or_default().policies;
    if policies
        .values()
        .any(|policy| policy.name.eq_ignore_ascii_case(&new.name))
    {
        let why = format!(
            "A policy called {} already exists. Duplicate names are not allowed.",
            new.name
        );
        return Err(exists_already(why));
    }
    let version = Version {
        document,
        created_at: call.now,
    };
    let policy = ManagedPolicy {
        arn: arn.clone(),
        id: core.ids.unique("ANPA"),
        name: new.name,
        path: new.path,
        description: new.description,
        created_at: call.now,
        updated_at: call.now,
        created_by: call.caller.principal_arn.clone(),
        tags: new.tags,
        versions: BTreeMap::from([(1, version)]),
        default: 1,
        last: 1,
    };
    policies.insert(arn, policy.clone());
    Ok(policy)
}

fn document(text: &str) -> Result<Document, AwsError> {
    trust::refuse_large(text, CHARACTERS_MAX)?;
    Document::identity(text).map_err(|why| AwsError::bad("MalformedPolicyDocument", why))
}

/// Asks for `iam:<action>` on a policy, with its tags when it exists.
pub(crate) fn authorize(core: &Core, call: &Call, action: &str, arn: &str) -> Result<(), AwsError> {
    let tags = core
        .iam
        .lock()
        .get(&call.caller.account)
        .and_then(|account| Some(account.managed_policy(arn)?.tags.clone()));
    let context = call.context().resource_tags(&tags.unwrap_or_default());
    Ok(core.authorize(&call.caller, &format!("iam:{action}"), arn, &context)?)
}

/// The refusal of a policy that is not there.
pub(crate) fn missing(arn: &str) -> AwsError {
    no_such_entity(format!("Policy {arn} was not found."))
}

/// Works on a policy that the calling account owns; AWS's own are changed by nobody.
fn with_own<T>(
    core: &Core,
    call: &Call,
    arn: &str,
    work: impl FnOnce(&mut ManagedPolicy) -> Result<T, AwsError>,
) -> Result<T, AwsError> {
    refuse_foreign(call, arn)?;
    let mut accounts = core.iam.lock();
    let account = accounts.entry(call.caller.account.clone()).or_default();
    work(account.policies.get_mut(arn).ok_or_else(|| missing(arn))?)
}

fn refuse_foreign(call: &Call, arn: &str) -> Result<(), AwsError> {
    if arn.split(':').nth(4) == Some("aws") {
        let why = format!(
            "User: {} is not authorized to change the AWS managed policy {arn}",
            call.caller.principal_arn
        );
        return Err(AwsError::forbidden("AccessDenied", why));
    }
    Ok(())
}

/// Adds a version, and makes it the default when asked. Returns its number.
pub(super) fn add_version(
    core: &Core,
    call: &Call,
    (arn, text, as_default): (&str, &str, bool),
) -> Result<(u32, Version), AwsError> {
    authorize(core, call, "CreatePolicyVersion", arn)?;
    let document = document(text)?;
    with_own(core, call, arn, |policy| {
        if policy.versions.len() >= VERSIONS_MAX {
            let why = "A managed policy can have up to 5 versions. Before you create a new version, you must delete \
                       an existing version.";
            return Err(AwsError::conflict("LimitExceeded", why));
        }
        let version = Version {
            document,
            created_at: call.now,
        };
        policy.last += 1;
        policy.versions.insert(policy.last, version.clone());
        if as_default {
            policy.default = policy.last;
        }
        policy.updated_at = call.now;
        Ok((policy.last, version))
    })
}

/// Makes a version the default.
pub(super) fn set_default(core: &Core, call: &Call, arn: &str, version: u32) -> Result<(), AwsError> {
    authorize(core, call, "SetDefaultPolicyVersion", arn)?;
    with_own(core, call, arn, |policy| {
        if !policy.versions.contains_key(&version) {
            return Err(no_version(arn, version));
        }
        policy.default = version;
        policy.updated_at = call.now;
        Ok(())
    })
}

/// Deletes a version that is not the default.
pub(super) fn delete_version(core: &Core, call: &Call, arn: &str, version: u32) -> Result<(), AwsError> {
    authorize(core, call, "DeletePolicyVersion", arn)?;
    with_own(core, call, arn, |policy| {
        if policy.default == version {
            return Err(delete_conflict("Cannot delete the default version of a policy."));
        }
        let removed = policy.versions.remove(&version);
        policy.updated_at = call.now;
        removed.map(drop).ok_or_else(|| no_version(arn, version))
    })
}

pub(super) fn no_version(arn: &str, version: u32) -> AwsError {
    no_such_entity(format!(
        "Policy {arn} version v{version} does not exist or is not attachable."
    ))
}

/// Deletes a managed policy that nobody uses and that has one version only.
pub(crate) fn delete(core: &Core, call: &Call, arn: &str) -> Result<(), AwsError> {
    authorize(core, call, "DeletePolicy", arn)?;
    refuse_foreign(call, arn)?;
    let mut accounts = core.iam.lock();
    let account = accounts.entry(call.caller.account.clone()).or_default();
    let policy = account.policies.get(arn).ok_or_else(|| missing(arn))?;
    let usage = usage(account, arn);
    if usage.attached > 0 || usage.boundary > 0 {
        return Err(delete_conflict("Cannot delete a policy attached to entities."));
    }
    if policy.versions.len() > 1 {
        let why = "This policy has more than one version. Before you delete a policy, you must delete the policy's \
                   versions. The default version is deleted with the policy.";
        return Err(delete_conflict(why));
    }
    account.policies.remove(arn);
    Ok(())
}

/// How many roles and users use a policy.
pub(super) struct Usage {
    pub(super) attached: usize,
    pub(super) boundary: usize,
}

pub(super) fn usage(account: &IamAccount, arn: &str) -> Usage {
    let roles = account.roles.values().map(|role| role.held.now());
    let users = account.users.values().map(|user| user.held.now());
    let mut usage = Usage {
        attached: 0,
        boundary: 0,
    };
    for permissions in roles.chain(users) {
        usage.attached += usize::from(permissions.attached.iter().any(|attached| attached == arn));
        usage.boundary += usize::from(permissions.boundary.as_deref() == Some(arn));
    }
    usage
}
