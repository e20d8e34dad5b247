//! Managed policies on roles and users: attached ones and boundaries.

use crate::core::Core;
use crate::error::AwsError;
use crate::iam::entity::{Kind, Named};
use crate::iam::names::{self, no_such_entity, over_quota};
use crate::protocol::Xml;
use crate::service::Call;

/// Managed policies on one role or user.
const ATTACHED_MAX: usize = 10;

pub(super) fn attach(core: &Core, call: &Call, kind: Kind) -> Result<Xml, AwsError> {
    let params = call.params()?;
    attach_to(core, call, kind.of(&params)?, params.required("PolicyArn")?)?;
    Ok(Xml::new())
}

/// Attaches a managed policy; attaching it again changes nothing.
pub(super) fn attach_to(core: &Core, call: &Call, entity: Named<'_>, policy: &str) -> Result<(), AwsError> {
    authorize(core, call, entity, (policy, true))?;
    require(core, call, policy)?;
    entity.change(core, call, |permissions| {
        if permissions.attached.iter().any(|attached| attached == policy) {
            return Ok(());
        }
        if permissions.attached.len() == ATTACHED_MAX {
            let quota = match entity.kind {
                Kind::Role => "PoliciesPerRole",
                Kind::User => "PoliciesPerUser",
            };
            return Err(over_quota(quota, ATTACHED_MAX));
        }
        permissions.attached.push(policy.to_owned());
        Ok(())
    })
}

pub(super) fn detach(core: &Core, call: &Call, kind: Kind) -> Result<Xml, AwsError> {
    let params = call.params()?;
    detach_from(core, call, kind.of(&params)?, params.required("PolicyArn")?)?;
    Ok(Xml::new())
}

/// Detaches a managed policy.
pub(super) fn detach_from(core: &Core, call: &Call, entity: Named<'_>, policy: &str) -> Result<(), AwsError> {
    authorize(core, call, entity, (policy, false))?;
    entity.change(core, call, |permissions| {
        let before = permissions.attached.len();
        permissions.attached.retain(|attached| attached != policy);
        if permissions.attached.len() < before {
            return Ok(());
        }
        Err(no_such_entity(format!("Policy {policy} was not found.")))
    })
}

fn authorize(
    core: &Core,
    call: &Call,
    entity: Named<'_>,
    (policy, on): (&str, bool),
) -> Result<(), AwsError> {
    let action = match (entity.kind, on) {
        (Kind::Role, true) => "AttachRolePolicy",
        (Kind::Role, false) => "DetachRolePolicy",
        (Kind::User, true) => "AttachUserPolicy",
        (Kind::User, false) => "DetachUserPolicy",
    };
    entity.authorize_with(core, call, action, |context| {
        context.with("iam:PolicyARN", policy)
    })
}

/// The refusal of a managed policy that the account does not have.
fn require(core: &Core, call: &Call, policy: &str) -> Result<(), AwsError> {
    let mut accounts = core.iam.lock();
    let account = accounts.entry(call.caller.account.clone()).or_default();
    match account.managed_policy(policy) {
        Some(found) if found.is_attachable() => Ok(()),
        _ => Err(no_such_entity(format!(
            "Policy {policy} does not exist or is not attachable."
        ))),
    }
}

pub(super) fn list(core: &Core, call: &Call, kind: Kind) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let entity = kind.of(&params)?;
    let action = match kind {
        Kind::Role => "ListAttachedRolePolicies",
        Kind::User => "ListAttachedUserPolicies",
    };
    entity.authorize(core, call, action)?;
    let prefix = params.get("PathPrefix").unwrap_or("/");
    let mut all = entity.read(core, call, |permissions| Ok(permissions.attached.clone()))?;
    all.retain(|arn| path_of(arn).starts_with(prefix));
    all.sort();
    names::list(
        &params,
        ("AttachedPolicies", all),
        |arn| arn,
        |xml, arn| {
            xml.leaf("PolicyName", arn.rsplit('/').next().unwrap_or_default())
                .leaf("PolicyArn", &arn);
        },
    )
}

/// The path in a policy's ARN, `/` without one.
fn path_of(arn: &str) -> String {
    let resource = arn.split(":policy").nth(1).unwrap_or_default();
    let path = resource.rsplit_once('/').map_or("", |(path, _)| path);
    format!("{path}/")
}

pub(super) fn put_boundary(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let (role, boundary) = (Kind::Role.of(&params)?, params.required("PermissionsBoundary")?);
    role.authorize_with(core, call, "PutRolePermissionsBoundary", |context| {
        context.with("iam:PermissionsBoundary", boundary)
    })?;
    let known = {
        let mut accounts = core.iam.lock();
        let account = accounts.entry(call.caller.account.clone()).or_default();
        account.managed_policy(boundary).is_some()
    };
    if !known {
        return Err(no_boundary(boundary));
    }
    role.change(core, call, |permissions| {
        permissions.boundary = Some(boundary.to_owned());
        Ok(Xml::new())
    })
}

pub(super) fn delete_boundary(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let role = Kind::Role.of(&params)?;
    role.authorize(core, call, "DeleteRolePermissionsBoundary")?;
    role.change(core, call, |permissions| {
        let removed = permissions.boundary.take();
        removed.map(|_| Xml::new()).ok_or_else(|| {
            no_such_entity(format!(
                "The role with name {} does not have a permissions boundary.",
                role.name
            ))
        })
    })
}

/// The refusal of a boundary that is not there.
pub(super) fn no_boundary(arn: &str) -> AwsError {
    no_such_entity(format!("Scope ARN: {arn} does not exist or is not attachable."))
}
