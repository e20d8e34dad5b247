//! Role operations of IAM's API.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::core::Core;
use crate::error::AwsError;
use crate::iam::roles::{self, NewRole, no_such_role};
use crate::iam::state::Role;
use crate::iam::trust;
use crate::protocol::{Params, Xml};
use crate::service::Call;

pub(super) fn create_role(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let role = roles::create(
        core,
        call,
        NewRole {
            name: params.required("RoleName")?.to_owned(),
            path: params.get("Path").unwrap_or("/").to_owned(),
            trust: params.required("AssumeRolePolicyDocument")?.to_owned(),
            description: params.get("Description").map(str::to_owned),
            max_session_seconds: params.number("MaxSessionDuration")?.unwrap_or(3_600),
            boundary: params.get("PermissionsBoundary").map(str::to_owned),
            tags: tags(&params)?,
        },
    )?;
    Ok(role_xml(&role))
}

fn tags(params: &Params) -> Result<BTreeMap<String, String>, AwsError> {
    let pairs = params.list("Tags").into_iter().map(|tag| {
        Ok((
            tag.required("Key")?.to_owned(),
            tag.get("Value").unwrap_or_default().to_owned(),
        ))
    });
    pairs.collect()
}

pub(super) fn get_role(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let name = params.required("RoleName")?;
    roles::authorize(core, call, "GetRole", name)?;
    roles::with_role(core, call, name, |role| Ok(role_xml(role)))
}

pub(super) fn delete_role(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    roles::delete(core, call, call.params()?.required("RoleName")?)?;
    Ok(Xml::new())
}

pub(super) fn update_assume_role_policy(core: &Core, call: &Call) -> Result<Xml, AwsError> {
    let params = call.params()?;
    let name = params.required("RoleName")?;
    let text = params.required("PolicyDocument")?;
    roles::authorize(core, call, "UpdateAssumeRolePolicy", name)?;
    let mut accounts = core.iam.lock();
    let trust = trust::read(&accounts, text)?;
    let role = accounts
        .get_mut(&call.caller.account)
        .and_then(|account| account.roles.get_mut(name));
    let role = role.ok_or_else(|| no_such_role(name))?;
    role.trust = trust;
    role.trusted_at = call.now;
    Ok(Xml::new())
}

/// IAM answers policy documents percent-encoded (RFC 3986).
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

pub(super) fn encoded(document: &str) -> String {
    utf8_percent_encode(document, KEPT).to_string()
}

fn role_xml(role: &Role) -> Xml {
    let mut xml = Xml::new();
    xml.node("Role", |xml| {
        xml.leaf("Path", &role.path)
            .leaf("RoleName", &role.name)
            .leaf("RoleId", &role.id)
            .leaf("Arn", &role.arn)
            .leaf("CreateDate", role.created_at.format("%Y-%m-%dT%H:%M:%SZ"))
            .leaf("AssumeRolePolicyDocument", encoded(&role.trust.text))
            .optional("Description", role.description.as_ref())
            .leaf("MaxSessionDuration", role.max_session_seconds);
        if let Some(boundary) = &role.boundary {
            xml.node("PermissionsBoundary", |xml| {
                xml.leaf("PermissionsBoundaryType", "PermissionsBoundaryPolicy")
                    .leaf("PermissionsBoundaryArn", boundary);
            });
        }
        xml.members("Tags", &role.tags, |xml, (key, value)| {
            xml.leaf("Key", key).leaf("Value", value);
        });
    });
    xml
}
