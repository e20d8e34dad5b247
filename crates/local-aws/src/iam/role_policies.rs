//! Inline policies and the permissions boundary of a role.

use crate::core::Core;
use crate::error::AwsError;
use crate::iam::operations::encoded;
use crate::iam::roles;
use crate::protocol::Xml;
use crate::service::Call;

pub(super) fn put(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let policy = (params.required("PolicyName")?, params.required("PolicyDocument")?);
    roles::put_policy(core, call, params.required("RoleName")?, policy)?;
    Ok(Xml::new())
}

pub(super) fn get(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let (role, name) = (params.required("RoleName")?, params.required("PolicyName")?);
    roles::authorize(core, call, "GetRolePolicy", role)?;
    roles::with_role(core, call, role, |found| {
        let document = found.inline.get(name).ok_or_else(|| no_such_policy(name))?;
        let mut xml = Xml::new();
        xml.leaf("RoleName", role)
            .leaf("PolicyName", name)
            .leaf("PolicyDocument", encoded(&document.text));
        Ok(xml)
    })
}

pub(super) fn delete(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let (role, name) = (params.required("RoleName")?, params.required("PolicyName")?);
    roles::authorize(core, call, "DeleteRolePolicy", role)?;
    roles::with_role(core, call, role, |found| {
        found
            .inline
            .remove(name)
            .map(|_| Xml::new())
            .ok_or_else(|| no_such_policy(name))
    })
}

pub(super) fn list(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let role = params.required("RoleName")?;
    roles::authorize(core, call, "ListRolePolicies", role)?;
    roles::with_role(core, call, role, |found| {
        let mut xml = Xml::new();
        xml.members("PolicyNames", found.inline.keys(), |xml, name| {
            xml.text(name);
        });
        xml.leaf("IsTruncated", false);
        Ok(xml)
    })
}

pub(super) fn put_permissions_boundary(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let (role, boundary) = (
        params.required("RoleName")?,
        params.required("PermissionsBoundary")?,
    );
    roles::authorize(core, call, "PutRolePermissionsBoundary", role)?;
    let known = core
        .iam
        .lock()
        .entry(call.caller.account.clone())
        .or_default()
        .managed(boundary)
        .is_some();
    if !known {
        let why = format!("Scope ARN: {boundary} does not exist or is not attachable.");
        return Err(AwsError::not_found("NoSuchEntity", why));
    }
    roles::with_role(core, call, role, |found| {
        found.boundary = Some(boundary.to_owned());
        Ok(Xml::new())
    })
}

fn no_such_policy(name: &str) -> AwsError {
    AwsError::not_found(
        "NoSuchEntity",
        format!("The role policy with name {name} cannot be found."),
    )
}
